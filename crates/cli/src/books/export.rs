//! `kopeck ledger export`: the journal for other programs.

use std::fmt;
use std::io;

use kopeck_ledger::hledger;
use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::Sequence;
use kopeck_store::{Store, StoreError};

use super::open::{Books, failed};
use crate::args::ExportArgs;
use crate::failure::{Done, Failure};
use crate::output::Output;

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, None)?;
    let ledger = fold(&books)?;
    let mut output = Output::open(args.output.as_deref())?;
    let mut text = String::new();
    hledger::head(&ledger, &mut text).map_err(unwritable)?;
    let mut refused = output.writer().write_all(text.as_bytes());
    let read = books.store.records(Sequence(1), &mut |record| {
        text.clear();
        let unknown = |_| StoreError::Corrupt(format!("record {} names an unknown account", record.sequence));
        hledger::entry(&record, &ledger, &mut text).map_err(unknown)?;
        refused =
            std::mem::replace(&mut refused, Ok(())).and_then(|()| output.writer().write_all(text.as_bytes()));
        Ok(refused.is_ok())
    });
    read.map_err(|error| failed(&error))?;
    refused?;
    output.finish()?;
    Ok(Done::Whole)
}

/// All accounts of the journal.
fn fold(books: &Books) -> Result<Ledger, Failure> {
    let mut ledger = Ledger::default();
    let read = books.store.records(Sequence(1), &mut |record| {
        ledger.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(true)
    });
    read.map_err(|error| failed(&error))?;
    Ok(ledger)
}

fn unwritable(error: fmt::Error) -> Failure {
    Failure::Output(io::Error::other(error))
}
