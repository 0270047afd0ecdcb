//! The ledger's tables for spreadsheets and databases.

use std::collections::BTreeMap;
use std::io::{self, Write};

use csv::Writer;
use kopeck_ledger::account::Account;
use kopeck_ledger::name::{AccountId, AccountNumber, Currency, Sequence, Text};
use kopeck_ledger::record::{Body, Record, Transaction};
use kopeck_store::{Store, StoreError};

use super::DocumentError;
use super::account::listed;

/// Accounts that are read at a time.
const PAGE: usize = 1_000;

/// Writes all accounts as they are now, one a row.
///
/// # Errors
/// [`DocumentError::Store`] and [`DocumentError::Write`].
pub fn accounts(store: &dyn Store, to: &mut dyn Write) -> Result<(), DocumentError> {
    let mut table = Writer::from_writer(to);
    table.write_record(ACCOUNT_COLUMNS).map_err(io::Error::from)?;
    for skip in (0..).step_by(PAGE) {
        let page = store.accounts(skip, PAGE);
        if page.is_empty() {
            break;
        }
        for account in &page {
            table.write_record(account_row(account, store)?).map_err(io::Error::from)?;
        }
    }
    Ok(table.flush()?)
}

const ACCOUNT_COLUMNS: [&str; 12] = [
    "id",
    "kind",
    "name",
    "owner",
    "currency",
    "time_zone",
    "credit_limit",
    "coefficient",
    "posted",
    "held",
    "accrued",
    "available",
];

fn account_row(account: &Account, store: &dyn Store) -> Result<[String; 12], DocumentError> {
    let row = listed(account, store)?;
    Ok([
        row.id.to_string(),
        row.kind.to_string(),
        row.name.to_string(),
        row.owner.map(|owner| owner.to_string()).unwrap_or_default(),
        row.currency.to_string(),
        row.time_zone,
        row.credit_limit.to_string(),
        row.coefficient.to_string(),
        row.posted.to_string(),
        row.held.to_string(),
        row.accrued.to_string(),
        row.available.ok_or(DocumentError::Overflow)?.to_string(),
    ])
}

const TRANSFER_COLUMNS: [&str; 14] = [
    "record",
    "at",
    "transaction",
    "origin",
    "mode",
    "actor",
    "project",
    "reference",
    "corrects",
    "purpose",
    "from",
    "to",
    "amount",
    "currency",
];

/// Writes all transfers of the journal in their order, one a row.
///
/// # Errors
/// [`DocumentError::Store`] and [`DocumentError::Write`].
pub fn transfers(store: &dyn Store, to: &mut dyn Write) -> Result<(), DocumentError> {
    let mut table = Writer::from_writer(to);
    table.write_record(TRANSFER_COLUMNS).map_err(io::Error::from)?;
    let mut accounts = BTreeMap::new();
    let mut failed = None;
    store.records(Sequence(1), &mut |record| {
        if let Body::Opened { opening, .. } = &record.body {
            accounts.insert(opening.number, (opening.id, opening.currency));
        }
        let Body::Posted(transaction) = &record.body else { return Ok(true) };
        for row in transfer_rows(&record, transaction, &accounts)? {
            if let Err(error) = table.write_record(row) {
                failed = Some(io::Error::from(error));
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(table.flush()?),
    }
}

type Names = BTreeMap<AccountNumber, (AccountId, Currency)>;

fn transfer_rows(
    record: &Record,
    transaction: &Transaction,
    accounts: &Names,
) -> Result<Vec<[String; 14]>, StoreError> {
    let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    let named = |number| {
        let unknown = || StoreError::Corrupt(format!("record {} names an unknown account", record.sequence));
        accounts.get(&number).copied().ok_or_else(unknown)
    };
    let mut rows = Vec::new();
    for transfer in &transaction.transfers {
        let ((from, currency), (to, _)) = (named(transfer.debit)?, named(transfer.credit)?);
        rows.push([
            record.sequence.to_string(),
            record.at.to_string(),
            record.asked.map(|asked| asked.id.to_string()).unwrap_or_default(),
            transaction.origin.to_string(),
            transaction.mode.to_string(),
            text(&transaction.actor),
            text(&transaction.project),
            text(&transaction.reference),
            transaction.corrects.map(|corrects| corrects.to_string()).unwrap_or_default(),
            transfer.purpose.to_string(),
            from.to_string(),
            to.to_string(),
            transfer.amount.to_string(),
            currency.to_string(),
        ]);
    }
    Ok(rows)
}
