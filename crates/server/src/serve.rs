//! The life of a server: its folder, its parts, its end.

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kopeck_ledger::name::Moment;
use kopeck_metering::judge::{Arrived, HORIZON_DAYS};
use kopeck_metering::placement::{Placement, ShardNumber};
use kopeck_metering::{Mailbox, Metering, MeteringError, Parts, Time, mail};
use kopeck_store::events::EventLog;
use kopeck_store::postgres::directory::PostgresDirectory;
use kopeck_store::postgres::events::{EventOptions as SharedEventOptions, PostgresEvents};
use kopeck_store::postgres::nodes::{Installation, Nodes};
use kopeck_store::postgres::{self, PostgresError, PostgresStore};
use kopeck_store::sqlite::directory::{DirectoryOptions, SqliteDirectory};
use kopeck_store::sqlite::events::{EventOptions, SqliteEvents};
use kopeck_store::sqlite::{Options, SERVED_LOG_BYTES, SqliteStore};
use kopeck_store::{DirectoryStore, Store, StoreError};
use uuid::Uuid;

use crate::app::{App, Stores, first_start, reconcile};
use crate::auth::{AnyOf, DirectoryTokens, InFolder, OperatorToken, OperatorTokenError, new_token};
use crate::clock::{Clock, Offset, system_now};
use crate::config::{Config, Location, Shared};
use crate::error::AppError;
use crate::shards::membership::{DEAD_AFTER, Membership, Open};
use crate::shards::peers::{NodeUrl, NotANode, Peers};
use crate::shards::{OpenLog, Shards};
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
    /// Other nodes could not reach it.
    #[error(transparent)]
    Url(#[from] NotANode),
    /// Nodes do not share a clock that is set by hand.
    #[error("a simulated clock is for one node with one shard: make the installation with --shards 1")]
    Simulated,
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
    let (address, limit) = (config.listen, config.drain);
    let listener = runtime.block_on(async { http::listen::bind(address) });
    let listener = listener.map_err(|error| ServeError::Listen { address, error })?;
    let address = listener.local_addr().map_err(|error| ServeError::Listen { address, error })?;
    let Opened { app, membership, new_token, new_ledger } = match &config.store {
        Location::Folder(folder) => embedded(config, folder)?,
        Location::Database(shared) => among_nodes(config, shared, address)?,
    };
    runtime.block_on(async {
        let stopping = stop();
        let told = Arc::clone(&app);
        let leaving = membership.as_ref().map(Membership::leaving);
        tokio::spawn(async move {
            stopping.await;
            told.stop.begin();
            if let Some(leave) = leaving {
                leave();
            }
        });
        tokio::spawn(background::expiry::run(Arc::clone(&app)));
        tokio::spawn(background::directory::run(Arc::clone(&app)));
        started(&Started { address, new_token, new_ledger });
        tracing::info!(%address, "serving");
        http::listen::serve(listener, http::router(Arc::clone(&app)), Arc::clone(&app), limit).await;
    });
    // Waits for work on threads of its own; then the ledger is closed, which writes what was handed over.
    drop(runtime);
    if let Some(membership) = membership {
        membership.stop();
    }
    app.shards.stop();
    drop(app);
    tracing::info!("stopped");
    Ok(())
}

/// All parts of a server.
struct Opened {
    app: Arc<App>,
    membership: Option<Membership>,
    new_token: Option<String>,
    new_ledger: bool,
}

/// Opens all parts in a folder, and makes those that are missing.
fn embedded(config: &Config, folder: &Path) -> Result<Opened, ServeError> {
    let new_ledger = match SqliteStore::create(folder) {
        Ok(()) => true,
        Err(StoreError::Exists(_)) => false,
        Err(error) => return Err(error.into()),
    };
    let mut options = Options::at(config.clock.for_store());
    options.log_bytes = SERVED_LOG_BYTES;
    let ledger: Arc<dyn Store> = Arc::new(SqliteStore::open(folder, options)?);
    first_start::open_accounts(ledger.as_ref())?;
    let at_clock = DirectoryOptions::at(config.clock.for_store());
    let directory: Arc<dyn DirectoryStore> = Arc::new(SqliteDirectory::open(folder, at_clock)?);
    let given = config.operator_token.as_deref();
    let (operator, new_token) = OperatorToken::prepare(&InFolder(folder), given)?;
    let metering = meter(folder, &config.clock, &ledger, &directory)?;
    let stores = stores(ledger, directory, operator);
    let app = App::new(stores, Shards::alone(metering), config.clock.clone(), config.limits.clone());
    reconcile::reconcile(&app)?;
    Ok(Opened { app: Arc::new(app), membership: None, new_token, new_ledger })
}

fn stores(ledger: Arc<dyn Store>, directory: Arc<dyn DirectoryStore>, operator: OperatorToken) -> Stores {
    let tokens = AnyOf(vec![Arc::new(operator), Arc::new(DirectoryTokens(Arc::clone(&directory)))]);
    Stores { ledger, directory, tokens: Arc::new(tokens) }
}

/// Opens the parts of a node in a database that it shares with others, and makes those that are missing. Its shards come
/// when it is seen by the others.
fn among_nodes(config: &Config, shared: &Shared, listens: SocketAddr) -> Result<Opened, ServeError> {
    let url = match &shared.advertise {
        Some(url) => url.clone(),
        None => NodeUrl::read(&format!("http://{listens}"))?,
    };
    let name = Uuid::now_v7().to_string();
    let nodes = Nodes::new(&shared.address, name.clone(), url.to_string(), DEAD_AFTER)?;
    let secret = new_token().map_err(OperatorTokenError::from)?;
    let first = Installation { shards: shared.shards.get(), dealt_since: Moment::FIRST, secret };
    let agreed = nodes.agree(&first)?;
    let shards = NonZeroU32::new(agreed.shards).unwrap_or(NonZeroU32::MIN);
    let placement = Placement::over(shards, agreed.dealt_since);
    let (offset, clock) = shared_clock(config, &nodes, placement)?;
    let address = &shared.address;
    let new_ledger = made(PostgresStore::create(address))?;
    for shard in placement.shards() {
        made(PostgresEvents::<Arrived>::create(address, shard.0.into()))?;
    }
    let ledger: Arc<dyn Store> =
        Arc::new(PostgresStore::open(address, postgres::Options::at(clock.for_store()))?);
    first_start::open_accounts(ledger.as_ref())?;
    let directory: Arc<dyn DirectoryStore> = Arc::new(PostgresDirectory::open(
        address,
        postgres::directory::DirectoryOptions::at(clock.for_store()),
    )?);
    let (operator, new_token) = OperatorToken::prepare(&nodes, config.operator_token.as_deref())?;
    let open = opening(address, name, &clock, (&ledger, &directory));
    let peers = Peers::new(url, &agreed.secret)?;
    let shards = Shards::among(peers, placement, viewing(address));
    let app = App::new(stores(ledger, directory, operator), shards, clock, config.limits.clone());
    reconcile::reconcile(&app)?;
    let app = Arc::new(app);
    let membership = Membership::start(Arc::clone(&app), nodes, offset, open)?;
    Ok(Opened { app, membership: Some(membership), new_token, new_ledger })
}

/// The time that nodes live by: the database's, unless the operator tries something with a clock that is set by hand.
fn shared_clock(config: &Config, nodes: &Nodes, placement: Placement) -> Result<(Offset, Clock), ServeError> {
    let offset = Offset::default();
    match &config.clock {
        Clock::Simulated(_) if placement.shards().count() > 1 => Err(ServeError::Simulated),
        clock @ Clock::Simulated(_) => Ok((offset, clock.clone())),
        Clock::System | Clock::Shared(_) => {
            let asked = system_now();
            let view = nodes.beat()?;
            offset.set(view.now, asked, Duration::ZERO);
            Ok((offset.clone(), Clock::Shared(offset)))
        }
    }
}

/// Whether something was made just now, and was not there before.
fn made(outcome: Result<(), StoreError>) -> Result<bool, StoreError> {
    match outcome {
        Ok(()) => Ok(true),
        Err(StoreError::Postgres(
            PostgresError::LedgerExists { .. } | PostgresError::EventLogExists { .. },
        )) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What opens a shard here.
fn opening(
    address: &str,
    name: String,
    clock: &Clock,
    (ledger, directory): (&Arc<dyn Store>, &Arc<dyn DirectoryStore>),
) -> Open {
    let (address, clock) = (address.to_owned(), clock.clone());
    let (ledger, directory) = (Arc::clone(ledger), Arc::clone(directory));
    Arc::new(move |shard: ShardNumber| {
        let (inbox, mailbox) = mail();
        let wait = Duration::ZERO;
        let options = SharedEventOptions { wait, ..SharedEventOptions::at(clock.for_store(), &name) };
        let told = move |durable| inbox.tell(durable);
        let log = PostgresEvents::open(&address, shard.0.into(), options, told)?;
        start(shard, &clock, (&ledger, &directory), (Arc::new(log), mailbox))
    })
}

/// What opens the log of a shard for reading.
fn viewing(address: &str) -> OpenLog {
    let address = address.to_owned();
    Box::new(move |shard| Ok(Arc::new(postgres::events::view(&address, shard.0.into())?)))
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
    start(ShardNumber::ONLY, clock, (ledger, directory), (Arc::new(log), mailbox))
}

/// Takes up settling where the log of a shard ends.
fn start(
    shard: ShardNumber,
    clock: &Clock,
    (ledger, directory): (&Arc<dyn Store>, &Arc<dyn DirectoryStore>),
    (log, mailbox): (Arc<dyn EventLog<Arrived>>, Mailbox),
) -> Result<Metering, ServeError> {
    let entities = Arc::clone(directory);
    let (read, set) = (clock.clone(), clock.clone());
    let set: Arc<dyn Fn(Moment) + Send + Sync> = Arc::new(move |to| {
        // It was compared with the clock before, and only one thread sets it.
        let _ = set.advance(to);
    });
    let time =
        Time { now: Arc::new(move || read.now()), set: matches!(clock, Clock::Simulated(_)).then_some(set) };
    let directory = move || {
        // Where the database does not answer nothing is settled either.
        let _ = entities.refresh();
        entities.snapshot()
    };
    Ok(Metering::start(Parts {
        shard,
        ledger: Arc::clone(ledger),
        log,
        directory: Arc::new(directory),
        time,
        horizon_days: HORIZON_DAYS,
        mailbox,
    })?)
}
