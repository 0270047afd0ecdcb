//! Checking an event log: every event can be read and has its place, every key is known with its content, and all that
//! is kept beside.

use std::sync::Arc;

use crate::error::StoreError;
use crate::events::{EventProgress, EventReport, Position};
use crate::log::beside::{self, Which};
use crate::log::keys::run::{Run, RunReader, find};
use crate::log::keys::shelf::Shelf;
use crate::log::tables::Tables;
use crate::log::{chunk, decompressor};

/// Rows that are read at once.
const ROWS: usize = 64;
/// Keys that are looked up together, in their order: so a page of a run is read about once for all of them.
const KEYS_TOGETHER: usize = 1 << 20;

/// The listed runs of a log.
///
/// # Errors
/// [`StoreError`] where one can not be read.
pub fn runs(tables: &dyn Tables, shelf: &dyn Shelf) -> Result<Vec<Arc<Run>>, StoreError> {
    tables.runs()?.into_iter().map(|row| Run::open(shelf, row).map(Arc::new)).collect()
}

/// Checks the log that `tables` read as of one instant.
///
/// # Errors
/// [`StoreError`] where the database can not be read; what is wrong in it is the report's matter.
pub fn log(
    tables: &dyn Tables,
    (runs, shelf): (Vec<Arc<Run>>, &Arc<dyn Shelf>),
    progress: &mut dyn FnMut(EventProgress),
) -> Result<EventReport, StoreError> {
    let mut report = EventReport { events: 0, steps: 0, problem: None };
    match check_all(tables, (runs, shelf), &mut report, progress) {
        Err(StoreError::Corrupt(reason)) => report.problem = Some(reason),
        other => other?,
    }
    Ok(report)
}

/// What is told where the runs can not be read.
pub fn without_runs(error: &StoreError) -> EventReport {
    EventReport { events: 0, steps: 0, problem: Some(format!("the index of keys: {error}")) }
}

fn check_all(
    tables: &dyn Tables,
    (runs, shelf): (Vec<Arc<Run>>, &Arc<dyn Shelf>),
    report: &mut EventReport,
    progress: &mut dyn FnMut(EventProgress),
) -> Result<(), StoreError> {
    let (end, _) = tables.end()?;
    let mut known = Known::new(runs, Arc::clone(shelf), tables.forgotten()?)?;
    let mut decompressor = decompressor()?;
    let mut next = Position(1);
    while next <= end {
        let rows = tables.rows_from(next, ROWS)?;
        let first = rows.first().map_or(next, |row| row.first());
        let filters = tables.filters_from(first, ROWS)?;
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
    beside::steps(0, |after, most| tables.steps(Which::All, after, most), &mut |step| {
        report.steps += 1;
        let number = step.step.number;
        match number == report.steps && step.step.through <= end {
            true => Ok(true),
            false => Err(StoreError::Corrupt(format!("step {number} of settling is not in its place"))),
        }
    })?;
    let snapshot = beside::snapshot(tables)?;
    match snapshot.filter(|snapshot| snapshot.through > end || snapshot.step > report.steps) {
        Some(_) => Err(StoreError::Corrupt("the snapshot of settling is ahead of the log".to_owned())),
        None => Ok(()),
    }
}

/// The index of keys, and the keys that it must know.
struct Known {
    shelf: Arc<dyn Shelf>,
    runs: Vec<Arc<Run>>,
    forgotten: i64,
    through: u64,
    /// Keys with their contents and positions.
    wanted: Vec<(u128, u64, Position)>,
}

impl Known {
    /// Checks the runs themselves.
    fn new(runs: Vec<Arc<Run>>, shelf: Arc<dyn Shelf>, forgotten: i64) -> Result<Known, StoreError> {
        for run in &runs {
            let row = run.row();
            let broken =
                |what: &str| Err(StoreError::Corrupt(format!("{} {what}", shelf.name_of(row.number))));
            if row.keys > row.through.saturating_sub(row.after) {
                return broken("has more keys than events");
            }
            let mut reader = RunReader::new(Arc::clone(run), Arc::clone(&shelf))?;
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
        Ok(Known { shelf, runs, forgotten, through, wanted: Vec::new() })
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
        let keys: Vec<u128> = self.wanted.iter().map(|(key, _, _)| *key).collect();
        let mut found = vec![None; keys.len()];
        find(&self.runs, &*self.shelf, &keys, &mut found)?;
        for (found, (_, content, position)) in found.into_iter().zip(self.wanted.drain(..)) {
            if found != Some(content) {
                let remedy = self.shelf.remedy_for_all();
                return Err(StoreError::Corrupt(format!(
                    "the key of event {position} is not known with its content: {remedy}"
                )));
            }
        }
        Ok(())
    }
}
