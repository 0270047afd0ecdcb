//! Requests about a project go to the node that meters it, whichever node they were sent to.

use std::sync::Arc;

use axum::RequestExt;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kopeck_metering::placement::ShardNumber;

use super::problem::Failed;
use super::who::client_of;
use crate::app::App;
use crate::error::AppError;
use crate::shards::Place;

/// The routes about one project, as `id`, that need what its meters know.
const ROUTES: [&str; 4] = [
    "/v1/projects/{id}/spend",
    "/v1/projects/{id}/spend/stream",
    "/v1/projects/{id}/charges",
    "/v1/projects/{id}/charges/{key}/explain",
];

/// Passes a request on where the project that it is about is metered elsewhere.
pub async fn to_owner(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(shard) = shard_of(&app, &mut request).await else { return next.run(request).await };
    match pass_on(&app, shard, request).await {
        Ok(Passed::On(response)) => response,
        Ok(Passed::Here(request)) => next.run(request).await,
        Err(error) => Failed(error).into_response(),
    }
}

/// What became of a request.
enum Passed {
    On(Response),
    Here(Request),
}

/// The shard that a request is about; none where any node can answer it.
async fn shard_of(app: &App, request: &mut Request) -> Option<ShardNumber> {
    app.shards.peers()?;
    let route = request.extensions().get::<MatchedPath>()?;
    if !ROUTES.contains(&route.as_str()) {
        return None;
    }
    let parameters = request.extract_parts::<RawPathParams>().await.ok()?;
    let (_, id) = parameters.iter().find(|(name, _)| *name == "id")?;
    // What does not exist is told here.
    let directory = app.directory.snapshot();
    directory.project(id).map(|project| app.shards.placement().of(project))
}

async fn pass_on(app: &App, shard: ShardNumber, request: Request) -> Result<Passed, AppError> {
    let peers = app.shards.peers().ok_or(AppError::Moving)?;
    match app.shards.place(shard).await? {
        Place::Here(_) => Ok(Passed::Here(request)),
        // One that was passed on already has met a node that saw the shard move later than the other.
        Place::There(_) if peers.are_asking(request.headers()) => Err(AppError::Moving),
        Place::There(node) => {
            let client = client_of(request.headers(), request.extensions(), app);
            Ok(Passed::On(peers.pass_on(&node, client, request).await?))
        }
    }
}
