//! `kopeck token`: who may do what at a server.

use std::io::{self, Write};

use kopeck_api::directory::tokens::{NewTokenDocument, TokenDocument};
use kopeck_api::page::PAGE_LIMIT;
use serde_json::{Value, json};

use crate::args::{ScopeArgs, TableFormat, TokenCommand, TokenCreateArgs, TokenListArgs, TokenRevokeArgs};
use crate::bill::plain_table;
use crate::books::sorted;
use crate::failure::{Done, Failure};
use crate::rate::tell;
use crate::remote::{Method, Server};

/// Runs the command.
pub fn run(command: &TokenCommand) -> Result<Done, Failure> {
    match command {
        TokenCommand::Create(args) => create(args),
        TokenCommand::List(args) => list(args),
        TokenCommand::Revoke(args) => revoke(args),
    }
}

fn create(args: &TokenCreateArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let mut request = json!({"name": args.name.as_str(), "scope": scope(&args.scope, args.role.as_deref())});
    if let Some(expires) = args.expires {
        request["expires"] = expires.to_string().into();
    }
    let made = server.send(Method::Post, "v1/tokens", None, &request);
    let made: NewTokenDocument = made.map_err(|error| server.failure(error))?;
    if args.format == TableFormat::Table {
        tell(&format!(
            "Token {} for {}; its secret is not shown again\n",
            made.token.id,
            scope_text(&made.token)
        ))?;
    }
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => writeln!(out, "{}", sorted(&made))?,
        TableFormat::Table => writeln!(out, "{}", made.secret)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn list(args: &TokenListArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let tokens = server.pages("v1/tokens", vec![("limit", PAGE_LIMIT.to_string())]);
    let tokens: Vec<TokenDocument> = tokens.map_err(|error| server.failure(error))?;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let list: Vec<_> = tokens.iter().map(sorted).collect();
            writeln!(out, "{}", json!({ "tokens": list }))?;
        }
        TableFormat::Table => writeln!(out, "{}", table_of(&tokens))?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn revoke(args: &TokenRevokeArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let revoked = server.send(Method::Post, &format!("v1/tokens/{}/revoke", args.token), None, &());
    let revoked: TokenDocument = revoked.map_err(|error| server.failure(error))?;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => writeln!(out, "{}", sorted(&revoked))?,
        TableFormat::Table => writeln!(out, "{}", table_of(&[revoked]))?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn table_of(tokens: &[TokenDocument]) -> comfy_table::Table {
    let mut table = plain_table(&["id", "name", "scope", "created", "expires", "revoked", "last used"], 0);
    for token in tokens {
        let mut row = vec![token.id.to_string(), token.name.to_string(), scope_text(token)];
        row.push(token.created.to_string());
        row.extend(
            [&token.expires, &token.revoked, &token.last_used]
                .map(|at| at.as_ref().map_or("-".to_owned(), ToString::to_string)),
        );
        table.add_row(row);
    }
    table
}

/// The directory's words for what a token is for; what is none of them, the server refuses.
fn scope(args: &ScopeArgs, role: Option<&str>) -> Value {
    match args {
        ScopeArgs { installation: Some(role), .. } => json!({"installation": role}),
        ScopeArgs { project: Some(project), .. } => {
            json!({"project": {"project": project, "role": role}})
        }
        ScopeArgs { user: Some(user), .. } => json!({"user": user}),
        ScopeArgs { provider, .. } => json!({"ingest": {"provider": provider}}),
    }
}

fn scope_text(token: &TokenDocument) -> String {
    sorted(&token.scope).to_string()
}
