//! What was decided to be posted for each charge: R(C(t)) of the last look at it.
//!
//! A million resources of four components each have four million of these, so they lie packed by resource: some eight
//! bytes for a charge. What is nothing is not kept.

use std::collections::HashMap;

use kopeck_rating::keys::QuickMap;
use kopeck_rating::live::Slot;
use kopeck_rating::money::{Amount, Overflow, Quantity};
use kopeck_rating::packed::UnpackError;
use kopeck_rating::packed::codec::{self, Form, Reader};
use kopeck_rating::resource::PeakKey;
use kopeck_rating::sums::SumKey;

use crate::step::word;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Posted {
    /// By the number of the resource.
    of_resources: Vec<Box<[u8]>>,
    pub(crate) uses: QuickMap<SumKey, Amount>,
    pub(crate) peaks: HashMap<(PeakKey, u32), Amount>,
    /// What is read of a resource and written back.
    scratch: Vec<(Slot, Amount)>,
    bytes: Vec<u8>,
}

impl Posted {
    /// Replaces what was posted for a resource from a month on, and tells each difference that is not nothing.
    pub fn replace(
        &mut self,
        (resource, since): (u32, u32),
        amounts: &[(Slot, Amount)],
        mut tell: impl FnMut(Slot, Amount) -> Result<(), Overflow>,
    ) -> Result<(), PostedError> {
        let number = resource as usize;
        if self.of_resources.len() <= number {
            self.of_resources.resize_with(number + 1, Box::default);
        }
        self.scratch.clear();
        read(&self.of_resources[number], &mut self.scratch)?;
        let known = self.scratch.len();
        let mut changed = false;
        // What is not found again has come to nothing.
        let mut found = 0_u128;
        for (slot, amount) in amounts {
            let at = self.scratch[..known].iter().position(|(other, _)| other == slot);
            let before = at.map_or(Amount::ZERO, |at| self.scratch[at].1);
            if let Some(at) = at.filter(|at| *at < 128) {
                found |= 1 << at;
            }
            if *amount != before {
                tell(*slot, amount.checked_sub(before)?)?;
                changed = true;
                match at {
                    Some(at) => self.scratch[at].1 = *amount,
                    None => self.scratch.push((*slot, *amount)),
                }
            }
        }
        for at in 0..known {
            let (slot, before) = self.scratch[at];
            let is_found =
                if at < 128 { found >> at & 1 == 1 } else { amounts.iter().any(|(other, _)| *other == slot) };
            if slot.month >= since && !is_found && !before.is_zero() {
                tell(slot, Amount::ZERO.checked_sub(before)?)?;
                self.scratch[at].1 = Amount::ZERO;
                changed = true;
            }
        }
        if changed {
            self.bytes.clear();
            write(&self.scratch, &mut self.bytes);
            self.of_resources[number] = self.bytes.as_slice().into();
        }
        Ok(())
    }

    /// What was posted for a resource.
    pub fn of(&self, resource: u32) -> Result<Vec<(Slot, Amount)>, UnpackError> {
        let mut posted = Vec::new();
        if let Some(bytes) = self.of_resources.get(resource as usize) {
            read(bytes, &mut posted)?;
        }
        Ok(posted)
    }

    /// What was posted for usage becomes another amount: answers the difference.
    pub fn replace_use(&mut self, key: SumKey, amount: Amount) -> Result<Amount, Overflow> {
        let before = self.uses.insert(key, amount).unwrap_or(Amount::ZERO);
        amount.checked_sub(before)
    }

    /// What was posted for a project's largest sum becomes another amount: answers the difference.
    pub fn replace_peak(&mut self, key: (PeakKey, u32), amount: Amount) -> Result<Amount, Overflow> {
        // What is nothing is not kept: it may be of a version that is announced, whose groups nobody knows after a start.
        let before = if amount.is_zero() { self.peaks.remove(&key) } else { self.peaks.insert(key, amount) };
        amount.checked_sub(before.unwrap_or(Amount::ZERO))
    }

    /// How many bytes are kept for resources, without what an allocator adds.
    pub fn bytes(&self) -> usize {
        self.of_resources.iter().map(|bytes| bytes.len() + size_of::<Box<[u8]>>()).sum()
    }

    /// How many resources there may be something of.
    pub fn resources(&self) -> usize {
        self.of_resources.len()
    }

    /// Writes what was posted for resources, in pieces.
    pub fn write_resources(&self, form: (Form, u8), pieces: &mut Vec<Vec<u8>>) {
        codec::in_pieces(form, self.of_resources.iter(), |to, bytes| codec::bytes(to, bytes), pieces);
    }

    /// Reads what [`write_resources`](Posted::write_resources) wrote of so many resources.
    pub fn read_resources(
        &mut self,
        form: (Form, u8),
        count: usize,
        pieces: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), UnpackError> {
        // As many as there can be in the pieces; room for more comes with them.
        self.of_resources.reserve_exact(count.min(1 << 20));
        codec::of_pieces(form, count, pieces, |from| {
            let bytes = from.bytes()?;
            self.scratch.clear();
            read(bytes, &mut self.scratch)?;
            self.of_resources.push(bytes.into());
            Ok(())
        })
    }

    /// Writes what was posted for usage.
    pub fn write_uses(&self, to: &mut Vec<u8>) {
        let mut uses: Vec<_> = self.uses.iter().collect();
        uses.sort_unstable_by_key(|(key, _)| **key);
        codec::size(to, uses.len());
        for (key, amount) in uses {
            for number in [key.part, key.month, key.project, key.resource] {
                codec::name(to, number);
            }
            write_amount(to, *amount);
        }
    }

    /// Reads what [`write_uses`](Posted::write_uses) wrote.
    pub fn read_uses(&mut self, from: &mut Reader<'_>) -> Result<(), UnpackError> {
        let count = from.count()?;
        self.uses.reserve(count);
        for _ in 0..count {
            let (part, month) = (word(from, "part")?, word(from, "month")?);
            let (project, resource) = (word(from, "name")?, word(from, "resource")?);
            self.uses.insert(SumKey { part, month, project, resource }, read_amount(from)?);
        }
        Ok(())
    }
}

/// Why what was posted can not be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PostedError {
    #[error(transparent)]
    Overflow(#[from] Overflow),
    #[error(transparent)]
    Packed(#[from] UnpackError),
}

pub(crate) fn write_amount(to: &mut Vec<u8>, amount: Amount) {
    codec::quantity(to, Quantity::from_units(amount.micros()));
}

pub(crate) fn read_amount(from: &mut Reader<'_>) -> Result<Amount, UnpackError> {
    Ok(Amount::from_micros(from.quantity()?.units()))
}

/// The project of the first, then for each its part, its month and whether its project is another, and its amount.
fn write(posted: &[(Slot, Amount)], to: &mut Vec<u8>) {
    let mut home = None;
    for (Slot { month, part, project }, amount) in posted.iter().filter(|(_, amount)| !amount.is_zero()) {
        let home = *home.get_or_insert_with(|| {
            codec::name(to, *project);
            *project
        });
        codec::name(to, *part);
        codec::number(to, u64::from(*month) << 1 | u64::from(*project != home));
        if *project != home {
            codec::name(to, *project);
        }
        write_amount(to, *amount);
    }
}

fn read(bytes: &[u8], into: &mut Vec<(Slot, Amount)>) -> Result<(), UnpackError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut from = Reader(bytes);
    let home = word(&mut from, "name")?;
    while from.left() > 0 {
        let part = word(&mut from, "part")?;
        let month = from.number()?;
        let project = if month & 1 == 1 { word(&mut from, "name")? } else { home };
        let month = u32::try_from(month >> 1).map_err(|_| UnpackError::Impossible("month"))?;
        into.push((Slot { month, part, project }, read_amount(&mut from)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(month: u32, part: u32, project: u32) -> Slot {
        Slot { month, part, project }
    }

    fn amounts(list: &[(u32, u32, u32, i64)]) -> Vec<(Slot, Amount)> {
        list.iter()
            .map(|(month, part, project, micros)| {
                (slot(*month, *part, *project), Amount::from_micros(*micros))
            })
            .collect()
    }

    fn differences(posted: &mut Posted, since: u32, new: &[(u32, u32, u32, i64)]) -> Vec<(Slot, Amount)> {
        let mut told = Vec::new();
        posted
            .replace((3, since), &amounts(new), |slot, amount| {
                told.push((slot, amount));
                Ok(())
            })
            .unwrap();
        told
    }

    #[test]
    fn only_differences_are_told_and_what_is_gone_is_taken_back() {
        let mut posted = Posted::default();
        let first = [(0, 1, 7, 100), (0, 2, 7, 5), (0, 3, 8, -1_000_000)];
        assert_eq!(differences(&mut posted, 0, &first), amounts(&first));
        assert_eq!(differences(&mut posted, 0, &first), []);
        let next = [(0, 1, 7, 130), (1, 1, 7, 9)];
        let expected = amounts(&[(0, 1, 7, 30), (1, 1, 7, 9), (0, 2, 7, -5), (0, 3, 8, 1_000_000)]);
        assert_eq!(differences(&mut posted, 0, &next), expected);
        assert_eq!(posted.of(3).unwrap(), amounts(&next));
        // Months before the first that is looked at stand.
        assert_eq!(differences(&mut posted, 1, &[]), amounts(&[(1, 1, 7, -9)]));
        assert_eq!(posted.of(3).unwrap(), amounts(&[(0, 1, 7, 130)]));
    }

    #[test]
    fn a_charge_of_some_thousand_units_takes_at_most_ten_bytes() {
        let mut posted = Posted::default();
        let list: Vec<_> = (0..4).map(|part| (3, part, 70_000, 4_000_000_000 + i64::from(part))).collect();
        differences(&mut posted, 0, &list);
        assert!(posted.of_resources[3].len() <= 40, "{}", posted.of_resources[3].len());
    }
}
