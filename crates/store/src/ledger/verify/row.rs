//! What can be checked of one row without the others: its bytes, their hashes, and what the row says about them.

use kopeck_ledger::chain::Hash;
use kopeck_ledger::encode;
use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::Record;

use crate::answer::{Head, Problem};
use crate::ledger::journal::Chunk;

/// A row after its check.
#[derive(Debug)]
pub struct Checked {
    /// The record that it should begin with.
    pub first: Sequence,
    /// What its first record says the hash before it is.
    pub follows: Hash,
    /// Its records, up to the first broken one.
    pub records: Vec<Record>,
    /// The hash of each.
    pub hashes: Vec<Hash>,
    /// The first broken one.
    pub problem: Option<Problem>,
}

/// Checks a row.
pub fn check(chunk: &Chunk) -> Checked {
    let mut read = Read {
        whole: true,
        records: Vec::with_capacity(64),
        hashes: Vec::with_capacity(64),
        carried: Vec::new(),
    };
    let unreadable = read.all(chunk);
    let altered = read.altered(chunk);
    let first = |one: Option<(usize, String)>, other: Option<(usize, String)>| match (one, other) {
        (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
        (one, other) => one.or(other),
    };
    let broken = first(first(altered, unreadable), read.misplaced(chunk));
    if let Some((place, _)) = broken {
        read.records.truncate(place);
        read.hashes.truncate(place);
    }
    Checked {
        first: chunk.first(),
        follows: read.carried.first().copied().unwrap_or(Hash::GENESIS),
        records: read.records,
        hashes: read.hashes,
        problem: broken.map(|(place, reason)| Problem::at(Sequence(chunk.first().0 + place as u64), reason)),
    }
}

/// What was read of a row.
struct Read {
    /// The bytes could be told apart to the last one.
    whole: bool,
    records: Vec<Record>,
    hashes: Vec<Hash>,
    /// The hash of the record before, as each record carries it.
    carried: Vec<Hash>,
}

impl Read {
    /// Reads all records, and says at which place that ended too early.
    fn all(&mut self, chunk: &Chunk) -> Option<(usize, String)> {
        let mut unreadable = None;
        let mut place = 0;
        for bytes in chunk.encoded() {
            let Ok(bytes) = bytes else {
                self.whole = false;
                return unreadable.or(Some((place, "has a length that does not fit its row".to_owned())));
            };
            self.hashes.push(Hash::of(bytes));
            match encode::decode(bytes) {
                Ok((record, previous)) if unreadable.is_none() => {
                    self.records.push(record);
                    self.carried.push(previous);
                }
                // What it carries still tells which record was altered.
                Ok((_, previous)) => self.carried.push(previous),
                Err(error) => {
                    unreadable = unreadable.or(Some((place, error.to_string())));
                    self.carried.push(carried(bytes).unwrap_or(Hash::GENESIS));
                }
            }
            place += 1;
        }
        if place == 0 { Some((0, "is missing: its row is empty".to_owned())) } else { unreadable }
    }

    /// The first record whose bytes do not have the hash that comes after them.
    fn altered(&self, chunk: &Chunk) -> Option<(usize, String)> {
        let last = self.hashes.len().checked_sub(1)?;
        let expected = |place: usize| {
            let next = self.carried.get(place + 1).copied();
            next.or_else(|| (place == last && self.whole).then_some(chunk.end().hash))
        };
        let differs =
            |place: usize| expected(place).is_some_and(|hash| Some(&hash) != self.hashes.get(place));
        let place = (0..=last).find(|place| differs(*place))?;
        // Where the next one differs as well, it is what it carries that was altered.
        let place = if place < last && differs(place + 1) { place + 1 } else { place };
        let reason = if place < last {
            "was altered: it does not have the hash that the next one carries"
        } else {
            "was altered: it does not have the hash that is stored beside it"
        };
        Some((place, reason.to_owned()))
    }

    /// The first record that is not in its place, or about which the row says something else.
    fn misplaced(&self, chunk: &Chunk) -> Option<(usize, String)> {
        let places = (chunk.first().0..).map(Sequence);
        let strange = self.records.iter().zip(places).position(|(record, place)| record.sequence != place);
        if let Some(place) = strange {
            let found = self.records[place].sequence;
            return Some((place, format!("is not in its place: record {found} stands there")));
        }
        let (first, last) = (self.records.first()?, self.records.last()?);
        let Head { sequence, at, .. } = chunk.end();
        let whole = self.whole && self.records.len() == self.hashes.len();
        let said = (chunk.first_at(), at, sequence) == (first.at, last.at, last.sequence);
        let reason = "lies in a row that says something else about its records and their instants";
        (whole && !said).then(|| (self.records.len() - 1, reason.to_owned()))
    }
}

/// The hash that a record carries, even where it can not be read otherwise: its last 32 of the first 80 bytes.
fn carried(bytes: &[u8]) -> Option<Hash> {
    bytes.get(encode::HEAD_BYTES - 32..encode::HEAD_BYTES)?.try_into().ok().map(Hash::from_bytes)
}
