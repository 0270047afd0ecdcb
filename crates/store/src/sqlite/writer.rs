//! Commits to SQLite: one transaction, one sync.
//!
//! Every commit carries the store's epoch and fails where the database has a newer one.

use std::path::PathBuf;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::answer::Head;
use crate::error::StoreError;
use crate::faults::{Faults, Point, meet};
use crate::head_log;
use crate::ledger::snapshot::Part;
use crate::ledger::tables::Tables;
use crate::ledger::writer::{Commit, Committed, Medium};
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::tables;

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
    /// Writes the head down beside the database.
    pub heads: head_log::Heads,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

impl Medium for Disk {
    fn row_bytes(&self) -> usize {
        tables::ROW_BYTES
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        if commit.is_empty() {
            return Ok(Committed::Done);
        }
        self.meet(Point::Begin)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_epoch(&transaction, self.epoch)?;
        tables::write(commit, &transaction)?;
        meet(Point::Written, &mut *self.faults, &self.folder, &mut self.dead)?;
        transaction.commit().map_err(unknown_unless_full)?;
        self.meet(Point::Committed).map(|()| Committed::Done)
    }

    fn tables(&self) -> &dyn Tables {
        &self.connection
    }

    fn settled(&mut self, bytes: u64, head: Head) {
        let _ = self.checkpoints.after_commit(bytes, &self.connection);
        let _ = self.heads.note(head, false);
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone()
    }

    fn close(&mut self, head: Head, parts: Vec<Part>) {
        let _ = self.write_parts(&parts);
        let _ = self.heads.note(head, true);
    }
}

impl Disk {
    fn meet(&mut self, point: Point) -> Result<(), StoreError> {
        meet(point, &mut *self.faults, &self.folder, &mut self.dead)
    }

    fn write_parts(&mut self, parts: &[Part]) -> Result<(), StoreError> {
        if parts.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_epoch(&transaction, self.epoch)?;
        for part in parts {
            tables::write_part(part, &transaction)?;
        }
        Ok(transaction.commit()?)
    }
}

/// Fails where another opening of the database has taken over.
///
/// # Errors
/// [`StoreError::Fenced`].
pub fn check_epoch(transaction: &Transaction<'_>, own: i64) -> Result<(), StoreError> {
    let mut select = transaction.prepare_cached("SELECT epoch FROM owner")?;
    let current: i64 = select.query_row((), |row| row.get(0))?;
    if current == own { Ok(()) } else { Err(StoreError::Fenced { own, current }) }
}

/// A full disk is met before a log's commit counts; of any other failure nobody knows what the disk has kept.
pub fn unknown_unless_full(error: rusqlite::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Full => StoreError::Full,
        other => StoreError::Unknown(other.to_string()),
    }
}
