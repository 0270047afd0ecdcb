//! The charges that events have changed, until settling asks for them.

use std::mem;

use crate::matching::Group;
use crate::rows::MeterKey;

/// A charge that events have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Touched {
    pub(super) key: MeterKey,
    pub(super) group: Option<Option<Group>>,
}

/// Each once, in the end: an event only appends, and what stands twice is thrown out when the list has doubled.
#[derive(Debug, Default)]
pub(super) struct Touches {
    list: Vec<Touched>,
    /// How many there were when each stood once.
    single: usize,
}

/// Fewer than these are not looked through.
const FEW: usize = 4_096;

impl Touches {
    pub fn insert(&mut self, touched: Touched) {
        if self.list.len() >= FEW.max(2 * self.single) {
            self.tidy();
        }
        self.list.push(touched);
    }

    /// All of them; some may stand twice.
    pub fn list(&self) -> impl Iterator<Item = Touched> {
        self.list.iter().copied()
    }

    /// All of them, each once, in an order that is the same for the same events.
    pub fn take(&mut self) -> Vec<Touched> {
        self.tidy();
        self.single = 0;
        mem::take(&mut self.list)
    }

    fn tidy(&mut self) {
        self.list.sort_unstable();
        self.list.dedup();
        self.single = self.list.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_that_is_touched_often_is_told_once() {
        let mut touches = Touches::default();
        let touched =
            |part| Touched { key: MeterKey { part, month: 0, project: 0, resource: None }, group: None };
        for number in 0..100_000 {
            touches.insert(touched(number % 7));
            assert!(touches.list.len() <= FEW);
        }
        assert_eq!(touches.take(), (0..7).map(touched).collect::<Vec<_>>());
        assert_eq!(touches.take(), []);
    }
}
