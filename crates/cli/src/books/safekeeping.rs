//! `kopeck backup` and `kopeck restore`.

use std::io::{self, Write};

use kopeck_store::StoreError;
use kopeck_store::sqlite::{backup as copying, restore as restoring};

use super::open::failed;
use super::verify::{bar, broken, show};
use crate::args::{BackupArgs, RestoreArgs};
use crate::failure::{Done, Failure};

/// Runs `kopeck backup`.
pub fn backup(args: &BackupArgs) -> Result<Done, Failure> {
    let bar = bar("{bar:40} {percent} %, {eta} left");
    let copied = copying::folder(&args.store.store, &args.file, &mut |copied| {
        bar.set_length(copied.of);
        bar.set_position(copied.pages);
    });
    bar.finish_and_clear();
    copied.map_err(|error| match error {
        StoreError::Exists(file) => Failure::input(
            format!("{} is there already", file.display()),
            None,
            "a backup never overwrites: choose another name",
        ),
        other => failed(&other),
    })?;
    writeln!(
        io::stdout().lock(),
        "Copied the ledger in {} to {}",
        args.store.store.display(),
        args.file.display()
    )?;
    Ok(Done::Whole)
}

/// Runs `kopeck restore`.
pub fn restore(args: &RestoreArgs) -> Result<Done, Failure> {
    let folder = &args.store.store;
    let bar = bar("{bar:40} {pos} of {len} records verified, {eta} left");
    let report = restoring(&args.file, folder, args.replace, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        StoreError::Exists(folder) => Failure::input(
            format!("{} already holds a ledger", folder.display()),
            None,
            "restore to another folder with --store, or put it in its place with --replace",
        ),
        other => failed(&other),
    })?;
    if let Some(problem) = &report.problem {
        return Err(broken(&problem.to_string(), report.records, &args.file.display().to_string()));
    }
    writeln!(io::stdout().lock(), "Restored {} records to {}", report.records, folder.display())?;
    Ok(Done::Whole)
}
