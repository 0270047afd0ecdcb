//! `kopeck ledger verify`: the five invariants, with progress, and the first record that is broken.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use kopeck_server::documents::verification;
use kopeck_store::StoreError;
use kopeck_store::answer::{Progress, Report};
use kopeck_store::sqlite::DATABASE_FILE;
use kopeck_store::sqlite::head_log::{self, LoggedHead};
use kopeck_store::sqlite::verify;

use super::open::failed;
use super::receipt::sorted;
use crate::args::{KnownHead, TextFormat, VerifyArgs};
use crate::failure::{Done, Failure};

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Result<Done, Failure> {
    let folder = &args.store.store;
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
                return Err(failed(&StoreError::Missing(folder.clone())));
            }
            heads.extend(head_log::read(folder).map_err(|error| failed(&error))?);
            database
        }
    };
    let bar = bar("{bar:40} {pos} of {len} records, {per_sec}, {eta} left");
    let report = verify::database(&database, heads, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    print(&report.map_err(|error| failed(&error))?, &database.display().to_string(), args.format)
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

fn print(report: &Report, database: &str, format: TextFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TextFormat::Json => {
            let document = sorted(&verification::of_report(report));
            writeln!(out, "{document}")?;
        }
        TextFormat::Text if report.problem.is_none() => {
            let count = |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
            let (records, transfers) = (count(report.records, "record"), count(report.transfers, "transfer"));
            writeln!(out, "All is well: {records}, {transfers}.")?;
            writeln!(out, "Journal up to record {}:{}", report.head.sequence, report.head.hash)?;
        }
        TextFormat::Text => {}
    }
    out.flush()?;
    match &report.problem {
        None => Ok(Done::Whole),
        Some(problem) => Err(broken(&problem.to_string(), report, database)),
    }
}

/// A ledger that is not as it was written.
pub fn broken(problem: &str, report: &Report, database: &str) -> Failure {
    let remedy = format!(
        "the {} records before it are proven; keep the files as they are, and compare with a backup: \
         `kopeck ledger verify --backup FILE`",
        report.records
    );
    Failure::input(format!("the ledger is broken: {problem}"), Some(database), remedy)
}
