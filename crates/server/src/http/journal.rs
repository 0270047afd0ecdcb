//! `/v1/ledger/verify` and `/v1/export`: reads of the whole journal, a few at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use kopeck_api::journal::{Table, TableQuery, Verification};
use utoipa_axum::routes;

use super::{Answer, Query, Routes, Who, streaming};
use crate::app::App;
use crate::app::journal::{self, Export};

/// The routes.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(verify)).routes(routes!(hledger)).routes(routes!(csv))
}

/// Checks the whole journal, the event log and the directory: hashes, invariants, and that they agree
#[utoipa::path(
    get, path = "/v1/ledger/verify", tag = "ledger", operation_id = "verifyLedger",
    extensions(("x-problems" = json!(["too-many-requests"]))),
    responses((status = 200, description = "What was found; `problem` is the first thing that is broken",
        body = Verification))
)]
async fn verify(State(app): State<Arc<App>>, Who(who): Who) -> Answer<Json<Verification>> {
    journal::may_read(&who)?;
    let place = app.long_read()?;
    let verified = app.blocking(journal::verify).await?;
    drop(place);
    Ok(Json(verified))
}

/// The journal for plain-text accounting, as hledger reads it
#[utoipa::path(
    get, path = "/v1/export/hledger", tag = "ledger", operation_id = "exportHledger",
    extensions(("x-problems" = json!(["too-many-requests"]))),
    responses((status = 200, description = "The journal", body = String, content_type = "text/plain"))
)]
async fn hledger(State(app): State<Arc<App>>, Who(who): Who) -> Answer<Response> {
    journal::may_read(&who)?;
    let body = streaming::export(&app, Export::Hledger)?;
    Ok(named(body, "text/plain; charset=utf-8", "attachment; filename=\"kopeck.journal\""))
}

/// A table of the ledger, for spreadsheets
#[utoipa::path(
    get, path = "/v1/export/csv", tag = "ledger", operation_id = "exportCsv", params(TableQuery),
    extensions(("x-problems" = json!(["too-many-requests"]))),
    responses((status = 200, description = "The table, with a row of headings", body = String,
        content_type = "text/csv"))
)]
async fn csv(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Query(query): Query<TableQuery>,
) -> Answer<Response> {
    journal::may_read(&who)?;
    let (what, name) = match query.table {
        Table::Accounts => (Export::Accounts, "attachment; filename=\"accounts.csv\""),
        Table::Transfers => (Export::Transfers, "attachment; filename=\"transfers.csv\""),
    };
    app.expire_due().await?;
    Ok(named(streaming::export(&app, what)?, "text/csv; charset=utf-8", name))
}

fn named(body: axum::body::Body, kind: &'static str, disposition: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], body).into_response()
}
