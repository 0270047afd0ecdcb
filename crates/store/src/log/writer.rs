//! The one thread that writes the event log: judge what waits, one commit, one sync, then the outcomes.
//!
//! What fails before the commit has changed nothing, and the keys that were taken are given back. Where the commit itself
//! fails, nobody knows: whoever waits is told so, and the log is asked what became of it before anything else is judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kopeck_ledger::name::Moment;

use crate::error::StoreError;
use crate::events::{Arrival, Durable, Group, Outcome, Position, StepRow};
use crate::ledger::shared::Clock;
use crate::log::beside::{self, Beside};
use crate::log::chunk::{NewChunk, Packer};
use crate::log::keys::KeyIndex;
use crate::log::keys::run::RunRow;
use crate::log::queue::{Answers, Job, Queue, Told};
use crate::log::tables::Tables;

/// A commit takes whatever waits, up to so many bytes.
const COMMIT_BYTES: usize = 8 << 20;
/// What a commit writes beside its rows, in bytes, about.
const COMMIT_OVERHEAD: u64 = 8_192;

/// What becomes durable together.
#[derive(Debug)]
pub struct Commit<'b> {
    /// The last event of the log before it.
    pub before: Position,
    /// The last event of the log with it.
    pub end: Position,
    /// The rows of the events.
    pub rows: &'b [NewChunk],
    /// What lies beside them.
    pub beside: &'b [Beside],
    /// The list of runs of keys, where it is another one.
    pub runs: Option<Vec<RunRow>>,
}

/// Where commits become durable: the part of the writer that knows a database.
pub trait Medium: Send {
    /// Writes all of a commit or nothing, and fails where the database has a newer owner. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]; [`StoreError::Unknown`] where it may have happened; with all others it has not.
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError>;

    /// After a failure: makes sure that what is read from now on is what the log will stay.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be used.
    fn recover(&mut self) -> Result<(), StoreError>;

    /// What the database has, as the writer reads it.
    fn tables(&self) -> &dyn Tables;

    /// The replies to a commit of about so many bytes are out: housekeeping, which is tried again after the next.
    fn settled(&mut self, bytes: u64);

    /// Where nothing is written for so long the medium wants to be [attended](Medium::attend).
    fn patience(&self) -> Option<Duration>;

    /// Nothing was written for as long as [`Medium::patience`] says, or an opening takes its time.
    ///
    /// # Errors
    /// [`StoreError::Fenced`], after which nothing is written any more; others count for nothing.
    fn attend(&mut self) -> Result<(), StoreError>;

    /// Another owner has taken over, as something that was asked has told: whoever must know is told.
    fn replaced(&mut self, _reason: &StoreError) {}

    /// Why nothing can be written any more.
    fn ended(&self) -> Option<StoreError>;

    /// Nobody writes any more. What fails here costs time at the next opening, and nothing else.
    fn close(&mut self);
}

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
pub struct Writer<P, M> {
    /// What it shares with callers.
    pub shared: Arc<Shared<P>>,
    /// Where it writes.
    pub medium: M,
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
    /// Bytes written since the medium was last told.
    pub written: u64,
    /// A commit of which nobody knows whether it happened.
    pub doubt: Option<Batch<P>>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

/// What one commit is made of.
pub struct Batch<P> {
    received: Moment,
    groups: Vec<(Group<P>, Vec<Outcome>)>,
    rows: Vec<NewChunk>,
    beside: Vec<Beside>,
    /// The last event of the log with it.
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

impl<P, M: Medium> Writer<P, M> {
    /// Writes until the queue is closed and empty.
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(jobs) = shared.queue.take(COMMIT_BYTES, self.medium.patience()) {
            match jobs.is_empty() {
                true => self.attend(),
                false => self.perform(jobs),
            }
        }
        self.finish();
    }

    fn attend(&mut self) {
        if self.ended().is_none() {
            let attended = self.medium.attend();
            self.note(&attended);
        }
    }

    /// Remembers that another owner has taken over.
    fn note<T>(&mut self, outcome: &Result<T, StoreError>) {
        if let Err(error @ StoreError::Fenced { .. }) = outcome {
            self.medium.replaced(error);
            self.dead = Some(error.clone());
        }
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone().or_else(|| self.medium.ended())
    }

    fn perform(&mut self, jobs: Vec<Job<P>>) {
        let ready = self.ready();
        self.note(&ready);
        if let Err(error) = ready {
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
        let judged = self.judge(groups, besides);
        self.note(&judged);
        match judged {
            Ok(batch) => self.commit(batch, waiting),
            Err(error) => waiting.tell(&error),
        }
    }

    /// What must be so before anything is judged.
    fn ready(&mut self) -> Result<(), StoreError> {
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
        in_commit.map_or_else(|| Ok(beside::step(number, self.medium.tables())?.step), Ok)
    }

    /// Decides what becomes of all events, and takes their keys. Where it fails none is taken.
    fn judge(&mut self, groups: Vec<Group<P>>, beside: Vec<Beside>) -> Result<Batch<P>, StoreError> {
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
        let batch = Batch { received, groups: judged, rows: Vec::new(), beside, end, newest };
        match rows {
            Ok(rows) => Ok(Batch { rows, ..batch }),
            Err(error) => {
                self.undo(&batch);
                Err(error)
            }
        }
    }

    fn undo(&mut self, batch: &Batch<P>) {
        self.keys.undo(accepted(&batch.groups).map(|(arrival, _)| arrival.key));
    }

    fn commit(&mut self, batch: Batch<P>, waiting: Waiting) {
        match self.make_durable(&batch) {
            Ok(()) => {
                let Waiting { groups, beside } = waiting;
                let outcomes: Vec<_> = batch.groups.iter().map(|(_, outcomes)| outcomes.clone()).collect();
                self.happened(batch);
                // Whoever waited may have gone.
                groups.into_iter().zip(outcomes).for_each(|(answer, told)| drop(answer.send(Ok(told))));
                beside.into_iter().for_each(|told| drop(told.send(Ok(()))));
                self.medium.settled(std::mem::take(&mut self.written));
            }
            Err(error @ StoreError::Unknown(_)) => {
                self.doubt = Some(batch);
                waiting.tell(&error);
                // Where it can not be found out now, it is tried again before anything else is judged.
                let _ = self.resolve();
            }
            Err(error) => {
                self.undo(&batch);
                // Who is answered finds the lease as lost as it is.
                self.note(&Err::<(), _>(error.clone()));
                waiting.tell(&error);
            }
        }
    }

    fn make_durable(&mut self, batch: &Batch<P>) -> Result<(), StoreError> {
        if batch.rows.is_empty() && batch.beside.is_empty() {
            return Ok(());
        }
        let before = Position(self.shared.end.load(Ordering::Acquire));
        let runs = self.keys.changed();
        let commit = Commit { before, end: batch.end, rows: &batch.rows, beside: &batch.beside, runs };
        self.medium.commit(&commit)?;
        self.keys.is_written();
        Ok(())
    }

    /// Writes the list of runs in a commit of its own.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written.
    pub fn write_runs(&mut self) -> Result<(), StoreError> {
        let runs = self.keys.changed();
        if runs.is_none() {
            return Ok(());
        }
        let end = Position(self.shared.end.load(Ordering::Acquire));
        self.medium.commit(&Commit { before: end, end, rows: &[], beside: &[], runs })?;
        self.keys.is_written();
        Ok(())
    }

    /// A commit is durable: readers, the index and whoever wants to know are told.
    fn happened(&mut self, batch: Batch<P>) {
        let Batch { received, groups, rows, beside, end, newest } = batch;
        self.shared.end.store(end.0, Ordering::Release);
        if !rows.is_empty() {
            self.keys.extend_to(end.0, newest);
        }
        for beside in &beside {
            match beside {
                Beside::Step(step, _) => self.last_step = self.last_step.max(step.number),
                Beside::Forget(older_than) => self.keys.forget(*older_than),
                Beside::Copied(..)
                | Beside::Confirm(_)
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
        if let Some(ended) = self.ended() {
            return Err(ended);
        }
        if self.doubt.is_none() {
            return Ok(());
        }
        let recovered = self.medium.recover();
        self.note(&recovered);
        recovered?;
        let tables = self.medium.tables();
        let (end, _) = tables.end()?;
        let forgotten = tables.forgotten()?;
        self.last_step = tables.last_step()?;
        let Some(mut batch) = self.doubt.take() else { return Ok(()) };
        // One without events has changed in memory only what was just read.
        batch.beside.retain(|beside| matches!(beside, Beside::Forget(older) if *older <= forgotten));
        if end >= batch.end {
            self.happened(batch);
        } else {
            self.undo(&batch);
        }
        Ok(())
    }

    /// Leaves a log that opens fast. What fails here costs time at the next opening, and nothing else.
    fn finish(mut self) {
        if self.ready().is_ok() {
            let _ = self.write_runs();
        }
        if self.ended().is_none() {
            self.medium.close();
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
