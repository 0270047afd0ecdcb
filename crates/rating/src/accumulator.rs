//! Accumulators: what one resource has come to so far, component by component and month by month.
//!
//! An accumulator is fed the holdings of a resource in the order of time. It keeps quantities, never money, and what
//! `once` must remember for ever. `monthly_peak` is project-wide and not here; nor are the events themselves.

use std::ops::Range;

use crate::calendar::Second;
use crate::intake::Name;
use crate::matching::Match;
use crate::meter::{Meter, Stretch};
use crate::money::{Overflow, Quantity};
use crate::plan::{Part, Plan};
use crate::price_book::Model;

/// The meter of one part for one month and project: a resource may live under several projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// The number of the part.
    pub part: usize,
    /// The number of the month.
    pub month: usize,
    /// The project that pays.
    pub project: Name,
    /// What was metered.
    pub meter: Meter,
}

/// A `once` component that the resource has paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paid {
    /// The number of the part.
    pub part: usize,
    /// The project that paid.
    pub project: Name,
    /// When: the resource's first matching instant.
    pub at: Second,
    /// How much.
    pub quantity: Quantity,
}

/// What one resource has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accumulator {
    /// The first second in which it was alive.
    pub born: Option<Second>,
    /// The `once` components that it has paid, in the order of time.
    pub paid: Vec<Paid>,
    /// In the order in which they were first needed.
    pub meters: Vec<Metered>,
}

/// Seconds in which a resource was exactly one thing, and who pays for them.
#[derive(Debug, Clone)]
pub struct Held {
    /// The seconds; not empty.
    pub seconds: Range<Second>,
    /// The project.
    pub project: Name,
}

impl Accumulator {
    /// Forgets all, to begin with another resource.
    pub fn clear(&mut self) {
        self.born = None;
        self.paid.clear();
        self.meters.clear();
    }

    /// Notes that the resource was alive from that second on.
    pub fn alive(&mut self, start: Second) {
        self.born = self.born.or(Some(start));
    }

    /// Meters what was held for one of the parts that match it; answers whether the part looks at any of it.
    /// `alive` comes before.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn hold(&mut self, plan: &Plan, found: &Match, held: &Held) -> Result<bool, Overflow> {
        match plan.parts()[found.part].component.model {
            Model::Once { .. } => Ok(self.pay_once(plan, found, held)),
            Model::MonthlyPeak { .. } => Ok(false),
            _ => self.meter(plan, found, held),
        }
    }

    fn meter(&mut self, plan: &Plan, found: &Match, held: &Held) -> Result<bool, Overflow> {
        let part = &plan.parts()[found.part];
        let (model, hours, project) = (&part.component.model, plan.hours(), held.project);
        each_stretch(part, &held.seconds, found.quantity, |number, stretch| {
            let month = &plan.months()[number];
            let is_it = |other: &Metered| {
                other.part == found.part && other.month == number && other.project == project
            };
            match self.meters.iter().rposition(is_it) {
                Some(known) => self.meters[known].meter.add(model, stretch, month, hours),
                None => {
                    let meter = Meter::new(model, stretch, month, hours)?;
                    self.meters.push(Metered { part: found.part, month: number, project, meter });
                    Ok(())
                }
            }
        })
    }

    /// Notes that a `once` component of one of the parts that match was due while nothing was billed: it is paid, with
    /// nothing. `alive` comes before.
    pub fn pay_nothing(&mut self, plan: &Plan, found: &Match, free: &Held) {
        if matches!(plan.parts()[found.part].component.model, Model::Once { .. }) {
            self.pay_once(plan, &Match { quantity: Quantity::ZERO, ..*found }, free);
        }
    }

    /// Answers whether the component looks at the resource at all, be it paid now, before, or never.
    fn pay_once(&mut self, plan: &Plan, found: &Match, held: &Held) -> bool {
        let part = &plan.parts()[found.part];
        let id = part.component.id.as_str();
        let at = once_at(part, &held.seconds, self.born.unwrap_or(held.seconds.start));
        let is_it = |paid: &Paid| plan.parts()[paid.part].component.id == id;
        if let Some(at) = at.filter(|_| !self.paid.iter().any(is_it)) {
            let (project, quantity) = (held.project, found.quantity);
            self.paid.push(Paid { part: found.part, project, at, quantity });
        }
        part.in_force.start < held.seconds.end && held.seconds.start < part.in_force.end
    }

    /// What the meter of a part, month and project shows; nothing where there is none.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn reading(&self, part: usize, month: usize, project: Name) -> Result<Quantity, Overflow> {
        let is_it = |other: &&Metered| other.part == part && other.month == month && other.project == project;
        self.meters.iter().find(is_it).map_or(Ok(Quantity::ZERO), |known| known.meter.reading())
    }
}

/// Calls `meter` for each month's part of the seconds that a component prices; answers whether there was any.
///
/// # Errors
/// What `meter` answers.
pub fn each_stretch(
    part: &Part,
    seconds: &Range<Second>,
    quantity: Quantity,
    mut meter: impl FnMut(usize, Stretch) -> Result<(), Overflow>,
) -> Result<bool, Overflow> {
    let first = part.spans.partition_point(|span| span.end <= seconds.start);
    let mut any = false;
    for span in part.spans[first..].iter().take_while(|span| span.start < seconds.end) {
        let (start, end) = (span.start.max(seconds.start), span.end.min(seconds.end));
        meter(span.month, Stretch { start, end, quantity })?;
        any = true;
    }
    Ok(any)
}

/// When a `once` component fires within a holding: at the resource's first matching instant, once for all its
/// lives, and never for a resource that was alive before the component first appeared in the book.
#[must_use]
pub fn once_at(part: &Part, seconds: &Range<Second>, born: Second) -> Option<Second> {
    let start = seconds.start.max(part.in_force.start);
    let end = seconds.end.min(part.in_force.end);
    (start < end && born >= part.first_appeared).then_some(start)
}
