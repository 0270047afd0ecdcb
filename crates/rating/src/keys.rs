//! The keys of accepted events: what makes a second sending of an event change nothing.
//!
//! rating.md: (source, id) within a workspace is the key. An event is kept here as one 128-bit word: 96 bits of the
//! keyed hash of its key, 32 of the hash of its content. That is 16 bytes, and 20 to 24 with the free slots of the
//! table, for each event.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;

use crate::event::Refusal;

/// What became of an event that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is rated.
    New,
    /// It was accepted before; nothing changes.
    Duplicate,
}

/// A quick hasher for keys that are hashes already or numbers of ours: nobody outside can choose them to collide.
#[derive(Debug, Default, Clone)]
pub struct Quick(u64);

/// An odd number without a pattern: 2⁶⁴ / φ.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(23) ^ number).wrapping_mul(MIX);
        // The product's high bits depend on all bits; tables look at both ends.
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.cast_unsigned() as u64);
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = high_half(hash);
    }
}

/// A map with [`Quick`] hashes.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// A set with [`Quick`] hashes.
pub type QuickSet<K> = HashSet<K, BuildHasherDefault<Quick>>;

fn high_half(hash: u128) -> u64 {
    u64::try_from(hash >> 64).unwrap_or(0)
}

const CONTENT_BITS: u32 = 32;
/// An empty slot. No key is 0: see [`Known::new`].
const EMPTY: u128 = 0;

/// A key in the high 96 bits, a content in the low 32.
#[derive(Debug, Clone, Copy)]
struct Known(u128);

impl Known {
    fn new(key: u128, content: u64) -> Known {
        // A key of 0 becomes 1: one hash among 2⁹⁶ of them has a namesake.
        let key = (key >> CONTENT_BITS).max(1);
        Known(key << CONTENT_BITS | u128::from(content & u64::from(u32::MAX)))
    }

    /// The table that it belongs to, by the lowest bits of the key.
    fn shard(self) -> usize {
        usize::try_from((self.0 >> CONTENT_BITS) & 0xffff).unwrap_or(0) % SHARDS
    }

    fn has_key_of(self, other: u128) -> bool {
        self.0 >> CONTENT_BITS == other >> CONTENT_BITS
    }
}

/// What is kept of a key, but for the content.
pub(crate) fn key_of(word: u128) -> u128 {
    word >> CONTENT_BITS
}

/// What is kept of a key with the highest content: no word of that key comes later.
pub(crate) fn last_word(key: u128) -> u128 {
    Known::new(key, u64::MAX).0
}

/// The order in which words are written: that of their tables, and of their values in each.
pub(crate) fn order(word: u128) -> (usize, u128) {
    (Known(word).shard(), word)
}

/// Tables are many and small: they grow at different times, and growing one needs little memory beside all others.
const SHARDS: usize = 1_024;

/// What a key takes in memory, in bytes: three quarters of the slots are in use on average.
const KEY_BYTES: usize = 22;

/// The keys of accepted events.
#[derive(Debug)]
pub struct Keys {
    shards: Vec<Shard>,
    len: usize,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { shards: vec![Shard::default(); SHARDS], len: 0 }
    }
}

impl Keys {
    /// Accepts an event by the hashes of its key and content, or knows it.
    ///
    /// # Errors
    /// [`Refusal::OtherContent`] where the key is known with other content.
    pub fn accept(&mut self, key: u128, content: u64) -> Result<Accepted, Refusal> {
        let new = Known::new(key, content);
        match self.shards[new.shard()].insert(new) {
            None => {
                self.len += 1;
                Ok(Accepted::New)
            }
            Some(known) if known == new.0 => Ok(Accepted::Duplicate),
            Some(_) => Err(Refusal::OtherContent),
        }
    }

    /// Brings near in memory what keys will be compared with.
    pub fn look_ahead(&self, keys: impl Iterator<Item = u128>) {
        for key in keys {
            let known = Known::new(key, 0);
            let shard = &self.shards[known.shard()];
            black_box(shard.slots.get(shard.first_slot(known)));
        }
    }

    /// What is kept of each event, in no order: 96 bits of the hash of its key, and 32 of that of its content.
    pub fn words(&self) -> impl Iterator<Item = u128> {
        self.shards.iter().flat_map(|shard| &shard.slots).copied().filter(|slot| *slot != EMPTY)
    }

    /// Whether a key is known here.
    pub(crate) fn holds(&self, key: u128) -> bool {
        let known = Known::new(key, 0);
        let shard = &self.shards[known.shard()];
        shard.slot_of(known).is_some_and(|slot| shard.slots[slot] != EMPTY)
    }

    /// Knows again what was kept of a key elsewhere.
    pub(crate) fn recall(&mut self, word: u128) {
        if self.shards[Known(word).shard()].insert(Known(word)).is_none() {
            self.len += 1;
        }
    }

    /// Forgets all keys; `each` gets what was kept of them, in the order of [`order`], some at a time.
    ///
    /// # Errors
    /// What `each` answers first; the keys that it did not get are still known.
    pub(crate) fn forget<E>(&mut self, mut each: impl FnMut(&[u128]) -> Result<(), E>) -> Result<(), E> {
        for shard in &mut self.shards {
            let Shard { mut slots, len } = std::mem::take(shard);
            slots.retain(|slot| *slot != EMPTY);
            slots.sort_unstable();
            self.len -= len;
            each(&slots)?;
        }
        Ok(())
    }

    /// What the keys take in memory, in bytes, on average.
    pub(crate) fn bytes(&self) -> usize {
        self.len * KEY_BYTES
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A table with open addressing. Keys lie in the order of their values but for what gave way, so one look into memory
/// finds most, and a table grows in one walk.
#[derive(Debug, Clone, Default)]
struct Shard {
    slots: Vec<u128>,
    len: usize,
}

impl Shard {
    /// Inserts a key that is not known; answers the slot of one that is.
    fn insert(&mut self, new: Known) -> Option<u128> {
        // At most four fifths are taken: an empty slot is never far.
        if self.len * 5 >= self.slots.len() * 4 {
            self.grow();
        }
        let slot = self.slot_of(new)?;
        let found = self.slots[slot];
        if found != EMPTY {
            return Some(found);
        }
        self.slots[slot] = new.0;
        self.len += 1;
        None
    }

    /// The slot that holds the key, or the empty one where it belongs. A table has one: it is never full.
    fn slot_of(&self, new: Known) -> Option<usize> {
        let (slots, start) = (self.slots.len(), self.first_slot(new));
        let free = |slot: &usize| self.slots[*slot] == EMPTY || new.has_key_of(self.slots[*slot]);
        (start..slots).find(free).or_else(|| (0..start).find(free))
    }

    /// Where a key is looked for first: its high 64 bits, as a share of the table.
    fn first_slot(&self, known: Known) -> usize {
        usize::try_from(((known.0 >> 64) * self.slots.len() as u128) >> 64).unwrap_or(0)
    }

    /// Grows by a fifth: that is one walk, and three quarters of all slots are in use on average.
    fn grow(&mut self) {
        let slots = (self.slots.len() * 6 / 5).max(16);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; slots]);
        for known in old.into_iter().filter(|slot| *slot != EMPTY) {
            if let Some(slot) = self.slot_of(Known(known)) {
                self.slots[slot] = known;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content;

    #[test]
    fn a_key_is_accepted_once_and_then_only_with_the_same_content() {
        let mut keys = Keys::default();
        for number in 0..10_000 {
            assert_eq!(keys.accept(content::of_key("s", &number.to_string()), number), Ok(Accepted::New));
        }
        for number in 0..10_000 {
            let key = content::of_key("s", &number.to_string());
            assert_eq!(keys.accept(key, number), Ok(Accepted::Duplicate));
            assert_eq!(keys.accept(key, number + 1), Err(Refusal::OtherContent));
        }
        assert_eq!(keys.len(), 10_000);
    }
}
