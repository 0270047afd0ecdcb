//! Logs: state events and sums in a scratch, in the order in which they were put there.

use crate::money::Quantity;
use crate::rows::Readings;
use crate::scratch::{ScratchError, Written};
use crate::sums::SumKey;
use ethnum::I256;

/// A state event outside memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoggedRecord<'a> {
    /// The number of its resource.
    pub(crate) resource: u32,
    /// The instant, in nanoseconds of Unix time.
    pub(crate) time: i64,
    /// The number of its project and data.
    pub(crate) statement: u32,
    /// The number of its place.
    pub(crate) place: u32,
    /// Its sequence and id, as labels are written.
    pub(crate) label: &'a [u8],
}

/// State events and sums, in blocks of a scratch that other logs may share.
#[derive(Debug, Default)]
pub(crate) struct Log {
    records: Pile,
    sums: Pile,
}

impl Log {
    /// Writes a state event; blocks have so many bytes, or a few more.
    pub(crate) fn record(
        &mut self,
        record: &LoggedRecord<'_>,
        block: usize,
        to: &mut Written,
    ) -> Result<(), ScratchError> {
        let LoggedRecord { resource, time, statement, place, label } = record;
        // A line limits labels to far below 2³² bytes.
        let length = u32::try_from(label.len()).unwrap_or(u32::MAX);
        for number in [*resource, *statement, *place, length] {
            self.records.waiting.extend_from_slice(&number.to_le_bytes());
        }
        self.records.waiting.extend_from_slice(&time.to_le_bytes());
        self.records.waiting.extend_from_slice(label);
        self.records.flush_if(block, to)
    }

    /// Writes what a sum has come to.
    pub(crate) fn sum(
        &mut self,
        (key, readings): (SumKey, Readings),
        block: usize,
        to: &mut Written,
    ) -> Result<(), ScratchError> {
        let SumKey { part, month, project, resource } = key;
        for number in [part, month, project, resource] {
            self.sums.waiting.extend_from_slice(&number.to_le_bytes());
        }
        for quantity in [readings.to, readings.from] {
            self.sums.waiting.extend_from_slice(&quantity.units().to_le_bytes());
        }
        self.sums.flush_if(block, to)
    }

    /// Writes what waits in memory, and keeps no room for more.
    pub(crate) fn flush(&mut self, to: &mut Written) -> Result<(), ScratchError> {
        for pile in [&mut self.records, &mut self.sums] {
            pile.flush_if(0, to)?;
            pile.waiting = Vec::new();
        }
        Ok(())
    }

    /// Reads all state events.
    pub(crate) fn each_record<E: From<ScratchError>>(
        &self,
        from: &Written,
        mut each: impl FnMut(LoggedRecord<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.records.each_block(from, |mut rest| {
            while !rest.is_empty() {
                each(take_record(&mut rest).ok_or_else(garbled)?)?;
            }
            Ok(())
        })
    }

    /// Reads what all sums had come to.
    pub(crate) fn each_sum<E: From<ScratchError>>(
        &self,
        from: &Written,
        mut each: impl FnMut(SumKey, Readings) -> Result<(), E>,
    ) -> Result<(), E> {
        self.sums.each_block(from, |mut rest| {
            while !rest.is_empty() {
                let (key, readings) = take_sum(&mut rest).ok_or_else(garbled)?;
                each(key, readings)?;
            }
            Ok(())
        })
    }
}

fn garbled() -> ScratchError {
    ScratchError("a temporary file does not hold what was written to it".to_owned())
}

fn take_record<'a>(rest: &mut &'a [u8]) -> Option<LoggedRecord<'a>> {
    let [resource, statement, place, length] = take_numbers(rest)?;
    let time = i64::from_le_bytes(take(rest)?);
    let (label, after) = rest.split_at_checked(length as usize)?;
    *rest = after;
    Some(LoggedRecord { resource, time, statement, place, label })
}

fn take_sum(rest: &mut &[u8]) -> Option<(SumKey, Readings)> {
    let [part, month, project, resource] = take_numbers(rest)?;
    let mut quantity = || Some(Quantity::from_units(I256::from_le_bytes(take(rest)?)));
    let (to, from) = (quantity()?, quantity()?);
    Some((SumKey { part, month, project, resource }, Readings { to, from }))
}

fn take_numbers(rest: &mut &[u8]) -> Option<[u32; 4]> {
    let bytes: [u8; 16] = take(rest)?;
    let mut numbers = [0; 4];
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *number = u32::from_le_bytes(*bytes);
    }
    Some(numbers)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

/// Entries one after the other: whole ones in blocks of a scratch, the last ones in memory.
#[derive(Debug, Default)]
struct Pile {
    /// Where blocks begin, and their lengths in bytes.
    blocks: Vec<(u64, usize)>,
    waiting: Vec<u8>,
}

impl Pile {
    /// Writes what waits, if it is so many bytes.
    fn flush_if(&mut self, bytes: usize, to: &mut Written) -> Result<(), ScratchError> {
        if self.waiting.len() >= bytes && !self.waiting.is_empty() {
            self.blocks.push((to.append(&self.waiting)?, self.waiting.len()));
            self.waiting.clear();
        }
        Ok(())
    }

    fn each_block<E: From<ScratchError>>(
        &self,
        from: &Written,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bytes = Vec::new();
        for (begin, length) in &self.blocks {
            bytes.resize(*length, 0);
            from.read_at(*begin, &mut bytes)?;
            each(&bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::InMemory;

    #[test]
    fn logs_that_share_a_scratch_answer_what_each_was_given_in_order() {
        let mut scratch = Written::new(&InMemory).unwrap();
        let mut logs = [Log::default(), Log::default()];
        let label = vec![7; 1_000];
        let record = |number: u32| LoggedRecord {
            resource: number,
            time: -i64::from(number),
            statement: 1,
            place: u32::MAX,
            label: &label[..number as usize % 1_000],
        };
        let sum = |number: u32| {
            let to = Quantity::ONE.times(-i64::from(number)).unwrap();
            let key = SumKey { part: number, month: 2, project: 3, resource: 4 };
            (key, Readings { to, from: Quantity::ONE })
        };
        for number in 0..2_000 {
            let log = &mut logs[number as usize % 2];
            log.record(&record(number), 5_000, &mut scratch).unwrap();
            log.sum(sum(number), 5_000, &mut scratch).unwrap();
        }
        for (first, log) in (0..).zip(&mut logs) {
            log.flush(&mut scratch).unwrap();
            let mut numbers = (first..2_000).step_by(2);
            log.each_record(&scratch, |read| {
                assert_eq!(read, record(numbers.next().unwrap()));
                Ok::<_, ScratchError>(())
            })
            .unwrap();
            assert_eq!(numbers.next(), None);
            let mut numbers = (first..2_000).step_by(2);
            log.each_sum(&scratch, |key, readings| {
                let (own, expected) = sum(numbers.next().unwrap());
                assert_eq!((key, readings.to, readings.from), (own, expected.to, expected.from));
                Ok::<_, ScratchError>(())
            })
            .unwrap();
            assert_eq!(numbers.next(), None);
        }
    }
}
