//! What a request has come to, for people and for machines.

use std::io::{self, Write};

use kopeck_api::transaction::TransactionDocument;
use serde::Serialize;
use serde_json::Value;

use super::place::Books;
use crate::args::TableFormat;
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Prints a transaction.
pub fn print(
    transaction: &TransactionDocument,
    books: &dyn Books,
    format: TableFormat,
) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => writeln!(out, "{}", sorted(transaction))?,
        TableFormat::Table => {
            let id = transaction.id.map(|id| id.to_string()).unwrap_or_default();
            writeln!(out, "Transaction {id}: record {}, {}", transaction.record, transaction.at)?;
            let mut table = plain_table(&["purpose", "from", "to", "amount", ""], 2);
            for transfer in &transaction.transfers {
                table.add_row([
                    transfer.purpose.to_string(),
                    books.name_of(transfer.from),
                    books.name_of(transfer.to),
                    transfer.amount.to_string(),
                    transfer.currency.to_string(),
                ]);
            }
            writeln!(out, "{table}")?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}

/// A document as JSON, with its fields in the order of their names.
pub fn sorted(document: &impl Serialize) -> Value {
    // Documents are texts, numbers and lists of them, which JSON can always hold.
    serde_json::to_value(document).unwrap_or_default()
}
