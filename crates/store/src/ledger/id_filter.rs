//! A Bloom filter over ids: says "not here" for nearly all ids that are not in a run, so that a run is seldom read.
//!
//! It decides nothing: what it lets through is looked up. Its bytes are stored beside the run.

use crate::ledger::id_hash::halves;

/// Bits for each id: one id in a hundred that is not there is looked up in vain.
const BITS_PER_ID: usize = 10;
/// Bits set for each id.
const PROBES: u64 = 7;

/// A filter over the ids of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdFilter {
    bytes: Vec<u8>,
}

impl IdFilter {
    /// The filter of these ids.
    pub fn of(ids: impl ExactSizeIterator<Item = u128>) -> IdFilter {
        let mut filter = IdFilter { bytes: vec![0; (ids.len() * BITS_PER_ID / 8).max(1)] };
        for id in ids {
            for bit in filter.bits(id) {
                filter.bytes[bit / 8] |= 1 << (bit % 8);
            }
        }
        filter
    }

    /// The filter as it was stored; `None` where there are no bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<IdFilter> {
        (!bytes.is_empty()).then_some(IdFilter { bytes })
    }

    /// What is stored.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is stored.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether the id may be in the run; never false where it is.
    pub fn may_hold(&self, id: u128) -> bool {
        self.bits(id).all(|bit| self.bytes[bit / 8] & (1 << (bit % 8)) != 0)
    }

    fn bits(&self, id: u128) -> impl Iterator<Item = usize> + use<> {
        let count = self.bytes.len() as u64 * 8;
        let (high, low) = halves(id);
        let (high, low) = (mix(high), mix(low));
        let (first, step) = (low ^ high.rotate_left(32), mix(high ^ low) | 1);
        let bits = (0..PROBES).map(move |probe| first.wrapping_add(step.wrapping_mul(probe)) % count);
        // The remainder is less than a length, which fits.
        bits.map(|bit| usize::try_from(bit).unwrap_or(0))
    }
}

/// Spreads the bits of a number over the whole word: a bijection.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number ^ (number >> 32)
}
