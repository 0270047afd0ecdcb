//! Metering what is known of all resources: from records to rows.
//!
//! Resources are independent of each other but for `monthly_peak`, whose changes are gathered here and summed when
//! all resources have been walked.

use std::collections::HashMap;
use std::thread;

use crate::calendar::Second;
use crate::intake::{Descriptions, Labels, Name, Places, Record, Records, Resource};
use crate::matching::{Group, Match, Matches};
use crate::meter::{self, Meter, Stretch};
use crate::money::{Overflow, Quantity};
use crate::notice::Notices;
use crate::plan::{Part, Plan};
use crate::price_book::Model;
use crate::rows::{MeterKey, Readings, Row};
use crate::timeline::{self, Holding, StateEvent, Told};

/// What metering reads.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a, 'b> {
    /// The plan of the run.
    pub plan: &'a Plan<'b>,
    /// The data of the records.
    pub descriptions: &'a Descriptions,
    /// The labels of the records.
    pub labels: &'a Labels,
    /// The state events of all resources.
    pub records: &'a Records,
}

impl<'a> Known<'a, '_> {
    /// Sorted records of a resource as its timeline wants them: the owner is the project and the kind.
    pub(crate) fn state_events(
        &self,
        records: &'a [Record],
    ) -> impl Iterator<Item = StateEvent<(Name, &'a str)>> {
        let known = *self;
        records.iter().map(move |record| {
            let data = known.descriptions.get(known.records.description(record));
            let state = data.state.as_deref().unwrap_or_default();
            let meaning = known.plan.book().meaning(&data.kind, state);
            StateEvent {
                time: record.time,
                owner: (known.records.project(record), data.kind.as_str()),
                meaning,
            }
        })
    }
}

/// What metering answers.
#[derive(Debug, Default)]
pub struct Metered {
    /// In no order.
    pub rows: Vec<Row>,
    /// The texts of the rows' groups.
    pub groups: Vec<String>,
    /// What was noticed.
    pub notices: Notices,
}

/// Meters all resources, on so many threads.
///
/// # Errors
/// [`Overflow`] where a sum does not fit 256 bits.
pub fn meter(known: Known<'_, '_>, places: &Places, threads: usize) -> Result<Metered, Overflow> {
    let resources = known.records.resources();
    let share = resources.len().div_ceil(threads.max(1)).max(1);
    let runs = thread::scope(|scope| {
        let walk = |resources| scope.spawn(move || Run::new(known, places).walk(resources));
        let handles: Vec<_> = resources.chunks(share).map(walk).collect();
        // A thread that panicked panics here: there is nothing to answer then.
        let joined = |handle: thread::ScopedJoinHandle<'_, _>| {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        handles.into_iter().map(joined).collect::<Result<Vec<Run<'_, '_>>, Overflow>>()
    })?;
    let mut all = Metered::default();
    let mut peaks: Peaks = HashMap::new();
    for run in runs {
        let numbers: Vec<Group> = run.matches.groups().iter().map(|text| all.group(text)).collect();
        let renumbered = |group: Group| numbers[group as usize];
        all.rows.extend(run.rows.into_iter().map(|row| row.regrouped(renumbered)));
        for (key, changes) in run.peaks {
            let group = key.group.map(|group| group.map(renumbered));
            peaks.entry(PeakKey { group, ..key }).or_default().extend(changes);
        }
        all.notices.add(run.notices);
    }
    for (key, mut changes) in peaks {
        let (from, to) = meter::largest_sum(&mut changes, known.plan.window().from())?;
        let PeakKey { part, month, project, group } = key;
        let key = MeterKey { part, month, project, resource: None };
        all.rows.extend(Row::new(known.plan, key, Readings { to, from }, group)?);
    }
    Ok(all)
}

impl Metered {
    fn group(&mut self, text: &str) -> Group {
        let known = self.groups.iter().position(|other| other == text);
        let number = known.unwrap_or_else(|| {
            self.groups.push(text.to_owned());
            self.groups.len() - 1
        });
        Group::try_from(number).unwrap_or(Group::MAX)
    }
}

/// What `monthly_peak` looks at: each project, month and group on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PeakKey {
    part: usize,
    month: usize,
    project: Name,
    group: Option<Option<Group>>,
}

/// The quantities that begin (positive) and end (negative) at each second.
type Peaks = HashMap<PeakKey, Vec<(Second, Quantity)>>;

/// The walk of one thread over its share of the resources.
struct Run<'a, 'b> {
    known: Known<'a, 'b>,
    places: &'a Places,
    matches: Matches<'b>,
    rows: Vec<Row>,
    peaks: Peaks,
    notices: Notices,
}

/// The meters of one resource for one part and month: up to the end of the window and up to its start.
struct MeterPair {
    part: usize,
    month: usize,
    project: Name,
    to: Meter,
    from: Option<Meter>,
}

/// What is known of one resource while it is walked.
struct Walk<'r, 'b> {
    records: &'r [Record],
    meters: &'r mut Vec<MeterPair>,
    /// The first second in which it was alive.
    born: Option<Second>,
    /// The `once` components that it has paid.
    paid: Vec<Paid<'b>>,
    priced: bool,
    /// An event that held within the window.
    seen: Option<Record>,
}

/// A `once` component that a resource has paid.
struct Paid<'b> {
    id: &'b str,
    part: usize,
    project: Name,
    /// The month and the readings, where it was in one of the window's months.
    due: Option<(usize, Readings)>,
}

impl<'a, 'b> Run<'a, 'b> {
    fn new(known: Known<'a, 'b>, places: &'a Places) -> Run<'a, 'b> {
        let (matches, rows, peaks, notices) =
            (Matches::default(), Vec::new(), HashMap::new(), Notices::default());
        Run { known, places, matches, rows, peaks, notices }
    }

    fn walk(mut self, resources: &[Resource]) -> Result<Run<'a, 'b>, Overflow> {
        let (mut records, mut meters) = (Vec::new(), Vec::new());
        for resource in resources {
            self.known.records.sorted(resource, self.known.labels, &mut records);
            self.resource(resource, &records, &mut meters)?;
        }
        Ok(self)
    }

    fn resource(
        &mut self,
        resource: &Resource,
        records: &[Record],
        meters: &mut Vec<MeterPair>,
    ) -> Result<(), Overflow> {
        let known = self.known;
        let mut walk = Walk { records, meters, born: None, paid: Vec::new(), priced: false, seen: None };
        timeline::walk(known.state_events(records), |told| match told {
            Told::Holding(holding) => self.holding(&mut walk, holding),
            Told::Disputed(number) => {
                self.notices.disputed(self.places.origin(records[number].place));
                Ok(())
            }
        })?;
        let Walk { meters, paid, priced, seen, .. } = walk;
        let owner = Some((resource.source, resource.subject));
        for pair in meters.drain(..) {
            let MeterPair { part, month, project, to, from } = pair;
            let from = from.map_or(Ok(Quantity::ZERO), |meter| meter.reading())?;
            let key = MeterKey { part, month, project, resource: owner };
            self.rows.extend(Row::new(known.plan, key, Readings { to: to.reading()?, from }, None)?);
        }
        for Paid { part, project, due, .. } in paid {
            let Some((month, readings)) = due else { continue };
            let key = MeterKey { part, month, project, resource: owner };
            self.rows.extend(Row::new(known.plan, key, readings, None)?);
        }
        if let Some(record) = seen.filter(|_| !priced) {
            let data = known.descriptions.get(known.records.description(&record));
            self.notices.unpriced(&data.kind, self.places.origin(record.place));
        }
        Ok(())
    }

    /// Meters a stretch in which the resource was exactly what one event said.
    fn holding(&mut self, walk: &mut Walk<'_, 'b>, holding: Holding) -> Result<(), Overflow> {
        walk.born = walk.born.or(Some(holding.start));
        let Known { plan, descriptions, records, .. } = self.known;
        let window = plan.window();
        if holding.start >= window.to() || (holding.end <= plan.start() && !plan.has_once()) {
            return Ok(());
        }
        let record = walk.records[holding.began];
        if holding.end > window.from() {
            walk.seen = walk.seen.or(Some(record));
        }
        let project = records.project(&record);
        let description = (records.description(&record), holding.class);
        for found in self.matches.of(plan, descriptions, description)? {
            let part = &plan.parts()[found.part];
            let metered = match part.component.model {
                Model::Once { .. } => pay_once(walk, plan, found, (&holding, project)),
                Model::MonthlyPeak { .. } => {
                    let peaks = &mut self.peaks;
                    each_stretch(part, &holding, found.quantity, |month, stretch| {
                        let key = PeakKey { part: found.part, month, project, group: found.group };
                        let changes = peaks.entry(key).or_default();
                        changes.push((stretch.start, found.quantity));
                        changes.push((stretch.end, Quantity::ZERO.checked_sub(found.quantity)?));
                        Ok(())
                    })?
                }
                _ => meter_resource(walk.meters, plan, found, (&holding, project))?,
            };
            walk.priced |= metered;
            if let Some(attribute) = found.lacks.filter(|_| metered) {
                self.notices.lacking(&part.component.id, attribute, self.places.origin(record.place));
            }
        }
        Ok(())
    }
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
    meters: &mut Vec<MeterPair>,
    plan: &Plan<'_>,
    found: &Match<'_>,
    (holding, project): (&Holding, Name),
) -> Result<bool, Overflow> {
    let part = &plan.parts()[found.part];
    let (model, from, hours) = (&part.component.model, plan.window().from(), plan.hours());
    each_stretch(part, holding, found.quantity, |number, stretch| {
        let month = &plan.months()[number];
        let before = (stretch.start < from).then_some(Stretch { end: stretch.end.min(from), ..stretch });
        let known = meters
            .iter()
            .rposition(|other| other.part == found.part && other.month == number && other.project == project);
        let Some(known) = known else {
            let to = Meter::new(model, stretch, month, hours)?;
            let from = before.map(|stretch| Meter::new(model, stretch, month, hours)).transpose()?;
            meters.push(MeterPair { part: found.part, month: number, project, to, from });
            return Ok(());
        };
        let pair = &mut meters[known];
        pair.to.add(model, stretch, month, hours)?;
        match (before, &mut pair.from) {
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

/// Answers whether the component looks at the resource at all, be it paid now, before, or never.
fn pay_once<'b>(
    walk: &mut Walk<'_, 'b>,
    plan: &Plan<'b>,
    found: &Match<'_>,
    (holding, project): (&Holding, Name),
) -> bool {
    let part = &plan.parts()[found.part];
    let id = part.component.id.as_str();
    let to = plan.window().to();
    let at = once_at(part, holding, walk.born.unwrap_or(holding.start), to);
    if let Some(at) = at.filter(|_| walk.paid.iter().all(|paid| paid.id != id)) {
        let from = if at < plan.window().from() { found.quantity } else { Quantity::ZERO };
        let due = plan.month_of(at).map(|month| (month, Readings { to: found.quantity, from }));
        walk.paid.push(Paid { id, part: found.part, project, due });
    }
    part.in_force.start < holding.end && holding.start < part.in_force.end
}
