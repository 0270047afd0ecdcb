//! What a limit asks for now, and when it has to be looked at again.
//!
//! Pure: what was spent, what is held, the curve and what was told before go in; what is to be told, refused and stopped
//! comes out. Nothing here sends anything. A decision that is made twice says the same twice, but for what was told.

use std::ops::Range;

use kopeck_rating::calendar::Second;
use kopeck_rating::money::{Amount, Overflow};

use crate::crossing::{Act, Cap, HOUR};
use crate::curve::{Curve, Period};
use crate::limit::{Action, ActionPlan, Bound, Brake, Speed};

/// What the shell declares of the cloud and of stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// D: seconds within which a source reports.
    pub delay: i64,
    /// L: seconds within which the cloud obeys a stop.
    pub latency: i64,
    /// Seconds after a stop for which a wallet or a lifetime's cap pays what stopping does not end.
    pub horizon: i64,
}

impl Reaction {
    /// 7 days, unless the installation says otherwise.
    pub const HORIZON: i64 = 7 * 86_400;

    fn seconds(self) -> i64 {
        self.delay.max(0).saturating_add(self.latency.max(0))
    }
}

/// What has been used of a limit by the curve's instant. Charges that consume a hold are spent, and no longer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// What has accrued, posted or not.
    pub spent: Amount,
    /// What of open holds has not been consumed.
    pub held: Amount,
}

impl Used {
    /// Nothing.
    pub const NOTHING: Used = Used { spent: Amount::ZERO, held: Amount::ZERO };

    fn all(self) -> Result<Amount, Overflow> {
        self.spent.checked_add(self.held)
    }
}

/// The time that a limit looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Time {
    /// A month, given by its seconds, and the one after it. The curve has what the month has cost.
    Months(Range<Second>, Range<Second>),
    /// For ever.
    Lifetime,
}

/// The state of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It limits nothing.
    Disabled,
    /// Something is left.
    Actual,
    /// Nothing is left.
    Depleted,
}

/// Why more than a cap was spent (guard.md, "The promise").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A source reported later than it declares.
    LateReport,
    /// The cloud obeyed later than it declares.
    SlowCloud,
    /// What was spent at once was not authorised: a jump, or more than the curve knew of.
    Unauthorised,
    /// The limit was set below what was spent already, with what stopping does not end.
    LimitSetBelow,
}

/// What went wrong, as far as it is known, when more than a cap was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The longest time from a use to its report since the cap was last kept, in seconds.
    pub reported_after: i64,
    /// The longest time from a stop to the cloud's confirmation, in seconds.
    pub obeyed_after: i64,
    /// Whether the limit was lowered since it was last kept.
    pub was_lowered: bool,
}

/// What was spent beyond a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// How much.
    pub amount: Amount,
    /// Why.
    pub cause: Cause,
}

/// Who bears what was spent beyond a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Bearer {
    /// Who pays for the project.
    #[default]
    Payer,
    /// The operator of the installation.
    Operator,
    /// The provider of the cloud.
    Provider,
}

/// The installation's rule: who bears an excess, by its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bearers {
    /// Of a late report.
    pub late_report: Bearer,
    /// Of a slow cloud.
    pub slow_cloud: Bearer,
    /// Of what was not authorised.
    pub unauthorised: Bearer,
    /// Of a limit that was set below what was spent.
    pub limit_set_below: Bearer,
}

impl Bearers {
    /// Who bears an excess.
    #[must_use]
    pub fn of(&self, excess: &Excess) -> Bearer {
        match excess.cause {
            Cause::LateReport => self.late_report,
            Cause::SlowCloud => self.slow_cloud,
            Cause::Unauthorised => self.unauthorised,
            Cause::LimitSetBelow => self.limit_set_below,
        }
    }
}

/// What a limit asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its state.
    pub state: State,
    /// Thresholds, in per cent, that are to be told now: reached, and not told before in this time.
    pub tell: Vec<u16>,
    /// The strictest that holds now, if anything does.
    pub action: Option<Action>,
    /// What will be spent beyond the limit although it stops now.
    pub excess: Amount,
    /// The next instant at which it has to be looked at, if nothing changes before.
    pub look: Option<Second>,
}

impl Decision {
    /// Of what limits nothing.
    pub const NONE: Decision =
        Decision { state: State::Disabled, tell: Vec::new(), action: None, excess: Amount::ZERO, look: None };
}

/// What is asked of one limit on money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// How much; `None` where the limit is disabled.
    pub bound: Option<Bound>,
    /// What is done.
    pub plan: &'a ActionPlan,
    /// What it looks at.
    pub time: Time,
    /// What was used of it, as it was settled. The curve's month has come to the same: what is in no standing was added to
    /// it.
    pub used: Used,
    /// The highest threshold that was told in this time.
    pub told: Option<u16>,
    /// What the cloud declares.
    pub reaction: Reaction,
}

/// Decides about a quota or a cap at the curve's instant.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn decide(curve: &Curve<'_>, question: &Question<'_>) -> Result<Decision, Overflow> {
    let Some(bound) = question.bound else { return Ok(Decision::NONE) };
    let now = curve.from();
    let used = question.used.all()?;
    let state = if used >= bound.amount() { State::Depleted } else { State::Actual };
    let mut decision = Decision { state, ..Decision::NONE };
    if let Time::Months(month, _) = &question.time {
        decision.look = Some(month.end);
    }
    for threshold in question.plan.thresholds() {
        let reached = bound.percent(threshold.percent)?;
        if used >= reached {
            decision.action = decision.action.max(Some(threshold.action));
            if question.told.is_none_or(|told| told < threshold.percent) {
                decision.tell.push(threshold.percent);
            }
        } else if let Some(next) = meets(curve, question, reached)? {
            decision.look = sooner(decision.look, Some(next));
        }
    }
    let stop_at = question.plan.stops_at().map(|percent| bound.percent(percent)).transpose()?;
    if let Some(act) = stop_at.map(|limit| act(curve, question, limit)).transpose()?.flatten() {
        if act.at <= now {
            decision.action = Some(Action::Stop);
            decision.excess = act.excess;
        } else {
            decision.look = sooner(decision.look, Some(act.at));
        }
    }
    Ok(decision)
}

/// Decides about the wallet: a cap at zero of what is available now, holds and accrued cost already taken off.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn decide_wallet(curve: &Curve<'_>, available: Amount, reaction: Reaction) -> Result<Decision, Overflow> {
    let is_empty = available <= Amount::ZERO;
    let mut decision = Decision { state: State::Actual, ..Decision::NONE };
    if is_empty {
        decision.state = State::Depleted;
        decision.action = Some(Action::RefuseNew);
    }
    let cap = Cap {
        period: Period::Ahead,
        limit: available,
        reaction: reaction.seconds(),
        horizon: reaction.horizon,
    };
    match curve.last_act(&cap)? {
        Some(act) if act.at <= curve.from() => {
            decision.action = Some(Action::Stop);
            decision.excess = act.excess;
        }
        Some(act) => decision.look = Some(act.at),
        // Known to hold so far, and no farther.
        None => decision.look = Some(curve.until().saturating_sub(cap.horizon).max(curve.from() + 1)),
    }
    Ok(decision)
}

/// Decides about a rate limit, by what the trailing hour has cost and the hourly costs before it, `once`, `monthly` and
/// `monthly_peak` left out.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn decide_rate(
    curve: &Curve<'_>,
    (speed, brake): (Speed, Brake),
    (trailing, hours): (Amount, &[Amount]),
) -> Result<Decision, Overflow> {
    let Some(most) = speed.most(hours)? else { return Ok(Decision::NONE) };
    let action = match brake {
        Brake::Warn => Action::Notify,
        Brake::Stop => Action::Stop,
    };
    if trailing > most {
        let excess = trailing.checked_sub(most)?;
        return Ok(Decision {
            state: State::Depleted,
            action: Some(action),
            excess,
            look: Some(curve.from() + HOUR),
            ..Decision::NONE
        });
    }
    // What leaves the trailing hour is not counted on, so this is never late.
    let left = most.checked_sub(trailing)?;
    let exceeds = |at| Ok(curve.running_cost(at)?.most() > left);
    let look = crate::curve::first(curve.from()..curve.from() + HOUR, exceeds)?;
    let look = Some(look.unwrap_or(curve.from() + HOUR));
    Ok(Decision { state: State::Actual, look, ..Decision::NONE })
}

/// All limits of a project together: each thing is told, the strictest wins, the soonest look counts.
#[must_use]
pub fn strictest(decisions: impl IntoIterator<Item = Decision>) -> Decision {
    decisions.into_iter().fold(Decision::NONE, |all, one| Decision {
        state: all.state.max(one.state),
        tell: all.tell.into_iter().chain(one.tell).collect(),
        action: all.action.max(one.action),
        excess: all.excess.max(one.excess),
        look: sooner(all.look, one.look),
    })
}

/// Why more was spent than a cap allows: what the source and the cloud did not keep first, then what the payer did.
#[must_use]
pub fn excess(amount: Amount, of: Circumstances, declared: Reaction) -> Option<Excess> {
    if amount <= Amount::ZERO {
        return None;
    }
    let cause = if of.reported_after > declared.delay {
        Cause::LateReport
    } else if of.obeyed_after > declared.latency {
        Cause::SlowCloud
    } else if of.was_lowered {
        Cause::LimitSetBelow
    } else {
        Cause::Unauthorised
    };
    Some(Excess { amount, cause })
}

/// When a threshold is met that is not met yet.
fn meets(curve: &Curve<'_>, question: &Question<'_>, amount: Amount) -> Result<Option<Second>, Overflow> {
    let amount = amount.checked_sub(question.used.held)?;
    let (period, amount, until) = match &question.time {
        Time::Months(month, _) => (Period::Month(month.clone()), amount, month.end),
        Time::Lifetime => (Period::Ahead, amount.checked_sub(question.used.spent)?, curve.until()),
    };
    let Some(crossing) = curve.meets(&period, amount, until)? else { return Ok(None) };
    // What may be met now and is not will be met for certain later: it is not looked for second by second.
    let is_later = crossing.earliest > curve.from();
    let next = if is_later { Some(crossing.earliest) } else { crossing.certain };
    Ok(next.map(|next| next.max(curve.from() + 1)))
}

/// The stop that a limit asks for, in this month or the next.
fn act(curve: &Curve<'_>, question: &Question<'_>, limit: Amount) -> Result<Option<Act>, Overflow> {
    let Reaction { horizon, .. } = question.reaction;
    let reaction = question.reaction.seconds();
    let left = limit.checked_sub(question.used.held)?;
    match &question.time {
        Time::Lifetime => {
            let limit = left.checked_sub(question.used.spent)?;
            curve.last_act(&Cap { period: Period::Ahead, limit, reaction, horizon })
        }
        Time::Months(month, next) => {
            let now = Cap { period: Period::Month(month.clone()), limit: left, reaction, horizon };
            let then = Cap { period: Period::Month(next.clone()), limit, reaction, horizon };
            let acts = [curve.last_act(&now)?, curve.last_act(&then)?];
            Ok(acts.into_iter().flatten().min_by_key(|act| act.at))
        }
    }
}

fn sooner(one: Option<Second>, other: Option<Second>) -> Option<Second> {
    one.into_iter().chain(other).min()
}
