//! Random draws that are the same on every machine and in every version of the program.
//!
//! `ChaCha8` is a fixed algorithm and its first 32-bit words are part of its definition; what is drawn from them is
//! defined here, because a library may change its way from one version to the next.

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

    /// A number from 0 up to and without `bound`, which is at most 2³²; of 0 it is 0. Each is equally likely but
    /// for `bound` parts in 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound <= 1 << 32);
        (u64::from(self.words.next_u32()) * bound) >> 32
    }

    /// A number from `low` up to and without `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low))
    }

    /// True this often in a thousand draws.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// One of the items.
    pub fn pick<T: Copy, const N: usize>(&mut self, items: &[T; N]) -> T {
        items[self.index(N)]
    }

    /// A position in a list of that length; of an empty list, 0.
    pub fn index(&mut self, length: usize) -> usize {
        // Lists here are far shorter than 2³², so both conversions keep their value.
        usize::try_from(self.below(u64::try_from(length).unwrap_or(0))).unwrap_or(0)
    }
}
