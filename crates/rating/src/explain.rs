//! Explaining charges: the intervals and events behind each, and the arithmetic, for a pocket calculator.
//!
//! An explanation is made from the same events, plan and meters as the charge, but keeps what rating sums up. It
//! looks at the month from its start to the end of the window, because a charge is R(C(to)) − R(C(from)).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::accumulator;
use crate::batch::Origin;
use crate::billing::Known;
use crate::calendar::{Month, MonthName, Second};
use crate::charge::Charge;
use crate::event::second_of;
use crate::intake::{Label, Labels, Name, Names, Places, Record, Resource};
use crate::matching::{Group, Match, Matches};
use crate::meter::{self, Meter, Stretch, TierPart};
use crate::money::{Amount, Overflow, Quantity};
use crate::plan::Plan;
use crate::price_book::{Component, Model, Prorate, TierMode};
use crate::rate::{Rater, Use};
use crate::register::Register;
use crate::rows::{MeterKey, Readings, Row};
use crate::sums::SumKey;
use crate::timeline::{self, Holding, Told};

/// Which charges are explained; what is `None` may be anything.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The project.
    pub project: Option<String>,
    /// The source.
    pub source: Option<String>,
    /// The resource.
    pub resource: Option<String>,
    /// The date of the version.
    pub version: Option<Date>,
    /// The month, as `2026-10`.
    pub month: Option<String>,
    /// The group; of a resource that lacks the attribute it is the empty text.
    pub group: Option<String>,
}

/// An event behind a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Where it was read.
    pub origin: Origin,
    /// Its id.
    pub id: String,
    /// Its instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Who caused it, if the event says.
    pub actor: Option<String>,
    /// The state, of state events.
    pub state: Option<String>,
}

/// An interval (or, of usage, an instant) with what was metered in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The source of the resource.
    pub source: String,
    /// The resource.
    pub resource: String,
    /// Its first second.
    pub start: Second,
    /// The second after its last; of usage, the second after its own.
    pub end: Second,
    /// The quantity that held or was used.
    pub quantity: Quantity,
    /// The event that began it.
    pub began: Cause,
    /// The event that ended it; `None` where it went on beyond what is explained.
    pub ended: Option<Cause>,
}

/// Consecutive hours or days with the same largest quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first second of the first of them.
    pub start: Second,
    /// How many there are.
    pub count: i64,
    /// The largest quantity in each.
    pub quantity: Quantity,
}

/// How the intervals make the quantity that is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counting {
    /// Σ over intervals of quantity × seconds.
    Seconds,
    /// Σ over runs of quantity × hours or days.
    Slots(Vec<Run>),
    /// The largest quantity of any interval; or the quantity of the only one.
    Largest,
    /// The largest sum of the intervals at one instant, first reached at this second.
    LargestSum(Second),
    /// The sum of the intervals' quantities.
    Sum,
    /// The sum, divided among tiers; all of it in one where the tiers are by volume.
    Tiers(Vec<TierPart>),
}

/// What a month had come to at an instant: the quantity, and R(C(t)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The instant.
    pub at: Second,
    /// The quantity that is priced.
    pub quantity: Quantity,
    /// Its cost, rounded.
    pub amount: Amount,
}

/// Why a charge is what it is.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The charge.
    pub charge: Charge,
    /// Its component, with model and price.
    pub component: Arc<Component>,
    /// What the price is divided by: seconds of `per` or of the month, days of the month, or 1.
    pub parts: i64,
    /// In the order of time.
    pub intervals: Vec<Interval>,
    /// How they are counted, up to the end of the window.
    pub counting: Counting,
    /// At the start of the window, where the month began before it.
    pub before: Option<Reading>,
    /// At the end of the window, or of the month if that is earlier.
    pub after: Reading,
}

/// The intervals of one charge; those of all resources of the project where it is project-wide.
type Rows = BTreeMap<RowKey, Vec<Interval>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    part: usize,
    month: usize,
    project: Name,
    resource: Option<(Name, Name)>,
    group: Option<Option<Group>>,
}

/// Explains the charges of the rater's component that the selection names, in the order of a bill.
///
/// # Errors
/// [`Overflow`] where a sum does not fit 256 bits.
pub fn explain(rater: Rater, selection: &Selection) -> Result<Vec<Explanation>, Overflow> {
    let Rater { plan, register, places, explained, uses, .. } = rater;
    let Register { names, descriptions, statements, labels, records, .. } = register;
    let (plan, labels, records) = (&*plan, &labels, &records);
    let known = Known { plan, descriptions: &descriptions, statements: &statements, labels, records };
    let mut gathering = Gathering {
        known,
        names: &names,
        places: &places,
        component: explained.as_deref().unwrap_or_default(),
        matches: Matches::default(),
        rows: Rows::new(),
    };
    for used in &uses {
        gathering.usage(used);
    }
    let mut sorted = Vec::new();
    for number in 0..records.resource_count() {
        records.sorted(&[number], labels, &mut sorted);
        for of_resource in &sorted {
            gathering.resource(&records.resource_of(number), of_resource)?;
        }
    }
    let mut explanations = Vec::new();
    let Gathering { matches, rows, .. } = gathering;
    for (key, mut intervals) in rows {
        intervals.sort_by_key(|interval| (interval.start, interval.began.time));
        let explanation = explanation(plan, (&names, matches.groups()), key, intervals)?;
        explanations.extend(explanation.filter(|explanation| selection.names(&explanation.charge)));
    }
    explanations.sort_by(|one, other| one.charge.key.cmp(&other.charge.key));
    Ok(explanations)
}

impl Selection {
    fn names(&self, charge: &Charge) -> bool {
        let key = &charge.key;
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| wanted == found.unwrap_or_default())
        };
        let month = |name: MonthName| self.month.as_deref().is_none_or(|wanted| wanted == name.to_string());
        same(&self.project, Some(&key.project))
            && same(&self.source, key.source.as_deref())
            && same(&self.resource, key.resource.as_deref())
            && same(&self.group, key.group.as_ref().and_then(Option::as_deref))
            && self.version.is_none_or(|wanted| wanted == key.version)
            && month(key.month)
    }
}

/// Gathers the intervals of all charges of the component.
struct Gathering<'a> {
    known: Known<'a>,
    names: &'a Names,
    places: &'a Places,
    component: &'a str,
    matches: Matches,
    rows: Rows,
}

impl Gathering<'_> {
    fn usage(&mut self, used: &Use) {
        let start = second_of(used.time);
        let Resource { source, subject, .. } = self.known.records.resource_of(used.resource);
        let text = |name| self.names.text(name).to_owned();
        let interval = Interval {
            source: text(source),
            resource: text(subject),
            start,
            end: start + 1,
            quantity: used.quantity,
            began: cause(self.known.labels, (used.label, used.origin, used.time), None),
            ended: None,
        };
        let SumKey { part, month, project, resource } = used.sum;
        let (part, month, resource) = (part as usize, month as usize, self.known.records.owner(resource));
        let key = RowKey { part, month, project, resource, group: None };
        self.rows.entry(key).or_default().push(interval);
    }

    fn resource(&mut self, resource: &Resource, records: &[Record]) -> Result<(), Overflow> {
        let (known, mut born, mut paid) = (self.known, None, false);
        timeline::walk(known.state_events(records), |told| {
            let Told::Holding(holding) = told else { return Ok(()) };
            let born = *born.get_or_insert(holding.start);
            self.holding((resource, records), &holding, (born, &mut paid))
        })
    }

    fn holding(
        &mut self,
        (resource, records): (&Resource, &[Record]),
        holding: &Holding,
        (born, paid): (Second, &mut bool),
    ) -> Result<(), Overflow> {
        let Known { plan, descriptions, statements, .. } = self.known;
        let statement = statements.get(records[holding.began].statement);
        let description = (statement.description, holding.class);
        let found = self.matches.of(plan, descriptions, description)?.to_vec();
        let seconds = holding.start..holding.end.min(plan.window().to());
        for found in &found {
            let part = &plan.parts()[found.part];
            if part.component.id != self.component {
                continue;
            }
            if !matches!(part.component.model, Model::Once { .. }) {
                accumulator::each_stretch(part, &seconds, found.quantity, |month, stretch| {
                    self.push((resource, records), (month, found), (holding, stretch));
                    Ok(())
                })?;
            } else if let Some(at) = accumulator::once_at(part, &seconds, born)
                && !std::mem::replace(paid, true)
                && let Some(month) = plan.month_of(at)
            {
                let stretch = Stretch { start: at, end: at + 1, quantity: found.quantity };
                self.push((resource, records), (month, found), (holding, stretch));
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        (resource, records): (&Resource, &[Record]),
        (month, found): (usize, &Match),
        (holding, stretch): (&Holding, Stretch),
    ) {
        let Known { plan, descriptions, statements, labels, .. } = self.known;
        let said = |record: &Record| statements.get(record.statement);
        let event = |record: &Record| {
            let state = descriptions.get(said(record).description).state.clone();
            cause(labels, (record.label, self.places.origin(record.place), record.time), state)
        };
        let ended = holding.ended.filter(|_| holding.end == stretch.end);
        let interval = Interval {
            source: self.names.text(resource.source).to_owned(),
            resource: self.names.text(resource.subject).to_owned(),
            start: stretch.start,
            end: stretch.end,
            quantity: stretch.quantity,
            began: event(&records[holding.began]),
            ended: ended.map(|number| event(&records[number])),
        };
        let project_wide = matches!(plan.parts()[found.part].component.model, Model::MonthlyPeak { .. });
        let key = RowKey {
            part: found.part,
            month,
            project: said(&records[holding.began]).project,
            resource: (!project_wide).then_some((resource.source, resource.subject)),
            group: found.group,
        };
        self.rows.entry(key).or_default().push(interval);
    }
}

fn cause(labels: &Labels, (label, origin, time): (Label, Origin, i64), state: Option<String>) -> Cause {
    let (id, actor) = labels.id_and_actor(label);
    Cause { origin, id, time, actor, state }
}

fn explanation(
    plan: &Plan,
    (names, groups): (&Names, &[String]),
    key: RowKey,
    intervals: Vec<Interval>,
) -> Result<Option<Explanation>, Overflow> {
    let (part, month) = (&plan.parts()[key.part], &plan.months()[key.month]);
    let model = &part.component.model;
    let window = plan.window();
    let end = window.to().min(month.end);
    let reading = |at: Second| -> Result<Reading, Overflow> {
        let quantity = quantity_before(plan, model, month, (&intervals, at))?;
        Ok(Reading { at, quantity, amount: meter::cost(model, quantity, month)?.round_half_even()? })
    };
    let after = reading(end)?;
    let before = (month.start < window.from()).then(|| reading(window.from())).transpose()?;
    let readings =
        Readings { to: after.quantity, from: before.map_or(Quantity::ZERO, |before| before.quantity) };
    let RowKey { part: number, month: month_number, project, resource, group } = key;
    let meter_key = MeterKey { part: number, month: month_number, project, resource };
    let Some(row) = Row::new(plan, meter_key, readings, group)? else { return Ok(None) };
    let charge = row.charge(plan, names, groups).to_owned();
    let counting = counting(plan, model, month, &intervals)?;
    let parts = match model {
        Model::PerSecond { per, .. } => per.seconds(),
        Model::Monthly { prorate: Prorate::Day, .. } => month.day_count(),
        Model::Monthly { prorate: Prorate::Second, .. } => month.seconds(),
        _ => 1,
    };
    Ok(Some(Explanation {
        charge,
        component: part.component.clone(),
        parts,
        intervals,
        counting,
        before,
        after,
    }))
}

/// The quantity that the model makes of what happened before an instant.
fn quantity_before(
    plan: &Plan,
    model: &Model,
    month: &Month,
    (intervals, at): (&[Interval], Second),
) -> Result<Quantity, Overflow> {
    let past = intervals.iter().filter(|interval| interval.start < at);
    match model {
        Model::MonthlyPeak { .. } => Ok(meter::largest_sum(&mut changes(past, at)?, Second::MIN)?.1),
        Model::Once { .. } | Model::PerUse { .. } | Model::Tiered(_) => {
            past.map(|interval| interval.quantity).try_fold(Quantity::ZERO, Quantity::checked_add)
        }
        _ => {
            let mut meter: Option<Meter> = None;
            for interval in past {
                let stretch =
                    Stretch { start: interval.start, end: interval.end.min(at), quantity: interval.quantity };
                match &mut meter {
                    Some(meter) => meter.add(model, stretch, month, plan.hours())?,
                    None => meter = Some(Meter::new(model, stretch, month, plan.hours())?),
                }
            }
            meter.map_or(Ok(Quantity::ZERO), |meter| meter.reading())
        }
    }
}

fn changes<'i>(
    intervals: impl Iterator<Item = &'i Interval>,
    at: Second,
) -> Result<Vec<(Second, Quantity)>, Overflow> {
    let mut changes = Vec::new();
    for interval in intervals {
        changes.push((interval.start, interval.quantity));
        changes.push((interval.end.min(at), Quantity::ZERO.checked_sub(interval.quantity)?));
    }
    Ok(changes)
}

fn counting(plan: &Plan, model: &Model, month: &Month, intervals: &[Interval]) -> Result<Counting, Overflow> {
    Ok(match model {
        Model::PerSecond { .. } | Model::Monthly { prorate: Prorate::Second, .. } => Counting::Seconds,
        Model::HourlyPeak { .. } => {
            let hours = plan.hours();
            Counting::Slots(runs(intervals, |second| hours.index(second), |slot| hours.start(slot)))
        }
        Model::Monthly { prorate: Prorate::Day, .. } => {
            let start = |slot| month.day_start(slot).unwrap_or(month.end);
            Counting::Slots(runs(intervals, |second| month.day_index(second), start))
        }
        Model::Monthly { prorate: Prorate::None, .. } | Model::Once { .. } => Counting::Largest,
        Model::MonthlyPeak { .. } => Counting::LargestSum(peak_second(intervals)?),
        Model::PerUse { .. } => Counting::Sum,
        Model::Tiered(tiers) => {
            let quantities = intervals.iter().map(|interval| interval.quantity);
            let sum = quantities.into_iter().try_fold(Quantity::ZERO, Quantity::checked_add)?;
            Counting::Tiers(match tiers.mode {
                TierMode::Graduated => meter::graduated(tiers, sum)?,
                TierMode::Volume => {
                    let tier = tiers.bounded.iter().find(|(up_to, _)| sum <= Quantity::from(*up_to));
                    vec![TierPart { quantity: sum, price: tier.map_or(tiers.open, |(_, price)| *price) }]
                }
            })
        }
    })
}

/// The second at which the sum of the intervals first is at its largest.
fn peak_second(intervals: &[Interval]) -> Result<Second, Overflow> {
    let mut changes = changes(intervals.iter(), Second::MAX)?;
    changes.sort_unstable_by_key(|(second, _)| *second);
    let (mut sum, mut peak, mut at) =
        (Quantity::ZERO, Quantity::ZERO, intervals.first().map_or(0, |interval| interval.start));
    for together in changes.chunk_by(|one, other| one.0 == other.0) {
        for (_, change) in together {
            sum = sum.checked_add(*change)?;
        }
        if sum > peak {
            (peak, at) = (sum, together[0].0);
        }
    }
    Ok(at)
}

/// The largest quantity of each hour or day, equal neighbours taken together.
fn runs(intervals: &[Interval], index: impl Fn(Second) -> i64, start: impl Fn(i64) -> Second) -> Vec<Run> {
    let mut peaks: BTreeMap<i64, Quantity> = BTreeMap::new();
    for interval in intervals {
        for slot in index(interval.start)..=index(interval.end - 1) {
            let peak = peaks.entry(slot).or_insert(interval.quantity);
            *peak = interval.quantity.max(*peak);
        }
    }
    let peaks: Vec<(i64, Quantity)> = peaks.into_iter().collect();
    let neighbours =
        |one: &(i64, Quantity), other: &(i64, Quantity)| one.1 == other.1 && one.0 + 1 == other.0;
    let runs = peaks.chunk_by(neighbours);
    runs.map(|run| {
        let (first, quantity) = run[0];
        Run { start: start(first), count: i64::try_from(run.len()).unwrap_or(i64::MAX), quantity }
    })
    .collect()
}
