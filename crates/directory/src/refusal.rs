//! Why the directory does not do what it was asked: named results with their numbers.
//!
//! The order of precedence is the order of the checks, the same for every act: what is named exists and may be seen
//! ([`Refusal::Unknown`]); who asks may do it ([`Refusal::Forbidden`]); the new id is free ([`Refusal::Exists`]); what
//! is said makes sense; plans and limits; instants and notice. A refusal changes nothing.

use std::fmt;

use jiff::civil::Date;
use kopeck_guard::limit::LimitError;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{Currency, Moment, Text};

use crate::access::Permission;
use crate::entity::Standing;
use crate::limit::LimitKey;
use crate::name::{BookId, UserId};

/// A kind of thing, as a message names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the thing of its name")]
pub enum Kind {
    User,
    Workspace,
    Project,
    Plan,
    Provider,
    Source,
    Book,
    Executor,
    Storage,
    Api,
    Key,
    Role,
    Grant,
    Token,
    Limit,
}

impl Kind {
    /// Its word in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Workspace => "workspace",
            Kind::Project => "project",
            Kind::Plan => "plan",
            Kind::Provider => "provider",
            Kind::Source => "source",
            Kind::Book => "price book",
            Kind::Executor => "executor",
            Kind::Storage => "storage",
            Kind::Api => "API",
            Kind::Key => "API key",
            Kind::Role => "role",
            Kind::Grant => "role request",
            Kind::Token => "token",
            Kind::Limit => "limit",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A limit of a plan that the directory watches itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanLimit {
    /// Projects of an owner.
    Projects,
    /// Members of an owner's projects.
    Members,
}

impl fmt::Display for PlanLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PlanLimit::Projects => "projects",
            PlanLimit::Members => "members",
        })
    }
}

/// A problem of a price book's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookProblem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// Why an act is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not exist, or who asks may not know that it does.
    #[error("there is no {kind} {id}")]
    Unknown {
        /// What was named.
        kind: Kind,
        /// By which id.
        id: String,
    },
    /// Who asks may see it, but not do this.
    #[error("this needs the permission `{permission}`")]
    Forbidden {
        /// What is missing.
        permission: Permission,
    },
    /// The id is taken.
    #[error("{kind} {id} exists already")]
    Exists {
        /// What was to be made.
        kind: Kind,
        /// Its id.
        id: String,
    },
    /// A zone that is not in the IANA data.
    #[error("time zone {zone} is not known: write an IANA name such as Europe/Moscow")]
    UnknownZone {
        /// What was written.
        zone: Text,
    },
    /// The user is not active.
    #[error("user {user} is not active")]
    InactiveUser {
        /// Who.
        user: UserId,
    },
    /// A book's days are not those of the workspaces that it would price.
    #[error("price book {book} is in time zone {book_zone} and the workspace in {zone}: they must be one")]
    OtherZone {
        /// The book.
        book: BookId,
        /// Its zone.
        book_zone: Text,
        /// The workspace's.
        zone: Text,
    },
    /// A book's money is not that of the workspaces that it would price, or of the account that it would fill.
    #[error("price book {book} is in {book_currency} and the account in {currency}: they must be one")]
    OtherCurrency {
        /// The book.
        book: BookId,
        /// Its currency.
        book_currency: Currency,
        /// The account's.
        currency: Currency,
    },
    /// A source that is not named as those of its kind are.
    #[error("source {source_name} would have to begin with {needed}")]
    SourceNotSo {
        /// What was named.
        source_name: Text,
        /// The beginning.
        needed: &'static str,
    },
    /// The owner's currency is another one.
    #[error("the owner's account is in {owner} and this one would be in {currency}: they must be one")]
    OtherCurrencyThanOwner {
        /// The owner's.
        owner: Currency,
        /// The new account's.
        currency: Currency,
    },
    /// The provider's book does not change: sources move to another provider instead.
    #[error("a provider keeps its price book {book}: announce a version of it, or agree contracts")]
    BookOfProvider {
        /// Its book.
        book: BookId,
    },
    /// The book belongs to an executor, a storage or an API.
    #[error("price book {book} is not the operator's")]
    BookKeptByOther {
        /// The book.
        book: BookId,
    },
    /// The text is no price book.
    #[error("the price book has {} problem(s), the first: {}", problems.len(), First(problems))]
    BadBook {
        /// All of them, in the order of the text.
        problems: Vec<BookProblem>,
    },
    /// A text longer than a book may be.
    #[error("the price book has {bytes} bytes; {limit} are allowed")]
    BookTooLong {
        /// Its length.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// The versions of a text can not be told apart by its lines.
    #[error("write each [[version]] of the price book on a line of its own, below [book] and all [states]")]
    BookNotInPieces,
    /// An announcement has one version.
    #[error("the text has {found} versions: announce one at a time")]
    NotOneVersion {
        /// How many it has.
        found: usize,
    },
    /// The text's `[book]` is not that of the book.
    #[error(
        "the text's head is not that of price book {book}: send the [[version]] alone, or with the head as it is"
    )]
    OtherHead {
        /// The book.
        book: BookId,
    },
    /// These prices are for another kind of thing.
    #[error("these prices are not those of {kind}")]
    OtherPrices {
        /// What was named.
        kind: Kind,
    },
    /// A project's role for what is the payer's.
    #[error("`{permission}` can not be part of a role; what can: {}", ForRoles)]
    NotForRoles {
        /// What was asked for.
        permission: Permission,
    },
    /// A public role may only read.
    #[error("a public role may only `read`, not `{permission}`")]
    PublicOnlyReads {
        /// What was asked for.
        permission: Permission,
    },
    /// The role is not come to in this way.
    #[error("role {role} can not be come to so: {}", RoleWay(needed))]
    RoleNotSo {
        /// The role.
        role: String,
        /// How it would have to be come to.
        needed: crate::entity::RoleEntry,
    },
    /// The role gives nothing any more.
    #[error("role {role} is not active")]
    RoleInactive {
        /// The role.
        role: String,
    },
    /// The API takes no requests.
    #[error("the API takes no requests for keys now")]
    NotOpen,
    /// A purpose that the API does not name.
    #[error("`{purpose}` is not a purpose of this API")]
    UnknownPurpose {
        /// What was asked for.
        purpose: Text,
    },
    /// The user has asked already.
    #[error("{kind} {id} of this user is {standing} already", standing = Word(*standing))]
    AskedAlready {
        /// A key or a grant.
        kind: Kind,
        /// Which.
        id: String,
        /// Where it stands.
        standing: Standing,
    },
    /// The request does not stand where it would have to.
    #[error("{kind} {id} is {}, and would have to be {}", Word(*standing), Word(*needed))]
    StandsElsewhere {
        /// A key or a grant.
        kind: Kind,
        /// Which.
        id: String,
        /// Where it stands.
        standing: Standing,
        /// Where it would have to stand.
        needed: Standing,
    },
    /// A secret is shown once.
    #[error("the secret of API key {id} was fetched already: ask for a new key")]
    SecretFetched {
        /// Which key.
        id: String,
    },
    /// The token was revoked before.
    #[error("token {id} was revoked at {at}")]
    RevokedAlready {
        /// Which token.
        id: String,
        /// When.
        at: Moment,
    },
    /// The plan does not allow it.
    #[error("the plan of user {owner} does not allow to add {kind}s")]
    PlanForbids {
        /// Whose plan.
        owner: UserId,
        /// Storages or executors.
        kind: Kind,
    },
    /// The plan allows no more.
    #[error("the plan of user {owner} allows {allowed} {limit}, and {used} are there")]
    PlanLimitReached {
        /// Whose plan.
        owner: UserId,
        /// Which limit.
        limit: PlanLimit,
        /// The most.
        allowed: u64,
        /// How many there are.
        used: u64,
    },
    /// An instant that must lie ahead does not.
    #[error("{at} is not ahead of now, {now}")]
    NotAhead {
        /// What was named.
        at: Moment,
        /// Now.
        now: Moment,
    },
    /// An instant that must not have passed has.
    #[error("{at} has passed: it is {now}")]
    Passed {
        /// What was named.
        at: Moment,
        /// Now.
        now: Moment,
    },
    /// A date outside the years of the calendar.
    #[error("{date} lies outside the years 1900 to 2199")]
    OutOfYears {
        /// The date.
        date: Date,
    },
    /// The project is billed already.
    #[error("the project is billed since {at}: its acceptance does not change any more")]
    AcceptedAlready {
        /// Since when.
        at: Moment,
    },
    /// A version that is in force, or was, is not edited.
    #[error("version {effective} has taken effect at {at}: correct it with a new version")]
    TakenEffect {
        /// Which version.
        effective: Date,
        /// When it took effect.
        at: Moment,
    },
    /// Payers must be told earlier.
    #[error(
        "version {effective} has {days} days' notice and {} are required: the earliest effective date is {earliest}",
        kopeck_rating::price_book::notice_period::NOTICE_DAYS
    )]
    NoticeTooShort {
        /// The version, or the first day of a contract.
        effective: Date,
        /// How many days' notice it gives.
        days: i64,
        /// The earliest date that would do.
        earliest: Date,
        /// The components whose changes need notice.
        components: Vec<String>,
    },
    /// A limit of nothing, or of less.
    #[error("a limit of {amount} leaves nothing to spend")]
    LimitNotAbove {
        /// What was named.
        amount: Amount,
    },
    /// More than any account can hold.
    #[error("a limit of {amount} is more than the largest amount, {}", Amount::LARGEST)]
    LimitTooLarge {
        /// What was named.
        amount: Amount,
    },
    /// The amounts of a limit are in the currency of the workspace that pays.
    #[error("the workspace pays in {workspace}, and the limit is in {currency}: they must be one")]
    LimitCurrency {
        /// The workspace's.
        workspace: Currency,
        /// What was named.
        currency: Currency,
    },
    /// A limit of projects for a workspace, or the other way round.
    #[error(
        "`{limit}` is not set here: a wallet is a workspace's, a quota and a rate are a project's, a cap is either's"
    )]
    LimitOfOther {
        /// Which limit.
        limit: LimitKey,
    },
    /// A limit that says nothing or two things.
    #[error("{error}")]
    LimitNotSo {
        /// Why.
        error: LimitError,
    },
    /// A horizon beyond any plan.
    #[error("a horizon of {seconds} s is longer than {most} s")]
    HorizonTooLong {
        /// What was named.
        seconds: u32,
        /// The longest.
        most: u32,
    },
    /// The act would make a thing of which there are too many.
    #[error("there are no more numbers for price books")]
    TooManyBooks,
}

struct First<'a>(&'a [BookProblem]);

impl fmt::Display for First<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.first() {
            Some(problem) => write!(f, "line {}: {}; {}", problem.line, problem.reason, problem.remedy),
            None => f.write_str("none"),
        }
    }
}

struct ForRoles;

impl fmt::Display for ForRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = Permission::FOR_ROLES.iter().map(|one| one.word()).collect();
        f.write_str(&words.join(", "))
    }
}

struct RoleWay<'a>(&'a crate::entity::RoleEntry);

impl fmt::Display for RoleWay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            crate::entity::RoleEntry::Given => "only such a role is given to members",
            crate::entity::RoleEntry::Paid => "only such a role is asked for",
            crate::entity::RoleEntry::Public => "only such a role needs no sign-in",
        })
    }
}

struct Word(Standing);

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Standing::Requested => "requested",
            Standing::Approved => "approved",
            Standing::Refused => "refused",
            Standing::Revoked => "revoked",
        })
    }
}
