//! `kopeck transfer`, `kopeck deposit` and `kopeck withdraw`.

use kopeck_ledger::name::TransactionId;
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::request::{Deposit, InvoiceOf, Movement, Transact, Withdraw, Work};
use kopeck_store::StoreError;
use uuid::Uuid;

use super::open::{Books, although_done, failed, id_of};
use super::receipt;
use crate::args::{DepositArgs, Sending, TableFormat, TransferArgs, WithdrawArgs};
use crate::failure::{Done, Failure};

/// Runs `kopeck transfer`.
pub fn transfer(args: &TransferArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let movement = Movement {
        debit: books.find(&args.from)?.opening.id,
        credit: books.find(&args.to)?.opening.id,
        amount: args.amount,
        purpose: Purpose::DirectTransfer,
    };
    let work = Work::Transact(Transact {
        movements: vec![movement],
        project: args.project.clone(),
        reference: args.reference.clone(),
        hold: None,
    });
    post(&books, &args.sending, work, args.format)
}

/// Runs `kopeck deposit`.
pub fn deposit(args: &DepositArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let account = books.find(&args.to)?.opening.id;
    let invoice = match (&args.invoice, &args.workspace) {
        (Some(number), Some(workspace)) => {
            Some(InvoiceOf { workspace: books.find(workspace)?.opening.id, number: number.clone() })
        }
        _ => None,
    };
    let reference = args.reference.clone();
    let work = Work::Deposit(Deposit { account, amount: args.amount, reference, invoice });
    post(&books, &args.sending, work, args.format)
}

/// Runs `kopeck withdraw`.
pub fn withdraw(args: &WithdrawArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let account = books.find(&args.from)?.opening.id;
    let reference = args.reference.clone();
    let work = Work::Withdraw(Withdraw { account, amount: args.amount, reference, hold: None });
    post(&books, &args.sending, work, args.format)
}

/// Posts something that moves money, and prints what it moved.
pub fn post(books: &Books, sending: &Sending, work: Work, format: TableFormat) -> Result<Done, Failure> {
    let id = id_of(sending);
    let receipt = books.ask(id, sending, work)?;
    although_done(receipt, print(id, books, format))
}

fn print(id: Uuid, books: &Books, format: TableFormat) -> Result<Done, Failure> {
    let record = books.record(TransactionId(id))?;
    let moved = record.as_ref().and_then(|record| record.transaction().map(|moved| (record, moved)));
    let Some((record, transaction)) = moved else {
        return Err(failed(&StoreError::Corrupt(format!("what {id} has moved can not be read"))));
    };
    receipt::print(record, transaction, books, format)?;
    Ok(Done::Whole)
}
