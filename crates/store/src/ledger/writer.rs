//! The one thread that writes: a batch, one commit, then the replies.
//!
//! What fails before the commit has changed nothing; where the commit itself fails, nobody knows, and the journal is
//! read again before anything else is decided. Where and how a commit becomes durable is the [`Medium`]'s matter.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::answer::Head;
use crate::error::StoreError;
use crate::ledger::batch::{Batch, Landmark};
use crate::ledger::id_index::SealedRun;
use crate::ledger::journal::{self, Chunk};
use crate::ledger::shared::Shared;
use crate::ledger::snapshot::{Part, Snapshots};
use crate::ledger::tables::Tables;

/// What becomes durable together.
#[derive(Debug)]
pub struct Commit<'b> {
    /// The end of the journal before it.
    pub before: Head,
    /// The end of the journal with it.
    pub head: Head,
    /// The rows of the journal.
    pub rows: &'b [Chunk],
    /// Landmarks that the records have brought.
    pub landmarks: &'b [Landmark],
    /// Ids of earlier records that leave memory.
    pub run: Option<&'b SealedRun>,
    /// A part of the state as it was some commits ago.
    pub part: Option<&'b Part>,
}

/// Where commits become durable: the part of the writer that knows a database.
pub trait Medium: Send {
    /// A row of the journal takes records up to so many bytes; a longer record has a row of its own.
    fn row_bytes(&self) -> usize;

    /// Writes all of a commit or nothing, and fails where the database has a newer owner. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]; [`StoreError::Unknown`] where it may have happened; with all others it has not.
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError>;

    /// After a failure: makes sure that what is read from now on is what the journal will stay.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be used.
    fn recover(&mut self) -> Result<(), StoreError>;

    /// What the database has, as the writer reads it.
    fn tables(&self) -> &dyn Tables;

    /// The replies to a commit of about so many bytes are out: housekeeping, which is tried again after the next.
    fn settled(&mut self, bytes: u64, head: Head);

    /// Where nothing is written for so long the medium wants to be [attended](Medium::attend).
    fn patience(&self) -> Option<Duration>;

    /// Nothing was written for as long as [`Medium::patience`] says.
    ///
    /// # Errors
    /// [`StoreError::Fenced`], after which nothing is written any more; others count for nothing.
    fn attend(&mut self) -> Result<(), StoreError>;

    /// Why nothing can be written any more.
    fn ended(&self) -> Option<StoreError>;

    /// Leaves a database that opens fast; `parts` are what is left of a snapshot. What fails here costs time at the next
    /// opening, and nothing else.
    fn close(&mut self, head: Head, parts: Vec<Part>);
}

/// What the writer is told.
#[derive(Debug)]
pub enum Command {
    /// Make this durable and answer.
    Commit(Box<Batch>),
    /// All that was handed over before has been dealt with: make the shared state what the journal comes to.
    BeginAgain(SyncSender<Result<(), StoreError>>),
}

/// The writing thread's state.
pub struct Writer<M> {
    /// What it shares with callers and decider.
    pub shared: Arc<Shared>,
    /// Where it writes.
    pub medium: M,
    /// The end of the durable journal.
    pub head: Head,
    /// Writes the state down now and then.
    pub snapshots: Snapshots,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

impl<M: Medium> Writer<M> {
    /// Writes until the decider is gone.
    pub fn run(mut self, commands: &Receiver<Command>) {
        while let Some(command) = self.next(commands) {
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

    /// The next command; the medium is attended meanwhile. `None` where the decider is gone.
    fn next(&mut self, commands: &Receiver<Command>) -> Option<Command> {
        loop {
            let Some(patience) = self.medium.patience() else { return commands.recv().ok() };
            match commands.recv_timeout(patience) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    let attended = if self.refusal().is_none() { self.medium.attend() } else { Ok(()) };
                    self.note(&attended);
                }
            }
        }
    }

    fn commit(&mut self, batch: Batch) {
        if let Some(reason) = self.refusal() {
            batch.answer(&Err(reason));
            return;
        }
        let outcome = self.make_durable(&batch);
        if outcome.is_err() {
            self.shared.set_failed(true);
        }
        self.note(&outcome);
        let written = *outcome.as_ref().unwrap_or(&0);
        batch.answer(&outcome.map(|_| ()));
        if self.ended().is_none() {
            self.medium.settled(written, self.head);
        }
    }

    /// Remembers that another owner has taken over.
    fn note<T>(&mut self, outcome: &Result<T, StoreError>) {
        if let Err(error @ StoreError::Fenced { .. }) = outcome {
            self.dead = Some(error.clone());
            self.shared.set_failed(true);
        }
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone().or_else(|| self.medium.ended())
    }

    /// Why a batch is not even tried: the store is dead, or a batch before it has failed.
    fn refusal(&self) -> Option<StoreError> {
        let void = || StoreError::Database("a commit before it failed: nothing was written".to_owned());
        self.ended().or_else(|| self.shared.has_failed().then(void))
    }

    /// Answers how many bytes of journal it has written.
    fn make_durable(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let (rows, head) = journal::rows_of(&batch.records, self.head, self.medium.row_bytes());
        let part = self.snapshots.next_part();
        let commit = Commit {
            before: self.head,
            head,
            rows: &rows,
            landmarks: &batch.landmarks,
            run: batch.run.as_ref(),
            part: part.as_ref(),
        };
        self.medium.commit(&commit)?;
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
        self.snapshots.after_commit(bytes, &self.shared);
        Ok(bytes)
    }

    /// Brings the durable state to where the journal ends: further than it was where a commit did happen whose
    /// outcome was not known.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        if let Some(ended) = self.ended() {
            return Err(ended);
        }
        let recovered = self.medium.recover();
        self.note(&recovered);
        recovered?;
        let tables = self.medium.tables();
        let mut durable = self.shared.durable.write().unwrap_or_else(PoisonError::into_inner);
        let next = durable.head().sequence.next();
        journal::records_from(next, tables, |record| {
            durable.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            Ok(true)
        })?;
        self.head = tables.head()?;
        self.snapshots.forget_parts();
        Ok(())
    }

    fn finish(mut self) {
        if self.ended().is_some() || self.shared.has_failed() {
            return;
        }
        let parts = self.snapshots.last_parts(&self.shared);
        self.medium.close(self.head, parts);
    }
}
