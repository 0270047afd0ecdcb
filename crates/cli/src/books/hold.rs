//! `kopeck hold`: money set aside, paid from, given back.

use std::io::{self, Write};

use comfy_table::Table;
use kopeck_api::forms::{Label, Money, Time};
use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold, RestWord};
use uuid::Uuid;

use super::open::id_of;
use super::place::{self, Books};
use super::receipt::{self, sorted};
use crate::args::{HoldCreateArgs, HoldPostArgs, HoldReleaseArgs, HoldShowArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Runs `kopeck hold create`.
pub fn create(args: &HoldCreateArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let account = books.find(&args.on)?;
    let new = NewHold {
        account: account.id,
        amount: Money(args.amount),
        currency: account.currency,
        expires: Time(args.expires),
        project: args.project.clone().map(Label),
        reference: args.reference.clone().map(Label),
    };
    print(&books.set_aside(id_of(&args.sending), new)?, &*books, args.format)
}

/// Runs `kopeck hold post`.
pub fn post(args: &HoldPostArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    let hold = held(args.hold, &*books)?;
    let payment = HoldPayment {
        amount: args.amount.map(Money),
        currency: args.amount.map(|_| hold.currency),
        to: args.to.as_ref().map(|to| books.find(to)).transpose()?.map(|to| to.id),
        rest: if args.keep { RestWord::Keep } else { RestWord::Release },
        project: args.project.clone().map(Label),
        reference: args.reference.clone().map(Label),
    };
    receipt::print(&books.pay(id_of(&args.sending), args.hold, payment)?, &*books, args.format)
}

/// Runs `kopeck hold release`.
pub fn release(args: &HoldReleaseArgs) -> Result<Done, Failure> {
    let books = place::write(&args.ledger, &args.sending)?;
    held(args.hold, &*books)?;
    print(&books.release(id_of(&args.sending), args.hold)?, &*books, args.format)
}

/// Runs `kopeck hold show`.
pub fn show(args: &HoldShowArgs) -> Result<Done, Failure> {
    let books = place::look(&args.ledger)?;
    print(&held(args.hold, &*books)?, &*books, args.format)
}

/// The hold of an id.
fn held(id: Uuid, books: &dyn Books) -> Result<HoldDocument, Failure> {
    books.hold(id)?.ok_or_else(|| no_hold(id))
}

fn no_hold(id: Uuid) -> Failure {
    Failure::input(
        format!("there is no hold {id}"),
        None,
        "a hold is named by the id that `kopeck hold create` printed",
    )
}

fn print(fate: &HoldDocument, books: &dyn Books, format: TableFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => writeln!(out, "{}", sorted(fate))?,
        TableFormat::Table => {
            let name = format!("{} ({})", books.name_of(fate.account), fate.account);
            writeln!(out, "{}", table_of(fate, &name))?;
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
