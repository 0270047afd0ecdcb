//! Why the store could not do what was asked: named results that carry what a message needs.
//!
//! What the ledger refuses is no error but an answer; see [`Reply`](crate::store::Reply). An error says that the
//! question was not decided, or that its answer is not known to be durable.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::postgres::PostgresError;

/// Why something of the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error("{} is in use{}: stop that process first", folder.display(), Holder(*process))]
    InUse {
        /// The store's folder.
        folder: PathBuf,
        /// The process that has it open, where it is known.
        process: Option<u32>,
    },
    /// The database was written by a newer program.
    #[error("{} has version {found} and this program knows versions up to {known}: use a newer kopeck", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file is no database of kopeck.
    #[error("{} is not a ledger of kopeck", .0.display())]
    NotALedger(PathBuf),
    /// The file is no event log of kopeck.
    #[error("{} is not an event log of kopeck", .0.display())]
    NotAnEventLog(PathBuf),
    /// There is no event log in the folder.
    #[error("there is no event log in {}: make one with `kopeck init`", .0.display())]
    NoEventLog(PathBuf),
    /// There is an event log in the folder already.
    #[error("{} already holds an event log", .0.display())]
    EventLogExists(PathBuf),
    /// An event's line is not in the bytes of its group, or is longer than 16 MiB: nothing was taken.
    #[error("the line of event {arrival} of a group is not in its bytes, or too long: nothing was taken")]
    NoSuchLine {
        /// Which event of the group, from 0.
        arrival: usize,
    },
    /// A step of settling that does not follow the last one: nothing was written.
    #[error("step {number} of settling can not be written: the last one is step {last}")]
    StepOutOfOrder {
        /// The step.
        number: u64,
        /// The last one that is written; 0 where there is none.
        last: u64,
    },
    /// The file is no directory of users and projects.
    #[error("{} is not kopeck's directory of users and projects", .0.display())]
    NotADirectory(PathBuf),
    /// There is no store in the folder.
    #[error("there is no ledger in {}: make one with `kopeck init`", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("{} already holds a ledger", .0.display())]
    Exists(PathBuf),
    /// Restoring a backup has not come to its end: what is in the folder does not fit together.
    #[error("a restore to {} was not finished: run `kopeck restore` again", .0.display())]
    Unfinished(PathBuf),
    /// A restore that was interrupted has come to its end now, and nothing else was done.
    #[error("a restore to {} had been interrupted; it is finished now", .0.display())]
    Finished(PathBuf),
    /// What is there already is no beginning of what is to be copied.
    #[error("the copy holds something else: {0}; copy to an empty place")]
    CopyDiffers(String),
    /// A backup of a ledger alone, and a folder with more than that.
    #[error(
        "the backup holds a ledger alone, and {} also has usage events and a directory, which would not fit it",
        .0.display()
    )]
    LedgerAlone(PathBuf),
    /// Another owner has taken over; nothing was written, and this one can never write again.
    #[error("the database has a newer owner (epoch {current}, this one has {own}): nothing was written")]
    Fenced {
        /// The epoch of this store.
        own: i64,
        /// The epoch of the one that owns the database now.
        current: i64,
    },
    /// There is no room for what should be written. Nothing of it was; it may be sent again when there is room.
    #[error("the disk is full: nothing was written; make room and send it again")]
    Full,
    /// The queue is as long as it may be: nothing was taken.
    #[error("{waiting} requests are waiting already: send it again later")]
    Busy {
        /// What the queue holds.
        waiting: usize,
    },
    /// It may have been written or not: asking again with the same id tells, and changes nothing twice.
    #[error("whether it was written is not known ({0}): send it again with the same id")]
    Unknown(String),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// What is stored is not what was written.
    #[error("the database is damaged: {0}; `kopeck ledger verify` tells where")]
    Corrupt(String),
    /// A file could not be used.
    #[error("can not {doing} {}: {reason}", path.display())]
    Io {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// What only a database behind a network can fail with.
    #[error(transparent)]
    Postgres(PostgresError),
    /// The database refused.
    #[error("the database: {0}")]
    Database(String),
}

impl StoreError {
    /// A file that could not be used.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "made by map_err, which gives the error away")]
    pub fn io(doing: &'static str, path: &Path, error: io::Error) -> StoreError {
        if error.kind() == io::ErrorKind::StorageFull {
            return StoreError::Full;
        }
        StoreError::Io { doing, path: path.to_path_buf(), reason: error.to_string() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt(error.to_string())
            }
            _ => StoreError::Database(error.to_string()),
        }
    }
}

/// The process that holds a lock, as a message names it.
struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, " by process {process}"),
            None => f.write_str(" by another process"),
        }
    }
}
