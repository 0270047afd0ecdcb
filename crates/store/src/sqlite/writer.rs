//! The one thread that writes: a batch, one sync, then the replies.
//!
//! Every commit carries the store's epoch and fails where the database has a newer one. What fails before the commit
//! has changed nothing; where the commit itself fails, nobody knows, and the journal is read again before anything
//! else is decided.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, PoisonError};

use kopeck_ledger::name::Sequence;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::answer::Head;
use crate::error::StoreError;
use crate::faults::{Fate, Faults, Point};
use crate::sqlite::batch::Batch;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::head_log::{self, LoggedHead};
use crate::sqlite::journal::{self, Chunk};
use crate::sqlite::shared::Shared;
use crate::sqlite::snapshot::Snapshots;

/// The head is written down beside the database at least so often while there is work, in nanoseconds: hourly.
const HEAD_LOG_EVERY: i64 = 3_600_000_000_000;

/// What the writer is told.
#[derive(Debug)]
pub enum Command {
    /// Make this durable and answer.
    Commit(Box<Batch>),
    /// All that was handed over before has been dealt with: make the shared state what the journal comes to.
    BeginAgain(SyncSender<Result<(), StoreError>>),
}

/// The writing thread's state.
pub struct Writer {
    /// What it shares with callers and decider.
    pub shared: Arc<Shared>,
    /// The connection that writes.
    pub connection: Connection,
    /// The store's folder.
    pub folder: PathBuf,
    /// What every commit carries.
    pub epoch: i64,
    /// The end of the durable journal.
    pub head: Head,
    /// Bytes of journal written by this process.
    pub written: u64,
    /// Moves the log into the database.
    pub checkpoints: Checkpoints,
    /// Writes the state down now and then.
    pub snapshots: Snapshots,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// The head that was last written down beside the database; `None` where this process has written none.
    pub head_logged: Option<Head>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

impl Writer {
    /// Writes until the decider is gone.
    pub fn run(mut self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            match command {
                Command::Commit(batch) => self.commit(*batch),
                Command::BeginAgain(answer) => {
                    let begun = self.begin_again();
                    self.shared.set_failed(begun.is_err());
                    // The decider waits for it, or is gone.
                    let _ = answer.send(begun);
                }
            }
        }
        self.finish();
    }

    fn commit(&mut self, batch: Batch) {
        if let Some(reason) = self.refusal() {
            batch.answer(&Err(reason));
            return;
        }
        let before = self.written;
        let outcome = self.make_durable(&batch);
        if let Err(error) = &outcome {
            self.shared.set_failed(true);
            if matches!(error, StoreError::Fenced { .. }) {
                self.dead = Some(error.clone());
            }
        }
        let written = self.written - before;
        batch.answer(&outcome);
        // The replies are out: what follows is housekeeping, which is tried again after the next commit.
        if self.dead.is_none() {
            let _ = self.checkpoints.after_commit(written, &self.connection);
            let _ = self.log_head(false);
        }
    }

    /// Why a batch is not even tried: the store is dead, or a batch before it has failed.
    fn refusal(&self) -> Option<StoreError> {
        let void = || StoreError::Database("a commit before it failed: nothing was written".to_owned());
        self.dead.clone().or_else(|| self.shared.has_failed().then(void))
    }

    fn make_durable(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.meet(Point::Begin)?;
        let (rows, head) = journal::rows_of(&batch.records, self.head);
        let part = self.snapshots.next_part();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_epoch(&transaction, self.epoch)?;
        journal::write(&rows, &transaction)?;
        batch.write_beside(&transaction)?;
        if let Some(part) = &part {
            part.write(&transaction)?;
        }
        meet(Point::Written, &mut *self.faults, &self.folder, &mut self.dead)?;
        transaction.commit().map_err(unknown_unless_full)?;
        self.meet(Point::Committed)?;
        if part.is_some() {
            self.snapshots.part_is_written();
        }
        self.head = head;
        let mut durable = self.shared.durable.write().unwrap_or_else(PoisonError::into_inner);
        for record in batch.records.iter() {
            durable.apply(record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        }
        drop(durable);
        self.shared.note_recent(&batch.records);
        let bytes = rows.iter().map(Chunk::written_bytes).sum();
        self.written += bytes;
        self.snapshots.after_commit(bytes, &self.shared);
        Ok(())
    }

    fn meet(&mut self, point: Point) -> Result<(), StoreError> {
        meet(point, &mut *self.faults, &self.folder, &mut self.dead)
    }

    /// Brings the durable state to where the journal ends: further than it was where a commit did happen whose
    /// outcome was not known.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        let mut durable = self.shared.durable.write().unwrap_or_else(PoisonError::into_inner);
        let next = durable.head().sequence.next();
        journal::records_from(next, &self.connection, |record| {
            durable.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            Ok(true)
        })?;
        self.head = journal::head(&self.connection)?;
        self.snapshots.forget_parts();
        Ok(())
    }

    /// Writes the head down beside the database, where it is time or it is the last chance.
    fn log_head(&mut self, last_chance: bool) -> Result<(), StoreError> {
        let Head { sequence, at, hash } = self.head;
        let is_due = self.head_logged.is_none_or(|logged| {
            let since = at.nanoseconds().saturating_sub(logged.at.nanoseconds());
            since >= HEAD_LOG_EVERY || (last_chance && logged.sequence != sequence)
        });
        if sequence == Sequence::NONE || !is_due {
            return Ok(());
        }
        head_log::append(
            &self.folder,
            &LoggedHead { at: at.timestamp(), sequence: sequence.0, hash: *hash.bytes() },
        )?;
        self.head_logged = Some(self.head);
        Ok(())
    }

    /// Leaves a database that opens fast. What fails here costs time at the next opening, and nothing else.
    fn finish(mut self) {
        if self.dead.is_some() || self.shared.has_failed() {
            return;
        }
        let _ = self.snapshots.finish(&mut self.connection, self.epoch, &self.shared);
        let _ = self.log_head(true);
    }
}

/// Comes to a point of a commit. A fate that ends the process is noted in `dead`.
///
/// # Errors
/// What the fate is.
pub fn meet(
    point: Point,
    faults: &mut dyn Faults,
    folder: &std::path::Path,
    dead: &mut Option<StoreError>,
) -> Result<(), StoreError> {
    match (faults.at(point, folder), point) {
        (Fate::GoOn, _) => Ok(()),
        (Fate::Full, Point::Begin | Point::Written) => Err(StoreError::Full),
        (Fate::Doubt, _) => Err(StoreError::Unknown("the disk did not answer".to_owned())),
        (Fate::Full, Point::Committed) | (Fate::Die, _) => {
            let error = StoreError::Unknown("the process ended".to_owned());
            *dead = Some(error.clone());
            Err(error)
        }
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
