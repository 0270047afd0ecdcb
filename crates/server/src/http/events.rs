//! `/v1/events`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use kopeck_api::events::Ingested;
use kopeck_metering::body::Form;
use utoipa_axum::routes;

use super::body::{LARGE_BODY_LIMIT_BYTES, must_be, receive};
use super::{Answer, Routes, Who};
use crate::app::{App, ingest};

/// The media types of events, and how they are written.
const FORMS: [(&str, Form); 5] = [
    ("application/cloudevents+json", Form::One),
    ("application/cloudevents-batch+json", Form::Array),
    ("application/x-ndjson", Form::Lines),
    ("application/jsonl", Form::Lines),
    ("application/json", Form::Array),
];

/// The routes.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(send))
}

/// Sends usage events: one, an array, or JSON lines
///
/// Answered when they are durable. A refused event does not block its neighbours. Up to 16 MiB, also as gzip or zstd.
#[utoipa::path(
    post, path = "/v1/events", tag = "usage", operation_id = "sendEvents",
    request_body(content(
        (serde_json::Value = "application/cloudevents+json"),
        (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
        (String = "application/x-ndjson"),
    ), description = "CloudEvents 1.0, as rating.md says"),
    extensions(("x-problems" = json!(["too-many-requests", "outcome-unknown"]))),
    responses((status = 200, description = "What became of each, durable", body = Ingested))
)]
async fn send(State(app): State<Arc<App>>, Who(who): Who, request: Request) -> Answer<Json<Ingested>> {
    let headers = request.headers();
    must_be(&FORMS.map(|(name, _)| name), headers)?;
    let given = headers.get(CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let found = FORMS.iter().find(|(name, _)| essence.eq_ignore_ascii_case(name));
    let form = found.map_or(Form::Lines, |(_, form)| *form);
    let mut packed = receive(request, &app, LARGE_BODY_LIMIT_BYTES).await?;
    // Kept until the events are logged, which is when their text is let go.
    let _room = packed.room.take();
    let unpack = move || Ok(Vec::from(packed.unpack()?));
    Ok(Json(ingest::ingest(&app, &who, form, unpack).await?))
}
