//! What nodes ask each other about the shards that they have. Not part of the API: it may change with any version, and
//! nodes of an installation are of one version but while they are replaced.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use kopeck_api::directory::market::CleanUpDocument;
use kopeck_api::forms::{Label, Money};
use kopeck_api::reports::UnpricedDocument;
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::AccountId;
use kopeck_metering::placement::ShardNumber;
use kopeck_metering::sources::Sources;
use uuid::Uuid;

use super::Answer;
use super::body::LARGE_BODY_LIMIT_BYTES;
use super::problem::Failed;
use crate::app::{App, accrued, ingest, market, reports};
use crate::error::AppError;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/node/events/{shard}", post(events))
        .route("/node/accrued", post(accrued))
        .route("/node/unpriced", post(unpriced))
        .route("/node/sources", post(sources))
        .route("/node/clean-up", post(clean_up))
        // What one node has taken from a client must fit, with a line's end for each event.
        .layer(DefaultBodyLimit::max(2 * LARGE_BODY_LIMIT_BYTES))
}

/// A node of the installation. For everybody else there is nothing here.
struct Node;

impl FromRequestParts<Arc<App>> for Node {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Node, Failed> {
        let is_node = app.shards.peers().is_some_and(|peers| peers.are_asking(&parts.headers));
        let path = parts.uri.path().to_owned();
        if is_node { Ok(Node) } else { Err(Failed(AppError::NotFound { what: "route", id: path })) }
    }
}

/// Events of a shard, each on a line.
async fn events(
    _: Node,
    State(app): State<Arc<App>>,
    Path(shard): Path<u32>,
    lines: Bytes,
) -> Answer<Json<Vec<ingest::Fate>>> {
    Ok(Json(ingest::passed_on(&app, ShardNumber(shard), lines.into()).await?))
}

/// What a workspace has accrued.
async fn accrued(
    _: Node,
    State(app): State<Arc<App>>,
    Json(workspace): Json<Uuid>,
) -> Answer<Json<Vec<(Label, Money)>>> {
    app.refresh().await?;
    let accrued = app.blocking(move |app| accrued::here(app, AccountId(workspace))).await?;
    Ok(Json(accrued.into_iter().map(|(project, amount)| (Label(project), Money(amount))).collect()))
}

/// What is not priced in a month.
async fn unpriced(
    _: Node,
    State(app): State<Arc<App>>,
    Json(month): Json<Option<String>>,
) -> Answer<Json<UnpricedDocument>> {
    Ok(Json(app.blocking(move |app| reports::unpriced_here(app, month.as_deref())).await?))
}

/// What sources after a name have sent.
async fn sources(
    _: Node,
    State(app): State<Arc<App>>,
    Json((cursor, limit)): Json<(Option<String>, usize)>,
) -> Answer<Json<Sources>> {
    Ok(Json(app.blocking(move |app| Ok(reports::sources_here(app, cursor.as_deref(), limit))).await?))
}

/// A clean-up of a storage.
async fn clean_up(
    _: Node,
    State(app): State<Arc<App>>,
    Json((storage, id)): Json<(Uuid, Uuid)>,
) -> Answer<Json<CleanUpDocument>> {
    app.refresh().await?;
    Ok(Json(market::cleaned_here(&app, StorageId(storage), id).await?))
}
