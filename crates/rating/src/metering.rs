//! Metering what is known of all resources: from records to rows.
//!
//! Resources are independent of each other but for `monthly_peak`, whose changes are gathered here and summed when
//! all resources have been walked.

use std::collections::HashMap;
use std::thread;

use crate::accumulator::{Accumulator, Held, each_stretch};
use crate::calendar::Second;
use crate::intake::{Descriptions, Labels, Name, Places, Record, Records, Resource};
use crate::matching::{self, Group, Groups, Matches};
use crate::meter;
use crate::money::{Overflow, Quantity};
use crate::notice::Notices;
use crate::plan::Plan;
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
    pub groups: Groups,
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
        let numbers: Vec<Group> = run.matches.groups().iter().map(|text| all.groups.number(text)).collect();
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

/// What is known of one resource while it is walked.
struct Walk<'r> {
    records: &'r [Record],
    /// Up to the end of the window.
    to: &'r mut Accumulator,
    /// Up to its start.
    from: &'r mut Accumulator,
    priced: bool,
    /// An event that held within the window.
    seen: Option<Record>,
}

impl<'a, 'b> Run<'a, 'b> {
    fn new(known: Known<'a, 'b>, places: &'a Places) -> Run<'a, 'b> {
        let (matches, rows, peaks, notices) =
            (Matches::default(), Vec::new(), HashMap::new(), Notices::default());
        Run { known, places, matches, rows, peaks, notices }
    }

    fn walk(mut self, resources: &[Resource]) -> Result<Run<'a, 'b>, Overflow> {
        let mut records = Vec::new();
        let mut pair = (Accumulator::default(), Accumulator::default());
        for resource in resources {
            self.known.records.sorted(resource, self.known.labels, &mut records);
            self.resource(resource, &records, &mut pair)?;
        }
        Ok(self)
    }

    fn resource(
        &mut self,
        resource: &Resource,
        records: &[Record],
        (to, from): &mut (Accumulator, Accumulator),
    ) -> Result<(), Overflow> {
        let known = self.known;
        to.clear();
        from.clear();
        let mut walk = Walk { records, to, from, priced: false, seen: None };
        timeline::walk(known.state_events(records), |told| match told {
            Told::Holding(holding) => self.holding(&mut walk, holding),
            Told::Disputed(number) => {
                self.notices.disputed(self.places.origin(records[number].place));
                Ok(())
            }
        })?;
        let Walk { to, from, priced, seen, .. } = walk;
        let owner = Some((resource.source, resource.subject));
        for metered in &to.meters {
            let (part, month, project) = (metered.part, metered.month, metered.project);
            let readings =
                Readings { to: metered.meter.reading()?, from: from.reading(part, month, project)? };
            let key = MeterKey { part, month, project, resource: owner };
            self.rows.extend(Row::new(known.plan, key, readings, None)?);
        }
        for paid in &to.paid {
            let Some(month) = known.plan.month_of(paid.at) else { continue };
            let before = paid.at < known.plan.window().from();
            let from = if before { paid.quantity } else { Quantity::ZERO };
            let key = MeterKey { part: paid.part, month, project: paid.project, resource: owner };
            self.rows.extend(Row::new(known.plan, key, Readings { to: paid.quantity, from }, None)?);
        }
        if let Some(record) = seen.filter(|_| !priced) {
            let data = known.descriptions.get(known.records.description(&record));
            self.notices.unpriced(&data.kind, self.places.origin(record.place));
        }
        Ok(())
    }

    /// Meters a stretch in which the resource was exactly what one event said.
    fn holding(&mut self, walk: &mut Walk<'_>, holding: Holding) -> Result<(), Overflow> {
        walk.to.alive(holding.start);
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
        let held = Held { seconds: holding.start..holding.end.min(window.to()), project };
        let before = Held { seconds: holding.start..holding.end.min(window.from()), project };
        let counts_before = before.seconds.start < before.seconds.end && plan.start() < before.seconds.end;
        let matches = self.matches.of(plan, descriptions, (records.description(&record), holding.class))?;
        for found in matching::within(matches, plan, &held.seconds) {
            let part = &plan.parts()[found.part];
            let metered = if let Model::MonthlyPeak { .. } = part.component.model {
                let peaks = &mut self.peaks;
                each_stretch(part, &held.seconds, found.quantity, |month, stretch| {
                    let key = PeakKey { part: found.part, month, project, group: found.group };
                    let changes = peaks.entry(key).or_default();
                    changes.push((stretch.start, found.quantity));
                    changes.push((stretch.end, Quantity::ZERO.checked_sub(found.quantity)?));
                    Ok(())
                })?
            } else {
                if counts_before {
                    walk.from.hold(plan, found, &before)?;
                }
                walk.to.hold(plan, found, &held)?
            };
            walk.priced |= metered;
            if let Some(attribute) = found.lacks.filter(|_| metered) {
                self.notices.lacking(&part.component.id, attribute, self.places.origin(record.place));
            }
        }
        Ok(())
    }
}
