//! Numbers as databases keep them: with a sign, in 64 bits. Those of a store are far below 2⁶³.

/// A number as a database keeps it.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that a database has kept; what is negative was not written by a store, and is met as 0.
pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
