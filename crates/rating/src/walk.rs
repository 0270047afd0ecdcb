//! The walk over resources, one by one: from the records of each to its rows.

use std::collections::HashMap;

use crate::accumulator::{Accumulator, Held, each_stretch};
use crate::billing::Known;
use crate::calendar::Second;
use crate::intake::{Name, Places, Record, Resource, Statement};
use crate::matching::{self, Group, Match, Matches};
use crate::meter;
use crate::money::{Overflow, Quantity};
use crate::notice::Notices;
use crate::plan::Part;
use crate::price_book::Model;
use crate::rows::{MeterKey, Readings, Row};
use crate::timeline::{self, Holding, Told};

/// A resource, and a project that it has lived under: what it owes to another is told at another stop.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// The number of the resource.
    pub resource: u32,
    /// The project.
    pub project: Name,
}

/// What `monthly_peak` looks at within a project: each month and group on its own.
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
pub(crate) struct Walker<'a> {
    known: Known<'a>,
    places: &'a Places,
    pub(crate) matches: Matches,
    pub(crate) rows: Vec<Row>,
    pub(crate) notices: Notices,
    peaks: Peaks,
    sums: (Accumulator, Accumulator),
}

/// What is known of one resource while it is walked.
struct Walk<'r> {
    stop: Stop,
    records: &'r [Record],
    /// Up to the end of the window.
    to: &'r mut Accumulator,
    /// Up to its start.
    from: &'r mut Accumulator,
    priced: bool,
    /// An event that held within the window.
    seen: Option<Record>,
    /// Whether it had a class within the window.
    classed: bool,
}

impl<'a> Walker<'a> {
    /// A walk that has seen nothing yet.
    pub(crate) fn new(known: Known<'a>, places: &'a Places) -> Walker<'a> {
        Walker {
            known,
            places,
            matches: Matches::default(),
            rows: Vec::new(),
            notices: Notices::default(),
            peaks: HashMap::new(),
            sums: <(Accumulator, Accumulator)>::default(),
        }
    }

    /// Adds the rows of a resource under one project. Stops of one project come one after the other.
    ///
    /// # Errors
    /// [`Overflow`] where a sum does not fit 256 bits.
    pub(crate) fn stop(&mut self, stop: Stop, records: &[Record]) -> Result<(), Overflow> {
        let resource = self.known.records.resource_of(stop.resource);
        let mut sums = std::mem::take(&mut self.sums);
        let walked = self.resource((stop, &resource), records, &mut sums);
        self.sums = sums;
        walked
    }

    /// Adds the rows of the sums over the project whose resources were walked since the last.
    ///
    /// # Errors
    /// [`Overflow`] where a sum does not fit 256 bits.
    pub(crate) fn end_project(&mut self) -> Result<(), Overflow> {
        for (key, mut changes) in self.peaks.drain() {
            let (from, to) = meter::largest_sum(&mut changes, self.known.plan.window().from())?;
            let PeakKey { part, month, project, group } = key;
            let key = MeterKey { part, month, project, resource: None };
            self.rows.extend(Row::new(self.known.plan, key, Readings { to, from }, group)?);
        }
        Ok(())
    }

    fn resource(
        &mut self,
        (stop, resource): (Stop, &Resource),
        records: &[Record],
        (to, from): &mut (Accumulator, Accumulator),
    ) -> Result<(), Overflow> {
        let known = self.known;
        to.clear();
        from.clear();
        // What does not depend on the project is noticed at the first of the resource's stops.
        let first = stop.project == resource.project;
        let mut walk = Walk { stop, records, to, from, priced: false, seen: None, classed: false };
        timeline::walk(known.state_events(records), |told| match told {
            Told::Holding(holding) => self.holding(&mut walk, holding),
            Told::Disputed(number) => {
                if first {
                    self.notices.disputed(self.places.origin(records[number].place));
                }
                Ok(())
            }
        })?;
        let Walk { to, from, priced, seen, classed, .. } = walk;
        let owner = Some((resource.source, resource.subject));
        for metered in to.meters.iter().filter(|metered| metered.project == stop.project) {
            let (part, month, project) = (metered.part, metered.month, metered.project);
            let readings =
                Readings { to: metered.meter.reading()?, from: from.reading(part, month, project)? };
            let key = MeterKey { part, month, project, resource: owner };
            self.rows.extend(Row::new(known.plan, key, readings, None)?);
        }
        for paid in to.paid.iter().filter(|paid| paid.project == stop.project) {
            let Some(month) = known.plan.month_of(paid.at) else { continue };
            let before = paid.at < known.plan.window().from();
            let from = if before { paid.quantity } else { Quantity::ZERO };
            let key = MeterKey { part: paid.part, month, project: paid.project, resource: owner };
            self.rows.extend(Row::new(known.plan, key, Readings { to: paid.quantity, from }, None)?);
        }
        if let Some(record) = seen.filter(|_| first && !priced) {
            let data = known.descriptions.get(known.statements.get(record.statement).description);
            let (window, place) = (known.plan.window(), self.places.origin(record.place));
            let seconds = window.from()..window.to();
            self.notices.unpriced_resource(known.plan, (data, classed), &seconds, place);
        }
        Ok(())
    }

    /// Meters a stretch in which the resource was exactly what one event said.
    fn holding(&mut self, walk: &mut Walk<'_>, holding: Holding) -> Result<(), Overflow> {
        walk.to.alive(holding.start);
        let Known { plan, descriptions, statements, .. } = self.known;
        let window = plan.window();
        if holding.start >= window.to() || (holding.end <= plan.start() && !plan.has_once()) {
            return Ok(());
        }
        let record = walk.records[holding.began];
        // An empty window has nothing to be priced in.
        if holding.end > window.from() && window.from() < window.to() {
            walk.seen = walk.seen.or(Some(record));
            walk.classed |= holding.class.is_some();
        }
        let Statement { project, description, .. } = statements.get(record.statement);
        let owes = project == walk.stop.project;
        let held = Held { seconds: holding.start..holding.end.min(window.to()), project };
        let before = Held { seconds: holding.start..holding.end.min(window.from()), project };
        let counts_before = before.seconds.start < before.seconds.end && plan.start() < before.seconds.end;
        let matches = self.matches.of(plan, descriptions, (description, holding.class))?;
        for found in matching::within(matches, plan, &held.seconds) {
            let part = &plan.parts()[found.part];
            let metered = if let Model::MonthlyPeak { .. } = part.component.model {
                sum_up(part, found, &held, owes.then_some(&mut self.peaks))?
            } else {
                if counts_before {
                    walk.from.hold(plan, found, &before)?;
                }
                walk.to.hold(plan, found, &held)?
            };
            walk.priced |= metered;
            if let Some(number) = found.lacks.filter(|_| metered && owes) {
                let (component, place) = (&part.component, self.places.origin(record.place));
                self.notices.lacking(&component.id, &component.quantity[number], place);
            }
        }
        Ok(())
    }
}

/// Adds what was held to the sums over its project, if they are given; answers whether the part looks at any of it.
fn sum_up(part: &Part, found: &Match, held: &Held, mut peaks: Option<&mut Peaks>) -> Result<bool, Overflow> {
    each_stretch(part, &held.seconds, found.quantity, |month, stretch| {
        let Some(peaks) = &mut peaks else { return Ok(()) };
        let key = PeakKey { part: found.part, month, project: held.project, group: found.group };
        let changes = peaks.entry(key).or_default();
        changes.push((stretch.start, found.quantity));
        changes.push((stretch.end, Quantity::ZERO.checked_sub(found.quantity)?));
        Ok(())
    })
}
