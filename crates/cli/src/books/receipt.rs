//! What a request has come to, for people and for machines.

use std::io::{self, Write};

use kopeck_ledger::record::{Record, Transaction};
use kopeck_server::documents::transaction as document;
use serde::Serialize;
use serde_json::Value;

use super::open::{Books, unmade};
use crate::args::TableFormat;
use crate::bill::plain_table;
use crate::failure::Failure;

/// Prints the transaction of a record.
pub fn print(
    record: &Record,
    transaction: &Transaction,
    books: &Books,
    format: TableFormat,
) -> Result<(), Failure> {
    let mut moved = Vec::new();
    for transfer in &transaction.transfers {
        moved.push((transfer, books.account(transfer.debit)?, books.account(transfer.credit)?));
    }
    let id = record.asked.map(|asked| asked.id.to_string());
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => {
            let document = document::of_record(record, &books.store).map_err(|error| unmade(&error))?;
            writeln!(out, "{}", sorted(&document))?;
        }
        TableFormat::Table => {
            let id = id.unwrap_or_default();
            writeln!(out, "Transaction {id}: record {}, {}", record.sequence, record.at)?;
            let mut table = plain_table(&["purpose", "from", "to", "amount", ""], 2);
            for (transfer, from, to) in &moved {
                table.add_row([
                    transfer.purpose.to_string(),
                    from.opening.name.to_string(),
                    to.opening.name.to_string(),
                    transfer.amount.to_string(),
                    from.opening.currency.to_string(),
                ]);
            }
            writeln!(out, "{table}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// A document as JSON, with its fields in the order of their names.
pub fn sorted(document: &impl Serialize) -> Value {
    // Documents are texts, numbers and lists of them, which JSON can always hold.
    serde_json::to_value(document).unwrap_or_default()
}
