//! Price books, versions, contracts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::directory::prices::{
    AnnouncementDocument, BookDocument, BookVersions, ContractDocument, ContractRequest,
};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::name::{BookId, ProjectId};
use utoipa_axum::routes;

use super::{DryRun, Named, NamedAnd, Toml};
use crate::app::{App, prices};
use crate::http::{Answer, Body, By, Query, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(create_book, list_books))
        .routes(routes!(read_versions, announce))
        .routes(routes!(list_contracts))
        .routes(routes!(set_contract))
}

/// Makes a price book of its TOML
#[utoipa::path(
    post, path = "/v1/price-books", tag = "market",
    params(DryRun),
    request_body(content = String, content_type = "application/toml"),
    extensions(("x-problems" = json!(["exists", "against-rules", "notice-too-short", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = AnnouncementDocument))
)]
async fn create_book(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<DryRun>,
    Toml(text): Toml,
) -> Answer<(StatusCode, Json<AnnouncementDocument>)> {
    let status = if query.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((
        status,
        Json(app.blocking(move |app| prices::announce(app, &by, (None, text), query.dry_run)).await?),
    ))
}

/// Those price books that the token may see
#[utoipa::path(
    get, path = "/v1/price-books", tag = "market",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<BookDocument>))
)]
async fn list_books(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<BookDocument>>> {
    Ok(Json(app.blocking(move |app| prices::list_books(app, &by, &query)).await?))
}

/// A price book with its versions
#[utoipa::path(
    get, path = "/v1/price-books/{id}/versions", tag = "market",
    params(("id" = String, Path)),
    responses((status = 200, description = "It", body = BookVersions))
)]
async fn read_versions(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<BookId>,
) -> Answer<Json<BookVersions>> {
    Ok(Json(app.blocking(move |app| prices::read_versions(app, &by, &id)).await?))
}

/// Announces a version, or edits one before its effect; a dry run tells its effect on last month
#[utoipa::path(
    post, path = "/v1/price-books/{id}/versions", tag = "market",
    params(("id" = String, Path), DryRun),
    request_body(content = String, content_type = "application/toml"),
    extensions(("x-problems" = json!(["against-rules", "notice-too-short", "outcome-unknown", "too-many-requests"]))),
    responses((status = 201, description = "What was made", body = AnnouncementDocument))
)]
async fn announce(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<BookId>,
    Query(query): Query<DryRun>,
    Toml(text): Toml,
) -> Answer<(StatusCode, Json<AnnouncementDocument>)> {
    let status = if query.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((
        status,
        Json(app.blocking(move |app| prices::announce(app, &by, (Some(id), text), query.dry_run)).await?),
    ))
}

/// A project's own prices
#[utoipa::path(
    get, path = "/v1/projects/{id}/contracts", tag = "market",
    params(("id" = String, Path), PageQuery),
    responses((status = 200, description = "It", body = Page<ContractDocument>))
)]
async fn list_contracts(
    State(app): State<Arc<App>>,
    By(by): By,
    Named(id): Named<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<ContractDocument>>> {
    Ok(Json(app.blocking(move |app| prices::list_contracts(app, &by, &id, &query)).await?))
}

/// Agrees a project's own prices at a provider
#[utoipa::path(
    put, path = "/v1/projects/{id}/contracts/{provider}", tag = "market",
    params(("id" = String, Path), ("provider" = Uuid, Path)),
    request_body = ContractRequest,
    extensions(("x-problems" = json!(["against-rules", "notice-too-short", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ContractDocument))
)]
async fn set_contract(
    State(app): State<Arc<App>>,
    By(by): By,
    NamedAnd(id, provider): NamedAnd,
    Body(new): Body<ContractRequest>,
) -> Answer<Json<ContractDocument>> {
    Ok(Json(app.blocking(move |app| prices::set_contract(app, &by, (id, provider), new)).await?))
}
