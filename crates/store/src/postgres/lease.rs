//! What a node knows of its lease, for whoever must stop serving when it is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::error::StoreError;

/// Whether a node still owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does, for some time yet.
    Held,
    /// The lease could not be renewed for as long as it lives: another node may own by now, or nobody has come. What is
    /// written is still checked, and where nobody has come all goes on.
    Lapsed,
    /// Another node has taken over, or the log has come to its end: nothing can be written any more.
    Lost(StoreError),
}

/// A lease, as the node that has it sees it.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    length: Duration,
    /// When the transaction began that renewed it last, by this node's clock: the database counts from later on.
    renewed: Mutex<Instant>,
    lost: watch::Sender<Option<StoreError>>,
}

impl Lease {
    /// A lease of that length, renewed by a transaction that began at that instant.
    pub(super) fn taken(length: Duration, at: Instant) -> Lease {
        let (lost, _) = watch::channel(None);
        Lease(Arc::new(Inside { length, renewed: Mutex::new(at), lost }))
    }

    /// Whether it is still held.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.0.lost.borrow().clone() {
            Some(reason) => Standing::Lost(reason),
            None if self.age() >= self.0.length => Standing::Lapsed,
            None => Standing::Held,
        }
    }

    /// Waits until it is lost, and answers why.
    pub async fn lost(&self) -> StoreError {
        let mut lost = self.0.lost.subscribe();
        match lost.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(StoreError::Closed),
            Err(_) => StoreError::Closed,
        }
    }

    /// How long ago it was renewed.
    pub(super) fn age(&self) -> Duration {
        self.0.renewed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// A transaction that began at that instant has renewed it.
    pub(super) fn renew(&self, at: Instant) {
        *self.0.renewed.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// It is lost for good.
    pub(super) fn lose(&self, reason: &StoreError) {
        self.0.lost.send_if_modified(|lost| {
            let is_news = lost.is_none();
            lost.get_or_insert_with(|| reason.clone());
            is_news
        });
    }
}
