//! Whether the server is alive and ready, and what it counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use utoipa_axum::routes;

use super::{Answer, Routes};
use crate::app::{App, health};
use crate::error::AppError;
use crate::metrics::in_older_format;

/// The routes.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(alive)).routes(routes!(ready)).routes(routes!(metrics))
}

/// Whether the process answers
#[utoipa::path(
    get, path = "/healthz", tag = "operation", security(()),
    responses((status = 200, description = "It does", body = String, content_type = "text/plain"))
)]
async fn alive() -> &'static str {
    "alive\n"
}

/// Whether it can do its work: the store answers and the server is not stopping
#[utoipa::path(
    get, path = "/readyz", tag = "operation", security(()),
    extensions(("x-problems" = json!(["unavailable"]))),
    responses((status = 200, description = "It can", body = String, content_type = "text/plain"))
)]
async fn ready(State(app): State<Arc<App>>) -> Answer<&'static str> {
    app.blocking(health::ready).await?;
    Ok("ready\n")
}

/// What is counted, as OpenMetrics
///
/// Whoever accepts nothing but `text/plain` gets Prometheus' older format.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", security(()),
    responses((status = 200, description = "OpenMetrics 1.0", body = String,
        content_type = "application/openmetrics-text"))
)]
async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer<Response> {
    let text = app.blocking(health::metrics).await?;
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or("*/*");
    let wants_older = accepted.split(',').all(|kind| kind.trim_start().starts_with("text/plain"));
    if wants_older {
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        return Ok(([(CONTENT_TYPE, kind)], in_older_format(&text)).into_response());
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

impl From<std::fmt::Error> for AppError {
    fn from(_: std::fmt::Error) -> AppError {
        AppError::Internal("a text could not be written".to_owned())
    }
}
