//! What the ledger refuses, in words for a person.

use kopeck_ledger::refusal::{Refusal, Shortage};
use kopeck_store::Store;

use super::open::Books;
use crate::failure::Failure;

/// A refusal, with its remedy.
pub fn failure(refusal: &Refusal, books: &Books) -> Failure {
    match refusal {
        Refusal::InsufficientFunds(shortage) => short(shortage, books),
        other => Failure::input(format!("refused: {other}"), None, remedy(other)),
    }
}

fn short(shortage: &Shortage, books: &Books) -> Failure {
    let Shortage { account, available, needed, missing } = shortage;
    let named = books
        .store
        .account(*account)
        .map(|found| (format!("{} ({account})", found.opening.name), format!(" {}", found.opening.currency)));
    let (name, currency) = named.unwrap_or_else(|| (account.to_string(), String::new()));
    let reason = format!(
        "refused: {name} has {available}{currency} available, {needed} are needed: {missing} are missing"
    );
    Failure::input(reason, None, "bring in what is missing and ask under a new --id: this one stays refused")
}

fn remedy(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::IdReusedWithOtherContent { .. } => {
            "give another --id, or send exactly what was sent first, --actor included"
        }
        Refusal::UnknownAccount { .. } => "`kopeck account list` shows all accounts",
        Refusal::AccountExists { .. } | Refusal::SingleAccountExists { .. } => {
            "`kopeck account show` shows it; another account needs another id"
        }
        Refusal::OwnerMissing { .. } => "name the owner's user account with --owner",
        Refusal::OwnerNotAllowed { .. } => "leave --owner out",
        Refusal::OwnerNotUser { .. } => "name a user account with --owner",
        Refusal::UnknownZone => "write an IANA name such as Europe/Moscow",
        Refusal::SingleAccountMissing { .. } => {
            "open it with `kopeck account create --kind KIND --currency CODE --name NAME`"
        }
        Refusal::SameAccount { .. } => "name two accounts",
        Refusal::AccountKindMayNot { .. } | Refusal::NotItsOwner { .. } => {
            "users pay workspaces and users; workspaces, storages and executors pay their owner; \
             see `kopeck transfer --help`"
        }
        Refusal::KindMayNot { .. } => "name another account",
        Refusal::CurrencyMismatch { .. } => "money moves within one currency only",
        Refusal::AmountZero | Refusal::AmountNegative { .. } | Refusal::AmountTooLarge => {
            "give an amount above zero, up to 18446744073709.551615"
        }
        Refusal::ExpiryPassed { .. } => "give --expires an instant to come",
        Refusal::UnknownHold { .. } => "a hold is named by the id that `kopeck hold create` printed",
        Refusal::HoldExpired { .. } | Refusal::HoldResolved { .. } => {
            "`kopeck hold show` tells what became of it"
        }
        Refusal::HoldOfOtherAccount { .. } => "name a hold on the account that pays",
        Refusal::HoldExceeded { .. } => "pay less, or transfer the rest by itself",
        _ => "nothing was changed; correct what was asked for and send it again",
    }
}
