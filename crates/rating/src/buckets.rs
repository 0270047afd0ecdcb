//! Buckets: what was spilled, distributed over consecutive parts of a bill, each of which fits the memory.

use crate::intake::{Labels, NewRecord, Records, Statements};
use crate::log::{Log, LoggedRecord};
use crate::money::Overflow;
use crate::route::{Position, Route};
use crate::scratch::{ScratchError, Scratches, Written};
use crate::sums::Sums;

/// Bytes that wait in memory for each bucket: no more than that, and no less.
const BLOCKS: (usize, usize) = (1 << 12, 1 << 18);

/// The parts of a bill and what each needs.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// Where all buckets but the first begin, in order.
    cuts: Vec<Position>,
    logs: Vec<Log>,
    /// Holds the blocks of all.
    written: Written,
    /// Bytes that are written at a time.
    block: usize,
}

impl Buckets {
    /// One bucket that needs all.
    pub(crate) fn whole(log: Log, written: Written) -> Buckets {
        Buckets { cuts: Vec::new(), logs: vec![log], written, block: BLOCKS.1 }
    }

    /// Empty ones, cut at these positions.
    pub(crate) fn new(
        cuts: Vec<Position>,
        limit: usize,
        scratches: &dyn Scratches,
    ) -> Result<Buckets, ScratchError> {
        let logs: Vec<Log> = (0..=cuts.len()).map(|_| Log::default()).collect();
        // A quarter of the limit for what waits: two blocks for each bucket.
        let block = (limit / 8 / logs.len()).clamp(BLOCKS.0, BLOCKS.1);
        Ok(Buckets { cuts, logs, written: Written::new(scratches)?, block })
    }

    /// Copies each entry of a log to where it is needed: a state event to every bucket that its resource is in.
    pub(crate) fn distribute(
        &mut self,
        (log, from): (&Log, &Written),
        records: &Records,
        route: &Route,
    ) -> Result<(), ScratchError> {
        let Buckets { cuts, logs, written, block } = self;
        let bucket = |position: Position| cuts.partition_point(|cut| *cut <= position);
        // State events of one resource come together.
        let (mut of, mut numbers) = (None, Vec::new());
        log.each_record(from, |record| {
            if of != Some(record.resource) {
                of = Some(record.resource);
                numbers.clear();
                let position = |project| route.position(records, project, record.resource);
                numbers.extend(records.projects(record.resource).map(position).map(bucket));
                numbers.sort_unstable();
                numbers.dedup();
            }
            numbers.iter().try_for_each(|number| logs[*number].record(&record, *block, written))
        })?;
        log.each_sum(from, |key, readings| {
            let number = bucket(route.position_of(records, key));
            logs[number].sum((key, readings), *block, written)
        })?;
        logs.iter_mut().try_for_each(|log| log.flush(written))
    }

    /// How many there are: at least one.
    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }

    /// The positions of a bucket: the first, and the first of the next one.
    pub(crate) fn positions(&self, number: usize) -> std::ops::Range<Position> {
        let cut = |number: Option<usize>| number.and_then(|number| self.cuts.get(number)).copied();
        let start = cut(number.checked_sub(1)).unwrap_or((0, 0, 0));
        start..cut(Some(number)).unwrap_or((u32::MAX, u32::MAX, u32::MAX))
    }

    /// Brings what a bucket needs to memory, in place of what is there.
    ///
    /// # Errors
    /// [`ScratchError`], and [`Overflow`] where a sum does not fit 256 bits.
    pub(crate) fn load<E: From<ScratchError> + From<Overflow>>(
        &self,
        number: usize,
        statements: &Statements,
        (records, labels, sums): (&mut Records, &mut Labels, &mut Sums),
    ) -> Result<(), E> {
        records.forget();
        (*labels, *sums) = Default::default();
        let log = &self.logs[number];
        log.each_record(&self.written, |record| {
            let LoggedRecord { resource, time, statement, place, label } = record;
            let mut keep = || {
                let new = NewRecord { time, label: labels.push(label)?, place, statement };
                records.push(resource, statements.get(statement).project, new)
            };
            let many = |_| ScratchError("one project has too many events for one run".to_owned());
            keep().map_err(many).map_err(E::from)
        })?;
        log.each_sum(&self.written, |key, readings| sums.gather(key, readings).map_err(E::from))
    }
}
