//! One owner at a time: a row that says who may write, in which epoch, and until when by the database's clock.
//!
//! Each opening takes a new epoch when nobody's lease lives. Every commit carries its epoch and which record it follows,
//! and is checked in its own transaction on the locked row; so one that was stopped past its lease, and replaced, can
//! write nothing when it goes on. A commit renews the lease; where nothing is written the writer does it by itself.

use std::thread;
use std::time::Duration;

use tokio_postgres::Row;

use crate::error::StoreError;
use crate::postgres::SHARD;
use crate::postgres::connect::Session;
use crate::postgres::error::{PostgresError, failed};

/// The ledger's row.
pub const LEDGER: &str = "ledger";

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
pub fn make(session: &Session, part: &str) -> Result<bool, StoreError> {
    let made = session.row(MAKE, &[&SHARD, &part]).map_err(|error| failed(&error))?;
    Ok(made.is_some())
}

/// Whether the row of a part is there.
///
/// # Errors
/// [`StoreError`] where the database does not answer.
pub fn is_made(session: &Session, part: &str) -> Result<bool, StoreError> {
    const ASK: &str = "SELECT epoch FROM owner WHERE shard = $1 AND part = $2";
    let row = session.row(ASK, &[&SHARD, &part]).map_err(|error| failed(&error))?;
    Ok(row.is_some())
}

/// An owner's claim: its epoch, and how long its lease lives.
#[derive(Debug, Clone)]
pub struct Claim {
    part: &'static str,
    /// What every commit carries.
    pub epoch: i64,
    /// As PostgreSQL reads an interval.
    lease: String,
}

impl Claim {
    /// Takes the next epoch as soon as nobody else's lease lives, and waits for that as long as the tenure says.
    ///
    /// # Errors
    /// [`PostgresError::Held`] where it lives for longer; [`PostgresError::NoLedger`].
    pub fn take(
        session: &Session,
        part: &'static str,
        database: &str,
        tenure: &Tenure,
    ) -> Result<Claim, StoreError> {
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
            [&SHARD, &self.part, &self.epoch, &self.lease, &before, &head];
        if session.row(ADVANCE, &values)?.is_some() {
            return Ok(());
        }
        let found = self.check(session)?;
        let reason = format!(
            "the journal ends at record {found} and not at {before}: nothing was written, read it again"
        );
        Err(Failed::Store(StoreError::Database(reason)))
    }

    /// The part's last record; waits for whoever is still writing it.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    pub fn check(&self, session: &Session) -> Result<i64, Failed> {
        let row = session.row(LOOK, &[&SHARD, &self.part])?;
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

    fn extend(&self, session: &Session, lease: &str) -> Result<(), Failed> {
        match session.row(RENEW, &[&SHARD, &self.part, &self.epoch, &lease])? {
            Some(_) => Ok(()),
            None => self.check(session).map(|_| ()),
        }
    }
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

fn try_take(
    session: &Session,
    part: &'static str,
    database: &str,
    tenure: &Tenure,
) -> Result<Attempt, Failed> {
    let Some(row) = session.row(LOOK, &[&SHARD, &part])? else {
        return Err(Failed::Store(PostgresError::NoLedger { database: database.to_owned() }.into()));
    };
    if !row.get::<_, bool>(3) {
        return Ok(held(&row, database));
    }
    let lease = format!("{} milliseconds", tenure.lease.as_millis());
    let taken = session.row(TAKE, &[&SHARD, &part, &tenure.holder, &lease])?;
    let epoch = taken.map_or(0, |row| row.get(0));
    Ok(Attempt::Taken(Claim { part, epoch, lease }))
}

fn held(row: &Row, database: &str) -> Attempt {
    let lives = Duration::from_millis(u64::try_from(row.get::<_, i64>(5)).unwrap_or(0));
    let held = PostgresError::Held { database: database.to_owned(), holder: row.get(2), until: row.get(4) };
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
