//! The directory in PostgreSQL, which any number of nodes write in turn.
//!
//! Who adds acts locks the directory's row, folds what others have added since, decides on that, writes and commits; so
//! each act is decided on the newest state, wherever it is asked for. A session that holds the row and is left alone for
//! two seconds ends, so that a node that stalls holds nobody up for longer. Nobody owns a directory: there is no lease
//! and no epoch, and what a lost connection leaves open is told by the next act, which waits for the row.

pub mod copy;
mod tables;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use kopeck_directory::Directory;
use kopeck_directory::access::Actor;
use kopeck_directory::act::Act;
use kopeck_directory::name::TokenId;
use kopeck_directory::refusal::Refusal;
use kopeck_ledger::name::Moment;

use crate::answer::{Copied, Progress};
use crate::directory::acts::{self, Acts as _, Decided, End, Uses};
use crate::directory::{ActProblem, ActReport, AuditQuery, AuditRow, DirectoryStore, Performed, verify};
use crate::error::StoreError;
use crate::faults::{Faults, NoFaults, Point, meet};
use crate::ledger::shared::Clock;
use crate::pool::Pool;
use crate::postgres::again::{self, Failure};
use crate::postgres::connect::{Address, Session};
use crate::postgres::error::failed;
use crate::postgres::owner::{self, DIRECTORY, Failed, in_transaction};
use crate::postgres::{RECONNECT, as_of_now, schema};
use crate::sqlite;
use crate::store::Answer;

use tables::ActTables;

/// A session that holds the directory and is left alone for so long ends.
const SHORT_PATIENCE: &str = "SET idle_in_transaction_session_timeout = '2s'";

/// How a directory is opened.
pub struct DirectoryOptions {
    /// What time it is, for what is recorded.
    pub clock: Clock,
    /// How long a lost connection is tried to be made again before those who wait are told.
    pub reconnect: Duration,
    /// What goes wrong on purpose.
    pub faults: Box<dyn Faults>,
}

impl DirectoryOptions {
    /// Those of a node at the time of that clock.
    #[must_use]
    pub fn at(clock: Clock) -> DirectoryOptions {
        DirectoryOptions { clock, reconnect: RECONNECT, faults: Box::new(NoFaults) }
    }
}

impl fmt::Debug for DirectoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryOptions").field("reconnect", &self.reconnect).finish_non_exhaustive()
    }
}

/// An open directory in PostgreSQL.
pub struct PostgresDirectory {
    address: Address,
    clock: Clock,
    reconnect: Duration,
    writer: Mutex<Writer>,
    shown: RwLock<Shown>,
    uses: Mutex<Uses>,
    sessions: Pool<Session>,
}

impl fmt::Debug for PostgresDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDirectory").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The newest state that this node knows.
#[derive(Clone)]
struct Shown {
    directory: Arc<Directory>,
    end: End,
}

/// Who writes for this node.
struct Writer {
    session: Session,
    faults: Box<dyn Faults>,
    /// A fault has ended it.
    dead: Option<StoreError>,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::Postgres(super::PostgresError::Lost(_)) => Failure::Again(error),
            error => Failure::Final(error),
        }
    }
}

fn writing(address: &Address, patience: Duration) -> Answer<Session> {
    let session = again::connected(address, patience)?;
    session.run(SHORT_PATIENCE).map_err(|error| failed(&error))?;
    Ok(session)
}

impl PostgresDirectory {
    /// Opens the directory in a database, made where it is missing, and folds the acts.
    ///
    /// # Errors
    /// [`PostgresError::Newer`](super::PostgresError::Newer); those of a connection; [`StoreError::Corrupt`] where an
    /// act can not be read.
    pub fn open(address: &str, options: DirectoryOptions) -> Answer<PostgresDirectory> {
        let address = Address::read(address)?;
        let session = writing(&address, Duration::ZERO)?;
        schema::migrate(&session, address.name())?;
        owner::make(&session, DIRECTORY)?;
        let mut directory = Directory::default();
        let (end, uses) = as_of_now(&session, || {
            let stored = ActTables(&session);
            Ok((acts::fold(&stored, End::EMPTY, &mut directory)?, Uses::of(stored.uses()?)))
        })?;
        acts::check_books(&directory)?;
        let DirectoryOptions { clock, reconnect, faults } = options;
        Ok(PostgresDirectory {
            address,
            clock,
            reconnect,
            writer: Mutex::new(Writer { session, faults, dead: None }),
            shown: RwLock::new(Shown { directory: Arc::new(directory), end }),
            uses: Mutex::new(uses),
            sessions: Pool::default(),
        })
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> Shown {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows a state, unless a newer one is shown already.
    fn show(&self, directory: Directory, end: End) {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        if end.sequence > shown.end.sequence {
            *shown = Shown { directory: Arc::new(directory), end };
        }
    }

    fn read<T>(&self, work: impl FnOnce(&ActTables<'_>) -> Answer<T>) -> Answer<T> {
        let make = || self.address.connect();
        self.sessions.with(make, |session| !session.is_closed(), |session| work(&ActTables(session)))
    }

    /// As [`PostgresDirectory::read`], as of one instant.
    fn read_at_once<T>(&self, work: impl FnOnce(&ActTables<'_>) -> Answer<T>) -> Answer<T> {
        self.read(|stored| as_of_now(stored.0, || work(stored)))
    }

    /// Brings what is shown to what is stored, as a session sees it.
    fn catch_up(&self, stored: &ActTables<'_>) -> Answer<Shown> {
        let Shown { directory, end } = self.shown();
        let mut newer = Directory::clone(&directory);
        let newest = acts::fold(stored, end, &mut newer)?;
        if newest.sequence == end.sequence {
            return Ok(Shown { directory, end });
        }
        acts::check_books(&newer)?;
        self.show(newer.clone(), newest);
        Ok(Shown { directory: Arc::new(newer), end: newest })
    }

    fn try_perform(
        &self,
        writer: &mut Writer,
        acts: &[Act],
        by: &Actor,
    ) -> Result<Vec<Result<Performed, Refusal>>, Failure> {
        if writer.session.is_closed() {
            writer.session = writing(&self.address, self.reconnect).map_err(Failure::Final)?;
        }
        writer.session.run("BEGIN").map_err(Failed::from)?;
        let written = self.decide_and_write(writer, acts, by);
        let Decided { draft, end, done, .. } = match written {
            Ok(decided) => decided,
            Err(failure) => {
                // Where this fails the connection is lost, and the transaction with it.
                let _ = writer.session.run("ROLLBACK");
                return Err(failure);
            }
        };
        writer.session.run("COMMIT").map_err(|error| Failure::of_commit(&error))?;
        writer.meet(Point::Committed).map_err(Failure::Final)?;
        self.show(draft, end);
        Ok(done)
    }

    /// In a transaction: locks the directory, reads what is new, decides and writes.
    fn decide_and_write(&self, writer: &mut Writer, acts: &[Act], by: &Actor) -> Result<Decided, Failure> {
        let last = tables::lock(&writer.session)?;
        let Shown { directory, end } = self.catch_up(&ActTables(&writer.session))?;
        if end.sequence != last {
            let reason = format!("the directory ends at act {} and not at act {last}", end.sequence);
            return Err(Failure::Final(StoreError::Corrupt(reason)));
        }
        let decided = acts::decide((&directory, end), acts, by, (self.clock)())?;
        if !decided.rows.is_empty() {
            tables::write(&decided.rows, last, &writer.session)?;
            writer.meet(Point::Written).map_err(Failure::Final)?;
        }
        Ok(decided)
    }
}

impl Writer {
    fn meet(&mut self, point: Point) -> Answer<()> {
        meet(point, &mut *self.faults, Path::new(""), &mut self.dead)
    }
}

impl Drop for PostgresDirectory {
    fn drop(&mut self) {
        // Nobody is there to be told: uses are no part of what was promised.
        if self.uses().has_fresh() {
            let _ = self.keep_uses();
        }
    }
}

impl DirectoryStore for PostgresDirectory {
    fn snapshot(&self) -> Arc<Directory> {
        self.shown().directory
    }

    fn refresh(&self) -> Answer<()> {
        self.read(|stored| self.catch_up(stored)).map(|_| ())
    }

    fn perform_all(&self, acts: &[Act], by: &Actor) -> Answer<Vec<Result<Performed, Refusal>>> {
        let mut writer = self.writer();
        if let Some(dead) = &writer.dead {
            return Err(dead.clone());
        }
        writer.meet(Point::Begin)?;
        again::attempt(|| self.try_perform(&mut writer, acts, by))
    }

    fn audit(&self, query: &AuditQuery) -> Answer<Vec<AuditRow>> {
        self.read(|stored| stored.page(query))
    }

    fn used(&self, token: TokenId, at: Moment) {
        self.uses().note(token, at);
    }

    fn last_used(&self, token: TokenId) -> Option<Moment> {
        self.uses().last(token)
    }

    fn keep_uses(&self) -> Answer<()> {
        let fresh = self.uses().take_fresh();
        let kept = self.read(|stored| {
            in_transaction(stored.0, || tables::write_uses(&fresh, stored.0))?;
            stored.uses()
        });
        let mut uses = self.uses();
        match kept {
            Ok(stored) => uses.learn(stored),
            Err(error) => {
                uses.give_back(&fresh);
                return Err(error);
            }
        }
        Ok(())
    }

    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<ActReport> {
        self.read_at_once(|stored| {
            let mut report = verify::acts(stored, None, progress)?;
            let last = owner::last(stored.0, DIRECTORY)?;
            if report.problem.is_none() && last > report.acts {
                let reason = format!("is missing: act {last} was the last");
                report.problem = Some(ActProblem { sequence: report.acts + 1, reason });
            }
            Ok(report)
        })
    }

    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()> {
        self.read_at_once(|stored| sqlite::directory::write_copy(target, stored, progress))
    }
}
