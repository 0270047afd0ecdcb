//! Commits to PostgreSQL: one transaction with the owner's claim in it.
//!
//! What a lost connection leaves open is found out before anything else is decided: a new connection waits for the
//! owner's row, which a commit on its way holds locked, and then sees what became of it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::answer::Head;
use crate::error::StoreError;
use crate::faults::{Faults, Point, meet};
use crate::head_log::Heads;
use crate::ledger::journal::signed;
use crate::ledger::snapshot::Part;
use crate::ledger::tables::Tables;
use crate::ledger::writer::{Commit, Medium};
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::{PostgresError, failed_commit, is_loss, is_serialization};
use crate::postgres::owner::{Claim, Failed, in_transaction};
use crate::postgres::tables;

/// A commit that met others, or whose connection was lost before its end, is tried so often again.
const ATTEMPTS: usize = 8;
/// The first pause between two attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The database that the writer writes to.
pub struct Server {
    /// Where it is.
    pub address: Address,
    /// The connection that writes.
    pub session: Session,
    /// What every commit carries.
    pub claim: Claim,
    /// After so long without a commit the lease is renewed.
    pub renew_after: Duration,
    /// How long a lost connection is tried to be made again before its callers are told.
    pub reconnect: Duration,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// Writes the head down beside the database, where there is a folder for it.
    pub heads: Option<Heads>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

/// Why a commit failed.
enum Failure {
    /// Nothing of it was written, and another attempt may do it.
    Again(StoreError),
    /// It stays so.
    Final(StoreError),
}

impl From<Failed> for Failure {
    fn from(error: Failed) -> Failure {
        let again = matches!(&error, Failed::Server(error) if is_serialization(error) || is_loss(error));
        if again { Failure::Again(error.into()) } else { Failure::Final(error.into()) }
    }
}

impl Medium for Server {
    fn row_bytes(&self) -> usize {
        tables::ROW_BYTES
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        self.meet(Point::Begin)?;
        let mut pauses = pauses().with_max_times(ATTEMPTS).build();
        loop {
            if self.session.is_closed() {
                self.recover()?;
            }
            match self.try_commit(commit) {
                Ok(()) => return self.meet(Point::Committed),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Again(error)) => thread::sleep(pauses.next().ok_or(error)?),
            }
        }
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        if self.session.is_closed() {
            self.session = self.connected_again()?;
        }
        Ok(in_transaction(&self.session, || self.claim.check(&self.session)).map(|_| ())?)
    }

    fn tables(&self) -> &dyn Tables {
        &self.session
    }

    fn settled(&mut self, _: u64, head: Head) {
        if let Some(heads) = &mut self.heads {
            let _ = heads.note(head, false);
        }
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.renew_after)
    }

    fn attend(&mut self) -> Result<(), StoreError> {
        if self.session.is_closed() {
            self.session = self.address.connect()?;
        }
        Ok(self.claim.renew(&self.session)?)
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone()
    }

    fn close(&mut self, head: Head, parts: Vec<Part>) {
        if !parts.is_empty() {
            let _ = self.write_parts(&parts, head);
        }
        if let Some(heads) = &mut self.heads {
            let _ = heads.note(head, true);
        }
        let _ = self.claim.release(&self.session);
    }
}

impl Server {
    fn try_commit(&mut self, commit: &Commit<'_>) -> Result<(), Failure> {
        let session = &self.session;
        session.run("BEGIN").map_err(Failed::from)?;
        let written = self
            .claim
            .advance(session, signed(commit.before.sequence), signed(commit.head.sequence))
            .and_then(|()| tables::write(commit, session))
            .map_err(Failure::from)
            .and_then(|()| self.meet(Point::Written).map_err(Failure::Final));
        if let Err(failure) = written {
            // Where this fails the connection is lost, and the transaction with it.
            let _ = self.session.run("ROLLBACK");
            return Err(failure);
        }
        self.session.run("COMMIT").map_err(|error| {
            let failed = failed_commit(&error);
            if is_serialization(&error) { Failure::Again(failed) } else { Failure::Final(failed) }
        })
    }

    fn write_parts(&self, parts: &[Part], head: Head) -> Result<(), StoreError> {
        let sequence = signed(head.sequence);
        let written = in_transaction(&self.session, || {
            self.claim.advance(&self.session, sequence, sequence)?;
            parts.iter().try_for_each(|part| tables::write_part(part, &self.session))
        });
        Ok(written?)
    }

    /// Connects, and tries again for a while where nobody answers.
    fn connected_again(&self) -> Result<Session, StoreError> {
        let mut pauses = pauses().without_max_times().with_total_delay(Some(self.reconnect)).build();
        loop {
            match self.address.connect() {
                Err(
                    error @ StoreError::Postgres(PostgresError::Unreachable { .. } | PostgresError::Lost(_)),
                ) => thread::sleep(pauses.next().ok_or(error)?),
                connected => return connected,
            }
        }
    }

    fn meet(&mut self, point: Point) -> Result<(), StoreError> {
        meet(point, &mut *self.faults, Path::new(""), &mut self.dead)
    }
}

fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).with_jitter()
}
