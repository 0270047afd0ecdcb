//! `kopeck ledger verify`: the five invariants, with progress, and the first record that is broken.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use kopeck_api::journal::Verification;
use kopeck_server::documents::verification;
use kopeck_store::StoreError;
use kopeck_store::answer::Progress;
use kopeck_store::sqlite::DATABASE_FILE;
use kopeck_store::sqlite::head_log::{self, LoggedHead};
use kopeck_store::sqlite::verify;

use super::open::failed;
use super::place::Place;
use super::receipt::sorted;
use crate::args::{KnownHead, TextFormat, VerifyArgs};
use crate::failure::{Done, Failure};
use crate::remote::Server;

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Result<Done, Failure> {
    let folder = match Place::of(&args.ledger)? {
        Place::Folder(folder) => folder,
        Place::Server(server) => return at_server(&server, args),
    };
    let known = args.head.iter().map(|KnownHead { sequence, hash }| LoggedHead {
        at: Timestamp::UNIX_EPOCH,
        sequence: *sequence,
        hash: *hash,
    });
    let mut heads: Vec<LoggedHead> = known.collect();
    let database = match &args.backup {
        Some(file) if !file.is_file() => return Err(failed(&StoreError::NotALedger(file.clone()))),
        Some(file) => file.clone(),
        None => {
            let database = folder.join(DATABASE_FILE);
            if !database.is_file() {
                return Err(failed(&StoreError::Missing(folder)));
            }
            heads.extend(head_log::read(&folder).map_err(|error| failed(&error))?);
            database
        }
    };
    let bar = bar("{bar:40} {pos} of {len} records, {per_sec}, {eta} left");
    let report = verify::database(&database, heads, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let found = verification::of_report(&report.map_err(|error| failed(&error))?);
    print(&found, &database.display().to_string(), args.format)
}

/// A server verifies its journal itself.
fn at_server(server: &Server, args: &VerifyArgs) -> Result<Done, Failure> {
    if !args.head.is_empty() {
        return Err(Failure::input(
            "--head belongs to a ledger in a folder: a server checks its journal by the heads that it has logged",
            Some(server.name()),
            "verify a backup of it: `kopeck ledger verify --backup FILE --head RECORD:HASH`",
        ));
    }
    let found: Verification = server.get("v1/ledger/verify", &[]).map_err(|error| server.failure(error))?;
    print(&found, server.name(), args.format)
}

/// A bar that is silent where there is no terminal.
pub fn bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Shows how far verifying has come.
pub fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.of);
    bar.set_position(progress.records);
}

fn print(report: &Verification, database: &str, format: TextFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TextFormat::Json => {
            writeln!(out, "{}", sorted(report))?;
        }
        TextFormat::Text if report.problem.is_none() => {
            let count = |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
            let (records, transfers) = (count(report.records, "record"), count(report.transfers, "transfer"));
            writeln!(out, "All is well: {records}, {transfers}.")?;
            writeln!(out, "Journal up to record {}:{}", report.head.record, report.head.hash)?;
        }
        TextFormat::Text => {}
    }
    out.flush()?;
    match &report.problem {
        None => Ok(Done::Whole),
        Some(problem) => Err(broken(&problem.reason, report.records, database)),
    }
}

/// A ledger that is not as it was written.
pub fn broken(problem: &str, proven: u64, database: &str) -> Failure {
    let remedy = format!(
        "the {proven} records before it are proven; keep the files as they are, and compare with a backup: \
         `kopeck ledger verify --backup FILE`"
    );
    Failure::input(format!("the ledger is broken: {problem}"), Some(database), remedy)
}
