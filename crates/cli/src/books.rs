//! The commands on a ledger, one module for each family. Each asks [`place::Books`], which is a store in a folder or a
//! server, for the documents of the API, and prints them.

mod account;
mod export;
mod hold;
mod init;
mod local;
mod open;
mod payment;
mod place;
mod receipt;
mod refused;
mod remote;
mod report;
mod safekeeping;
mod statement;
mod verify;
mod words;

use crate::args::{AccountCommand, HoldCommand, LedgerCommand};
use crate::failure::{Done, Failure};

pub use init::init;
pub use open::failed;
pub use payment::{correct, deposit, reverse, transfer, withdraw};
pub use receipt::sorted;
pub use safekeeping::{backup, restore};
pub use verify::{bar, count};

/// Runs `kopeck account`.
pub fn account(command: &AccountCommand) -> Result<Done, Failure> {
    match command {
        AccountCommand::Create(args) => account::create(args),
        AccountCommand::List(args) => account::list(args),
        AccountCommand::Show(args) => account::show(args),
        AccountCommand::Statement(args) => statement::run(args),
        AccountCommand::Report(args) => report::run(args),
        AccountCommand::Limit(args) => account::limit(args),
        AccountCommand::Coefficient(args) => account::coefficient(args),
    }
}

/// Runs `kopeck hold`.
pub fn hold(command: &HoldCommand) -> Result<Done, Failure> {
    match command {
        HoldCommand::Create(args) => hold::create(args),
        HoldCommand::Post(args) => hold::post(args),
        HoldCommand::Release(args) => hold::release(args),
        HoldCommand::Show(args) => hold::show(args),
    }
}

/// Runs `kopeck ledger`.
pub fn ledger(command: &LedgerCommand) -> Result<Done, Failure> {
    match command {
        LedgerCommand::Verify(args) => verify::run(args),
        LedgerCommand::Export(args) => export::run(args),
    }
}
