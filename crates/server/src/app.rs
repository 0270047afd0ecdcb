//! The use cases, one family a file. They are told who asks, look up what that may see, and ask the store.
//!
//! Nothing here knows HTTP: everything can be called without a socket.

pub mod access;
pub mod accounts;
pub mod accrued;
pub mod asking;
pub(crate) mod directory;
pub(crate) mod effect;
pub mod first_start;
pub mod health;
pub mod holds;
pub mod ingest;
pub mod journal;
pub(crate) mod keys;
pub(crate) mod market;
pub mod page;
pub(crate) mod people;
pub(crate) mod prices;
pub mod reconcile;
pub mod reports;
pub mod spend;
pub mod time;
pub mod transactions;
pub mod work;

use std::sync::Arc;

use kopeck_ledger::name::Moment;
use kopeck_store::{DirectoryStore, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::auth::Tokens;
use crate::clock::Clock;
use crate::config::Limits;
use crate::error::AppError;
use crate::metrics::Metrics;
use crate::shards::Shards;

/// The server's parts, shared by routes and background work.
pub struct App {
    /// The ledger.
    pub ledger: Arc<dyn Store>,
    /// Who there is, and who may do what.
    pub directory: Arc<dyn DirectoryStore>,
    /// Events on their way to money.
    pub shards: Shards,
    /// Who has which token.
    pub tokens: Arc<dyn Tokens>,
    /// The time that everything lives by.
    pub clock: Clock,
    /// What a client may cost.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether the server is stopping.
    pub stop: Stop,
    /// Whether the ledger may lack accounts of the directory.
    accounts_behind: reconcile::Behind,
    /// Reads of the whole journal that may go on at a time.
    long_reads: Arc<Semaphore>,
    /// Room for bodies, in bytes.
    bodies: Arc<Semaphore>,
}

/// What an application is made of.
pub struct Stores {
    /// The ledger.
    pub ledger: Arc<dyn Store>,
    /// Who there is.
    pub directory: Arc<dyn DirectoryStore>,
    /// Who has which token.
    pub tokens: Arc<dyn Tokens>,
}

impl App {
    /// An application over its stores.
    #[must_use]
    pub fn new(stores: Stores, shards: Shards, clock: Clock, limits: Limits) -> App {
        let Stores { ledger, directory, tokens } = stores;
        let long_reads = Arc::new(Semaphore::new(limits.long_reads));
        let bodies = Arc::new(Semaphore::new(limits.bodies));
        let (metrics, stop) = (Metrics::new(), Stop::new());
        let accounts_behind = reconcile::Behind::default();
        App {
            ledger,
            directory,
            shards,
            tokens,
            clock,
            limits,
            metrics,
            stop,
            accounts_behind,
            long_reads,
            bodies,
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Brings what is read from memory to what is durable now, where other nodes write as well.
    ///
    /// # Errors
    /// [`AppError::Store`] where the database does not answer.
    pub async fn refresh(self: &Arc<App>) -> Result<(), AppError> {
        if self.shards.peers().is_none() {
            return Ok(());
        }
        self.blocking(|app| {
            app.directory.refresh()?;
            Ok(app.ledger.refresh()?)
        })
        .await
    }

    /// A place for a read of the whole journal, until it is dropped.
    ///
    /// # Errors
    /// [`AppError::TooMany`] where all are taken: such reads do not wait, they would pile up.
    pub fn long_read(&self) -> Result<OwnedSemaphorePermit, AppError> {
        Arc::clone(&self.long_reads)
            .try_acquire_owned()
            .map_err(|_| AppError::TooMany("too many exports and verifications are going on"))
    }

    /// Room for so many bytes of a body, until it is dropped.
    ///
    /// # Errors
    /// [`AppError::TooMany`] where there is none: a body that waited would keep others from ever being whole.
    pub fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, AppError> {
        let room =
            u32::try_from(bytes).ok().map(|bytes| Arc::clone(&self.bodies).try_acquire_many_owned(bytes));
        match room {
            Some(Ok(room)) => Ok(room),
            _ => Err(AppError::TooMany("too many large bodies are being received")),
        }
    }

    /// Lets those holds expire whose instant has come, so that what is read next is as of now.
    ///
    /// # Errors
    /// [`AppError::Store`] where that is not durable.
    pub async fn expire_due(&self) -> Result<(), AppError> {
        if self.ledger.next_expiry().is_some_and(|next| next <= self.now()) {
            self.ledger.expire_holds()?.await?;
        }
        Ok(())
    }

    /// Does work that reads files or computes for long on a thread of its own.
    ///
    /// # Errors
    /// What the work answers, or [`AppError::Internal`] where it panicked.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<App>,
        work: impl FnOnce(&App) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let app = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(done) => done,
            Err(error) => Err(AppError::Internal(error.to_string())),
        }
    }
}

/// Whether the server is stopping: whoever works for long looks at it or waits for it.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    fn new() -> Stop {
        Stop(watch::Sender::new(false))
    }

    /// Says that the server is stopping.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is.
    pub async fn begun(&self) {
        // The sender is ours, so the wait can not fail.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}
