//! Amounts in numbers, without texts: what settling posts, and what a project spends.
//!
//! Amounts here are gross: where VAT is on top, it is added before the rounding (rating.md, "Rounding and windows").

use std::collections::BTreeMap;

use super::past::Steps;
use super::{Live, LiveError, Reading, each_reading, number};
use crate::calendar::{OutOfRange, Second};
use crate::charge::Charge;
use crate::event;
use crate::intake::{Name, Resource};
use crate::matching::{self, Group};
use crate::meter;
use crate::money::{Amount, Exact, Overflow, Quantity};
use crate::packed::Numbers;
use crate::plan::{Part, Plan};
use crate::price_book::{Model, Prorate, Subject};
use crate::resource::{Ground, PeakKey, ResourceState};
use crate::rows::{MeterKey, Readings, Row};
use crate::sums::SumKey;

/// What a resource is charged for: the numbers of the part, the month and the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The number of the month.
    pub month: u32,
    /// The number of the part.
    pub part: u32,
    /// The project that pays.
    pub project: Name,
}

/// R(C × gross) of a reading.
fn amount(plan: &Plan, (part, month): (usize, usize), quantity: Quantity) -> Result<Amount, Overflow> {
    let (part, month) = (&plan.parts()[part], &plan.months()[month]);
    meter::cost(&part.component.model, quantity, month)?.gross(part.gross)?.round_half_even()
}

impl Live {
    /// Makes the rater ready to answer for an instant: the others here ask for none that was not made ready.
    ///
    /// # Errors
    /// [`LiveError`]; `at` must not be before [`latest`](Live::latest).
    pub fn ready_for(&mut self, at: Second) -> Result<(), LiveError> {
        self.ready_at(at)
    }

    /// Appends R(C(at)) of all charges for what a resource was, from a month on.
    ///
    /// # Errors
    /// [`LiveError`].
    pub fn resource_amounts(
        &mut self,
        (resource, since): (u32, u32),
        at: Second,
        into: &mut Vec<(Slot, Amount)>,
    ) -> Result<(), LiveError> {
        let Live { plan, register, matches, states, pasts, billed, .. } = self;
        let Some(state) = states.of(resource as usize) else { return Ok(()) };
        let source = register.records.resource_at(resource as usize).source;
        let ground = Ground { plan, descriptions: &register.descriptions, billed, source };
        let steps = Steps { ground, matches, names: register.names.len() };
        let sums = steps.unpack(state)?.before(ground, steps.matches, at)?;
        each_reading(plan, (&sums, &pasts[resource as usize]), since as usize..usize::MAX, |reading| {
            let Reading { part, month, project, quantity } = reading;
            let amount = amount(plan, (part, month), quantity)?;
            into.push((Slot { month: number(month)?, part: number(part)?, project }, amount));
            Ok(())
        })?;
        Ok(())
    }

    /// R(C(at)) of what usage came to.
    ///
    /// # Errors
    /// [`LiveError`].
    pub fn use_amount(&self, key: &SumKey, at: Second) -> Result<Amount, LiveError> {
        let place = (key.part as usize, key.month as usize);
        Ok(amount(&self.plan, place, self.uses.until(key, at)?)?)
    }

    /// R(C(at)) of a project's largest sum of a month.
    ///
    /// # Errors
    /// [`LiveError`].
    pub fn peak_amount(&self, key: &PeakKey, month: u32, at: Second) -> Result<Amount, LiveError> {
        let largest = self.largest(key, month as usize, at)?;
        Ok(amount(&self.plan, (key.part, month as usize), largest)?)
    }

    /// The plan: its parts and months have the numbers that are used here.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The number of the month that a second lies in; 0 for seconds before the first.
    #[must_use]
    pub fn month_at(&self, second: Second) -> u32 {
        self.plan.month_of(second).and_then(|month| u32::try_from(month).ok()).unwrap_or(0)
    }

    /// How many resources are known: their numbers are below that.
    #[must_use]
    pub fn resource_count(&self) -> u32 {
        self.register.records.resource_count()
    }

    /// Whether a resource runs, so that time alone may change what it has come to.
    #[must_use]
    pub fn is_alive(&self, resource: u32) -> bool {
        self.states.is_alive(resource as usize)
    }

    /// The numbers of the resources that run, ascending.
    pub fn alive(&self) -> impl Iterator<Item = u32> {
        self.states.alive().filter_map(|number| u32::try_from(number).ok())
    }

    /// How many resources run.
    #[must_use]
    pub fn alive_count(&self) -> usize {
        self.states.alive_count()
    }

    /// The sums of `monthly_peak`, in no order.
    pub fn peaks(&self) -> impl Iterator<Item = PeakKey> {
        self.sums.keys().copied()
    }

    /// The number of a project, if it is known.
    #[must_use]
    pub fn project(&self, name: &str) -> Option<Name> {
        self.register.names.known(crate::content::of_name(name))
    }

    /// The text of a name.
    #[must_use]
    pub fn name(&self, name: Name) -> &str {
        self.register.names.text(name)
    }

    /// The text of a group.
    #[must_use]
    pub fn group(&self, group: Group) -> &str {
        &self.matches.groups()[group as usize]
    }

    /// The texts of groups, by their numbers.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        self.matches.groups()
    }

    /// The charges of a project in the month of a date, up to an instant, sorted, without those that say nothing. Unlike
    /// those of [`charges`](Live::charges) their amounts are gross.
    ///
    /// # Errors
    /// [`LiveError`], as of [`charges`](Live::charges).
    pub fn project_charges(
        &mut self,
        project: &str,
        month: jiff::civil::Date,
        at: Second,
    ) -> Result<Vec<Charge>, LiveError> {
        let month = self.ready(month, at)?;
        let Some(project) = self.project(project) else { return Ok(Vec::new()) };
        let mut found: Vec<(MeterKey, Option<Option<Group>>, Quantity)> = Vec::new();
        for resource in self.resources_of(project).to_vec() {
            let Resource { source, subject, .. } = self.register.records.resource_of(resource);
            let readings = self.readings(resource as usize, month..month + 1, at)?;
            for reading in readings.iter().filter(|reading| reading.project == project) {
                let key = MeterKey { part: reading.part, month, project, resource: Some((source, subject)) };
                found.push((key, None, reading.quantity));
            }
        }
        for key in self.uses_of(project).filter(|key| key.month as usize == month) {
            found.push((self.meter_key(&key), None, self.uses.until(&key, at)?));
        }
        for key in self.sums.keys().filter(|key| key.project == project) {
            let PeakKey { part, group, .. } = *key;
            let meter_key = MeterKey { part, month, project, resource: None };
            found.push((meter_key, group, self.largest(key, month, at)?));
        }
        let mut charges = Vec::with_capacity(found.len());
        for (key, group, quantity) in found {
            let Some(row) = Row::new(&self.plan, key, Readings { to: quantity, ..Readings::ZERO }, group)?
            else {
                continue;
            };
            let amount = amount(&self.plan, (key.part, month), quantity)?;
            charges.push(Charge { amount, ..self.written(&row) });
        }
        charges.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(charges)
    }

    /// The source and subject of a resource.
    #[must_use]
    pub fn resource_name(&self, resource: u32) -> (&str, &str) {
        let Resource { source, subject, .. } = self.register.records.resource_of(resource);
        (self.name(source), self.name(subject))
    }

    /// The region that a resource named last, if its state events named any.
    #[must_use]
    pub fn region(&self, resource: u32) -> Option<&str> {
        let last = self.pasts.get(resource as usize)?.events().last()?;
        self.register.descriptions.get(last.said.description).region.as_deref()
    }

    /// The resources that have named a project, each once, in the order in which they came to it.
    #[must_use]
    pub fn resources_of(&self, project: Name) -> &[u32] {
        self.by_project.get(&project).map_or(&[], Vec::as_slice)
    }

    /// What a project has used, in no order.
    pub fn uses_of(&self, project: Name) -> impl Iterator<Item = SumKey> {
        self.uses.of(project).copied()
    }

    /// What an hour costs a project at the present burn rate, by part: what is priced by the second as its slope, hourly
    /// and daily steps as what they come to in an hour. `once`, whole months, peaks and usage have none.
    ///
    /// # Errors
    /// [`LiveError`]; `at` must have been made ready.
    pub fn burn_rate(&mut self, project: Name, at: Second) -> Result<BTreeMap<u32, Amount>, LiveError> {
        let mut quantities: BTreeMap<usize, Quantity> = BTreeMap::new();
        let Live { plan, register, matches, states, by_project, billed, .. } = self;
        let numbers =
            Numbers { plan, names: register.names.len(), descriptions: register.descriptions.len() };
        for resource in by_project.get(&project).into_iter().flatten() {
            let number = *resource as usize;
            let Some(state) = states.of(number).filter(|_| states.is_alive(number)) else { continue };
            let Some(current) = ResourceState::unpack_bare(state, numbers)?.current() else { continue };
            let source = register.records.resource_at(*resource as usize).source;
            if current.said.project != project || !billed.is(project, source, at) {
                continue;
            }
            let found =
                matches.of(plan, &register.descriptions, (current.said.description, current.class))?;
            for found in matching::within(found, plan, &(at..at + 1)) {
                let sum = quantities.entry(found.part).or_insert(Quantity::ZERO);
                *sum = sum.checked_add(found.quantity)?;
            }
        }
        let mut rates = BTreeMap::new();
        for (part, quantity) in quantities {
            if let Some(rate) = rate_an_hour(&self.plan, part, quantity, at)? {
                rates.insert(number(part)?, rate);
            }
        }
        Ok(rates)
    }

    /// The region that a part's conditions name, where they name exactly one.
    #[must_use]
    pub fn region_of_part(part: &Part) -> Option<String> {
        let condition = part.component.when.iter().find(|condition| condition.subject == Subject::Region)?;
        match &condition.any_of[..] {
            [event::Value::Text(region)] => Some(region.clone()),
            [event::Value::Number(region)] => Some(region.to_string()),
            _ => None,
        }
    }

    /// A month of the plan by its calendar name.
    ///
    /// # Errors
    /// [`LiveError`] of a month before the first, or outside the years that rating accepts.
    pub fn month_number(&mut self, month: jiff::civil::Date) -> Result<u32, LiveError> {
        let start = self.plan.book().calendar().month(month)?.start;
        self.plan.extend(start)?;
        let found = self.plan.month_of(start).and_then(|month| u32::try_from(month).ok());
        Ok(found.ok_or(OutOfRange)?)
    }
}

/// What an hour of a quantity costs, gross.
fn rate_an_hour(
    plan: &Plan,
    part: usize,
    quantity: Quantity,
    at: Second,
) -> Result<Option<Amount>, Overflow> {
    let part = &plan.parts()[part];
    let Some(month) = plan.month_of(at).filter(|_| part.covers(at)).map(|month| &plan.months()[month]) else {
        return Ok(None);
    };
    let exact: Exact = match &part.component.model {
        Model::PerSecond { price, per } => quantity.times(3_600)?.priced(*price, per.seconds())?,
        Model::Monthly { price, prorate: Prorate::Second } => {
            quantity.times(3_600)?.priced(*price, month.seconds())?
        }
        Model::Monthly { price, prorate: Prorate::Day } => quantity.priced(*price, month.day_count() * 24)?,
        Model::HourlyPeak { price } => quantity.priced(*price, 1)?,
        _ => return Ok(None),
    };
    exact.gross(part.gross)?.round_half_even().map(Some)
}
