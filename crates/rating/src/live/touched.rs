//! The charges that events have changed, until settling asks for them.

use crate::resource::PeakKey;
use crate::sums::SumKey;

/// Charges that events have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touched {
    /// All charges for what a resource was, from a month on.
    Resource {
        /// The number of the resource.
        number: u32,
        /// The number of the first month that may have changed.
        since: u32,
    },
    /// What usage came to.
    Use(SumKey),
    /// The month's largest sum of a project.
    Peak {
        /// Which sum.
        key: PeakKey,
        /// The number of the month.
        month: u32,
    },
}

/// Each once, in the end: an event only appends, and what stands twice is thrown out when a list has doubled.
#[derive(Debug, Default)]
pub(super) struct Touches {
    /// Resources, each with the first month that may have changed.
    resources: List<(u32, u32)>,
    uses: List<SumKey>,
    peaks: List<(PeakKey, u32)>,
}

impl Touches {
    /// A resource changed from that month on.
    pub fn resource(&mut self, number: u32, since: u32) {
        // The earliest month of a resource comes first, and stays.
        self.resources.insert((number, since), |one, other| one.0 == other.0);
    }

    pub fn used(&mut self, key: SumKey) {
        self.uses.insert(key, SumKey::eq);
    }

    pub fn peak(&mut self, key: PeakKey, month: u32) {
        self.peaks.insert((key, month), PartialEq::eq);
    }

    /// Forgets the sums of parts from a number on: they are others now.
    pub fn keep_parts(&mut self, parts: usize) {
        self.peaks.list.retain(|(key, _)| key.part < parts);
    }

    /// All of them; some may stand twice.
    pub fn list(&self) -> impl Iterator<Item = Touched> {
        let resources = self.resources.list.iter().map(|(number, since)| resource(*number, *since));
        let uses = self.uses.list.iter().map(|key| Touched::Use(*key));
        resources.chain(uses).chain(self.peaks.list.iter().map(|(key, month)| peak(*key, *month)))
    }

    /// All of them, each once, in an order that is the same for the same events.
    pub fn take(&mut self) -> Vec<Touched> {
        self.resources.tidy(|one, other| one.0 == other.0);
        self.uses.tidy(SumKey::eq);
        self.peaks.tidy(PartialEq::eq);
        let all = self.list().collect();
        *self = Touches::default();
        all
    }
}

fn resource(number: u32, since: u32) -> Touched {
    Touched::Resource { number, since }
}

fn peak(key: PeakKey, month: u32) -> Touched {
    Touched::Peak { key, month }
}

#[derive(Debug)]
struct List<T> {
    list: Vec<T>,
    /// How many there were when each stood once.
    single: usize,
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List { list: Vec::new(), single: 0 }
    }
}

/// Fewer than these are not looked through.
const FEW: usize = 4_096;

impl<T: Ord> List<T> {
    fn insert(&mut self, new: T, same: impl Fn(&T, &T) -> bool) {
        if self.list.len() >= FEW.max(2 * self.single) {
            self.tidy(same);
        }
        self.list.push(new);
    }

    fn tidy(&mut self, same: impl Fn(&T, &T) -> bool) {
        self.list.sort_unstable();
        self.list.dedup_by(|one, other| same(one, other));
        self.single = self.list.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_often_is_told_once() {
        let mut touches = Touches::default();
        let key = |part| SumKey { part, month: 0, project: 0, resource: 0 };
        for number in 0..100_000 {
            touches.used(key(number % 7));
            touches.resource(number % 5, 9 - number % 3);
            assert!(touches.uses.list.len() <= FEW && touches.resources.list.len() <= FEW);
        }
        let resources = (0..5).map(|number| resource(number, 7));
        assert_eq!(
            touches.take(),
            resources.chain((0..7).map(|part| Touched::Use(key(part)))).collect::<Vec<_>>()
        );
        assert_eq!(touches.take(), []);
    }
}
