//! A run: keys of consecutive events in their own order, which is never changed.
//!
//! A run has pages of 4 KiB, each with 170 entries and a checksum, then the last part: numbers, the first key of each
//! page, and a filter. The last part stays in memory, some thirteen bits a key; its hash stands in the list of runs, so
//! that a run is taken only where it is the one that belongs there. A page is read when the filter lets a key through.

use std::sync::Arc;

use crate::error::StoreError;
use crate::log::keys::filter::KeyFilter;
use crate::log::keys::shelf::{NewRun, PageOf, Shelf};

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

/// What the list says of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunRow {
    /// Which one it is.
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
    filter: KeyFilter,
    /// The first key of each page.
    fences: Vec<u128>,
}

impl Run {
    /// Opens the run of a row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is another one; others where it can not be read.
    pub fn open(shelf: &dyn Shelf, row: RunRow) -> Result<Run, StoreError> {
        let keys = usize::try_from(row.keys).unwrap_or(usize::MAX);
        let pages = keys.div_ceil(PAGE_ENTRIES);
        let last = shelf.last_part(row.number, pages)?;
        let fences_end = NUMBERS_BYTES + pages.saturating_mul(FENCE_BYTES);
        let parts = last.get(..fences_end).zip(last.get(fences_end..));
        let broken = || {
            StoreError::Corrupt(format!("{} is not the run that belongs there", shelf.name_of(row.number)))
        };
        let (start, filter) = parts.ok_or_else(broken)?;
        let is_its_own =
            *blake3::hash(&last).as_bytes() == row.hash && start[..NUMBERS_BYTES] == row.numbers();
        let filter = KeyFilter::from_bytes(filter).filter(|_| is_its_own).ok_or_else(broken)?;
        let (fences, _) = start[NUMBERS_BYTES..].as_chunks::<FENCE_BYTES>();
        let fences = fences.iter().map(|bytes| u128::from_be_bytes(*bytes)).collect();
        Ok(Run { row, filter, fences })
    }

    /// What the list says of it.
    pub fn row(&self) -> &RunRow {
        &self.row
    }

    /// Whether the key may be here; never false where it is.
    pub fn may_hold(&self, key: u128) -> bool {
        self.filter.may_hold(key)
    }

    /// What it takes in memory, in bytes.
    pub fn memory(&self) -> usize {
        self.filter.memory() + self.fences.len() * FENCE_BYTES
    }

    /// The page in which the key stands, if the key is here.
    pub fn page_of(&self, key: u128) -> Option<usize> {
        self.fences.partition_point(|first| *first <= key).checked_sub(1)
    }

    /// The hash of the key's content, if the key is in that page, whose bytes were [checked](Run::check).
    pub fn find_in(&self, page: usize, bytes: &[u8], key: u128) -> Option<u64> {
        let entries = self.entries_of(page, bytes);
        let found = entries.binary_search_by_key(&key, |bytes| entry(bytes).0);
        found.ok().map(|place| entry(&entries[place]).1)
    }

    fn entries_of<'p>(&self, page: usize, bytes: &'p [u8]) -> &'p [[u8; ENTRY_BYTES]] {
        let keys = usize::try_from(self.row.keys).unwrap_or(usize::MAX);
        let count = keys.saturating_sub(page * PAGE_ENTRIES).min(PAGE_ENTRIES);
        let (entries, _) = bytes.as_chunks();
        &entries[..count.min(entries.len())]
    }

    /// Fails where the bytes of a page are not what was written.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn check(&self, page: usize, bytes: &[u8], shelf: &dyn Shelf) -> Result<(), StoreError> {
        let (told, rest) = bytes.split_at(CHECKSUM_AT.min(bytes.len()));
        if told.ends_with(&(page as u64).to_be_bytes()) && rest.starts_with(&checksum(told)) {
            return Ok(());
        }
        let name = shelf.name_of(self.row.number);
        let remedy = shelf.remedy();
        Err(StoreError::Corrupt(format!("page {page} of {name} is not what was written: {remedy}")))
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

/// Pages that are looked at together: 4 MB.
const PAGES_TOGETHER: usize = 1_024;

/// A key that a page must be asked for.
struct Wanted {
    /// The run's place in the list.
    run: usize,
    page: usize,
    /// The key's place in what is asked.
    place: usize,
}

/// What of the keys is known with what content in runs, the oldest of which is the first. What is found already stays.
///
/// # Errors
/// [`StoreError`] where a run can not be read.
pub fn find(
    runs: &[Arc<Run>],
    shelf: &dyn Shelf,
    keys: &[u128],
    found: &mut [Option<u64>],
) -> Result<(), StoreError> {
    let mut wanted = Vec::new();
    for (run, asked) in runs.iter().enumerate().rev() {
        // All keys pass one filter after the other, and wait for memory together.
        let maybe: Vec<_> = (0..keys.len()).filter(|place| asked.may_hold(keys[*place])).collect();
        let from = wanted.len();
        let open = maybe.into_iter().filter(|place| found[*place].is_none());
        wanted
            .extend(open.filter_map(|place| Some(Wanted { run, page: asked.page_of(keys[place])?, place })));
        wanted[from..].sort_unstable_by_key(|wanted| wanted.page);
    }
    for wanted in wanted.chunks(PAGES_TOGETHER) {
        let open: Vec<_> = wanted.iter().filter(|wanted| found[wanted.place].is_none()).collect();
        let groups: Vec<_> =
            open.chunk_by(|one, next| (one.run, one.page) == (next.run, next.page)).collect();
        let page_of = |group: &&[&Wanted]| PageOf { run: runs[group[0].run].row.number, page: group[0].page };
        let pages = shelf.scattered(&groups.iter().map(page_of).collect::<Vec<_>>())?;
        for (group, bytes) in groups.into_iter().zip(pages) {
            let (run, page) = (&runs[group[0].run], group[0].page);
            run.check(page, &bytes, shelf)?;
            for wanted in group {
                let known = &mut found[wanted.place];
                // Newer runs come first, and what they say counts.
                *known = known.or_else(|| run.find_in(page, &bytes, keys[wanted.place]));
            }
        }
    }
    Ok(())
}

/// Writes a run.
#[derive(Debug)]
pub struct RunWriter {
    row: RunRow,
    new: Box<dyn NewRun>,
    filter: KeyFilter,
    fences: Vec<u128>,
    page: Vec<u8>,
}

impl RunWriter {
    /// Begins a run of at most so many keys. `row` says what it is; its keys and hash are found out.
    ///
    /// # Errors
    /// [`StoreError`] where there is no room for it.
    pub fn new(shelf: &dyn Shelf, row: RunRow, keys: usize) -> Result<RunWriter, StoreError> {
        Ok(RunWriter {
            row: RunRow { keys: 0, ..row },
            new: shelf.begin(row.number)?,
            filter: KeyFilter::for_keys(keys),
            fences: Vec::with_capacity(keys.div_ceil(PAGE_ENTRIES)),
            page: Vec::with_capacity(PAGE_BYTES),
        })
    }

    /// Writes an entry, whose key is greater than all before it.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written.
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
        let written = self.new.page(&self.page);
        self.page.clear();
        written
    }

    /// Ends the run; it survives whatever lists it when this returns.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be written.
    pub fn finish(mut self, shelf: &dyn Shelf) -> Result<Run, StoreError> {
        if !self.page.is_empty() {
            self.write_page()?;
        }
        let mut last =
            Vec::with_capacity(NUMBERS_BYTES + self.fences.len() * FENCE_BYTES + self.filter.memory());
        last.extend(self.row.numbers());
        last.extend(self.fences.iter().flat_map(|fence| fence.to_be_bytes()));
        last.extend(self.filter.bytes());
        self.row.hash = *blake3::hash(&last).as_bytes();
        self.new.finish(&last)?;
        Run::open(shelf, self.row)
    }

    /// Which run it is.
    pub fn number(&self) -> u64 {
        self.row.number
    }
}

/// Pages that a reader reads at once.
const PAGES_ABREAST: usize = 64;

/// Reads a run from its beginning to its end.
#[derive(Debug)]
pub struct RunReader {
    run: Arc<Run>,
    shelf: Arc<dyn Shelf>,
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
    /// [`StoreError`] where it can not be read.
    pub fn new(run: Arc<Run>, shelf: Arc<dyn Shelf>) -> Result<RunReader, StoreError> {
        let mut reader = RunReader { run, shelf, next: 0, pages: Vec::new(), first: 0, at: 0 };
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
    /// [`StoreError`] where it can not be read.
    pub fn advance(&mut self) -> Result<(), StoreError> {
        self.at += 1;
        if self.at / PAGE_ENTRIES >= self.next { self.fill() } else { Ok(()) }
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        let count = (self.run.fences.len() - self.next).min(PAGES_ABREAST);
        if count > 0 {
            self.pages = self.shelf.pages(self.run.row.number, self.next, count)?;
        }
        for (page, bytes) in (self.next..).zip(self.pages.chunks(PAGE_BYTES)).take(count) {
            self.run.check(page, bytes, &*self.shelf)?;
        }
        self.first = self.next;
        self.next += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::events::files::Files;

    fn row(number: u64) -> RunRow {
        RunRow { number, level: 0, after: 0, through: 9, keys: 0, newest: 7, hash: [0; 32] }
    }

    fn key(number: u64) -> u128 {
        u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << (number % 3 * 30)
    }

    fn written(shelf: &Files, keys: u64) -> (Vec<Entry>, Run) {
        let mut entries: Vec<Entry> = (0..keys).map(|number| (key(number), number)).collect();
        entries.sort_unstable();
        let mut writer = RunWriter::new(shelf, row(3), entries.len()).unwrap();
        entries.iter().for_each(|entry| writer.push(*entry).unwrap());
        (entries, writer.finish(shelf).unwrap())
    }

    fn find_in(run: &Arc<Run>, shelf: &Files, keys: &[u128]) -> Result<Vec<Option<u64>>, StoreError> {
        let mut found = vec![None; keys.len()];
        find(std::slice::from_ref(run), shelf, keys, &mut found).map(|()| found)
    }

    #[test]
    fn every_key_of_a_run_is_found_and_no_other_also_when_it_is_opened_again() {
        for keys in [1, 170, 171, 20_000] {
            let folder = tempfile::tempdir().unwrap();
            let shelf = Files::of(folder.path());
            let (entries, run) = written(&shelf, keys);
            assert_eq!(run.row().keys, keys);
            let shelf = Files::of(folder.path());
            let again = Arc::new(Run::open(&shelf, *run.row()).unwrap());
            let asked: Vec<u128> = entries.iter().rev().map(|(key, _)| *key).collect();
            assert!(asked.iter().all(|key| again.may_hold(*key)));
            let contents: Vec<_> = entries.iter().rev().map(|(_, content)| Some(*content)).collect();
            assert_eq!(find_in(&again, &shelf, &asked), Ok(contents));
            let others: Vec<u128> = (keys..keys + 1_000).map(key).collect();
            assert_eq!(find_in(&again, &shelf, &others), Ok(vec![None; 1_000]));
            let mut reader = RunReader::new(again, Arc::new(shelf)).unwrap();
            for entry in entries {
                assert_eq!(reader.head(), Some(entry));
                reader.advance().unwrap();
            }
            assert_eq!(reader.head(), None);
        }
    }

    #[test]
    fn of_two_runs_with_a_key_the_newer_counts() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Files::of(folder.path());
        let run = |number: u64, keys: std::ops::Range<u64>| {
            let mut entries: Vec<Entry> = keys.map(|place| (key(place), number)).collect();
            entries.sort_unstable();
            let mut writer = RunWriter::new(&shelf, row(number), entries.len()).unwrap();
            entries.iter().for_each(|entry| writer.push(*entry).unwrap());
            Arc::new(writer.finish(&shelf).unwrap())
        };
        let runs = [run(1, 0..3_000), run(2, 1_000..2_000)];
        let keys: Vec<u128> = (0..3_000).map(key).collect();
        let mut found = vec![None; 3_000];
        found[1_500] = Some(9);
        find(&runs, &shelf, &keys, &mut found).unwrap();
        let expected = |place| match place {
            1_500 => 9,
            1_000..2_000 => 2,
            _ => 1,
        };
        assert!(found.iter().enumerate().all(|(place, found)| *found == Some(expected(place))));
    }

    #[test]
    fn a_page_that_was_changed_is_told_with_the_remedy_and_no_other_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Files::of(folder.path());
        let (entries, run) = written(&shelf, 1_000);
        let mut bytes = std::fs::read(shelf.path_of(3)).unwrap();
        bytes[PAGE_BYTES * 2 + 17] ^= 1;
        std::fs::write(shelf.path_of(3), bytes).unwrap();
        let shelf = Files::of(folder.path());
        let run = Arc::new(Run::open(&shelf, *run.row()).unwrap());
        for (place, (key, content)) in entries.iter().enumerate() {
            match find_in(&run, &shelf, &[*key]) {
                Err(StoreError::Corrupt(reason)) => {
                    assert_eq!(place / PAGE_ENTRIES, 2);
                    assert!(
                        reason.ends_with("remove that file, and opening the log makes it anew"),
                        "{reason}"
                    );
                }
                found => assert_eq!(found, Ok(vec![Some(*content)])),
            }
        }
    }

    #[test]
    fn a_file_of_another_run_or_with_another_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Files::of(folder.path());
        let (_, run) = written(&shelf, 1_000);
        let other = RunRow { through: 10, ..*run.row() };
        assert!(matches!(Run::open(&shelf, other), Err(StoreError::Corrupt(_))));
        let bytes = std::fs::read(shelf.path_of(3)).unwrap();
        std::fs::write(shelf.path_of(3), &bytes[..bytes.len() - 1]).unwrap();
        let again = Files::of(folder.path());
        assert!(matches!(Run::open(&again, *run.row()), Err(StoreError::Corrupt(_))));
    }
}
