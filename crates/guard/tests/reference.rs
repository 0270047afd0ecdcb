//! The curve, its crossings and stops against the reference, which walks the world.
//!
//! `PROPTEST_CASES` sets how many clouds each rule is tried on. A cloud that fails prints as the files that show it.
#![allow(clippy::unwrap_used, reason = "what random clouds are made of is valid")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../reference/tests/clouds/mod.rs"]
mod clouds;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use clouds::{Cloud, Taste, clouds};
use jiff::civil::Date;
use kopeck_guard::crossing::Cap;
use kopeck_guard::curve::{Curve, Period};
use kopeck_rating::calendar::Second;
use kopeck_rating::event::EventType;
use kopeck_rating::live::Live;
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::{PriceBook, StateMeaning};
use kopeck_rating::stops::Stops;
use kopeck_reference::Event;
use kopeck_reference::guard::Guarded;
use proptest::prelude::*;
use proptest::sample::select;

const DAY: i64 = 86_400;
const PROJECT: &str = "acme";

/// A cloud after its events, and what the guard and the reference know of it.
struct World {
    book: PriceBook,
    events: Vec<Event>,
    billed_from: BTreeMap<String, Second>,
    stops: Stops,
    live: Live,
    from: Second,
}

impl World {
    fn new(cloud: &Cloud, billed: Option<i64>, after: i64) -> World {
        let book = cloud.book();
        let mut live = Live::new(&book, cloud.from).unwrap();
        let start = live.latest();
        let mut stops = Stops::default();
        stops.set("disk", Some(StateMeaning::Deleted));
        live.keep_running(stops.clone()).unwrap();
        let mut billed_from = BTreeMap::new();
        if let Some(after) = billed {
            live.bill_from(PROJECT, start + after).unwrap();
            billed_from.insert(PROJECT.to_owned(), start + after);
        }
        for line in &cloud.lines {
            let _ = live.accept(line.as_bytes());
        }
        let from = live.latest() + after;
        World { book, events: cloud.read().1, billed_from, stops, live, from }
    }

    fn reference(&self) -> Guarded<'_> {
        let World { book, events, billed_from, stops, .. } = self;
        Guarded { book, events, billed_from, stops, project: PROJECT }
    }

    /// The first day of the month of a second, and its seconds.
    fn month(&self, second: Second) -> (Date, Range<Second>) {
        let months = self.book.calendar().months(second, second + 1).unwrap();
        let month = months.last().unwrap();
        let middle = self.book.calendar().local((month.start + month.end) / 2).unwrap().date();
        (middle.first_of_month(), month.start..month.end)
    }

    fn with<T>(&mut self, ask: impl Fn(&Curve<'_>) -> T) -> T {
        let from = self.from;
        let standing = self.live.standing(PROJECT, (from, from + 80 * DAY)).unwrap();
        let mut curve = Curve::new(from);
        if let Some(standing) = standing {
            curve.add(&standing).unwrap();
        }
        ask(&curve)
    }
}

/// Whether credits last: they are not counted on ahead.
fn has_credits(cloud: &Cloud) -> bool {
    cloud.lines.iter().any(|line| line.contains(": -") || line.contains("\"-"))
}

/// The same cloud with the first event of each resource alone: nothing has had an inactive hour, day or month.
fn never_stopped(cloud: Cloud) -> Cloud {
    let mut known = BTreeSet::new();
    let book = cloud.book();
    let mut lines = cloud.lines;
    lines.retain(|line| {
        let Ok(event) = Event::read(line.as_bytes(), &book) else { return false };
        event.event_type == EventType::Usage || known.insert((event.source, event.subject))
    });
    Cloud { lines, ..cloud }
}

fn plus(amount: Amount, micros: i128) -> Amount {
    amount.checked_add(Amount::from_micros(micros)).unwrap()
}

/// When a limit is looked at: often near the month's border, where much happens at once.
fn ahead() -> impl Strategy<Value = i64> {
    let near = select(vec![1_i64, 2, 59, 3_599, 3_600, 3_601, 7_200, DAY, DAY + 1]);
    prop_oneof![near, 1..50 * DAY]
}

fn after() -> impl Strategy<Value = i64> {
    select(vec![1_i64, 2, 1_800, 3_600, 90_000])
}

fn billed() -> impl Strategy<Value = Option<i64>> {
    prop::option::weighted(0.2, select(vec![0_i64, 100_000, 1_000_001, 20 * DAY]))
}

proptest! {
    #[test]
    fn the_cost_of_any_instant_lies_where_the_curve_says(
        cloud in clouds(Taste::Orderly),
        billed in billed(),
        (after, ahead) in (after(), ahead()),
    ) {
        let mut world = World::new(&cloud, billed, after);
        let at = world.from + ahead;
        let (date, seconds) = world.month(at - 1);
        let truth = world.reference().cost(date, at).unwrap();
        let known = world.with(|curve| curve.cost(&Period::Month(seconds.clone()), at).unwrap());
        prop_assert!(truth <= known.most(), "{truth} above {}", known.most());
        // What begins to be billed within the time is known from above only.
        if !has_credits(&cloud) && billed.is_none_or(|_| world.billed_from[PROJECT] < world.from) {
            prop_assert!(known.least() <= truth, "{truth} below {}", known.least());
        }
    }

    #[test]
    fn what_comes_ahead_in_all_months_lies_where_the_curve_says(
        cloud in clouds(Taste::Orderly),
        (after, ahead) in (after(), ahead()),
    ) {
        let mut world = World::new(&cloud, None, after);
        let (from, at) = (world.from, world.from + ahead);
        let mut truth = Amount::ZERO;
        let mut next = world.month(from).1.start;
        while next < at {
            let (date, seconds) = world.month(next);
            let [before, then] = [from, at].map(|at| world.reference().cost(date, at).unwrap());
            truth = truth.checked_add(then).unwrap().checked_sub(before).unwrap();
            next = seconds.end;
        }
        let known = world.with(|curve| curve.cost(&Period::Ahead, at).unwrap());
        prop_assert!(truth <= known.most(), "{truth} above {}", known.most());
        if !has_credits(&cloud) {
            prop_assert!(known.least() <= truth, "{truth} below {}", known.least());
        }
    }

    #[test]
    fn an_amount_is_met_when_the_reference_meets_it(
        cloud in clouds(Taste::Orderly),
        (after, ahead, more) in (after(), ahead(), select(vec![0_i128, 1, -1])),
    ) {
        let mut world = World::new(&cloud, None, after);
        let (date, seconds) = world.month(world.from + ahead - 1);
        let (from, until) = (world.from.max(seconds.start), seconds.end);
        let amount = plus(world.reference().cost(date, world.from + ahead).unwrap(), more);
        let met = world.with(|curve| {
            curve.meets(&Period::Month(seconds.clone()), amount, until).unwrap()
        });
        let costs = |at| world.reference().cost(date, at).unwrap();
        match met {
            None => prop_assert!(costs(until) < amount),
            Some(crossing) => {
                let earliest = crossing.earliest;
                prop_assert!(earliest <= from || costs(earliest - 1) < amount, "met before {earliest}");
                if let Some(certain) = crossing.certain.filter(|_| !has_credits(&cloud)) {
                    prop_assert!(costs(certain) >= amount, "not met at {certain}");
                }
            }
        }
    }

    #[test]
    fn what_was_never_stopped_before_comes_to_what_the_curve_says_if_it_is_stopped(
        cloud in clouds(Taste::Orderly),
        (after, ahead) in (after(), ahead()),
    ) {
        let cloud = never_stopped(cloud);
        let mut world = World::new(&cloud, None, after);
        let (date, seconds) = world.month(world.from + ahead - 1);
        let at = (world.from + ahead).clamp(seconds.start + 1, seconds.end);
        let truth = world.reference().stopped_by(date, at).unwrap();
        let known = world.with(|curve| {
            curve.stopped_by(&Period::Month(seconds.clone()), at, seconds.end).unwrap()
        });
        prop_assert!(truth <= known.most(), "{truth} above {}", known.most());
        if !has_credits(&cloud) {
            prop_assert!(known.least() <= truth, "{truth} below {}", known.least());
        }
    }

    #[test]
    fn a_stop_that_is_sent_in_time_keeps_the_month_at_or_below_its_cap(
        cloud in clouds(Taste::Orderly),
        (after, ahead, more) in (after(), ahead(), select(vec![0_i128, 1, -1])),
        reaction in select(vec![0_i64, 1, 30, 60, 3_600, 100_000]),
    ) {
        let mut world = World::new(&cloud, None, after);
        let (date, seconds) = world.month(world.from + ahead - 1);
        let chosen = (world.from + ahead).clamp(seconds.start + 1, seconds.end);
        let limit = plus(world.reference().stopped_by(date, chosen).unwrap(), more);
        let period = Period::Month(seconds.clone());
        let cap = Cap { period: period.clone(), limit, reaction, horizon: 0 };
        let (act, after_it) = world.with(|curve| {
            let act = curve.last_act(&cap).unwrap();
            let next = act.map(|act| act.at + reaction + 1).filter(|next| *next <= seconds.end);
            (act, next.map(|next| curve.stopped_by(&period, next, seconds.end).unwrap().most()))
        });
        let Some(act) = act else {
            prop_assert!(world.reference().cost(date, seconds.end).unwrap() <= limit);
            return Ok(());
        };
        let stopped = (act.at + reaction).clamp(seconds.start, seconds.end);
        let comes_to = world.reference().stopped_by(date, stopped.max(world.from)).unwrap();
        prop_assert!(comes_to <= limit.checked_add(act.excess).unwrap(), "{comes_to} after {act:?}");
        if act.excess.is_zero() {
            prop_assert!(after_it.is_none_or(|after| after > limit), "{after_it:?} a second later");
        } else {
            prop_assert!(act.at == world.from || act.at + reaction <= seconds.start);
        }
    }
}
