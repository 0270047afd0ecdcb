//! What usage has come to: one sum for each part, month, project and resource.

use std::hint::black_box;

use crate::blocks::Blocks;
use crate::intake::Name;
use crate::keys::QuickMap;
use crate::money::{Overflow, Quantity};
use crate::rows::Readings;

/// What is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SumKey {
    /// The number of the part.
    pub part: u32,
    /// The number of the month.
    pub month: u32,
    /// The project.
    pub project: Name,
    /// The number of the resource, or [`PROJECT_WIDE`].
    pub resource: u32,
}

/// In place of a resource, where a component sums over the project.
pub const PROJECT_WIDE: u32 = u32::MAX;

/// The sums. Those of a resource are a chain that begins at the resource, so that they are found without a table of all:
/// most resources have few. Sums over a project, and those of resources that have many, are in the table.
#[derive(Debug, Default)]
pub struct Sums {
    list: Blocks<Sum>,
    table: QuickMap<SumKey, u32>,
    /// What of a sum was used before the window's start.
    before: QuickMap<u32, Quantity>,
}

/// What was used before the end of the window.
#[derive(Debug)]
struct Sum {
    key: SumKey,
    quantity: Quantity,
    /// The next sum of the resource, as in [`Chain`].
    next: Chain,
}

/// What a sum takes in memory where all are in the table, in bytes: its place in the list, and two slots of the table.
pub(crate) const GATHERED_SUM_BYTES: usize = size_of::<Sum>() + 2 * size_of::<(SumKey, u32)>();

/// One more than the number of the first sum of a chain; 0 for none.
pub type Chain = u32;

/// Chains are no longer than this.
const LONGEST_CHAIN: u32 = 4;

impl Sums {
    /// Adds usage within the month, before or in the window; `chain` is that of the key's resource.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits, or beyond 2³² − 1 sums.
    pub fn add(
        &mut self,
        key: SumKey,
        (quantity, in_window): (Quantity, bool),
        chain: &mut Chain,
    ) -> Result<(), Overflow> {
        let number = match self.find(key, *chain) {
            Some(number) => {
                let sum = &mut self.list.get_mut(number as usize).quantity;
                *sum = sum.checked_add(quantity)?;
                number
            }
            None => self.push(key, quantity, chain)?,
        };
        if !in_window {
            let before = self.before.entry(number).or_insert(Quantity::ZERO);
            *before = before.checked_add(quantity)?;
        }
        Ok(())
    }

    fn find(&self, key: SumKey, chain: Chain) -> Option<u32> {
        let mut next = chain;
        while let Some(number) = next.checked_sub(1) {
            let sum = self.list.get(number as usize);
            if sum.key == key {
                return Some(number);
            }
            next = sum.next;
        }
        self.table.get(&key).copied()
    }

    fn push(&mut self, key: SumKey, quantity: Quantity, chain: &mut Chain) -> Result<u32, Overflow> {
        let number = u32::try_from(self.list.len()).map_err(|_| Overflow)?;
        let mut next = 0;
        if key.resource == PROJECT_WIDE || self.is_long(*chain) {
            self.table.insert(key, number);
        } else {
            next = std::mem::replace(chain, number.checked_add(1).ok_or(Overflow)?);
        }
        self.list.push(Sum { key, quantity, next });
        Ok(number)
    }

    fn is_long(&self, chain: Chain) -> bool {
        let follow = |next: &Chain| next.checked_sub(1).map(|number| self.list.get(number as usize).next);
        std::iter::successors(Some(chain), follow).nth(LONGEST_CHAIN as usize).is_some_and(|next| next != 0)
    }

    /// Adds what a sum had come to elsewhere: where no chains are known, all sums are in the table.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits, or beyond 2³² − 1 sums.
    pub(crate) fn gather(&mut self, key: SumKey, Readings { to, from }: Readings) -> Result<(), Overflow> {
        let number = match self.find(key, 0) {
            Some(number) => {
                let sum = &mut self.list.get_mut(number as usize).quantity;
                *sum = sum.checked_add(to)?;
                number
            }
            None => {
                let number = u32::try_from(self.list.len()).map_err(|_| Overflow)?;
                self.table.insert(key, number);
                self.list.push(Sum { key, quantity: to, next: 0 });
                number
            }
        };
        if !from.is_zero() {
            let before = self.before.entry(number).or_insert(Quantity::ZERO);
            *before = before.checked_add(from)?;
        }
        Ok(())
    }

    /// What they take in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let slots = |capacity: usize, size: usize| capacity / 7 * 8 * (size + 1);
        self.list.len() * size_of::<Sum>()
            + slots(self.table.capacity(), size_of::<(SumKey, u32)>())
            + slots(self.before.capacity(), size_of::<(u32, Quantity)>())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Brings near in memory where chains begin.
    pub fn look_ahead(&self, chains: impl Iterator<Item = Chain>) {
        for chain in chains {
            black_box(chain.checked_sub(1).map(|number| self.list.get(number as usize).next));
        }
    }

    /// The sum of a number below [`len`](Sums::len).
    #[must_use]
    pub fn get(&self, number: u32) -> (SumKey, Readings) {
        let Sum { key, quantity: to, .. } = *self.list.get(number as usize);
        let from = self.before.get(&number).copied().unwrap_or(Quantity::ZERO);
        (key, Readings { to, from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_few_and_of_many_parts_are_found_again() {
        let (mut sums, mut chains) = (Sums::default(), [0; 2]);
        for round in 0..3 {
            for part in 0..40 {
                for (resource, chain) in (0..).zip(&mut chains) {
                    let key = SumKey { part, month: 0, project: 7, resource };
                    sums.add(key, (Quantity::ONE, round > 0), chain).unwrap();
                    let wide = SumKey { part, month: 0, project: 7, resource: PROJECT_WIDE };
                    sums.add(wide, (Quantity::ONE, true), chain).unwrap();
                }
            }
        }
        assert_eq!(sums.len(), 120);
        let three = Quantity::ONE.times(3).unwrap();
        for number in 0..120 {
            let (key, Readings { to, from }) = sums.get(number);
            let wide = key.resource == PROJECT_WIDE;
            let expected =
                if wide { (three.times(2).unwrap(), Quantity::ZERO) } else { (three, Quantity::ONE) };
            assert_eq!((to, from), expected, "{key:?}");
        }
    }
}
