//! Whose an event is and what meters it: source → emitter → book, for a project at an instant (rating.md).

use kopeck_ledger::name::{Currency, Moment, Text};

use crate::entity::Emitter;
use crate::name::{BookId, MeterId, WorkspaceId};

/// Where an event goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Whose event it is.
    pub emitter: Emitter,
    /// The book that prices it.
    pub book: BookId,
    /// What meters by that book.
    pub meter: MeterId,
    /// Who pays.
    pub workspace: WorkspaceId,
}

/// Why an event goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// Nobody has this source at that instant.
    #[error("source {source_name:?} belongs to no provider at {at}: assign it")]
    UnknownSource {
        /// The source.
        source_name: String,
        /// The instant.
        at: Moment,
    },
    /// There is no such project.
    #[error("there is no project {project:?}: create it first")]
    UnknownProject {
        /// The project.
        project: String,
    },
    /// The book's days are not the workspace's.
    #[error("book {book} is in time zone {book_zone}, the workspace of the project in {zone}")]
    OtherZone {
        /// The book.
        book: BookId,
        /// Its zone.
        book_zone: Text,
        /// The workspace's.
        zone: Text,
    },
    /// The book's money is not the workspace's.
    #[error("book {book} is in {book_currency}, the workspace of the project in {currency}")]
    OtherCurrency {
        /// The book.
        book: BookId,
        /// Its currency.
        book_currency: Currency,
        /// The workspace's.
        currency: Currency,
    },
}
