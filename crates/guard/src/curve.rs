//! The curve of a project's cost from now on, if nothing happens but the passing of time (guard.md, point 1).
//!
//! A sum over pieces: for each part of the price books, announced versions included, and each month what runs buys of it.
//! Its size is O(parts), whatever the number of resources. An amount at an instant is a closed form, so an instant at which
//! an amount is met is looked for by halving: O(parts × log seconds).
//!
//! Amounts of resources are rounded each when they are posted (rating.md, "Rounding and windows"), and a sum of quantities
//! does not tell how. So the curve knows an amount [`Within`] half of 10⁻⁶ for each charge that may be rounded. What is
//! priced by whole hours, months or once at prices of whole kopecks is not rounded and known exactly; for the rest a stop
//! is computed from the upper bound, so that it is never late, and an amount that is met is told from which instant on it
//! may be met and from which on it certainly is: the exact amount is settled when the timer fires.

use std::collections::BTreeMap;
use std::ops::Range;

use kopeck_rating::calendar::Second;
use kopeck_rating::live::running::{Flow, FlowKey, Total, Unit};
use kopeck_rating::live::standing::{Due, Standing};
use kopeck_rating::money::{Amount, Overflow, Quantity};
use kopeck_rating::price_book::Model;
use kopeck_rating::resource::PeakKey;

use crate::piece::{How, Piece, Place};
use crate::within::Within;

/// Whose cost is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Period {
    /// The cost of one month, given by its seconds: what it has come to, and what comes.
    Month(Range<Second>),
    /// What comes from now on, in whatever month.
    Ahead,
}

/// When an amount is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The first instant at which it may be met. Exact where nothing is rounded.
    pub earliest: Second,
    /// The first instant at which it certainly is met; `None` where that lies beyond what was asked for.
    pub certain: Option<Second>,
}

/// See the module.
#[derive(Debug)]
pub struct Curve<'p> {
    from: Second,
    /// The seconds up to which all pieces are known.
    until: Second,
    /// What the month of `from` has cost before it.
    base: Within,
    /// The first second of that month.
    month_start: Option<Second>,
    /// Charges of it that may be rounded.
    charges: i64,
    /// Whether the base is what was settled.
    is_settled: bool,
    pieces: Vec<Piece<'p>>,
    /// What of the base a rate limit looks at.
    pace: Within,
}

impl<'p> Curve<'p> {
    /// The curve from an instant on of a project that has nothing.
    #[must_use]
    pub fn new(from: Second) -> Curve<'p> {
        Curve {
            from,
            until: Second::MAX,
            base: Within::ZERO,
            month_start: None,
            charges: 0,
            is_settled: false,
            pieces: Vec::new(),
            pace: Within::ZERO,
        }
    }

    /// Adds how the project stands in one of the books that price it, at the curve's instant.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn add(&mut self, standing: &Standing<'p>) -> Result<(), Overflow> {
        let Standing { plan, month, .. } = *standing;
        for bought in &standing.bought {
            let place = Place { plan, part: bought.part, month };
            let cost = place.cost(bought.total.quantity)?;
            self.base = self.base.checked_add(cost)?;
            if plan.parts()[bought.part].component.model.is_paced() {
                self.pace = self.pace.checked_add(cost)?;
            }
            self.charges = self.charges.checked_add(bought.total.rounded).ok_or(Overflow)?;
        }
        self.add_flows(standing, &standing.flows)
    }

    /// Adds only what a limit is about of what runs, such as the flows of a kind or of a region; not what was bought: that is
    /// told by [`settle_at`](Curve::settle_at). What will be due `once` is added whole.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn add_where(
        &mut self,
        standing: &Standing<'p>,
        is_meant: impl Fn(&FlowKey) -> bool,
    ) -> Result<(), Overflow> {
        let meant = standing.flows.iter().filter(|(key, _)| is_meant(key));
        let flows: Vec<(FlowKey, &Flow)> = meant.copied().collect();
        for (_, flow) in flows.iter().filter(|(key, _)| key.start < self.from) {
            self.charges = self.charges.checked_add(flow.running.rounded).ok_or(Overflow)?;
        }
        self.add_flows(standing, &flows)
    }

    fn add_flows(&mut self, standing: &Standing<'p>, flows: &[(FlowKey, &Flow)]) -> Result<(), Overflow> {
        let Standing { plan, month, .. } = *standing;
        self.month_start = Some(plan.months()[month].start);
        self.until = self.until.min(plan.end());
        for number in month..plan.months().len() {
            for (key, flow) in flows {
                self.add_flow(Place { plan, part: key.part, month: number }, (key, flow));
            }
            self.add_peaks(standing, flows, number)?;
        }
        for Due { part, at, total } in &standing.due {
            let Some(month) = plan.month_of(*at) else { continue };
            let place = Place { plan, part: *part, month };
            let none = Total::ZERO;
            self.pieces.push(Piece {
                place,
                how: How::Once,
                start: *at,
                end: at + 1,
                running: positive(*total),
                staying: none,
                entering: none,
            });
        }
        Ok(())
    }

    fn add_flow(&mut self, place: Place<'p>, (key, flow): (&FlowKey, &Flow)) {
        let month = &place.plan.months()[place.month];
        let model = &place.plan.parts()[place.part].component.model;
        let (start, end) = (key.start.max(month.start), key.end.min(month.end));
        if start >= end || end <= self.from || matches!(model, Model::MonthlyPeak { .. }) {
            return;
        }
        self.pieces.push(Piece {
            place,
            how: How::Units(Unit::of(model)),
            start,
            end,
            running: positive(flow.running),
            staying: positive(flow.staying),
            entering: positive(flow.entering),
        });
    }

    /// Sums of `monthly_peak` are of all flows of a group together.
    fn add_peaks(
        &mut self,
        standing: &Standing<'p>,
        flows: &[(FlowKey, &Flow)],
        month: usize,
    ) -> Result<(), Overflow> {
        let Standing { plan, peaks, .. } = standing;
        let calendar = &plan.months()[month];
        let mut sums: BTreeMap<_, ([Total; 3], Second)> = BTreeMap::new();
        let is_peak = |key: &&(FlowKey, &Flow)| {
            matches!(plan.parts()[key.0.part].component.model, Model::MonthlyPeak { .. })
        };
        for (key, flow) in flows.iter().filter(is_peak) {
            if key.start.max(calendar.start) < key.end.min(calendar.end) {
                let start = calendar.start.max(plan.parts()[key.part].priced.start);
                let none = ([Total::ZERO; 3], start);
                let (sum, start) = sums.entry((key.part, key.group)).or_insert(none);
                for (sum, of) in sum.iter_mut().zip([flow.running, flow.staying, flow.entering]) {
                    *sum = sum.checked_add(of)?;
                }
                // What is billed only later in the present month raises its sum then.
                if *start < self.from && self.from <= key.start {
                    *start = key.start;
                }
            }
        }
        for ((part, group), ([running, staying, entering], start)) in sums {
            let is_it = |key: &PeakKey| key.part == part && key.group == group;
            let known = peaks.iter().find(|peak| month == standing.month && is_it(&peak.key));
            let largest = known.map_or(Quantity::ZERO, |peak| peak.largest);
            let one = |total: Total| positive(Total { rounded: total.rounded.min(1), ..total });
            self.pieces.push(Piece {
                place: Place { plan, part, month },
                how: How::Peak { largest },
                start,
                end: calendar.end,
                running: one(running),
                staying: one(staying),
                entering: one(entering),
            });
        }
        Ok(())
    }

    /// Says what the month has cost by the curve's instant: what was settled, or what is not in any standing.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn settle_at(&mut self, spent: Amount) -> Result<(), Overflow> {
        self.base = Within::known(spent)?;
        self.is_settled = true;
        Ok(())
    }

    /// Adds what the month has cost elsewhere, such as jobs and storages.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn add_spent(&mut self, spent: Amount) -> Result<(), Overflow> {
        self.base = self.base.checked_add(Within::known(spent)?)?;
        Ok(())
    }

    /// The instant that it begins at.
    #[must_use]
    pub fn from(&self) -> Second {
        self.from
    }

    /// The instant up to which it is known.
    #[must_use]
    pub fn until(&self) -> Second {
        self.until
    }

    /// The cost at an instant that is not before the curve's.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn cost(&self, period: &Period, at: Second) -> Result<Within, Overflow> {
        self.sum(period, |piece| piece.bought(self.from, at))?.give_or_take(self.halves(period)?)
    }

    /// What it comes to before `until` where everything is stopped by `at`: C + tail.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn stopped_by(&self, period: &Period, at: Second, until: Second) -> Result<Within, Overflow> {
        let sum = self.sum(period, |piece| {
            piece.bought(self.from, at.min(until))?.checked_add(piece.tail(at, until)?)
        })?;
        sum.give_or_take(self.halves(period)?)
    }

    /// What the models that a rate limit looks at cost in the time from the curve's instant on: `once`, `monthly` and
    /// `monthly_peak` are left out.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn running_cost(&self, at: Second) -> Result<Within, Overflow> {
        self.sum(&Period::Ahead, |piece| {
            let place = piece.place;
            match &place.plan.parts()[place.part].component.model {
                Model::PerSecond { .. } | Model::HourlyPeak { .. } => piece.bought(self.from, at),
                _ => Ok(Quantity::ZERO),
            }
        })
    }

    /// When an amount is met, at the latest by `until`.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn meets(
        &self,
        period: &Period,
        amount: Amount,
        until: Second,
    ) -> Result<Option<Crossing>, Overflow> {
        let may = |at| Ok(self.cost(period, at)?.most() >= amount);
        let must = |at| Ok(self.cost(period, at)?.least() >= amount);
        let Some(earliest) = first(self.from..until, may)? else { return Ok(None) };
        Ok(Some(Crossing { earliest, certain: first(earliest..until, must)? }))
    }

    /// What the models that a rate limit looks at have cost in the month before the curve's instant, usage included.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn running_cost_so_far(&self) -> Result<Within, Overflow> {
        self.pace.give_or_take(self.charges)
    }

    /// The pieces of a period.
    pub(crate) fn pieces(&self, period: &Period) -> impl Iterator<Item = &Piece<'p>> {
        let month = match period {
            Period::Month(seconds) => Some(seconds.start),
            Period::Ahead => None,
        };
        self.pieces.iter().filter(move |piece| month.is_none_or(|month| piece.place.month_start() == month))
    }

    fn sum(
        &self,
        period: &Period,
        quantity: impl Fn(&Piece<'p>) -> Result<Quantity, Overflow>,
    ) -> Result<Within, Overflow> {
        self.pieces(period).try_fold(self.base_of(period), |sum, piece| {
            let quantity = quantity(piece)?;
            if quantity.is_zero() { Ok(sum) } else { sum.checked_add(piece.place.cost(quantity)?) }
        })
    }

    /// Whether a period is the month that the curve begins in.
    fn is_present(&self, period: &Period) -> bool {
        match period {
            Period::Month(seconds) => self.month_start.is_none_or(|start| start == seconds.start),
            Period::Ahead => false,
        }
    }

    fn base_of(&self, period: &Period) -> Within {
        if self.is_present(period) { self.base } else { Within::ZERO }
    }

    /// Halves of 10⁻⁶ that are not known. One for each charge; two where only the difference to what was settled counts,
    /// because both ends of it are rounded.
    fn halves(&self, period: &Period) -> Result<i64, Overflow> {
        let begun = if self.is_present(period) || *period == Period::Ahead { self.charges } else { 0 };
        let mut charges = begun;
        for piece in self.pieces(period) {
            charges = charges.checked_add(piece.charges(self.from)?).ok_or(Overflow)?;
        }
        let is_difference = *period == Period::Ahead || (self.is_settled && self.is_present(period));
        charges.checked_mul(if is_difference { 2 } else { 1 }).ok_or(Overflow)
    }
}

/// Of what may not go on (a credit) nothing is counted ahead.
fn positive(total: Total) -> Total {
    Total { quantity: total.quantity.max(Quantity::ZERO), ..total }
}

/// The first of these instants, the last included, at which something holds that then goes on holding.
pub(crate) fn first(
    instants: Range<Second>,
    holds: impl Fn(Second) -> Result<bool, Overflow>,
) -> Result<Option<Second>, Overflow> {
    let (mut low, mut high) = (instants.start, instants.end);
    if low > high || !holds(high)? {
        return Ok(None);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? { high = middle } else { low = middle + 1 }
    }
    Ok(Some(low))
}
