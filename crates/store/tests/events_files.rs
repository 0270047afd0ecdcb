//! Who may open an event log, what is refused, what a full disk does, and what verifying says about damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod event_bank;

use std::fs;
use std::path::Path;

use event_bank::{Bank, events, group, lines, positions, step, time, verified};
use kopeck_store::events::{EventReader, LoggedStep, NewSnapshot, Outcome, Position};
use kopeck_store::sqlite::events::{EVENTS_FILE, KEYS_FOLDER, SqliteEvents, verify_folder};
use kopeck_store::{EventLog, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

#[test]
fn a_second_opening_is_refused_and_told_who_has_it() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    let process = Some(std::process::id());
    let refused = bank.try_open_in(folder.path()).unwrap_err();
    assert_eq!(refused, StoreError::InUse { folder: folder.path().to_path_buf(), process });
    log.close();
    assert!(bank.try_open_in(folder.path()).is_ok());
}

#[test]
fn a_log_and_a_ledger_lie_in_one_folder() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let _log = bank.log_in(folder.path());
    kopeck_store::sqlite::SqliteStore::create(folder.path()).unwrap();
    let options = bank.options().store;
    assert!(kopeck_store::sqlite::SqliteStore::open(folder.path(), options).is_ok());
}

#[test]
fn an_owner_that_was_replaced_can_not_write() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    log.append(events(0..10)).unwrap();
    let other = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    other.execute("UPDATE owner SET epoch = epoch + 1", ()).unwrap();
    for _ in 0..2 {
        let refused = log.append(events(10..20)).unwrap_err();
        assert!(matches!(refused, StoreError::Fenced { own, current } if current == own + 1), "{refused}");
    }
    assert!(matches!(log.record_step(step(1, 10), &[]), Err(StoreError::Fenced { .. })));
    assert_eq!(verified(&log), 10);
}

#[test]
fn what_is_no_event_log_is_left_alone() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let missing = bank.try_open_in(folder.path()).unwrap_err();
    assert_eq!(missing, StoreError::NoEventLog(folder.path().to_path_buf()));
    let path = folder.path().join(EVENTS_FILE);
    let foreign = StoreError::NotAnEventLog(path.clone());
    Connection::open(&path).unwrap().execute("CREATE TABLE notes (words TEXT)", ()).unwrap();
    assert_eq!(bank.try_open_in(folder.path()).unwrap_err(), foreign);
    assert_eq!(verify_folder(folder.path(), &mut |_| {}).unwrap_err(), foreign);
    fs::write(&path, "not a database, but long enough to be looked at as if it were one").unwrap();
    assert_eq!(bank.try_open_in(folder.path()).unwrap_err(), foreign);
    fs::remove_file(&path).unwrap();
    kopeck_store::sqlite::SqliteStore::create(folder.path()).unwrap();
    fs::copy(folder.path().join(kopeck_store::sqlite::DATABASE_FILE), &path).unwrap();
    assert_eq!(bank.try_open_in(folder.path()).unwrap_err(), foreign, "a ledger is none either");
}

#[test]
fn a_log_of_a_newer_program_is_refused() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.log_in(folder.path()).close();
    let path = folder.path().join(EVENTS_FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let refused = bank.try_open_in(folder.path()).unwrap_err();
    assert_eq!(refused, StoreError::Newer { path, found: 7, known: 3 });
}

#[test]
fn steps_that_were_written_without_keys_may_be_of_any() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    (1..=2).for_each(|number| log.record_step(step(number, 0), &[7]).unwrap());
    log.close();
    let database = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    database
        .execute_batch("DROP TABLE step_key; DROP TABLE duty; DROP TABLE kept; PRAGMA user_version = 1")
        .unwrap();
    drop(database);
    let log = bank.open_in(folder.path());
    log.record_step(step(3, 0), &[7]).unwrap();
    let of = |key| {
        let mut found = Vec::new();
        let take = &mut |step: LoggedStep| {
            found.push(step.step.number);
            Ok(true)
        };
        log.steps_of(key, take).unwrap();
        found
    };
    assert_eq!([of(7), of(8)], [vec![3, 2, 1], vec![2, 1]]);
}

#[test]
fn a_log_is_made_once() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.log_in(folder.path()).close();
    let again = SqliteEvents::<u64>::create(folder.path()).unwrap_err();
    assert_eq!(again, StoreError::EventLogExists(folder.path().to_path_buf()));
}

#[test]
fn a_database_that_may_not_grow_refuses_and_goes_on_when_pages_are_free() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.log_in(folder.path()).close();
    let filler = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    filler
        .execute_batch("CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(8192 * 64));")
        .unwrap();
    let pages: u32 = filler.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
    let mut options = bank.options();
    options.store.most_pages = Some(pages + 8);
    let log = bank.try_open_with(folder.path(), options).unwrap();
    let mut written = 0;
    loop {
        match log.append(events(written..written + 50)) {
            Ok(outcomes) => {
                assert_eq!(positions(&outcomes), (written + 1..=written + 50).collect::<Vec<_>>());
            }
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                break;
            }
        }
        written += 50;
        assert!(written < 10_000);
    }
    assert_eq!(log.end(), Position(written), "nothing half done");
    assert_eq!(verified(&log), written);
    filler.execute("DELETE FROM filler", ()).unwrap();
    let outcomes = log.append(events(written..written + 50)).unwrap();
    assert_eq!(positions(&outcomes), (written + 1..=written + 50).collect::<Vec<_>>());
    assert_eq!(verified(&log), written + 50);
}

fn runs(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut runs: Vec<_> =
        fs::read_dir(folder.join(KEYS_FOLDER)).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    runs
}

#[test]
fn runs_of_keys_are_dropped_when_all_their_events_are_forgotten() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    for first in (0..3_000).step_by(100) {
        log.append(events(first..first + 100)).unwrap();
    }
    log.close();
    let log = bank.open_in(folder.path());
    log.forget_keys(time(3_000)).unwrap();
    // Whoever drops runs is told with each commit; fewer files may also mean that runs were merged.
    let is_known = || log.append(events(0..1)).unwrap() == [Outcome::Duplicate];
    let mut number = 10_000;
    while is_known() {
        log.append(events(number..number + 1)).unwrap();
        number += 1;
        assert!(number < 1_000_000, "no run is ever dropped");
    }
    verified(&log);
    log.close();
    verified(&bank.open_in(folder.path()));
}

/// A closed log of 2,000 events, with runs of keys, steps and a snapshot.
fn log() -> (Bank, TempDir) {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let log = bank.log_in(folder.path());
    for first in (0..2_000).step_by(100) {
        log.append(events(first..first + 100)).unwrap();
    }
    (1..=3).for_each(|number| log.record_step(step(number, number * 100), &[]).unwrap());
    let mut parts = [b"one".to_vec(), b"two".to_vec()].into_iter();
    log.save_snapshot(NewSnapshot { through: Position(300), step: 3, parts: &mut parts }).unwrap();
    log.close();
    (bank, folder)
}

/// Does something to a fresh log's database and says what verifying finds.
fn found_after(damage: impl FnOnce(&Connection)) -> String {
    let (_bank, folder) = log();
    let connection = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    damage(&connection);
    connection.close().unwrap();
    found(folder.path())
}

fn found(folder: &Path) -> String {
    let report = verify_folder(folder, &mut |_| {}).unwrap();
    report.problem.unwrap_or_else(|| format!("{} events, {} steps, all well", report.events, report.steps))
}

#[test]
fn a_log_as_it_was_written_is_well() {
    assert_eq!(found_after(|_| {}), "2000 events, 3 steps, all well");
}

#[test]
fn a_row_that_was_changed_names_its_events() {
    let changes = [
        "received = received + 1",
        "newest = newest + 1",
        "plain = plain + 1",
        "keys = substr(keys, 25)",
        "keys = zeroblob(length(keys))",
        "body = substr(body, 2)",
    ];
    for change in changes {
        let found = found_after(|connection| {
            connection.execute(&format!("UPDATE chunk SET {change} WHERE first = 401"), ()).unwrap();
        });
        assert_eq!(found, "events 401 to 500 are not what was written", "{change}");
    }
}

#[test]
fn what_is_missing_or_not_in_its_place_is_named() {
    let cases = [
        ("DELETE FROM chunk WHERE first = 401", "event 401 is missing"),
        ("DELETE FROM chunk WHERE first = 1", "event 1 is missing"),
        ("UPDATE chunk SET first = 402 WHERE first = 401", "event 401 is missing"),
        ("DELETE FROM chunk_filter WHERE first = 401", "the filter of event 401 is not that of its row"),
        (
            "UPDATE chunk_filter SET resources = zeroblob(9) WHERE first = 1",
            "the filter of event 1 is not that of its row",
        ),
        ("DELETE FROM step WHERE number = 2", "step 3 of settling is not in its place"),
        ("UPDATE step SET postings = x'00' WHERE number = 2", "step 2 of settling is not what was written"),
        ("UPDATE snapshot SET through = 9999", "the snapshot of settling is ahead of the log"),
        (
            "DELETE FROM snapshot_part WHERE part = 1",
            "part 1 of the snapshot of settling is not what was written",
        ),
        (
            "UPDATE snapshot_part SET bytes = x'00' WHERE part = 0",
            "part 0 of the snapshot of settling is not what was written",
        ),
    ];
    for (damage, expected) in cases {
        let found = found_after(|connection| assert_eq!(connection.execute(damage, ()).unwrap(), 1));
        assert_eq!(found, expected, "{damage}");
    }
}

#[test]
fn a_snapshot_that_is_not_what_was_written_is_not_taken() {
    let (bank, folder) = log();
    let connection = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    connection.execute("UPDATE snapshot_part SET bytes = x'00' WHERE part = 1", ()).unwrap();
    assert_eq!(bank.open_in(folder.path()).snapshot(), Ok(None));
}

#[test]
fn a_run_of_keys_that_is_missing_or_cut_is_told_and_made_anew() {
    for damage in [
        (|path: &Path| fs::remove_file(path).unwrap()) as fn(&Path),
        |path| fs::write(path, b"short").unwrap(),
        |path| {
            let mut bytes = fs::read(path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(path, bytes).unwrap();
        },
    ] {
        let (bank, folder) = log();
        damage(&runs(folder.path())[0]);
        assert!(found(folder.path()).starts_with("the index of keys: "));
        let log = bank.open_in(folder.path());
        let again = log.append(events(0..2_000)).unwrap();
        assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate));
        assert_eq!(verified(&log), 2_000);
    }
}

#[test]
fn a_changed_page_of_keys_is_told_and_nothing_is_accepted_twice() {
    let (bank, folder) = log();
    let path = runs(folder.path())[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[3] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(found(folder.path()).contains("is not what was written: remove that file"));
    let log = bank.open_in(folder.path());
    let refused = log.append(events(0..2_000)).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
    assert_eq!(log.end(), Position(2_000));
    log.close();
    fs::remove_file(&path).unwrap();
    let log = bank.open_in(folder.path());
    assert_eq!(verified(&log), 2_000);
    assert_eq!(positions(&log.append(group(0, &[(9_999, 1), (1, 1)])).unwrap()), [2_001, 0]);
}

#[test]
fn a_row_that_was_changed_is_not_read_as_events() {
    let (bank, folder) = log();
    let connection = Connection::open(folder.path().join(EVENTS_FILE)).unwrap();
    connection.execute("UPDATE chunk SET body = zeroblob(length(body)) WHERE first = 401", ()).unwrap();
    let log = bank.open_in(folder.path());
    let mut read = 0;
    let failed = log.read(Position::NONE, &mut |_| {
        read += 1;
        Ok(true)
    });
    assert!(matches!(failed, Err(StoreError::Corrupt(_))), "{failed:?}");
    assert_eq!(read, 400);
    assert_eq!(lines(&log, 500).len(), 1_500);
}
