//! `/v1/accounts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::account::{
    AccountAnswer, AccountDocument, AccountsQuery, AsOfQuery, NewAccount, NewCoefficient, NewCreditLimit,
};
use kopeck_api::page::Page;
use kopeck_api::statement::{StatementDocument, StatementQuery};
use utoipa_axum::routes;

use super::key::Named;
use super::{Answer, Body, Id, Query, Routes, Who};
use crate::app::{App, accounts};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, open))
        .routes(routes!(show))
        .routes(routes!(statement))
        .routes(routes!(set_credit_limit))
        .routes(routes!(set_coefficient))
}

/// Opens an account
///
/// Its id is the Idempotency-Key's. Sent again it answers with the account as it is now.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "ledger", operation_id = "openAccount", request_body = NewAccount,
    params(("Idempotency-Key" = String, Header, description = "A UUID, or any text that is used once")),
    extensions(("x-problems" =
        json!(["idempotency-key-missing", "idempotency-key-reused", "exists", "refused", "outcome-unknown"]))),
    responses((status = 201, description = "It is open", body = AccountDocument))
)]
async fn open(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Named(key): Named,
    Body(new): Body<NewAccount>,
) -> Answer<(StatusCode, Json<AccountDocument>)> {
    Ok((StatusCode::CREATED, Json(accounts::open(&app, &who, &key, new).await?)))
}

/// Lists accounts in the order of their opening
#[utoipa::path(
    get, path = "/v1/accounts", tag = "ledger", operation_id = "listAccounts", params(AccountsQuery),
    responses((status = 200, description = "A page", body = Page<AccountDocument>))
)]
async fn list(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Query(query): Query<AccountsQuery>,
) -> Answer<Json<Page<AccountDocument>>> {
    app.expire_due().await?;
    Ok(Json(app.blocking(move |app| accounts::list(app, &who, &query)).await?))
}

/// What an account has now, or had at an instant
#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "ledger", operation_id = "showAccount",
    params(("id" = Uuid, Path, description = "The account"), AsOfQuery),
    responses((status = 200, description = "What it has or had", body = AccountAnswer))
)]
async fn show(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Id(id): Id,
    Query(query): Query<AsOfQuery>,
) -> Answer<Json<AccountAnswer>> {
    app.expire_due().await?;
    if query.as_of.is_none() {
        return Ok(Json(accounts::balance(&app, &who, id, None)?));
    }
    Ok(Json(app.blocking(move |app| accounts::balance(app, &who, id, query.as_of.as_ref())).await?))
}

/// What happened on an account in a period of its local days
///
/// Opening and closing balances, income and expense by type, and the lines: raw and paged, or grouped.
#[utoipa::path(
    get, path = "/v1/accounts/{id}/statement", tag = "ledger", operation_id = "showStatement",
    params(("id" = Uuid, Path, description = "The account"), StatementQuery),
    responses((status = 200, description = "The statement", body = StatementDocument))
)]
async fn statement(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Id(id): Id,
    Query(query): Query<StatementQuery>,
) -> Answer<Json<StatementDocument>> {
    Ok(Json(app.blocking(move |app| accounts::statement(app, &who, id, &query)).await?))
}

/// Says how far below zero an account may go, from now on
#[utoipa::path(
    put, path = "/v1/accounts/{id}/credit-limit", tag = "ledger", operation_id = "setCreditLimit",
    request_body = NewCreditLimit,
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("Idempotency-Key" = String, Header, description = "A UUID, or any text that is used once"),
    ),
    extensions(("x-problems" =
        json!(["idempotency-key-missing", "idempotency-key-reused", "refused", "outcome-unknown"]))),
    responses((status = 200, description = "The account as it is now", body = AccountDocument))
)]
async fn set_credit_limit(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Id(id): Id,
    Named(key): Named,
    Body(new): Body<NewCreditLimit>,
) -> Answer<Json<AccountDocument>> {
    Ok(Json(accounts::set_credit_limit(&app, &who, &key, (id, new)).await?))
}

/// Says the plan's cost coefficient of a workspace, storage or executor, from now on
#[utoipa::path(
    put, path = "/v1/accounts/{id}/coefficient", tag = "ledger", operation_id = "setCoefficient",
    request_body = NewCoefficient,
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("Idempotency-Key" = String, Header, description = "A UUID, or any text that is used once"),
    ),
    extensions(("x-problems" =
        json!(["idempotency-key-missing", "idempotency-key-reused", "refused", "outcome-unknown"]))),
    responses((status = 200, description = "The account as it is now", body = AccountDocument))
)]
async fn set_coefficient(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Id(id): Id,
    Named(key): Named,
    Body(new): Body<NewCoefficient>,
) -> Answer<Json<AccountDocument>> {
    Ok(Json(accounts::set_coefficient(&app, &who, &key, (id, new)).await?))
}
