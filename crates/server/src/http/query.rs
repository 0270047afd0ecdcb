//! What stands in a request's address: queries and ids.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::problem::Failed;
use crate::app::App;
use crate::error::AppError;

/// A query that was read whole: a field that is not known is refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Query<T>, Failed> {
        let read = AxumQuery::<T>::from_request_parts(parts, app).await;
        read.map(|AxumQuery(query)| Query(query)).map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text.split_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
            let remedy = "write it as /openapi.json says";
            // "limit: invalid digit": the field is there wherever one is the matter.
            Failed(match reason.split_once(": ") {
                Some((field, reason))
                    if field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') =>
                {
                    AppError::invalid(field, reason, remedy)
                }
                _ => AppError::malformed(format!("the query: {reason}"), remedy),
            })
        })
    }
}

/// The id in a route's path: a UUID.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub Uuid);

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Id, Failed> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|rejection| {
            Failed(AppError::malformed(rejection.body_text(), "write the path as /openapi.json says"))
        })?;
        Id::read(&text)
    }
}

impl Id {
    /// Reads the id of a path.
    ///
    /// # Errors
    /// A problem of the field `id`.
    pub fn read(text: &str) -> Result<Id, Failed> {
        let id = Uuid::try_parse(text);
        id.map(Id).map_err(|_| {
            Failed(AppError::invalid(
                "id",
                format!("{text:?} is not an id"),
                "ids are UUIDs, such as 0199a000-0000-7000-8000-000000000001",
            ))
        })
    }
}
