//! The Idempotency-Key of a request.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderName;
use axum::http::request::Parts;

use super::problem::Failed;
use crate::app::App;
use crate::app::asking::Key;
use crate::app::transactions::no_key;
use crate::error::AppError;

/// Where it stands.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The name of a write. As an option it may be missing.
#[derive(Debug)]
pub struct Named(pub Key);

impl FromRequestParts<Arc<App>> for Named {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Named, Failed> {
        Ok(Named(read(parts)?.ok_or_else(no_key)?))
    }
}

impl OptionalFromRequestParts<Arc<App>> for Named {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Option<Named>, Failed> {
        Ok(read(parts)?.map(Named))
    }
}

fn read(parts: &Parts) -> Result<Option<Key>, AppError> {
    let mut given = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(AppError::invalid("Idempotency-Key", "is there twice", "send one"));
    }
    Key::new(first.to_str().unwrap_or_default()).map(Some)
}
