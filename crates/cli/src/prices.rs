//! `kopeck prices`: price books checked and compared.

mod backtest;
mod check;
mod diff;
mod words;

use crate::args::{PricesArgs, PricesCommand};
use crate::failure::{Done, Failure};

/// Runs the command.
pub fn run(args: &PricesArgs) -> Result<Done, Failure> {
    match &args.command {
        PricesCommand::Check(args) => check::run(args),
        PricesCommand::Diff(args) => diff::run(args),
    }
}
