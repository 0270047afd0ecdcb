//! A run: keys of consecutive events in their own order, in a file that is never changed.
//!
//! The file has pages of 4 KiB, each with 170 entries and a checksum, then the last part: numbers, the first key of each
//! page, and a filter. The last part stays in memory, some thirteen bits a key; its hash stands in the database, so that
//! a file is taken only where it is the one that belongs there. A page is read when the filter lets a key through.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StoreError;
use crate::sqlite::events::keys::filter::KeyFilter;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4_096;
/// Bytes of a key and the hash of a content.
const ENTRY_BYTES: usize = 24;
/// Entries of a page.
const PAGE_ENTRIES: usize = (PAGE_BYTES - 2 * NUMBER_BYTES) / ENTRY_BYTES;
/// Where a page's number stands: behind its entries.
const NUMBER_AT: usize = PAGE_ENTRIES * ENTRY_BYTES;
/// Where its checksum stands: behind all that it is about, so that this is hashed in one go.
const CHECKSUM_AT: usize = NUMBER_AT + NUMBER_BYTES;
const NUMBER_BYTES: usize = 8;
/// Bytes of a page's first key in the last part.
const FENCE_BYTES: usize = 16;
/// Bytes of the numbers in the last part.
const NUMBERS_BYTES: usize = 48;

/// A key and the hash of its content.
pub type Entry = (u128, u64);

/// What the database says of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunRow {
    /// Which file it is.
    pub number: u64,
    /// How often its keys were merged.
    pub level: u64,
    /// It has the keys of the events after this position,
    pub after: u64,
    /// up to this one.
    pub through: u64,
    /// How many keys it has.
    pub keys: u64,
    /// The latest time of its events, in nanoseconds of Unix time.
    pub newest: i64,
    /// The hash of its last part.
    pub hash: [u8; 32],
}

/// A run that can be asked.
#[derive(Debug)]
pub struct Run {
    row: RunRow,
    path: PathBuf,
    file: File,
    filter: KeyFilter,
    /// The first key of each page.
    fences: Vec<u128>,
}

/// A page that was read last, and where: most keys that are asked for one after the other lie far apart, but those of
/// an ordered list do not.
#[derive(Debug, Default)]
pub struct Page {
    of: Option<(u64, usize)>,
    bytes: Vec<u8>,
}

impl Run {
    /// The path of a run in its folder.
    pub fn path_of(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{number:08}.run"))
    }

    /// Opens the run of a row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the file is another one; [`StoreError::Io`] where it can not be read.
    pub fn open(folder: &Path, row: RunRow) -> Result<Run, StoreError> {
        let path = Run::path_of(folder, row.number);
        let failed = |error| StoreError::io("read", &path, error);
        let mut file = File::open(&path).map_err(failed)?;
        let keys = usize::try_from(row.keys).unwrap_or(usize::MAX);
        let pages = keys.div_ceil(PAGE_ENTRIES);
        file.seek(SeekFrom::Start((pages as u64).saturating_mul(PAGE_BYTES as u64))).map_err(failed)?;
        let mut last = Vec::new();
        file.read_to_end(&mut last).map_err(failed)?;
        let fences_end = NUMBERS_BYTES + pages.saturating_mul(FENCE_BYTES);
        let parts = last.get(..fences_end).zip(last.get(fences_end..));
        let broken = || StoreError::Corrupt(format!("{} is not the run that belongs there", path.display()));
        let (start, filter) = parts.ok_or_else(broken)?;
        let is_its_own =
            *blake3::hash(&last).as_bytes() == row.hash && start[..NUMBERS_BYTES] == row.numbers();
        let filter = KeyFilter::from_bytes(filter).filter(|_| is_its_own).ok_or_else(broken)?;
        let (fences, _) = start[NUMBERS_BYTES..].as_chunks::<FENCE_BYTES>();
        let fences = fences.iter().map(|bytes| u128::from_be_bytes(*bytes)).collect();
        Ok(Run { row, path, file, filter, fences })
    }

    /// What the database says of it.
    pub fn row(&self) -> &RunRow {
        &self.row
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the key may be here; never false where it is.
    pub fn may_hold(&self, key: u128) -> bool {
        self.filter.may_hold(key)
    }

    /// What it takes in memory, in bytes.
    pub fn memory(&self) -> usize {
        self.filter.memory() + self.fences.len() * FENCE_BYTES
    }

    /// The hash of the key's content, if the key is here. One caller at a time: the file has one place to read at.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Io`].
    pub fn find(&self, key: u128, page: &mut Page) -> Result<Option<u64>, StoreError> {
        let after = self.fences.partition_point(|first| *first <= key);
        let Some(number) = after.checked_sub(1) else { return Ok(None) };
        if page.of != Some((self.row.number, number)) {
            page.of = None;
            page.bytes.resize(PAGE_BYTES, 0);
            let mut file = &self.file;
            let place = number as u64 * PAGE_BYTES as u64;
            file.seek(SeekFrom::Start(place))
                .and_then(|_| file.read_exact(&mut page.bytes))
                .map_err(|error| StoreError::io("read", &self.path, error))?;
            self.check(number, &page.bytes)?;
            page.of = Some((self.row.number, number));
        }
        let entries = self.entries_of(number, &page.bytes);
        let found = entries.binary_search_by_key(&key, |bytes| entry(bytes).0);
        Ok(found.ok().map(|place| entry(&entries[place]).1))
    }

    fn entries_of<'p>(&self, page: usize, bytes: &'p [u8]) -> &'p [[u8; ENTRY_BYTES]] {
        let keys = usize::try_from(self.row.keys).unwrap_or(usize::MAX);
        let count = keys.saturating_sub(page * PAGE_ENTRIES).min(PAGE_ENTRIES);
        let (entries, _) = bytes.as_chunks();
        &entries[..count.min(entries.len())]
    }

    fn check(&self, page: usize, bytes: &[u8]) -> Result<(), StoreError> {
        let (told, rest) = bytes.split_at(CHECKSUM_AT.min(bytes.len()));
        if told.ends_with(&(page as u64).to_be_bytes()) && rest.starts_with(&checksum(told)) {
            return Ok(());
        }
        let path = self.path.display();
        Err(StoreError::Corrupt(format!(
            "page {page} of {path} is not what was written: remove that file, and opening the log makes it anew"
        )))
    }
}

impl RunRow {
    fn numbers(&self) -> [u8; NUMBERS_BYTES] {
        let mut numbers = [0; NUMBERS_BYTES];
        let RunRow { number, level, after, through, keys, newest, hash: _ } = self;
        let words = [number, level, after, through, keys].map(|number| number.to_be_bytes());
        let (places, _) = numbers.as_chunks_mut::<8>();
        places.iter_mut().zip(words.iter().chain([&newest.to_be_bytes()])).for_each(|(to, from)| *to = *from);
        numbers
    }
}

fn checksum(told: &[u8]) -> [u8; NUMBER_BYTES] {
    let mut checksum = [0; NUMBER_BYTES];
    checksum.copy_from_slice(&blake3::hash(told).as_bytes()[..NUMBER_BYTES]);
    checksum
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> Entry {
    let (mut key, mut content) = ([0; 16], [0; 8]);
    key.copy_from_slice(&bytes[..16]);
    content.copy_from_slice(&bytes[16..]);
    (u128::from_be_bytes(key), u64::from_be_bytes(content))
}

/// Writes a run.
#[derive(Debug)]
pub struct RunWriter {
    row: RunRow,
    path: PathBuf,
    file: BufWriter<File>,
    filter: KeyFilter,
    fences: Vec<u128>,
    page: Vec<u8>,
    /// Pages written since the system was last told to write them to the disk.
    waiting: usize,
}

/// So many pages are written to the disk together, 4 MB: a sync of other files does not have to wait for more.
const PAGES_TO_SYNC: usize = 1_024;

impl RunWriter {
    /// Begins a file for at most so many keys. `row` says what it is; its keys and hash are found out.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Full`].
    pub fn new(folder: &Path, row: RunRow, keys: usize) -> Result<RunWriter, StoreError> {
        let path = Run::path_of(folder, row.number);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = BufWriter::new(file.map_err(|error| StoreError::io("make", &path, error))?);
        Ok(RunWriter {
            row: RunRow { keys: 0, ..row },
            path,
            file,
            filter: KeyFilter::for_keys(keys),
            fences: Vec::with_capacity(keys.div_ceil(PAGE_ENTRIES)),
            page: Vec::with_capacity(PAGE_BYTES),
            waiting: 0,
        })
    }

    /// Writes an entry, whose key is greater than all before it.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Full`].
    pub fn push(&mut self, (key, content): Entry) -> Result<(), StoreError> {
        if self.page.is_empty() {
            self.fences.push(key);
        }
        self.filter.add(key);
        self.page.extend(key.to_be_bytes());
        self.page.extend(content.to_be_bytes());
        self.row.keys += 1;
        if self.page.len() == NUMBER_AT { self.write_page() } else { Ok(()) }
    }

    fn write_page(&mut self) -> Result<(), StoreError> {
        self.page.resize(NUMBER_AT, 0);
        self.page.extend((self.fences.len() as u64 - 1).to_be_bytes());
        self.page.extend(checksum(&self.page));
        let mut written = self.file.write_all(&self.page);
        self.page.clear();
        self.waiting += 1;
        if self.waiting >= PAGES_TO_SYNC {
            self.waiting = 0;
            written = written.and_then(|()| self.sync());
        }
        written.map_err(|error| StoreError::io("write", &self.path, error))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }

    /// Ends the file; it is on the disk when this returns, though its name need not be.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Full`].
    pub fn finish(mut self, folder: &Path) -> Result<Run, StoreError> {
        if !self.page.is_empty() {
            self.write_page()?;
        }
        let mut last =
            Vec::with_capacity(NUMBERS_BYTES + self.fences.len() * FENCE_BYTES + self.filter.memory());
        last.extend(self.row.numbers());
        last.extend(self.fences.iter().flat_map(|fence| fence.to_be_bytes()));
        last.extend(self.filter.bytes());
        self.row.hash = *blake3::hash(&last).as_bytes();
        let written = self.file.write_all(&last).and_then(|()| self.file.flush());
        let written = written.and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| StoreError::io("write", &self.path, error))?;
        Run::open(folder, self.row)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Pages that a reader reads at once.
const PAGES_ABREAST: usize = 64;

/// Reads a run from its beginning to its end, with a handle of its own.
#[derive(Debug)]
pub struct RunReader {
    run: Arc<Run>,
    file: File,
    /// The number of the next page to be read.
    next: usize,
    /// The pages that were read last, and the first of them.
    pages: Vec<u8>,
    first: usize,
    /// The number of the next entry in the run.
    at: usize,
}

impl RunReader {
    /// At its first entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Io`].
    pub fn new(run: Arc<Run>) -> Result<RunReader, StoreError> {
        let file = File::open(&run.path).map_err(|error| StoreError::io("read", &run.path, error))?;
        let mut reader = RunReader { run, file, next: 0, pages: Vec::new(), first: 0, at: 0 };
        reader.fill()?;
        Ok(reader)
    }

    /// The next entry. `None` at the end.
    pub fn head(&self) -> Option<Entry> {
        let (page, place) = (self.at / PAGE_ENTRIES, self.at % PAGE_ENTRIES);
        if self.at as u64 >= self.run.row.keys {
            return None;
        }
        let start = page.checked_sub(self.first)? * PAGE_BYTES + place * ENTRY_BYTES;
        self.pages.get(start..)?.first_chunk().map(entry)
    }

    /// Goes to the entry behind it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Io`].
    pub fn advance(&mut self) -> Result<(), StoreError> {
        self.at += 1;
        if self.at / PAGE_ENTRIES >= self.next { self.fill() } else { Ok(()) }
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        let count = (self.run.fences.len() - self.next).min(PAGES_ABREAST);
        self.pages.resize(count * PAGE_BYTES, 0);
        let read = self.file.read_exact(&mut self.pages);
        read.map_err(|error| StoreError::io("read", &self.run.path, error))?;
        for (page, bytes) in (self.next..).zip(self.pages.chunks(PAGE_BYTES)) {
            self.run.check(page, bytes)?;
        }
        self.first = self.next;
        self.next += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64) -> RunRow {
        RunRow { number, level: 0, after: 0, through: 9, keys: 0, newest: 7, hash: [0; 32] }
    }

    fn key(number: u64) -> u128 {
        u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << (number % 3 * 30)
    }

    fn written(folder: &Path, keys: u64) -> (Vec<Entry>, Run) {
        let mut entries: Vec<Entry> = (0..keys).map(|number| (key(number), number)).collect();
        entries.sort_unstable();
        let mut writer = RunWriter::new(folder, row(3), entries.len()).unwrap();
        entries.iter().for_each(|entry| writer.push(*entry).unwrap());
        (entries, writer.finish(folder).unwrap())
    }

    #[test]
    fn every_key_of_a_run_is_found_and_no_other_also_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        for keys in [1, 170, 171, 20_000] {
            let (entries, run) = written(folder.path(), keys);
            assert_eq!(run.row().keys, keys);
            let again = Run::open(folder.path(), *run.row()).unwrap();
            let mut page = Page::default();
            for (key, content) in &entries {
                assert!(again.may_hold(*key));
                assert_eq!(again.find(*key, &mut page), Ok(Some(*content)));
            }
            for number in keys..keys + 1_000 {
                assert_eq!(again.find(key(number), &mut page), Ok(None));
            }
            let mut reader = RunReader::new(Arc::new(again)).unwrap();
            for entry in entries {
                assert_eq!(reader.head(), Some(entry));
                reader.advance().unwrap();
            }
            assert_eq!(reader.head(), None);
        }
    }

    #[test]
    fn a_page_that_was_changed_is_told_with_the_remedy_and_no_other_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (entries, run) = written(folder.path(), 1_000);
        let mut bytes = std::fs::read(run.path()).unwrap();
        bytes[PAGE_BYTES * 2 + 17] ^= 1;
        std::fs::write(run.path(), bytes).unwrap();
        let (run, mut page) = (Run::open(folder.path(), *run.row()).unwrap(), Page::default());
        for (place, (key, content)) in entries.iter().enumerate() {
            match run.find(*key, &mut page) {
                Err(StoreError::Corrupt(reason)) => {
                    assert_eq!(place / PAGE_ENTRIES, 2);
                    assert!(
                        reason.ends_with("remove that file, and opening the log makes it anew"),
                        "{reason}"
                    );
                }
                found => assert_eq!(found, Ok(Some(*content))),
            }
        }
    }

    #[test]
    fn a_file_of_another_run_or_with_another_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (_, run) = written(folder.path(), 1_000);
        let other = RunRow { through: 10, ..*run.row() };
        assert!(matches!(Run::open(folder.path(), other), Err(StoreError::Corrupt(_))));
        let bytes = std::fs::read(run.path()).unwrap();
        std::fs::write(run.path(), &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(Run::open(folder.path(), *run.row()), Err(StoreError::Corrupt(_))));
    }
}
