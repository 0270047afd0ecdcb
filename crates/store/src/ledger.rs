//! A durable ledger, whatever keeps it: one thread that decides and one that writes.
//!
//! ```text
//! callers ─▶ queue ─▶ decider ─▶ writer ─▶ medium ─▶ replies
//!           bounded   ahead of    one commit a batch
//!                     the disk
//! ```
//!
//! The decider is at the next batch while the writer waits for the disk. Readers see the state in `shared`, which
//! follows what is durable, and read the journal through a [`Place`]. Deliberately absent: an index of entries, an index
//! of ids on the way of a commit, and a cache of anything that another process could change.

pub mod batch;
pub mod copy;
pub mod decider;
pub mod history;
pub mod id_filter;
pub mod id_hash;
pub mod id_index;
pub mod journal;
pub mod queue;
pub mod shared;
pub mod snapshot;
pub mod tables;
pub mod verify;
pub mod writer;

use std::fmt::Debug;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::thread::{self, JoinHandle};

use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::ledger::{Ledger, OpenHold};
use kopeck_ledger::name::{AccountId, HoldId, Moment, Sequence, Text, TransactionId};
use kopeck_ledger::record::Record;
use kopeck_ledger::request::Request;
use tokio::sync::oneshot;

use crate::answer::{Copied, Head, Progress, Report};
use crate::error::StoreError;
use crate::store::{Answer, History, Span, Store, Ticket};

use decider::Decider;
use id_index::IdIndex;
use queue::{Job, Work};
use shared::{Clock, Shared};
use snapshot::Snapshots;
use tables::Tables;
use writer::{Medium, Writer};

/// Where a ledger lies, for whoever reads it.
pub trait Place: Debug + Send + Sync {
    /// Reads the tables as of one instant.
    ///
    /// # Errors
    /// What `work` answers, or [`StoreError`] where the database can not be read.
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T>;

    /// Reads what others have written to the journal after a record. Nothing, where nobody else writes it.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read.
    fn news(&self, _after: Sequence) -> Answer<Vec<Record>> {
        Ok(Vec::new())
    }

    /// As [`Store::verify`].
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read.
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<Report>;

    /// As [`Store::backup`].
    ///
    /// # Errors
    /// Those of [`Store::backup`].
    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()>;
}

/// An open ledger in some place.
#[derive(Debug)]
pub struct LedgerStore<P> {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Released last, when nobody writes any more.
    place: P,
}

/// What an opening finds.
pub(crate) struct Loaded {
    /// The state after the journal's last record.
    pub ledger: Ledger,
    ids: IdIndex,
    head: Head,
    snapshots: Snapshots,
}

impl Loaded {
    /// Reads the state: the last snapshot and what came after it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the journal can not be read to its end.
    pub fn of(tables: &dyn Tables) -> Answer<Loaded> {
        let stored = snapshot::load(tables)?;
        let mut ledger = stored.ledger;
        let mut replayed = 0;
        journal::rows_from(ledger.head().sequence.next(), tables, |chunk| {
            replayed += chunk.written_bytes();
            for record in chunk.records() {
                let record = record?;
                if record.sequence > ledger.head().sequence {
                    ledger.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
                }
            }
            Ok(true)
        })?;
        let head = tables.head()?;
        if head.sequence != ledger.head().sequence {
            return Err(StoreError::Corrupt(format!(
                "the journal can not be read up to record {}",
                head.sequence
            )));
        }
        let snapshots = Snapshots::after(replayed, stored.bytes);
        Ok(Loaded { ids: decider::load_ids(tables)?, ledger, head, snapshots })
    }
}

impl<P: Place> LedgerStore<P> {
    /// Starts the threads of a ledger that was just loaded. The decider reads through tables of its own.
    ///
    /// # Errors
    /// [`StoreError::Io`] where no thread can be made.
    pub(crate) fn start(
        place: P,
        loaded: Loaded,
        clock: Clock,
        tables: Box<dyn Tables + Send>,
        medium: impl Medium + 'static,
    ) -> Answer<LedgerStore<P>> {
        let shared = Arc::new(Shared::new(loaded.ledger.clone()));
        let (to_writer, commands) = mpsc::sync_channel(0);
        let decider = Decider::new(Arc::clone(&shared), to_writer, clock, tables);
        let decider = decider.starting_with(loaded.ledger, loaded.ids).among_others(medium.has_others());
        let writer = Writer::new(Arc::clone(&shared), medium, loaded.head, loaded.snapshots);
        let threads = vec![
            spawn("kopeck-decider", move || decider.run())?,
            spawn("kopeck-writer", move || writer.run(&commands))?,
        ];
        Ok(LedgerStore { shared, threads, place })
    }

    /// Where it lies.
    pub(crate) fn place(&self) -> &P {
        &self.place
    }
}

impl<P> LedgerStore<P> {
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

impl<P> Drop for LedgerStore<P> {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing more to write.
            let _ = thread.join();
        }
    }
}

impl<P: Place> Store for LedgerStore<P> {
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

    fn refresh(&self) -> Answer<()> {
        let news = self.place.news(self.shared.end())?;
        self.shared.bring_on(&news)
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
        self.place.read(|tables| history::history(&account, span, tables)).map(Some)
    }

    fn balance_at(&self, account: AccountId, at: Moment) -> Answer<Option<Amount>> {
        let Some(account) = self.account(account) else { return Ok(None) };
        self.place.read(|tables| history::balance_at(&account, at, tables)).map(Some)
    }

    fn record(&self, id: TransactionId) -> Answer<Option<Record>> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.shared.queue.push(Job::Find(id, answer))?;
        let found = answered.recv().unwrap_or(Err(StoreError::Closed))?;
        // What is not durable yet has not happened for a reader. Looking for it may have told what became of a doubtful
        // commit, so it is asked only now what is durable; what was void meanwhile has another record in its place.
        let durable = self.durable().head().sequence;
        let Some(sequence) = found.filter(|sequence| *sequence <= durable) else { return Ok(None) };
        let record = self.place.read(|tables| journal::record(sequence, tables))?;
        Ok(Some(record).filter(|record| record.asked.is_some_and(|asked| asked.id == id)))
    }

    fn recent(&self, sequence: Sequence) -> Option<Record> {
        self.shared.recent(sequence)
    }

    fn records(&self, from: Sequence, take: &mut dyn FnMut(Record) -> Answer<bool>) -> Answer<()> {
        self.place.read(|tables| journal::records_from(from, tables, take))
    }

    fn head(&self) -> Answer<Head> {
        self.place.read(|tables| tables.head())
    }

    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<Report> {
        self.place.verify(progress)
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        self.place.backup(target, progress)
    }
}

/// Starts a thread of a store.
///
/// # Errors
/// [`StoreError::Io`] where the system makes none.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Answer<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::io("start a thread for", Path::new(name), error))
}
