//! What a refusal of the directory is to somebody outside.

use kopeck_directory::refusal::Refusal;

use super::{AppError, ProblemKind};

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> AppError {
        match refusal {
            // The same for what is not there and for what may not be seen.
            Refusal::Unknown { kind, id } => AppError::NotFound { what: kind.word(), id },
            refusal => AppError::Directory(Box::new(refusal)),
        }
    }
}

pub fn kind(refusal: &Refusal) -> ProblemKind {
    match refusal {
        Refusal::Unknown { .. } => ProblemKind::NotFound,
        Refusal::Forbidden { .. } => ProblemKind::Forbidden,
        Refusal::Exists { .. } | Refusal::AskedAlready { .. } => ProblemKind::Exists,
        Refusal::StandsElsewhere { .. } | Refusal::SecretFetched { .. } | Refusal::RevokedAlready { .. } => {
            ProblemKind::StandsElsewhere
        }
        Refusal::PlanForbids { .. } | Refusal::PlanLimitReached { .. } => ProblemKind::PlanLimit,
        Refusal::NoticeTooShort { .. } => ProblemKind::NoticeTooShort,
        Refusal::BadBook { .. }
        | Refusal::BookTooLong { .. }
        | Refusal::BookNotInPieces
        | Refusal::UnknownZone { .. }
        | Refusal::OutOfYears { .. } => ProblemKind::Invalid,
        Refusal::LimitNotAbove { .. }
        | Refusal::LimitTooLarge { .. }
        | Refusal::LimitCurrency { .. }
        | Refusal::LimitNotSo { .. }
        | Refusal::HorizonTooLong { .. }
        | Refusal::LimitOfOther { .. } => ProblemKind::Invalid,
        _ => ProblemKind::AgainstRules,
    }
}

pub fn remedy(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Forbidden { .. } => "ask somebody with a wider role, or use a token of such a role",
        Refusal::Exists { .. } => "use the one that exists, or take another id",
        Refusal::AskedAlready { .. } => "wait for the answer, or withdraw the request first",
        Refusal::PlanForbids { .. } | Refusal::PlanLimitReached { .. } => "ask the operator for a wider plan",
        Refusal::NoticeTooShort { .. } => {
            "announce it for the earliest date or later, or do not raise prices"
        }
        Refusal::TakenEffect { .. } => "announce a new version from a date to come",
        Refusal::NotAhead { .. } | Refusal::Passed { .. } => "name an instant to come",
        Refusal::BadBook { .. } => "correct the text: `kopeck prices check` shows every problem in its place",
        Refusal::OtherZone { .. } | Refusal::OtherCurrency { .. } => {
            "use a price book in the workspace's time zone and currency"
        }
        Refusal::OtherCurrencyThanOwner { .. } => "use the currency of the owner's account",
        Refusal::UnknownZone { .. } => "write an IANA name such as Europe/Moscow",
        Refusal::LimitNotAbove { .. } | Refusal::LimitTooLarge { .. } => {
            "give an amount above zero, up to 18446744073709.551615; to allow nothing, stop what runs"
        }
        Refusal::LimitCurrency { .. } => "give the amount in the workspace's currency",
        Refusal::LimitOfOther { .. } => {
            "set it on the other: `/v1/projects/{id}/limits` or `/v1/workspaces/{id}/limits`"
        }
        Refusal::LimitNotSo { .. } => "give a percentage above 0, such as 300",
        Refusal::HorizonTooLong { .. } => "give at most 366 days",
        _ => "nothing was changed: correct what was asked for and send it again",
    }
}

/// The field that a refusal is about, where it is one.
pub fn field(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::LimitNotAbove { .. } | Refusal::LimitTooLarge { .. } => Some("amount"),
        Refusal::LimitCurrency { .. } => Some("currency"),
        Refusal::LimitOfOther { .. } => Some("limit"),
        Refusal::LimitNotSo { .. } => Some("percent_of_median"),
        Refusal::HorizonTooLong { .. } => Some("horizon_days"),
        _ => None,
    }
}
