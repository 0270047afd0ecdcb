//! Asking other nodes: over HTTP, at the address that each of them tells, with a secret that the database has.
//!
//! Nodes trust each other and nobody else: what carries the secret is not asked who sends it, because the node that
//! passes it on has asked.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;

use crate::auth::TokenHash;
use crate::error::AppError;

/// Carries the secret.
pub const NODE: HeaderName = HeaderName::from_static("x-kopeck-node");
/// Carries the address of the client whose request is passed on.
pub const CLIENT: HeaderName = HeaderName::from_static("x-kopeck-client");

/// A node that does not take a connection for so long is not there.
const CONNECT: Duration = Duration::from_millis(1_500);
/// A node that does not answer for so long is not asked any more.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest answer that is taken.
const LONGEST: usize = 256 << 20;

/// Where a node is reached by others: `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeUrl(String);

/// An address that no node can be reached at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a node: write http://HOST:PORT, as the other nodes reach this one")]
pub struct NotANode(String);

impl NodeUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`NotANode`].
    pub fn read(text: &str) -> Result<NodeUrl, NotANode> {
        let written = text.trim_end_matches('/');
        let uri: Option<Uri> = written.parse().ok();
        let fits = uri.is_some_and(|uri| {
            uri.scheme_str() == Some("http") && uri.host().is_some() && matches!(uri.path(), "" | "/")
        });
        if fits { Ok(NodeUrl(written.to_owned())) } else { Err(NotANode(text.to_owned())) }
    }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How other nodes are asked.
pub struct Peers {
    client: Client<HttpConnector, Body>,
    own: NodeUrl,
    secret: HeaderValue,
    hash: TokenHash,
}

impl Peers {
    /// Those of the node at an address, with the secret of the installation.
    ///
    /// # Errors
    /// [`AppError::Internal`] where it can not stand in a header.
    pub fn new(own: NodeUrl, secret: &str) -> Result<Peers, AppError> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let mut value =
            HeaderValue::from_str(secret).map_err(|error| AppError::Internal(error.to_string()))?;
        value.set_sensitive(true);
        Ok(Peers { client, own, secret: value, hash: TokenHash::of(secret) })
    }

    /// Where this node is.
    #[must_use]
    pub fn own(&self) -> &NodeUrl {
        &self.own
    }

    /// Whether a request comes from a node.
    #[must_use]
    pub fn are_asking(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(NODE).and_then(|given| given.to_str().ok());
        given.is_some_and(|given| TokenHash::of(given) == self.hash)
    }

    /// Asks a node something about the shards that it has.
    ///
    /// # Errors
    /// [`AppError::Moving`] where it does not answer.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        node: &NodeUrl,
        question: &str,
        about: Vec<u8>,
    ) -> Result<T, AppError> {
        let failed = |error: String| {
            tracing::warn!(%node, question, error, "a node does not answer");
            AppError::Moving
        };
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{node}/node/{question}"))
            .header(NODE, self.secret.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(about))
            .map_err(|error| AppError::Internal(error.to_string()))?;
        let answered = tokio::time::timeout(ANSWER, async {
            let response = self.client.request(request).await.map_err(|error| failed(error.to_string()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST).collect().await;
            let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
            match status {
                StatusCode::OK => serde_json::from_slice(&body).map_err(|error| failed(error.to_string())),
                StatusCode::TOO_MANY_REQUESTS => {
                    Err(AppError::TooMany("more events wait to be settled than may"))
                }
                status => Err(failed(format!("{status} {}", String::from_utf8_lossy(&body)))),
            }
        });
        answered.await.unwrap_or_else(|_| Err(failed("it takes too long".to_owned())))
    }

    /// Passes a request on to a node as it is, and its answer back as it comes.
    ///
    /// # Errors
    /// [`AppError::Moving`] where it does not answer.
    pub async fn pass_on(
        &self,
        node: &NodeUrl,
        client: Option<String>,
        mut request: Request,
    ) -> Result<Response, AppError> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = format!("{node}{path}").parse().map_err(|_| AppError::Moving)?;
        let headers = request.headers_mut();
        headers.remove(HOST);
        headers.insert(NODE, self.secret.clone());
        if let Some(client) = client.and_then(|client| HeaderValue::from_str(&client).ok()) {
            headers.insert(CLIENT, client);
        }
        match self.client.request(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) => {
                tracing::warn!(%node, %error, "a node does not answer");
                Err(AppError::Moving)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_reached_by_a_host_and_a_port() {
        for (text, read) in [("http://10.0.0.1:8080", "http://10.0.0.1:8080"), ("http://a.b/", "http://a.b")]
        {
            assert_eq!(NodeUrl::read(text).unwrap().to_string(), read);
        }
        for text in ["", "10.0.0.1:8080", "https://a.b", "http://a.b/path", "http://"] {
            assert!(NodeUrl::read(text).is_err(), "{text}");
        }
    }
}
