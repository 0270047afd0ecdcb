//! What things of the directory are called, and the small values that they are made of.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use kopeck_ledger::name::{AccountId, Text, TextError};
use kopeck_rating::number::Number;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$about:meta])* $name:ident)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<$name, uuid::Error> {
                text.parse().map($name)
            }
        }
    )+};
}

ids! {
    /// Names a user, and the user's ledger account.
    UserId
    /// Names a workspace, and its ledger account.
    WorkspaceId
    /// Names a plan.
    PlanId
    /// Names a provider.
    ProviderId
    /// Names an executor, and its ledger account.
    ExecutorId
    /// Names a storage, and its ledger account.
    StorageId
    /// Names an API that a project offers by key.
    ApiId
    /// Names a key to an API, from its request on.
    KeyId
    /// Names a role that a project has made.
    RoleId
    /// Names one user's holding of a paid role, from its request on.
    GrantId
    /// Names a bearer token.
    TokenId
}

macro_rules! with_account {
    ($($name:ident),+) => {$(
        impl $name {
            /// Its ledger account has the same id, so the account is known before it is opened and opening it
            /// twice opens one.
            #[must_use]
            pub fn account(self) -> AccountId {
                AccountId(self.0)
            }
        }
    )+};
}

with_account!(UserId, WorkspaceId, ExecutorId, StorageId);

macro_rules! texts {
    ($($(#[$about:meta])* $name:ident)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Text);

        impl $name {
            /// A name that obeys the limits of [`Text`].
            ///
            /// # Errors
            /// [`TextError`] where it does not.
            pub fn new(text: &str) -> Result<$name, TextError> {
                Text::new(text).map($name)
            }

            /// Its characters.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<$name, TextError> {
                $name::new(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

texts! {
    /// Names a project as its events do: chosen by whoever makes it, or made of a UUID.
    ProjectId
    /// Names a price book as its file does.
    BookId
}

/// The number of a price book that meters usage: dense, from 0, and never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeterId(pub u32);

/// A price: a decimal from 0 to below 10⁹ of at most 9 places, as price books have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(Number);

/// A text is not a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a price: write a decimal below 1000000000 with at most 9 decimals, as in 0.000611111")]
pub struct NoPrice;

impl Price {
    /// Nothing to pay.
    pub const ZERO: Price = Price(Number::ZERO);

    /// A price of a price book, which obeys the same limits.
    pub(crate) fn of_book(price: Number) -> Price {
        Price(price)
    }

    /// The number itself.
    #[must_use]
    pub fn number(self) -> Number {
        self.0
    }
}

impl FromStr for Price {
    type Err = NoPrice;

    fn from_str(text: &str) -> Result<Price, NoPrice> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.trim_start_matches('0').len() > 9 || fraction.trim_end_matches('0').len() > 9 {
            return Err(NoPrice);
        }
        Number::from_text(text, false).map(Price).ok_or(NoPrice)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is kept of a secret: enough to know it again, not to tell it. Secrets are 256 random bits, so one fast hash
/// is as hard to turn back as a slow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret's text, whatever text was sent for one.
    #[must_use]
    pub fn of(secret: &str) -> SecretHash {
        SecretHash(*blake3::hash(secret.as_bytes()).as_bytes())
    }

    /// The hash of these bytes, which was made elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> SecretHash {
        SecretHash(bytes)
    }
}

/// A text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a hash of 64 hexadecimal digits")]
pub struct NoHash;

impl FromStr for SecretHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<SecretHash, NoHash> {
        blake3::Hash::from_hex(text).map(|hash| SecretHash(*hash.as_bytes())).map_err(|_| NoHash)
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_text!(Price, SecretHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_decimal_below_a_billion_of_nine_places() {
        for text in ["0", "0.000000001", "999999999.999999999", "12.5"] {
            assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "1000000000", "0.0000000001", "1e3", "x", "."] {
            assert_eq!(text.parse::<Price>(), Err(NoPrice), "{text}");
        }
    }

    #[test]
    fn a_secret_is_known_again_by_its_hash_and_the_hash_survives_its_text() {
        let hash = SecretHash::of("kpk_1");
        assert_eq!(hash, SecretHash::of("kpk_1"));
        assert_ne!(hash, SecretHash::of("kpk_2"));
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }
}
