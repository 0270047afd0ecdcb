//! Runs: keys of accepted events that no longer fit memory, sorted, each run in a scratch of its own.
//!
//! In memory stay, of each run, a Bloom filter and the first word of each page: some eleven bits a key. A key that was
//! accepted is found in one page of one run; of the others, the filters of two runs in a hundred say "maybe" in vain.

use crate::keys::{Keys, key_of, last_word, order};
use crate::scratch::{ScratchError, Scratches, Written};

/// Words of a page: 4 KiB.
const PAGE: usize = 256;
/// Bytes of a word.
const WORD: usize = size_of::<u128>();
/// Words that are written at a time, and read at a time when runs are merged.
const ABREAST: usize = 64 * PAGE;
/// So many runs of one level become one of the next: a key is written again once for each level, and the runs that must
/// be asked are fewer than this on each.
const MERGED: usize = 4;

/// All runs of a rater. Later ones stand behind earlier ones, and their levels never rise.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
}

impl Runs {
    /// Writes all keys that are in memory as a run, and forgets them there.
    pub(crate) fn seal(&mut self, keys: &mut Keys, scratches: &dyn Scratches) -> Result<(), ScratchError> {
        let mut new = Writer::new(keys.len(), scratches)?;
        keys.forget(|words| words.iter().try_for_each(|word| new.push(*word)))?;
        self.runs.push(new.finish(0)?);
        while let Some(level) = self.crowded() {
            let first = self.runs.len() - MERGED;
            let merged = merge(self.runs.split_off(first), level + 1, scratches)?;
            self.runs.push(merged);
        }
        Ok(())
    }

    /// The level of the last runs, if there are enough of it to be merged.
    fn crowded(&self) -> Option<u32> {
        let last = self.runs.get(self.runs.len().checked_sub(MERGED)?..)?;
        let level = last.first()?.level;
        last.iter().all(|run| run.level == level).then_some(level)
    }

    /// Brings back to memory those of the keys that are in a run.
    pub(crate) fn recall(&self, wanted: &[u128], keys: &mut Keys) -> Result<(), ScratchError> {
        let mut page = Vec::new();
        for run in &self.runs {
            for key in wanted {
                // A key that two runs hold, or the batch twice, is in memory the second time.
                if run.filter.may_hold(*key) && !keys.holds(*key) {
                    run.find(*key, &mut page)?.into_iter().for_each(|word| keys.recall(word));
                }
            }
        }
        Ok(())
    }

    /// What they take in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.filter.bytes() + run.firsts.len() * WORD).sum()
    }
}

/// Sorted words in a scratch.
#[derive(Debug)]
struct Run {
    /// How often its words were merged.
    level: u32,
    filter: Filter,
    /// The first word of each page.
    firsts: Vec<u128>,
    words: usize,
    written: Written,
}

impl Run {
    /// What is kept of a key, if it is here; `page` is room to read into.
    fn find(&self, key: u128, page: &mut Vec<u8>) -> Result<Option<u128>, ScratchError> {
        let last = last_word(key);
        let after = self.firsts.partition_point(|first| order(*first) <= order(last));
        let Some(number) = after.checked_sub(1) else { return Ok(None) };
        self.read(number * PAGE, PAGE, page)?;
        // Within a page the tables follow each other too.
        let (words, _) = page.as_chunks::<WORD>();
        let word = |at: usize| words.get(at).map(|word| u128::from_le_bytes(*word));
        let after = words.partition_point(|word| order(u128::from_le_bytes(*word)) <= order(last));
        Ok(after.checked_sub(1).and_then(word).filter(|word| key_of(*word) == key_of(last)))
    }

    /// Reads up to so many words into bytes; fewer only at the end.
    fn read(&self, from: usize, count: usize, into: &mut Vec<u8>) -> Result<(), ScratchError> {
        into.resize(count.min(self.words - from) * WORD, 0);
        self.written.read_at((from * WORD) as u64, into)
    }
}

/// A run that is written.
#[derive(Debug)]
struct Writer {
    run: Run,
    waiting: Vec<u8>,
}

impl Writer {
    /// A run of at most so many words.
    fn new(words: usize, scratches: &dyn Scratches) -> Result<Writer, ScratchError> {
        let written = Written::new(scratches)?;
        let run = Run { level: 0, filter: Filter::new(words), firsts: Vec::new(), words: 0, written };
        Ok(Writer { run, waiting: Vec::with_capacity(ABREAST * WORD) })
    }

    /// Writes a word, which comes after all that were written.
    fn push(&mut self, word: u128) -> Result<(), ScratchError> {
        if self.run.words.is_multiple_of(PAGE) {
            self.run.firsts.push(word);
        }
        self.run.words += 1;
        self.run.filter.add(word);
        self.waiting.extend_from_slice(&word.to_le_bytes());
        if self.waiting.len() >= ABREAST * WORD {
            self.run.written.append(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn finish(mut self, level: u32) -> Result<Run, ScratchError> {
        self.run.written.append(&self.waiting)?;
        Ok(Run { level, ..self.run })
    }
}

/// Makes one run of several; what more than one holds is written once.
fn merge(mut runs: Vec<Run>, level: u32, scratches: &dyn Scratches) -> Result<Run, ScratchError> {
    // Nobody asks them any more: the new filter takes their place.
    runs.iter_mut().for_each(|run| run.filter = Filter::default());
    let mut new = Writer::new(runs.iter().map(|run| run.words).sum(), scratches)?;
    let mut readers = runs.iter().map(Reader::new).collect::<Result<Vec<_>, _>>()?;
    while let Some(least) = readers.iter().filter_map(Reader::head).min_by_key(|word| order(*word)) {
        new.push(least)?;
        for reader in &mut readers {
            if reader.head() == Some(least) {
                reader.advance()?;
            }
        }
    }
    new.finish(level)
}

/// Reads a run from its beginning to its end.
#[derive(Debug)]
struct Reader<'r> {
    run: &'r Run,
    /// How many words were read.
    read: usize,
    bytes: Vec<u8>,
    /// The number of the word among those that were read last.
    at: usize,
}

impl<'r> Reader<'r> {
    fn new(run: &'r Run) -> Result<Reader<'r>, ScratchError> {
        let mut reader = Reader { run, read: 0, bytes: Vec::new(), at: 0 };
        reader.fill()?;
        Ok(reader)
    }

    fn head(&self) -> Option<u128> {
        self.bytes.as_chunks::<WORD>().0.get(self.at).map(|word| u128::from_le_bytes(*word))
    }

    fn advance(&mut self) -> Result<(), ScratchError> {
        self.at += 1;
        if self.at * WORD >= self.bytes.len() { self.fill() } else { Ok(()) }
    }

    fn fill(&mut self) -> Result<(), ScratchError> {
        self.run.read(self.read, ABREAST, &mut self.bytes)?;
        self.read += self.bytes.len() / WORD;
        self.at = 0;
        Ok(())
    }
}

/// A Bloom filter of blocks that one look into memory brings near: it knows no key for new that it was given.
#[derive(Debug, Default)]
struct Filter {
    blocks: Vec<[u64; 8]>,
}

/// Bits of a filter for each key.
const KEY_BITS: usize = 10;
/// Bits that a key sets in its block: each is a number of nine bits.
const SET_BITS: u32 = 7;
const BLOCK_BITS: usize = 512;

impl Filter {
    fn new(keys: usize) -> Filter {
        Filter { blocks: vec![[0; 8]; (keys * KEY_BITS).div_ceil(BLOCK_BITS).max(1)] }
    }

    fn add(&mut self, word: u128) {
        let (number, bits) = self.place(word);
        let Some(block) = self.blocks.get_mut(number) else { return };
        for (at, bit) in bits {
            block[at] |= bit;
        }
    }

    fn may_hold(&self, key: u128) -> bool {
        let (number, mut bits) = self.place(last_word(key));
        self.blocks.get(number).is_some_and(|block| bits.all(|(at, bit)| block[at] & bit != 0))
    }

    /// The block of a word's key, and the bits in it: numbers and masks of its parts.
    fn place(&self, word: u128) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let number = ((word >> 64) * self.blocks.len() as u128) >> 64;
        // The lower half of the key, and what of the higher one does not tell the block.
        let mixed =
            (key_of(word) & u128::from(u64::MAX)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let bit = move |turn: u32| {
            let place = usize::try_from((mixed >> (64 + 9 * turn)) & 511).unwrap_or(0);
            (place / 64, 1 << (place % 64))
        };
        (usize::try_from(number).unwrap_or(0), (0..SET_BITS).map(bit))
    }

    fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK_BITS / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content;
    use crate::event::Refusal;
    use crate::keys::Accepted;
    use crate::scratch::InMemory;

    fn key(number: u64) -> u128 {
        content::of_key("s", &number.to_string())
    }

    /// Accepts a key as a rater does that has spilled.
    fn accept(runs: &Runs, keys: &mut Keys, number: u64, content: u64) -> Result<Accepted, Refusal> {
        runs.recall(&[key(number)], keys).unwrap();
        keys.accept(key(number), content)
    }

    #[test]
    fn keys_are_known_in_memory_in_runs_and_in_merged_runs() {
        let (mut runs, mut keys) = (Runs::default(), Keys::default());
        for number in 0..30_000 {
            assert_eq!(accept(&runs, &mut keys, number, number), Ok(Accepted::New));
            if number % 1_000 == 999 {
                runs.seal(&mut keys, &InMemory).unwrap();
                assert!(keys.is_empty());
            }
        }
        let levels: Vec<u32> = runs.runs.iter().map(|run| run.level).collect();
        assert_eq!(levels, [2, 1, 1, 1, 0, 0]);
        for number in (0..30_000).rev() {
            assert_eq!(accept(&runs, &mut keys, number, number), Ok(Accepted::Duplicate));
            assert_eq!(accept(&runs, &mut keys, number, number + 1), Err(Refusal::OtherContent));
        }
        assert_eq!(accept(&runs, &mut keys, 30_000, 0), Ok(Accepted::New));
    }

    #[test]
    fn a_key_that_several_runs_hold_is_merged_into_one() {
        let (mut runs, mut keys) = (Runs::default(), Keys::default());
        for _ in 0..MERGED {
            (0..3_000).for_each(|number| assert!(accept(&runs, &mut keys, number, 7).is_ok()));
            runs.seal(&mut keys, &InMemory).unwrap();
        }
        assert_eq!(runs.runs.len(), 1);
        assert_eq!(runs.runs[0].words, 3_000);
    }

    #[test]
    fn an_empty_run_holds_nothing() {
        let (mut runs, mut keys) = (Runs::default(), Keys::default());
        for _ in 0..=MERGED {
            runs.seal(&mut keys, &InMemory).unwrap();
        }
        assert_eq!(accept(&runs, &mut keys, 1, 1), Ok(Accepted::New));
    }

    #[test]
    fn a_filter_asks_in_vain_for_few_keys_and_takes_ten_bits_for_each() {
        let mut filter = Filter::new(100_000);
        (0..100_000).for_each(|number| filter.add(last_word(key(number))));
        assert!((0..100_000).all(|number| filter.may_hold(key(number))));
        let in_vain = (100_000..200_000).filter(|number| filter.may_hold(key(*number))).count();
        assert!(in_vain < 2_000, "{in_vain} of 100,000");
        assert!(filter.bytes() <= 126_000);
    }
}
