//! What the callers, the decider and the writer of one store share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::{Moment, Sequence};
use kopeck_ledger::record::Record;

use crate::error::StoreError;
use crate::ledger::queue::Queue;

/// Where the store reads what time it is. What it says may jump; the journal's time never goes back.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// What the threads of a store share.
#[derive(Debug)]
pub struct Shared {
    /// What waits to be decided.
    pub queue: Queue,
    /// The state after the last durable record, which is what readers see.
    pub durable: RwLock<Ledger>,
    /// What became durable last.
    recent: Mutex<VecDeque<Arc<Vec<Record>>>>,
    failed: AtomicBool,
}

/// Batches whose records are at hand after they became durable: whoever asked reads them within a moment.
const RECENT_BATCHES: usize = 8;

impl Shared {
    /// With the state of a journal that was just read.
    pub fn new(durable: Ledger) -> Shared {
        Shared {
            queue: Queue::default(),
            durable: RwLock::new(durable),
            recent: Mutex::default(),
            failed: AtomicBool::new(false),
        }
    }

    /// Brings the durable state on by records of the journal; those that are in it already change nothing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where they do not follow from it.
    pub fn bring_on<'r>(&self, records: impl IntoIterator<Item = &'r Record>) -> Result<(), StoreError> {
        let mut durable = self.durable.write().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            if record.sequence > durable.head().sequence {
                durable.apply(record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// The last record of the durable state.
    pub fn end(&self) -> Sequence {
        self.durable.read().unwrap_or_else(PoisonError::into_inner).head().sequence
    }

    /// Keeps the records of a batch that is durable at hand.
    pub fn note_recent(&self, records: &Arc<Vec<Record>>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(Arc::clone(records));
        while recent.len() > RECENT_BATCHES {
            recent.pop_front();
        }
    }

    /// A record that is at hand.
    pub fn recent(&self, sequence: Sequence) -> Option<Record> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |records: &Vec<Record>| records.binary_search_by_key(&sequence, |record| record.sequence);
        recent.iter().rev().find_map(|records| records.get(place(records).ok()?).cloned())
    }

    /// Whether a batch could not be written, so that all that was decided after it is void.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// The writer says that a batch could not be written, or that it has begun again.
    pub fn set_failed(&self, failed: bool) {
        self.failed.store(failed, Ordering::Release);
    }
}
