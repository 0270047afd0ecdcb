//! One owner at a time: a row that says who may write, in which epoch, and until when by the database's clock.
//!
//! Each opening takes a new epoch when nobody's lease lives. Every commit carries its epoch and which record it follows,
//! and is checked in its own transaction on the locked row; so one that was stopped past its lease, and replaced, can
//! write nothing when it goes on. A commit renews the lease; where nothing is written the writer does it by itself.

use std::thread;
use std::time::Duration;

use tokio_postgres::Row;

use crate::error::StoreError;
use crate::number::unsigned;
use crate::postgres::SHARD;
use crate::postgres::connect::Session;
use crate::postgres::error::{PostgresError, failed, is_loss, is_serialization};

/// The part of a shard that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which shard.
    pub shard: i64,
    /// What of it.
    pub name: &'static str,
}

/// The ledger.
pub const LEDGER: Part = Part { shard: SHARD, name: "ledger" };

/// The directory, which has no owner: whoever adds acts locks its row.
pub const DIRECTORY: Part = Part { shard: SHARD, name: "directory" };

impl Part {
    /// The event log of a shard.
    pub const fn events(shard: i64) -> Part {
        Part { shard, name: "events" }
    }

    /// The runs of keys of a shard's event log: a row for whoever writes them, so that no commit waits for it.
    pub const fn keys(shard: i64) -> Part {
        Part { shard, name: "keys" }
    }

    /// What people call it.
    fn of(self, database: &str) -> String {
        if self == LEDGER { database.to_owned() } else { format!("shard {} of {database}", self.shard) }
    }

    fn missing(self, database: &str) -> PostgresError {
        let database = database.to_owned();
        match self {
            LEDGER => PostgresError::NoLedger { database },
            Part { shard, .. } => PostgresError::NoEventLog { database, shard },
        }
    }
}

/// Waiting for a lease to run out, it is looked at so often at least: its owner may have given it back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const MAKE: &str = "INSERT INTO owner (shard, part, epoch, holder, lease_until, sequence) \
                    VALUES ($1, $2, 0, 'nobody', now(), 0) ON CONFLICT DO NOTHING RETURNING epoch";
const LOOK: &str = "SELECT epoch, sequence, holder, lease_until <= now(), \
                    to_char(lease_until AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), \
                    (extract(epoch FROM lease_until - now()) * 1000)::bigint \
                    FROM owner WHERE shard = $1 AND part = $2 FOR UPDATE";
const TAKE: &str = "UPDATE owner SET epoch = epoch + 1, holder = $3, lease_until = now() + $4::text::interval \
                    WHERE shard = $1 AND part = $2 RETURNING epoch";
const ADVANCE: &str = "UPDATE owner SET lease_until = now() + $4::text::interval, sequence = $6 \
                       WHERE shard = $1 AND part = $2 AND epoch = $3 AND sequence = $5 RETURNING epoch";
const RENEW: &str = "UPDATE owner SET lease_until = now() + $4::text::interval \
                     WHERE shard = $1 AND part = $2 AND epoch = $3 RETURNING epoch";

/// How a node owns.
#[derive(Debug, Clone)]
pub struct Tenure {
    /// What the node calls itself.
    pub holder: String,
    /// How long it owns after each sign of life.
    pub lease: Duration,
    /// How long an opening waits for somebody else's lease to run out.
    pub wait: Duration,
}

/// Makes the row of a part. Whether it was not there.
///
/// # Errors
/// [`StoreError`] where the database refuses.
pub fn make(session: &Session, part: Part) -> Result<bool, StoreError> {
    let made = session.row(MAKE, &[&part.shard, &part.name]).map_err(|error| failed(&error))?;
    Ok(made.is_some())
}

/// Whether the row of a part is there.
///
/// # Errors
/// [`StoreError`] where the database does not answer.
pub fn is_made(session: &Session, part: Part) -> Result<bool, StoreError> {
    const ASK: &str = "SELECT epoch FROM owner WHERE shard = $1 AND part = $2";
    let row = session.row(ASK, &[&part.shard, &part.name]).map_err(|error| failed(&error))?;
    Ok(row.is_some())
}

/// An owner's claim: its epoch, and how long its lease lives.
#[derive(Debug, Clone)]
pub struct Claim {
    part: Part,
    /// What every commit carries.
    pub epoch: i64,
    /// As PostgreSQL reads an interval.
    lease: String,
}

impl Claim {
    /// Takes the next epoch as soon as nobody else's lease lives, and waits for that as long as the tenure says.
    ///
    /// # Errors
    /// [`PostgresError::Held`] where it lives for longer; [`PostgresError::NoLedger`], [`PostgresError::NoEventLog`].
    pub fn take(session: &Session, part: Part, database: &str, tenure: &Tenure) -> Result<Claim, StoreError> {
        let mut left = tenure.wait;
        loop {
            let (held, lives) = match in_transaction(session, || try_take(session, part, database, tenure))? {
                Attempt::Taken(claim) => return Ok(claim),
                Attempt::Held(held, lives) => (held, lives),
            };
            if left.is_zero() {
                return Err(held.into());
            }
            let pause = lives.clamp(Duration::from_millis(1), LOOK_EVERY).min(left);
            thread::sleep(pause);
            left = left.saturating_sub(pause);
        }
    }

    /// In a commit's transaction: fails where there is a newer owner, and notes that the part's last record is now
    /// `head` and no more `before`. The row stays locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]; [`StoreError::Database`] where the last record is another one.
    pub fn advance(&self, session: &Session, before: i64, head: i64) -> Result<(), Failed> {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&self.part.shard, &self.part.name, &self.epoch, &self.lease, &before, &head];
        if session.row(ADVANCE, &values)?.is_some() {
            return Ok(());
        }
        let found = self.check(session)?;
        let reason =
            format!("what is stored ends at {found} and not at {before}: nothing was written, read it again");
        Err(Failed::Store(StoreError::Database(reason)))
    }

    /// The part's last record; waits for whoever is still writing it.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    pub fn check(&self, session: &Session) -> Result<i64, Failed> {
        let row = session.row(LOOK, &[&self.part.shard, &self.part.name])?;
        let (current, sequence) = row.map_or((0, 0), |row| (row.get(0), row.get(1)));
        if current == self.epoch {
            return Ok(sequence);
        }
        Err(Failed::Store(StoreError::Fenced { own: self.epoch, current }))
    }

    /// Lives on for another lease.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    pub fn renew(&self, session: &Session) -> Result<(), Failed> {
        self.extend(session, &self.lease)
    }

    /// Lets the next owner in at once.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    pub fn release(&self, session: &Session) -> Result<(), Failed> {
        self.extend(session, "0 seconds")
    }

    /// Brings another row of the same owner to the epoch of this one, so that whoever wrote under an older epoch does not.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] where that row has a newer epoch, or this one already.
    pub fn lead(&self, session: &Session, other: Part) -> Result<(), Failed> {
        let follow =
            "UPDATE owner SET epoch = $3 WHERE shard = $1 AND part = $2 AND epoch < $3 RETURNING epoch";
        match session.row(follow, &[&other.shard, &other.name, &self.epoch])? {
            Some(_) => Ok(()),
            None => Err(Failed::Store(fenced(session, other, self.epoch).map_err(Failed::Store)?)),
        }
    }

    fn extend(&self, session: &Session, lease: &str) -> Result<(), Failed> {
        match session.row(RENEW, &[&self.part.shard, &self.part.name, &self.epoch, &lease])? {
            Some(_) => Ok(()),
            None => self.check(session).map(|_| ()),
        }
    }
}

/// What a part's row tells to be the last that is stored.
///
/// # Errors
/// [`StoreError`] where the row can not be read.
pub fn last(session: &Session, part: Part) -> Result<u64, StoreError> {
    let select = "SELECT sequence FROM owner WHERE shard = $1 AND part = $2";
    let row = session.row(select, &[&part.shard, &part.name]).map_err(|error| failed(&error))?;
    Ok(row.map_or(0, |row| unsigned(row.get(0))))
}

/// What is told of an epoch that a part's row does not have.
///
/// # Errors
/// [`StoreError`] where the row can not be read.
pub fn fenced(session: &Session, part: Part, own: i64) -> Result<StoreError, StoreError> {
    let select = "SELECT epoch FROM owner WHERE shard = $1 AND part = $2";
    let row = session.row(select, &[&part.shard, &part.name]).map_err(|error| failed(&error))?;
    Ok(StoreError::Fenced { own, current: row.map_or(0, |row| row.get(0)) })
}

/// Why a statement of a transaction failed: what the server says, so that one who may try again can tell, or what the
/// store has found.
#[derive(Debug)]
pub enum Failed {
    /// The server.
    Server(tokio_postgres::Error),
    /// The store.
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Failed {
        Failed::Server(error)
    }
}

impl Failed {
    /// Whether the transaction, of which nothing was written, may succeed when it is tried again.
    pub fn is_passing(&self) -> bool {
        matches!(self, Failed::Server(error) if is_serialization(error) || is_loss(error))
    }
}

impl From<Failed> for StoreError {
    fn from(error: Failed) -> StoreError {
        match error {
            Failed::Server(error) => failed(&error),
            Failed::Store(error) => error,
        }
    }
}

enum Attempt {
    Taken(Claim),
    Held(PostgresError, Duration),
}

fn try_take(session: &Session, part: Part, database: &str, tenure: &Tenure) -> Result<Attempt, Failed> {
    let Some(row) = session.row(LOOK, &[&part.shard, &part.name])? else {
        return Err(Failed::Store(part.missing(database).into()));
    };
    if !row.get::<_, bool>(3) {
        return Ok(held(&row, part.of(database)));
    }
    let lease = format!("{} milliseconds", tenure.lease.as_millis());
    let taken = session.row(TAKE, &[&part.shard, &part.name, &tenure.holder, &lease])?;
    let epoch = taken.map_or(0, |row| row.get(0));
    Ok(Attempt::Taken(Claim { part, epoch, lease }))
}

fn held(row: &Row, database: String) -> Attempt {
    let lives = Duration::from_millis(u64::try_from(row.get::<_, i64>(5)).unwrap_or(0));
    let held = PostgresError::Held { database, holder: row.get(2), until: row.get(4) };
    Attempt::Held(held, lives)
}

/// Does some work in a transaction; nothing of it stays where it fails.
///
/// # Errors
/// Those of the work, and of the transaction.
pub fn in_transaction<T>(session: &Session, work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    session.run("BEGIN")?;
    match work() {
        Ok(done) => {
            session.run("COMMIT")?;
            Ok(done)
        }
        Err(error) => {
            // Where this fails the connection is lost, and the transaction with it.
            let _ = session.run("ROLLBACK");
            Err(error)
        }
    }
}
