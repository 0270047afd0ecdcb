//! The one thread that writes the event log: judge what waits, one commit, one sync, then the outcomes.
//!
//! What fails before the commit has changed nothing, and the keys that were taken are given back. Where the commit itself
//! fails, nobody knows: whoever waits is told so, and the log is asked what became of it before anything else is judged.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kopeck_ledger::name::Moment;
use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;
use crate::events::{Arrival, Durable, Group, Outcome, Position, StepRow};
use crate::faults::{Faults, Point};
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::events::beside::{self, Beside};
use crate::sqlite::events::chunk::{self, NewChunk, Packer};
use crate::sqlite::events::keys::KeyIndex;
use crate::sqlite::events::queue::{Answers, Job, Queue, Told};
use crate::sqlite::shared::Clock;
use crate::sqlite::writer::{check_epoch, meet, unknown_unless_full};

/// A commit takes whatever waits, up to so many bytes.
const COMMIT_BYTES: usize = 8 << 20;
/// What a commit writes beside its rows, in bytes, about.
const COMMIT_OVERHEAD: u64 = 8_192;

/// What the threads of an event log share.
#[derive(Debug)]
pub struct Shared<P> {
    /// What waits to be written.
    pub queue: Queue<P>,
    /// The last durable position.
    pub end: AtomicU64,
}

/// Who is told what has become durable.
pub type OnDurable<P> = Box<dyn FnMut(Durable<P>) + Send>;

/// The writing thread's state.
pub struct Writer<P> {
    /// What it shares with callers.
    pub shared: Arc<Shared<P>>,
    /// The connection that writes.
    pub connection: Connection,
    /// The store's folder.
    pub folder: PathBuf,
    /// What every commit carries.
    pub epoch: i64,
    /// What time it is.
    pub clock: Clock,
    /// When the last event was received.
    pub received: Moment,
    /// The last step of settling.
    pub last_step: u64,
    /// Which keys are known.
    pub keys: KeyIndex,
    /// Makes rows of events.
    pub packer: Packer,
    /// Who is told what has become durable.
    pub on_durable: OnDurable<P>,
    /// Moves the log into the database.
    pub checkpoints: Checkpoints,
    /// Bytes written since the checkpoints were last told.
    pub written: u64,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// A commit of which nobody knows whether it happened.
    pub doubt: Option<Commit<P>>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

/// What one commit writes, and who waits for it.
pub struct Commit<P> {
    received: Moment,
    groups: Vec<(Group<P>, Vec<Outcome>)>,
    rows: Vec<NewChunk>,
    beside: Vec<Beside>,
    /// The last event of the log with this commit.
    end: Position,
    /// The latest time of its events.
    newest: i64,
}

/// Whoever waits for a commit.
#[derive(Default)]
struct Waiting {
    groups: Vec<Answers>,
    beside: Vec<Told>,
}

impl Waiting {
    fn tell(self, error: &StoreError) {
        // Whoever waited may have gone.
        self.groups.into_iter().for_each(|answer| drop(answer.send(Err(error.clone()))));
        self.beside.into_iter().for_each(|told| drop(told.send(Err(error.clone()))));
    }
}

impl<P> Writer<P> {
    /// Writes until the queue is closed and empty.
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(jobs) = shared.queue.take(COMMIT_BYTES) {
            self.perform(jobs);
        }
        self.finish();
    }

    fn perform(&mut self, jobs: Vec<Job<P>>) {
        if let Err(error) = self.ready() {
            let mut waiting = Waiting::default();
            for job in jobs {
                match job {
                    Job::Append(_, answer) => waiting.groups.push(answer),
                    Job::Beside(_, told) => waiting.beside.push(told),
                }
            }
            return waiting.tell(&error);
        }
        let (mut groups, mut besides, mut waiting) = (Vec::new(), Vec::new(), Waiting::default());
        let mut last_step = self.last_step;
        for job in jobs {
            match job {
                Job::Append(group, answer) => {
                    groups.push(group);
                    waiting.groups.push(answer);
                }
                Job::Beside(beside, told) => match self.check(&beside, &besides, &mut last_step) {
                    Ok(true) => {
                        besides.push(beside);
                        waiting.beside.push(told);
                    }
                    // Whoever waits may have gone.
                    Ok(false) => drop(told.send(Ok(()))),
                    Err(error) => drop(told.send(Err(error))),
                },
            }
        }
        match self.judge(groups, besides) {
            Ok(commit) => self.commit(commit, waiting),
            Err(error) => waiting.tell(&error),
        }
    }

    /// What must be so before anything is judged.
    fn ready(&mut self) -> Result<(), StoreError> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        self.resolve()?;
        self.keys.settle()
    }

    /// Whether something beside the events is to be written: not where it is already.
    fn check(&self, new: &Beside, before: &[Beside], last_step: &mut u64) -> Result<bool, StoreError> {
        let out_of_order = |number| StoreError::StepOutOfOrder { number, last: *last_step };
        match new {
            Beside::Step(step, _) if step.number.checked_sub(1) == Some(*last_step) => {
                if step.through.0 > self.shared.end.load(Ordering::Acquire) {
                    return Err(out_of_order(step.number));
                }
                *last_step = step.number;
                Ok(true)
            }
            Beside::Step(step, _) if (1..=*last_step).contains(&step.number) => {
                let known = self.step(step.number, before)?;
                if known == *step { Ok(false) } else { Err(out_of_order(step.number)) }
            }
            Beside::Step(StepRow { number, .. }, _) => Err(out_of_order(*number)),
            Beside::Confirm(number) if !(1..=*last_step).contains(number) => Err(out_of_order(*number)),
            _ => Ok(true),
        }
    }

    /// A step that is written or in the same commit.
    fn step(&self, number: u64, before: &[Beside]) -> Result<StepRow, StoreError> {
        let in_commit = before.iter().find_map(|beside| match beside {
            Beside::Step(step, _) if step.number == number => Some(step.clone()),
            _ => None,
        });
        in_commit.map_or_else(|| beside::step(number, &self.connection), Ok)
    }

    /// Decides what becomes of all events, and takes their keys. Where it fails none is taken.
    fn judge(&mut self, groups: Vec<Group<P>>, beside: Vec<Beside>) -> Result<Commit<P>, StoreError> {
        self.received = self.received.max((self.clock)());
        let begin = Position(self.shared.end.load(Ordering::Acquire));
        let keys: Vec<u128> = arrivals(&groups).map(|arrival| arrival.key).collect();
        let known = self.keys.find(&keys)?;
        let (mut end, mut newest) = (begin, i64::MIN);
        let mut known = known.into_iter();
        let mut judged = Vec::with_capacity(groups.len());
        for group in groups {
            let outcomes = group.arrivals.iter().zip(known.by_ref());
            let outcomes = outcomes.map(|(arrival, elsewhere)| {
                match self.keys.take(arrival.key, arrival.content, elsewhere) {
                    Some(content) if content == arrival.content => Outcome::Duplicate,
                    Some(_) => Outcome::OtherContent,
                    None => {
                        end = end.next();
                        newest = newest.max(arrival.time);
                        Outcome::Accepted(end)
                    }
                }
            });
            let outcomes = outcomes.collect();
            judged.push((group, outcomes));
        }
        let received = self.received;
        let rows = self.packer.rows(begin.next(), received, accepted(&judged));
        let commit = Commit { received, groups: judged, rows: Vec::new(), beside, end, newest };
        match rows {
            Ok(rows) => Ok(Commit { rows, ..commit }),
            Err(error) => {
                self.undo(&commit);
                Err(error)
            }
        }
    }

    fn undo(&mut self, commit: &Commit<P>) {
        self.keys.undo(accepted(&commit.groups).map(|(arrival, _)| arrival.key));
    }

    fn commit(&mut self, commit: Commit<P>, waiting: Waiting) {
        match self.make_durable(&commit) {
            Ok(()) => {
                let Waiting { groups, beside } = waiting;
                let outcomes: Vec<_> = commit.groups.iter().map(|(_, outcomes)| outcomes.clone()).collect();
                self.happened(commit);
                // Whoever waited may have gone.
                groups.into_iter().zip(outcomes).for_each(|(answer, told)| drop(answer.send(Ok(told))));
                beside.into_iter().for_each(|told| drop(told.send(Ok(()))));
                self.keep_house();
            }
            Err(error @ StoreError::Unknown(_)) => {
                self.doubt = Some(commit);
                waiting.tell(&error);
                // Where it can not be found out now, it is tried again before anything else is judged.
                let _ = self.resolve();
            }
            Err(error) => {
                self.undo(&commit);
                if matches!(error, StoreError::Fenced { .. }) {
                    self.dead = Some(error.clone());
                }
                waiting.tell(&error);
            }
        }
    }

    fn make_durable(&mut self, commit: &Commit<P>) -> Result<(), StoreError> {
        if commit.rows.is_empty() && commit.beside.is_empty() {
            return Ok(());
        }
        meet(Point::Begin, &mut *self.faults, &self.folder, &mut self.dead)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_epoch(&transaction, self.epoch)?;
        commit.rows.iter().try_for_each(|row| row.write(&transaction))?;
        commit.beside.iter().try_for_each(|beside| beside.write(&transaction))?;
        self.keys.write(&transaction)?;
        meet(Point::Written, &mut *self.faults, &self.folder, &mut self.dead)?;
        transaction.commit().map_err(unknown_unless_full)?;
        meet(Point::Committed, &mut *self.faults, &self.folder, &mut self.dead)?;
        self.keys.is_written();
        Ok(())
    }

    /// A commit is durable: readers, the index and whoever wants to know are told.
    fn happened(&mut self, commit: Commit<P>) {
        let Commit { received, groups, rows, beside, end, newest } = commit;
        self.shared.end.store(end.0, Ordering::Release);
        if !rows.is_empty() {
            self.keys.extend_to(end.0, newest);
        }
        for beside in &beside {
            match beside {
                Beside::Step(step, _) => self.last_step = self.last_step.max(step.number),
                Beside::Forget(older_than) => self.keys.forget(*older_than),
                Beside::Confirm(_)
                | Beside::Duty(..)
                | Beside::Keep(_)
                | Beside::Part(..)
                | Beside::Whole(_) => {}
            }
        }
        self.written += written_bytes(&rows, &beside);
        if !groups.is_empty() {
            (self.on_durable)(Durable { received, groups });
        }
    }

    /// Finds out what became of a commit in doubt. Whoever waited for it was told that it is not known.
    fn resolve(&mut self) -> Result<(), StoreError> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        if self.doubt.is_none() {
            return Ok(());
        }
        let (end, _) = chunk::end(&self.connection)?;
        let forgotten = beside::forgotten(&self.connection)?;
        self.last_step = beside::last_step(&self.connection)?;
        let Some(mut commit) = self.doubt.take() else { return Ok(()) };
        // One without events has changed in memory only what was just read.
        commit.beside.retain(|beside| matches!(beside, Beside::Forget(older) if *older <= forgotten));
        if end >= commit.end {
            self.happened(commit);
        } else {
            self.undo(&commit);
        }
        Ok(())
    }

    /// The outcomes are out: what fails here is tried again after the next commit.
    fn keep_house(&mut self) {
        let _ = self.checkpoints.after_commit(std::mem::take(&mut self.written), &self.connection);
    }

    /// Leaves a log that opens fast. What fails here costs time at the next opening, and nothing else.
    fn finish(mut self) {
        if self.ready().is_ok() && self.keys.is_changed() {
            let _ = self.keys.write_alone(&mut self.connection, self.epoch);
        }
    }
}

fn arrivals<P>(groups: &[Group<P>]) -> impl Iterator<Item = &Arrival> {
    groups.iter().flat_map(|group| &group.arrivals)
}

/// The events that are new, each with its line.
fn accepted<P>(groups: &[(Group<P>, Vec<Outcome>)]) -> impl Iterator<Item = (&Arrival, &[u8])> {
    groups.iter().flat_map(|(group, outcomes)| {
        let judged = group.arrivals.iter().zip(outcomes);
        let new = judged.filter(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)));
        // That the line is there was checked when the group was handed over.
        new.map(|(arrival, _)| (arrival, group.bytes.get(arrival.line.clone()).unwrap_or_default()))
    })
}

fn written_bytes(rows: &[NewChunk], beside: &[Beside]) -> u64 {
    let rows: u64 = rows.iter().map(NewChunk::written_bytes).sum();
    let beside: usize = beside.iter().map(Beside::bytes).sum();
    rows + beside as u64 + COMMIT_OVERHEAD
}
