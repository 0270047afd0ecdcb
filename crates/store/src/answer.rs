//! What a store answers beside the ledger's own words: where a journal ends, how far a long work has come, and what
//! verifying has found.

use std::fmt;

use kopeck_ledger::chain::Hash;
use kopeck_ledger::name::{Moment, Sequence};

/// The end of a journal, or of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last record. [`Sequence::NONE`] where there is none.
    pub sequence: Sequence,
    /// Its instant. [`Moment::FIRST`] where there is none.
    pub at: Moment,
    /// Its hash.
    pub hash: Hash,
}

impl Head {
    /// That of an empty journal.
    pub const EMPTY: Head = Head { sequence: Sequence::NONE, at: Moment::FIRST, hash: Hash::GENESIS };
}

/// How much of a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Pages that are copied; records, where a database is copied to one of another kind.
    pub pages: u64,
    /// All of them.
    pub of: u64,
}

/// How far verifying has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records that are proven.
    pub records: u64,
    /// Records in all.
    pub of: u64,
}

/// What verifying has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Records that are proven.
    pub records: u64,
    /// Transfers in them.
    pub transfers: u64,
    /// The journal's end, as far as it is proven.
    pub head: Head,
    /// The first that is broken.
    pub problem: Option<Problem>,
}

/// Something that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which record, where it is about one.
    pub record: Option<Sequence>,
    /// What is wrong, in words that follow "record 17".
    pub reason: String,
}

impl Problem {
    /// Something about a record.
    pub(crate) fn at(record: Sequence, reason: impl fmt::Display) -> Problem {
        Problem { record: Some(record), reason: reason.to_string() }
    }

    /// Something beside the records.
    pub(crate) fn beside(reason: impl fmt::Display) -> Problem {
        Problem { record: None, reason: reason.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            Some(record) => write!(f, "record {record} {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}
