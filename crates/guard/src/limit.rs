//! Limits: the contract's table as types (guard.md), of which none that can be made says two things at once.
//!
//! What a limit asks for is decided in [`decide`](crate::decide); here is what it is and how far it has been used up.

use std::collections::BTreeSet;

use kopeck_rating::calendar::Second;
use kopeck_rating::money::{Amount, Overflow};
use serde::{Deserialize, Serialize};

/// What a quota looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of the project.
    Project,
    /// Each region by itself.
    EachRegion,
    /// One region.
    Region(String),
    /// One kind of resource or usage.
    Kind(String),
    /// What one member's acts have caused.
    Member(String),
}

/// Whose cost a cap looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// One project.
    Project,
    /// A payer, over all its projects.
    Payer,
}

/// Over what time a cap looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The calendar month of the workspace's time zone.
    Month,
    /// For ever.
    Lifetime,
}

/// What a count limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Virtual machines.
    Machines,
    /// Virtual processors.
    Processors,
    /// Gigabytes of memory or storage.
    Gigabytes,
    /// Jobs at once.
    Jobs,
    /// Projects.
    Projects,
    /// Members.
    Members,
}

/// What is created, for quotas of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Created {
    /// Virtual machines.
    Machine,
    /// Volumes.
    Volume,
    /// Checkpoints.
    Checkpoint,
}

/// What is done when a threshold is reached, the mildest first: each does what the ones before it do as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Who is concerned is told.
    Notify,
    /// A member with the right to approve decides about each new resource.
    AskApproval,
    /// New resources are refused.
    RefuseNew,
    /// All in scope is stopped.
    Stop,
}

/// A threshold of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Per cent of the limit.
    pub percent: u16,
    /// What is done from there on.
    pub action: Action,
}

/// Why a limit can not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The limit is less than nothing.
    #[error("a limit of {0} is below zero: name an amount of 0 or more")]
    Negative(Amount),
    /// A threshold is not within 1 and 1,000 per cent.
    #[error("a threshold of {0} per cent is none: name 1 to 1000")]
    Threshold(u16),
    /// Two thresholds of one plan are the same.
    #[error("the threshold of {0} per cent stands twice: leave one of the two")]
    Twice(u16),
    /// A higher threshold does less than a lower one.
    #[error("the threshold of {0} per cent does less than a lower one: order the actions as the thresholds")]
    Milder(u16),
    /// A plan without thresholds.
    #[error("an action plan without thresholds does nothing: name one, or leave the plan out")]
    Empty,
    /// A factor of zero.
    #[error("zero times the median stops everything: name a factor above 0")]
    Factor,
}

/// An action plan: thresholds in ascending order, none of which does less than one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Threshold>", into = "Vec<Threshold>")]
pub struct ActionPlan(Vec<Threshold>);

impl TryFrom<Vec<Threshold>> for ActionPlan {
    type Error = LimitError;

    fn try_from(thresholds: Vec<Threshold>) -> Result<ActionPlan, LimitError> {
        ActionPlan::new(thresholds)
    }
}

impl From<ActionPlan> for Vec<Threshold> {
    fn from(plan: ActionPlan) -> Vec<Threshold> {
        plan.0
    }
}

impl Default for ActionPlan {
    /// Tells at 50 and 80 per cent, and refuses new resources at 100.
    fn default() -> ActionPlan {
        ActionPlan::with_last(Action::RefuseNew)
    }
}

impl ActionPlan {
    /// A plan of these thresholds, in any order.
    ///
    /// # Errors
    /// [`LimitError`].
    pub fn new(mut thresholds: Vec<Threshold>) -> Result<ActionPlan, LimitError> {
        thresholds.sort_unstable_by_key(|threshold| threshold.percent);
        if thresholds.is_empty() {
            return Err(LimitError::Empty);
        }
        if let Some(odd) = thresholds.iter().find(|threshold| !(1..=1_000).contains(&threshold.percent)) {
            return Err(LimitError::Threshold(odd.percent));
        }
        for pair in thresholds.windows(2) {
            if pair[0].percent == pair[1].percent {
                return Err(LimitError::Twice(pair[1].percent));
            }
            if pair[1].action < pair[0].action {
                return Err(LimitError::Milder(pair[1].percent));
            }
        }
        Ok(ActionPlan(thresholds))
    }

    /// What caps and wallets do: tell on the way, stop at the limit.
    #[must_use]
    pub fn of_cap() -> ActionPlan {
        ActionPlan::with_last(Action::Stop)
    }

    /// Tells at 50 and 80 per cent, and does something at 100.
    fn with_last(action: Action) -> ActionPlan {
        let plan = [(50, Action::Notify), (80, Action::Notify), (100, action)];
        ActionPlan(plan.map(|(percent, action)| Threshold { percent, action }).to_vec())
    }

    /// Its thresholds, ascending.
    #[must_use]
    pub fn thresholds(&self) -> &[Threshold] {
        &self.0
    }

    /// From which share of the limit on all in scope is stopped, in per cent; `None` where nothing is.
    #[must_use]
    pub fn stops_at(&self) -> Option<u16> {
        self.0.iter().find(|threshold| threshold.action == Action::Stop).map(|threshold| threshold.percent)
    }
}

/// How much a trailing hour may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// So much.
    Absolute(Amount),
    /// So many hundredths of the median of the project's last 168 hourly costs; once it has 24 of them.
    TimesMedian(u32),
}

/// An amount of money that is not below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bound(Amount);

impl Bound {
    /// A limit of so much.
    ///
    /// # Errors
    /// [`LimitError::Negative`].
    pub fn new(amount: Amount) -> Result<Bound, LimitError> {
        if amount < Amount::ZERO { Err(LimitError::Negative(amount)) } else { Ok(Bound(amount)) }
    }

    /// The amount.
    #[must_use]
    pub fn amount(self) -> Amount {
        self.0
    }

    /// So many per cent of it, rounded up to 10⁻⁶: a threshold is never reached early.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn percent(self, percent: u16) -> Result<Amount, Overflow> {
        share(self.0, i128::from(percent), 100)
    }
}

/// A share of an amount, rounded up.
pub(crate) fn share(amount: Amount, times: i128, over: i128) -> Result<Amount, Overflow> {
    let times = ethnum::I256::new(times);
    let over = ethnum::I256::new(over);
    let product = amount.micros().checked_mul(times).ok_or(Overflow)?;
    let up = i128::from(product.rem_euclid(over) != ethnum::I256::ZERO);
    Ok(Amount::from_micros(product.div_euclid(over) + ethnum::I256::new(up)))
}

/// A limit on money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// A month's cost of a project, in a scope.
    Quota {
        /// Of what.
        scope: Scope,
        /// How much; `None` where it is disabled.
        bound: Option<Bound>,
        /// What is done about it.
        plan: ActionPlan,
    },
    /// A month's or a lifetime's cost: at the limit everything is stopped in time.
    Cap {
        /// Whose.
        of: Of,
        /// Over what time.
        over: Over,
        /// How much.
        bound: Bound,
    },
    /// What the paying workspace has: a cap at zero.
    Wallet,
    /// The cost of a trailing hour: the brake against runaway and attack.
    Rate {
        /// How fast.
        speed: Speed,
        /// What is done: [`Action::Notify`] or [`Action::Stop`].
        brake: Brake,
    },
}

/// What a rate limit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Brake {
    /// Who is concerned is warned.
    Warn,
    /// All is stopped.
    Stop,
}

/// How many there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountQuota {
    /// Of what.
    pub of: Counted,
    /// The most.
    pub most: u64,
}

/// How many may be created in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreationQuota {
    /// Of what.
    pub of: Created,
    /// The most.
    pub most: u64,
}

/// Seconds of a day of 24 hours.
const DAY: i64 = 86_400;

impl CountQuota {
    /// How many more there may be.
    #[must_use]
    pub fn left(&self, there_are: u64) -> u64 {
        self.most.saturating_sub(there_are)
    }
}

impl CreationQuota {
    /// How many more may be created now, by the instants of what was created; and, where none may, from when on one may.
    #[must_use]
    pub fn left(&self, created: &BTreeSet<(Second, String)>, now: Second) -> (u64, Option<Second>) {
        let recent: Vec<Second> =
            created.iter().map(|(at, _)| *at).filter(|at| *at > now - DAY && *at <= now).collect();
        let count = u64::try_from(recent.len()).unwrap_or(u64::MAX);
        if count < self.most {
            return (self.most - count, None);
        }
        let oldest = usize::try_from(count - self.most).ok().and_then(|number| recent.get(number));
        (0, oldest.map(|at| at + DAY))
    }
}

/// Hours of which a median is taken.
const HOURS: usize = 168;
/// Hours that a project must have before its median means something.
const FEWEST_HOURS: usize = 24;

impl Speed {
    /// So many hundredths of the median.
    ///
    /// # Errors
    /// [`LimitError::Factor`].
    pub fn times_median(hundredths: u32) -> Result<Speed, LimitError> {
        if hundredths == 0 { Err(LimitError::Factor) } else { Ok(Speed::TimesMedian(hundredths)) }
    }

    /// What a trailing hour may cost, by the project's hourly costs, the newest last; `None` while it has too few of them.
    /// Of an even number of hours the median is the mean of the middle two.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn most(self, hours: &[Amount]) -> Result<Option<Amount>, Overflow> {
        let hundredths = match self {
            Speed::Absolute(most) => return Ok(Some(most)),
            Speed::TimesMedian(hundredths) => hundredths,
        };
        if hours.len() < FEWEST_HOURS {
            return Ok(None);
        }
        let mut last = hours[hours.len().saturating_sub(HOURS)..].to_vec();
        last.sort_unstable();
        let (low, high) = (last[(last.len() - 1) / 2], last[last.len() / 2]);
        let twice = low.checked_add(high)?;
        share(twice, i128::from(hundredths), 200).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(micros: i128) -> Amount {
        Amount::from_micros(micros)
    }

    fn plan(thresholds: &[(u16, Action)]) -> Result<ActionPlan, LimitError> {
        ActionPlan::new(
            thresholds
                .iter()
                .map(|(percent, action)| Threshold { percent: *percent, action: *action })
                .collect(),
        )
    }

    #[test]
    fn a_plan_that_says_two_things_is_refused() {
        assert_eq!(plan(&[]), Err(LimitError::Empty));
        assert_eq!(plan(&[(0, Action::Notify)]), Err(LimitError::Threshold(0)));
        assert_eq!(plan(&[(50, Action::Notify), (50, Action::Stop)]), Err(LimitError::Twice(50)));
        assert_eq!(plan(&[(80, Action::Notify), (50, Action::Stop)]), Err(LimitError::Milder(80)));
        assert_eq!(Bound::new(amount(-1)), Err(LimitError::Negative(amount(-1))));
        assert_eq!(Speed::times_median(0), Err(LimitError::Factor));
    }

    #[test]
    fn thresholds_are_50_80_and_100_per_cent_unless_others_are_named() {
        let percents: Vec<u16> =
            ActionPlan::default().thresholds().iter().map(|threshold| threshold.percent).collect();
        assert_eq!(percents, [50, 80, 100]);
        assert_eq!(ActionPlan::default().stops_at(), None);
        assert_eq!(ActionPlan::of_cap().stops_at(), Some(100));
    }

    #[test]
    fn a_share_of_a_limit_is_never_reached_early() {
        assert_eq!(Bound::new(amount(3)).unwrap().percent(50), Ok(amount(2)));
        assert_eq!(Bound::new(amount(100)).unwrap().percent(80), Ok(amount(80)));
    }

    #[test]
    fn a_median_means_nothing_before_a_day_and_forgets_what_is_older_than_a_week() {
        let speed = Speed::times_median(300).unwrap();
        assert_eq!(speed.most(&[amount(10); 23]), Ok(None));
        assert_eq!(speed.most(&[amount(10); 24]), Ok(Some(amount(30))));
        let mut hours = vec![amount(1_000); 100];
        hours.extend([amount(4); 84]);
        hours.extend([amount(8); 84]);
        assert_eq!(speed.most(&hours), Ok(Some(amount(18))));
        assert_eq!(Speed::Absolute(amount(7)).most(&[]), Ok(Some(amount(7))));
    }

    #[test]
    fn what_was_created_a_day_ago_makes_room() {
        let quota = CreationQuota { of: Created::Machine, most: 2 };
        let created: BTreeSet<(Second, String)> =
            [(0, "a"), (100, "b"), (200, "c")].map(|(at, id)| (at, id.to_owned())).into();
        assert_eq!(quota.left(&created, 150), (0, Some(DAY)));
        assert_eq!(quota.left(&created, 250), (0, Some(100 + DAY)));
        assert_eq!(quota.left(&created, DAY + 150), (1, None));
        assert_eq!(quota.left(&created, DAY + 300), (2, None));
        assert_eq!(CountQuota { of: Counted::Machines, most: 3 }.left(5), 0);
    }
}
