//! APIs by key, and roles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::directory::asked::{
    ApiDocument, ApiPatch, ApiRequest, GrantDocument, GrantRequest, KeyDocument, KeyRequest, KeyStatistics,
    RoleDocument, RolePatch, RoleRequest, SecretDocument,
};
use kopeck_api::directory::prices::PriceRequest;
use kopeck_api::page::{Page, PageQuery};
use utoipa_axum::routes;

use super::PeriodQuery;
use crate::app::{App, keys};
use crate::http::{Answer, Body, By, Id, Query, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(create_api, list_apis))
        .routes(routes!(read_api, change_api))
        .routes(routes!(price_api))
        .routes(routes!(request_key, list_keys))
        .routes(routes!(read_key))
        .routes(routes!(approve_key))
        .routes(routes!(refuse_key))
        .routes(routes!(revoke_key))
        .routes(routes!(fetch_secret))
        .routes(routes!(key_statistics))
        .routes(routes!(create_role, list_roles))
        .routes(routes!(read_role, change_role))
        .routes(routes!(request_role, list_grants))
        .routes(routes!(read_grant))
        .routes(routes!(approve_role))
        .routes(routes!(refuse_role))
        .routes(routes!(revoke_role))
}

/// Offers an api
#[utoipa::path(
    post, path = "/v1/apis", tag = "keys",
    request_body = ApiRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = ApiDocument))
)]
async fn create_api(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<ApiRequest>,
) -> Answer<(StatusCode, Json<ApiDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| keys::create_api(app, &by, new)).await?)))
}

/// Those apis that the token may see
#[utoipa::path(
    get, path = "/v1/apis", tag = "keys",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<ApiDocument>))
)]
async fn list_apis(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<ApiDocument>>> {
    Ok(Json(app.blocking(move |app| keys::list_apis(app, &by, &query)).await?))
}

/// An api
#[utoipa::path(
    get, path = "/v1/apis/{id}", tag = "keys",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = ApiDocument))
)]
async fn read_api(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<ApiDocument>> {
    Ok(Json(app.blocking(move |app| keys::read_api(app, &by, id)).await?))
}

/// Changes an api
#[utoipa::path(
    patch, path = "/v1/apis/{id}", tag = "keys",
    params(("id" = Uuid, Path)),
    request_body = ApiPatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ApiDocument))
)]
async fn change_api(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<ApiPatch>,
) -> Answer<Json<ApiDocument>> {
    Ok(Json(app.blocking(move |app| keys::change_api(app, &by, id, new)).await?))
}

/// Announces the price of an API
#[utoipa::path(
    post, path = "/v1/apis/{id}/prices", tag = "keys",
    params(("id" = Uuid, Path)),
    request_body = PriceRequest,
    extensions(("x-problems" = json!(["against-rules", "notice-too-short", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ApiDocument))
)]
async fn price_api(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<PriceRequest>,
) -> Answer<Json<ApiDocument>> {
    Ok(Json(app.blocking(move |app| keys::price_api(app, &by, id, &new)).await?))
}

/// Asks for a key
#[utoipa::path(
    post, path = "/v1/api-keys", tag = "keys",
    request_body = KeyRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = KeyDocument))
)]
async fn request_key(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<KeyRequest>,
) -> Answer<(StatusCode, Json<KeyDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| keys::request_key(app, &by, new)).await?)))
}

/// Those keys that the token may see
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "keys",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<KeyDocument>))
)]
async fn list_keys(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<KeyDocument>>> {
    Ok(Json(app.blocking(move |app| keys::list_keys(app, &by, &query)).await?))
}

/// A key
#[utoipa::path(
    get, path = "/v1/api-keys/{id}", tag = "keys",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = KeyDocument))
)]
async fn read_key(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<KeyDocument>> {
    Ok(Json(app.blocking(move |app| keys::read_key(app, &by, id)).await?))
}

/// Approves a request for a key
#[utoipa::path(
    post, path = "/v1/api-keys/{id}/approve", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = KeyDocument))
)]
async fn approve_key(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<KeyDocument>> {
    Ok(Json(app.blocking(move |app| keys::decide_key(app, &by, id, true)).await?))
}

/// Refuses a request for a key
#[utoipa::path(
    post, path = "/v1/api-keys/{id}/refuse", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = KeyDocument))
)]
async fn refuse_key(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<KeyDocument>> {
    Ok(Json(app.blocking(move |app| keys::decide_key(app, &by, id, false)).await?))
}

/// Ends a key, or withdraws its request
#[utoipa::path(
    post, path = "/v1/api-keys/{id}/revoke", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = KeyDocument))
)]
async fn revoke_key(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<KeyDocument>> {
    Ok(Json(app.blocking(move |app| keys::revoke_key(app, &by, id)).await?))
}

/// Shows a key's secret to its user, once
#[utoipa::path(
    post, path = "/v1/api-keys/{id}/secret", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = SecretDocument))
)]
async fn fetch_secret(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
) -> Answer<(StatusCode, Json<SecretDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| keys::fetch_secret(app, &by, id)).await?)))
}

/// What came by a key in a period
#[utoipa::path(
    get, path = "/v1/api-keys/{id}/statistics", tag = "keys",
    params(("id" = Uuid, Path), PeriodQuery),
    responses((status = 200, description = "It", body = KeyStatistics))
)]
async fn key_statistics(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Query(query): Query<PeriodQuery>,
) -> Answer<Json<KeyStatistics>> {
    Ok(Json(app.blocking(move |app| keys::key_statistics(app, &by, id, query.period())).await?))
}

/// Makes a role
#[utoipa::path(
    post, path = "/v1/roles", tag = "keys",
    request_body = RoleRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = RoleDocument))
)]
async fn create_role(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<RoleRequest>,
) -> Answer<(StatusCode, Json<RoleDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| keys::create_role(app, &by, new)).await?)))
}

/// Those roles that the token may see
#[utoipa::path(
    get, path = "/v1/roles", tag = "keys",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<RoleDocument>))
)]
async fn list_roles(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<RoleDocument>>> {
    Ok(Json(app.blocking(move |app| keys::list_roles(app, &by, &query)).await?))
}

/// A role
#[utoipa::path(
    get, path = "/v1/roles/{id}", tag = "keys",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = RoleDocument))
)]
async fn read_role(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<RoleDocument>> {
    Ok(Json(app.blocking(move |app| keys::read_role(app, &by, id)).await?))
}

/// Changes a role
#[utoipa::path(
    patch, path = "/v1/roles/{id}", tag = "keys",
    params(("id" = Uuid, Path)),
    request_body = RolePatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = RoleDocument))
)]
async fn change_role(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<RolePatch>,
) -> Answer<Json<RoleDocument>> {
    Ok(Json(app.blocking(move |app| keys::change_role(app, &by, id, new)).await?))
}

/// Asks for a paid role
#[utoipa::path(
    post, path = "/v1/role-requests", tag = "keys",
    request_body = GrantRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = GrantDocument))
)]
async fn request_role(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<GrantRequest>,
) -> Answer<(StatusCode, Json<GrantDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| keys::request_role(app, &by, &new)).await?)))
}

/// Those requests for paid roles that the token may see
#[utoipa::path(
    get, path = "/v1/role-requests", tag = "keys",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<GrantDocument>))
)]
async fn list_grants(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<GrantDocument>>> {
    Ok(Json(app.blocking(move |app| keys::list_grants(app, &by, &query)).await?))
}

/// A request for a paid role
#[utoipa::path(
    get, path = "/v1/role-requests/{id}", tag = "keys",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = GrantDocument))
)]
async fn read_grant(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<GrantDocument>> {
    Ok(Json(app.blocking(move |app| keys::read_grant(app, &by, id)).await?))
}

/// Approves a request for a paid role
#[utoipa::path(
    post, path = "/v1/role-requests/{id}/approve", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = GrantDocument))
)]
async fn approve_role(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<GrantDocument>> {
    Ok(Json(app.blocking(move |app| keys::decide_role(app, &by, id, true)).await?))
}

/// Refuses a request for a paid role
#[utoipa::path(
    post, path = "/v1/role-requests/{id}/refuse", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = GrantDocument))
)]
async fn refuse_role(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<GrantDocument>> {
    Ok(Json(app.blocking(move |app| keys::decide_role(app, &by, id, false)).await?))
}

/// Ends a paid role, or withdraws its request
#[utoipa::path(
    post, path = "/v1/role-requests/{id}/revoke", tag = "keys",
    params(("id" = Uuid, Path)),
    extensions(("x-problems" = json!(["stands-elsewhere", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = GrantDocument))
)]
async fn revoke_role(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<GrantDocument>> {
    Ok(Json(app.blocking(move |app| keys::revoke_role(app, &by, id)).await?))
}
