//! What the limits of one holder ask for at an instant: the shell around `kopeck_guard::decide`.
//!
//! Whatever a holder's projects have running in all meters becomes one curve; each limit is asked of it. Costs are looked up
//! resource by resource only for quotas of regions and kinds, all else is O(parts).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kopeck_directory::Directory;
use kopeck_directory::limit::{Fastest, Holder, Limit, LimitKey, LimitTerms};
use kopeck_directory::name::ProjectId;
use kopeck_guard::curve::{Curve, Period};
use kopeck_guard::decide::{Decision, Question, Reaction, Time, Used, decide, decide_rate, decide_wallet};
use kopeck_guard::limit::{ActionPlan, Bound, Over, Scope, Speed};
use kopeck_ledger::amount::Amount as Money;
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::{MonthName, Second};
use kopeck_rating::live::Live;
use kopeck_rating::live::running::FlowKey;
use kopeck_rating::live::standing::Standing;
use kopeck_rating::money::{Amount, Overflow};
use kopeck_settlement::ahead::Decided;
use kopeck_settlement::meter_id::MeterId;
use kopeck_settlement::shard::Shard;
use kopeck_settlement::spend::Spend;
use kopeck_store::Store;

use super::memory::Memory;
use super::pace;
use crate::metering::MeteringError;

/// How far ahead curves are known: two months and a day, so that the month after the present one is.
pub const AHEAD: i64 = 64 * 86_400;

/// What limits are judged by.
pub struct Ground<'g> {
    /// Who there is.
    pub directory: &'g Directory,
    /// What they have.
    pub ledger: &'g dyn Store,
    /// What clouds declare, by meter.
    pub reactions: &'g BTreeMap<MeterId, Reaction>,
    /// The instant, and its second.
    pub now: Moment,
    /// The second of now.
    pub at: Second,
    /// Whether costs of the month are looked up resource by resource: somebody wants to read them, to the last digit.
    pub is_exact: bool,
}

/// What of a project a limit looks at, and what it stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    All,
    /// What is in a region.
    Region(String),
    /// What is of a kind.
    Kind(String),
}

/// What one limit asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name; of each region one.
    pub name: String,
    /// The limit.
    pub limit: Limit,
    /// What it looks at.
    pub part: Part,
    /// The first second of the month that it looks at.
    pub month: Option<Second>,
    /// What was spent of it; of a wallet nothing is known but what is left.
    pub spent: Amount,
    /// What is left of it, below zero where it is exceeded.
    pub left: Option<Amount>,
    /// What it asks for.
    pub decision: Decision,
    /// D and L.
    pub reaction: Reaction,
}

/// The projects of a holder at an instant.
#[must_use]
pub fn projects_of(directory: &Directory, holder: &Holder, now: Moment) -> Vec<ProjectId> {
    match holder {
        Holder::Project(project) => vec![project.clone()],
        Holder::Workspace(id) => {
            directory.projects_paid_by(*id, now).map(|project| project.id.clone()).collect()
        }
    }
}

/// What was decided of nothing.
const NOTHING: Decided = Decided { present: Amount::ZERO, before: Amount::ZERO, unposted: Amount::ZERO };

/// What a holder's projects have come to.
struct Sums {
    /// What was decided, of all of them, where a limit asks for it.
    decided: Decided,
    /// By region and kind, where a limit asks for it.
    spend: Option<Spend>,
    /// What the month has cost, where that is known to the last digit.
    month: Option<Amount>,
    /// What was decided of rate-limited models.
    pace: Option<Amount>,
}

/// What all limits of a holder ask for. The shard must be ready to stand at that second.
///
/// # Errors
/// [`MeteringError::Settle`] where costs have no answer.
pub fn ask(
    shard: &mut Shard,
    ground: &Ground<'_>,
    holder: &Holder,
    memory: &mut Memory,
) -> Result<Vec<Asked>, MeteringError> {
    let limits: Vec<(&LimitKey, &Limit)> = ground.directory.limits_on(holder, ground.now).collect();
    if limits.is_empty() {
        return Ok(Vec::new());
    }
    let projects = projects_of(ground.directory, holder, ground.now);
    let sums = sums(shard, ground, &projects, &limits)?;
    let mut standings = Vec::new();
    for project in &projects {
        standings.append(&mut shard.standings(project.as_str(), ground.at)?);
    }
    let mut curve = Curve::new(ground.at);
    for (_, standing) in &standings {
        curve.add(standing).map_err(overflow)?;
    }
    let reaction = reaction(ground, &standings);
    let scene = Scene { holder, ground, sums: &sums, standings: &standings, curve: &curve, reaction };
    let mut asked = Vec::new();
    for (key, limit) in limits {
        scene.ask((key, limit), memory, &mut asked).map_err(overflow)?;
    }
    Ok(asked)
}

/// Whether nothing is to be told or stopped for so many seconds, whatever runs now goes on: then a whole answer can wait for
/// so long. It costs a few points of the curve where [`ask`] looks for instants. Only caps and quotas of whole projects are
/// judged so; where there are others, and where nobody knows, the answer is no.
///
/// # Errors
/// [`MeteringError::Settle`] where costs have no answer.
pub fn is_quiet(
    shard: &mut Shard,
    ground: &Ground<'_>,
    (holder, memory): (&Holder, &Memory),
    seconds: i64,
) -> Result<bool, MeteringError> {
    let limits: Vec<(&LimitKey, &Limit)> = ground.directory.limits_on(holder, ground.now).collect();
    let is_plain = |(key, _): &(&LimitKey, &Limit)| {
        matches!(key, LimitKey::Cap(Over::Month) | LimitKey::Quota(Scope::Project))
    };
    if !memory.stopped.is_empty() || limits.is_empty() || !limits.iter().all(is_plain) {
        return Ok(false);
    }
    let mut standings = Vec::new();
    for project in &projects_of(ground.directory, holder, ground.now) {
        standings.append(&mut shard.standings(project.as_str(), ground.at)?);
    }
    let mut curve = Curve::new(ground.at);
    for (_, standing) in &standings {
        curve.add(standing).map_err(overflow)?;
    }
    let reaction = reaction(ground, &standings);
    let sums = Sums { decided: NOTHING, spend: None, month: None, pace: None };
    let scene = Scene { holder, ground, sums: &sums, standings: &standings, curve: &curve, reaction };
    for (key, limit) in limits {
        if !scene.is_quiet((key, limit), memory, seconds).map_err(overflow)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn overflow(overflow: Overflow) -> MeteringError {
    MeteringError::Settle(overflow.into())
}

fn sums(
    shard: &mut Shard,
    ground: &Ground<'_>,
    projects: &[ProjectId],
    limits: &[(&LimitKey, &Limit)],
) -> Result<Sums, MeteringError> {
    let mut sum = NOTHING;
    let needs = |is_so: fn(&LimitKey) -> bool| limits.iter().any(|(key, _)| is_so(key));
    if needs(|key| matches!(key, LimitKey::Cap(Over::Lifetime) | LimitKey::Wallet)) {
        for project in projects {
            let one = shard.decided(project.as_str(), ground.at)?;
            sum.present = sum.present.checked_add(one.present).map_err(overflow)?;
            sum.before = sum.before.checked_add(one.before).map_err(overflow)?;
            sum.unposted = sum.unposted.checked_add(one.unposted).map_err(overflow)?;
        }
    }
    let is_scoped = |key: &LimitKey| matches!(key, LimitKey::Quota(scope) if *scope != Scope::Project);
    let (mut spend, mut month, mut pace) = (None, None, None);
    if ground.is_exact || needs(is_scoped) {
        let mut total = Amount::ZERO;
        for project in projects {
            if let Some(one) = spend_of(shard, ground, project)? {
                total = total.checked_add(one.total).map_err(overflow)?;
                spend = Some(one);
            }
        }
        month = Some(total);
    }
    if let [project] = projects
        && needs(|key| *key == LimitKey::Rate)
    {
        pace = Some(shard.decided_pace(project.as_str(), ground.at)?);
    }
    Ok(Sums { decided: sum, spend, month, pace })
}

/// What a project has cost in the present month, by everything that it may be looked at by.
fn spend_of(
    shard: &mut Shard,
    ground: &Ground<'_>,
    project: &ProjectId,
) -> Result<Option<Spend>, MeteringError> {
    let Some(workspace) = ground.directory.payer(project.as_str(), ground.now) else { return Ok(None) };
    let Ok(zone) = jiff::tz::TimeZone::get(workspace.zone.as_str()) else { return Ok(None) };
    let month = ground.now.timestamp().to_zoned(zone).date();
    Ok(Some(shard.spend(project.as_str(), month, ground.at)?))
}

/// The slowest of all clouds that have something of it.
fn reaction(ground: &Ground<'_>, standings: &[(MeterId, Standing<'_>)]) -> Reaction {
    let none = Reaction { delay: 0, latency: 0, horizon: Reaction::HORIZON };
    let declared = standings.iter().filter_map(|(meter, _)| ground.reactions.get(meter));
    declared.fold(none, |all, one| Reaction {
        delay: all.delay.max(one.delay),
        latency: all.latency.max(one.latency),
        ..all
    })
}

/// What one limit is asked in.
struct Scene<'s, 'p> {
    holder: &'s Holder,
    ground: &'s Ground<'s>,
    sums: &'s Sums,
    standings: &'s [(MeterId, Standing<'p>)],
    curve: &'s Curve<'p>,
    reaction: Reaction,
}

impl Scene<'_, '_> {
    fn ask(
        &self,
        (key, limit): (&LimitKey, &Limit),
        memory: &mut Memory,
        asked: &mut Vec<Asked>,
    ) -> Result<(), Overflow> {
        let name = key.to_string();
        match &limit.terms {
            LimitTerms::Cap { over: Over::Month, amount } => {
                let what = Spent { name, part: Part::All, curve: self.curve, spent: self.sums.month };
                asked.extend(self.month(limit, &what, (*amount, &ActionPlan::of_cap()), memory)?);
            }
            LimitTerms::Cap { over: Over::Lifetime, amount } => {
                asked.push(self.lifetime(limit, name, *amount, memory)?);
            }
            LimitTerms::Quota { enabled: false, .. } => {}
            LimitTerms::Quota { scope: Scope::Project, amount, plan, .. } => {
                let what = Spent { name, part: Part::All, curve: self.curve, spent: self.sums.month };
                asked.extend(self.month(limit, &what, (*amount, plan), memory)?);
            }
            LimitTerms::Quota { scope, amount, plan, .. } => {
                for part in self.parts(scope) {
                    let name = match (scope, &part) {
                        (Scope::EachRegion, Part::Region(region)) => format!("{name}:{region}"),
                        _ => name.clone(),
                    };
                    let (curve, spent) = self.curve_of(&part)?;
                    let what = Spent { name, part, curve: &curve, spent: Some(spent) };
                    asked.extend(self.month(limit, &what, (*amount, plan), memory)?);
                }
            }
            LimitTerms::Rate { fastest, brake } => {
                asked.extend(self.rate(limit, name, (*fastest, *brake), memory)?);
            }
            LimitTerms::Wallet { horizon_s } => asked.extend(self.wallet(limit, name, *horizon_s)?),
        }
        let until = limit.until.map(|until| kopeck_rating::event::second_of(until.nanoseconds()));
        if let (Some(until), Some(last)) = (until, asked.last_mut()) {
            last.decision.look = last.decision.look.into_iter().chain([until]).min();
        }
        Ok(())
    }

    /// As [`is_quiet`], of one limit on a month.
    fn is_quiet(
        &self,
        (key, limit): (&LimitKey, &Limit),
        memory: &Memory,
        seconds: i64,
    ) -> Result<bool, Overflow> {
        let cap = ActionPlan::of_cap();
        let (amount, plan) = match &limit.terms {
            LimitTerms::Quota { enabled: false, .. } => return Ok(true),
            LimitTerms::Cap { amount, .. } => (*amount, &cap),
            LimitTerms::Quota { amount, plan, .. } => (*amount, plan),
            _ => return Ok(false),
        };
        let Some([month, _]) = self.months() else { return Ok(false) };
        let Ok(bound) = Bound::new(amount_of(amount)) else { return Ok(false) };
        let until = self.ground.at.saturating_add(seconds);
        let stopped_by = until.saturating_add(self.reaction.delay).saturating_add(self.reaction.latency);
        let ends = limit.until.map(|until| kopeck_rating::event::second_of(until.nanoseconds()));
        if stopped_by >= month.end || ends.is_some_and(|ends| ends <= until) {
            return Ok(false);
        }
        let told = memory.told.get(&key.to_string()).filter(|told| told.month == Some(month.start));
        let next = plan.thresholds().iter().find(|next| told.is_none_or(|told| told.percent < next.percent));
        let period = Period::Month(month.clone());
        if let Some(next) = next
            && self.curve.cost(&period, until)?.most() >= bound.percent(next.percent)?
        {
            return Ok(false);
        }
        let Some(percent) = plan.stops_at() else { return Ok(true) };
        // A stop at that instant still keeps it, so it is not asked for before.
        let stopped = self.curve.stopped_by(&period, stopped_by, month.end)?;
        Ok(stopped.most() <= bound.percent(percent)?)
    }

    /// The present month and the next one, by the calendar of what prices the projects.
    fn months(&self) -> Option<[Range<Second>; 2]> {
        let (_, standing) = self.standings.first()?;
        let months = standing.plan.months();
        let seconds = |number: usize| months.get(number).map(|month| month.start..month.end);
        Some([seconds(standing.month)?, seconds(standing.month + 1)?])
    }

    fn month(
        &self,
        limit: &Limit,
        what: &Spent<'_, '_>,
        (amount, plan): (Money, &ActionPlan),
        memory: &Memory,
    ) -> Result<Option<Asked>, Overflow> {
        let Some([month, next]) = self.months() else { return Ok(None) };
        let period = Period::Month(month.clone());
        let spent = match what.spent {
            Some(spent) => spent,
            None => what.curve.cost(&period, self.ground.at)?.least().max(Amount::ZERO),
        };
        let told = memory.told.get(&what.name).filter(|told| told.month == Some(month.start));
        let question = Question {
            bound: Bound::new(amount_of(amount)).ok(),
            plan,
            time: Time::Months(month.clone(), next),
            used: Used { spent, held: Amount::ZERO },
            told: told.map(|told| told.percent),
            reaction: self.reaction,
        };
        let decision = decide(what.curve, &question)?;
        Ok(Some(Asked {
            name: what.name.clone(),
            limit: limit.clone(),
            part: what.part.clone(),
            month: Some(month.start),
            spent,
            left: Some(amount_of(amount).checked_sub(spent)?),
            decision,
            reaction: self.reaction,
        }))
    }

    /// What the present month has cost, at the most.
    fn present(&self) -> Result<Amount, Overflow> {
        match self.months() {
            Some([month, _]) => match self.sums.month {
                Some(exact) => Ok(exact),
                None => Ok(self.curve.cost(&Period::Month(month), self.ground.at)?.most()),
            },
            None => Ok(Amount::ZERO),
        }
    }

    fn lifetime(
        &self,
        limit: &Limit,
        name: String,
        amount: Money,
        memory: &Memory,
    ) -> Result<Asked, Overflow> {
        let spent = self.sums.decided.before.checked_add(self.present()?)?;
        let question = Question {
            bound: Bound::new(amount_of(amount)).ok(),
            plan: &ActionPlan::of_cap(),
            time: Time::Lifetime,
            used: Used { spent, held: Amount::ZERO },
            told: memory.told.get(&name).filter(|told| told.month.is_none()).map(|told| told.percent),
            reaction: self.reaction,
        };
        let mut decision = decide(self.curve, &question)?;
        if self.standings.is_empty() {
            // Nothing is known to run: an event tells when to look again.
            decision.look = None;
        }
        Ok(Asked {
            name,
            limit: limit.clone(),
            part: Part::All,
            month: None,
            spent,
            left: Some(amount_of(amount).checked_sub(spent)?),
            decision,
            reaction: self.reaction,
        })
    }

    fn wallet(&self, limit: &Limit, name: String, horizon_s: u32) -> Result<Option<Asked>, Overflow> {
        let Holder::Workspace(workspace) = self.holder else { return Ok(None) };
        let Some(account) = self.ground.ledger.account(workspace.account()) else { return Ok(None) };
        let accrued = self
            .present()?
            .checked_sub(self.sums.decided.present)?
            .checked_add(self.sums.decided.unposted)?;
        let most = amount_of(account.posted).checked_add(amount_of(account.credit_limit))?;
        let available = most.checked_sub(amount_of(account.held))?.checked_sub(accrued)?;
        let reaction = Reaction { horizon: horizon_s.into(), ..self.reaction };
        let mut decision = decide_wallet(self.curve, available, reaction)?;
        if self.standings.is_empty() {
            decision.look = None;
        }
        Ok(Some(Asked {
            name,
            limit: limit.clone(),
            part: Part::All,
            month: None,
            spent: Amount::ZERO,
            left: Some(available),
            decision,
            reaction,
        }))
    }

    fn rate(
        &self,
        limit: &Limit,
        name: String,
        (fastest, brake): (Fastest, kopeck_guard::limit::Brake),
        memory: &mut Memory,
    ) -> Result<Option<Asked>, Overflow> {
        let (Some(decided), Some(_)) = (self.sums.pace, self.standings.first()) else { return Ok(None) };
        let at = self.ground.at;
        let sum = decided.checked_add(self.curve.running_cost_so_far()?.most())?;
        let pace = memory.paces.entry(name.clone()).or_default();
        let trailing = pace::step(pace, at, sum)?;
        let speed = match fastest {
            Fastest::Amount(amount) => Some(Speed::Absolute(amount_of(amount))),
            Fastest::HundredthsOfMedian(hundredths) => Speed::times_median(hundredths).ok(),
        };
        let Some(speed) = speed else { return Ok(None) };
        let hours: Vec<Amount> = pace.hours.iter().map(|hour| amount_of(*hour)).collect();
        let mut decision = decide_rate(self.curve, (speed, brake), (trailing, &hours))?;
        decision.look = decision.look.into_iter().chain([pace::next_sample(at)]).min();
        let left = speed.most(&hours)?.map(|most| most.checked_sub(trailing)).transpose()?;
        Ok(Some(Asked {
            name,
            limit: limit.clone(),
            part: Part::All,
            month: None,
            spent: trailing,
            left,
            decision,
            reaction: self.reaction,
        }))
    }

    /// What the scope of a quota looks at.
    fn parts(&self, scope: &Scope) -> Vec<Part> {
        match scope {
            Scope::Region(region) => vec![Part::Region(region.clone())],
            Scope::Kind(kind) => vec![Part::Kind(kind.clone())],
            Scope::EachRegion => {
                let spent =
                    self.sums.spend.iter().flat_map(|spend| spend.by_region.keys().flatten().cloned());
                let run = self.standings.iter().flat_map(|(_, standing)| {
                    standing.flows.iter().filter_map(|(key, _)| region_of(standing, key))
                });
                spent.chain(run).collect::<BTreeSet<String>>().into_iter().map(Part::Region).collect()
            }
            // Others have no parts of their own.
            Scope::Project | Scope::Member(_) => Vec::new(),
        }
    }

    /// The curve of a part of a project, and what it has cost in the month.
    fn curve_of(&self, part: &Part) -> Result<(Curve<'_>, Amount), Overflow> {
        let mut curve = Curve::new(self.ground.at);
        for (_, standing) in self.standings {
            curve.add_where(standing, |key| match part {
                Part::All => true,
                Part::Region(region) => region_of(standing, key).as_ref() == Some(region),
                Part::Kind(kind) => standing.plan.parts()[key.part].component.kind == *kind,
            })?;
        }
        let spend = self.sums.spend.as_ref();
        let spent = spend.and_then(|spend| match part {
            Part::All => Some(spend.total),
            Part::Region(region) => spend.by_region.get(&Some(region.clone())).copied(),
            Part::Kind(kind) => spend.by_kind.get(kind).copied(),
        });
        let spent = spent.unwrap_or(Amount::ZERO);
        curve.settle_at(spent)?;
        Ok((curve, spent))
    }
}

/// Something that a limit looks at.
struct Spent<'s, 'p> {
    name: String,
    part: Part,
    curve: &'s Curve<'p>,
    /// What it has cost in the month, where that is known better than by the curve.
    spent: Option<Amount>,
}

/// The region that a flow's part asks for, or that its resources name: as reports have it.
fn region_of(standing: &Standing<'_>, key: &FlowKey) -> Option<String> {
    let of_part = Live::region_of_part(&standing.plan.parts()[key.part]);
    of_part.or_else(|| standing.region(key).map(str::to_owned))
}

/// The same amount in rating's type.
#[must_use]
pub fn amount_of(amount: Money) -> Amount {
    Amount::from_micros(amount.micros())
}

/// A month's name, for people.
#[must_use]
pub fn month_name(directory: &Directory, holder: &Holder, second: Second) -> Option<String> {
    let zone = match holder {
        Holder::Project(project) => &directory.payer(project.as_str(), Moment::LAST)?.zone,
        Holder::Workspace(workspace) => &directory.workspaces().get(workspace)?.zone,
    };
    let zone = jiff::tz::TimeZone::get(zone.as_str()).ok()?;
    let at = jiff::Timestamp::from_second(second).ok()?;
    Some(MonthName::of(at.to_zoned(zone).date()).to_string())
}
