//! `kopeck account report`: a workspace's transfers, expense and income, day by day.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::civil::Date;
use kopeck_api::forms::{Kind, Money};
use kopeck_api::statement::{GroupWord, StatementDocument};
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::statement::{Day, report};
use serde_json::{Value, json};

use super::place;
use super::receipt::sorted;
use super::statement::{head_line, title, zone};
use super::words::{self, Label};
use crate::args::{ReportArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

const COLUMNS: [(Label, &str); 5] = [
    (Label::Transfers, "transfers"),
    (Label::Expense, "expense"),
    (Label::FromRoles, "income_from_roles"),
    (Label::FromApiKeys, "income_from_api_keys"),
    (Label::PutRight, "corrections"),
];

/// Runs the command.
pub fn run(args: &ReportArgs) -> Result<Done, Failure> {
    let books = place::look(&args.ledger)?;
    let account = books.find(&args.account)?;
    if account.kind != Kind(AccountKind::Workspace) {
        return Err(Failure::input(
            format!("{} is of kind {}, and reports are made of workspaces", account.name, account.kind),
            None,
            "name a workspace, or ask for a statement: `kopeck account statement`",
        ));
    }
    let statement = books.statement(account.id, &args.period, GroupWord::Raw)?;
    let days = days(&statement)?;
    let mut total = [Amount::ZERO; COLUMNS.len()];
    for day in days.values() {
        for (sum, amount) in total.iter_mut().zip(amounts(day)) {
            *sum = sum.checked_add(amount).ok_or(Failure::Overflow)?;
        }
    }
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let list: Vec<Value> = days
                .iter()
                .map(|(date, day)| {
                    let mut row = json_of(amounts(day));
                    row["date"] = date.to_string().into();
                    row
                })
                .collect();
            let document = json!({
                "account": statement.account.to_string(),
                "name": statement.name.to_string(),
                "currency": statement.currency.to_string(),
                "time_zone": statement.time_zone,
                "from": args.period.from.map(|date| date.to_string()),
                "to": args.period.to.map(|date| date.to_string()),
                "days": list,
                "total": json_of(total),
                "head": sorted(&statement.head),
            });
            writeln!(out, "{document}")?;
        }
        TableFormat::Table => {
            let word = |label| words::label(label, args.lang);
            writeln!(out, "{}\n", title(Label::Report, &statement, args.lang))?;
            let mut headings = vec![word(Label::Date)];
            headings.extend(COLUMNS.map(|(label, _)| word(label)));
            let mut table = plain_table(&headings, COLUMNS.len());
            let rows = days.iter().map(|(date, day)| (date.to_string(), amounts(day)));
            for (name, amounts) in rows.chain([(word(Label::Total).to_owned(), total)]) {
                table.add_row([name].into_iter().chain(amounts.map(|amount| amount.to_string())));
            }
            writeln!(out, "{table}\n\n{}", head_line(&statement.head, args.lang))?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}

/// The sums of each local day.
fn days(statement: &StatementDocument) -> Result<BTreeMap<Date, Day>, Failure> {
    let zone = zone(statement)?;
    let lines = statement.lines.iter().flatten().map(|line| {
        let Money(amount) = line.amount;
        (line.at.0.timestamp().to_zoned(zone.clone()).date(), line.purpose.0, amount)
    });
    report(lines).map_err(|_| Failure::Overflow)
}

fn amounts(day: &Day) -> [Amount; COLUMNS.len()] {
    [day.transfers, day.expense, day.from_roles, day.from_api_keys, day.put_right]
}

fn json_of(amounts: [Amount; COLUMNS.len()]) -> Value {
    let fields = COLUMNS
        .iter()
        .zip(amounts)
        .map(|((_, name), amount)| ((*name).to_owned(), amount.to_string().into()));
    Value::Object(fields.collect())
}
