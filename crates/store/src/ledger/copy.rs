//! Copying a ledger from one kind of database to another: the journal as it is, and what is beside it.
//!
//! The journal's rows are copied byte for byte. A snapshot whose hash does not fit is left out: it costs time and nothing
//! else. What is copied should be verified, before or after.

use kopeck_ledger::name::{AccountNumber, Sequence};

use crate::answer::Copied;
use crate::error::StoreError;
use crate::ledger::batch::Landmark;
use crate::ledger::id_index::{self, SealedRun};
use crate::ledger::journal::Chunk;
use crate::ledger::snapshot::{self, Part};
use crate::ledger::tables::{Found, Tables};

/// Rows of the journal that are written together.
const GROUP_ROWS: usize = 256;

/// Where a copy is written.
pub trait Sink {
    /// Writes rows of the journal.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    fn chunks(&self, chunks: &[Chunk]) -> Found<()>;

    /// Writes landmarks.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    fn landmarks(&self, landmarks: &[Landmark]) -> Found<()>;

    /// Writes a run of ids.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    fn run(&self, run: &SealedRun) -> Found<()>;

    /// Writes a part of a snapshot.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    fn part(&self, part: &Part) -> Found<()>;
}

/// Copies all of a ledger, which is read as of one instant, into empty tables. Progress is told in records.
///
/// # Errors
/// [`StoreError`] where one of the databases fails.
pub fn copy(
    from: &dyn Tables,
    to: &dyn Sink,
    progress: &mut dyn FnMut(Copied),
) -> Result<Sequence, StoreError> {
    let head = from.head()?.sequence;
    let mut group = Vec::with_capacity(GROUP_ROWS);
    from.chunks(Sequence::NONE, &mut |chunk| {
        let pages = chunk.end().sequence.0;
        group.push(chunk);
        if group.len() == GROUP_ROWS {
            to.chunks(&group)?;
            group.clear();
            progress(Copied { pages, of: head.0 });
        }
        Ok(true)
    })?;
    to.chunks(&group)?;
    let (mut account, mut sequence) = (AccountNumber(0), Sequence::NONE);
    loop {
        let landmarks = from.landmarks_after(account, sequence)?;
        let Some(last) = landmarks.last() else { break };
        (account, sequence) = (last.account, last.sequence);
        to.landmarks(&landmarks)?;
    }
    for run in from.runs()? {
        to.run(&id_index::read_run(run, from)?)?;
    }
    if let Some((sequence, packed)) = snapshot::packed(from)? {
        snapshot::parts_of(sequence, &packed).iter().try_for_each(|part| to.part(part))?;
    }
    progress(Copied { pages: head.0, of: head.0 });
    Ok(head)
}
