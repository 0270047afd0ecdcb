//! Enumerations that are written to the journal as one byte and shown to people by the contract's own word.

/// Defines an enumeration whose variants have a byte (their place, from 1), a word, and a doc comment each.
/// Bytes are promised: a variant is only ever added at the end.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$variant_about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_about])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of their bytes.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The byte that stands for it in the journal, from 1.
            #[must_use]
            pub fn code(self) -> u8 {
                self as u8 + 1
            }

            /// What a byte of the journal stands for.
            #[must_use]
            pub fn from_code(code: u8) -> Option<$name> {
                $name::ALL.get(usize::from(code).checked_sub(1)?).copied()
            }

            /// The contract's word for it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }

            /// What a word means.
            #[must_use]
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

pub(crate) use named;
