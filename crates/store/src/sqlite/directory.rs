//! The directory in SQLite: one row an act, in a database of its own beside the ledger's.
//!
//! Acts are few and each is decided on the newest state, so one writer does them under a lock: it decides, writes the
//! rows, commits with one sync, and then shows the new state. Snapshots share what has not changed. Deliberately
//! absent: a stored state. A hundred thousand acts are folded in less than half a second.

mod row;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::SignedDuration;
use kopeck_directory::Directory;
use kopeck_directory::access::Actor;
use kopeck_directory::act::Act;
use kopeck_directory::name::TokenId;
use kopeck_directory::refusal::Refusal;
use kopeck_ledger::name::Moment;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::answer::{Copied, Progress};
use crate::directory::acts::{self, Acts, Decided, End, Uses};
use crate::directory::copy::{ActDigest, Target, copy};
use crate::directory::verify;
use crate::directory::{ActReport, AuditQuery, AuditRow, DirectoryStore, Performed};
use crate::error::StoreError;
use crate::faults::{Fate, Faults, NoFaults, Point};
use crate::store::Answer;

use super::connections::{self, Readers, SyncMode};
use super::head_log::{self, LoggedHead};
use super::lock::ProcessLock;
use super::shared::Clock;
use super::{backup, restore, take_epoch};

/// The name of the database in a store's folder.
pub const DIRECTORY_FILE: &str = "directory.db";
/// The name of SQLite's log beside it.
pub const DIRECTORY_LOG_FILE: &str = "directory.db-wal";
/// The name of the file that says who has it open.
pub const DIRECTORY_LOCK_FILE: &str = "directory.lock";
/// The name of the file with the heads of the chain of acts.
pub const DIRECTORY_HEADS_FILE: &str = "directory.heads";

/// Marks a database as a directory of kopeck: "kopd".
const APPLICATION: i64 = 0x6b6f_7064;
/// The scripts, in their order; the first makes version 1.
const VERSIONS: [&str; 1] = [include_str!("directory/version_1.sql")];
/// SQLite copies its log back after so many pages: acts are few, so nobody waits for it long.
const CHECKPOINT_PAGES: u32 = 1_000;
/// The chain's head is logged again after so long.
const HEAD_LOGGED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// An open directory in a folder.
pub struct SqliteDirectory {
    folder: PathBuf,
    clock: Clock,
    writer: Mutex<Writer>,
    shown: RwLock<Arc<Directory>>,
    uses: Mutex<Uses>,
    readers: Readers,
    /// Released last.
    _lock: ProcessLock,
}

impl fmt::Debug for SqliteDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDirectory").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// How a directory is opened.
pub struct DirectoryOptions {
    /// What time it is.
    pub clock: Clock,
    /// When a commit reaches the disk.
    pub sync: SyncMode,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
}

impl DirectoryOptions {
    /// Those of a directory that is served or used by a command, at the time of that clock.
    #[must_use]
    pub fn at(clock: Clock) -> DirectoryOptions {
        DirectoryOptions { clock, sync: SyncMode::Full, faults: Box::new(NoFaults) }
    }
}

impl fmt::Debug for DirectoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryOptions").field("sync", &self.sync).finish_non_exhaustive()
    }
}

/// Who may write, and what follows what.
struct Writer {
    connection: Connection,
    epoch: i64,
    end: End,
    faults: Box<dyn Faults>,
    /// A commit has failed, so what is stored is read again before anything else is decided.
    in_doubt: bool,
    /// Another owner has taken over, or a fault has ended this one.
    dead: Option<StoreError>,
    head_logged: Option<Moment>,
}

impl SqliteDirectory {
    /// Opens the directory in a folder, made where it is missing; takes a new epoch and folds the acts.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NotADirectory`], [`StoreError::Newer`]; [`StoreError::Corrupt`] where an
    /// act can not be read.
    pub fn open(folder: &Path, options: DirectoryOptions) -> Answer<SqliteDirectory> {
        let (Owned { connection, epoch, path }, lock) = own(folder, options.sync)?;
        let mut directory = Directory::default();
        let end = acts::fold(&connection, End::EMPTY, &mut directory)?;
        acts::check_books(&directory)?;
        let uses = Uses::of(connection.uses()?);
        let writer = Writer {
            connection,
            epoch,
            end,
            faults: options.faults,
            in_doubt: false,
            dead: None,
            head_logged: None,
        };
        Ok(SqliteDirectory {
            folder: folder.to_path_buf(),
            clock: options.clock,
            writer: Mutex::new(writer),
            shown: RwLock::new(Arc::new(directory)),
            uses: Mutex::new(uses),
            readers: Readers::of(&path),
            _lock: lock,
        })
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, directory: Directory) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
    }

    /// After a commit whose outcome was not known: what is stored tells it.
    fn settle_doubt(&self, writer: &mut Writer) -> Answer<()> {
        if !writer.in_doubt {
            return Ok(());
        }
        let mut directory = Directory::clone(&self.snapshot());
        writer.end = acts::fold(&writer.connection, writer.end, &mut directory)?;
        writer.in_doubt = false;
        self.show(directory);
        Ok(())
    }
}

impl Drop for SqliteDirectory {
    fn drop(&mut self) {
        // Nobody is there to be told: uses are no part of what was promised, and heads are logged the next time.
        let _ = self.keep_uses();
        let folder = self.folder.clone();
        let mut writer = self.writer();
        if writer.dead.is_none() && !writer.in_doubt {
            let _ = writer.log_head(&folder);
        }
    }
}

impl DirectoryStore for SqliteDirectory {
    fn snapshot(&self) -> Arc<Directory> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn perform_all(&self, acts: &[Act], by: &Actor) -> Answer<Vec<Result<Performed, Refusal>>> {
        let mut writer = self.writer();
        if let Some(dead) = &writer.dead {
            return Err(dead.clone());
        }
        self.settle_doubt(&mut writer)?;
        let decided = acts::decide((&self.snapshot(), writer.end), acts, by, (self.clock)())?;
        let Decided { draft, rows, end, done } = decided;
        if rows.is_empty() {
            return Ok(done);
        }
        writer.write(&rows, &self.folder)?;
        writer.end = end;
        self.show(draft);
        writer.log_head_hourly(&self.folder);
        Ok(done)
    }

    fn audit(&self, query: &AuditQuery) -> Answer<Vec<AuditRow>> {
        self.readers.with(|connection| row::page(query, connection))
    }

    fn used(&self, token: TokenId, at: Moment) {
        self.uses().note(token, at);
    }

    fn last_used(&self, token: TokenId) -> Option<Moment> {
        self.uses().last(token)
    }

    fn keep_uses(&self) -> Answer<()> {
        let mut writer = self.writer();
        if let Some(dead) = &writer.dead {
            return Err(dead.clone());
        }
        let fresh = self.uses().take_fresh();
        let kept = writer.write_uses(&fresh);
        if kept.is_err() {
            self.uses().give_back(&fresh);
        }
        kept
    }

    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<ActReport> {
        let heads = self.folder.join(DIRECTORY_HEADS_FILE);
        self.readers.with(|connection| verify::acts(connection, Some(&heads), progress))
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let source = connections::reader(&self.folder.join(DIRECTORY_FILE))?;
        backup::copy_to(&source, target, progress)
    }
}

impl Writer {
    /// Writes rows, all or none, if this is still the owner.
    fn write(&mut self, rows: &[AuditRow], folder: &Path) -> Answer<()> {
        let begun = self.faults.at(Point::Begin, folder);
        self.fated(&begun)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Err(fenced) = owns(&transaction, self.epoch) {
            drop(transaction);
            self.dead = Some(fenced.clone());
            return Err(fenced);
        }
        rows.iter().try_for_each(|row| row::insert(&transaction, row))?;
        match self.faults.at(Point::Written, folder) {
            Fate::GoOn => {}
            fate => {
                drop(transaction);
                return self.fated(&fate);
            }
        }
        if let Err(error) = transaction.commit() {
            self.in_doubt = true;
            return Err(StoreError::Unknown(error.to_string()));
        }
        match self.faults.at(Point::Committed, folder) {
            Fate::GoOn => Ok(()),
            Fate::Doubt => {
                self.in_doubt = true;
                Err(StoreError::Unknown("the answer was lost".to_owned()))
            }
            _ => {
                self.dead = Some(StoreError::Closed);
                Err(StoreError::Unknown("the store has ended".to_owned()))
            }
        }
    }

    /// What a fault before the commit leads to.
    fn fated(&mut self, fate: &Fate) -> Answer<()> {
        match fate {
            Fate::GoOn => Ok(()),
            Fate::Full => Err(StoreError::Full),
            Fate::Doubt => {
                self.in_doubt = true;
                Err(StoreError::Unknown("the answer was lost".to_owned()))
            }
            Fate::Die => {
                self.dead = Some(StoreError::Closed);
                Err(StoreError::Unknown("the store has ended".to_owned()))
            }
        }
    }

    fn write_uses(&mut self, fresh: &[(TokenId, Moment)]) -> Answer<()> {
        if fresh.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        owns(&transaction, self.epoch)?;
        row::insert_uses(&transaction, fresh)?;
        transaction.commit()?;
        Ok(())
    }

    /// A head that can not be logged is logged with the next act.
    fn log_head_hourly(&mut self, folder: &Path) {
        let since = self.head_logged.map(|last| self.end.at.timestamp().duration_since(last.timestamp()));
        if since.is_none_or(|since| since >= HEAD_LOGGED_EVERY) && self.log_head(folder).is_ok() {
            self.head_logged = Some(self.end.at);
        }
    }

    fn log_head(&mut self, folder: &Path) -> Answer<()> {
        if self.end.sequence == 0 {
            return Ok(());
        }
        let End { sequence, at, hash } = self.end;
        let head = LoggedHead { at: at.timestamp(), sequence, hash };
        head_log::append_to(&folder.join(DIRECTORY_HEADS_FILE), &head)
    }
}

fn owns(transaction: &Transaction<'_>, own: i64) -> Answer<()> {
    let current: i64 = transaction.query_row("SELECT epoch FROM owner", (), |row| row.get(0))?;
    if current == own { Ok(()) } else { Err(StoreError::Fenced { own, current }) }
}

/// Checks the directory in a folder, open or not.
///
/// # Errors
/// [`StoreError::NotADirectory`] where it has none; others where the database can not be read.
pub fn verify_folder(folder: &Path, progress: &mut dyn FnMut(Progress)) -> Answer<ActReport> {
    let heads = folder.join(DIRECTORY_HEADS_FILE);
    read_folder(folder, |stored| verify::acts(stored, Some(&heads), progress))
}

/// Reads the directory in a folder, open or not, as of one instant.
///
/// # Errors
/// [`StoreError::NotADirectory`] where it has none; those of `work`.
pub(crate) fn read_folder<T>(folder: &Path, work: impl FnOnce(&dyn Acts) -> Answer<T>) -> Answer<T> {
    let path = folder.join(DIRECTORY_FILE);
    if !path.is_file() {
        return Err(StoreError::NotADirectory(path));
    }
    let connection = connections::reader(&path)?;
    if !is_in(&connection)? {
        return Err(StoreError::NotADirectory(path));
    }
    let reading = connection.unchecked_transaction()?;
    let done = work(&*reading)?;
    reading.finish()?;
    Ok(done)
}

/// A directory's database that this process may write to.
struct Owned {
    connection: Connection,
    epoch: i64,
    path: PathBuf,
}

/// Takes a new epoch of the directory in a folder, made where it is missing.
fn own(folder: &Path, sync: SyncMode) -> Answer<(Owned, ProcessLock)> {
    std::fs::create_dir_all(folder).map_err(|error| StoreError::io("make", folder, error))?;
    let lock = ProcessLock::take_named(folder, DIRECTORY_LOCK_FILE)?;
    restore::check(folder)?;
    let path = folder.join(DIRECTORY_FILE);
    let made = !path.is_file();
    let mut connection = connections::writer(&path, sync)?;
    migrate(&mut connection, &path)?;
    if made {
        backup::sync_folder_of(&path)?;
    }
    let epoch = take_epoch(&mut connection)?;
    Ok((Owned { connection, epoch, path }, lock))
}

impl Target for Owned {
    fn stored(&self) -> &dyn Acts {
        &self.connection
    }

    fn write(&mut self, rows: &[AuditRow], uses: &[(TokenId, Moment)]) -> Answer<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        owns(&transaction, self.epoch)?;
        rows.iter().try_for_each(|row| row::insert(&transaction, row))?;
        row::insert_uses(&transaction, uses)?;
        Ok(transaction.commit()?)
    }
}

/// Copies a directory, which is read as of one instant, to a folder where there is none or the beginning of the same.
///
/// # Errors
/// [`StoreError::CopyDiffers`]; those of opening a directory in a folder.
pub(crate) fn copy_to_folder(
    folder: &Path,
    from: &dyn Acts,
    progress: &mut dyn FnMut(Copied),
) -> Answer<ActDigest> {
    let (mut owned, _lock) = own(folder, SyncMode::Full)?;
    copy(from, &mut owned, progress)
}

/// Copies a directory, which is read as of one instant, to a new file, as of a backup.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::Full`], and what else a file or the database that is read can do.
pub(crate) fn write_copy(target: &Path, from: &dyn Acts, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
    backup::new_file(target, |partial| {
        let mut connection = connections::writer(partial, SyncMode::Full)?;
        migrate(&mut connection, partial)?;
        let mut owned = Owned { connection, epoch: 0, path: partial.to_path_buf() };
        copy(from, &mut owned, progress)?;
        // A single file is easier to keep.
        owned.connection.pragma_update(None, "journal_mode", "DELETE")?;
        owned.connection.close().map_err(|(_, error)| StoreError::from(error))
    })
}

/// Whether the database is a directory.
pub(super) fn is_in(connection: &Connection) -> Answer<bool> {
    Ok(connection.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0))? == APPLICATION)
}

pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Answer<()> {
    let foreign = |_| StoreError::NotADirectory(path.to_path_buf());
    let number = |connection: &Connection, pragma| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(foreign)
    };
    let application = number(connection, "application_id")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(foreign)?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(StoreError::NotADirectory(path.to_path_buf()));
    }
    connections::use_log(connection)?;
    connection.query_row(&format!("PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"), (), |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = number(&transaction, "user_version")?;
    let known = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    let Some(scripts) = usize::try_from(found).ok().and_then(|done| VERSIONS.get(done..)) else {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known });
    };
    scripts.iter().try_for_each(|script| transaction.execute_batch(script))?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
