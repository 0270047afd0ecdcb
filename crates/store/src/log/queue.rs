//! What waits to be written: bounded in bytes, so that a caller who is faster than the disk is told so.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::events::{Arrival, Group, Outcome};
use crate::log::beside::Beside;

/// Bytes of groups that may wait; a single larger group is taken when nothing else waits.
pub const WAITING_BYTES: usize = 64 << 20;

/// Where outcomes go.
pub type Answers = oneshot::Sender<Result<Vec<Outcome>, StoreError>>;
/// Where it is told that something beside the events is written.
pub type Told = SyncSender<Result<(), StoreError>>;

/// What a caller wants to be written.
#[derive(Debug)]
pub enum Job<P> {
    /// Judge these and answer when they are durable.
    Append(Group<P>, Answers),
    /// Write this and tell when it is durable. Few do, and each waits.
    Beside(Beside, Told),
}

impl<P> Job<P> {
    fn bytes(&self) -> usize {
        match self {
            Job::Append(group, _) => group.bytes.len() + group.arrivals.len() * size_of::<Arrival>(),
            Job::Beside(beside, _) => beside.bytes(),
        }
    }
}

/// The queue between callers and the one who writes.
#[derive(Debug)]
pub struct Queue<P> {
    inside: Mutex<Inside<P>>,
    /// There is a job, or the queue is closed.
    filled: Condvar,
}

#[derive(Debug)]
struct Inside<P> {
    jobs: VecDeque<Job<P>>,
    bytes: usize,
    closed: bool,
}

impl<P> Default for Queue<P> {
    fn default() -> Queue<P> {
        let inside = Inside { jobs: VecDeque::new(), bytes: 0, closed: false };
        Queue { inside: Mutex::new(inside), filled: Condvar::new() }
    }
}

impl<P> Queue<P> {
    /// Adds a job; a group only where there is room for it now.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`].
    pub fn push(&self, job: Job<P>) -> Result<(), StoreError> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(StoreError::Closed);
        }
        let bytes = job.bytes();
        let is_too_full = !inside.jobs.is_empty() && inside.bytes + bytes > WAITING_BYTES;
        if is_too_full && matches!(job, Job::Append(..)) {
            return Err(StoreError::Busy { waiting: inside.jobs.len() });
        }
        inside.bytes += bytes;
        inside.jobs.push_back(job);
        drop(inside);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes whatever waits, up to so many bytes, but at least one job; waits for it, and where that takes longer than
    /// `patience` takes none. `None` when the queue is closed and empty.
    pub fn take(&self, most: usize, patience: Option<Duration>) -> Option<Vec<Job<P>>> {
        let mut inside = self.lock();
        while inside.jobs.is_empty() {
            if inside.closed {
                return None;
            }
            let Some(patience) = patience else {
                inside = self.filled.wait(inside).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (woken, timeout) =
                self.filled.wait_timeout(inside, patience).unwrap_or_else(PoisonError::into_inner);
            inside = woken;
            if timeout.timed_out() && inside.jobs.is_empty() && !inside.closed {
                return Some(Vec::new());
            }
        }
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(job) = inside.jobs.front() {
            let more = job.bytes();
            if bytes + more > most && !taken.is_empty() {
                break;
            }
            bytes += more;
            taken.extend(inside.jobs.pop_front());
        }
        inside.bytes -= bytes;
        Some(taken)
    }

    /// Takes no more jobs; those that wait are still done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inside<P>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn job(bytes: usize) -> Job<()> {
        let group = Group { bytes: Bytes::from(vec![0; bytes]), arrivals: Vec::new(), payload: () };
        Job::Append(group, oneshot::channel().0)
    }

    fn sizes(taken: Option<Vec<Job<()>>>) -> Vec<usize> {
        taken.unwrap_or_default().iter().map(Job::bytes).collect()
    }

    #[test]
    fn whatever_waits_is_taken_together_up_to_the_limit() {
        let queue = Queue::default();
        for bytes in [1, 2, 3, 5] {
            queue.push(job(bytes)).unwrap();
        }
        assert_eq!(sizes(queue.take(6, None)), [1, 2, 3]);
        assert_eq!(sizes(queue.take(4, None)), [5], "a group is never split");
    }

    #[test]
    fn a_full_queue_says_so_and_takes_again_when_there_is_room() {
        let queue = Queue::default();
        queue.push(job(WAITING_BYTES + 1)).unwrap();
        assert_eq!(queue.push(job(1)), Err(StoreError::Busy { waiting: 1 }));
        assert_eq!(queue.push(Job::Beside(Beside::Confirm(1), std::sync::mpsc::sync_channel(1).0)), Ok(()));
        queue.take(1, None).unwrap();
        queue.take(1, None).unwrap();
        assert_eq!(queue.push(job(1)), Ok(()));
    }

    #[test]
    fn whoever_loses_patience_takes_nothing_and_may_wait_again() {
        let queue = Queue::<()>::default();
        assert!(queue.take(1, Some(Duration::from_millis(1))).unwrap().is_empty());
        queue.push(job(1)).unwrap();
        assert_eq!(sizes(queue.take(1, Some(Duration::ZERO))), [1]);
    }

    #[test]
    fn a_closed_queue_is_emptied_and_takes_nothing() {
        let queue = Queue::default();
        queue.push(job(1)).unwrap();
        queue.close();
        assert_eq!(queue.push(job(1)), Err(StoreError::Closed));
        assert_eq!(sizes(queue.take(1, None)), [1]);
        assert!(queue.take(1, None).is_none());
    }
}
