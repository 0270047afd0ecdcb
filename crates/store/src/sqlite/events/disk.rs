//! Commits of an event log to SQLite: one transaction, one sync.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;
use crate::faults::{Faults, Point, meet};
use crate::log::tables::Tables;
use crate::log::writer::{Commit, Medium};
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::events::tables;
use crate::sqlite::writer::{check_epoch, unknown_unless_full};

/// The database that the writer writes to.
pub struct Disk {
    /// The connection that writes.
    pub connection: Connection,
    /// The store's folder.
    pub folder: PathBuf,
    /// What every commit carries.
    pub epoch: i64,
    /// Moves the log into the database.
    pub checkpoints: Checkpoints,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

impl Medium for Disk {
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        // A list of runs alone is no commit that anybody waits for.
        let is_alone = commit.rows.is_empty() && commit.beside.is_empty();
        if !is_alone {
            meet(Point::Begin, &mut *self.faults, &self.folder, &mut self.dead)?;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_epoch(&transaction, self.epoch)?;
        tables::write(commit, &transaction)?;
        if !is_alone {
            meet(Point::Written, &mut *self.faults, &self.folder, &mut self.dead)?;
        }
        transaction.commit().map_err(unknown_unless_full)?;
        match is_alone {
            true => Ok(()),
            false => meet(Point::Committed, &mut *self.faults, &self.folder, &mut self.dead),
        }
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn tables(&self) -> &dyn Tables {
        &self.connection
    }

    fn settled(&mut self, bytes: u64) {
        let _ = self.checkpoints.after_commit(bytes, &self.connection);
    }

    fn patience(&self) -> Option<Duration> {
        None
    }

    fn attend(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone()
    }

    fn close(&mut self) {}
}
