//! `kopeck migrate` and `kopeck store copy`.

use std::io::{self, Write};

use kopeck_server::moving::{self, MoveError, Moved};
use kopeck_store::answer::Copied;
use kopeck_store::sqlite::instant::Part;

use crate::args::{CopyArgs, MigrateArgs, Place, StoreCommand};
use crate::books::{bar, count, failed};
use crate::failure::{Done, Failure};

/// Runs `kopeck migrate`.
pub fn migrate(args: &MigrateArgs) -> Result<Done, Failure> {
    let shards = moving::prepare(&args.database, args.shards.get()).map_err(|error| unmoved(&error))?;
    writeln!(
        io::stdout().lock(),
        "The tables are of this version; metering has {}",
        count(shards.into(), "shard")
    )?;
    Ok(Done::Whole)
}

/// Runs a command of `kopeck store`.
pub fn run(command: &StoreCommand) -> Result<Done, Failure> {
    let StoreCommand::Copy(args) = command;
    let moved = copy(args)?;
    let Moved { head, accounts, events, acts } = moved;
    writeln!(
        io::stdout().lock(),
        "{} and {} are the same: {} up to {}, {}, {}, {}",
        args.from,
        args.to,
        count(head.sequence.0, "record"),
        head.hash,
        count(accounts, "balance"),
        count(events, "event"),
        count(acts, "act"),
    )?;
    Ok(Done::Whole)
}

fn copy(args: &CopyArgs) -> Result<Moved, Failure> {
    let bar = bar("{bar:40} {pos} of {len} {msg}, {eta} left");
    let mut progress = |part: Part, copied: Copied| {
        bar.set_message(match part {
            Part::Ledger => "records",
            Part::Events => "events",
            Part::Directory => "acts",
        });
        bar.set_length(copied.of);
        bar.set_position(copied.pages);
    };
    let moved = match (&args.from, &args.to) {
        (Place::Folder(from), Place::Database(to)) => {
            moving::to_database(from, (to, args.shards.get()), &mut progress)
        }
        (Place::Database(from), Place::Folder(to)) => moving::to_folder(from, to, &mut progress),
        (Place::Folder(_), Place::Folder(_)) => {
            return Err(Failure::input(
                "both are folders",
                None,
                "`kopeck backup` and `kopeck restore` copy folders; a database is named postgres://...",
            ));
        }
        (Place::Database(_), Place::Database(_)) => {
            return Err(Failure::input(
                "both are databases",
                None,
                "PostgreSQL's own tools copy databases; or copy to a folder, and from there",
            ));
        }
    };
    bar.finish_and_clear();
    moved.map_err(|error| unmoved(&error))
}

fn unmoved(error: &MoveError) -> Failure {
    let remedy = match error {
        MoveError::Store(error) => return failed(error),
        MoveError::Token(_) => "look into the folder: operator-token holds the hash of the token",
        MoveError::Served(_) => "stop them, and copy again",
        MoveError::Dealt(_) => "keep it in the database; an export is `kopeck ledger export`",
        MoveError::Damaged(_) => "`kopeck ledger verify` tells where; copy a backup of it that is whole",
        MoveError::Differs(_) => "nothing was written over: choose an empty database or folder",
    };
    Failure::input(error, None, remedy)
}
