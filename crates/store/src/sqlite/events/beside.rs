//! What lies beside the events: the steps of settling, and snapshots of its state. Their bytes are their author's.

use kopeck_ledger::name::Moment;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::error::StoreError;
use crate::events::{Kept, LoggedStep, Position, Snapshot, StepRow};
use crate::sqlite::events::{signed, unsigned};

/// Something that is written with the next commit.
#[derive(Debug)]
pub enum Beside {
    /// A step, and the keys that it is found by, each once.
    Step(StepRow, Vec<u64>),
    /// The postings of a step are in the ledger.
    Confirm(u64),
    /// Something that is due by the clock was done, at the instant at which it was due.
    Duty([u8; 16], Moment),
    /// What is kept under names, each once.
    Keep(Vec<Kept>),
    /// A part of a snapshot that is not whole yet: the snapshot's number, the part's, and its bytes.
    Part(u64, u64, Vec<u8>),
    /// A snapshot has all its parts.
    Whole(Snapshot),
    /// Keys of events before this instant may be forgotten.
    Forget(i64),
}

impl Beside {
    /// About how much a commit of it writes.
    pub fn bytes(&self) -> usize {
        match self {
            Beside::Step(step, keys) => step.postings.len() + 8 * keys.len(),
            Beside::Part(_, _, bytes) => bytes.len(),
            Beside::Keep(entries) => entries.iter().map(|kept| kept.name.len() + kept.bytes.len()).sum(),
            Beside::Confirm(_) | Beside::Duty(..) | Beside::Whole(_) | Beside::Forget(_) => 0,
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses, as when the disk is full.
    pub fn write(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        match self {
            Beside::Step(step, keys) => write_step((step, keys), transaction),
            Beside::Confirm(number) => {
                let mut confirm =
                    transaction.prepare_cached("UPDATE step SET confirmed = 1 WHERE number = ?")?;
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
}

fn write_step((step, keys): (&StepRow, &[u64]), transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO step (number, through, at, postings, hash, confirmed) VALUES (?, ?, ?, ?, ?, 0)",
    )?;
    let (number, through) = (signed(step.number), signed(step.through.0));
    insert.execute((number, through, step.at.nanoseconds(), &step.postings, hash_of(step)))?;
    let keys: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
    transaction.prepare_cached("INSERT INTO step_key (step, keys) VALUES (?, ?)")?.execute((number, keys))?;
    Ok(())
}

/// Hands the steps that may have postings of a key to `take`, newest first, until it answers `false`.
///
/// # Errors
/// What `take` answers; [`StoreError::Corrupt`] where one is not what was written.
pub fn steps_of(
    key: u64,
    connection: &Connection,
    take: &mut dyn FnMut(LoggedStep) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let select = "SELECT number, keys FROM step LEFT JOIN step_key ON step = number ORDER BY number DESC";
    let mut rows = connection.prepare_cached(select)?;
    let mut rows = rows.query(())?;
    while let Some(row) = rows.next()? {
        let (number, keys): (_, Option<Vec<u8>>) = (unsigned(row.get(0)?), row.get(1)?);
        if keys.is_none_or(|keys| has_key(&keys, key)) && !take(logged(number, connection)?)? {
            break;
        }
    }
    Ok(())
}

fn has_key(keys: &[u8], key: u64) -> bool {
    let (keys, _) = keys.as_chunks::<8>();
    keys.binary_search_by_key(&key, |bytes| u64::from_le_bytes(*bytes)).is_ok()
}

/// Takes away all other snapshots, and what was begun and never became one.
fn write_whole(row: &Snapshot, transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let number = signed(row.number);
    transaction.execute("DELETE FROM snapshot WHERE snapshot <> ?", [number])?;
    transaction.execute("DELETE FROM snapshot_part WHERE snapshot <> ?", [number])?;
    transaction.execute(
        "INSERT INTO snapshot (snapshot, through, step, parts) VALUES (?, ?, ?, ?)",
        (number, signed(row.through.0), signed(row.step), signed(row.parts)),
    )?;
    Ok(())
}

fn hash_of(step: &StepRow) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&step.number.to_be_bytes());
    hasher.update(&step.through.0.to_be_bytes());
    hasher.update(&step.at.nanoseconds().to_be_bytes());
    hasher.update(&step.postings);
    *hasher.finalize().as_bytes()
}

/// The last step that is written; 0 where there is none.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn last_step(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<i64> = connection.query_row("SELECT max(number) FROM step", (), |row| row.get(0))?;
    Ok(last.map_or(0, unsigned))
}

/// The last step that was confirmed, and all before it were; 0 where there is none.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn confirmed(connection: &Connection) -> Result<u64, StoreError> {
    let select = "SELECT coalesce((SELECT min(number) - 1 FROM step WHERE confirmed = 0), (SELECT max(number) FROM step), 0)";
    Ok(connection.query_row(select, (), |row| row.get::<_, i64>(0)).map(unsigned)?)
}

/// A step.
///
/// # Errors
/// [`StoreError::Corrupt`] where it is not there or not what was written.
pub fn step(number: u64, connection: &Connection) -> Result<StepRow, StoreError> {
    Ok(logged(number, connection)?.step)
}

fn logged(number: u64, connection: &Connection) -> Result<LoggedStep, StoreError> {
    let mut found = Vec::new();
    steps(&format!("WHERE number = {number}"), connection, |step| {
        found.push(step);
        Ok(true)
    })?;
    found.pop().ok_or_else(|| StoreError::Corrupt(format!("step {number} of settling is missing")))
}

/// Hands the steps that `which` tells to `take`, in their order, until it answers `false`.
///
/// # Errors
/// What `take` answers; [`StoreError::Corrupt`] where one is not what was written.
pub fn steps(
    which: &str,
    connection: &Connection,
    mut take: impl FnMut(LoggedStep) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut rows = connection.prepare_cached(&format!(
        "SELECT number, through, at, postings, hash, confirmed FROM step {which} ORDER BY number"
    ))?;
    let mut rows = rows.query(())?;
    while let Some(row) = rows.next()? {
        let (step, hash) = read(row)?;
        if hash != hash_of(&step.step) {
            let number = step.step.number;
            return Err(StoreError::Corrupt(format!("step {number} of settling is not what was written")));
        }
        if !take(step)? {
            break;
        }
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<(LoggedStep, [u8; 32]), rusqlite::Error> {
    let step = StepRow {
        number: unsigned(row.get(0)?),
        through: Position(unsigned(row.get(1)?)),
        // An instant that no log writes has no right hash either.
        at: Moment::from_nanoseconds(row.get(2)?).unwrap_or(Moment::FIRST),
        postings: row.get(3)?,
    };
    Ok((LoggedStep { step, is_confirmed: row.get::<_, i64>(5)? != 0 }, row.get(4)?))
}

/// The number of the next snapshot.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn next_snapshot(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<i64> =
        connection.query_row("SELECT max(snapshot) FROM snapshot_part", (), |row| row.get(0))?;
    let whole: Option<i64> =
        connection.query_row("SELECT max(snapshot) FROM snapshot", (), |row| row.get(0))?;
    Ok(last.max(whole).map_or(1, |last| unsigned(last) + 1))
}

/// The last whole snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] where a part is missing or not what was written.
pub fn snapshot(connection: &Connection) -> Result<Option<Snapshot>, StoreError> {
    let newest = "SELECT snapshot, through, step, parts FROM snapshot ORDER BY snapshot DESC LIMIT 1";
    let row = connection
        .query_row(newest, (), |row| {
            let [number, through, step, parts] =
                [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?].map(unsigned);
            Ok(Snapshot { number, through: Position(through), step, parts })
        })
        .optional()?;
    let Some(snapshot) = row else { return Ok(None) };
    for part in 0..snapshot.parts {
        snapshot_part(connection, &snapshot, part)?;
    }
    Ok(Some(snapshot))
}

/// A part of a snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] where it is missing or not what was written.
pub fn snapshot_part(connection: &Connection, of: &Snapshot, part: u64) -> Result<Vec<u8>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT hash, bytes FROM snapshot_part WHERE snapshot = ? AND part = ?")?;
    let read = |row: &Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?));
    let found = select.query_row((signed(of.number), signed(part)), read).optional()?;
    let bytes = found.filter(|(hash, bytes)| blake3::hash(bytes).as_bytes() == hash).map(|(_, bytes)| bytes);
    bytes.ok_or_else(|| {
        StoreError::Corrupt(format!("part {part} of the snapshot of settling is not what was written"))
    })
}

/// What is due by the clock, and at which instant it was done last.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn duties(connection: &Connection) -> Result<Vec<([u8; 16], Moment)>, StoreError> {
    let mut rows = connection.prepare("SELECT name, at FROM duty ORDER BY name")?;
    let mut rows = rows.query(())?;
    let mut duties = Vec::new();
    while let Some(row) = rows.next()? {
        let at = Moment::from_nanoseconds(row.get(1)?)
            .map_err(|error| StoreError::Corrupt(format!("the instant of a duty: {error}")))?;
        duties.push((row.get(0)?, at));
    }
    Ok(duties)
}

/// How many entries are read at a time: whoever takes long keeps no log from being copied into its database.
const KEPT_ABREAST: usize = 256;

/// The next entries of a list after a name, in the order of names.
///
/// # Errors
/// [`StoreError`] where they can not be read.
pub fn kept(
    list: u8,
    (after, open_only): (&[u8], bool),
    connection: &Connection,
) -> Result<Vec<Kept>, StoreError> {
    let open = if open_only { "AND open = 1" } else { "" };
    let mut select = connection.prepare_cached(&format!(
        "SELECT name, open, bytes FROM kept WHERE list = ? AND name > ? {open} ORDER BY name LIMIT {KEPT_ABREAST}"
    ))?;
    let read = |row: &Row<'_>| {
        Ok(Kept { list, name: row.get(0)?, is_open: row.get::<_, i64>(1)? != 0, bytes: row.get(2)? })
    };
    let found = select.query_map((list, after), read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The instant before which keys need not be known.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn forgotten(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("SELECT forgotten FROM owner", (), |row| row.get(0))?)
}
