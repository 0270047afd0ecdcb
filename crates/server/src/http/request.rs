//! What surrounds every request: its id, its line in the log, its share of the metrics, its problem in writing.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::problem;
use crate::app::App;

/// Names a request in answers and logs. A client may give one; otherwise it is made.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a client.
const LONGEST_ID: usize = 128;

/// Surrounds a request.
pub async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = id_of(&request);
    let method = name_of(request.method());
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let began = Instant::now();
    let span = tracing::info_span!("request", request_id = %id);
    app.metrics.in_flight.inc();
    let counted = Counted(Arc::clone(&app));
    let response = next.run(request).instrument(span.clone()).await;
    drop(counted);
    let mut response = problem::write(response, &id);
    let (took, status) = (began.elapsed(), response.status().as_u16());
    app.metrics.answered(method, &route, status, took);
    span.in_scope(|| {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(method, path, status, took_us, "answered");
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A request that is being answered; also one whose client has gone.
struct Counted(Arc<App>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}

/// The id that the client gave, where it can stand in a log, or a new one.
fn id_of(request: &Request) -> String {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let fits = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
    };
    given.filter(fits).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The name of a method that metrics may count: a client can not invent new ones.
fn name_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}
