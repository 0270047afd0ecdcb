//! The embedded store: one SQLite database in a folder, one process, one thread that decides and one that writes.
//!
//! ```text
//! callers ─▶ queue ─▶ decider ─▶ writer ─▶ SQLite's log ─▶ replies
//!           bounded   ahead of    one sync    └─▶ checkpoints, a thread of its own
//!                     the disk    a batch
//! ```
//!
//! The decider is at the next batch while the writer waits for the disk. Readers see the state in `shared`, which
//! follows what is durable, and read the journal with connections of their own. Deliberately absent: an index of
//! entries, an index of ids on the way of a commit, and a cache of anything that another process could change.

pub mod backup;
mod batch;
mod checkpoint;
mod connections;
mod decider;
pub mod directory;
pub mod events;
pub mod head_log;
mod history;
mod id_filter;
mod id_hash;
mod id_index;
pub mod instant;
pub mod journal;
mod lock;
mod queue;
pub mod restore;
mod schema;
mod shared;
mod snapshot;
pub mod verify;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::thread::{self, JoinHandle};

use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::ledger::{Ledger, OpenHold};
use kopeck_ledger::name::{AccountId, HoldId, Moment, Sequence, Text, TransactionId};
use kopeck_ledger::record::Record;
use kopeck_ledger::request::Request;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::answer::{Copied, Head, Progress, Report};
use crate::error::StoreError;
use crate::faults::{Faults, NoFaults};
use crate::store::{Answer, History, Span, Store, Ticket};

use checkpoint::Checkpoints;
use connections::Readers;
use decider::Decider;
use lock::ProcessLock;
use queue::{Job, Work};
use shared::Shared;
use snapshot::Snapshots;
use writer::Writer;

pub use connections::{DATABASE_FILE, SyncMode};
pub use head_log::HEAD_LOG_FILE;
pub use lock::LOCK_FILE;
pub use restore::restore;
pub use shared::Clock;

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
#[derive(Debug)]
pub struct SqliteStore {
    folder: PathBuf,
    shared: Arc<Shared>,
    readers: Readers,
    threads: Vec<JoinHandle<()>>,
    /// Released last.
    _lock: ProcessLock,
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
        let loaded = load(&connection)?;
        // Only now: a log that is there has what the database is missing.
        make_log(connection, &path, &options).and_then(|connection| {
            let shared = Arc::new(Shared::new(loaded.ledger.clone()));
            let checkpoints = Checkpoints::start(connections::writer(&path, options.sync)?)?;
            let (to_writer, commands) = mpsc::sync_channel(0);
            let decider =
                Decider::new(Arc::clone(&shared), to_writer, options.clock, connections::reader(&path)?);
            let decider = decider.starting_with(loaded.ledger, loaded.ids);
            let writer = Writer {
                shared: Arc::clone(&shared),
                connection,
                folder: folder.to_path_buf(),
                epoch,
                head: loaded.head,
                written: 0,
                checkpoints,
                snapshots: loaded.snapshots,
                faults: options.faults,
                head_logged: None,
                dead: None,
            };
            let threads = vec![
                spawn("kopeck-decider", move || decider.run())?,
                spawn("kopeck-writer", move || writer.run(&commands))?,
            ];
            Ok(SqliteStore {
                folder: folder.to_path_buf(),
                shared,
                readers: Readers::of(&path),
                threads,
                _lock: lock,
            })
        })
    }

    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends the store when all that was handed over is done.
    pub fn close(self) {
        drop(self);
    }

    fn push(&self, work: Work, wait: bool) -> Answer<Ticket> {
        let (answer, receiver) = oneshot::channel();
        let job = Job::Decide(work, answer);
        if wait { self.shared.queue.push(job) } else { self.shared.queue.try_push(job) }?;
        Ok(Ticket::of(receiver))
    }

    fn durable(&self) -> RwLockReadGuard<'_, Ledger> {
        self.shared.durable.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing more to write.
            let _ = thread.join();
        }
    }
}

impl Store for SqliteStore {
    fn submit(&self, requests: Vec<Request>) -> Answer<Ticket> {
        self.push(Work::Each(requests), true)
    }

    fn try_submit(&self, requests: Vec<Request>) -> Answer<Ticket> {
        self.push(Work::Each(requests), false)
    }

    fn submit_chain(&self, members: Vec<Request>) -> Answer<Ticket> {
        self.push(Work::Chain(members), true)
    }

    fn expire_holds(&self) -> Answer<Ticket> {
        self.push(Work::Each(Vec::new()), true)
    }

    fn next_expiry(&self) -> Option<Moment> {
        self.durable().next_expiry()
    }

    fn account(&self, id: AccountId) -> Option<Account> {
        self.durable().find(id).cloned()
    }

    fn accounts(&self, skip: usize, limit: usize) -> Vec<Account> {
        self.durable().accounts().iter().skip(skip).take(limit).cloned().collect()
    }

    fn accrued(&self, workspace: AccountId) -> Vec<(Text, Amount)> {
        let durable = self.durable();
        let Some(account) = durable.find(workspace) else { return Vec::new() };
        durable.accrued(account.opening.number).map(|(project, amount)| (project.clone(), amount)).collect()
    }

    fn open_hold(&self, id: HoldId) -> Option<OpenHold> {
        self.durable().open_hold(id)
    }

    fn history(&self, account: AccountId, span: Span) -> Answer<Option<History>> {
        let Some(account) = self.account(account) else { return Ok(None) };
        self.readers.with(|connection| history::history(&account, span, connection)).map(Some)
    }

    fn balance_at(&self, account: AccountId, at: Moment) -> Answer<Option<Amount>> {
        let Some(account) = self.account(account) else { return Ok(None) };
        self.readers.with(|connection| history::balance_at(&account, at, connection)).map(Some)
    }

    fn record(&self, id: TransactionId) -> Answer<Option<Record>> {
        let durable = self.durable().head().sequence;
        let (answer, answered) = mpsc::sync_channel(1);
        self.shared.queue.push(Job::Find(id, answer))?;
        let found = answered.recv().unwrap_or(Err(StoreError::Closed))?;
        // What is not durable yet has not happened for a reader.
        let Some(sequence) = found.filter(|sequence| *sequence <= durable) else { return Ok(None) };
        self.readers.with(|connection| journal::record(sequence, connection)).map(Some)
    }

    fn recent(&self, sequence: Sequence) -> Option<Record> {
        self.shared.recent(sequence)
    }

    fn records(&self, from: Sequence, take: &mut dyn FnMut(Record) -> Answer<bool>) -> Answer<()> {
        self.readers.with(|connection| journal::records_from(from, connection, take))
    }

    fn head(&self) -> Answer<Head> {
        self.readers.with(journal::head)
    }

    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<Report> {
        verify::folder(&self.folder, progress)
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let source = connections::reader(&self.folder.join(DATABASE_FILE))?;
        backup::copy_to(&source, target, progress)
    }
}

/// What an opening finds.
struct Loaded {
    ledger: Ledger,
    ids: id_index::IdIndex,
    head: Head,
    snapshots: Snapshots,
}

fn load(connection: &Connection) -> Answer<Loaded> {
    let stored = snapshot::load(connection)?;
    let mut ledger = stored.ledger;
    let mut replayed = 0;
    journal::rows_from(ledger.head().sequence.next(), connection, |chunk| {
        replayed += chunk.written_bytes();
        for record in chunk.records() {
            let record = record?;
            if record.sequence > ledger.head().sequence {
                ledger.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            }
        }
        Ok(true)
    })?;
    let head = journal::head(connection)?;
    if head.sequence != ledger.head().sequence {
        return Err(StoreError::Corrupt(format!(
            "the journal can not be read up to record {}",
            head.sequence
        )));
    }
    let snapshots = Snapshots::after(replayed, stored.bytes);
    Ok(Loaded { ids: decider::load_ids(connection)?, ledger, head, snapshots })
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

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Answer<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::io("start a thread for", Path::new(name), error))
}
