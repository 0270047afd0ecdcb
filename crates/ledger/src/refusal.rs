//! Why a request was refused: named results that carry their numbers. Words for people are the edge's matter.

use crate::account::AccountKind;
use crate::amount::Amount;
use crate::name::{AccountId, Currency, HoldId, Moment, TransactionId};
use crate::purpose::Purpose;

/// Why a request was refused.
///
/// The variants stand in their order of precedence: where several reasons hold, the one that stands first is given.
/// Movements are checked one after the other, each for all that concerns accounts and amounts; then come the
/// transaction that is put right, holds, the storage's day, and last the money. Only [`Refusal::InsufficientFunds`]
/// (and what was refused with it in a chain) is remembered: that id stays refused for ever. Any other refusal leaves
/// no trace, and the request may come again with the same id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Holds have expired that were not applied: the caller must apply what is due first.
    #[error("a hold has expired at {at} and was not applied")]
    HoldsDue {
        /// The first expiry that waits.
        at: Moment,
    },
    /// The id was used for something else.
    #[error("the id was used before with other content")]
    IdReusedWithOtherContent {
        /// The id.
        id: TransactionId,
    },
    /// A chain without members.
    #[error("the chain is empty")]
    ChainEmpty,
    /// More members than a chain may have.
    #[error("the chain has {members} members; {limit} are allowed", limit = crate::request::CHAIN_LIMIT)]
    ChainTooLong {
        /// How many it has.
        members: usize,
    },
    /// Two members of a chain with one id.
    #[error("the id {id} occurs twice in the chain")]
    IdRepeated {
        /// The id.
        id: TransactionId,
    },
    /// Some members of a chain are known and this one is not: it is not the chain that came before.
    #[error("the chain's request {id} is new while others of it are known")]
    ChainPartlyKnown {
        /// The first member that is new.
        id: TransactionId,
    },
    /// An explicit request that does not say who asks.
    #[error("the actor is missing")]
    ActorMissing,
    /// A movement of the close that does not say which invoice or close it belongs to.
    #[error("the reference is missing: rounding and tax name what they belong to")]
    ReferenceMissing,
    /// A transaction without movements.
    #[error("the transaction moves nothing")]
    NoMovements,
    /// More movements than a transaction may have.
    #[error("the transaction has {movements} movements; {limit} are allowed", limit = crate::request::TRANSFER_LIMIT)]
    TooManyMovements {
        /// How many it has.
        movements: usize,
    },
    /// No account has this id.
    #[error("there is no account {account}")]
    UnknownAccount {
        /// The id.
        account: AccountId,
    },
    /// An account has this id already.
    #[error("account {account} exists")]
    AccountExists {
        /// The id.
        account: AccountId,
    },
    /// There is one account of this kind for each currency, and it exists.
    #[error("{currency} has its {kind} account: {account}")]
    SingleAccountExists {
        /// The kind.
        kind: AccountKind,
        /// The currency.
        currency: Currency,
        /// The account that exists.
        account: AccountId,
    },
    /// The journal holds no more accounts.
    #[error("there are no account numbers left")]
    TooManyAccounts,
    /// A workspace, storage or executor without an owner.
    #[error("a {kind} account needs its owner's user account")]
    OwnerMissing {
        /// The kind.
        kind: AccountKind,
    },
    /// An owner for a kind of account that has none.
    #[error("a {kind} account has no owner")]
    OwnerNotAllowed {
        /// The kind.
        kind: AccountKind,
    },
    /// An owner that is no user account.
    #[error("account {owner} is of kind {kind}; an owner is a user")]
    OwnerNotUser {
        /// The account that was named as the owner.
        owner: AccountId,
        /// Its kind.
        kind: AccountKind,
    },
    /// A time zone that is not in the IANA data.
    #[error("the time zone is not known")]
    UnknownZone,
    /// The currency's platform or external account has not been opened.
    #[error("{currency} has no {kind} account yet")]
    SingleAccountMissing {
        /// The kind.
        kind: AccountKind,
        /// The currency.
        currency: Currency,
    },
    /// A movement from an account to itself.
    #[error("debit and credit are one account, {account}")]
    SameAccount {
        /// The account.
        account: AccountId,
    },
    /// A purpose that this request can not ask for.
    #[error("{purpose} can not be asked for directly")]
    PurposeNotOffered {
        /// The purpose.
        purpose: Purpose,
    },
    /// The purpose does not move money between accounts of these kinds.
    #[error("{purpose} may not move money from {debit} to {credit}")]
    AccountKindMayNot {
        /// The purpose.
        purpose: Purpose,
        /// The kind of the debited account.
        debit: AccountKind,
        /// The kind of the credited account.
        credit: AccountKind,
    },
    /// What is asked for is not for accounts of this kind: a hold on the bank's side, accrued cost of a user.
    #[error("this is not for accounts of kind {kind}")]
    KindMayNot {
        /// The kind of the account that was named.
        kind: AccountKind,
    },
    /// A workspace's, storage's or executor's money goes to its owner only.
    #[error("account {account} pays its own owner only, not {user}")]
    NotItsOwner {
        /// The account.
        account: AccountId,
        /// Who was to get the money.
        user: AccountId,
    },
    /// Two currencies in one movement.
    #[error("the accounts are in {debit} and {credit}")]
    CurrencyMismatch {
        /// The debited account's.
        debit: Currency,
        /// The credited account's.
        credit: Currency,
    },
    /// A price or a volume below zero.
    #[error("{number} is below zero")]
    NumberNegative {
        /// The price or volume.
        number: kopeck_rating::number::Number,
    },
    /// An amount below zero.
    #[error("{amount} is below zero")]
    AmountNegative {
        /// The amount.
        amount: Amount,
    },
    /// Nothing to move or hold.
    #[error("the amount is zero")]
    AmountZero,
    /// More than a transfer carries.
    #[error("the amount is above {}", Amount::LARGEST)]
    AmountTooLarge,
    /// An instant that has not come yet.
    #[error("{at} has not come yet: it is {now}")]
    InstantAhead {
        /// The instant that was named.
        at: Moment,
        /// Now.
        now: Moment,
    },
    /// A hold that would expire at once.
    #[error("the expiry {expires} has passed: it is {now}")]
    ExpiryPassed {
        /// The expiry that was named.
        expires: Moment,
        /// Now.
        now: Moment,
    },
    /// No transaction has this id.
    #[error("there is no transaction {transaction}")]
    UnknownTransaction {
        /// The id.
        transaction: TransactionId,
    },
    /// The id is a correction's or a reversal's, or of something that moved no money.
    #[error("{transaction} can not be put right: name the transaction that first moved the money")]
    NotCorrectable {
        /// The id.
        transaction: TransactionId,
    },
    /// The transaction was reversed already.
    #[error("transaction {transaction} is reversed already")]
    AlreadyReversed {
        /// The id.
        transaction: TransactionId,
    },
    /// The transaction is about this amount already.
    #[error("the transaction is about {amount} already")]
    NothingToCorrect {
        /// The amount.
        amount: Amount,
    },
    /// A transaction of several movements has no one amount: it can only be reversed.
    #[error("a transaction of several movements can not be corrected, only reversed")]
    NoSingleAmount {
        /// The id.
        transaction: TransactionId,
    },
    /// No hold has this id.
    #[error("there is no hold {hold}")]
    UnknownHold {
        /// The id.
        hold: HoldId,
    },
    /// The hold's expiry has passed.
    #[error("hold {hold} has expired at {expired}")]
    HoldExpired {
        /// The id.
        hold: HoldId,
        /// Its expiry.
        expired: Moment,
    },
    /// The hold was posted or released before its expiry.
    #[error("hold {hold} is posted or released already")]
    HoldResolved {
        /// The id.
        hold: HoldId,
    },
    /// The hold is on an account that does not pay here.
    #[error("hold {hold} is on account {account}, which does not pay here")]
    HoldOfOtherAccount {
        /// The id.
        hold: HoldId,
        /// Whose it is.
        account: AccountId,
    },
    /// More than is left of the hold, and the cost has not accrued.
    #[error("hold {hold} has {left} left, {needed} are needed")]
    HoldExceeded {
        /// The id.
        hold: HoldId,
        /// What is left of it.
        left: Amount,
        /// What was to be taken.
        needed: Amount,
    },
    /// A clean-up of a day so long ago that what it was charged is not kept.
    #[error("the clean-up's day is more than {} days before the last one", crate::storage::DAYS_KEPT)]
    StorageDayTooOld,
    /// The project has not grown since it was charged on that day, or costs nothing.
    #[error("there is nothing to charge: {charged} MB of that day are charged already")]
    NothingGrown {
        /// What is charged already, in MB.
        charged: kopeck_rating::number::Number,
    },
    /// An account does not have the money.
    #[error(transparent)]
    InsufficientFunds(#[from] Shortage),
    /// The request was part of a chain that was refused because of another one.
    #[error("it was refused together with {by}, in one chain")]
    WithChain {
        /// The member that was refused for its own sake.
        by: TransactionId,
    },
    /// A member of the chain was refused, and with it the chain.
    #[error("request {id} of the chain was refused: {refusal}")]
    InChain {
        /// The member.
        id: TransactionId,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// A balance would not fit its 128 bits.
    #[error("a balance does not fit its 128 bits")]
    Overflow,
}

/// An account does not have the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("account {account} has {available} available, {needed} are needed: {missing} are missing")]
pub struct Shortage {
    /// Which account.
    pub account: AccountId,
    /// What it has available before the transaction; negative where cost has accrued beyond it.
    pub available: Amount,
    /// What the transaction would take from that.
    pub needed: Amount,
    /// `needed − available`.
    pub missing: Amount,
}

/// A refusal that is remembered: the id stays refused for ever, with these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// See [`Refusal::InsufficientFunds`].
    InsufficientFunds(Shortage),
    /// See [`Refusal::WithChain`].
    WithChain {
        /// The member that was refused for its own sake.
        by: TransactionId,
    },
}

impl From<Lasting> for Refusal {
    fn from(lasting: Lasting) -> Refusal {
        match lasting {
            Lasting::InsufficientFunds(shortage) => Refusal::InsufficientFunds(shortage),
            Lasting::WithChain { by } => Refusal::WithChain { by },
        }
    }
}
