//! The embedded store: one SQLite database in a folder, one process, one thread that decides and one that writes.
//!
//! What decides and what is shared is [`crate::ledger`]'s; here is what knows SQLite: connections, tables, commits, moving
//! the log into the database, copies, and the lock that keeps a second process out.

pub mod backup;
mod checkpoint;
mod connections;
pub mod directory;
pub mod events;
pub mod instant;
mod lock;
pub mod restore;
pub(crate) mod schema;
pub(crate) mod tables;
pub mod verify;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::answer::{Copied, Progress, Report};
use crate::error::StoreError;
use crate::faults::{Faults, NoFaults};
use crate::ledger::tables::Tables;
use crate::ledger::{LedgerStore, Loaded, Place};
use crate::store::Answer;

use checkpoint::Checkpoints;
use connections::Readers;
use lock::ProcessLock;
use writer::Disk;

pub use crate::head_log::{self, HEAD_LOG_FILE};
use crate::ledger::shared;
pub use crate::ledger::shared::Clock;
pub use connections::{DATABASE_FILE, SyncMode};
pub use lock::LOCK_FILE;
pub use restore::restore;

/// The name of SQLite's log in a store's folder.
pub const LOG_FILE: &str = "kopeck.db-wal";
/// The size that a served store's log is made with.
pub const SERVED_LOG_BYTES: usize = 80 << 20;

/// How a store is opened.
pub struct Options {
    /// What time it is.
    pub clock: Clock,
    /// When a commit reaches the disk.
    pub sync: SyncMode,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// The database may grow to so many pages of 8 KB; beyond that the disk counts as full.
    pub most_pages: Option<u32>,
    /// The log is made with so many bytes. A log that has its size syncs faster; 0 is right for a single command.
    pub log_bytes: usize,
}

impl Options {
    /// Those of a store that is served or used by a command, at the time of that clock.
    #[must_use]
    pub fn at(clock: Clock) -> Options {
        Options { clock, sync: SyncMode::Full, faults: Box::new(NoFaults), most_pages: None, log_bytes: 0 }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("sync", &self.sync)
            .field("log_bytes", &self.log_bytes)
            .finish_non_exhaustive()
    }
}

/// An open ledger in a folder.
pub type SqliteStore = LedgerStore<Folder>;

/// The folder of an open ledger.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    readers: Readers,
    /// Released when nobody writes any more.
    _lock: ProcessLock,
}

impl Place for Folder {
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T> {
        self.readers.with(|connection| work(connection))
    }

    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<Report> {
        verify::folder(&self.path, progress)
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let source = connections::reader(&self.path.join(DATABASE_FILE))?;
        backup::copy_to(&source, target, progress)
    }
}

impl SqliteStore {
    /// Makes an empty ledger in a folder, and the folder where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where there is one.
    pub fn create(folder: &Path) -> Answer<()> {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::io("make", folder, error))?;
        let _lock = ProcessLock::take(folder)?;
        restore::check_new(folder)?;
        let path = folder.join(DATABASE_FILE);
        let mut connection = connections::writer(&path, SyncMode::Full)?;
        if schema::LEDGER.is_in(&connection, &path)? {
            return Err(StoreError::Exists(folder.to_path_buf()));
        }
        schema::LEDGER.prepare(&connection)?;
        connections::use_log(&connection)?;
        schema::LEDGER.migrate(&mut connection, &path)?;
        backup::sync_folder_of(&path)
    }

    /// Opens the ledger in a folder, takes a new epoch and loads the state.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::InUse`], [`StoreError::NotALedger`], [`StoreError::Newer`];
    /// [`StoreError::Corrupt`] where the journal can not be read to its end.
    pub fn open(folder: &Path, options: Options) -> Answer<SqliteStore> {
        let path = folder.join(DATABASE_FILE);
        if !path.is_file() {
            restore::check(folder)?;
            return Err(StoreError::Missing(folder.to_path_buf()));
        }
        let lock = ProcessLock::take(folder)?;
        restore::check(folder)?;
        let mut connection = connections::writer(&path, options.sync)?;
        if !schema::LEDGER.is_in(&connection, &path)? {
            return Err(StoreError::NotALedger(path));
        }
        schema::LEDGER.migrate(&mut connection, &path)?;
        let epoch = take_epoch(&mut connection)?;
        let loaded = Loaded::of(&connection)?;
        // Only now: a log that is there has what the database is missing.
        let connection = make_log(connection, &path, &options)?;
        let disk = Disk {
            connection,
            folder: folder.to_path_buf(),
            epoch,
            checkpoints: Checkpoints::start(connections::writer(&path, options.sync)?)?,
            faults: options.faults,
            heads: head_log::Heads::of(folder),
            dead: None,
        };
        let place = Folder { path: folder.to_path_buf(), readers: Readers::of(&path), _lock: lock };
        LedgerStore::start(place, loaded, options.clock, Box::new(connections::reader(&path)?), disk)
    }

    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.place().path
    }
}

fn take_epoch(connection: &mut Connection) -> Answer<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let epoch =
        transaction.query_row("UPDATE owner SET epoch = epoch + 1 RETURNING epoch", (), |row| row.get(0))?;
    transaction.commit()?;
    Ok(epoch)
}

/// Closes and opens the database, so that its log may be made at its full size in between.
fn make_log(connection: Connection, path: &Path, options: &Options) -> Answer<Connection> {
    connection.close().map_err(|(_, error)| StoreError::from(error))?;
    if options.log_bytes > 0 {
        checkpoint::prepare_log(&path.with_extension("db-wal"), options.log_bytes)?;
    }
    let connection = connections::writer(path, options.sync)?;
    connections::use_log(&connection)?;
    if let Some(pages) = options.most_pages {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(()))?;
    }
    Ok(connection)
}
