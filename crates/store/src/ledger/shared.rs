//! What the callers, the decider and the writer of one store share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::Moment;

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
    failed: AtomicBool,
}

impl Shared {
    /// With the state of a journal that was just read.
    pub fn new(durable: Ledger) -> Shared {
        Shared { queue: Queue::default(), durable: RwLock::new(durable), failed: AtomicBool::new(false) }
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
