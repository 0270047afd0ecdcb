//! Whether the server is alive and ready, and what it counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa_axum::routes;

use super::{Answer, Routes};
use crate::app::{App, health};
use crate::error::AppError;

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
#[utoipa::path(
    get, path = "/metrics", tag = "operation", security(()),
    responses((status = 200, description = "OpenMetrics 1.0", body = String,
        content_type = "application/openmetrics-text"))
)]
async fn metrics(State(app): State<Arc<App>>) -> Answer<Response> {
    let text = app.blocking(health::metrics).await?;
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

impl From<std::fmt::Error> for AppError {
    fn from(_: std::fmt::Error) -> AppError {
        AppError::Internal("a text could not be written".to_owned())
    }
}
