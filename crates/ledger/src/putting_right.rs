//! Corrections and reversals: transactions that name another one and move the difference, or all of it back.
//!
//! A correction says what the transaction should have been about. Its legs are made again for that amount, with the
//! coefficients that were in force when it was made, and the differences to what it comes to now are moved: so the
//! commission and what a user reimburses are corrected with it. A reversal moves back all that it comes to now.
//! Neither can be put right itself: the next correction names the first transaction again.

use smallvec::SmallVec;

use crate::account::AccountKind;
use crate::amount::Amount;
use crate::books::Books;
use crate::coefficient::Coefficient;
use crate::decide::{Asking, not_negative};
use crate::funds::{self, Leeway};
use crate::ledger::{Corrected, Known};
use crate::name::TransactionId;
use crate::post::Leg;
use crate::purpose::{Mode, Origin, Purpose};
use crate::record::{Body, Transaction};
use crate::refusal::Refusal;
use crate::request::{Correct, Reverse};
use crate::storage::StorageDay;
use kopeck_rating::number::Number;

/// Moves the difference between what a transaction comes to and what it should have.
pub(crate) fn correct<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    correct: &Correct,
) -> Result<Transaction, Refusal> {
    let id = correct.transaction;
    needs_actor(asking, correct.origin)?;
    let right = not_negative(correct.amount)?;
    let first = asking.correctable(id)?;
    let gross = gross(&first).ok_or(Refusal::NoSingleAmount { transaction: id })?;
    let now = match asking.books.corrected(id) {
        Some(Corrected::To(amount)) => amount,
        Some(Corrected::Reversed) | None => gross,
    };
    if right == now {
        return Err(Refusal::NothingToCorrect { amount: now });
    }
    let (before, after) = (asking.legs(&first, now)?, asking.legs(&first, right)?);
    let mut legs = SmallVec::<[Leg; 3]>::new();
    for (before, after) in before.into_iter().zip(after) {
        let change = after.amount.checked_sub(before.amount).ok_or(Refusal::Overflow)?;
        legs.extend(difference(after, change, Purpose::Correction)?);
    }
    let reference = correct.reference.as_ref();
    let mut transaction = asking.putting_right(id, &first, correct.origin, legs)?;
    transaction.reference = reference.or(first.reference.as_ref()).cloned();
    transaction.corrected_to = Some(right);
    let is_accrued = correct.accrued && right > now;
    if is_accrued {
        let more = right.checked_sub(now).ok_or(Refusal::Overflow)?;
        transaction.accrued = Some(asking.accrued_for(&first, more));
    }
    funds::check(asking.books, &transaction, if is_accrued { Leeway::Everybody } else { leeway(&first) })?;
    Ok(transaction)
}

/// Moves back all that a transaction comes to.
pub(crate) fn reverse<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    reverse: &Reverse,
) -> Result<Transaction, Refusal> {
    let id = reverse.transaction;
    needs_actor(asking, reverse.origin)?;
    let first = asking.correctable(id)?;
    let now = match asking.books.corrected(id) {
        Some(Corrected::To(amount)) => asking.legs(&first, amount)?,
        Some(Corrected::Reversed) | None => as_posted(&first),
    };
    let mut legs = SmallVec::<[Leg; 3]>::new();
    for leg in now {
        let back = leg.amount.checked_neg().ok_or(Refusal::Overflow)?;
        legs.extend(difference(leg, back, Purpose::Reversal)?);
    }
    if legs.is_empty() {
        return Err(Refusal::NothingToCorrect { amount: Amount::ZERO });
    }
    let mut transaction = asking.putting_right(id, &first, reverse.origin, legs)?;
    transaction.reference = reverse.reference.as_ref().or(first.reference.as_ref()).cloned();
    transaction.storage = first.storage.map(taken_back).transpose()?;
    funds::check(asking.books, &transaction, leeway(&first))?;
    Ok(transaction)
}

fn needs_actor<B: Books, K: Known>(asking: &Asking<'_, B, K>, origin: Origin) -> Result<(), Refusal> {
    if origin == Origin::Explicit { asking.needs_actor() } else { Ok(()) }
}

/// The reversal of a storage payment lets its day be charged again.
fn taken_back(charged: StorageDay) -> Result<StorageDay, Refusal> {
    let grown = Number::from_units(-charged.grown.units()).ok_or(Refusal::Overflow)?;
    Ok(StorageDay { grown, ..charged })
}

/// Whom putting a transaction right may overdraw: those who earned by it.
fn leeway(first: &Transaction) -> Leeway {
    let by_user = |purpose| matches!(purpose, Purpose::ApiKeyPayment | Purpose::PaidRolePayment);
    if first.transfers.iter().any(|transfer| by_user(transfer.purpose)) {
        Leeway::PartnersAndWorkspace
    } else {
        Leeway::Partners
    }
}

/// The amount that a transaction is about, where there is one.
pub(crate) fn gross(first: &Transaction) -> Option<Amount> {
    let leading = first.transfers.first()?;
    let has_one_amount = first.transfers.len() == 1
        || matches!(
            leading.purpose,
            Purpose::Deposit | Purpose::ExecutorPayment | Purpose::StoragePayment | Purpose::ApiKeyPayment
        );
    has_one_amount.then_some(leading.amount)
}

/// A leg that changes by `change`: the same way round, or the other way where that is below zero.
fn difference(leg: Leg, change: Amount, purpose: Purpose) -> Result<Option<Leg>, Refusal> {
    if change.is_zero() {
        return Ok(None);
    }
    if change.is_negative() {
        let amount = change.checked_neg().ok_or(Refusal::Overflow)?;
        return Ok(Some(Leg { debit: leg.credit, credit: leg.debit, amount, purpose }));
    }
    Ok(Some(Leg { amount: change, purpose, ..leg }))
}

fn as_posted(first: &Transaction) -> SmallVec<[Leg; 3]> {
    let legs = first.transfers.iter().map(|transfer| Leg {
        debit: transfer.debit,
        credit: transfer.credit,
        amount: transfer.amount,
        purpose: transfer.purpose,
    });
    legs.collect()
}

impl<B: Books, K: Known> Asking<'_, B, K> {
    /// The transaction of an id, where it can be put right.
    fn correctable(&self, transaction: TransactionId) -> Result<Transaction, Refusal> {
        let record = self.known.record(transaction).ok_or(Refusal::UnknownTransaction { transaction })?;
        let Body::Posted(first) = record.body else { return Err(Refusal::NotCorrectable { transaction }) };
        if first.corrects.is_some() {
            return Err(Refusal::NotCorrectable { transaction });
        }
        match self.books.corrected(transaction) {
            Some(Corrected::Reversed) => Err(Refusal::AlreadyReversed { transaction }),
            _ => Ok(first),
        }
    }

    /// The legs of a transaction as they would be for another amount, zeros included, always in the same order.
    fn legs(&self, first: &Transaction, gross: Amount) -> Result<SmallVec<[Leg; 3]>, Refusal> {
        let mut legs = as_posted(first);
        let Some(leading) = legs.first().copied() else { return Ok(legs) };
        legs.retain(|leg| leg.purpose != Purpose::Commission);
        for leg in &mut legs {
            leg.amount = match (leg.purpose, first.role) {
                (Purpose::PaidRolePayment, Some(role)) => {
                    role.of_cost(gross).ok_or(Refusal::AmountTooLarge)?
                }
                _ => gross,
            };
            not_negative(leg.amount)?;
        }
        let takes = |coefficient: &Coefficient| *coefficient > Coefficient::ONE;
        if let Some(coefficient) = first.coefficient.filter(takes) {
            let amount = coefficient.commission(gross).ok_or(Refusal::AmountTooLarge)?;
            let debit = leading.credit;
            let credit = self.single(AccountKind::Platform, debit)?;
            legs.insert(1, Leg { debit, credit, amount, purpose: Purpose::Commission });
        }
        Ok(legs)
    }

    /// The transaction that puts another one right.
    fn putting_right(
        &self,
        id: TransactionId,
        first: &Transaction,
        origin: Origin,
        legs: SmallVec<[Leg; 3]>,
    ) -> Result<Transaction, Refusal> {
        let mut transaction = self.transaction(origin, Mode::Online);
        transaction.corrects = Some(id);
        transaction.project.clone_from(&first.project);
        transaction.transfers = legs.into_iter().map(|leg| self.transfer(leg)).collect::<Result<_, _>>()?;
        Ok(transaction)
    }

    /// How much of a larger cost leaves the payer's accrued cost of the project.
    fn accrued_for(&self, first: &Transaction, more: Amount) -> Amount {
        match (&first.project, first.transfers.first()) {
            (Some(project), Some(leading)) => more.min(self.accrued_of(leading.debit, project)),
            _ => Amount::ZERO,
        }
    }
}
