//! Holds: money set aside, paid from, given back.

use std::sync::Arc;

use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold};
use kopeck_api::transaction::TransactionDocument;
use kopeck_ledger::name::{HoldId, TransactionId};
use kopeck_ledger::record::{Hold, Record};
use kopeck_ledger::request::Work;
use uuid::Uuid;

use crate::app::asking::{Key, ask};
use crate::app::{App, access, limits, transactions, work};
use crate::auth::{Act, Principal};
use crate::documents::{account, hold as document, unmade};
use crate::error::AppError;

/// Sets money aside. The hold's id is the key's.
///
/// # Errors
/// [`AppError`].
pub async fn create(
    app: &Arc<App>,
    who: &Principal,
    key: &Key,
    new: NewHold,
) -> Result<HoldDocument, AppError> {
    access::may(who, Act::MoveMoney)?;
    let id = key.id(&who.actor);
    let (account, project) = (new.account, new.project.clone());
    // What was asked before is answered as it was.
    let known = app.blocking(move |app| Ok(app.ledger.record(TransactionId(id))?)).await?;
    if known.is_none() {
        limits::allow_new(app, account, project.as_ref().map(|project| project.0.as_str())).await?;
    }
    let work = work::of_hold(new, app.ledger.as_ref())?;
    ask(app, who, id, work).await?;
    shown(app, who, id).await
}

/// A hold, and what became of it.
///
/// # Errors
/// [`AppError`].
pub fn show(app: &App, who: &Principal, id: Uuid) -> Result<HoldDocument, AppError> {
    access::may(who, Act::Read)?;
    let (record, hold) = seen(app, who, id)?;
    document::document(&record, &hold, app.ledger.as_ref()).map(|(document, _)| document).map_err(unmade)
}

/// Pays from a hold.
///
/// # Errors
/// [`AppError`].
pub async fn post(
    app: &Arc<App>,
    who: &Principal,
    key: &Key,
    (hold, payment): (Uuid, HoldPayment),
) -> Result<TransactionDocument, AppError> {
    access::may(who, Act::MoveMoney)?;
    let (id, asking) = (key.id(&who.actor), who.clone());
    let work = app
        .blocking(move |app| {
            let (_, hold) = seen(app, &asking, hold)?;
            work::of_payment(&hold, id, payment, app.ledger.as_ref())
        })
        .await?;
    transactions::post_one(app, who, id, work).await
}

/// Gives back what is left of a hold.
///
/// # Errors
/// [`AppError`].
pub async fn release(
    app: &Arc<App>,
    who: &Principal,
    key: &Key,
    hold: Uuid,
) -> Result<HoldDocument, AppError> {
    access::may(who, Act::MoveMoney)?;
    let asking = who.clone();
    app.blocking(move |app| seen(app, &asking, hold).map(|_| ())).await?;
    ask(app, who, key.id(&who.actor), Work::Release(HoldId(TransactionId(hold)))).await?;
    shown(app, who, hold).await
}

async fn shown(app: &Arc<App>, who: &Principal, id: Uuid) -> Result<HoldDocument, AppError> {
    let who = who.clone();
    app.blocking(move |app| show(app, &who, id)).await
}

/// The hold of an id that stands in a path, where who asks sees its account.
fn seen(app: &App, who: &Principal, id: Uuid) -> Result<(Record, Hold), AppError> {
    let missing = || AppError::not_found("hold", &id);
    let store = app.ledger.as_ref();
    let found = document::made(HoldId(TransactionId(id)), store)?.ok_or_else(missing)?;
    let account = account::of_number(found.1.account, store).map_err(unmade)?;
    if access::sees(app, who, &account) { Ok(found) } else { Err(missing()) }
}
