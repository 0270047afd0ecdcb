//! What an event log does in a second on this machine, next to SQLite's own inserts in the same run.
//!
//! Every event has an id without an order, goes through the index of keys, is compressed into the log, can be found by
//! its resource, and is on the disk before it counts. The baseline inserts one row an event with a unique key, in the
//! same groups, with the same sync, and does nothing else. Making the events is not measured.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::TransactionBehavior;

use crate::error::StoreError;
use crate::events::{Arrival, Durable, EventLog, EventTicket, Group, Outcome};
use crate::ledger::shared::Clock;
use crate::log::keys::{KeyIndex, TABLE_KEYS};
use crate::log::tables::Tables;
use crate::sqlite::SERVED_LOG_BYTES;
use crate::sqlite::connections::{self, SyncMode};
use crate::sqlite::events::files::Files;
use crate::sqlite::events::{EVENTS_FILE, EventOptions, KEYS_FOLDER, SqliteEvents, tables};
use crate::store::Answer;

/// Events that are handed over at once.
pub const GROUP_EVENTS: u64 = 1_000;
/// One event in so many was sent before.
const DUPLICATES: u64 = 20;
/// Events that fill a log are handed over in groups of so many.
const FILLING: u64 = 20_000;
/// Resources that events are about.
const RESOURCES: u64 = 20_000;

/// How long something took for how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub count: u64,
    /// How long.
    pub time: Duration,
}

impl Figure {
    /// How many in a second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let nanoseconds = self.time.as_nanos().max(1);
        u64::try_from(u128::from(self.count) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
    }
}

/// What the index of keys does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFigures {
    /// Making them known, merging included.
    pub filled: Figure,
    /// Judging batches of [`GROUP_EVENTS`], one in twenty of which is known.
    pub judged: Figure,
    /// Bytes in memory, without the tables that are not runs yet.
    pub memory: u64,
    /// Bytes on the disk.
    pub disk: u64,
    /// Opening the index, without what the log's end tells again.
    pub opening: Duration,
}

/// Measures the index of keys alone: so many are known, then so many more are judged.
///
/// # Errors
/// [`StoreError`] where the folder can not be used.
pub fn keys(folder: &Path, known: u64, judged: u64) -> Answer<KeyFigures> {
    SqliteEvents::<()>::create(folder)?;
    let mut connection = connections::writer(&folder.join(EVENTS_FILE), SyncMode::Full)?;
    let open = |connection: &rusqlite::Connection| {
        KeyIndex::open(std::sync::Arc::new(Files::in_store(folder)?), &connection.runs()?, TABLE_KEYS)
    };
    let mut index = open(&connection)?;
    let filled = timed(known, || judge(&mut index, 0..known, None))?;
    index.rest()?;
    let judged = timed(judged, || judge(&mut index, known..known + judged, Some(known)))?;
    index.rest()?;
    let memory = index.memory_of_runs() as u64;
    let transaction = connection.transaction()?;
    tables::write_runs(&index.changed().unwrap_or_default(), &transaction)?;
    transaction.commit()?;
    index.is_written();
    drop(index);
    let start = Instant::now();
    drop(open(&connection)?);
    Ok(KeyFigures {
        filled,
        judged,
        memory,
        disk: bytes_in(&folder.join(KEYS_FOLDER))?,
        opening: start.elapsed(),
    })
}

/// Judges keys in batches. Where `known` are known, one in [`DUPLICATES`] is taken from them.
fn judge(index: &mut KeyIndex, numbers: std::ops::Range<u64>, known: Option<u64>) -> Answer<()> {
    let (end, mut next) = (numbers.end, numbers.start);
    while next < end {
        let batch: Vec<u64> =
            (next..end.min(next + GROUP_EVENTS)).map(|number| sent(number, known)).collect();
        next += GROUP_EVENTS;
        let keys: Vec<u128> = batch.iter().map(|number| key(*number)).collect();
        let elsewhere = index.find(&keys)?;
        for ((key, number), elsewhere) in keys.iter().zip(&batch).zip(elsewhere) {
            index.take(*key, *number, elsewhere);
        }
        index.extend_to(next, 0);
        index.settle()?;
    }
    Ok(())
}

/// Which event comes at a place: a new one, or one of those that are known.
fn sent(place: u64, known: Option<u64>) -> u64 {
    match known {
        Some(known) if known > 0 && place.is_multiple_of(DUPLICATES) => mixed(place) % known,
        _ => place,
    }
}

/// What appending does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestFigures {
    /// Filling the log with short events.
    pub filled: Figure,
    /// Groups of [`GROUP_EVENTS`] events, one after the other.
    pub alone: Figure,
    /// The same with some groups on their way at once.
    pub together: Figure,
    /// Bytes of the lines of those that were measured.
    pub line_bytes: u64,
    /// Bytes by which the files have grown with them, keys included.
    pub disk: u64,
    /// Opening the log, without making SQLite's log at its full size.
    pub opening: Duration,
}

/// Groups on their way at once.
const ON_THEIR_WAY: usize = 4;

/// Measures appending to a log in which so many keys are known.
///
/// # Errors
/// [`StoreError`] where the folder can not be used.
pub fn ingest(folder: &Path, clock: &Clock, known: u64, groups: u64) -> Answer<IngestFigures> {
    SqliteEvents::<()>::create(folder)?;
    let log = open(folder, clock)?;
    let filled = timed(known, || {
        let mut waiting = VecDeque::new();
        for first in (0..known).step_by(usize::try_from(FILLING).unwrap_or(usize::MAX)) {
            let numbers = first..known.min(first + FILLING);
            hand_over(&log, short_events(numbers), ON_THEIR_WAY, &mut waiting)?;
        }
        all_accepted(waiting)
    })?;
    // What is left to copy and to merge is not the measured groups' matter.
    drop(log);
    let before = bytes_in(folder)?;
    let log = open(folder, clock)?;
    let mut figures = [known, known + groups * GROUP_EVENTS].into_iter().zip([1, ON_THEIR_WAY]).map(
        |(first, on_their_way)| {
            let made: Vec<_> = (0..groups).map(|group| events(first + group * GROUP_EVENTS)).collect();
            let bytes: usize = made.iter().map(|group| group.bytes.len()).sum();
            let figure = timed(groups * GROUP_EVENTS, || {
                let mut waiting = VecDeque::new();
                made.into_iter().try_for_each(|group| hand_over(&log, group, on_their_way, &mut waiting))?;
                all_accepted(waiting)
            })?;
            Ok::<_, StoreError>((figure, bytes as u64))
        },
    );
    let missing = || StoreError::Closed;
    let (alone, bytes) = figures.next().ok_or_else(missing)??;
    let (together, more) = figures.next().ok_or_else(missing)??;
    drop(figures);
    drop(log);
    let disk = bytes_in(folder)?.saturating_sub(before);
    let start = Instant::now();
    drop(SqliteEvents::open(folder, EventOptions::at(clock.clone()), drop::<Durable<()>>)?);
    Ok(IngestFigures { filled, alone, together, line_bytes: bytes + more, disk, opening: start.elapsed() })
}

fn open(folder: &Path, clock: &Clock) -> Answer<SqliteEvents<()>> {
    let mut options = EventOptions::at(clock.clone());
    options.store.log_bytes = SERVED_LOG_BYTES;
    SqliteEvents::open(folder, options, drop)
}

fn hand_over(
    log: &SqliteEvents<()>,
    group: Group<()>,
    most: usize,
    waiting: &mut VecDeque<EventTicket>,
) -> Answer<()> {
    while waiting.len() >= most {
        let ticket = waiting.pop_front().ok_or(StoreError::Closed)?;
        accepted(ticket)?;
    }
    waiting.push_back(log.submit(group)?);
    Ok(())
}

fn all_accepted(waiting: VecDeque<EventTicket>) -> Answer<()> {
    waiting.into_iter().try_for_each(accepted)
}

/// Waits for a group, all of whose events are new.
fn accepted(ticket: EventTicket) -> Answer<()> {
    let outcomes = ticket.wait()?;
    let is_accepted = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_)));
    is_accepted
        .then_some(())
        .ok_or_else(|| StoreError::Corrupt("a new event was taken for a known one".to_owned()))
}

/// Measures SQLite alone: the same groups of events into a table with a unique key, in which so many rows are already.
///
/// # Errors
/// [`StoreError`] where the folder can not be used.
pub fn inserts_alone(folder: &Path, known: u64, groups: u64) -> Answer<Figure> {
    let mut connection = connections::writer(&folder.join("inserts.db"), SyncMode::Full)?;
    connections::use_log(&connection)?;
    connection.query_row("PRAGMA wal_autocheckpoint = 8000", (), |_| Ok(()))?;
    connection
        .execute_batch("CREATE TABLE event (position INTEGER PRIMARY KEY, key BLOB NOT NULL, line BLOB)")?;
    let filling = connection.transaction()?;
    {
        let mut insert = filling.prepare("INSERT INTO event (key) VALUES (?)")?;
        for number in 0..known {
            insert.execute([key(number).to_be_bytes()])?;
        }
    }
    filling.execute_batch("CREATE UNIQUE INDEX event_key ON event (key)")?;
    filling.commit()?;
    let made: Vec<_> = (0..groups).map(|group| events(known + group * GROUP_EVENTS)).collect();
    timed(groups * GROUP_EVENTS, || {
        for group in &made {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT OR IGNORE INTO event (key, line) VALUES (?, ?)")?;
                for arrival in &group.arrivals {
                    insert.execute((arrival.key.to_be_bytes(), &group.bytes[arrival.line.clone()]))?;
                }
            }
            transaction.commit()?;
        }
        Ok(())
    })
}

/// A group of events as clouds send them, of some 300 bytes each, with ids without an order.
fn events(first: u64) -> Group<()> {
    let line = |number: u64| {
        let (one, other, resource) = (mixed(number), mixed(!number), number * 7 % RESOURCES);
        format!(
            r#"{{"specversion":"1.0","id":"{one:016x}{other:016x}","source":"openstack://region-1/nova","type":"kopeck.state.v1","time":"2026-10-{:02}T{:02}:{:02}:{:02}Z","subject":"vm-{:08x}","project":"project-{:04}","data":{{"kind":"vm","state":"{}","attributes":{{"vcpu":{},"ram_gb":{},"zone":"a"}}}}}}"#,
            1 + number / 100_000 % 28,
            number / 3_600 % 24,
            number / 60 % 60,
            number % 60,
            mixed(resource) >> 32,
            resource % 500,
            ["RUNNING", "STOPPED", "REBOOTING"][usize::try_from(one % 3).unwrap_or(0)],
            1 << (other % 6),
            1 << (one % 8),
        )
    };
    group((first..first + GROUP_EVENTS).map(|number| (number, line(number))))
}

/// Events that only have keys.
fn short_events(numbers: std::ops::Range<u64>) -> Group<()> {
    group(numbers.map(|number| (number, "{}".to_owned())))
}

fn group(lines: impl Iterator<Item = (u64, String)>) -> Group<()> {
    let (mut bytes, mut arrivals) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        let start = bytes.len();
        bytes.extend_from_slice(line.as_bytes());
        arrivals.push(Arrival {
            key: key(number),
            content: mixed(number),
            resource: key(!(number * 7 % RESOURCES)),
            time: 0,
            line: start..bytes.len(),
        });
        bytes.push(b'\n');
    }
    Group { bytes: Bytes::from(bytes), arrivals, payload: () }
}

/// A key as a keyed hash is one: without an order.
fn key(number: u64) -> u128 {
    u128::from(mixed(number)) << 64 | u128::from(mixed(number ^ 0x5555_5555_5555_5555))
}

fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn timed(count: u64, work: impl FnOnce() -> Answer<()>) -> Answer<Figure> {
    let start = Instant::now();
    work()?;
    Ok(Figure { count, time: start.elapsed() })
}

/// Bytes of all files in a folder and the folders in it.
fn bytes_in(folder: &Path) -> Answer<u64> {
    let failed = |error| StoreError::io("read", folder, error);
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        bytes += if metadata.is_dir() { bytes_in(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
