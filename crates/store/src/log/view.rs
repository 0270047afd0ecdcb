//! Reading a log: what is durable of it, whoever writes it.

use std::path::Path;

use kopeck_ledger::name::Moment;

use crate::answer::Copied;
use crate::error::StoreError;
use crate::events::{
    EventProgress, EventReader, EventReport, Kept, LoggedEvent, LoggedStep, Position, Snapshot, StepRow,
};
use crate::log::beside::{self, Which};
use crate::log::chunk::Chunk;
use crate::log::{Place, ROWS_ABREAST, decompressor, missing};
use crate::store::Answer;

/// Filters that a reader has in memory at once.
const FILTERS_ABREAST: usize = 4_096;

/// What is durable of a log in some place, for whoever reads it: the writer of the log or others.
#[derive(Debug)]
pub struct LogView<L> {
    place: L,
}

impl<L: Place> LogView<L> {
    /// The log in a place.
    pub(crate) fn of(place: L) -> LogView<L> {
        LogView { place }
    }

    /// Where it lies.
    pub(crate) fn place(&self) -> &L {
        &self.place
    }

    /// The last event of the log.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    pub fn end(&self) -> Answer<Position> {
        self.place.read(|tables| Ok(tables.end()?.0))
    }

    /// As [`EventLog::steps_of`].
    ///
    /// # Errors
    /// Those of [`EventLog::steps_of`].
    pub fn steps_of(&self, key: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        let page = |before, most| self.place.read(|tables| tables.steps_with(key, before, most));
        beside::steps_of(page, |number| self.place.read(|tables| beside::step(number, tables)), take)
    }

    /// As [`EventLog::unconfirmed`].
    ///
    /// # Errors
    /// Those of [`EventLog::unconfirmed`].
    pub fn unconfirmed(&self) -> Answer<Vec<StepRow>> {
        let mut found = Vec::new();
        self.steps(Which::Unconfirmed, 0, &mut |step| {
            found.push(step.step);
            Ok(true)
        })?;
        Ok(found)
    }

    /// As [`EventLog::duties`].
    ///
    /// # Errors
    /// Those of [`EventLog::duties`].
    pub fn duties(&self) -> Answer<Vec<([u8; 16], Moment)>> {
        self.place.read(|tables| tables.duties())
    }

    /// As [`EventLog::kept`].
    ///
    /// # Errors
    /// Those of [`EventLog::kept`].
    pub fn kept(
        &self,
        list: u8,
        (after, open_only): (&[u8], bool),
        take: &mut dyn FnMut(Kept) -> Answer<bool>,
    ) -> Answer<()> {
        let page = |after: &[u8], most| self.place.read(|tables| tables.kept(list, (after, open_only), most));
        beside::kept(after, page, take)
    }

    /// As [`EventLog::snapshot`].
    ///
    /// # Errors
    /// Those of [`EventLog::snapshot`].
    pub fn snapshot(&self) -> Answer<Option<Snapshot>> {
        match self.place.read(beside::snapshot) {
            Err(StoreError::Corrupt(_)) => Ok(None),
            read => read,
        }
    }

    /// As [`EventLog::snapshot_part`].
    ///
    /// # Errors
    /// Those of [`EventLog::snapshot_part`].
    pub fn snapshot_part(&self, snapshot: &Snapshot, part: u64) -> Answer<Vec<u8>> {
        self.place.read(|tables| beside::snapshot_part(tables, snapshot, part))
    }

    /// As [`EventLog::backup`].
    ///
    /// # Errors
    /// Those of [`EventLog::backup`].
    pub fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        self.place.backup(target, progress)
    }

    fn steps(
        &self,
        which: Which,
        after: u64,
        take: &mut dyn FnMut(LoggedStep) -> Answer<bool>,
    ) -> Answer<()> {
        let page = |after, most| self.place.read(|tables| tables.steps(which, after, most));
        beside::steps(after, page, take)
    }

    /// Hands rows from that of a position on to `take`, until it answers `false`. Rows are never changed, so they are
    /// read some at a time, and nobody who takes long holds anything in the database.
    fn rows_from(&self, from: Position, mut take: impl FnMut(&Chunk) -> Answer<bool>) -> Answer<()> {
        let mut next = from;
        loop {
            let rows = self.place.read(|tables| tables.rows_from(next, ROWS_ABREAST))?;
            for row in &rows {
                if row.first() > next {
                    return Err(missing(next));
                }
                if !take(row)? {
                    return Ok(());
                }
                next = row.last().next();
            }
            if rows.len() < ROWS_ABREAST {
                return Ok(());
            }
        }
    }

    /// The first positions of rows that may hold a resource, some at a time, and where to go on.
    fn candidates(&self, resource: u128, from: Position) -> Answer<(Vec<Position>, Option<Position>)> {
        let filters = self.place.read(|tables| tables.filters_from(from, FILTERS_ABREAST))?;
        let is_full = filters.len() == FILTERS_ABREAST;
        let next = filters.last().filter(|_| is_full).map(|(first, _)| first.next());
        let held = filters.into_iter().filter(|(_, filter)| filter.may_hold(resource));
        Ok((held.map(|(first, _)| first).collect(), next))
    }
}

impl<L: Place> EventReader for LogView<L> {
    fn read(&self, after: Position, take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>) -> Answer<()> {
        let mut decompressor = decompressor()?;
        self.rows_from(after.next(), |row| {
            let opened = row.open(&mut decompressor)?;
            hand_over(opened.events().filter(|event| event.position > after), take)
        })
    }

    fn of_resource(
        &self,
        resource: u128,
        after: Position,
        take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>,
    ) -> Answer<()> {
        let mut decompressor = decompressor()?;
        let mut next = Some(self.place.read(|tables| tables.first_of(after.next()))?);
        while let Some(from) = next {
            let (rows, then) = self.candidates(resource, from)?;
            for first in rows {
                let row = self.place.read(|tables| tables.row_at(first))?;
                let row = row.ok_or_else(|| missing(first))?;
                let opened = row.open(&mut decompressor)?;
                let is_wanted =
                    |event: &LoggedEvent<'_>| event.resource == resource && event.position > after;
                if !hand_over(opened.events().filter(is_wanted), take)? {
                    return Ok(());
                }
            }
            next = then;
        }
        Ok(())
    }

    fn steps_after(&self, number: u64, take: &mut dyn FnMut(LoggedStep) -> Answer<bool>) -> Answer<()> {
        self.steps(Which::All, number, take)
    }

    fn confirmed(&self) -> Answer<u64> {
        self.place.read(|tables| tables.confirmed())
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        self.place.verify(progress)
    }
}

/// Hands events over until `take` answers `false`, and says whether it never did.
fn hand_over<'e>(
    mut events: impl Iterator<Item = LoggedEvent<'e>>,
    take: &mut dyn FnMut(LoggedEvent<'_>) -> Answer<bool>,
) -> Answer<bool> {
    events
        .try_fold(true, |_, event| match take(event) {
            Ok(true) => Ok(true),
            Ok(false) => Err(None),
            Err(error) => Err(Some(error)),
        })
        .or_else(|stopped| stopped.map_or(Ok(false), Err))
}
