//! What a ledger's tables are, whatever keeps them: their rows, and how they are asked for.
//!
//! `journal` is the truth; `landmark`, `snapshot`, `id_run` and `id_block` are made from it again where they are missing.
//! What is asked for here is what deciding, reading an account's past, opening and verifying need, and no more.

use kopeck_ledger::name::{AccountNumber, Sequence};

use crate::answer::Head;
use crate::error::StoreError;
use crate::ledger::batch::Landmark;
use crate::ledger::journal::Chunk;

/// A question's answer, or why the database did not give it.
pub type Found<T> = Result<T, StoreError>;

/// What says which ids a run has, without the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHead {
    /// Runs are numbered from 0 in the order of their making.
    pub run: i64,
    /// The last record whose ids are in this run or in those before it.
    pub through: u64,
    /// Its least id.
    pub least: u128,
    /// Its greatest id.
    pub greatest: u128,
}

/// What tells where in a run an id is, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIndex {
    /// The filter over its ids.
    pub filter: Vec<u8>,
    /// The first id of each block, one after the other.
    pub fences: Vec<u8>,
}

/// A part of the packed state after some record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPart {
    /// The BLAKE3 hash of its bytes, as it is stored beside them.
    pub hash: [u8; 32],
    /// Its bytes.
    pub state: Vec<u8>,
}

/// How many landmarks there are, and where the last one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landmarks {
    /// All of them.
    pub count: u64,
    /// The greatest record that has one; 0 where there is none.
    pub last: u64,
}

/// The tables of a ledger, as somebody reads them. Every method may fail as the database does.
pub trait Tables {
    /// The end of the journal.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn head(&self) -> Found<Head>;

    /// The last row of the journal that begins at or before a record.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn chunk_before(&self, sequence: Sequence) -> Found<Option<Chunk>>;

    /// Hands the rows of the journal that begin at or after `first` to `take`, in their order, until it answers `false`.
    ///
    /// # Errors
    /// What `take` answers, or [`StoreError`] where they can not be read.
    fn chunks(&self, first: Sequence, take: &mut dyn FnMut(Chunk) -> Found<bool>) -> Found<()>;

    /// The first landmark of an account at or after a record.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn landmark_from(&self, account: AccountNumber, from: Sequence) -> Found<Option<Landmark>>;

    /// Some landmarks in the order of accounts and records, after one of them; none where that was the last.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn landmarks_after(&self, account: AccountNumber, sequence: Sequence) -> Found<Vec<Landmark>>;

    /// What landmarks there are.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn landmarks(&self) -> Found<Landmarks>;

    /// All runs of ids, in their order.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn runs(&self) -> Found<Vec<RunHead>>;

    /// What tells where in a run an id is.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read, or is not there.
    fn run_index(&self, run: i64) -> Found<RunIndex>;

    /// The entries of a block of ids.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn block(&self, block: i64) -> Found<Option<Vec<u8>>>;

    /// The entries of all blocks from `first` to before `end`, one after the other.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn blocks(&self, first: i64, end: i64) -> Found<Vec<u8>>;

    /// The record that the last whole snapshot was made after.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn newest_snapshot(&self) -> Found<Option<Sequence>>;

    /// The parts of the snapshot that was made after a record, in their order.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn snapshot(&self, sequence: Sequence) -> Found<Vec<SnapshotPart>>;
}
