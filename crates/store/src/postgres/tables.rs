//! A ledger's tables in PostgreSQL: each question one statement, and what a commit writes, many rows at once.

use std::borrow::Cow;

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountNumber, Moment, Sequence};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::answer::Head;
use crate::error::StoreError;
use crate::ledger::batch::Landmark;
use crate::ledger::id_index::SealedRun;
use crate::ledger::journal::{Chunk, StoredChunk, signed};
use crate::ledger::snapshot::Part;
use crate::ledger::tables::{Found, Landmarks, RunHead, RunIndex, SnapshotPart, Tables};
use crate::ledger::writer::Commit;
use crate::number::{self, unsigned};
use crate::postgres::SHARD;
use crate::postgres::connect::Session;
use crate::postgres::error::failed;
use crate::postgres::owner::Failed;

/// A row of the journal takes records up to so many bytes, which fit a page of 8,192 with its other columns.
pub const ROW_BYTES: usize = 7_936;

/// Rows of the journal, or landmarks, that are fetched at once: 2 MB.
const PAGE_ROWS: i64 = 256;

const LAST: &str = "SELECT first, last, first_at, last_at, hash, records FROM journal \
                    WHERE shard = $1 ORDER BY first DESC LIMIT 1";
const BEFORE: &str = "SELECT first, last, first_at, last_at, hash, records FROM journal \
                      WHERE shard = $1 AND first <= $2 ORDER BY first DESC LIMIT 1";
const FROM: &str = "SELECT first, last, first_at, last_at, hash, records FROM journal \
                    WHERE shard = $1 AND first >= $2 ORDER BY first LIMIT $3";
const LANDMARK: &str = "SELECT account, sequence, entries, at, posted::text FROM landmark \
                        WHERE shard = $1 AND account = $2 AND sequence >= $3 ORDER BY sequence LIMIT 1";
const LANDMARKS_AFTER: &str = "SELECT account, sequence, entries, at, posted::text FROM landmark \
                               WHERE shard = $1 AND (account, sequence) > ($2, $3) \
                               ORDER BY account, sequence LIMIT $4";
const LANDMARKS: &str = "SELECT count(*), coalesce(max(sequence), 0) FROM landmark WHERE shard = $1";
const RUNS: &str = "SELECT run, through, least, greatest FROM id_run WHERE shard = $1 ORDER BY run";
const RUN: &str = "SELECT filter, fences FROM id_run WHERE shard = $1 AND run = $2";
const BLOCK: &str = "SELECT entries FROM id_block WHERE shard = $1 AND block = $2";
const BLOCKS: &str =
    "SELECT entries FROM id_block WHERE shard = $1 AND block >= $2 AND block < $3 ORDER BY block";
const NEWEST_SNAPSHOT: &str = "SELECT sequence FROM snapshot WHERE shard = $1 \
                               GROUP BY sequence HAVING count(*) = max(parts) ORDER BY sequence DESC LIMIT 1";
const SNAPSHOT: &str = "SELECT hash, state FROM snapshot WHERE shard = $1 AND sequence = $2 ORDER BY part";

const INSERT_CHUNKS: &str = "INSERT INTO journal (shard, first, last, first_at, last_at, hash, records) \
                             SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
                             $6::bytea[], $7::bytea[]) RETURNING first";
const INSERT_LANDMARKS: &str = "INSERT INTO landmark (shard, account, sequence, entries, at, posted) \
                                SELECT $1, account, sequence, entries, at, posted::numeric \
                                FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) \
                                AS row (account, sequence, entries, at, posted) RETURNING sequence";
const INSERT_BLOCKS: &str = "INSERT INTO id_block (shard, block, entries) \
                             SELECT $1, * FROM unnest($2::bigint[], $3::bytea[]) RETURNING block";
const INSERT_RUN: &str = "INSERT INTO id_run (shard, run, through, least, greatest, fences, filter) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING run";
const INSERT_PART: &str = "INSERT INTO snapshot (shard, sequence, part, parts, hash, state) \
                           VALUES ($1, $2, $3, $4, $5, $6) RETURNING part";
const DELETE_OTHER_PARTS: &str = "DELETE FROM snapshot WHERE shard = $1 AND sequence <> $2 RETURNING part";

type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

impl Session {
    fn ask(&self, sql: &'static str, values: Values<'_>) -> Found<Vec<Row>> {
        self.rows(sql, values).map_err(|error| failed(&error))
    }

    fn ask_one(&self, sql: &'static str, values: Values<'_>) -> Found<Option<Row>> {
        self.row(sql, values).map_err(|error| failed(&error))
    }
}

impl Tables for Session {
    fn head(&self) -> Found<Head> {
        let last = self.ask_one(LAST, &[&SHARD])?.map(|row| chunk(&row)).transpose()?;
        Ok(last.map_or(Head::EMPTY, |chunk| chunk.end()))
    }

    fn chunk_before(&self, sequence: Sequence) -> Found<Option<Chunk>> {
        self.ask_one(BEFORE, &[&SHARD, &signed(sequence)])?.map(|row| chunk(&row)).transpose()
    }

    fn chunks(&self, first: Sequence, take: &mut dyn FnMut(Chunk) -> Found<bool>) -> Found<()> {
        let mut from = Some(first);
        while let Some(first) = from.take() {
            for row in self.ask(FROM, &[&SHARD, &signed(first), &PAGE_ROWS])? {
                let chunk = chunk(&row)?;
                from = Some(chunk.first().next());
                if !take(chunk)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn landmark_from(&self, account: AccountNumber, from: Sequence) -> Found<Option<Landmark>> {
        let values: Values<'_> = &[&SHARD, &i64::from(account.0), &signed(from)];
        self.ask_one(LANDMARK, values)?.map(|row| landmark(&row)).transpose()
    }

    fn landmarks_after(&self, account: AccountNumber, sequence: Sequence) -> Found<Vec<Landmark>> {
        let values: Values<'_> = &[&SHARD, &i64::from(account.0), &signed(sequence), &PAGE_ROWS];
        self.ask(LANDMARKS_AFTER, values)?.iter().map(landmark).collect()
    }

    fn landmarks(&self) -> Found<Landmarks> {
        let row = self.ask_one(LANDMARKS, &[&SHARD])?;
        let (count, last) = row.map_or((0, 0), |row| (row.get(0), row.get(1)));
        Ok(Landmarks { count: unsigned(count), last: unsigned(last) })
    }

    fn runs(&self) -> Found<Vec<RunHead>> {
        let rows = self.ask(RUNS, &[&SHARD])?;
        let run = |row: &Row| -> Found<RunHead> {
            let (least, greatest) = (id(row.get(2))?, id(row.get(3))?);
            Ok(RunHead { run: row.get(0), through: unsigned(row.get(1)), least, greatest })
        };
        rows.iter().map(run).collect()
    }

    fn run_index(&self, run: i64) -> Found<RunIndex> {
        let row = self.ask_one(RUN, &[&SHARD, &run])?;
        let row =
            row.ok_or_else(|| StoreError::Corrupt(format!("run {run} of the index of ids is missing")))?;
        Ok(RunIndex { filter: row.get(0), fences: row.get(1) })
    }

    fn block(&self, block: i64) -> Found<Option<Vec<u8>>> {
        Ok(self.ask_one(BLOCK, &[&SHARD, &block])?.map(|row| row.get(0)))
    }

    fn blocks(&self, first: i64, end: i64) -> Found<Vec<u8>> {
        let rows = self.ask(BLOCKS, &[&SHARD, &first, &end])?;
        Ok(rows.iter().flat_map(|row| row.get::<_, &[u8]>(0)).copied().collect())
    }

    fn newest_snapshot(&self) -> Found<Option<Sequence>> {
        let row = self.ask_one(NEWEST_SNAPSHOT, &[&SHARD])?;
        Ok(row.map(|row| Sequence(unsigned(row.get(0)))))
    }

    fn snapshot(&self, sequence: Sequence) -> Found<Vec<SnapshotPart>> {
        let rows = self.ask(SNAPSHOT, &[&SHARD, &signed(sequence)])?;
        let part = |row: &Row| Ok(SnapshotPart { hash: hash(row.get(0))?, state: row.get(1) });
        rows.iter().map(part).collect()
    }
}

fn chunk(row: &Row) -> Found<Chunk> {
    let stored = StoredChunk {
        first: row.get(0),
        last: row.get(1),
        first_at: row.get(2),
        last_at: row.get(3),
        hash: hash(row.get(4))?,
        records: Cow::Owned(row.get(5)),
    };
    Ok(stored.into())
}

fn landmark(row: &Row) -> Found<Landmark> {
    let sequence = Sequence(unsigned(row.get(1)));
    let broken = || StoreError::Corrupt(format!("the landmark at record {sequence} is not one"));
    Ok(Landmark {
        account: AccountNumber(u32::try_from(row.get::<_, i64>(0)).map_err(|_| broken())?),
        entries: unsigned(row.get(2)),
        sequence,
        at: Moment::from_nanoseconds(row.get(3)).unwrap_or(Moment::FIRST),
        posted: row.get::<_, &str>(4).parse().map(Amount::from_micros).map_err(|_| broken())?,
    })
}

/// A stored hash.
///
/// # Errors
/// [`StoreError::Corrupt`] where it is none.
pub fn hash(bytes: &[u8]) -> Found<[u8; 32]> {
    bytes.try_into().map_err(|_| StoreError::Corrupt("a stored hash has not 32 bytes".to_owned()))
}

fn id(bytes: &[u8]) -> Found<u128> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Corrupt("an id has not 16 bytes".to_owned()))?;
    Ok(u128::from_be_bytes(bytes))
}

/// Writes what a commit has.
///
/// # Errors
/// [`Failed`] where the database refuses, as when the disk is full.
pub fn write(commit: &Commit<'_>, session: &Session) -> Result<(), Failed> {
    write_chunks(commit.rows, session)?;
    write_landmarks(commit.landmarks, session)?;
    commit.run.map_or(Ok(()), |run| write_run(run, session))?;
    commit.part.map_or(Ok(()), |part| write_part(part, session))
}

/// Writes rows of the journal.
///
/// # Errors
/// As [`write`].
pub fn write_chunks(chunks: &[Chunk], session: &Session) -> Result<(), Failed> {
    if chunks.is_empty() {
        return Ok(());
    }
    let stored: Vec<StoredChunk<'_>> = chunks.iter().map(Chunk::stored).collect();
    let numbers = |column: fn(&StoredChunk<'_>) -> i64| stored.iter().map(column).collect::<Vec<_>>();
    let (first, last) = (numbers(|row| row.first), numbers(|row| row.last));
    let (first_at, last_at) = (numbers(|row| row.first_at), numbers(|row| row.last_at));
    let hashes: Vec<&[u8]> = stored.iter().map(|row| row.hash.as_slice()).collect();
    let records: Vec<&[u8]> = stored.iter().map(|row| &*row.records).collect();
    let values: Values<'_> = &[&SHARD, &first, &last, &first_at, &last_at, &hashes, &records];
    all_are_in(session.rows(INSERT_CHUNKS, values)?.len(), chunks.len())
}

/// Writes landmarks.
///
/// # Errors
/// As [`write`].
pub fn write_landmarks(landmarks: &[Landmark], session: &Session) -> Result<(), Failed> {
    if landmarks.is_empty() {
        return Ok(());
    }
    let numbers = |column: fn(&Landmark) -> i64| landmarks.iter().map(column).collect::<Vec<_>>();
    let (account, sequence) = (numbers(|row| row.account.0.into()), numbers(|row| signed(row.sequence)));
    let entries = numbers(|row| number::signed(row.entries));
    let at = numbers(|row| row.at.nanoseconds());
    let posted: Vec<String> = landmarks.iter().map(|row| row.posted.micros().to_string()).collect();
    let values: Values<'_> = &[&SHARD, &account, &sequence, &entries, &at, &posted];
    all_are_in(session.rows(INSERT_LANDMARKS, values)?.len(), landmarks.len())
}

/// Writes a run of ids.
///
/// # Errors
/// As [`write`].
pub fn write_run(run: &SealedRun, session: &Session) -> Result<(), Failed> {
    let (numbers, entries): (Vec<i64>, Vec<Vec<u8>>) = run.blocks().unzip();
    let written = session.rows(INSERT_BLOCKS, &[&SHARD, &numbers, &entries])?;
    all_are_in(written.len(), numbers.len())?;
    let (RunHead { run, through, least, greatest }, RunIndex { filter, fences }) = (run.head(), run.index());
    let through = signed(Sequence(through));
    let (least, greatest) = (least.to_be_bytes(), greatest.to_be_bytes());
    let (least, greatest) = (least.as_slice(), greatest.as_slice());
    let values: Values<'_> = &[&SHARD, &run, &through, &least, &greatest, &fences, &filter];
    all_are_in(session.rows(INSERT_RUN, values)?.len(), 1)
}

/// Writes a part of a snapshot. With the last one the snapshot before goes, and what an earlier one has left unfinished.
///
/// # Errors
/// As [`write`].
pub fn write_part(part: &Part, session: &Session) -> Result<(), Failed> {
    let sequence = signed(part.sequence());
    let hash = part.hash();
    let values: Values<'_> =
        &[&SHARD, &sequence, &part.number(), &part.of(), &hash.as_slice(), &part.state()];
    all_are_in(session.rows(INSERT_PART, values)?.len(), 1)?;
    if part.is_last() {
        session.rows(DELETE_OTHER_PARTS, &[&SHARD, &sequence])?;
    }
    Ok(())
}

/// What the statement has answered is counted: some databases that speak PostgreSQL's protocol tell a wrong number.
///
/// # Errors
/// [`StoreError::Database`] where it is another number.
pub fn all_are_in(written: usize, wanted: usize) -> Result<(), Failed> {
    if written == wanted {
        return Ok(());
    }
    let reason = format!("{written} rows of {wanted} were inserted: nothing was written");
    Err(Failed::Store(StoreError::Database(reason)))
}
