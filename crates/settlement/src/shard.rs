//! A shard: all meters of some projects, what is posted of their charges, and the steps that bring both together.
//!
//! The shell leads it in this order: [`Shard::take`] for the events that the log has accepted, [`Shard::decide`] at an
//! instant, the step made durable and handed to the ledger, [`Shard::settled`] with what the ledger refused; then the next
//! step. The same calls in the same order decide the same amounts, so a restart restores a packed shard and repeats them;
//! what was asked of the ledger is then taken from the recorded steps, and `settled` puts right where they differ.
//!
//! An event counts once its second has passed: what holds in a second is what its last event says.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use kopeck_ledger::name::Moment;
use kopeck_rating::batch::Batch;
use kopeck_rating::calendar::{OutOfRange, Second};
use kopeck_rating::event::{self, Refusal};
use kopeck_rating::live::{Live, LiveError};
use kopeck_rating::money::Overflow;
use kopeck_rating::packed::UnpackError;
use kopeck_rating::price_book::PriceBook;

use crate::decide::Draft;
use crate::meter::{Look, Meter};
pub use crate::meter_id::{MeterId, MeterKind};
use crate::parties::Parties;
use crate::posting::Posting;
use crate::step::Step;
use crate::waiting::{Waiting, WaitingRoom};

/// Why a shard can not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// No meter of that number was added.
    #[error("meter {} is not known: add it with its price book first", .0.0)]
    UnknownMeter(MeterId),
    /// A meter of that number was added before.
    #[error("meter {} was added before: use another number", .0.0)]
    KnownMeter(MeterId),
    /// The batch has no event of that number.
    #[error("the batch has no event {0}")]
    NoEvent(usize),
    /// The postings of an earlier step have not been reported back.
    #[error("step {0} is not settled: report what the ledger answered first")]
    Unsettled(u64),
    /// No step of that number waits to be settled.
    #[error("step {0} was not decided, or is settled already")]
    NotDecided(u64),
    /// More names than a rater can hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rater has no answer.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// A sum does not fit 256 bits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// A month outside the years that rating accepts.
    #[error("the month {0}")]
    OutOfRange(#[from] OutOfRange),
    /// Bytes that are no shard.
    #[error(transparent)]
    Packed(#[from] UnpackError),
}

/// What could not be rated, for the operator: nothing else is held up by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whose charge.
    pub meter: MeterId,
    /// The source and name of the resource or event, where it is one.
    pub of: Option<(String, String)>,
    /// Why.
    pub reason: String,
}

/// See the module.
#[derive(Debug)]
pub struct Shard {
    pub(crate) number: u64,
    pub(crate) since: Date,
    pub(crate) meters: BTreeMap<MeterId, Meter>,
    pub(crate) waiting: WaitingRoom,
    /// The number of the last step with postings.
    pub(crate) steps: u64,
    /// The instant of the last look.
    pub(crate) at: Moment,
    /// The second of the last whole look.
    pub(crate) whole_at: Option<Second>,
    /// A step whose postings are on their way.
    pub(crate) flying: Option<Step>,
    /// Jobs and calls that the ledger refused or nobody could pay.
    pub(crate) aside: Vec<(MeterId, Posting)>,
    pub(crate) failures: Vec<Failure>,
    /// The projects of events and how late the latest came, where somebody wants to know.
    pub(crate) arrived: Option<BTreeMap<String, i64>>,
}

/// Failures beyond these are not listed one by one.
const MOST_FAILURES: usize = 1_000;

impl Shard {
    /// A shard of no events yet, which charges from the month that a date lies in. Its number is a part of the ids of
    /// all its postings.
    #[must_use]
    pub fn new(number: u64, since: Date) -> Shard {
        Shard {
            number,
            since,
            meters: BTreeMap::new(),
            waiting: WaitingRoom::default(),
            steps: 0,
            at: Moment::FIRST,
            whole_at: None,
            flying: None,
            aside: Vec::new(),
            failures: Vec::new(),
            arrived: None,
        }
    }

    /// Adds a price book that meters something from now on.
    ///
    /// # Errors
    /// [`SettleError::KnownMeter`], and [`SettleError::OutOfRange`] of the shard's first month.
    pub fn add_meter(
        &mut self,
        id: MeterId,
        book: &Arc<PriceBook>,
        kind: MeterKind,
    ) -> Result<(), SettleError> {
        if self.meters.contains_key(&id) {
            return Err(SettleError::KnownMeter(id));
        }
        self.meters.insert(id, Meter::new(kind, Live::new(book, self.since)?));
        Ok(())
    }

    /// Gives a meter's book new versions, effective later than all its events.
    ///
    /// # Errors
    /// [`SettleError::UnknownMeter`], and [`SettleError::Live`] of another book or one whose past was edited; all stays
    /// as it was then.
    pub fn rebook(&mut self, id: MeterId, book: &Arc<PriceBook>) -> Result<(), SettleError> {
        let meter = self.meters.get_mut(&id).ok_or(SettleError::UnknownMeter(id))?;
        Ok(meter.live.rebook(book)?)
    }

    /// Bills a project from that second on in all meters that there are: see [`bill`](Shard::bill).
    ///
    /// # Errors
    /// [`SettleError::Live`] of a name beyond 2³².
    pub fn bill_from(&mut self, project: &str, second: Second) -> Result<(), SettleError> {
        for meter in self.meters.values_mut() {
            meter.live.bill_from(project, second)?;
        }
        Ok(())
    }

    /// Bills a project in one meter, or what one source says of it, in these seconds, which are in order and do not meet: see
    /// [`Live::bill`](kopeck_rating::live::Live::bill).
    ///
    /// # Errors
    /// [`SettleError::UnknownMeter`], [`SettleError::Live`].
    pub fn bill(
        &mut self,
        id: MeterId,
        (project, source): (&str, Option<&str>),
        seconds: Vec<Range<Second>>,
    ) -> Result<(), SettleError> {
        let meter = self.meters.get_mut(&id).ok_or(SettleError::UnknownMeter(id))?;
        Ok(meter.live.bill(project, source, seconds)?)
    }

    /// The sources of a project that a meter was told to bill by themselves.
    pub fn billed_sources(&self, id: MeterId, project: &str) -> impl Iterator<Item = &str> {
        self.meters.get(&id).into_iter().flat_map(move |meter| meter.live.billed_sources(project))
    }

    /// Takes an event that the log has accepted, once. It counts from the next step on whose second is later.
    ///
    /// # Errors
    /// [`SettleError::UnknownMeter`] and [`SettleError::NoEvent`]; nothing changes.
    pub fn take(&mut self, batch: &Arc<Batch>, index: usize, meter: MeterId) -> Result<(), SettleError> {
        if !self.meters.contains_key(&meter) {
            return Err(SettleError::UnknownMeter(meter));
        }
        let time = batch.time_of(index).ok_or(SettleError::NoEvent(index))?;
        self.waiting.push(Waiting { batch: batch.clone(), index, meter, second: event::second_of(time) });
        Ok(())
    }

    /// What is due at an instant and was not decided before: whole for all that runs, else for what events have touched.
    /// An instant before the last one counts as that. A step without postings has no number of its own, needs no record,
    /// and is settled.
    ///
    /// # Errors
    /// [`SettleError::Unsettled`] while a step waits for [`settled`](Shard::settled); [`SettleError::Overflow`] of sums
    /// beyond 256 bits.
    pub fn decide(&mut self, now: Moment, whole: bool, parties: &dyn Parties) -> Result<Step, SettleError> {
        if let Some(flying) = &self.flying {
            return Err(SettleError::Unsettled(flying.number));
        }
        let now = now.max(self.at);
        let at = event::second_of(now.nanoseconds());
        let mut draft = Draft::new(self.number, self.steps.saturating_add(1), (now, whole), parties);
        self.arrive(at, &mut draft)?;
        let since = self.whole_at.map_or(Second::MIN, |second| second.saturating_sub(1));
        let look = Look { at, since, whole };
        for (id, meter) in &mut self.meters {
            let mut failures = Vec::new();
            match meter.settle(look, &mut failures) {
                Ok(differences) => draft.meter((*id, meter), differences)?,
                Err(error) => failures.push((None, error)),
            }
            for (resource, error) in failures {
                let of = resource.map(|number| meter.live.resource_name(number));
                let of = of.map(|(source, subject)| (source.to_owned(), subject.to_owned()));
                note(&mut self.failures, Failure { meter: *id, of, reason: error.to_string() });
            }
        }
        if whole {
            let aside = std::mem::take(&mut self.aside);
            self.aside = draft.again(aside, &self.meters);
            self.whole_at = Some(at);
        }
        self.aside.append(&mut draft.aside);
        self.at = now;
        let step = draft.step;
        if !step.postings.is_empty() {
            self.steps = step.number;
            self.flying = Some(step.clone());
        }
        Ok(step)
    }

    /// Rates the events whose second has passed, in the order in which they were taken.
    fn arrive(&mut self, at: Second, draft: &mut Draft<'_>) -> Result<(), SettleError> {
        for Waiting { batch, index, meter: id, .. } in self.waiting.arrived(at) {
            let Some(meter) = self.meters.get_mut(&id) else { continue };
            if let Err(refusal) = meter.live.take_accepted(&batch, index) {
                let of = batch.named(index).map(|named| (named.source.into_owned(), named.id.into_owned()));
                note(&mut self.failures, Failure { meter: id, of, reason: refusal.to_string() });
                continue;
            }
            if let Some(arrived) = &mut self.arrived
                && let Some(named) = batch.named(index)
            {
                // What came at once has waited for its second to pass.
                let late = at - 1 - event::second_of(named.time);
                match arrived.get_mut(&*named.project) {
                    Some(longest) => *longest = late.max(*longest),
                    None => drop(arrived.insert(named.project.into_owned(), late)),
                }
            }
            if meter.kind.pays_each_use() {
                draft.used((id, meter), (&batch, index), at)?;
            }
        }
        Ok(())
    }

    /// What could not be rated, newest last: the first thousand.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The instant of the last look.
    #[must_use]
    pub fn at(&self) -> Moment {
        self.at
    }

    /// The number of the last step that had postings; 0 before the first.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many resources its meters know.
    #[must_use]
    pub fn resource_count(&self) -> u64 {
        self.meters.values().map(|meter| u64::from(meter.live.resource_count())).sum()
    }

    /// How many of them run.
    #[must_use]
    pub fn running_count(&self) -> u64 {
        self.meters.values().map(|meter| meter.live.alive_count() as u64).sum()
    }

    /// How many events wait for their second to pass.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The earliest second of an event that waits: it counts in a step after that second.
    #[must_use]
    pub fn next_waiting(&self) -> Option<Second> {
        self.waiting.first()
    }

    /// The first day of the month that it charges from.
    #[must_use]
    pub fn since(&self) -> Date {
        self.since
    }

    /// Whether a meter of that number was added.
    #[must_use]
    pub fn has_meter(&self, id: MeterId) -> bool {
        self.meters.contains_key(&id)
    }

    /// The meters, and what they are.
    pub fn meters(&self) -> impl Iterator<Item = (MeterId, MeterKind)> {
        self.meters.iter().map(|(id, meter)| (*id, meter.kind))
    }
}

fn note(failures: &mut Vec<Failure>, failure: Failure) {
    if failures.len() < MOST_FAILURES && !failures.contains(&failure) {
        failures.push(failure);
    }
}
