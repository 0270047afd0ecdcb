//! Proving a ledger in a folder, or a copy of one.

use std::path::Path;

use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::Record;
use rusqlite::Connection;

use crate::answer::{Progress, Report};
use crate::error::StoreError;
use crate::head_log::{self, LoggedHead};
use crate::ledger::{journal, verify};
use crate::sqlite::connections::{self, DATABASE_FILE};
use crate::sqlite::schema;

/// Verifies the ledger in a folder, whether it is open or not.
///
/// # Errors
/// [`StoreError`] where it can not be read at all.
pub fn folder(folder: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, StoreError> {
    let path = folder.join(DATABASE_FILE);
    if !path.is_file() {
        return Err(StoreError::Missing(folder.to_path_buf()));
    }
    // Written down before the journal is read: whatever they name must be there.
    let heads = head_log::read(folder)?;
    database(&path, heads, progress)
}

/// Verifies a database, such as a backup, against heads that were written down elsewhere.
///
/// # Errors
/// [`StoreError`] where it can not be read at all.
pub fn database(
    path: &Path,
    heads: Vec<LoggedHead>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    let connection = connections::reader(path)?;
    // The journal is read by another connection, later: what is beside it now must be true of it then.
    let reading = connection.unchecked_transaction()?;
    let journal = connections::reader(path)?;
    let report = verify::prove(journal, &connection, heads, progress);
    reading.finish()?;
    report
}

/// Reads a database that is a ledger, such as a backup.
///
/// # Errors
/// [`StoreError::NotALedger`], [`StoreError::Missing`].
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Missing(path.to_path_buf()));
    }
    let connection = connections::reader(path)?;
    if schema::LEDGER.is_in(&connection, path)? {
        Ok(connection)
    } else {
        Err(StoreError::NotALedger(path.to_path_buf()))
    }
}

/// Hands all records of the ledger in a folder, open or not, to `take`, in their order, until it answers `false`.
///
/// # Errors
/// What `take` answers, or [`StoreError`] where they can not be read.
pub fn records(
    folder: &Path,
    take: &mut dyn FnMut(Record) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let connection = connections::reader(&folder.join(DATABASE_FILE))?;
    journal::records_from(Sequence::NONE.next(), &connection, take)
}
