//! Pieces of a curve: what one part buys of one month, unit after unit.
//!
//! A unit is a second, a clock hour, a local day or the month; which of them a second lies in the calendar of the plan
//! knows, so that an hour that the clock repeats, a day of 25 hours and the month's border need no rule here.

use std::ops::Range;

use kopeck_rating::calendar::Second;
use kopeck_rating::live::running::{Total, Unit};
use kopeck_rating::meter;
use kopeck_rating::money::{Overflow, Quantity};
use kopeck_rating::plan::Plan;

use crate::within::Within;

/// A part, in a month of its plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    pub plan: &'p Plan,
    pub part: usize,
    /// The number of the month.
    pub month: usize,
}

impl Place<'_> {
    /// What a quantity costs, gross.
    pub fn cost(self, quantity: Quantity) -> Result<Within, Overflow> {
        let part = &self.plan.parts()[self.part];
        let month = &self.plan.months()[self.month];
        Within::of(meter::cost(&part.component.model, quantity, month)?.gross(part.gross)?)
    }

    /// The first second of the month.
    pub fn month_start(self) -> Second {
        self.plan.months()[self.month].start
    }
}

/// How a piece buys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// The quantity of each unit that it touches.
    Units(Unit),
    /// What a sum exceeds the largest of the month so far by.
    Peak {
        /// That largest sum.
        largest: Quantity,
    },
    /// At its start, whatever is stopped.
    Once,
}

/// See the module. Quantities are not below zero: a credit that lasts is not counted on ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'p> {
    pub place: Place<'p>,
    pub how: How,
    /// Its first second; the month's or an earlier one of it where it runs already.
    pub start: Second,
    /// The second after its last.
    pub end: Second,
    pub running: Total,
    pub staying: Total,
    pub entering: Total,
}

impl Piece<'_> {
    fn index(&self, unit: Unit, second: Second) -> i64 {
        unit.index(self.place.plan, self.place.month, second)
    }

    /// Units touched from `from` on and before `to`. `seconds.start` is the first second that is asked for.
    fn touched(&self, unit: Unit, seconds: Range<Second>) -> i64 {
        let (start, end) = (seconds.start.max(self.start), seconds.end.min(self.end));
        if start < end { self.index(unit, end - 1) + 1 - self.index(unit, start) } else { 0 }
    }

    /// Units touched in `[at, until)` by what had touched the one that the second before `at` lies in.
    fn further(&self, unit: Unit, at: Second, until: Second) -> i64 {
        let end = until.min(self.end);
        if at <= self.start {
            self.touched(unit, at..until)
        } else if at < end {
            self.index(unit, end - 1) - self.index(unit, at - 1)
        } else {
            0
        }
    }

    /// What it buys from `from` on and before `at`, running.
    pub fn bought(&self, from: Second, at: Second) -> Result<Quantity, Overflow> {
        match self.how {
            How::Units(unit) => self.running.quantity.times(self.further(unit, from, at)),
            How::Peak { largest } if from <= self.start && self.start < at => {
                more(self.running.quantity, largest)
            }
            How::Once if from <= self.start && self.start < at => Ok(self.running.quantity),
            How::Peak { .. } | How::Once => Ok(Quantity::ZERO),
        }
    }

    /// What it buys before `until` where everything is stopped by `at`, beside what it bought running. In which second
    /// before `at` the cloud stops nobody knows: the unit of the last one counts for what runs and for what is stopped.
    pub fn tail(&self, at: Second, until: Second) -> Result<Quantity, Overflow> {
        match self.how {
            How::Units(unit) => {
                let stays = self.staying.quantity.times(self.further(unit, at, until))?;
                let enters = self.entering.quantity.times(self.touched(unit, at - 1..until))?;
                stays.checked_add(enters)
            }
            How::Peak { largest } => {
                if self.start.max(at - 1) >= until.min(self.end) {
                    return Ok(Quantity::ZERO);
                }
                let before = if self.start < at { self.running.quantity.max(largest) } else { largest };
                more(self.staying.quantity.checked_add(self.entering.quantity)?, before)
            }
            How::Once if at <= self.start && self.start < until => Ok(self.running.quantity),
            How::Once => Ok(Quantity::ZERO),
        }
    }

    /// Charges that it adds to those that have begun by `from`.
    pub fn charges(&self, from: Second) -> Result<i64, Overflow> {
        let begun = if self.start < from { 0 } else { self.running.rounded };
        begun.checked_add(self.entering.rounded).ok_or(Overflow)
    }
}

/// By how much a sum exceeds another.
fn more(sum: Quantity, than: Quantity) -> Result<Quantity, Overflow> {
    Ok(sum.checked_sub(than)?.max(Quantity::ZERO))
}
