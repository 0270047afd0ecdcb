//! What an event log asks of a database: each question one statement or a few.

use kopeck_ledger::name::Moment;

use crate::error::StoreError;
use crate::events::{Kept, Position, Snapshot};
use crate::ledger::id_filter::IdFilter;
use crate::log::beside::{StoredStep, Which};
use crate::log::chunk::Chunk;
use crate::log::keys::run::RunRow;

/// What is found, or why it can not be read.
pub type Found<T> = Result<T, StoreError>;

/// A part of a snapshot: its hash and its bytes.
pub type StoredPart = ([u8; 32], Vec<u8>);

/// What tells a row from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHead {
    /// Its first event.
    pub first: Position,
    /// How many there are.
    pub events: u64,
    /// The hash of all of it.
    pub hash: [u8; 32],
}

/// The tables of one log.
pub trait Tables {
    /// The last event of the log, and when it was received.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn end(&self) -> Found<(Position, Moment)>;

    /// Up to `most` rows from the one on in which a position lies, or the first that is behind it.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn rows_from(&self, position: Position, most: usize) -> Found<Vec<Chunk>>;

    /// The row that begins with a position.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn row_at(&self, first: Position) -> Found<Option<Chunk>>;

    /// Where the row begins in which a position lies; the position itself where there is none.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn first_of(&self, position: Position) -> Found<Position>;

    /// Up to `most` filters from the row on that begins with a position, each with its row's first position.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn filters_from(&self, first: Position, most: usize) -> Found<Vec<(Position, IdFilter)>>;

    /// Up to `most` heads of rows after the one that begins with a position.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn row_heads(&self, after: Position, most: usize) -> Found<Vec<RowHead>>;

    /// The instant before which keys need not be known.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn forgotten(&self) -> Found<i64>;

    /// What is said of the runs of keys, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn runs(&self) -> Found<Vec<RunRow>>;

    /// The last step that is written; 0 where there is none.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn last_step(&self) -> Found<u64>;

    /// The last step that was confirmed, and all before it were; 0 where there is none.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn confirmed(&self) -> Found<u64>;

    /// A step.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn step(&self, number: u64) -> Found<Option<StoredStep>>;

    /// Up to `most` steps after a number.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn steps(&self, which: Which, after: u64, most: usize) -> Found<Vec<StoredStep>>;

    /// Up to `most` numbers of steps before one that may post something of a key, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn steps_with(&self, key: u64, before: u64, most: usize) -> Found<Vec<u64>>;

    /// The keys of a step as they are stored. `None` where it was written without any.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn step_keys(&self, number: u64) -> Found<Option<Vec<u8>>>;

    /// What is due by the clock, and at which instant it was done last.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn duties(&self) -> Found<Vec<([u8; 16], Moment)>>;

    /// Up to `most` entries of a list after a name, in the order of names; all of them or only what is open.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn kept(&self, list: u8, which: (&[u8], bool), most: usize) -> Found<Vec<Kept>>;

    /// The lists that have entries, ascending.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be read.
    fn kept_lists(&self) -> Found<Vec<u8>>;

    /// The last snapshot that became whole.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn snapshot(&self) -> Found<Option<Snapshot>>;

    /// A part of a snapshot.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn snapshot_part(&self, snapshot: u64, part: u64) -> Found<Option<StoredPart>>;

    /// The number of the next snapshot.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn next_snapshot(&self) -> Found<u64>;
}
