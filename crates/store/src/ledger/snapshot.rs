//! The whole state, written down now and then, so that an opening replays the journal's end and not all of it.
//!
//! A snapshot is begun when as much has been written as the last one was large, and at least [`BEGIN_BYTES`]: so its
//! cost stays in proportion, and so does what an opening replays. It is packed at one instant and written in parts, one
//! with each commit; it counts when its last part is there. A snapshot is made from the journal and can be made again;
//! `kopeck ledger verify` compares it with what the journal comes to.

use std::collections::VecDeque;
use std::sync::PoisonError;

use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::Sequence;

use crate::error::StoreError;
use crate::ledger::shared::Shared;
use crate::ledger::tables::Tables;

/// A snapshot is made after at least so many bytes of journal.
const BEGIN_BYTES: u64 = 64 << 20;
/// At a closing a snapshot is made after so many bytes of journal: replaying them takes a moment.
const CLOSE_BYTES: u64 = 4 << 20;
/// Bytes of one part.
const PART_BYTES: usize = 1 << 20;

/// Snapshots as the writer makes them.
#[derive(Debug, Default)]
pub struct Snapshots {
    /// Bytes of journal since the last one was begun.
    since: u64,
    /// Bytes of the last one.
    size: u64,
    waiting: VecDeque<Part>,
}

/// A part of a snapshot.
#[derive(Debug, Clone)]
pub struct Part {
    sequence: Sequence,
    part: i64,
    parts: i64,
    state: Vec<u8>,
}

impl Snapshots {
    /// After an opening that has replayed so many bytes of journal on a snapshot of so many bytes.
    pub fn after(replayed: u64, size: u64) -> Snapshots {
        Snapshots { since: replayed, size, waiting: VecDeque::new() }
    }

    /// What the next commit should write as well.
    pub fn next_part(&self) -> Option<Part> {
        self.waiting.front().cloned()
    }

    /// It is written.
    pub fn part_is_written(&mut self) {
        self.waiting.pop_front();
    }

    /// A commit has failed: what was begun is begun again later.
    pub fn forget_parts(&mut self) {
        self.waiting.clear();
    }

    /// After a commit of so many bytes: begins a snapshot of the durable state where it is time.
    pub fn after_commit(&mut self, bytes: u64, shared: &Shared) {
        self.since += bytes;
        if self.waiting.is_empty() && self.since >= self.size.max(BEGIN_BYTES) {
            self.begin(shared);
        }
    }

    /// At a closing: what is left to be written, or a last snapshot where much would have to be replayed.
    pub fn last_parts(&mut self, shared: &Shared) -> Vec<Part> {
        if self.since >= CLOSE_BYTES {
            self.begin(shared);
        }
        self.waiting.drain(..).collect()
    }

    fn begin(&mut self, shared: &Shared) {
        let durable = shared.durable.read().unwrap_or_else(PoisonError::into_inner);
        let sequence = durable.head().sequence;
        let packed = durable.pack();
        drop(durable);
        (self.since, self.size) = (0, packed.len() as u64);
        self.waiting = parts_of(sequence, &packed).into();
    }
}

/// The parts of a packed state after some record.
pub fn parts_of(sequence: Sequence, packed: &[u8]) -> Vec<Part> {
    let parts = i64::try_from(packed.len().div_ceil(PART_BYTES)).unwrap_or(i64::MAX);
    let pieces = (0..).zip(packed.chunks(PART_BYTES));
    pieces.map(|(part, state)| Part { sequence, part, parts, state: state.to_vec() }).collect()
}

impl Part {
    /// The record that the snapshot is the state after.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Which part it is, from 0.
    pub fn number(&self) -> i64 {
        self.part
    }

    /// How many parts the snapshot has.
    pub fn of(&self) -> i64 {
        self.parts
    }

    /// Whether the snapshot is whole with it: then the one before goes, and what an earlier one has left unfinished.
    pub fn is_last(&self) -> bool {
        self.part + 1 == self.parts
    }

    /// The hash that is stored beside it.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.state).as_bytes()
    }

    /// Its bytes.
    pub fn state(&self) -> &[u8] {
        &self.state
    }
}

/// A stored state.
#[derive(Debug)]
pub struct Stored {
    /// The state.
    pub ledger: Ledger,
    /// Its size when packed.
    pub bytes: u64,
}

/// The packed state of the last whole snapshot, with the record that it is the state after. `None` where there is
/// none, or a part of it does not have its hash.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn packed(tables: &dyn Tables) -> Result<Option<(Sequence, Vec<u8>)>, StoreError> {
    let Some(sequence) = tables.newest_snapshot()? else { return Ok(None) };
    let mut packed = Vec::new();
    for part in tables.snapshot(sequence)? {
        if blake3::hash(&part.state) != part.hash {
            return Ok(None);
        }
        packed.extend_from_slice(&part.state);
    }
    Ok(Some((sequence, packed)))
}

/// The state to begin with: that of the last whole snapshot which can be read, or of an empty journal.
///
/// # Errors
/// [`StoreError`] where the database can not be read.
pub fn load(tables: &dyn Tables) -> Result<Stored, StoreError> {
    let empty = || Stored { ledger: Ledger::default(), bytes: 0 };
    let Some((sequence, packed)) = packed(tables)? else { return Ok(empty()) };
    let stored = Ledger::unpack(&packed).ok().filter(|ledger| ledger.head().sequence == sequence);
    // One that can not be read costs time: the journal has it all. Verifying tells of it.
    Ok(stored.map_or_else(empty, |ledger| Stored { ledger, bytes: packed.len() as u64 }))
}
