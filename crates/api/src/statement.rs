//! Statements of an account for a period.

use kopeck_ledger::statement::{Grouping, Turnover};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::forms::{CurrencyCode, Day, Kind, Label, ModeWord, Money, OriginWord, PurposeWord, Time};
use crate::journal::HeadDocument;

/// Which days of an account, and how its lines are put together
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// The first day, in the account's time zone; left out, from its first entry
    #[param(value_type = Option<Day>)]
    pub from: Option<Day>,
    /// The day before which it ends; left out, with its last entry
    #[param(value_type = Option<Day>)]
    pub to: Option<Day>,
    /// How the lines are put together
    #[serde(default)]
    #[param(inline)]
    pub group: GroupWord,
    /// The `next` of the page before, where lines are listed raw
    pub cursor: Option<String>,
    /// The most lines of a page, 1 to 1,000
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    pub limit: Option<usize>,
}

/// How the lines of a statement are put together
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Grouping)]
pub enum GroupWord {
    /// Each by itself
    #[default]
    Raw,
    /// By local date
    Date,
    /// By who asked
    User,
    /// By project
    Project,
    /// By the other account
    Counterparty,
}

impl From<GroupWord> for Grouping {
    fn from(word: GroupWord) -> Grouping {
        match word {
            GroupWord::Raw => Grouping::Raw,
            GroupWord::Date => Grouping::Date,
            GroupWord::User => Grouping::User,
            GroupWord::Project => Grouping::Project,
            GroupWord::Counterparty => Grouping::Counterparty,
        }
    }
}

/// What happened on an account in a period
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Statement)]
pub struct StatementDocument {
    /// The account
    pub account: Uuid,
    /// Whose money it holds
    pub kind: Kind,
    /// What people call it
    pub name: Label,
    /// What its money is counted in
    pub currency: CurrencyCode,
    /// The IANA time zone of its days
    pub time_zone: String,
    /// The first day
    #[schema(required)]
    pub from: Option<Day>,
    /// The day before which it ends
    #[schema(required)]
    pub to: Option<Day>,
    /// The balance before
    pub opening: Money,
    /// What came in and went out, by type
    pub by_purpose: Vec<PurposeSums>,
    /// All that came in
    pub income: Money,
    /// All that went out
    pub expense: Money,
    /// The balance after: opening + income − expense
    pub closing: Money,
    /// Where the journal ended
    pub head: HeadDocument,
    /// The lines, oldest first, where they are not grouped
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineDocument>>,
    /// The `cursor` of the next page of lines
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The groups, in the order of what their lines have in common
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupDocument>>,
}

/// What came in and went out for a purpose
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PurposeSums {
    /// What for
    pub purpose: PurposeWord,
    /// What came in and went out
    #[serde(flatten)]
    pub sums: Sums,
}

/// What came in and went out
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sums {
    /// How many lines
    pub lines: u64,
    /// What came in
    pub income: Money,
    /// What went out, as a positive amount
    pub expense: Money,
}

impl From<&Turnover> for Sums {
    fn from(turnover: &Turnover) -> Sums {
        Sums { lines: turnover.lines, income: Money(turnover.income), expense: Money(turnover.expense) }
    }
}

/// Lines that have something in common
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Group)]
pub struct GroupDocument {
    /// What they have in common
    #[serde(flatten)]
    pub key: GroupKey,
    /// What came in and went out
    #[serde(flatten)]
    pub sums: Sums,
}

/// What the lines of a group have in common
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum GroupKey {
    /// The local date
    Date {
        /// It
        date: Day,
    },
    /// Who asked
    User {
        /// Who; `null` where nobody asked
        #[serde(deserialize_with = "Option::deserialize")]
        #[schema(required)]
        user: Option<Label>,
    },
    /// The project
    Project {
        /// Which; `null` where there is none
        #[serde(deserialize_with = "Option::deserialize")]
        #[schema(required)]
        project: Option<Label>,
    },
    /// The other account
    Counterparty {
        /// Its id
        counterparty: String,
        /// What people call it
        counterparty_name: String,
    },
}

/// One transfer, seen from one of its accounts
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Line)]
pub struct LineDocument {
    /// Its record
    pub record: u64,
    /// When it was posted
    pub at: Time,
    /// Its transaction
    pub transaction: Uuid,
    /// What it is for
    pub purpose: PurposeWord,
    /// Asked for by an actor, or following from a charge
    pub origin: OriginWord,
    /// At once, or on a schedule
    pub mode: ModeWord,
    /// Who asked
    #[schema(required)]
    pub actor: Option<Label>,
    /// The project that it concerns
    #[schema(required)]
    pub project: Option<Label>,
    /// What it pays for
    #[schema(required)]
    pub reference: Option<Label>,
    /// The transaction that it puts right
    #[schema(required)]
    pub corrects: Option<Uuid>,
    /// The other account
    pub counterparty: String,
    /// What people call it
    pub counterparty_name: String,
    /// Above zero what came in, below zero what went out
    pub amount: Money,
}
