//! A ledger's tables in SQLite: each question one statement, and what a commit writes.

use std::borrow::Cow;

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountNumber, Moment, Sequence};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction};

use crate::answer::Head;
use crate::error::StoreError;
use crate::ledger::batch::Landmark;
use crate::ledger::id_index::SealedRun;
use crate::ledger::journal::{Chunk, StoredChunk, signed};
use crate::ledger::snapshot::Part;
use crate::ledger::tables::{Found, Landmarks, RunHead, RunIndex, SnapshotPart, Tables};
use crate::ledger::writer::Commit;
use crate::number::{self, unsigned};

/// A row of the journal takes records up to so many bytes, which fit a page of 8,192.
pub const ROW_BYTES: usize = 8_064;

impl Tables for Connection {
    fn head(&self) -> Found<Head> {
        let mut last = select(self, "ORDER BY first DESC LIMIT 1")?;
        Ok(last.query_row((), chunk).optional()?.map_or(Head::EMPTY, |chunk| chunk.end()))
    }

    fn chunk_before(&self, sequence: Sequence) -> Found<Option<Chunk>> {
        let mut before = select(self, "WHERE first <= ? ORDER BY first DESC LIMIT 1")?;
        Ok(before.query_row([signed(sequence)], chunk).optional()?)
    }

    fn chunks(&self, first: Sequence, take: &mut dyn FnMut(Chunk) -> Found<bool>) -> Found<()> {
        let mut statement = select(self, "WHERE first >= ? ORDER BY first")?;
        let mut rows = statement.query([signed(first)])?;
        while let Some(row) = rows.next()? {
            if !take(chunk(row)?)? {
                break;
            }
        }
        Ok(())
    }

    fn landmark_from(&self, account: AccountNumber, from: Sequence) -> Found<Option<Landmark>> {
        let mut select = self.prepare_cached(
            "SELECT account, sequence, entries, at, posted FROM landmark \
             WHERE account = ? AND sequence >= ? ORDER BY sequence LIMIT 1",
        )?;
        let mut rows = select.query((account.0, signed(from)))?;
        rows.next()?.map(landmark).transpose()
    }

    fn landmarks_after(&self, account: AccountNumber, sequence: Sequence) -> Found<Vec<Landmark>> {
        let mut select = self.prepare_cached(
            "SELECT account, sequence, entries, at, posted FROM landmark \
             WHERE (account, sequence) > (?, ?) ORDER BY account, sequence LIMIT 256",
        )?;
        let mut rows = select.query((account.0, signed(sequence)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(landmark(row)?);
        }
        Ok(found)
    }

    fn landmarks(&self) -> Found<Landmarks> {
        let (count, last): (i64, Option<i64>) =
            self.query_row("SELECT count(*), max(sequence) FROM landmark", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(Landmarks { count: unsigned(count), last: unsigned(last.unwrap_or(0)) })
    }

    fn runs(&self) -> Found<Vec<RunHead>> {
        let mut rows = self.prepare("SELECT run, through, least, greatest FROM id_run ORDER BY run")?;
        let runs = rows.query_map((), |row| {
            let [least, greatest] = [row.get(2)?, row.get(3)?].map(u128::from_be_bytes);
            Ok(RunHead { run: row.get(0)?, through: unsigned(row.get(1)?), least, greatest })
        })?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    fn run_index(&self, run: i64) -> Found<RunIndex> {
        let mut statement = self.prepare_cached("SELECT filter, fences FROM id_run WHERE run = ?")?;
        Ok(statement.query_row([run], |row| Ok(RunIndex { filter: row.get(0)?, fences: row.get(1)? }))?)
    }

    fn block(&self, block: i64) -> Found<Option<Vec<u8>>> {
        let mut statement = self.prepare_cached("SELECT entries FROM id_block WHERE block = ?")?;
        Ok(statement.query_row([block], |row| row.get(0)).optional()?)
    }

    fn blocks(&self, first: i64, end: i64) -> Found<Vec<u8>> {
        let mut statement = self
            .prepare_cached("SELECT entries FROM id_block WHERE block >= ? AND block < ? ORDER BY block")?;
        let mut rows = statement.query((first, end))?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
        }
        Ok(entries)
    }

    fn newest_snapshot(&self) -> Found<Option<Sequence>> {
        let newest = "SELECT sequence FROM snapshot GROUP BY sequence HAVING count(*) = max(parts) \
                      ORDER BY sequence DESC LIMIT 1";
        let sequence: Option<i64> = self.query_row(newest, (), |row| row.get(0)).optional()?;
        Ok(sequence.map(|sequence| Sequence(unsigned(sequence))))
    }

    fn snapshot(&self, sequence: Sequence) -> Found<Vec<SnapshotPart>> {
        let mut parts = self.prepare("SELECT hash, state FROM snapshot WHERE sequence = ? ORDER BY part")?;
        let parts = parts.query_map([signed(sequence)], |row| {
            Ok(SnapshotPart { hash: row.get(0)?, state: row.get(1)? })
        })?;
        Ok(parts.collect::<Result<_, _>>()?)
    }
}

fn select<'c>(connection: &'c Connection, which: &str) -> Result<CachedStatement<'c>, StoreError> {
    let columns = "SELECT first, last, first_at, last_at, hash, records FROM journal";
    Ok(connection.prepare_cached(&format!("{columns} {which}"))?)
}

fn chunk(row: &Row<'_>) -> Result<Chunk, rusqlite::Error> {
    let stored = StoredChunk {
        first: row.get(0)?,
        last: row.get(1)?,
        first_at: row.get(2)?,
        last_at: row.get(3)?,
        hash: row.get(4)?,
        records: Cow::Owned(row.get(5)?),
    };
    Ok(stored.into())
}

fn landmark(row: &Row<'_>) -> Found<Landmark> {
    let sequence = Sequence(unsigned(row.get(1)?));
    let posted = row.get::<_, String>(4)?.parse().map(Amount::from_micros).map_err(|_| {
        StoreError::Corrupt(format!("the balance at record {sequence} is not a number of its kind"))
    })?;
    Ok(Landmark {
        account: AccountNumber(row.get(0)?),
        entries: unsigned(row.get(2)?),
        sequence,
        at: Moment::from_nanoseconds(row.get(3)?).unwrap_or(Moment::FIRST),
        posted,
    })
}

/// Writes what a commit has.
///
/// # Errors
/// [`StoreError`] where the database refuses, as when the disk is full.
pub fn write(commit: &Commit<'_>, transaction: &Transaction<'_>) -> Result<(), StoreError> {
    write_chunks(commit.rows, transaction)?;
    write_landmarks(commit.landmarks, transaction)?;
    commit.run.map_or(Ok(()), |run| write_run(run, transaction))?;
    commit.part.map_or(Ok(()), |part| write_part(part, transaction))
}

/// Writes rows of the journal.
///
/// # Errors
/// As [`write`].
pub fn write_chunks(chunks: &[Chunk], transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO journal (first, last, first_at, last_at, hash, records) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for chunk in chunks {
        let StoredChunk { first, last, first_at, last_at, hash, records } = chunk.stored();
        insert.execute((first, last, first_at, last_at, hash, &*records))?;
    }
    Ok(())
}

/// Writes landmarks.
///
/// # Errors
/// As [`write`].
pub fn write_landmarks(landmarks: &[Landmark], transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO landmark (account, sequence, entries, at, posted) VALUES (?, ?, ?, ?, ?)",
    )?;
    for landmark in landmarks {
        insert.execute((
            landmark.account.0,
            signed(landmark.sequence),
            number::signed(landmark.entries),
            landmark.at.nanoseconds(),
            landmark.posted.micros().to_string(),
        ))?;
    }
    Ok(())
}

/// Writes a run of ids.
///
/// # Errors
/// As [`write`].
pub fn write_run(run: &SealedRun, transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached("INSERT INTO id_block (block, entries) VALUES (?, ?)")?;
    for block in run.blocks() {
        insert.execute(block)?;
    }
    let (RunHead { run, through, least, greatest }, RunIndex { filter, fences }) = (run.head(), run.index());
    let mut insert = transaction.prepare_cached(
        "INSERT INTO id_run (run, through, least, greatest, fences, filter) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let (least, greatest) = (least.to_be_bytes(), greatest.to_be_bytes());
    insert.execute((run, signed(Sequence(through)), least, greatest, fences, filter))?;
    Ok(())
}

/// Writes a part of a snapshot. With the last one the snapshot before goes, and what an earlier one has left unfinished.
///
/// # Errors
/// As [`write`].
pub fn write_part(part: &Part, transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let sequence = signed(part.sequence());
    transaction
        .prepare_cached("INSERT INTO snapshot (sequence, part, parts, hash, state) VALUES (?, ?, ?, ?, ?)")?
        .execute((sequence, part.number(), part.of(), part.hash(), part.state()))?;
    if part.is_last() {
        transaction.prepare_cached("DELETE FROM snapshot WHERE sequence <> ?")?.execute([sequence])?;
    }
    Ok(())
}
