//! When a limit asks for a stop (guard.md, points 1 and 2).
//!
//! The last instant t at which C(t + D + L) + tail ≤ limit. A cloud may stop earlier than it must, and not to the second:
//! so the hour or day in which it may stop counts for what runs and for what is stopped.
//!
//! Usually what running longer costs is more than what being stopped later saves, everywhere on the curve; then halving
//! finds the instant. Where it is not (an inactive day that costs more than an active hour), or where a version cuts the
//! time, the hours are looked at one by one, from the last back.

use std::collections::BTreeMap;

use kopeck_rating::calendar::Second;
use kopeck_rating::live::running::Unit;
use kopeck_rating::money::{Amount, Overflow};

use crate::curve::{Curve, Period, first};
use crate::piece::{How, Piece};
use crate::within::Within;

/// What a stop is to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The cost of what.
    pub period: Period,
    /// The highest cost that is allowed.
    pub limit: Amount,
    /// Seconds from the act to the instant at which the cloud has stopped at the latest: D + L.
    pub reaction: i64,
    /// For [`Period::Ahead`]: the seconds after the stop for which the limit has to pay what stopping does not end.
    pub horizon: i64,
}

/// A stop that a limit asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// The last instant at which it is sent in time; that of the curve where it is late already.
    pub at: Second,
    /// What the cost will be above the limit all the same: most likely none.
    pub excess: Amount,
}

/// Seconds of an hour; the calendar's own may be shorter.
pub(crate) const HOUR: i64 = 3_600;

impl Curve<'_> {
    /// The stop that keeps a cap; `None` where none is needed in the time that the curve is known for.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn last_act(&self, cap: &Cap) -> Result<Option<Act>, Overflow> {
        let (begins, ends) = match &cap.period {
            Period::Month(seconds) => (seconds.start, seconds.end),
            Period::Ahead => (self.from(), self.until().saturating_sub(cap.horizon)),
        };
        let soonest = self.from().saturating_add(cap.reaction);
        let end = self.end(cap, ends);
        if self.cost(&cap.period, end.min(self.until()))?.most() <= cap.limit {
            return Ok(None);
        }
        let earliest = soonest.max(begins);
        if earliest >= ends {
            // Whatever is sent now comes after the period.
            let excess = self.cost(&cap.period, ends.max(self.from()))?.most().checked_sub(cap.limit)?;
            return Ok((excess > Amount::ZERO).then_some(Act { at: self.from(), excess }));
        }
        let holds = |at: Second| Ok(self.stopped(cap, at)?.most() <= cap.limit);
        if let Some(last) = self.last(cap, (earliest, ends), &holds)? {
            let is_never = last == ends && cap.period == Period::Ahead;
            return Ok((!is_never).then_some(Act { at: last - cap.reaction, excess: Amount::ZERO }));
        }
        let excess = self.stopped(cap, earliest)?.most().checked_sub(cap.limit)?;
        Ok(Some(Act { at: earliest - cap.reaction, excess }))
    }

    /// C + tail.
    fn stopped(&self, cap: &Cap, at: Second) -> Result<Within, Overflow> {
        self.stopped_by(&cap.period, at, self.end(cap, at))
    }

    /// The instant up to which the limit pays for what is stopped at an instant.
    fn end(&self, cap: &Cap, at: Second) -> Second {
        match &cap.period {
            Period::Month(seconds) => seconds.end,
            Period::Ahead => at.saturating_add(cap.horizon),
        }
    }

    /// The last instant at which something holds.
    fn last(
        &self,
        cap: &Cap,
        (earliest, ends): (Second, Second),
        holds: &impl Fn(Second) -> Result<bool, Overflow>,
    ) -> Result<Option<Second>, Overflow> {
        let last_within = |low: Second, high: Second| {
            let ends_at = first(low..high, |at| Ok(!holds(at)?))?;
            Ok(ends_at.map_or(high, |at| at - 1))
        };
        if self.is_rising(&cap.period)? {
            return if holds(earliest)? { last_within(earliest, ends).map(Some) } else { Ok(None) };
        }
        let marks = self.marks(&cap.period, (earliest, ends));
        for (low, high) in marks.windows(2).map(|pair| (pair[0] + 1, pair[1])).rev() {
            if holds(high)? {
                return Ok(Some(high));
            }
            if holds(low)? {
                return last_within(low, high).map(Some);
            }
        }
        Ok(if holds(earliest)? { Some(earliest) } else { None })
    }

    /// Whether stopping later never costs less: each unit that is bought running costs at least what a stop before it
    /// would have made of it.
    fn is_rising(&self, period: &Period) -> Result<bool, Overflow> {
        let mut sums: BTreeMap<(Unit, Second, Second), [Within; 2]> = BTreeMap::new();
        for piece in self.pieces(period) {
            let How::Units(unit) = piece.how else { continue };
            let month_end = piece.place.plan.months()[piece.place.month].end;
            let enters = !piece.entering.quantity.is_zero() && unit != Unit::Month;
            if enters && piece.end < month_end {
                return Ok(false);
            }
            let [more, less] = sums.entry((unit, piece.start, piece.end)).or_insert([Within::ZERO; 2]);
            let ends = piece.running.quantity.checked_sub(piece.staying.quantity)?;
            *more = more.checked_add(piece.place.cost(ends)?)?;
            if enters {
                *less = less.checked_add(piece.place.cost(piece.entering.quantity)?)?;
            }
        }
        Ok(sums.values().all(|[more, less]| more.covers(*less)))
    }

    /// Instants between which nothing but seconds is bought: both ends, hours of all calendars, starts and ends of pieces.
    fn marks(&self, period: &Period, (earliest, ends): (Second, Second)) -> Vec<Second> {
        let mut marks = vec![earliest, ends];
        for piece in self.pieces(period) {
            marks.extend([piece.start, piece.end]);
        }
        let plan = self.pieces(period).map(|Piece { place, .. }| place.plan).next();
        let mut next = earliest;
        while let Some(plan) = plan.filter(|_| next < ends) {
            let hours = plan.hours();
            let after = hours.start(hours.index(next) + 1);
            // Beyond the plan there are no numbers; an hour is never longer than that.
            next = if after > next { after } else { next + HOUR };
            marks.push(next);
        }
        marks.retain(|mark| (earliest..=ends).contains(mark));
        marks.sort_unstable();
        marks.dedup();
        marks
    }
}
