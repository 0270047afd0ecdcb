//! The one thread that writes: a batch, one commit, then the replies.
//!
//! What fails before the commit has changed nothing; where the commit itself fails, nobody knows, and the journal is
//! read again before anything else is decided. A medium may have other writers: what was decided before they wrote is
//! void, and is decided again on what they have left. Where and how a commit becomes durable is the [`Medium`]'s matter.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use kopeck_ledger::name::Sequence;

use crate::answer::Head;
use crate::error::StoreError;
use crate::ledger::batch::{Asked, Batch, Landmark};
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

impl Commit<'_> {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.run.is_none()
    }
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Done,
    /// Others have written since the journal was read: nothing of it was written, and they are kept from writing more.
    Overtaken,
}

/// Where commits become durable: the part of the writer that knows a database.
pub trait Medium: Send {
    /// A row of the journal takes records up to so many bytes; a longer record has a row of its own.
    fn row_bytes(&self) -> usize;

    /// Whether the journal may have other writers.
    fn has_others(&self) -> bool {
        false
    }

    /// Writes all of a commit or nothing, and fails where the database has a newer owner. Durable when it returns. A
    /// commit of nothing tells whether others have written.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]; [`StoreError::Unknown`] where it may have happened; with all others it has not.
    fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError>;

    /// Keeps others from writing until the next commit, and tells where the journal ends: what is read from now on is
    /// what it will stay, also where a commit's outcome was not known.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be used.
    fn take_turn(&mut self) -> Result<Sequence, StoreError> {
        Ok(self.tables().head()?.sequence)
    }

    /// Nothing comes of the turn: others may write.
    fn pass_turn(&mut self) {}

    /// What the database has, as the writer reads it.
    fn tables(&self) -> &dyn Tables;

    /// The replies to a commit of about so many bytes are out: housekeeping, which is tried again after the next.
    fn settled(&mut self, bytes: u64, head: Head);

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
    Follow(Turn, SyncSender<Result<Followed, StoreError>>),
    /// Nothing comes of the turn.
    Pass,
}

/// Whether others are kept from writing until the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// They are.
    Take,
    /// They go on.
    Leave,
}

/// The shared state is what the journal came to.
#[derive(Debug)]
pub struct Followed {
    /// Where the journal ended.
    pub end: Sequence,
    /// Something that was handed over was not written.
    pub is_void: bool,
    /// What was decided before others wrote: it is to be decided again.
    pub undecided: Vec<Asked>,
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
    /// What others have overtaken.
    overtaken: Vec<Asked>,
}

impl<M: Medium> Writer<M> {
    /// Writes where the journal ends, and each part of the state when it is due.
    pub fn new(shared: Arc<Shared>, medium: M, head: Head, snapshots: Snapshots) -> Writer<M> {
        Writer { shared, medium, head, snapshots, dead: None, overtaken: Vec::new() }
    }

    /// Writes until the decider is gone.
    pub fn run(mut self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            match command {
                Command::Commit(batch) => self.commit(*batch),
                Command::Follow(turn, answer) => {
                    let followed = self.follow(turn);
                    // The decider waits for it, or is gone.
                    let _ = answer.send(followed);
                }
                Command::Pass => self.medium.pass_turn(),
            }
        }
        self.finish();
    }

    fn commit(&mut self, batch: Batch) {
        if let Some(reason) = self.refusal() {
            batch.answer(&Err(reason));
            return;
        }
        if !self.overtaken.is_empty() {
            self.overtaken.extend(batch.undecided());
            return;
        }
        let outcome = self.make_durable(&batch);
        self.note(&outcome);
        let written = match outcome {
            Ok(Some(written)) => {
                batch.answer(&Ok(()));
                written
            }
            Ok(None) => {
                self.shared.set_failed(true);
                self.overtaken.extend(batch.undecided());
                // The decider may have nothing else to do.
                self.shared.queue.remind();
                return;
            }
            Err(error) => {
                self.shared.set_failed(true);
                batch.answer(&Err(error));
                0
            }
        };
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
        self.ended().or_else(|| (self.shared.has_failed() && self.overtaken.is_empty()).then(void))
    }

    /// Answers how many bytes of journal it has written; `None` where others wrote before.
    fn make_durable(&mut self, batch: &Batch) -> Result<Option<u64>, StoreError> {
        let (rows, head) = journal::rows_of(&batch.records, self.head, self.medium.row_bytes());
        let is_empty = batch.records.is_empty() && batch.run.is_none();
        let part = if is_empty { None } else { self.snapshots.next_part() };
        let commit = Commit {
            before: self.head,
            head,
            rows: &rows,
            landmarks: &batch.landmarks,
            run: batch.run.as_ref(),
            part: part.as_ref(),
        };
        if self.medium.commit(&commit)? == Committed::Overtaken {
            return Ok(None);
        }
        if part.is_some() {
            self.snapshots.part_is_written();
        }
        self.head = head;
        if is_empty {
            return Ok(Some(0));
        }
        self.shared.bring_on(batch.records.iter())?;
        self.shared.note_recent(&batch.records);
        let bytes = rows.iter().map(Chunk::written_bytes).sum();
        self.snapshots.after_commit(bytes, &self.shared);
        Ok(Some(bytes))
    }

    /// Brings the durable state to where the journal ends: further than it was where others have written, or a commit
    /// did happen whose outcome was not known. Where that fails, whoever was overtaken is told.
    fn follow(&mut self, turn: Turn) -> Result<Followed, StoreError> {
        let read_on = match self.ended() {
            Some(ended) => Err(ended),
            None => self.read_on(turn),
        };
        self.note(&read_on);
        if let Err(error) = read_on {
            self.medium.pass_turn();
            self.shared.set_failed(true);
            self.overtaken.drain(..).for_each(|asked| asked.refuse(&error));
            return Err(error);
        }
        if turn == Turn::Leave {
            self.medium.pass_turn();
        }
        let is_void = self.shared.has_failed();
        if is_void {
            self.snapshots.forget_parts();
        }
        self.shared.set_failed(false);
        Ok(Followed { end: self.head.sequence, is_void, undecided: std::mem::take(&mut self.overtaken) })
    }

    fn read_on(&mut self, turn: Turn) -> Result<(), StoreError> {
        let is_taken = turn == Turn::Take || self.shared.has_failed();
        let end = if is_taken { self.medium.take_turn()? } else { self.medium.tables().head()?.sequence };
        if end == self.head.sequence && end == self.shared.end() {
            return Ok(());
        }
        let tables = self.medium.tables();
        journal::records_from(self.shared.end().next(), tables, |record| {
            self.shared.bring_on([&record])?;
            Ok(true)
        })?;
        self.head = tables.head()?;
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
