//! What projects offer and users ask for: APIs by key, and roles.

use std::collections::BTreeSet;

use kopeck_directory::access::Permission;
use kopeck_directory::act::OwnPrices;
use kopeck_directory::entity::{Api, ApiKey, Grant, KeyLimits, Role, RoleEntry, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{CurrencyCode, Factor, Label, Money, PriceText, Time};

/// An API to offer by key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiRequest {
    /// Its id; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Whose
    pub project: Label,
    /// What people call it
    pub name: Label,
    /// The source of its calls; `api://` and its id where it is left out
    #[serde(default)]
    pub source: Option<Label>,
    /// What a key may be asked for; any purpose where it is empty
    #[serde(default)]
    pub purposes: BTreeSet<String>,
    /// The most calls of a key in a local day
    #[serde(default)]
    pub calls_per_day: Option<u64>,
    /// The most calls of a key in a local month
    #[serde(default)]
    pub calls_per_month: Option<u64>,
    /// For a call
    pub price: PriceText,
}

/// What changes about an API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiPatch {
    /// What people call it
    #[serde(default)]
    pub name: Option<Label>,
    /// What a key may be asked for
    #[serde(default)]
    pub purposes: Option<BTreeSet<String>>,
    /// What each key may do
    #[serde(default)]
    pub limits: Option<LimitsDocument>,
    /// Whether keys may be asked for
    #[serde(default)]
    pub open: Option<bool>,
}

/// What each key may do; none is without a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KeyLimits)]
pub struct LimitsDocument {
    /// The most calls in a local day
    #[schema(required)]
    pub calls_per_day: Option<u64>,
    /// The most calls in a local month
    #[schema(required)]
    pub calls_per_month: Option<u64>,
}

/// An API that a project offers by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Api)]
pub struct ApiDocument {
    /// Names it
    pub id: Uuid,
    /// Whose
    pub project: Label,
    /// What people call it
    pub name: Label,
    /// The source of its calls
    pub source: Label,
    /// What a key may be asked for
    pub purposes: Vec<String>,
    /// What each key may do
    pub limits: LimitsDocument,
    /// Whether keys may be asked for
    pub open: bool,
    /// The book of its price
    pub price_book: Label,
    /// For a call, now
    #[schema(required)]
    pub price: Option<PriceText>,
    /// Since when it is there
    pub created: Time,
}

/// A key to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// Its id; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// To what
    pub api: Uuid,
    /// For whom; whoever asks where it is left out
    #[serde(default)]
    pub user: Option<Uuid>,
    /// What for
    pub purpose: Label,
}

/// A key to an API, from its request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct KeyDocument {
    /// Names it
    pub id: Uuid,
    /// To what
    pub api: Uuid,
    /// Whose, and who pays
    pub user: Uuid,
    /// What for
    pub purpose: Label,
    /// `requested`, `approved`, `refused` or `revoked`
    #[schema(value_type = String)]
    pub standing: Standing,
    /// When it was asked for
    pub requested: Time,
    /// When it was approved or refused
    #[schema(required)]
    pub decided: Option<Time>,
    /// When it was revoked
    #[schema(required)]
    pub revoked: Option<Time>,
    /// Whether its secret was fetched
    pub fetched: bool,
}

/// A secret, shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Secret)]
pub struct SecretDocument {
    /// Whose
    pub id: Uuid,
    /// It is not shown again
    pub secret: String,
}

/// What came by a key in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyStatistics {
    /// Which key
    pub id: Uuid,
    /// Whose
    pub user: Uuid,
    /// Since when it holds
    #[schema(required)]
    pub since: Option<Time>,
    /// The period's begin; none is since ever
    #[schema(required)]
    pub from: Option<Time>,
    /// The period's end; none is now
    #[schema(required)]
    pub to: Option<Time>,
    /// Calls that were paid
    pub requests: u64,
    /// What they cost
    pub sum: Money,
    /// In which currency
    pub currency: CurrencyCode,
}

/// A role to make.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// Its id; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Whose
    pub project: Label,
    /// What people call it
    pub name: Label,
    /// What it allows: read, lower_limits, resources, authorise, estimate, keys
    #[schema(value_type = Vec<String>)]
    pub permissions: BTreeSet<Permission>,
    /// What its user pays of what the user's work has cost; 1 where it is left out
    #[serde(default)]
    pub coefficient: Option<Factor>,
    /// `given` to members, `paid` for by who asks for it, or `public`
    #[schema(value_type = String)]
    pub entry: RoleEntry,
}

/// What changes about a role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolePatch {
    /// What people call it
    #[serde(default)]
    pub name: Option<Label>,
    /// What it allows
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub permissions: Option<BTreeSet<Permission>>,
    /// What its user pays of what the user's work has cost
    #[serde(default)]
    pub coefficient: Option<Factor>,
    /// One that is not active gives nothing
    #[serde(default)]
    pub active: Option<bool>,
}

/// A role that a project has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Role)]
pub struct RoleDocument {
    /// Names it
    pub id: Uuid,
    /// Whose
    pub project: Label,
    /// What people call it
    pub name: Label,
    /// What it allows
    #[schema(value_type = Vec<String>)]
    pub permissions: BTreeSet<Permission>,
    /// What its user pays of what the user's work has cost
    pub coefficient: Factor,
    /// How one comes to it
    #[schema(value_type = String)]
    pub entry: RoleEntry,
    /// One that is not active gives nothing
    pub active: bool,
    /// Since when it is there
    pub created: Time,
}

/// A paid role to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// The request's id; made where it is left out
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Which role
    pub role: Uuid,
    /// For whom; whoever asks where it is left out
    #[serde(default)]
    pub user: Option<Uuid>,
}

/// A user's holding of a paid role, from its request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RoleGrant)]
pub struct GrantDocument {
    /// Names it
    pub id: Uuid,
    /// Which role
    pub role: Uuid,
    /// Whose, and who pays
    pub user: Uuid,
    /// `requested`, `approved`, `refused` or `revoked`
    #[schema(value_type = String)]
    pub standing: Standing,
    /// When it was asked for
    pub requested: Time,
    /// When it was approved or refused
    #[schema(required)]
    pub decided: Option<Time>,
    /// When it was revoked
    #[schema(required)]
    pub revoked: Option<Time>,
}

impl From<KeyLimits> for LimitsDocument {
    fn from(limits: KeyLimits) -> LimitsDocument {
        LimitsDocument { calls_per_day: limits.calls_per_day, calls_per_month: limits.calls_per_month }
    }
}

impl ApiDocument {
    /// The document of an API and its price now.
    #[must_use]
    pub fn of(api: &Api, prices: Option<OwnPrices>) -> ApiDocument {
        ApiDocument {
            id: api.id.0,
            project: Label(api.project.0.clone()),
            name: Label(api.name.clone()),
            source: Label(api.source.clone()),
            purposes: api.purposes.iter().map(ToString::to_string).collect(),
            limits: api.limits.into(),
            open: api.open,
            price_book: Label(api.book.0.clone()),
            price: match prices {
                Some(OwnPrices::Api(price)) => Some(PriceText(price)),
                _ => None,
            },
            created: Time(api.created),
        }
    }
}

impl From<&ApiKey> for KeyDocument {
    fn from(key: &ApiKey) -> KeyDocument {
        KeyDocument {
            id: key.id.0,
            api: key.api.0,
            user: key.user.0,
            purpose: Label(key.purpose.clone()),
            standing: key.asked.standing,
            requested: Time(key.asked.requested),
            decided: key.asked.decided.map(Time),
            revoked: key.asked.revoked.map(Time),
            fetched: key.secret.is_some(),
        }
    }
}

impl From<&Role> for RoleDocument {
    fn from(role: &Role) -> RoleDocument {
        RoleDocument {
            id: role.id.0,
            project: Label(role.project.0.clone()),
            name: Label(role.terms.name.clone()),
            permissions: role.terms.permissions.clone(),
            coefficient: Factor(role.terms.coefficient),
            entry: role.terms.entry,
            active: role.active,
            created: Time(role.created),
        }
    }
}

impl From<&Grant> for GrantDocument {
    fn from(grant: &Grant) -> GrantDocument {
        GrantDocument {
            id: grant.id.0,
            role: grant.role.0,
            user: grant.user.0,
            standing: grant.asked.standing,
            requested: Time(grant.asked.requested),
            decided: grant.asked.decided.map(Time),
            revoked: grant.asked.revoked.map(Time),
        }
    }
}
