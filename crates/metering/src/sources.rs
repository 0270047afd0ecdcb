//! What each source of events has sent: its last event, how late it reports, and when it was silent (api.md,
//! `/v1/sources`).

use std::collections::{BTreeMap, VecDeque};

use kopeck_ledger::name::Moment;
use serde::{Deserialize, Serialize};

/// The gaps that are remembered of a source: the latest.
const GAPS: usize = 32;

/// What every source has sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources(BTreeMap<String, Sent>);

/// What one source has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Events that were accepted.
    pub events: u64,
    /// The instant of the latest event, in nanoseconds of Unix time.
    pub latest_event: i64,
    /// When something was received last, in nanoseconds of Unix time.
    pub received: i64,
    /// By how much the latest event was late when it came, in nanoseconds.
    pub delay: i64,
    /// The longest such delay.
    pub longest_delay: i64,
    /// When nothing was received for longer than its heartbeat, oldest first.
    pub gaps: VecDeque<Gap>,
}

/// A silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When something was received before it, in nanoseconds of Unix time.
    pub from: i64,
    /// When something was received again.
    pub to: i64,
}

/// What one group of events says of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Events that were accepted.
    pub events: u64,
    /// The latest instant among them.
    pub latest_event: i64,
    /// The earliest instant among them.
    pub earliest_event: i64,
    /// How long the source may be silent, in nanoseconds; 0 is for ever.
    pub heartbeat: i64,
}

impl Sources {
    /// Takes what was received of a source at an instant.
    pub fn hear(&mut self, source: &str, heard: Heard, received: Moment) {
        let received = received.nanoseconds();
        let delay = received.saturating_sub(heard.latest_event).max(0);
        let longest = received.saturating_sub(heard.earliest_event).max(0);
        let Some(sent) = self.0.get_mut(source) else {
            let first = Sent {
                events: heard.events,
                latest_event: heard.latest_event,
                received,
                delay,
                longest_delay: longest,
                gaps: VecDeque::new(),
            };
            self.0.insert(source.to_owned(), first);
            return;
        };
        if heard.heartbeat > 0 && received.saturating_sub(sent.received) > heard.heartbeat {
            sent.gaps.push_back(Gap { from: sent.received, to: received });
            while sent.gaps.len() > GAPS {
                sent.gaps.pop_front();
            }
        }
        sent.events += heard.events;
        sent.latest_event = sent.latest_event.max(heard.latest_event);
        sent.received = sent.received.max(received);
        sent.delay = delay;
        sent.longest_delay = sent.longest_delay.max(longest);
    }

    /// The first so many sources after a name, by themselves.
    #[must_use]
    pub fn part(&self, cursor: Option<&str>, limit: usize) -> Sources {
        let sources = self.after(cursor).take(limit);
        Sources(sources.map(|(name, sent)| (name.to_owned(), sent.clone())).collect())
    }

    /// Adds what another shard was sent.
    pub fn add(&mut self, other: Sources) {
        for (name, sent) in other.0 {
            match self.0.get_mut(&name) {
                Some(known) => known.add(&sent),
                None => drop(self.0.insert(name, sent)),
            }
        }
    }

    /// All sources after a name, in the order of names.
    pub fn after(&self, cursor: Option<&str>) -> impl Iterator<Item = (&str, &Sent)> {
        let rest =
            self.0.iter().skip_while(move |(name, _)| cursor.is_some_and(|cursor| name.as_str() <= cursor));
        rest.map(|(name, sent)| (name.as_str(), sent))
    }

    /// What a source has sent.
    #[must_use]
    pub fn of(&self, source: &str) -> Option<&Sent> {
        self.0.get(source)
    }
}

impl Sent {
    /// Adds what another shard was sent by the same source: it was silent only while it was silent to both.
    fn add(&mut self, other: &Sent) {
        let later = if other.received > self.received { other } else { &*self };
        (self.delay, self.received) = (later.delay, later.received);
        self.events += other.events;
        self.latest_event = self.latest_event.max(other.latest_event);
        self.longest_delay = self.longest_delay.max(other.longest_delay);
        let both = |one: &Gap| {
            let overlaps =
                other.gaps.iter().map(|gap| Gap { from: gap.from.max(one.from), to: gap.to.min(one.to) });
            overlaps.filter(|gap| gap.from < gap.to).collect::<Vec<_>>()
        };
        self.gaps = self.gaps.iter().flat_map(both).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn heard(latest: i64) -> Heard {
        Heard { events: 1, latest_event: latest, earliest_event: latest, heartbeat: HOUR }
    }

    fn at(nanoseconds: i64) -> Moment {
        Moment::from_nanoseconds(nanoseconds).unwrap()
    }

    #[test]
    fn a_silence_longer_than_the_heartbeat_is_a_gap() {
        let mut sources = Sources::default();
        for hour in [1, 2, 4, 5] {
            sources.hear("cloud", heard(hour * HOUR), at(hour * HOUR));
        }
        let gaps: Vec<Gap> = sources.of("cloud").unwrap().gaps.iter().copied().collect();
        assert_eq!(gaps, [Gap { from: 2 * HOUR, to: 4 * HOUR }]);
    }

    #[test]
    fn a_source_of_two_shards_is_silent_only_while_both_hear_nothing() {
        let (mut one, mut other) = (Sources::default(), Sources::default());
        for hour in [1, 4] {
            one.hear("cloud", heard(hour * HOUR), at(hour * HOUR));
        }
        for hour in [2, 5] {
            other.hear("cloud", heard(hour * HOUR), at(hour * HOUR));
        }
        one.add(other);
        let sent = one.of("cloud").unwrap();
        assert_eq!(sent.gaps, [Gap { from: 2 * HOUR, to: 4 * HOUR }]);
        assert_eq!((sent.events, sent.received), (4, 5 * HOUR));
    }

    #[test]
    fn the_delay_is_that_of_what_came_last_and_the_longest_is_kept() {
        let mut sources = Sources::default();
        sources.hear("cloud", heard(HOUR), at(3 * HOUR));
        sources.hear("cloud", heard(4 * HOUR), at(4 * HOUR));
        let sent = sources.of("cloud").unwrap();
        assert_eq!((sent.delay, sent.longest_delay, sent.latest_event), (0, 2 * HOUR, 4 * HOUR));
    }
}
