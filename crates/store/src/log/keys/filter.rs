//! A Bloom filter over keys: says "not here" for nearly all keys that are not in a run, with one look into memory.
//!
//! A key sets one bit in each of the eight words of one block. Keys are keyed hashes already, so their own bits tell the
//! block and the places. It decides nothing: what it lets through is looked up.

use crate::ledger::id_hash::halves;

/// Words of a block, and bits that a key sets.
const WORDS: usize = 8;
/// Bytes of a block.
pub const BLOCK_BYTES: usize = WORDS * 4;
/// Bits for each key: of a thousand keys that are not there some six are looked up in vain.
const BITS_PER_KEY: usize = 12;

/// A filter over the keys of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFilter {
    blocks: Vec<[u32; WORDS]>,
}

impl KeyFilter {
    /// One for so many keys, with none in it.
    pub fn for_keys(keys: usize) -> KeyFilter {
        let blocks = (keys * BITS_PER_KEY).div_ceil(BLOCK_BYTES * 8).max(1);
        KeyFilter { blocks: vec![[0; WORDS]; blocks] }
    }

    /// The filter as it was stored; `None` where there are no bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<KeyFilter> {
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        let block = |bytes: &[u8; BLOCK_BYTES]| {
            let (words, _) = bytes.as_chunks::<4>();
            let mut block = [0; WORDS];
            block.iter_mut().zip(words).for_each(|(word, bytes)| *word = u32::from_be_bytes(*bytes));
            block
        };
        let is_one = !blocks.is_empty() && rest.is_empty();
        is_one.then(|| KeyFilter { blocks: blocks.iter().map(block).collect() })
    }

    /// What is stored.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_be_bytes())
    }

    /// Adds a key.
    pub fn add(&mut self, key: u128) {
        let (place, bits) = self.place(key);
        if let Some(block) = self.blocks.get_mut(place) {
            block.iter_mut().zip(bits).for_each(|(word, bit)| *word |= bit);
        }
    }

    /// Whether the key may be in the run; never false where it is.
    pub fn may_hold(&self, key: u128) -> bool {
        let (place, bits) = self.place(key);
        let Some(block) = self.blocks.get(place) else { return false };
        // Without a branch for each word: several keys wait for memory together.
        block.iter().zip(bits).fold(0, |missing, (word, bit)| missing | (!word & bit)) == 0
    }

    /// What it takes in memory, in bytes.
    pub fn memory(&self) -> usize {
        self.blocks.len() * BLOCK_BYTES
    }

    /// The block of a key, and its bit in each word.
    fn place(&self, key: u128) -> (usize, [u32; WORDS]) {
        let (high, low) = halves(key);
        let place = (u128::from(high) * self.blocks.len() as u128) >> 64;
        let mut bits = [0; WORDS];
        bits.iter_mut().zip(0_u32..).for_each(|(bit, number)| *bit = 1 << ((low >> (5 * number)) & 31));
        (usize::try_from(place).unwrap_or(0), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> u128 {
        let bytes = blake3::hash(&number.to_be_bytes());
        u128::from_be_bytes(bytes.as_bytes()[..16].try_into().unwrap())
    }

    #[test]
    fn a_filter_lets_through_what_it_was_given_and_little_else_also_when_stored() {
        let mut filter = KeyFilter::for_keys(100_000);
        (0..100_000).for_each(|number| filter.add(key(number)));
        assert!(filter.memory() <= 150_100);
        let stored = KeyFilter::from_bytes(&filter.bytes().collect::<Vec<_>>()).unwrap();
        assert_eq!(stored, filter);
        assert!((0..100_000).all(|number| stored.may_hold(key(number))));
        let in_vain = (100_000..200_000).filter(|number| stored.may_hold(key(*number))).count();
        assert!(in_vain < 1_000, "{in_vain} of 100,000");
    }

    #[test]
    fn what_is_no_filter_is_none() {
        assert_eq!(KeyFilter::from_bytes(&[]), None);
        assert_eq!(KeyFilter::from_bytes(&[0; BLOCK_BYTES + 1]), None);
    }
}
