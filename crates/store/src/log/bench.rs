//! What measures an event log, whatever keeps it: events with random ids, filling a log with them, and appending.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::error::StoreError;
use crate::events::{Arrival, EventLog, EventTicket, Group, Outcome};
use crate::store::Answer;

/// Events that are handed over at once.
pub const GROUP_EVENTS: u64 = 1_000;
/// Events that fill a log are handed over in groups of so many.
const FILLING: u64 = 20_000;
/// Groups that fill a log on their way at once.
const FILLING_AHEAD: usize = 4;
/// Resources that events are about.
const RESOURCES: u64 = 20_000;

/// How long something took for how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub count: u64,
    /// How long.
    pub time: Duration,
}

impl Figure {
    /// How many in a second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let nanoseconds = self.time.as_nanos().max(1);
        u64::try_from(u128::from(self.count) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
    }
}

/// Fills a log with short events of these numbers.
///
/// # Errors
/// [`StoreError`] where they are not taken.
pub fn fill(log: &dyn EventLog<()>, numbers: std::ops::Range<u64>) -> Answer<Figure> {
    let end = numbers.end;
    timed(end - numbers.start, || {
        let mut waiting = VecDeque::new();
        for first in numbers.step_by(usize::try_from(FILLING).unwrap_or(usize::MAX)) {
            let group = short_events(first..end.min(first + FILLING));
            hand_over(log, group, FILLING_AHEAD, &mut waiting)?;
        }
        all_accepted(waiting)
    })
}

/// Appends so many groups of [`GROUP_EVENTS`] new events from a number on, some of them on their way at once. Answers
/// also how many bytes their lines have. Making them is not measured.
///
/// # Errors
/// [`StoreError`] where they are not taken.
pub fn append(log: &dyn EventLog<()>, first: u64, groups: u64, on_their_way: usize) -> Answer<(Figure, u64)> {
    let made: Vec<_> = (0..groups).map(|group| events(first + group * GROUP_EVENTS)).collect();
    let bytes: usize = made.iter().map(|group| group.bytes.len()).sum();
    let figure = timed(groups * GROUP_EVENTS, || {
        let mut waiting = VecDeque::new();
        made.into_iter().try_for_each(|group| hand_over(log, group, on_their_way, &mut waiting))?;
        all_accepted(waiting)
    })?;
    Ok((figure, bytes as u64))
}

fn hand_over(
    log: &dyn EventLog<()>,
    group: Group<()>,
    most: usize,
    waiting: &mut VecDeque<EventTicket>,
) -> Answer<()> {
    while waiting.len() >= most {
        let ticket = waiting.pop_front().ok_or(StoreError::Closed)?;
        accepted(ticket)?;
    }
    waiting.push_back(log.submit(group)?);
    Ok(())
}

fn all_accepted(waiting: VecDeque<EventTicket>) -> Answer<()> {
    waiting.into_iter().try_for_each(accepted)
}

/// Waits for a group, all of whose events are new.
fn accepted(ticket: EventTicket) -> Answer<()> {
    let outcomes = ticket.wait()?;
    let is_accepted = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_)));
    is_accepted
        .then_some(())
        .ok_or_else(|| StoreError::Corrupt("a new event was taken for a known one".to_owned()))
}

/// A group of events as clouds send them, of some 300 bytes each, with ids without an order.
pub fn events(first: u64) -> Group<()> {
    let line = |number: u64| {
        let (one, other, resource) = (mixed(number), mixed(!number), number * 7 % RESOURCES);
        format!(
            r#"{{"specversion":"1.0","id":"{one:016x}{other:016x}","source":"openstack://region-1/nova","type":"kopeck.state.v1","time":"2026-10-{:02}T{:02}:{:02}:{:02}Z","subject":"vm-{:08x}","project":"project-{:04}","data":{{"kind":"vm","state":"{}","attributes":{{"vcpu":{},"ram_gb":{},"zone":"a"}}}}}}"#,
            1 + number / 100_000 % 28,
            number / 3_600 % 24,
            number / 60 % 60,
            number % 60,
            mixed(resource) >> 32,
            resource % 500,
            ["RUNNING", "STOPPED", "REBOOTING"][usize::try_from(one % 3).unwrap_or(0)],
            1 << (other % 6),
            1 << (one % 8),
        )
    };
    group((first..first + GROUP_EVENTS).map(|number| (number, line(number))))
}

/// Events that only have keys.
fn short_events(numbers: std::ops::Range<u64>) -> Group<()> {
    group(numbers.map(|number| (number, "{}".to_owned())))
}

fn group(lines: impl Iterator<Item = (u64, String)>) -> Group<()> {
    let (mut bytes, mut arrivals) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        let start = bytes.len();
        bytes.extend_from_slice(line.as_bytes());
        arrivals.push(Arrival {
            key: key(number),
            content: mixed(number),
            resource: key(!(number * 7 % RESOURCES)),
            time: 0,
            line: start..bytes.len(),
        });
        bytes.push(b'\n');
    }
    Group { bytes: Bytes::from(bytes), arrivals, payload: () }
}

/// A key as a keyed hash is one: without an order.
pub fn key(number: u64) -> u128 {
    u128::from(mixed(number)) << 64 | u128::from(mixed(number ^ 0x5555_5555_5555_5555))
}

pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Measures some work.
///
/// # Errors
/// Those of the work.
pub fn timed(count: u64, work: impl FnOnce() -> Answer<()>) -> Answer<Figure> {
    let start = Instant::now();
    work()?;
    Ok(Figure { count, time: start.elapsed() })
}
