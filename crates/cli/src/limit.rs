//! `kopeck limit`: what projects and payers may spend, and what was stopped.

use std::io::{self, Write};

use kopeck_api::forms::{CurrencyCode, Money, Time};
use kopeck_api::limits::{LimitDocument, LimitRequest, LimitsDocument, StopDocument};
use kopeck_api::page::PAGE_LIMIT;
use kopeck_directory::limit::LimitKey;
use serde_json::json;
use uuid::Uuid;

use crate::args::{
    HolderArgs, LimitCommand, LimitListArgs, LimitRemoveArgs, LimitSetArgs, StopsArgs, TableFormat,
    parse_limit,
};
use crate::bill::plain_table;
use crate::books::sorted;
use crate::failure::{Done, Failure};
use crate::rate::tell;
use crate::remote::{Method, Server, segment};

/// Runs the command.
pub fn run(command: &LimitCommand) -> Result<Done, Failure> {
    match command {
        LimitCommand::Set(args) => set(args),
        LimitCommand::List(args) => list(args),
        LimitCommand::Remove(args) => remove(args),
        LimitCommand::Stops(args) => stops(args),
    }
}

/// The path of whose limits they are, and the limit's name.
fn named(names: &[String], payer: Option<Uuid>) -> Result<(String, LimitKey), Failure> {
    let wrong = |reason: &str| {
        let remedy = "write `kopeck limit set PROJECT LIMIT`, or `--payer WORKSPACE LIMIT`";
        Failure::input(reason, None, remedy)
    };
    let (path, limit) = match (names, payer) {
        ([limit], Some(payer)) => (format!("v1/workspaces/{payer}"), limit),
        ([project, limit], None) => (format!("v1/projects/{}", segment(project)), limit),
        ([_], None) => return Err(wrong("a project, or --payer with a workspace, is missing")),
        _ => return Err(wrong("a limit is a project's or a payer's, not both")),
    };
    let key = parse_limit(limit).map_err(|error| wrong(&format!("{limit:?} {error}")))?;
    Ok((path, key))
}

fn set(args: &LimitSetArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let (path, limit) = named(&args.names, args.payer)?;
    let request = LimitRequest {
        limit,
        amount: args.amount.map(Money),
        currency: args.amount.map(|_| CurrencyCode(args.currency)),
        thresholds: (!args.at.is_empty()).then(|| args.at.clone()),
        enabled: None,
        percent_of_median: args.percent_of_median,
        brake: args.brake,
        horizon_days: args.horizon_days,
        until: args.until.map(Time),
    };
    let set = server.send(Method::Post, &format!("{path}/limits"), None, &request);
    let set: LimitDocument = set.map_err(|error| server.failure(error))?;
    print(&[set], args.format)
}

fn list(args: &LimitListArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let path = match &args.holder {
        HolderArgs { payer: Some(payer), .. } => format!("v1/workspaces/{payer}/limits"),
        HolderArgs { project, .. } => {
            format!("v1/projects/{}/limits", segment(project.as_deref().unwrap_or_default()))
        }
    };
    let found: LimitsDocument = server.get(&path, &[]).map_err(|error| server.failure(error))?;
    print(&found.limits, args.format)
}

fn remove(args: &LimitRemoveArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let (path, limit) = named(&args.names, args.payer)?;
    let removed = server.delete(&format!("{path}/limits/{}", segment(&limit.to_string())));
    removed.map_err(|error| server.failure(error))?;
    tell(&format!("{limit} limits nothing any more\n"))?;
    Ok(Done::Whole)
}

fn print(limits: &[LimitDocument], format: TableFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => {
            let list: Vec<_> = limits.iter().map(sorted).collect();
            writeln!(out, "{}", json!({ "limits": list }))?;
        }
        TableFormat::Table => writeln!(out, "{}", table_of(limits))?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn table_of(limits: &[LimitDocument]) -> comfy_table::Table {
    let header = ["limit", "amount", "state", "spent", "left", "action", "stopped since", "beyond", "cause"];
    let mut table = plain_table(&header, 0);
    for limit in limits {
        let amount = limit.amount.as_ref().map(|amount| format!("{amount} {}", limit.currency));
        let amount = amount.unwrap_or_default();
        if limit.now.is_empty() {
            table.add_row([limit.limit.as_str(), &amount, "", "", "", "", "", "", ""]);
        }
        for now in &limit.now {
            let action = now.action.and_then(|action| sorted(&action).as_str().map(str::to_owned));
            let beyond = now.beyond.as_ref();
            table.add_row([
                now.name.as_str(),
                &amount,
                &now.state,
                now.spent.as_deref().unwrap_or_default(),
                now.left.as_deref().unwrap_or_default(),
                &action.unwrap_or_default(),
                &now.stopped_since.as_ref().map(ToString::to_string).unwrap_or_default(),
                &beyond.map(|beyond| beyond.amount.to_string()).unwrap_or_default(),
                beyond.map(|beyond| beyond.cause.as_str()).unwrap_or_default(),
            ]);
        }
    }
    table
}

fn stops(args: &StopsArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let path = format!("v1/projects/{}/stops", segment(&args.project));
    let stops = server.pages(&path, vec![("limit", PAGE_LIMIT.to_string())]);
    let stops: Vec<StopDocument> = stops.map_err(|error| server.failure(error))?;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let list: Vec<_> = stops.iter().map(sorted).collect();
            writeln!(out, "{}", json!({ "stops": list }))?;
        }
        TableFormat::Table => {
            let mut table =
                plain_table(&["decided", "source", "resource", "limit", "tries", "outcome", "failure"], 0);
            for stop in &stops {
                table.add_row([
                    &stop.decided.to_string(),
                    &stop.source,
                    &stop.resource,
                    &stop.limit,
                    &stop.tries.to_string(),
                    &stop.outcome,
                    stop.failure.as_deref().unwrap_or_default(),
                ]);
            }
            writeln!(out, "{table}")?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}
