//! A durable event log, whatever keeps it: one thread that writes, and an index of keys.
//!
//! ```text
//! callers ─▶ queue ─▶ writer: keys, chunk ─▶ medium ─▶ whoever settles, then outcomes
//!           bounded     │ one sync a commit
//!                       └─▶ keys/keeper, a thread that writes and merges runs of keys
//! ```
//!
//! Readers ask a [`Place`] and see what is durable. Deliberately absent: an index of resources (each chunk has a filter
//! of its own), and anything that looks into a line.

pub mod bench;
pub mod beside;
pub mod chunk;
pub mod copy;
pub mod keys;
pub mod queue;
pub mod tables;
pub mod verify;
pub mod writer;

use std::fmt::{self, Debug};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kopeck_ledger::name::Moment;
use tokio::sync::oneshot;
use zstd::bulk::Decompressor;

use crate::answer::Copied;
use crate::error::StoreError;
use crate::events::{
    EventLog, EventProgress, EventReader, EventReport, EventTicket, Group, Kept, LoggedEvent, LoggedStep,
    NewSnapshot, Position, Snapshot, StepRow,
};
use crate::ledger::shared::Clock;
use crate::ledger::spawn;
use crate::store::Answer;

use beside::{Beside, Which};
use chunk::{Chunk, Packer};
use keys::KeyIndex;
use keys::shelf::Shelf;
use queue::{Job, Queue};
use tables::Tables;
use writer::{Medium, Shared, Writer};

/// Rows that a reader has in memory at once: some 8 MB of events.
const ROWS_ABREAST: usize = 64;
/// Filters that a reader has in memory at once.
const FILTERS_ABREAST: usize = 4_096;
/// A line may be so long: lines are far shorter, and a row holds at least one.
const LONGEST_LINE: usize = 16 << 20;

/// Where an event log lies, for whoever reads it.
pub trait Place: Debug + Send + Sync {
    /// Reads the tables as of one instant.
    ///
    /// # Errors
    /// What `work` answers, or [`StoreError`] where the database can not be read.
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T>;

    /// As [`EventReader::verify`].
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read.
    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport>;

    /// As [`EventLog::backup`].
    ///
    /// # Errors
    /// Those of [`EventLog::backup`].
    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()>;
}

/// What is durable of a log in some place, for whoever reads it: the writer of the log or others.
#[derive(Debug)]
pub struct LogView<L> {
    place: L,
}

impl<L: Place> LogView<L> {
    /// The log in a place.
    pub(crate) fn of(place: L) -> LogView<L> {
        LogView { place }
    }

    /// Where it lies.
    pub(crate) fn place(&self) -> &L {
        &self.place
    }

    /// The last event of the log.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    pub fn end(&self) -> Answer<Position> {
        self.place.read(|tables| Ok(tables.end()?.0))
    }

    /// As [`EventLog::steps_of`].
    ///
    /// # Errors
    /// Those of [`EventLog::steps_of`].
    pub fn steps_of(&self, key: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        let page = |before, most| self.place.read(|tables| tables.steps_with(key, before, most));
        beside::steps_of(page, |number| self.place.read(|tables| beside::step(number, tables)), take)
    }

    /// As [`EventLog::unconfirmed`].
    ///
    /// # Errors
    /// Those of [`EventLog::unconfirmed`].
    pub fn unconfirmed(&self) -> Answer<Vec<StepRow>> {
        let mut found = Vec::new();
        self.steps(Which::Unconfirmed, 0, &mut |step| {
            found.push(step.step);
            Ok(true)
        })?;
        Ok(found)
    }

    /// As [`EventLog::duties`].
    ///
    /// # Errors
    /// Those of [`EventLog::duties`].
    pub fn duties(&self) -> Answer<Vec<([u8; 16], Moment)>> {
        self.place.read(|tables| tables.duties())
    }

    /// As [`EventLog::kept`].
    ///
    /// # Errors
    /// Those of [`EventLog::kept`].
    pub fn kept(
        &self,
        list: u8,
        (after, open_only): (&[u8], bool),
        take: &mut dyn FnMut(Kept) -> Answer<bool>,
    ) -> Answer<()> {
        let page = |after: &[u8], most| self.place.read(|tables| tables.kept(list, (after, open_only), most));
        beside::kept(after, page, take)
    }

    /// As [`EventLog::snapshot`].
    ///
    /// # Errors
    /// Those of [`EventLog::snapshot`].
    pub fn snapshot(&self) -> Answer<Option<Snapshot>> {
        match self.place.read(beside::snapshot) {
            Err(StoreError::Corrupt(_)) => Ok(None),
            read => read,
        }
    }

    /// As [`EventLog::snapshot_part`].
    ///
    /// # Errors
    /// Those of [`EventLog::snapshot_part`].
    pub fn snapshot_part(&self, snapshot: &Snapshot, part: u64) -> Answer<Vec<u8>> {
        self.place.read(|tables| beside::snapshot_part(tables, snapshot, part))
    }

    /// As [`EventLog::backup`].
    ///
    /// # Errors
    /// Those of [`EventLog::backup`].
    pub fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        self.place.backup(target, progress)
    }

    fn steps(
        &self,
        which: Which,
        after: u64,
        take: &mut dyn FnMut(LoggedStep) -> Answer<bool>,
    ) -> Answer<()> {
        let page = |after, most| self.place.read(|tables| tables.steps(which, after, most));
        beside::steps(after, page, take)
    }

    /// Hands rows from that of a position on to `take`, until it answers `false`. Rows are never changed, so they are
    /// read some at a time, and nobody who takes long holds anything in the database.
    fn rows_from(&self, from: Position, mut take: impl FnMut(&Chunk) -> Answer<bool>) -> Answer<()> {
        let mut next = from;
        loop {
            let rows = self.place.read(|tables| tables.rows_from(next, ROWS_ABREAST))?;
            for row in &rows {
                if row.first() > next {
                    return Err(missing(next));
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
        let filters = self.place.read(|tables| tables.filters_from(from, FILTERS_ABREAST))?;
        let is_full = filters.len() == FILTERS_ABREAST;
        let next = filters.last().filter(|_| is_full).map(|(first, _)| first.next());
        let held = filters.into_iter().filter(|(_, filter)| filter.may_hold(resource));
        Ok((held.map(|(first, _)| first).collect(), next))
    }
}

fn missing(position: Position) -> StoreError {
    StoreError::Corrupt(format!("event {position} is missing"))
}

/// An open event log in some place.
pub struct LogStore<P, L> {
    shared: Arc<Shared<P>>,
    /// The number of the next snapshot, for the one who writes it.
    next_snapshot: Mutex<u64>,
    writer: Option<JoinHandle<()>>,
    /// Released last, when nobody writes any more.
    view: LogView<L>,
}

impl<P, L: Debug> Debug for LogStore<P, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStore").field("view", &self.view).finish_non_exhaustive()
    }
}

/// What starts a log beside its place and its medium.
pub(crate) struct Start<P> {
    /// What time it is.
    pub clock: Clock,
    /// Where the runs of keys lie.
    pub shelf: Arc<dyn Shelf>,
    /// So many keys stay in memory before they become a run.
    pub table_keys: usize,
    /// Who is told what has become durable.
    pub on_durable: writer::OnDurable<P>,
}

impl<P: Send + 'static, L: Place> LogStore<P, L> {
    /// Reads the newest keys again and starts the threads of a log.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the log's end can not be read; [`StoreError::Io`] where no thread can be made.
    pub(crate) fn start(
        place: L,
        mut medium: impl Medium + 'static,
        start: Start<P>,
    ) -> Answer<LogStore<P, L>> {
        let keys = load_keys(start.shelf, &mut medium, start.table_keys)?;
        let tables = medium.tables();
        let (end, received) = tables.end()?;
        let (last_step, next_snapshot) = (tables.last_step()?, tables.next_snapshot()?);
        let shared = Arc::new(Shared { queue: Queue::default(), end: AtomicU64::new(end.0) });
        let mut writer = Writer {
            shared: Arc::clone(&shared),
            medium,
            clock: start.clock,
            received,
            last_step,
            keys,
            packer: Packer::new()?,
            on_durable: start.on_durable,
            written: 0,
            doubt: None,
            dead: None,
        };
        // Where runs were missing, whoever verifies must not look for them.
        writer.write_runs()?;
        Ok(LogStore {
            shared,
            next_snapshot: Mutex::new(next_snapshot),
            writer: Some(spawn("kopeck-events", move || writer.run())?),
            view: LogView::of(place),
        })
    }
}

impl<P, L: Place> LogStore<P, L> {
    /// What is durable of it.
    pub fn view(&self) -> &LogView<L> {
        &self.view
    }
}

impl<P, L> LogStore<P, L> {
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
}

impl<P, L> Drop for LogStore<P, L> {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            // A thread that panicked has nothing more to write.
            let _ = writer.join();
        }
    }
}

impl<L: Place> EventReader for LogView<L> {
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
        let mut next = Some(self.place.read(|tables| tables.first_of(after.next()))?);
        while let Some(from) = next {
            let (rows, then) = self.candidates(resource, from)?;
            for first in rows {
                let row = self.place.read(|tables| tables.row_at(first))?;
                let row = row.ok_or_else(|| missing(first))?;
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

    fn steps_after(&self, number: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        self.steps(Which::All, number, take)
    }

    fn confirmed(&self) -> Answer<u64> {
        self.place.read(|tables| tables.confirmed())
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        self.place.verify(progress)
    }
}

impl<P: Send, L: Place> EventReader for LogStore<P, L> {
    fn read(&self, after: Position, take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>) -> Answer<()> {
        self.view.read(after, take)
    }

    fn of_resource(
        &self,
        resource: u128,
        after: Position,
        take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>,
    ) -> Answer<()> {
        self.view.of_resource(resource, after, take)
    }

    fn steps_after(&self, number: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        self.view.steps_after(number, take)
    }

    fn confirmed(&self) -> Answer<u64> {
        self.view.confirmed()
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        self.view.verify(progress)
    }
}

impl<P: Send, L: Place> EventLog<P> for LogStore<P, L> {
    fn submit(&self, group: Group<P>) -> Answer<EventTicket> {
        check(&group)?;
        let (answer, receiver) = oneshot::channel();
        self.shared.queue.push(Job::Append(group, answer))?;
        Ok(EventTicket::of(receiver))
    }

    fn end(&self) -> Position {
        Position(self.shared.end.load(Ordering::Acquire))
    }

    fn record_step(&self, step: StepRow, keys: &[u64]) -> Answer<()> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        self.write(Beside::Step(step, keys))
    }

    fn steps_of(&self, key: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        self.view.steps_of(key, take)
    }

    fn confirm_step(&self, number: u64) -> Answer<()> {
        self.write(Beside::Confirm(number))
    }

    fn unconfirmed(&self) -> Answer<Vec<StepRow>> {
        self.view.unconfirmed()
    }

    fn note_duty(&self, name: [u8; 16], at: Moment) -> Answer<()> {
        self.write(Beside::Duty(name, at))
    }

    fn keep(&self, entries: Vec<Kept>) -> Answer<()> {
        if entries.is_empty() { Ok(()) } else { self.write(Beside::Keep(entries)) }
    }

    fn kept(&self, list: u8, which: (&[u8], bool), take: &mut dyn FnMut(Kept) -> Answer<bool>) -> Answer<()> {
        self.view.kept(list, which, take)
    }

    fn duties(&self) -> Answer<Vec<([u8; 16], Moment)>> {
        self.view.duties()
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
        self.view.snapshot()
    }

    fn snapshot_part(&self, snapshot: &Snapshot, part: u64) -> Answer<Vec<u8>> {
        self.view.snapshot_part(snapshot, part)
    }

    fn forget_keys(&self, older_than: i64) -> Answer<()> {
        self.write(Beside::Forget(older_than))
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        self.view.backup(target, progress)
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

pub(crate) fn decompressor() -> Answer<Decompressor<'static>> {
    Decompressor::new()
        .map_err(|error| StoreError::Database(format!("events can not be decompressed: {error}")))
}

/// The index of keys, with all that the log has after its runs.
fn load_keys(shelf: Arc<dyn Shelf>, medium: &mut dyn Medium, table_keys: usize) -> Answer<KeyIndex> {
    let forgotten = medium.tables().forgotten()?;
    let mut keys = KeyIndex::open(shelf, &medium.tables().runs()?, table_keys)?;
    loop {
        // Where all keys must be learnt again this takes longer than a medium has patience.
        medium.attend()?;
        let next = Position(keys.through()).next();
        let rows = medium.tables().rows_from(next, ROWS_ABREAST)?;
        for row in &rows {
            if row.first() != Position(keys.through()).next() {
                return Err(missing(next));
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
