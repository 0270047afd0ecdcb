//! The marketplace's routes.

mod keys;
mod limits;
mod market;
mod people;
mod prices;

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use kopeck_api::forms::Time;
use kopeck_directory::book_text::TEXT_LIMIT;
use kopeck_directory::name::ProjectId;
use kopeck_ledger::name::{Moment, TextError};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::body::{must_be, receive};
use super::problem::Failed;
use super::{Id, Routes};
use crate::app::App;
use crate::error::AppError;

/// All routes of the directory.
pub fn routes() -> Routes {
    Routes::new()
        .merge(people::routes())
        .merge(market::routes())
        .merge(prices::routes())
        .merge(keys::routes())
        .merge(limits::routes())
}

/// The name in a route's path: of a project or a price book.
#[derive(Debug)]
pub struct Named<T>(pub T);

impl<T: FromStr<Err = TextError>> FromRequestParts<Arc<App>> for Named<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Named<T>, Failed> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|rejection| unreadable(rejection.body_text()))?;
        text.parse().map(Named).map_err(|error| bad_name(&text, error))
    }
}

/// A project and something of an id in a route's path.
#[derive(Debug)]
pub struct NamedAnd(pub ProjectId, pub Uuid);

impl FromRequestParts<Arc<App>> for NamedAnd {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<NamedAnd, Failed> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let Path((name, id)) = path.map_err(|rejection| unreadable(rejection.body_text()))?;
        let name = name.parse().map_err(|error| bad_name(&name, error))?;
        let Id(id) = Id::read(&id)?;
        Ok(NamedAnd(name, id))
    }
}

fn unreadable(reason: String) -> Failed {
    Failed(AppError::malformed(reason, "write the path as /openapi.json says"))
}

fn bad_name(text: &str, error: TextError) -> Failed {
    Failed(AppError::invalid(
        "id",
        format!("{text:?} {error}"),
        "write 1 to 255 bytes without control characters",
    ))
}

/// A body of TOML.
#[derive(Debug)]
pub struct Toml(pub String);

impl FromRequest<Arc<App>> for Toml {
    type Rejection = Failed;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Toml, Failed> {
        must_be(&["application/toml"], request.headers())?;
        let packed = receive(request, app, TEXT_LIMIT).await?;
        let text = app
            .blocking(move |_| {
                let bytes = packed.unpack()?.to_vec();
                String::from_utf8(bytes).map_err(|error| {
                    AppError::malformed(format!("the body is not UTF-8: {error}"), "send TOML in UTF-8")
                })
            })
            .await?;
        Ok(Toml(text))
    }
}

/// Whether something is only tried.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Only tells what it would change
    #[serde(default)]
    pub dry_run: bool,
}

/// A period.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeriodQuery {
    /// From this instant on
    pub from: Option<Time>,
    /// Up to this instant, which does not belong to it
    pub to: Option<Time>,
}

impl PeriodQuery {
    fn period(&self) -> (Option<Moment>, Option<Moment>) {
        (self.from.as_ref().map(|at| at.0), self.to.as_ref().map(|at| at.0))
    }
}
