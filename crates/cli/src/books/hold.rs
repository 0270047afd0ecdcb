//! `kopeck hold`: money set aside, paid from, given back.

use std::io::{self, Write};

use comfy_table::Table;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{HoldId, Moment, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Body, Hold, Record};
use kopeck_ledger::request::{HoldUse, Movement, NewHold, Rest, Transact, Withdraw, Work};
use kopeck_store::Store;
use serde_json::json;
use uuid::Uuid;

use super::open::{Books, although_done, failed, id_of};
use super::payment;
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
        None => all_of(&hold, args.sending.id, &books)?,
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

/// All that is left of a hold; of a request that was done before, what it took.
fn all_of(hold: &Hold, id: Option<Uuid>, books: &Books) -> Result<Amount, Failure> {
    let before = id.map(|id| books.record(TransactionId(id))).transpose()?.flatten();
    let taken = before.as_ref().and_then(Record::transaction).and_then(|done| done.holds.first());
    let left = books.store.open_hold(hold.id).map(|open| open.left);
    // Of a hold that is resolved nothing is left, and the ledger says so.
    Ok(taken.map(|part| part.taken).or(left).unwrap_or(hold.amount))
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
    let record = books.record(TransactionId(id))?;
    match record {
        Some(record) if matches!(record.body, Body::Held(_)) => {
            let Body::Held(hold) = record.body.clone() else { return Err(no_hold(id)) };
            Ok((record, hold))
        }
        _ => Err(no_hold(id)),
    }
}

fn no_hold(id: Uuid) -> Failure {
    Failure::input(
        format!("there is no hold {id}"),
        None,
        "a hold is named by the id that `kopeck hold create` printed",
    )
}

/// What became of a hold.
struct Fate {
    state: &'static str,
    left: Amount,
    ended: Option<Moment>,
    parts: Vec<Part>,
}

/// What a transaction took from it.
struct Part {
    id: String,
    at: Moment,
    taken: Amount,
    released: Amount,
}

/// Follows the journal from the hold's record to its end.
fn fate(record: &Record, hold: &Hold, books: &Books) -> Result<Fate, Failure> {
    let open = books.store.open_hold(hold.id);
    let left = open.map_or(Amount::ZERO, |open| open.left);
    let mut fate = Fate { state: "open", left, ended: None, parts: Vec::new() };
    let read = books.store.records(record.sequence.next(), &mut |later| {
        let ended = match &later.body {
            Body::Released(end) if end.hold == hold.id => Some("released"),
            Body::Expired(end) if end.hold == hold.id => Some("expired"),
            Body::Posted(transaction) => {
                let own = transaction.holds.iter().filter(|part| part.hold == hold.id);
                let id = later.asked.map_or(String::new(), |asked| asked.id.to_string());
                fate.parts.extend(own.map(|part| Part {
                    id: id.clone(),
                    at: later.at,
                    taken: part.taken,
                    released: part.released,
                }));
                let gone =
                    fate.parts.iter().map(|part| part.taken.micros() + part.released.micros()).sum::<i128>();
                (gone == hold.amount.micros()).then_some("posted")
            }
            _ => None,
        };
        let Some(state) = ended else { return Ok(true) };
        (fate.state, fate.ended) = (state, Some(later.at));
        Ok(false)
    });
    read.map_err(|error| failed(&error))?;
    Ok(fate)
}

fn print(id: Uuid, books: &Books, format: TableFormat) -> Result<Done, Failure> {
    let (record, hold) = held(id, books)?;
    let fate = fate(&record, &hold, books)?;
    let account = books.account(hold.account)?;
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => {
            let text = |text: &Option<kopeck_ledger::name::Text>| text.as_ref().map(ToString::to_string);
            let parts: Vec<_> = fate
                .parts
                .iter()
                .map(|part| {
                    json!({
                        "transaction": part.id,
                        "at": part.at.to_string(),
                        "posted": part.taken.to_string(),
                        "released": part.released.to_string(),
                    })
                })
                .collect();
            let document = json!({
                "id": id.to_string(),
                "account": account.opening.id.to_string(),
                "currency": account.opening.currency.to_string(),
                "amount": hold.amount.to_string(),
                "left": fate.left.to_string(),
                "state": fate.state,
                "at": record.at.to_string(),
                "expires": hold.expires.to_string(),
                "ended": fate.ended.map(|ended| ended.to_string()),
                "actor": text(&hold.actor),
                "project": text(&hold.project),
                "reference": text(&hold.reference),
                "parts": parts,
            });
            writeln!(out, "{document}")?;
        }
        TableFormat::Table => {
            let name = format!("{} ({})", account.opening.name, account.opening.id);
            writeln!(out, "{}", table_of(&record, &hold, &fate, &name))?;
            if !fate.parts.is_empty() {
                let mut parts = plain_table(&["transaction", "at", "posted", "released"], 2);
                for part in &fate.parts {
                    parts.add_row([
                        part.id.clone(),
                        part.at.to_string(),
                        part.taken.to_string(),
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

fn table_of(record: &Record, hold: &Hold, fate: &Fate, account: &str) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let mut row = |what: &str, value: String| {
        table.add_row([what.to_owned(), value]);
    };
    row("hold", hold.id.to_string());
    row("on", account.to_owned());
    row("amount", hold.amount.to_string());
    row("left", fate.left.to_string());
    let ended = fate.ended.map(|at| format!(" at {at}")).unwrap_or_default();
    row("state", format!("{}{ended}", fate.state));
    row("made", record.at.to_string());
    row("expires", hold.expires.to_string());
    let texts = [("by", &hold.actor), ("project", &hold.project), ("reference", &hold.reference)];
    for (what, text) in texts {
        if let Some(text) = text {
            row(what, text.to_string());
        }
    }
    table
}
