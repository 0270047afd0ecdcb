//! The API's description, generated from the code: `openapi.json`.
//!
//! A route lists the kinds of problems that are its own in `x-problems`; those that its way of being called brings
//! (a token, a body, an id) are added here, each with its status and `type`.

use std::collections::BTreeMap;

use kopeck_api::Problem;
use kopeck_api::problem::PROBLEM_JSON;
use serde_json::Value;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr,
    ResponseBuilder, Tag,
};

use crate::error::ProblemKind;

/// Where a route lists its own kinds of problems.
const OWN: &str = "x-problems";

/// What stands above the routes.
pub fn head() -> OpenApi {
    let about = "An open billing engine for clouds. Amounts are decimal texts beside a currency; times are RFC 3339; \
        errors are RFC 9457 problems; writes that move money take an `Idempotency-Key`; lists are paged by cursor.";
    let info = InfoBuilder::new()
        .title("kopeck")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .license(Some(License::new("Apache-2.0")))
        .build();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components =
        ComponentsBuilder::new().schema("Problem", Problem::schema()).security_scheme("token", token).build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some(
            [
                ("ledger", "Accounts, transactions, holds, the journal"),
                ("people", "Users, workspaces, projects, members, plans, tokens, the audit log"),
                ("market", "Providers, price books, executors, storages"),
                ("keys", "APIs by key, and roles"),
                ("guard", "Limits, stops, notices"),
                ("operation", "Running a server"),
            ]
            .map(|(name, about)| {
                let mut tag = Tag::new(name);
                tag.description = Some(about.to_owned());
                tag
            }),
        ))
        .build()
}

/// The description of all routes, as JSON.
#[must_use]
pub fn document() -> String {
    let mut description = super::routes().into_openapi();
    for path in description.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            describe_problems(operation);
        }
    }
    // A description holds texts and numbers only.
    description.to_pretty_json().unwrap_or_default() + "\n"
}

/// Adds the problems that a route can answer with, by status.
fn describe_problems(operation: &mut Operation) {
    let mut by_status = BTreeMap::<u16, Vec<ProblemKind>>::new();
    for kind in ProblemKind::ALL.iter().copied().filter(|kind| can_answer(operation, *kind)) {
        by_status.entry(kind.status()).or_default().push(kind);
    }
    if let Some(extensions) = &mut operation.extensions {
        extensions.remove(OWN);
    }
    for (status, kinds) in by_status {
        let lines: Vec<String> =
            kinds.iter().map(|kind| format!("`{}`: {}", kind.uri(), kind.title())).collect();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let mut response =
            ResponseBuilder::new().description(lines.join("\n\n")).content(PROBLEM_JSON, content).build();
        let types = kinds.iter().map(|kind| Value::from(kind.uri())).collect::<Value>();
        response.extensions = Some([("x-problem-types".to_owned(), types)].into_iter().collect());
        operation.responses.responses.insert(status.to_string(), response.into());
    }
}

/// Whether a route can answer with a problem of a kind: it says so, or its way of being called brings it.
fn can_answer(operation: &Operation, kind: ProblemKind) -> bool {
    let own =
        operation.extensions.as_ref().and_then(|extensions| extensions.get(OWN)).and_then(Value::as_array);
    if own.is_some_and(|own| own.iter().any(|name| name == kind.name())) {
        return true;
    }
    let has = |place: &ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|parameter| matches!(parameter, RefOr::T(given) if given.parameter_in == *place))
    };
    let (is_open, has_body) = (operation.security.is_some(), operation.request_body.is_some());
    match kind {
        ProblemKind::Internal => true,
        ProblemKind::Unauthenticated | ProblemKind::Forbidden | ProblemKind::Unavailable => !is_open,
        ProblemKind::TooSlow
        | ProblemKind::TooLarge
        | ProblemKind::UnsupportedMedia
        | ProblemKind::TooMany => has_body,
        ProblemKind::Malformed => has_body || has(&ParameterIn::Query),
        ProblemKind::Invalid => has_body || has(&ParameterIn::Query) || has(&ParameterIn::Path),
        ProblemKind::NotFound => has(&ParameterIn::Path),
        _ => false,
    }
}
