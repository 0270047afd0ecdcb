//! What only a database behind a network can fail with, and what PostgreSQL's own errors mean to a store.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::error::StoreError;

/// Why something of a store in PostgreSQL failed. `database` names it as an address without a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresError {
    /// The address can not be read.
    #[error("the database's address is not one: {0}; write postgres://user:password@host:5432/name")]
    Address(String),
    /// No server answers there, or it takes nobody now.
    #[error("can not connect to {database}: {reason}; check that PostgreSQL runs there, and the address")]
    Unreachable {
        /// Which database.
        database: String,
        /// What the system or the server says.
        reason: String,
    },
    /// The server refuses the user.
    #[error("{database} refuses the login: {reason}; check user and password in the address")]
    Login {
        /// Which database.
        database: String,
        /// What the server says.
        reason: String,
    },
    /// The server has no such database.
    #[error("there is no database {database}: make it with `createdb`, or correct the address")]
    NoDatabase {
        /// Which database.
        database: String,
    },
    /// The connection ended before anything was committed.
    #[error("the connection to the database was lost ({0}): nothing was written; send it again")]
    Lost(String),
    /// The database has no ledger.
    #[error("there is no ledger in {database}: make one with `kopeck init`")]
    NoLedger {
        /// Which database.
        database: String,
    },
    /// The database has a ledger already.
    #[error("{database} already holds a ledger")]
    LedgerExists {
        /// Which database.
        database: String,
    },
    /// The database has no event log of that shard.
    #[error("there is no event log of shard {shard} in {database}: make one with `kopeck init`")]
    NoEventLog {
        /// Which database.
        database: String,
        /// Which shard.
        shard: i64,
    },
    /// The database has an event log of that shard already.
    #[error("{database} already holds an event log of shard {shard}")]
    EventLogExists {
        /// Which database.
        database: String,
        /// Which shard.
        shard: i64,
    },
    /// The tables were made by a newer program.
    #[error(
        "{database} has version {found} and this program knows versions up to {known}: use a newer kopeck"
    )]
    Newer {
        /// Which database.
        database: String,
        /// The version of its tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Another node owns it for some time yet.
    #[error(
        "{database} is owned by {holder} until {until}: stop that node, or wait until its lease runs out"
    )]
    Held {
        /// Which database.
        database: String,
        /// Who owns it, as that node calls itself.
        holder: String,
        /// When its lease runs out by the database's clock, if it is not renewed.
        until: String,
    },
}

impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> StoreError {
        StoreError::Postgres(error)
    }
}

/// What PostgreSQL says of itself, in one line.
pub fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(told) => {
            let detail = told.detail().map(|detail| format!(", {detail}")).unwrap_or_default();
            format!("{}{detail} (SQLSTATE {})", told.message(), told.code().code())
        }
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// Whether the transaction would succeed if it were tried again as it is.
pub fn is_serialization(error: &Error) -> bool {
    let states = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| states.contains(code))
}

/// Whether the server has ended the connection, or is no more there.
pub fn is_loss(error: &Error) -> bool {
    match error.code() {
        Some(code) => ends_the_connection(code),
        None => error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<io::Error>),
    }
}

fn ends_the_connection(code: &SqlState) -> bool {
    let states = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    // Class 08: connection exceptions.
    states.contains(code) || code.code().starts_with("08")
}

/// A statement failed; nothing of its transaction was written.
pub fn failed(error: &Error) -> StoreError {
    if is_loss(error) {
        return PostgresError::Lost(words(error)).into();
    }
    match error.code() {
        Some(&SqlState::DISK_FULL) => StoreError::Full,
        Some(code) if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code) => {
            StoreError::Corrupt(words(error))
        }
        _ => StoreError::Database(words(error)),
    }
}

/// A commit failed: what the server refuses in so many words has not happened, and of all else nobody knows.
pub fn failed_commit(error: &Error) -> StoreError {
    if error.as_db_error().is_some() && !is_loss(error) {
        failed(error)
    } else {
        StoreError::Unknown(words(error))
    }
}

/// No connection could be made.
pub fn unconnected(database: &str, error: &Error) -> PostgresError {
    let database = database.to_owned();
    let reason = words(error);
    match error.as_db_error().map(DbError::code) {
        Some(&SqlState::INVALID_CATALOG_NAME) => PostgresError::NoDatabase { database },
        Some(code) if code.code().starts_with("28") => PostgresError::Login { database, reason },
        _ => PostgresError::Unreachable { database, reason },
    }
}
