//! Holds: what is asked to set money aside, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{CurrencyCode, Label, Money, Time};
use crate::read::{Incoming, Unread, json};

/// Money to set aside. The hold's id is the Idempotency-Key's
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// On which account
    pub account: Uuid,
    /// How much, above zero
    pub amount: Money,
    /// The account's currency
    pub currency: CurrencyCode,
    /// The instant at which what is left goes back by itself
    pub expires: Time,
    /// The project that it concerns
    pub project: Option<Label>,
    /// What it is for
    pub reference: Option<Label>,
}

impl Incoming for NewHold {
    fn read(bytes: &[u8]) -> Result<NewHold, Unread> {
        json(bytes)
    }
}

/// What is paid from a hold
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldPayment {
    /// How much; left out, all that is left
    pub amount: Option<Money>,
    /// The account's currency, where an amount is given
    pub currency: Option<CurrencyCode>,
    /// To which account, as a direct transfer; left out, the money goes out to the bank
    pub to: Option<Uuid>,
    /// What becomes of the rest
    #[serde(default)]
    pub rest: RestWord,
    /// The project that it concerns
    pub project: Option<Label>,
    /// What it pays for
    pub reference: Option<Label>,
}

impl Incoming for HoldPayment {
    fn read(bytes: &[u8]) -> Result<HoldPayment, Unread> {
        json(bytes)
    }
}

/// What becomes of the rest of a hold that a payment is taken from
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Rest)]
pub enum RestWord {
    /// It stays set aside for further parts
    Keep,
    /// It goes back: this was the last part
    #[default]
    Release,
}

/// A hold, and what became of it
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Hold)]
pub struct HoldDocument {
    /// Names it for ever
    pub id: Uuid,
    /// On which account
    pub account: Uuid,
    /// The account's currency
    pub currency: CurrencyCode,
    /// How much was set aside
    pub amount: Money,
    /// How much of it still is
    pub left: Money,
    /// What became of it
    pub state: HoldState,
    /// When it was made
    pub at: Time,
    /// When what is left goes back by itself
    pub expires: Time,
    /// When it ended
    #[schema(required)]
    pub ended: Option<Time>,
    /// Who asked
    #[schema(required)]
    pub actor: Option<Label>,
    /// The project that it concerns
    #[schema(required)]
    pub project: Option<Label>,
    /// What it is for
    #[schema(required)]
    pub reference: Option<Label>,
    /// What was paid from it
    pub parts: Vec<HoldPart>,
}

/// What became of a hold
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Money is set aside
    Open,
    /// All of it was paid, or what was paid was the last part
    Posted,
    /// It was given back
    Released,
    /// Its instant came
    Expired,
}

impl HoldState {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            HoldState::Open => "open",
            HoldState::Posted => "posted",
            HoldState::Released => "released",
            HoldState::Expired => "expired",
        }
    }
}

/// What a transaction took from a hold
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldPart {
    /// The transaction
    pub transaction: Uuid,
    /// Its instant
    pub at: Time,
    /// What it paid
    pub posted: Money,
    /// What went back beside
    pub released: Money,
}
