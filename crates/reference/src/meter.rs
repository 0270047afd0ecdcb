//! Quantities: what each component counts in a month, up to an instant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use kopeck_rating::calendar::Second;
use kopeck_rating::charge::ChargeKey;
use kopeck_rating::event::{Description, EventType, Value, is_signed};
use kopeck_rating::price_book::{
    Class, Component, ComponentRef, Condition, Model, PriceBook, Prorate, Subject,
};

use crate::clock::{Clock, Month};
use crate::event::Event;
use crate::life::{self, Alive, Resource, Stopped};
use crate::tariff;

/// C(t) of the contract, and the quantity that it is the price of, in 10⁻¹⁸.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost {
    pub quantity: BigInt,
    pub amount: BigRational,
}

/// All costs of a month up to an instant.
pub(crate) type Costs = BTreeMap<ChargeKey, Cost>;

/// Everything that has happened, and the prices for it.
pub(crate) struct History<'a> {
    book: &'a PriceBook,
    /// The first second of each version.
    starts: Vec<Second>,
    resources: Vec<Resource<'a>>,
    usage: Vec<&'a Event>,
    /// Whether VAT that is on top is added.
    is_gross: bool,
    /// The second from which on each project is billed; one that is not named is billed for all.
    billed_from: BTreeMap<String, Second>,
    /// A stop that comes, if one does.
    stopped: Option<Stopped<'a>>,
}

/// Seconds in which nothing changes.
#[derive(Debug, Clone, Copy)]
struct Moment {
    start: Second,
    end: Second,
    /// The first second of its clock hour.
    hour: Second,
    day: Date,
}

/// A month up to an instant.
struct Part<'a> {
    month: &'a Month,
    until: Second,
    moments: Vec<Moment>,
    /// What each resource is at each moment.
    alive: Vec<Vec<Option<Alive<'a>>>>,
}

/// A component, in a version.
#[derive(Clone, Copy)]
struct Item<'a> {
    version: usize,
    component: &'a Component,
}

/// Whose quantity it is: the project, the source and resource, and the group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Payer {
    project: String,
    resource: Option<(String, String)>,
    group: Option<Option<String>>,
}

type Quantities = BTreeMap<Payer, BigInt>;

impl<'a> History<'a> {
    /// The accepted events and the book.
    pub fn new(book: &'a PriceBook, events: &'a [Event], clock: &Clock<'_>) -> History<'a> {
        History {
            book,
            starts: book.versions().iter().map(|version| clock.day_start(version.effective)).collect(),
            resources: life::resources(events),
            usage: events.iter().filter(|event| event.event_type == EventType::Usage).collect(),
            is_gross: false,
            billed_from: BTreeMap::new(),
            stopped: None,
        }
    }

    /// The same with VAT on top, and each project billed from a second on.
    pub fn gross(self, billed_from: BTreeMap<String, Second>) -> History<'a> {
        History { is_gross: true, billed_from, ..self }
    }

    /// The same with a stop.
    pub fn stopped(self, stopped: Option<Stopped<'a>>) -> History<'a> {
        History { stopped, ..self }
    }

    /// What a resource is in a second.
    fn alive(&self, resource: &Resource<'a>, second: Second) -> Option<Alive<'a>> {
        let alive = resource.at(second, self.book)?;
        self.stopped.map_or(Some(alive), |stopped| stopped.of(alive, second))
    }

    fn is_billed(&self, project: &str, second: Second) -> bool {
        self.billed_from.get(project).is_none_or(|from| *from <= second)
    }

    /// By what an amount is multiplied: (100 + rate) / 100 where VAT is on top and asked for.
    fn on_top(&self, item: Item<'_>) -> BigRational {
        let version = &self.book.versions()[item.version];
        let number = version.components.iter().position(|other| other.id == item.component.id);
        let at = ComponentRef { version: item.version, component: number.unwrap_or_default() };
        let vat = self.book.vat(at).filter(|vat| self.is_gross && !vat.included);
        let rate = vat.and_then(|vat| vat.rate).map_or_else(BigInt::zero, |rate| rate.units().into());
        let hundred = BigInt::from(100_000_000_000_i64);
        BigRational::new(&hundred + rate, hundred)
    }

    /// What the month has cost by `until`: what happened in its seconds before that instant.
    pub fn costs(&self, month: &Month, until: Second) -> Costs {
        let part = self.part(month, until.min(month.end));
        let mut costs = Costs::new();
        for (number, version) in self.book.versions().iter().enumerate() {
            for component in &version.components {
                let item = Item { version: number, component };
                for (payer, quantity) in self.quantities(&part, item) {
                    let amount = tariff::amount(&component.model, &quantity, month) * self.on_top(item);
                    costs.insert(key(payer, item, version.effective, month), Cost { quantity, amount });
                }
            }
        }
        costs
    }

    /// Cuts the month into moments: at every second in which something happens or the clock may matter.
    fn part<'b>(&'b self, month: &'b Month, until: Second) -> Part<'b> {
        let happens = self.resources.iter().flat_map(Resource::seconds);
        let stops: BTreeSet<Second> = happens
            .chain(self.starts.iter().copied())
            .chain(self.billed_from.values().copied())
            .chain(self.stopped.map(|stopped| stopped.at))
            .chain([until])
            .collect();
        let mut moments = Vec::new();
        for stretch in &month.stretches {
            let mut start = stretch.start;
            let within = stops.range(stretch.start + 1..stretch.end).copied();
            for end in within.chain([stretch.end]) {
                moments.push(Moment { start, end, hour: stretch.hour, day: stretch.day });
                start = end;
            }
        }
        moments.retain(|moment| moment.start < until);
        let states_of = |resource: &'b Resource<'a>| {
            let billed = |moment: &Moment| {
                let alive = self.alive(resource, moment.start);
                alive.filter(|alive| self.is_billed(alive.project, moment.start))
            };
            moments.iter().map(billed).collect()
        };
        let alive = self.resources.iter().map(states_of).collect();
        Part { month, until, moments, alive }
    }

    /// What a component of a version counts.
    fn quantities(&self, part: &Part<'_>, item: Item<'_>) -> Quantities {
        match &item.component.model {
            Model::PerSecond { .. } | Model::Monthly { prorate: Prorate::Second, .. } => {
                self.by_the_second(part, item)
            }
            Model::HourlyPeak { .. } => self.largest(part, item, |moment| moment.hour),
            Model::Monthly { prorate: Prorate::Day, .. } => self.largest(part, item, |moment| moment.day),
            Model::Monthly { prorate: Prorate::None, .. } => self.largest(part, item, |_| ()),
            Model::MonthlyPeak { group_by, .. } => self.peaks(part, item, group_by.as_ref()),
            Model::Once { .. } => self.first_instants(part, item),
            Model::PerUse { .. } => {
                self.uses(part, item, |event| Some((event.source.clone(), event.subject.clone())))
            }
            Model::Tiered(_) => self.uses(part, item, |_| None),
        }
    }

    /// Σ over seconds of the quantity.
    fn by_the_second(&self, part: &Part<'_>, item: Item<'_>) -> Quantities {
        let mut sums = Quantities::new();
        for (resource, alive) in self.resources.iter().zip(&part.alive) {
            for (moment, project, quantity) in self.matching(part, item, alive) {
                *sums.entry(payer(project, resource)).or_default() += quantity * (moment.end - moment.start);
            }
        }
        sums
    }

    /// Σ over hours, days or the one month of the largest quantity while the resource matched.
    fn largest<S: Ord>(&self, part: &Part<'_>, item: Item<'_>, slot: impl Fn(&Moment) -> S) -> Quantities {
        let mut sums = Quantities::new();
        for (resource, alive) in self.resources.iter().zip(&part.alive) {
            let mut largest: BTreeMap<(Payer, S), BigInt> = BTreeMap::new();
            for (moment, project, quantity) in self.matching(part, item, alive) {
                let of_slot = largest.entry((payer(project, resource), slot(&moment)));
                let so_far = of_slot.or_insert_with(|| quantity.clone());
                *so_far = quantity.max(so_far.clone());
            }
            for ((payer, _), quantity) in largest {
                *sums.entry(payer).or_default() += quantity;
            }
        }
        sums
    }

    /// The largest sum over the project's resources at one instant, for each group.
    fn peaks(&self, part: &Part<'_>, item: Item<'_>, group_by: Option<&Subject>) -> Quantities {
        let mut peaks = Quantities::new();
        for (number, moment) in part.moments.iter().enumerate() {
            if self.version_for(part, item, moment) != Some(item.version) {
                continue;
            }
            let mut sums = Quantities::new();
            for alive in part.alive.iter().filter_map(|alive| alive[number]) {
                let Some(quantity) = reading(item.component, &alive) else { continue };
                let group = group_by.map(|subject| group(subject, &alive));
                let payer = Payer { project: alive.project.to_owned(), resource: None, group };
                *sums.entry(payer).or_default() += quantity;
            }
            for (payer, sum) in sums {
                let peak = peaks.entry(payer).or_default();
                *peak = sum.max(peak.clone());
            }
        }
        peaks
    }

    /// The quantity at the resource's first matching instant, where that lies in this part.
    fn first_instants(&self, part: &Part<'_>, item: Item<'_>) -> Quantities {
        let mut quantities = Quantities::new();
        for resource in &self.resources {
            let Some((second, version, alive)) = self.first_instant(resource, &item.component.id) else {
                continue;
            };
            let within = (part.month.start..part.until).contains(&second)
                && version == item.version
                && self.is_billed(alive.project, second);
            if let Some(quantity) = reading(item.component, &alive).filter(|_| within) {
                quantities.insert(payer(alive.project, resource), quantity);
            }
        }
        quantities
    }

    /// The first second in which a resource matches the `once` component of that id in the version then in
    /// force. None, if it was alive before a component of that id first stood in the book.
    fn first_instant(&self, resource: &Resource<'a>, id: &str) -> Option<(Second, usize, Alive<'a>)> {
        let versions = self.book.versions();
        let first_in_book =
            versions.iter().position(|version| version.components.iter().any(|other| other.id == id))?;
        let stop = self.stopped.map(|stopped| stopped.at);
        let mut stops: Vec<Second> =
            resource.seconds().chain(self.starts.iter().copied()).chain(stop).collect();
        stops.sort_unstable();
        for second in stops {
            let Some(alive) = self.alive(resource, second) else { continue };
            if second < self.starts[first_in_book] {
                return None;
            }
            let Some(version) = self.in_force(second) else { continue };
            let is_once = |other: &&Component| other.id == id && matches!(other.model, Model::Once { .. });
            let component = versions[version].components.iter().map(|other| &**other).find(is_once);
            if component.is_some_and(|component| reading(component, &alive).is_some()) {
                return Some((second, version, alive));
            }
        }
        None
    }

    /// Σ over usage events of the quantity.
    fn uses(
        &self,
        part: &Part<'_>,
        item: Item<'_>,
        resource: impl Fn(&Event) -> Option<(String, String)>,
    ) -> Quantities {
        let mut sums = Quantities::new();
        for event in &self.usage {
            let second = event.second();
            let version = match item.component.model {
                Model::Tiered(_) => self.of_month(part.month, second),
                _ => self.in_force(second),
            };
            if !(part.month.start..part.until).contains(&second)
                || version != Some(item.version)
                || !self.is_billed(&event.project, second)
            {
                continue;
            }
            let used =
                Alive { project: &event.project, kind: &event.data.kind, class: None, data: &event.data };
            if let Some(quantity) = reading(item.component, &used) {
                let payer = Payer { project: event.project.clone(), resource: resource(event), group: None };
                *sums.entry(payer).or_default() += quantity;
            }
        }
        sums
    }

    /// The moments at which the component prices a resource, with the project and the quantity.
    fn matching<'b>(
        &self,
        part: &Part<'_>,
        item: Item<'_>,
        alive: &[Option<Alive<'b>>],
    ) -> Vec<(Moment, &'b str, BigInt)> {
        let mut matching = Vec::new();
        let mut last: Option<(Alive<'b>, Option<BigInt>)> = None;
        for (moment, alive) in part.moments.iter().zip(alive) {
            let Some(alive) = *alive else { continue };
            if self.version_for(part, item, moment) != Some(item.version) {
                continue;
            }
            // What has not changed is not read again.
            let quantity = match last.take() {
                Some((before, quantity)) if before.is_same(&alive) => quantity,
                _ => reading(item.component, &alive),
            };
            matching.extend(quantity.clone().map(|quantity| (*moment, alive.project, quantity)));
            last = Some((alive, quantity));
        }
        matching
    }

    /// The version that prices that moment for components of that model.
    fn version_for(&self, part: &Part<'_>, item: Item<'_>, moment: &Moment) -> Option<usize> {
        match item.component.model {
            Model::HourlyPeak { .. } => self.in_force(moment.hour),
            Model::Monthly { prorate: Prorate::None, .. } | Model::MonthlyPeak { .. } => {
                self.of_month(part.month, moment.start)
            }
            _ => self.in_force(moment.start),
        }
    }

    /// The version in force in that second: the last that has begun.
    fn in_force(&self, second: Second) -> Option<usize> {
        self.starts.iter().rposition(|start| *start <= second)
    }

    /// The version that prices the whole month: the one in force at its start, or its first. What happens before
    /// the first version is free in that month, too.
    fn of_month(&self, month: &Month, second: Second) -> Option<usize> {
        let begins_within = self.starts.iter().position(|start| (month.start..month.end).contains(start));
        self.in_force(second).and(self.in_force(month.start).or(begins_within))
    }
}

fn key(payer: Payer, item: Item<'_>, version: Date, month: &Month) -> ChargeKey {
    let (source, resource) = payer.resource.unzip();
    ChargeKey {
        project: payer.project,
        source,
        resource,
        component: item.component.id.clone(),
        version,
        month: month.name,
        group: payer.group,
    }
}

fn payer(project: &str, resource: &Resource<'_>) -> Payer {
    let resource = Some((resource.source.to_owned(), resource.subject.to_owned()));
    Payer { project: project.to_owned(), resource, group: None }
}

/// The quantity of what the component prices, rounded up; `None` for what it does not price.
fn reading(component: &Component, alive: &Alive<'_>) -> Option<BigInt> {
    let prices =
        component.kind == alive.kind && component.when.iter().all(|condition| holds(condition, alive));
    prices.then(|| rounded_up(component, product(component, alive.data)))
}

/// Whether a condition holds: numbers compare as numbers, the rest as text.
fn holds(condition: &Condition, alive: &Alive<'_>) -> bool {
    let found = looked_at(&condition.subject, alive);
    condition.any_of.iter().any(|wanted| match (wanted, &found) {
        (Value::Number(wanted), Some(Value::Number(found))) => wanted == found,
        (Value::Text(wanted), Some(Value::Text(found))) => wanted == found,
        _ => false,
    })
}

/// What a condition or `group_by` looks at, if it is there. A region of digits is a number, as any text is.
fn looked_at(subject: &Subject, alive: &Alive<'_>) -> Option<Value> {
    match subject {
        Subject::Class => alive.class.map(|class| Value::Text(class_name(class).to_owned())),
        Subject::Region => {
            alive.data.region.as_ref().map(|region| Value::of_text(region, is_signed(alive.kind)))
        }
        Subject::Attribute(name) => alive.data.attribute(name).cloned(),
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Active => "active",
        Class::Inactive => "inactive",
    }
}

/// The product of the attributes: of none it is 1, and what is missing or no number counts 0.
fn product(component: &Component, data: &Description) -> BigInt {
    let factor = |name: &String| match data.attribute(name) {
        Some(Value::Number(number)) => BigRational::new(number.units().into(), 1_000_000_000.into()),
        _ => BigRational::zero(),
    };
    let product =
        component.quantity.iter().map(factor).fold(BigRational::one(), |product, factor| product * factor);
    // Two factors of nine places have a product of eighteen.
    (product * BigInt::from(10).pow(18)).to_integer()
}

/// Lifted to a multiple of the step and to the minimum, where it is positive.
fn rounded_up(component: &Component, quantity: BigInt) -> BigInt {
    match component.round_up {
        Some(round_up) if quantity > BigInt::zero() => {
            let step = tariff::units(round_up.step);
            let steps = BigRational::new(quantity, step.clone()).ceil().to_integer();
            (steps * step).max(tariff::units(round_up.min))
        }
        _ => quantity,
    }
}

/// The text of what a resource is grouped by, numbers without trailing zeros; `None` where it lacks it.
fn group(subject: &Subject, alive: &Alive<'_>) -> Option<String> {
    match looked_at(subject, alive)? {
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Nested => None,
    }
}
