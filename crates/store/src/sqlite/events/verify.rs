//! Checking an event log: every event can be read and has its place, every key is known with its content, and all that
//! is kept beside.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::events::{EventProgress, EventReport, LoggedStep, Position};
use crate::number::signed;
use crate::sqlite::connections;
use crate::sqlite::events::keys::run::{Page, Run, RunReader};
use crate::sqlite::events::keys::{self, KEYS_FOLDER};
use crate::sqlite::events::{EVENTS_FILE, beside, chunk, decompressor, not_a_log};
use crate::sqlite::schema::EVENT_LOG;

/// Rows that are read at once.
const ROWS: usize = 64;
/// Keys that are looked up together, in their order: so a page of a run is read about once for all of them.
const KEYS_TOGETHER: usize = 1 << 20;
/// How often the list of runs is read again, where a file has just been replaced.
const ATTEMPTS: usize = 5;

/// Checks the event log in a folder, open or not.
///
/// # Errors
/// [`StoreError::NoEventLog`], [`StoreError::NotAnEventLog`]; others where the database can not be read.
pub fn folder(folder: &Path, progress: &mut dyn FnMut(EventProgress)) -> Result<EventReport, StoreError> {
    let path = folder.join(EVENTS_FILE);
    if !path.is_file() {
        return Err(StoreError::NoEventLog(folder.to_path_buf()));
    }
    let connection = connections::reader(&path).map_err(not_a_log)?;
    if !EVENT_LOG.is_in(&connection, &path)? {
        return Err(StoreError::NotAnEventLog(path));
    }
    let mut last_error = None;
    for _ in 0..ATTEMPTS {
        // As of one instant; a run may be replaced between the instant and its opening.
        let reading = connection.unchecked_transaction()?;
        match runs(&folder.join(KEYS_FOLDER), &connection) {
            Ok(runs) => {
                let report = checked(&connection, runs, progress)?;
                reading.finish()?;
                return Ok(report);
            }
            Err(error) => last_error = Some(error),
        }
        reading.finish()?;
    }
    let problem = last_error.map(|error| format!("the index of keys: {error}"));
    Ok(EventReport { events: 0, steps: 0, problem })
}

/// Hands the steps after a number of the event log in a folder, open or not, to `take` until it answers `false`.
///
/// # Errors
/// What `take` answers, or [`StoreError`] where they can not be read.
pub fn steps(
    folder: &Path,
    after: u64,
    take: &mut dyn FnMut(LoggedStep) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let connection = connections::reader(&folder.join(EVENTS_FILE)).map_err(not_a_log)?;
    beside::steps(&format!("WHERE number > {}", signed(after)), &connection, take)
}

/// The last step of the event log in a folder that is confirmed, with all before it.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn confirmed_steps(folder: &Path) -> Result<u64, StoreError> {
    beside::confirmed(&connections::reader(&folder.join(EVENTS_FILE)).map_err(not_a_log)?)
}

fn runs(folder: &Path, connection: &Connection) -> Result<Vec<Arc<Run>>, StoreError> {
    keys::rows(connection)?.into_iter().map(|row| Run::open(folder, row).map(Arc::new)).collect()
}

fn checked(
    connection: &Connection,
    runs: Vec<Arc<Run>>,
    progress: &mut dyn FnMut(EventProgress),
) -> Result<EventReport, StoreError> {
    let mut report = EventReport { events: 0, steps: 0, problem: None };
    let found = check_all(connection, runs, &mut report, progress);
    match found {
        Err(StoreError::Corrupt(reason)) => report.problem = Some(reason),
        other => other?,
    }
    Ok(report)
}

fn check_all(
    connection: &Connection,
    runs: Vec<Arc<Run>>,
    report: &mut EventReport,
    progress: &mut dyn FnMut(EventProgress),
) -> Result<(), StoreError> {
    let (end, _) = chunk::end(connection)?;
    let mut known = Known::new(runs, beside::forgotten(connection)?)?;
    let mut decompressor = decompressor()?;
    let mut next = Position(1);
    while next <= end {
        let rows = chunk::rows_from(next, ROWS, connection)?;
        let first = rows.first().map_or(next, |row| row.first());
        let filters = chunk::filters_from(first, ROWS, connection)?;
        for (row, filter) in rows.iter().zip(filters.iter().map(Some).chain(std::iter::repeat(None))) {
            if row.first() != next {
                return Err(StoreError::Corrupt(format!("event {next} is missing")));
            }
            let opened = row.open(&mut decompressor)?;
            if filter != Some(&(row.first(), chunk::filter_of(opened.resources()))) {
                let first = row.first();
                return Err(StoreError::Corrupt(format!(
                    "the filter of event {first} is not that of its row"
                )));
            }
            opened
                .events()
                .try_for_each(|event| known.check(event.position, event.time, (event.key, event.content)))?;
            next = row.last().next();
            report.events = row.last().0;
        }
        if rows.is_empty() {
            return Err(StoreError::Corrupt(format!("event {next} is missing")));
        }
        progress(EventProgress { events: report.events, of: end.0 });
    }
    known.look_up()?;
    beside::steps("", connection, |step| {
        report.steps += 1;
        let number = step.step.number;
        match number == report.steps && step.step.through <= end {
            true => Ok(true),
            false => Err(StoreError::Corrupt(format!("step {number} of settling is not in its place"))),
        }
    })?;
    let snapshot = beside::snapshot(connection)?;
    match snapshot.filter(|snapshot| snapshot.through > end || snapshot.step > report.steps) {
        Some(_) => Err(StoreError::Corrupt("the snapshot of settling is ahead of the log".to_owned())),
        None => Ok(()),
    }
}

/// The index of keys, and the keys that it must know.
struct Known {
    runs: Vec<Arc<Run>>,
    forgotten: i64,
    through: u64,
    /// Keys with their contents and positions.
    wanted: Vec<(u128, u64, Position)>,
}

impl Known {
    /// Checks the runs themselves.
    fn new(runs: Vec<Arc<Run>>, forgotten: i64) -> Result<Known, StoreError> {
        for run in &runs {
            let row = run.row();
            let broken = |what: &str| Err(StoreError::Corrupt(format!("{} {what}", run.path().display())));
            if row.keys > row.through.saturating_sub(row.after) {
                return broken("has more keys than events");
            }
            let mut reader = RunReader::new(Arc::clone(run))?;
            let (mut last, mut keys) = (None, 0);
            while let Some((key, _)) = reader.head() {
                if last.is_some_and(|last| last >= key) || !run.may_hold(key) {
                    return broken("is not in order");
                }
                (last, keys) = (Some(key), keys + 1);
                reader.advance()?;
            }
            if keys != row.keys {
                return broken("has other keys than it says");
            }
        }
        let through = runs.last().map_or(0, |run| run.row().through);
        Ok(Known { runs, forgotten, through, wanted: Vec::new() })
    }

    /// Notes that a key must be known. Those after the last run are read from the log when it is opened.
    fn check(
        &mut self,
        position: Position,
        time: i64,
        (key, content): (u128, u64),
    ) -> Result<(), StoreError> {
        if position.0 <= self.through && time >= self.forgotten {
            self.wanted.push((key, content, position));
        }
        if self.wanted.len() >= KEYS_TOGETHER { self.look_up() } else { Ok(()) }
    }

    fn look_up(&mut self) -> Result<(), StoreError> {
        self.wanted.sort_unstable();
        let mut found = vec![None; self.wanted.len()];
        for run in self.runs.iter().rev() {
            let mut page = Page::default();
            for (found, (key, _, _)) in found.iter_mut().zip(&self.wanted) {
                if found.is_none() && run.may_hold(*key) {
                    *found = run.find(*key, &mut page)?;
                }
            }
        }
        for (found, (_, content, position)) in found.into_iter().zip(self.wanted.drain(..)) {
            if found != Some(content) {
                return Err(StoreError::Corrupt(format!(
                    "the key of event {position} is not known with its content: remove the folder {KEYS_FOLDER}, \
                     and opening the log makes it anew"
                )));
            }
        }
        Ok(())
    }
}
