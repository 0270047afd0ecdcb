//! The tables, and how a database of an older version becomes one of this version.
//!
//! Each version is one script that runs once, in a transaction with the new version number. Scripts are never
//! changed after a release; a new one is added. A database of a newer version is refused: it may mean what this
//! program does not know.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;

/// Marks a database as a ledger of kopeck: "kopk". `file` and other tools show it.
const APPLICATION: i64 = 0x6b6f_706b;
/// The bytes of a page. One chunk of records fits a page, and a single record costs a small write.
const PAGE_BYTES: u32 = 8192;

/// The scripts, in their order; the first makes version 1.
const VERSIONS: [&str; 1] = [include_str!("version_1.sql")];

/// The newest version that this program knows.
pub fn newest() -> i64 {
    i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX)
}

/// Whether the database has a ledger's tables, of whatever version.
///
/// # Errors
/// [`StoreError::NotALedger`] where it has others, or is no database.
pub fn is_ledger(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let not_a_ledger = |_| StoreError::NotALedger(path.to_path_buf());
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(not_a_ledger)?;
    if application == APPLICATION {
        return Ok(true);
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
        .map_err(not_a_ledger)?;
    if application == 0 && tables == 0 { Ok(false) } else { Err(StoreError::NotALedger(path.to_path_buf())) }
}

/// Sets what is set before the first table.
///
/// # Errors
/// [`StoreError`] where the database can not be written.
pub fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    Ok(())
}

/// Brings the database to the newest version.
///
/// # Errors
/// [`StoreError::Newer`] where it is beyond it already.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = newest();
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let Some(scripts) = VERSIONS.get(done..) else {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known });
    };
    for script in scripts {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
