//! Every failure leaves as `application/problem+json`.
//!
//! A failed route answers with a status and the problem beside it; [`super::request::around`] writes it down with the
//! request's id. What axum refuses by itself becomes a problem there as well.

use std::any::Any;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kopeck_api::Problem;
use kopeck_api::problem::PROBLEM_JSON;

use crate::error::{AppError, ProblemKind};

/// A failure on its way out.
#[derive(Debug)]
pub struct Failed(pub AppError);

/// The problem of a response that is not written yet.
#[derive(Debug, Clone)]
struct Unwritten(Problem);

impl From<AppError> for Failed {
    fn from(error: AppError) -> Failed {
        Failed(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let kind = self.0.kind();
        if matches!(kind, ProblemKind::Internal | ProblemKind::Unknown) {
            tracing::error!(error = %self.0, "a request failed");
        }
        let mut response = status(kind).into_response();
        let headers = response.headers_mut();
        match kind {
            ProblemKind::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ProblemKind::TooMany | ProblemKind::Unavailable | ProblemKind::Unknown => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response.extensions_mut().insert(Unwritten(self.0.problem()));
        response
    }
}

fn status(kind: ProblemKind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Writes the problem of a failed response, with the request's id; other responses are as they were.
pub fn write(mut response: Response, request_id: &str) -> Response {
    let problem = match response.extensions_mut().remove::<Unwritten>() {
        Some(Unwritten(problem)) => problem,
        None if is_bare_failure(&response) => of_status(response.status()).problem(),
        None => return response,
    };
    let written = Problem { request_id: Some(request_id.to_owned()), ..problem };
    // Texts and a number can always be written.
    let body = serde_json::to_vec(&written).unwrap_or_default();
    let (mut head, _) = response.into_parts();
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    head.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}

fn is_bare_failure(response: &Response) -> bool {
    let status = response.status();
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    (status.is_client_error() || status.is_server_error()) && !is_problem
}

/// What a status means that axum or a layer answered with.
fn of_status(status: StatusCode) -> AppError {
    let input = |kind, reason: &str, remedy: &str| AppError::Input {
        kind,
        field: None,
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    };
    match status {
        StatusCode::NOT_FOUND => {
            input(ProblemKind::NotFound, "there is no such route", "GET /openapi.json lists all routes")
        }
        StatusCode::METHOD_NOT_ALLOWED => input(
            ProblemKind::MethodNotAllowed,
            "the route does not know this method",
            "see the Allow header",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            input(ProblemKind::TooLarge, "the request is too large", "send it in parts")
        }
        status if status.is_client_error() => {
            AppError::malformed("the request can not be read", "compare it with /openapi.json")
        }
        status => AppError::Internal(format!("a layer answered {status}")),
    }
}

/// There is no such route.
pub async fn no_route(uri: Uri) -> Failed {
    Failed(AppError::Input {
        kind: ProblemKind::NotFound,
        field: None,
        reason: format!("there is no route {}", uri.path()),
        remedy: "GET /openapi.json lists all routes".to_owned(),
    })
}

/// The route is there, and does not know the method.
pub async fn no_method(method: Method, uri: Uri) -> Failed {
    Failed(AppError::Input {
        kind: ProblemKind::MethodNotAllowed,
        field: None,
        reason: format!("{} does not know {method}", uri.path()),
        remedy: "the Allow header lists what it knows".to_owned(),
    })
}

/// A route has panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer gives it away")]
pub fn panicked(what: Box<dyn Any + Send + 'static>) -> Response {
    let said = what.downcast_ref::<String>().map(String::as_str).or(what.downcast_ref::<&str>().copied());
    Failed(AppError::Internal(format!("a route panicked: {}", said.unwrap_or("it says nothing"))))
        .into_response()
}
