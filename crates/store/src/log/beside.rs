//! What lies beside the events: the steps of settling, and snapshots of its state. Their bytes are their author's.

use kopeck_ledger::name::Moment;

use crate::error::StoreError;
use crate::events::{Kept, LoggedStep, Snapshot, StepRow};
use crate::log::tables::{Found, Tables};

/// Steps that a reader has in memory at once: one may be large.
const STEPS_ABREAST: usize = 32;
/// Numbers of steps that a reader has in memory at once.
const NUMBERS_ABREAST: usize = 256;

/// Something that is written with the next commit.
#[derive(Debug)]
pub enum Beside {
    /// A step, and the keys that it is found by, each once and ascending.
    Step(StepRow, Vec<u64>),
    /// A step and its keys as another log has stored them.
    Copied(StoredStep, Option<Vec<u8>>),
    /// The postings of a step are in the ledger.
    Confirm(u64),
    /// Something that is due by the clock was done, at the instant at which it was due.
    Duty([u8; 16], Moment),
    /// What is kept under names, each once.
    Keep(Vec<Kept>),
    /// A part of a snapshot that is not whole yet: the snapshot's number, the part's, and its bytes.
    Part(u64, u64, Vec<u8>),
    /// A snapshot has all its parts: it takes away all others, and what was begun and never became one.
    Whole(Snapshot),
    /// Keys of events before this instant may be forgotten.
    Forget(i64),
}

impl Beside {
    /// About how much a commit of it writes.
    pub fn bytes(&self) -> usize {
        match self {
            Beside::Step(step, keys) => step.postings.len() + 8 * keys.len(),
            Beside::Copied(step, keys) => step.step.step.postings.len() + keys.as_ref().map_or(0, Vec::len),
            Beside::Keep(entries) => entries.iter().map(|kept| kept.name.len() + kept.bytes.len()).sum(),
            Beside::Part(_, _, bytes) => bytes.len(),
            Beside::Confirm(_) | Beside::Duty(..) | Beside::Whole(_) | Beside::Forget(_) => 0,
        }
    }
}

/// How many entries are read at a time: whoever takes long keeps no log from being copied into its database.
const KEPT_ABREAST: usize = 256;

/// Hands what a list has after a name to `take`, in the order of names, until it answers `false`. `page` reads some of
/// what comes after a name, at most so many.
///
/// # Errors
/// What `take` and `page` answer.
pub fn kept(
    after: &[u8],
    mut page: impl FnMut(&[u8], usize) -> Found<Vec<Kept>>,
    take: &mut dyn FnMut(Kept) -> Found<bool>,
) -> Found<()> {
    let mut after = after.to_vec();
    loop {
        let found = page(&after, KEPT_ABREAST)?;
        let Some(last) = found.last().map(|last| last.name.clone()) else { return Ok(()) };
        for kept in found {
            if !take(kept)? {
                return Ok(());
            }
        }
        after = last;
    }
}

/// A step as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    /// The step.
    pub step: LoggedStep,
    /// The hash of all of it but whether it is confirmed.
    pub hash: [u8; 32],
}

impl StoredStep {
    /// The step, where it is what was written.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is not.
    pub fn checked(self) -> Found<LoggedStep> {
        if self.hash == hash_of(&self.step.step) {
            return Ok(self.step);
        }
        let number = self.step.step.number;
        Err(StoreError::Corrupt(format!("step {number} of settling is not what was written")))
    }
}

/// The hash of a step, whether it is confirmed or not.
pub fn hash_of(step: &StepRow) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&step.number.to_be_bytes());
    hasher.update(&step.through.0.to_be_bytes());
    hasher.update(&step.at.nanoseconds().to_be_bytes());
    hasher.update(&step.postings);
    *hasher.finalize().as_bytes()
}

/// The keys of a step, as they are stored.
pub fn packed_keys(keys: &[u64]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.to_le_bytes()).collect()
}

/// Whether a step's keys have this one.
pub fn has_key(packed: &[u8], key: u64) -> bool {
    let (keys, _) = packed.as_chunks::<8>();
    keys.binary_search_by_key(&key, |bytes| u64::from_le_bytes(*bytes)).is_ok()
}

/// Which steps are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that are not confirmed.
    Unconfirmed,
}

/// Hands the steps after a number to `take`, in their order, until it answers `false`. `page` reads some of those after
/// a number, at most so many.
///
/// # Errors
/// What `take` and `page` answer; [`StoreError::Corrupt`] where a step is not what was written.
pub fn steps(
    mut after: u64,
    mut page: impl FnMut(u64, usize) -> Found<Vec<StoredStep>>,
    take: &mut dyn FnMut(LoggedStep) -> Found<bool>,
) -> Found<()> {
    loop {
        let steps = page(after, STEPS_ABREAST)?;
        let is_last = steps.len() < STEPS_ABREAST;
        for step in steps {
            let step = step.checked()?;
            after = step.step.number;
            if !take(step)? {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Hands the steps that may post something of a key to `take`, newest first, until it answers `false`. `page`
/// reads the numbers of some before one, `step` a step.
///
/// # Errors
/// As [`steps`].
pub fn steps_of(
    mut page: impl FnMut(u64, usize) -> Found<Vec<u64>>,
    mut step: impl FnMut(u64) -> Found<LoggedStep>,
    take: &mut dyn FnMut(LoggedStep) -> Found<bool>,
) -> Found<()> {
    let mut before = u64::MAX;
    loop {
        let numbers = page(before, NUMBERS_ABREAST)?;
        let is_last = numbers.len() < NUMBERS_ABREAST;
        for number in numbers {
            before = number;
            if !take(step(number)?)? {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

/// A step.
///
/// # Errors
/// [`StoreError::Corrupt`] where it is not there or not what was written.
pub fn step(number: u64, tables: &dyn Tables) -> Found<LoggedStep> {
    let missing = || StoreError::Corrupt(format!("step {number} of settling is missing"));
    tables.step(number)?.ok_or_else(missing)?.checked()
}

/// The last whole snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] where a part is missing or not what was written.
pub fn snapshot(tables: &dyn Tables) -> Found<Option<Snapshot>> {
    let Some(snapshot) = tables.snapshot()? else { return Ok(None) };
    for part in 0..snapshot.parts {
        snapshot_part(tables, &snapshot, part)?;
    }
    Ok(Some(snapshot))
}

/// A part of a snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] where it is missing or not what was written.
pub fn snapshot_part(tables: &dyn Tables, of: &Snapshot, part: u64) -> Found<Vec<u8>> {
    let found = tables.snapshot_part(of.number, part)?;
    let bytes = found.filter(|(hash, bytes)| blake3::hash(bytes).as_bytes() == hash).map(|(_, bytes)| bytes);
    bytes.ok_or_else(|| {
        StoreError::Corrupt(format!("part {part} of the snapshot of settling is not what was written"))
    })
}
