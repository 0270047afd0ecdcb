//! Requests about a project or a payer go to the node that meters and guards it, whichever node they were sent to.

use std::sync::Arc;

use axum::RequestExt;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kopeck_directory::name::WorkspaceId;
use kopeck_metering::placement::ShardNumber;

use super::problem::Failed;
use super::who::client_of;
use crate::app::App;
use crate::error::AppError;
use crate::shards::Place;

/// The routes about one project or workspace, as `id`, that need what its shard knows.
const ROUTES: [&str; 11] = [
    "/v1/projects/{id}/spend",
    "/v1/projects/{id}/spend/stream",
    "/v1/projects/{id}/charges",
    "/v1/projects/{id}/charges/{key}/explain",
    "/v1/projects/{id}/limits",
    "/v1/projects/{id}/limits/{limit}",
    "/v1/projects/{id}/stops",
    "/v1/projects/{id}/notices",
    "/v1/workspaces/{id}/limits",
    "/v1/workspaces/{id}/limits/{limit}",
    "/v1/workspaces/{id}/notices",
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
    let route = ROUTES.into_iter().find(|known| *known == route.as_str())?;
    let parameters = request.extract_parts::<RawPathParams>().await.ok()?;
    let (_, id) = parameters.iter().find(|(name, _)| *name == "id")?;
    if route.starts_with("/v1/workspaces/") {
        let workspace = id.parse().ok()?;
        return Some(app.shards.placement().home_of(WorkspaceId(workspace)));
    }
    // What does not exist is told here.
    let directory = app.directory.snapshot();
    directory.project(id).map(|project| app.shards.placement().of(project))
}

async fn pass_on(app: &App, shard: ShardNumber, request: Request) -> Result<Passed, AppError> {
    let peers = app.shards.peers().ok_or(AppError::Moving)?;
    let client = client_of(request.headers(), request.extensions(), app);
    let again = again(&request);
    match app.shards.place(shard).await? {
        Place::Here(_) => Ok(Passed::Here(request)),
        // One that was passed on already has met a node that saw the shard move later than the other.
        Place::There(_) if peers.are_asking(request.headers()) => Err(AppError::Moving),
        Place::There(node) => match (peers.pass_on(&node, client.clone(), request).await, again) {
            (Err(AppError::Moving), Some(again)) => {
                app.shards.wait_while(shard, &node).await;
                match app.shards.place(shard).await? {
                    Place::Here(_) => Ok(Passed::Here(again)),
                    Place::There(node) => Ok(Passed::On(peers.pass_on(&node, client, again).await?)),
                }
            }
            (passed, _) => Ok(Passed::On(passed?)),
        },
    }
}

/// The same request for another try, where nothing but its head was sent.
fn again(request: &Request) -> Option<Request> {
    if !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    (*again.method_mut(), *again.uri_mut()) = (request.method().clone(), request.uri().clone());
    (*again.headers_mut(), *again.extensions_mut()) =
        (request.headers().clone(), request.extensions().clone());
    Some(again)
}
