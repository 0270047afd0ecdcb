//! Events that wait until their second has passed.

use std::collections::BTreeMap;
use std::sync::Arc;

use kopeck_rating::batch::Batch;
use kopeck_rating::calendar::Second;

use crate::meter_id::MeterId;

/// An event that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub batch: Arc<Batch>,
    pub index: usize,
    pub meter: MeterId,
    pub second: Second,
}

/// Most events come after their second has passed, and leave with the next step; those of the future are in order.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    /// Taken since the last step.
    fresh: Vec<Waiting>,
    /// By second and order of arrival.
    ahead: BTreeMap<(Second, u64), Waiting>,
    /// How many were put ahead.
    count: u64,
}

/// An event that waits longer has a copy of its line, so that it does not keep its whole batch in memory.
const SOON: Second = 3;

impl WaitingRoom {
    pub fn push(&mut self, waiting: Waiting) {
        self.fresh.push(waiting);
    }

    pub fn len(&self) -> usize {
        self.fresh.len() + self.ahead.len()
    }

    /// The earliest second of an event that waits.
    pub fn first(&self) -> Option<Second> {
        let ahead = self.ahead.keys().next().map(|(second, _)| *second);
        self.fresh.iter().map(|waiting| waiting.second).chain(ahead).min()
    }

    /// Those whose second is over at an instant: those that waited longest first.
    pub fn arrived(&mut self, at: Second) -> Vec<Waiting> {
        let later = self.ahead.split_off(&(at, 0));
        let mut ready: Vec<_> = std::mem::replace(&mut self.ahead, later).into_iter().collect();
        ready.sort_unstable_by_key(|((_, arrival), _)| *arrival);
        let mut arrived: Vec<Waiting> = ready.into_iter().map(|(_, waiting)| waiting).collect();
        for waiting in std::mem::take(&mut self.fresh) {
            if waiting.second < at {
                arrived.push(waiting);
            } else {
                self.put_ahead(waiting, at);
            }
        }
        arrived
    }

    fn put_ahead(&mut self, waiting: Waiting, at: Second) {
        let alone = if waiting.second > at + SOON { waiting.batch.alone(waiting.index) } else { None };
        let waiting = match alone {
            Some(batch) => Waiting { batch: Arc::new(batch), index: 0, ..waiting },
            None => waiting,
        };
        self.count += 1;
        self.ahead.insert((waiting.second, self.count), waiting);
    }

    /// All of them, in the order in which they arrived.
    pub fn list(&self) -> Vec<&Waiting> {
        let mut ahead: Vec<_> = self.ahead.iter().collect();
        ahead.sort_unstable_by_key(|((_, arrival), _)| *arrival);
        ahead.into_iter().map(|(_, waiting)| waiting).chain(&self.fresh).collect()
    }
}
