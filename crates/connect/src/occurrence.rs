//! Numbers records that say the same: the first, the second and so on.
//!
//! Rows of a bill and calls of a log carry no id. Two rows with the same words are two costs, yet the same row in a
//! file that is converted again is one. So an id is what the row says and how often that was said before: it does
//! not depend on the order of the rows, nor on rows that were added since.

use std::collections::HashMap;
use std::mem;

/// What was said how often. Each distinct record that is remembered takes some 40 bytes.
#[derive(Debug)]
pub(crate) struct Occurrences {
    recent: HashMap<u128, u64>,
    before: HashMap<u128, u64>,
    at_once: usize,
}

impl Occurrences {
    /// Remembers every record: for files in any order.
    pub(crate) fn of_whole_input() -> Occurrences {
        Occurrences::of_neighbours(usize::MAX)
    }

    /// Remembers at least so many distinct records back: for files where equal records stand near each other.
    pub(crate) fn of_neighbours(at_once: usize) -> Occurrences {
        Occurrences { recent: HashMap::new(), before: HashMap::new(), at_once }
    }

    /// How often a record of this identity has come, this time included.
    pub(crate) fn number(&mut self, identity: u128) -> u64 {
        let seen = self.recent.get(&identity).or_else(|| self.before.get(&identity));
        let number = seen.copied().unwrap_or(0) + 1;
        self.recent.insert(identity, number);
        if self.recent.len() >= self.at_once {
            self.before = mem::take(&mut self.recent);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_records_are_numbered_as_far_as_they_are_remembered() {
        let numbers = |mut occurrences: Occurrences| {
            [1, 2, 1, 1, 3, 4, 5, 6, 1].map(|identity| occurrences.number(identity))
        };
        assert_eq!(numbers(Occurrences::of_whole_input()), [1, 1, 2, 3, 1, 1, 1, 1, 4]);
        assert_eq!(numbers(Occurrences::of_neighbours(2)), [1, 1, 2, 3, 1, 1, 1, 1, 1]);
    }
}
