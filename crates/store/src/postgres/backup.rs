//! Copies of a ledger in PostgreSQL: ledgers of the embedded store, one file each, which `kopeck ledger verify` and
//! `kopeck restore` know as well; and the way back.

use std::path::Path;

use rusqlite::Transaction;

use crate::answer::{Copied, Progress, Report};
use crate::error::StoreError;
use crate::ledger::batch::Landmark;
use crate::ledger::copy::{Sink, copy};
use crate::ledger::id_index::SealedRun;
use crate::ledger::journal::{Chunk, signed};
use crate::ledger::snapshot::Part;
use crate::ledger::tables::{Found, Tables};
use crate::postgres::connect::Session;
use crate::postgres::error::PostgresError;
use crate::postgres::owner::{self, Failed, LEDGER, in_transaction};
use crate::postgres::tables;
use crate::sqlite;

const SET_SEQUENCE: &str = "UPDATE owner SET sequence = $3 WHERE shard = $1 AND part = $2 RETURNING sequence";

impl Sink for Transaction<'_> {
    fn chunks(&self, chunks: &[Chunk]) -> Found<()> {
        sqlite::tables::write_chunks(chunks, self)
    }

    fn landmarks(&self, landmarks: &[Landmark]) -> Found<()> {
        sqlite::tables::write_landmarks(landmarks, self)
    }

    fn run(&self, run: &SealedRun) -> Found<()> {
        sqlite::tables::write_run(run, self)
    }

    fn part(&self, part: &Part) -> Found<()> {
        sqlite::tables::write_part(part, self)
    }
}

impl Sink for Session {
    fn chunks(&self, chunks: &[Chunk]) -> Found<()> {
        Ok(tables::write_chunks(chunks, self)?)
    }

    fn landmarks(&self, landmarks: &[Landmark]) -> Found<()> {
        Ok(tables::write_landmarks(landmarks, self)?)
    }

    fn run(&self, run: &SealedRun) -> Found<()> {
        Ok(tables::write_run(run, self)?)
    }

    fn part(&self, part: &Part) -> Found<()> {
        Ok(tables::write_part(part, self)?)
    }
}

/// Copies the ledger that a session reads, as of one instant, to a new file.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::Full`], and what else a file or the database can do.
pub fn copy_to(session: &Session, target: &Path, progress: &mut dyn FnMut(Copied)) -> Result<(), StoreError> {
    sqlite::backup::write_new(target, &sqlite::schema::LEDGER, |transaction| {
        copy(session, transaction, progress).map(|_| ())
    })
}

/// Makes a ledger from a backup that is whole, all of it or nothing; answers what proving it has found.
///
/// # Errors
/// [`PostgresError::LedgerExists`]; [`StoreError`] where the file can not be read or the database refuses.
pub fn restore(
    backup: &Path,
    session: &Session,
    database: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    let source = sqlite::verify::reader(backup)?;
    let report = sqlite::verify::database(backup, Vec::new(), progress)?;
    if report.problem.is_some() {
        return Ok(report);
    }
    let reading = source.unchecked_transaction()?;
    in_transaction(session, || {
        if !owner::make(session, LEDGER).map_err(Failed::Store)? {
            let exists = PostgresError::LedgerExists { database: database.to_owned() };
            return Err(Failed::Store(exists.into()));
        }
        let head = copy(&*reading as &dyn Tables, session, &mut |_| {}).map_err(Failed::Store)?;
        let set = session.row(SET_SEQUENCE, &[&LEDGER.shard, &LEDGER.name, &signed(head)])?;
        set.map(|_| ()).ok_or_else(|| {
            Failed::Store(StoreError::Database("the owner's row is gone: nothing was written".to_owned()))
        })
    })?;
    reading.finish()?;
    Ok(report)
}
