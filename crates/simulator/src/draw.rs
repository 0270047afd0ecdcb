//! Random draws that are the same for the same seed, on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of draws.
#[derive(Debug)]
pub struct Draw {
    words: ChaCha8Rng,
}

impl Draw {
    /// The draws of a seed.
    pub fn new(seed: u64) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Draw { words: ChaCha8Rng::from_seed(key) }
    }

    /// Any number of 64 bits.
    pub fn any(&mut self) -> u64 {
        u64::from(self.words.next_u32()) << 32 | u64::from(self.words.next_u32())
    }

    /// A number from 0 up to and without `bound`, which is above 0 and at most 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        (u64::from(self.words.next_u32()) * bound) >> 32
    }

    /// A number from `low` up to and without `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low).unwrap_or(0);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True this often in a hundred draws.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A place in a list of that length, which is above 0.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One of the items. `None` where there are none.
    pub fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.index(items.len())) }
    }

    /// One of a few items.
    pub fn pick<T: Copy, const N: usize>(&mut self, items: [T; N]) -> T {
        items[self.index(N)]
    }
}
