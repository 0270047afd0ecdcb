//! What a plan may cost at most: the size of the hold that lets it run (guard.md, point 5).
//!
//! Priced by the same parts, calendars and rounding as charges, from the instant at which it is asked for; what it does not
//! use of the hold comes back. Where the truth depends on what else the project runs (`monthly_peak`, tiers), the most that
//! it can add counts.

use kopeck_rating::calendar::Second;
use kopeck_rating::estimate::plan::Resource;
use kopeck_rating::event::Description;
use kopeck_rating::live::running::{Total, Unit, may_round};
use kopeck_rating::matching;
use kopeck_rating::money::{Amount, Overflow, Quantity};
use kopeck_rating::number::Number;
use kopeck_rating::plan::{Part, Plan, Span};
use kopeck_rating::price_book::{Class, Model, Tiers};

use crate::piece::{How, Piece, Place};
use crate::within::Within;

/// Equal uses: API calls, or a job of the largest size that it may come to.
#[derive(Debug, Clone)]
pub struct Use {
    /// What one is.
    pub description: Description,
    /// How many.
    pub count: i64,
}

/// What somebody asks to spend for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Resources that live together for a time.
    pub resources: Vec<Resource>,
    /// Uses within that time.
    pub uses: Vec<Use>,
}

/// How often and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// All of the request so many times.
    pub times: i64,
    /// Seconds from now to the instant at which the end is confirmed at the latest.
    pub seconds: i64,
}

/// What prices a request.
#[derive(Debug, Clone, Copy)]
pub struct Prices<'p> {
    /// The plan of a book; it holds the months of the request.
    pub plan: &'p Plan,
    /// From when on.
    pub from: Second,
}

impl Prices<'_> {
    /// The most that a request of that size may cost.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits; also of a time that the plan does not hold.
    pub fn most(&self, request: &Request, size: Size) -> Result<Amount, Overflow> {
        let end = self.from.checked_add(size.seconds).ok_or(Overflow)?;
        if end > self.plan.end() || size.times < 0 || size.seconds < 0 {
            return Err(Overflow);
        }
        let (mut sum, mut charges) = (Within::ZERO, 0_i64);
        let mut add = |cost: Within, count: i64| {
            sum = sum.checked_add(cost)?;
            charges = charges.checked_add(count).ok_or(Overflow)?;
            Ok(())
        };
        for resource in &request.resources {
            let count = resource.count.checked_mul(size.times).ok_or(Overflow)?;
            self.resource((&resource.description, resource.class, count), end, &mut add)?;
        }
        for used in &request.uses {
            let count = used.count.checked_mul(size.times).ok_or(Overflow)?;
            self.uses((&used.description, count), end, &mut add)?;
        }
        Ok(sum.give_or_take(charges)?.most().max(Amount::ZERO))
    }

    fn resource(
        &self,
        (description, class, count): (&Description, Class, i64),
        end: Second,
        add: &mut impl FnMut(Within, i64) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let mut once = Dearest::default();
        for number in self.plan.matching(description, Some(class), true) {
            let part = &self.plan.parts()[number];
            let one = matching::measure(&part.component, description)?.quantity;
            let (quantity, rounded) = (one.times(count)?, if may_round(part, one)? { count } else { 0 });
            let running = Total { quantity: quantity.max(Quantity::ZERO), rounded };
            if let Model::Once { price } = part.component.model {
                if part.in_force.start < end && self.from < part.in_force.end {
                    let cost = Within::of(running.quantity.priced(price, 1)?.gross(part.gross)?)?;
                    once.offer(&part.component.id, (cost, rounded));
                }
                continue;
            }
            for month in 0..self.plan.months().len() {
                let place = Place { plan: self.plan, part: number, month };
                let cost = self.in_month(place, running, end)?;
                add(cost, if cost == Within::ZERO { 0 } else { rounded })?;
            }
        }
        once.0.into_iter().try_for_each(|(_, cost, rounded)| add(cost, rounded))
    }

    /// What a quantity costs in a month up to an instant.
    fn in_month(&self, place: Place<'_>, running: Total, end: Second) -> Result<Within, Overflow> {
        let (part, month) = (&place.plan.parts()[place.part], &place.plan.months()[place.month]);
        let start = self.from.max(part.priced.start).max(month.start);
        let end = end.min(part.priced.end).min(month.end);
        if start >= end {
            return Ok(Within::ZERO);
        }
        let how = How::Units(Unit::of(&part.component.model));
        let (staying, entering) = (Total::ZERO, Total::ZERO);
        let piece = Piece { place, how, start, end, running, staying, entering };
        place.cost(piece.bought(self.from, end)?)
    }

    fn uses(
        &self,
        (description, count): (&Description, i64),
        end: Second,
        add: &mut impl FnMut(Within, i64) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let mut dearest = Dearest::default();
        for number in self.plan.matching(description, None, false) {
            let part = &self.plan.parts()[number];
            let is_within = |span: &Span| span.start < end.max(self.from + 1) && self.from < span.end;
            if part.spans.iter().any(is_within) {
                let one = matching::measure(&part.component, description)?.quantity;
                let cost = most_of_uses(part, one.times(count)?)?;
                let rounded = if may_round(part, one)? { count } else { 0 };
                dearest.offer(&part.component.id, (cost, rounded));
            }
        }
        dearest.0.into_iter().try_for_each(|(_, cost, rounded)| add(cost, rounded))
    }
}

/// Of what prices something once under one id, the dearest version counts.
#[derive(Default)]
struct Dearest<'p>(Vec<(&'p str, Within, i64)>);

impl<'p> Dearest<'p> {
    fn offer(&mut self, id: &'p str, (cost, rounded): (Within, i64)) {
        match self.0.iter_mut().find(|(other, ..)| *other == id) {
            Some((_, known, _)) if known.covers(cost) => {}
            Some(known) => *known = (id, cost, rounded),
            None => self.0.push((id, cost, rounded)),
        }
    }
}

/// The most that uses may add to a month's cost of a part.
fn most_of_uses(part: &Part, quantity: Quantity) -> Result<Within, Overflow> {
    let price = match &part.component.model {
        Model::PerUse { price } => *price,
        Model::Tiered(tiers) => highest(tiers),
        _ => Number::ZERO,
    };
    Within::of(quantity.max(Quantity::ZERO).priced(price, 1)?.gross(part.gross)?)
}

/// The highest price of a tier. Where a volume's price rises with the sum, what was used before is priced anew as well: such
/// a jump is not held for and accrues.
fn highest(tiers: &Tiers) -> Number {
    tiers.bounded.iter().map(|(_, price)| *price).fold(tiers.open, Number::max)
}
