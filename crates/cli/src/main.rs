//! kopeck, the one binary: reads its arguments, runs one command, answers with an exit code.
//!
//! Exit codes: 0, all is well; 1, some records were refused and the rest was done; 2, nothing was done, because of
//! the arguments, a price book, a file or the ledger, or what was checked is broken.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod args;
mod bench;
mod bill;
mod book_file;
mod books;
mod caller;
mod convert;
mod demo;
mod estimate;
mod events_in;
mod events_send;
mod explain;
mod failure;
mod limit;
mod manual;
mod output;
mod prices;
mod rate;
mod refusals;
mod remote;
mod sample;
mod scratch;
mod serve;
mod spend;
mod store;
mod token;
mod toml_file;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Bench, Cli, Command, EventsCommand};
use failure::{Done, Failure};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Rate(args) => rate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Prices(args) => prices::run(&args),
        Command::Estimate(args) => estimate::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Init(args) => books::init(&args),
        Command::Account(command) => books::account(&command),
        Command::Transfer(args) => books::transfer(&args),
        Command::Deposit(args) => books::deposit(&args),
        Command::Withdraw(args) => books::withdraw(&args),
        Command::Reverse(args) => books::reverse(&args),
        Command::Correct(args) => books::correct(&args),
        Command::Hold(command) => books::hold(&command),
        Command::Ledger(command) => books::ledger(&command),
        Command::Serve(args) => serve::run(&args),
        Command::Events(EventsCommand::Send(args)) => events_send::run(&args),
        Command::Spend(args) => spend::run(&args),
        Command::Limit(command) => limit::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Demo(args) => demo::run(&args),
        Command::Migrate(args) => store::migrate(&args),
        Command::Store(command) => store::run(&command),
        Command::Backup(args) => books::backup(&args),
        Command::Restore(args) => books::restore(&args),
        Command::Bench(Bench::Rate(args)) => bench::rate::run(&args),
        Command::Bench(Bench::Ingest(args)) => bench::ingest::run(&args),
        Command::Bench(Bench::Guard(args)) => bench::guard::run(&args),
        Command::Bench(Bench::Ledger(args)) => bench::ledger::run(&args),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::pages(&folder),
    };
    match done {
        Ok(Done::Whole) => ExitCode::SUCCESS,
        Ok(Done::SomeRefused) => ExitCode::from(1),
        // Whoever read our output has seen enough.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even standard error is closed, the exit code has to do.
            let _ = write!(std::io::stderr(), "{failure}");
            ExitCode::from(2)
        }
    }
}
