//! The event log in SQLite: one database beside the ledger's, one thread that writes, and an index of keys in files.
//!
//! ```text
//! callers ─▶ queue ─▶ writer: keys, chunk ─▶ SQLite's log ─▶ whoever settles, then outcomes
//!           bounded     │ one sync a commit     └─▶ checkpoints, a thread of its own
//!                       └─▶ keys/keeper, a thread that writes and merges runs of keys
//! ```
//!
//! Readers have connections of their own and see what is durable. Deliberately absent: an index of resources (each
//! chunk has a filter of its own), and anything that looks into a line.

pub mod bench;
mod beside;
mod chunk;
mod keys;
mod queue;
mod verify;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kopeck_ledger::name::Moment;
use rusqlite::Connection;
use tokio::sync::oneshot;
use zstd::bulk::Decompressor;

use crate::answer::Copied;
use crate::error::StoreError;
use crate::events::{
    Durable, EventLog, EventProgress, EventReport, EventTicket, Group, Kept, LoggedEvent, LoggedStep,
    NewSnapshot, Position, Snapshot, StepRow,
};
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::connections::{self, Readers};
use crate::sqlite::lock::ProcessLock;
use crate::sqlite::schema::EVENT_LOG;
use crate::sqlite::shared::Clock;
use crate::sqlite::{Options, backup, make_log, restore, spawn, take_epoch};
use crate::store::Answer;

use beside::Beside;
use chunk::{Chunk, Packer};
use keys::{KeyIndex, TABLE_KEYS};
use queue::{Job, Queue};
use writer::{Shared, Writer};

pub use beside::last_step;
pub use keys::KEYS_FOLDER;
pub use verify::{confirmed_steps, folder as verify_folder, steps};

/// The name of the database in a store's folder.
pub const EVENTS_FILE: &str = "events.db";
/// The name of SQLite's log in a store's folder.
pub const EVENTS_LOG_FILE: &str = "events.db-wal";
/// The name of the lock file in a store's folder.
pub const EVENTS_LOCK_FILE: &str = "events.lock";

/// Rows that a reader has in memory at once: some 8 MB of events.
const ROWS_ABREAST: usize = 64;
/// Filters that a reader has in memory at once.
const FILTERS_ABREAST: usize = 4_096;
/// A line may be so long: lines are far shorter, and a row holds at least one.
const LONGEST_LINE: usize = 16 << 20;

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
pub struct SqliteEvents<P> {
    folder: PathBuf,
    shared: Arc<Shared<P>>,
    readers: Readers,
    /// The number of the next snapshot, for the one who writes it.
    next_snapshot: Mutex<u64>,
    writer: Option<JoinHandle<()>>,
    /// Released last.
    _lock: ProcessLock,
}

impl<P> fmt::Debug for SqliteEvents<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEvents").field("folder", &self.folder).finish_non_exhaustive()
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
        let path = folder.join(EVENTS_FILE);
        if !path.is_file() {
            return Err(StoreError::NoEventLog(folder.to_path_buf()));
        }
        let lock = ProcessLock::take_named(folder, EVENTS_LOCK_FILE)?;
        restore::check(folder)?;
        let EventOptions { store: options, table_keys } = options;
        let mut connection = connections::writer(&path, options.sync).map_err(not_a_log)?;
        if !EVENT_LOG.is_in(&connection, &path)? {
            return Err(StoreError::NotAnEventLog(path));
        }
        EVENT_LOG.migrate(&mut connection, &path)?;
        let epoch = take_epoch(&mut connection)?;
        // Only now: a log that is there has what the database is missing.
        let mut connection = make_log(connection, &path, &options)?;
        let (end, received) = chunk::end(&connection)?;
        let mut keys = load_keys(folder, &connection, table_keys)?;
        if keys.is_changed() {
            // Runs were missing: whoever verifies must not look for them.
            keys.write_alone(&mut connection, epoch)?;
        }
        let shared = Arc::new(Shared { queue: Queue::default(), end: AtomicU64::new(end.0) });
        let next_snapshot = Mutex::new(beside::next_snapshot(&connection)?);
        let writer = Writer {
            shared: Arc::clone(&shared),
            folder: folder.to_path_buf(),
            epoch,
            clock: options.clock,
            received,
            last_step: last_step(&connection)?,
            keys,
            packer: Packer::new()?,
            on_durable: Box::new(on_durable),
            checkpoints: Checkpoints::start(connections::writer(&path, options.sync)?)?,
            written: 0,
            faults: options.faults,
            doubt: None,
            dead: None,
            connection,
        };
        Ok(SqliteEvents {
            folder: folder.to_path_buf(),
            shared,
            readers: Readers::of(&path),
            next_snapshot,
            writer: Some(spawn("kopeck-events", move || writer.run())?),
            _lock: lock,
        })
    }
}

impl<P> SqliteEvents<P> {
    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends the log when all that was handed over is done.
    pub fn close(self) {
        drop(self);
    }

    /// Writes something beside the events and waits until it is durable.
    fn write(&self, beside: Beside) -> Answer<()> {
        let (told, telling) = mpsc::sync_channel(1);
        self.shared.queue.push(Job::Beside(beside, told))?;
        telling
            .recv()
            .unwrap_or_else(|_| Err(StoreError::Unknown("the store was closed meanwhile".to_owned())))
    }

    /// Hands rows from that of a position on to `take`, until it answers `false`. Rows are never changed, so they are
    /// read some at a time, and nobody who takes long keeps a log from being copied into its database.
    fn rows_from(&self, from: Position, mut take: impl FnMut(&Chunk) -> Answer<bool>) -> Answer<()> {
        let mut next = from;
        loop {
            let rows = self.readers.with(|reader| chunk::rows_from(next, ROWS_ABREAST, reader))?;
            for row in &rows {
                if row.first() > next {
                    return Err(StoreError::Corrupt(format!("event {next} is missing")));
                }
                if !take(row)? {
                    return Ok(());
                }
                next = row.last().next();
            }
            if rows.len() < ROWS_ABREAST {
                return Ok(());
            }
        }
    }

    /// The first positions of rows that may hold a resource, some at a time, and where to go on.
    fn candidates(&self, resource: u128, from: Position) -> Answer<(Vec<Position>, Option<Position>)> {
        let filters = self.readers.with(|reader| chunk::filters_from(from, FILTERS_ABREAST, reader))?;
        let is_full = filters.len() == FILTERS_ABREAST;
        let next = filters.last().filter(|_| is_full).map(|(first, _)| first.next());
        let held = filters.into_iter().filter(|(_, filter)| filter.may_hold(resource));
        Ok((held.map(|(first, _)| first).collect(), next))
    }
}

impl<P> Drop for SqliteEvents<P> {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            // A thread that panicked has nothing more to write.
            let _ = writer.join();
        }
    }
}

impl<P: Send> EventLog<P> for SqliteEvents<P> {
    fn submit(&self, group: Group<P>) -> Answer<EventTicket> {
        check(&group)?;
        let (answer, receiver) = oneshot::channel();
        self.shared.queue.push(Job::Append(group, answer))?;
        Ok(EventTicket::of(receiver))
    }

    fn end(&self) -> Position {
        Position(self.shared.end.load(Ordering::Acquire))
    }

    fn read(&self, after: Position, take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>) -> Answer<()> {
        let mut decompressor = decompressor()?;
        self.rows_from(after.next(), |row| {
            let opened = row.open(&mut decompressor)?;
            hand_over(opened.events().filter(|event| event.position > after), take)
        })
    }

    fn of_resource(
        &self,
        resource: u128,
        after: Position,
        take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>,
    ) -> Answer<()> {
        let mut decompressor = decompressor()?;
        let mut next = Some(self.readers.with(|reader| chunk::first_of(after.next(), reader))?);
        while let Some(from) = next {
            let (rows, then) = self.candidates(resource, from)?;
            for first in rows {
                let row = self.readers.with(|reader| chunk::row_at(first, reader))?;
                let opened = row.open(&mut decompressor)?;
                let is_wanted =
                    |event: &LoggedEvent<'_>| event.resource == resource && event.position > after;
                if !hand_over(opened.events().filter(is_wanted), take)? {
                    return Ok(());
                }
            }
            next = then;
        }
        Ok(())
    }

    fn record_step(&self, step: StepRow, keys: &[u64]) -> Answer<()> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        self.write(Beside::Step(step, keys))
    }

    fn steps_of(&self, key: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        self.readers.with(|reader| beside::steps_of(key, reader, take))
    }

    fn confirm_step(&self, number: u64) -> Answer<()> {
        self.write(Beside::Confirm(number))
    }

    fn steps_after(&self, number: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        let number = signed(number);
        self.readers.with(|reader| beside::steps(&format!("WHERE number > {number}"), reader, take))
    }

    fn confirmed(&self) -> Answer<u64> {
        self.readers.with(beside::confirmed)
    }

    fn unconfirmed(&self) -> Answer<Vec<StepRow>> {
        let mut found = Vec::new();
        self.readers.with(|reader| {
            beside::steps("WHERE confirmed = 0", reader, |step| {
                found.push(step.step);
                Ok(true)
            })
        })?;
        Ok(found)
    }

    fn note_duty(&self, name: [u8; 16], at: Moment) -> Answer<()> {
        self.write(Beside::Duty(name, at))
    }

    fn duties(&self) -> Answer<Vec<([u8; 16], Moment)>> {
        self.readers.with(beside::duties)
    }

    fn keep(&self, entries: Vec<Kept>) -> Answer<()> {
        if entries.is_empty() { Ok(()) } else { self.write(Beside::Keep(entries)) }
    }

    fn kept(
        &self,
        list: u8,
        (after, open_only): (&[u8], bool),
        take: &mut dyn FnMut(Kept) -> Answer<bool>,
    ) -> Answer<()> {
        let mut after = after.to_vec();
        loop {
            let found = self.readers.with(|reader| beside::kept(list, (&after, open_only), reader))?;
            let Some(last) = found.last().map(|last| last.name.clone()) else { return Ok(()) };
            for kept in found {
                if !take(kept)? {
                    return Ok(());
                }
            }
            after = last;
        }
    }

    fn save_snapshot(&self, snapshot: NewSnapshot<'_>) -> Answer<()> {
        // One at a time: a whole snapshot takes away the parts of all others.
        let mut next = self.next_snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *next;
        *next += 1;
        let NewSnapshot { through, step, parts } = snapshot;
        let mut count = 0;
        for part in parts {
            self.write(Beside::Part(number, count, part))?;
            count += 1;
        }
        self.write(Beside::Whole(Snapshot { number, through, step, parts: count }))
    }

    fn snapshot(&self) -> Answer<Option<Snapshot>> {
        match self.readers.with(beside::snapshot) {
            Err(StoreError::Corrupt(_)) => Ok(None),
            read => read,
        }
    }

    fn snapshot_part(&self, snapshot: &Snapshot, part: u64) -> Answer<Vec<u8>> {
        self.readers.with(|connection| beside::snapshot_part(connection, snapshot, part))
    }

    fn forget_keys(&self, older_than: i64) -> Answer<()> {
        self.write(Beside::Forget(older_than))
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let source = connections::reader(&self.folder.join(EVENTS_FILE))?;
        backup::copy_to(&source, target, progress)
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        verify::folder(&self.folder, progress)
    }
}

/// Fails where a line is not in the group's bytes.
fn check<P>(group: &Group<P>) -> Answer<()> {
    let is_there = |line: &std::ops::Range<usize>| {
        line.start <= line.end && line.end <= group.bytes.len() && line.len() <= LONGEST_LINE
    };
    match group.arrivals.iter().position(|arrival| !is_there(&arrival.line)) {
        None => Ok(()),
        Some(arrival) => Err(StoreError::NoSuchLine { arrival }),
    }
}

/// Hands events over until `take` answers `false`, and says whether it never did.
fn hand_over<'e>(
    mut events: impl Iterator<Item = LoggedEvent<'e>>,
    take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>,
) -> Answer<bool> {
    events
        .try_fold(true, |_, event| match take(event) {
            Ok(true) => Ok(true),
            Ok(false) => Err(None),
            Err(error) => Err(Some(error)),
        })
        .or_else(|stopped| stopped.map_or(Ok(false), Err))
}

fn decompressor() -> Answer<Decompressor<'static>> {
    Decompressor::new()
        .map_err(|error| StoreError::Database(format!("events can not be decompressed: {error}")))
}

/// The index of keys, with all that the log has after its runs.
fn load_keys(folder: &Path, connection: &Connection, table_keys: usize) -> Answer<KeyIndex> {
    let forgotten = beside::forgotten(connection)?;
    let mut keys = KeyIndex::open(folder, connection, table_keys)?;
    loop {
        let next = Position(keys.through()).next();
        let rows = chunk::rows_from(next, ROWS_ABREAST, connection)?;
        for row in &rows {
            if row.first() != Position(keys.through()).next() {
                return Err(StoreError::Corrupt(format!("event {next} is missing")));
            }
            row.check()?;
            if row.newest() >= forgotten {
                row.keys().for_each(|(key, content)| keys.learn(key, content));
            }
            keys.extend_to(row.last().0, row.newest());
            keys.settle()?;
        }
        if rows.len() < ROWS_ABREAST {
            return Ok(keys);
        }
    }
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

/// A number as SQLite keeps it: those of this store are far below 2⁶³.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that SQLite has kept; what is negative was not written by this store, and is met as 0.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
