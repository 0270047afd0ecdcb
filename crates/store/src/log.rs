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
pub mod view;
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

use beside::Beside;
use chunk::Packer;
use keys::KeyIndex;
use keys::shelf::Shelf;
use queue::{Job, Queue};
use tables::Tables;
use view::LogView;
use writer::{Medium, Shared, Writer};

/// Rows that a reader has in memory at once: some 8 MB of events.
const ROWS_ABREAST: usize = 64;
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
