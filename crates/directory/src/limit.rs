//! Limits that people set (guard.md): what they look at, who set them and when. What they ask for is the guard's matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use kopeck_guard::limit::{ActionPlan, Brake, Over, Scope};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{Currency, Moment, Text};
use serde::{Deserialize, Serialize};

use crate::name::{ProjectId, WorkspaceId};

/// Whose limit it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// Of one project.
    Project(ProjectId),
    /// Of a payer over all projects that one workspace pays for.
    Workspace(WorkspaceId),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Project(project) => project.fmt(f),
            Holder::Workspace(workspace) => workspace.fmt(f),
        }
    }
}

/// What a limit looks at: a holder has at most one of each. Its text is its name in paths and refusals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitKey {
    /// `cap:month`, `cap:lifetime`.
    Cap(Over),
    /// `quota`, `quota:each-region`, `quota:region:NAME`, `quota:kind:NAME`.
    Quota(Scope),
    /// `rate`.
    Rate,
    /// `wallet`.
    Wallet,
}

/// A text is not the name of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a limit: write cap:month, cap:lifetime, wallet, rate, quota, quota:each-region, quota:region:NAME or \
     quota:kind:NAME"
)]
pub struct NoLimit;

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitKey::Cap(Over::Month) => f.write_str("cap:month"),
            LimitKey::Cap(Over::Lifetime) => f.write_str("cap:lifetime"),
            LimitKey::Quota(Scope::Project) => f.write_str("quota"),
            LimitKey::Quota(Scope::EachRegion) => f.write_str("quota:each-region"),
            LimitKey::Quota(Scope::Region(name)) => write!(f, "quota:region:{name}"),
            LimitKey::Quota(Scope::Kind(name)) => write!(f, "quota:kind:{name}"),
            LimitKey::Quota(Scope::Member(name)) => write!(f, "quota:member:{name}"),
            LimitKey::Rate => f.write_str("rate"),
            LimitKey::Wallet => f.write_str("wallet"),
        }
    }
}

impl FromStr for LimitKey {
    type Err = NoLimit;

    fn from_str(text: &str) -> Result<LimitKey, NoLimit> {
        let named = |scope: fn(String) -> Scope, name: &str| {
            let name = Some(name).filter(|name| Text::new(name).is_ok());
            name.map(|name| LimitKey::Quota(scope(name.to_owned()))).ok_or(NoLimit)
        };
        match text {
            "cap:month" => Ok(LimitKey::Cap(Over::Month)),
            "cap:lifetime" => Ok(LimitKey::Cap(Over::Lifetime)),
            "wallet" => Ok(LimitKey::Wallet),
            "rate" => Ok(LimitKey::Rate),
            "quota" => Ok(LimitKey::Quota(Scope::Project)),
            "quota:each-region" => Ok(LimitKey::Quota(Scope::EachRegion)),
            _ => match text.strip_prefix("quota:").and_then(|rest| rest.split_once(':')) {
                Some(("region", name)) => named(Scope::Region, name),
                Some(("kind", name)) => named(Scope::Kind, name),
                _ => Err(NoLimit),
            },
        }
    }
}

impl Serialize for LimitKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LimitKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<LimitKey, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("{text:?} {error}")))
    }
}

/// How much a trailing hour may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fastest {
    /// So much an hour.
    Amount(Amount),
    /// So many hundredths of the median of the project's own hours.
    HundredthsOfMedian(u32),
}

/// What a limit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitTerms {
    /// A month's or a lifetime's cost: everything is stopped in time.
    Cap {
        /// Over what time.
        over: Over,
        /// How much.
        amount: Amount,
    },
    /// A month's cost of a project, in a scope.
    Quota {
        /// Of what.
        scope: Scope,
        /// How much.
        amount: Amount,
        /// What is done at which share of it.
        plan: ActionPlan,
        /// One that is disabled limits nothing.
        enabled: bool,
    },
    /// The cost of a trailing hour.
    Rate {
        /// How much.
        fastest: Fastest,
        /// What is done.
        brake: Brake,
    },
    /// What the paying workspace has: a cap at zero.
    Wallet {
        /// Seconds after a stop for which it pays what stopping does not end.
        horizon_s: u32,
    },
}

impl LimitTerms {
    /// What it looks at.
    #[must_use]
    pub fn key(&self) -> LimitKey {
        match self {
            LimitTerms::Cap { over, .. } => LimitKey::Cap(*over),
            LimitTerms::Quota { scope, .. } => LimitKey::Quota(scope.clone()),
            LimitTerms::Rate { .. } => LimitKey::Rate,
            LimitTerms::Wallet { .. } => LimitKey::Wallet,
        }
    }

    /// How much it allows, where that is an amount.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        match self {
            LimitTerms::Cap { amount, .. }
            | LimitTerms::Quota { amount, .. }
            | LimitTerms::Rate { fastest: Fastest::Amount(amount), .. } => Some(*amount),
            LimitTerms::Rate { .. } | LimitTerms::Wallet { .. } => None,
        }
    }

    /// Whether it is a cap or a quota that allows at most what another one does, and says the same but for that.
    #[must_use]
    pub fn lowers(&self, before: &LimitTerms) -> bool {
        let (Some(now), Some(then)) = (self.amount(), before.amount()) else { return false };
        let is_lowered = match self {
            LimitTerms::Cap { .. } | LimitTerms::Quota { .. } => now <= then,
            LimitTerms::Rate { .. } | LimitTerms::Wallet { .. } => false,
        };
        is_lowered && self.with_amount(then) == *before
    }

    fn with_amount(&self, of: Amount) -> LimitTerms {
        let mut terms = self.clone();
        match &mut terms {
            LimitTerms::Cap { amount, .. } | LimitTerms::Quota { amount, .. } => *amount = of,
            LimitTerms::Rate { .. } | LimitTerms::Wallet { .. } => {}
        }
        terms
    }
}

/// A limit that somebody has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Whose.
    pub holder: Holder,
    /// What it says.
    pub terms: LimitTerms,
    /// What its amounts are in: the workspace's currency.
    pub currency: Currency,
    /// From that instant on it limits nothing.
    pub until: Option<Moment>,
    /// Who set it as it is: a user's id, `operator`, or `token`.
    pub set_by: Text,
    /// When.
    pub set: Moment,
    /// When it was removed.
    pub removed: Option<Moment>,
}

impl Limit {
    /// Whether it limits something at an instant.
    #[must_use]
    pub fn is_on(&self, at: Moment) -> bool {
        self.removed.is_none() && self.until.is_none_or(|until| at < until)
    }
}

/// All that limits one holder, what was removed as well.
pub type Limits = BTreeMap<LimitKey, Limit>;

/// In which order a project's resources are stopped, and which of them last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRules {
    /// Whose.
    pub project: ProjectId,
    /// The order of those that are not protected; the protected follow in the same order.
    pub order: StopOrder,
    /// Resources by source and name that are stopped last.
    pub protected: BTreeSet<(Text, Text)>,
}

/// The order of stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopOrder {
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// What a stop makes of a cloud's active resources of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMakes {
    /// They become inactive.
    Inactive,
    /// They are there, and in no class.
    Classless,
    /// They end.
    Gone,
    /// Nothing: the cloud has no stop for them.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_known_again_by_its_name() {
        for name in [
            "cap:month",
            "cap:lifetime",
            "wallet",
            "rate",
            "quota",
            "quota:each-region",
            "quota:region:a:b",
            "quota:kind:vm",
        ] {
            assert_eq!(name.parse::<LimitKey>().unwrap().to_string(), name);
        }
        for name in ["", "cap", "quota:", "quota:region:", "quota:zone:x", "wallet:"] {
            assert_eq!(name.parse::<LimitKey>(), Err(NoLimit), "{name}");
        }
    }
}
