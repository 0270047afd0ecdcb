//! The API's documents, made out of a store: for the routes, and for the command line.

pub mod account;
pub mod csv;
pub mod hledger;
pub mod hold;
pub mod period;
pub mod statement;
pub mod transaction;
pub mod verification;

use std::io;

use jiff::civil::Date;
use kopeck_store::StoreError;

use crate::error::AppError;

/// Why a document can not be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The store can not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The period ends before it begins.
    #[error("the period ends on {to}, which is not after {from}")]
    PeriodEmpty {
        /// Its first day.
        from: Date,
        /// The day before which it ends.
        to: Date,
    },
    /// A day outside the years that the ledger knows.
    #[error("{0} lies outside the years 1900 to 2199")]
    DayOutOfRange(Date),
    /// More lines than are put together at once.
    #[error("the period has more than {0} lines")]
    TooManyLines(usize),
    /// The account's time zone is not in the program's data.
    #[error("the account's time zone {0} is not known")]
    UnknownZone(String),
    /// A sum does not fit.
    #[error("a sum does not fit its 128 bits")]
    Overflow,
    /// The document can not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Something that is not where it must be.
fn unread(what: &str) -> DocumentError {
    DocumentError::Store(StoreError::Corrupt(format!("{what} can not be read")))
}

/// What a document that can not be made is to the application.
pub(crate) fn unmade(error: DocumentError) -> AppError {
    let said = error.to_string();
    match error {
        DocumentError::Store(error) => error.into(),
        DocumentError::PeriodEmpty { .. } => {
            AppError::invalid("to", said, "the period ends before the day `to`: give a later one")
        }
        DocumentError::DayOutOfRange(_) => AppError::invalid("from", said, "give days within them"),
        DocumentError::TooManyLines(_) => AppError::invalid("from", said, "ask for a shorter period"),
        DocumentError::UnknownZone(_) | DocumentError::Overflow | DocumentError::Write(_) => {
            AppError::Internal(said)
        }
    }
}
