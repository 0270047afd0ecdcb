//! The handle to metering: what the rest of the program may ask of the thread that owns the shard.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use kopeck_directory::Directory;
use kopeck_directory::limit::Holder;
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use kopeck_ledger::record::Reply;
use kopeck_rating::packed::UnpackError;
use kopeck_settlement::shard::{SettleError, Shard};
use kopeck_store::events::{Durable, EventLog, EventReader, EventTicket, Group, Position};
use kopeck_store::{Store, StoreError};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::guard::Shown;
use crate::guard::outbox::{Outbox, OutboxError};
use crate::judge::Arrived;
use crate::placement::ShardNumber;
use crate::restart;
use crate::settler::Settler;
use crate::state::State;

/// Events that may wait to be settled; beyond them new ones are told to come later.
const BACKLOG: u64 = 400_000;

/// Why metering can not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum MeteringError {
    /// A store can not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Costs can not be computed.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// What was stored of the settling state is none.
    #[error("the stored settling state can not be read: {0}")]
    Stored(#[from] UnpackError),
    /// What was recorded beside it is none.
    #[error("the stored settling state can not be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The steps that were recorded do not follow from the events.
    #[error("step {step} does not follow from the logged events again (step {decided} does): verify the log")]
    Diverged {
        /// Which step was recorded.
        step: u64,
        /// Which one was decided.
        decided: u64,
    },
    /// A clock that can not be set, or not to there.
    #[error("the clock stands at {now} and can not be set to {to}")]
    Clock {
        /// Where it stands.
        now: Moment,
        /// Where it was to be set.
        to: Moment,
    },
    /// The clock was set back while something was done that is not due any more.
    #[error(
        "the clock was set back to {now} before what was due at {due} was done: it is done when the clock is there again"
    )]
    SetBack {
        /// Where it stands.
        now: Moment,
        /// When it was due.
        due: Moment,
    },
    /// There is no such storage.
    #[error("there is no storage {0}")]
    NoStorage(StorageId),
    /// Metering has ended.
    #[error("metering has stopped")]
    Stopped,
}

impl From<OutboxError> for MeteringError {
    fn from(error: OutboxError) -> MeteringError {
        match error {
            OutboxError::Store(error) => MeteringError::Store(error),
            OutboxError::Json(error) => MeteringError::Json(error),
        }
    }
}

/// Where metering reads the time.
#[derive(Clone)]
pub struct Time {
    /// What time it is.
    pub now: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Sets a simulated clock; `None` for the machine's.
    pub set: Option<Arc<dyn Fn(Moment) + Send + Sync>>,
}

/// Who there is, as it is now.
pub type Entities = Arc<dyn Fn() -> Arc<Directory> + Send + Sync>;

/// What metering works on.
pub struct Parts {
    /// Which shard it is.
    pub shard: ShardNumber,
    /// Where money moves.
    pub ledger: Arc<dyn Store>,
    /// Where events are durable; it tells [`Inbox`] of them.
    pub log: Arc<dyn EventLog<Arrived>>,
    /// Who there is.
    pub directory: Entities,
    /// What time it is.
    pub time: Time,
    /// How many days old an event may be.
    pub horizon_days: u32,
    /// What the log has told the inbox.
    pub mailbox: Mailbox,
}

/// How far settling has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// All costs up to this instant were looked at.
    pub at: Moment,
    /// The last step.
    pub step: u64,
    /// The last event that is in it.
    pub through: Position,
    /// Whether the last try to write went well.
    pub is_well: bool,
}

/// Metering, from its start to its stop.
pub struct Metering {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the handle and the settler share.
pub(crate) struct Core {
    pub shard: ShardNumber,
    pub state: Mutex<State>,
    pub ledger: Arc<dyn Store>,
    pub log: Arc<dyn EventLog<Arrived>>,
    pub directory: Entities,
    pub time: Time,
    pub settled: watch::Sender<Settled>,
    pub outbox: Outbox,
    inbox: Inbox,
}

/// The events of a commit, those that were there before among them.
pub(crate) fn count(durable: &Durable<Arrived>) -> u64 {
    let events: usize = durable.groups.iter().map(|(group, _)| group.arrivals.len()).sum();
    u64::try_from(events).unwrap_or(u64::MAX)
}

/// Where the log tells of what has become durable.
#[derive(Debug, Clone)]
pub struct Inbox {
    sender: Sender<Command>,
    waiting: Arc<AtomicU64>,
}

/// The other end of an [`Inbox`].
#[derive(Debug)]
pub struct Mailbox {
    pub(crate) receiver: Receiver<Command>,
    inbox: Inbox,
}

/// A way from the log to the settler.
#[must_use]
pub fn mail() -> (Inbox, Mailbox) {
    let (sender, receiver) = mpsc::channel();
    let inbox = Inbox { sender, waiting: Arc::default() };
    (inbox.clone(), Mailbox { receiver, inbox })
}

/// What the settler is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Events are durable.
    Durable(Durable<Arrived>),
    /// Settle what is there, and say so.
    Settle(oneshot::Sender<Result<(), MeteringError>>),
    /// Set the simulated clock, and do what is due until then.
    Advance(Moment, oneshot::Sender<Result<(), MeteringError>>),
    /// Charge what a storage keeps, now.
    CleanUp(StorageId, Uuid, oneshot::Sender<Result<Vec<Cleaned>, MeteringError>>),
    /// Look at the limits of a holder, and tell what they come to.
    Look(Holder, oneshot::Sender<Result<Shown, MeteringError>>),
    /// A holder's money has changed.
    Touch(Holder),
    /// Settle what is there, write the state down, and end.
    Stop,
}

/// What a clean-up has charged one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// Which project.
    pub project: String,
    /// The id of the transaction.
    pub transaction: Uuid,
    /// What the ledger answered.
    pub reply: Reply,
}

impl Inbox {
    /// Takes what a commit of the log has made durable. Never waits.
    pub fn tell(&self, durable: Durable<Arrived>) {
        self.waiting.fetch_add(count(&durable), Ordering::AcqRel);
        // Whoever has stopped settles it at the next start.
        let _ = self.sender.send(Command::Durable(durable));
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    pub(crate) fn settled(&self, events: u64) {
        self.waiting.fetch_sub(events, Ordering::AcqRel);
    }
}

impl Core {
    /// The state. A thread that panicked while it held it has left a state that the log tells again.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }
}

impl Metering {
    /// Takes up where the log ends: restores the state, settles what was not, and starts the settler.
    ///
    /// # Errors
    /// [`MeteringError`].
    pub fn start(parts: Parts) -> Result<Metering, MeteringError> {
        let Parts { shard, ledger, log, directory, time, horizon_days, mailbox } = parts;
        let outbox = Outbox::of(&*log)?;
        let (restored, again) = restart::restore(&*log, &*ledger, &directory, &time, (shard, horizon_days))?;
        let settled = Settled {
            at: restored.at,
            step: restored.shard.steps(),
            through: restored.through,
            is_well: true,
        };
        let core = Arc::new(Core {
            shard,
            state: Mutex::new(restored),
            ledger,
            log,
            directory,
            time,
            settled: watch::Sender::new(settled),
            outbox,
            inbox: mailbox.inbox,
        });
        let settler = Settler::new(Arc::clone(&core), mailbox.receiver, again);
        let thread = std::thread::Builder::new().name("kopeck-settler".to_owned());
        let thread = thread
            .spawn(move || settler.run())
            .map_err(|error| StoreError::Unknown(format!("no thread could be started: {error}")))?;
        Ok(Metering { core, thread: Mutex::new(Some(thread)) })
    }

    /// Whether so much waits to be settled that new events should come later.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.backlog() > BACKLOG
    }

    /// Events that are durable and not settled.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.core.inbox.waiting()
    }

    /// Hands judged events to the log.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where too much waits; the ticket tells of a commit that failed.
    pub fn submit(&self, group: Group<Arrived>) -> Result<EventTicket, StoreError> {
        self.core.log.submit(group)
    }

    /// Looks at the state between two steps, with the instant that questions may be asked of.
    pub fn look<T>(&self, look: impl FnOnce(&mut Shard, Moment) -> T) -> T {
        let mut state = self.core.state();
        let at = state.at.max((self.core.time.now)());
        look(&mut state.shard, at)
    }

    /// Looks at what sources have sent.
    pub fn sources<T>(&self, look: impl FnOnce(&crate::sources::Sources) -> T) -> T {
        look(&self.core.state().sources)
    }

    /// Settles all that is durable now.
    ///
    /// # Errors
    /// [`MeteringError`].
    pub async fn settle(&self) -> Result<(), MeteringError> {
        self.ask(Command::Settle).await
    }

    /// Sets a simulated clock, and does all that is due until then, in its order.
    ///
    /// # Errors
    /// [`MeteringError::Clock`] where it is the machine's clock, or would go back.
    pub async fn advance(&self, to: Moment) -> Result<(), MeteringError> {
        self.ask(|answer| Command::Advance(to, answer)).await
    }

    /// Charges every project for what it keeps in a storage now. The id names the clean-up: again with the same id
    /// charges nothing twice.
    ///
    /// # Errors
    /// [`MeteringError`]; what the ledger refused is told for each project.
    pub async fn clean_up(&self, storage: StorageId, id: Uuid) -> Result<Vec<Cleaned>, MeteringError> {
        self.ask(|answer| Command::CleanUp(storage, id, answer)).await
    }

    /// Follows how far settling has come.
    #[must_use]
    pub fn settled(&self) -> watch::Receiver<Settled> {
        self.core.settled.subscribe()
    }

    /// The log of events, for reading.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn EventReader> {
        let log: Arc<dyn EventLog<Arrived>> = Arc::clone(&self.core.log);
        log
    }

    /// The log of events.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn EventLog<Arrived>> {
        &self.core.log
    }

    /// Settles what is there, writes the state down, and ends.
    pub fn stop(&self) {
        let _ = self.core.inbox.sender.send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A settler that panicked has written what it could.
            let _ = thread.join();
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Tells the settler something that nobody waits for.
    pub(crate) fn tell(&self, command: Command) {
        // One that has stopped looks at everything at the next start.
        let _ = self.core.inbox.sender.send(command);
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, MeteringError>>) -> Command,
    ) -> Result<T, MeteringError> {
        let (answer, answered) = oneshot::channel();
        self.core.inbox.sender.send(command(answer)).map_err(|_| MeteringError::Stopped)?;
        answered.await.unwrap_or(Err(MeteringError::Stopped))
    }
}

impl Drop for Metering {
    fn drop(&mut self) {
        self.stop();
    }
}
