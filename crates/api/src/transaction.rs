//! Transactions: what is asked to move money or put a movement right, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forms::{CurrencyCode, Label, ModeWord, Money, OriginWord, PurposeWord, Time};
use crate::hold::RestWord;
use crate::problem::Problem;

/// The most transactions that are sent at once.
pub const TRANSACTIONS_LIMIT: usize = 8_190;

/// Something to be done with money. Its id is `id`, or else the Idempotency-Key's
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NewTransaction {
    /// Money comes in from the bank
    Deposit(NewDeposit),
    /// Money goes out to the bank
    Withdrawal(NewWithdrawal),
    /// Money moves between accounts
    Transfer(NewTransfer),
    /// A transaction should not have been
    Reversal(NewReversal),
    /// A transaction should have been about another amount
    Correction(NewCorrection),
}

/// Money comes in from the bank
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeposit {
    /// Names it, so that it may be sent again safely
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The user account that it goes to
    pub account: Uuid,
    /// How much, above zero
    pub amount: Money,
    /// The account's currency
    pub currency: CurrencyCode,
    /// The bank's name for it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
    /// The invoice that it pays: the money is passed on to that workspace in the same transaction
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<PaidInvoice>,
}

/// An invoice of a workspace
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaidInvoice {
    /// Whose invoice
    pub workspace: Uuid,
    /// Its number
    pub number: Label,
}

/// Money goes out to the bank
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    /// Names it, so that it may be sent again safely
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The user or platform account that it leaves
    pub account: Uuid,
    /// How much, above zero
    pub amount: Money,
    /// The account's currency
    pub currency: CurrencyCode,
    /// The bank's name for it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
    /// A hold on the account that it is taken from
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<UsedHold>,
}

/// Money moves between accounts
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTransfer {
    /// Names it, so that it may be sent again safely
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// From which account
    pub from: Uuid,
    /// To which account
    pub to: Uuid,
    /// How much, above zero
    pub amount: Money,
    /// The accounts' currency
    pub currency: CurrencyCode,
    /// The project that it concerns
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Label>,
    /// What it pays for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
    /// A hold on the account that pays
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<UsedHold>,
}

/// A hold that a payment is taken from
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsedHold {
    /// Which one
    pub id: Uuid,
    /// What becomes of the rest
    #[serde(default)]
    pub rest: RestWord,
}

/// A transaction should not have been
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReversal {
    /// Names it, so that it may be sent again safely
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Which transaction
    pub transaction: Uuid,
    /// Why
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
}

/// A transaction should have been about another amount
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// Names it, so that it may be sent again safely
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Which transaction
    pub transaction: Uuid,
    /// What it should have been about, from zero
    pub amount: Money,
    /// The transaction's currency
    pub currency: CurrencyCode,
    /// Why
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
}

impl NewTransaction {
    /// The id that it was given.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        match self {
            NewTransaction::Deposit(new) => new.id,
            NewTransaction::Withdrawal(new) => new.id,
            NewTransaction::Transfer(new) => new.id,
            NewTransaction::Reversal(new) => new.id,
            NewTransaction::Correction(new) => new.id,
        }
    }
}

/// One transaction, or up to 8,190 that are decided in their order, each by itself
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum NewTransactions {
    /// One
    One(NewTransaction),
    /// Several
    Several(Vec<NewTransaction>),
}

/// A transaction that was posted
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Transaction)]
pub struct TransactionDocument {
    /// Names it for ever
    #[schema(required)]
    pub id: Option<Uuid>,
    /// Its place in the journal
    pub record: u64,
    /// When it was posted
    pub at: Time,
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
    /// The invoice that a deposit pays
    #[schema(required)]
    pub invoice: Option<Label>,
    /// The transaction that it puts right
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Uuid>,
    /// What it moved
    pub transfers: Vec<TransferDocument>,
}

/// Money that moved from one account to another
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Transfer)]
pub struct TransferDocument {
    /// What for
    pub purpose: PurposeWord,
    /// From which account
    pub from: Uuid,
    /// To which account
    pub to: Uuid,
    /// How much
    pub amount: Money,
    /// The accounts' currency
    pub currency: CurrencyCode,
}

/// What came of several transactions, in the order in which they were sent
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionResults {
    /// One for each
    pub results: Vec<TransactionResult>,
}

/// What came of one of several transactions
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TransactionResult {
    /// It was posted, now or when it was first sent
    Posted {
        /// Its id
        id: Uuid,
        /// Its place in the journal
        record: u64,
        /// When it was posted
        at: Time,
    },
    /// It was refused, and the others were not
    Refused {
        /// Its id
        id: Uuid,
        /// Why
        problem: Box<Problem>,
    },
}

/// What is posted or was refused of a transaction's id
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Posted {
    /// One was sent
    One(TransactionDocument),
    /// Several were sent
    Several(TransactionResults),
}
