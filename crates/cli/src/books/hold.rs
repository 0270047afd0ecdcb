//! `kopeck hold`: money set aside, paid from, given back.

use std::io::{self, Write};

use comfy_table::Table;
use kopeck_api::hold::HoldDocument;
use kopeck_ledger::name::{HoldId, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Hold, Record};
use kopeck_ledger::request::{HoldUse, Movement, NewHold, Rest, Transact, Withdraw, Work};
use kopeck_server::documents::hold as document;
use uuid::Uuid;

use super::open::{Books, although_done, failed, id_of, unmade};
use super::payment;
use super::receipt::sorted;
use crate::args::{HoldCreateArgs, HoldPostArgs, HoldReleaseArgs, HoldShowArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Runs `kopeck hold create`.
pub fn create(args: &HoldCreateArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let id = id_of(&args.sending);
    let work = Work::Hold(NewHold {
        account: books.find(&args.on)?.opening.id,
        amount: args.amount,
        expires: args.expires,
        project: args.project.clone(),
        reference: args.reference.clone(),
    });
    let receipt = books.ask(id, &args.sending, work)?;
    although_done(receipt, print(id, &books, args.format))
}

/// Runs `kopeck hold post`.
pub fn post(args: &HoldPostArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let (_, hold) = held(args.hold, &books)?;
    let account = books.account(hold.account)?.opening.id;
    let amount = match args.amount {
        Some(amount) => amount,
        None => document::all_of(&hold, args.sending.id.map(TransactionId), &books.store)
            .map_err(|error| failed(&error))?,
    };
    let rest = if args.keep { Rest::Keep } else { Rest::Release };
    let used = Some(HoldUse { hold: hold.id, rest });
    let reference = args.reference.clone();
    let work = match &args.to {
        Some(to) => {
            let credit = books.find(to)?.opening.id;
            let movement = Movement { debit: account, credit, amount, purpose: Purpose::DirectTransfer };
            let project = args.project.clone();
            Work::Transact(Transact { movements: vec![movement], project, reference, hold: used })
        }
        None => Work::Withdraw(Withdraw { account, amount, reference, hold: used }),
    };
    payment::post(&books, &args.sending, work, args.format)
}

/// Runs `kopeck hold release`.
pub fn release(args: &HoldReleaseArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, args.sending.at)?;
    let id = HoldId(TransactionId(args.hold));
    let receipt = books.ask(id_of(&args.sending), &args.sending, Work::Release(id))?;
    although_done(receipt, print(args.hold, &books, args.format))
}

/// Runs `kopeck hold show`.
pub fn show(args: &HoldShowArgs) -> Result<Done, Failure> {
    print(args.hold, &Books::look(&args.store)?, args.format)
}

/// The record that made a hold.
fn held(id: Uuid, books: &Books) -> Result<(Record, Hold), Failure> {
    let made = document::made(HoldId(TransactionId(id)), &books.store).map_err(|error| failed(&error))?;
    made.ok_or_else(|| no_hold(id))
}

fn no_hold(id: Uuid) -> Failure {
    Failure::input(
        format!("there is no hold {id}"),
        None,
        "a hold is named by the id that `kopeck hold create` printed",
    )
}

fn print(id: Uuid, books: &Books, format: TableFormat) -> Result<Done, Failure> {
    let (record, hold) = held(id, books)?;
    let made = document::document(&record, &hold, &books.store);
    let (fate, account) = made.map_err(|error| unmade(&error))?;
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => writeln!(out, "{}", sorted(&fate))?,
        TableFormat::Table => {
            let name = format!("{} ({})", account.opening.name, account.opening.id);
            writeln!(out, "{}", table_of(&fate, &name))?;
            if !fate.parts.is_empty() {
                let mut parts = plain_table(&["transaction", "at", "posted", "released"], 2);
                for part in &fate.parts {
                    parts.add_row([
                        part.transaction.to_string(),
                        part.at.to_string(),
                        part.posted.to_string(),
                        part.released.to_string(),
                    ]);
                }
                writeln!(out, "\n{parts}")?;
            }
        }
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn table_of(hold: &HoldDocument, account: &str) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let mut row = |what: &str, value: String| {
        table.add_row([what.to_owned(), value]);
    };
    row("hold", hold.id.to_string());
    row("on", account.to_owned());
    row("amount", hold.amount.to_string());
    row("left", hold.left.to_string());
    let ended = hold.ended.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    row("state", format!("{}{ended}", hold.state.word()));
    row("made", hold.at.to_string());
    row("expires", hold.expires.to_string());
    let texts = [("by", &hold.actor), ("project", &hold.project), ("reference", &hold.reference)];
    for (what, text) in texts {
        if let Some(text) = text {
            row(what, text.to_string());
        }
    }
    table
}
