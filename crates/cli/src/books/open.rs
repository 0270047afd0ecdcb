//! The instant and the name that something is asked under, and why a store could not do it.

use std::env;
use std::sync::Arc;

use jiff::Timestamp;
use kopeck_ledger::name::{Moment, Text, TransactionId};
use kopeck_ledger::record::Receipt;
use kopeck_server::documents::DocumentError;
use kopeck_server::error::AppError;
use kopeck_store::StoreError;
use kopeck_store::sqlite::Clock;
use uuid::Uuid;

use crate::args::Sending;
use crate::failure::Failure;

/// What could not be read back of something that was done: the person must know that it was.
pub fn although_done<T>(receipt: Receipt, read: Result<T, Failure>) -> Result<T, Failure> {
    read.map_err(|failure| match failure {
        Failure::Input(text) => Failure::Input(format!(
            "error: it was done, as record {}, and can not be read back\n  do not ask for it again\n\n{text}",
            receipt.sequence
        )),
        other => other,
    })
}

/// The id that is asked under: the given one, or a new one.
pub fn id_of(sending: &Sending) -> Uuid {
    sending.id.unwrap_or_else(Uuid::now_v7)
}

/// Who asks: as given, or the user of this system.
pub fn actor(sending: &Sending) -> Result<Text, Failure> {
    if let Some(actor) = &sending.actor {
        return Ok(actor.clone());
    }
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| "operator".to_owned());
    let unfit =
        |error| Failure::input(format!("the name of the user {error}"), None, "give one with --actor");
    Text::new(&user).map_err(unfit)
}

/// The time of the system, or always the instant that was given, which must not lie ahead.
pub fn clock(at: Option<Moment>) -> Result<Clock, Failure> {
    let now = now();
    match at {
        None => Ok(Arc::new(self::now)),
        Some(at) if at <= now => Ok(Arc::new(move || at)),
        Some(at) => Err(Failure::input(
            format!("{at} has not come yet: it is {now}"),
            None,
            "give --at an instant that has passed, or leave it out",
        )),
    }
}

/// What time it is. The one place where the command line reads the clock for the ledger.
pub fn now() -> Moment {
    Moment::try_from(Timestamp::now()).unwrap_or(Moment::LAST)
}

/// What the store could not do with a request: whether it was done may be open.
pub fn not_answered(error: &StoreError, id: TransactionId) -> Failure {
    match error {
        StoreError::Unknown(reason) => Failure::input(
            format!("whether it was written is not known: {reason}"),
            None,
            format!("send it again with --id {id}: it is done once, whatever became of it"),
        ),
        other => failed(other),
    }
}

/// Why the store could not be used, with the remedy.
pub fn failed(error: &StoreError) -> Failure {
    let input = |reason: String, remedy: &str| Failure::input(reason, None, remedy);
    match error {
        StoreError::Missing(folder) => input(
            format!("there is no ledger in {}", folder.display()),
            "make one with `kopeck init`, or name its folder with --store or KOPECK_STORE",
        ),
        StoreError::InUse { folder, process } => {
            let by = process.map_or("another process".to_owned(), |process| format!("process {process}"));
            input(
                format!("the ledger in {} is in use by {by}", folder.display()),
                "stop that process first; verifying and backing up need not wait",
            )
        }
        StoreError::Newer { path, found, known } => input(
            format!("{} has version {found}, and this program knows versions up to {known}", path.display()),
            "use a newer kopeck",
        ),
        StoreError::NotALedger(path) => input(
            format!("{} is not a ledger of kopeck", path.display()),
            "name another file, or another folder with --store",
        ),
        StoreError::Exists(path) => input(
            format!("{} is there already", path.display()),
            "choose another name, or another folder with --store",
        ),
        StoreError::Unfinished(_) => input(
            error.to_string(),
            "run `kopeck restore` again; where it has not replaced anything yet, removing kopeck.restoring undoes it",
        ),
        StoreError::Finished(_) => input(
            error.to_string(),
            "nothing else was done: look at it with `kopeck ledger verify`, or restore again with --replace",
        ),
        StoreError::Corrupt(reason) => {
            input(format!("the ledger is damaged: {reason}"), "`kopeck ledger verify` tells where")
        }
        StoreError::Full => input(
            "the disk is full: nothing was written".to_owned(),
            "make room and send it again with the same --id",
        ),
        StoreError::Io { doing, path, reason } => input(
            format!("can not {doing} {}: {reason}", path.display()),
            "check the path and its permissions",
        ),
        StoreError::Database(reason) => input(
            format!("the ledger's database: {reason}"),
            "`kopeck ledger verify` tells whether it is whole",
        ),
        StoreError::Postgres(error) => input(error.to_string(), "nothing was written"),
        other @ (StoreError::NotAnEventLog(_)
        | StoreError::NotADirectory(_)
        | StoreError::CopyDiffers(_)
        | StoreError::NoEventLog(_)
        | StoreError::EventLogExists(_)
        | StoreError::LedgerAlone(_)
        | StoreError::NoSuchLine { .. }
        | StoreError::StepOutOfOrder { .. }) => {
            input(other.to_string(), "name another folder with --store or KOPECK_STORE")
        }
        other @ (StoreError::Fenced { .. }
        | StoreError::Busy { .. }
        | StoreError::Unknown(_)
        | StoreError::Closed) => input(other.to_string(), "send it again with the same --id"),
    }
}

/// Why a document can not be made, with the remedy.
pub fn unmade(error: &DocumentError) -> Failure {
    let input = |remedy: &str| Failure::input(error, None, remedy);
    match error {
        DocumentError::Store(error) => failed(error),
        DocumentError::PeriodEmpty { from, to } => Failure::input(
            format!("--to {to} is not after --from {from}"),
            None,
            "the period ends before the day --to: give a later one",
        ),
        DocumentError::DayOutOfRange(_) => input("give --from and --to within them"),
        DocumentError::TooManyLines(_) => input("give a shorter period with --from and --to"),
        DocumentError::UnknownZone(_) => input("use a newer kopeck"),
        DocumentError::Overflow => Failure::Overflow,
        DocumentError::Write(error) => Failure::Output(std::io::Error::new(error.kind(), error.to_string())),
    }
}

/// Why something that was asked can not be asked of the ledger, with the remedy.
pub fn unasked(error: &AppError) -> Failure {
    match error {
        AppError::Store(error) => failed(error),
        AppError::Input { reason, remedy, .. } => Failure::input(reason, None, remedy),
        other => Failure::input(other, None, "`kopeck ledger verify` tells whether the ledger is whole"),
    }
}
