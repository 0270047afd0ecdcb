//! Limits, the order of stops, stops and notices.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use kopeck_api::limits::{
    LimitDocument, LimitRequest, LimitsDocument, NoticeDocument, StopDocument, StopRulesDocument,
};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::limit::{Holder, LimitKey};
use kopeck_directory::name::ProjectId;
use utoipa_axum::routes;

use super::{Named, bad_name, unreadable};
use crate::app::App;
use crate::app::limits::{self, of_workspace};
use crate::error::AppError;
use crate::http::problem::Failed;
use crate::http::{Answer, Body, By, Id, Query, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(set, list))
        .routes(routes!(remove))
        .routes(routes!(set_of_payer, list_of_payer))
        .routes(routes!(remove_of_payer))
        .routes(routes!(stop_rules, set_stop_rules))
        .routes(routes!(stops))
        .routes(routes!(notices))
        .routes(routes!(notices_of_payer))
}

/// A limit in a route's path, and whose it is.
#[derive(Debug)]
struct LimitOf<H>(H, LimitKey);

impl FromRequestParts<Arc<App>> for LimitOf<ProjectId> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<LimitOf<ProjectId>, Failed> {
        let (name, limit) = two(parts, app).await?;
        Ok(LimitOf(name.parse().map_err(|error| bad_name(&name, error))?, key(&limit)?))
    }
}

impl FromRequestParts<Arc<App>> for LimitOf<Id> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<LimitOf<Id>, Failed> {
        let (id, limit) = two(parts, app).await?;
        Ok(LimitOf(Id::read(&id)?, key(&limit)?))
    }
}

async fn two(parts: &mut Parts, app: &Arc<App>) -> Result<(String, String), Failed> {
    let path = Path::<(String, String)>::from_request_parts(parts, app).await;
    path.map(|Path(names)| names).map_err(|rejection| unreadable(rejection.body_text()))
}

fn key(text: &str) -> Result<LimitKey, Failed> {
    let wrong = |_| {
        AppError::invalid("limit", format!("{text:?} is no limit"), "`GET` of the limits lists their names")
    };
    text.parse().map_err(|error| Failed(wrong(error)))
}

/// Sets a limit of a project; a stop that it asks for is on its way when this is answered
#[utoipa::path(
    post, path = "/v1/projects/{id}/limits", tag = "guard", operation_id = "setLimit",
    params(("id" = String, Path)),
    request_body = LimitRequest,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "The limit, and what it comes to", body = LimitDocument))
)]
async fn set(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Body(new): Body<LimitRequest>,
) -> Answer<Json<LimitDocument>> {
    Ok(Json(limits::set(&app, by, Holder::Project(id), new).await?))
}

/// The limits of a project, and what each comes to now
#[utoipa::path(
    get, path = "/v1/projects/{id}/limits", tag = "guard", operation_id = "listLimits",
    params(("id" = String, Path)),
    responses((status = 200, description = "They", body = LimitsDocument))
)]
async fn list(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
) -> Answer<Json<LimitsDocument>> {
    Ok(Json(limits::list(&app, by, Holder::Project(id)).await?))
}

/// Ends a limit of a project
#[utoipa::path(
    delete, path = "/v1/projects/{id}/limits/{limit}", tag = "guard", operation_id = "removeLimit",
    params(("id" = String, Path), ("limit" = String, Path)),
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 204, description = "It limits nothing any more"))
)]
async fn remove(
    State(app): State<Arc<App>>,
    By(by): By,
    LimitOf(id, limit): LimitOf<ProjectId>,
) -> Answer<StatusCode> {
    limits::remove(&app, by, Holder::Project(id), limit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a limit of a payer, over all projects that the workspace pays for
#[utoipa::path(
    post, path = "/v1/workspaces/{id}/limits", tag = "guard", operation_id = "setPayerLimit",
    params(("id" = Uuid, Path)),
    request_body = LimitRequest,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "The limit, and what it comes to", body = LimitDocument))
)]
async fn set_of_payer(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<LimitRequest>,
) -> Answer<Json<LimitDocument>> {
    Ok(Json(limits::set(&app, by, of_workspace(id), new).await?))
}

/// The limits of a payer, and what each comes to now
#[utoipa::path(
    get, path = "/v1/workspaces/{id}/limits", tag = "guard", operation_id = "listPayerLimits",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "They", body = LimitsDocument))
)]
async fn list_of_payer(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<LimitsDocument>> {
    Ok(Json(limits::list(&app, by, of_workspace(id)).await?))
}

/// Ends a limit of a payer
#[utoipa::path(
    delete, path = "/v1/workspaces/{id}/limits/{limit}", tag = "guard", operation_id = "removePayerLimit",
    params(("id" = Uuid, Path), ("limit" = String, Path)),
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 204, description = "It limits nothing any more"))
)]
async fn remove_of_payer(
    State(app): State<Arc<App>>,
    By(by): By,
    LimitOf(Id(id), limit): LimitOf<Id>,
) -> Answer<StatusCode> {
    limits::remove(&app, by, of_workspace(id), limit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// In which order a project's resources are stopped
#[utoipa::path(
    get, path = "/v1/projects/{id}/stop-rules", tag = "guard", operation_id = "showStopRules",
    params(("id" = String, Path)),
    responses((status = 200, description = "The rules", body = StopRulesDocument))
)]
async fn stop_rules(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
) -> Answer<Json<StopRulesDocument>> {
    Ok(Json(limits::stop_rules(&app, &by, &id)?))
}

/// Says in which order a project's resources are stopped, and which of them last
#[utoipa::path(
    put, path = "/v1/projects/{id}/stop-rules", tag = "guard", operation_id = "setStopRules",
    params(("id" = String, Path)),
    request_body = StopRulesDocument,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "The rules", body = StopRulesDocument))
)]
async fn set_stop_rules(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Body(new): Body<StopRulesDocument>,
) -> Answer<Json<StopRulesDocument>> {
    Ok(Json(app.blocking(move |app| limits::set_stop_rules(app, &by, &id, new)).await?))
}

/// The stops of a project's resources, and what became of them
#[utoipa::path(
    get, path = "/v1/projects/{id}/stops", tag = "guard", operation_id = "listStops",
    params(("id" = String, Path), PageQuery),
    responses((status = 200, description = "In the order in which they were decided", body = Page<StopDocument>))
)]
async fn stops(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<StopDocument>>> {
    Ok(Json(app.blocking(move |app| limits::stops(app, &by, &id, &query)).await?))
}

/// What was told of a project's limits
#[utoipa::path(
    get, path = "/v1/projects/{id}/notices", tag = "guard", operation_id = "listNotices",
    params(("id" = String, Path), PageQuery),
    responses((status = 200, description = "Oldest first", body = Page<NoticeDocument>))
)]
async fn notices(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<NoticeDocument>>> {
    Ok(Json(app.blocking(move |app| limits::notices(app, &by, &Holder::Project(id), &query)).await?))
}

/// What was told of a payer's limits
#[utoipa::path(
    get, path = "/v1/workspaces/{id}/notices", tag = "guard", operation_id = "listPayerNotices",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "Oldest first", body = Page<NoticeDocument>))
)]
async fn notices_of_payer(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<NoticeDocument>>> {
    Ok(Json(app.blocking(move |app| limits::notices(app, &by, &of_workspace(id), &query)).await?))
}
