//! Connections to one database: how each is set up, and the pool of those that only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::StoreError;
use crate::pool::Pool;

/// The name of the database in a store's folder.
pub const DATABASE_FILE: &str = "kopeck.db";

/// How long a connection waits for a short lock of another one, as at the end of a checkpoint.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 32;
/// Memory for pages of one connection, in KB; the system keeps the rest of the file in its own.
const WRITER_CACHE_KB: i64 = 16_384;
const READER_CACHE_KB: i64 = 4_096;

/// So much of the database a reader sees in the system's own memory, without copying: a history is many small reads.
/// Nothing is written this way, and no database becomes shorter while it is open.
const MAPPED_BYTES: i64 = 1 << 40;

/// A log that has grown beyond this while somebody read for long becomes so large again when it is begun anew.
const LARGEST_LOG_BYTES: u32 = 256 << 20;

/// When what is committed reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncMode {
    /// Before the commit returns: what is acknowledged survives a power cut.
    #[default]
    Full,
    /// When the system likes: for simulated crashes, which see what was written and not what a disk keeps.
    Never,
}

/// The connection that may write.
///
/// # Errors
/// [`StoreError`] where the database can not be opened.
pub fn writer(path: &Path, sync: SyncMode) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = opened(path, flags, WRITER_CACHE_KB)?;
    let synchronous = match sync {
        SyncMode::Full => "FULL",
        SyncMode::Never => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

/// Turns the write-ahead log on; it stays on for ever. Copying it back is [`super::checkpoint`]'s matter.
///
/// # Errors
/// [`StoreError`] where the file system can not do it.
pub fn use_log(connection: &Connection) -> Result<(), StoreError> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Database(format!("it can not use a write-ahead log here, but {mode}")));
    }
    connection.query_row("PRAGMA wal_autocheckpoint = 0", (), |_| Ok(()))?;
    connection.query_row(&format!("PRAGMA journal_size_limit = {LARGEST_LOG_BYTES}"), (), |_| Ok(()))?;
    Ok(())
}

/// A connection that only reads.
///
/// # Errors
/// [`StoreError`] where the database can not be opened.
pub fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = opened(path, flags, READER_CACHE_KB)?;
    connection.pragma_update(None, "mmap_size", MAPPED_BYTES)?;
    Ok(connection)
}

fn opened(path: &Path, flags: OpenFlags, cache_kb: i64) -> Result<Connection, StoreError> {
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(LOCK_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "cache_size", -cache_kb)?;
        Ok(connection)
    };
    connect().map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotALedger(path.to_path_buf()),
        _ => error.into(),
    })
}

/// The readers of one database.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    pool: Pool<Connection>,
}

impl Readers {
    /// A pool that makes its connections when they are needed.
    #[must_use]
    pub fn of(path: &Path) -> Readers {
        Readers { path: path.to_path_buf(), pool: Pool::default() }
    }

    /// Reads with one of the connections, as of one instant; waits while all are in use.
    ///
    /// # Errors
    /// What `work` answers, or [`StoreError`] where no connection can be made.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // One transaction: what is read together is of one instant, and a lock is taken once and not for each row.
        let in_transaction = |connection: &Connection| {
            let reading = connection.unchecked_transaction()?;
            work(&reading).and_then(|done| Ok(reading.finish().map(|()| done)?))
        };
        self.pool.with(|| reader(&self.path), |_| true, in_transaction)
    }
}
