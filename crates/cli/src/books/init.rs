//! `kopeck init`: an empty ledger with the operator's and the system's accounts.

use std::io::{self, Write};

use kopeck_api::account::AccountDocument;
use kopeck_ledger::account::Account;
use kopeck_server::app::first_start;
use kopeck_store::sqlite::SqliteStore;
use kopeck_store::{Store, StoreError};
use serde_json::json;

use super::local::Local;
use super::open::{clock, failed};
use super::receipt::sorted;
use super::refused;
use crate::args::{InitArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Runs `kopeck init`.
pub fn init(args: &InitArgs) -> Result<Done, Failure> {
    let folder = &args.store.store;
    // A wrong instant is told before anything is made.
    clock(args.at)?;
    let is_new = match SqliteStore::create(folder) {
        Ok(()) => true,
        Err(StoreError::Exists(_)) => false,
        Err(error) => return Err(failed(&error)),
    };
    let books = Local::open(folder, args.at)?;
    if !is_new && books.all().next().is_some() {
        return Err(Failure::input(
            format!("{} already holds a ledger", folder.display()),
            None,
            "use it as it is, or name another folder with --store",
        ));
    }
    let unfit =
        |error| Failure::input(format!("the name of an account {error}"), None, "this is a fault of kopeck");
    let requests = first_start::openings(&args.currency).map_err(unfit)?;
    let opened = books.store.perform_chain(requests).map_err(|error| failed(&error))?;
    opened.map_err(|refusal| refused::failure(&refusal, &books.store))?;
    print(args, &books.all().collect::<Vec<_>>())
}

fn print(args: &InitArgs, accounts: &[Account]) -> Result<Done, Failure> {
    let folder = args.store.store.display().to_string();
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let list: Vec<_> =
                accounts.iter().map(|account| sorted(&AccountDocument::of(account, None))).collect();
            writeln!(out, "{}", json!({ "store": folder, "accounts": list }))?;
        }
        TableFormat::Table => {
            writeln!(out, "Made a ledger in {folder} with the accounts of the operator and the system:")?;
            let mut table = plain_table(&["id", "kind", "currency"], 0);
            for account in accounts {
                let opening = &account.opening;
                table.add_row([
                    opening.id.to_string(),
                    opening.kind.to_string(),
                    opening.currency.to_string(),
                ]);
            }
            writeln!(out, "{table}")?;
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}
