//! Event logs in PostgreSQL: one for each shard of a database, each owned by one node at a time.
//!
//! What judges keys, packs rows and reads is [`crate::log`]'s; here is what knows PostgreSQL. Opening a log takes the
//! lease of its shard and a new epoch; every write carries that epoch and is checked on the owner's locked row, so that
//! a node that was stopped past its lease and replaced writes nothing. The index of keys lies in rows as well, so that
//! the next node opens the log without making it anew. Reading needs no lease: any node may have a [`view`].

pub mod copy;
mod medium;
mod shelf;
mod tables;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::answer::Copied;
use crate::error::StoreError;
use crate::events::{Durable, EventProgress, EventReport};
use crate::faults::{Faults, NoFaults};
use crate::ledger::shared::Clock;
use crate::log::keys::TABLE_KEYS;
use crate::log::keys::shelf::Shelf;
use crate::log::tables::Tables;
use crate::log::view::LogView;
use crate::log::{LogStore, Place, Start, verify};
use crate::pool::Pool;
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::{PostgresError, failed};
use crate::postgres::lease::Lease;
use crate::postgres::owner::{self, Claim, Failed, Part, Tenure, in_transaction};
use crate::postgres::{RECONNECT, as_of_now, schema};
use crate::sqlite;
use crate::store::Answer;

use medium::Server;
use shelf::Rows;
use tables::ShardTables;

/// How long a node owns a shard after each sign of life, if nothing else is said.
const LEASE: Duration = Duration::from_secs(3);

const MAKE: &str =
    "INSERT INTO event_log (shard, forgotten) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING shard";

/// How an event log is opened.
pub struct EventOptions {
    /// What time it is, for what is recorded. Leases go by the database's clock.
    pub clock: Clock,
    /// What the node calls itself: who wants to own as well is told.
    pub holder: String,
    /// How long the node owns after each sign of life; it gives one after a third of that at the latest.
    pub lease: Duration,
    /// How long an opening waits for another node's lease to run out.
    pub wait: Duration,
    /// How long a lost connection is tried to be made again before those who wait are told.
    pub reconnect: Duration,
    /// So many keys stay in memory before they become a run. An opening reads that many events again.
    pub table_keys: usize,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
}

impl EventOptions {
    /// Those of a node of that name, at the time of that clock: a lease of 3 s, for which an opening waits.
    #[must_use]
    pub fn at(clock: Clock, holder: &str) -> EventOptions {
        EventOptions {
            clock,
            holder: holder.to_owned(),
            lease: LEASE,
            wait: LEASE,
            reconnect: RECONNECT,
            table_keys: TABLE_KEYS,
            faults: Box::new(NoFaults),
        }
    }
}

impl fmt::Debug for EventOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventOptions")
            .field("holder", &self.holder)
            .field("lease", &self.lease)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// An open event log of a shard in PostgreSQL.
pub type PostgresEvents<P> = LogStore<P, OwnShard>;

/// A shard's event log, for whoever reads it.
pub struct Shard {
    address: Address,
    shard: i64,
    sessions: Pool<Session>,
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("address", &self.address)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

impl Place for Shard {
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T> {
        let make = || self.address.connect();
        self.sessions.with(
            make,
            |session| !session.is_closed(),
            |session| as_of_now(session, || work(&ShardTables { shard: self.shard, session })),
        )
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        let session = Arc::new(self.address.connect()?);
        as_of_now(&session, || {
            let tables = ShardTables { shard: self.shard, session: &*session };
            let shelf: Arc<dyn Shelf> = Arc::new(Rows::seen_by(Arc::clone(&session), self.shard));
            match verify::runs(&tables, &*shelf) {
                Ok(runs) => {
                    let mut report = verify::log(&tables, (runs, &shelf), progress)?;
                    let last = owner::last(&session, Part::events(self.shard))?;
                    if report.problem.is_none() && last > report.events {
                        let next = report.events + 1;
                        report.problem = Some(format!("event {next} is missing: event {last} was the last"));
                    }
                    Ok(report)
                }
                Err(error @ StoreError::Corrupt(_)) => Ok(verify::without_runs(&error)),
                Err(error) => Err(error),
            }
        })
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let session = self.address.connect()?;
        as_of_now(&session, || {
            let tables = ShardTables { shard: self.shard, session: &session };
            sqlite::events::write_copy(target, &tables, progress).map(|_| ())
        })
    }
}

/// A shard's event log that this node owns.
#[derive(Debug)]
pub struct OwnShard {
    shard: Shard,
    lease: Lease,
}

impl Place for OwnShard {
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T> {
        self.shard.read(work)
    }

    fn verify(&self, progress: &mut dyn FnMut(EventProgress)) -> Answer<EventReport> {
        self.shard.verify(progress)
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        self.shard.backup(target, progress)
    }
}

/// What is durable of a shard's log, for any node: reading and verifying need no lease.
///
/// # Errors
/// [`PostgresError::NoEventLog`]; those of a connection.
pub fn view(address: &str, shard: i64) -> Answer<LogView<Shard>> {
    let address = Address::read(address)?;
    let session = address.connect()?;
    let none = || PostgresError::NoEventLog { database: address.name().to_owned(), shard };
    let is_there = schema::is_in(&session)? && {
        let table = "SELECT 1 WHERE to_regclass('event_log') IS NOT NULL";
        session.row(table, &[]).map_err(|error| failed(&error))?.is_some()
    };
    let select = "SELECT shard FROM event_log WHERE shard = $1";
    if !is_there || session.row(select, &[&shard]).map_err(|error| failed(&error))?.is_none() {
        return Err(none().into());
    }
    Ok(LogView::of(Shard { address, shard, sessions: Pool::default() }))
}

impl<P: Send + 'static> PostgresEvents<P> {
    /// Makes an empty event log of a shard, from 1, in a database, and the tables where they are missing.
    ///
    /// # Errors
    /// [`PostgresError::EventLogExists`]; [`PostgresError::Newer`]; those of a connection.
    pub fn create(address: &str, shard: i64) -> Answer<()> {
        let address = Address::read(address)?;
        let session = address.connect()?;
        schema::migrate(&session, address.name())?;
        let made = in_transaction(&session, || {
            owner::make(&session, Part::events(shard)).map_err(Failed::Store)?;
            owner::make(&session, Part::keys(shard)).map_err(Failed::Store)?;
            Ok(session.row(MAKE, &[&shard, &i64::MIN])?.is_some())
        })?;
        match made {
            true => Ok(()),
            false => Err(PostgresError::EventLogExists { database: address.name().to_owned(), shard }.into()),
        }
    }

    /// Opens the event log of a shard, takes a new epoch and reads the newest keys again. `on_durable` is told of every
    /// group that was judged, in the order of the log, by the thread that writes: what takes long belongs elsewhere,
    /// and whoever waits there for the log waits for ever.
    ///
    /// # Errors
    /// [`PostgresError::Held`] where another node owns it and goes on to for longer than [`EventOptions::wait`];
    /// [`PostgresError::NoEventLog`], [`PostgresError::Newer`]; those of a connection; [`StoreError::Corrupt`] where
    /// its end can not be read.
    pub fn open(
        address: &str,
        shard: i64,
        options: EventOptions,
        on_durable: impl FnMut(Durable<P>) + Send + 'static,
    ) -> Answer<PostgresEvents<P>> {
        let address = Address::read(address)?;
        let EventOptions { clock, table_keys, .. } = &options;
        let (clock, table_keys) = (clock.clone(), *table_keys);
        let server = own(&address, shard, options)?;
        let shelf: Arc<dyn Shelf> = Arc::new(Rows::own(address.clone(), shard, server.claim.epoch));
        let place = OwnShard {
            shard: Shard { address, shard, sessions: Pool::default() },
            lease: server.lease.clone(),
        };
        LogStore::start(place, server, Start { clock, shelf, table_keys, on_durable: Box::new(on_durable) })
    }
}

/// Takes the lease of a shard and a new epoch, to write to its log.
fn own(address: &Address, shard: i64, options: EventOptions) -> Answer<Server> {
    let session = address.connect()?;
    if !schema::is_in(&session)? {
        return Err(PostgresError::NoEventLog { database: address.name().to_owned(), shard }.into());
    }
    schema::migrate(&session, address.name())?;
    let EventOptions { holder, lease, wait, reconnect, faults, .. } = options;
    medium::limit(&session, lease)?;
    let claim = Claim::take(&session, Part::events(shard), address.name(), &Tenure { holder, lease, wait })?;
    let begun = Instant::now();
    in_transaction(&session, || {
        claim.renew(&session)?;
        claim.lead(&session, Part::keys(shard))
    })?;
    Ok(Server {
        address: address.clone(),
        tables: ShardTables { shard, session },
        claim,
        length: lease,
        lease: Lease::taken(lease, begun),
        renew_after: lease / 3,
        reconnect,
        faults,
        dead: None,
    })
}

impl<P> PostgresEvents<P> {
    /// The lease of its shard: tells when another node has taken over.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.view().place().lease.clone()
    }
}
