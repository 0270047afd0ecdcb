//! The routes: thin, over the use cases of `app`. What is read, refused and told alike everywhere stands beside them.

mod accounts;
pub mod body;
mod directory;
mod docs;
mod events;
mod forward;
mod health;
mod holds;
mod journal;
pub mod key;
pub mod listen;
mod node;
mod openapi;
mod problem;
mod query;
mod reports;
mod request;
mod spend;
mod streaming;
mod transactions;
pub mod unpack;
mod who;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub use body::{Body, LargeBody};
pub use openapi::document;
pub use problem::Failed;
pub use query::{Id, Query};
pub use who::{By, Peer, Who};

/// What a route answers: a document, or why not.
pub type Answer<T> = Result<T, Failed>;

/// Routes with their description.
pub type Routes = OpenApiRouter<Arc<App>>;

/// All routes.
fn routes() -> Routes {
    Routes::with_openapi(openapi::head())
        .merge(health::routes())
        .merge(accounts::routes())
        .merge(transactions::routes())
        .merge(holds::routes())
        .merge(journal::routes())
        .merge(directory::routes())
        .merge(events::routes())
        .merge(spend::routes())
        .merge(reports::routes())
}

/// The server's router.
pub fn router(app: Arc<App>) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .merge(docs::routes())
        .merge(node::routes())
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(from_fn_with_state(Arc::clone(&app), forward::to_owner))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(Arc::clone(&app), request::around))
        .with_state(app)
}
