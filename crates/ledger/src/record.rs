//! The journal's records: everything that changes the state of money, in one total order.
//!
//! State is the fold of records. A record says what happened in numbers, so that applying it needs no decision.

use smallvec::SmallVec;

use crate::account::Opening;
use crate::amount::Amount;
use crate::coefficient::Coefficient;
use crate::name::{AccountNumber, HoldId, Moment, Sequence, Text, TransactionId};
use crate::purpose::{Mode, Origin, Purpose};
use crate::refusal::{Lasting, Refusal};
use crate::storage::StorageDay;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place, without gaps.
    pub sequence: Sequence,
    /// When it happened: never before the record in front of it.
    pub at: Moment,
    /// The next record belongs to the same chain: a journal never ends here.
    pub linked: bool,
    /// The request that it answers. `None` for expiries, which nobody asks for.
    pub asked: Option<Asked>,
    /// What happened.
    pub body: Body,
}

/// The request that a record answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub id: TransactionId,
    /// The hash of what it said ([`Request::content`](crate::request::Request::content)).
    pub content: u64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are postings: a box would cost each an allocation")]
pub enum Body {
    /// An account was opened.
    Opened {
        /// What never changes about it.
        opening: Opening,
        /// Its first credit limit.
        credit_limit: Amount,
        /// Its first coefficient.
        coefficient: Coefficient,
    },
    /// An account has another credit limit.
    CreditLimitSet {
        /// Which account.
        account: AccountNumber,
        /// The new limit.
        limit: Amount,
    },
    /// An account has another coefficient.
    CoefficientSet {
        /// Which account.
        account: AccountNumber,
        /// The new one.
        coefficient: Coefficient,
    },
    /// A project's cost that is not posted yet is another one.
    AccruedSet {
        /// Who will pay.
        workspace: AccountNumber,
        /// For which project.
        project: Text,
        /// All of it.
        amount: Amount,
    },
    /// Money moved.
    Posted(Transaction),
    /// Money was set aside.
    Held(Hold),
    /// What was left of a hold went back.
    Released(HoldEnd),
    /// A hold expired; what was left went back. The record's instant is the expiry's.
    Expired(HoldEnd),
    /// A request was refused for ever. The state is as it was.
    Refused(Lasting),
}

/// Transfers that post together, and what they are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Asked for, or following from a charge.
    pub origin: Origin,
    /// At once, or on a schedule.
    pub mode: Mode,
    /// Who asked.
    pub actor: Option<Text>,
    /// The project that it concerns.
    pub project: Option<Text>,
    /// What it pays for.
    pub reference: Option<Text>,
    /// The invoice that a deposit pays.
    pub invoice: Option<Text>,
    /// The transaction that it puts right.
    pub corrects: Option<TransactionId>,
    /// What that transaction is about now, where this is a correction and no reversal.
    pub corrected_to: Option<Amount>,
    /// The cost had accrued: it may overdraw, and this much of it leaves the payer's accrued amount of the project.
    /// The payer is the debit of the first transfer.
    pub accrued: Option<Amount>,
    /// The cost coefficient k that its commission was taken with.
    pub coefficient: Option<Coefficient>,
    /// The coefficient of the paid role that the user reimburses by.
    pub role: Option<Coefficient>,
    /// The day and volume that a storage payment charges.
    pub storage: Option<StorageDay>,
    /// What it takes from holds.
    pub holds: Vec<HoldPart>,
    /// 1 to 255 of them.
    pub transfers: Transfers,
}

/// A transaction's transfers: up to two, as nearly all have, need no memory of their own.
pub type Transfers = SmallVec<[Transfer; 2]>;

/// Money that moved from one account to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// From where.
    pub debit: AccountNumber,
    /// To where.
    pub credit: AccountNumber,
    /// How much: above zero, at most [`Amount::LARGEST`].
    pub amount: Amount,
    /// What for.
    pub purpose: Purpose,
    /// The record of the debited account's entry before this record: its history is a chain.
    pub debit_previous: Sequence,
    /// The record of the credited account's entry before this record.
    pub credit_previous: Sequence,
}

/// Money that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The hold's id: the request's.
    pub id: HoldId,
    /// Where.
    pub account: AccountNumber,
    /// How much.
    pub amount: Amount,
    /// When what is left goes back by itself.
    pub expires: Moment,
    /// Who asked.
    pub actor: Option<Text>,
    /// The project that it concerns.
    pub project: Option<Text>,
    /// What it is for.
    pub reference: Option<Text>,
}

/// What a transaction takes from a hold. A hold with nothing left is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldPart {
    /// Which hold.
    pub hold: HoldId,
    /// Whose it is.
    pub account: AccountNumber,
    /// What is posted of it.
    pub taken: Amount,
    /// What goes back beside: the rest, where this was the last part.
    pub released: Amount,
}

/// The end of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldEnd {
    /// Which hold.
    pub hold: HoldId,
    /// Whose it was.
    pub account: AccountNumber,
    /// What went back.
    pub amount: Amount,
}

/// The answer to a request that was done: the same to every retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The record that was written. A chain's is that of its first member; the others follow.
    pub sequence: Sequence,
    /// Its instant.
    pub at: Moment,
}

/// The answer to a request.
pub type Reply = Result<Receipt, Refusal>;

/// What became of a request that is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The hash of what it said.
    pub content: u64,
    /// What was answered.
    pub reply: Result<Receipt, Lasting>,
}

impl Record {
    /// What became of the request that the record answers, for [`Known`](crate::ledger::Known).
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let asked = self.asked?;
        let reply = match &self.body {
            Body::Refused(lasting) => Err(*lasting),
            _ => Ok(Receipt { sequence: self.sequence, at: self.at }),
        };
        Some(Outcome { content: asked.content, reply })
    }

    /// The transaction, where money moved.
    #[must_use]
    pub fn transaction(&self) -> Option<&Transaction> {
        match &self.body {
            Body::Posted(transaction) => Some(transaction),
            _ => None,
        }
    }
}
