//! Movements between accounts, and what they should come to: in big fractions, rounded once.

use kopeck_ledger::account::AccountKind::{
    self, Executor, External, Platform, Rounding, Storage, Tax, User, Workspace,
};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::AccountId;
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::refusal::Refusal;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::{Model, positive};
use crate::tariff::round_to_micros;

/// Money that goes from one account to another, in 10⁻⁶.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) debit: AccountId,
    pub(super) credit: AccountId,
    pub(super) amount: i128,
    pub(super) purpose: Purpose,
}

impl Model {
    /// Whether the leg's accounts may pay each other for its purpose; the table of ledger.md.
    pub(super) fn may_pay(&self, leg: Leg) -> Result<(), Refusal> {
        let (from, to) = (self.need(leg.debit)?, self.need(leg.credit)?);
        let (debit, credit, purpose) = (from.kind, to.kind, leg.purpose);
        if !pairs(purpose).contains(&(debit, credit)) {
            return Err(Refusal::AccountKindMayNot { purpose, debit, credit });
        }
        let to_owner = purpose == Purpose::DirectTransfer && debit != User;
        if to_owner && from.owner != Some(to.id) {
            return Err(Refusal::NotItsOwner { account: from.id, user: to.id });
        }
        if from.currency != to.currency {
            return Err(Refusal::CurrencyMismatch { debit: from.currency, credit: to.currency });
        }
        Ok(())
    }

    /// A leg that may be, of an amount that may be.
    pub(super) fn checked(&self, leg: Leg) -> Result<Leg, Refusal> {
        self.may_pay(leg)?;
        positive(Amount::from_micros(leg.amount))?;
        Ok(leg)
    }

    /// The one account of a kind for the currency of another account.
    pub(super) fn single(&self, kind: AccountKind, like: AccountId) -> Result<AccountId, Refusal> {
        let currency = self.need(like)?.currency;
        let found = self.accounts.iter().find(|one| one.kind == kind && one.currency == currency);
        found.map(|one| one.id).ok_or(Refusal::SingleAccountMissing { kind, currency })
    }
}

/// ledger.md, "Transactions": from → to.
fn pairs(purpose: Purpose) -> &'static [(AccountKind, AccountKind)] {
    match purpose {
        Purpose::Deposit => &[(External, User)],
        Purpose::Withdrawal => &[(User, External), (Platform, External)],
        Purpose::DirectTransfer => {
            &[(User, Workspace), (User, User), (Workspace, User), (Storage, User), (Executor, User)]
        }
        Purpose::ExecutorPayment => &[(Workspace, Executor)],
        Purpose::StoragePayment => &[(Workspace, Storage)],
        Purpose::ApiKeyPayment | Purpose::PaidRolePayment => &[(User, Workspace)],
        Purpose::Commission => &[(Executor, Platform), (Storage, Platform), (Workspace, Platform)],
        Purpose::ServicePayment => &[(Workspace, Platform)],
        Purpose::Rounding => &[(Workspace, Rounding), (Rounding, Workspace)],
        Purpose::Tax => &[(Platform, Tax), (Tax, Platform)],
        Purpose::Correction | Purpose::Reversal => &[],
    }
}

/// g − g / k, rounded half to even to 10⁻⁶; 0 to 1 mean no commission.
pub(super) fn commission(gross: i128, k: Coefficient) -> i128 {
    let k = fraction(i128::from(k.units()), 1_000_000_000);
    if k <= fraction(1, 1) {
        return 0;
    }
    let gross = fraction(gross, 1_000_000);
    micros(&(&gross - &gross / k))
}

/// cost × coefficient, rounded half to even to 10⁻⁶.
pub(super) fn reimbursed(cost: i128, k: Coefficient) -> i128 {
    micros(&(fraction(cost, 1_000_000) * fraction(i128::from(k.units()), 1_000_000_000)))
}

/// price × volume, both in 10⁻⁹, rounded half to even to 10⁻⁶.
pub(super) fn priced(price: i128, volume: i128) -> i128 {
    micros(&(fraction(price, 1_000_000_000) * fraction(volume, 1_000_000_000)))
}

fn fraction(numerator: i128, denominator: i128) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// What does not fit 128 bits is as far above any limit as the largest that does.
fn micros(amount: &BigRational) -> i128 {
    round_to_micros(amount).to_i128().unwrap_or(i128::MAX)
}
