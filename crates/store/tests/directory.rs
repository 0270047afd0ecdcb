//! The durable directory: what was acknowledged stays, what is broken is found, and only one owner writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::float_cmp,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use kopeck_directory::access::{Actor, Principal};
use kopeck_directory::act::{Act, NewMember, NewProject, NewToken, NewUser, NewWorkspace, UserChange};
use kopeck_directory::entity::{InstallationRole, ProjectRole, Scope};
use kopeck_directory::name::{ProjectId, SecretHash, TokenId, UserId, WorkspaceId};
use kopeck_ledger::name::{Currency, Moment, Text};
use kopeck_store::StoreError;
use kopeck_store::directory::{AuditQuery, DirectoryStore};
use kopeck_store::faults::{Fate, Faults, NoFaults, Point};
use kopeck_store::sqlite::SyncMode;
use kopeck_store::sqlite::directory::{
    DIRECTORY_FILE, DIRECTORY_HEADS_FILE, DIRECTORY_LOCK_FILE, DIRECTORY_LOG_FILE, DirectoryOptions,
    SqliteDirectory,
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

/// 2026-10-01T12:00:00Z.
const NOW: i64 = 1_790_856_000_000_000_000;

fn moment(nanoseconds: i64) -> Moment {
    Moment::from_nanoseconds(nanoseconds).unwrap()
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn options(faults: Box<dyn Faults>) -> DirectoryOptions {
    DirectoryOptions { clock: Arc::new(|| moment(NOW)), sync: SyncMode::Never, faults }
}

fn open(folder: &Path) -> SqliteDirectory {
    SqliteDirectory::open(folder, options(Box::new(NoFaults))).unwrap()
}

fn operator() -> Actor {
    Actor {
        principal: Principal::Installation(InstallationRole::Operator),
        name: text("token:1"),
        address: Some(text("192.0.2.7")),
    }
}

fn user(number: u128) -> Act {
    Act::CreateUser(NewUser {
        id: UserId(Uuid::from_u128(number)),
        name: text(&format!("user {number}")),
        currency: Currency::RUB,
        plan: None,
        roles: BTreeSet::new(),
    })
}

fn workspace(number: u128, owner: u128) -> Act {
    Act::CreateWorkspace(NewWorkspace {
        id: WorkspaceId(Uuid::from_u128(number)),
        owner: UserId(Uuid::from_u128(owner)),
        name: text("workspace"),
        zone: text("Europe/Moscow"),
        currency: Currency::RUB,
    })
}

fn project(name: &str, workspace: u128) -> Act {
    Act::CreateProject(NewProject {
        id: ProjectId::new(name).unwrap(),
        name: text(name),
        workspace: WorkspaceId(Uuid::from_u128(workspace)),
        accepted: None,
    })
}

/// A directory of one user, workspace and project.
fn small(folder: &Path) -> SqliteDirectory {
    let store = open(folder);
    for act in [user(1), workspace(2, 1), project("acme", 2)] {
        store.perform(act, &operator()).unwrap().unwrap();
    }
    store
}

fn users(store: &SqliteDirectory) -> usize {
    store.snapshot().users().len()
}

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    drop(small(folder.path()));
    let store = open(folder.path());
    let snapshot = store.snapshot();
    assert_eq!(snapshot.payer("acme", moment(NOW)).map(|workspace| workspace.id.0), Some(Uuid::from_u128(2)));
    assert_eq!(users(&store), 1);
}

#[test]
fn a_snapshot_does_not_change_while_acts_are_done() {
    let folder = TempDir::new().unwrap();
    let store = small(folder.path());
    let before = store.snapshot();
    store.perform(user(9), &operator()).unwrap().unwrap();
    assert_eq!((before.users().len(), users(&store)), (1, 2));
}

#[test]
fn a_refusal_and_an_act_that_changes_nothing_write_no_row() {
    let folder = TempDir::new().unwrap();
    let store = small(folder.path());
    let refused = store.perform(user(1), &operator()).unwrap().unwrap_err();
    assert_eq!(refused.to_string(), format!("user {} exists already", Uuid::from_u128(1)));
    let nothing = Act::ChangeUser(UserChange::of(UserId(Uuid::from_u128(1))));
    assert_eq!(store.perform(nothing, &operator()).unwrap().unwrap().sequence, None);
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 3);
}

#[test]
fn acts_together_are_each_decided_by_itself() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let acts = [user(1), user(1), workspace(2, 1), workspace(3, 7), project("acme", 2)];
    let done = store.perform_all(&acts, &operator()).unwrap();
    assert_eq!(done.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
    let sequences: Vec<_> = done.iter().flatten().map(|done| done.sequence).collect();
    assert_eq!(sequences, [Some(1), Some(2), Some(3)]);
}

#[test]
fn the_audit_log_tells_who_when_from_where_and_what_before_and_after() {
    let folder = TempDir::new().unwrap();
    let store = small(folder.path());
    let roles = [ProjectRole::Viewer].into();
    let member =
        NewMember { project: ProjectId::new("acme").unwrap(), user: UserId(Uuid::from_u128(1)), roles };
    store.perform(Act::SetMember(member.clone()), &operator()).unwrap().unwrap();
    let gone = NewMember { roles: BTreeSet::new(), ..member };
    store.perform(Act::SetMember(gone), &operator()).unwrap().unwrap();
    let query = AuditQuery { project: ProjectId::new("acme").ok(), limit: 10, ..AuditQuery::default() };
    let rows = store.audit(&query).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.sequence, row.act.as_str())).collect();
    assert_eq!(told, [(5, "set_member"), (4, "set_member"), (3, "create_project")]);
    let last = &rows[0];
    assert_eq!((last.actor.as_str(), last.address.as_deref()), ("token:1", Some("192.0.2.7")));
    assert_eq!(last.at, moment(NOW));
    let id = Uuid::from_u128(1);
    let member =
        |roles: &str| format!(r#"[{{"member":{{"project":"acme","user":"{id}","roles":[{roles}]}}}}]"#);
    assert_eq!((last.before.clone(), last.after.clone()), (member(r#""viewer""#), member("")));
}

#[test]
fn the_audit_log_is_read_in_pages() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let acts: Vec<Act> = (1..=10).map(user).collect();
    store.perform_all(&acts, &operator()).unwrap();
    let mut query = AuditQuery { limit: 4, ..AuditQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.audit(&query).unwrap();
        let Some(last) = page.last() else { break };
        query.before = Some(last.sequence);
        seen.extend(page.iter().map(|row| row.sequence));
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<u64>>());
    let of_nobody = AuditQuery { actor: Some("nobody".to_owned()), limit: 4, ..AuditQuery::default() };
    assert_eq!(store.audit(&of_nobody).unwrap(), []);
}

#[test]
fn time_does_not_go_back_where_the_clock_does() {
    let folder = TempDir::new().unwrap();
    let clock = Arc::new(AtomicI64::new(NOW));
    let read = Arc::clone(&clock);
    let clocked = DirectoryOptions {
        clock: Arc::new(move || moment(read.load(Ordering::Relaxed))),
        ..options(Box::new(NoFaults))
    };
    let store = SqliteDirectory::open(folder.path(), clocked).unwrap();
    store.perform(user(1), &operator()).unwrap().unwrap();
    clock.store(NOW - 1, Ordering::Relaxed);
    assert_eq!(store.perform(user(2), &operator()).unwrap().unwrap().at, moment(NOW));
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

#[test]
fn last_uses_of_tokens_are_kept_apart_from_the_acts() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let token = TokenId(Uuid::from_u128(7));
    let new = NewToken {
        id: token,
        name: text("ci"),
        secret: SecretHash::of("secret"),
        scope: Scope::Installation(InstallationRole::Operator),
        expires: None,
    };
    store.perform(Act::IssueToken(new), &operator()).unwrap().unwrap();
    store.used(token, moment(NOW + 5));
    store.used(token, moment(NOW + 3));
    assert_eq!(store.last_used(token), Some(moment(NOW + 5)));
    store.keep_uses().unwrap();
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 1);
    drop(store);
    assert_eq!(open(folder.path()).last_used(token), Some(moment(NOW + 5)));
}

#[test]
fn a_backup_is_a_directory() {
    let folder = TempDir::new().unwrap();
    let store = small(folder.path());
    let target = TempDir::new().unwrap();
    store.backup(&target.path().join(DIRECTORY_FILE), &mut |_| ()).unwrap();
    let copy = open(target.path());
    assert_eq!(users(&copy), 1);
    assert_eq!(copy.verify(&mut |_| ()).unwrap().acts, 3);
    assert!(target.path().join(DIRECTORY_LOCK_FILE).is_file());
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
