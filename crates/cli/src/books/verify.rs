//! `kopeck ledger verify`: the five invariants, the event log and the directory, with progress, and what is broken first.

use std::io::{self, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use kopeck_api::journal::{Kept, Verification};
use kopeck_server::documents::verification;
use kopeck_server::safekeeping::{self, Proving};
use kopeck_store::StoreError;
use kopeck_store::sqlite::DATABASE_FILE;
use kopeck_store::sqlite::directory::DIRECTORY_FILE;
use kopeck_store::sqlite::events::EVENTS_FILE;
use kopeck_store::sqlite::head_log::LoggedHead;
use kopeck_store::sqlite::instant::Part;

use super::open::failed;
use super::place::Place;
use super::receipt::sorted;
use crate::args::{KnownHead, TextFormat, VerifyArgs};
use crate::failure::{Done, Failure, paragraph};
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
    let heads: Vec<LoggedHead> = known.collect();
    let bar = bar("{bar:40} {pos} of {len} {msg}, {per_sec}, {eta} left");
    let place = args.backup.as_ref().unwrap_or(&folder);
    let is_file = args.backup.as_ref().is_some_and(|backup| backup.is_file());
    if args.backup.is_some() && !is_file && !place.join(DATABASE_FILE).is_file() {
        return Err(failed(&StoreError::NotALedger(place.clone())));
    }
    let mut shown = |proven: Proving| show(&bar, proven);
    let found = if is_file {
        safekeeping::verify_file(place, heads, &mut shown)
    } else {
        safekeeping::verify(place, heads, &mut shown)
    };
    bar.finish_and_clear();
    let found = verification::of_found(&found.map_err(|error| failed(&error))?);
    print(&found, &place.display().to_string(), args.format)
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
pub fn show(bar: &ProgressBar, proven: Proving) {
    bar.set_message(match proven.part {
        Part::Ledger => "records",
        Part::Events => "events",
        Part::Directory => "acts",
    });
    bar.set_length(proven.of);
    bar.set_position(proven.done);
}

/// "1 record", "2 records".
pub fn count(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn print(report: &Verification, place: &str, format: TextFormat) -> Result<Done, Failure> {
    let mut out = io::stdout().lock();
    match format {
        TextFormat::Json => {
            writeln!(out, "{}", sorted(report))?;
        }
        TextFormat::Text if report.problem.is_none() => {
            let (records, transfers) = (count(report.records, "record"), count(report.transfers, "transfer"));
            writeln!(out, "All is well: {records}, {transfers}.")?;
            if let Some(log) = &report.events {
                let (events, steps) = (count(log.events, "event"), count(log.steps, "step"));
                let postings = count(log.postings.unwrap_or(0), "posting");
                writeln!(out, "The event log: {events}, {steps}, whose {postings} the ledger has.")?;
            }
            if let Some(directory) = &report.directory {
                let acts = count(directory.acts, "act");
                writeln!(out, "The directory: {acts}, up to act {}:{}", directory.acts, directory.hash)?;
            }
            writeln!(out, "Journal up to record {}:{}", report.head.record, report.head.hash)?;
        }
        TextFormat::Text => {}
    }
    out.flush()?;
    if report.problems.is_empty() { Ok(Done::Whole) } else { Err(broken(report, place)) }
}

/// What is not as it was written, one paragraph for each store.
pub fn broken(found: &Verification, place: &str) -> Failure {
    let told = found.problems.iter().map(|problem| {
        let events = found.events.as_ref().map_or(0, |log| log.events);
        let acts = found.directory.as_ref().map_or(0, |directory| directory.acts);
        let (store, file, proven) = match problem.store {
            Kept::Ledger => ("ledger", DATABASE_FILE, count(found.records, "record")),
            Kept::Events => ("event log", EVENTS_FILE, count(events, "event")),
            Kept::Directory => ("directory", DIRECTORY_FILE, count(acts, "act")),
        };
        let remedy = format!(
            "{proven} before it are proven; keep the files as they are, and compare with a backup: \
             `kopeck ledger verify --backup FILE`"
        );
        let is_folder = Path::new(place).is_dir();
        let file =
            if is_folder { Path::new(place).join(file).display().to_string() } else { place.to_owned() };
        paragraph("error", format!("the {store} is broken: {}", problem.reason), Some(&file), remedy)
    });
    Failure::Input(told.collect::<Vec<_>>().join("\n"))
}
