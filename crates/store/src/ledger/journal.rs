//! Records in rows: several to a row, so that writing one costs a fraction of a row and reading one a small row.
//!
//! A row fits a page of the database and holds records of one commit only, so that rows are never changed.
//! The records are the ledger's own bytes, each with the hash of the one before.

use std::borrow::Cow;

use kopeck_ledger::chain::Hash;
use kopeck_ledger::encode;
use kopeck_ledger::name::{Moment, Sequence};
use kopeck_ledger::record::Record;

use crate::answer::Head;
use crate::error::StoreError;
use crate::ledger::tables::Tables;
use crate::number::{self, unsigned};

/// A row is written as pages of so many bytes.
const PAGE_BYTES: u64 = 8_192;
/// Most records are shorter than this, so that the last one of a row seldom makes its buffer grow.
const LARGEST_EXPECTED: usize = 512;

/// Records in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    first: Sequence,
    first_at: Moment,
    end: Head,
    records: Vec<u8>,
}

/// The rows of one commit's records, which follow the record that `head` is about; and the journal's end with them. A
/// row takes records up to `most` bytes; a longer record has a row of its own.
pub fn rows_of(records: &[Record], mut head: Head, most: usize) -> (Vec<Chunk>, Head) {
    let mut chunks = Vec::new();
    let mut open = Vec::with_capacity(most + LARGEST_EXPECTED);
    let mut first = None;
    for record in records {
        let start = open.len();
        let hash = encode::encode(record, &head.hash, &mut open);
        if open.len() > most && start > 0 {
            let mut next = Vec::with_capacity(most + LARGEST_EXPECTED);
            next.extend_from_slice(&open[start..]);
            open.truncate(start);
            chunks.extend(row(first.take(), head, std::mem::replace(&mut open, next)));
        }
        first.get_or_insert((record.sequence, record.at));
        head = Head { sequence: record.sequence, at: record.at, hash };
    }
    chunks.extend(row(first, head, open));
    (chunks, head)
}

fn row(first: Option<(Sequence, Moment)>, end: Head, records: Vec<u8>) -> Option<Chunk> {
    let (first, first_at) = first?;
    Some(Chunk { first, first_at, end, records })
}

impl Chunk {
    /// Its first record.
    pub fn first(&self) -> Sequence {
        self.first
    }

    /// The instant of its first record.
    pub fn first_at(&self) -> Moment {
        self.first_at
    }

    /// Its last record.
    pub fn end(&self) -> Head {
        self.end
    }

    /// The bytes of its records, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.records
    }

    /// Its records as bytes, each alone; an error ends them.
    pub fn encoded(&self) -> impl Iterator<Item = Result<&[u8], StoreError>> {
        encoded_in(&self.records, self.first)
    }

    /// Its records; an error ends them.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, StoreError>> {
        let places = (self.first.0..).map(Sequence);
        self.encoded().zip(places).map(|(bytes, sequence)| decode(bytes?, sequence))
    }

    /// One of its records.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it can not be read, or is not there.
    pub fn record(&self, sequence: Sequence) -> Result<Record, StoreError> {
        record_in(&self.records, self.first, sequence)
    }

    /// Whether the record lies in this row.
    pub fn holds(&self, sequence: Sequence) -> bool {
        (self.first..=self.end.sequence).contains(&sequence)
    }

    /// About how much a commit of it writes.
    pub fn written_bytes(&self) -> u64 {
        (self.records.len() as u64).next_multiple_of(PAGE_BYTES)
    }

    /// As it is stored.
    pub fn stored(&self) -> StoredChunk<'_> {
        StoredChunk {
            first: signed(self.first),
            last: signed(self.end.sequence),
            first_at: self.first_at.nanoseconds(),
            last_at: self.end.at.nanoseconds(),
            hash: *self.end.hash.bytes(),
            records: Cow::Borrowed(&self.records),
        }
    }
}

/// A row's columns, as both databases have them: numbers of records, nanoseconds of Unix time, the last record's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk<'b> {
    /// The first record.
    pub first: i64,
    /// The last record.
    pub last: i64,
    /// The instant of the first.
    pub first_at: i64,
    /// The instant of the last.
    pub last_at: i64,
    /// The hash of the last.
    pub hash: [u8; 32],
    /// The bytes of all.
    pub records: Cow<'b, [u8]>,
}

impl From<StoredChunk<'_>> for Chunk {
    fn from(stored: StoredChunk<'_>) -> Chunk {
        let sequence = |number: i64| Sequence(unsigned(number));
        // An instant that no ledger writes is shown as the first one; the record's own bytes are what counts.
        let moment = |number: i64| Moment::from_nanoseconds(number).unwrap_or(Moment::FIRST);
        let end = Head {
            sequence: sequence(stored.last),
            at: moment(stored.last_at),
            hash: Hash::from_bytes(stored.hash),
        };
        let (first, first_at) = (sequence(stored.first), moment(stored.first_at));
        Chunk { first, first_at, end, records: stored.records.into_owned() }
    }
}

fn record_in(bytes: &[u8], first: Sequence, sequence: Sequence) -> Result<Record, StoreError> {
    let place = sequence.0.checked_sub(first.0).and_then(|place| usize::try_from(place).ok());
    let found = place.and_then(|place| encoded_in(bytes, first).nth(place));
    let bytes = found.unwrap_or_else(|| Err(StoreError::Corrupt(format!("record {sequence} is missing"))))?;
    decode(bytes, sequence)
}

fn encoded_in(bytes: &[u8], first: Sequence) -> impl Iterator<Item = Result<&[u8], StoreError>> {
    let (mut rest, mut sequence) = (bytes, first);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = encode::length(rest).map_err(|error| damaged(sequence, error));
        let (record, after) = rest.split_at(*length.as_ref().unwrap_or(&rest.len()));
        rest = if length.is_ok() { after } else { &[] };
        sequence = sequence.next();
        Some(length.map(|_| record))
    })
}

/// Reads a record of that place.
///
/// # Errors
/// [`StoreError::Corrupt`] where it can not be read, or is another one.
pub fn decode(bytes: &[u8], sequence: Sequence) -> Result<Record, StoreError> {
    let (record, _) = encode::decode(bytes).map_err(|error| damaged(sequence, error))?;
    if record.sequence == sequence {
        Ok(record)
    } else {
        Err(StoreError::Corrupt(format!(
            "record {} stands in the place of record {sequence}",
            record.sequence
        )))
    }
}

fn damaged(sequence: Sequence, error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("record {sequence} {error}"))
}

/// The row that a record lies in, if it is there.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn chunk_of(sequence: Sequence, tables: &dyn Tables) -> Result<Option<Chunk>, StoreError> {
    Ok(tables.chunk_before(sequence)?.filter(|chunk| chunk.holds(sequence)))
}

/// A record.
///
/// # Errors
/// [`StoreError::Corrupt`] where there is none.
pub fn record(sequence: Sequence, tables: &dyn Tables) -> Result<Record, StoreError> {
    let chunk = chunk_of(sequence, tables)?;
    chunk.ok_or_else(|| StoreError::Corrupt(format!("record {sequence} is missing")))?.record(sequence)
}

/// The first record at or after an instant. `None` where all are earlier.
///
/// # Errors
/// [`StoreError`] where the journal can not be read.
pub fn first_at(at: Moment, tables: &dyn Tables) -> Result<Option<Sequence>, StoreError> {
    let end = tables.head()?;
    if end.at < at {
        return Ok(None);
    }
    // The instants of a journal never go back. All records up to `early` are earlier; that at `late` is not.
    let (mut early, mut late) = (0, end.sequence.0);
    while early + 1 < late {
        let middle = early + (late - early) / 2;
        let Some(chunk) = chunk_of(Sequence(middle), tables)? else {
            return Err(StoreError::Corrupt(format!("record {middle} is missing")));
        };
        if chunk.end.at < at {
            early = chunk.end.sequence.0;
        } else if chunk.first_at >= at {
            late = chunk.first.0;
        } else {
            return first_within(&chunk, at).map(Some);
        }
    }
    Ok(Some(Sequence(late)))
}

fn first_within(chunk: &Chunk, at: Moment) -> Result<Sequence, StoreError> {
    for record in chunk.records() {
        let record = record?;
        if record.at >= at {
            return Ok(record.sequence);
        }
    }
    Ok(chunk.end.sequence)
}

/// Hands all rows from the one with record `from` to `take`, in their order, until it answers `false`.
///
/// # Errors
/// What `take` answers, or [`StoreError`] where they can not be read.
pub fn rows_from(
    from: Sequence,
    tables: &dyn Tables,
    mut take: impl FnMut(Chunk) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let first = chunk_of(from, tables)?.map_or(from, |chunk| chunk.first);
    tables.chunks(first, &mut take)
}

/// Hands all records from `from` to `take`, in their order, until it answers `false`.
///
/// # Errors
/// What `take` answers, or [`StoreError`] where they can not be read.
pub fn records_from(
    from: Sequence,
    tables: &dyn Tables,
    mut take: impl FnMut(Record) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    rows_from(from, tables, |chunk| {
        for record in chunk.records() {
            let record = record?;
            if record.sequence >= from && !take(record)? {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// A record's number as databases keep it.
pub fn signed(sequence: Sequence) -> i64 {
    number::signed(sequence.0)
}
