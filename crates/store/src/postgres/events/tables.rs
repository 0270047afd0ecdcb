//! An event log's tables in PostgreSQL: each question one statement, and what a commit writes, many rows at once.

use std::borrow::{Borrow, Cow};

use kopeck_ledger::name::Moment;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::StoreError;
use crate::events::{Kept, LoggedStep, Position, Snapshot, StepRow};
use crate::ledger::id_filter::IdFilter;
use crate::log::beside::{Beside, StoredStep, Which, hash_of, packed_keys};
use crate::log::chunk::{Chunk, NewChunk, StoredChunk};
use crate::log::keys::run::RunRow;
use crate::log::tables::{Found, RowHead, StoredPart, Tables};
use crate::log::writer::Commit;
use crate::number::{signed, unsigned};
use crate::postgres::connect::Session;
use crate::postgres::error::failed;
use crate::postgres::owner::Failed;
use crate::postgres::tables::{all_are_in, hash};

const END: &str = "SELECT first + events - 1, received FROM event_chunk WHERE shard = $1 \
                   ORDER BY first DESC LIMIT 1";
const ROWS: &str = "SELECT first, events, received, newest, plain, hash, keys, body FROM event_chunk \
                    WHERE shard = $1 AND first >= $2 AND first + events > $3 ORDER BY first LIMIT $4";
const ROW: &str = "SELECT first, events, received, newest, plain, hash, keys, body FROM event_chunk \
                   WHERE shard = $1 AND first = $2";
const FIRST_OF: &str =
    "SELECT first FROM event_chunk WHERE shard = $1 AND first <= $2 ORDER BY first DESC LIMIT 1";
const FILTERS: &str =
    "SELECT first, resources FROM event_filter WHERE shard = $1 AND first >= $2 ORDER BY first LIMIT $3";
const HEADS: &str =
    "SELECT first, events, hash FROM event_chunk WHERE shard = $1 AND first > $2 ORDER BY first LIMIT $3";
const FORGOTTEN: &str = "SELECT forgotten FROM event_log WHERE shard = $1";
const RUNS: &str = "SELECT run, level, after, through, keys, newest, hash FROM key_run \
                    WHERE shard = $1 ORDER BY place";
const LAST_STEP: &str = "SELECT coalesce(max(number), 0) FROM step WHERE shard = $1";
const CONFIRMED: &str = "SELECT coalesce((SELECT min(number) - 1 FROM step WHERE shard = $1 AND NOT is_confirmed), \
                         (SELECT max(number) FROM step WHERE shard = $1), 0)";
const STEP: &str = "SELECT number, through, at, postings, hash, is_confirmed FROM step \
                    WHERE shard = $1 AND number = $2";
const STEPS: &str = "SELECT number, through, at, postings, hash, is_confirmed FROM step \
                     WHERE shard = $1 AND number > $2 ORDER BY number LIMIT $3";
const UNCONFIRMED: &str = "SELECT number, through, at, postings, hash, is_confirmed FROM step \
                           WHERE shard = $1 AND NOT is_confirmed AND number > $2 ORDER BY number LIMIT $3";
// Keys of other steps that have these bytes across two of them are as good as never met, and found to be others.
const STEPS_WITH: &str = "SELECT number FROM step LEFT JOIN step_key ON step_key.shard = step.shard AND step = number \
                          WHERE step.shard = $1 AND number < $2 AND (keys IS NULL OR position($3 IN keys) > 0) \
                          ORDER BY number DESC LIMIT $4";
const STEP_KEYS: &str = "SELECT keys FROM step_key WHERE shard = $1 AND step = $2";
const DUTIES: &str = "SELECT name, at FROM duty WHERE shard = $1 ORDER BY name";
const SNAPSHOT: &str = "SELECT snapshot, through, step, parts FROM settling WHERE shard = $1 \
                        ORDER BY snapshot DESC LIMIT 1";
const PART: &str = "SELECT hash, bytes FROM settling_part WHERE shard = $1 AND snapshot = $2 AND part = $3";
const LAST_SNAPSHOT: &str = "SELECT greatest((SELECT max(snapshot) FROM settling WHERE shard = $1), \
                             (SELECT max(snapshot) FROM settling_part WHERE shard = $1), 0)";

const INSERT_CHUNKS: &str = "INSERT INTO event_chunk (shard, first, events, received, newest, plain, hash, keys, body) \
                             SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
                             $6::bigint[], $7::bytea[], $8::bytea[], $9::bytea[]) RETURNING first";
const INSERT_FILTERS: &str = "INSERT INTO event_filter (shard, first, resources) \
                              SELECT $1, * FROM unnest($2::bigint[], $3::bytea[]) RETURNING first";
const INSERT_STEP: &str = "INSERT INTO step (shard, number, through, at, postings, hash, is_confirmed) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number";
const INSERT_KEYS: &str = "INSERT INTO step_key (shard, step, keys) VALUES ($1, $2, $3) RETURNING step";
const CONFIRM: &str = "UPDATE step SET is_confirmed = TRUE WHERE shard = $1 AND number = $2 RETURNING number";
const KEPT: &str = "SELECT name, is_open, bytes FROM kept \
                    WHERE shard = $1 AND list = $2 AND name > $3 ORDER BY name LIMIT $4";
const KEPT_OPEN: &str = "SELECT name, is_open, bytes FROM kept \
                         WHERE shard = $1 AND list = $2 AND name > $3 AND is_open ORDER BY name LIMIT $4";
const KEPT_LISTS: &str = "SELECT DISTINCT list FROM kept WHERE shard = $1 ORDER BY list";
const KEEP: &str = "INSERT INTO kept (shard, list, name, is_open, bytes) VALUES ($1, $2, $3, $4, $5) \
                    ON CONFLICT (shard, list, name) DO UPDATE SET is_open = excluded.is_open, \
                    bytes = excluded.bytes RETURNING list";
const NOTE_DUTY: &str = "INSERT INTO duty (shard, name, at) VALUES ($1, $2, $3) \
                         ON CONFLICT (shard, name) DO UPDATE SET at = greatest(duty.at, excluded.at) RETURNING at";
const INSERT_PART: &str = "INSERT INTO settling_part (shard, snapshot, part, hash, bytes) \
                           VALUES ($1, $2, $3, $4, $5) RETURNING part";
const DELETE_OTHERS: &str = "DELETE FROM settling WHERE shard = $1 AND snapshot <> $2 RETURNING snapshot";
const DELETE_OTHER_PARTS: &str =
    "DELETE FROM settling_part WHERE shard = $1 AND snapshot <> $2 RETURNING part";
const INSERT_WHOLE: &str = "INSERT INTO settling (shard, snapshot, through, step, parts) \
                            VALUES ($1, $2, $3, $4, $5) RETURNING snapshot";
const FORGET: &str =
    "UPDATE event_log SET forgotten = greatest(forgotten, $2) WHERE shard = $1 RETURNING forgotten";
const DELETE_RUNS: &str = "DELETE FROM key_run WHERE shard = $1 RETURNING place";
const INSERT_RUNS: &str = "INSERT INTO key_run (shard, place, run, level, after, through, keys, newest, hash) \
                           SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
                           $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[]) RETURNING place";

type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// The tables of a shard, as a session sees them.
#[derive(Debug)]
pub struct ShardTables<S> {
    /// Which shard.
    pub shard: i64,
    /// The session.
    pub session: S,
}

impl<S: Borrow<Session>> ShardTables<S> {
    fn ask(&self, sql: &'static str, values: Values<'_>) -> Found<Vec<Row>> {
        self.session.borrow().rows(sql, values).map_err(|error| failed(&error))
    }

    fn ask_one(&self, sql: &'static str, values: Values<'_>) -> Found<Option<Row>> {
        self.session.borrow().row(sql, values).map_err(|error| failed(&error))
    }

    fn number(&self, sql: &'static str) -> Found<i64> {
        let row = self.ask_one(sql, &[&self.shard])?;
        row.map(|row| row.get(0)).ok_or_else(|| StoreError::Corrupt("the event log has no row".to_owned()))
    }
}

impl<S: Borrow<Session>> Tables for ShardTables<S> {
    fn end(&self) -> Found<(Position, Moment)> {
        let end = self.ask_one(END, &[&self.shard])?;
        Ok(end.map_or((Position::NONE, Moment::FIRST), |row| {
            let received = Moment::from_nanoseconds(row.get(1)).unwrap_or(Moment::FIRST);
            (Position(unsigned(row.get(0))), received)
        }))
    }

    fn rows_from(&self, position: Position, most: usize) -> Found<Vec<Chunk>> {
        let first = self.first_of(position)?;
        let values: Values<'_> = &[&self.shard, &signed(first.0), &signed(position.0), &signed(most as u64)];
        self.ask(ROWS, values)?.iter().map(chunk).collect()
    }

    fn row_at(&self, first: Position) -> Found<Option<Chunk>> {
        self.ask_one(ROW, &[&self.shard, &signed(first.0)])?.as_ref().map(chunk).transpose()
    }

    fn first_of(&self, position: Position) -> Found<Position> {
        let first = self.ask_one(FIRST_OF, &[&self.shard, &signed(position.0)])?;
        Ok(first.map_or(position, |row| Position(unsigned(row.get(0)))))
    }

    fn filters_from(&self, first: Position, most: usize) -> Found<Vec<(Position, IdFilter)>> {
        let rows = self.ask(FILTERS, &[&self.shard, &signed(first.0), &signed(most as u64)])?;
        let filter = |row: &Row| {
            let first = Position(unsigned(row.get(0)));
            let filter = IdFilter::from_bytes(row.get(1))
                .ok_or_else(|| StoreError::Corrupt(format!("the filter of event {first} is empty")))?;
            Ok((first, filter))
        };
        rows.iter().map(filter).collect()
    }

    fn row_heads(&self, after: Position, most: usize) -> Found<Vec<RowHead>> {
        let head = |row: &Row| {
            let (first, events) = (Position(unsigned(row.get(0))), unsigned(row.get(1)));
            Ok(RowHead { first, events, hash: hash(row.get(2))? })
        };
        self.ask(HEADS, &[&self.shard, &signed(after.0), &signed(most as u64)])?.iter().map(head).collect()
    }

    fn forgotten(&self) -> Found<i64> {
        self.number(FORGOTTEN)
    }

    fn runs(&self) -> Found<Vec<RunRow>> {
        let run = |row: &Row| {
            let [number, level, after, through, keys] =
                [0, 1, 2, 3, 4].map(|column| unsigned(row.get(column)));
            Ok(RunRow { number, level, after, through, keys, newest: row.get(5), hash: hash(row.get(6))? })
        };
        self.ask(RUNS, &[&self.shard])?.iter().map(run).collect()
    }

    fn last_step(&self) -> Found<u64> {
        self.number(LAST_STEP).map(unsigned)
    }

    fn confirmed(&self) -> Found<u64> {
        self.number(CONFIRMED).map(unsigned)
    }

    fn step(&self, number: u64) -> Found<Option<StoredStep>> {
        self.ask_one(STEP, &[&self.shard, &signed(number)])?.as_ref().map(step).transpose()
    }

    fn steps(&self, which: Which, after: u64, most: usize) -> Found<Vec<StoredStep>> {
        let sql = match which {
            Which::All => STEPS,
            Which::Unconfirmed => UNCONFIRMED,
        };
        self.ask(sql, &[&self.shard, &signed(after), &signed(most as u64)])?.iter().map(step).collect()
    }

    fn steps_with(&self, key: u64, before: u64, most: usize) -> Found<Vec<u64>> {
        let key = key.to_le_bytes();
        let values: Values<'_> = &[&self.shard, &signed(before), &key.as_slice(), &signed(most as u64)];
        Ok(self.ask(STEPS_WITH, values)?.iter().map(|row| unsigned(row.get(0))).collect())
    }

    fn step_keys(&self, number: u64) -> Found<Option<Vec<u8>>> {
        Ok(self.ask_one(STEP_KEYS, &[&self.shard, &signed(number)])?.map(|row| row.get(0)))
    }

    fn duties(&self) -> Found<Vec<([u8; 16], Moment)>> {
        let corrupt = |what: &dyn std::fmt::Display| StoreError::Corrupt(format!("a duty: {what}"));
        let duty = |row: &Row| {
            let name = row.get::<_, &[u8]>(0).try_into().map_err(|error| corrupt(&error))?;
            let at = Moment::from_nanoseconds(row.get(1)).map_err(|error| corrupt(&error))?;
            Ok((name, at))
        };
        self.ask(DUTIES, &[&self.shard])?.iter().map(duty).collect()
    }

    fn kept(&self, list: u8, (after, open_only): (&[u8], bool), most: usize) -> Found<Vec<Kept>> {
        let sql = if open_only { KEPT_OPEN } else { KEPT };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.ask(sql, &[&self.shard, &i64::from(list), &after, &most])?;
        let kept = |row: &Row| Kept { list, name: row.get(0), is_open: row.get(1), bytes: row.get(2) };
        Ok(rows.iter().map(kept).collect())
    }

    fn kept_lists(&self) -> Found<Vec<u8>> {
        let rows = self.ask(KEPT_LISTS, &[&self.shard])?;
        Ok(rows.iter().map(|row| u8::try_from(row.get::<_, i64>(0)).unwrap_or(u8::MAX)).collect())
    }

    fn snapshot(&self) -> Found<Option<Snapshot>> {
        let row = self.ask_one(SNAPSHOT, &[&self.shard])?;
        Ok(row.map(|row| {
            let [number, through, step, parts] = [0, 1, 2, 3].map(|column| unsigned(row.get(column)));
            Snapshot { number, through: Position(through), step, parts }
        }))
    }

    fn snapshot_part(&self, snapshot: u64, part: u64) -> Found<Option<StoredPart>> {
        let row = self.ask_one(PART, &[&self.shard, &signed(snapshot), &signed(part)])?;
        row.map(|row| Ok((hash(row.get(0))?, row.get(1)))).transpose()
    }

    fn next_snapshot(&self) -> Found<u64> {
        Ok(unsigned(self.number(LAST_SNAPSHOT)?) + 1)
    }
}

fn chunk(row: &Row) -> Found<Chunk> {
    let stored = StoredChunk {
        first: row.get(0),
        events: row.get(1),
        received: row.get(2),
        newest: row.get(3),
        plain: row.get(4),
        hash: hash(row.get(5))?,
        keys: Cow::Owned(row.get(6)),
        body: Cow::Owned(row.get(7)),
    };
    Ok(stored.into())
}

fn step(row: &Row) -> Found<StoredStep> {
    let step = StepRow {
        number: unsigned(row.get(0)),
        through: Position(unsigned(row.get(1))),
        // An instant that no log writes has no right hash either.
        at: Moment::from_nanoseconds(row.get(2)).unwrap_or(Moment::FIRST),
        postings: row.get(3),
    };
    Ok(StoredStep { step: LoggedStep { step, is_confirmed: row.get(5) }, hash: hash(row.get(4))? })
}

/// Writes what a commit has.
///
/// # Errors
/// [`Failed`] where the database refuses, as when the disk is full.
pub fn write(commit: &Commit<'_>, shard: i64, session: &Session) -> Result<(), Failed> {
    write_rows(commit.rows, shard, session)?;
    commit.beside.iter().try_for_each(|beside| write_beside(beside, shard, session))?;
    commit.runs.as_deref().map_or(Ok(()), |runs| write_runs(runs, shard, session))
}

fn write_rows(rows: &[NewChunk], shard: i64, session: &Session) -> Result<(), Failed> {
    if rows.is_empty() {
        return Ok(());
    }
    let stored: Vec<StoredChunk<'_>> = rows.iter().map(|row| row.chunk().stored()).collect();
    let numbers = |column: fn(&StoredChunk<'_>) -> i64| stored.iter().map(column).collect::<Vec<_>>();
    let (first, events) = (numbers(|row| row.first), numbers(|row| row.events));
    let (received, newest) = (numbers(|row| row.received), numbers(|row| row.newest));
    let plain = numbers(|row| row.plain);
    let hashes: Vec<&[u8]> = stored.iter().map(|row| row.hash.as_slice()).collect();
    let keys: Vec<&[u8]> = stored.iter().map(|row| &*row.keys).collect();
    let bodies: Vec<&[u8]> = stored.iter().map(|row| &*row.body).collect();
    let values: Values<'_> = &[&shard, &first, &events, &received, &newest, &plain, &hashes, &keys, &bodies];
    all_are_in(session.rows(INSERT_CHUNKS, values)?.len(), rows.len())?;
    let filters: Vec<&[u8]> = rows.iter().map(|row| row.filter().bytes()).collect();
    all_are_in(session.rows(INSERT_FILTERS, &[&shard, &first, &filters])?.len(), rows.len())
}

fn write_beside(beside: &Beside, shard: i64, session: &Session) -> Result<(), Failed> {
    let one = |sql: &'static str, values: Values<'_>| all_are_in(session.rows(sql, values)?.len(), 1);
    match beside {
        Beside::Step(step, keys) => {
            write_step((step, hash_of(step), false), Some(&packed_keys(keys)), shard, one)
        }
        Beside::Copied(StoredStep { step, hash }, keys) => {
            write_step((&step.step, *hash, step.is_confirmed), keys.as_deref(), shard, one)
        }
        Beside::Confirm(number) => one(CONFIRM, &[&shard, &signed(*number)]),
        Beside::Duty(name, at) => one(NOTE_DUTY, &[&shard, &name.as_slice(), &at.nanoseconds()]),
        Beside::Keep(entries) => entries.iter().try_for_each(|Kept { list, name, is_open, bytes }| {
            one(KEEP, &[&shard, &i64::from(*list), name, is_open, bytes])
        }),
        Beside::Part(snapshot, part, bytes) => {
            let hash = blake3::hash(bytes);
            let hash = hash.as_bytes().as_slice();
            one(INSERT_PART, &[&shard, &signed(*snapshot), &signed(*part), &hash, bytes])
        }
        Beside::Whole(row) => {
            let number = signed(row.number);
            session.rows(DELETE_OTHERS, &[&shard, &number])?;
            session.rows(DELETE_OTHER_PARTS, &[&shard, &number])?;
            let [through, step, parts] = [row.through.0, row.step, row.parts].map(signed);
            one(INSERT_WHOLE, &[&shard, &number, &through, &step, &parts])
        }
        Beside::Forget(older_than) => one(FORGET, &[&shard, older_than]),
    }
}

fn write_step(
    (step, hash, is_confirmed): (&StepRow, [u8; 32], bool),
    keys: Option<&[u8]>,
    shard: i64,
    one: impl Fn(&'static str, Values<'_>) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let (number, through) = (signed(step.number), signed(step.through.0));
    let (at, hash) = (step.at.nanoseconds(), hash.as_slice());
    one(INSERT_STEP, &[&shard, &number, &through, &at, &step.postings, &hash, &is_confirmed])?;
    keys.map_or(Ok(()), |keys| one(INSERT_KEYS, &[&shard, &number, &keys]))
}

fn write_runs(runs: &[RunRow], shard: i64, session: &Session) -> Result<(), Failed> {
    session.rows(DELETE_RUNS, &[&shard])?;
    if runs.is_empty() {
        return Ok(());
    }
    let numbers = |column: fn(&RunRow) -> u64| runs.iter().map(|run| signed(column(run))).collect::<Vec<_>>();
    let places: Vec<i64> = (0..).take(runs.len()).collect();
    let (number, level) = (numbers(|run| run.number), numbers(|run| run.level));
    let (after, through, keys) =
        (numbers(|run| run.after), numbers(|run| run.through), numbers(|run| run.keys));
    let newest: Vec<i64> = runs.iter().map(|run| run.newest).collect();
    let hashes: Vec<&[u8]> = runs.iter().map(|run| run.hash.as_slice()).collect();
    let values: Values<'_> = &[&shard, &places, &number, &level, &after, &through, &keys, &newest, &hashes];
    all_are_in(session.rows(INSERT_RUNS, values)?.len(), runs.len())
}
