//! What a person should be told of live rating beside its charges, as a run over the same window tells it.
//!
//! What usage lacks is counted as it comes: usage events are not kept. What is to be told of resources is found when
//! it is asked for, by a walk over their events: a late event may change all of it, and few ask.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::Date;

use super::past::Kept;
use super::{Live, LiveError};
use crate::calendar::Second;
use crate::event;
use crate::intake::{Labels, Name};
use crate::matching::{self, Match};
use crate::notice::{Lacking, Notices, Seen, looks_at};
use crate::plan::Plan;
use crate::price_book::Model;
use crate::resource::Ground;
use crate::timeline::{self, Holding, StateEvent, Told};

/// The name of an event; the order is that of time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventName {
    /// Its instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
}

/// What usage events of a month lack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lacks {
    /// An attribute that a component charges by.
    Attribute(Lacking),
    /// A component that prices the kind.
    Component(String),
}

/// Events that were counted; those of the latest second are apart, so that a look at its start is without them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub before: u64,
    pub second: Second,
    pub within: u64,
    pub first: EventName,
}

/// By the number of the month.
#[derive(Debug, Default)]
pub(super) struct UsageNotices(pub BTreeMap<(usize, Lacks), Counted>);

impl UsageNotices {
    /// Counts an event, whose name is asked for where it may be the first.
    pub fn take(&mut self, (month, lacks): (usize, Lacks), time: i64, name: impl Fn() -> EventName) {
        let second = event::second_of(time);
        let counted = self.0.entry((month, lacks)).or_insert_with(|| {
            let first = name();
            Counted { before: 0, second, within: 0, first }
        });
        if second > counted.second {
            counted.before += counted.within;
            (counted.second, counted.within) = (second, 0);
        }
        *(if second == counted.second { &mut counted.within } else { &mut counted.before }) += 1;
        if time <= counted.first.time {
            let event = name();
            if event < counted.first {
                counted.first = event;
            }
        }
    }

    /// What was noticed in a month before an instant that is not before its latest event.
    fn tell(&self, month: usize, at: Second, into: &mut Notices<EventName>) {
        let of_month = self.0.iter().filter(|((other, _), _)| *other == month);
        for ((_, lacks), counted) in of_month {
            let count = counted.before + if counted.second < at { counted.within } else { 0 };
            if count == 0 {
                continue;
            }
            let seen = Seen { count, first: counted.first.clone() };
            let mut notices = Notices::default();
            match lacks {
                Lacks::Attribute(what) => drop(notices.lacking.insert(what.clone(), seen)),
                Lacks::Component(kind) => drop(notices.unpriced.insert(kind.clone(), seen)),
            }
            into.add(notices);
        }
    }
}

impl Live {
    /// What a person should be told beside the charges of a month up to an instant, as a run over that window tells it.
    /// Resources are walked through with all their events: this is for a look now and then, not for each event.
    ///
    /// # Errors
    /// [`LiveError`], as of [`charges`](Live::charges).
    pub fn notices(&mut self, month: Date, at: Second) -> Result<Notices<EventName>, LiveError> {
        let month = self.ready(month, at)?;
        let mut notices = Notices::default();
        self.usage_notices.tell(month, at, &mut notices);
        let of_month = &self.plan.months()[month];
        let window = of_month.start..of_month.end.min(at);
        for number in 0..self.pasts.len() {
            self.notices_of(number, &window, &mut notices)?;
        }
        Ok(notices)
    }

    fn notices_of(
        &mut self,
        number: usize,
        window: &Range<Second>,
        notices: &mut Notices<EventName>,
    ) -> Result<(), LiveError> {
        let Live { plan, register, matches, pasts, .. } = self;
        let (plan, descriptions) = (&*plan, &register.descriptions);
        let source = register.records.resource_at(number).source;
        let ground = Ground { plan, descriptions, billed: &self.billed, source };
        let events = pasts[number].events();
        let own = Own { labels: &register.labels, source: register.names.text(source) };
        let mut sight = Sight { seen: None, priced: false, classed: false };
        timeline::walk(events.iter().map(|kept| state_event(ground, kept)), |told| {
            let holding = match told {
                Told::Disputed(number) => {
                    notices.disputed(own.name(&events[number]));
                    return Ok(());
                }
                Told::Holding(holding) => holding,
            };
            let kept = &events[holding.began];
            let found = matches.of(plan, descriptions, (kept.said.description, holding.class))?;
            for found in sight.of(plan, (kept, &holding), found, window) {
                let component = &plan.parts()[found.part].component;
                if let Some(number) = found.lacks {
                    notices.lacking(&component.id, &component.quantity[number], own.name(kept));
                }
            }
            Ok(())
        })?;
        if let Some(kept) = sight.seen.filter(|_| !sight.priced) {
            let data = descriptions.get(kept.said.description);
            notices.unpriced_resource(plan, (data, sight.classed), window, own.name(kept));
        }
        Ok(())
    }
}

/// What was seen of a resource in a window.
struct Sight<'k> {
    /// The first event that held in it.
    seen: Option<&'k Kept>,
    /// Whether a component looked at it.
    priced: bool,
    /// Whether it had a class.
    classed: bool,
}

impl<'k> Sight<'k> {
    /// Looks at a holding: which of its matches look at it too.
    fn of<'m>(
        &mut self,
        plan: &'m Plan,
        (kept, holding): (&'k Kept, &Holding),
        found: &'m [Match],
        window: &Range<Second>,
    ) -> Vec<&'m Match> {
        if window.is_empty() || holding.start >= window.end {
            return Vec::new();
        }
        if holding.end > window.start {
            self.seen = self.seen.or(Some(kept));
            self.classed |= holding.class.is_some();
        }
        let seconds = holding.start..holding.end.min(window.end);
        let charged = seconds.start.max(window.start)..seconds.end;
        let looks = |found: &&Match| {
            let part = &plan.parts()[found.part];
            // What `once` has charged before the window is priced, too.
            let is_once = matches!(part.component.model, Model::Once { .. });
            looks_at(part, if is_once { &seconds } else { &charged })
        };
        let looking: Vec<_> = matching::within(found, plan, &seconds).filter(looks).collect();
        self.priced |= !looking.is_empty();
        looking
    }
}

/// How the events of a resource are named.
struct Own<'a> {
    labels: &'a Labels,
    source: &'a str,
}

impl Own<'_> {
    fn name(&self, kept: &Kept) -> EventName {
        let id = String::from_utf8_lossy(self.labels.order(kept.label).1).into_owned();
        EventName { time: kept.time, source: self.source.to_owned(), id }
    }
}

fn state_event<'a>(ground: Ground<'a>, kept: &Kept) -> StateEvent<(Name, &'a str)> {
    let data = ground.descriptions.get(kept.said.description);
    let meaning = ground.plan.book().meaning(&data.kind, data.state.as_deref().unwrap_or_default());
    StateEvent { time: kept.time, owner: (kept.said.project, data.kind.as_str()), meaning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::tests::{ACTIVE, OCTOBER, SECONDS, USE, book, second, taken};
    use expect_test::{Expect, expect};

    /// What is noticed of these events by the end of October, with a book of these components.
    fn check(parts: &[&str], events: &str, expected: &Expect) {
        let book = book(&[("2026-09-01", parts)]);
        let mut live = taken(&book, OCTOBER, events);
        let notices = live.notices(OCTOBER, second("11-01T00:00:00")).unwrap();
        let mut text = String::new();
        let mut tell = |what: String, seen: &Seen<EventName>| {
            text += &format!("{what}: {} from {}\n", seen.count, seen.first.id);
        };
        for (what, seen) in &notices.lacking {
            tell(format!("{} lacks {}", what.component, what.attribute), seen);
        }
        for (kind, seen) in &notices.unpriced {
            tell(format!("unpriced {kind}"), seen);
        }
        for (what, seen) in &notices.classless {
            let how = if what.inherits { "inherits none" } else { "is in no list" };
            tell(format!("{} {} {how}", what.kind, what.state), seen);
        }
        notices.disputed.iter().for_each(|seen| tell("disputed".to_owned(), seen));
        expected.assert_eq(&text);
    }

    #[test]
    fn a_resource_without_a_class_is_told_with_its_state() {
        let waiting = "05T10:00:00 x STARTING 1\n06T10:00:00 y ODD 1\n07T00:00:00 z STARTING 1";
        check(
            &[ACTIVE],
            waiting,
            &expect![[r#"
                vm ODD is in no list: 1 from 1
                vm STARTING inherits none: 2 from 0
            "#]],
        );
        // It has had a class, or it is priced without one, or nothing prices it in any class.
        check(&[ACTIVE], "05T10:00:00 x STARTING 1\n06T10:00:00 x RUNNING 1", &expect![""]);
        check(&[ACTIVE, SECONDS], waiting, &expect![""]);
        check(
            &[USE],
            "05T10:00:00 x STARTING 1",
            &expect![[r#"
                unpriced vm: 1 from 0
            "#]],
        );
        let stopped = "05T10:00:00 x STARTING 1\n06T10:00:00 x STOPPED 1";
        check(
            &[ACTIVE],
            stopped,
            &expect![[r#"
                unpriced vm: 1 from 0
            "#]],
        );
    }

    #[test]
    fn the_first_event_is_the_earliest_not_the_first_that_came() {
        check(
            &[USE, SECONDS],
            "06T10:00:00 x use null\n05T10:00:00 x use null\n07T10:00:00 y RUNNING null\n06T09:00:00 y RUNNING null",
            &expect![[r#"
                seconds lacks a: 2 from 3
                use lacks a: 2 from 1
            "#]],
        );
    }
}
