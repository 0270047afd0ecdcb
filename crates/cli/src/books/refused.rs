//! What the ledger refuses, in words for a person.

use kopeck_api::problem::ShortageDocument;
use kopeck_ledger::refusal::Refusal;
use kopeck_store::Store;

use crate::failure::Failure;

/// A refusal, with its remedy.
pub fn failure(refusal: &Refusal, store: &dyn Store) -> Failure {
    match refusal {
        Refusal::InsufficientFunds(shortage) => {
            let found = store.account(shortage.account);
            let named =
                found.map(|found| (found.opening.name.to_string(), found.opening.currency.to_string()));
            let document = ShortageDocument {
                account: shortage.account.to_string(),
                available: shortage.available.to_string(),
                needed: shortage.needed.to_string(),
                missing: shortage.missing.to_string(),
            };
            short(&document, named)
        }
        other => Failure::input(format!("refused: {other}"), None, remedy(other)),
    }
}

/// An account lacks money; its name and currency, where they are known.
pub fn short(shortage: &ShortageDocument, named: Option<(String, String)>) -> Failure {
    let ShortageDocument { account, available, needed, missing } = shortage;
    let (name, currency) = match named {
        Some((name, currency)) => (format!("{name} ({account})"), format!(" {currency}")),
        None => (account.clone(), String::new()),
    };
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
