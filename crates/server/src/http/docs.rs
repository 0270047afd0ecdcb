//! `/openapi.json`, and a viewer for it that comes with the program.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;

/// The routes; they describe others and not themselves.
pub fn routes() -> Router<Arc<App>> {
    let viewer = SwaggerUi::new("/docs").config(Config::from("/openapi.json"));
    Router::new().route("/openapi.json", get(description)).merge(viewer)
}

async fn description() -> ([(axum::http::HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "application/json")], super::document())
}
