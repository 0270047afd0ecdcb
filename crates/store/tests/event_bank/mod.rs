//! Events for the tests of event logs: lines of any size, hashes in one line, a clock that is set.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kopeck_ledger::name::Moment;
use kopeck_store::events::{Arrival, Durable, Group, LoggedEvent, Outcome, Position, StepRow};
use kopeck_store::sqlite::events::{EventOptions, SqliteEvents};
use kopeck_store::sqlite::{Clock, Options, SyncMode};
use kopeck_store::{EventLog, StoreError};

/// 2026-10-01T00:00:00Z in nanoseconds.
pub const START: i64 = 1_790_812_800_000_000_000;
/// A second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// Resources of the events here.
pub const RESOURCES: u64 = 7;

/// What whoever settles was told: the payload of each group, with its outcomes.
pub type Told = Arc<Mutex<Vec<(u64, Vec<Outcome>)>>>;

/// A clock, and what was told.
#[derive(Clone)]
pub struct Bank {
    now: Arc<AtomicI64>,
    pub told: Told,
    /// Few, so that a small test has runs of keys as well.
    pub table_keys: usize,
}

impl Bank {
    pub fn new() -> Bank {
        Bank { now: Arc::new(AtomicI64::new(START)), told: Told::default(), table_keys: 50 }
    }

    pub fn set(&self, seconds: i64) {
        self.now.store(START + seconds * SECOND, Ordering::Relaxed);
    }

    pub fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Moment::from_nanoseconds(now.load(Ordering::Relaxed)).unwrap())
    }

    /// Notes what it is told.
    pub fn on_durable(&self) -> impl FnMut(Durable<u64>) + Send + 'static {
        let told = Arc::clone(&self.told);
        move |durable: Durable<u64>| {
            let groups = durable.groups.into_iter().map(|(group, outcomes)| (group.payload, outcomes));
            told.lock().unwrap().extend(groups);
        }
    }

    pub fn options(&self) -> EventOptions {
        let store = Options { sync: SyncMode::Never, ..Options::at(self.clock()) };
        EventOptions { store, table_keys: self.table_keys }
    }

    pub fn try_open_with(
        &self,
        folder: &Path,
        options: EventOptions,
    ) -> Result<SqliteEvents<u64>, StoreError> {
        SqliteEvents::open(folder, options, self.on_durable())
    }

    pub fn try_open_in(&self, folder: &Path) -> Result<SqliteEvents<u64>, StoreError> {
        self.try_open_with(folder, self.options())
    }

    pub fn open_in(&self, folder: &Path) -> SqliteEvents<u64> {
        self.try_open_in(folder).unwrap()
    }

    pub fn log_in(&self, folder: &Path) -> SqliteEvents<u64> {
        SqliteEvents::<u64>::create(folder).unwrap();
        self.open_in(folder)
    }
}

/// A hash, as an event's key is one.
pub fn hash(number: u64) -> u128 {
    u128::from_be_bytes(blake3::hash(&number.to_be_bytes()).as_bytes()[..16].try_into().unwrap())
}

/// The event of a number says this.
pub fn line(number: u64, content: u64) -> Vec<u8> {
    let padding = "x".repeat(usize::try_from(number * 37 % 200).unwrap());
    format!(
        r#"{{"id":"e{number}","subject":"vm-{}","says":{content},"padding":"{padding}"}}"#,
        number % RESOURCES
    )
    .into_bytes()
}

pub fn time(number: u64) -> i64 {
    START + i64::try_from(number % 10_000_000).unwrap() * SECOND
}

pub fn resource(number: u64) -> u128 {
    hash(1_000_000_007 + number % RESOURCES)
}

/// A group of events, each with its number and what it says.
pub fn group(payload: u64, events: &[(u64, u64)]) -> Group<u64> {
    let mut bytes = b"[".to_vec();
    let arrivals = events
        .iter()
        .map(|(number, content)| {
            let start = bytes.len();
            bytes.extend(line(*number, *content));
            let line = start..bytes.len();
            bytes.extend(b",\n");
            Arrival {
                key: hash(*number),
                content: *content,
                resource: resource(*number),
                time: time(*number),
                line,
            }
        })
        .collect();
    Group { bytes: Bytes::from(bytes), arrivals, payload }
}

/// A group of new events that say their own numbers.
pub fn events(numbers: std::ops::Range<u64>) -> Group<u64> {
    let events: Vec<_> = numbers.clone().map(|number| (number, number)).collect();
    group(numbers.start, &events)
}

/// Where events were accepted; others as 0.
pub fn positions(outcomes: &[Outcome]) -> Vec<u64> {
    let position = |outcome: &Outcome| match outcome {
        Outcome::Accepted(position) => position.0,
        Outcome::Duplicate | Outcome::OtherContent => 0,
    };
    outcomes.iter().map(position).collect()
}

/// All lines after a position.
pub fn lines(log: &dyn EventLog<u64>, after: u64) -> Vec<(u64, Vec<u8>)> {
    let mut lines = Vec::new();
    let mut take = |event: LoggedEvent<'_>| {
        lines.push((event.position.0, event.line.to_vec()));
        Ok(true)
    };
    log.read(Position(after), &mut take).unwrap();
    lines
}

/// The positions of a resource's events.
pub fn places_of(log: &dyn EventLog<u64>, number: u64, after: u64) -> Vec<u64> {
    let mut places = Vec::new();
    let mut take = |event: LoggedEvent<'_>| {
        assert_eq!(event.resource, resource(number));
        places.push(event.position.0);
        Ok(true)
    };
    log.of_resource(resource(number), Position(after), &mut take).unwrap();
    places
}

pub fn step(number: u64, through: u64) -> StepRow {
    let at = Moment::from_nanoseconds(time(number)).unwrap();
    StepRow { number, through: Position(through), at, postings: format!("postings {number}").into_bytes() }
}

/// Verifies, and expects nothing broken.
pub fn verified(log: &dyn EventLog<u64>) -> u64 {
    let report = log.verify(&mut |_| {}).unwrap();
    assert_eq!(report.problem, None);
    report.events
}
