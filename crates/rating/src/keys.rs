//! The keys of accepted events: what makes a second sending of an event change nothing.
//!
//! rating.md: (source, id) within a workspace is the key. An event is kept here as one 128-bit word: 96 bits of the
//! keyed hash of its key, 32 of the hash of its content. That is 16 bytes and the table's own share for each event.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

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

fn high_half(hash: u128) -> u64 {
    u64::try_from(hash >> 64).unwrap_or(0)
}

/// A key in the high 96 bits, a content in the low 32. Equal keys are equal, whatever their contents.
#[derive(Debug, Clone, Copy)]
struct Known(u128);

const CONTENT_BITS: u32 = 32;

impl Known {
    fn new(key: u128, content: u64) -> Known {
        Known((key >> CONTENT_BITS) << CONTENT_BITS | u128::from(content & u64::from(u32::MAX)))
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.0 >> CONTENT_BITS == other.0 >> CONTENT_BITS
    }
}

impl Eq for Known {}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.0);
    }
}

/// Tables are many and small, so that growing one does not need twice the memory of all.
const SHARDS: usize = 64;

/// The keys of accepted events.
#[derive(Debug)]
pub struct Keys {
    shards: Vec<HashSet<Known, BuildHasherDefault<Quick>>>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { shards: vec![HashSet::default(); SHARDS] }
    }
}

impl Keys {
    /// Accepts an event by the hashes of its key and content, or knows it.
    ///
    /// # Errors
    /// [`Refusal::OtherContent`] where the key is known with other content.
    pub fn accept(&mut self, key: u128, content: u64) -> Result<Accepted, Refusal> {
        let new = Known::new(key, content);
        let bits = usize::try_from((key >> CONTENT_BITS) & 0xff).unwrap_or(0);
        let shard = &mut self.shards[bits % SHARDS];
        match shard.get(&new) {
            Some(known) if known.0 == new.0 => Ok(Accepted::Duplicate),
            Some(_) => Err(Refusal::OtherContent),
            None => {
                shard.insert(new);
                Ok(Accepted::New)
            }
        }
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(HashSet::len).sum()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
