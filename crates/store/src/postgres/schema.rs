//! The tables, and how a database of an older version becomes one of this version.
//!
//! Each version is one script that runs once. Whoever migrates holds the row that has the version, so that nodes which
//! start together do it one after the other, and the second finds nothing left to do. Scripts are never changed after a
//! release; a new one is added. Tables of a newer version are refused: they may mean what this program does not know.

use tokio_postgres::error::SqlState;

use crate::error::StoreError;
use crate::postgres::connect::Session;
use crate::postgres::error::{PostgresError, failed};

/// Makes the table with the version.
pub const VERSION_TABLE: &str = include_str!("migrations/version_table.sql");
/// The scripts, in their order; the first makes version 1.
pub const VERSIONS: [&str; 4] = [
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_events.sql"),
    include_str!("migrations/0003_directory.sql"),
    include_str!("migrations/0004_nodes.sql"),
];

/// Making the first table may meet somebody else who makes it, and then finds it there.
const ATTEMPTS: usize = 10;

/// Brings the database to the newest version.
///
/// # Errors
/// [`PostgresError::Newer`] where it is beyond it already.
pub fn migrate(session: &Session, database: &str) -> Result<(), StoreError> {
    make_version_table(session)?;
    session.run("BEGIN").map_err(|error| failed(&error))?;
    let migrated = migrate_in(session, database);
    let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = session.run(end).map_err(|error| failed(&error));
    migrated.and(ended)
}

fn make_version_table(session: &Session) -> Result<(), StoreError> {
    for attempt in 1.. {
        match session.run(VERSION_TABLE) {
            Ok(()) => break,
            Err(error) if attempt < ATTEMPTS && is_made_by_somebody_else(error.code()) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    let row =
        "INSERT INTO schema_version (shard, version) VALUES (0, 0) ON CONFLICT DO NOTHING RETURNING shard";
    session.rows(row, &[]).map_err(|error| failed(&error))?;
    Ok(())
}

fn is_made_by_somebody_else(code: Option<&SqlState>) -> bool {
    // A table brings a type of its name.
    let states = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
        SqlState::INTERNAL_ERROR,
    ];
    code.is_some_and(|code| states.contains(code))
}

fn migrate_in(session: &Session, database: &str) -> Result<(), StoreError> {
    let lock = "SELECT version FROM schema_version WHERE shard = 0 FOR UPDATE";
    let row = session.row(lock, &[]).map_err(|error| failed(&error))?;
    let found: i64 = row.map_or(0, |row| row.get(0));
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let known = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    let Some(scripts) = VERSIONS.get(done..) else {
        return Err(PostgresError::Newer { database: database.to_owned(), found, known }.into());
    };
    for script in scripts {
        session.run(script).map_err(|error| failed(&error))?;
    }
    let set = "UPDATE schema_version SET version = $1 WHERE shard = 0 RETURNING version";
    session.rows(set, &[&known]).map_err(|error| failed(&error))?;
    Ok(())
}

/// Whether kopeck has made its tables in this database.
///
/// # Errors
/// [`StoreError`] where it can not be asked.
pub fn is_in(session: &Session) -> Result<bool, StoreError> {
    let table = "SELECT 1 WHERE to_regclass('schema_version') IS NOT NULL";
    Ok(session.row(table, &[]).map_err(|error| failed(&error))?.is_some())
}
