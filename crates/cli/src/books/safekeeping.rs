//! `kopeck backup` and `kopeck restore`.

use std::io::{self, Write};

use kopeck_server::documents::verification;
use kopeck_server::safekeeping;
use kopeck_store::StoreError;
use kopeck_store::sqlite::instant::Part;

use super::open::failed;
use super::verify::{bar, broken, count, show};
use crate::args::{BackupArgs, RestoreArgs};
use crate::failure::{Done, Failure};

/// Runs `kopeck backup`.
pub fn backup(args: &BackupArgs) -> Result<Done, Failure> {
    let bar = bar("{bar:40} {percent} %, {eta} left");
    let copied = safekeeping::backup(&args.store.store, &args.file, &mut |copied| {
        bar.set_length(copied.of);
        bar.set_position(copied.pages);
    });
    bar.finish_and_clear();
    let parts = copied.map_err(|error| match error {
        StoreError::Exists(file) => Failure::input(
            format!("{} is there already", file.display()),
            None,
            "a backup never overwrites: choose another name",
        ),
        other => failed(&other),
    })?;
    let (from, to) = (args.store.store.display(), args.file.display());
    writeln!(io::stdout().lock(), "Copied {} in {from} to {to}", named(&parts))?;
    Ok(Done::Whole)
}

/// Runs `kopeck restore`.
pub fn restore(args: &RestoreArgs) -> Result<Done, Failure> {
    let folder = &args.store.store;
    let bar = bar("{bar:40} {pos} of {len} {msg} verified, {eta} left");
    let restored = safekeeping::restore(&args.file, folder, args.replace, &mut |proven| show(&bar, proven));
    bar.finish_and_clear();
    let found = restored.map_err(|error| match error {
        StoreError::Exists(folder) => Failure::input(
            format!("{} already holds a ledger", folder.display()),
            None,
            "restore to another folder with --store, or put it in its place with --replace",
        ),
        StoreError::LedgerAlone(_) => Failure::input(
            error,
            Some(&args.file.display().to_string()),
            "restore it to another folder with --store",
        ),
        other => failed(&other),
    })?;
    let found = verification::of_found(&found);
    if !found.problems.is_empty() {
        return Err(broken(&found, &args.file.display().to_string()));
    }
    let mut what = vec![count(found.records, "record")];
    what.extend(found.events.as_ref().map(|events| count(events.events, "event")));
    what.extend(found.directory.as_ref().map(|directory| count(directory.acts, "act")));
    writeln!(io::stdout().lock(), "Restored {} to {}", listed(&what), folder.display())?;
    Ok(Done::Whole)
}

/// "the ledger, the event log and the directory".
fn named(parts: &[Part]) -> String {
    let name = |part: &Part| match part {
        Part::Ledger => "the ledger".to_owned(),
        Part::Events => "the event log".to_owned(),
        Part::Directory => "the directory".to_owned(),
    };
    listed(&parts.iter().map(name).collect::<Vec<_>>())
}

/// "one, two and three".
fn listed(all: &[String]) -> String {
    match all {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => all.concat(),
    }
}
