//! What the ledger is asked, out of what was sent: for the routes, and for the command line on a store of its own.

use kopeck_api::account::NewAccount;
use kopeck_api::hold::{HoldPayment, NewHold, RestWord};
use kopeck_api::transaction::{
    NewCorrection, NewDeposit, NewReversal, NewTransaction, NewTransfer, NewWithdrawal, UsedHold,
};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, HoldId, TransactionId};
use kopeck_ledger::purpose::{Origin, Purpose};
use kopeck_ledger::record::Hold;
use kopeck_ledger::request::{
    self, Correct, Deposit, HoldUse, InvoiceOf, Movement, Rest, Reverse, Transact, Withdraw, Work,
};
use kopeck_store::Store;
use uuid::Uuid;

use crate::documents::{account, hold as document, unmade};
use crate::error::AppError;

/// An account to open under an id.
#[must_use]
pub fn of_account(id: Uuid, new: NewAccount) -> Work {
    Work::Open(request::NewAccount {
        id: AccountId(id),
        kind: new.kind.0,
        name: new.name.0,
        owner: new.owner.map(AccountId),
        currency: new.currency.0,
        zone: new.time_zone.map(|zone| zone.0),
        credit_limit: new.credit_limit.map_or(Amount::ZERO, |limit| limit.0),
        coefficient: new.coefficient.map_or(Coefficient::ONE, |coefficient| coefficient.0),
    })
}

/// Money to set aside.
///
/// # Errors
/// [`AppError::Input`] of another currency than the account's.
pub fn of_hold(new: NewHold, store: &dyn Store) -> Result<Work, AppError> {
    in_currency(new.account, new.currency.0, store)?;
    Ok(Work::Hold(request::NewHold {
        account: AccountId(new.account),
        amount: new.amount.0,
        expires: new.expires.0,
        project: new.project.map(|project| project.0),
        reference: new.reference.map(|reference| reference.0),
    }))
}

/// What is paid from a hold by the request of an id: without an amount all that is left, or what it took before.
///
/// # Errors
/// [`AppError::Input`] of another currency than the account's, or an amount without one; [`AppError::Store`].
pub fn of_payment(
    hold: &Hold,
    request: Uuid,
    payment: HoldPayment,
    store: &dyn Store,
) -> Result<Work, AppError> {
    let account = account::of_number(hold.account, store).map_err(unmade)?.opening.id;
    let amount = match (payment.amount, payment.currency) {
        (Some(amount), Some(currency)) => {
            in_currency(account.0, currency.0, store)?;
            amount.0
        }
        (None, None) => document::all_of(hold, Some(TransactionId(request)), store)?,
        (Some(_), None) => {
            return Err(AppError::invalid("currency", "is missing", "say which currency the amount is in"));
        }
        (None, Some(_)) => {
            let remedy = "give an amount, or leave the currency out";
            return Err(AppError::invalid("amount", "is missing", remedy));
        }
    };
    let used = Some(HoldUse { hold: hold.id, rest: rest(payment.rest) });
    let reference = payment.reference.map(|reference| reference.0);
    let Some(to) = payment.to else {
        return Ok(Work::Withdraw(Withdraw { account, amount, reference, hold: used }));
    };
    let credit = AccountId(to);
    let movement = Movement { debit: account, credit, amount, purpose: Purpose::DirectTransfer };
    let project = payment.project.map(|project| project.0);
    Ok(Work::Transact(Transact { movements: vec![movement], project, reference, hold: used }))
}

/// A transaction, with currencies compared.
///
/// # Errors
/// [`AppError::Input`] of another currency than the account's; [`AppError::Store`].
pub fn of_transaction(new: NewTransaction, store: &dyn Store) -> Result<Work, AppError> {
    match new {
        NewTransaction::Deposit(new) => deposit(new, store),
        NewTransaction::Withdrawal(new) => withdrawal(new, store),
        NewTransaction::Transfer(new) => transfer(new, store),
        NewTransaction::Reversal(new) => Ok(reversal(new)),
        NewTransaction::Correction(new) => correction(new, store),
    }
}

fn deposit(new: NewDeposit, store: &dyn Store) -> Result<Work, AppError> {
    in_currency(new.account, new.currency.0, store)?;
    let invoice = new
        .invoice
        .map(|invoice| InvoiceOf { workspace: AccountId(invoice.workspace), number: invoice.number.0 });
    Ok(Work::Deposit(Deposit {
        account: AccountId(new.account),
        amount: new.amount.0,
        reference: new.reference.map(|reference| reference.0),
        invoice,
    }))
}

fn withdrawal(new: NewWithdrawal, store: &dyn Store) -> Result<Work, AppError> {
    in_currency(new.account, new.currency.0, store)?;
    Ok(Work::Withdraw(Withdraw {
        account: AccountId(new.account),
        amount: new.amount.0,
        reference: new.reference.map(|reference| reference.0),
        hold: new.hold.as_ref().map(hold_use),
    }))
}

fn transfer(new: NewTransfer, store: &dyn Store) -> Result<Work, AppError> {
    in_currency(new.from, new.currency.0, store)?;
    let (debit, credit) = (AccountId(new.from), AccountId(new.to));
    let movement = Movement { debit, credit, amount: new.amount.0, purpose: Purpose::DirectTransfer };
    Ok(Work::Transact(Transact {
        movements: vec![movement],
        project: new.project.map(|project| project.0),
        reference: new.reference.map(|reference| reference.0),
        hold: new.hold.as_ref().map(hold_use),
    }))
}

fn reversal(new: NewReversal) -> Work {
    Work::Reverse(Reverse {
        transaction: TransactionId(new.transaction),
        reference: new.reference.map(|reference| reference.0),
        origin: Origin::Explicit,
    })
}

fn correction(new: NewCorrection, store: &dyn Store) -> Result<Work, AppError> {
    if let Some(record) = store.record(TransactionId(new.transaction))?
        && let Some(moved) = record.transaction().and_then(|moved| moved.transfers.first())
    {
        let account = account::of_number(moved.debit, store).map_err(unmade)?;
        in_currency(account.opening.id.0, new.currency.0, store)?;
    }
    Ok(Work::Correct(Correct {
        transaction: TransactionId(new.transaction),
        amount: new.amount.0,
        reference: new.reference.map(|reference| reference.0),
        origin: Origin::Explicit,
        accrued: false,
    }))
}

fn hold_use(used: &UsedHold) -> HoldUse {
    HoldUse { hold: HoldId(TransactionId(used.id)), rest: rest(used.rest) }
}

fn rest(word: RestWord) -> Rest {
    match word {
        RestWord::Keep => Rest::Keep,
        RestWord::Release => Rest::Release,
    }
}

/// Refuses an amount in another currency than its account's. An account that does not exist is the ledger's matter.
///
/// # Errors
/// [`AppError::Input`].
pub fn in_currency(account: Uuid, currency: Currency, store: &dyn Store) -> Result<(), AppError> {
    match store.account(AccountId(account)).map(|account| account.opening.currency) {
        Some(own) if own != currency => Err(AppError::invalid(
            "currency",
            format!("account {account} is in {own}, and the amount in {currency}"),
            format!("give the amount in {own}, or name another account"),
        )),
        _ => Ok(()),
    }
}
