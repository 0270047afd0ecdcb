//! What the ledger is asked to do.
//!
//! Requests name accounts by their ids. Each has an id of its own: asked again with the same content it answers as
//! the first time, with other content it is refused (ledger.md, "Idempotency, holds, time").

use kopeck_rating::number::Number;

use crate::account::AccountKind;
use crate::amount::Amount;
use crate::bytes::Hashing;
use crate::coefficient::Coefficient;
use crate::name::{AccountId, Currency, HoldId, Moment, Text, TransactionId};
use crate::named::named;
use crate::purpose::{Origin, Purpose};

/// One thing to do, by whom, under a name of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names the request, and the transaction or hold that comes of it.
    pub id: TransactionId,
    /// Who asks. What is explicit needs one.
    pub actor: Option<Text>,
    /// What to do.
    pub work: Work,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Open an account.
    Open(NewAccount),
    /// Say how far below zero an account may go. A limit below what is used already is accepted.
    SetCreditLimit {
        /// Whose limit.
        account: AccountId,
        /// From 0 to [`Amount::LARGEST`].
        limit: Amount,
    },
    /// Say the plan's cost coefficient of a workspace, storage or executor, from now on.
    SetCoefficient {
        /// Whose coefficient.
        account: AccountId,
        /// The new one.
        coefficient: Coefficient,
    },
    /// Say what a project has cost a workspace and is not posted yet. Replaces what was said before.
    SetAccrued {
        /// Who will pay.
        workspace: AccountId,
        /// For which project.
        project: Text,
        /// From 0 to [`Amount::LARGEST`].
        amount: Amount,
    },
    /// Move money between accounts: `direct_transfer`, or the close's `rounding` and `tax`.
    Transact(Transact),
    /// Money comes in.
    Deposit(Deposit),
    /// Money goes out.
    Withdraw(Withdraw),
    /// A job has ended: workspace → executor, executor → platform and, by API key or paid role, user → workspace.
    PayJob(PayJob),
    /// An API call is made: its price, user → workspace, and workspace → platform.
    PayCall(PayCall),
    /// A storage was cleaned up: workspace → storage, and storage → platform.
    PayStorage(PayStorage),
    /// Charges of the operator's own clouds: workspace → platform.
    PayService(Charge),
    /// A transaction should have been about another amount.
    Correct(Correct),
    /// A transaction should not have been.
    Reverse(Reverse),
    /// Set money aside.
    Hold(NewHold),
    /// Give back what is left of a hold.
    Release(HoldId),
}

/// The most requests that post together in one chain.
pub const CHAIN_LIMIT: usize = 8_190;
/// The most transfers of a transaction.
pub const TRANSFER_LIMIT: usize = 200;

/// An account to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its identity, for ever.
    pub id: AccountId,
    /// Whose money it will hold. Of `platform`, `external`, `rounding` and `tax` there is one for each currency.
    pub kind: AccountKind,
    /// What people call it.
    pub name: Text,
    /// The user account that a workspace, storage or executor belongs to; no other kind has one.
    pub owner: Option<AccountId>,
    /// What its money is counted in.
    pub currency: Currency,
    /// The IANA time zone of its local days. `None` is UTC.
    pub zone: Option<Text>,
    /// How far below zero it may go.
    pub credit_limit: Amount,
    /// The plan's cost coefficient of its owner.
    pub coefficient: Coefficient,
}

/// One movement of a [`Transact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// From where.
    pub debit: AccountId,
    /// To where.
    pub credit: AccountId,
    /// How much, above zero.
    pub amount: Amount,
    /// What for: `direct_transfer`, `rounding` or `tax`.
    pub purpose: Purpose,
}

/// Movements of money that post together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transact {
    /// 1 to [`TRANSFER_LIMIT`] of them.
    pub movements: Vec<Movement>,
    /// The project that it concerns.
    pub project: Option<Text>,
    /// What it pays for.
    pub reference: Option<Text>,
    /// A hold on an account that the movements debit.
    pub hold: Option<HoldUse>,
}

/// Money comes in from the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// The user account that it goes to.
    pub account: AccountId,
    /// How much, above zero.
    pub amount: Amount,
    /// The bank's name for it.
    pub reference: Option<Text>,
    /// The invoice that it pays: the deposit is passed on to that workspace in the same transaction.
    pub invoice: Option<InvoiceOf>,
}

/// An invoice of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceOf {
    /// Whose invoice.
    pub workspace: AccountId,
    /// Its number.
    pub number: Text,
}

/// Money goes out to the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdraw {
    /// The user or platform account that it leaves.
    pub account: AccountId,
    /// How much, above zero.
    pub amount: Amount,
    /// The bank's name for it.
    pub reference: Option<Text>,
    /// A hold on the account, made while the bank was asked.
    pub hold: Option<HoldUse>,
}

/// What a project costs a payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Who pays.
    pub payer: AccountId,
    /// For which project.
    pub project: Text,
    /// The charge that it pays: the job, the call, or the charge's key (component, version, month, step).
    pub reference: Text,
    /// How much, above zero.
    pub amount: Amount,
    /// The hold that covers it.
    pub hold: Option<HoldUse>,
    /// The cost has accrued already: it is posted even where it overdraws, and leaves the payer's accrued amount of
    /// the project, as far as that goes.
    pub accrued: bool,
}

/// The payment of a job. `charge.payer` is the workspace, `charge.amount` the job's cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayJob {
    /// What the job costs the workspace.
    pub charge: Charge,
    /// Who ran it.
    pub executor: AccountId,
    /// Who reimburses the workspace.
    pub user: Option<JobUser>,
}

/// A user who ran a job by API key or paid role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobUser {
    /// The user account.
    pub account: AccountId,
    /// By what right.
    pub right: Right,
    /// The hold that covers what the user pays.
    pub hold: Option<HoldUse>,
}

/// By what right a user runs jobs in somebody's workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// An API key: the user pays what the job has cost.
    ApiKey,
    /// A paid role: the user pays the cost × the role's coefficient.
    PaidRole(Coefficient),
}

/// The payment of an API call. `charge.payer` is the user, `charge.amount` the price of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayCall {
    /// What the call costs the user.
    pub charge: Charge,
    /// Whose API it is.
    pub workspace: AccountId,
}

/// The payment of a storage after a clean-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayStorage {
    /// Who stores.
    pub storage: AccountId,
    /// Who pays.
    pub workspace: AccountId,
    /// Whose files.
    pub project: Text,
    /// The clean-up.
    pub reference: Text,
    /// The storage's price for one MB, at least 0.
    pub price: Number,
    /// What the project's files take at the clean-up, at least 0.
    pub megabytes: Number,
    /// When the clean-up was: its local day in the workspace's zone is the day that is paid.
    pub cleaned_at: Moment,
    /// See [`Charge::accrued`].
    pub accrued: bool,
}

/// A transaction should have been about another amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correct {
    /// Which one. Corrections and reversals are not corrected themselves.
    pub transaction: TransactionId,
    /// What it should have been about: the deposit, the job's cost, the price of the call, the payment. From 0.
    pub amount: Amount,
    /// Why.
    pub reference: Option<Text>,
    /// Whether somebody asked for it, or it follows from a charge that changed.
    pub origin: Origin,
    /// A larger cost has accrued already: see [`Charge::accrued`].
    pub accrued: bool,
}

/// A transaction should not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// Which one. Corrections and reversals are not reversed themselves.
    pub transaction: TransactionId,
    /// Why.
    pub reference: Option<Text>,
    /// Whether somebody asked for it, or it follows from a charge that is gone.
    pub origin: Origin,
}

/// Money to set aside. The hold's id is the request's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// Where. The system's accounts have no holds.
    pub account: AccountId,
    /// How much, above zero.
    pub amount: Amount,
    /// The instant at which what is left goes back by itself.
    pub expires: Moment,
    /// The project that it concerns.
    pub project: Option<Text>,
    /// What it is for.
    pub reference: Option<Text>,
}

/// What a payment takes from a hold, and what becomes of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldUse {
    /// Which hold.
    pub hold: HoldId,
    /// What becomes of the rest.
    pub rest: Rest,
}

named! {
    /// What becomes of the rest of a hold that a payment was taken from.
    Rest {
        /// It stays set aside for further parts.
        Keep = "keep",
        /// It goes back: this was the last part.
        Release = "release",
    }
}

/// Any key would do: it sets these hashes apart from others, and is no secret.
const KEY: (u64, u64) = (0x6b6f_7065_636b_2d6c, 0x6564_6765_722d_7631);

impl Request {
    /// The keyed 64-bit hash of all that the request says, its id apart: equal requests have equal hashes, on every
    /// machine and in every version that reads this journal.
    #[must_use]
    pub fn content(&self) -> u64 {
        let mut said = Hashing::new(KEY);
        self.feed(&mut said);
        said.finish()
    }
}
