//! The tables, and how a database of an older version becomes one of this version.
//!
//! Each version is one script that runs once, in a transaction with the new version number. Scripts are never
//! changed after a release; a new one is added. A database of a newer version is refused: it may mean what this
//! program does not know.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;

/// The bytes of a page. One chunk of records fits a page, and a single record costs a small write.
const PAGE_BYTES: u32 = 8192;

/// What a database of kopeck is made by.
#[derive(Debug)]
pub struct Schema {
    /// Marks a database as one of its kind. `file` and other tools show it.
    application: i64,
    /// The scripts, in their order; the first makes version 1.
    versions: &'static [&'static str],
    /// What is said of a database of another kind.
    foreign: fn(PathBuf) -> StoreError,
}

/// A ledger: "kopk".
pub const LEDGER: Schema = Schema {
    application: 0x6b6f_706b,
    versions: &[include_str!("version_1.sql")],
    foreign: StoreError::NotALedger,
};

/// An event log: "kope".
pub const EVENT_LOG: Schema = Schema {
    application: 0x6b6f_7065,
    versions: &[
        include_str!("events/version_1.sql"),
        include_str!("events/version_2.sql"),
        include_str!("events/version_3.sql"),
    ],
    foreign: StoreError::NotAnEventLog,
};

impl Schema {
    /// The newest version that this program knows.
    pub fn newest(&self) -> i64 {
        i64::try_from(self.versions.len()).unwrap_or(i64::MAX)
    }

    /// Whether the database has the tables, of whatever version; if not, it is empty.
    ///
    /// # Errors
    /// [`StoreError::NotALedger`] or [`StoreError::NotAnEventLog`] where it has others, or is no database.
    pub fn is_in(&self, connection: &Connection, path: &Path) -> Result<bool, StoreError> {
        let foreign = || (self.foreign)(path.to_path_buf());
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let application = number("application_id").map_err(|_| foreign())?;
        if application == self.application {
            return Ok(true);
        }
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
            .map_err(|_| foreign())?;
        if application == 0 && tables == 0 { Ok(false) } else { Err(foreign()) }
    }

    /// Sets what is set before the first table.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be written.
    pub fn prepare(&self, connection: &Connection) -> Result<(), StoreError> {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "application_id", self.application)?;
        Ok(())
    }

    /// Brings the database to the newest version.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where it is beyond it already.
    pub fn migrate(&self, connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let known = self.newest();
        let done = usize::try_from(found).unwrap_or(usize::MAX);
        let Some(scripts) = self.versions.get(done..) else {
            return Err(StoreError::Newer { path: path.to_path_buf(), found, known });
        };
        for script in scripts {
            transaction.execute_batch(script)?;
        }
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()?;
        Ok(())
    }
}
