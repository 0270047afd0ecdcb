//! The life of a server: its folder, its parts, its end.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use kopeck_ledger::name::Moment;
use kopeck_metering::judge::{Arrived, HORIZON_DAYS};
use kopeck_metering::{Metering, MeteringError, Parts, Time, mail};
use kopeck_store::sqlite::directory::{DirectoryOptions, SqliteDirectory};
use kopeck_store::sqlite::events::{EventOptions, SqliteEvents};
use kopeck_store::sqlite::{Options, SERVED_LOG_BYTES, SqliteStore};
use kopeck_store::{DirectoryStore, Store, StoreError};

use crate::app::{App, Stores, first_start, reconcile};
use crate::auth::{AnyOf, DirectoryTokens, OperatorToken, OperatorTokenError};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::AppError;
use crate::{background, http};

/// What is worth telling whoever starts a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// The operator's token, where one was made: it is never told again.
    pub new_token: Option<String>,
    /// The ledger was made just now.
    pub new_ledger: bool,
}

/// Why a server does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The ledger can not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first accounts can not be opened.
    #[error(transparent)]
    FirstStart(#[from] AppError),
    /// There is no operator's token.
    #[error(transparent)]
    Token(#[from] OperatorTokenError),
    /// The address can not be listened at.
    #[error("can not listen at {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// Settling can not be taken up.
    #[error(transparent)]
    Metering(#[from] MeteringError),
    /// The system gives no threads.
    #[error("can not start threads: {0}")]
    Threads(std::io::Error),
}

/// Serves until `stop` comes, and ends when all that was taken is answered and durable.
///
/// # Errors
/// [`ServeError`].
pub fn serve<S: Future<Output = ()> + Send + 'static>(
    config: &Config,
    stop: impl FnOnce() -> S,
    started: impl FnOnce(&Started),
) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Threads)?;
    let (app, new_token, new_ledger) = open(config)?;
    let served = runtime.block_on(async {
        let (address, limit) = (config.listen, config.drain);
        let listener = http::listen::bind(address).map_err(|error| ServeError::Listen { address, error })?;
        let address = listener.local_addr().map_err(|error| ServeError::Listen { address, error })?;
        let stopping = stop();
        let told = Arc::clone(&app);
        tokio::spawn(async move {
            stopping.await;
            told.stop.begin();
        });
        tokio::spawn(background::expiry::run(Arc::clone(&app)));
        tokio::spawn(background::directory::run(Arc::clone(&app)));
        tokio::spawn(background::stops::run(Arc::clone(&app), config.commander.clone()));
        started(&Started { address, new_token, new_ledger });
        tracing::info!(%address, data = %config.data.display(), "serving");
        http::listen::serve(listener, http::router(Arc::clone(&app)), Arc::clone(&app), limit).await;
        Ok(())
    });
    // Waits for work on threads of its own; then the ledger is closed, which writes what was handed over.
    drop(runtime);
    app.metering.stop();
    drop(app);
    tracing::info!("stopped");
    served
}

/// Opens all parts, and makes those that are missing.
fn open(config: &Config) -> Result<(Arc<App>, Option<String>, bool), ServeError> {
    let new_ledger = match SqliteStore::create(&config.data) {
        Ok(()) => true,
        Err(StoreError::Exists(_)) => false,
        Err(error) => return Err(error.into()),
    };
    let mut options = Options::at(config.clock.for_store());
    options.log_bytes = SERVED_LOG_BYTES;
    let ledger: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.data, options)?);
    first_start::open_accounts(ledger.as_ref())?;
    let at_clock = DirectoryOptions::at(config.clock.for_store());
    let directory: Arc<dyn DirectoryStore> = Arc::new(SqliteDirectory::open(&config.data, at_clock)?);
    let (operator, new_token) = OperatorToken::prepare(&config.data, config.operator_token.as_deref())?;
    let tokens = Arc::new(AnyOf(vec![Arc::new(operator), Arc::new(DirectoryTokens(Arc::clone(&directory)))]));
    let metering = meter(&config.data, &config.clock, &ledger, &directory)?;
    let stores = Stores { ledger, directory, tokens };
    let app = App::new(stores, metering, config.clock.clone(), config.limits.clone());
    reconcile::reconcile(&app)?;
    Ok((Arc::new(app), new_token, new_ledger))
}

/// Opens the event log of a folder, made where it is missing, and takes up settling where it ends.
///
/// # Errors
/// [`ServeError::Store`], [`ServeError::Metering`].
pub fn meter(
    folder: &Path,
    clock: &Clock,
    ledger: &Arc<dyn Store>,
    directory: &Arc<dyn DirectoryStore>,
) -> Result<Metering, ServeError> {
    match SqliteEvents::<Arrived>::create(folder) {
        Ok(()) | Err(StoreError::EventLogExists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let (inbox, mailbox) = mail();
    let options = EventOptions::at(clock.for_store());
    let log = SqliteEvents::open(folder, options, move |durable| inbox.tell(durable))?;
    let entities = Arc::clone(directory);
    let (read, set) = (clock.clone(), clock.clone());
    let set: Arc<dyn Fn(Moment) + Send + Sync> = Arc::new(move |to| {
        // It was compared with the clock before, and only one thread sets it.
        let _ = set.advance(to);
    });
    let time =
        Time { now: Arc::new(move || read.now()), set: matches!(clock, Clock::Simulated(_)).then_some(set) };
    Ok(Metering::start(Parts {
        ledger: Arc::clone(ledger),
        log: Arc::new(log),
        directory: Arc::new(move || entities.snapshot()),
        time,
        horizon_days: HORIZON_DAYS,
        mailbox,
    })?)
}
