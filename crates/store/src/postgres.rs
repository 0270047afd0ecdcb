//! The store in PostgreSQL, version 15 or later: any number of nodes that write one ledger in turns, each with one thread
//! that decides and one that writes.
//!
//! What decides and what is shared is [`crate::ledger`]'s; here is what knows PostgreSQL: connections, tables, commits in
//! turns (`turn`), and copies, which are ledgers of the embedded store. Deliberately absent: sequences, triggers, advisory locks,
//! notifications and keys that do not begin with the shard, so that the tables can be dealt out over servers that speak
//! the same protocol; a test holds the migrations to it.

mod again;
mod backup;
mod connect;
pub mod directory;
mod error;
pub mod events;
mod lease;
pub mod nodes;
mod owner;
mod reader;
mod schema;
mod tables;
mod turn;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::Record;

use crate::answer::{Copied, Progress, Report};
use crate::faults::{Faults, NoFaults};
use crate::head_log::{self, Heads};
use crate::ledger::journal;
use crate::ledger::shared::Clock;
use crate::ledger::tables::Tables;
use crate::ledger::{LedgerStore, Loaded, Place, verify};
use crate::pool::Pool;
use crate::store::Answer;

use connect::{Address, Session};
use error::failed;
use owner::LEDGER;
use reader::Reader;
use writer::Server;

pub use error::PostgresError;
pub use lease::{Lease, Standing};

/// The one shard that there is: all keys begin with it, so that there can be more.
const SHARD: i64 = 1;

/// How long a lost connection is tried to be made again before its callers are told, if nothing else is said.
const RECONNECT: Duration = Duration::from_secs(20);

/// How a store is opened.
pub struct Options {
    /// What time it is, for what is recorded.
    pub clock: Clock,
    /// How long a lost connection is tried to be made again before those who wait are told.
    pub reconnect: Duration,
    /// A folder where heads are written down beside the database: they tell when its end was cut off.
    pub heads: Option<PathBuf>,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
}

impl Options {
    /// Those of a node at the time of that clock.
    #[must_use]
    pub fn at(clock: Clock) -> Options {
        Options { clock, reconnect: RECONNECT, heads: None, faults: Box::new(NoFaults) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("reconnect", &self.reconnect).finish_non_exhaustive()
    }
}

/// An open ledger in PostgreSQL.
pub type PostgresStore = LedgerStore<Database>;

/// The database of an open ledger, for whoever reads it.
pub struct Database {
    address: Address,
    sessions: Pool<Session>,
    heads: Option<PathBuf>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Place for Database {
    fn read<T>(&self, work: impl FnOnce(&dyn Tables) -> Answer<T>) -> Answer<T> {
        let make = || self.address.connect();
        self.sessions.with(
            make,
            |session| !session.is_closed(),
            |session| as_of_now(session, || work(session)),
        )
    }

    fn news(&self, after: Sequence) -> Answer<Vec<Record>> {
        let ask = |session: &Session| {
            let mut news = Vec::new();
            if turn::look(session)? > after {
                journal::records_from(after.next(), session, |record| {
                    news.push(record);
                    Ok(true)
                })?;
            }
            Ok(news)
        };
        self.sessions.with(|| self.address.connect(), |session| !session.is_closed(), ask)
    }

    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<Report> {
        // Written down before the journal is read: whatever they name must be there.
        let heads = self.heads.as_deref().map_or(Ok(Vec::new()), head_log::read)?;
        let beside = self.address.connect()?;
        as_of_now(&beside, || verify::prove(self.address.connect()?, &beside, heads, progress))
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        let session = self.address.connect()?;
        as_of_now(&session, || backup::copy_to(&session, target, progress))
    }
}

/// Reads as of one instant: that of the first reading.
fn as_of_now<T>(session: &Session, work: impl FnOnce() -> Answer<T>) -> Answer<T> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1 FROM schema_version LIMIT 1";
    session.run(begin).map_err(|error| failed(&error))?;
    let done = work();
    // Nothing was written: where this fails the connection is lost, and thrown away.
    let _ = session.run("COMMIT");
    done
}

impl PostgresStore {
    /// Makes an empty ledger in a database, and its tables where they are missing.
    ///
    /// # Errors
    /// [`PostgresError::LedgerExists`]; [`PostgresError::Newer`]; those of a connection.
    pub fn create(address: &str) -> Answer<()> {
        let address = Address::read(address)?;
        let session = address.connect()?;
        schema::migrate(&session, address.name())?;
        if owner::make(&session, LEDGER)? {
            return Ok(());
        }
        Err(PostgresError::LedgerExists { database: address.name().to_owned() }.into())
    }

    /// Makes a ledger in a database from the backup of one, which is proven first. Where the report names a problem,
    /// nothing was made.
    ///
    /// # Errors
    /// [`PostgresError::LedgerExists`]; those of a connection, and of reading the backup.
    pub fn restore(backup: &Path, address: &str, progress: &mut dyn FnMut(Progress)) -> Answer<Report> {
        let address = Address::read(address)?;
        let session = address.connect()?;
        schema::migrate(&session, address.name())?;
        backup::restore(backup, &session, address.name(), progress)
    }

    /// Opens the ledger in a database and loads the state. Any number of nodes may have it open and write.
    ///
    /// # Errors
    /// [`PostgresError::NoLedger`], [`PostgresError::Newer`]; those of a connection;
    /// [`StoreError::Corrupt`](crate::StoreError::Corrupt) where the journal can not be read to its end.
    pub fn open(address: &str, options: Options) -> Answer<PostgresStore> {
        let address = Address::read(address)?;
        let session = writer::in_turns(address.connect()?)?;
        if !schema::is_in(&session)? {
            return Err(PostgresError::NoLedger { database: address.name().to_owned() }.into());
        }
        schema::migrate(&session, address.name())?;
        if !owner::is_made(&session, LEDGER)? {
            return Err(PostgresError::NoLedger { database: address.name().to_owned() }.into());
        }
        let Options { clock, reconnect, heads, faults } = options;
        let loaded = as_of_now(&session, || Loaded::of(&session))?;
        let decider = Reader::of(address.clone());
        let server = Server {
            address: address.clone(),
            session,
            turn: None,
            reconnect,
            faults,
            heads: heads.as_deref().map(Heads::of),
            dead: None,
        };
        let place = Database { address, sessions: Pool::default(), heads };
        LedgerStore::start(place, loaded, clock, Box::new(decider), server)
    }
}
