//! Rating a window: events in, in any order, and a bill out.
//!
//! Usage events are summed as they come; state events are kept by resource and metered at the end, when all that
//! is known of each resource is known. Both are metered up to the end of the window and, in its first month, up
//! to its start as well: the charge is R(C(to)) − R(C(from)) (rating.md, "Rounding and windows").

use std::collections::HashMap;

use crate::calendar::{OutOfRange, Second};
use crate::charge::{Bill, Charge, ChargeKey, Window};
use crate::event::{self, Description, Envelope, EventType, Refusal};
use crate::intake::{
    self, Accepted, Descriptions, Keys, Label, Labels, Name, Names, Origin, Record, Resource, Resources,
};
use crate::matching::{self, Match, Matches};
use crate::meter::{self, Meter, Stretch};
use crate::money::{Overflow, Quantity};
use crate::notice::Notices;
use crate::plan::{Part, Plan};
use crate::price_book::{Model, PriceBook};
use crate::timeline::{self, Holding, StateEvent, Told};

/// Accepts the events of a run and rates them.
#[derive(Debug)]
pub struct Rater<'b> {
    pub(crate) plan: Plan<'b>,
    pub(crate) names: Names,
    pub(crate) descriptions: Descriptions,
    pub(crate) labels: Labels,
    pub(crate) resources: Resources,
    /// The component whose usage events are kept one by one, to be explained.
    pub(crate) explained: Option<String>,
    pub(crate) uses: Vec<Use>,
    keys: Keys,
    sums: HashMap<SumKey, Sums>,
    notices: Notices,
    overflow: bool,
}

/// What a run answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// The charges.
    pub bill: Bill,
    /// What a person should be told beside them.
    pub notices: Notices,
}

/// What usage is summed by; `resource` is `None` for tiers, which look at the whole project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SumKey {
    pub(crate) part: usize,
    pub(crate) month: usize,
    pub(crate) project: Name,
    pub(crate) resource: Option<(Name, Name)>,
}

/// What a month has seen before the end of the window and before its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) to: Quantity,
    pub(crate) from: Quantity,
}

/// One usage event of the explained component.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) part: usize,
    pub(crate) month: usize,
    pub(crate) project: Name,
    pub(crate) source: Name,
    pub(crate) subject: Name,
    pub(crate) time: i64,
    pub(crate) origin: Origin,
    pub(crate) label: Label,
    pub(crate) quantity: Quantity,
}

impl<'b> Rater<'b> {
    /// A run over no events yet.
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn new(book: &'b PriceBook, window: Window) -> Result<Rater<'b>, OutOfRange> {
        Ok(Rater {
            plan: Plan::new(book, window)?,
            names: Names::default(),
            descriptions: Descriptions::default(),
            labels: Labels::default(),
            resources: Resources::default(),
            explained: None,
            uses: Vec::new(),
            keys: Keys::default(),
            sums: HashMap::new(),
            notices: Notices::default(),
            overflow: false,
        })
    }

    /// A run that can explain the charges of a component afterwards: see [`explain`](crate::explain).
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn for_explaining(
        book: &'b PriceBook,
        window: Window,
        component: &str,
    ) -> Result<Rater<'b>, OutOfRange> {
        Ok(Rater { explained: Some(component.to_owned()), ..Rater::new(book, window)? })
    }

    /// Accepts one event, written on one line, or says why not. A refusal leaves the run as it was.
    ///
    /// # Errors
    /// [`Refusal`], the first reason that is found.
    pub fn accept(&mut self, line: &[u8], origin: Origin) -> Result<Accepted, Refusal> {
        let envelope = Envelope::read(line)?;
        let currency = self.plan.book().currency();
        if envelope.event_type == EventType::Usage {
            let data = Description::read(EventType::Usage, envelope.data)?;
            data.check_currency(currency)?;
            let accepted = self.keys.accept(&envelope, &data)?;
            if accepted == Accepted::New {
                let owner = self.owner(&envelope)?;
                self.overflow |= self.sum(&envelope, &data, owner, origin).is_err();
            }
            return Ok(accepted);
        }
        let description = self.descriptions.number(&envelope, currency)?;
        let accepted = self.keys.accept(&envelope, self.descriptions.get(description))?;
        if accepted == Accepted::New {
            let Owner { project, source, subject } = self.owner(&envelope)?;
            let label = self.labels.push(&envelope, self.explained.is_some());
            let record = Record { time: envelope.time, origin, label, description, project };
            self.resources.get(source, subject)?.records.push(record);
        }
        Ok(accepted)
    }

    /// How many events were accepted, doubles left out.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.keys.len()
    }

    fn owner(&mut self, envelope: &Envelope<'_>) -> Result<Owner, Refusal> {
        Ok(Owner {
            project: self.names.number(&envelope.project)?,
            source: self.names.number(&envelope.source)?,
            subject: self.names.number(&envelope.subject)?,
        })
    }

    /// Adds a usage event to the sums of every part that prices it.
    fn sum(
        &mut self,
        envelope: &Envelope<'_>,
        data: &Description,
        owner: Owner,
        origin: Origin,
    ) -> Result<(), Overflow> {
        let second = event::second_of(envelope.time);
        let window = self.plan.window();
        let Some(month) = self.plan.month_of(second).filter(|_| second < window.to()) else { return Ok(()) };
        let mut priced = false;
        for number in self.plan.matching(data, None, false) {
            let part = &self.plan.parts()[number];
            let covers = |span: &crate::plan::Span| span.start <= second && second < span.end;
            if !part.spans.iter().any(covers) {
                continue;
            }
            priced = true;
            let measured = matching::measure(part.component, data)?;
            if let Some(attribute) = measured.lacks {
                self.notices.lacking(&part.component.id, attribute, origin);
            }
            let tiered = matches!(part.component.model, Model::Tiered(_));
            let resource = (!tiered).then_some((owner.source, owner.subject));
            let key = SumKey { part: number, month, project: owner.project, resource };
            let sums = self.sums.entry(key).or_insert(Sums { to: Quantity::ZERO, from: Quantity::ZERO });
            sums.to = sums.to.checked_add(measured.quantity)?;
            if second < window.from() {
                sums.from = sums.from.checked_add(measured.quantity)?;
            }
            if self.explained.as_ref() == Some(&part.component.id) {
                let label = self.labels.push(envelope, true);
                let Owner { project, source, subject } = owner;
                let (time, quantity) = (envelope.time, measured.quantity);
                let part = number;
                self.uses.push(Use { part, month, project, source, subject, time, origin, label, quantity });
            }
        }
        if !priced && second >= window.from() {
            self.notices.unpriced(&data.kind, origin);
        }
        Ok(())
    }

    /// The bill of all that was accepted.
    ///
    /// # Errors
    /// [`Overflow`] where a sum does not fit 256 bits: more usage than the contract admits.
    pub fn finish(self) -> Result<Rated, Overflow> {
        if self.overflow {
            return Err(Overflow);
        }
        let Rater { plan, names, descriptions, labels, resources, sums, notices, .. } = self;
        let mut run = Run {
            plan: &plan,
            descriptions: &descriptions,
            names,
            matches: Matches::default(),
            charges: Vec::new(),
            peaks: HashMap::new(),
            notices,
        };
        for mut resource in resources.into_list() {
            intake::sort(&mut resource.records, &labels);
            run.resource(&resource)?;
        }
        for (key, sums) in sums {
            run.charge(key, sums, None)?;
        }
        run.peaks()?;
        let bill = Bill::new(plan.book().currency().to_owned(), run.charges)?;
        Ok(Rated { bill, notices: run.notices })
    }
}

/// Whose an event is.
#[derive(Debug, Clone, Copy)]
struct Owner {
    project: Name,
    source: Name,
    subject: Name,
}

/// What `monthly_peak` looks at: each project, month and group on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PeakKey {
    part: usize,
    month: usize,
    project: Name,
    group: Option<Option<Name>>,
}

/// The second half of a run: from what is known of the resources to charges.
struct Run<'a, 'b> {
    plan: &'a Plan<'b>,
    descriptions: &'a Descriptions,
    names: Names,
    matches: Matches<'b>,
    charges: Vec<Charge>,
    peaks: HashMap<PeakKey, Vec<(Second, Quantity)>>,
    notices: Notices,
}

/// The meters of one resource for one part and month: up to the end of the window and up to its start.
struct Metered {
    part: usize,
    month: usize,
    project: Name,
    to: Meter,
    from: Option<Meter>,
}

/// What is known of one resource while it is walked.
struct Walk<'r, 'b> {
    resource: &'r Resource,
    meters: Vec<Metered>,
    /// The first second in which it was alive.
    born: Option<Second>,
    /// The ids of the `once` components that it has paid.
    paid: Vec<&'b str>,
    priced: bool,
    /// An event that held within the window.
    seen: Option<Record>,
}

impl<'b> Run<'_, 'b> {
    fn resource(&mut self, resource: &Resource) -> Result<(), Overflow> {
        let records = &resource.records;
        let mut walk =
            Walk { resource, meters: Vec::new(), born: None, paid: Vec::new(), priced: false, seen: None };
        let (book, descriptions) = (self.plan.book(), self.descriptions);
        timeline::walk(state_events(book, descriptions, records), |told| match told {
            Told::Holding(holding) => self.holding(&mut walk, holding),
            Told::Disputed(number) => {
                self.notices.disputed(records[number].origin);
                Ok(())
            }
        })?;
        for metered in walk.meters {
            let from = metered.from.map_or(Ok(Quantity::ZERO), |meter| meter.reading())?;
            let sums = Sums { to: metered.to.reading()?, from };
            let Metered { part, month, project, .. } = metered;
            let resource = Some((resource.source, resource.subject));
            self.charge(SumKey { part, month, project, resource }, sums, None)?;
        }
        if let Some(record) = walk.seen.filter(|_| !walk.priced) {
            self.notices.unpriced(&self.descriptions.get(record.description).kind, record.origin);
        }
        Ok(())
    }

    /// Meters a stretch in which the resource was exactly what one event said.
    fn holding(&mut self, walk: &mut Walk<'_, 'b>, holding: Holding) -> Result<(), Overflow> {
        walk.born = walk.born.or(Some(holding.start));
        let (plan, window) = (self.plan, self.plan.window());
        if holding.start >= window.to() || (holding.end <= plan.start() && !plan.has_once()) {
            return Ok(());
        }
        let record = walk.resource.records[holding.began];
        if holding.end > window.from() {
            walk.seen = walk.seen.or(Some(record));
        }
        let description = (record.description, holding.class);
        for found in self.matches.of(plan, self.descriptions, &mut self.names, description)? {
            let part = &plan.parts()[found.part];
            let metered = match part.component.model {
                Model::Once { .. } => {
                    let paid = pay_once(walk, plan, found, &holding);
                    if let Some((month, sums)) = paid {
                        let resource = Some((walk.resource.source, walk.resource.subject));
                        let key = SumKey { part: found.part, month, project: record.project, resource };
                        push_charge(&mut self.charges, plan, &self.names, (key, sums, None))?;
                    }
                    walk.priced |= part.in_force.start < holding.end && holding.start < part.in_force.end;
                    paid.is_some()
                }
                Model::MonthlyPeak { .. } => {
                    let peaks = &mut self.peaks;
                    each_stretch(part, &holding, found.quantity, |month, stretch| {
                        let key =
                            PeakKey { part: found.part, month, project: record.project, group: found.group };
                        let changes = peaks.entry(key).or_default();
                        changes.push((stretch.start, found.quantity));
                        changes.push((stretch.end, Quantity::ZERO.checked_sub(found.quantity)?));
                        Ok(())
                    })?
                }
                _ => meter_resource(walk, plan, found, (&holding, record.project))?,
            };
            walk.priced |= metered;
            if let Some(attribute) = found.lacks.filter(|_| metered) {
                self.notices.lacking(&part.component.id, attribute, record.origin);
            }
        }
        Ok(())
    }

    /// The charges of `monthly_peak`, when all resources have been walked.
    fn peaks(&mut self) -> Result<(), Overflow> {
        for (key, mut changes) in std::mem::take(&mut self.peaks) {
            let (from, to) = meter::largest_sum(&mut changes, self.plan.window().from())?;
            let PeakKey { part, month, project, group } = key;
            self.charge(SumKey { part, month, project, resource: None }, Sums { to, from }, group)?;
        }
        Ok(())
    }

    fn charge(&mut self, key: SumKey, sums: Sums, group: Option<Option<Name>>) -> Result<(), Overflow> {
        push_charge(&mut self.charges, self.plan, &self.names, (key, sums, group))
    }
}

/// The state events of a resource, as its timeline wants them: the owner is the project and the kind.
pub(crate) fn state_events<'a>(
    book: &'a PriceBook,
    descriptions: &'a Descriptions,
    records: &'a [Record],
) -> impl Iterator<Item = StateEvent<(Name, &'a str)>> {
    records.iter().map(move |record| {
        let data = descriptions.get(record.description);
        let meaning = book.meaning(&data.kind, data.state.as_deref().unwrap_or_default());
        StateEvent { time: record.time, owner: (record.project, data.kind.as_str()), meaning }
    })
}

/// Calls `meter` for each month's part of a holding that a component prices; answers whether there was any.
pub(crate) fn each_stretch(
    part: &Part<'_>,
    holding: &Holding,
    quantity: Quantity,
    mut meter: impl FnMut(usize, Stretch) -> Result<(), Overflow>,
) -> Result<bool, Overflow> {
    let first = part.spans.partition_point(|span| span.end <= holding.start);
    let mut any = false;
    for span in part.spans[first..].iter().take_while(|span| span.start < holding.end) {
        let (start, end) = (span.start.max(holding.start), span.end.min(holding.end));
        meter(span.month, Stretch { start, end, quantity })?;
        any = true;
    }
    Ok(any)
}

fn meter_resource(
    walk: &mut Walk<'_, '_>,
    plan: &Plan<'_>,
    found: &Match<'_>,
    (holding, project): (&Holding, Name),
) -> Result<bool, Overflow> {
    let part = &plan.parts()[found.part];
    let (model, from, hours) = (&part.component.model, plan.window().from(), plan.hours());
    let meters = &mut walk.meters;
    each_stretch(part, holding, found.quantity, |number, stretch| {
        let month = &plan.months()[number];
        let before = (stretch.start < from).then_some(Stretch { end: stretch.end.min(from), ..stretch });
        let known = meters
            .iter()
            .rposition(|other| other.part == found.part && other.month == number && other.project == project);
        let Some(known) = known else {
            let to = Meter::new(model, stretch, month, hours)?;
            let from = before.map(|stretch| Meter::new(model, stretch, month, hours)).transpose()?;
            meters.push(Metered { part: found.part, month: number, project, to, from });
            return Ok(());
        };
        let metered = &mut meters[known];
        metered.to.add(model, stretch, month, hours)?;
        match (before, &mut metered.from) {
            (None, _) => Ok(()),
            (Some(stretch), Some(meter)) => meter.add(model, stretch, month, hours),
            (Some(stretch), empty) => {
                *empty = Some(Meter::new(model, stretch, month, hours)?);
                Ok(())
            }
        }
    })
}

/// When a `once` component fires within a holding: at the resource's first matching instant, once for all its
/// lives, and never for a resource that was alive before the component first appeared in the book.
pub(crate) fn once_at(part: &Part<'_>, holding: &Holding, born: Second, to: Second) -> Option<Second> {
    let start = holding.start.max(part.in_force.start);
    let end = holding.end.min(part.in_force.end).min(to);
    (start < end && born >= part.first_appeared).then_some(start)
}

fn pay_once<'b>(
    walk: &mut Walk<'_, 'b>,
    plan: &Plan<'b>,
    found: &Match<'_>,
    holding: &Holding,
) -> Option<(usize, Sums)> {
    let part = &plan.parts()[found.part];
    let id = part.component.id.as_str();
    if walk.paid.contains(&id) {
        return None;
    }
    let at = once_at(part, holding, walk.born?, plan.window().to())?;
    walk.paid.push(id);
    let from = if at < plan.window().from() { found.quantity } else { Quantity::ZERO };
    plan.month_of(at).map(|month| (month, Sums { to: found.quantity, from }))
}

/// Adds a charge unless it says nothing.
fn push_charge(
    charges: &mut Vec<Charge>,
    plan: &Plan<'_>,
    names: &Names,
    row: (SumKey, Sums, Option<Option<Name>>),
) -> Result<(), Overflow> {
    charges.extend(charge(plan, names, row)?);
    Ok(())
}

/// The charge R(C(to)) − R(C(from)), if it says something.
pub(crate) fn charge(
    plan: &Plan<'_>,
    names: &Names,
    (key, sums, group): (SumKey, Sums, Option<Option<Name>>),
) -> Result<Option<Charge>, Overflow> {
    let part = &plan.parts()[key.part];
    let month = &plan.months()[key.month];
    let rounded = |reading| meter::cost(&part.component.model, reading, month)?.round_half_even();
    let quantity = sums.to.checked_sub(sums.from)?;
    let amount = rounded(sums.to)?.checked_sub(rounded(sums.from)?)?;
    if quantity.is_zero() && amount.is_zero() {
        return Ok(None);
    }
    let text = |name| names.text(name).to_owned();
    let key = ChargeKey {
        project: text(key.project),
        source: key.resource.map(|(source, _)| text(source)),
        resource: key.resource.map(|(_, subject)| text(subject)),
        component: part.component.id.clone(),
        version: part.version,
        month: month.name,
        group: group.map(|group| group.map(text)),
    };
    Ok(Some(Charge { key, quantity, amount }))
}
