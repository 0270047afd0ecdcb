//! Users, workspaces, projects, members, plans, tokens, the audit log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::directory::audit::{AuditDocument, AuditParameters};
use kopeck_api::directory::people::{
    MemberDocument, MemberRequest, NamePatch, PlanDocument, PlanRequest, ProjectDocument, ProjectPatch,
    ProjectRequest, UserDocument, UserPatch, UserRequest, WorkspaceDocument, WorkspaceRequest,
};
use kopeck_api::directory::tokens::{NewTokenDocument, TokenDocument, TokenRequest};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::name::ProjectId;
use utoipa_axum::routes;

use super::{Named, NamedAnd};
use crate::app::{App, people};
use crate::http::{Answer, Body, By, Id, Query, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(create_user, list_users))
        .routes(routes!(read_user, change_user))
        .routes(routes!(create_workspace, list_workspaces))
        .routes(routes!(read_workspace, rename_workspace))
        .routes(routes!(create_project, list_projects))
        .routes(routes!(read_project, change_project))
        .routes(routes!(list_members))
        .routes(routes!(set_member))
        .routes(routes!(create_plan, list_plans))
        .routes(routes!(read_plan, change_plan))
        .routes(routes!(issue_token, list_tokens))
        .routes(routes!(read_token))
        .routes(routes!(revoke_token))
        .routes(routes!(audit))
}

/// Makes a user
#[utoipa::path(
    post, path = "/v1/users", tag = "people",
    request_body = UserRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = UserDocument))
)]
async fn create_user(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<UserRequest>,
) -> Answer<(StatusCode, Json<UserDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| people::create_user(app, &by, new)).await?)))
}

/// Those users that the token may see
#[utoipa::path(
    get, path = "/v1/users", tag = "people",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<UserDocument>))
)]
async fn list_users(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<UserDocument>>> {
    Ok(Json(app.blocking(move |app| people::list_users(app, &by, &query)).await?))
}

/// A user
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = UserDocument))
)]
async fn read_user(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<UserDocument>> {
    Ok(Json(app.blocking(move |app| people::read_user(app, &by, id)).await?))
}

/// Changes a user
#[utoipa::path(
    patch, path = "/v1/users/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    request_body = UserPatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = UserDocument))
)]
async fn change_user(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<UserPatch>,
) -> Answer<Json<UserDocument>> {
    Ok(Json(app.blocking(move |app| people::change_user(app, &by, id, new)).await?))
}

/// Makes a workspace
#[utoipa::path(
    post, path = "/v1/workspaces", tag = "people",
    request_body = WorkspaceRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = WorkspaceDocument))
)]
async fn create_workspace(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<WorkspaceRequest>,
) -> Answer<(StatusCode, Json<WorkspaceDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| people::create_workspace(app, &by, new)).await?)))
}

/// Those workspaces that the token may see
#[utoipa::path(
    get, path = "/v1/workspaces", tag = "people",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<WorkspaceDocument>))
)]
async fn list_workspaces(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<WorkspaceDocument>>> {
    Ok(Json(app.blocking(move |app| people::list_workspaces(app, &by, &query)).await?))
}

/// A workspace
#[utoipa::path(
    get, path = "/v1/workspaces/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = WorkspaceDocument))
)]
async fn read_workspace(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
) -> Answer<Json<WorkspaceDocument>> {
    Ok(Json(app.blocking(move |app| people::read_workspace(app, &by, id)).await?))
}

/// Changes a workspace
#[utoipa::path(
    patch, path = "/v1/workspaces/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    request_body = NamePatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = WorkspaceDocument))
)]
async fn rename_workspace(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<NamePatch>,
) -> Answer<Json<WorkspaceDocument>> {
    Ok(Json(app.blocking(move |app| people::rename_workspace(app, &by, id, new.name.0)).await?))
}

/// Makes a project
#[utoipa::path(
    post, path = "/v1/projects", tag = "people",
    request_body = ProjectRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "plan-limit-reached", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = ProjectDocument))
)]
async fn create_project(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<ProjectRequest>,
) -> Answer<(StatusCode, Json<ProjectDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| people::create_project(app, &by, new)).await?)))
}

/// Those projects that the token may see
#[utoipa::path(
    get, path = "/v1/projects", tag = "people",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<ProjectDocument>))
)]
async fn list_projects(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<ProjectDocument>>> {
    Ok(Json(app.blocking(move |app| people::list_projects(app, &by, &query)).await?))
}

/// A project
#[utoipa::path(
    get, path = "/v1/projects/{id}", tag = "people",
    params(("id" = String, Path)),
    responses((status = 200, description = "It", body = ProjectDocument))
)]
async fn read_project(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
) -> Answer<Json<ProjectDocument>> {
    Ok(Json(app.blocking(move |app| people::read_project(app, &by, &id)).await?))
}

/// Changes a project
#[utoipa::path(
    patch, path = "/v1/projects/{id}", tag = "people",
    params(("id" = String, Path)),
    request_body = ProjectPatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ProjectDocument))
)]
async fn change_project(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Body(new): Body<ProjectPatch>,
) -> Answer<Json<ProjectDocument>> {
    Ok(Json(app.blocking(move |app| people::change_project(app, &by, &id, new)).await?))
}

/// The members of a project
#[utoipa::path(
    get, path = "/v1/projects/{id}/members", tag = "people",
    params(("id" = String, Path), PageQuery),
    responses((status = 200, description = "It", body = Page<MemberDocument>))
)]
async fn list_members(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<MemberDocument>>> {
    Ok(Json(app.blocking(move |app| people::list_members(app, &by, &id, &query)).await?))
}

/// Says what a user is in a project
#[utoipa::path(
    put, path = "/v1/projects/{id}/members/{user}", tag = "people",
    params(("id" = String, Path), ("user" = Uuid, Path)),
    request_body = MemberRequest,
    extensions(("x-problems" = json!(["against-rules", "plan-limit-reached", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = MemberDocument))
)]
async fn set_member(
    State(app): State<Arc<App>>,
    By(by): By,
    NamedAnd(id, user): NamedAnd,
    Body(new): Body<MemberRequest>,
) -> Answer<Json<MemberDocument>> {
    Ok(Json(app.blocking(move |app| people::set_member(app, &by, (id, user), new)).await?))
}

/// Makes a plan
#[utoipa::path(
    post, path = "/v1/plans", tag = "people",
    request_body = PlanRequest,
    extensions(("x-problems" = json!(["exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = PlanDocument))
)]
async fn create_plan(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<PlanRequest>,
) -> Answer<(StatusCode, Json<PlanDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| people::create_plan(app, &by, &new)).await?)))
}

/// Those plans that the token may see
#[utoipa::path(
    get, path = "/v1/plans", tag = "people",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<PlanDocument>))
)]
async fn list_plans(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<PlanDocument>>> {
    Ok(Json(app.blocking(move |app| people::list_plans(app, &by, &query)).await?))
}

/// A plan
#[utoipa::path(
    get, path = "/v1/plans/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = PlanDocument))
)]
async fn read_plan(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<PlanDocument>> {
    Ok(Json(app.blocking(move |app| people::read_plan(app, &by, id)).await?))
}

/// Changes a plan
#[utoipa::path(
    put, path = "/v1/plans/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    request_body = PlanRequest,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = PlanDocument))
)]
async fn change_plan(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<PlanRequest>,
) -> Answer<Json<PlanDocument>> {
    Ok(Json(app.blocking(move |app| people::change_plan(app, &by, id, &new)).await?))
}

/// Issues a token; its secret is shown once
#[utoipa::path(
    post, path = "/v1/tokens", tag = "people",
    request_body = TokenRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = NewTokenDocument))
)]
async fn issue_token(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<TokenRequest>,
) -> Answer<(StatusCode, Json<NewTokenDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| people::issue_token(app, &by, new)).await?)))
}

/// Those tokens that the token might issue
#[utoipa::path(
    get, path = "/v1/tokens", tag = "people",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<TokenDocument>))
)]
async fn list_tokens(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<TokenDocument>>> {
    Ok(Json(app.blocking(move |app| people::list_tokens(app, &by, &query)).await?))
}

/// A token, without its secret
#[utoipa::path(
    get, path = "/v1/tokens/{id}", tag = "people",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = TokenDocument))
)]
async fn read_token(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<TokenDocument>> {
    Ok(Json(app.blocking(move |app| people::read_token(app, &by, id)).await?))
}

/// Ends a token
#[utoipa::path(
    post, path = "/v1/tokens/{id}/revoke", tag = "people",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = TokenDocument))
)]
async fn revoke_token(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<TokenDocument>> {
    Ok(Json(app.blocking(move |app| people::revoke_token(app, &by, id)).await?))
}

/// The audit log, newest first
#[utoipa::path(
    get, path = "/v1/audit", tag = "people",
    params(AuditParameters),
    extensions(("x-problems" = json!(["not-found"]))),
    responses((status = 200, description = "It", body = Page<AuditDocument>))
)]
async fn audit(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<AuditParameters>,
) -> Answer<Json<Page<AuditDocument>>> {
    Ok(Json(app.blocking(move |app| people::audit(app, &by, &query)).await?))
}
