//! Providers, sources, executors, storages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopeck_api::directory::market::{
    CleanUpDocument, CleanUpRequest, ExecutorDocument, ExecutorPatch, ExecutorRequest, ProviderDocument,
    ProviderRequest, SourceDocument, SourceRequest, StorageDocument, StoragePatch, StorageRequest,
};
use kopeck_api::directory::prices::{ExecutorPricesRequest, PriceRequest};
use kopeck_api::page::{Page, PageQuery};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::{App, market};
use crate::http::{Answer, Body, By, Id, Query, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(create_provider, list_providers))
        .routes(routes!(read_provider, change_provider))
        .routes(routes!(list_sources, assign_source))
        .routes(routes!(create_executor, list_executors))
        .routes(routes!(read_executor, change_executor))
        .routes(routes!(price_executor))
        .routes(routes!(create_storage, list_storages))
        .routes(routes!(read_storage, change_storage))
        .routes(routes!(price_storage))
        .routes(routes!(clean_up))
}

/// Makes a provider
#[utoipa::path(
    post, path = "/v1/providers", tag = "market",
    request_body = ProviderRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = ProviderDocument))
)]
async fn create_provider(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<ProviderRequest>,
) -> Answer<(StatusCode, Json<ProviderDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| market::create_provider(app, &by, &new)).await?)))
}

/// Those providers that the token may see
#[utoipa::path(
    get, path = "/v1/providers", tag = "market",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<ProviderDocument>))
)]
async fn list_providers(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<ProviderDocument>>> {
    Ok(Json(app.blocking(move |app| market::list_providers(app, &by, &query)).await?))
}

/// A provider
#[utoipa::path(
    get, path = "/v1/providers/{id}", tag = "market",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = ProviderDocument))
)]
async fn read_provider(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
) -> Answer<Json<ProviderDocument>> {
    Ok(Json(app.blocking(move |app| market::read_provider(app, &by, id)).await?))
}

/// Changes a provider
#[utoipa::path(
    put, path = "/v1/providers/{id}", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = ProviderRequest,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ProviderDocument))
)]
async fn change_provider(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<ProviderRequest>,
) -> Answer<Json<ProviderDocument>> {
    Ok(Json(app.blocking(move |app| market::change_provider(app, &by, id, &new)).await?))
}

/// The sources that are a provider's, or were
#[utoipa::path(
    get, path = "/v1/providers/{id}/sources", tag = "market",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "It", body = Page<SourceDocument>))
)]
async fn list_sources(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<SourceDocument>>> {
    Ok(Json(app.blocking(move |app| market::list_sources(app, &by, id, &query)).await?))
}

/// Says that sources are a provider's
#[utoipa::path(
    post, path = "/v1/providers/{id}/sources", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = SourceRequest,
    extensions(("x-problems" = json!(["exists", "against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = SourceDocument))
)]
async fn assign_source(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<SourceRequest>,
) -> Answer<Json<SourceDocument>> {
    Ok(Json(app.blocking(move |app| market::assign_source(app, &by, id, new)).await?))
}

/// Adds an executor
#[utoipa::path(
    post, path = "/v1/executors", tag = "market",
    request_body = ExecutorRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "plan-limit-reached", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = ExecutorDocument))
)]
async fn create_executor(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<ExecutorRequest>,
) -> Answer<(StatusCode, Json<ExecutorDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| market::create_executor(app, &by, new)).await?)))
}

/// Those executors that the token may see
#[utoipa::path(
    get, path = "/v1/executors", tag = "market",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<ExecutorDocument>))
)]
async fn list_executors(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<ExecutorDocument>>> {
    Ok(Json(app.blocking(move |app| market::list_executors(app, &by, &query)).await?))
}

/// An executor
#[utoipa::path(
    get, path = "/v1/executors/{id}", tag = "market",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = ExecutorDocument))
)]
async fn read_executor(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
) -> Answer<Json<ExecutorDocument>> {
    Ok(Json(app.blocking(move |app| market::read_executor(app, &by, id)).await?))
}

/// Changes an executor
#[utoipa::path(
    patch, path = "/v1/executors/{id}", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = ExecutorPatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ExecutorDocument))
)]
async fn change_executor(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<ExecutorPatch>,
) -> Answer<Json<ExecutorDocument>> {
    Ok(Json(app.blocking(move |app| market::change_executor(app, &by, id, new)).await?))
}

/// Announces prices of an executor
#[utoipa::path(
    post, path = "/v1/executors/{id}/prices", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = ExecutorPricesRequest,
    extensions(("x-problems" = json!(["against-rules", "notice-too-short", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = ExecutorDocument))
)]
async fn price_executor(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<ExecutorPricesRequest>,
) -> Answer<Json<ExecutorDocument>> {
    Ok(Json(app.blocking(move |app| market::price_executor(app, &by, id, &new)).await?))
}

/// Adds a storage
#[utoipa::path(
    post, path = "/v1/storages", tag = "market",
    request_body = StorageRequest,
    extensions(("x-problems" = json!(["not-found", "exists", "against-rules", "plan-limit-reached", "outcome-unknown"]))),
    responses((status = 201, description = "What was made", body = StorageDocument))
)]
async fn create_storage(
    State(app): State<Arc<App>>,
    By(by): By,
    Body(new): Body<StorageRequest>,
) -> Answer<(StatusCode, Json<StorageDocument>)> {
    Ok((StatusCode::CREATED, Json(app.blocking(move |app| market::create_storage(app, &by, new)).await?)))
}

/// Those storages that the token may see
#[utoipa::path(
    get, path = "/v1/storages", tag = "market",
    params(PageQuery),
    responses((status = 200, description = "It", body = Page<StorageDocument>))
)]
async fn list_storages(
    State(app): State<Arc<App>>,
    By(by): By,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<StorageDocument>>> {
    Ok(Json(app.blocking(move |app| market::list_storages(app, &by, &query)).await?))
}

/// A storage
#[utoipa::path(
    get, path = "/v1/storages/{id}", tag = "market",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It", body = StorageDocument))
)]
async fn read_storage(State(app): State<Arc<App>>, By(by): By, Id(id): Id) -> Answer<Json<StorageDocument>> {
    Ok(Json(app.blocking(move |app| market::read_storage(app, &by, id)).await?))
}

/// Changes a storage
#[utoipa::path(
    patch, path = "/v1/storages/{id}", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = StoragePatch,
    extensions(("x-problems" = json!(["against-rules", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = StorageDocument))
)]
async fn change_storage(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<StoragePatch>,
) -> Answer<Json<StorageDocument>> {
    Ok(Json(app.blocking(move |app| market::change_storage(app, &by, id, new)).await?))
}

/// Announces the price of a storage
#[utoipa::path(
    post, path = "/v1/storages/{id}/prices", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = PriceRequest,
    extensions(("x-problems" = json!(["against-rules", "notice-too-short", "outcome-unknown"]))),
    responses((status = 200, description = "It", body = StorageDocument))
)]
async fn price_storage(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<PriceRequest>,
) -> Answer<Json<StorageDocument>> {
    Ok(Json(app.blocking(move |app| market::price_storage(app, &by, id, &new)).await?))
}

/// A clean-up by the owner: each project pays for what its files take, as told here or as measured last
///
/// What a project was charged on the same local day counts: again charges only what has grown.
#[utoipa::path(
    post, path = "/v1/storages/{id}/clean-ups", tag = "market",
    params(("id" = Uuid, Path)),
    request_body = CleanUpRequest,
    extensions(("x-problems" = json!(["outcome-unknown"]))),
    responses((status = 200, description = "It", body = CleanUpDocument))
)]
async fn clean_up(
    State(app): State<Arc<App>>,
    By(by): By,
    Id(id): Id,
    Body(new): Body<CleanUpRequest>,
) -> Answer<Json<CleanUpDocument>> {
    if new.volumes.is_empty() {
        let storage = app.blocking(move |app| market::cleaner(app, &by, id)).await?;
        let id = Uuid::now_v7();
        let mut done = market::cleaned_here(&app, storage, id).await?;
        let there =
            app.blocking(move |app| app.shards.ask_others::<CleanUpDocument>("clean-up", &(storage.0, id)));
        done.charges.extend(there.await?.into_iter().flat_map(|there| there.charges));
        return Ok(Json(done));
    }
    Ok(Json(app.blocking(move |app| market::clean_up(app, &by, id, &new)).await?))
}
