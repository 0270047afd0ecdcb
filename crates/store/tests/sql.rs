//! The journal is readable with nothing but SQL: the views say what the records say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;

use bank::{Bank, account, done, money, one};
use kopeck_ledger::account::Account;
use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::{Body, Record};
use kopeck_store::Store;
use kopeck_store::sqlite::DATABASE_FILE;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

/// A closed ledger with records of several kinds in several rows, its records and accounts.
fn ledger() -> (TempDir, Vec<Record>, Vec<Account>) {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 3);
    bank.pass(61);
    done(store.perform(vec![bank.transfer(1, 2, "123.456789"), bank.hold(3, "4.5", bank.after(60))]));
    done(store.perform((0..300).map(|_| bank.transfer(2, 3, "0.25")).collect()));
    assert!(one(store.perform(vec![bank.transfer(1, 2, "99999")])).is_err());
    let mut records = Vec::new();
    let mut take = |record: Record| {
        records.push(record);
        Ok(true)
    };
    store.records(Sequence(1), &mut take).unwrap();
    (folder, records, store.accounts(0, 9))
}

/// The rows of a query by the plain library, their values between spaces.
fn rows(folder: &TempDir, query: &str) -> Vec<String> {
    let plain = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    let mut select = plain.prepare(query).unwrap();
    let columns = select.column_count();
    let word = |value: Value| match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    let rows = select.query_map((), |row| (0..columns).map(|column| row.get(column).map(word)).collect());
    rows.unwrap().map(|row: rusqlite::Result<Vec<String>>| row.unwrap().join(" ")).collect()
}

#[test]
fn every_record_is_shown() {
    let (folder, records, _) = ledger();
    let kind = |body: &Body| match body {
        Body::Opened { .. } => "opened",
        Body::Posted(_) => "posted",
        Body::Held(_) => "held",
        Body::Refused(_) => "refused",
        other => panic!("{other:?} was not asked for"),
    };
    let shown = |record: &Record| {
        let id = record.asked.unwrap().id.0.simple();
        let transfers = record.transaction().map_or(0, |transaction| transaction.transfers.len());
        let kind = kind(&record.body);
        format!("{} {} {kind} 0 {id} {transfers}", record.sequence, record.at.nanoseconds())
    };
    let expected: Vec<_> = records.iter().map(shown).collect();
    let query = "SELECT sequence, at, kind, linked, id, transfers FROM record ORDER BY sequence";
    assert_eq!(rows(&folder, query), expected);
    assert_eq!(rows(&folder, "SELECT at_text FROM record WHERE sequence = 8"), ["2026-10-01T00:01:01.000Z"]);
}

#[test]
fn every_transfer_is_shown_with_the_entries_before_it() {
    let (folder, records, _) = ledger();
    let mut expected = Vec::new();
    for record in &records {
        for transfer in record.transaction().into_iter().flat_map(|transaction| &transaction.transfers) {
            let (debit, credit, amount) = (transfer.debit.0, transfer.credit.0, transfer.amount.micros());
            let before = format!("{} {}", transfer.debit_previous, transfer.credit_previous);
            expected
                .push(format!("{} {debit} {credit} {amount} {} {before}", record.sequence, transfer.purpose));
        }
    }
    let query = "SELECT sequence, debit, credit, amount, purpose, debit_previous, credit_previous \
                 FROM transfer ORDER BY sequence, place";
    assert_eq!(rows(&folder, query), expected);
}

#[test]
fn every_account_is_shown() {
    let (folder, _, accounts) = ledger();
    let shown = |account: &Account| {
        let opening = &account.opening;
        let id = opening.id.0.simple();
        let name = opening.name.as_str();
        format!("{} {id} {} {} {name}", opening.number.0, opening.kind, opening.currency)
    };
    let expected: Vec<_> = accounts.iter().map(shown).collect();
    assert_eq!(
        rows(&folder, "SELECT number, id, kind, currency, name FROM account ORDER BY number"),
        expected
    );
}

#[test]
fn balances_can_be_summed_up() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 2);
    done(store.perform(vec![bank.transfer(1, 2, "0.000001"), bank.transfer(2, 1, "999.999999")]));
    assert_eq!(store.account(account(1)).unwrap().posted, money("1999.999998"));
    store.close();
    let sum = "SELECT sum(CASE WHEN t.credit = a.number THEN amount ELSE -amount END) \
               FROM account AS a JOIN transfer AS t ON a.number IN (t.debit, t.credit) WHERE a.name = 'account 1'";
    assert_eq!(rows(&folder, sum), ["1999999998"]);
}
