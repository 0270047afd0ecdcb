//! The whole journal: proven, and printed for other programs.

use std::io::Write;

use kopeck_api::journal::Verification;
use kopeck_ledger::name::Sequence;
use kopeck_metering::agreement::{self, Agreement, Compared};
use kopeck_store::events::EventReport;

use crate::app::{App, access};
use crate::auth::{Act, Principal};
use crate::documents::{csv, hledger, unmade, verification};
use crate::error::AppError;
use crate::safekeeping::Found;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// The journal for plain-text accounting.
    Hledger,
    /// The accounts as they are now.
    Accounts,
    /// All transfers.
    Transfers,
}

/// Whether somebody may read the whole journal.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn may_read(who: &Principal) -> Result<(), AppError> {
    access::may(who, Act::ReadJournal)
}

/// Checks the whole journal, the event log, the directory, and whether the ledger has what was decided by the log.
///
/// # Errors
/// [`AppError`]; what is broken in the journal is the report's matter.
pub fn verify(app: &App) -> Result<Verification, AppError> {
    let ledger = app.ledger.verify(&mut |_| {})?;
    let logs = app.shards.logs()?;
    let events =
        logs.iter().try_fold(EventReport::default(), |all, (_, log)| Ok(all.and(log.verify(&mut |_| {})?)));
    let directory = app.directory.verify(&mut |_| {});
    let found = Found::of(ledger, Some(events), Some(directory), || {
        logs.iter().try_fold(Agreement::default(), |all, (shard, log)| {
            let found = agreement::compare(&Compared {
                shard: *shard,
                confirmed: log.confirmed()?,
                records: &|take| app.ledger.records(Sequence::NONE.next(), take),
                steps: &|after, take| log.steps_after(after, take),
            })?;
            Ok(all.and(found))
        })
    })?;
    Ok(verification::of_found(&found))
}

/// Writes an export.
///
/// # Errors
/// [`AppError`].
pub fn export(app: &App, what: Export, to: &mut dyn Write) -> Result<(), AppError> {
    let store = app.ledger.as_ref();
    let written = match what {
        Export::Hledger => hledger::write(store, to),
        Export::Accounts => csv::accounts(store, to),
        Export::Transfers => csv::transfers(store, to),
    };
    written.map_err(unmade)
}
