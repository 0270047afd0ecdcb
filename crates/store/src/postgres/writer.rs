//! Commits to PostgreSQL: one transaction, in a turn.
//!
//! What a lost connection leaves open is found out before anything else is decided: a new connection waits for its turn,
//! which a commit on its way still has, and then sees what became of it.

use std::path::Path;
use std::time::Duration;

use kopeck_ledger::name::Sequence;

use crate::answer::Head;
use crate::error::StoreError;
use crate::faults::{Faults, Point, meet};
use crate::head_log::Heads;
use crate::ledger::snapshot::Part;
use crate::ledger::tables::Tables;
use crate::ledger::writer::{Commit, Committed, Medium};
use crate::postgres::again::Failure;
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::failed;
use crate::postgres::owner::{Failed, in_transaction};
use crate::postgres::{again, tables, turn};

/// The database that the writer writes to.
pub struct Server {
    /// Where it is.
    pub address: Address,
    /// The connection that writes.
    pub session: Session,
    /// Where the journal ends, while nobody else can write.
    pub turn: Option<Sequence>,
    /// How long a lost connection is tried to be made again before its callers are told.
    pub reconnect: Duration,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
    /// Writes the head down beside the database, where there is a folder for it.
    pub heads: Option<Heads>,
    /// Why nothing can be written any more.
    pub dead: Option<StoreError>,
}

impl Medium for Server {
    fn row_bytes(&self) -> usize {
        tables::ROW_BYTES
    }

    fn has_others(&self) -> bool {
        true
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        self.meet(Point::Begin)?;
        match again::attempt(|| self.try_commit(commit))? {
            Committed::Overtaken => Ok(Committed::Overtaken),
            Committed::Done => self.meet(Point::Committed).map(|()| Committed::Done),
        }
    }

    fn take_turn(&mut self) -> Result<Sequence, StoreError> {
        again::attempt(|| self.try_take_turn())
    }

    fn pass_turn(&mut self) {
        if self.turn.take().is_some() {
            // Where this fails the connection is lost, and the turn with it.
            let _ = self.session.run("ROLLBACK");
        }
    }

    fn tables(&self) -> &dyn Tables {
        &self.session
    }

    fn settled(&mut self, _: u64, head: Head) {
        if let Some(heads) = &mut self.heads {
            let _ = heads.note(head, false);
        }
    }

    fn ended(&self) -> Option<StoreError> {
        self.dead.clone()
    }

    fn close(&mut self, head: Head, parts: Vec<Part>) {
        if !parts.is_empty() {
            let _ = self.write_parts(&parts);
        }
        if let Some(heads) = &mut self.heads {
            let _ = heads.note(head, true);
        }
    }
}

impl Server {
    fn try_take_turn(&mut self) -> Result<Sequence, Failure> {
        if self.session.is_closed() {
            self.turn = None;
            let session = again::connected(&self.address, self.reconnect).and_then(in_turns);
            self.session = session.map_err(Failure::Final)?;
        }
        if let Some(end) = self.turn {
            return Ok(end);
        }
        self.session.run("BEGIN").map_err(Failed::from)?;
        let end = turn::take(&self.session).inspect_err(|_| {
            // Where this fails the connection is lost, and the transaction with it.
            let _ = self.session.run("ROLLBACK");
        })?;
        self.turn = Some(end);
        Ok(end)
    }

    fn try_commit(&mut self, commit: &Commit<'_>) -> Result<Committed, Failure> {
        if self.try_take_turn()? != commit.before.sequence {
            return Ok(Committed::Overtaken);
        }
        if commit.is_empty() {
            self.pass_turn();
            return Ok(Committed::Done);
        }
        let written = turn::advance(&self.session, commit.head.sequence)
            .and_then(|()| tables::write(commit, &self.session))
            .map_err(Failure::from)
            .and_then(|()| self.meet(Point::Written).map_err(Failure::Final));
        if let Err(failure) = written {
            self.pass_turn();
            return Err(failure);
        }
        self.turn = None;
        self.session.run("COMMIT").map(|()| Committed::Done).map_err(|error| Failure::of_commit(&error))
    }

    fn write_parts(&self, parts: &[Part]) -> Result<(), StoreError> {
        let write = || parts.iter().try_for_each(|part| tables::write_part(part, &self.session));
        Ok(in_transaction(&self.session, write)?)
    }

    fn meet(&mut self, point: Point) -> Result<(), StoreError> {
        meet(point, &mut *self.faults, Path::new(""), &mut self.dead)
    }
}

/// A connection that writes in turns, for which nobody waits for long.
///
/// # Errors
/// Those of the connection.
pub fn in_turns(session: Session) -> Result<Session, StoreError> {
    session.run(turn::PATIENCE).map_err(|error| failed(&error))?;
    Ok(session)
}
