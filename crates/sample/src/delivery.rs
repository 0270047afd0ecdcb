//! The way of a line from the cloud to its reader: most go at once, a few late, a few twice.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::{HOUR_MS, SECOND_MS};
use crate::draw::Draw;

/// Of a thousand events this many come late.
const LATE_PERMILLE: u64 = 5;
/// Of a thousand events this many come twice.
const TWICE_PERMILLE: u64 = 10;

/// Lines that are ready, and lines that wait.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Lines that are ready, one behind the other. The buffer is reused.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// How many of them have been taken.
    taken: usize,
    /// Lines that are delivered later: at most what happens within twelve hours, a few of a thousand of it.
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Numbers the lines that wait: of those due at one instant the first comes first.
    next_number: u64,
}

/// A line that is due later. It is ordered by its instant and number, and the number is unique.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due_ms: u64,
    number: u64,
    line: Box<[u8]>,
}

impl Delivery {
    /// The buffer to write the next line to; [`Delivery::send`] ends it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Ends the line that was written to the buffer, and decides on its way.
    pub fn send(&mut self, at_ms: u64, draw: &mut Draw) {
        let start = self.ends.last().copied().unwrap_or(0);
        let luck = draw.below(1_000);
        if luck < LATE_PERMILLE {
            self.wait(at_ms + draw.between(HOUR_MS, 12 * HOUR_MS), start);
            self.text.truncate(start);
            return;
        }
        if luck < LATE_PERMILLE + TWICE_PERMILLE {
            self.wait(at_ms + draw.between(SECOND_MS, HOUR_MS), start);
        }
        self.ends.push(self.text.len());
    }

    /// Moves the next ready line to `line`; false where none is ready.
    pub fn take(&mut self, line: &mut Vec<u8>) -> bool {
        let Some(end) = self.ends.get(self.taken) else {
            self.text.clear();
            self.ends.clear();
            self.taken = 0;
            return false;
        };
        let start = self.taken.checked_sub(1).map_or(0, |before| self.ends[before]);
        line.extend_from_slice(&self.text[start..*end]);
        self.taken += 1;
        true
    }

    /// When the first waiting line is due.
    pub fn next_waiting_ms(&self) -> Option<u64> {
        self.waiting.peek().map(|Reverse(first)| first.due_ms)
    }

    /// Makes the first waiting line ready.
    pub fn deliver_waiting(&mut self) {
        if let Some(Reverse(first)) = self.waiting.pop() {
            self.text.extend_from_slice(&first.line);
            self.ends.push(self.text.len());
        }
    }

    /// How many lines wait, and how many bytes the buffer of ready lines holds.
    #[cfg(test)]
    pub fn kept(&self) -> (usize, usize) {
        (self.waiting.len(), self.text.capacity())
    }

    fn wait(&mut self, due_ms: u64, start: usize) {
        let line = self.text[start..].into();
        self.waiting.push(Reverse(Waiting { due_ms, number: self.next_number, line }));
        self.next_number += 1;
    }
}
