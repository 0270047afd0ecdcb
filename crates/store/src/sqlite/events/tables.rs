//! An event log's tables in SQLite: each question one statement, and what a commit writes.

use std::borrow::Cow;

use kopeck_ledger::name::Moment;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction};

use crate::error::StoreError;
use crate::events::{Kept, LoggedStep, Position, Snapshot, StepRow};
use crate::ledger::id_filter::IdFilter;
use crate::log::beside::{Beside, StoredStep, Which, has_key, hash_of, packed_keys};
use crate::log::chunk::{Chunk, NewChunk, StoredChunk};
use crate::log::keys::run::RunRow;
use crate::log::tables::{Found, RowHead, StoredPart, Tables};
use crate::log::writer::Commit;
use crate::number::{signed, unsigned};

impl Tables for Connection {
    fn end(&self) -> Found<(Position, Moment)> {
        let mut last = self
            .prepare_cached("SELECT first + events - 1, received FROM chunk ORDER BY first DESC LIMIT 1")?;
        let end = last.query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).optional()?;
        let moment = |received| Moment::from_nanoseconds(received).unwrap_or(Moment::FIRST);
        Ok(end.map_or((Position::NONE, Moment::FIRST), |(last, received)| {
            (Position(unsigned(last)), moment(received))
        }))
    }

    fn rows_from(&self, position: Position, most: usize) -> Found<Vec<Chunk>> {
        let first = self.first_of(position)?;
        let mut rows = select(self, "WHERE first >= ? AND first + events > ? ORDER BY first LIMIT ?")?;
        let rows = rows.query_map((signed(first.0), signed(position.0), signed(most as u64)), chunk)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn row_at(&self, first: Position) -> Found<Option<Chunk>> {
        Ok(select(self, "WHERE first = ?")?.query_row([signed(first.0)], chunk).optional()?)
    }

    fn first_of(&self, position: Position) -> Found<Position> {
        let mut before =
            self.prepare_cached("SELECT first FROM chunk WHERE first <= ? ORDER BY first DESC LIMIT 1")?;
        let first: Option<i64> = before.query_row([signed(position.0)], |row| row.get(0)).optional()?;
        Ok(first.map_or(position, |first| Position(unsigned(first))))
    }

    fn filters_from(&self, first: Position, most: usize) -> Found<Vec<(Position, IdFilter)>> {
        let mut rows = self.prepare_cached(
            "SELECT first, resources FROM chunk_filter WHERE first >= ? ORDER BY first LIMIT ?",
        )?;
        let rows = rows.query_map((signed(first.0), signed(most as u64)), |row| {
            Ok((Position(unsigned(row.get(0)?)), row.get::<_, Vec<u8>>(1)?))
        })?;
        let mut filters = Vec::new();
        for row in rows {
            let (first, bytes) = row?;
            let filter = IdFilter::from_bytes(bytes)
                .ok_or_else(|| StoreError::Corrupt(format!("the filter of event {first} is empty")))?;
            filters.push((first, filter));
        }
        Ok(filters)
    }

    fn row_heads(&self, after: Position, most: usize) -> Found<Vec<RowHead>> {
        let mut rows = self
            .prepare_cached("SELECT first, events, hash FROM chunk WHERE first > ? ORDER BY first LIMIT ?")?;
        let rows = rows.query_map((signed(after.0), signed(most as u64)), |row| {
            let (first, events) = (Position(unsigned(row.get(0)?)), unsigned(row.get(1)?));
            Ok(RowHead { first, events, hash: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn forgotten(&self) -> Found<i64> {
        Ok(self.query_row("SELECT forgotten FROM owner", (), |row| row.get(0))?)
    }

    fn runs(&self) -> Found<Vec<RunRow>> {
        let mut rows = self
            .prepare("SELECT run, level, after, through, keys, newest, hash FROM key_run ORDER BY place")?;
        let rows = rows.query_map((), |row| {
            Ok(RunRow {
                number: unsigned(row.get(0)?),
                level: unsigned(row.get(1)?),
                after: unsigned(row.get(2)?),
                through: unsigned(row.get(3)?),
                keys: unsigned(row.get(4)?),
                newest: row.get(5)?,
                hash: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn last_step(&self) -> Found<u64> {
        let last: Option<i64> = self.query_row("SELECT max(number) FROM step", (), |row| row.get(0))?;
        Ok(last.map_or(0, unsigned))
    }

    fn confirmed(&self) -> Found<u64> {
        let select = "SELECT coalesce((SELECT min(number) - 1 FROM step WHERE confirmed = 0), \
                      (SELECT max(number) FROM step), 0)";
        Ok(self.query_row(select, (), |row| row.get::<_, i64>(0)).map(unsigned)?)
    }

    fn step(&self, number: u64) -> Found<Option<StoredStep>> {
        let mut select = select_steps(self, "WHERE number = ?")?;
        Ok(select.query_row([signed(number)], step).optional()?)
    }

    fn steps(&self, which: Which, after: u64, most: usize) -> Found<Vec<StoredStep>> {
        let mut select = select_steps(
            self,
            match which {
                Which::All => "WHERE number > ? ORDER BY number LIMIT ?",
                Which::Unconfirmed => "WHERE confirmed = 0 AND number > ? ORDER BY number LIMIT ?",
            },
        )?;
        let rows = select.query_map((signed(after), signed(most as u64)), step)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn steps_with(&self, key: u64, before: u64, most: usize) -> Found<Vec<u64>> {
        let mut rows = self.prepare_cached(
            "SELECT number, keys FROM step LEFT JOIN step_key ON step = number \
             WHERE number < ? ORDER BY number DESC",
        )?;
        let mut rows = rows.query([signed(before)])?;
        let mut found = Vec::new();
        while found.len() < most
            && let Some(row) = rows.next()?
        {
            let (number, keys): (_, Option<Vec<u8>>) = (unsigned(row.get(0)?), row.get(1)?);
            if keys.is_none_or(|keys| has_key(&keys, key)) {
                found.push(number);
            }
        }
        Ok(found)
    }

    fn step_keys(&self, number: u64) -> Found<Option<Vec<u8>>> {
        let mut select = self.prepare_cached("SELECT keys FROM step_key WHERE step = ?")?;
        Ok(select.query_row([signed(number)], |row| row.get(0)).optional()?)
    }

    fn duties(&self) -> Found<Vec<([u8; 16], Moment)>> {
        let mut rows = self.prepare("SELECT name, at FROM duty ORDER BY name")?;
        let mut rows = rows.query(())?;
        let mut duties = Vec::new();
        while let Some(row) = rows.next()? {
            let at = Moment::from_nanoseconds(row.get(1)?)
                .map_err(|error| StoreError::Corrupt(format!("the instant of a duty: {error}")))?;
            duties.push((row.get(0)?, at));
        }
        Ok(duties)
    }

    fn kept(&self, list: u8, (after, open_only): (&[u8], bool), most: usize) -> Found<Vec<Kept>> {
        let open = if open_only { "AND open = 1" } else { "" };
        let mut select = self.prepare_cached(&format!(
            "SELECT name, open, bytes FROM kept WHERE list = ? AND name > ? {open} ORDER BY name LIMIT ?"
        ))?;
        let read = |row: &Row<'_>| {
            Ok(Kept { list, name: row.get(0)?, is_open: row.get::<_, i64>(1)? != 0, bytes: row.get(2)? })
        };
        let found = select.query_map((list, after, i64::try_from(most).unwrap_or(i64::MAX)), read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn kept_lists(&self) -> Found<Vec<u8>> {
        let mut select = self.prepare_cached("SELECT DISTINCT list FROM kept ORDER BY list")?;
        let lists = select.query_map((), |row| row.get(0))?;
        Ok(lists.collect::<Result<_, _>>()?)
    }

    fn snapshot(&self) -> Found<Option<Snapshot>> {
        let newest = "SELECT snapshot, through, step, parts FROM snapshot ORDER BY snapshot DESC LIMIT 1";
        let row = self.query_row(newest, (), |row| {
            let [number, through, step, parts] =
                [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?].map(unsigned);
            Ok(Snapshot { number, through: Position(through), step, parts })
        });
        Ok(row.optional()?)
    }

    fn snapshot_part(&self, snapshot: u64, part: u64) -> Found<Option<StoredPart>> {
        let mut select =
            self.prepare_cached("SELECT hash, bytes FROM snapshot_part WHERE snapshot = ? AND part = ?")?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(select.query_row((signed(snapshot), signed(part)), read).optional()?)
    }

    fn next_snapshot(&self) -> Found<u64> {
        let last: Option<i64> =
            self.query_row("SELECT max(snapshot) FROM snapshot_part", (), |row| row.get(0))?;
        let whole: Option<i64> =
            self.query_row("SELECT max(snapshot) FROM snapshot", (), |row| row.get(0))?;
        Ok(last.max(whole).map_or(1, |last| unsigned(last) + 1))
    }
}

fn select<'c>(connection: &'c Connection, which: &str) -> Found<CachedStatement<'c>> {
    let columns = "SELECT first, events, received, newest, plain, hash, keys, body FROM chunk";
    Ok(connection.prepare_cached(&format!("{columns} {which}"))?)
}

fn chunk(row: &Row<'_>) -> Result<Chunk, rusqlite::Error> {
    let stored = StoredChunk {
        first: row.get(0)?,
        events: row.get(1)?,
        received: row.get(2)?,
        newest: row.get(3)?,
        plain: row.get(4)?,
        hash: row.get(5)?,
        keys: Cow::Owned(row.get(6)?),
        body: Cow::Owned(row.get(7)?),
    };
    Ok(stored.into())
}

fn select_steps<'c>(connection: &'c Connection, which: &str) -> Found<CachedStatement<'c>> {
    let columns = "SELECT number, through, at, postings, hash, confirmed FROM step";
    Ok(connection.prepare_cached(&format!("{columns} {which}"))?)
}

fn step(row: &Row<'_>) -> Result<StoredStep, rusqlite::Error> {
    let step = StepRow {
        number: unsigned(row.get(0)?),
        through: Position(unsigned(row.get(1)?)),
        // An instant that no log writes has no right hash either.
        at: Moment::from_nanoseconds(row.get(2)?).unwrap_or(Moment::FIRST),
        postings: row.get(3)?,
    };
    let step = LoggedStep { step, is_confirmed: row.get::<_, i64>(5)? != 0 };
    Ok(StoredStep { step, hash: row.get(4)? })
}

/// Writes what a commit has.
///
/// # Errors
/// [`StoreError`] where the database refuses, as when the disk is full.
pub fn write(commit: &Commit<'_>, transaction: &Transaction<'_>) -> Found<()> {
    commit.rows.iter().try_for_each(|row| write_row(row, transaction))?;
    commit.beside.iter().try_for_each(|beside| write_beside(beside, transaction))?;
    commit.runs.as_deref().map_or(Ok(()), |runs| write_runs(runs, transaction))
}

/// Writes a row and its filter.
///
/// # Errors
/// As [`write`].
pub fn write_row(row: &NewChunk, transaction: &Transaction<'_>) -> Found<()> {
    let StoredChunk { first, events, received, newest, plain, hash, keys, body } = row.chunk().stored();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO chunk (first, events, received, newest, plain, hash, keys, body) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute((first, events, received, newest, plain, hash, &*keys, &*body))?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO chunk_filter (first, resources) VALUES (?, ?)")?;
    insert.execute((first, row.filter().bytes()))?;
    Ok(())
}

fn write_beside(beside: &Beside, transaction: &Transaction<'_>) -> Found<()> {
    match beside {
        Beside::Step(step, keys) => {
            write_step((step, hash_of(step), false), Some(&packed_keys(keys)), transaction)
        }
        Beside::Copied(StoredStep { step, hash }, keys) => {
            write_step((&step.step, *hash, step.is_confirmed), keys.as_deref(), transaction)
        }
        Beside::Confirm(number) => {
            let mut confirm = transaction.prepare_cached("UPDATE step SET confirmed = 1 WHERE number = ?")?;
            confirm.execute([signed(*number)])?;
            Ok(())
        }
        Beside::Duty(name, at) => {
            let mut note = transaction.prepare_cached(
                "INSERT INTO duty (name, at) VALUES (?1, ?2) \
                 ON CONFLICT (name) DO UPDATE SET at = max(at, excluded.at)",
            )?;
            note.execute((name, at.nanoseconds()))?;
            Ok(())
        }
        Beside::Keep(entries) => {
            let mut keep = transaction.prepare_cached(
                "INSERT INTO kept (list, name, open, bytes) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (list, name) DO UPDATE SET open = excluded.open, bytes = excluded.bytes",
            )?;
            for Kept { list, name, is_open, bytes } in entries {
                keep.execute((list, name, i64::from(*is_open), bytes))?;
            }
            Ok(())
        }
        Beside::Part(snapshot, part, bytes) => {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO snapshot_part (snapshot, part, hash, bytes) VALUES (?, ?, ?, ?)",
            )?;
            let hash = blake3::hash(bytes);
            insert.execute((signed(*snapshot), signed(*part), hash.as_bytes(), bytes))?;
            Ok(())
        }
        Beside::Whole(row) => write_whole(row, transaction),
        Beside::Forget(older_than) => {
            transaction.execute("UPDATE owner SET forgotten = max(forgotten, ?)", [older_than])?;
            Ok(())
        }
    }
}

fn write_step(
    (step, hash, is_confirmed): (&StepRow, [u8; 32], bool),
    keys: Option<&[u8]>,
    transaction: &Transaction<'_>,
) -> Found<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO step (number, through, at, postings, hash, confirmed) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let (number, through) = (signed(step.number), signed(step.through.0));
    let at = step.at.nanoseconds();
    insert.execute((number, through, at, &step.postings, hash, i64::from(is_confirmed)))?;
    if let Some(keys) = keys {
        let mut insert = transaction.prepare_cached("INSERT INTO step_key (step, keys) VALUES (?, ?)")?;
        insert.execute((number, keys))?;
    }
    Ok(())
}

fn write_whole(row: &Snapshot, transaction: &Transaction<'_>) -> Found<()> {
    let number = signed(row.number);
    transaction.execute("DELETE FROM snapshot WHERE snapshot <> ?", [number])?;
    transaction.execute("DELETE FROM snapshot_part WHERE snapshot <> ?", [number])?;
    transaction.execute(
        "INSERT INTO snapshot (snapshot, through, step, parts) VALUES (?, ?, ?, ?)",
        (number, signed(row.through.0), signed(row.step), signed(row.parts)),
    )?;
    Ok(())
}

/// Writes the list of runs.
///
/// # Errors
/// As [`write`].
pub fn write_runs(runs: &[RunRow], transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM key_run", ())?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO key_run (place, run, level, after, through, keys, newest, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (place, RunRow { number, level, after, through, keys, newest, hash }) in (0_i64..).zip(runs) {
        let [number, level, after, through, keys] =
            [number, level, after, through, keys].map(|number| signed(*number));
        insert.execute((place, number, level, after, through, keys, newest, hash))?;
    }
    Ok(())
}
