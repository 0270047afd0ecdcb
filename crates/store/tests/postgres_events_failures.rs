//! Who owns a shard's event log in PostgreSQL, and what happens when the server is not there, goes away, or has no room.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod event_bank;
mod postgres_server;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use event_bank::{Bank, events, group, lines, positions, step, verified};
use kopeck_store::events::{NewSnapshot, Outcome, Position};
use kopeck_store::faults::{Fate, Faults, Point};
use kopeck_store::postgres::events::{EventOptions, PostgresEvents};
use kopeck_store::postgres::{PostgresError, Standing};
use kopeck_store::{EventLog, StoreError};
use postgres_server::trouble::{ADDRESS, END_ALL, Once, child, signal};
use postgres_server::{Server, name_of};

/// Long enough that no lease runs out by itself while a test runs.
const LONG: Duration = Duration::from_secs(600);

type Log = PostgresEvents<u64>;

fn options(bank: &Bank, holder: &str) -> EventOptions {
    let own = EventOptions::at(bank.clock(), holder);
    EventOptions { lease: LONG, wait: Duration::ZERO, table_keys: bank.table_keys, ..own }
}

fn try_open(bank: &Bank, address: &str, options: EventOptions) -> Result<Log, StoreError> {
    PostgresEvents::open(address, 1, options, bank.on_durable())
}

fn open(bank: &Bank, address: &str) -> Log {
    try_open(bank, address, options(bank, "a node")).unwrap()
}

/// A new log in a database of its own.
fn database(server: &Server) -> (Bank, String) {
    let address = server.database();
    Log::create(&address, 1).unwrap();
    (Bank::new(), address)
}

#[test]
fn while_a_lease_lives_another_node_is_refused_and_closing_gives_it_back() {
    let server = Server::shared();
    let (bank, address) = database(&server);
    let log = open(&bank, &address);
    assert_eq!(log.lease().standing(), Standing::Held);
    let refused = try_open(&bank, &address, options(&bank, "another node")).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Postgres(PostgresError::Held { holder, .. }) if holder == "a node")
    );
    assert!(refused.to_string().starts_with("shard 1 of postgres://"), "{refused}");
    let lease = log.lease();
    log.close();
    assert_eq!(lease.standing(), Standing::Lost(StoreError::Closed));
    assert!(try_open(&bank, &address, options(&bank, "another node")).is_ok());
    let again = Log::create(&address, 1).unwrap_err();
    assert!(matches!(again, StoreError::Postgres(PostgresError::EventLogExists { shard: 1, .. })), "{again}");
}

#[test]
fn an_owner_that_was_replaced_writes_nothing_and_is_told() {
    let server = Server::shared();
    let (bank, address) = database(&server);
    let first = open(&bank, &address);
    first.append(events(0..100)).unwrap();
    let lease = first.lease();
    server.psql(name_of(&address), "UPDATE owner SET lease_until = now()");
    let second = try_open(&bank, &address, options(&bank, "another node")).unwrap();
    second.append(events(100..150)).unwrap();
    let fenced =
        |error: &StoreError| matches!(error, StoreError::Fenced { own, current } if *current == own + 1);
    for refused in [
        first.append(events(200..300)).unwrap_err(),
        first.append(events(100..101)).unwrap_err(),
        first.record_step(step(1, 1), &[]).unwrap_err(),
        first.forget_keys(i64::MAX).unwrap_err(),
        first
            .save_snapshot(NewSnapshot { through: Position(1), step: 0, parts: &mut [vec![1]].into_iter() })
            .unwrap_err(),
    ] {
        assert!(fenced(&refused), "{refused}");
    }
    let Standing::Lost(reason) = lease.standing() else { panic!("{:?}", lease.standing()) };
    assert!(fenced(&reason), "{reason}");
    assert_eq!(pollster::block_on(lease.lost()), reason, "whoever waits is told");
    first.close();
    assert_eq!(second.lease().standing(), Standing::Held);
    second.append(events(200..210)).unwrap();
    assert_eq!(verified(&second), 160);
    assert_eq!(server.psql(name_of(&address), "SELECT count(*) FROM settling_part"), "0");
}

#[test]
fn an_owner_that_was_replaced_writes_no_runs_of_keys() {
    let server = Server::shared();
    let (bank, address) = database(&server);
    let first = open(&bank, &address);
    server.psql(name_of(&address), "UPDATE owner SET epoch = epoch + 1 WHERE part = 'keys'");
    // Tables that can not become runs wait, until there are too many.
    let refused = (0..100)
        .find_map(|turn| first.append(events(turn * 100..turn * 100 + 100)).err())
        .expect("runs are written by one that was replaced");
    assert!(matches!(refused, StoreError::Fenced { own: 1, current: 2 }), "{refused}");
    assert_eq!(server.psql(name_of(&address), "SELECT count(*) FROM key_block"), "0");
}

#[test]
fn a_lease_is_renewed_by_itself_and_one_that_can_not_be_is_known_to_have_lapsed() {
    let server = Server::start(false);
    let (bank, address) = database(&server);
    let lease = Duration::from_millis(900);
    let options = EventOptions { lease, reconnect: Duration::ZERO, ..options(&bank, "a node") };
    let log = try_open(&bank, &address, options).unwrap();
    let until = || server.psql(name_of(&address), "SELECT lease_until FROM owner WHERE part = 'events'");
    let first = until();
    while until() == first {
        thread::yield_now();
    }
    assert_eq!(log.lease().standing(), Standing::Held);
    server.stop();
    while log.lease().standing() == Standing::Held {
        thread::yield_now();
    }
    assert_eq!(log.lease().standing(), Standing::Lapsed);
    server.run();
    // Nobody else has come: all goes on.
    log.append(events(0..10)).unwrap();
    assert_eq!(log.lease().standing(), Standing::Held);
    assert_eq!(verified(&log), 10);
}

/// Not a test of its own: owns a log by a short lease, and appends an event for each line that it is given.
#[test]
#[ignore = "run by the test that stops it"]
fn stalled() {
    let bank = Bank::new();
    let lease = Duration::from_millis(1_500);
    let options = EventOptions { lease, wait: LONG, ..options(&bank, "the stalled node") };
    let log = try_open(&bank, &env::var(ADDRESS).unwrap(), options).unwrap();
    println!("\nopen");
    for (number, line) in (0_u64..).zip(std::io::stdin().lines()) {
        line.unwrap();
        match log.append(events(number..number + 1)) {
            Ok(_) => println!("\ndone"),
            Err(error) => println!("\n{error}"),
        }
    }
}

#[test]
fn a_process_that_was_stopped_past_its_lease_can_not_write_when_it_goes_on() {
    let server = Server::shared();
    let (bank, address) = database(&server);
    let mut stalled = child("stalled", &address);
    let mut told = BufReader::new(stalled.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = |wanted: &str| told.find(|line| line.contains(wanted)).is_some();
    assert!(next("open"));
    let mut input = stalled.stdin.take().unwrap();
    writeln!(input).unwrap();
    assert!(next("done"));
    signal(&stalled, "STOP");
    let log =
        try_open(&bank, &address, EventOptions { wait: LONG, ..options(&bank, "the next node") }).unwrap();
    assert_eq!(log.end(), Position(1));
    signal(&stalled, "CONT");
    writeln!(input).unwrap();
    assert!(next("the database has a newer owner"));
    drop(input);
    stalled.wait().unwrap();
    assert_eq!(positions(&log.append(events(1..3)).unwrap()), [2, 3]);
    assert_eq!(verified(&log), 3);
}

/// Stalls once at a point of a commit, until it is told to go on.
struct Stall(Arc<Barrier>, Arc<Barrier>, bool);

impl Faults for Stall {
    fn at(&mut self, point: Point, _: &Path) -> Fate {
        if point == Point::Written && !std::mem::replace(&mut self.2, true) {
            self.0.wait();
            self.1.wait();
        }
        Fate::GoOn
    }
}

#[test]
fn a_node_that_stalls_in_a_commit_keeps_the_next_owner_out_for_no_longer_than_its_lease() {
    let server = Server::shared();
    let (bank, address) = database(&server);
    let (stalled, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let faults = Box::new(Stall(Arc::clone(&stalled), Arc::clone(&go_on), false));
    let lease = Duration::from_millis(900);
    let first =
        try_open(&bank, &address, EventOptions { faults, lease, ..options(&bank, "a node") }).unwrap();
    let ticket = first.submit(events(0..10)).unwrap();
    stalled.wait();
    let waiting = EventOptions { wait: LONG, ..options(&bank, "the next node") };
    let begun = std::time::Instant::now();
    let second = try_open(&bank, &address, waiting).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(positions(&second.append(events(5..10)).unwrap()), [1, 2, 3, 4, 5]);
    go_on.wait();
    let unknown = ticket.wait().unwrap_err();
    assert!(matches!(unknown, StoreError::Unknown(_) | StoreError::Fenced { .. }), "{unknown}");
    let refused = first.append(events(20..21)).unwrap_err();
    assert!(matches!(refused, StoreError::Fenced { .. }), "{refused}");
    assert_eq!(verified(&second), 5);
}

/// A log and what can go wrong with it.
fn troubled() -> (Bank, Log, Once, Arc<Server>, String) {
    let server = Server::shared();
    let (bank, address) = database(&server);
    let once = Once::default();
    let name = name_of(&address).to_owned();
    let faults = once.in_database(&server, &name);
    let log = try_open(&bank, &address, EventOptions { faults, ..options(&bank, "a node") }).unwrap();
    (bank, log, once, server, name)
}

#[test]
fn a_connection_that_is_lost_before_the_commit_is_made_again_and_the_work_is_done() {
    let (_, log, once, server, name) = troubled();
    for (turn, point) in (0..).zip([Point::Begin, Point::Written]) {
        let batch = || events(turn * 200..turn * 200 + 100);
        once.at(point, Fate::GoOn, END_ALL);
        let outcome = log.append(batch());
        // At the last moment the commit itself meets the closed connection, and nobody knows.
        assert!(outcome.is_ok() || matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
        log.append(batch()).unwrap();
        server.psql(&name, END_ALL);
        // The connections that read are gone as well.
        while log.append(events(turn * 200 + 100..turn * 200 + 200)).is_err() {}
    }
    assert_eq!(verified(&log), 400);
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_and_whoever_settles_is_told_once() {
    let (bank, log, once, _server, _) = troubled();
    for (turn, (point, was_done)) in (0..).zip([(Point::Written, false), (Point::Committed, true)]) {
        let batch = || events(turn * 100..turn * 100 + 100);
        once.at(point, Fate::Doubt, END_ALL);
        let doubt = log.append(batch()).unwrap_err();
        assert!(matches!(doubt, StoreError::Unknown(_)), "{doubt}");
        let again = loop {
            // A connection that reads keys may have been lost as well.
            match log.append(batch()) {
                Ok(again) => break again,
                Err(error) => assert!(matches!(error, StoreError::Postgres(_)), "{error}"),
            }
        };
        assert!(again.iter().all(|outcome| (*outcome == Outcome::Duplicate) == was_done), "{point:?}");
        assert_eq!(log.end(), Position(turn * 100 + 100));
    }
    assert_eq!(verified(&log), 200);
    let told = bank.told.lock().unwrap();
    let places = told.iter().flat_map(|(_, outcomes)| positions(outcomes)).filter(|place| *place > 0);
    assert!(places.eq(1..=200), "told of each event once, in the order of the log");
}

#[test]
fn a_step_whose_answer_was_lost_is_recorded_again_and_is_there_once() {
    for point in [Point::Begin, Point::Written, Point::Committed] {
        let (_, log, once, _server, _) = troubled();
        once.at(point, Fate::Doubt, END_ALL);
        let unknown = log.record_step(step(1, 0), &[]).unwrap_err();
        assert!(matches!(unknown, StoreError::Unknown(_)), "{unknown}");
        assert_eq!(log.record_step(step(1, 0), &[]), Ok(()));
        assert_eq!(log.record_step(step(2, 0), &[]), Ok(()));
        assert_eq!(log.unconfirmed().unwrap(), [step(1, 0), step(2, 0)]);
        verified(&log);
    }
}

#[test]
fn a_replaced_owner_that_lost_its_connection_learns_it_when_it_is_back() {
    let (_, log, once, _server, _) = troubled();
    once.at(Point::Begin, Fate::GoOn, &format!("UPDATE owner SET epoch = epoch + 1; {END_ALL}"));
    let refused = log.append(events(0..10)).unwrap_err();
    assert!(matches!(refused, StoreError::Fenced { .. }), "{refused}");
    assert!(matches!(log.lease().standing(), Standing::Lost(StoreError::Fenced { .. })));
    assert_eq!(lines(&log, 0), []);
}

/// Makes the database refuse what is inserted into a table in this way.
fn trap(table: &str, name: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$; \
         CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
}

#[test]
fn a_commit_that_meets_others_is_tried_again() {
    let (_, log, _, server, name) = troubled();
    // What a database that is spread over servers answers now and then.
    let body = "IF nextval('met') < 4 THEN RAISE 'met another' USING ERRCODE = '40001'; END IF;";
    server.psql(&name, &format!("CREATE SEQUENCE met; {}", trap("event_chunk", "meet", body)));
    assert_eq!(positions(&log.append(events(0..10)).unwrap()), (1..=10).collect::<Vec<_>>());
    assert_eq!(server.psql(&name, "SELECT last_value FROM met"), "4");
    assert_eq!(verified(&log), 10);
}

#[test]
fn a_full_disk_refuses_clearly_and_all_goes_on_when_there_is_room() {
    let (bank, log, _, server, name) = troubled();
    let full = "RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100';";
    server.psql(&name, &trap("event_chunk", "no_room", full));
    for _ in 0..3 {
        assert_eq!(log.append(events(0..70)), Err(StoreError::Full));
    }
    assert_eq!((log.end(), bank.told.lock().unwrap().len()), (Position::NONE, 0));
    server.psql(&name, "DROP TRIGGER no_room ON event_chunk");
    assert_eq!(positions(&log.append(events(0..70)).unwrap()), (1..=70).collect::<Vec<_>>());
    assert_eq!(verified(&log), 70);
}

#[test]
fn where_there_is_no_room_for_runs_of_keys_events_are_taken_until_too_many_wait() {
    let (_, log, _, server, name) = troubled();
    let full = "RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100';";
    server.psql(&name, &trap("key_block", "no_room", full));
    let batch = |turn: u64| events(turn * 100..turn * 100 + 100);
    let refused = (0..100).find_map(|turn| Some((turn, log.append(batch(turn)).err()?)));
    let Some((turn, StoreError::Full)) = refused else { panic!("{refused:?}") };
    assert!(turn >= 4, "{turn}");
    server.psql(&name, "DROP TRIGGER no_room ON key_block");
    while log.append(batch(turn)).is_err() {}
    assert_eq!(verified(&log), turn * 100 + 100);
}

#[test]
fn a_server_that_is_stopped_and_started_again_is_found_again() {
    let server = Server::start(false);
    let (bank, address) = database(&server);
    let reconnect = Duration::ZERO;
    let log = try_open(&bank, &address, EventOptions { reconnect, ..options(&bank, "a node") }).unwrap();
    server.stop();
    for _ in 0..3 {
        let gone = log.append(events(0..10)).unwrap_err();
        assert!(matches!(gone, StoreError::Postgres(_)), "{gone}");
    }
    server.run();
    assert_eq!(positions(&log.append(events(0..10)).unwrap()), (1..=10).collect::<Vec<_>>());
    assert_eq!(verified(&log), 10);
}

/// A thread's batch: its size is drawn from its name. Every third event of one before comes again.
fn batch(thread: u64, number: u64) -> Vec<(u64, u64)> {
    let size = 1 + (thread * 7 + number * number) % 120;
    let event = |number: u64, place: u64| (thread << 40 | number << 16 | place, 1);
    let again = (0..number.min(1)).flat_map(|_| (0..size).step_by(3).map(|place| event(number - 1, place)));
    (0..size).map(|place| event(number, place)).chain(again).collect()
}

/// Kills under load; `KOPECK_KILLS=100` for longer.
#[test]
fn a_server_that_is_killed_under_load_has_all_that_was_acknowledged_once() {
    const THREADS: u64 = 4;
    let kills: u64 = env::var("KOPECK_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let server = Server::start(false);
    let (bank, address) = database(&server);
    let log = open(&bank, &address);
    let mut begun = [0; 4];
    for round in 1..=kills {
        let goal = 20 + round * 37 % 100;
        let acknowledged = Mutex::new(0_u64);
        let killed = Mutex::new(false);
        let load = |thread: u64, first: u64| {
            let mut number = first;
            // What is not acknowledged is sent again, as a cloud would, until it is.
            loop {
                while log.append(group(number, &batch(thread, number))).is_err() {}
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
    let sent: Vec<(u64, u64)> = (0..THREADS)
        .zip(begun)
        .flat_map(|(thread, end)| (0..end).flat_map(move |number| batch(thread, number)))
        .collect();
    let mut once: Vec<u64> = sent.iter().map(|(number, _)| *number).collect();
    once.sort_unstable();
    once.dedup();
    assert_eq!(verified(&log), once.len() as u64, "each once");
    let told = bank.told.lock().unwrap().clone();
    let places = told.iter().flat_map(|(_, outcomes)| positions(outcomes)).filter(|place| *place > 0);
    assert!(
        places.eq(1..=once.len() as u64),
        "whoever settles was told of each once, in the order of the log"
    );
    log.close();
    let again = open(&bank, &address);
    let outcomes = again.append(group(0, &sent)).unwrap();
    let lost = outcomes.iter().filter(|outcome| **outcome != Outcome::Duplicate).count();
    assert_eq!(lost, 0, "an acknowledged event is lost");
}
