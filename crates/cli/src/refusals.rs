//! Refusals of events and records: the first are told one by one, the rest is counted, unless all are asked for.

use crate::failure::Failure;
use crate::rate::tell;

/// Refusals beyond this many are counted and not told.
const MOST: u64 = 100;

/// The refusals of a run.
pub struct Refusals {
    most: u64,
    count: u64,
    /// Whether telling has failed.
    told: Result<(), Failure>,
}

impl Refusals {
    /// None yet; of those to come the first hundred are told, or all.
    pub fn new(all: bool) -> Refusals {
        Refusals { most: if all { u64::MAX } else { MOST }, count: 0, told: Ok(()) }
    }

    /// Counts one, and tells it where it is to be told.
    pub fn take(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.count <= self.most && self.told.is_ok() {
            self.told = tell(&text());
        }
    }

    /// Why telling has failed, once.
    pub fn failure(&mut self) -> Result<(), Failure> {
        std::mem::replace(&mut self.told, Ok(()))
    }

    /// How many there were, after it is told how many of these `things` were not listed.
    pub fn finish(mut self, things: &str) -> Result<u64, Failure> {
        self.failure()?;
        if self.count > self.most {
            let more = self.count - self.most;
            let (things, were) = match more {
                1 => (things.trim_end_matches('s'), "was refused and is"),
                _ => (things, "were refused and are"),
            };
            tell(&format!(
                "error: {more} more {things} {were} not listed\n  give --all-errors to see all\n"
            ))?;
        }
        Ok(self.count)
    }
}
