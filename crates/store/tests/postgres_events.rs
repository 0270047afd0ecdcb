//! The event log in PostgreSQL passes the contract of all event logs; shards are logs of their own; copies go both ways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod event_bank;
mod event_contract;
mod postgres_server;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use event_bank::{Bank, events, group, line, lines, positions, step, time, verified};
use event_contract::Harness;
use kopeck_ledger::name::Moment;
use kopeck_store::events::{EventReader, Kept, NewSnapshot, Outcome, Position};
use kopeck_store::postgres::events::copy::{export, import};
use kopeck_store::postgres::events::{EventOptions, PostgresEvents, view};
use kopeck_store::sqlite::events::{EVENTS_FILE, SqliteEvents};
use kopeck_store::{EventLog, StoreError, sqlite};
use postgres_server::{Server, name_of};
use proptest::prelude::*;

/// Shards of one database, dealt out to whoever wants one.
static SHARDS: AtomicI64 = AtomicI64::new(1);

struct Remote {
    bank: Bank,
    address: String,
    shard: i64,
    log: Option<PostgresEvents<u64>>,
    server: Arc<Server>,
}

fn options(bank: &Bank) -> EventOptions {
    EventOptions { table_keys: bank.table_keys, ..EventOptions::at(bank.clock(), "a test") }
}

fn open(bank: &Bank, address: &str, shard: i64) -> PostgresEvents<u64> {
    PostgresEvents::open(address, shard, options(bank), bank.on_durable()).unwrap()
}

impl Harness for Remote {
    fn new() -> Remote {
        let (bank, server) = (Bank::new(), Server::shared());
        let (address, shard) = (server.database(), SHARDS.fetch_add(1, Ordering::Relaxed));
        PostgresEvents::<u64>::create(&address, shard).unwrap();
        let log = Some(open(&bank, &address, shard));
        Remote { bank, address, shard, log, server }
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn log(&self) -> &dyn EventLog<u64> {
        self.log.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.log = None;
        self.log = Some(open(&self.bank, &self.address, self.shard));
    }

    fn of_backup(&self) -> Remote {
        let folder = tempfile::tempdir().unwrap();
        let mut steps = 0;
        self.log().backup(&folder.path().join(EVENTS_FILE), &mut |_| steps += 1).unwrap();
        assert!(steps > 0 || self.log().end() == Position::NONE);
        let (bank, address, shard) = (self.bank.clone(), self.server.database(), self.shard + 1_000_000);
        import(folder.path(), (&address, shard), options(&bank), &mut |_| {}).unwrap();
        let log = Some(open(&bank, &address, shard));
        Remote { bank, address, shard, log, server: Arc::clone(&self.server) }
    }
}

event_log_contract!(Remote);

/// What happens to a log.
#[derive(Debug, Clone)]
enum Turn {
    /// These groups are handed over together.
    Append(Vec<Vec<(u64, u64)>>),
    /// It is closed and opened again.
    Reopen,
    /// It is closed, loses rows of its index of keys, and is opened again.
    LoseKeys(&'static str),
}

fn turn() -> impl Strategy<Value = Turn> {
    let events = proptest::collection::vec((0_u64..400, 0_u64..2), 0..60);
    prop_oneof![
        8 => proptest::collection::vec(events, 1..6).prop_map(Turn::Append),
        2 => Just(Turn::Reopen),
        1 => Just(Turn::LoseKeys("DELETE FROM key_run")),
        1 => Just(Turn::LoseKeys("DELETE FROM key_block")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn a_log_does_what_a_table_of_keys_would_do(turns in proptest::collection::vec(turn(), 1..25)) {
        let mut harness = Remote::new();
        harness.bank.table_keys = 7;
        harness.reopen();
        let (mut known, mut log) = (HashMap::new(), Vec::new());
        for turn in turns {
            match turn {
                Turn::Append(groups) => {
                    let submit = |events: &Vec<_>| harness.log().submit(group(0, events)).unwrap();
                    let tickets: Vec<_> = groups.iter().map(submit).collect();
                    for (events, ticket) in groups.iter().zip(tickets) {
                        let expected: Vec<_> = events.iter().map(|(number, content)| {
                            match known.get(number) {
                                Some(before) if before == content => Outcome::Duplicate,
                                Some(_) => Outcome::OtherContent,
                                None => {
                                    known.insert(*number, *content);
                                    log.push(line(*number, *content));
                                    Outcome::Accepted(Position(log.len() as u64))
                                }
                            }
                        }).collect();
                        prop_assert_eq!(ticket.wait().unwrap(), expected);
                    }
                }
                Turn::Reopen => harness.reopen(),
                Turn::LoseKeys(how) => {
                    harness.log = None;
                    harness.server.psql(name_of(&harness.address), how);
                    harness.reopen();
                }
            }
            prop_assert_eq!(harness.log().end(), Position(log.len() as u64));
        }
        prop_assert_eq!(verified(harness.log()), log.len() as u64);
        let expected: Vec<_> = (1..).zip(log).collect();
        prop_assert_eq!(lines(harness.log(), 0), expected);
    }
}

#[test]
fn the_logs_of_two_shards_know_nothing_of_each_other() {
    let (bank, server) = (Bank::new(), Server::shared());
    let address = server.database();
    let logs = [1, 2].map(|shard| {
        PostgresEvents::<u64>::create(&address, shard).unwrap();
        open(&bank, &address, shard)
    });
    for (log, count) in logs.iter().zip([300, 500]) {
        assert_eq!(positions(&log.append(events(0..count)).unwrap()), (1..=count).collect::<Vec<_>>());
        log.record_step(step(1, count), &[count]).unwrap();
    }
    let ends = logs.each_ref().map(|log| verified(log));
    assert_eq!(ends, [300, 500]);
    logs[0].forget_keys(time(10_000)).unwrap();
    let again = logs[1].append(events(0..500)).unwrap();
    assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate));
    drop(logs);
    server.psql(name_of(&address), "DELETE FROM event_chunk WHERE shard = 1");
    assert_eq!(verified(&open(&bank, &address, 2)), 500);
}

#[test]
fn a_node_that_owns_nothing_reads_what_is_durable() {
    let (bank, server) = (Bank::new(), Server::shared());
    let address = server.database();
    PostgresEvents::<u64>::create(&address, 3).unwrap();
    let log = open(&bank, &address, 3);
    let view = view(&address, 3).unwrap();
    assert_eq!(view.end().unwrap(), Position::NONE);
    log.append(events(0..1_000)).unwrap();
    log.record_step(step(1, 900), &[7]).unwrap();
    log.confirm_step(1).unwrap();
    assert_eq!((view.end().unwrap(), view.confirmed().unwrap()), (Position(1_000), 1));
    let (mut read, mut steps) = (0, 0);
    view.read(Position(400), &mut |_| {
        read += 1;
        Ok(true)
    })
    .unwrap();
    view.steps_after(0, &mut |_| {
        steps += 1;
        Ok(true)
    })
    .unwrap();
    assert_eq!((read, steps), (600, 1));
    let report = view.verify(&mut |_| {}).unwrap();
    assert_eq!((report.problem, report.events, report.steps), (None, 1_000, 1));
    let none = kopeck_store::postgres::events::view(&address, 4).unwrap_err();
    assert!(none.to_string().starts_with("there is no event log of shard 4 in postgres://"), "{none}");
}

#[test]
fn what_is_broken_is_found() {
    let (bank, server) = (Bank::new(), Server::shared());
    let address = server.database();
    PostgresEvents::<u64>::create(&address, 1).unwrap();
    let log = open(&bank, &address, 1);
    for first in (0..1_000).step_by(100) {
        log.append(events(first..first + 100)).unwrap();
    }
    log.record_step(step(1, 900), &[7]).unwrap();
    log.close();
    let view = view(&address, 1).unwrap();
    let run = "(SELECT min(run) FROM key_run)";
    for (damage, expected) in [
        ("DELETE FROM event_chunk WHERE first = 401".to_owned(), "event 401 is missing"),
        (
            "DELETE FROM event_chunk WHERE first = 901; DELETE FROM event_filter WHERE first = 901"
                .to_owned(),
            "event 901 is missing: event 1000 was the last",
        ),
        (
            "UPDATE event_chunk SET body = set_byte(body, 9, get_byte(body, 9) # 1) WHERE first = 101"
                .to_owned(),
            "events 101 to 200 are not what was written",
        ),
        (
            "UPDATE event_filter SET resources = '\\x00' WHERE first = 201".to_owned(),
            "the filter of event 201",
        ),
        ("UPDATE step SET through = through + 1".to_owned(), "step 1 of settling is not what was written"),
        (
            format!(
                "UPDATE key_block SET bytes = set_byte(bytes, 40, get_byte(bytes, 40) # 1) WHERE block = 0 AND run = {run}"
            ),
            "is not what was written: remove that run from key_block, and opening the log makes all anew",
        ),
    ] {
        let script = format!("CREATE TABLE before AS SELECT 1; {damage}");
        let name = name_of(&address);
        let copy = format!("copy_{}", SHARDS.fetch_add(1, Ordering::Relaxed));
        server.psql(
            "postgres",
            &format!(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
        );
        server.psql("postgres", &format!("CREATE DATABASE {copy} TEMPLATE {name}"));
        server.psql(&copy, &script);
        let broken = kopeck_store::postgres::events::view(&server.address(&copy), 1).unwrap();
        let problem = broken.verify(&mut |_| {}).unwrap().problem;
        assert!(problem.as_ref().is_some_and(|problem| problem.contains(expected)), "{damage}: {problem:?}");
    }
    assert_eq!(view.verify(&mut |_| {}).unwrap().problem, None);
}

/// A log in a folder with some of all that a log has.
fn folder_log(bank: &Bank, folder: &Path) -> SqliteEvents<u64> {
    let log = bank.log_in(folder);
    for first in (0..3_000).step_by(100) {
        log.append(events(first..first + 100)).unwrap();
    }
    for number in 1..=70 {
        log.record_step(step(number, number * 10), &[number, number + 1]).unwrap();
    }
    log.confirm_step(1).unwrap();
    log.note_duty([7; 16], Moment::from_nanoseconds(time(5)).unwrap()).unwrap();
    let kept = |number: u32| Kept {
        list: 1 + u8::try_from(number % 2).unwrap(),
        name: number.to_be_bytes().to_vec(),
        is_open: number.is_multiple_of(3),
        bytes: vec![7; 20],
    };
    log.keep((0..900).map(kept).collect()).unwrap();
    let mut parts = [b"one".to_vec(), Vec::new(), vec![7; 300_000]].into_iter();
    log.save_snapshot(NewSnapshot { through: Position(9), step: 2, parts: &mut parts }).unwrap();
    log
}

#[test]
fn a_log_is_copied_to_a_database_and_back_and_a_copy_goes_on_where_it_was() {
    let (bank, server) = (Bank::new(), Server::shared());
    let (here, back, address) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), server.database());
    let log = folder_log(&bank, here.path());
    let into = |address: &str| import(here.path(), (address, 5), options(&bank), &mut |_| {});
    let out = |folder: &Path| {
        let options = sqlite::Options { sync: sqlite::SyncMode::Never, ..sqlite::Options::at(bank.clock()) };
        export((&address, 5), folder, options, &mut |_| {})
    };
    let first = into(&address).unwrap();
    assert_eq!((first.events, first.steps), (3_000, 70));
    assert_eq!(out(back.path()).unwrap(), first);
    // More has come since: the copies go on.
    log.append(events(3_000..3_500)).unwrap();
    log.record_step(step(71, 3_200), &[]).unwrap();
    (2..60).for_each(|number| log.confirm_step(number).unwrap());
    log.save_snapshot(NewSnapshot {
        through: Position(3_100),
        step: 70,
        parts: &mut [b"new".to_vec()].into_iter(),
    })
    .unwrap();
    log.forget_keys(time(100)).unwrap();
    let second = into(&address).unwrap();
    assert_eq!((second.events, second.steps), (3_500, 71));
    assert_eq!(into(&address).unwrap(), second, "nothing is left to be copied");
    assert_eq!(out(back.path()).unwrap(), second);
    let copies: [&dyn EventLog<u64>; 2] = [&open(&bank, &address, 5), &bank.open_in(back.path())];
    for copy in copies {
        assert_eq!(verified(copy), 3_500);
        assert_eq!(lines(copy, 0), lines(&log, 0));
        assert_eq!(copy.unconfirmed().unwrap(), log.unconfirmed().unwrap());
        assert_eq!(event_contract::newest(copy).1, [b"new"]);
        assert_eq!(copy.duties().unwrap(), log.duties().unwrap());
        let open_in = |log: &dyn EventLog<u64>| {
            let mut open = Vec::new();
            log.kept(2, (&[], true), &mut |kept| {
                open.push(kept);
                Ok(true)
            })
            .unwrap();
            open
        };
        assert_eq!(open_in(copy), open_in(&log));
        assert_eq!(open_in(copy).len(), 150);
        let again = copy.append(events(200..3_500)).unwrap();
        assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate), "the keys are known in the copy");
    }
}

#[test]
fn a_copy_that_was_interrupted_goes_on() {
    let (bank, server) = (Bank::new(), Server::shared());
    let (here, address) = (tempfile::tempdir().unwrap(), server.database());
    let log = folder_log(&bank, here.path());
    PostgresEvents::<u64>::create(&address, 1).unwrap();
    server.psql(name_of(&address), "ALTER TABLE settling ADD CONSTRAINT stop CHECK (parts < 0)");
    let into = || import(here.path(), (&address, 1), options(&bank), &mut |_| {});
    assert!(matches!(into(), Err(StoreError::Database(_))));
    server.psql(name_of(&address), "ALTER TABLE settling DROP CONSTRAINT stop");
    assert_eq!(into().unwrap().events, 3_000);
    assert_eq!(lines(&open(&bank, &address, 1), 0), lines(&log, 0));
}

#[test]
fn nothing_is_copied_over_another_log() {
    let (bank, server) = (Bank::new(), Server::shared());
    let (here, address) = (tempfile::tempdir().unwrap(), server.database());
    let _log = folder_log(&bank, here.path());
    let into = |shard| import(here.path(), (&address, shard), options(&bank), &mut |_| {});
    let refused = |shard, expected: &str| {
        let error = into(shard).unwrap_err();
        assert!(matches!(&error, StoreError::CopyDiffers(why) if why.contains(expected)), "{error}");
    };
    PostgresEvents::<u64>::create(&address, 1).unwrap();
    open(&bank, &address, 1).append(events(7..8)).unwrap();
    refused(1, "its events from 1 on are others");
    into(2).unwrap();
    open(&bank, &address, 2).append(events(9_000..9_001)).unwrap();
    refused(2, "its events from 3001 on are others");
    into(3).unwrap();
    open(&bank, &address, 3).confirm_step(70).unwrap();
    refused(3, "its step 70 of settling is another one");
}
