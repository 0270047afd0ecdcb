//! The nodes of an installation: which live, and which of them has which shard of metering.
//!
//! A node shows that it lives by its row, once in a while, by the database's clock. A shard is had by whoever has the
//! lease of its event log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kopeck_ledger::name::Moment;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::StoreError;
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::failed;
use crate::postgres::schema;
use crate::store::Answer;

/// The shard of what is about the whole installation.
const ALL: i64 = 0;
/// The part of the owners' rows that event logs have.
const EVENTS: &str = "events";

const MAKE: &str = "INSERT INTO installation (shard, shards, dealt_since, secret) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT DO NOTHING RETURNING shards";
const INSTALLATION: &str = "SELECT shards, dealt_since, secret FROM installation WHERE shard = $1";
const OPERATOR: &str = "SELECT operator FROM installation WHERE shard = $1";
const SET_OPERATOR: &str = "UPDATE installation SET operator = $2 WHERE shard = $1 RETURNING shard";
const FIRST_OPERATOR: &str =
    "UPDATE installation SET operator = $2 WHERE shard = $1 AND operator IS NULL RETURNING shard";
const BEAT: &str = "INSERT INTO node (shard, name, url, seen) VALUES ($1, $2, $3, clock_timestamp()) \
                    ON CONFLICT (shard, name) DO UPDATE SET seen = clock_timestamp(), url = $3 \
                    RETURNING (extract(epoch FROM seen) * 1000000)::bigint";
const LIVING: &str = "SELECT name, url FROM node \
                      WHERE shard = $1 AND seen > clock_timestamp() - $2::text::interval ORDER BY name";
const BURY: &str =
    "DELETE FROM node WHERE shard = $1 AND seen < clock_timestamp() - interval '1 hour' RETURNING name";
const OWNERS: &str = "SELECT shard, holder, lease_until > clock_timestamp() FROM owner WHERE part = $1";
const LEAVE: &str = "DELETE FROM node WHERE shard = $1 AND name = $2 RETURNING name";

/// What all nodes of an installation must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// How many shards metering is dealt out over.
    pub shards: u32,
    /// Projects that were made before are metered by the first shard.
    pub dealt_since: Moment,
    /// What nodes know each other by.
    pub secret: String,
}

/// What a node sees of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What time it is by the database's clock.
    pub now: Moment,
    /// The nodes that live, by name, with where they are reached.
    pub living: BTreeMap<String, String>,
    /// Who has the shards that somebody has.
    pub owners: BTreeMap<u32, String>,
}

/// A node among others.
pub struct Nodes {
    address: Address,
    session: Mutex<Session>,
    name: String,
    url: String,
    patience: String,
}

impl Nodes {
    /// A node of that name, reached at that URL; those that were not seen for longer than `patience` are dead.
    ///
    /// # Errors
    /// Those of a connection; [`PostgresError::Newer`](crate::postgres::PostgresError::Newer).
    pub fn new(address: &str, name: String, url: String, patience: Duration) -> Answer<Nodes> {
        let address = Address::read(address)?;
        let session = address.connect()?;
        schema::migrate(&session, address.name())?;
        let patience = format!("{} milliseconds", patience.as_millis());
        Ok(Nodes { address, session: Mutex::new(session), name, url, patience })
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the nodes of the database have agreed on; the first node says it.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub fn agree(&self, first: &Installation) -> Answer<Installation> {
        let (shards, since) = (i64::from(first.shards), first.dealt_since.nanoseconds());
        self.ask(MAKE, &[&ALL, &shards, &since, &first.secret])?;
        let row = self.ask(INSTALLATION, &[&ALL])?.pop();
        let row = row.ok_or_else(|| StoreError::Corrupt("the installation's row is gone".to_owned()))?;
        Ok(Installation {
            shards: u32::try_from(row.get::<_, i64>(0)).unwrap_or(1),
            dealt_since: Moment::from_nanoseconds(row.get(1)).unwrap_or(Moment::FIRST),
            secret: row.get(2),
        })
    }

    /// The hash of the operator's token, where there is one.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub fn operator(&self) -> Answer<Option<Vec<u8>>> {
        Ok(self.ask(OPERATOR, &[&ALL])?.pop().and_then(|row| row.get(0)))
    }

    /// Keeps the hash of the operator's token; `only_first` leaves the one that is there. Whether it is kept.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub fn keep_operator(&self, hash: &[u8], only_first: bool) -> Answer<bool> {
        let sql = if only_first { FIRST_OPERATOR } else { SET_OPERATOR };
        Ok(!self.ask(sql, &[&ALL, &hash])?.is_empty())
    }

    /// Shows that the node lives, and sees who else does.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub fn beat(&self) -> Answer<View> {
        let now = self.ask(BEAT, &[&ALL, &self.name, &self.url])?.pop().map_or(0, |row| row.get::<_, i64>(0));
        self.ask(BURY, &[&ALL])?;
        let living = self.ask(LIVING, &[&ALL, &self.patience])?;
        let owners = self.ask(OWNERS, &[&EVENTS])?;
        let owner = |row: &Row| {
            let shard = u32::try_from(row.get::<_, i64>(0)).ok()?;
            row.get::<_, bool>(2).then(|| (shard, row.get(1)))
        };
        Ok(View {
            now: Moment::from_nanoseconds(now.saturating_mul(1_000)).unwrap_or(Moment::FIRST),
            living: living.iter().map(|row| (row.get(0), row.get(1))).collect(),
            owners: owners.iter().filter_map(owner).collect(),
        })
    }

    /// Says that the node will have nothing any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer: then the others learn it when they have waited.
    pub fn leave(&self) -> Answer<()> {
        self.ask(LEAVE, &[&ALL, &self.name]).map(|_| ())
    }

    fn ask(&self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<Row>> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session.is_closed() {
            *session = self.address.connect()?;
        }
        session.rows(sql, values).map_err(|error| failed(&error))
    }
}
