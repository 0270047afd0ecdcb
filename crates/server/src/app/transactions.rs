//! Transactions: one, or several that are decided in their order, each by itself.

use std::sync::Arc;

use kopeck_api::forms::Time;
use kopeck_api::transaction::{
    NewTransaction, NewTransactions, Posted, TransactionDocument, TransactionResult, TransactionResults,
};
use kopeck_ledger::name::TransactionId;
use kopeck_ledger::record::{Receipt, Record, Reply};
use kopeck_ledger::request::Work;
use uuid::Uuid;

use crate::app::asking::{self, Key};
use crate::app::{App, access, accrued, money, work};
use crate::auth::{Act, Principal};
use crate::documents::{account, transaction as document, unmade};
use crate::error::{AppError, ProblemKind};

/// Posts one transaction or several.
///
/// # Errors
/// [`AppError`]; of several, only what keeps all of them from being decided.
pub async fn post(
    app: &Arc<App>,
    who: &Principal,
    key: Option<&Key>,
    new: NewTransactions,
) -> Result<Posted, AppError> {
    match new {
        NewTransactions::One(new) => {
            access::may(who, act_of(&new))?;
            let id = new.id().or_else(|| key.map(|key| key.id(&who.actor))).ok_or_else(no_key)?;
            // Only a correction reads the journal.
            let work = match new {
                NewTransaction::Correction(_) => {
                    app.blocking(move |app| work::of_transaction(new, app.ledger.as_ref())).await?
                }
                new => work::of_transaction(new, app.ledger.as_ref())?,
            };
            post_one(app, who, id, work).await.map(Posted::One)
        }
        NewTransactions::Several(new) => post_several(app, who, key, new).await.map(Posted::Several),
    }
}

/// Posts one transaction.
///
/// # Errors
/// [`AppError`].
pub async fn post_one(
    app: &Arc<App>,
    who: &Principal,
    id: Uuid,
    work: Work,
) -> Result<TransactionDocument, AppError> {
    let receipt = asking::ask(app, who, id, work).await?;
    match app.ledger.recent(receipt.sequence) {
        Some(record) => of_record(app, &record),
        // It was asked before.
        None => app.blocking(move |app| of_record(app, &asking::record_of(app, receipt)?)).await,
    }
}

async fn post_several(
    app: &Arc<App>,
    who: &Principal,
    key: Option<&Key>,
    new: Vec<NewTransaction>,
) -> Result<TransactionResults, AppError> {
    let mut ids = Vec::with_capacity(new.len());
    for (index, one) in new.iter().enumerate() {
        access::may(who, act_of(one))?;
        let id = one.id().or_else(|| key.map(|key| key.id_of(&who.actor, index)));
        ids.push(id.ok_or_else(no_key)?);
    }
    let asking = who.clone();
    let read = move |app: &App| {
        let works = each_work(app, &asking, new);
        // Whatever of them debits a workspace, its accrued cost is told first, once.
        let mut requests = Vec::new();
        for work in works.iter().filter_map(|work| work.as_ref().ok()) {
            requests.extend(accrued::before(app, work)?);
        }
        Ok((works, requests))
    };
    let (works, mut requests) = app.blocking(read).await?;
    let told = requests.len();
    requests.extend(ids.iter().zip(&works).filter_map(|(id, work)| {
        let work = work.as_ref().ok()?;
        Some(asking::request(who, *id, work.clone()))
    }));
    let mut replies = match requests.len() == told {
        true => Vec::new(),
        false => app.ledger.try_submit(requests)?.await?,
    }
    .into_iter()
    .skip(told);
    let results = ids.into_iter().zip(works).map(|(id, work)| {
        let decided = work.and_then(|work| {
            money::moved(app, &work);
            let reply: Reply = replies.next().ok_or(kopeck_store::StoreError::Closed)?;
            reply.map_err(|refusal| asking::refused(refusal, &work))
        });
        result(id, decided)
    });
    Ok(TransactionResults { results: results.collect() })
}

fn each_work(app: &App, who: &Principal, new: Vec<NewTransaction>) -> Vec<Result<Work, AppError>> {
    let each = new.into_iter().map(|one| {
        let work = work::of_transaction(one, app.ledger.as_ref())?;
        access::may_debit(app, who, &work)?;
        Ok(work)
    });
    each.collect()
}

fn result(id: Uuid, decided: Result<Receipt, AppError>) -> TransactionResult {
    match decided {
        Ok(Receipt { sequence, at }) => TransactionResult::Posted { id, record: sequence.0, at: Time(at) },
        Err(error) => TransactionResult::Refused { id, problem: Box::new(error.problem()) },
    }
}

/// A transaction by its id.
///
/// # Errors
/// [`AppError`].
pub fn show(app: &App, who: &Principal, id: Uuid) -> Result<TransactionDocument, AppError> {
    access::may(who, Act::Read)?;
    let missing = || AppError::not_found("transaction", &id);
    let record = app.ledger.record(TransactionId(id))?.ok_or_else(missing)?;
    let transaction = record.transaction().ok_or_else(missing)?;
    for transfer in &transaction.transfers {
        for number in [transfer.debit, transfer.credit] {
            let account = account::of_number(number, app.ledger.as_ref()).map_err(unmade)?;
            if access::sees(app, who, &account) {
                return of_record(app, &record);
            }
        }
    }
    Err(missing())
}

fn of_record(app: &App, record: &Record) -> Result<TransactionDocument, AppError> {
    let document = document::of_record(record, app.ledger.as_ref()).map_err(unmade)?;
    document.ok_or_else(|| AppError::Internal(format!("record {} moved no money", record.sequence)))
}

/// A write that moves money and has no name.
#[must_use]
pub fn no_key() -> AppError {
    AppError::Input {
        kind: ProblemKind::KeyMissing,
        field: Some("Idempotency-Key".to_owned()),
        reason: "the request has no name, so it could not be sent again safely".to_owned(),
        remedy: "send an Idempotency-Key: a UUID, best of version 7, or any text that is used once"
            .to_owned(),
    }
}

fn act_of(new: &NewTransaction) -> Act {
    match new {
        NewTransaction::Deposit(_) => Act::Deposit,
        NewTransaction::Withdrawal(_) | NewTransaction::Transfer(_) => Act::MoveMoney,
        NewTransaction::Reversal(_) | NewTransaction::Correction(_) => Act::PutRight,
    }
}
