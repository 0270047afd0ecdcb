//! `kopeck init`: an empty ledger with the operator's and the system's accounts.

use std::io::{self, Write};

use kopeck_ledger::account::{Account, AccountKind};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, Text, TransactionId};
use kopeck_ledger::request::{NewAccount, Request, Work};
use kopeck_store::sqlite::SqliteStore;
use kopeck_store::{Store, StoreError};
use serde_json::json;
use uuid::{Builder, Uuid};

use super::open::{Books, clock, failed};
use super::receipt::account_json;
use super::refused;
use crate::args::{InitArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Who opens the first accounts.
const ACTOR: &str = "kopeck init";

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
    let books = Books::open(folder, args.at)?;
    if !is_new && books.accounts().next().is_some() {
        return Err(Failure::input(
            format!("{} already holds a ledger", folder.display()),
            None,
            "use it as it is, or name another folder with --store",
        ));
    }
    let mut requests = Vec::new();
    for currency in &args.currency {
        for kind in AccountKind::ALL.iter().filter(|kind| kind.is_single()) {
            requests.push(opening(*kind, *currency)?);
        }
    }
    requests.sort_by_key(|request| request.id);
    requests.dedup_by_key(|request| request.id);
    let opened = books.store.perform_chain(requests).map_err(|error| failed(&error))?;
    opened.map_err(|refusal| refused::failure(&refusal, &books))?;
    print(args, &books.accounts().collect::<Vec<_>>())
}

fn print(args: &InitArgs, accounts: &[Account]) -> Result<Done, Failure> {
    let folder = args.store.store.display().to_string();
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => {
            let list: Vec<_> = accounts.iter().map(|account| account_json(account, None)).collect();
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

fn opening(kind: AccountKind, currency: Currency) -> Result<Request, Failure> {
    let id = fixed_id(kind, currency);
    let text = |text: &str| {
        Text::new(text)
            .map_err(|error| Failure::input(format!("the name {error}"), None, "this is a fault of kopeck"))
    };
    let new = NewAccount {
        id: AccountId(id),
        kind,
        name: text(&format!("{kind} {currency}"))?,
        owner: None,
        currency,
        zone: None,
        credit_limit: Amount::ZERO,
        coefficient: Coefficient::ONE,
    };
    Ok(Request { id: TransactionId(id), actor: Some(text(ACTOR)?), work: Work::Open(new) })
}

/// The id of a system's account is the same in every ledger, so that a second `kopeck init` after a crash finishes
/// the first: a UUID of version 8 that spells "kopeck", the kind's number and the currency.
fn fixed_id(kind: AccountKind, currency: Currency) -> Uuid {
    let mut bytes = *b"kopeck\0\0\0\0\0\0\0\0\0\0";
    bytes[12] = kind.code();
    bytes[13..].copy_from_slice(&currency.letters());
    Builder::from_custom_bytes(bytes).into_uuid()
}
