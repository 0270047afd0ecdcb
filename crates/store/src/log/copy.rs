//! Copying an event log from one kind of database to another: rows and steps as they are, and what lies beside them.
//!
//! What is there already is compared by its hashes first: where it is the beginning of what is copied the copy goes on
//! behind it, and where it differs nothing is written. The index of keys is no part of a copy; its first opening makes
//! it. At the end both logs are told anew, in one hash each, and compared.

use blake3::Hasher;

use crate::answer::Copied;
use crate::error::StoreError;
use crate::events::{Kept, Position, Snapshot};
use crate::log::beside::{self, Beside, StoredStep, Which};
use crate::log::chunk::NewChunk;
use crate::log::decompressor;
use crate::log::tables::{Found, Tables};
use crate::log::writer::Commit;

/// Rows that are written together: some 8 MB of events.
const ROWS: usize = 64;
/// Heads of rows that are compared at once.
const HEADS: usize = 4_096;
/// Steps that are written together.
const STEPS: usize = 32;

/// Entries that are kept under names and written together.
const KEPT: usize = 256;

/// Where a copy is written.
pub trait Target {
    /// What it has.
    fn tables(&self) -> &dyn Tables;

    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    fn write(&mut self, commit: &Commit<'_>) -> Found<()>;

    /// Some time has passed in which nothing was written.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    fn attend(&mut self) -> Found<()> {
        Ok(())
    }
}

/// What two logs that are equal have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogDigest {
    /// Events.
    pub events: u64,
    /// Rows that they lie in.
    pub rows: u64,
    /// Steps of settling.
    pub steps: u64,
    /// The hash of all rows, steps with their keys and whether they are confirmed, duties, what is kept and the snapshot.
    pub hash: [u8; 32],
}

/// Copies all that a log, which is read as of one instant, has more than the target. Progress is told in events.
///
/// # Errors
/// [`StoreError::CopyDiffers`] where the target holds another log; others where one of the databases fails.
pub fn copy(from: &dyn Tables, to: &mut dyn Target, progress: &mut dyn FnMut(Copied)) -> Found<LogDigest> {
    compare_rows(from, to)?;
    compare_steps(from, to)?;
    copy_rows(from, to, progress)?;
    copy_steps(from, to)?;
    copy_beside(from, to)?;
    let (source, copy) = (digest(from)?, digest(to.tables())?);
    if source == copy {
        return Ok(source);
    }
    let told = |digest: &LogDigest| {
        let LogDigest { events, rows, steps, hash } = digest;
        let hash = blake3::Hash::from(*hash).to_hex();
        format!("{events} events in {rows} rows and {steps} steps with the hash {hash}")
    };
    Err(differs(&format!("it has {} and not {}", told(&copy), told(&source))))
}

fn differs(what: &str) -> StoreError {
    StoreError::CopyDiffers(what.to_owned())
}

fn compare_rows(from: &dyn Tables, to: &mut dyn Target) -> Found<()> {
    let mut after = Position::NONE;
    loop {
        to.attend()?;
        let there = to.tables().row_heads(after, HEADS)?;
        let own = from.row_heads(after, there.len())?;
        let other = there.iter().enumerate().find(|(place, head)| own.get(*place) != Some(head));
        if let Some((_, head)) = other {
            return Err(differs(&format!("its events from {} on are others", head.first)));
        }
        let Some(last) = there.last() else { return Ok(()) };
        after = last.first;
    }
}

fn compare_steps(from: &dyn Tables, to: &mut dyn Target) -> Found<()> {
    let mut after = 0;
    loop {
        to.attend()?;
        let there = to.tables().steps(Which::All, after, STEPS)?;
        let own = from.steps(Which::All, after, there.len())?;
        for (place, step) in there.iter().enumerate() {
            let number = step.step.step.number;
            let is_own = own.get(place).is_some_and(|own| {
                own.hash == step.hash && (own.step.is_confirmed || !step.step.is_confirmed)
            });
            if !is_own || from.step_keys(number)? != to.tables().step_keys(number)? {
                return Err(differs(&format!("its step {number} of settling is another one")));
            }
            after = number;
        }
        if there.is_empty() {
            return Ok(());
        }
    }
}

fn copy_rows(from: &dyn Tables, to: &mut dyn Target, progress: &mut dyn FnMut(Copied)) -> Found<()> {
    let (end, _) = from.end()?;
    let (mut before, _) = to.tables().end()?;
    let mut decompressor = decompressor()?;
    while before < end {
        let chunks = from.rows_from(before.next(), ROWS)?;
        if chunks.first().is_none_or(|chunk| chunk.first() != before.next()) {
            return Err(StoreError::Corrupt(format!("event {} is missing", before.next())));
        }
        let rows: Vec<NewChunk> =
            chunks.into_iter().map(|chunk| NewChunk::of(chunk, &mut decompressor)).collect::<Found<_>>()?;
        let last = rows.last().map_or(before, |row| row.chunk().last());
        to.write(&Commit { before, end: last, rows: &rows, beside: &[], runs: None })?;
        before = last;
        progress(Copied { pages: before.0, of: end.0 });
    }
    Ok(())
}

/// Writes something beside the events.
fn write(beside: &[Beside], to: &mut dyn Target) -> Found<()> {
    if beside.is_empty() {
        return Ok(());
    }
    let (end, _) = to.tables().end()?;
    to.write(&Commit { before: end, end, rows: &[], beside, runs: None })
}

fn copy_steps(from: &dyn Tables, to: &mut dyn Target) -> Found<()> {
    let last = to.tables().last_step()?;
    // Those that are there and were confirmed since.
    let mut open = 0;
    loop {
        let steps = to.tables().steps(Which::Unconfirmed, open, STEPS)?;
        let Some(newest) = steps.last() else { break };
        open = newest.step.step.number;
        let mut confirmed = Vec::new();
        for StoredStep { step, .. } in steps {
            let number = step.step.number;
            if from.step(number)?.is_some_and(|own| own.step.is_confirmed) {
                confirmed.push(Beside::Confirm(number));
            }
        }
        write(&confirmed, to)?;
    }
    let mut after = last;
    loop {
        let mut new = Vec::new();
        for step in from.steps(Which::All, after, STEPS)? {
            let keys = from.step_keys(step.step.step.number)?;
            step.clone().checked()?;
            after = step.step.step.number;
            new.push(Beside::Copied(step, keys));
        }
        if new.is_empty() {
            return Ok(());
        }
        write(&new, to)?;
    }
}

fn copy_beside(from: &dyn Tables, to: &mut dyn Target) -> Found<()> {
    let duties = from.duties()?.into_iter().map(|(name, at)| Beside::Duty(name, at));
    write(&duties.collect::<Vec<_>>(), to)?;
    for list in from.kept_lists()? {
        let page = |after: &[u8], most: usize| from.kept(list, (after, false), most);
        let mut together = Vec::new();
        beside::kept(&[], page, &mut |kept| {
            together.push(kept);
            if together.len() >= KEPT {
                write(&[Beside::Keep(std::mem::take(&mut together))], to)?;
            }
            Ok(true)
        })?;
        write(&[Beside::Keep(together)], to)?;
    }
    let forgotten = from.forgotten()?;
    if forgotten > to.tables().forgotten()? {
        write(&[Beside::Forget(forgotten)], to)?;
    }
    let Some(snapshot) = beside::snapshot(from)? else { return Ok(()) };
    if parts(from)? == parts(to.tables())? {
        return Ok(());
    }
    let number = to.tables().next_snapshot()?;
    for part in 0..snapshot.parts {
        let bytes = beside::snapshot_part(from, &snapshot, part)?;
        write(&[Beside::Part(number, part, bytes)], to)?;
    }
    write(&[Beside::Whole(Snapshot { number, ..snapshot })], to)
}

/// What a snapshot says and is made of, whatever its number.
fn parts(tables: &dyn Tables) -> Found<Vec<[u8; 32]>> {
    let Some(snapshot) = tables.snapshot()? else { return Ok(Vec::new()) };
    let mut head = Hasher::new();
    head.update(&snapshot.through.0.to_be_bytes()).update(&snapshot.step.to_be_bytes());
    let mut hashes = vec![*head.finalize().as_bytes()];
    for part in 0..snapshot.parts {
        hashes.push(tables.snapshot_part(snapshot.number, part)?.map_or([0; 32], |(hash, _)| hash));
    }
    Ok(hashes)
}

/// Tells a log in one hash.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn digest(tables: &dyn Tables) -> Found<LogDigest> {
    let mut hasher = Hasher::new();
    let mut digest = LogDigest { events: 0, rows: 0, steps: 0, hash: [0; 32] };
    let mut after = Position::NONE;
    loop {
        let heads = tables.row_heads(after, HEADS)?;
        let Some(last) = heads.last() else { break };
        after = last.first;
        for head in &heads {
            digest.rows += 1;
            digest.events += head.events;
            hasher.update(&head.first.0.to_be_bytes()).update(&head.hash);
        }
    }
    let mut after = 0;
    loop {
        let steps = tables.steps(Which::All, after, STEPS)?;
        for StoredStep { step, hash } in &steps {
            after = step.step.number;
            digest.steps += 1;
            let keys = tables.step_keys(after)?;
            hasher.update(hash).update(&[u8::from(step.is_confirmed), u8::from(keys.is_some())]);
            let keys = keys.unwrap_or_default();
            hasher.update(&(keys.len() as u64).to_be_bytes()).update(&keys);
        }
        if steps.is_empty() {
            break;
        }
    }
    for (name, at) in tables.duties()? {
        hasher.update(&name).update(&at.nanoseconds().to_be_bytes());
    }
    for list in tables.kept_lists()? {
        let page = |after: &[u8], most: usize| tables.kept(list, (after, false), most);
        beside::kept(&[], page, &mut |Kept { list, name, is_open, bytes }| {
            for part in [&[list, u8::from(is_open)], &*name, &*bytes] {
                hasher.update(&part.len().to_be_bytes()).update(part);
            }
            Ok(true)
        })?;
    }
    for hash in parts(tables)? {
        hasher.update(&hash);
    }
    hasher.update(&tables.forgotten()?.to_be_bytes());
    digest.hash = *hasher.finalize().as_bytes();
    Ok(digest)
}
