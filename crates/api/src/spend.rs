//! What a project spends, and its charges (api.md).

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::forms::{CurrencyCode, Day, Label, Time};

/// Which month
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MonthQuery {
    /// The local month, such as `2026-10`; left out, the one that it is now
    pub month: Option<String>,
}

/// What a project has cost in a month up to now. Amounts are gross decimal texts
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpendDocument {
    /// The project
    pub project: String,
    /// The local month
    pub month: String,
    /// Up to when
    pub at: Time,
    /// What the amounts are in
    pub currency: CurrencyCode,
    /// What the month has cost
    pub total: String,
    /// What of it is in the ledger
    pub posted: String,
    /// What of it has accrued and is not in the ledger yet
    pub accrued: String,
    /// What an hour costs as things run now; use by event, one-time and whole-month prices are not in it
    pub burn_rate_an_hour: String,
    /// The same by component
    pub burn_rate_by_component: Vec<NamedAmount>,
    /// By component
    pub by_component: Vec<NamedAmount>,
    /// By kind
    pub by_kind: Vec<NamedAmount>,
    /// By region; no name for what has none
    pub by_region: Vec<NamedAmount>,
    /// By resource; no source and name for what is summed over the project
    pub by_resource: Vec<ResourceAmount>,
    /// By local day, as it was posted: what a late event changed is on the day on which it came
    pub by_day: Vec<DayAmount>,
}

/// An amount under a name
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedAmount {
    /// The name
    pub name: Option<String>,
    /// The amount
    pub amount: String,
}

/// What a resource has cost
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceAmount {
    /// Its source
    pub source: Option<String>,
    /// Its name within the source
    pub resource: Option<String>,
    /// The amount
    pub amount: String,
}

/// What a day has cost
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayAmount {
    /// The local day
    pub day: Day,
    /// The amount
    pub amount: String,
}

/// A charge: a rated amount of one component for one resource and month
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChargeDocument {
    /// Names the charge in `/v1/projects/{id}/charges/{key}/explain`
    pub key: String,
    /// The price book
    pub price_book: String,
    /// The source; none for what is summed over the project
    pub source: Option<String>,
    /// The resource; none for what is summed over the project
    pub resource: Option<String>,
    /// The component
    pub component: String,
    /// The version's date
    pub version: Day,
    /// The local month
    pub month: String,
    /// The exact sum that the price is applied to: unit-seconds, unit-hours, unit-days, or units
    pub quantity: String,
    /// The gross amount
    pub amount: String,
    /// Whether the component groups by an attribute
    pub grouped: bool,
    /// The attribute's text, where it groups and the resource has it
    pub group: Option<String>,
}

/// Why a charge is what it is
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplanationDocument {
    /// As `kopeck explain --format json` writes it: the rule, the intervals with the events that began and ended them, and
    /// the arithmetic
    #[schema(value_type = Object)]
    pub explanation: serde_json::Value,
    /// Who pays for it
    pub workspace: Label,
}
