//! What waits to be decided: bounded, so that a caller who is faster than the disk waits or is told so.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use kopeck_ledger::name::{Sequence, TransactionId};
use kopeck_ledger::record::Reply;
use kopeck_ledger::request::Request;
use tokio::sync::oneshot;

use crate::error::StoreError;

/// Requests that may wait; a single longer job is taken when nothing else waits.
const WAITING_LIMIT: usize = 65_536;

/// What a caller wants to be decided.
#[derive(Debug)]
pub enum Work {
    /// Each request by itself, in this order. None where only what is due is to be done.
    Each(Vec<Request>),
    /// All or nothing.
    Chain(Vec<Request>),
}

impl Work {
    /// How many requests it has.
    pub fn len(&self) -> usize {
        match self {
            Work::Each(requests) | Work::Chain(requests) => requests.len(),
        }
    }
}

/// What a caller waits for.
#[derive(Debug)]
pub enum Job {
    /// Decide, and answer when it is durable: one reply for each request in the same order, one for a chain.
    Decide(Work, oneshot::Sender<Result<Vec<Reply>, StoreError>>),
    /// Which record came of the request of that id.
    Find(TransactionId, SyncSender<Result<Option<Sequence>, StoreError>>),
    /// What was decided last is void, and must be decided again.
    Again,
}

impl Job {
    fn len(&self) -> usize {
        match self {
            Job::Decide(work, _) => work.len(),
            Job::Find(..) => 1,
            Job::Again => 0,
        }
    }
}

/// The queue between callers and the one who decides.
#[derive(Debug, Default)]
pub struct Queue {
    inside: Mutex<Inside>,
    /// There is a job, or the queue is closed.
    filled: Condvar,
    /// There is room.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    jobs: VecDeque<Job>,
    requests: usize,
    closed: bool,
}

impl Queue {
    /// Adds a job; waits while there is no room.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut inside = self.lock();
        while !inside.closed && inside.is_too_full_for(job.len()) {
            inside = self.emptied.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        self.add(inside, job)
    }

    /// Adds a job where there is room now.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`].
    pub fn try_push(&self, job: Job) -> Result<(), StoreError> {
        let inside = self.lock();
        if inside.is_too_full_for(job.len()) {
            return Err(StoreError::Busy { waiting: inside.requests });
        }
        self.add(inside, job)
    }

    fn add(&self, mut inside: MutexGuard<'_, Inside>, job: Job) -> Result<(), StoreError> {
        if inside.closed {
            return Err(StoreError::Closed);
        }
        inside.requests += job.len();
        inside.jobs.push_back(job);
        drop(inside);
        self.filled.notify_one();
        Ok(())
    }

    /// Adds a job that nobody waits to hand over, whether the queue is full, closed or neither.
    pub fn remind(&self) {
        self.lock().jobs.push_front(Job::Again);
        self.filled.notify_one();
    }

    /// Takes whatever waits, up to so many requests, but at least one job; waits for it. `None` when the queue is
    /// closed and empty.
    pub fn take(&self, most: usize) -> Option<Vec<Job>> {
        let mut inside = self.lock();
        while inside.jobs.is_empty() {
            if inside.closed {
                return None;
            }
            inside = self.filled.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut taken, mut requests) = (Vec::new(), 0);
        while let Some(job) = inside.jobs.front() {
            requests += job.len();
            if requests > most && !taken.is_empty() {
                break;
            }
            taken.extend(inside.jobs.pop_front());
        }
        inside.requests -= taken.iter().map(|job| job.len()).sum::<usize>();
        drop(inside);
        self.emptied.notify_all();
        Some(taken)
    }

    /// Takes no more jobs; those that wait are still done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn is_too_full_for(&self, requests: usize) -> bool {
        !self.jobs.is_empty() && self.requests + requests > WAITING_LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    use kopeck_ledger::name::HoldId;
    use kopeck_ledger::request;

    fn job(requests: usize) -> Job {
        let id = TransactionId("00000000-0000-7000-8000-000000000001".parse().unwrap());
        let request = Request { id, actor: None, work: request::Work::Release(HoldId(id)) };
        Job::Decide(Work::Each(vec![request; requests]), oneshot::channel().0)
    }

    fn sizes(taken: Option<Vec<Job>>) -> Vec<usize> {
        taken.unwrap_or_default().iter().map(|job| job.len()).collect()
    }

    #[test]
    fn whatever_waits_is_taken_together_up_to_the_limit() {
        let queue = Queue::default();
        for requests in [1, 2, 3, 5] {
            queue.push(job(requests)).unwrap();
        }
        assert_eq!(sizes(queue.take(6)), [1, 2, 3]);
        assert_eq!(sizes(queue.take(4)), [5], "a job is never split");
    }

    #[test]
    fn a_full_queue_says_so_and_takes_again_when_there_is_room() {
        let queue = Queue::default();
        queue.push(job(WAITING_LIMIT)).unwrap();
        assert_eq!(queue.try_push(job(1)), Err(StoreError::Busy { waiting: WAITING_LIMIT }));
        queue.take(1).unwrap();
        assert_eq!(queue.try_push(job(1)), Ok(()));
    }

    #[test]
    fn who_waits_for_room_goes_on_when_there_is_room() {
        let queue = Arc::new(Queue::default());
        queue.push(job(WAITING_LIMIT)).unwrap();
        let theirs = Arc::clone(&queue);
        let waiting = thread::spawn(move || theirs.push(job(7)));
        assert_eq!(sizes(queue.take(1)), [WAITING_LIMIT]);
        assert_eq!(waiting.join().unwrap(), Ok(()));
        assert_eq!(sizes(queue.take(1)), [7]);
    }

    #[test]
    fn a_closed_queue_is_emptied_and_takes_nothing() {
        let queue = Queue::default();
        queue.push(job(1)).unwrap();
        queue.close();
        assert_eq!(queue.push(job(1)), Err(StoreError::Closed));
        assert_eq!(sizes(queue.take(1)), [1]);
        assert!(queue.take(1).is_none());
    }
}
