//! Accounts: opened, listed, looked at, changed.

use std::sync::Arc;

use kopeck_api::account::{
    AccountAnswer, AccountDocument, AccountsQuery, NewAccount, NewCoefficient, NewCreditLimit, PastBalance,
};
use kopeck_api::forms::Time;
use kopeck_api::page::{PAGE_DEFAULT, Page};
use kopeck_api::statement::{StatementDocument, StatementQuery};
use kopeck_ledger::request::Work;
use uuid::Uuid;

use crate::app::asking::{self, Key, ask};
use crate::app::{App, access, accrued, page, work};
use crate::auth::{Act, Principal};
use crate::documents::period::Period;
use crate::documents::statement::Made;
use crate::documents::{account as document, unmade};
use crate::error::AppError;

/// The most lines that a statement is made of at once.
pub const STATEMENT_LIMIT: usize = 1_000_000;
/// Accounts that are looked through at a time.
const LOOK: usize = 1_000;

/// Opens an account, whose id is the key's.
///
/// # Errors
/// [`AppError`].
pub async fn open(
    app: &Arc<App>,
    who: &Principal,
    key: &Key,
    new: NewAccount,
) -> Result<AccountDocument, AppError> {
    access::may(who, Act::ManageAccounts)?;
    let id = key.id(&who.actor);
    let work = work::of_account(id, new);
    ask(app, who, id, work).await?;
    show(app, who, id)
}

/// A page of the accounts that somebody sees, in the order of their opening.
///
/// # Errors
/// [`AppError`].
pub fn list(app: &App, who: &Principal, query: &AccountsQuery) -> Result<Page<AccountDocument>, AppError> {
    access::may(who, Act::Read)?;
    let limit = page::limit(query.limit, PAGE_DEFAULT)?;
    let mut next = page::cursor(query.cursor.as_deref())?;
    let mut items = Vec::new();
    loop {
        let found = app.ledger.accounts(next, LOOK);
        if found.is_empty() {
            return Ok(Page { items, next: None });
        }
        for account in &found {
            if items.len() == limit {
                return Ok(Page { items, next: Some(next.to_string()) });
            }
            next += 1;
            let is_meant = query.kind.as_ref().is_none_or(|kind| kind.0 == account.opening.kind)
                && query.name.as_ref().is_none_or(|name| name.0 == account.opening.name);
            if is_meant && access::sees(app, who, account) {
                let document = document::listed(account, app.ledger.as_ref()).map_err(unmade)?;
                items.push(accrued::add(app, document)?);
            }
        }
    }
}

/// What an account has now.
///
/// # Errors
/// [`AppError`].
pub fn show(app: &App, who: &Principal, id: Uuid) -> Result<AccountDocument, AppError> {
    access::may(who, Act::Read)?;
    let account = asking::account(app, who, id)?;
    accrued::add(app, document::whole(&account, app.ledger.as_ref()).map_err(unmade)?)
}

/// What an account has now, or had at an instant.
///
/// # Errors
/// [`AppError`].
pub fn balance(
    app: &App,
    who: &Principal,
    id: Uuid,
    as_of: Option<&Time>,
) -> Result<AccountAnswer, AppError> {
    let Some(Time(at)) = as_of else { return show(app, who, id).map(AccountAnswer::Now) };
    access::may(who, Act::Read)?;
    if *at > app.now() {
        return Err(AppError::invalid(
            "as_of",
            format!("{at} has not come yet: it is {}", app.now()),
            "give an instant that has passed, or leave it out",
        ));
    }
    let account = asking::account(app, who, id)?;
    let posted = app.ledger.balance_at(account.opening.id, *at)?;
    let posted = posted.ok_or_else(|| AppError::not_found("account", &id))?;
    Ok(AccountAnswer::Past(PastBalance::of(&account, *at, posted)))
}

/// What happened on an account in a period.
///
/// # Errors
/// [`AppError`].
pub fn statement(
    app: &App,
    who: &Principal,
    id: Uuid,
    query: &StatementQuery,
) -> Result<StatementDocument, AppError> {
    access::may(who, Act::Read)?;
    let limit = page::limit(query.limit, page::MOST)?;
    let skip = page::cursor(query.cursor.as_deref())?;
    let account = asking::account(app, who, id)?;
    let period =
        Period { from: query.from.as_ref().map(|day| day.0), to: query.to.as_ref().map(|day| day.0) };
    let store = app.ledger.as_ref();
    let made = Made::of(account, period, query.group.into(), STATEMENT_LIMIT, store).map_err(unmade)?;
    let mut statement = made.document();
    if let Some(lines) = &mut statement.lines {
        let more = lines.len() > skip.saturating_add(limit);
        statement.next = more.then(|| (skip + limit).to_string());
        *lines = lines.drain(..).skip(skip).take(limit).collect();
    }
    Ok(statement)
}

/// Says how far below zero an account may go.
///
/// # Errors
/// [`AppError`].
pub async fn set_credit_limit(
    app: &Arc<App>,
    who: &Principal,
    key: &Key,
    (id, new): (Uuid, NewCreditLimit),
) -> Result<AccountDocument, AppError> {
    access::may(who, Act::ManageAccounts)?;
    let account = asking::account(app, who, id)?.opening.id;
    work::in_currency(id, new.currency.0, app.ledger.as_ref())?;
    ask(app, who, key.id(&who.actor), Work::SetCreditLimit { account, limit: new.amount.0 }).await?;
    show(app, who, id)
}

/// Says the plan's cost coefficient of an account.
///
/// # Errors
/// [`AppError`].
pub async fn set_coefficient(
    app: &Arc<App>,
    who: &Principal,
    key: &Key,
    (id, new): (Uuid, NewCoefficient),
) -> Result<AccountDocument, AppError> {
    access::may(who, Act::ManageAccounts)?;
    let account = asking::account(app, who, id)?.opening.id;
    let work = Work::SetCoefficient { account, coefficient: new.coefficient.0 };
    ask(app, who, key.id(&who.actor), work).await?;
    show(app, who, id)
}
