//! From differences to postings: who pays what, and which earlier postings become smaller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kopeck_ledger::amount::Amount as Money;
use kopeck_ledger::name::{AccountId, HoldId, Moment};
use kopeck_ledger::request::{HoldUse, JobUser};
use kopeck_rating::batch::Batch;
use kopeck_rating::calendar::Second;
use kopeck_rating::event;
use kopeck_rating::incoming::Named;
use kopeck_rating::money::{Amount, Overflow};

use crate::account::{Account, AccountKey, Entry};
use crate::meter::{Differences, Meter, add};
use crate::meter_id::{MeterId, MeterKind};
use crate::parties::{Authorised, Parties, SetAside};
use crate::posting::{Posting, PostingKey, PostingName, What, text_of, transaction_id};
use crate::shard::SettleError;
use crate::step::Step;

/// A step in the making.
pub(crate) struct Draft<'p> {
    shard: u64,
    parties: &'p dyn Parties,
    pub step: Step,
    /// Jobs and calls that nobody can pay.
    pub aside: Vec<(MeterId, Posting)>,
    /// What usage events reduced: corrections of jobs.
    reduced: BTreeMap<MeterId, Differences>,
    /// Holds that a posting of this step takes: the rest of one is given back with its first payment.
    taken: BTreeSet<HoldId>,
}

/// What a job or a call is.
struct Job<'e> {
    amount: Money,
    reference: &'e str,
    authorisation: Option<&'e str>,
}

impl<'p> Draft<'p> {
    pub fn new(shard: u64, number: u64, (at, whole): (Moment, bool), parties: &'p dyn Parties) -> Draft<'p> {
        let step = Step { number, at, whole, postings: Vec::new() };
        Draft { shard, parties, step, aside: Vec::new(), reduced: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The last second that the step covers: who pays then, pays.
    fn second(&self) -> Second {
        event::second_of(self.step.at.nanoseconds()).saturating_sub(1)
    }

    /// Posts what a usage event has come to, by itself.
    pub fn used(
        &mut self,
        (id, meter): (MeterId, &mut Meter),
        (batch, index): (&Arc<Batch>, usize),
        at: Second,
    ) -> Result<(), SettleError> {
        let Some(named) = batch.named(index).filter(|named| named.is_usage) else { return Ok(()) };
        let amount = meter.settle_uses(at)?;
        let Some(project) = meter.live.project(&named.project).filter(|_| !amount.is_zero()) else {
            return Ok(());
        };
        let month = meter.live.month_at(event::second_of(named.time));
        let key = AccountKey { project, part: PostingKey::JOBS, month };
        meter.decided(&[(key, amount)], at)?;
        if amount < Amount::ZERO {
            return Ok(add(self.reduced.entry(id).or_default(), key, amount)?);
        }
        let (moved, rest) = movable(amount)?;
        meter.carry(key, rest)?;
        if text_of(&named.project).is_none() {
            // No transaction can name such a project: it is listed among what is carried.
            return Ok(meter.carry(key, amount.checked_sub(rest)?)?);
        }
        let Named { source, id: event, authorisation, .. } = &named;
        // Statistics of a key look for its id here.
        let by = authorisation.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
        let reference = format!("{source} {event}{by}");
        let job = Job { amount: moved, reference: &reference, authorisation: authorisation.as_deref() };
        match self.job((id, meter.kind), &named.project, &job) {
            Some(what) => self.post((id, key), &named.project, &reference, what),
            None => self.put_aside((id, meter.kind), key, &named.project, &job),
        }
        Ok(())
    }

    /// Posts the differences of a meter, and in a whole step what its accounts carry.
    pub fn meter(
        &mut self,
        (id, meter): (MeterId, &mut Meter),
        differences: Differences,
    ) -> Result<(), SettleError> {
        let at = self.second().saturating_add(1);
        let mut sorted: Vec<(AccountKey, Amount)> = differences.into_iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        meter.decided(&sorted, at)?;
        let mut due: BTreeMap<AccountKey, Amount> = sorted.into_iter().collect();
        for (key, by) in self.reduced.remove(&id).unwrap_or_default() {
            let sum = due.entry(key).or_insert(Amount::ZERO);
            *sum = sum.checked_add(by)?;
        }
        if self.step.whole {
            for key in meter.carrying.clone() {
                let carried = meter.accounts.get(&key).map_or(Amount::ZERO, |account| account.carry.0);
                meter.carry(key, Amount::ZERO.checked_sub(carried)?)?;
                let sum = due.entry(key).or_insert(Amount::ZERO);
                *sum = sum.checked_add(carried)?;
            }
        }
        for (key, amount) in due {
            self.account((id, meter), key, amount)?;
        }
        Ok(())
    }

    /// Posts what is due of one account; what can not be posted it carries.
    fn account(
        &mut self,
        (id, meter): (MeterId, &mut Meter),
        key: AccountKey,
        due: Amount,
    ) -> Result<(), SettleError> {
        let project = meter.live.name(key.project).to_owned();
        let reference = format!("{} step {}", meter.words(key), self.step.number);
        if due < Amount::ZERO {
            let reduced = self.correct((id, meter), (key, &project, &reference), due)?;
            return Ok(meter.carry(key, reduced)?);
        }
        if due.is_zero() {
            return Ok(());
        }
        let (moved, rest) = movable(due)?;
        let what = match meter.kind {
            MeterKind::Service => {
                let payer = self.parties.payer(&project, self.second());
                payer.map(|payer| What::Service { payer, amount: moved })
            }
            kind => {
                let job = Job { amount: moved, reference: &reference, authorisation: None };
                self.job((id, kind), &project, &job)
            }
        };
        match what {
            Some(what) if text_of(&project).is_some() => {
                self.post((id, key), &project, &reference, what);
                meter.carry(key, rest)?;
            }
            _ => meter.carry(key, due)?,
        }
        Ok(())
    }

    /// Makes the newest postings of an account smaller; answers what is left of the (negative) difference.
    fn correct(
        &mut self,
        (id, meter): (MeterId, &Meter),
        (key, project, reference): (AccountKey, &str, &str),
        due: Amount,
    ) -> Result<Amount, SettleError> {
        let mut left = Amount::ZERO.checked_sub(due)?;
        let mut entries = meter.accounts.get(&key).map(|account| account.newest.clone()).unwrap_or_default();
        let mut dropped = meter.accounts.get(&key).and_then(|account| account.dropped);
        while !left.is_zero() {
            let Some(Entry { name, amount }) = entries.pop() else {
                let Some(before) = dropped.take() else { break };
                let mut older = self.parties.posted_before((&posting_key(id, key), project), before);
                older.retain(|(name, amount)| *name < before && *amount > Money::ZERO);
                older.sort_unstable_by_key(|(name, _)| *name);
                dropped = older.first().map(|(name, _)| *name);
                entries = older.into_iter().map(|(name, amount)| Entry { name, amount }).collect();
                continue;
            };
            let whole = Amount::from_micros(amount.micros());
            let cut = whole.min(left);
            left = left.checked_sub(cut)?;
            let to = Money::try_from(whole.checked_sub(cut)?)?;
            let transaction = transaction_id(self.shard, name);
            self.post((id, key), project, reference, What::Correct { transaction, name, from: amount, to });
        }
        Ok(Amount::ZERO.checked_sub(left)?)
    }

    /// What a job or a call moves; `None` where it is not known who pays.
    fn job(&mut self, (id, kind): (MeterId, MeterKind), project: &str, job: &Job<'_>) -> Option<What> {
        text_of(project)?;
        let authorised = job.authorisation.and_then(|named| self.parties.authorised(named));
        let Authorised { hold, user } = authorised.unwrap_or(Authorised { hold: None, user: None });
        let (amount, authorisation) = (job.amount, job.authorisation.map(str::to_owned));
        match kind {
            MeterKind::Api => {
                let (user, workspace) = (user?, self.parties.api(id)?);
                let hold = self.take(hold, user.account);
                Some(What::Call { user: user.account, workspace, amount, hold, authorisation })
            }
            _ => {
                let payer = self.parties.payer(project, self.second())?;
                let executor = self.parties.executor(id)?;
                let covered = self.take(hold, payer);
                let user = user.map(|user| JobUser { hold: self.take(hold, user.account), ..user });
                Some(What::Job { payer, executor, amount, hold: covered, user, authorisation })
            }
        }
    }

    /// The use of a hold by what an account pays: not of another's, nor of one that has expired or is taken already.
    fn take(&mut self, hold: Option<SetAside>, account: AccountId) -> Option<HoldUse> {
        let SetAside { taken, .. } =
            hold.filter(|hold| hold.account == account && hold.expires > self.step.at)?;
        self.taken.insert(taken.hold).then_some(taken)
    }

    /// Tries again what was refused; answers what still nobody can pay.
    pub fn again(
        &mut self,
        aside: Vec<(MeterId, Posting)>,
        meters: &BTreeMap<MeterId, Meter>,
    ) -> Vec<(MeterId, Posting)> {
        let mut left = Vec::new();
        for (id, posting) in aside {
            let (amount, authorisation) = match &posting.what {
                What::Job { amount, authorisation, .. } | What::Call { amount, authorisation, .. } => {
                    (*amount, authorisation.clone())
                }
                _ => continue,
            };
            let reference = posting.reference.as_str().to_owned();
            let job = Job { amount, reference: &reference, authorisation: authorisation.as_deref() };
            let kind = meters.get(&id).map(|meter| meter.kind);
            let what = kind.and_then(|kind| self.job((id, kind), posting.project.as_str(), &job));
            match what {
                Some(what) => {
                    self.post((id, account_key(&posting.key)), posting.project.as_str(), &reference, what);
                }
                None => left.push((id, posting)),
            }
        }
        left
    }

    fn put_aside(&mut self, (id, kind): (MeterId, MeterKind), key: AccountKey, project: &str, job: &Job<'_>) {
        let nobody = AccountId(uuid::Uuid::nil());
        let (amount, authorisation) = (job.amount, job.authorisation.map(str::to_owned));
        let what = if kind == MeterKind::Api {
            What::Call { user: nobody, workspace: nobody, amount, hold: None, authorisation }
        } else {
            What::Job { payer: nobody, executor: nobody, amount, hold: None, user: None, authorisation }
        };
        let (Some(project), Some(reference)) = (text_of(project), text_of(job.reference)) else { return };
        let name = PostingName { step: 0, index: 0 };
        let (transaction, key) = (transaction_id(self.shard, name), posting_key(id, key));
        self.aside.push((id, Posting { id: transaction, key, project, reference, what }));
    }

    fn post(&mut self, (id, key): (MeterId, AccountKey), project: &str, reference: &str, what: What) {
        let index = u32::try_from(self.step.postings.len()).unwrap_or(u32::MAX);
        let name = PostingName { step: self.step.number, index };
        let (Some(project), Some(reference)) = (text_of(project), text_of(reference)) else { return };
        let transaction = transaction_id(self.shard, name);
        self.step.postings.push(Posting {
            id: transaction,
            key: posting_key(id, key),
            project,
            reference,
            what,
        });
    }
}

/// What one posting can move of an amount above zero, and the rest.
fn movable(amount: Amount) -> Result<(Money, Amount), Overflow> {
    let largest = Amount::from_micros(Money::LARGEST.micros());
    let moved = amount.min(largest);
    Ok((Money::try_from(moved)?, amount.checked_sub(moved)?))
}

pub(crate) fn posting_key(meter: MeterId, key: AccountKey) -> PostingKey {
    PostingKey { meter, project: key.project, part: key.part, month: key.month }
}

pub(crate) fn account_key(key: &PostingKey) -> AccountKey {
    AccountKey { project: key.project, part: key.part, month: key.month }
}

/// The account of a key, new or known.
pub(crate) fn account_of(meter: &mut Meter, key: AccountKey) -> &mut Account {
    meter.accounts.entry(key).or_default()
}
