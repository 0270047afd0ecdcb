//! Live rating: what everything has cost up to any instant from the last event on, kept up as events come.
//!
//! An event that is the latest of its resource costs O(components that match it); a late one makes only its own
//! resource again (`past`). The answers are those of [`Rater`](crate::rate::Rater) over the same accepted events.
//! The rater remembers which charges events have changed, so that settling posts their differences and no others.
//!
//! Charges begin with the month that the rater was made for; of earlier events it knows what they left running. The
//! shell holds back events ahead of its clock until their second has come. What a person should be told beside the
//! charges is in `noticed`, and the form in which all of it is stored in `stored`.
//!
//! No question looks back before the latest event ([`LiveError::Early`]): of each month the rater keeps what it has come
//! to, not how, so it can not tell what that was before an event of today. What has been posted at an earlier instant is
//! in the ledger; what a month had come to by then, a run over that window answers from the events.

mod noticed;
mod past;
mod stored;
#[cfg(test)]
mod tests;
mod touched;
mod usage;

use std::collections::HashMap;

use jiff::civil::Date;

use crate::accumulator::{Accumulator, each_stretch};
use crate::batch::{Batch, LabelParts, Origin, Told, Written};
use crate::calendar::{OutOfRange, Second};
use crate::charge::{Bill, Charge};
use crate::content;
use crate::event::{self, Description, Refusal};
use crate::intake::{Resource, Statement};
use crate::keys::Accepted;
use crate::matching::{self, Matches};
use crate::money::{Overflow, Quantity};
use crate::packed::codec::{self, Form};
use crate::packed::{self, Numbers, UnpackError};
use crate::peak::Sums;
use crate::plan::Plan;
use crate::price_book::{Model, PriceBook};
use crate::register::{NewState, Register};
use crate::resource::{Change, Current, Effects, Ground, PeakKey, ResourceState, Said};
use crate::rows::{MeterKey, Readings, Row};
pub use noticed::EventName;
use noticed::UsageNotices;
use past::{Kept, Past, Rebuilt, Steps, Way};
pub use touched::Touched;
use touched::Touches;
use usage::{UsageEvent, Used};

/// Why live rating has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A sum does not fit 256 bits: more usage than the contract admits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// A date or an instant outside the years that rating accepts, or before the rater's first month.
    #[error("the month {0}")]
    OutOfRange(#[from] OutOfRange),
    /// An event later than the instant has been accepted.
    #[error("an event of second {latest} was accepted, which is after {at}")]
    Early {
        /// What was asked for.
        at: Second,
        /// The second of the latest event.
        latest: Second,
    },
    /// A packed state that is none.
    #[error(transparent)]
    Packed(#[from] UnpackError),
    /// No state event has named the resource.
    #[error("no such resource is known")]
    UnknownResource,
}

/// See the module.
#[derive(Debug)]
pub struct Live {
    plan: Plan,
    register: Register,
    matches: Matches,
    /// The packed state of each resource, by its number; empty where it has no state events.
    states: Vec<Box<[u8]>>,
    pasts: Vec<Past>,
    sums: HashMap<PeakKey, Sums>,
    uses: HashMap<MeterKey, Used>,
    usage_notices: UsageNotices,
    touched: Touches,
    /// The hash of each description's text, by its number.
    hashes: Vec<u128>,
    /// The second of the latest event.
    latest: Second,
    /// Why nothing can be answered any more.
    failed: Option<LiveError>,
}

impl Live {
    /// Live rating of no events yet, from the first second of the month that a date lies in.
    ///
    /// # Errors
    /// [`OutOfRange`] for a date outside the years that rating accepts.
    pub fn new(book: &PriceBook, since: Date) -> Result<Live, OutOfRange> {
        Live::since(book, book.calendar().month(since)?.start)
    }

    /// From the month that a second lies in.
    fn since(book: &PriceBook, start: Second) -> Result<Live, OutOfRange> {
        Ok(Live {
            plan: Plan::open(book, start)?,
            register: Register::default(),
            matches: Matches::default(),
            states: Vec::new(),
            pasts: Vec::new(),
            sums: HashMap::new(),
            uses: HashMap::new(),
            usage_notices: UsageNotices::default(),
            hashes: Vec::new(),
            touched: Touches::default(),
            latest: start,
            failed: None,
        })
    }

    /// Accepts one event, written on one line, or says why not. A refusal changes nothing.
    ///
    /// # Errors
    /// [`Refusal`], the first reason that is found.
    pub fn accept(&mut self, line: &[u8]) -> Result<Accepted, Refusal> {
        let mut accepted = Err(Refusal::NotJson("the line is blank".to_owned()));
        let origin = Origin { file: 0, line: 1 };
        self.take(Batch::read(line.to_vec(), origin), |_, outcome| accepted = outcome);
        accepted
    }

    /// Takes the events of a batch in their order, and tells what became of each.
    pub fn take(&mut self, mut batch: Batch, mut tell: impl FnMut(Origin, Result<Accepted, Refusal>)) {
        for entry in batch.take_entries() {
            let origin = entry.origin;
            let outcome = entry.read.map_err(|refusal| *refusal).and_then(|read| match &read.told {
                Told::State(said) => self.state(batch.written(&read), *said),
                Told::Usage(project, data) => self.usage(batch.written(&read), *project, data),
            });
            tell(origin, outcome);
        }
    }

    /// The second of the latest event, or of the rater's start: costs can be asked from it on.
    #[must_use]
    pub fn latest(&self) -> Second {
        self.latest
    }

    /// The charges that events have changed since this was last asked, each once. What only time changes, running
    /// resources, is not among them; months to come are those up to the latest event or question.
    pub fn take_touched(&mut self) -> Vec<Touched> {
        self.touched.take()
    }

    /// R(C(t)) of a month for every charge of it, as the bill of that month up to `at`.
    ///
    /// # Errors
    /// [`LiveError`]; `at` must not be before [`latest`](Live::latest), nor the month before the rater's first.
    pub fn charges(&mut self, month: Date, at: Second) -> Result<Bill, LiveError> {
        let month = self.ready(month, at)?;
        let mut rows: Vec<Row> = Vec::new();
        for number in 0..self.states.len() {
            let Resource { source, subject, .. } = self.register.records.resource_at(number);
            for (part, project, quantity) in self.of_resource(number, month, at)? {
                let key = MeterKey { part, month, project, resource: Some((source, subject)) };
                rows.extend(Row::new(&self.plan, key, Readings { to: quantity, ..Readings::ZERO }, None)?);
            }
        }
        for (key, used) in self.uses.iter().filter(|(key, _)| key.month == month) {
            let readings = Readings { to: used.until(at)?, ..Readings::ZERO };
            rows.extend(Row::new(&self.plan, *key, readings, None)?);
        }
        for key in self.sums.keys() {
            let readings = Readings { to: self.largest(key, month, at)?, ..Readings::ZERO };
            let PeakKey { part, project, group } = *key;
            let key = MeterKey { part, month, project, resource: None };
            rows.extend(Row::new(&self.plan, key, readings, group)?);
        }
        let charges = rows.iter().map(|row| self.written(row)).collect();
        Ok(Bill::new(self.plan.book().currency().to_owned(), charges)?)
    }

    /// R(C(t)) of one charge, also where it is nothing, or no longer anything.
    ///
    /// # Errors
    /// [`LiveError`]; `at` must not be before [`latest`](Live::latest).
    pub fn charge(&mut self, touched: &Touched, at: Second) -> Result<Charge, LiveError> {
        let Touched { key, group } = *touched;
        self.ready_at(at)?;
        let quantity = match (self.plan.parts()[key.part].component.model.meters_states(), key.resource) {
            (false, _) => self.uses.get(&key).map_or(Ok(Quantity::ZERO), |used| used.until(at))?,
            (true, None) => {
                let MeterKey { part, month, project, .. } = key;
                self.largest(&PeakKey { part, project, group }, month, at)?
            }
            (true, Some((source, subject))) => {
                let text = |name| self.register.names.text(name);
                let number = self.number_of(text(source), text(subject))?;
                let mut sum = Quantity::ZERO;
                for (part, project, quantity) in self.of_resource(number, key.month, at)? {
                    if (part, project) == (key.part, key.project) {
                        sum = sum.checked_add(quantity)?;
                    }
                }
                sum
            }
        };
        let row = Row::of(&self.plan, key, Readings { to: quantity, ..Readings::ZERO }, group)?;
        Ok(self.written(&row))
    }

    /// The packed state of a resource, to be stored. See [`packed`].
    ///
    /// # Errors
    /// [`LiveError::UnknownResource`].
    pub fn pack(&self, source: &str, subject: &str) -> Result<Vec<u8>, LiveError> {
        let number = self.number_of(source, subject)?;
        Ok(codec::seal(Form::State, self.states[number].to_vec()))
    }

    /// Puts a resource into a state that was packed here after the same events of it.
    ///
    /// # Errors
    /// [`LiveError`] where the bytes are no state, or no such resource is known; all stays as it was then.
    pub fn restore(&mut self, source: &str, subject: &str, bytes: &[u8]) -> Result<(), LiveError> {
        let number = self.number_of(source, subject)?;
        self.plan.extend(event::second_of(packed::last_of(bytes)?))?;
        let (plan, names) = (&self.plan, self.register.names.len());
        let numbers = Numbers { plan, names, descriptions: self.register.descriptions.len() };
        self.states[number] = ResourceState::unpack(bytes, numbers)?.pack_bare(plan).into();
        Ok(())
    }

    fn state(&mut self, written: Written<'_, Box<Description>>, said: u128) -> Result<Accepted, Refusal> {
        let currency = self.plan.book().currency();
        let known = self.register.descriptions.len();
        let registered = self.register.state(written, said, currency);
        if self.register.descriptions.len() > known {
            self.hashes.push(content::of_key("data", written.data()?.get()));
        }
        let Some(new) = registered? else { return Ok(Accepted::Duplicate) };
        let placed = self.place(new);
        self.failed = self.failed.or(placed.err());
        Ok(Accepted::New)
    }

    /// Puts a state event into the past of its resource: at its end, or late.
    fn place(&mut self, new: NewState) -> Result<(), LiveError> {
        let NewState { time, resource, statement, label } = new;
        let Statement { project, description, .. } = statement;
        let second = event::second_of(time);
        self.plan.extend(second)?;
        self.latest = self.latest.max(second);
        let number = resource as usize;
        if self.states.len() <= number {
            self.states.resize_with(number + 1, Box::default);
            self.pasts.resize_with(number + 1, Past::default);
        }
        let kept = Kept { time, label, said: Said { project, description } };
        let Live { plan, register, matches, states, pasts, .. } = self;
        let (ground, names) = (Ground { plan, descriptions: &register.descriptions }, register.names.len());
        let mut steps = Steps { ground, matches, names };
        let (past, state) = (&mut pasts[number], &mut states[number]);
        let at = past.position(&register.labels, &kept);
        if at < past.len() {
            let rebuilt = past.insert(&mut steps, at, kept)?;
            if !rebuilt.same {
                *state = rebuilt.after.state.pack_bare(plan).into();
            }
            return self.late(number, &rebuilt);
        }
        let known = if state.is_empty() { ResourceState::new() } else { steps.unpack(state)? };
        let before = known.current();
        let mut way = Way { state: known, effects: Effects::default() };
        steps.step(&mut way, &kept)?;
        past.push(kept, &way.effects.closed, state);
        *state = way.state.pack_bare(plan).into();
        let present = [before, way.state.current()];
        self.touch_present(number, present, second)?;
        self.change(&way.effects.changes)
    }

    /// Follows up a late event: sums of `monthly_peak`, and all charges that it may have changed.
    fn late(&mut self, number: usize, rebuilt: &Rebuilt) -> Result<(), LiveError> {
        self.change(&rebuilt.changes()?)?;
        let Rebuilt { before, after, .. } = rebuilt;
        for (one, other) in [(before, after), (after, before)] {
            for closed in one.effects.closed.iter().filter(|closed| !other.effects.closed.contains(closed)) {
                self.touch(number, closed.part, closed.month, closed.project);
            }
            let (one, other) = (&one.state.sums, &other.state.sums);
            for metered in one.meters.iter().filter(|metered| !other.meters.contains(metered)) {
                self.touch(number, metered.part, metered.month, metered.project);
            }
            for paid in one.paid.iter().filter(|paid| !other.paid.contains(paid)) {
                if let Some(month) = self.plan.month_of(paid.at) {
                    self.touch(number, paid.part, month, paid.project);
                }
            }
        }
        match rebuilt.present_differs_from() {
            Some(start) => {
                let present = [before.state.current(), after.state.current()];
                self.touch_present(number, present, start)
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, changes: &[Change]) -> Result<(), LiveError> {
        for Change { key, second, by } in changes {
            self.sums.entry(*key).or_default().change(*second, *by)?;
            let PeakKey { part, project, group } = *key;
            let touched = &mut self.touched;
            each_stretch(&self.plan.parts()[part], &(*second..self.plan.end()), *by, |month, _| {
                touched.insert(Touched { key: MeterKey { part, month, project, resource: None }, group });
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Touches what a resource is charged from a second on for what it was or is now.
    fn touch_present(
        &mut self,
        number: usize,
        present: [Option<Current>; 2],
        second: Second,
    ) -> Result<(), LiveError> {
        let Resource { source, subject, .. } = self.register.records.resource_at(number);
        let Live { plan, register, matches, touched, .. } = self;
        for current in present.into_iter().flatten() {
            let project = current.said.project;
            let owner = Some((source, subject));
            let seconds = second.max(current.start)..plan.end();
            let found =
                matches.of(plan, &register.descriptions, (current.said.description, current.class))?;
            for found in matching::within(found, plan, &seconds) {
                let part = &plan.parts()[found.part];
                let seconds = match part.component.model {
                    Model::MonthlyPeak { .. } => continue,
                    // It would be paid in the first of them.
                    Model::Once { .. } => {
                        let first = seconds.start.max(part.in_force.start);
                        first..first + 1
                    }
                    _ => seconds.clone(),
                };
                each_stretch(part, &seconds, found.quantity, |month, _| {
                    let key = MeterKey { part: found.part, month, project, resource: owner };
                    touched.insert(Touched { key, group: None });
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn touch(&mut self, number: usize, part: usize, month: usize, project: u32) {
        let Resource { source, subject, .. } = self.register.records.resource_at(number);
        let key = MeterKey { part, month, project, resource: Some((source, subject)) };
        self.touched.insert(Touched { key, group: None });
    }

    fn usage(
        &mut self,
        written: Written<'_, Box<Description>>,
        project: u128,
        data: &Description,
    ) -> Result<Accepted, Refusal> {
        data.check_currency(self.plan.book().currency())?;
        let read = written.read;
        let accepted = self.register.keys.accept(read.key, read.content)?;
        if accepted == Accepted::New {
            let project = self.register.project(written, project)?;
            let resource = self.register.resource(written, project)?;
            let Resource { source, subject, .. } = self.register.records.resource_of(resource);
            let (owner, id) = ((source, subject), LabelParts::at(written.label(false), 0).id);
            let event =
                UsageEvent { time: read.time, second: event::second_of(read.time), project, owner, id };
            let used = self.used(data, &event);
            self.failed = self.failed.or(used.err());
        }
        Ok(accepted)
    }

    /// Prepares an answer for a month and an instant.
    fn ready(&mut self, month: Date, at: Second) -> Result<usize, LiveError> {
        self.ready_at(at)?;
        let start = self.plan.book().calendar().month(month)?.start;
        self.plan.extend(start)?;
        Ok(self.plan.month_of(start).ok_or(OutOfRange)?)
    }

    fn ready_at(&mut self, at: Second) -> Result<(), LiveError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        if at < self.latest {
            return Err(LiveError::Early { at, latest: self.latest });
        }
        Ok(self.plan.extend(at)?)
    }

    fn number_of(&self, source: &str, subject: &str) -> Result<usize, LiveError> {
        let number = self.register.records.known(content::of_key(source, subject));
        let number = number.map(|number| number as usize);
        let has_state = |number: &usize| self.states.get(*number).is_some_and(|state| !state.is_empty());
        number.filter(has_state).ok_or(LiveError::UnknownResource)
    }

    /// What a resource has come to in a month: parts, projects and quantities.
    fn of_resource(
        &mut self,
        number: usize,
        month: usize,
        at: Second,
    ) -> Result<Vec<(usize, u32, Quantity)>, LiveError> {
        let Live { plan, register, matches, states, pasts, .. } = self;
        if states[number].is_empty() {
            return Ok(Vec::new());
        }
        let ground = Ground { plan, descriptions: &register.descriptions };
        let steps = Steps { ground, matches, names: register.names.len() };
        let state = steps.unpack(&states[number])?;
        let Accumulator { paid, meters, .. } = state.before(ground, steps.matches, at)?;
        let mut rows = Vec::new();
        for closed in pasts[number].closed().iter().filter(|closed| closed.month == month) {
            rows.push((closed.part, closed.project, closed.quantity));
        }
        for metered in meters.iter().filter(|metered| metered.month == month) {
            rows.push((metered.part, metered.project, metered.meter.reading()?));
        }
        for paid in paid.iter().filter(|paid| plan.month_of(paid.at) == Some(month)) {
            rows.push((paid.part, paid.project, paid.quantity));
        }
        Ok(rows)
    }

    /// The largest sum of a `monthly_peak` part in a month, before an instant.
    fn largest(&self, key: &PeakKey, month: usize, at: Second) -> Result<Quantity, Overflow> {
        let spans = &self.plan.parts()[key.part].spans;
        let span = spans.iter().find(|span| span.month == month);
        match (span, self.sums.get(key)) {
            (Some(span), Some(sums)) => sums.largest(span.start..span.end.min(at)),
            _ => Ok(Quantity::ZERO),
        }
    }

    fn written(&self, row: &Row) -> Charge {
        row.charge(&self.plan, &self.register.names, self.matches.groups()).to_owned()
    }
}
