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

mod amounts;
mod billed;
mod noticed;
mod past;
pub mod running;
pub mod standing;
mod states;
mod stored;
#[cfg(test)]
mod tests;
mod touched;
mod usage;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use jiff::civil::Date;

use crate::accumulator::{Accumulator, each_stretch};
use crate::batch::{Batch, LabelParts, Origin, Told, Written};
use crate::calendar::{OutOfRange, Second};
use crate::charge::{Bill, Charge};
use crate::content;
use crate::event::{self, Description, Refusal};
use crate::intake::{Name, Resource, Statement};
use crate::keys::{Accepted, QuickMap, QuickSet};
use crate::matching::Matches;
use crate::money::{Overflow, Quantity};
use crate::packed::codec::{self, Form};
use crate::packed::{self, Numbers, UnpackError};
use crate::peak::Sums;
use crate::plan::Plan;
use crate::price_book::PriceBook;
use crate::register::{NewState, Register};
use crate::resource::{Billed, Change, Closed, Effects, Ground, PeakKey, ResourceState, Said};
use crate::rows::{MeterKey, Readings, Row};
use crate::sums::SumKey;
pub use amounts::Slot;
pub use noticed::EventName;
use noticed::UsageNotices;
use past::{Kept, Past, Rebuilt, Steps, Way};
use running::Running;
use states::States;
pub use touched::Touched;
use touched::Touches;
use usage::{UsageEvent, Uses};

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
    /// More names than a rater can hold.
    #[error("more names than one rater can hold")]
    TooMany,
    /// No state event has named the resource.
    #[error("no such resource is known")]
    UnknownResource,
}

/// What a resource has come to in a month, for one part and project.
#[derive(Debug, Clone, Copy)]
struct Reading {
    part: usize,
    month: usize,
    project: Name,
    quantity: Quantity,
}

/// Tells what a resource has come to in some months, by what it has closed and what its meters show.
fn each_reading(
    plan: &Plan,
    (sums, past): (&Accumulator, &Past),
    months: Range<usize>,
    mut tell: impl FnMut(Reading) -> Result<(), Overflow>,
) -> Result<(), Overflow> {
    for closed in past.closed().iter().filter(|closed| months.contains(&closed.month)) {
        let Closed { part, month, project, quantity } = *closed;
        tell(Reading { part, month, project, quantity })?;
    }
    for metered in sums.meters.iter().filter(|metered| months.contains(&metered.month)) {
        let (part, month, project) = (metered.part, metered.month, metered.project);
        tell(Reading { part, month, project, quantity: metered.meter.reading()? })?;
    }
    for paid in &sums.paid {
        if let Some(month) = plan.month_of(paid.at).filter(|month| months.contains(month)) {
            tell(Reading { part: paid.part, month, project: paid.project, quantity: paid.quantity })?;
        }
    }
    Ok(())
}

/// Parts and months are numbered in 32 bits: no book has more.
fn number(number: usize) -> Result<u32, Overflow> {
    u32::try_from(number).map_err(|_| Overflow)
}

/// See the module.
#[derive(Debug)]
pub struct Live {
    plan: Plan,
    register: Register,
    matches: Matches,
    states: States,
    pasts: Vec<Past>,
    sums: HashMap<PeakKey, Sums>,
    uses: Uses,
    /// The numbers of a project's resources.
    by_project: QuickMap<Name, Vec<u32>>,
    /// The further projects of resources that have named more than one.
    further: BTreeSet<(u32, Name)>,
    /// The sources of each project's resources, as pairs.
    sources: QuickSet<(Name, Name)>,
    billed: Billed,
    usage_notices: UsageNotices,
    touched: Touches,
    /// What is running, where somebody asked for it.
    running: Option<Running>,
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
            states: States::default(),
            pasts: Vec::new(),
            sums: HashMap::new(),
            uses: Uses::default(),
            by_project: QuickMap::default(),
            further: BTreeSet::new(),
            sources: QuickSet::default(),
            billed: Billed::default(),
            usage_notices: UsageNotices::default(),
            hashes: Vec::new(),
            touched: Touches::default(),
            running: None,
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
        self.take(&Batch::read(line.to_vec(), origin), |_, outcome| accepted = outcome);
        accepted
    }

    /// Takes the events of a batch in their order, and tells what became of each.
    pub fn take(&mut self, batch: &Batch, mut tell: impl FnMut(Origin, Result<Accepted, Refusal>)) {
        for entry in batch.entries() {
            let outcome = entry.read.as_ref().map_err(|refusal| (**refusal).clone());
            let outcome = outcome.and_then(|read| self.judge(batch.written(read)));
            tell(entry.origin, outcome);
        }
    }

    /// Accepts an event by its key and content, and rates it if it is new.
    fn judge(&mut self, written: Written<'_, Box<Description>>) -> Result<Accepted, Refusal> {
        let read = written.read;
        let accepted = match &read.told {
            Told::State(said) => {
                let statement = self.statement(written, *said)?;
                self.register.accept_state(read, statement)?
            }
            Told::Usage(_, data) => {
                data.check_currency(self.plan.book().currency())?;
                self.register.keys.accept(read.key, read.content)?
            }
        };
        if accepted == Accepted::New {
            self.rate(written)?;
        }
        Ok(accepted)
    }

    /// Takes an event of a batch, by its number in it, whose key and content were judged elsewhere: it counts. A rater
    /// that takes its events so keeps no keys; nobody may give it the same event twice.
    ///
    /// # Errors
    /// [`Refusal`] of a line that holds no event, or one that [`Batch::incoming`] and
    /// [`check_currency`](crate::incoming::Incoming::check_currency) refuse; it changes nothing.
    pub fn take_accepted(&mut self, batch: &Batch, index: usize) -> Result<(), Refusal> {
        let nothing = || Refusal::NotJson("the line is blank".to_owned());
        let entry = batch.entries().get(index).ok_or_else(nothing)?;
        let read = entry.read.as_ref().map_err(|refusal| (**refusal).clone())?;
        if let Told::Usage(_, data) = &read.told {
            data.check_currency(self.plan.book().currency())?;
        }
        self.rate(batch.written(read))
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
            for Reading { part, project, quantity, .. } in self.readings(number, month..month + 1, at)? {
                let key = MeterKey { part, month, project, resource: Some((source, subject)) };
                rows.extend(Row::new(&self.plan, key, Readings { to: quantity, ..Readings::ZERO }, None)?);
            }
        }
        for key in self.uses.keys().filter(|key| key.month as usize == month) {
            let readings = Readings { to: self.uses.until(key, at)?, ..Readings::ZERO };
            rows.extend(Row::new(&self.plan, self.meter_key(key), readings, None)?);
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

    /// R(C(t)) of all charges that were touched, up to `at`; none where it is nothing.
    ///
    /// # Errors
    /// [`LiveError`]; `at` must not be before [`latest`](Live::latest).
    pub fn charges_of(&mut self, touched: &Touched, at: Second) -> Result<Vec<Charge>, LiveError> {
        self.ready_at(at)?;
        let mut rows: Vec<Option<Row>> = Vec::new();
        match *touched {
            Touched::Resource { number, since } => {
                let Resource { source, subject, .. } = self.register.records.resource_of(number);
                let months = since as usize..self.plan.months().len();
                for Reading { part, month, project, quantity } in
                    self.readings(number as usize, months, at)?
                {
                    let key = MeterKey { part, month, project, resource: Some((source, subject)) };
                    rows.push(Row::new(&self.plan, key, Readings { to: quantity, ..Readings::ZERO }, None)?);
                }
            }
            Touched::Use(key) => {
                let readings = Readings { to: self.uses.until(&key, at)?, ..Readings::ZERO };
                rows.push(Row::new(&self.plan, self.meter_key(&key), readings, None)?);
            }
            Touched::Peak { key, month } => {
                let readings = Readings { to: self.largest(&key, month as usize, at)?, ..Readings::ZERO };
                let PeakKey { part, project, group } = key;
                let key = MeterKey { part, month: month as usize, project, resource: None };
                rows.push(Row::new(&self.plan, key, readings, group)?);
            }
        }
        Ok(rows.iter().flatten().map(|row| self.written(row)).collect())
    }

    /// The packed state of a resource, to be stored. See [`packed`].
    ///
    /// # Errors
    /// [`LiveError::UnknownResource`].
    pub fn pack(&self, source: &str, subject: &str) -> Result<Vec<u8>, LiveError> {
        let number = self.number_of(source, subject)?;
        let state = self.states.of(number).ok_or(LiveError::UnknownResource)?;
        Ok(codec::seal(Form::State, state.to_vec()))
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
        let state = ResourceState::unpack(bytes, numbers)?.pack_bare(plan).into();
        self.count_running(number, -1)?;
        self.states.put(number, state);
        self.count_running(number, 1)
    }

    /// The number of what a state event says. A new description leaves its hash beside.
    fn statement(&mut self, written: Written<'_, Box<Description>>, said: u128) -> Result<u32, Refusal> {
        let known = self.register.descriptions.len();
        let statement = self.register.statement(written, said, self.plan.book().currency())?;
        if self.register.descriptions.len() > known {
            self.hashes.push(content::of_key("data", written.data()?.get()));
        }
        Ok(statement)
    }

    /// Rates an event that counts.
    fn rate(&mut self, written: Written<'_, Box<Description>>) -> Result<(), Refusal> {
        let read = written.read;
        let rated = match &read.told {
            Told::State(said) => {
                let number = self.statement(written, *said)?;
                let statement = self.register.statements.get(number);
                let resource = self.owner(written, statement.project)?;
                let label = self.register.labels.push(written.label(false))?;
                self.place(NewState { time: read.time, resource, statement, label })
            }
            Told::Usage(project, data) => {
                let project = self.register.project(written, *project)?;
                let resource = self.owner(written, project)?;
                let source = self.register.records.resource_of(resource).source;
                let (second, id) = (event::second_of(read.time), LabelParts::at(written.label(false), 0).id);
                self.used(data, &UsageEvent { time: read.time, second, project, resource, source, id })
            }
        };
        self.failed = self.failed.or(rated.err());
        Ok(())
    }

    /// The number of the resource that an event of a project names; the project's list has it.
    fn owner(&mut self, written: Written<'_, Box<Description>>, project: Name) -> Result<u32, Refusal> {
        let known = self.register.records.resource_count();
        let number = self.register.resource(written, project)?;
        self.list_under(project, number, number == known);
        Ok(number)
    }

    fn list_under(&mut self, project: Name, number: u32, is_new: bool) {
        let Resource { project: own, source, .. } = self.register.records.resource_of(number);
        if is_new || (own != project && self.further.insert((number, project))) {
            self.by_project.entry(project).or_default().push(number);
            self.sources.insert((project, source));
        }
    }

    /// Puts a state event into the past of its resource: at its end, or late.
    fn place(&mut self, new: NewState) -> Result<(), LiveError> {
        let NewState { time, resource, statement, label } = new;
        let Statement { project, description, .. } = statement;
        let second = event::second_of(time);
        self.plan.extend(second)?;
        self.latest = self.latest.max(second);
        // What happens in a second changes no month before it.
        let since = number(self.plan.month_of(second).unwrap_or(0))?;
        let number = resource as usize;
        if self.pasts.len() <= number {
            self.pasts.resize_with(number + 1, Past::default);
        }
        let kept = Kept { time, label, said: Said { project, description } };
        let Live { plan, register, matches, states, pasts, billed, running, .. } = self;
        let (descriptions, names) = (&register.descriptions, register.names.len());
        let source = register.records.resource_at(number).source;
        let ground = Ground { plan, descriptions, billed, source };
        let mut steps = Steps { ground, matches, names };
        let past = &mut pasts[number];
        let at = past.position(&register.labels, &kept);
        if at < past.len() {
            let rebuilt = past.insert(&mut steps, at, kept)?;
            if !rebuilt.same {
                if let Some(running) = running {
                    running.add(ground, steps.matches, (&rebuilt.before.state, -1))?;
                    running.add(ground, steps.matches, (&rebuilt.after.state, 1))?;
                }
                states.put(number, rebuilt.after.state.pack_bare(plan).into());
            }
            let Rebuilt { before, after, same } = &rebuilt;
            if !*same || before.effects.closed != after.effects.closed {
                self.touched.resource(resource, since);
            }
            return self.change(&rebuilt.changes()?);
        }
        let before = states.of(number);
        let known = before.map_or_else(|| Ok(ResourceState::new()), |state| steps.unpack(state))?;
        if let Some(running) = running {
            running.add(ground, steps.matches, (&known, -1))?;
        }
        let mut way = Way { state: known, effects: Effects::default() };
        steps.step(&mut way, &kept)?;
        if let Some(running) = running {
            running.add(ground, steps.matches, (&way.state, 1))?;
        }
        past.push(kept, &way.effects.closed, before.unwrap_or_default());
        states.put(number, way.state.pack_bare(plan).into());
        self.touched.resource(resource, since);
        self.change(&way.effects.changes)
    }

    fn change(&mut self, changes: &[Change]) -> Result<(), LiveError> {
        for Change { key, second, by } in changes {
            self.sums.entry(*key).or_default().change(*second, *by)?;
            self.running.iter_mut().for_each(|running| running.peak(*key));
            let mut months = Vec::new();
            each_stretch(&self.plan.parts()[key.part], &(*second..self.plan.end()), *by, |month, _| {
                months.push(month);
                Ok(())
            })?;
            for month in months {
                self.touched.peak(*key, number(month)?);
            }
        }
        Ok(())
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
        let has_state = |number: &usize| self.states.of(*number).is_some();
        number.filter(has_state).ok_or(LiveError::UnknownResource)
    }

    /// What a resource has come to in some months.
    fn readings(
        &mut self,
        number: usize,
        months: Range<usize>,
        at: Second,
    ) -> Result<Vec<Reading>, LiveError> {
        let Live { plan, register, matches, states, pasts, billed, .. } = self;
        let Some(state) = states.of(number) else { return Ok(Vec::new()) };
        let source = register.records.resource_at(number).source;
        let ground = Ground { plan, descriptions: &register.descriptions, billed, source };
        let steps = Steps { ground, matches, names: register.names.len() };
        let sums = steps.unpack(state)?.before(ground, steps.matches, at)?;
        let mut readings = Vec::with_capacity(sums.meters.len());
        each_reading(plan, (&sums, &pasts[number]), months, |reading| {
            readings.push(reading);
            Ok(())
        })?;
        Ok(readings)
    }

    fn meter_key(&self, key: &SumKey) -> MeterKey {
        let resource = self.register.records.owner(key.resource);
        MeterKey { part: key.part as usize, month: key.month as usize, project: key.project, resource }
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
