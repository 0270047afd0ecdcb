//! `/v1/holds`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold};
use kopeck_api::transaction::TransactionDocument;
use utoipa_axum::routes;

use super::key::Named;
use super::{Answer, Body, Id, Routes, Who};
use crate::app::{App, holds};

/// The routes.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(create)).routes(routes!(show)).routes(routes!(post)).routes(routes!(release))
}

/// Sets money aside until an instant
///
/// The hold's id is the Idempotency-Key's.
#[utoipa::path(
    post, path = "/v1/holds", tag = "ledger", operation_id = "createHold", request_body = NewHold,
    params(("Idempotency-Key" = String, Header, description = "A UUID, or any text that is used once")),
    extensions(("x-problems" = json!([
        "limit-reached",
        "idempotency-key-missing", "idempotency-key-reused", "insufficient-funds", "refused", "outcome-unknown"
    ]))),
    responses((status = 201, description = "It is set aside", body = HoldDocument))
)]
async fn create(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Named(key): Named,
    Body(new): Body<NewHold>,
) -> Answer<(StatusCode, Json<HoldDocument>)> {
    Ok((StatusCode::CREATED, Json(holds::create(&app, &who, &key, new).await?)))
}

/// A hold, and what became of it
#[utoipa::path(
    get, path = "/v1/holds/{id}", tag = "ledger", operation_id = "showHold",
    params(("id" = Uuid, Path, description = "The hold")),
    responses((status = 200, description = "What became of it", body = HoldDocument))
)]
async fn show(State(app): State<Arc<App>>, Who(who): Who, Id(id): Id) -> Answer<Json<HoldDocument>> {
    app.expire_due().await?;
    Ok(Json(app.blocking(move |app| holds::show(app, &who, id)).await?))
}

/// Pays from a hold: to an account, or out to the bank
#[utoipa::path(
    post, path = "/v1/holds/{id}/post", tag = "ledger", operation_id = "postHold", request_body = HoldPayment,
    params(
        ("id" = Uuid, Path, description = "The hold"),
        ("Idempotency-Key" = String, Header, description = "A UUID, or any text that is used once"),
    ),
    extensions(("x-problems" = json!([
        "idempotency-key-missing", "idempotency-key-reused", "insufficient-funds", "hold-ended", "hold-exceeded",
        "refused", "outcome-unknown"
    ]))),
    responses((status = 201, description = "It is posted", body = TransactionDocument))
)]
async fn post(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Id(id): Id,
    Named(key): Named,
    Body(payment): Body<HoldPayment>,
) -> Answer<(StatusCode, Json<TransactionDocument>)> {
    Ok((StatusCode::CREATED, Json(holds::post(&app, &who, &key, (id, payment)).await?)))
}

/// Gives back what is left of a hold
#[utoipa::path(
    post, path = "/v1/holds/{id}/release", tag = "ledger", operation_id = "releaseHold",
    params(
        ("id" = Uuid, Path, description = "The hold"),
        ("Idempotency-Key" = String, Header, description = "A UUID, or any text that is used once"),
    ),
    extensions(("x-problems" = json!([
        "idempotency-key-missing", "idempotency-key-reused", "hold-ended", "refused", "outcome-unknown"
    ]))),
    responses((status = 200, description = "It is given back", body = HoldDocument))
)]
async fn release(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Id(id): Id,
    Named(key): Named,
) -> Answer<Json<HoldDocument>> {
    Ok(Json(holds::release(&app, &who, &key, id).await?))
}
