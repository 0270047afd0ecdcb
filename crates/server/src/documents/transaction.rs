//! Transactions as documents.

use kopeck_api::forms::{CurrencyCode, Label, ModeWord, Money, OriginWord, PurposeWord, Time};
use kopeck_api::transaction::{TransactionDocument, TransferDocument};
use kopeck_ledger::record::Record;
use kopeck_store::Store;

use super::DocumentError;
use super::account::of_number;

/// The transaction of a record; `None` where it moved no money.
///
/// # Errors
/// [`DocumentError::Store`] where an account can not be read.
pub fn of_record(record: &Record, store: &dyn Store) -> Result<Option<TransactionDocument>, DocumentError> {
    let Some(transaction) = record.transaction() else { return Ok(None) };
    let mut transfers = Vec::new();
    for transfer in &transaction.transfers {
        let (from, to) =
            (of_number(transfer.debit, store)?.opening, of_number(transfer.credit, store)?.opening);
        transfers.push(TransferDocument {
            purpose: PurposeWord(transfer.purpose),
            from: from.id.0,
            to: to.id.0,
            amount: Money(transfer.amount),
            currency: CurrencyCode(from.currency),
        });
    }
    Ok(Some(TransactionDocument {
        id: record.asked.map(|asked| asked.id.0),
        record: record.sequence.0,
        at: Time(record.at),
        origin: OriginWord(transaction.origin),
        mode: ModeWord(transaction.mode),
        actor: transaction.actor.clone().map(Label),
        project: transaction.project.clone().map(Label),
        reference: transaction.reference.clone().map(Label),
        invoice: transaction.invoice.clone().map(Label),
        corrects: transaction.corrects.map(|corrects| corrects.0),
        transfers,
    }))
}
