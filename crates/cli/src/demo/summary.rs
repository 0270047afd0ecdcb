//! What there is to look at when the month is over.

use std::io::{self, Write};

use comfy_table::Table;
use kopeck_ledger::amount::Amount;
use serde_json::Value;

use super::month::{Sent, micros};
use super::world::{BOOK_ID, Payer, World, unexpected};
use crate::bill::plain_table;
use crate::failure::Failure;

/// The month that was played.
const MONTH: &str = "2026-10";

/// What the month came to.
pub struct Totals {
    /// All charges by the clouds' price book.
    pub services: Amount,
    /// What of it is in the ledger: payments less corrections.
    pub posted: Amount,
}

/// Prints projects, payers and partners, and answers what the services came to.
pub fn print(world: &World, sent: &Sent) -> Result<Totals, Failure> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "October 2026: {} events, and {} sent twice; {} holds for jobs; {} payment orders\n",
        sent.accepted, sent.duplicates, sent.holds, sent.deposits
    )?;
    let (projects, services) = projects(world)?;
    writeln!(out, "Projects\n{projects}\n")?;
    writeln!(out, "Payers\n{}\n", payers(world)?)?;
    writeln!(out, "Partners\n{}\n", partners(world)?)?;
    let posted = posted(world)?;
    let proof = world.operator.get("/v1/ledger/verify")?;
    let found = match &proof["problem"] {
        Value::Null => "the ledger is proven".to_owned(),
        problem => format!("the ledger is broken: {problem}"),
    };
    writeln!(out, "Services of the clouds: {services}; posted: {posted}; {found}\n")?;
    Ok(Totals { services, posted })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// What each project has cost, and the sum of the charges by the clouds' price book.
fn projects(world: &World) -> Result<(Table, Amount), Failure> {
    let headers = ["project", "payer", "cost", "services", "jobs", "calls"];
    let (mut table, mut all) = (plain_table(&headers, 4), 0);
    for (payer, project) in of_payers(world) {
        let spend = payer.caller.get(&format!("/v1/projects/{project}/spend?month={MONTH}"))?;
        let [mut services, mut jobs, mut calls] = [0; 3];
        for charge in charges(payer, project)? {
            let amount = micros(&charge["amount"])?;
            match text(&charge["price_book"]) {
                BOOK_ID => services += amount,
                book if book.starts_with("executor-") => jobs += amount,
                _ => calls += amount,
            }
        }
        all += services;
        let [services, jobs, calls] = [services, jobs, calls].map(|sum| Amount::from_micros(sum).to_string());
        table.add_row([project, payer.name, text(&spend["total"]), &services, &jobs, &calls]);
    }
    Ok((table, Amount::from_micros(all)))
}

fn of_payers(world: &World) -> impl Iterator<Item = (&Payer, &str)> {
    world.payers.iter().flat_map(|payer| payer.projects.iter().map(move |project| (payer, project.as_str())))
}

/// All charges of a project, page by page.
fn charges(payer: &Payer, project: &str) -> Result<Vec<Value>, Failure> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/projects/{project}/charges?month={MONTH}&limit=1000{cursor}");
        let mut page = payer.caller.get(&path)?;
        if let Some(items) = page["items"].as_array_mut() {
            all.append(items);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// The key of a project's dearest charge of a machine, which is worth to be explained.
fn dearest(payer: &Payer, project: &str) -> Result<String, Failure> {
    let mut dearest = (i128::MIN, String::new());
    for charge in charges(payer, project)? {
        let amount = micros(&charge["amount"])?;
        if charge["resource"].is_string() && text(&charge["price_book"]) == BOOK_ID && amount > dearest.0 {
            dearest = (amount, text(&charge["key"]).to_owned());
        }
    }
    Ok(dearest.1)
}

fn payers(world: &World) -> Result<Table, Failure> {
    let headers = ["payer", "workspace", "posted", "held", "available", "own account"];
    let mut table = plain_table(&headers, 4);
    for payer in &world.payers {
        let account = world.operator.get(&format!("/v1/accounts/{}", payer.workspace))?;
        let own = world.operator.get(&format!("/v1/accounts/{}", payer.user))?;
        let workspace = payer.workspace.to_string();
        let [posted, held, available] =
            ["posted", "held", "available"].map(|name| text(&account[name]).to_owned());
        table.add_row([payer.name, &workspace, &posted, &held, &available, text(&own["posted"])]);
    }
    Ok(table)
}

fn partners(world: &World) -> Result<Table, Failure> {
    let mut table = plain_table(&["partner", "earns by", "payments", "earned", "commission", "balance"], 4);
    for partner in &world.partners {
        for (source, account) in &partner.earners {
            let path = format!("/v1/accounts/{account}/statement?group=project");
            let statement = world.operator.get(&path)?;
            let income = purposes(&statement).find(|sums| text(&sums["purpose"]).ends_with("_payment"));
            let payments = income.map_or(0, |sums| sums["lines"].as_u64().unwrap_or(0)).to_string();
            let commission = purposes(&statement).find(|sums| text(&sums["purpose"]) == "commission");
            let commission = commission.map_or("0", |sums| text(&sums["expense"]));
            let [earned, closing] = ["income", "closing"].map(|name| text(&statement[name]));
            table.add_row([partner.name, source, &payments, earned, commission, closing]);
        }
    }
    Ok(table)
}

fn purposes(statement: &Value) -> impl Iterator<Item = &Value> {
    statement["by_purpose"].as_array().into_iter().flatten()
}

/// What the platform has got for services: payments less what corrections took back.
fn posted(world: &World) -> Result<Amount, Failure> {
    let accounts = world.operator.get("/v1/accounts?kind=platform")?;
    let platform = accounts["items"].as_array().and_then(|items| items.first());
    let id = platform.map(|account| text(&account["id"])).ok_or_else(|| unexpected("no platform"))?;
    let statement = world.operator.get(&format!("/v1/accounts/{id}/statement?group=project"))?;
    let mut sum = 0;
    for sums in purposes(&statement) {
        if ["service_payment", "correction"].contains(&text(&sums["purpose"])) {
            sum += micros(&sums["income"])? - micros(&sums["expense"])?;
        }
    }
    Ok(Amount::from_micros(sum))
}

/// Prints lines that can be copied.
pub fn tour(world: &World, (url, token): (&str, &str), rated: &str) -> Result<(), Failure> {
    let Some((payer, project)) = of_payers(world).next() else { return Ok(()) };
    let key = dearest(payer, project)?;
    let workspace = payer.workspace;
    let mut out = io::stdout().lock();
    writeln!(out, "To look at\n  export KOPECK_URL={url} KOPECK_TOKEN={token}")?;
    let asked = [
        ("what a project costs", format!("/v1/projects/{project}/spend?month={MONTH}")),
        ("the same, live", format!("/v1/projects/{project}/spend/stream")),
        ("its charges", format!("/v1/projects/{project}/charges?month={MONTH}")),
        ("why one is what it is", format!("/v1/projects/{project}/charges/{key}/explain")),
        ("a payer's statement", format!("/v1/accounts/{workspace}/statement?group=date")),
        ("the journal, proven", "/v1/ledger/verify".to_owned()),
        ("who did what", "/v1/audit?limit=20".to_owned()),
    ];
    for (what, path) in asked {
        let stream = if path.ends_with("/stream") { "-N " } else { "" };
        writeln!(
            out,
            "  # {what}\n  curl -s {stream}-H \"Authorization: Bearer $KOPECK_TOKEN\" \"$KOPECK_URL{path}\""
        )?;
    }
    writeln!(out, "  # all routes, to be tried in a browser\n  {url}/docs")?;
    writeln!(out, "  # the same charges from the same events, without a server\n  {rated}")?;
    Ok(())
}
