//! What a request has come to, for people and for machines.

use std::io::{self, Write};

use kopeck_ledger::account::Account;
use kopeck_ledger::record::{Record, Transaction};
use serde_json::{Value, json};

use super::open::Books;
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
            let transfers: Vec<Value> = moved
                .iter()
                .map(|(transfer, from, to)| {
                    json!({
                        "purpose": transfer.purpose.word(),
                        "from": from.opening.id.to_string(),
                        "to": to.opening.id.to_string(),
                        "amount": transfer.amount.to_string(),
                        "currency": from.opening.currency.to_string(),
                    })
                })
                .collect();
            let text = |text: &Option<kopeck_ledger::name::Text>| text.as_ref().map(ToString::to_string);
            let document = json!({
                "id": id,
                "record": record.sequence.0,
                "at": record.at.to_string(),
                "origin": transaction.origin.word(),
                "mode": transaction.mode.word(),
                "actor": text(&transaction.actor),
                "project": text(&transaction.project),
                "reference": text(&transaction.reference),
                "invoice": text(&transaction.invoice),
                "transfers": transfers,
            });
            writeln!(out, "{document}")?;
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

/// An account as JSON.
pub fn account_json(account: &Account, owner: Option<&Account>) -> Value {
    let opening = &account.opening;
    json!({
        "id": opening.id.to_string(),
        "kind": opening.kind.word(),
        "name": opening.name.to_string(),
        "owner": owner.map(|owner| owner.opening.id.to_string()),
        "currency": opening.currency.to_string(),
        "time_zone": opening.zone.as_ref().map_or("UTC".to_owned(), ToString::to_string),
        "credit_limit": account.credit_limit.to_string(),
        "coefficient": account.coefficient.to_string(),
        "posted": account.posted.to_string(),
        "held": account.held.to_string(),
        "accrued": account.accrued.to_string(),
        "available": account.available().map(|available| available.to_string()),
        "entries": account.entries,
    })
}
