//! `kopeck account report`: a workspace's transfers, expense and income, day by day.

use std::io::{self, Write};

use kopeck_api::account::zone_name;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::statement::{Day, report};
use kopeck_server::documents::period::Entries;
use kopeck_server::documents::statement::head_document;
use kopeck_store::Store;
use serde_json::{Value, json};

use super::open::{Books, failed, unmade};
use super::receipt::sorted;
use super::statement::{head_line, period, title};
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
    let books = Books::look(&args.store)?;
    let account = books.find(&args.account)?;
    let opening = &account.opening;
    if opening.kind != AccountKind::Workspace {
        return Err(Failure::input(
            format!("{} is of kind {}, and reports are made of workspaces", opening.name, opening.kind),
            None,
            "name a workspace, or ask for a statement: `kopeck account statement`",
        ));
    }
    let read = Entries::read(&account, period(&args.period), usize::MAX, &books.store);
    let entries = read.map_err(|error| unmade(&error))?;
    let days = report(entries.lines.iter().cloned(), |at| entries.date(at)).map_err(|_| Failure::Overflow)?;
    let head = books.store.head().map_err(|error| failed(&error))?;
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
                "account": opening.id.to_string(),
                "name": opening.name.to_string(),
                "currency": opening.currency.to_string(),
                "time_zone": zone_name(&account),
                "from": args.period.from.map(|date| date.to_string()),
                "to": args.period.to.map(|date| date.to_string()),
                "days": list,
                "total": json_of(total),
                "head": sorted(&head_document(&head)),
            });
            writeln!(out, "{document}")?;
        }
        TableFormat::Table => {
            let word = |label| words::label(label, args.lang);
            writeln!(out, "{}\n", title(Label::Report, &account, &args.period, args.lang))?;
            let mut headings = vec![word(Label::Date)];
            headings.extend(COLUMNS.map(|(label, _)| word(label)));
            let mut table = plain_table(&headings, COLUMNS.len());
            let rows = days.iter().map(|(date, day)| (date.to_string(), amounts(day)));
            for (name, amounts) in rows.chain([(word(Label::Total).to_owned(), total)]) {
                table.add_row([name].into_iter().chain(amounts.map(|amount| amount.to_string())));
            }
            writeln!(out, "{table}\n\n{}", head_line(&head, args.lang))?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
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
