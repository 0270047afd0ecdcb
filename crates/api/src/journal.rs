//! The journal: where it ends, and what checking it has found.

use kopeck_ledger::name::{Moment, Sequence};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::forms::Time;

/// Where the journal ended, so that nobody can cut it off before
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Head)]
pub struct HeadDocument {
    /// Its last record
    pub record: u64,
    /// That record's instant
    pub at: Time,
    /// That record's hash, which holds all before it
    pub hash: String,
}

impl HeadDocument {
    /// Where a journal ended.
    #[must_use]
    pub fn of(sequence: Sequence, at: Moment, hash: &impl ToString) -> HeadDocument {
        HeadDocument { record: sequence.0, at: Time(at), hash: hash.to_string() }
    }
}

/// What checking everything has found: the journal, and where they are the event log and the directory
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Records that are proven
    pub records: u64,
    /// Transfers in them
    pub transfers: u64,
    /// The journal's end, as far as it is proven
    pub head: HeadDocument,
    /// What was found of the event log; `null` where there is none
    #[schema(required)]
    pub events: Option<EventsVerification>,
    /// What was found of the directory; `null` where there is none
    #[schema(required)]
    pub directory: Option<DirectoryVerification>,
    /// The first thing that is broken; `null` where all is well
    #[schema(required)]
    pub problem: Option<Broken>,
    /// All that is broken first in each store
    pub problems: Vec<Broken>,
}

/// What checking the event log has found
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventsVerification {
    /// Events that are proven
    pub events: u64,
    /// Steps of settling that are there without a gap
    pub steps: u64,
    /// Their postings that the ledger has as they were decided; `null` where that was not compared, as the ledger or the
    /// log is broken by itself
    #[schema(required)]
    pub postings: Option<u64>,
}

/// What checking the directory has found
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectoryVerification {
    /// Acts that are proven
    pub acts: u64,
    /// The hash of the last of them, which holds all before it
    pub hash: String,
}

/// Of which store
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The ledger
    Ledger,
    /// The event log, also where the ledger does not have what was decided by it
    Events,
    /// The directory
    Directory,
}

/// Something that is broken
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Broken {
    /// Where
    pub store: Kept,
    /// Which record of the ledger or act of the directory, where it is about one
    #[schema(required)]
    pub record: Option<u64>,
    /// What is wrong
    pub reason: String,
}

/// Which table
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TableQuery {
    /// The accounts as they are now, or all transfers
    #[param(inline)]
    pub table: Table,
}

/// A table of the ledger
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// The accounts as they are now
    Accounts,
    /// All transfers
    Transfers,
}
