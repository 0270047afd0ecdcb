//! The state of money, and the two things done with it: `decide` reads, `apply` writes.
//!
//! The shell looks up what it needs, asks [`Ledger::decide`], makes the records durable, and applies them. Everything
//! that decisions depend on is in memory here, but for the fate of earlier requests, which [`Known`] looks up.

use std::collections::{BTreeMap, BTreeSet};

use kopeck_rating::keys::QuickMap;
use smallvec::SmallVec;

use crate::account::{Account, AccountKind};
use crate::amount::Amount;
use crate::apply;
pub use crate::apply::Corruption;
use crate::books::{Books, BooksMut};
use crate::chained;
use crate::decide;
use crate::name::{AccountId, AccountNumber, Currency, HoldId, Moment, Sequence, Text, TransactionId};
use crate::record::{Asked, Body, HoldEnd, Outcome, Receipt, Record, Reply};
use crate::refusal::{Lasting, Refusal};
use crate::request::Request;
use crate::storage::Charged;

/// What was asked before. Stores look it up by id; the ledger keeps no ids.
pub trait Known {
    /// What became of the request of that id, refused or done. `None` if it is new.
    fn outcome(&self, id: TransactionId) -> Option<Outcome>;

    /// The record of that id. Asked for only where a transaction is put right or a hold is not open.
    fn record(&self, id: TransactionId) -> Option<Record>;
}

/// What should be answered, and what must be durable before it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub reply: Reply,
    /// The records to write and apply, in order, all or nothing: none for retries and for refusals that are not
    /// remembered.
    pub records: SmallVec<[Record; 1]>,
}

/// A hold that is not resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenHold {
    /// Where the money is set aside.
    pub account: AccountNumber,
    /// What is left of it: above zero.
    pub left: Amount,
    /// When it goes back by itself.
    pub expires: Moment,
}

/// What corrections have made of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrected {
    /// It is about this amount now.
    To(Amount),
    /// It is reversed.
    Reversed,
}

/// The end of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last record.
    pub sequence: Sequence,
    /// Its instant.
    pub at: Moment,
}

impl Head {
    /// Before the first record.
    pub const START: Head = Head { sequence: Sequence::NONE, at: Moment::FIRST };
}

/// The state of all accounts of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub(crate) accounts: Vec<Account>,
    pub(crate) numbers: QuickMap<AccountId, AccountNumber>,
    pub(crate) singles: BTreeMap<(AccountKind, Currency), AccountNumber>,
    pub(crate) holds: QuickMap<HoldId, OpenHold>,
    pub(crate) expiries: BTreeSet<(Moment, HoldId)>,
    pub(crate) accrued: BTreeMap<(AccountNumber, Text), Amount>,
    pub(crate) charged: BTreeMap<(AccountNumber, Text), Charged>,
    pub(crate) corrected: QuickMap<TransactionId, Corrected>,
    pub(crate) head: Head,
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger {
            accounts: Vec::new(),
            numbers: QuickMap::default(),
            singles: BTreeMap::new(),
            holds: QuickMap::default(),
            expiries: BTreeSet::new(),
            accrued: BTreeMap::new(),
            charged: BTreeMap::new(),
            corrected: QuickMap::default(),
            head: Head::START,
        }
    }
}

impl Ledger {
    /// Decides what becomes of a request at `now`, and changes nothing. Where `now` lies before the last record, the
    /// last record's instant counts: a journal's time never goes back.
    ///
    /// A refusal is in [`Decision::reply`]. Whatever is due at `now` must have been applied ([`Ledger::due`]).
    #[must_use]
    pub fn decide(&self, request: &Request, now: Moment, known: &impl Known) -> Decision {
        let now = now.max(self.head.at);
        if let Err(refusal) = self.nothing_due(now) {
            return Decision::without_trace(Err(refusal));
        }
        let content = request.content();
        if let Some(outcome) = known.outcome(request.id) {
            return Decision::without_trace(retried(request.id, content, outcome));
        }
        let sequence = self.head.sequence.next();
        let asked = Some(Asked { id: request.id, content });
        let record = |body| Record { sequence, at: now, linked: false, asked, body };
        match decide::body(self, request, now, known) {
            Ok(body) => {
                let records = SmallVec::from_buf([record(body)]);
                Decision { reply: Ok(Receipt { sequence, at: now }), records }
            }
            Err(Refusal::InsufficientFunds(shortage)) => {
                let body = Body::Refused(Lasting::InsufficientFunds(shortage));
                let records = SmallVec::from_buf([record(body)]);
                Decision { reply: Err(Refusal::InsufficientFunds(shortage)), records }
            }
            Err(refusal) => Decision::without_trace(Err(refusal)),
        }
    }

    /// Decides on several requests that post together or not at all, each seeing what those before it have done.
    ///
    /// The reply is the first member's receipt, the others' records follow it; or [`Refusal::InChain`]. Where money
    /// is missing, every member stays refused for ever.
    #[must_use]
    pub fn decide_chain(&self, members: &[Request], now: Moment, known: &impl Known) -> Decision {
        let now = now.max(self.head.at);
        match self.nothing_due(now) {
            Ok(()) => chained::decide(self, members, now, known),
            Err(refusal) => Decision::without_trace(Err(refusal)),
        }
    }

    /// The expiry that must be applied next, where one has come by `now`: ask, write and apply until there is none.
    /// Its instant is the hold's expiry, whenever it is asked for.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<Record> {
        let (expires, id) = *self.expiries.first()?;
        if expires > now.max(self.head.at) {
            return None;
        }
        let hold = self.holds.get(&id)?;
        let end = HoldEnd { hold: id, account: hold.account, amount: hold.left };
        let sequence = self.head.sequence.next();
        Some(Record { sequence, at: expires, linked: false, asked: None, body: Body::Expired(end) })
    }

    /// When the next hold expires: the instant to wake up at.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Moment> {
        self.expiries.first().map(|(expires, _)| *expires)
    }

    /// Takes a record into the state. A record that was decided on this state is always taken.
    ///
    /// # Errors
    /// [`Corruption`] where the record can not follow this state. The state is then undefined and must be dropped.
    pub fn apply(&mut self, record: &Record) -> Result<(), Corruption> {
        apply::apply(self, record)
    }

    /// All accounts, in the order of their numbers.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account of a number.
    #[must_use]
    pub fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(number.index())
    }

    /// The account of an id.
    #[must_use]
    pub fn find(&self, id: AccountId) -> Option<&Account> {
        self.numbers.get(&id).and_then(|number| self.account(*number))
    }

    /// The one account of a kind for a currency.
    #[must_use]
    pub fn single(&self, kind: AccountKind, currency: Currency) -> Option<&Account> {
        self.singles.get(&(kind, currency)).and_then(|number| self.account(*number))
    }

    /// A hold that is not resolved.
    #[must_use]
    pub fn open_hold(&self, id: HoldId) -> Option<OpenHold> {
        self.holds.get(&id).copied()
    }

    /// All holds that are not resolved, in the order of their expiries.
    pub fn open_holds(&self) -> impl Iterator<Item = (HoldId, OpenHold)> {
        self.expiries.iter().filter_map(|(_, id)| self.holds.get(id).map(|hold| (*id, *hold)))
    }

    /// What each project of a workspace has cost and is not posted yet, by the project's name.
    pub fn accrued(&self, workspace: AccountNumber) -> impl Iterator<Item = (&Text, Amount)> {
        let entries = self.accrued.iter();
        entries
            .filter(move |((number, _), _)| *number == workspace)
            .map(|((_, project), sum)| (project, *sum))
    }

    /// The end of the journal that the state is the fold of.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    fn nothing_due(&self, now: Moment) -> Result<(), Refusal> {
        match self.expiries.first() {
            Some((at, _)) if *at <= now => Err(Refusal::HoldsDue { at: *at }),
            _ => Ok(()),
        }
    }
}

impl Decision {
    pub(crate) fn without_trace(reply: Reply) -> Decision {
        Decision { reply, records: SmallVec::new() }
    }
}

/// What a request that was asked before is answered.
pub(crate) fn retried(id: TransactionId, content: u64, outcome: Outcome) -> Reply {
    if outcome.content == content {
        outcome.reply.map_err(Refusal::from)
    } else {
        Err(Refusal::IdReusedWithOtherContent { id })
    }
}

impl Books for Ledger {
    fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(number.index())
    }

    fn number(&self, id: AccountId) -> Option<AccountNumber> {
        self.numbers.get(&id).copied()
    }

    fn single(&self, kind: AccountKind, currency: Currency) -> Option<AccountNumber> {
        self.singles.get(&(kind, currency)).copied()
    }

    fn count(&self) -> usize {
        self.accounts.len()
    }

    fn hold(&self, id: HoldId) -> Option<OpenHold> {
        self.holds.get(&id).copied()
    }

    fn accrued(&self, key: &(AccountNumber, Text)) -> Amount {
        self.accrued.get(key).copied().unwrap_or(Amount::ZERO)
    }

    fn charged(&self, key: &(AccountNumber, Text)) -> Option<&Charged> {
        self.charged.get(key)
    }

    fn corrected(&self, id: TransactionId) -> Option<Corrected> {
        self.corrected.get(&id).copied()
    }

    fn head(&self) -> Head {
        self.head
    }
}

impl BooksMut for Ledger {
    fn account_mut(&mut self, number: AccountNumber) -> Option<&mut Account> {
        self.accounts.get_mut(number.index())
    }

    fn open(&mut self, account: Account) {
        let opening = &account.opening;
        self.numbers.insert(opening.id, opening.number);
        if opening.kind.is_single() {
            self.singles.insert((opening.kind, opening.currency), opening.number);
        }
        self.accounts.push(account);
    }

    fn set_hold(&mut self, id: HoldId, hold: Option<OpenHold>) {
        let before = match hold {
            Some(hold) => self.holds.insert(id, hold),
            None => self.holds.remove(&id),
        };
        if let (Some(before), None) = (before, hold) {
            self.expiries.remove(&(before.expires, id));
        }
        if let (None, Some(hold)) = (before, hold) {
            self.expiries.insert((hold.expires, id));
        }
    }

    fn set_accrued(&mut self, key: (AccountNumber, Text), amount: Amount) {
        if amount.is_zero() {
            self.accrued.remove(&key);
        } else {
            self.accrued.insert(key, amount);
        }
    }

    fn set_charged(&mut self, key: (AccountNumber, Text), charged: Charged) {
        if charged.is_empty() {
            self.charged.remove(&key);
        } else {
            self.charged.insert(key, charged);
        }
    }

    fn set_corrected(&mut self, id: TransactionId, corrected: Corrected) {
        self.corrected.insert(id, corrected);
    }

    fn set_head(&mut self, head: Head) {
        self.head = head;
    }
}
