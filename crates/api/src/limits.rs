//! Limits, stops and notices (guard.md).

use kopeck_directory::limit::{Fastest, Limit, LimitKey, LimitTerms, StopOrder};
use kopeck_guard::limit::{Action, ActionPlan, Brake, Over, Threshold};
use kopeck_ledger::name::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{CurrencyCode, Label, Money, Time};

/// A limit to set, in place of what was set under the same name. Which fields belong to it its name says: `cap:month` and
/// `cap:lifetime` have an amount; `quota`, `quota:each-region`, `quota:region:NAME` and `quota:kind:NAME` an amount, thresholds
/// and whether it is enabled; `rate` an amount or a percentage of the median, and a brake; `wallet` a horizon
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRequest {
    /// Its name
    #[schema(value_type = String, example = "cap:month")]
    pub limit: LimitKey,
    /// How much, above zero
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What the amount is in: the currency of the workspace that pays
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<CurrencyCode>,
    /// What is done at which per cent of it; left out, it is told at 50 and 80 and refuses new resources at 100
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ThresholdForm>>)]
    pub thresholds: Option<Vec<Threshold>>,
    /// One that is disabled limits nothing; left out, it is enabled
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// So many per cent of the median of the project's own hours, once it has a day of them
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_of_median: Option<u32>,
    /// `warn` or `stop`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub brake: Option<Brake>,
    /// For how many days after a stop the wallet has to pay what stopping does not end; left out, 7
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u16>,
    /// From that instant on it limits nothing; left out, never
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// How thresholds are written
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(as = Threshold)]
#[allow(dead_code, reason = "only describes what guard's type is written as")]
pub struct ThresholdForm {
    /// Per cent of the limit, 1 to 1000
    pub percent: u16,
    /// `notify`, `ask_approval`, `refuse_new` or `stop`: a higher threshold does not do less than a lower one
    pub action: String,
}

/// A field of a request that is not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongField {
    /// Its name.
    pub field: &'static str,
    /// What is wrong.
    pub reason: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Seconds of a day.
const DAY: u32 = 86_400;
/// Days after a stop for which a wallet pays, where nothing is said (guard.md).
const HORIZON_DAYS: u16 = 7;

impl LimitRequest {
    /// What it says.
    ///
    /// # Errors
    /// [`WrongField`]: one that is missing, or belongs to another limit.
    pub fn terms(&self) -> Result<LimitTerms, WrongField> {
        self.check_fields()?;
        let amount = || {
            let amount = self.amount.as_ref().map(|amount| amount.0);
            amount.ok_or(missing("amount", "say how much it allows, such as \"1000.00\""))
        };
        match &self.limit {
            LimitKey::Cap(over) => Ok(LimitTerms::Cap { over: *over, amount: amount()? }),
            LimitKey::Quota(scope) => Ok(LimitTerms::Quota {
                scope: scope.clone(),
                amount: amount()?,
                plan: self.plan()?,
                enabled: self.enabled.unwrap_or(true),
            }),
            LimitKey::Rate => {
                let fastest = match (&self.amount, self.percent_of_median) {
                    (Some(amount), None) => Fastest::Amount(amount.0),
                    (None, Some(percent)) => Fastest::HundredthsOfMedian(percent),
                    _ => {
                        return Err(WrongField {
                            field: "amount",
                            reason: "a rate is an amount or a percentage of the median",
                            remedy: "give exactly one of `amount` and `percent_of_median`",
                        });
                    }
                };
                let brake = self.brake.ok_or(missing("brake", "write `warn` or `stop`"))?;
                Ok(LimitTerms::Rate { fastest, brake })
            }
            LimitKey::Wallet => {
                let days = self.horizon_days.unwrap_or(HORIZON_DAYS);
                Ok(LimitTerms::Wallet { horizon_s: u32::from(days).saturating_mul(DAY) })
            }
        }
    }

    fn plan(&self) -> Result<ActionPlan, WrongField> {
        match &self.thresholds {
            None => Ok(ActionPlan::default()),
            Some(thresholds) => ActionPlan::new(thresholds.clone()).map_err(|_| WrongField {
                field: "thresholds",
                reason: "these thresholds are no plan",
                remedy: "name each per cent of 1 to 1000 once, and let no higher threshold do less than a lower one",
            }),
        }
    }

    /// Refuses fields of other limits: they would be lost without a word.
    fn check_fields(&self) -> Result<(), WrongField> {
        let (is_quota, is_rate) =
            (matches!(self.limit, LimitKey::Quota(_)), matches!(self.limit, LimitKey::Rate));
        let is_wallet = matches!(self.limit, LimitKey::Wallet);
        let given = [
            ("amount", self.amount.is_some() && is_wallet),
            ("currency", self.currency.is_some() && self.amount.is_none()),
            ("thresholds", self.thresholds.is_some() && !is_quota),
            ("enabled", self.enabled.is_some() && !is_quota),
            ("percent_of_median", self.percent_of_median.is_some() && !is_rate),
            ("brake", self.brake.is_some() && !is_rate),
            ("horizon_days", self.horizon_days.is_some() && !is_wallet),
        ];
        if let Some((field, _)) = given.into_iter().find(|(_, is_wrong)| *is_wrong) {
            return Err(WrongField {
                field,
                reason: "does not belong to this limit",
                remedy: "leave it out: the name of a limit says what it has",
            });
        }
        if self.amount.is_some() && self.currency.is_none() {
            return Err(missing("currency", "say what the amount is in, such as \"RUB\""));
        }
        Ok(())
    }

    /// The currency of its amount; the workspace's where it has none.
    #[must_use]
    pub fn currency_or(&self, workspace: Currency) -> Currency {
        self.currency.as_ref().map_or(workspace, |currency| currency.0)
    }
}

fn missing(field: &'static str, remedy: &'static str) -> WrongField {
    WrongField { field, reason: "is missing", remedy }
}

/// A limit, who set it, and what it comes to now
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Limit)]
pub struct LimitDocument {
    /// Its name
    pub limit: String,
    /// The project that it limits; none where it is a payer's
    #[schema(required)]
    pub project: Option<Label>,
    /// The workspace that it limits, over all that it pays for
    #[schema(required)]
    pub workspace: Option<Uuid>,
    /// How much it allows
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What amounts are in
    pub currency: CurrencyCode,
    /// What is done at which per cent of it
    #[schema(value_type = Vec<ThresholdForm>)]
    pub thresholds: Vec<Threshold>,
    /// Whether it limits anything
    pub enabled: bool,
    /// Per cent of the median of the project's own hours
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_of_median: Option<u32>,
    /// `warn` or `stop`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub brake: Option<Brake>,
    /// Seconds after a stop for which a wallet has to pay what stopping does not end
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_s: Option<u32>,
    /// From that instant on it limits nothing
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Who set it as it is: a user's id, `operator`, or `token`
    pub set_by: Label,
    /// When
    pub set: Time,
    /// What it comes to now: one entry, of each region one; none where nothing is known of its projects
    pub now: Vec<LimitNow>,
}

/// What a limit comes to
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitNow {
    /// Its name, with the region where it is of each one
    pub name: String,
    /// `actual` while something is left, `depleted`, or `disabled`
    pub state: String,
    /// What was spent of it; of a rate in the last hour; none of a wallet
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<String>,
    /// What is left of it, below zero beyond it; of a wallet what is available
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// The strictest that holds: `notify`, `ask_approval`, `refuse_new` or `stop`
    #[schema(required, value_type = Option<String>)]
    pub action: Option<Action>,
    /// What will be spent beyond it although all is stopped now
    pub excess: String,
    /// Since when what it looks at is stopped
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_since: Option<Time>,
    /// What was spent beyond it, and why
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<BeyondDocument>,
    /// When it is looked at next, if nothing changes before
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_look: Option<Time>,
}

/// What was spent beyond a cap
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Beyond)]
pub struct BeyondDocument {
    /// How much
    pub amount: Money,
    /// `late_report`, `slow_cloud`, `unauthorised` or `limit_set_below`
    pub cause: String,
    /// Since when
    pub since: Time,
}

impl LimitDocument {
    /// The document of a limit; what it comes to is added by whoever has looked.
    #[must_use]
    pub fn of(limit: &Limit, now: Vec<LimitNow>) -> LimitDocument {
        use kopeck_directory::limit::Holder;
        let mut document = LimitDocument {
            limit: limit.terms.key().to_string(),
            project: None,
            workspace: None,
            amount: limit.terms.amount().map(Money),
            currency: CurrencyCode(limit.currency),
            thresholds: Vec::new(),
            enabled: true,
            percent_of_median: None,
            brake: None,
            horizon_s: None,
            until: limit.until.map(Time),
            set_by: Label(limit.set_by.clone()),
            set: Time(limit.set),
            now,
        };
        match &limit.holder {
            Holder::Project(project) => document.project = Some(Label(project.0.clone())),
            Holder::Workspace(workspace) => document.workspace = Some(workspace.0),
        }
        match &limit.terms {
            LimitTerms::Cap { over: Over::Month | Over::Lifetime, .. } => {
                document.thresholds = ActionPlan::of_cap().thresholds().to_vec();
            }
            LimitTerms::Quota { plan, enabled, .. } => {
                (document.thresholds, document.enabled) = (plan.thresholds().to_vec(), *enabled);
            }
            LimitTerms::Rate { fastest, brake } => {
                document.brake = Some(*brake);
                if let Fastest::HundredthsOfMedian(percent) = fastest {
                    document.percent_of_median = Some(*percent);
                }
            }
            LimitTerms::Wallet { horizon_s } => document.horizon_s = Some(*horizon_s),
        }
        document
    }
}

/// All limits of a project or of a payer
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Limits)]
pub struct LimitsDocument {
    /// In the order of their names
    pub limits: Vec<LimitDocument>,
}

/// In which order a project's resources are stopped
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRulesDocument {
    /// `newest_first` or `oldest_first`
    #[schema(value_type = String)]
    pub order: StopOrder,
    /// What is stopped last, in the same order; resources whose events say `protected` are as well
    pub protected: Vec<ProtectedDocument>,
}

/// A resource that is stopped last
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Protected)]
#[serde(deny_unknown_fields)]
pub struct ProtectedDocument {
    /// Its source
    pub source: Label,
    /// Its name within the source
    pub resource: Label,
}

/// A stop of a resource, and what became of it
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Stop)]
pub struct StopDocument {
    /// Its number: later stops have higher ones
    pub number: u64,
    /// The same at each try: what the cloud's adapter tells repeated ones by
    pub id: Uuid,
    /// The resource's source
    pub source: String,
    /// Its name
    pub resource: String,
    /// Its kind
    pub kind: String,
    /// Which limit of whom asked for it
    pub limit: String,
    /// When it was decided
    pub decided: Time,
    /// How often it was tried to send it
    pub tries: u32,
    /// When the cloud's adapter took it last
    #[schema(required)]
    pub taken: Option<Time>,
    /// Why the last try failed
    #[schema(required)]
    pub failure: Option<String>,
    /// When it was told that the cloud does not obey in its declared time
    #[schema(required)]
    pub escalated: Option<Time>,
    /// `open`, `obeyed` or `withdrawn`
    pub outcome: String,
    /// When it came to its end
    #[schema(required)]
    pub ended: Option<Time>,
}

/// What the guard has told
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeDocument {
    /// When it was so
    pub at: Time,
    /// Which limit
    pub limit: String,
    /// Whether it is the payer's limit and not the project's own
    pub of_payer: bool,
    /// `threshold` with `percent`, `stopped`, `lifted`, `beyond` with `amount` and `cause`, `disobeyed` with `source` and
    /// `resource`
    #[schema(value_type = Object)]
    pub what: serde_json::Value,
}
