//! `kopeck account create`, `list`, `show`, `limit` and `coefficient`.

use std::io::{self, Write};

use comfy_table::Table;
use kopeck_api::account::{AccountDocument, NewAccount, NewCoefficient, NewCreditLimit};
use kopeck_api::forms::{CurrencyCode, Factor, Kind, Label, Money};
use serde_json::json;

use super::open::id_of;
use super::place::{self, Books, Change, Which};
use super::receipt::sorted;
use crate::args::{CoefficientArgs, CreateArgs, LimitArgs, ListArgs, ShowArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Runs `kopeck account create`.
pub fn create(args: &CreateArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let owner = args.owner.as_ref().map(|owner| books.find(owner)).transpose()?;
    let new = NewAccount {
        kind: Kind(args.kind),
        name: Label(args.name.clone()),
        owner: owner.map(|owner| owner.id),
        currency: CurrencyCode(args.currency),
        time_zone: args.zone.clone().map(Label),
        credit_limit: Some(Money(args.credit_limit)),
        coefficient: Some(Factor(args.coefficient)),
    };
    let opened = books.open(id_of(&args.sending), new)?;
    print(&opened, &*books, args.format)
}

/// Runs `kopeck account limit`.
pub fn limit(args: &LimitArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let account = books.find(&args.account)?;
    let new = NewCreditLimit { amount: Money(args.limit), currency: account.currency };
    let changed = books.change(id_of(&args.sending), account.id, Change::CreditLimit(new))?;
    print(&changed, &*books, args.format)
}

/// Runs `kopeck account coefficient`.
pub fn coefficient(args: &CoefficientArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let account = books.find(&args.account)?;
    let new = NewCoefficient { coefficient: Factor(args.coefficient) };
    let changed = books.change(id_of(&args.sending), account.id, Change::Coefficient(new))?;
    print(&changed, &*books, args.format)
}

/// Runs `kopeck account list`.
pub fn list(args: &ListArgs) -> Result<Done, Failure> {
    let books = place::look(&args.ledger)?;
    let accounts = books.accounts(Which { kind: args.kind, name: None })?;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let list: Vec<_> = accounts.iter().map(sorted).collect();
            writeln!(out, "{}", json!({ "accounts": list }))?;
        }
        TableFormat::Table => {
            let mut table =
                plain_table(&["id", "kind", "name", "currency", "posted", "held", "accrued", "available"], 4);
            for account in &accounts {
                let mut row =
                    vec![account.id.to_string(), account.kind.to_string(), account.name.to_string()];
                row.push(account.currency.to_string());
                row.extend([&account.posted, &account.held, &account.accrued].map(ToString::to_string));
                row.push(available(account)?);
                table.add_row(row);
            }
            writeln!(out, "{table}")?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}

/// Runs `kopeck account show`.
pub fn show(args: &ShowArgs) -> Result<Done, Failure> {
    let books = place::look(&args.ledger)?;
    let account = books.find(&args.account)?;
    let Some(at) = args.as_of else {
        let whole = match account.accrued_by_project {
            Some(_) => Some(account),
            // Lists do not tell what each project has accrued.
            None => books.account(account.id)?,
        };
        let missing = || Failure::input("the account is gone", None, "ask again");
        return print(&whole.ok_or_else(missing)?, &*books, args.format);
    };
    let past = books.balance_at(account.id, at)?;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => writeln!(out, "{}", sorted(&past))?,
        TableFormat::Table => {
            let (kind, name, id, currency) = (past.kind, past.name, past.id, past.currency);
            writeln!(out, "{kind} {name} ({id}) had {} {currency} as of {at}", past.posted)?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn print(account: &AccountDocument, books: &dyn Books, format: TableFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => writeln!(out, "{}", sorted(account))?,
        TableFormat::Table => writeln!(out, "{}", table_of(account, books)?)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn table_of(account: &AccountDocument, books: &dyn Books) -> Result<Table, Failure> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let mut row = |what: &str, value: String| {
        table.add_row([what.to_owned(), value]);
    };
    row("account", account.id.to_string());
    row("kind", account.kind.to_string());
    row("name", account.name.to_string());
    if let Some(owner) = account.owner {
        row("owner", format!("{} ({owner})", books.name_of(owner)));
    }
    row("currency", account.currency.to_string());
    row("time zone", account.time_zone.clone());
    if account.kind.0.has_owner() {
        row("cost coefficient", account.coefficient.to_string());
    }
    row("posted", account.posted.to_string());
    row("credit limit", account.credit_limit.to_string());
    row("held", account.held.to_string());
    row("accrued", account.accrued.to_string());
    for of in account.accrued_by_project.iter().flatten() {
        row(&format!("  project {}", of.project), of.amount.to_string());
    }
    row("available", available(account)?);
    row("entries", account.entries.to_string());
    Ok(table)
}

fn available(account: &AccountDocument) -> Result<String, Failure> {
    account.available.as_ref().map(ToString::to_string).ok_or(Failure::Overflow)
}
