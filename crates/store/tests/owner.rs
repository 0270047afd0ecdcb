//! Who may open a database, and who may still write to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bank::{Bank, done, one, posted, verified};
use kopeck_store::faults::{Fate, Faults, Point};
use kopeck_store::sqlite::{DATABASE_FILE, HEAD_LOG_FILE, Options};
use kopeck_store::{Store, StoreError};
use rusqlite::Connection;

#[test]
fn a_second_opening_is_refused_and_told_who_has_it() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 1);
    let refused = bank.try_open_in(folder.path()).unwrap_err();
    let process = Some(std::process::id());
    assert_eq!(refused, StoreError::InUse { folder: folder.path().to_path_buf(), process });
    let words = refused.to_string();
    assert!(
        words.ends_with(&format!("is in use by process {}: stop that process first", std::process::id())),
        "{words}"
    );
    store.close();
    assert!(bank.try_open_in(folder.path()).is_ok());
}

/// Not a test of its own: holds a ledger open until its input ends.
#[test]
#[ignore = "run by the test of another process"]
fn holder() {
    let folder = env::var("KOPECK_TEST_FOLDER").unwrap();
    let store = Bank::new().open_in(folder.as_ref());
    println!("\nopen");
    std::io::stdin().lines().for_each(|line| drop(line.unwrap()));
    store.close();
}

#[test]
fn another_process_is_refused_until_the_first_is_dead() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.store_in(folder.path(), 1).close();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "holder", "--nocapture"])
        .env("KOPECK_TEST_FOLDER", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "open"));
    let refused = bank.try_open_in(folder.path()).unwrap_err();
    assert_eq!(refused, StoreError::InUse { folder: folder.path().to_path_buf(), process: Some(child.id()) });
    child.kill().unwrap();
    child.wait().unwrap();
    verified(&bank.open_in(folder.path()));
}

#[test]
fn an_owner_that_was_replaced_can_not_write() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 2);
    let other = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    other.execute("UPDATE owner SET epoch = epoch + 1", ()).unwrap();
    for _ in 0..2 {
        let refused = store.perform(vec![bank.transfer(1, 2, "1")]).unwrap_err();
        assert!(matches!(refused, StoreError::Fenced { own, current } if current == own + 1), "{refused}");
    }
    assert_eq!(posted(&store, 2), "1000.000000");
    assert_eq!(verified(&store), 5);
}

#[test]
fn what_is_no_ledger_is_left_alone() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let missing = bank.try_open_in(folder.path()).unwrap_err();
    assert_eq!(missing, StoreError::Missing(folder.path().to_path_buf()));
    let path = folder.path().join(DATABASE_FILE);
    Connection::open(&path).unwrap().execute("CREATE TABLE notes (words TEXT)", ()).unwrap();
    assert_eq!(bank.try_open_in(folder.path()).unwrap_err(), StoreError::NotALedger(path.clone()));
    std::fs::write(&path, "not a database, but long enough to be looked at as if it were one").unwrap();
    assert_eq!(bank.try_open_in(folder.path()).unwrap_err(), StoreError::NotALedger(path));
}

#[test]
fn a_ledger_of_a_newer_program_is_refused() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.store_in(folder.path(), 1).close();
    let path = folder.path().join(DATABASE_FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let refused = bank.try_open_in(folder.path()).unwrap_err();
    assert_eq!(refused, StoreError::Newer { path, found: 7, known: 1 });
    assert!(
        refused
            .to_string()
            .ends_with("has version 7 and this program knows versions up to 1: use a newer kopeck")
    );
}

#[test]
fn a_ledger_is_made_once() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.store_in(folder.path(), 1).close();
    let again = kopeck_store::sqlite::SqliteStore::create(folder.path()).unwrap_err();
    assert_eq!(again, StoreError::Exists(folder.path().to_path_buf()));
}

#[test]
fn heads_are_written_down_hourly_and_at_the_end() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 2);
    for _ in 0..5 {
        bank.pass(30 * 60);
        done(store.perform(vec![bank.transfer(1, 2, "1")]));
    }
    store.close();
    let heads = std::fs::read_to_string(folder.path().join(HEAD_LOG_FILE)).unwrap();
    let lines: Vec<_> =
        heads.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "2026-10-01T00:00:00Z 5",
            "2026-10-01T01:00:00Z 7",
            "2026-10-01T02:00:00Z 9",
            "2026-10-01T02:30:00Z 10"
        ]
    );
}

#[derive(Clone, Default)]
struct Switch(Arc<Mutex<Option<(Point, Fate)>>>);

impl Faults for Switch {
    fn at(&mut self, point: Point, _: &std::path::Path) -> Fate {
        match &*self.0.lock().unwrap() {
            Some((when, fate)) if *when == point => fate.clone(),
            _ => Fate::GoOn,
        }
    }
}

#[test]
fn a_full_disk_refuses_clearly_and_all_goes_on_when_there_is_room() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.store_in(folder.path(), 2).close();
    let switch = Switch::default();
    let faults = Box::new(switch.clone());
    let store =
        kopeck_store::sqlite::SqliteStore::open(folder.path(), Options { faults, ..bank.options() }).unwrap();
    for point in [Point::Begin, Point::Written] {
        let before = (store.accounts(0, 9), store.head().unwrap());
        *switch.0.lock().unwrap() = Some((point, Fate::Full));
        let request = bank.transfer(1, 2, "1");
        for _ in 0..3 {
            assert_eq!(store.perform(vec![request.clone()]), Err(StoreError::Full));
        }
        assert_eq!((store.accounts(0, 9), store.head().unwrap()), before);
        *switch.0.lock().unwrap() = None;
        assert!(one(store.perform(vec![request])).is_ok());
    }
    assert_eq!(posted(&store, 2), "1002.000000");
    verified(&store);
}

#[test]
fn a_database_that_may_not_grow_refuses_and_goes_on_when_pages_are_free() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    bank.store_in(folder.path(), 2).close();
    let path = folder.path().join(DATABASE_FILE);
    let filler = Connection::open(&path).unwrap();
    filler
        .execute_batch("CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(8192 * 64));")
        .unwrap();
    let pages: u32 = filler.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
    let options = Options { most_pages: Some(pages + 8), ..bank.options() };
    let store = kopeck_store::sqlite::SqliteStore::open(folder.path(), options).unwrap();
    let (mut written, mut before) = (0_u64, store.accounts(0, 9));
    let refused = loop {
        let requests: Vec<_> = (0..50).map(|_| bank.transfer(1, 2, "0.01")).collect();
        match store.perform(requests.clone()) {
            Ok(replies) => assert!(replies.iter().all(Result::is_ok)),
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                break requests;
            }
        }
        written += 50;
        before = store.accounts(0, 9);
        assert!(written < 10_000);
    };
    assert_eq!(store.accounts(0, 9), before, "nothing half done");
    assert_eq!(verified(&store), 5 + written);
    filler.execute("DELETE FROM filler", ()).unwrap();
    done(store.perform(refused));
    assert_eq!(verified(&store), 5 + written + 50);
}
