//! A ledger in PostgreSQL when the server is not there, goes away, or has no room.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;
mod postgres_server;

use std::env;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use bank::{Bank, done, one, ordered_id, posted, text, transfer, verified};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::request::Request;
use kopeck_store::faults::{Fate, Point};
use kopeck_store::postgres::{Options, PostgresError, PostgresStore};
use kopeck_store::{Store, StoreError};
use postgres_server::trouble::{END_ALL, Once};
use postgres_server::{Server, name_of, newest_version};

fn open(bank: &Bank, address: &str) -> PostgresStore {
    PostgresStore::open(address, Options::at(bank.clock())).unwrap()
}

/// A new ledger with so many users.
fn ledger(server: &Server, users: u64) -> (Bank, String) {
    let (bank, address) = (Bank::new(), server.database());
    PostgresStore::create(&address).unwrap();
    done(open(&bank, &address).perform(bank.people(users)));
    (bank, address)
}

fn error(result: Result<PostgresStore, StoreError>) -> PostgresError {
    match result {
        Err(StoreError::Postgres(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_can_not_be_reached_is_told_with_the_reason_and_what_to_do() {
    let server = Server::start(true);
    let (bank, address) = ledger(&server, 1);
    let try_open = |address: &str| error(PostgresStore::open(address, Options::at(bank.clock())));
    let wrong = try_open(&address.replace(":kopeck@", ":other@"));
    assert!(matches!(wrong, PostgresError::Login { .. }), "{wrong}");
    assert!(!wrong.to_string().contains("other"), "no password is told: {wrong}");
    let absent = try_open(&server.address("nothing"));
    assert!(matches!(absent, PostgresError::NoDatabase { .. }), "{absent}");
    let empty = try_open(&server.database());
    assert!(matches!(empty, PostgresError::NoLedger { .. }), "{empty}");
    let none = try_open("no address");
    assert!(matches!(none, PostgresError::Address(_)), "{none}");
    server.stop();
    let gone = try_open(&address);
    assert!(matches!(gone, PostgresError::Unreachable { .. }), "{gone}");
    assert!(gone.to_string().ends_with("check that PostgreSQL runs there, and the address"), "{gone}");
}

#[test]
fn a_server_that_is_not_the_one_it_says_is_not_talked_to_where_encryption_is_required() {
    let server = Server::shared();
    let (bank, address) = ledger(&server, 1);
    // The tests' server does not encrypt.
    let plain = error(PostgresStore::open(&format!("{address}?sslmode=require"), Options::at(bank.clock())));
    assert!(matches!(plain, PostgresError::Unreachable { .. }), "{plain}");
}

#[test]
fn a_ledger_is_made_once_also_by_nodes_that_start_together() {
    let server = Server::shared();
    let address = server.database();
    let start = Barrier::new(8);
    let made = thread::scope(|scope| {
        let make = || {
            start.wait();
            PostgresStore::create(&address)
        };
        let nodes: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
    let exists = |made: &Result<(), StoreError>| {
        matches!(made, Err(StoreError::Postgres(PostgresError::LedgerExists { .. })))
    };
    assert_eq!(made.iter().filter(|made| exists(made)).count(), 7, "{made:?}");
    let versions = server.psql(name_of(&address), "SELECT count(*), max(version) FROM schema_version");
    assert_eq!(versions, format!("1|{}", newest_version()));
}

#[test]
fn tables_of_a_newer_program_are_refused() {
    let server = Server::shared();
    let (bank, address) = ledger(&server, 1);
    server.psql(name_of(&address), "UPDATE schema_version SET version = 77");
    let newer = error(PostgresStore::open(&address, Options::at(bank.clock())));
    assert!(newer.to_string().ends_with(&format!(
        "has version 77 and this program knows versions up to {}: use a newer kopeck",
        newest_version()
    )));
}

/// A ledger with two users and what can go wrong with it.
fn troubled() -> (Bank, PostgresStore, Once, Arc<Server>, String) {
    let server = Server::shared();
    let (bank, address) = ledger(&server, 2);
    let once = Once::default();
    let name = name_of(&address).to_owned();
    let faults = once.in_database(&server, &name);
    let store = PostgresStore::open(&address, Options { faults, ..Options::at(bank.clock()) }).unwrap();
    (bank, store, once, server, name)
}

#[test]
fn a_connection_that_is_lost_before_the_commit_is_made_again_and_the_work_is_done() {
    let (bank, store, once, server, name) = troubled();
    for point in [Point::Begin, Point::Written] {
        once.at(point, Fate::GoOn, END_ALL);
        let outcome = store.perform(vec![bank.transfer(1, 2, "1")]);
        // At the last moment the commit itself meets the closed connection, and nobody knows.
        assert!(outcome.is_ok() || matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
        server.psql(&name, END_ALL);
        done(store.perform(vec![bank.transfer(1, 2, "1")]));
    }
    verified(&store);
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_and_not_done_twice() {
    let (bank, store, once, _server, _) = troubled();
    for (point, was_done) in [(Point::Written, false), (Point::Committed, true)] {
        let before = store.head().unwrap().sequence.0;
        let request = bank.transfer(1, 2, "1");
        once.at(point, Fate::Doubt, END_ALL);
        let doubt = store.perform(vec![request.clone()]).unwrap_err();
        assert!(matches!(doubt, StoreError::Unknown(_)), "{doubt}");
        assert_eq!(store.record(request.id).unwrap().is_some(), was_done);
        assert!(one(store.perform(vec![request])).is_ok());
        assert_eq!(store.head().unwrap().sequence.0, before + 1);
    }
    assert_eq!(posted(&store, 2), "1002.000000");
    verified(&store);
}

#[test]
fn a_commit_that_meets_others_is_tried_again() {
    let (bank, store, _, server, name) = troubled();
    // What a database that is spread over servers answers now and then.
    let trap = "CREATE SEQUENCE met; \
                CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                IF nextval('met') < 4 THEN RAISE 'met another' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$; \
                CREATE TRIGGER meet BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION meet()";
    server.psql(&name, trap);
    done(store.perform(vec![bank.transfer(1, 2, "1")]));
    assert_eq!(server.psql(&name, "SELECT last_value FROM met"), "4");
    assert_eq!(posted(&store, 2), "1001.000000");
    verified(&store);
}

#[test]
fn a_full_disk_refuses_clearly_and_all_goes_on_when_there_is_room() {
    let (bank, store, _, server, name) = troubled();
    let full = "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; \
                CREATE TRIGGER full BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION full()";
    server.psql(&name, &full.replace("full()", "\"full\"()").replace("TRIGGER full", "TRIGGER \"full\""));
    let before = (store.accounts(0, 9), store.head().unwrap());
    let request = bank.transfer(1, 2, "1");
    for _ in 0..3 {
        assert_eq!(store.perform(vec![request.clone()]), Err(StoreError::Full));
    }
    assert_eq!((store.accounts(0, 9), store.head().unwrap()), before);
    server.psql(&name, "DROP TRIGGER \"full\" ON journal");
    assert!(one(store.perform(vec![request])).is_ok());
    verified(&store);
}

#[test]
fn a_server_that_is_stopped_and_started_again_is_found_again() {
    let server = Server::start(false);
    let (bank, address) = ledger(&server, 2);
    let reconnect = Duration::ZERO;
    let store = PostgresStore::open(&address, Options { reconnect, ..Options::at(bank.clock()) }).unwrap();
    server.stop();
    let request = bank.transfer(1, 2, "1");
    for _ in 0..3 {
        let gone = store.perform(vec![request.clone()]).unwrap_err();
        assert!(matches!(gone, StoreError::Postgres(_)), "{gone}");
    }
    server.run();
    assert!(one(store.perform(vec![request])).is_ok());
    assert_eq!(posted(&store, 2), "1001.000000");
    verified(&store);
}

/// A thread's batch: its size is drawn from its name.
fn batch(thread: u64, number: u64) -> Vec<Request> {
    let size = 1 + (thread * 7 + number * number) % 60;
    let id = |place: u64| ordered_id(1 << 40 | (number << 16) | (thread << 8) | place);
    let work = |place: u64| transfer(1 + thread, 1 + (thread + place % 3 + 1) % 8, Amount::from_micros(1));
    (0..size).map(|place| Request { id: id(place), actor: Some(text("load")), work: work(place) }).collect()
}

/// Kills under load; `KOPECK_KILLS=100` for longer.
#[test]
fn a_server_that_is_killed_under_load_has_all_that_was_acknowledged() {
    const THREADS: u64 = 4;
    let kills: u64 = env::var("KOPECK_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let server = Server::start(false);
    let (bank, address) = ledger(&server, 8);
    let store = open(&bank, &address);
    let mut begun = [0; 4];
    for round in 1..=kills {
        let goal = 20 + round * 37 % 100;
        let acknowledged = Mutex::new(0_u64);
        let killed = Mutex::new(false);
        let load = |thread: u64, first: u64| {
            let mut number = first;
            // What is not acknowledged is asked again, as a caller would, until it is.
            loop {
                while store.perform(batch(thread, number)).is_err() {}
                number += 1;
                *acknowledged.lock().unwrap() += 1;
                if *killed.lock().unwrap() {
                    return number;
                }
            }
        };
        begun = thread::scope(|scope| {
            let load = &load;
            let threads: Vec<_> = (0..THREADS)
                .zip(begun)
                .map(|(thread, first)| scope.spawn(move || load(thread, first)))
                .collect();
            while *acknowledged.lock().unwrap() < goal {
                thread::yield_now();
            }
            server.kill();
            server.run();
            *killed.lock().unwrap() = true;
            let done: Vec<u64> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            done.try_into().unwrap()
        });
    }
    let records = verified(&store);
    let asked: usize = (0..THREADS)
        .zip(begun)
        .flat_map(|(thread, end)| (0..end).map(move |number| batch(thread, number).len()))
        .sum();
    assert_eq!(records, 17 + asked as u64, "each once");
    store.close();
    let again = open(&bank, &address);
    assert_eq!(verified(&again), records);
    let lost = (0..THREADS)
        .zip(begun)
        .flat_map(|(thread, end)| (0..end).flat_map(move |number| batch(thread, number)))
        .find(|request| again.record(request.id).unwrap().is_none());
    assert!(lost.is_none(), "an acknowledged transfer is lost: {lost:?}");
}

#[test]
fn the_journal_is_proven_with_what_is_beside_it() {
    let server = Server::shared();
    let (bank, address) = ledger(&server, 2);
    let store = open(&bank, &address);
    done(store.perform((0..600).map(|_| bank.transfer(1, 2, "0.01")).collect()));
    verified(&store);
    for (damage, repair, expected) in [
        (
            "UPDATE landmark SET posted = posted + 1",
            "UPDATE landmark SET posted = posted - 1",
            "has no landmark",
        ),
        (
            "UPDATE journal SET records = set_byte(records, 100, get_byte(records, 100) # 1) WHERE first = 6",
            "UPDATE journal SET records = set_byte(records, 100, get_byte(records, 100) # 1) WHERE first = 6",
            "was altered",
        ),
        (
            "INSERT INTO landmark VALUES (1, 9, 4, 5, 6, 7)",
            "DELETE FROM landmark WHERE account = 9",
            "belong to no record",
        ),
    ] {
        server.psql(name_of(&address), damage);
        let problem = store.verify(&mut |_| {}).unwrap().problem.unwrap().to_string();
        assert!(problem.contains(expected), "{damage}: {problem}");
        server.psql(name_of(&address), repair);
    }
    verified(&store);
}
