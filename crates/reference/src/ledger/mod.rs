//! The slow truth of the ledger: what every request is answered, and what every account has, by the contract's own
//! words (ledger.md).
//!
//! It shares only the types of requests, replies and refusals with the engine. A balance is summed up over all
//! entries whenever it is asked for, amounts are big fractions, a chain is tried on a copy of everything. Where the
//! contract is silent it does what the ledger's pages say (refusal precedence, whom a correction may overdraw).

mod accounts;
mod funds;
mod legs;
mod post;
mod putting_right;

use std::collections::BTreeMap;

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, HoldId, Moment, TransactionId};
use kopeck_ledger::record::{Receipt, Reply};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{CHAIN_LIMIT, NewHold, Request, Work};

use legs::Leg;

/// What an account is, and what was said of it last.
#[derive(Debug, Clone)]
struct Account {
    id: AccountId,
    kind: AccountKind,
    owner: Option<AccountId>,
    currency: Currency,
    zone: String,
    limit: i128,
    coefficient: Coefficient,
}

/// A hold and all that was taken from it.
#[derive(Debug, Clone)]
struct Hold {
    id: HoldId,
    account: AccountId,
    expires: Moment,
    left: i128,
}

/// A transaction that moved money for the first time, for those that put it right.
#[derive(Debug, Clone)]
struct First {
    request: Request,
    legs: Vec<Leg>,
    /// The coefficient of its earner when it was made.
    coefficient: Option<Coefficient>,
    /// What it is about now. `None` where it has no single amount.
    gross: Option<i128>,
    is_reversed: bool,
    /// The storage, project and day whose volume it charged, in 10⁻⁹ MB.
    volume: Option<((AccountId, String, i32), i128)>,
}

/// What is remembered of an id.
#[derive(Debug, Clone)]
struct Answer {
    request: Request,
    reply: Reply,
}

/// The reference's ledger.
#[derive(Debug, Clone)]
pub struct Model {
    now: Moment,
    /// The instant of the last record: time never goes back behind it.
    last: Moment,
    sequence: u64,
    accounts: Vec<Account>,
    entries: Vec<Leg>,
    holds: Vec<Hold>,
    accrued: BTreeMap<(AccountId, String), i128>,
    volumes: BTreeMap<(AccountId, String, i32), i128>,
    firsts: BTreeMap<TransactionId, First>,
    answers: BTreeMap<TransactionId, Answer>,
}

impl Default for Model {
    fn default() -> Model {
        Model {
            now: Moment::FIRST,
            last: Moment::FIRST,
            sequence: 0,
            accounts: Vec::new(),
            entries: Vec::new(),
            holds: Vec::new(),
            accrued: BTreeMap::new(),
            volumes: BTreeMap::new(),
            firsts: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }
}

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// The sum of its entries.
    pub posted: Amount,
    /// The sum of its open holds.
    pub held: Amount,
    /// Its projects' cost that is not posted yet.
    pub accrued: Amount,
    /// `posted + credit_limit − held − accrued`.
    pub available: Amount,
}

impl Model {
    /// Lets time pass: holds expire at their instants. Time never goes back behind what is recorded.
    pub fn pass(&mut self, now: Moment) {
        self.now = self.last.max(now);
        let now = self.now;
        let expired = self.holds.iter().map(|hold| hold.expires).filter(|expires| *expires <= now);
        let expired: Vec<Moment> = expired.collect();
        self.holds.retain(|hold| hold.expires > now);
        self.sequence += expired.len() as u64;
        self.last = expired.into_iter().fold(self.last, Moment::max);
    }

    /// Answers a request at `now`.
    pub fn send(&mut self, request: &Request, now: Moment) -> Reply {
        self.pass(now);
        if let Some(answer) = self.answers.get(&request.id) {
            return repeated(answer, request);
        }
        let reply = self.attempt(request);
        if matches!(reply, Ok(_) | Err(Refusal::InsufficientFunds(_))) {
            self.remember(request, reply.clone());
        }
        reply
    }

    /// Answers a chain at `now`: all or nothing.
    pub fn send_chain(&mut self, members: &[Request], now: Moment) -> Reply {
        self.pass(now);
        if members.is_empty() {
            return Err(Refusal::ChainEmpty);
        }
        if members.len() > CHAIN_LIMIT {
            return Err(Refusal::ChainTooLong { members: members.len() });
        }
        for (place, member) in members.iter().enumerate() {
            if members[..place].iter().any(|earlier| earlier.id == member.id) {
                return Err(Refusal::IdRepeated { id: member.id });
            }
        }
        if members.iter().any(|member| self.answers.contains_key(&member.id)) {
            return self.chain_again(members);
        }
        let before = self.clone();
        let first = Receipt { sequence: kopeck_ledger::name::Sequence(self.sequence + 1), at: self.now };
        for member in members {
            let refusal = match self.attempt(member) {
                Ok(receipt) => {
                    self.remember(member, Ok(receipt));
                    continue;
                }
                Err(refusal) => refusal,
            };
            *self = before;
            if matches!(refusal, Refusal::InsufficientFunds(_)) {
                self.remember_refused(members, member.id, &refusal);
            }
            return Err(Refusal::InChain { id: member.id, refusal: Box::new(refusal) });
        }
        Ok(first)
    }

    fn remember_refused(&mut self, members: &[Request], by: TransactionId, refusal: &Refusal) {
        for member in members {
            let own = member.id == by;
            self.remember(member, Err(if own { refusal.clone() } else { Refusal::WithChain { by } }));
        }
    }

    /// A chain of which some members were asked before.
    fn chain_again(&self, members: &[Request]) -> Reply {
        let replies: Vec<(TransactionId, Option<Reply>)> = members
            .iter()
            .map(|member| (member.id, self.answers.get(&member.id).map(|answer| repeated(answer, member))))
            .collect();
        let other_content =
            |reply: &Option<Reply>| matches!(reply, Some(Err(Refusal::IdReusedWithOtherContent { .. })));
        if let Some((id, _)) = replies.iter().find(|(_, reply)| other_content(reply)) {
            return Err(Refusal::IdReusedWithOtherContent { id: *id });
        }
        if let Some((id, _)) = replies.iter().find(|(_, reply)| reply.is_none()) {
            return Err(Refusal::ChainPartlyKnown { id: *id });
        }
        let refused: Vec<(TransactionId, Refusal)> = replies
            .iter()
            .filter_map(|(id, reply)| match reply {
                Some(Err(refusal)) => Some((*id, refusal.clone())),
                _ => None,
            })
            .collect();
        let for_its_own = refused.iter().find(|(_, refusal)| !matches!(refusal, Refusal::WithChain { .. }));
        match (for_its_own.or(refused.first()), replies.into_iter().next()) {
            (Some((id, refusal)), _) => Err(Refusal::InChain { id: *id, refusal: Box::new(refusal.clone()) }),
            (None, Some((_, Some(reply)))) => reply,
            _ => Err(Refusal::ChainEmpty),
        }
    }

    /// What an account has, from all its entries.
    #[must_use]
    pub fn balance(&self, id: AccountId) -> Balance {
        let [posted, held, accrued] = [self.posted(id), self.held(id), self.accrued_of(id)];
        let limit = self.account(id).map_or(0, |account| account.limit);
        let amounts = [posted, held, accrued, posted + limit - held - accrued].map(Amount::from_micros);
        let [posted, held, accrued, available] = amounts;
        Balance { posted, held, accrued, available }
    }

    /// All accounts, in the order in which they were opened.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().map(|account| account.id)
    }

    /// How many records a journal of all that was done has.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.sequence
    }

    /// What is left of each hold that is not resolved, and when it expires.
    pub fn holds(&self) -> impl Iterator<Item = (HoldId, Amount, Moment)> {
        self.holds.iter().map(|hold| (hold.id, Amount::from_micros(hold.left), hold.expires))
    }

    fn attempt(&mut self, request: &Request) -> Reply {
        match &request.work {
            Work::Open(new) => self.open(request, new)?,
            Work::SetCreditLimit { account, limit } => self.set_limit(request, *account, *limit)?,
            Work::SetCoefficient { account, coefficient } => {
                self.set_coefficient(request, *account, *coefficient)?;
            }
            Work::SetAccrued { workspace, project, amount } => {
                self.set_accrued(*workspace, project.as_str(), *amount)?;
            }
            Work::Hold(new) => self.hold(request, new)?,
            Work::Release(hold) => {
                let hold = self.open_hold(*hold)?.id;
                self.holds.retain(|open| open.id != hold);
            }
            Work::Correct(correct) => self.correct(request, correct)?,
            Work::Reverse(reverse) => self.reverse(request, reverse)?,
            _ => self.post(request)?,
        }
        Ok(Receipt { sequence: kopeck_ledger::name::Sequence(self.sequence + 1), at: self.now })
    }

    fn remember(&mut self, request: &Request, reply: Reply) {
        self.sequence += 1;
        self.last = self.now;
        self.answers.insert(request.id, Answer { request: request.clone(), reply });
    }

    fn hold(&mut self, request: &Request, new: &NewHold) -> Result<(), Refusal> {
        let kind = self.need(new.account)?.kind;
        if is_system(kind) {
            return Err(Refusal::KindMayNot { kind });
        }
        let amount = positive(new.amount)?;
        if new.expires <= self.now {
            return Err(Refusal::ExpiryPassed { expires: new.expires, now: self.now });
        }
        self.covers(new.account, amount)?;
        let id = HoldId(request.id);
        self.holds.push(Hold { id, account: new.account, expires: new.expires, left: amount });
        Ok(())
    }

    fn open_hold(&self, hold: HoldId) -> Result<&Hold, Refusal> {
        if let Some(open) = self.holds.iter().find(|open| open.id == hold) {
            return Ok(open);
        }
        let asked = self.answers.get(&hold.0).filter(|answer| answer.reply.is_ok());
        match asked.map(|answer| &answer.request.work) {
            Some(Work::Hold(new)) if new.expires <= self.now => {
                Err(Refusal::HoldExpired { hold, expired: new.expires })
            }
            Some(Work::Hold(_)) => Err(Refusal::HoldResolved { hold }),
            _ => Err(Refusal::UnknownHold { hold }),
        }
    }

    fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    fn need(&self, id: AccountId) -> Result<&Account, Refusal> {
        self.account(id).ok_or(Refusal::UnknownAccount { account: id })
    }
}

/// The same id again: the first answer, or a refusal of other content.
fn repeated(answer: &Answer, request: &Request) -> Reply {
    if answer.request == *request {
        answer.reply.clone()
    } else {
        Err(Refusal::IdReusedWithOtherContent { id: request.id })
    }
}

fn is_system(kind: AccountKind) -> bool {
    [AccountKind::External, AccountKind::Rounding, AccountKind::Tax].contains(&kind)
}

fn positive(amount: Amount) -> Result<i128, Refusal> {
    if amount.micros() == 0 { Err(Refusal::AmountZero) } else { not_negative(amount) }
}

fn not_negative(amount: Amount) -> Result<i128, Refusal> {
    let micros = amount.micros();
    if micros < 0 {
        return Err(Refusal::AmountNegative { amount });
    }
    if micros > i128::from(u64::MAX) { Err(Refusal::AmountTooLarge) } else { Ok(micros) }
}
