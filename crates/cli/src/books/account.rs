//! `kopeck account create`, `list` and `show`.

use std::io::{self, Write};

use comfy_table::Table;
use kopeck_api::account::PastBalance;
use kopeck_ledger::account::Account;
use kopeck_ledger::name::AccountId;
use kopeck_ledger::request::{NewAccount, Work};
use kopeck_server::documents::account as document;
use kopeck_store::{Store, StoreError};
use serde_json::json;

use super::open::{Books, although_done, failed, id_of, unmade};
use super::receipt::sorted;
use crate::args::{CreateArgs, ListArgs, ShowArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Runs `kopeck account create`.
pub fn create(args: &CreateArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let owner = args.owner.as_ref().map(|owner| books.find(owner)).transpose()?;
    let id = id_of(&args.sending);
    let new = NewAccount {
        id: AccountId(id),
        kind: args.kind,
        name: args.name.clone(),
        owner: owner.map(|owner| owner.opening.id),
        currency: args.currency,
        zone: args.zone.clone(),
        credit_limit: args.credit_limit,
        coefficient: args.coefficient,
    };
    let receipt = books.ask(id, &args.sending, Work::Open(new))?;
    let opened = books.store.account(AccountId(id));
    let unread = || failed(&StoreError::Corrupt(format!("account {id} can not be read")));
    although_done(receipt, opened.ok_or_else(unread).and_then(|opened| print(&opened, &books, args.format)))
}

/// Runs `kopeck account list`.
pub fn list(args: &ListArgs) -> Result<Done, Failure> {
    let books = Books::look(&args.store)?;
    let accounts =
        books.accounts().filter(|account| args.kind.is_none_or(|kind| account.opening.kind == kind));
    let accounts: Vec<Account> = accounts.collect();
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let mut list = Vec::new();
            for account in &accounts {
                list.push(sorted(&document::listed(account, &books.store).map_err(|error| unmade(&error))?));
            }
            writeln!(out, "{}", json!({ "accounts": list }))?;
        }
        TableFormat::Table => {
            let mut table =
                plain_table(&["id", "kind", "name", "currency", "posted", "held", "accrued", "available"], 4);
            for account in &accounts {
                let opening = &account.opening;
                let mut row =
                    vec![opening.id.to_string(), opening.kind.to_string(), opening.name.to_string()];
                row.push(opening.currency.to_string());
                row.extend([account.posted, account.held, account.accrued].map(|amount| amount.to_string()));
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
    let books = Books::look(&args.store)?;
    let account = books.find(&args.account)?;
    let Some(at) = args.as_of else { return print(&account, &books, args.format) };
    let balance = books.store.balance_at(account.opening.id, at).map_err(|error| failed(&error))?;
    let unread = || failed(&StoreError::Corrupt("its balance can not be read".to_owned()));
    let posted = balance.ok_or_else(unread)?;
    let opening = &account.opening;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let document = sorted(&PastBalance::of(&account, at, posted));
            writeln!(out, "{document}")?;
        }
        TableFormat::Table => {
            writeln!(
                out,
                "{} {} ({}) had {posted} {} as of {at}",
                opening.kind, opening.name, opening.id, opening.currency
            )?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn print(account: &Account, books: &Books, format: TableFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => {
            let document = document::whole(account, &books.store).map_err(|error| unmade(&error))?;
            writeln!(out, "{}", sorted(&document))?;
        }
        TableFormat::Table => writeln!(out, "{}", table_of(account, books)?)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn table_of(account: &Account, books: &Books) -> Result<Table, Failure> {
    let opening = &account.opening;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let mut row = |what: &str, value: String| {
        table.add_row([what.to_owned(), value]);
    };
    row("account", opening.id.to_string());
    row("kind", opening.kind.to_string());
    row("name", opening.name.to_string());
    if let Some(owner) = owner(account, books)? {
        row("owner", format!("{} ({})", owner.opening.name, owner.opening.id));
    }
    row("currency", opening.currency.to_string());
    row("time zone", opening.zone.as_ref().map_or("UTC".to_owned(), ToString::to_string));
    if opening.kind.has_owner() {
        row("cost coefficient", account.coefficient.to_string());
    }
    row("posted", account.posted.to_string());
    row("credit limit", account.credit_limit.to_string());
    row("held", account.held.to_string());
    row("accrued", account.accrued.to_string());
    for (project, amount) in books.store.accrued(opening.id) {
        row(&format!("  project {project}"), amount.to_string());
    }
    row("available", available(account)?);
    row("entries", account.entries.to_string());
    Ok(table)
}

fn available(account: &Account) -> Result<String, Failure> {
    account.available().map(|available| available.to_string()).ok_or(Failure::Overflow)
}

fn owner(account: &Account, books: &Books) -> Result<Option<Account>, Failure> {
    account.opening.owner.map(|owner| books.account(owner)).transpose()
}
