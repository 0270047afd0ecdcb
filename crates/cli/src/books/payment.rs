//! `kopeck transfer`, `deposit`, `withdraw`, `reverse` and `correct`.

use kopeck_api::forms::{CurrencyCode, Label, Money};
use kopeck_api::transaction::{
    NewCorrection, NewDeposit, NewReversal, NewTransaction, NewTransfer, NewWithdrawal, PaidInvoice,
    TransactionDocument,
};
use uuid::Uuid;

use super::open::id_of;
use super::place::{self, Books};
use super::receipt;
use crate::args::{CorrectArgs, DepositArgs, ReverseArgs, TransferArgs, WithdrawArgs};
use crate::failure::{Done, Failure};

/// Runs `kopeck transfer`.
pub fn transfer(args: &TransferArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let (from, to) = (books.find(&args.from)?, books.find(&args.to)?);
    let id = id_of(&args.sending);
    let new = NewTransaction::Transfer(NewTransfer {
        id: Some(id),
        from: from.id,
        to: to.id,
        amount: Money(args.amount),
        currency: from.currency,
        project: args.project.clone().map(Label),
        reference: args.reference.clone().map(Label),
        hold: None,
    });
    receipt::print(&books.post(id, new)?, &*books, args.format)
}

/// Runs `kopeck deposit`.
pub fn deposit(args: &DepositArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let account = books.find(&args.to)?;
    let invoice = match (&args.invoice, &args.workspace) {
        (Some(number), Some(workspace)) => {
            Some(PaidInvoice { workspace: books.find(workspace)?.id, number: Label(number.clone()) })
        }
        _ => None,
    };
    let id = id_of(&args.sending);
    let new = NewTransaction::Deposit(NewDeposit {
        id: Some(id),
        account: account.id,
        amount: Money(args.amount),
        currency: account.currency,
        reference: args.reference.clone().map(Label),
        invoice,
    });
    receipt::print(&books.post(id, new)?, &*books, args.format)
}

/// Runs `kopeck withdraw`.
pub fn withdraw(args: &WithdrawArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let account = books.find(&args.from)?;
    let id = id_of(&args.sending);
    let new = NewTransaction::Withdrawal(NewWithdrawal {
        id: Some(id),
        account: account.id,
        amount: Money(args.amount),
        currency: account.currency,
        reference: args.reference.clone().map(Label),
        hold: None,
    });
    receipt::print(&books.post(id, new)?, &*books, args.format)
}

/// Runs `kopeck reverse`.
pub fn reverse(args: &ReverseArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let wrong = existing(args.transaction, &*books)?;
    let id = id_of(&args.sending);
    let new = NewTransaction::Reversal(NewReversal {
        id: Some(id),
        transaction: wrong.id.unwrap_or(args.transaction),
        reference: args.reference.clone().map(Label),
    });
    receipt::print(&books.post(id, new)?, &*books, args.format)
}

/// Runs `kopeck correct`.
pub fn correct(args: &CorrectArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let wrong = existing(args.transaction, &*books)?;
    let id = id_of(&args.sending);
    let new = NewTransaction::Correction(NewCorrection {
        id: Some(id),
        transaction: args.transaction,
        amount: Money(args.amount),
        currency: currency(&wrong)?,
        reference: args.reference.clone().map(Label),
    });
    receipt::print(&books.post(id, new)?, &*books, args.format)
}

fn existing(id: Uuid, books: &dyn Books) -> Result<TransactionDocument, Failure> {
    books.transaction(id)?.ok_or_else(|| {
        let remedy = "`kopeck account statement` shows the transactions of an account";
        Failure::input(format!("there is no transaction {id}"), None, remedy)
    })
}

fn currency(transaction: &TransactionDocument) -> Result<CurrencyCode, Failure> {
    let first = transaction.transfers.first().map(|transfer| transfer.currency.clone());
    first.ok_or_else(|| {
        Failure::input("the transaction has moved nothing", None, "name one that has moved money")
    })
}
