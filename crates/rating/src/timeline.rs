//! Timelines: from the state events of one resource to its lives, classes and disputes (rating.md, "Life").
//!
//! Events come sorted by full time, sequence and id. What holds after the last event of a second holds from that
//! second; classes and lives pass through all of them. Nothing here knows a price.

use crate::calendar::Second;
use crate::event;
use crate::money::Overflow;
use crate::price_book::{Class, StateMeaning};

/// What a timeline asks of a state event.
#[derive(Debug, Clone, Copy)]
pub struct StateEvent<K> {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// The project and kind that the event names.
    pub owner: K,
    /// What its state means.
    pub meaning: StateMeaning,
}

/// A stretch in which a resource is exactly what one of its events said. `E` is how the caller knows that event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding<E = usize> {
    /// Its first second.
    pub start: Second,
    /// The second after its last; [`Second::MAX`] where no event ends it.
    pub end: Second,
    /// The event that began it.
    pub began: E,
    /// The event that ended it, if one did.
    pub ended: Option<E>,
    /// The class, its own or inherited.
    pub class: Option<Class>,
}

/// What a timeline tells, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<E = usize> {
    /// The resource was this.
    Holding(Holding<E>),
    /// That event names another project or kind than the life it falls in.
    Disputed(E),
}

/// What a timeline must remember between two events: the life, if there is one, and what holds in it.
///
/// What holds from the second of the last event is open: another event of that second replaces it without a trace,
/// and only one of a later second makes it be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life<K, E> {
    current: Option<(K, Holding<E>)>,
}

impl<K: PartialEq + Copy, E: Copy> Life<K, E> {
    /// Nothing has happened yet, or the last life has ended.
    #[must_use]
    pub fn none() -> Life<K, E> {
        Life { current: None }
    }

    /// A life of that owner in which that event has held, in that class, since that second.
    #[must_use]
    pub fn resume(owner: K, began: E, start: Second, class: Option<Class>) -> Life<K, E> {
        let holding = Holding { start, end: Second::MAX, began, ended: None, class };
        Life { current: Some((owner, holding)) }
    }

    /// What holds, with no end yet.
    #[must_use]
    pub fn holding(&self) -> Option<Holding<E>> {
        self.current.map(|(_, holding)| holding)
    }

    /// Takes the next event in the order of time, sequence and id; answers what it ended, or that it is disputed.
    pub fn step(&mut self, event: StateEvent<K>, number: E) -> Option<Told<E>> {
        if self.current.is_some_and(|(owner, _)| owner != event.owner) {
            return Some(Told::Disputed(number));
        }
        let second = event::second_of(event.time);
        let before = self.holding();
        let told = before.filter(|holding| holding.start < second);
        let told = told.map(|holding| Holding { end: second, ended: Some(number), ..holding });
        let class = match event.meaning {
            StateMeaning::Deleted => None,
            StateMeaning::Class(class) => class,
            StateMeaning::Inherit => before.and_then(|holding| holding.class),
        };
        *self = match event.meaning {
            StateMeaning::Deleted => Life::none(),
            _ => Life::resume(event.owner, number, second, class),
        };
        told.map(Told::Holding)
    }
}

/// Walks the sorted state events of one resource, known by their numbers, and tells what held.
///
/// # Errors
/// What `tell` answers; the walk ends there.
pub fn walk<K: PartialEq + Copy>(
    events: impl Iterator<Item = StateEvent<K>>,
    mut tell: impl FnMut(Told) -> Result<(), Overflow>,
) -> Result<(), Overflow> {
    let mut life = Life::none();
    for (number, event) in events.enumerate() {
        if let Some(told) = life.step(event, number) {
            tell(told)?;
        }
    }
    match life.holding() {
        Some(holding) => tell(Told::Holding(holding)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price_book::StateLists;
    use expect_test::{Expect, expect};

    /// Events as "time owner STATE", with the time in milliseconds.
    fn check(events: &str, expected: &Expect) {
        let parsed: Vec<StateEvent<&str>> = events
            .lines()
            .map(|line| {
                let [time, owner, state] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                    panic!("{line}")
                };
                let meaning = if state == "DELETED" {
                    StateMeaning::Deleted
                } else {
                    StateLists::default().meaning(state)
                };
                StateEvent { time: time.parse::<i64>().unwrap() * 1_000_000, owner, meaning }
            })
            .collect();
        let mut told = String::new();
        walk(parsed.into_iter(), |what| {
            let line = match what {
                Told::Holding(Holding { start, end, began, class, .. }) => {
                    let end = if end == Second::MAX { "on".to_owned() } else { end.to_string() };
                    format!("{start} to {end}: event {began} {}\n", class.map_or("-", Class::name))
                }
                Told::Disputed(event) => format!("event {event} disputed\n"),
            };
            told.push_str(&line);
            Ok(())
        })
        .unwrap();
        expected.assert_eq(&told);
    }

    #[test]
    fn a_resource_lives_from_its_first_event_to_deleted() {
        check(
            "1000 a CREATING\n2000 a RUNNING\n5000 a DELETED\n7000 a STARTING\n8000 a RUNNING",
            &expect![[r"
                1 to 2: event 0 -
                2 to 5: event 1 active
                7 to 8: event 3 -
                8 to on: event 4 active
            "]],
        );
    }

    #[test]
    fn what_holds_after_the_last_event_of_a_second_holds_from_that_second() {
        check(
            "1900 a STOPPED\n2100 a RUNNING\n2200 a TERMINATING\n3000 a DELETED",
            &expect![[r"
            1 to 2: event 0 inactive
            2 to 3: event 2 active
        "]],
        );
        check("1100 a RUNNING\n1200 a DELETED", &expect![""]);
    }

    #[test]
    fn an_event_of_another_owner_is_disputed_only_during_a_life() {
        check(
            "1000 a RUNNING\n2000 b STOPPED\n3000 a DELETED\n4000 b RUNNING\n5000 a DELETED",
            &expect![[r"
            event 1 disputed
            1 to 3: event 0 active
            event 4 disputed
            4 to on: event 3 active
        "]],
        );
    }

    #[test]
    fn a_deletion_of_nothing_is_nothing() {
        check(
            "1000 a DELETED\n2000 b RUNNING",
            &expect![[r"
            2 to on: event 1 active
        "]],
        );
    }
}
