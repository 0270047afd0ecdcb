//! An index of numbered things by their hashes, in little memory: it keeps the numbers, the things keep their hashes.

/// A table with open addressing. A slot holds half of a hash's high half and one more than a number; 0 is empty.
#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: Vec<u64>,
    len: usize,
}

impl Index {
    /// The number of the thing with that hash; `is_it` compares a thing's own with it.
    pub(crate) fn find(&self, hash: u128, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let start = self.first_slot(tag);
        let round = self.slots[start..].iter().chain(&self.slots[..start]);
        let mut taken = round.take_while(|slot| **slot != 0);
        let number = |slot: &u64| (slot >> 32 == tag).then(|| low(*slot) - 1);
        taken.find_map(|slot| number(slot).filter(|number| is_it(*number)))
    }

    /// Adds a thing that is not there, by its hash. Its number is below 2³² − 1.
    pub(crate) fn insert(&mut self, hash: u128, number: u32) {
        // At most four fifths are taken: an empty slot is never far.
        if self.len * 5 >= self.slots.len() * 4 {
            self.grow((self.slots.len() * 5 / 4).max(16));
        }
        self.put(tag(hash) << 32 | u64::from(number.saturating_add(1)));
        self.len += 1;
    }

    /// Makes room for so many things in all.
    pub(crate) fn reserve(&mut self, things: usize) {
        let slots = things.saturating_mul(5) / 4 + 2;
        if slots > self.slots.len() {
            self.grow(slots);
        }
    }

    fn grow(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        old.into_iter().filter(|slot| *slot != 0).for_each(|slot| self.put(slot));
    }

    fn put(&mut self, slot: u64) {
        let start = self.first_slot(slot >> 32);
        let (before, after) = self.slots.split_at_mut(start);
        if let Some(empty) = after.iter_mut().chain(before).find(|slot| **slot == 0) {
            *empty = slot;
        }
    }

    /// Where a hash is looked for first: the tag, as a share of the table.
    fn first_slot(&self, tag: u64) -> usize {
        usize::try_from((u128::from(tag) * self.slots.len() as u128) >> 32).unwrap_or(0)
    }
}

/// The highest 32 bits of a hash.
fn tag(hash: u128) -> u64 {
    u64::try_from(hash >> 96).unwrap_or(0)
}

fn low(slot: u64) -> u32 {
    u32::try_from(slot & u64::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_and_nothing_else() {
        let hash = |number: u32| crate::content::of_name(&number.to_string());
        let mut index = Index::default();
        assert_eq!(index.find(hash(0), |_| true), None);
        for number in 0..10_000 {
            index.insert(hash(number), number);
        }
        for number in 0..10_000 {
            assert_eq!(index.find(hash(number), |found| found == number), Some(number));
            assert_eq!(index.find(hash(number + 10_000), |found| found == number + 10_000), None);
        }
    }
}
