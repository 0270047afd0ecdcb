//! Corrections and reversals.

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::TransactionId;
use kopeck_ledger::purpose::{Origin, Purpose};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{Correct, Request, Reverse, Work};

use super::accounts::need_actor;
use super::legs::{Leg, commission};
use super::post::user_leg;
use super::{First, Model, not_negative};

impl Model {
    pub(super) fn correct(&mut self, request: &Request, correct: &Correct) -> Result<(), Refusal> {
        let id = correct.transaction;
        if correct.origin == Origin::Explicit {
            need_actor(request)?;
        }
        let right = not_negative(correct.amount)?;
        let mut first = self.first(id)?;
        let now = first.gross.ok_or(Refusal::NoSingleAmount { transaction: id })?;
        if right == now {
            return Err(Refusal::NothingToCorrect { amount: Amount::from_micros(now) });
        }
        let mut legs = Vec::new();
        for (before, then) in self.legs_for(&first, now)?.into_iter().zip(self.legs_for(&first, right)?) {
            legs.extend(moved(then, then.amount - before.amount, Purpose::Correction));
        }
        let mut after = self.clone();
        let is_accrued = correct.accrued && right > now;
        if is_accrued && let Some((payer, project)) = payer_and_project(&first) {
            let accrued = after.accrued.entry((payer, project)).or_default();
            *accrued -= (*accrued).min(right - now);
        }
        first.gross = Some(right);
        self.put_right(after, id, (first, legs), is_accrued)
    }

    pub(super) fn reverse(&mut self, request: &Request, reverse: &Reverse) -> Result<(), Refusal> {
        let id = reverse.transaction;
        if reverse.origin == Origin::Explicit {
            need_actor(request)?;
        }
        let mut first = self.first(id)?;
        let now = match first.gross {
            Some(gross) => self.legs_for(&first, gross)?,
            None => first.legs.clone(),
        };
        let legs: Vec<Leg> =
            now.into_iter().filter_map(|leg| moved(leg, -leg.amount, Purpose::Reversal)).collect();
        if legs.is_empty() {
            return Err(Refusal::NothingToCorrect { amount: Amount::ZERO });
        }
        let mut after = self.clone();
        if let Some((key, grown)) = &first.volume
            && let Some(volume) = after.volumes.get_mut(key)
        {
            *volume -= grown;
        }
        first.is_reversed = true;
        self.put_right(after, id, (first, legs), false)
    }

    fn put_right(
        &mut self,
        mut after: Model,
        id: TransactionId,
        (first, legs): (First, Vec<Leg>),
        is_accrued: bool,
    ) -> Result<(), Refusal> {
        let by_user = |leg: &Leg| matches!(leg.purpose, Purpose::ApiKeyPayment | Purpose::PaidRolePayment);
        let workspace_earned = first.legs.iter().any(by_user);
        after.entries.extend(&legs);
        self.affords(&after, &legs, |kind| match kind {
            AccountKind::Executor | AccountKind::Storage | AccountKind::Platform => true,
            AccountKind::Workspace => workspace_earned || is_accrued,
            _ => is_accrued,
        })?;
        after.firsts.insert(id, first);
        *self = after;
        Ok(())
    }

    /// The transaction that an id first moved money with, where it can still be put right.
    fn first(&self, transaction: TransactionId) -> Result<First, Refusal> {
        match self.firsts.get(&transaction) {
            Some(first) if first.is_reversed => Err(Refusal::AlreadyReversed { transaction }),
            Some(first) => Ok(first.clone()),
            None if self.answers.contains_key(&transaction) => Err(Refusal::NotCorrectable { transaction }),
            None => Err(Refusal::UnknownTransaction { transaction }),
        }
    }

    /// The transaction's legs as they would be for another amount, with its own coefficients.
    fn legs_for(&self, first: &First, gross: i128) -> Result<Vec<Leg>, Refusal> {
        let Some(leading) = first.legs.first() else { return Ok(Vec::new()) };
        let mut legs = vec![Leg { amount: gross, ..*leading }];
        if let Some(coefficient) = first.coefficient.filter(|k| k.units() > 1_000_000_000) {
            let (debit, amount) = (leading.credit, commission(gross, coefficient));
            let credit = self.single(AccountKind::Platform, debit)?;
            legs.push(Leg { debit, credit, amount, purpose: Purpose::Commission });
        }
        match &first.request.work {
            Work::Deposit(_) => legs.extend(first.legs.get(1).map(|leg| Leg { amount: gross, ..*leg })),
            Work::PayJob(job) => {
                let user = job.user.map(|user| user_leg(user, leading.debit, gross));
                // A user whose share was nothing at first is not charged later.
                legs.extend(user.filter(|leg| first.legs.iter().any(|old| old.purpose == leg.purpose)));
            }
            _ => {}
        }
        for leg in &legs {
            not_negative(Amount::from_micros(leg.amount))?;
        }
        Ok(legs)
    }
}

/// A leg that changes: the same way round, or the other way.
fn moved(leg: Leg, change: i128, purpose: Purpose) -> Option<Leg> {
    match change {
        0 => None,
        1.. => Some(Leg { amount: change, purpose, ..leg }),
        _ => Some(Leg { debit: leg.credit, credit: leg.debit, amount: -change, purpose }),
    }
}

fn payer_and_project(first: &First) -> Option<(kopeck_ledger::name::AccountId, String)> {
    let project = match &first.request.work {
        Work::PayJob(job) => Some(&job.charge.project),
        Work::PayCall(call) => Some(&call.charge.project),
        Work::PayService(charge) => Some(&charge.project),
        Work::PayStorage(clean_up) => Some(&clean_up.project),
        Work::Transact(transact) => transact.project.as_ref(),
        _ => None,
    };
    Some((first.legs.first()?.debit, project?.as_str().to_owned()))
}
