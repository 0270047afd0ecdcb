//! The durable directory: what was acknowledged stays, what is broken is found, and only one owner writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::float_cmp,
    reason = "tests"
)]

mod directory_contract;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use directory_contract::{Harness, NOW, moment, operator, project, user, users, workspace};
use kopeck_directory::act::{Act, NewMember};
use kopeck_directory::entity::ProjectRole;
use kopeck_directory::name::{ProjectId, UserId};
use kopeck_store::StoreError;
use kopeck_store::directory::DirectoryStore;
use kopeck_store::faults::{Fate, Faults, NoFaults, Point};
use kopeck_store::sqlite::directory::{
    DIRECTORY_FILE, DIRECTORY_HEADS_FILE, DIRECTORY_LOG_FILE, DirectoryOptions, SqliteDirectory,
};
use kopeck_store::sqlite::{Clock, SyncMode};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

struct Embedded {
    clock: Arc<AtomicI64>,
    folder: TempDir,
    store: Option<SqliteDirectory>,
}

impl Embedded {
    fn in_folder(folder: TempDir) -> Embedded {
        let mut harness = Embedded { clock: Arc::new(AtomicI64::new(NOW)), folder, store: None };
        harness.reopen();
        harness
    }
}

impl Harness for Embedded {
    fn new() -> Embedded {
        Embedded::in_folder(TempDir::new().unwrap())
    }

    fn store(&self) -> &dyn DirectoryStore {
        self.store.as_ref().unwrap()
    }

    fn clock(&self) -> &Arc<AtomicI64> {
        &self.clock
    }

    fn reopen(&mut self) {
        self.store = None;
        let read = Arc::clone(&self.clock);
        let clock: Clock = Arc::new(move || moment(read.load(Ordering::Relaxed)));
        let clocked = DirectoryOptions { clock, ..options(Box::new(NoFaults)) };
        self.store = Some(SqliteDirectory::open(self.folder.path(), clocked).unwrap());
    }

    fn of_backup(&self) -> Embedded {
        let target = TempDir::new().unwrap();
        self.store().backup(&target.path().join(DIRECTORY_FILE), &mut |_| ()).unwrap();
        Embedded::in_folder(target)
    }
}

directory_contract!(Embedded);

fn options(faults: Box<dyn Faults>) -> DirectoryOptions {
    DirectoryOptions { clock: Arc::new(|| moment(NOW)), sync: SyncMode::Never, faults }
}

fn open(folder: &Path) -> SqliteDirectory {
    SqliteDirectory::open(folder, options(Box::new(NoFaults))).unwrap()
}

/// A directory of one user, workspace and project.
fn small(folder: &Path) -> SqliteDirectory {
    let store = open(folder);
    for act in [user(1), workspace(2, 1), project("acme", 2)] {
        store.perform(act, &operator()).unwrap().unwrap();
    }
    store
}

#[test]
fn a_second_owner_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let _store = small(folder.path());
    let second = SqliteDirectory::open(folder.path(), options(Box::new(NoFaults)));
    assert!(matches!(second, Err(StoreError::InUse { process: Some(_), .. })));
}

#[test]
fn an_owner_that_was_replaced_writes_nothing_any_more() {
    let folder = TempDir::new().unwrap();
    let store = small(folder.path());
    let other = Connection::open(folder.path().join(DIRECTORY_FILE)).unwrap();
    other.execute("UPDATE owner SET epoch = epoch + 1", ()).unwrap();
    for number in [8, 9] {
        let fenced = store.perform(user(number), &operator());
        assert_eq!(fenced, Err(StoreError::Fenced { own: 1, current: 2 }));
    }
    assert_eq!(users(&store), 1);
    let rows: i64 = other.query_row("SELECT count(*) FROM act", (), |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
}

#[test]
fn a_database_of_something_else_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(DIRECTORY_FILE);
    Connection::open(&path).unwrap().execute("CREATE TABLE other (a)", ()).unwrap();
    let opened = SqliteDirectory::open(folder.path(), options(Box::new(NoFaults)));
    assert_eq!(opened.unwrap_err(), StoreError::NotADirectory(path.clone()));
    fs::write(&path, "no database at all, but long enough to have a header of one".repeat(4)).unwrap();
    let opened = SqliteDirectory::open(folder.path(), options(Box::new(NoFaults)));
    assert!(matches!(opened.unwrap_err(), StoreError::NotADirectory(_) | StoreError::NotALedger(_)));
}

#[test]
fn a_newer_database_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(small(folder.path()));
    let path = folder.path().join(DIRECTORY_FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let opened = SqliteDirectory::open(folder.path(), options(Box::new(NoFaults)));
    assert_eq!(opened.unwrap_err(), StoreError::Newer { path, found: 9, known: 1 });
}

/// Does something to the rows of a closed directory, and tells what verifying finds.
fn broken_by(sql: &str) -> String {
    let folder = TempDir::new().unwrap();
    drop(small(folder.path()));
    let connection = Connection::open(folder.path().join(DIRECTORY_FILE)).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    match SqliteDirectory::open(folder.path(), options(Box::new(NoFaults))) {
        Ok(store) => {
            let report = store.verify(&mut |_| ()).unwrap();
            report.problem.map_or("nothing".to_owned(), |problem| problem.to_string())
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn verifying_names_the_act_that_is_broken() {
    assert_eq!(broken_by(""), "nothing");
    let altered = "does not have the hash of its contents and of the act before it";
    for (sql, found) in [
        ("UPDATE act SET actor = 'x' WHERE sequence = 2", format!("act 2 {altered}")),
        ("UPDATE act SET at = at + 1 WHERE sequence = 1", format!("act 1 {altered}")),
        ("UPDATE act SET address = NULL WHERE sequence = 3", format!("act 3 {altered}")),
        ("UPDATE act SET before = '[]' WHERE sequence = 3", format!("act 3 {altered}")),
        ("UPDATE act SET project = NULL WHERE sequence = 3", format!("act 3 {altered}")),
        (
            "UPDATE act SET after = replace(after, 'user 1', 'user 2') WHERE sequence = 1",
            format!("act 1 {altered}"),
        ),
        ("UPDATE act SET hash = zeroblob(32) WHERE sequence = 3", format!("act 3 {altered}")),
        (
            "DELETE FROM act WHERE sequence = 3",
            "act 3 is missing: act 3 was there at 2026-10-01T12:00:00Z".to_owned(),
        ),
    ] {
        assert_eq!(broken_by(sql), found, "{sql}");
    }
}

#[test]
fn two_acts_that_changed_places_are_found() {
    let swap = "UPDATE act SET sequence = -1 WHERE sequence = 1;
        UPDATE act SET sequence = 1 WHERE sequence = 2;
        UPDATE act SET sequence = 2 WHERE sequence = -1;";
    assert!(broken_by(swap).starts_with("act 1 does not have the hash"));
}

#[test]
fn a_directory_with_a_hole_or_an_unreadable_act_is_not_opened() {
    for (sql, found) in [
        ("DELETE FROM act WHERE sequence = 2", "act 3 of the directory follows act 1"),
        ("UPDATE act SET after = '[{' WHERE sequence = 2", "act 2 of the directory can not be read"),
    ] {
        let told = broken_by(sql);
        assert!(told.contains(found), "{told}");
    }
}

/// Copies the files at each point of each commit, as a crash there would leave them.
struct Pictures {
    taken: Arc<Mutex<Vec<(Point, TempDir)>>>,
    fate: Fate,
    at: Point,
}

impl Faults for Pictures {
    fn at(&mut self, point: Point, folder: &Path) -> Fate {
        let picture = TempDir::new().unwrap();
        for name in [DIRECTORY_FILE, DIRECTORY_LOG_FILE, DIRECTORY_HEADS_FILE] {
            let from: PathBuf = folder.join(name);
            if from.is_file() {
                fs::copy(from, picture.path().join(name)).unwrap();
            }
        }
        self.taken.lock().unwrap().push((point, picture));
        if point == self.at { self.fate.clone() } else { Fate::GoOn }
    }
}

#[test]
fn a_crash_at_any_point_of_a_commit_loses_nothing_that_was_acknowledged_and_keeps_nothing_by_halves() {
    let folder = TempDir::new().unwrap();
    let taken = Arc::default();
    let faults = Pictures { taken: Arc::clone(&taken), fate: Fate::GoOn, at: Point::Begin };
    let store = SqliteDirectory::open(folder.path(), options(Box::new(faults))).unwrap();
    for pair in 0..5 {
        store.perform_all(&[user(2 * pair + 1), user(2 * pair + 2)], &operator()).unwrap();
    }
    for (number, (point, picture)) in taken.lock().unwrap().iter().enumerate() {
        let acknowledged = number / 3 * 2;
        let there = users(&open(picture.path()));
        let whole = if *point == Point::Committed { acknowledged + 2 } else { acknowledged };
        assert_eq!(there, whole, "at {point:?} of commit {}", number / 3 + 1);
        assert_eq!(open(picture.path()).verify(&mut |_| ()).unwrap().problem, None);
    }
}

#[test]
fn a_log_that_is_cut_anywhere_leaves_whole_commits() {
    let folder = TempDir::new().unwrap();
    let store = small(folder.path());
    let log = fs::read(folder.path().join(DIRECTORY_LOG_FILE)).unwrap();
    let database = fs::read(folder.path().join(DIRECTORY_FILE)).unwrap();
    drop(store);
    for cut in (0..log.len()).step_by(1_777) {
        let torn = TempDir::new().unwrap();
        fs::write(torn.path().join(DIRECTORY_FILE), &database).unwrap();
        fs::write(torn.path().join(DIRECTORY_LOG_FILE), &log[..cut]).unwrap();
        let store = open(torn.path());
        let report = store.verify(&mut |_| ()).unwrap();
        assert!(report.problem.is_none() && report.acts <= 3, "{report:?}");
    }
}

/// One act with a fault at a point; then the same act again.
fn twice(at: Point, fate: Fate) -> (Result<(), String>, Result<(), String>) {
    let folder = TempDir::new().unwrap();
    let faults = Pictures { taken: Arc::default(), fate, at };
    let store = SqliteDirectory::open(folder.path(), options(Box::new(faults))).unwrap();
    let perform = || match store.perform(user(1), &operator()) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refusal)) => Err(refusal.to_string()),
        Err(error) => Err(error.to_string()),
    };
    (perform(), perform())
}

#[test]
fn after_an_unknown_outcome_the_same_act_tells_what_became_of_it() {
    let (first, second) = twice(Point::Committed, Fate::Doubt);
    assert!(first.unwrap_err().starts_with("whether it was written is not known"));
    assert_eq!(second, Err(format!("user {} exists already", Uuid::from_u128(1))));
    let (first, second) = twice(Point::Begin, Fate::Doubt);
    assert!(first.unwrap_err().starts_with("whether it was written is not known"));
    assert!(second.unwrap_err().starts_with("whether it was written is not known"));
}

#[test]
fn a_full_disk_is_told_and_nothing_is_written() {
    let (first, _) = twice(Point::Written, Fate::Full);
    assert_eq!(first, Err(StoreError::Full.to_string()));
}

/// `cargo test --release -p kopeck-store --test directory -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: it is of use in a release build only"]
fn a_hundred_thousand_acts_are_opened_in_well_under_a_second() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let owners: Vec<Act> =
        (1..=1_000).flat_map(|number| [user(number), workspace(10_000 + number, number)]).collect();
    store.perform_all(&owners, &operator()).unwrap();
    let rest: Vec<Act> = (0..98_000_u128)
        .map(|number| match number % 2 {
            0 => project(&format!("project-{number}"), 10_001 + number % 1_000),
            _ => Act::SetMember(NewMember {
                project: ProjectId::new(&format!("project-{}", number - 1)).unwrap(),
                user: UserId(Uuid::from_u128(1 + number % 1_000)),
                roles: [ProjectRole::Developer].into(),
            }),
        })
        .collect();
    let begun = std::time::Instant::now();
    store.perform_all(&rest, &operator()).unwrap();
    println!("98,000 acts decided and written in one commit in {:?}", begun.elapsed());
    drop(store);
    let begun = std::time::Instant::now();
    let store = open(folder.path());
    let opened = begun.elapsed();
    let begun = std::time::Instant::now();
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 100_000);
    println!("100,000 acts opened in {opened:?}, verified in {:?}", begun.elapsed());
    assert!(opened.as_secs_f32() < 1.0, "{opened:?}");
}
