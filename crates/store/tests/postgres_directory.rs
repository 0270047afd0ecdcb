//! The directory in PostgreSQL passes the contract of all directories; nodes write it in turn, and nobody is held up for
//! long by one that stalls; copies go both ways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod directory_contract;
mod postgres_server;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use directory_contract::{Harness, NOW, moment, operator, project, user, users, workspace};
use kopeck_directory::act::{Act, NewToken};
use kopeck_directory::entity::{InstallationRole, Scope};
use kopeck_directory::name::{SecretHash, TokenId};
use kopeck_store::directory::{AuditQuery, DirectoryStore};
use kopeck_store::faults::{Fate, Faults, NoFaults, Point};
use kopeck_store::postgres::PostgresError;
use kopeck_store::postgres::directory::copy::{export, import};
use kopeck_store::postgres::directory::{DirectoryOptions, PostgresDirectory};
use kopeck_store::sqlite::directory::{DIRECTORY_FILE, SqliteDirectory};
use kopeck_store::{StoreError, sqlite};
use postgres_server::trouble::{END_ALL, Once};
use postgres_server::{Server, name_of};
use tempfile::TempDir;
use uuid::Uuid;

struct Remote {
    clock: Arc<AtomicI64>,
    address: String,
    store: Option<PostgresDirectory>,
    server: Arc<Server>,
}

fn options(faults: Box<dyn Faults>) -> DirectoryOptions {
    DirectoryOptions { faults, ..DirectoryOptions::at(Arc::new(|| moment(NOW))) }
}

fn open(address: &str) -> PostgresDirectory {
    PostgresDirectory::open(address, options(Box::new(NoFaults))).unwrap()
}

impl Remote {
    fn at(address: String, server: Arc<Server>) -> Remote {
        let mut harness = Remote { clock: Arc::new(AtomicI64::new(NOW)), address, store: None, server };
        harness.reopen();
        harness
    }
}

impl Harness for Remote {
    fn new() -> Remote {
        let server = Server::shared();
        Remote::at(server.database(), server)
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
        let options = DirectoryOptions::at(Arc::new(move || moment(read.load(Ordering::Relaxed))));
        self.store = Some(PostgresDirectory::open(&self.address, options).unwrap());
    }

    fn of_backup(&self) -> Remote {
        let folder = TempDir::new().unwrap();
        self.store().backup(&folder.path().join(DIRECTORY_FILE), &mut |_| ()).unwrap();
        let address = self.server.database();
        import(folder.path(), &address, &mut |_| ()).unwrap();
        Remote::at(address, Arc::clone(&self.server))
    }
}

directory_contract!(Remote);

/// A directory of one user, workspace and project.
fn small(address: &str) -> PostgresDirectory {
    let store = open(address);
    for act in [user(1), workspace(2, 1), project("acme", 2)] {
        store.perform(act, &operator()).unwrap().unwrap();
    }
    store
}

#[test]
fn nodes_that_write_in_turn_see_each_others_acts() {
    let server = Server::shared();
    let address = server.database();
    let nodes = [open(&address), open(&address)];
    for number in 1..=10 {
        let done = nodes[number % 2].perform(user(number as u128), &operator()).unwrap().unwrap();
        assert_eq!(done.sequence, Some(number as u64));
    }
    // The one that wrote last knows all; the other learns it when it asks.
    assert_eq!((users(&nodes[0]), users(&nodes[1])), (10, 9));
    let before = nodes[1].snapshot();
    nodes[1].refresh().unwrap();
    assert_eq!((before.users().len(), users(&nodes[1])), (9, 10));
    // What the other has made can be built upon without asking.
    nodes[0].perform(workspace(50, 3), &operator()).unwrap().unwrap();
    nodes[1].perform(project("acme", 50), &operator()).unwrap().unwrap();
    assert_eq!(nodes[0].verify(&mut |_| ()).unwrap().problem, None);
    assert_eq!(nodes[0].audit(&AuditQuery { limit: 99, ..AuditQuery::default() }).unwrap().len(), 12);
}

#[test]
fn of_nodes_that_race_over_a_name_one_gets_it_and_the_others_are_refused() {
    let server = Server::shared();
    let address = server.database();
    drop(small(&address));
    let nodes: Vec<_> = (0..4).map(|_| open(&address)).collect();
    for round in 0..20 {
        let start = Barrier::new(nodes.len());
        let name = format!("project-{round}");
        let won = thread::scope(|scope| {
            let race = |node| {
                let (start, name) = (&start, &name);
                move || {
                    start.wait();
                    DirectoryStore::perform(node, project(name, 2), &operator()).unwrap()
                }
            };
            let racing: Vec<_> = nodes.iter().map(|node| scope.spawn(race(node))).collect();
            racing.into_iter().map(|node| node.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(won.iter().filter(|done| done.is_ok()).count(), 1, "{won:?}");
        let refusal = won.into_iter().find_map(Result::err).unwrap().to_string();
        assert!(refusal.contains(&name), "{refusal}");
    }
    let report = nodes[0].verify(&mut |_| ()).unwrap();
    assert_eq!((report.problem, report.acts), (None, 23));
}

#[test]
fn nodes_that_write_at_once_lose_nothing_and_keep_one_chain() {
    let server = Server::shared();
    let address = server.database();
    thread::scope(|scope| {
        for node in 0..4_u128 {
            let address = &address;
            scope.spawn(move || {
                let store = open(address);
                for number in 0..25 {
                    store.perform(user(node * 100 + number + 1), &operator()).unwrap().unwrap();
                }
            });
        }
    });
    let store = open(&address);
    assert_eq!(users(&store), 100);
    let report = store.verify(&mut |_| ()).unwrap();
    assert_eq!((report.problem, report.acts), (None, 100));
}

#[test]
fn a_use_of_a_token_is_known_to_other_nodes_when_both_have_written_theirs_down() {
    let server = Server::shared();
    let address = server.database();
    let [one, other] = [open(&address), open(&address)];
    let token = TokenId(Uuid::from_u128(7));
    let new = NewToken {
        id: token,
        name: kopeck_ledger::name::Text::new("ci").unwrap(),
        secret: SecretHash::of("secret"),
        scope: Scope::Installation(InstallationRole::Operator),
        expires: None,
    };
    one.perform(Act::IssueToken(new), &operator()).unwrap().unwrap();
    one.used(token, moment(NOW + 5));
    other.used(token, moment(NOW + 3));
    one.keep_uses().unwrap();
    other.keep_uses().unwrap();
    assert_eq!(other.last_used(token), Some(moment(NOW + 5)));
    assert_eq!(open(&address).last_used(token), Some(moment(NOW + 5)), "an earlier use takes nothing away");
}

/// Stalls once at a point of a commit, until it is told to go on.
struct Stall(Point, Arc<Barrier>, Arc<Barrier>, bool);

impl Faults for Stall {
    fn at(&mut self, point: Point, _: &Path) -> Fate {
        if point == self.0 && !std::mem::replace(&mut self.3, true) {
            self.1.wait();
            self.2.wait();
        }
        Fate::GoOn
    }
}

#[test]
fn a_node_that_stalls_in_an_act_holds_others_up_for_two_seconds_and_does_it_again_when_it_goes_on() {
    let server = Server::shared();
    let address = server.database();
    drop(small(&address));
    let (stalled, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let faults = Stall(Point::Written, Arc::clone(&stalled), Arc::clone(&go_on), false);
    let slow = PostgresDirectory::open(&address, options(Box::new(faults))).unwrap();
    let other = open(&address);
    let done = thread::scope(|scope| {
        let acting = scope.spawn(|| slow.perform(user(8), &operator()));
        stalled.wait();
        let begun = std::time::Instant::now();
        other.perform(user(9), &operator()).unwrap().unwrap();
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(10), "{waited:?}");
        go_on.wait();
        acting.join().unwrap()
    });
    // The stalled act was undone by the database; nobody could know that it was not committed.
    if matches!(done, Err(StoreError::Unknown(_))) {
        slow.perform(user(8), &operator()).unwrap().unwrap();
    } else {
        done.unwrap().unwrap();
    }
    assert_eq!(users(&slow), 3);
    assert_eq!(other.verify(&mut |_| ()).unwrap().acts, 5);
}

/// A directory and what can go wrong with it.
fn troubled() -> (PostgresDirectory, Once, Arc<Server>, String) {
    let server = Server::shared();
    let address = server.database();
    drop(small(&address));
    let (once, name) = (Once::default(), name_of(&address).to_owned());
    let faults = once.in_database(&server, &name);
    let store = PostgresDirectory::open(&address, options(faults)).unwrap();
    (store, once, server, name)
}

#[test]
fn a_connection_that_is_lost_before_the_commit_is_made_again_and_the_act_is_done() {
    let (store, once, ..) = troubled();
    for (number, point) in (10..).zip([Point::Begin, Point::Written]) {
        once.at(point, Fate::GoOn, END_ALL);
        let outcome = store.perform(user(number), &operator());
        // At the last moment the commit itself meets the closed connection, and nobody knows.
        assert!(matches!(outcome, Ok(Ok(_)) | Err(StoreError::Unknown(_))), "{outcome:?}");
        let again = store.perform(user(number), &operator()).unwrap();
        assert_eq!(again.is_err(), matches!(outcome, Ok(Ok(_))), "{again:?}");
    }
    assert_eq!((users(&store), store.verify(&mut |_| ()).unwrap().problem), (3, None));
}

#[test]
fn after_an_unknown_outcome_the_same_act_tells_what_became_of_it() {
    for (point, was_done) in [(Point::Written, false), (Point::Committed, true)] {
        let (store, once, ..) = troubled();
        once.at(point, Fate::Doubt, END_ALL);
        let unknown = store.perform(user(9), &operator()).unwrap_err();
        assert!(matches!(unknown, StoreError::Unknown(_)), "{unknown}");
        assert_eq!(store.perform(user(9), &operator()).unwrap().is_err(), was_done);
        assert_eq!(users(&store), 2);
        assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 4);
    }
}

/// Makes the database refuse what is inserted into a table in this way.
fn trap(table: &str, name: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$; \
         CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
}

#[test]
fn acts_that_meet_others_are_decided_again() {
    let (store, _, server, name) = troubled();
    let body = "IF nextval('met') < 4 THEN RAISE 'met another' USING ERRCODE = '40001'; END IF;";
    server.psql(&name, &format!("CREATE SEQUENCE met; {}", trap("act", "meet", body)));
    store.perform(user(9), &operator()).unwrap().unwrap();
    assert_eq!(server.psql(&name, "SELECT last_value FROM met"), "4");
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 4);
}

#[test]
fn a_full_disk_is_told_and_nothing_is_written() {
    let (store, _, server, name) = troubled();
    let full = "RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100';";
    server.psql(&name, &trap("act", "no_room", full));
    assert_eq!(store.perform(user(9), &operator()), Err(StoreError::Full));
    assert_eq!(users(&store), 1);
    server.psql(&name, "DROP TRIGGER no_room ON act");
    store.perform(user(9), &operator()).unwrap().unwrap();
}

#[test]
fn a_server_that_is_killed_keeps_what_was_acknowledged() {
    let server = Server::start(false);
    let address = server.database();
    let store = small(&address);
    server.kill();
    server.run();
    while store.refresh().is_err() {}
    store.perform(user(9), &operator()).unwrap().unwrap();
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 4);
    server.stop();
    let options = DirectoryOptions { reconnect: Duration::ZERO, ..options(Box::new(NoFaults)) };
    let gone = PostgresDirectory::open(&address, options).unwrap_err();
    assert!(matches!(gone, StoreError::Postgres(PostgresError::Unreachable { .. })), "{gone}");
}

#[test]
fn verifying_names_the_act_that_is_broken() {
    let server = Server::shared();
    let altered = "does not have the hash of its contents and of the act before it";
    for (sql, found) in [
        ("UPDATE act SET actor = 'x' WHERE sequence = 2", format!("act 2 {altered}")),
        ("UPDATE act SET at = at + 1 WHERE sequence = 1", format!("act 1 {altered}")),
        ("UPDATE act SET before = '[]' WHERE sequence = 3", format!("act 3 {altered}")),
        (
            "UPDATE act SET hash = decode(repeat('00', 32), 'hex') WHERE sequence = 3",
            format!("act 3 {altered}"),
        ),
    ] {
        let address = server.database();
        drop(small(&address));
        server.psql(name_of(&address), sql);
        let problem = open(&address).verify(&mut |_| ()).unwrap().problem.unwrap().to_string();
        assert_eq!(problem, found, "{sql}");
    }
    let address = server.database();
    drop(small(&address));
    server.psql(name_of(&address), "DELETE FROM act WHERE sequence = 2");
    let broken = PostgresDirectory::open(&address, options(Box::new(NoFaults))).unwrap_err().to_string();
    assert!(broken.contains("act 3 of the directory follows act 1"), "{broken}");
}

#[test]
fn an_end_that_was_cut_off_is_found_and_met_by_the_next_act() {
    let server = Server::shared();
    let address = server.database();
    drop(small(&address));
    server.psql(name_of(&address), "DELETE FROM act WHERE sequence = 3");
    let store = open(&address);
    let problem = store.verify(&mut |_| ()).unwrap().problem.unwrap().to_string();
    assert_eq!(problem, "act 3 is missing: act 3 was the last");
    let cut = store.perform(user(9), &operator()).unwrap_err();
    assert!(cut.to_string().contains("the directory ends at act 2 and not at act 3"), "{cut}");
}

fn embedded(folder: &Path) -> SqliteDirectory {
    let mut options = sqlite::directory::DirectoryOptions::at(Arc::new(|| moment(NOW)));
    options.sync = sqlite::SyncMode::Never;
    SqliteDirectory::open(folder, options).unwrap()
}

#[test]
fn a_directory_is_copied_to_a_database_and_back_and_a_copy_goes_on_where_it_was() {
    let server = Server::shared();
    let (here, back, address) = (TempDir::new().unwrap(), TempDir::new().unwrap(), server.database());
    let store = embedded(here.path());
    for number in 1..=600 {
        store.perform(user(number), &operator()).unwrap().unwrap();
    }
    store.used(TokenId(Uuid::from_u128(7)), moment(NOW));
    store.keep_uses().unwrap();
    let first = import(here.path(), &address, &mut |_| ()).unwrap();
    assert_eq!(first.acts, 600);
    assert_eq!(export(&address, back.path(), &mut |_| ()).unwrap(), first);
    store.perform(workspace(700, 3), &operator()).unwrap().unwrap();
    let second = import(here.path(), &address, &mut |_| ()).unwrap();
    assert_eq!(second.acts, 601);
    assert_eq!(import(here.path(), &address, &mut |_| ()).unwrap(), second, "nothing is left to be copied");
    assert_eq!(export(&address, back.path(), &mut |_| ()).unwrap(), second);
    let copies: [&dyn DirectoryStore; 2] = [&open(&address), &embedded(back.path())];
    for copy in copies {
        let report = copy.verify(&mut |_| ()).unwrap();
        assert_eq!((report.problem, report.acts, report.hash), (None, 601, second.hash));
        assert_eq!(copy.last_used(TokenId(Uuid::from_u128(7))), Some(moment(NOW)));
        copy.perform(project("acme", 700), &operator()).unwrap().unwrap();
    }
}

#[test]
fn nothing_is_copied_over_another_directory() {
    let server = Server::shared();
    let (here, address) = (TempDir::new().unwrap(), server.database());
    embedded(here.path()).perform(user(1), &operator()).unwrap().unwrap();
    let refused = || {
        let error = import(here.path(), &address, &mut |_| ()).unwrap_err();
        assert!(matches!(error, StoreError::CopyDiffers(_)), "{error}");
    };
    let store = open(&address);
    store.perform(user(5), &operator()).unwrap().unwrap();
    refused();
    store.perform(user(6), &operator()).unwrap().unwrap();
    refused();
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 2);
}
