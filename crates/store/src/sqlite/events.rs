//! The event log in SQLite: one database beside the ledger's, one thread that writes, and an index of keys in files.
//!
//! What judges keys, packs rows and reads is [`crate::log`]'s; here is what knows SQLite: tables, commits, moving SQLite's
//! log into the database, and the files that runs of keys are.

pub mod bench;
mod disk;
pub(crate) mod files;
pub(crate) mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use crate::answer::Copied;
use crate::error::StoreError;
use crate::events::{Durable, EventProgress, EventReport, LoggedStep};
use crate::ledger::shared::Clock;
use crate::log::beside::{self, Which};
use crate::log::copy::{LogDigest, Target, copy};
use crate::log::keys::TABLE_KEYS;
use crate::log::keys::shelf::Shelf;
use crate::log::tables::Tables;
use crate::log::writer::{Commit, Medium};
use crate::log::{LogStore, Place, Start, verify};
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::connections::{self, Readers};
use crate::sqlite::lock::ProcessLock;
use crate::sqlite::schema::EVENT_LOG;
use crate::sqlite::{Options, backup, make_log, restore, take_epoch};
use crate::store::Answer;

use disk::Disk;
use files::Files;

pub use files::KEYS_FOLDER;

/// The name of the database in a store's folder.
pub const EVENTS_FILE: &str = "events.db";
/// The name of SQLite's log in a store's folder.
pub const EVENTS_LOG_FILE: &str = "events.db-wal";
/// The name of the lock file in a store's folder.
pub const EVENTS_LOCK_FILE: &str = "events.lock";

/// How often the list of runs is read again, where a file has just been replaced.
const ATTEMPTS: usize = 5;

/// How an event log is opened.
#[derive(Debug)]
pub struct EventOptions {
    /// As of any store.
    pub store: Options,
    /// So many keys stay in memory before they go to a file. A restart reads that many events again.
    pub table_keys: usize,
}

impl EventOptions {
    /// Those of a log that is served, at the time of that clock.
    #[must_use]
    pub fn at(clock: Clock) -> EventOptions {
        EventOptions { store: Options::at(clock), table_keys: TABLE_KEYS }
    }
}

/// An open event log in a folder.
pub type SqliteEvents<P> = LogStore<P, EventFolder>;

/// The folder of an open event log.
#[derive(Debug)]
pub struct EventFolder {
    path: PathBuf,
    readers: Readers,
    /// Released when nobody writes any more.
    _lock: ProcessLock,
}

impl Place for EventFolder {
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T> {
        self.readers.with(|connection| work(connection))
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        verify_folder(&self.path, progress)
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let source = connections::reader(&self.path.join(EVENTS_FILE))?;
        backup::copy_to(&source, target, progress)
    }
}

impl<P: Send + 'static> SqliteEvents<P> {
    /// Makes an empty event log in a folder, and the folder where it is missing.
    ///
    /// # Errors
    /// [`StoreError::EventLogExists`] where there is one.
    pub fn create(folder: &Path) -> Answer<()> {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::io("make", folder, error))?;
        let _lock = ProcessLock::take_named(folder, EVENTS_LOCK_FILE)?;
        restore::check(folder)?;
        let path = folder.join(EVENTS_FILE);
        let mut connection = connections::writer(&path, connections::SyncMode::Full).map_err(not_a_log)?;
        if EVENT_LOG.is_in(&connection, &path)? {
            return Err(StoreError::EventLogExists(folder.to_path_buf()));
        }
        EVENT_LOG.prepare(&connection)?;
        connections::use_log(&connection)?;
        EVENT_LOG.migrate(&mut connection, &path)?;
        backup::sync_folder_of(&path)
    }

    /// Opens the event log in a folder, takes a new epoch and reads the newest keys again. `on_durable` is told of
    /// every group that was judged, in the order of the log, by the thread that writes: what takes long belongs
    /// elsewhere, and whoever waits there for the log waits for ever.
    ///
    /// # Errors
    /// [`StoreError::NoEventLog`], [`StoreError::InUse`], [`StoreError::NotAnEventLog`], [`StoreError::Newer`];
    /// [`StoreError::Corrupt`] where its end can not be read.
    pub fn open(
        folder: &Path,
        options: EventOptions,
        on_durable: impl FnMut(Durable<P>) + Send + 'static,
    ) -> Answer<SqliteEvents<P>> {
        let EventOptions { store: options, table_keys } = options;
        let clock = options.clock.clone();
        let (disk, lock) = own(folder, options)?;
        let place = EventFolder {
            path: folder.to_path_buf(),
            readers: Readers::of(&folder.join(EVENTS_FILE)),
            _lock: lock,
        };
        let shelf = Arc::new(Files::in_store(folder)?);
        LogStore::start(place, disk, Start { clock, shelf, table_keys, on_durable: Box::new(on_durable) })
    }
}

/// Takes a new epoch of the log in a folder, to write to it.
fn own(folder: &Path, options: Options) -> Answer<(Disk, ProcessLock)> {
    let path = folder.join(EVENTS_FILE);
    if !path.is_file() {
        return Err(StoreError::NoEventLog(folder.to_path_buf()));
    }
    let lock = ProcessLock::take_named(folder, EVENTS_LOCK_FILE)?;
    restore::check(folder)?;
    let mut connection = connections::writer(&path, options.sync).map_err(not_a_log)?;
    if !EVENT_LOG.is_in(&connection, &path)? {
        return Err(StoreError::NotAnEventLog(path));
    }
    EVENT_LOG.migrate(&mut connection, &path)?;
    let epoch = take_epoch(&mut connection)?;
    // Only now: a log that is there has what the database is missing.
    let connection = make_log(connection, &path, &options)?;
    let disk = Disk {
        connection,
        folder: folder.to_path_buf(),
        epoch,
        checkpoints: Checkpoints::start(connections::writer(&path, options.sync)?)?,
        faults: options.faults,
        dead: None,
    };
    Ok((disk, lock))
}

impl<P> SqliteEvents<P> {
    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.view().place().path
    }
}

/// Checks the event log in a folder, open or not.
///
/// # Errors
/// [`StoreError::NoEventLog`], [`StoreError::NotAnEventLog`]; others where the database can not be read.
pub fn verify_folder(folder: &Path, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
    let path = folder.join(EVENTS_FILE);
    if !path.is_file() {
        return Err(StoreError::NoEventLog(folder.to_path_buf()));
    }
    let connection = connections::reader(&path).map_err(not_a_log)?;
    if !EVENT_LOG.is_in(&connection, &path)? {
        return Err(StoreError::NotAnEventLog(path));
    }
    let shelf: Arc<dyn Shelf> = Arc::new(Files::of(&folder.join(KEYS_FOLDER)));
    let mut last_error = None;
    for _ in 0..ATTEMPTS {
        // As of one instant; a run may be replaced between the instant and its opening.
        let reading = connection.unchecked_transaction()?;
        match verify::runs(&connection, &*shelf) {
            Ok(runs) => {
                let report = verify::log(&connection, (runs, &shelf), progress)?;
                reading.finish()?;
                return Ok(report);
            }
            Err(error) => last_error = Some(error),
        }
        reading.finish()?;
    }
    Ok(verify::without_runs(&last_error.unwrap_or(StoreError::Closed)))
}

/// Hands the steps after a number of the event log in a folder, open or not, to `take` until it answers `false`.
///
/// # Errors
/// What `take` answers, or [`StoreError`] where they can not be read.
pub fn steps(
    folder: &Path,
    after: u64,
    take: &mut dyn FnMut(LoggedStep) -> Result<bool, StoreError>,
) -> Answer<()> {
    let connection = connections::reader(&folder.join(EVENTS_FILE)).map_err(not_a_log)?;
    let reading = connection.unchecked_transaction()?;
    beside::steps(after, |after, most| reading.steps(Which::All, after, most), take)?;
    Ok(reading.finish()?)
}

/// The last step of the event log in a folder that is confirmed, with all before it.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn confirmed_steps(folder: &Path) -> Answer<u64> {
    connections::reader(&folder.join(EVENTS_FILE)).map_err(not_a_log)?.confirmed()
}

/// The last step of the event log that a connection reads.
pub(super) fn last_step(connection: &Connection) -> Answer<u64> {
    connection.last_step()
}

/// Copies a log, which is read as of one instant, to a new file, as of a backup.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::Full`], and what else a file or the database that is read can do.
pub(crate) fn write_copy(target: &Path, from: &dyn Tables, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
    let fill = |transaction: &Transaction<'_>| copy(from, &mut NewFile(transaction), progress).map(|_| ());
    backup::write_new(target, &EVENT_LOG, fill)
}

/// A database that nobody reads before it is whole.
struct NewFile<'t>(&'t Transaction<'t>);

impl Target for NewFile<'_> {
    fn tables(&self) -> &dyn Tables {
        &**self.0
    }

    fn write(&mut self, commit: &Commit<'_>) -> Answer<()> {
        tables::write(commit, self.0)
    }
}

impl Target for Disk {
    fn tables(&self) -> &dyn Tables {
        &self.connection
    }

    fn write(&mut self, commit: &Commit<'_>) -> Answer<()> {
        self.commit(commit)
    }
}

/// Copies a log, which is read as of one instant, to a folder where there is none or the beginning of the same one.
///
/// # Errors
/// [`StoreError::CopyDiffers`]; those of opening a log in a folder.
pub(crate) fn copy_to_folder(
    folder: &Path,
    from: &dyn Tables,
    options: Options,
    progress: &mut dyn FnMut(Copied),
) -> Answer<LogDigest> {
    if !folder.join(EVENTS_FILE).is_file() {
        SqliteEvents::<()>::create(folder)?;
    }
    let (mut disk, _lock) = own(folder, options)?;
    copy(from, &mut disk, progress)
}

/// Reads the log in a folder, open or not, as of one instant.
///
/// # Errors
/// [`StoreError::NoEventLog`], [`StoreError::NotAnEventLog`]; those of `work`.
pub(crate) fn read_folder<T>(folder: &Path, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T> {
    let path = folder.join(EVENTS_FILE);
    if !path.is_file() {
        return Err(StoreError::NoEventLog(folder.to_path_buf()));
    }
    let connection = connections::reader(&path).map_err(not_a_log)?;
    if !EVENT_LOG.is_in(&connection, &path)? {
        return Err(StoreError::NotAnEventLog(path));
    }
    let reading = connection.unchecked_transaction()?;
    let done = work(&*reading)?;
    reading.finish()?;
    Ok(done)
}

/// Takes the list of runs out of a copy, which has none of their files.
pub(super) fn forget_runs(path: &Path) -> Answer<()> {
    let connection = Connection::open(path)?;
    connection.execute("DELETE FROM key_run", ())?;
    connection.close().map_err(|(_, error)| StoreError::from(error))
}

/// A file that is no database is no event log either.
fn not_a_log(error: StoreError) -> StoreError {
    match error {
        StoreError::NotALedger(path) => StoreError::NotAnEventLog(path),
        other => other,
    }
}
