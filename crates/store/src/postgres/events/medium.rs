//! Commits of an event log to PostgreSQL: one transaction with the owner's claim in it.
//!
//! What a lost connection leaves open is found out before anything else is judged: a new connection waits for the
//! owner's row, which a commit on its way holds locked, and then sees what became of it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::faults::{Faults, Point, meet};
use crate::log::tables::Tables;
use crate::log::writer::{Commit, Medium};
use crate::number::signed;
use crate::postgres::again::{self, Failure};
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::failed;
use crate::postgres::events::tables::{self, ShardTables};
use crate::postgres::lease::Lease;
use crate::postgres::owner::{Claim, Failed, in_transaction};

/// The database that the writer of a shard writes to.
pub struct Server {
    /// Where it is.
    pub address: Address,
    /// The shard, and the connection that writes.
    pub tables: ShardTables<Session>,
    /// What every commit carries.
    pub claim: Claim,
    /// How long the lease is.
    pub length: Duration,
    /// What is known of it.
    pub lease: Lease,
    /// A lease that was renewed so long ago is renewed.
    pub renew_after: Duration,
    /// How long a lost connection is tried to be made again before its callers are told.
    pub reconnect: Duration,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

impl Medium for Server {
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        self.meet(commit, Point::Begin)?;
        again::attempt(|| {
            if self.session().is_closed() {
                self.recover().map_err(Failure::Final)?;
            }
            self.try_commit(commit)
        })?;
        self.meet(commit, Point::Committed)
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        if self.session().is_closed() {
            let session = again::connected(&self.address, self.reconnect)?;
            limit(&session, self.length)?;
            self.tables.session = session;
        }
        Ok(in_transaction(self.session(), || self.claim.check(self.session())).map(|_| ())?)
    }

    fn tables(&self) -> &dyn Tables {
        &self.tables
    }

    fn settled(&mut self, _: u64) {}

    fn patience(&self) -> Option<Duration> {
        // Where it could not be renewed it is tried again, and not without a pause.
        Some(self.renew_after.saturating_sub(self.lease.age()).max(self.renew_after / 4))
    }

    fn attend(&mut self) -> Result<(), StoreError> {
        if self.lease.age() < self.renew_after {
            return Ok(());
        }
        if self.session().is_closed() {
            let session = self.address.connect()?;
            limit(&session, self.length)?;
            self.tables.session = session;
        }
        let begun = Instant::now();
        self.claim.renew(self.session())?;
        self.lease.renew(begun);
        Ok(())
    }

    fn replaced(&mut self, reason: &StoreError) {
        self.lease.lose(reason);
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone()
    }

    fn close(&mut self) {
        let _ = self.claim.release(self.session());
        self.lease.lose(&StoreError::Closed);
    }
}

/// A transaction that is left alone for as long as a lease lives ends, so that the next owner, who wants its row, does not
/// wait for longer.
///
/// # Errors
/// [`StoreError`] where the session is lost.
pub fn limit(session: &Session, lease: Duration) -> Result<(), StoreError> {
    let set = format!("SET idle_in_transaction_session_timeout = '{}ms'", lease.as_millis());
    session.run(&set).map_err(|error| failed(&error))
}

impl Server {
    fn session(&self) -> &Session {
        &self.tables.session
    }

    fn try_commit(&mut self, commit: &Commit<'_>) -> Result<(), Failure> {
        let begun = Instant::now();
        self.session().run("BEGIN").map_err(Failed::from)?;
        let (before, end) = (signed(commit.before.0), signed(commit.end.0));
        let written = self
            .claim
            .advance(self.session(), before, end)
            .and_then(|()| tables::write(commit, self.tables.shard, self.session()))
            .map_err(Failure::from)
            .and_then(|()| self.meet(commit, Point::Written).map_err(Failure::Final));
        if let Err(failure) = written {
            // Where this fails the connection is lost, and the transaction with it.
            let _ = self.session().run("ROLLBACK");
            return Err(failure);
        }
        self.session().run("COMMIT").map_err(|error| Failure::of_commit(&error))?;
        self.lease.renew(begun);
        Ok(())
    }

    fn meet(&mut self, commit: &Commit<'_>, point: Point) -> Result<(), StoreError> {
        // A list of runs alone is no commit that anybody waits for.
        if commit.rows.is_empty() && commit.beside.is_empty() {
            return Ok(());
        }
        meet(point, &mut *self.faults, Path::new(""), &mut self.dead)
    }
}
