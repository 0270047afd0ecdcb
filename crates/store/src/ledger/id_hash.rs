//! A quick hash of ids, keyed by chance: callers choose ids, and must not be able to choose ones that collide.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers with the keys of this process.
#[derive(Debug, Clone)]
pub struct IdHash {
    keys: [u64; 2],
}

impl Default for IdHash {
    fn default() -> IdHash {
        let random = RandomState::new();
        IdHash { keys: [random.hash_one(0_u8), random.hash_one(1_u8)] }
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { keys: self.keys, hash: 0 }
    }
}

/// Multiplies the keyed halves of an id and folds the product.
#[derive(Debug)]
pub struct IdHasher {
    keys: [u64; 2],
    hash: u64,
}

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.hash
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn write_u128(&mut self, id: u128) {
        let [high, low] = self.keys;
        self.hash = folded(folded(halves(id).0 ^ high, halves(id).1 ^ low) ^ self.hash, high | 1);
    }
}

/// The high and the low 64 bits.
pub fn halves(number: u128) -> (u64, u64) {
    let low = number & u128::from(u64::MAX);
    (u64::try_from(number >> 64).unwrap_or(0), u64::try_from(low).unwrap_or(0))
}

fn folded(one: u64, other: u64) -> u64 {
    let (high, low) = halves(u128::from(one) * u128::from(other));
    high ^ low
}
