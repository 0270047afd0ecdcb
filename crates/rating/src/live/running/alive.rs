//! A resource that is alive: in which flows it runs, what it had bought of their first units, what is due `once`.

use super::{FlowKey, Total, Unit, less, may_round};
use crate::accumulator::{self, Metered};
use crate::calendar::Second;
use crate::matching::{self, Group, Match};
use crate::meter::Meter;
use crate::money::{Overflow, Quantity};
use crate::price_book::Model;
use crate::resource::{Current, Ground, ResourceState};

/// What a meter holds of its last unit.
pub(super) fn open(meter: &Meter) -> Quantity {
    match meter {
        Meter::Seconds(_) => Quantity::ZERO,
        Meter::Slots { peak, .. } => *peak,
        Meter::Largest(largest) => *largest,
    }
}

/// A resource that is alive, with what its sums need.
pub(super) struct Alive<'a> {
    pub ground: Ground<'a>,
    pub state: &'a ResourceState,
    pub current: Current,
    pub region: Option<Group>,
    pub sign: i64,
}

impl Alive<'_> {
    /// Tells the flows of what matches; `once` has none.
    pub fn each_flow(
        &self,
        matching: &[Match],
        mut tell: impl FnMut(&Match, FlowKey) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let Ground { plan, billed, source, .. } = self.ground;
        let since = self.current.start;
        for billed in billed.of(self.current.said.project, source) {
            for found in matching::within(matching, plan, &(since.max(billed.start)..billed.end)) {
                let part = &plan.parts()[found.part];
                let (start, end) = (part.priced.start.max(billed.start), part.priced.end.min(billed.end));
                let is_once = matches!(part.component.model, Model::Once { .. });
                if is_once || end <= since || end <= start {
                    continue;
                }
                let key = FlowKey { part: found.part, group: found.group, region: self.region, start, end };
                tell(found, key)?;
            }
        }
        Ok(())
    }

    /// What `once` components make due that are not in the state: the part, the instant ([`Second::MAX`] where it is free
    /// then) and the quantity. Each component once.
    pub fn due_once(&self, now: &[Match]) -> Vec<(usize, Second, Quantity)> {
        let plan = self.ground.plan;
        let mut due: Vec<(usize, Second, Quantity)> = Vec::new();
        self.each_once(now, |found, at| {
            let id = plan.parts()[found.part].component.id.as_str();
            let is_it = |part: usize| plan.parts()[part].component.id == id;
            let is_paid = self.state.sums.paid.iter().any(|paid| is_it(paid.part));
            if !is_paid && !due.iter().any(|(part, ..)| is_it(*part)) {
                due.push((found.part, at.unwrap_or(Second::MAX), found.quantity));
            }
        });
        due
    }

    /// Tells of each `once` component that matches when it is due; no instant where nothing is billed then. In the order
    /// of time, as [`ResourceState`] pays them.
    fn each_once(&self, matching: &[Match], mut tell: impl FnMut(&Match, Option<Second>)) {
        let Ground { plan, billed, source, .. } = self.ground;
        if !plan.has_once() {
            return;
        }
        let start = self.current.start;
        let born = self.state.sums.born.unwrap_or(start);
        for (seconds, is_billed) in billed.spans(self.current.said.project, source, start..Second::MAX) {
            for found in matching::within(matching, plan, &seconds) {
                let part = &plan.parts()[found.part];
                let at = accumulator::once_at(part, &seconds, born);
                if let Some(at) = at.filter(|_| matches!(part.component.model, Model::Once { .. })) {
                    tell(found, Some(at).filter(|_| is_billed));
                }
            }
        }
    }

    /// What of its first unit it had bought before, below zero; and its charge, if that was counted with it.
    pub fn bought(
        &self,
        found: &Match,
        (month, since): (usize, Second),
        by: Total,
    ) -> Result<Total, Overflow> {
        let plan = self.ground.plan;
        let project = self.current.said.project;
        let model = &plan.parts()[found.part].component.model;
        let is_it = |metered: &&Metered| {
            (metered.part, metered.month, metered.project) == (found.part, month, project)
        };
        if self.was_billed(found, (month, since)) {
            return by.times(-1);
        }
        let Some(metered) = self.state.sums.meters.iter().find(is_it) else { return Ok(Total::ZERO) };
        let part = &plan.parts()[found.part];
        let reading = metered.meter.reading()?;
        let was_rounded = may_round(part, reading)? || may_round(part, open(&metered.meter))?;
        let rounded = -i64::from(was_rounded && by.rounded > 0);
        let quantity = match &metered.meter {
            Meter::Slots { slot, peak, .. } => {
                let first = Unit::of(model).index(plan, month, since);
                if *slot == first { less(found.quantity.min(*peak))? } else { Quantity::ZERO }
            }
            Meter::Largest(largest) => less(found.quantity.min(*largest))?,
            Meter::Seconds(_) => Quantity::ZERO,
        };
        Ok(Total { quantity, rounded })
    }

    /// Whether it was billed for the same unit before, as what it is now, over other seconds.
    fn was_billed(&self, found: &Match, (month, since): (usize, Second)) -> bool {
        let Ground { plan, billed, source, .. } = self.ground;
        let part = &plan.parts()[found.part];
        let unit = Unit::of(&part.component.model);
        let first = self.current.start.max(part.priced.start);
        let is_same = |last: Second| {
            let same_unit = || unit.index(plan, month, last) == unit.index(plan, month, since);
            plan.month_of(last) == Some(month) && same_unit()
        };
        let earlier = billed.of(self.current.said.project, source).iter();
        let mut earlier = earlier.filter(|seconds| first < seconds.end && seconds.end <= since);
        earlier.any(|seconds| first.max(seconds.start) < seconds.end && is_same(seconds.end - 1))
    }
}
