//! Accounts: what is asked to open one, and what one has.

use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Currency, Moment, Text};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::forms::{CurrencyCode, Factor, Kind, Label, Money, Time};
use crate::read::{Incoming, Unread, json};

/// An account to open. Its id is the Idempotency-Key's
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Whose money it will hold
    pub kind: Kind,
    /// What people call it
    pub name: Label,
    /// The user account that a workspace, storage or executor belongs to; no other kind has one
    pub owner: Option<Uuid>,
    /// What its money is counted in
    #[serde(default = "rub")]
    #[schema(default = "RUB")]
    pub currency: CurrencyCode,
    /// The IANA time zone of its days; left out, UTC
    pub time_zone: Option<Label>,
    /// How far below zero it may go; left out, 0: prepaid
    pub credit_limit: Option<Money>,
    /// The plan's cost coefficient of its owner; left out, 1: no commission
    pub coefficient: Option<Factor>,
}

fn rub() -> CurrencyCode {
    CurrencyCode(Currency::RUB)
}

impl Incoming for NewAccount {
    fn read(bytes: &[u8]) -> Result<NewAccount, Unread> {
        json(bytes)
    }
}

/// How far below zero an account may go, from now on
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCreditLimit {
    /// The limit, from zero
    pub amount: Money,
    /// The account's currency
    pub currency: CurrencyCode,
}

impl Incoming for NewCreditLimit {
    fn read(bytes: &[u8]) -> Result<NewCreditLimit, Unread> {
        json(bytes)
    }
}

/// The plan's cost coefficient of a workspace, storage or executor, from now on
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCoefficient {
    /// The coefficient
    pub coefficient: Factor,
}

impl Incoming for NewCoefficient {
    fn read(bytes: &[u8]) -> Result<NewCoefficient, Unread> {
        json(bytes)
    }
}

/// Which accounts of the list
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountsQuery {
    /// Only accounts of this kind
    #[param(value_type = Option<Kind>)]
    pub kind: Option<Kind>,
    /// Only accounts that people call so
    #[param(value_type = Option<Label>)]
    pub name: Option<Label>,
    /// The `next` of the page before; left out for the first
    pub cursor: Option<String>,
    /// The most items of the page, 1 to 1,000
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
}

/// At which instant
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOfQuery {
    /// What it had after all that happened up to this instant; left out, what it has now
    #[param(value_type = Option<Time>)]
    pub as_of: Option<Time>,
}

/// What an account has now, or had
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AccountAnswer {
    /// Now
    Now(AccountDocument),
    /// As of an instant
    Past(PastBalance),
}

/// An account, and what it has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountDocument {
    /// Names it for ever
    pub id: Uuid,
    /// Whose money it holds
    pub kind: Kind,
    /// What people call it
    pub name: Label,
    /// The user account that a workspace, storage or executor belongs to
    #[schema(required)]
    pub owner: Option<Uuid>,
    /// What its money is counted in
    pub currency: CurrencyCode,
    /// The IANA time zone of its days
    #[schema(example = "Europe/Moscow")]
    pub time_zone: String,
    /// How far below zero it may go: 0 is prepaid
    pub credit_limit: Money,
    /// The plan's cost coefficient of its owner
    pub coefficient: Factor,
    /// The sum of its entries
    pub posted: Money,
    /// What is set aside by holds
    pub held: Money,
    /// The cost of its projects up to now that is not posted yet
    pub accrued: Money,
    /// posted + credit limit − held − accrued: what may still be spent
    #[schema(required)]
    pub available: Option<Money>,
    /// How many transfers it has taken part in
    pub entries: u64,
    /// What each project has accrued; not in lists
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accrued_by_project: Option<Vec<ProjectAccrued>>,
}

/// What a project has cost and is not posted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectAccrued {
    /// The project
    pub project: Label,
    /// Its cost
    pub amount: Money,
}

impl AccountDocument {
    /// The document of an account, of which `owner` is the owner's.
    #[must_use]
    pub fn of(account: &Account, owner: Option<AccountId>) -> AccountDocument {
        let opening = &account.opening;
        AccountDocument {
            id: opening.id.0,
            kind: Kind(opening.kind),
            name: Label(opening.name.clone()),
            owner: owner.map(|owner| owner.0),
            currency: CurrencyCode(opening.currency),
            time_zone: zone_name(account).to_owned(),
            credit_limit: Money(account.credit_limit),
            coefficient: Factor(account.coefficient),
            posted: Money(account.posted),
            held: Money(account.held),
            accrued: Money(account.accrued),
            available: account.available().map(Money),
            entries: account.entries,
            accrued_by_project: None,
        }
    }

    /// The same document with what each project has accrued.
    #[must_use]
    pub fn with_accrued(mut self, accrued: Vec<(Text, Amount)>) -> AccountDocument {
        let of = |(project, amount)| ProjectAccrued { project: Label(project), amount: Money(amount) };
        self.accrued_by_project = Some(accrued.into_iter().map(of).collect());
        self
    }
}

/// What an account had at an instant: then only the posted balance is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastBalance {
    /// The account
    pub id: Uuid,
    /// Whose money it holds
    pub kind: Kind,
    /// What people call it
    pub name: Label,
    /// What its money is counted in
    pub currency: CurrencyCode,
    /// The instant; all that happened at it counts
    pub as_of: Time,
    /// The sum of its entries up to then
    pub posted: Money,
}

impl PastBalance {
    /// What an account had at an instant.
    #[must_use]
    pub fn of(account: &Account, at: Moment, posted: Amount) -> PastBalance {
        let opening = &account.opening;
        PastBalance {
            id: opening.id.0,
            kind: Kind(opening.kind),
            name: Label(opening.name.clone()),
            currency: CurrencyCode(opening.currency),
            as_of: Time(at),
            posted: Money(posted),
        }
    }
}

/// The name of an account's time zone.
#[must_use]
pub fn zone_name(account: &Account) -> &str {
    account.opening.zone.as_ref().map_or("UTC", Text::as_str)
}
