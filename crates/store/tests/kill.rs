//! kill -9 of a real process under load: nothing acknowledged is lost, nothing is doubled, and verifying holds.
//!
//! Five times as a rule; `KOPECK_KILLS=100 cargo test -p kopeck-store --test kill` for longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use bank::{Bank, done, text, transfer, verified};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::record::Receipt;
use kopeck_ledger::request::Request;
use kopeck_store::Store;
use kopeck_store::sqlite::{Options, SqliteStore, SyncMode};

const FOLDER: &str = "KOPECK_TEST_FOLDER";
const ROUND: &str = "KOPECK_TEST_ROUND";
/// Threads that load the store; each has its own accounts and ids.
const THREADS: u64 = 4;

/// A thread's batch in a round: its size is drawn from its name, so that parent and child agree.
fn batch(round: u64, thread: u64, number: u64) -> Vec<Request> {
    let size = 1 + (round * 31 + thread * 7 + number * number) % 60;
    let id = |place: u64| bank::ordered_id((round << 40) | (number << 16) | (thread << 8) | place);
    let amount = Amount::from_micros(1);
    let work = |place: u64| transfer(1 + thread, 1 + (thread + place % 3 + 1) % 8, amount);
    (0..size).map(|place| Request { id: id(place), actor: Some(text("load")), work: work(place) }).collect()
}

/// Not a test of its own: loads the ledger until it is killed, and tells what was acknowledged.
#[test]
#[ignore = "run by the test that kills it"]
fn load() {
    let (folder, round) = (env::var(FOLDER).unwrap(), env::var(ROUND).unwrap().parse().unwrap());
    let options = Options { sync: SyncMode::Full, ..Bank::new().options() };
    let store = SqliteStore::open(folder.as_ref(), options).unwrap();
    let out = Mutex::new(std::io::stdout());
    let told = |thread: u64, number: u64, _: Vec<Receipt>| {
        let mut out = out.lock().unwrap();
        writeln!(out, "\nack {thread} {number}").and_then(|()| out.flush()).is_ok()
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, told) = (&store, &told);
            scope.spawn(move || {
                let mut number = 0;
                while told(thread, number, done(store.perform(batch(round, thread, number)))) {
                    number += 1;
                }
            });
        }
    });
}

/// Starts the load, kills it after so many acknowledgements, and says how many batches each thread was told of.
fn killed_under_load(folder: &Path, round: u64, after: usize) -> BTreeMap<u64, u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "load", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut killed = false;
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The last line may be cut off by the kill.
        let Ok(line) = line else { break };
        let words: Vec<_> = line.split(' ').collect();
        let ["ack", thread, number] = words[..] else { continue };
        let (thread, number): (u64, u64) = (thread.parse().unwrap(), number.parse().unwrap());
        acknowledged.insert(thread, number + 1);
        seen += 1;
        if seen == after && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the load ended by itself");
    child.wait().unwrap();
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_doubled() {
    let kills = env::var("KOPECK_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let people = bank.store_in(folder.path(), 8);
    people.close();
    for round in 1..=kills {
        let acknowledged =
            killed_under_load(folder.path(), round, 10 + usize::try_from(round * 37 % 150).unwrap());
        let store = bank.open_in(folder.path());
        verified(&store);
        for (thread, batches) in acknowledged {
            for number in 0..batches {
                for request in batch(round, thread, number) {
                    assert!(store.record(request.id).unwrap().is_some(), "an acknowledged transfer is lost");
                }
            }
            // The next batch was on its way: asked again, it is there once.
            let next = batch(round, thread, batches);
            let there = next.iter().filter(|request| store.record(request.id).unwrap().is_some()).count();
            assert!(there == 0 || there == next.len(), "half a batch");
            let before = store.head().unwrap().sequence.0;
            done(store.perform(next.clone()));
            assert_eq!(store.head().unwrap().sequence.0, before + (next.len() - there) as u64);
        }
    }
    verified(&bank.open_in(folder.path()));
}
