//! The settler: the one thread that owns the shard (DESIGN.md, "The way of an event").
//!
//! It takes whatever has become durable, decides what is due, writes that down, has the ledger post it, and notes that
//! it did. What can not be written now is told to whoever asked for it, and tried again until it can; until then nothing
//! further is decided. It never waits for a disk: between two tries it hears what it is told, a stop too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use kopeck_directory::Directory;
use kopeck_ledger::name::Moment;
use kopeck_settlement::step::Step;
use kopeck_store::StoreError;
use kopeck_store::events::{Durable, NewSnapshot, StepRow};
use tokio::sync::oneshot;

use crate::authorised::Known;
use crate::clean_up;
use crate::due::Duty;
use crate::guarding::{self, moment};
use crate::judge::Arrived;
use crate::metering::{Command, Core, MeteringError, Settled, count};
use crate::restart;
use crate::state::State;

/// A step takes whatever waits, up to so many events.
const STEP_EVENTS: u64 = 50_000;
/// The state is written down when so much was done since it was, and as much more as it has resources: what a start
/// does again stays in proportion, and so does what writing costs. An event counts as one.
const SNAPSHOT_WORK: u64 = 1_000_000;
/// While events wait, the state is written down when so many times as much was done.
const LONG_OVERDUE: u64 = 2;
/// Running resources that a whole look passes in the time of an event.
const LOOKS_AN_EVENT: u64 = 3;
/// A write that failed is tried again after this.
const RETRY: Duration = Duration::from_millis(250);
/// With a simulated clock nothing becomes due by itself.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// What was decided and is not written down all the way yet. Steps and requests have names of their own, so all of it is
/// simply tried again.
enum Unwritten {
    /// A step: neither recorded for certain, nor posted.
    Step(Step, StepRow),
    /// The number of a step that is posted, and not noted as that.
    Confirmation(u64),
}

/// The settling thread's state.
pub struct Settler {
    core: Arc<Core>,
    commands: Receiver<Command>,
    /// What has become durable and was not taken: nothing is, until all that was decided is written. So whoever sends is
    /// told to come later before memory is full.
    arrived: VecDeque<Durable<Arrived>>,
    unwritten: Option<Unwritten>,
    /// The last try to write failed: another follows soon.
    waits: bool,
    /// What was done since the state was written down, in events.
    unsaved: u64,
    /// Nothing can be settled any more; the log has said why.
    failed: bool,
    /// Writes the state down.
    saving: Option<JoinHandle<()>>,
}

impl Settler {
    /// Of a state that was restored by doing so much again.
    pub fn new(core: Arc<Core>, commands: Receiver<Command>, again: u64) -> Settler {
        let (arrived, unwritten, waits) = (VecDeque::new(), None, false);
        Settler { core, commands, arrived, unwritten, waits, unsaved: again, failed: false, saving: None }
    }

    /// Settles until it is told to stop.
    pub fn run(mut self) {
        let mut stopping = false;
        while !stopping {
            let mut waiting = self.receive();
            let (mut answers, mut looks) = (Vec::new(), Vec::new());
            for command in waiting.drain(..) {
                match command {
                    Command::Durable(durable) => self.arrived.push_back(durable),
                    Command::Settle(answer) => answers.push(answer),
                    Command::Advance(to, answer) => tell(answer, self.advance(to)),
                    Command::CleanUp(storage, id, answer) => {
                        let cleaned =
                            self.step(false).and_then(|()| clean_up::by_hand(&self.core, storage, id));
                        tell(answer, cleaned);
                    }
                    Command::Touch(holder) => self.core.state().guard.touch(holder),
                    Command::Look(holder, answer) => {
                        self.core.state().guard.touch(holder.clone());
                        looks.push((holder, answer));
                    }
                    Command::Stop => stopping = true,
                }
            }
            let settled = self.settle();
            let failed = |why: Option<StoreError>| why.map_or(MeteringError::Stopped, Into::into);
            for answer in answers {
                tell(answer, settled.clone().map_err(failed));
            }
            for (holder, answer) in looks {
                let shown = || self.core.state().guard.shown(&holder);
                tell(answer, settled.clone().map(|()| shown()).map_err(failed));
            }
            if self.is_save_due() || (stopping && self.unsaved > 0) {
                self.save();
            }
        }
        self.saved();
    }

    /// Whether the state is to be written down: nothing is settled meanwhile, so it is done when nobody waits for that,
    /// unless it is long overdue.
    fn is_save_due(&self) -> bool {
        let is_saving = self.saving.as_ref().is_some_and(|thread| !thread.is_finished());
        if is_saving || self.unsaved < SNAPSHOT_WORK {
            return false;
        }
        let due = SNAPSHOT_WORK.saturating_add(self.core.state().shard.resource_count());
        let is_quiet = self.core.inbox().waiting() == 0;
        self.unsaved >= if is_quiet { due } else { due.saturating_mul(LONG_OVERDUE) }
    }

    /// Does what is due and posts what events have changed.
    ///
    /// # Errors
    /// Why it can not be written now; `None` where nothing can be settled any more.
    fn settle(&mut self) -> Result<(), Option<StoreError>> {
        if self.failed {
            self.arrived.clear();
            return Err(None);
        }
        self.waits = false;
        match self.duties().and_then(|()| self.step(false)) {
            Ok(()) => Ok(()),
            Err(MeteringError::Store(error)) if may_pass(&error) => {
                tracing::error!(%error, "settling waits");
                self.waits = true;
                self.tell(false);
                Err(Some(error))
            }
            Err(error) => {
                self.fail(&error);
                Err(None)
            }
        }
    }

    /// Waits for the first command, or until something is due, and takes what has come with it.
    fn receive(&self) -> Vec<Command> {
        let mut commands = match self.commands.recv_timeout(self.patience()) {
            Ok(command) => vec![command],
            Err(RecvTimeoutError::Timeout) => return Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return vec![Command::Stop],
        };
        let mut events = 0;
        while events < STEP_EVENTS {
            if let Some(Command::Durable(durable)) = commands.last() {
                events += count(durable);
            }
            match self.commands.try_recv() {
                Ok(command) => commands.push(command),
                Err(_) => break,
            }
        }
        commands
    }

    /// How long nothing needs to be done.
    fn patience(&self) -> Duration {
        if self.waits {
            return RETRY;
        }
        let state = self.core.state();
        if !self.failed && state.guard.is_touched() {
            return Duration::ZERO;
        }
        if self.failed || self.core.time.set.is_some() {
            return LONGEST_WAIT;
        }
        let now = (self.core.time.now)();
        let (due, _) = state.done.next(&(self.core.directory)(), state.at);
        let counts = state.shard.next_waiting().map(|second| second.saturating_add(1));
        let due = counts.into_iter().chain(state.guard.next()).filter_map(moment).fold(due, Moment::min);
        let wait = due.nanoseconds().saturating_sub(now.nanoseconds());
        Duration::from_nanos(u64::try_from(wait).unwrap_or(0)).min(LONGEST_WAIT)
    }

    /// Writes what was decided before, and takes what has become durable since.
    fn catch_up(&mut self) -> Result<(), MeteringError> {
        self.write()?;
        while let Some(durable) = self.arrived.pop_front() {
            self.take(&durable);
        }
        if self.failed { Err(MeteringError::Stopped) } else { Ok(()) }
    }

    fn take(&mut self, durable: &Durable<Arrived>) {
        let directory = (self.core.directory)();
        let mut state = self.core.state();
        let taken = state.follow(&directory, &*self.core.log).and_then(|()| Ok(state.take(durable)?));
        drop(state);
        let events = count(durable);
        self.core.inbox().settled(events);
        self.unsaved += events;
        if let Err(error) = taken {
            self.fail(&error);
        }
    }

    /// Does what has become due by the machine's clock.
    fn duties(&mut self) -> Result<(), MeteringError> {
        self.catch_up()?;
        if self.core.time.set.is_some() {
            return Ok(());
        }
        let now = (self.core.time.now)();
        while let Some((at, duty)) = self.due_by(now) {
            match self.perform_duty(at, duty) {
                Err(error @ MeteringError::SetBack { .. }) => {
                    tracing::warn!(%error, "a duty waits");
                    self.waits = true;
                    return Ok(());
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// Sets the simulated clock from one due instant to the next.
    fn advance(&mut self, to: Moment) -> Result<(), MeteringError> {
        let now = (self.core.time.now)();
        let Some(set) = self.core.time.set.clone().filter(|_| to >= now) else {
            return Err(MeteringError::Clock { now, to });
        };
        self.step(false)?;
        let mut looked = None;
        while let Some((at, duty)) = self.due_by(to) {
            set(at.max((self.core.time.now)()));
            self.core.ledger.expire_holds()?.wait()?;
            self.perform_duty(at, duty)?;
            looked = Some(at).filter(|_| duty == Duty::Hour).or(looked);
        }
        set(to);
        self.core.ledger.expire_holds()?.wait()?;
        // At a full hour all was looked at just now.
        self.step(looked != Some(to))
    }

    fn due_by(&self, to: Moment) -> Option<(Moment, Duty)> {
        let directory = (self.core.directory)();
        let state = self.core.state();
        let next = state.done.next(&directory, state.at);
        // By the machine's clock every step looks at what is limited.
        let is_set = self.core.time.set.is_some();
        let looks = state.look_next().filter(|_| is_set).map(|at| (at, Duty::Look));
        looks.into_iter().chain([next]).min().filter(|(at, _)| *at <= to)
    }

    fn perform_duty(&mut self, at: Moment, duty: Duty) -> Result<(), MeteringError> {
        match duty {
            Duty::Hour => self.step(true)?,
            Duty::CleanUp(storage) => {
                clean_up::on_schedule(&self.core, storage, at)?;
                // A start must not look for each of its payments again.
                self.core.log.note_duty(*storage.0.as_bytes(), at)?;
                self.core.state().volumes.cleaned(storage, at.nanoseconds());
            }
            Duty::Look => self.step(false)?,
        }
        self.core.state().done.note(at, duty);
        Ok(())
    }

    /// Decides what is due and has it posted, after what was decided before. `whole` looks at all that runs, and not only
    /// at what events have changed.
    fn step(&mut self, whole: bool) -> Result<(), MeteringError> {
        self.catch_up()?;
        let directory = (self.core.directory)();
        self.unwritten = self.decide(whole, &directory)?.map(|(step, row)| Unwritten::Step(step, row));
        // Stops go out before anything is posted: they are what nobody should wait for.
        guarding::guard(&self.core)?;
        self.write()?;
        self.tell(true);
        Ok(())
    }

    /// Writes what was decided: records the step, has the ledger post it, and notes that it did.
    fn write(&mut self) -> Result<(), MeteringError> {
        if let Some(Unwritten::Step(step, row)) = &self.unwritten {
            self.core.log.record_step(row.clone(), &restart::keys(step))?;
            let replies = self.core.ledger.perform(step.requests())?;
            let refused = restart::refused(&replies);
            for index in &refused {
                let posting = &step.postings[*index];
                tracing::warn!(reference = %posting.reference, project = %posting.project, reason = ?replies[*index], "a posting was refused");
            }
            self.core.state().settled(step, refused)?;
            self.unwritten = Some(Unwritten::Confirmation(step.number));
        }
        if let Some(Unwritten::Confirmation(number)) = self.unwritten {
            self.core.log.confirm_step(number)?;
            self.unwritten = None;
        }
        Ok(())
    }

    /// What is due now, and how it is written down; `None` where nothing is.
    fn decide(
        &mut self,
        whole: bool,
        directory: &Arc<Directory>,
    ) -> Result<Option<(Step, StepRow)>, MeteringError> {
        let now = (self.core.time.now)();
        let mut state = self.core.state();
        state.follow(directory, &*self.core.log)?;
        state.at = state.at.max(now);
        let (at, through) = (state.at, state.through);
        let known = Known { directory, ledger: &*self.core.ledger, log: &*self.core.log };
        let step = state.shard.decide(at, whole, &known)?;
        self.unsaved += work_of_looking(&state, whole);
        if step.postings.is_empty() {
            return Ok(None);
        }
        let postings = restart::written(&step, whole, &state)?;
        let row = StepRow { number: step.number, through, at, postings };
        Ok(Some((step, row)))
    }

    /// Says how far settling has come.
    fn tell(&self, is_well: bool) {
        let state = self.core.state();
        let settled = Settled { at: state.at, step: state.shard.steps(), through: state.through, is_well };
        drop(state);
        self.core.settled.send_replace(settled);
    }

    fn fail(&mut self, error: &MeteringError) {
        tracing::error!(%error, "settling has stopped");
        self.failed = true;
        self.tell(false);
    }

    /// Writes the state down, so that the next start has less to take again. What fails here costs time, nothing else.
    /// Settling goes on meanwhile. A state that is ahead of what is written is never written down itself: the next start
    /// goes on from an earlier one.
    fn save(&mut self) {
        if self.failed || self.unwritten.is_some() {
            return;
        }
        self.unsaved = 0;
        let state = self.core.state();
        let packed = restart::packed(&state);
        let (through, step) = (state.through, state.shard.steps());
        drop(state);
        let parts = match packed {
            Ok(parts) => parts,
            Err(error) => return tracing::error!(%error, "the settling state can not be packed"),
        };
        self.saved();
        let core = Arc::clone(&self.core);
        let write = move || {
            let parts = &mut parts.into_iter();
            if let Err(error) = core.log.save_snapshot(NewSnapshot { through, step, parts }) {
                tracing::error!(%error, "the settling state could not be written down");
            }
        };
        match std::thread::Builder::new().name("kopeck-state".to_owned()).spawn(write) {
            Ok(thread) => self.saving = Some(thread),
            Err(error) => tracing::error!(%error, "no thread writes the settling state down"),
        }
    }

    /// Waits until what is being written down is written.
    fn saved(&mut self) {
        if let Some(thread) = self.saving.take() {
            // One that panicked has written what it could.
            let _ = thread.join();
        }
    }
}

/// What a look costs, in events: a whole one passes all that runs.
pub(crate) fn work_of_looking(state: &State, whole: bool) -> u64 {
    if whole { state.shard.running_count() / LOOKS_AN_EVENT } else { 0 }
}

/// Whether what failed may go well later: the disk has room again, or answers again.
fn may_pass(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full
            | StoreError::Busy { .. }
            | StoreError::Unknown(_)
            | StoreError::Io { .. }
            | StoreError::Database(_)
    )
}

/// Answers; who asked may have gone.
fn tell<T>(answer: oneshot::Sender<Result<T, MeteringError>>, done: Result<T, MeteringError>) {
    let _ = answer.send(done);
}
