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

/// What checking the whole journal has found
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Records that are proven
    pub records: u64,
    /// Transfers in them
    pub transfers: u64,
    /// The journal's end, as far as it is proven
    pub head: HeadDocument,
    /// The first thing that is broken; `null` where all is well
    #[schema(required)]
    pub problem: Option<Broken>,
}

/// Something that is broken
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Broken {
    /// Which record, where it is about one
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
