//! `/v1/projects/{id}/spend` and `/charges`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_core::Stream;
use kopeck_api::page::Page;
use kopeck_api::spend::{ChargeDocument, ExplanationDocument, MonthQuery, SpendDocument};
use utoipa_axum::routes;

use super::{Answer, Query, Routes, Who};
use crate::app::{App, spend};
use crate::auth::Principal;

/// Live values are sent at most so often, and at least so often while something runs.
const PULSE: Duration = Duration::from_secs(1);

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(show))
        .routes(routes!(stream))
        .routes(routes!(charges))
        .routes(routes!(explanation))
}

/// What a project has cost in a month up to now
#[utoipa::path(
    get, path = "/v1/projects/{id}/spend", tag = "usage", operation_id = "showSpend",
    params(("id" = String, Path, description = "The project"), MonthQuery),
    responses((status = 200, description = "What it has cost", body = SpendDocument))
)]
async fn show(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(project): Path<String>,
    Query(query): Query<MonthQuery>,
) -> Answer<Json<SpendDocument>> {
    Ok(Json(app.blocking(move |app| spend::show(app, &who, &project, query.month.as_deref())).await?))
}

/// The same, live: an event `spend` whenever it changes, as server-sent events
#[utoipa::path(
    get, path = "/v1/projects/{id}/spend/stream", tag = "usage", operation_id = "streamSpend",
    params(("id" = String, Path, description = "The project"), MonthQuery),
    responses((status = 200, description = "Events `spend`, each a spend document", body = String,
        content_type = "text/event-stream"))
)]
async fn stream(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(project): Path<String>,
    Query(query): Query<MonthQuery>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let asked = Asked { who, project, month: query.month };
    let first = asked.look(&app).await?;
    Ok(Sse::new(live(app, asked, first)).keep_alive(KeepAlive::default()))
}

/// Whose spend is followed.
struct Asked {
    who: Principal,
    project: String,
    month: Option<String>,
}

impl Asked {
    async fn look(&self, app: &Arc<App>) -> Answer<SpendDocument> {
        let (who, project, month) = (self.who.clone(), self.project.clone(), self.month.clone());
        Ok(app.blocking(move |app| spend::show(app, &who, &project, month.as_deref())).await?)
    }
}

/// The first document, then each that differs from the one before, until the server stops or they may not see it.
fn live(app: Arc<App>, asked: Asked, first: SpendDocument) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        yield Ok(written(&first));
        let mut known = first;
        while !app.stop.has_begun() {
            tokio::select! {
                () = tokio::time::sleep(PULSE) => {}
                () = app.stop.begun() => break,
            }
            let Ok(now) = asked.look(&app).await else { break };
            let is_same = SpendDocument { at: known.at.clone(), ..now.clone() } == known;
            if !is_same {
                yield Ok(written(&now));
                known = now;
            }
        }
    }
}

fn written(document: &SpendDocument) -> Event {
    // A document of texts is always written.
    Event::default().event("spend").json_data(document).unwrap_or_default()
}

/// The charges of a project in a month up to now
#[utoipa::path(
    get, path = "/v1/projects/{id}/charges", tag = "usage", operation_id = "listCharges",
    params(("id" = String, Path, description = "The project"), ChargesQuery),
    responses((status = 200, description = "A page of charges", body = Page<ChargeDocument>))
)]
async fn charges(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(project): Path<String>,
    Query(query): Query<ChargesQuery>,
) -> Answer<Json<Page<ChargeDocument>>> {
    let page = app.blocking(move |app| {
        let which = (query.month.as_deref(), query.cursor.as_deref(), query.limit);
        spend::charges(app, &who, &project, which)
    });
    Ok(Json(page.await?))
}

/// The intervals, events and price behind a charge
#[utoipa::path(
    get, path = "/v1/projects/{id}/charges/{key}/explain", tag = "usage", operation_id = "explainCharge",
    params(
        ("id" = String, Path, description = "The project"),
        ("key" = String, Path, description = "The charge's key, as the list gives it"),
    ),
    responses((status = 200, description = "Why it is what it is", body = ExplanationDocument))
)]
async fn explanation(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path((project, key)): Path<(String, String)>,
) -> Answer<Json<ExplanationDocument>> {
    Ok(Json(app.blocking(move |app| spend::explanation(app, &who, &project, &key)).await?))
}

/// Which charges
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChargesQuery {
    /// The local month, such as `2026-10`; left out, the one that it is now
    month: Option<String>,
    /// The `next` of the page before; left out for the first
    cursor: Option<String>,
    /// The most items of the page, 1 to 1,000
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}
