//! Events in rows: several of one commit to a row, compressed, so that writing one costs a fraction of a row.
//!
//! Hashes of keys and contents are random bytes, which do not become shorter, and are what an opening reads: they stand
//! beside what is compressed. A row is never changed.

use std::borrow::Cow;
use std::io;

use kopeck_ledger::name::Moment;
use zstd::bulk::{Compressor, Decompressor};

use crate::error::StoreError;
use crate::events::{Arrival, LoggedEvent, Position};
use crate::ledger::id_filter::IdFilter;
use crate::number::{signed, unsigned};

/// A row takes so many events.
const CHUNK_EVENTS: usize = 256;
/// A row takes lines up to so many bytes; a longer line has a row of its own.
const CHUNK_BYTES: usize = 128 << 10;
/// The quickest level but those that give up half of what can be saved.
const LEVEL: i32 = 1;
/// Bytes of a key and a content.
pub const KEY_BYTES: usize = 24;
const RESOURCE_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const END_BYTES: usize = 4;
/// Bytes of all that stands before the lines, for each event.
const COLUMN_BYTES: usize = RESOURCE_BYTES + TIME_BYTES + END_BYTES;

/// Events in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    first: Position,
    events: usize,
    received: Moment,
    newest: i64,
    plain: usize,
    hash: [u8; 32],
    keys: Vec<u8>,
    body: Vec<u8>,
}

/// A row that is to be written, with its filter.
#[derive(Debug)]
pub struct NewChunk {
    chunk: Chunk,
    filter: IdFilter,
}

/// Makes rows of events.
pub struct Packer {
    compressor: Compressor<'static>,
    keys: Vec<u8>,
    resources: Vec<u128>,
    times: Vec<i64>,
    ends: Vec<u32>,
    lines: Vec<u8>,
}

impl Packer {
    /// One with nothing in it.
    ///
    /// # Errors
    /// [`StoreError::Database`] where there is no memory for it.
    pub fn new() -> Result<Packer, StoreError> {
        Ok(Packer {
            compressor: Compressor::new(LEVEL).map_err(|error| not_compressed(&error))?,
            keys: Vec::new(),
            resources: Vec::new(),
            times: Vec::new(),
            ends: Vec::new(),
            lines: Vec::new(),
        })
    }

    /// The rows of consecutive events, the first of which has position `first`.
    ///
    /// # Errors
    /// [`StoreError::Database`] where they can not be compressed.
    pub fn rows<'e>(
        &mut self,
        mut first: Position,
        received: Moment,
        events: impl Iterator<Item = (&'e Arrival, &'e [u8])>,
    ) -> Result<Vec<NewChunk>, StoreError> {
        let mut rows = Vec::new();
        for (arrival, line) in events {
            if self.is_too_full_for(line) {
                rows.push(self.row(&mut first, received)?);
            }
            self.push(arrival, line);
        }
        if !self.times.is_empty() {
            rows.push(self.row(&mut first, received)?);
        }
        Ok(rows)
    }

    fn is_too_full_for(&self, line: &[u8]) -> bool {
        let is_empty = self.times.is_empty();
        !is_empty && (self.times.len() >= CHUNK_EVENTS || self.lines.len() + line.len() > CHUNK_BYTES)
    }

    fn push(&mut self, arrival: &Arrival, line: &[u8]) {
        self.keys.extend(arrival.key.to_be_bytes());
        self.keys.extend(arrival.content.to_be_bytes());
        self.resources.push(arrival.resource);
        self.times.push(arrival.time);
        self.lines.extend_from_slice(line);
        // A group's lines are limited when it is handed over.
        self.ends.push(u32::try_from(self.lines.len()).unwrap_or(u32::MAX));
    }

    fn row(&mut self, first: &mut Position, received: Moment) -> Result<NewChunk, StoreError> {
        let events = self.times.len();
        let mut plain = Vec::with_capacity(events * COLUMN_BYTES + self.lines.len());
        plain.extend(self.resources.iter().flat_map(|resource| resource.to_be_bytes()));
        plain.extend(self.times.iter().flat_map(|time| time.to_be_bytes()));
        plain.extend(self.ends.iter().flat_map(|end| end.to_be_bytes()));
        plain.extend_from_slice(&self.lines);
        let compressed = self.compressor.compress(&plain);
        let newest = self.times.iter().copied().max().unwrap_or(i64::MIN);
        let filter = filter_of(self.resources.drain(..));
        let keys = std::mem::take(&mut self.keys);
        self.times.clear();
        self.ends.clear();
        self.lines.clear();
        let body = compressed.map_err(|error| not_compressed(&error))?;
        let hash = [0; 32];
        let mut chunk =
            Chunk { first: *first, events, received, newest, plain: plain.len(), hash, keys, body };
        chunk.hash = chunk.true_hash();
        first.0 += events as u64;
        Ok(NewChunk { chunk, filter })
    }
}

fn not_compressed(error: &io::Error) -> StoreError {
    StoreError::Database(format!("events can not be compressed: {error}"))
}

impl NewChunk {
    /// A row of another log, after checking that it is what was written.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn of(chunk: Chunk, decompressor: &mut Decompressor<'_>) -> Result<NewChunk, StoreError> {
        let filter = filter_of(chunk.open(decompressor)?.resources());
        Ok(NewChunk { chunk, filter })
    }

    /// The row.
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// The filter of its resources.
    pub fn filter(&self) -> &IdFilter {
        &self.filter
    }

    /// About how much a commit of it writes.
    pub fn written_bytes(&self) -> u64 {
        (self.chunk.keys.len() + self.chunk.body.len() + self.filter.bytes().len()) as u64
    }
}

impl Chunk {
    /// Its first event.
    pub fn first(&self) -> Position {
        self.first
    }

    /// Its last event.
    pub fn last(&self) -> Position {
        Position(self.first.0 + (self.events as u64).saturating_sub(1))
    }

    /// The latest time of its events.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// The keys and contents of its events.
    pub fn keys(&self) -> impl Iterator<Item = (u128, u64)> {
        self.keys.as_chunks::<KEY_BYTES>().0.iter().map(key_of)
    }

    /// Fails where it is not what was written.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn check(&self) -> Result<(), StoreError> {
        let is_whole = self.hash == self.true_hash() && self.keys.len() == self.events * KEY_BYTES;
        if is_whole && self.events > 0 { Ok(()) } else { Err(self.damaged("are not what was written")) }
    }

    /// Its events, after checking that they are what was written.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn open(&self, decompressor: &mut Decompressor<'_>) -> Result<Opened<'_>, StoreError> {
        self.check()?;
        let plain = decompressor
            .decompress(&self.body, self.plain)
            .map_err(|error| self.damaged(&format!("can not be decompressed: {error}")))?;
        let opened = Opened { chunk: self, plain };
        opened.is_sound().then_some(opened).ok_or_else(|| self.damaged("do not fit their row"))
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("events {} to {} {what}", self.first, self.last()))
    }

    fn true_hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let lengths = [self.events, self.plain, self.keys.len(), self.body.len()].map(|length| length as u64);
        hasher.update(&self.first.0.to_be_bytes());
        hasher.update(&self.received.nanoseconds().to_be_bytes());
        hasher.update(&self.newest.to_be_bytes());
        for length in lengths {
            hasher.update(&length.to_be_bytes());
        }
        hasher.update(&self.keys);
        hasher.update(&self.body);
        *hasher.finalize().as_bytes()
    }

    /// As it is stored.
    pub fn stored(&self) -> StoredChunk<'_> {
        StoredChunk {
            first: signed(self.first.0),
            events: signed(self.events as u64),
            received: self.received.nanoseconds(),
            newest: self.newest,
            plain: signed(self.plain as u64),
            hash: self.hash,
            keys: Cow::Borrowed(&self.keys),
            body: Cow::Borrowed(&self.body),
        }
    }
}

/// A row's columns, as both databases have them: numbers and lengths, nanoseconds of Unix time, bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk<'b> {
    /// The first event.
    pub first: i64,
    /// How many there are.
    pub events: i64,
    /// When they were received.
    pub received: i64,
    /// The latest time of them.
    pub newest: i64,
    /// How long the body is when it is not compressed.
    pub plain: i64,
    /// The hash of all else.
    pub hash: [u8; 32],
    /// The hashes of keys and contents.
    pub keys: Cow<'b, [u8]>,
    /// All else that is known of the events, compressed.
    pub body: Cow<'b, [u8]>,
}

impl From<StoredChunk<'_>> for Chunk {
    fn from(stored: StoredChunk<'_>) -> Chunk {
        let length = |number: i64| usize::try_from(number).unwrap_or(0);
        Chunk {
            first: Position(unsigned(stored.first)),
            events: length(stored.events),
            // An instant that no log writes has no right hash either.
            received: Moment::from_nanoseconds(stored.received).unwrap_or(Moment::FIRST),
            newest: stored.newest,
            plain: length(stored.plain),
            hash: stored.hash,
            keys: stored.keys.into_owned(),
            body: stored.body.into_owned(),
        }
    }
}

/// What a row's body says, one column after the other.
struct Columns<'p> {
    resources: &'p [[u8; RESOURCE_BYTES]],
    times: &'p [[u8; TIME_BYTES]],
    /// Where lines end.
    ends: &'p [[u8; END_BYTES]],
    lines: &'p [u8],
}

/// A row whose events can be read.
#[derive(Debug)]
pub struct Opened<'c> {
    chunk: &'c Chunk,
    plain: Vec<u8>,
}

impl Opened<'_> {
    /// Its events.
    pub fn events(&self) -> impl Iterator<Item = LoggedEvent<'_>> {
        let Columns { resources, times, ends, lines } = self.columns();
        let mut start = 0;
        let columns = resources.iter().zip(times).zip(ends).zip(self.chunk.keys());
        let positions = (self.chunk.first.0..).map(Position);
        columns.zip(positions).map(move |((((resource, time), end), (key, content)), position)| {
            let end = u32::from_be_bytes(*end) as usize;
            let line = lines.get(start..end).unwrap_or_default();
            start = end;
            LoggedEvent {
                position,
                received: self.chunk.received,
                key,
                content,
                resource: u128::from_be_bytes(*resource),
                time: i64::from_be_bytes(*time),
                line,
            }
        })
    }

    /// The resources of its events.
    pub fn resources(&self) -> impl Iterator<Item = u128> {
        self.columns().resources.iter().map(|bytes| u128::from_be_bytes(*bytes))
    }

    fn columns(&self) -> Columns<'_> {
        let events = self.chunk.events;
        let (resources, rest) = split(&self.plain, events * RESOURCE_BYTES);
        let (times, rest) = split(rest, events * TIME_BYTES);
        let (ends, lines) = split(rest, events * END_BYTES);
        let (resources, times, ends) = (resources.as_chunks().0, times.as_chunks().0, ends.as_chunks().0);
        Columns { resources, times, ends, lines }
    }

    fn is_sound(&self) -> bool {
        let Columns { times, ends, lines, .. } = self.columns();
        let ends = || ends.iter().map(|end| u32::from_be_bytes(*end) as usize);
        let newest = times.iter().map(|time| i64::from_be_bytes(*time)).max();
        ends().is_sorted() && ends().next_back() == Some(lines.len()) && newest == Some(self.chunk.newest)
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at(at.min(bytes.len()))
}

fn key_of(bytes: &[u8; KEY_BYTES]) -> (u128, u64) {
    let (mut key, mut content) = ([0; 16], [0; 8]);
    key.copy_from_slice(&bytes[..16]);
    content.copy_from_slice(&bytes[16..]);
    (u128::from_be_bytes(key), u64::from_be_bytes(content))
}

/// The filter of a row with these resources.
pub fn filter_of(resources: impl Iterator<Item = u128>) -> IdFilter {
    let mut resources: Vec<u128> = resources.collect();
    resources.sort_unstable();
    resources.dedup();
    IdFilter::of(resources.into_iter())
}
