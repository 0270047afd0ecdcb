//! What an event log does in a second on this machine, next to SQLite's own inserts in the same run.
//!
//! Every event has an id without an order, goes through the index of keys, is compressed into the log, can be found by
//! its resource, and is on the disk before it counts. The baseline inserts one row an event with a unique key, in the
//! same groups, with the same sync, and does nothing else. Making the events is not measured.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::TransactionBehavior;

use crate::error::StoreError;
use crate::events::Durable;
use crate::ledger::shared::Clock;
pub use crate::log::bench::GROUP_EVENTS;
use crate::log::bench::{Figure, append, events, fill, key, mixed, timed};
use crate::log::keys::{KeyIndex, TABLE_KEYS};
use crate::log::tables::Tables;
use crate::sqlite::SERVED_LOG_BYTES;
use crate::sqlite::connections::{self, SyncMode};
use crate::sqlite::events::files::Files;
use crate::sqlite::events::{EVENTS_FILE, EventOptions, KEYS_FOLDER, SqliteEvents, tables};
use crate::store::Answer;

/// One event in so many was sent before.
const DUPLICATES: u64 = 20;

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
    let filled = fill(&log, 0..known)?;
    // What is left to copy and to merge is not the measured groups' matter.
    drop(log);
    let before = bytes_in(folder)?;
    let log = open(folder, clock)?;
    let (alone, bytes) = append(&log, known, groups, 1)?;
    let (together, more) = append(&log, known + groups * GROUP_EVENTS, groups, ON_THEIR_WAY)?;
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
