//! What the rest of kopeck asks of a store: the verbs of a durable ledger, not its tables.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::ledger::OpenHold;
use kopeck_ledger::name::{AccountId, HoldId, Moment, Sequence, Text, TransactionId};
use kopeck_ledger::record::{Record, Reply};
use kopeck_ledger::request::Request;
use tokio::sync::oneshot;

use crate::answer::{Copied, Head, Progress, Report};
use crate::error::StoreError;

/// The answer of the store to a question.
pub type Answer<T> = Result<T, StoreError>;

/// A durable ledger.
///
/// Requests are decided one after the other and written in groups; a ticket's replies come when they are durable.
/// What is read is durable as well, and of one instant: no read shows what a crash could take back.
pub trait Store: Send + Sync {
    /// Hands over requests to be decided in this order, each by itself. Waits while too much is waiting already.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    fn submit(&self, requests: Vec<Request>) -> Answer<Ticket>;

    /// As [`Store::submit`], but never waits.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where too much is waiting already; [`StoreError::Closed`].
    fn try_submit(&self, requests: Vec<Request>) -> Answer<Ticket>;

    /// Hands over requests that post all or not at all: its ticket has one reply.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    fn submit_chain(&self, members: Vec<Request>) -> Answer<Ticket>;

    /// Lets holds expire whose instant has come. Every submission does it first; this is for a timer, so that what is
    /// read is up to date where nothing is submitted.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    fn expire_holds(&self) -> Answer<Ticket>;

    /// Brings what is read from memory (accounts, holds, accrued cost) to what is durable now, where others write the
    /// ledger as well. Whoever has to see what they did calls it before he reads; where nobody else writes it does
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the journal can not be read.
    fn refresh(&self) -> Answer<()> {
        Ok(())
    }

    /// When the next hold expires.
    fn next_expiry(&self) -> Option<Moment>;

    /// An account with its state.
    fn account(&self, id: AccountId) -> Option<Account>;

    /// Up to `limit` accounts in the order of their opening, after the first `skip`.
    fn accounts(&self, skip: usize, limit: usize) -> Vec<Account>;

    /// What each project of a workspace has cost and is not posted yet.
    fn accrued(&self, workspace: AccountId) -> Vec<(Text, Amount)>;

    /// A hold that is not resolved.
    fn open_hold(&self, id: HoldId) -> Option<OpenHold>;

    /// An account's entries from the newest backwards.
    ///
    /// # Errors
    /// [`StoreError`] where the journal can not be read.
    fn history(&self, account: AccountId, span: Span) -> Answer<Option<History>>;

    /// What an account held after all that happened up to an instant, that instant included.
    ///
    /// # Errors
    /// [`StoreError`] where the journal can not be read.
    fn balance_at(&self, account: AccountId, at: Moment) -> Answer<Option<Amount>>;

    /// What came of the request of that id.
    ///
    /// # Errors
    /// [`StoreError`] where the journal can not be read.
    fn record(&self, id: TransactionId) -> Answer<Option<Record>>;

    /// A record that became durable just now, from memory; `None` where it is not at hand any more. Never waits.
    fn recent(&self, sequence: Sequence) -> Option<Record>;

    /// Hands all records from `from` to `take`, in their order, until it answers `false`.
    ///
    /// # Errors
    /// What `take` answers, or [`StoreError`] where the journal can not be read.
    fn records(&self, from: Sequence, take: &mut dyn FnMut(Record) -> Answer<bool>) -> Answer<()>;

    /// Where the journal ends.
    ///
    /// # Errors
    /// [`StoreError`] where the journal can not be read.
    fn head(&self) -> Answer<Head>;

    /// Checks the whole journal: hashes, invariants, and all that is kept beside it. Reads as of one instant.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read; what is wrong in it is the report's matter.
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<Report>;

    /// Copies the ledger, as it is at one instant, to a new file, while it is written.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Full`], and what else a file can do.
    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()>;

    /// Hands over requests and waits for the replies.
    ///
    /// # Errors
    /// [`StoreError`], after which [`StoreError::Unknown`] alone leaves open whether they were done.
    fn perform(&self, requests: Vec<Request>) -> Answer<Vec<Reply>> {
        self.submit(requests)?.wait()
    }

    /// Hands over a chain and waits for its reply.
    ///
    /// # Errors
    /// As [`Store::perform`].
    fn perform_chain(&self, members: Vec<Request>) -> Answer<Reply> {
        let mut replies = self.submit_chain(members)?.wait()?;
        replies.pop().ok_or(StoreError::Closed)
    }
}

/// Which entries of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Entries at or after this instant.
    pub from: Moment,
    /// Entries before this instant.
    pub to: Moment,
    /// Only records before this one: for the next page.
    pub before: Option<Sequence>,
    /// Stop when there are so many entries; a record is given whole, so there may be more.
    pub limit: usize,
}

impl Span {
    /// The last entries.
    #[must_use]
    pub fn last(limit: usize) -> Span {
        Span { from: Moment::FIRST, to: Moment::LAST, before: None, limit }
    }
}

/// A part of an account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The records with the entries, newest first.
    pub records: Vec<Record>,
    /// The balance after the newest of them; where there is none, the balance that the span ends with.
    pub closing: Amount,
    /// There are older entries in the span: ask again with this as [`Span::before`].
    pub next: Option<Sequence>,
}

/// A promise of replies, or of what else a store has to answer: to be waited for, or awaited.
#[derive(Debug)]
pub struct Ticket<T = Vec<Reply>>(oneshot::Receiver<Answer<T>>);

impl<T> Ticket<T> {
    /// Of what comes through the channel.
    #[must_use]
    pub fn of(receiver: oneshot::Receiver<Answer<T>>) -> Ticket<T> {
        Ticket(receiver)
    }

    /// Waits for the replies, one for each request in the same order. Not for use inside async code, where a ticket
    /// is awaited.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was decided, or where the outcome is not known.
    pub fn wait(self) -> Answer<T> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(gone()))
    }
}

impl<T> Future for Ticket<T> {
    type Output = Answer<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|received| received.unwrap_or_else(|_| Err(gone())))
    }
}

/// A store that has ended with the question in its hands has not told what became of it.
fn gone() -> StoreError {
    StoreError::Unknown("the store was closed meanwhile".to_owned())
}
