//! The hash chain: each record carries the hash of the one before, so that a record altered, dropped or reordered is
//! found (ledger.md, invariant 4).

use std::fmt;

/// The BLAKE3 hash of an encoded record, which contains the hash of the record before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first record of a journal carries.
    pub const GENESIS: Hash = Hash([0; 32]);

    /// The hash of an encoded record.
    #[must_use]
    pub fn of(encoded: &[u8]) -> Hash {
        Hash(*blake3::hash(encoded).as_bytes())
    }

    /// A hash that was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
