//! Making one run of several, a little at a time, so that whoever merges can do more urgent things in between.

use std::sync::Arc;

use crate::error::StoreError;
use crate::log::keys::run::{Run, RunReader, RunRow, RunWriter};
use crate::log::keys::shelf::Shelf;

/// Entries that are merged in one step: some 10 ms.
const STEP_ENTRIES: usize = 1 << 17;

/// Runs that are becoming one.
#[derive(Debug)]
pub struct Merge {
    /// Oldest first.
    runs: Vec<Arc<Run>>,
    readers: Vec<RunReader>,
    writer: RunWriter,
}

impl Merge {
    /// Begins to merge runs that follow each other, the oldest first, into the run of that number.
    ///
    /// # Errors
    /// [`StoreError`] where a run can not be read or begun.
    pub fn new(shelf: &Arc<dyn Shelf>, runs: &[Arc<Run>], number: u64) -> Result<Merge, StoreError> {
        let rows = || runs.iter().map(|run| run.row());
        let row = RunRow {
            number,
            level: rows().map(|row| row.level).max().unwrap_or(0) + 1,
            after: rows().map(|row| row.after).min().unwrap_or(0),
            through: rows().map(|row| row.through).max().unwrap_or(0),
            keys: 0,
            newest: rows().map(|row| row.newest).max().unwrap_or(i64::MIN),
            hash: [0; 32],
        };
        let keys = rows().map(|row| usize::try_from(row.keys).unwrap_or(usize::MAX)).sum();
        let reader = |run| RunReader::new(Arc::clone(run), Arc::clone(shelf));
        let readers = runs.iter().map(reader).collect::<Result<_, _>>()?;
        Ok(Merge { runs: runs.to_vec(), readers, writer: RunWriter::new(&**shelf, row, keys)? })
    }

    /// The runs that it replaces.
    pub fn runs(&self) -> &[Arc<Run>] {
        &self.runs
    }

    /// The number of the run that is being written.
    pub fn number(&self) -> u64 {
        self.writer.number()
    }

    /// Merges some entries; true when there are no more.
    ///
    /// # Errors
    /// [`StoreError`] where a run can not be read or written.
    pub fn step(&mut self) -> Result<bool, StoreError> {
        for _ in 0..STEP_ENTRIES {
            let heads = self.readers.iter().enumerate();
            // Of equal keys the newest counts: the older was forgotten when it came again.
            let least = heads.filter_map(|(place, reader)| Some((reader.head()?, place)));
            let Some((entry, _)) = least.min_by_key(|((key, _), place)| (*key, usize::MAX - place)) else {
                return Ok(true);
            };
            self.writer.push(entry)?;
            for reader in &mut self.readers {
                if reader.head().is_some_and(|(key, _)| key == entry.0) {
                    reader.advance()?;
                }
            }
        }
        Ok(false)
    }

    /// The run that they have become.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written.
    pub fn finish(self, shelf: &dyn Shelf) -> Result<Run, StoreError> {
        self.writer.finish(shelf)
    }
}
