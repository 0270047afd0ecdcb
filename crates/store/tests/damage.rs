//! What somebody could do to a database behind the ledger's back, and what verifying says about it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;

use std::fs;
use std::path::Path;

use bank::{Bank, account, done};
use kopeck_store::sqlite::{self, DATABASE_FILE, HEAD_LOG_FILE, SqliteStore, verify};
use kopeck_store::{Store, StoreError};
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

/// A closed ledger of 3,005 records in many rows, with landmarks, runs of ids left out, and a log of heads.
fn ledger() -> (Bank, TempDir) {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 2);
    for _ in 0..30 {
        bank.pass(1);
        done(store.perform((0..100).map(|_| bank.transfer(1, 2, "0.01")).collect()));
    }
    store.close();
    (bank, folder)
}

/// Does something to a fresh ledger's database and says what verifying finds.
fn found_after(damage: impl FnOnce(&Connection)) -> String {
    let (_bank, folder) = ledger();
    let connection = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    damage(&connection);
    connection.close().unwrap();
    problem(folder.path())
}

fn problem(folder: &Path) -> String {
    let report = verify::folder(folder, &mut |_| {}).unwrap();
    report
        .problem
        .map_or_else(|| format!("{} records, all well", report.records), |problem| problem.to_string())
}

fn flip(connection: &Connection, row: i64, byte: usize) {
    let select = "SELECT records FROM journal WHERE first <= ? ORDER BY first DESC LIMIT 1";
    let mut records: Vec<u8> = connection.query_row(select, [row], |row| row.get(0)).unwrap();
    records[byte] ^= 0x10;
    let update =
        "UPDATE journal SET records = ?1 WHERE first = (SELECT max(first) FROM journal WHERE first <= ?2)";
    assert_eq!(connection.execute(update, (records, row)).unwrap(), 1);
}

/// The first and last record of a row, and its bytes up to a record of it.
fn row_of(connection: &Connection, record: i64) -> (i64, i64, Vec<u8>) {
    let select = "SELECT first, last, records FROM journal WHERE first <= ? ORDER BY first DESC LIMIT 1";
    connection.query_row(select, [record], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

/// Where a record's bytes begin and end in its row.
fn place_of(connection: &Connection, record: i64) -> std::ops::Range<usize> {
    let (first, _, bytes) = row_of(connection, record);
    let length = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let start = (first..record).fold(0, |at, _| at + length(at));
    start..start + length(start)
}

#[test]
fn a_ledger_as_it_was_written_is_well() {
    assert_eq!(found_after(|_| {}), "3005 records, all well");
}

#[test]
fn a_flipped_byte_names_its_record_wherever_it_is() {
    let (_bank, folder) = ledger();
    let path = folder.path().join(DATABASE_FILE);
    let connection = Connection::open(&path).unwrap();
    for record in [1, 2, 6, 700, 1_234, 3_004, 3_005] {
        let place = place_of(&connection, record);
        for byte in place.step_by(7) {
            flip(&connection, record, byte);
            let found = problem(folder.path());
            assert!(
                found.starts_with(&format!("record {record} ")),
                "byte {byte} of record {record}: {found}"
            );
            flip(&connection, record, byte);
        }
    }
    assert_eq!(problem(folder.path()), "3005 records, all well");
}

#[test]
fn a_deleted_row_names_the_first_record_that_is_gone() {
    let found = found_after(|connection| {
        connection.execute("DELETE FROM journal WHERE first <= 1000 AND last >= 1000", ()).unwrap();
    });
    let first: u64 = found.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((900..=1000).contains(&first), "{found}");
    assert!(found.contains("is missing, and all up to record"), "{found}");
}

#[test]
fn two_swapped_rows_name_the_first_record_that_is_not_in_its_place() {
    let mut expected = 0;
    let found = found_after(|connection| {
        let (one, other) = (row_of(connection, 500), row_of(connection, 2_000));
        expected = one.0;
        let update = "UPDATE journal SET records = ?2 WHERE first = ?1";
        connection.execute(update, (one.0, &other.2)).unwrap();
        connection.execute(update, (other.0, &one.2)).unwrap();
    });
    assert!(found.starts_with(&format!("record {expected} is not in its place: record ")), "{found}");
}

#[test]
fn two_swapped_records_name_the_first() {
    let found = found_after(|connection| {
        let (first, _, mut bytes) = row_of(connection, 700);
        let (one, other) = (place_of(connection, 700), place_of(connection, 701));
        let swapped = [&bytes[other.clone()], &bytes[one.clone()]].concat();
        bytes[one.start..other.end].copy_from_slice(&swapped);
        connection.execute("UPDATE journal SET records = ?2 WHERE first = ?1", (first, bytes)).unwrap();
    });
    assert!(found.starts_with("record 699 ") || found.starts_with("record 700 "), "{found}");
}

#[test]
fn a_cut_off_tail_names_the_first_record_that_is_gone() {
    let found = found_after(|connection| {
        connection.execute("DELETE FROM journal WHERE first > 2000", ()).unwrap();
        // Whoever cuts with care takes away what else would tell.
        connection.execute("DELETE FROM landmark WHERE sequence > 2000", ()).unwrap();
        connection.execute("DELETE FROM snapshot", ()).unwrap();
    });
    let expected = ": the journal is cut off, the log of heads has record 3005";
    assert!(found.starts_with("record 20") && found.ends_with(expected), "{found}");
}

#[test]
fn a_tail_that_was_cut_off_and_written_anew_is_found_by_the_log_of_heads() {
    let (bank, folder) = ledger();
    let early = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE_FILE);
    let heads = fs::read(folder.path().join(HEAD_LOG_FILE)).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute("DELETE FROM journal WHERE first > 2000", ()).unwrap();
    connection.execute("DELETE FROM landmark WHERE sequence > (SELECT max(last) FROM journal)", ()).unwrap();
    connection.execute("DELETE FROM snapshot", ()).unwrap();
    connection.close().unwrap();
    fs::remove_file(folder.path().join(HEAD_LOG_FILE)).unwrap();
    let store = bank.open_in(folder.path());
    done(store.perform((0..2_000).map(|_| bank.transfer(2, 1, "0.02")).collect()));
    store.close();
    assert!(problem(folder.path()).ends_with("all well"), "without its heads it can not be told");
    fs::write(folder.path().join(HEAD_LOG_FILE), heads).unwrap();
    assert!(problem(folder.path()).contains("does not have the hash that the log of heads has for it"));
    drop(early);
}

#[test]
fn what_is_kept_beside_the_journal_is_compared_with_it() {
    for (damage, expected) in [
        (
            "UPDATE landmark SET posted = '1' WHERE sequence = (SELECT min(sequence) FROM landmark)",
            "has no landmark, or a wrong one",
        ),
        ("INSERT INTO landmark VALUES (1, 9, 4, 5, '6')", "landmarks that belong to no record"),
        (
            "UPDATE journal SET last_at = last_at + 1 WHERE first > 1500 AND first < 1600",
            "lies in a row that says something else",
        ),
        (
            "UPDATE journal SET hash = zeroblob(32) WHERE first = (SELECT max(first) FROM journal)",
            "does not have the hash that is stored beside it",
        ),
        (
            "INSERT INTO id_run VALUES (0, 10, zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(8))",
            "run 0 of the index of ids contradicts itself",
        ),
    ] {
        let found = found_after(|connection| {
            assert!(connection.execute(damage, ()).unwrap() > 0, "{damage}");
        });
        assert!(found.contains(expected), "{damage}: {found}");
    }
}

#[test]
fn a_damaged_journal_is_not_opened_as_if_it_were_whole() {
    let (bank, folder) = ledger();
    let connection = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    connection.execute("DELETE FROM snapshot", ()).unwrap();
    connection.execute("DELETE FROM journal WHERE first <= 1000 AND last >= 1000", ()).unwrap();
    connection.close().unwrap();
    let error = bank.try_open_in(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[test]
fn a_snapshot_that_can_not_be_read_costs_time_and_nothing_else() {
    let (bank, folder) = ledger();
    let connection = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    let before = bank.open_in(folder.path()).accounts(0, 9);
    let state: Vec<Value> = vec![Value::Blob(vec![1; 100])];
    let insert = "INSERT INTO snapshot VALUES (3000, 0, 1, zeroblob(32), ?)";
    connection.execute(insert, rusqlite::params_from_iter(state)).unwrap();
    let store = bank.open_in(folder.path());
    assert_eq!(store.accounts(0, 9), before);
    assert_eq!(store.account(account(1)).unwrap().entries, 3_001);
    store.close();
    assert!(problem(folder.path()).contains("the stored state after record 3000"), "and verifying tells");
}

#[test]
fn a_damaged_backup_replaces_nothing() {
    let (bank, folder) = ledger();
    let copy = folder.path().join("copy.db");
    bank.open_in(folder.path()).backup(&copy, &mut |_| {}).unwrap();
    let connection = Connection::open(&copy).unwrap();
    flip(&connection, 1_234, place_of(&connection, 1_234).start + 90);
    connection.close().unwrap();
    let report = sqlite::restore(&copy, folder.path(), true, &mut |_| {}).unwrap();
    assert_eq!(report.problem.unwrap().record.map(|record| record.0), Some(1_234));
    assert_eq!(problem(folder.path()), "3005 records, all well");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("restoring")), "{left:?}");
}

#[test]
fn a_backup_takes_the_place_of_a_ledger_only_when_told_to() {
    let (bank, folder) = ledger();
    let copy = folder.path().join("copy.db");
    let store = bank.open_in(folder.path());
    store.backup(&copy, &mut |_| {}).unwrap();
    assert_eq!(store.backup(&copy, &mut |_| {}), Err(StoreError::Exists(copy.clone())));
    done(store.perform(vec![bank.transfer(1, 2, "100")]));
    let in_use = sqlite::restore(&copy, folder.path(), true, &mut |_| {}).unwrap_err();
    assert!(matches!(in_use, StoreError::InUse { .. }), "{in_use}");
    store.close();
    let exists = sqlite::restore(&copy, folder.path(), false, &mut |_| {}).unwrap_err();
    assert!(matches!(exists, StoreError::Exists(_)), "{exists}");
    assert_eq!(sqlite::restore(&copy, folder.path(), true, &mut |_| {}).unwrap().problem, None);
    assert_eq!(problem(folder.path()), "3005 records, all well");
    let replaced = folder.path().join("kopeck.db.replaced");
    assert_eq!(verify::database(&replaced, Vec::new(), &mut |_| {}).unwrap().records, 3_006);
    let store: SqliteStore = bank.open_in(folder.path());
    done(store.perform(vec![bank.transfer(1, 2, "1")]));
}
