//! What a failure is to somebody outside: the one place that turns the application's errors into problems.
//!
//! A kind of problem has a name for ever, an HTTP status and a title; what happened this time, where, and what to do
//! next stand beside it. What only we can mend is told to the log, not to the caller.

mod marketplace;

use std::fmt;

use kopeck_api::Problem;
use kopeck_api::problem::ShortageDocument;
use kopeck_directory::refusal as directory;
use kopeck_ledger::refusal::{Refusal, Shortage};
use kopeck_metering::MeteringError;
use kopeck_rating::live::LiveError;
use kopeck_rating::money::Overflow;
use kopeck_settlement::shard::SettleError;
use kopeck_store::StoreError;
use kopeck_store::postgres::PostgresError;

use crate::auth::Act;

/// Defines the kinds of problems.
macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident = $name:literal, $status:literal, $title:literal;)+) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemKind {
            $($(#[$about])* $kind,)+
        }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &'static [ProblemKind] = &[$(ProblemKind::$kind),+];

            /// Its name, for ever: the end of its `type`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(ProblemKind::$kind => $name,)+ }
            }

            /// Its HTTP status.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(ProblemKind::$kind => $status,)+ }
            }

            /// What it is, in words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(ProblemKind::$kind => $title,)+ }
            }
        }
    };
}

kinds! {
    /// What was sent can not be read as what it should be: no JSON, a query that is none.
    Malformed = "malformed", 400, "The request can not be read";
    /// A write that moves money has no name.
    KeyMissing = "idempotency-key-missing", 400, "The Idempotency-Key is missing";
    /// Nobody knows who asks.
    Unauthenticated = "unauthenticated", 401, "A valid token is needed";
    /// Who asks may not do this.
    Forbidden = "forbidden", 403, "This token may not do that";
    /// There is nothing of that name, or it is not theirs.
    NotFound = "not-found", 404, "There is no such thing";
    /// The route is there, and does not do that.
    MethodNotAllowed = "method-not-allowed", 405, "The route does not know this method";
    /// The request came too slowly.
    TooSlow = "too-slow", 408, "The request did not come in time";
    /// The id was used for something else.
    KeyReused = "idempotency-key-reused", 409, "The id was used for something else";
    /// There is one already.
    Exists = "exists", 409, "It exists already";
    /// The account does not have the money.
    InsufficientFunds = "insufficient-funds", 409, "There is not enough money";
    /// The hold has been posted or released, or has expired.
    HoldEnded = "hold-ended", 409, "The hold has ended";
    /// More than is left of the hold.
    HoldExceeded = "hold-exceeded", 409, "The hold has less left";
    /// The transaction was reversed, or is about that amount already.
    AlreadyRight = "already-put-right", 409, "The transaction is put right already";
    /// More than may be sent at once.
    TooLarge = "too-large", 413, "The request is too large";
    /// Another type or encoding than is understood.
    UnsupportedMedia = "unsupported-media-type", 415, "The media type or encoding is not understood";
    /// It can be read, and a field of it can not be right.
    Invalid = "invalid", 422, "A field is not valid";
    /// What was asked for is against the rules of the directory.
    AgainstRules = "against-rules", 422, "The rules do not allow this";
    /// Payers must be told of prices earlier.
    NoticeTooShort = "notice-too-short", 422, "The notice is too short";
    /// The plan allows no more.
    PlanLimit = "plan-limit-reached", 409, "The plan does not allow this";
    /// The request for a key or role does not stand where it would have to.
    StandsElsewhere = "stands-elsewhere", 409, "It stands elsewhere";
    /// What was asked for is against the rules of the ledger.
    Refused = "refused", 422, "The ledger refuses this";
    /// Too much at a time.
    TooMany = "too-many-requests", 429, "Too much was asked for at a time";
    /// A fault of ours.
    Internal = "internal", 500, "Something is wrong with the server";
    /// It may have been done or not.
    Unknown = "outcome-unknown", 503, "Whether it was done is not known";
    /// Not now: too much waits, the disk is full, the server stops.
    Unavailable = "unavailable", 503, "The server can not do this now";
}

impl ProblemKind {
    /// Its `type`: a URI that never changes.
    #[must_use]
    pub fn uri(self) -> String {
        format!("urn:kopeck:problem:{}", self.name())
    }
}

/// Why a use case was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// There is no token, or none that is known and in force.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The token's role may not do this.
    #[error("the role {role} may not {act}")]
    Forbidden {
        /// The token's role.
        role: String,
        /// What it may not.
        act: Act,
    },
    /// There is no such thing, or not for who asks.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for, such as `account`.
        what: &'static str,
        /// By which name.
        id: String,
    },
    /// Something of the request is wrong.
    #[error("{}{reason}", .field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
    Input {
        /// How.
        kind: ProblemKind,
        /// Where, if it is a field.
        field: Option<String>,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The ledger refuses.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// The field that it is about.
        field: Option<String>,
    },
    /// The directory refuses.
    #[error("{0}")]
    Directory(Box<directory::Refusal>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too much of something is going on.
    #[error("{0}")]
    TooMany(&'static str),
    /// Events wait to be settled for too long.
    #[error("what is due was not settled within the last minute")]
    Unsettled,
    /// What was asked about is on its way to another node, or its node does not answer.
    #[error("what meters it is on its way to another node")]
    Moving,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// A fault of ours; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl AppError {
    /// A field that can not be right.
    #[must_use]
    pub fn invalid(
        field: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> AppError {
        let (field, reason, remedy) = (Some(field.into()), reason.into(), remedy.into());
        AppError::Input { kind: ProblemKind::Invalid, field, reason, remedy }
    }

    /// Something that can not be read.
    #[must_use]
    pub fn malformed(reason: impl Into<String>, remedy: impl Into<String>) -> AppError {
        AppError::Input {
            kind: ProblemKind::Malformed,
            field: None,
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    /// Nothing of that name, or not for who asks.
    #[must_use]
    pub fn not_found(what: &'static str, id: &dyn fmt::Display) -> AppError {
        AppError::NotFound { what, id: id.to_string() }
    }

    /// What it is to somebody outside.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        match self {
            AppError::Unauthenticated(_) => ProblemKind::Unauthenticated,
            AppError::Forbidden { .. } => ProblemKind::Forbidden,
            AppError::NotFound { .. } => ProblemKind::NotFound,
            AppError::Input { kind, .. } => *kind,
            AppError::Refused { refusal, .. } => kind_of_refusal(refusal),
            AppError::Directory(refusal) => marketplace::kind(refusal),
            AppError::Store(error) => kind_of_store(error),
            AppError::TooMany(_) => ProblemKind::TooMany,
            AppError::Unsettled | AppError::Moving | AppError::Stopping => ProblemKind::Unavailable,
            AppError::Internal(_) => ProblemKind::Internal,
        }
    }

    /// The problem that somebody outside is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let kind = self.kind();
        let is_ours = kind == ProblemKind::Internal;
        Problem {
            r#type: kind.uri(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: if is_ours {
                "what was asked for could not be done".to_owned()
            } else {
                self.to_string()
            },
            field: self.field(),
            remedy: Some(self.remedy()),
            shortage: self.shortage(),
            request_id: None,
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            AppError::Input { field, .. } | AppError::Refused { field, .. } => field.clone(),
            _ => None,
        }
    }

    fn shortage(&self) -> Option<ShortageDocument> {
        let AppError::Refused { refusal, .. } = self else { return None };
        let Shortage { account, available, needed, missing } = shortage_of(refusal)?;
        Some(ShortageDocument {
            account: account.to_string(),
            available: available.to_string(),
            needed: needed.to_string(),
            missing: missing.to_string(),
        })
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            AppError::Input { remedy, .. } => return remedy.clone(),
            AppError::Unauthenticated(_) => "send `Authorization: Bearer TOKEN` with a token of this server",
            AppError::Forbidden { .. } => "ask somebody with a wider role, or use a token of such a role",
            AppError::NotFound { .. } => "check the name, and that this token may see it",
            AppError::Refused { refusal, .. } => remedy_of_refusal(refusal),
            AppError::Directory(refusal) => marketplace::remedy(refusal),
            AppError::Store(StoreError::Unknown(_)) => {
                "send it again with the same Idempotency-Key: it is done once, whatever became of it"
            }
            AppError::Store(_) if self.kind() == ProblemKind::Unavailable => {
                "nothing was done: send it again later, with the same Idempotency-Key"
            }
            AppError::TooMany(_) => "wait until some of it is done, and ask again",
            AppError::Unsettled => "look into the server's log: a store may be full or slow",
            AppError::Moving => "ask again in a moment; what was sent with an id is done once",
            AppError::Stopping => "ask again when the server has started",
            AppError::Store(_) | AppError::Internal(_) => {
                "tell the operator the request's id: the log says more under it"
            }
        };
        remedy.to_owned()
    }
}

fn shortage_of(refusal: &Refusal) -> Option<Shortage> {
    match refusal {
        Refusal::InsufficientFunds(shortage) => Some(*shortage),
        Refusal::InChain { refusal, .. } => shortage_of(refusal),
        _ => None,
    }
}

fn kind_of_store(error: &StoreError) -> ProblemKind {
    match error {
        StoreError::Unknown(_) => ProblemKind::Unknown,
        StoreError::Full
        | StoreError::Busy { .. }
        | StoreError::Closed
        | StoreError::Fenced { .. }
        | StoreError::Postgres(
            PostgresError::Unreachable { .. } | PostgresError::Lost(_) | PostgresError::Held { .. },
        ) => ProblemKind::Unavailable,
        _ => ProblemKind::Internal,
    }
}

fn kind_of_refusal(refusal: &Refusal) -> ProblemKind {
    match refusal {
        Refusal::InChain { refusal, .. } => kind_of_refusal(refusal),
        Refusal::IdReusedWithOtherContent { .. } => ProblemKind::KeyReused,
        Refusal::AccountExists { .. } | Refusal::SingleAccountExists { .. } => ProblemKind::Exists,
        Refusal::InsufficientFunds(_) => ProblemKind::InsufficientFunds,
        Refusal::HoldExpired { .. } | Refusal::HoldResolved { .. } => ProblemKind::HoldEnded,
        Refusal::HoldExceeded { .. } => ProblemKind::HoldExceeded,
        Refusal::AlreadyReversed { .. } | Refusal::NothingToCorrect { .. } => ProblemKind::AlreadyRight,
        // The store lets holds expire before it decides.
        Refusal::HoldsDue { .. } => ProblemKind::Internal,
        _ => ProblemKind::Refused,
    }
}

fn remedy_of_refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::InChain { refusal, .. } => remedy_of_refusal(refusal),
        Refusal::InsufficientFunds(_) => {
            "bring in what is missing and ask under a new Idempotency-Key: this one stays refused"
        }
        Refusal::IdReusedWithOtherContent { .. } => {
            "take another Idempotency-Key, or send exactly what was sent first, as the same actor"
        }
        Refusal::UnknownAccount { .. } => "`GET /v1/accounts` lists the accounts",
        Refusal::AccountExists { .. } | Refusal::SingleAccountExists { .. } => {
            "use the account that exists; another one needs another Idempotency-Key"
        }
        Refusal::OwnerMissing { .. } | Refusal::OwnerNotUser { .. } => "name a user account as the owner",
        Refusal::OwnerNotAllowed { .. } => "leave the owner out",
        Refusal::UnknownZone => "write an IANA name such as Europe/Moscow",
        Refusal::SameAccount { .. } => "name two accounts",
        Refusal::AccountKindMayNot { .. } | Refusal::NotItsOwner { .. } => {
            "users pay workspaces and users; workspaces, storages and executors pay their owner"
        }
        Refusal::KindMayNot { .. } => "name another account",
        Refusal::CurrencyMismatch { .. } => "money moves within one currency only",
        Refusal::AmountZero | Refusal::AmountNegative { .. } | Refusal::AmountTooLarge => {
            "give an amount above zero, up to 18446744073709.551615"
        }
        Refusal::ExpiryPassed { .. } => "give an instant to come",
        Refusal::HoldExpired { .. } | Refusal::HoldResolved { .. } => {
            "`GET /v1/holds/{id}` tells what became of it"
        }
        Refusal::HoldOfOtherAccount { .. } => "name a hold on the account that pays",
        Refusal::HoldExceeded { .. } => "pay less, or transfer the rest by itself",
        Refusal::UnknownTransaction { .. } | Refusal::NotCorrectable { .. } => {
            "name the transaction that first moved the money"
        }
        _ => "nothing was changed: correct what was asked for and send it again",
    }
}

impl From<MeteringError> for AppError {
    fn from(error: MeteringError) -> AppError {
        match error {
            MeteringError::Store(error) => AppError::Store(error),
            MeteringError::Settle(error) => error.into(),
            MeteringError::NoStorage(id) => AppError::NotFound { what: "storage", id: id.to_string() },
            MeteringError::Stopped => AppError::Stopping,
            other => AppError::Internal(other.to_string()),
        }
    }
}

impl From<SettleError> for AppError {
    fn from(error: SettleError) -> AppError {
        match error {
            SettleError::OutOfRange(_) | SettleError::Live(LiveError::OutOfRange(_)) => AppError::invalid(
                "month",
                "the month lies before the first one that is kept here",
                "ask for a later month; rate older ones with `kopeck rate`",
            ),
            other => AppError::Internal(other.to_string()),
        }
    }
}

impl From<Overflow> for AppError {
    fn from(error: Overflow) -> AppError {
        AppError::Internal(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_problems_have_a_name_of_their_own() {
        let mut names: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemKind::ALL.len());
    }

    #[test]
    fn what_is_a_fault_of_ours_is_not_told_outside() {
        let problem = AppError::Store(StoreError::Corrupt("page 7 of /var/lib".to_owned())).problem();
        assert_eq!((problem.status, problem.detail.contains("page 7")), (500, false));
    }

    #[test]
    fn whether_it_was_done_is_never_told_where_it_is_not_known() {
        let problem = AppError::Store(StoreError::Unknown("power".to_owned())).problem();
        assert_eq!(problem.r#type, "urn:kopeck:problem:outcome-unknown");
        assert!(problem.remedy.unwrap().contains("same Idempotency-Key"));
    }
}
