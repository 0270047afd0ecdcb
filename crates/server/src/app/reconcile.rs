//! The ledger accounts of what the directory has.
//!
//! The two stores can not commit together. The directory's act comes first and fixes the account's id; opening it is
//! asked for under that same id and after a look whether it is there, so that it may be repeated. What a crash or a
//! failure has left out is made good at the next start, and by background work before that.

use std::sync::atomic::{AtomicBool, Ordering};

use kopeck_directory::change::{Change, Entity};
use kopeck_directory::directory::Expected;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Text, TransactionId};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::{Request, Work};
use uuid::Uuid;

use super::{App, first_start};
use crate::error::AppError;

/// Who opens them.
const ACTOR: &str = "directory";
/// Requests that are handed over at a time.
const AT_ONCE: usize = 1_000;

/// Whether the ledger may lack something that the directory has.
#[derive(Debug, Default)]
pub struct Behind(AtomicBool);

/// Whether the last attempt to bring the ledger up to the directory has failed.
#[must_use]
pub fn are_behind(app: &App) -> bool {
    app.accounts_behind.0.load(Ordering::Acquire)
}

/// Brings the ledger up to an act that was done. A failure does not undo the act: it is made good later.
pub fn follow(app: &App, change: &Change) {
    if !change.edits.iter().any(|edit| concerns_accounts(&edit.after)) {
        return;
    }
    if let Err(error) = reconcile(app) {
        tracing::error!(%error, act = change.act, "the ledger lacks what the directory has; tried again soon");
    }
}

fn concerns_accounts(entity: &Entity) -> bool {
    matches!(
        entity,
        Entity::User(_) | Entity::Workspace(_) | Entity::Executor(_) | Entity::Storage(_) | Entity::Plan(_)
    )
}

/// Opens the accounts that the ledger lacks, and says the coefficients that are others.
///
/// # Errors
/// What the store or the ledger says; what was done stays done.
pub fn reconcile(app: &App) -> Result<(), AppError> {
    app.accounts_behind.0.store(true, Ordering::Release);
    let actor = Text::new(ACTOR).map_err(|error| AppError::Internal(error.to_string()))?;
    let directory = app.directory.snapshot();
    let mut requests = Vec::new();
    let mut currencies = Vec::new();
    for expected in directory.expected_accounts() {
        if !currencies.contains(&expected.currency) {
            currencies.push(expected.currency);
            let singles = first_start::openings(&[expected.currency]);
            let singles = singles.map_err(|error| AppError::Internal(error.to_string()))?;
            requests.extend(singles.into_iter().filter(|request| is_missing(app, request)));
        }
        requests.extend(request(app, expected, &actor));
        if requests.len() >= AT_ONCE {
            perform(app, std::mem::take(&mut requests))?;
        }
    }
    perform(app, requests)?;
    app.accounts_behind.0.store(false, Ordering::Release);
    Ok(())
}

fn is_missing(app: &App, request: &Request) -> bool {
    match &request.work {
        Work::Open(new) => app.ledger.account(new.id).is_none(),
        _ => false,
    }
}

/// What the ledger must be asked for an account to be as it should.
fn request(app: &App, expected: Expected, actor: &Text) -> Option<Request> {
    let actor = Some(actor.clone());
    let account = expected.id;
    let Some(found) = app.ledger.account(account) else {
        let work = Work::Open(expected.opening());
        return Some(Request { id: TransactionId(account.0), actor, work });
    };
    let is_owned = expected.kind != AccountKind::User;
    (is_owned && found.coefficient != expected.coefficient).then(|| set(account, expected.coefficient, actor))
}

fn set(account: kopeck_ledger::name::AccountId, coefficient: Coefficient, actor: Option<Text>) -> Request {
    // Whether it must be said is seen before, so it needs no name that is kept.
    let id = TransactionId(Uuid::now_v7());
    Request { id, actor, work: Work::SetCoefficient { account, coefficient } }
}

fn perform(app: &App, requests: Vec<Request>) -> Result<(), AppError> {
    if requests.is_empty() {
        return Ok(());
    }
    for reply in app.ledger.perform(requests)? {
        match reply {
            // Two that reconcile at a time ask for the same.
            Ok(_)
            | Err(Refusal::AccountExists { .. } | Refusal::SingleAccountExists { .. })
            | Err(Refusal::IdReusedWithOtherContent { .. }) => {}
            Err(refusal) => return Err(AppError::Refused { refusal, field: None }),
        }
    }
    Ok(())
}
