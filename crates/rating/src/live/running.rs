//! Sums over what is alive: for each project, part and region the quantity that runs now, and what of it a stop ends.
//!
//! With them the cost of a project at any instant from now on is a sum over parts and not over resources (guard.md,
//! "Projection"). What a resource adds is a function of its state alone, so that an event takes away what the state before
//! it has added and adds what the state after it does: in O(parts that match), for late events too. Nothing of it is
//! stored: what a rater that was read back needs is added up once.
//!
//! A resource that runs buys one unit of a flow after the other: seconds, clock hours, days, or the month. What it has
//! bought of the present hour, day or month before it became what it is now is bought once.

mod alive;

use std::collections::BTreeMap;

use crate::calendar::Second;
use crate::intake::Name;
use crate::keys::QuickMap;
use crate::matching::{Group, Groups, Match, Matches};
use crate::money::{Overflow, Quantity};
use crate::plan::{Part, Plan};
use crate::price_book::{Model, Prorate};
use crate::resource::{Current, Ground, PeakKey, ResourceState};
use crate::stops::{AfterStop, Stops};
use alive::{Alive, open};

/// A quantity of several resources, and how many of their charges are rounded when they are posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The sum of the quantities.
    pub quantity: Quantity,
    /// Charges whose amounts may not be a whole number of 10⁻⁶ of the currency unit.
    pub rounded: i64,
}

impl Total {
    /// Nothing.
    pub const ZERO: Total = Total { quantity: Quantity::ZERO, rounded: 0 };

    /// The sum of two totals.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_add(self, other: Total) -> Result<Total, Overflow> {
        let quantity = self.quantity.checked_add(other.quantity)?;
        Ok(Total { quantity, rounded: self.rounded.checked_add(other.rounded).ok_or(Overflow)? })
    }

    fn add(&mut self, other: Total) -> Result<(), Overflow> {
        *self = self.checked_add(other)?;
        Ok(())
    }

    fn times(self, sign: i64) -> Result<Total, Overflow> {
        Ok(Total { quantity: self.quantity.times(sign)?, rounded: self.rounded * sign })
    }
}

/// What flows together: quantities of one part, billed over the same seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The number of the part.
    pub part: usize,
    /// For `monthly_peak` with `group_by`: the group.
    pub group: Option<Option<Group>>,
    /// The region that the resources name, by its number: see [`Standing::region`](super::standing::Standing::region).
    pub region: Option<Group>,
    /// The first second that the part prices and the project is billed for it.
    pub start: Second,
    /// The second after the last.
    pub end: Second,
}

/// The sums of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// What is alive and matches now.
    pub running: Total,
    /// What of it a stop does not end.
    pub staying: Total,
    /// What a stop makes match that does not match now: the inactive side of what runs.
    pub entering: Total,
    /// What of `running` began after the flow did, by the month in which it began.
    begun: BTreeMap<usize, Begun>,
    /// What of the flow's first unit was bought before it began.
    bought_before: Total,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    quantity: Quantity,
    /// Σ quantity × the number of the unit in which it began.
    units: Quantity,
}

/// What one project has running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Project {
    pub flows: BTreeMap<FlowKey, Flow>,
    /// What was bought and no longer depends on time, by part and month.
    pub ended: BTreeMap<(usize, usize), Total>,
    /// `once` components that a version or a time of billing makes due: by part and instant.
    pub due: BTreeMap<(usize, Second), Total>,
    /// Plain usage, by part and month.
    pub used: BTreeMap<(usize, usize), Total>,
    /// The sums of `monthly_peak` that it has had.
    pub peaks: Vec<PeakKey>,
}

impl Project {
    pub(super) const NONE: Project = Project {
        flows: BTreeMap::new(),
        ended: BTreeMap::new(),
        due: BTreeMap::new(),
        used: BTreeMap::new(),
        peaks: Vec::new(),
    };
}

/// See the module.
#[derive(Debug, Default)]
pub struct Running {
    stops: Stops,
    projects: QuickMap<Name, Project>,
    regions: Groups,
    /// Room for the matches of one resource.
    room: Vec<Match>,
}

/// In what a part counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Seconds.
    Second,
    /// Clock hours.
    Hour,
    /// Local days.
    Day,
    /// The whole month at once.
    Month,
}

impl Unit {
    /// The unit of a part's model.
    #[must_use]
    pub fn of(model: &Model) -> Unit {
        match model {
            Model::PerSecond { .. } | Model::Monthly { prorate: Prorate::Second, .. } => Unit::Second,
            Model::HourlyPeak { .. } => Unit::Hour,
            Model::Monthly { prorate: Prorate::Day, .. } => Unit::Day,
            _ => Unit::Month,
        }
    }

    /// The number of the unit that a second of a month of the plan lies in: it has meaning within that month.
    #[must_use]
    pub fn index(self, plan: &Plan, month: usize, second: Second) -> i64 {
        match self {
            Unit::Second => second,
            Unit::Hour => plan.hours().index(second),
            Unit::Day => plan.months()[month].day_index(second),
            Unit::Month => 0,
        }
    }
}

/// Whether a part's price makes of a quantity, in whole units of time, an amount that may have to be rounded when it is
/// posted.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn may_round(part: &Part, quantity: Quantity) -> Result<bool, Overflow> {
    let price = match &part.component.model {
        Model::HourlyPeak { price }
        | Model::Monthly { price, prorate: Prorate::None }
        | Model::MonthlyPeak { price, .. }
        | Model::Once { price }
        | Model::PerUse { price } => price,
        Model::PerSecond { price, .. } | Model::Monthly { price, .. } => {
            return Ok(price.units() != 0 && !quantity.is_zero());
        }
        Model::Tiered(_) => return Ok(true),
    };
    Ok(!quantity.priced(*price, 1)?.gross(part.gross)?.is_whole())
}

fn total(part: &Part, quantity: Quantity) -> Result<Total, Overflow> {
    Ok(Total { quantity, rounded: i64::from(may_round(part, quantity)?) })
}

fn less(quantity: Quantity) -> Result<Quantity, Overflow> {
    Quantity::ZERO.checked_sub(quantity)
}

impl Flow {
    const NONE: Flow = Flow {
        running: Total::ZERO,
        staying: Total::ZERO,
        entering: Total::ZERO,
        begun: BTreeMap::new(),
        bought_before: Total::ZERO,
    };

    /// How many of its charges are rounded.
    pub(super) fn charges(&self) -> i64 {
        self.running.rounded.saturating_add(self.bought_before.rounded)
    }

    fn begin(&mut self, month: usize, (quantity, units): (Quantity, Quantity)) -> Result<(), Overflow> {
        let begun =
            self.begun.entry(month).or_insert(Begun { quantity: Quantity::ZERO, units: Quantity::ZERO });
        begun.quantity = begun.quantity.checked_add(quantity)?;
        begun.units = begun.units.checked_add(units)?;
        if begun.quantity.is_zero() && begun.units.is_zero() {
            self.begun.remove(&month);
        }
        Ok(())
    }

    /// What the running resources have bought of a month before an instant that is after all events, beside what they had
    /// bought before they became what they are.
    pub(super) fn bought(
        &self,
        plan: &Plan,
        (key, month): (&FlowKey, usize),
        at: Second,
    ) -> Result<Quantity, Overflow> {
        let calendar = &plan.months()[month];
        let (start, end) = (key.start.max(calendar.start), key.end.min(calendar.end).min(at));
        if start >= end {
            return Ok(Quantity::ZERO);
        }
        let unit = Unit::of(&plan.parts()[key.part].component.model);
        let until = unit.index(plan, month, end - 1) + 1;
        let begun = self.begun.get(&month);
        let [later, units] = begun.map_or([Quantity::ZERO; 2], |begun| [begun.quantity, begun.units]);
        let old = self.running.quantity.checked_sub(later)?;
        let whole = old.times(until - unit.index(plan, month, start))?;
        let whole = whole.checked_add(later.times(until)?)?.checked_sub(units)?;
        if key.start < calendar.start { Ok(whole) } else { whole.checked_add(self.bought_before.quantity) }
    }
}

impl Running {
    /// The same without its sums, to be made anew; regions keep their numbers.
    pub(super) fn emptied(self, stops: Stops) -> Running {
        Running { stops, regions: self.regions, ..Running::default() }
    }

    /// The texts of regions, by their numbers.
    pub(super) fn regions(&self) -> &[String] {
        self.regions.texts()
    }

    pub(super) fn project(&self, project: Name) -> Option<&Project> {
        self.projects.get(&project)
    }

    /// Notes that a project has a sum of `monthly_peak`.
    pub(super) fn peak(&mut self, key: PeakKey) {
        let peaks = &mut self.projects.entry(key.project).or_default().peaks;
        if let Err(place) = peaks.binary_search(&key) {
            peaks.insert(place, key);
        }
    }

    /// Adds plain usage; `is_new` where it is the first of its charge.
    pub(super) fn used(
        &mut self,
        project: Name,
        place: (usize, usize),
        (quantity, is_new): (Quantity, bool),
    ) -> Result<(), Overflow> {
        let used = self.projects.entry(project).or_default().used.entry(place).or_insert(Total::ZERO);
        used.add(Total { quantity, rounded: i64::from(is_new) })
    }

    /// Adds what a resource is (`sign` 1), or takes away what it was (−1).
    pub(super) fn add(
        &mut self,
        ground: Ground<'_>,
        matches: &mut Matches,
        (state, sign): (&ResourceState, i64),
    ) -> Result<(), Overflow> {
        let Ground { plan, .. } = ground;
        for metered in &state.sums.meters {
            let part = &plan.parts()[metered.part];
            let reading = metered.meter.reading()?;
            let rounded = may_round(part, reading)? || may_round(part, open(&metered.meter))?;
            let ended = Total { quantity: reading, rounded: i64::from(rounded) };
            self.ended(metered.project, (metered.part, metered.month), ended.times(sign)?)?;
        }
        for paid in &state.sums.paid {
            let Some(month) = plan.month_of(paid.at) else { continue };
            let paid_once = total(&plan.parts()[paid.part], paid.quantity)?.times(sign)?;
            self.ended(paid.project, (paid.part, month), paid_once)?;
        }
        match state.current {
            Some(current) => self.add_alive(ground, matches, (state, current, sign)),
            None => Ok(()),
        }
    }

    fn ended(&mut self, project: Name, place: (usize, usize), by: Total) -> Result<(), Overflow> {
        let ended = &mut self.projects.entry(project).or_default().ended;
        let sum = ended.entry(place).or_insert(Total::ZERO);
        sum.add(by)?;
        if *sum == Total::ZERO {
            ended.remove(&place);
        }
        Ok(())
    }

    fn add_alive(
        &mut self,
        ground: Ground<'_>,
        matches: &mut Matches,
        (state, current, sign): (&ResourceState, Current, i64),
    ) -> Result<(), Overflow> {
        let Ground { plan, descriptions, .. } = ground;
        let data = descriptions.get(current.said.description);
        let region = data.region.as_ref().map(|region| self.regions.number(region));
        let alive = Alive { ground, state, current, region, sign };
        let mut now = std::mem::take(&mut self.room);
        now.clear();
        now.extend_from_slice(matches.of(plan, descriptions, (current.said.description, current.class))?);
        alive.each_flow(&now, |found, key| self.run(&alive, found, key))?;
        self.add_once(&alive, &now)?;
        self.add_stopped(&alive, &now, matches)?;
        self.room = now;
        Ok(())
    }

    /// What a stop would leave of a resource, and what it would make of it.
    fn add_stopped(
        &mut self,
        alive: &Alive<'_>,
        now: &[Match],
        matches: &mut Matches,
    ) -> Result<(), Overflow> {
        let Ground { plan, descriptions, .. } = alive.ground;
        let Current { said, class, .. } = alive.current;
        let then = match self.stops.after(&descriptions.get(said.description).kind, class) {
            AfterStop::Gone => return Ok(()),
            AfterStop::Same => now,
            AfterStop::Class(class) => matches.of(plan, descriptions, (said.description, class))?,
        };
        alive.each_flow(then, |found, key| {
            let by = total(&plan.parts()[found.part], found.quantity)?.times(alive.sign)?;
            let stays = now.iter().any(|other| (other.part, other.group) == (found.part, found.group));
            self.flow(said.project, key, |flow| {
                let sum = if stays { &mut flow.staying } else { &mut flow.entering };
                sum.add(by)
            })
        })?;
        if std::ptr::eq(then, now) { Ok(()) } else { self.enter_once(alive, (now, then)) }
    }

    /// Changes a flow, which is kept only while there is something in it.
    fn flow(
        &mut self,
        project: Name,
        key: FlowKey,
        change: impl FnOnce(&mut Flow) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let flows = &mut self.projects.entry(project).or_default().flows;
        let flow = flows.entry(key).or_insert(Flow::NONE);
        change(flow)?;
        if *flow == Flow::NONE {
            flows.remove(&key);
        }
        Ok(())
    }

    /// A resource runs in a flow from its own start on, or from the flow's.
    fn run(&mut self, alive: &Alive<'_>, found: &Match, key: FlowKey) -> Result<(), Overflow> {
        let (plan, project, sign) = (alive.ground.plan, alive.current.said.project, alive.sign);
        let part = &plan.parts()[found.part];
        let by = total(part, found.quantity)?;
        let since = alive.current.start.max(key.start);
        let is_late = alive.current.start > key.start;
        let unit = Unit::of(&part.component.model);
        let is_peak = matches!(part.component.model, Model::MonthlyPeak { .. });
        let month = plan.month_of(since).filter(|_| !is_peak);
        let bought = month.map_or(Ok(Total::ZERO), |month| alive.bought(found, (month, since), by))?;
        let (running, bought_signed) = (by.times(sign)?, bought.times(sign)?);
        self.flow(project, key, |flow| {
            flow.running.add(running)?;
            match month {
                Some(month) if is_late => {
                    let units = running.quantity.times(unit.index(plan, month, since))?;
                    flow.begin(month, (running.quantity, units))
                }
                Some(_) => flow.bought_before.add(bought_signed),
                None => Ok(()),
            }
        })?;
        match month.filter(|_| is_late && bought != Total::ZERO) {
            Some(month) => self.ended(project, (found.part, month), bought_signed),
            None => Ok(()),
        }
    }

    /// `once`, where it is not in the state: due since this began, or ahead.
    fn add_once(&mut self, alive: &Alive<'_>, now: &[Match]) -> Result<(), Overflow> {
        let (plan, project) = (alive.ground.plan, alive.current.said.project);
        for (part, at, quantity) in alive.due_once(now).into_iter().filter(|(_, at, _)| *at < Second::MAX) {
            let by = total(&plan.parts()[part], quantity)?.times(alive.sign)?;
            if at > alive.current.start {
                let due = &mut self.projects.entry(project).or_default().due;
                let sum = due.entry((part, at)).or_insert(Total::ZERO);
                sum.add(by)?;
                if *sum == Total::ZERO {
                    due.remove(&(part, at));
                }
            } else if let Some(month) = plan.month_of(at) {
                self.ended(project, (part, month), by)?;
            }
        }
        Ok(())
    }

    /// `once` that a stop would make due.
    fn enter_once(&mut self, alive: &Alive<'_>, (now, then): (&[Match], &[Match])) -> Result<(), Overflow> {
        let (plan, project, region) = (alive.ground.plan, alive.current.said.project, alive.region);
        let running = alive.due_once(now);
        let mut due: Vec<(FlowKey, Total)> = Vec::new();
        for found in then {
            let part = &plan.parts()[found.part];
            let is_it = |other: usize| plan.parts()[other].component.id == part.component.id;
            let is_paid = alive.state.sums.paid.iter().any(|paid| is_it(paid.part))
                || running.iter().any(|(part, ..)| is_it(*part));
            let born = alive.state.sums.born.unwrap_or(alive.current.start);
            if is_paid || !matches!(part.component.model, Model::Once { .. }) || born < part.first_appeared {
                continue;
            }
            let (start, end) = (part.in_force.start, part.in_force.end);
            let key = FlowKey { part: found.part, group: None, region, start, end };
            due.push((key, total(part, found.quantity)?.times(alive.sign)?));
        }
        due.into_iter().try_for_each(|(key, by)| self.flow(project, key, |flow| flow.entering.add(by)))
    }
}
