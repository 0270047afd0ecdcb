//! `/v1/transactions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::transaction::{NewTransactions, Posted, TransactionDocument, TransactionResults};
use utoipa_axum::routes;

use super::key::Named;
use super::{Answer, Id, LargeBody, Routes, Who};
use crate::app::{App, transactions};

/// The routes.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(post)).routes(routes!(show))
}

/// Posts a transaction, or up to 8,190 in their order, each with its own result
///
/// A transaction is named by its `id`, or else by the Idempotency-Key; in a list the key and the place name it. Sent
/// again it answers with the first result. One that was refused for lack of money stays refused.
#[utoipa::path(
    post, path = "/v1/transactions", tag = "ledger", operation_id = "postTransactions",
    request_body = NewTransactions,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A UUID, or any text that is used once; needed where a transaction has no `id`")),
    extensions(("x-problems" = json!([
        "idempotency-key-missing", "idempotency-key-reused", "insufficient-funds", "hold-ended", "hold-exceeded",
        "already-put-right", "refused", "outcome-unknown"
    ]))),
    responses(
        (status = 201, description = "One was sent, and is posted", body = TransactionDocument),
        (status = 200, description = "Several were sent: what came of each", body = TransactionResults),
    )
)]
async fn post(
    State(app): State<Arc<App>>,
    Who(who): Who,
    key: Option<Named>,
    LargeBody(new): LargeBody<NewTransactions>,
) -> Answer<(StatusCode, Json<Posted>)> {
    let posted = transactions::post(&app, &who, key.as_ref().map(|Named(key)| key), new).await?;
    let status = match posted {
        Posted::One(_) => StatusCode::CREATED,
        Posted::Several(_) => StatusCode::OK,
    };
    Ok((status, Json(posted)))
}

/// A transaction by its id
#[utoipa::path(
    get, path = "/v1/transactions/{id}", tag = "ledger", operation_id = "showTransaction",
    params(("id" = Uuid, Path, description = "The transaction")),
    responses((status = 200, description = "What it moved", body = TransactionDocument))
)]
async fn show(State(app): State<Arc<App>>, Who(who): Who, Id(id): Id) -> Answer<Json<TransactionDocument>> {
    Ok(Json(app.blocking(move |app| transactions::show(app, &who, id)).await?))
}
