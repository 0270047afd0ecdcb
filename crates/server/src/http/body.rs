//! Bodies: limited, unpacked within the same limit, read as JSON with the place of what is wrong.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kopeck_api::read::{Incoming, Unread};
use tokio::sync::OwnedSemaphorePermit;

use super::problem::Failed;
use super::unpack::{Encoding, Packed};
use crate::app::App;
use crate::error::{AppError, ProblemKind};

/// The most bytes of a body, as it is sent and unpacked, where a route says nothing else.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;
/// The most bytes of a body that lists transactions: 8,190 of them with all their fields, or events.
pub const LARGE_BODY_LIMIT_BYTES: usize = 16 << 20;
/// Packed bodies, and those from this size on, are read on a thread of their own.
const LARGE_BYTES: usize = 64 << 10;

/// A body that was read as JSON.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: Incoming> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Body<T>, Failed> {
        Ok(Body(read(request, app, BODY_LIMIT_BYTES).await?))
    }
}

/// A body that was read as JSON, of a route that takes up to [`LARGE_BODY_LIMIT_BYTES`].
#[derive(Debug)]
pub struct LargeBody<T>(pub T);

impl<T: Incoming> FromRequest<Arc<App>> for LargeBody<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<LargeBody<T>, Failed> {
        Ok(LargeBody(read(request, app, LARGE_BODY_LIMIT_BYTES).await?))
    }
}

async fn read<T: Incoming>(request: Request, app: &Arc<App>, limit: usize) -> Result<T, AppError> {
    must_be(&["application/json"], request.headers())?;
    let packed = receive(request, app, limit).await?;
    if packed.encoding == Encoding::None && packed.bytes.len() < LARGE_BYTES {
        return T::read(&packed.bytes).map_err(unread);
    }
    app.blocking(move |_| T::read(&packed.unpack()?).map_err(unread)).await
}

/// Refuses a body that is not said to be of one of these media types.
///
/// # Errors
/// A problem of kind [`ProblemKind::UnsupportedMedia`].
pub fn must_be(types: &[&str], headers: &HeaderMap) -> Result<(), AppError> {
    let given = headers.get(CONTENT_TYPE).map(|given| given.to_str().unwrap_or("unreadable"));
    let essence = given.and_then(|given| given.split(';').next()).unwrap_or_default().trim();
    if types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let reason = match given {
        Some(given) => format!("the body is said to be {given:?}"),
        None => "the request does not say what its body is".to_owned(),
    };
    let remedy = format!("send it with Content-Type: {}", types.join(" or "));
    Err(AppError::Input { kind: ProblemKind::UnsupportedMedia, field: None, reason, remedy })
}

/// Receives a body of at most `limit` bytes, as it is sent and unpacked.
///
/// # Errors
/// Problems of the kinds [`ProblemKind::TooLarge`], [`ProblemKind::TooSlow`], [`ProblemKind::UnsupportedMedia`],
/// [`ProblemKind::TooMany`] and [`ProblemKind::Malformed`].
pub async fn receive(request: Request, app: &App, limit: usize) -> Result<Packed, AppError> {
    let encoding = Encoding::of(request.headers())?;
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    // The whole body need not come to be refused.
    if length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let coming = collect(Limited::new(request.into_body(), limit), app, limit);
    let received = tokio::time::timeout(app.limits.body, coming).await.map_err(|_| AppError::Input {
        kind: ProblemKind::TooSlow,
        field: None,
        reason: format!("the body did not come within {} seconds", app.limits.body.as_secs()),
        remedy: "send it again, faster or in parts".to_owned(),
    })?;
    let (bytes, mut room) = received?;
    if encoding != Encoding::None {
        room.merge(app.room_for(limit)?);
    }
    Ok(Packed { bytes: bytes.into(), encoding, limit, room: Some(room) })
}

/// Collects a body as it comes; what has come has its room.
async fn collect(
    body: Limited<axum::body::Body>,
    app: &App,
    limit: usize,
) -> Result<(Vec<u8>, OwnedSemaphorePermit), AppError> {
    let (mut body, mut bytes, mut room) = (std::pin::pin!(body), Vec::new(), app.room_for(0)?);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                return too_large(limit);
            }
            AppError::malformed(format!("the body ended too early: {error}"), "send it again")
        })?;
        if let Some(data) = frame.data_ref() {
            room.merge(app.room_for(data.len())?);
            bytes.extend_from_slice(data);
        }
    }
    Ok((bytes, room))
}

/// A body above the limit.
pub fn too_large(limit: usize) -> AppError {
    AppError::Input {
        kind: ProblemKind::TooLarge,
        field: None,
        reason: format!("the body has more than {limit} bytes, as it is sent or unpacked"),
        remedy: "send it in parts".to_owned(),
    }
}

fn unread(error: Unread) -> AppError {
    match error {
        Unread::Syntax(reason) => {
            AppError::malformed(format!("the body is not JSON: {reason}"), "send one JSON document")
        }
        Unread::Field { field, reason } => AppError::Input {
            kind: ProblemKind::Invalid,
            field,
            reason,
            remedy: "write it as /openapi.json says".to_owned(),
        },
    }
}
