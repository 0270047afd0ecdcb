//! Who asks: the bearer token of a request.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use kopeck_directory::access::Actor;
use kopeck_ledger::name::Text;

use super::problem::Failed;
use crate::app::App;
use crate::auth::{Principal, TokenHash};
use crate::error::AppError;
use crate::shards::peers::CLIENT;

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Somebody whose token is valid, as the directory and its audit log know them.
#[derive(Debug)]
pub struct By(pub Actor);

impl FromRequestParts<Arc<App>> for By {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<By, Failed> {
        let Who(principal) = Who::from_request_parts(parts, app).await?;
        let address = client_of(&parts.headers, &parts.extensions, app);
        let address = address.and_then(|address| Text::new(&address).ok());
        Ok(By(Actor { principal: principal.in_directory(), name: principal.actor, address }))
    }
}

/// Where a request comes from: the other end of its connection, or of that of the node which has passed it on.
pub fn client_of(headers: &HeaderMap, extensions: &Extensions, app: &App) -> Option<String> {
    let is_passed_on = app.shards.peers().is_some_and(|peers| peers.are_asking(headers));
    match headers.get(&CLIENT).filter(|_| is_passed_on) {
        Some(client) => client.to_str().ok().map(str::to_owned),
        None => extensions.get::<Peer>().map(|peer| peer.0.ip().to_string()),
    }
}

/// Somebody whose token is valid. A route that takes it is closed to everybody else.
#[derive(Debug)]
pub struct Who(pub Principal);

impl FromRequestParts<Arc<App>> for Who {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Who, Failed> {
        let given = parts.headers.get(AUTHORIZATION).ok_or(missing("the request has no token"))?;
        let token = given.to_str().ok().and_then(|given| given.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or(missing("the Authorization header holds no bearer token"))?;
        app.refresh().await?;
        let found = app.tokens.principal(&TokenHash::of(token.trim()), app.now());
        let principal = found.ok_or(missing("the token is not known, has expired or was revoked"))?;
        tracing::debug!(token = %principal.token, actor = %principal.actor, "authenticated");
        Ok(Who(principal))
    }
}

fn missing(reason: &'static str) -> Failed {
    Failed(AppError::Unauthenticated(reason))
}
