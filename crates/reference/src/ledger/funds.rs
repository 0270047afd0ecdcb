//! Balances from all entries, and whether the money is there.

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::AccountId;
use kopeck_ledger::refusal::{Refusal, Shortage};

use super::legs::Leg;
use super::{Hold, Model, is_system};

impl Model {
    pub(super) fn posted(&self, id: AccountId) -> i128 {
        let mut sum = 0;
        for entry in &self.entries {
            if entry.debit == id {
                sum -= entry.amount;
            }
            if entry.credit == id {
                sum += entry.amount;
            }
        }
        sum
    }

    pub(super) fn held(&self, id: AccountId) -> i128 {
        self.holds.iter().filter(|hold| hold.account == id).map(|hold: &Hold| hold.left).sum()
    }

    pub(super) fn accrued_of(&self, id: AccountId) -> i128 {
        self.accrued.iter().filter(|((account, _), _)| *account == id).map(|(_, amount)| amount).sum()
    }

    fn available(&self, id: AccountId) -> i128 {
        self.balance(id).available.micros()
    }

    /// Whether an amount can be set aside.
    pub(super) fn covers(&self, account: AccountId, needed: i128) -> Result<(), Refusal> {
        let available = self.available(account);
        if available >= needed { Ok(()) } else { Err(short(account, available, needed)) }
    }

    /// Whether `after` leaves no debited account below zero and lower than it is now, but for those excused.
    pub(super) fn affords(
        &self,
        after: &Model,
        legs: &[Leg],
        is_excused: impl Fn(AccountKind) -> bool,
    ) -> Result<(), Refusal> {
        for leg in legs {
            let kind = self.need(leg.debit)?.kind;
            let (before, then) = (self.available(leg.debit), after.available(leg.debit));
            if then < 0 && then < before && !is_system(kind) && !is_excused(kind) {
                return Err(short(leg.debit, before, before - then));
            }
        }
        Ok(())
    }
}

fn short(account: AccountId, available: i128, needed: i128) -> Refusal {
    let [available, needed, missing] = [available, needed, needed - available].map(Amount::from_micros);
    Refusal::InsufficientFunds(Shortage { account, available, needed, missing })
}
