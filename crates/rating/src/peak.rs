//! Sums over time, for `monthly_peak`: the largest sum of quantities at one instant of any interval.
//!
//! Quantities begin and end at seconds; what changes in one second changes together. Beside the changes stand
//! summaries: for each hour of Unix time its net change and its largest sum counted from its start, for each block
//! of 1,024 hours its net change. A change costs the changes of its hour; a month is read from at most 745
//! summaries, the changes of two hours, and the blocks and hours before it that say what it began with.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::calendar::Second;
use crate::money::{Overflow, Quantity};

/// Seconds of a summary. Any partition of time would do: this is not the local clock's hour.
const HOUR: i64 = 3_600;
/// Hours of a block.
const BLOCK: i64 = 1_024;

/// A sum of quantities that changes over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// None is zero.
    changes: BTreeMap<Second, Quantity>,
    hours: BTreeMap<i64, Hour>,
    blocks: BTreeMap<i64, Quantity>,
}

/// The summary of an hour that has changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hour {
    net: Quantity,
    /// The largest sum after any of its changes, counted from what it began with.
    largest: Quantity,
}

impl Sums {
    /// The sum that changes by so much at these seconds.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn of(mut changes: BTreeMap<Second, Quantity>) -> Result<Sums, Overflow> {
        changes.retain(|_, by| !by.is_zero());
        let mut sums = Sums::default();
        for (second, by) in &changes {
            let hour = second.div_euclid(HOUR);
            let summary = sums.hours.get(&hour).copied();
            let net = summary.map_or(Ok(*by), |before| before.net.checked_add(*by))?;
            let largest = summary.map_or(net, |before| before.largest.max(net));
            sums.hours.insert(hour, Hour { net, largest });
            let block = sums.blocks.entry(hour.div_euclid(BLOCK)).or_insert(Quantity::ZERO);
            *block = block.checked_add(*by)?;
        }
        Ok(Sums { changes, ..sums })
    }

    /// Its changes, none of them zero, in the order of time.
    #[must_use]
    pub fn changes(&self) -> &BTreeMap<Second, Quantity> {
        &self.changes
    }

    /// Its changes for whoever looks from that second on: what changed before it changes in it.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn changes_from(&self, second: Second) -> Result<BTreeMap<Second, Quantity>, Overflow> {
        let before =
            self.changes.range(..=second).try_fold(Quantity::ZERO, |sum, (_, by)| sum.checked_add(*by))?;
        let after = self.changes.range(second.saturating_add(1)..).map(|(second, by)| (*second, *by));
        Ok(Some((second, before)).filter(|_| !before.is_zero()).into_iter().chain(after).collect())
    }

    /// Changes the sum from that second on.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn change(&mut self, second: Second, by: Quantity) -> Result<(), Overflow> {
        let change = self.changes.entry(second).or_insert(Quantity::ZERO);
        *change = change.checked_add(by)?;
        if change.is_zero() {
            self.changes.remove(&second);
        }
        let hour = second.div_euclid(HOUR);
        let block = self.blocks.entry(hour.div_euclid(BLOCK)).or_insert(Quantity::ZERO);
        *block = block.checked_add(by)?;
        if let Some(summary) = self.summary(hour)? {
            self.hours.insert(hour, summary);
        } else {
            self.hours.remove(&hour);
        }
        Ok(())
    }

    /// The largest sum at any second of the interval; at least zero, which is the sum where nothing is.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn largest(&self, seconds: Range<Second>) -> Result<Quantity, Overflow> {
        if seconds.is_empty() {
            return Ok(Quantity::ZERO);
        }
        let mut sum = self.at(seconds.start)?;
        let mut largest = sum.max(Quantity::ZERO);
        let mut next = seconds.start + 1;
        while next < seconds.end {
            let hour = next.div_euclid(HOUR);
            let (start, end) = (hour * HOUR, (hour + 1) * HOUR);
            if next == start && end <= seconds.end {
                let whole = seconds.end.div_euclid(HOUR);
                for (_, summary) in self.hours.range(hour..whole) {
                    largest = sum.checked_add(summary.largest)?.max(largest);
                    sum = sum.checked_add(summary.net)?;
                }
                next = whole * HOUR;
            } else {
                for (_, change) in self.changes.range(next..end.min(seconds.end)) {
                    sum = sum.checked_add(*change)?;
                    largest = sum.max(largest);
                }
                next = end;
            }
        }
        Ok(largest)
    }

    /// The sum in that second.
    fn at(&self, second: Second) -> Result<Quantity, Overflow> {
        let hour = second.div_euclid(HOUR);
        let block = hour.div_euclid(BLOCK);
        let blocks = self.blocks.range(..block).map(|(_, net)| *net);
        let hours = self.hours.range(block * BLOCK..hour).map(|(_, summary)| summary.net);
        let changes = self.changes.range(hour * HOUR..=second).map(|(_, change)| *change);
        blocks.chain(hours).chain(changes).try_fold(Quantity::ZERO, Quantity::checked_add)
    }

    /// The summary of an hour, from its changes; `None` where it has none.
    fn summary(&self, hour: i64) -> Result<Option<Hour>, Overflow> {
        let mut summary: Option<Hour> = None;
        for (_, change) in self.changes.range(hour * HOUR..(hour + 1) * HOUR) {
            let net = summary.map_or(Ok(*change), |before| before.net.checked_add(*change))?;
            let largest = summary.map_or(net, |before| before.largest.max(net));
            summary = Some(Hour { net, largest });
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Number;
    use proptest::prelude::*;

    fn quantity(units: i64) -> Quantity {
        let one = Quantity::from(Number::from_json("1").unwrap());
        one.times(units).unwrap()
    }

    #[test]
    fn what_ends_when_another_begins_is_never_summed_with_it() {
        let mut sums = Sums::default();
        for (second, by) in [(10, 1), (20, -1), (20, 1), (30, -1)] {
            sums.change(second, quantity(by)).unwrap();
        }
        assert_eq!(sums.largest(0..100), Ok(quantity(1)));
        assert_eq!(sums.largest(0..10), Ok(quantity(0)));
        assert_eq!(sums.largest(25..26), Ok(quantity(1)));
        assert_eq!(sums.largest(30..9_000_000), Ok(quantity(0)));
    }

    #[test]
    fn what_ends_at_the_start_of_an_interval_is_not_in_it() {
        let mut sums = Sums::default();
        sums.change(-7_200, quantity(5)).unwrap();
        sums.change(3_600, quantity(-4)).unwrap();
        assert_eq!(sums.largest(3_600..40_000), Ok(quantity(1)));
        assert_eq!(sums.largest(3_599..40_000), Ok(quantity(5)));
    }

    proptest! {
        #[test]
        fn summaries_say_what_the_seconds_say(
            changes in prop::collection::vec((-20_000..20_000_i64, -3..4_i64), 0..30),
            (from, length) in (-21_000..21_000_i64, 0..20_000_i64),
        ) {
            let mut sums = Sums::default();
            for (second, by) in &changes {
                sums.change(*second, quantity(*by)).unwrap();
            }
            let sum = |at: i64| changes.iter().filter(|(second, _)| *second <= at).map(|(_, by)| by).sum::<i64>();
            let stops = changes.iter().map(|(second, _)| *second).chain([from]);
            let within = stops.filter(|second| (from..from + length).contains(second));
            let largest = within.map(sum).max().unwrap_or(0).max(0);
            prop_assert_eq!(sums.largest(from..from + length), Ok(quantity(largest)));
            // Made of its changes at once, it is the same but for blocks whose changes have come to nothing.
            let mut again = Sums::of(sums.changes().clone()).unwrap();
            for sums in [&mut sums, &mut again] {
                sums.blocks.retain(|_, net| !net.is_zero());
            }
            prop_assert_eq!(again, sums);
        }
    }
}
