//! Transactions: which transfers each kind of request makes, and their commission.
//!
//! Movements are checked one after the other, in the order in which a request names them or this page writes them;
//! then holds, and last the money.

use smallvec::SmallVec;

use crate::account::{Account, AccountKind};
use crate::amount::Amount;
use crate::books::Books;
use crate::coefficient::Coefficient;
use crate::decide::{Asking, positive};
use crate::funds::{self, Leeway};
use crate::ledger::Known;
use crate::name::{AccountId, AccountNumber, HoldId, Text};
use crate::purpose::{Mode, Origin, Purpose};
use crate::record::{HoldPart, Transaction, Transfer};
use crate::refusal::Refusal;
use crate::request::{
    Charge, Deposit, HoldUse, JobUser, Movement, PayCall, PayJob, PayStorage, Rest, Right, TRANSFER_LIMIT,
    Transact, Withdraw,
};
use crate::storage::{self, StorageDay};

/// `direct_transfer`, `rounding` and `tax`, as they are asked for.
pub(crate) fn transact<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    transact: &Transact,
) -> Result<Transaction, Refusal> {
    let movements = &transact.movements;
    let is_close = |movement: &Movement| matches!(movement.purpose, Purpose::Rounding | Purpose::Tax);
    let of_the_close = !movements.is_empty() && movements.iter().all(is_close);
    if of_the_close && transact.reference.is_none() {
        return Err(Refusal::ReferenceMissing);
    }
    let mut transaction = if of_the_close {
        asking.transaction(Origin::Implicit, Mode::Scheduled)
    } else {
        asking.needs_actor()?;
        asking.transaction(Origin::Explicit, Mode::Online)
    };
    match movements.len() {
        0 => return Err(Refusal::NoMovements),
        1..=TRANSFER_LIMIT => {}
        movements => return Err(Refusal::TooManyMovements { movements }),
    }
    for movement in movements {
        let (debit, credit) = (asking.number(movement.debit)?, asking.number(movement.credit)?);
        if debit == credit {
            return Err(Refusal::SameAccount { account: movement.debit });
        }
        if movement.purpose != Purpose::DirectTransfer && !is_close(movement) {
            return Err(Refusal::PurposeNotOffered { purpose: movement.purpose });
        }
        asking.add(
            &mut transaction,
            Leg { debit, credit, amount: movement.amount, purpose: movement.purpose },
        )?;
    }
    transaction.project.clone_from(&transact.project);
    transaction.reference.clone_from(&transact.reference);
    if let Some(used) = transact.hold {
        let account = asking.open_hold(used.hold)?.account;
        let own = transaction.transfers.iter().filter(|transfer| transfer.debit == account);
        let needed = own.map(|transfer| transfer.amount).try_fold(Amount::ZERO, Amount::checked_add);
        let needed = needed.ok_or(Refusal::Overflow)?;
        if needed.is_zero() {
            return Err(asking.other_account(used.hold, account));
        }
        asking.take_from_hold(&mut transaction, used, account, needed)?;
    }
    let leeway = if of_the_close { Leeway::Operator } else { Leeway::Nobody };
    funds::check(asking.books, &transaction, leeway)?;
    Ok(transaction)
}

/// external → user and, where it names an invoice, user → workspace.
pub(crate) fn deposit<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    deposit: &Deposit,
) -> Result<Transaction, Refusal> {
    asking.needs_actor()?;
    let user = asking.number(deposit.account)?;
    let invoice = deposit.invoice.as_ref();
    let workspace = invoice.map(|invoice| asking.number(invoice.workspace)).transpose()?;
    let amount = deposit.amount;
    let external = asking.single(AccountKind::External, user)?;
    let mut transaction = asking.transaction(Origin::Explicit, Mode::Online);
    asking.add(&mut transaction, Leg { debit: external, credit: user, amount, purpose: Purpose::Deposit })?;
    if let Some(workspace) = workspace {
        asking.needs_kind(workspace, |kind| kind == AccountKind::Workspace)?;
        let passed_on = Leg { debit: user, credit: workspace, amount, purpose: Purpose::DirectTransfer };
        asking.add(&mut transaction, passed_on)?;
    }
    transaction.reference.clone_from(&deposit.reference);
    transaction.invoice = invoice.map(|invoice| invoice.number.clone());
    funds::check(asking.books, &transaction, Leeway::Nobody)?;
    Ok(transaction)
}

/// user or platform → external.
pub(crate) fn withdraw<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    withdraw: &Withdraw,
) -> Result<Transaction, Refusal> {
    asking.needs_actor()?;
    let account = asking.number(withdraw.account)?;
    let external = asking.single(AccountKind::External, account)?;
    if account == external {
        return Err(Refusal::SameAccount { account: withdraw.account });
    }
    let mut transaction = asking.transaction(Origin::Explicit, Mode::Online);
    let amount = withdraw.amount;
    asking.add(
        &mut transaction,
        Leg { debit: account, credit: external, amount, purpose: Purpose::Withdrawal },
    )?;
    transaction.reference.clone_from(&withdraw.reference);
    if let Some(used) = withdraw.hold {
        asking.take_from_hold(&mut transaction, used, account, amount)?;
    }
    funds::check(asking.books, &transaction, Leeway::Nobody)?;
    Ok(transaction)
}

/// workspace → executor, executor → platform and, by API key or paid role, user → workspace.
pub(crate) fn job<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    job: &PayJob,
) -> Result<Transaction, Refusal> {
    let charge = &job.charge;
    let (payer, executor) = (asking.number(charge.payer)?, asking.number(job.executor)?);
    let numbered = |user: JobUser| asking.number(user.account).map(|account| (account, user));
    let user = job.user.map(numbered).transpose()?;
    let mut transaction = asking.charged(charge);
    let leg =
        Leg { debit: payer, credit: executor, amount: charge.amount, purpose: Purpose::ExecutorPayment };
    asking.add(&mut transaction, leg)?;
    asking.add_commission(&mut transaction, executor, charge.amount)?;
    let mut reimbursed = Amount::ZERO;
    if let Some((account, user)) = user {
        let (coefficient, purpose) = match user.right {
            Right::ApiKey => (None, Purpose::ApiKeyPayment),
            Right::PaidRole(coefficient) => (Some(coefficient), Purpose::PaidRolePayment),
        };
        transaction.role = coefficient;
        let of_cost = coefficient.unwrap_or(Coefficient::ONE).of_cost(charge.amount);
        reimbursed = of_cost.ok_or(Refusal::AmountTooLarge)?;
        let leg = Leg { debit: account, credit: payer, amount: reimbursed, purpose };
        if reimbursed.is_zero() {
            asking.check(leg)?;
        } else {
            asking.add(&mut transaction, leg)?;
        }
    }
    asking.cover(&mut transaction, charge, payer)?;
    if let Some((account, user)) = user
        && let Some(used) = user.hold
    {
        asking.take_from_hold(&mut transaction, used, account, reimbursed)?;
    }
    funds::check(asking.books, &transaction, leeway(charge.accrued))?;
    Ok(transaction)
}

/// user → workspace, the price of a call, and workspace → platform.
pub(crate) fn call<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    call: &PayCall,
) -> Result<Transaction, Refusal> {
    let charge = &call.charge;
    let (payer, workspace) = (asking.number(charge.payer)?, asking.number(call.workspace)?);
    let mut transaction = asking.charged(charge);
    let amount = charge.amount;
    let leg = Leg { debit: payer, credit: workspace, amount, purpose: Purpose::ApiKeyPayment };
    asking.add(&mut transaction, leg)?;
    asking.add_commission(&mut transaction, workspace, amount)?;
    asking.cover(&mut transaction, charge, payer)?;
    funds::check(asking.books, &transaction, leeway(charge.accrued))?;
    Ok(transaction)
}

/// workspace → platform.
pub(crate) fn service<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    charge: &Charge,
) -> Result<Transaction, Refusal> {
    let payer = asking.number(charge.payer)?;
    let platform = asking.single(AccountKind::Platform, payer)?;
    let mut transaction = asking.charged(charge);
    let amount = charge.amount;
    let leg = Leg { debit: payer, credit: platform, amount, purpose: Purpose::ServicePayment };
    asking.add(&mut transaction, leg)?;
    asking.cover(&mut transaction, charge, payer)?;
    funds::check(asking.books, &transaction, leeway(charge.accrued))?;
    Ok(transaction)
}

/// workspace → storage, for what the volume has grown on its day, and storage → platform.
pub(crate) fn storage<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    clean_up: &PayStorage,
) -> Result<Transaction, Refusal> {
    let (payer, storage) = (asking.number(clean_up.workspace)?, asking.number(clean_up.storage)?);
    let leg = Leg { debit: payer, credit: storage, amount: Amount::ZERO, purpose: Purpose::StoragePayment };
    asking.check(leg)?;
    let (day, amount) = growth(asking, clean_up, (payer, storage))?;
    let charge = Charge {
        payer: clean_up.workspace,
        project: clean_up.project.clone(),
        reference: clean_up.reference.clone(),
        amount,
        hold: None,
        accrued: clean_up.accrued,
    };
    let mut transaction = asking.charged(&charge);
    transaction.mode = Mode::Scheduled;
    transaction.storage = Some(day);
    asking.add(&mut transaction, Leg { amount, ..leg })?;
    asking.add_commission(&mut transaction, storage, amount)?;
    asking.cover(&mut transaction, &charge, payer)?;
    funds::check(asking.books, &transaction, leeway(clean_up.accrued))?;
    Ok(transaction)
}

/// What a clean-up charges beyond what its day was charged already.
fn growth<B: Books, K: Known>(
    asking: &Asking<'_, B, K>,
    clean_up: &PayStorage,
    (payer, storage): (AccountNumber, AccountNumber),
) -> Result<(StorageDay, Amount), Refusal> {
    for number in [clean_up.price, clean_up.megabytes] {
        if number.is_negative() {
            return Err(Refusal::NumberNegative { number });
        }
    }
    if clean_up.cleaned_at > asking.now {
        return Err(Refusal::InstantAhead { at: clean_up.cleaned_at, now: asking.now });
    }
    let zone = asking.books.account(payer).and_then(|account| account.opening.zone.as_ref());
    let day = storage::local_day(clean_up.cleaned_at, zone).ok_or(Refusal::UnknownZone)?;
    let charged = match asking.books.charged(&(storage, clean_up.project.clone())) {
        None => kopeck_rating::number::Number::ZERO,
        Some(charged) => charged.on(day).ok_or(Refusal::StorageDayTooOld)?,
    };
    let grown = clean_up.megabytes.units() - charged.units();
    let grown = kopeck_rating::number::Number::from_units(grown.max(0)).ok_or(Refusal::Overflow)?;
    let amount = storage::price_of(clean_up.price, grown).ok_or(Refusal::AmountTooLarge)?;
    if amount.is_zero() {
        return Err(Refusal::NothingGrown { charged });
    }
    Ok((StorageDay { day, grown }, amount))
}

fn leeway(accrued: bool) -> Leeway {
    if accrued { Leeway::Everybody } else { Leeway::Nobody }
}

/// A movement of money before it is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) debit: AccountNumber,
    pub(crate) credit: AccountNumber,
    pub(crate) amount: Amount,
    pub(crate) purpose: Purpose,
}

impl<B: Books, K: Known> Asking<'_, B, K> {
    /// A transaction without transfers.
    pub(crate) fn transaction(&self, origin: Origin, mode: Mode) -> Transaction {
        Transaction {
            origin,
            mode,
            actor: self.actor.cloned(),
            project: None,
            reference: None,
            invoice: None,
            corrects: None,
            corrected_to: None,
            accrued: None,
            coefficient: None,
            role: None,
            storage: None,
            holds: Vec::new(),
            transfers: SmallVec::new(),
        }
    }

    /// The transaction of a charge, without transfers.
    fn charged(&self, charge: &Charge) -> Transaction {
        Transaction {
            project: Some(charge.project.clone()),
            reference: Some(charge.reference.clone()),
            ..self.transaction(Origin::Implicit, Mode::Online)
        }
    }

    /// The one account of a kind for the currency of another account.
    pub(crate) fn single(&self, kind: AccountKind, like: AccountNumber) -> Result<AccountNumber, Refusal> {
        let currency = self.known_account(like)?.opening.currency;
        self.books.single(kind, currency).ok_or(Refusal::SingleAccountMissing { kind, currency })
    }

    /// The account of a number that an id led to.
    fn known_account(&self, number: AccountNumber) -> Result<&Account, Refusal> {
        self.books.account(number).ok_or(Refusal::UnknownAccount { account: AccountId(uuid::Uuid::nil()) })
    }

    /// Checks whether the accounts of a leg may pay each other for its purpose.
    fn check(&self, leg: Leg) -> Result<(), Refusal> {
        let (debit, credit) = (self.known_account(leg.debit)?, self.known_account(leg.credit)?);
        let (from, to) = (&debit.opening, &credit.opening);
        if !leg.purpose.may_move(from.kind, to.kind) {
            let purpose = leg.purpose;
            return Err(Refusal::AccountKindMayNot { purpose, debit: from.kind, credit: to.kind });
        }
        if leg.purpose == Purpose::DirectTransfer && from.owner.is_some_and(|owner| owner != to.number) {
            return Err(Refusal::NotItsOwner { account: from.id, user: to.id });
        }
        if from.currency != to.currency {
            return Err(Refusal::CurrencyMismatch { debit: from.currency, credit: to.currency });
        }
        Ok(())
    }

    /// Checks a leg and adds its transfer.
    fn add(&self, transaction: &mut Transaction, leg: Leg) -> Result<(), Refusal> {
        self.check(leg)?;
        let amount = positive(leg.amount)?;
        transaction.transfers.push(self.transfer(Leg { amount, ..leg })?);
        Ok(())
    }

    /// The transfer of a leg that was checked.
    pub(crate) fn transfer(&self, leg: Leg) -> Result<Transfer, Refusal> {
        Ok(Transfer {
            debit: leg.debit,
            credit: leg.credit,
            amount: leg.amount,
            purpose: leg.purpose,
            debit_previous: self.known_account(leg.debit)?.last,
            credit_previous: self.known_account(leg.credit)?.last,
        })
    }

    /// Adds what the platform takes of a gross payment to `earner`, where its coefficient takes anything.
    fn add_commission(
        &self,
        transaction: &mut Transaction,
        earner: AccountNumber,
        gross: Amount,
    ) -> Result<(), Refusal> {
        let coefficient = self.known_account(earner)?.coefficient;
        transaction.coefficient = Some(coefficient);
        let amount = coefficient.commission(gross).ok_or(Refusal::AmountTooLarge)?;
        if amount.is_zero() {
            return Ok(());
        }
        let platform = self.single(AccountKind::Platform, earner)?;
        self.add(transaction, Leg { debit: earner, credit: platform, amount, purpose: Purpose::Commission })
    }

    /// Takes a charge from its hold and, where it has accrued, what the hold does not cover from the accrued cost.
    fn cover(
        &self,
        transaction: &mut Transaction,
        charge: &Charge,
        payer: AccountNumber,
    ) -> Result<(), Refusal> {
        if charge.accrued {
            transaction.accrued = Some(Amount::ZERO);
        }
        if let Some(used) = charge.hold {
            self.take_from_hold(transaction, used, payer, charge.amount)?;
        }
        if charge.accrued {
            let held = transaction.holds.first().map_or(Amount::ZERO, |part| part.taken);
            let rest = charge.amount.checked_sub(held).ok_or(Refusal::Overflow)?;
            transaction.accrued = Some(rest.min(self.accrued_of(payer, &charge.project)));
        }
        Ok(())
    }

    /// What a project has cost a payer and is not posted yet.
    pub(crate) fn accrued_of(&self, payer: AccountNumber, project: &Text) -> Amount {
        self.books.accrued(&(payer, project.clone()))
    }

    /// Takes `needed` from a hold on `account`; more than is left of it only where the cost has accrued.
    fn take_from_hold(
        &self,
        transaction: &mut Transaction,
        used: HoldUse,
        account: AccountNumber,
        needed: Amount,
    ) -> Result<(), Refusal> {
        let HoldUse { hold, rest } = used;
        let open = self.open_hold(hold)?;
        if open.account != account {
            return Err(self.other_account(hold, open.account));
        }
        if needed > open.left && transaction.accrued.is_none() {
            return Err(Refusal::HoldExceeded { hold, left: open.left, needed });
        }
        let taken = needed.min(open.left);
        let left = open.left.checked_sub(taken).ok_or(Refusal::Overflow)?;
        let released = if rest == Rest::Release { left } else { Amount::ZERO };
        if !taken.is_zero() || !released.is_zero() {
            transaction.holds.push(HoldPart { hold, account, taken, released });
        }
        Ok(())
    }

    fn other_account(&self, hold: HoldId, account: AccountNumber) -> Refusal {
        match self.known_account(account) {
            Ok(account) => Refusal::HoldOfOtherAccount { hold, account: account.opening.id },
            Err(refusal) => refusal,
        }
    }
}
