//! Whether the ledger has what the recorded steps say, and the steps what the ledger has (ledger.md, "Invariants", 5).
//!
//! A posting has the same id in both, and a record carries the hash of what was asked. Both lie in the same order, so
//! one reading of each compares them. What this leaves out: whether a step follows from its events, which only taking
//! all of them again tells.

use std::collections::{HashMap, VecDeque};

use kopeck_ledger::name::TransactionId;
use kopeck_ledger::record::Record;
use kopeck_settlement::posting::{PostingName, transaction_id};
use kopeck_store::StoreError;
use kopeck_store::events::LoggedStep;

use crate::metering::MeteringError;
use crate::placement::ShardNumber;
use crate::restart;

/// Bytes of steps that are in memory at a time, but for one that is larger.
const STEPS_ABREAST: usize = 4 << 20;
/// A record that names a step so far beyond the last one is none of a step: other ids are hashes.
const STEPS_BEYOND: u64 = 1_000_000;
/// No step has more postings than this of which any is looked for beyond the last step.
const POSTINGS: u32 = 1 << 16;

/// What takes records or steps, until it answers `false`.
pub type Take<'t, T> = &'t mut dyn FnMut(T) -> Result<bool, StoreError>;

/// What hands over all steps after a number.
pub type Steps<'s> = dyn Fn(u64, Take<'_, LoggedStep>) -> Result<(), StoreError> + 's;

/// Where the two are read.
pub struct Compared<'c> {
    /// Whose steps they are.
    pub shard: ShardNumber,
    /// The last step that was known to be confirmed before the journal is read.
    pub confirmed: u64,
    /// Hands over all records of the ledger.
    pub records: &'c dyn Fn(Take<'_, Record>) -> Result<(), StoreError>,
    /// Hands over all steps after a number.
    pub steps: &'c Steps<'c>,
}

/// What comparing has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Steps whose postings were looked for.
    pub steps: u64,
    /// Postings that the ledger has as they were decided.
    pub postings: u64,
    /// What disagrees first, in words that say where.
    pub problem: Option<String>,
}

impl Agreement {
    /// What two shards have come to together: the first problem of the first one that has any.
    #[must_use]
    pub fn and(self, other: Agreement) -> Agreement {
        Agreement {
            steps: self.steps + other.steps,
            postings: self.postings + other.postings,
            problem: self.problem.or(other.problem),
        }
    }
}

/// Compares the ledger with the steps.
///
/// # Errors
/// [`StoreError`] where one of the two can not be read; that they disagree is the answer's matter.
pub fn compare(compared: &Compared<'_>) -> Result<Agreement, StoreError> {
    let mut walk =
        Walk { compared, waiting: VecDeque::new(), read: 0, step: 0, missing: HashMap::new(), found: 0 };
    let mut problem = None;
    (compared.records)(&mut |record| {
        problem = walk.take(&record)?;
        Ok(problem.is_none())
    })?;
    while problem.is_none() && walk.step <= compared.confirmed {
        match walk.next()? {
            Next::Step => {}
            Next::End => break,
            Next::Problem(found) => problem = Some(found),
        }
    }
    Ok(Agreement { steps: compared.confirmed.min(walk.step), postings: walk.found, problem })
}

/// Where comparing is.
struct Walk<'c> {
    compared: &'c Compared<'c>,
    /// Steps that were read ahead.
    waiting: VecDeque<LoggedStep>,
    /// The last step that was read.
    read: u64,
    /// The step whose postings are being met.
    step: u64,
    /// Its postings that were not met yet: their places and the hashes of what they ask.
    missing: HashMap<TransactionId, (usize, u64)>,
    found: u64,
}

/// What going on to the next step has come to.
enum Next {
    Step,
    End,
    Problem(String),
}

impl Walk<'_> {
    /// Takes a record of the journal; answers what disagrees.
    fn take(&mut self, record: &Record) -> Result<Option<String>, StoreError> {
        let Some(asked) = record.asked else { return Ok(None) };
        let Some(number) = step_of(asked.id) else { return Ok(None) };
        if number > self.step {
            if !self.has(number, asked.id)? {
                return self.beyond(number, record);
            }
            while self.step < number {
                match self.next()? {
                    Next::Step => {}
                    Next::End => return Ok(None),
                    Next::Problem(problem) => return Ok(Some(problem)),
                }
            }
        }
        if number == self.step && self.missing.get(&asked.id).is_some_and(|(_, said)| *said == asked.content)
        {
            self.missing.remove(&asked.id);
            self.found += 1;
        }
        Ok(None)
    }

    /// Whether a recorded step has a posting of that id.
    fn has(&mut self, number: u64, id: TransactionId) -> Result<bool, StoreError> {
        if number > self.compared.confirmed.saturating_add(STEPS_BEYOND) {
            return Ok(false);
        }
        if self.waiting.is_empty() && number == self.step + 1 {
            self.read_on()?;
        }
        let ahead = self.waiting.iter().find(|logged| logged.step.number == number);
        if let Some(logged) = ahead {
            return Ok(decoded(logged)?.1.postings.iter().any(|posting| posting.id == id));
        }
        let mut has = false;
        (self.compared.steps)(number - 1, &mut |logged| {
            has = logged.step.number == number
                && decoded(&logged)?.1.postings.iter().any(|posting| posting.id == id);
            Ok(false)
        })?;
        Ok(has)
    }

    /// A record of a step that is not in the log, or of no step at all.
    fn beyond(&self, number: u64, record: &Record) -> Result<Option<String>, StoreError> {
        let (Some(asked), true) = (record.asked, number > self.compared.confirmed) else { return Ok(None) };
        if number > self.compared.confirmed.saturating_add(STEPS_BEYOND) {
            return Ok(None);
        }
        let mut is_there = false;
        (self.compared.steps)(number - 1, &mut |logged| {
            is_there = logged.step.number == number;
            Ok(false)
        })?;
        let name = |index| PostingName { step: number, index };
        let posting = (0..POSTINGS)
            .find(|index| transaction_id(self.compared.shard.0.into(), name(*index)) == asked.id);
        Ok(posting.filter(|_| !is_there).map(|index| {
            format!(
                "record {} of the ledger is posting {index} of step {number}, which the event log does not have",
                record.sequence
            )
        }))
    }

    /// Goes on to the next step; the one before it must have been met by then, but for what the ledger has refused.
    fn next(&mut self) -> Result<Next, StoreError> {
        if self.waiting.is_empty() {
            self.read_on()?;
        }
        let Some(logged) = self.waiting.pop_front() else { return Ok(Next::End) };
        let (refused, step) = decoded(&logged)?;
        let missing = self.missing.values().map(|(place, _)| *place).filter(|place| !refused.contains(place));
        if let Some(place) = missing.min().filter(|_| self.step <= self.compared.confirmed) {
            let number = self.step;
            return Ok(Next::Problem(format!(
                "posting {place} of step {number} is not in the ledger as it was decided"
            )));
        }
        let asked = step.postings.iter().enumerate();
        self.missing =
            asked.map(|(place, posting)| (posting.id, (place, posting.request().content()))).collect();
        self.step = step.number;
        Ok(Next::Step)
    }

    fn read_on(&mut self) -> Result<(), StoreError> {
        let (mut bytes, waiting, read) = (0, &mut self.waiting, &mut self.read);
        (self.compared.steps)(*read, &mut |logged| {
            bytes += logged.step.postings.len();
            *read = logged.step.number;
            waiting.push_back(logged);
            Ok(bytes < STEPS_ABREAST)
        })
    }
}

/// The number of the step that a posting of this id would belong to.
fn step_of(id: TransactionId) -> Option<u64> {
    let bytes = id.0.as_bytes();
    let number = bytes[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    (id.0.get_version_num() == 8 && number > 0).then_some(number)
}

/// The places of the step before it that were refused, and the step itself.
fn decoded(logged: &LoggedStep) -> Result<(Vec<usize>, kopeck_settlement::step::Step), StoreError> {
    let number = logged.step.number;
    let corrupt = |error: MeteringError| StoreError::Corrupt(format!("step {number} of settling: {error}"));
    restart::read(&logged.step.postings)
        .map(|(heading, step)| (heading.refused_before, step))
        .map_err(corrupt)
}

#[cfg(test)]
mod tests;
