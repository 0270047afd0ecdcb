//! `/v1/unpriced`, `/v1/sources`, `/v1/clock`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kopeck_api::page::{Page, PageQuery};
use kopeck_api::reports::{SourceDocument, UnpricedDocument};
use kopeck_api::spend::MonthQuery;
use kopeck_api::time::{ClockDocument, NewTime};
use utoipa_axum::routes;

use super::{Answer, Body, Query, Routes, Who};
use crate::app::{App, reports, time};

/// The routes.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(unpriced)).routes(routes!(sources)).routes(routes!(now, advance))
}

/// Usage that no component prices, and what else could not be rated or posted
#[utoipa::path(
    get, path = "/v1/unpriced", tag = "usage", operation_id = "showUnpriced", params(MonthQuery),
    responses((status = 200, description = "What there is to know", body = UnpricedDocument))
)]
async fn unpriced(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Query(query): Query<MonthQuery>,
) -> Answer<Json<UnpricedDocument>> {
    Ok(Json(app.blocking(move |app| reports::unpriced(app, &who, query.month.as_deref())).await?))
}

/// What each source has sent: its last event, its delay, its silences
#[utoipa::path(
    get, path = "/v1/sources", tag = "usage", operation_id = "listSources", params(PageQuery),
    responses((status = 200, description = "A page of sources", body = Page<SourceDocument>))
)]
async fn sources(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<SourceDocument>>> {
    let page = app.blocking(move |app| reports::sources(app, &who, query.cursor.as_deref(), query.limit));
    Ok(Json(page.await?))
}

/// What time it is for the server
#[utoipa::path(
    get, path = "/v1/clock", tag = "operation", operation_id = "showClock",
    responses((status = 200, description = "The time", body = ClockDocument))
)]
async fn now(State(app): State<Arc<App>>, Who(_): Who) -> Answer<Json<ClockDocument>> {
    Ok(Json(time::show(&app)))
}

/// Sets a simulated clock, and does what is due until then
#[utoipa::path(
    post, path = "/v1/clock", tag = "operation", operation_id = "advanceClock", request_body = NewTime,
    extensions(("x-problems" = json!(["refused"]))),
    responses((status = 200, description = "The new time, when all is done", body = ClockDocument))
)]
async fn advance(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Body(new): Body<NewTime>,
) -> Answer<Json<ClockDocument>> {
    Ok(Json(time::advance(&app, &who, new.now.0).await?))
}
