//! Holds: money set aside, paid from, given back.

use std::sync::Arc;

use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold};
use kopeck_api::transaction::TransactionDocument;
use kopeck_ledger::name::{AccountId, HoldId, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Hold, Record};
use kopeck_ledger::request::{self, HoldUse, Movement, Transact, Withdraw, Work};
use uuid::Uuid;

use crate::app::asking::{self, Key, ask};
use crate::app::{App, access, transactions};
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
    asking::in_currency(app, new.account, new.currency.0)?;
    let id = key.id(&who.actor);
    let work = Work::Hold(request::NewHold {
        account: AccountId(new.account),
        amount: new.amount.0,
        expires: new.expires.0,
        project: new.project.map(|project| project.0),
        reference: new.reference.map(|reference| reference.0),
    });
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
    let work = app.blocking(move |app| payment_of(app, &asking, (hold, id), payment)).await?;
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

/// What the ledger is asked to pay from a hold, under the request's id.
fn payment_of(
    app: &App,
    who: &Principal,
    (hold, request): (Uuid, Uuid),
    payment: HoldPayment,
) -> Result<Work, AppError> {
    let (_, hold) = seen(app, who, hold)?;
    let store = app.ledger.as_ref();
    let account = account::of_number(hold.account, store).map_err(unmade)?.opening.id;
    let amount = match (payment.amount, payment.currency) {
        (Some(amount), Some(currency)) => {
            asking::in_currency(app, account.0, currency.0)?;
            amount.0
        }
        (None, None) => document::all_of(&hold, Some(TransactionId(request)), store)?,
        (Some(_), None) => {
            return Err(AppError::invalid("currency", "is missing", "say which currency the amount is in"));
        }
        (None, Some(_)) => {
            return Err(AppError::invalid(
                "amount",
                "is missing",
                "give an amount, or leave the currency out",
            ));
        }
    };
    let used = Some(HoldUse { hold: hold.id, rest: transactions::rest(payment.rest) });
    let reference = payment.reference.map(|reference| reference.0);
    let Some(to) = payment.to else {
        return Ok(Work::Withdraw(Withdraw { account, amount, reference, hold: used }));
    };
    let credit = AccountId(to);
    let movement = Movement { debit: account, credit, amount, purpose: Purpose::DirectTransfer };
    let project = payment.project.map(|project| project.0);
    Ok(Work::Transact(Transact { movements: vec![movement], project, reference, hold: used }))
}
