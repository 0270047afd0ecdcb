//! kill -9 of a real process that appends events: nothing acknowledged is lost, nothing is doubled, and verifying holds.
//!
//! Five times as a rule; `KOPECK_KILLS=100 cargo test -p kopeck-store --test events_kill` for longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod event_bank;

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use event_bank::{Bank, group, lines, verified};
use kopeck_store::EventLog;
use kopeck_store::events::{Outcome, Position};
use kopeck_store::sqlite::SyncMode;
use kopeck_store::sqlite::events::SqliteEvents;

const FOLDER: &str = "KOPECK_TEST_FOLDER";
const ROUND: &str = "KOPECK_TEST_ROUND";
/// Threads that load the log; each has its own events.
const THREADS: u64 = 4;

/// A thread's events in a round: their count is drawn from the name, so that parent and child agree.
fn batch(round: u64, thread: u64, number: u64) -> Vec<(u64, u64)> {
    let size = 1 + (round * 31 + thread * 7 + number * number) % 60;
    let first = (round << 40) | (thread << 32) | (number << 8);
    (first..first + size).map(|event| (event, event)).collect()
}

/// Not a test of its own: loads the log until it is killed, and tells where acknowledged groups begin and end.
#[test]
#[ignore = "run by the test that kills it"]
fn load() {
    let (folder, round) = (env::var(FOLDER).unwrap(), env::var(ROUND).unwrap().parse().unwrap());
    let mut options = Bank::new().options();
    options.store.sync = SyncMode::Full;
    let log = Bank::new().try_open_with(folder.as_ref(), options).unwrap();
    let out = Mutex::new(std::io::stdout());
    let told = |thread: u64, number: u64, outcomes: &[Outcome]| {
        let Some(Outcome::Accepted(Position(first))) = outcomes.first() else { return false };
        let mut out = out.lock().unwrap();
        writeln!(out, "\nack {thread} {number} {first}").and_then(|()| out.flush()).is_ok()
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, told) = (&log, &told);
            scope.spawn(move || {
                let mut number = 0;
                while told(thread, number, &log.append(group(0, &batch(round, thread, number))).unwrap()) {
                    number += 1;
                }
            });
        }
    });
}

/// Starts the load, kills it after so many acknowledgements, and says where each thread's batches were told to be.
fn killed_under_load(folder: &Path, round: u64, after: usize) -> BTreeMap<u64, Vec<u64>> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "load", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let (mut killed, mut seen) = (false, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The last line may be cut off by the kill.
        let Ok(line) = line else { break };
        let words: Vec<_> = line.split(' ').collect();
        let ["ack", thread, number, first] = words[..] else { continue };
        let [thread, number, first] = [thread, number, first].map(|word| word.parse::<u64>().unwrap());
        let places = acknowledged.entry(thread).or_default();
        assert_eq!(places.len() as u64, number);
        places.push(first);
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
    SqliteEvents::<u64>::create(folder.path()).unwrap();
    for round in 1..=kills {
        let after = 10 + usize::try_from(round * 37 % 150).unwrap();
        let acknowledged = killed_under_load(folder.path(), round, after);
        let log = bank.open_in(folder.path());
        let mut end = verified(&log);
        let all: BTreeMap<u64, Vec<u8>> = lines(&log, 0).into_iter().collect();
        for (thread, places) in acknowledged {
            for (number, first) in (0..).zip(&places) {
                for (place, (event, content)) in (*first..).zip(batch(round, thread, number)) {
                    let line = event_bank::line(event, content);
                    assert_eq!(all.get(&place), Some(&line), "an acknowledged event is not in its place");
                }
            }
            // The next group was on its way: sent again, it is there once.
            let next = batch(round, thread, places.len() as u64);
            let outcomes = log.append(group(0, &next)).unwrap();
            let new = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Accepted(_))).count();
            assert!(new == 0 || new == next.len(), "half a group");
            assert!(outcomes.iter().all(|outcome| *outcome != Outcome::OtherContent));
            end += new as u64;
            assert_eq!(log.end(), Position(end));
        }
    }
    verified(&bank.open_in(folder.path()));
}
