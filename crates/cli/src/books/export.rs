//! `kopeck ledger export`: the journal for other programs.

use kopeck_server::documents::hledger;

use super::open::{Books, unmade};
use crate::args::ExportArgs;
use crate::failure::{Done, Failure};
use crate::output::Output;

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<Done, Failure> {
    let books = Books::open(&args.store.store, None)?;
    let mut output = Output::open(args.output.as_deref())?;
    hledger::write(&books.store, output.writer()).map_err(|error| unmade(&error))?;
    output.finish()?;
    Ok(Done::Whole)
}
