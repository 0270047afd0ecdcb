//! `kopeck ledger export`: the journal for other programs.

use super::place;
use crate::args::ExportArgs;
use crate::failure::{Done, Failure};
use crate::output::Output;

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<Done, Failure> {
    let books = place::look(&args.ledger)?;
    let mut output = Output::open(args.output.as_deref())?;
    books.export(output.writer())?;
    output.finish()?;
    Ok(Done::Whole)
}
