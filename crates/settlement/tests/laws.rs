//! The laws of settling, judged by the reference on random clouds: whatever the steps and the order of arrival, the month's
//! sum is R(C(end)), gross.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may panic")]

mod bank;
#[path = "../../reference/tests/clouds/mod.rs"]
#[allow(dead_code, reason = "the clouds serve other judges as well")]
mod clouds;

use std::collections::BTreeMap;
use std::sync::Arc;

use bank::{Bank, Everyone};
use clouds::{Cloud, Taste, clouds};
use jiff::ToSpan;
use jiff::civil::Date;
use kopeck_ledger::name::Moment;
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::calendar::Second;
use kopeck_rating::charge::Window;
use kopeck_rating::event::second_of;
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::PriceBook;
use kopeck_reference::{Event, accepted, rate};
use kopeck_settlement::shard::{MeterId, MeterKind, Shard};
use kopeck_settlement::step::Step;
use proptest::prelude::*;

const METER: MeterId = MeterId(7);

/// Project, component, version and month.
type Key = (String, String, String, String);

fn moment(second: Second) -> Moment {
    Moment::from_nanoseconds(second * 1_000_000_000).unwrap()
}

/// The accepted events of a cloud, in the order of its lines.
fn lines(cloud: &Cloud) -> (Vec<String>, Vec<Event>) {
    let book = cloud.book();
    let read = |line: &String| Event::read(line.as_bytes(), &book).ok().map(|event| (line.clone(), event));
    let read: Vec<(String, Event)> = cloud.lines.iter().filter_map(read).collect();
    let events: Vec<Event> = read.iter().map(|(_, event)| event.clone()).collect();
    let fates = kopeck_reference::fates(&events);
    let kept = read.into_iter().zip(fates).filter(|(_, fate)| *fate == kopeck_reference::Fate::Accepted);
    (kept.map(|((line, _), _)| line).collect(), accepted(&events))
}

fn batch(line: &str) -> Arc<Batch> {
    Arc::new(Batch::read(line.as_bytes().to_vec(), Origin { file: 0, line: 1 }))
}

/// The months from the cloud's first to the one of an instant.
fn months(book: &PriceBook, from: Date, at: Second) -> Vec<Date> {
    let last = book.calendar().local(at).unwrap().date().max(from.first_of_month());
    from.first_of_month().series(1.month()).take_while(|month| *month <= last).collect()
}

/// What the reference charges up to an instant: the months from the cloud's first on.
fn expected(cloud: &Cloud, events: &[Event], at: Second) -> BTreeMap<Key, Amount> {
    let book = cloud.book();
    let mut sums: BTreeMap<Key, Amount> = BTreeMap::new();
    for month in months(&book, cloud.from, at) {
        let window = Window::new(book.calendar(), month, month + 1.month(), Some(at)).unwrap();
        for charge in rate(&book, events, window).unwrap().charges {
            let key = charge.key;
            let key = (key.project, key.component, key.version.to_string(), key.month.to_string());
            let sum = sums.entry(key).or_insert(Amount::ZERO);
            *sum = sum.checked_add(charge.amount).unwrap();
        }
    }
    sums.retain(|_, amount| !amount.is_zero());
    sums
}

/// A life of a shard: how many events come between two looks, and how the clock goes.
#[derive(Debug, Clone)]
struct Life {
    looks: Vec<(usize, i64, bool)>,
    /// Whether the ledger refuses a posting, one after the other.
    refusals: Vec<bool>,
    packs: Vec<bool>,
}

fn lives() -> impl Strategy<Value = Life> {
    let look = (1..6_usize, prop::sample::select(&[0, 1, 60, 3_600, 90_000, 700_000][..]), any::<bool>());
    let refusals = prop::collection::vec(prop::bool::weighted(0.1), 1..40);
    (prop::collection::vec(look, 1..12), refusals, prop::collection::vec(any::<bool>(), 1..5))
        .prop_map(|(looks, refusals, packs)| Life { looks, refusals, packs })
}

fn shard(cloud: &Cloud, kind: MeterKind) -> Shard {
    let mut shard = Shard::new(1, cloud.from);
    shard.add_meter(METER, &Arc::new(cloud.book()), kind).unwrap();
    shard
}

/// Leads a shard through a life; answers all steps, the shard, and the last instant.
fn lead(
    cloud: &Cloud,
    life: &Life,
    (lines, bank): (&[String], &mut Bank),
    kind: MeterKind,
) -> Result<(Shard, Vec<Step>, Second), TestCaseError> {
    let mut shard = shard(cloud, kind);
    let book = Arc::new(cloud.book());
    let start = book.calendar().day_start(cloud.from.first_of_month()).unwrap();
    let first = lines.iter().filter_map(|line| batch(line).time_of(0)).map(second_of).min().unwrap_or(0);
    let (mut clock, mut steps, mut refusals) =
        ((first - 1_000).max(start), Vec::new(), life.refusals.iter().cycle());
    let (mut next, mut looks, mut packs) = (0, life.looks.iter().cycle(), life.packs.iter().cycle());
    let last = lines.iter().filter_map(|line| batch(line).time_of(0)).map(second_of).max().unwrap_or(0);
    while next < lines.len() || clock <= last {
        let (count, by, whole) = looks.next().unwrap();
        for line in lines.iter().skip(next).take(*count) {
            shard.take(&batch(line), 0, METER).unwrap();
        }
        next += count;
        clock += by;
        if next >= lines.len() {
            clock = clock.max(last + 1);
        }
        step(&mut shard, (clock, *whole), bank, (&mut refusals, &mut steps))?;
        if *packs.next().unwrap() {
            let packed = shard.pack().unwrap();
            shard = Shard::restore(packed.clone(), |_| Some(book.clone())).unwrap();
            prop_assert_eq!(shard.pack().unwrap(), packed);
        }
    }
    for _ in 0..3 {
        let mut none = [false].iter().cycle();
        let none: &mut dyn Iterator<Item = &bool> = &mut none;
        clock += 1;
        step(&mut shard, (clock, true), bank, (none, &mut steps))?;
    }
    Ok((shard, steps, clock))
}

fn step(
    shard: &mut Shard,
    (clock, whole): (Second, bool),
    bank: &mut Bank,
    (refusals, steps): (&mut dyn Iterator<Item = &bool>, &mut Vec<Step>),
) -> Result<(), TestCaseError> {
    let step = shard.decide(moment(clock), whole, &Everyone).unwrap();
    prop_assert_eq!(&Step::decode(&step.encode()).unwrap(), &step);
    if step.postings.is_empty() {
        return Ok(());
    }
    let refused: Vec<usize> = (0..step.postings.len()).filter(|_| *refusals.next().unwrap()).collect();
    bank.perform(&step, &refused)?;
    shard.settled(&step, &refused).unwrap();
    let again = shard.decide(moment(clock), false, &Everyone).unwrap();
    prop_assert!(again.postings.is_empty(), "decided twice: {:?}", again);
    steps.push(step);
    Ok(())
}

/// The sums of each project: a job is about several components.
fn by_project(sums: impl Iterator<Item = (Key, Amount)>) -> BTreeMap<String, Amount> {
    let mut all: BTreeMap<String, Amount> = BTreeMap::new();
    for ((project, ..), amount) in sums {
        let sum = all.entry(project).or_insert(Amount::ZERO);
        *sum = sum.checked_add(amount).unwrap();
    }
    all.retain(|_, amount| !amount.is_zero());
    all
}

/// A credit of negative usage is a sum below zero, which no posting can be about: it stays due.
fn with_carried(shard: &Shard, mut posted: BTreeMap<Key, Amount>) -> BTreeMap<Key, Amount> {
    for unposted in shard.carried() {
        let words: Vec<&str> = unposted.what.split(' ').collect();
        let [_, component, version, month] = words[..] else { panic!("{words:?}") };
        let [component, version, month] = [component, version, month].map(str::to_owned);
        let sum = posted.entry((unposted.project, component, version, month)).or_insert(Amount::ZERO);
        *sum = sum.checked_add(unposted.amount).unwrap();
    }
    posted.retain(|_, amount| !amount.is_zero());
    posted
}

fn check_service(
    cloud: &Cloud,
    life: &Life,
    lines: &[String],
    events: &[Event],
) -> Result<(), TestCaseError> {
    let mut bank = Bank::default();
    let (mut shard, steps, clock) = lead(cloud, life, (lines, &mut bank), MeterKind::Service)?;
    let expected = expected(cloud, events, clock);
    // The spend of each month is the same by whatever one asks, and what is due is not posted.
    let sum = |amounts: &mut dyn Iterator<Item = &Amount>| {
        amounts.fold(Amount::ZERO, |sum, amount| sum.checked_add(*amount).unwrap())
    };
    for project in ["acme", "beta", "gamma"] {
        let mut unposted = Amount::ZERO;
        for month in months(&cloud.book(), cloud.from, clock) {
            let spend = shard.spend(project, month, clock).unwrap();
            let own = expected
                .iter()
                .filter(|((name, _, _, of), _)| name == project && *of == spend.month.to_string());
            prop_assert_eq!(spend.total, sum(&mut own.map(|(_, amount)| amount)));
            prop_assert_eq!(spend.total, sum(&mut spend.by_component.values()));
            prop_assert_eq!(spend.total, sum(&mut spend.by_kind.values()));
            prop_assert_eq!(spend.total, sum(&mut spend.by_region.values()));
            prop_assert_eq!(spend.total, sum(&mut spend.by_resource.values()));
            prop_assert_eq!(spend.total, sum(&mut spend.by_day.values()));
            unposted = unposted.checked_add(spend.total.checked_sub(spend.posted).unwrap()).unwrap();
            let charges = shard.charges(project, month, clock).unwrap();
            prop_assert_eq!(spend.total, sum(&mut charges.iter().map(|(_, charge)| &charge.amount)));
        }
        prop_assert_eq!(shard.due(project, clock).unwrap(), unposted);
    }
    prop_assert_eq!(shard.failures(), []);
    prop_assert_eq!(with_carried(&shard, bank.sums()), expected);
    check_replay(cloud, (life, lines), &steps)
}

/// A restart takes the same events and decides at the same instants: the same postings come of it.
fn check_replay(
    cloud: &Cloud,
    (life, lines): (&Life, &[String]),
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let never = Life { packs: vec![false], ..life.clone() };
    let (_, again, _) = lead(cloud, &never, (lines, &mut Bank::default()), MeterKind::Service)?;
    prop_assert_eq!(again, steps);
    Ok(())
}

fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { default } else { ProptestConfig { cases, ..default } }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn whatever_the_steps_the_sum_posted_is_the_references(
        (cloud, lines) in shuffled(),
        life in lives(),
    ) {
        let (_, events) = self::lines(&cloud);
        check_service(&cloud, &life, &lines, &events)?;
    }

    #[test]
    fn jobs_and_calls_come_to_what_the_reference_charges(
        (cloud, lines) in shuffled(),
        life in lives(),
        kind in prop::sample::select(&[MeterKind::Executor, MeterKind::Api][..]),
    ) {
        let (_, events) = self::lines(&cloud);
        let mut bank = Bank::default();
        let authorised = |line: &String| line.replacen('{', "{\"authorisation\": \"a1\", ", 1);
        let lines: Vec<String> = lines.iter().map(authorised).collect();
        let (shard, _, clock) = lead(&cloud, &life, (&lines, &mut bank), kind)?;
        prop_assert!(shard.aside().is_empty());
        let nothing = || (String::new(), String::new(), String::new());
        let carried = shard.carried().into_iter().map(|unposted| {
            let (component, version, month) = nothing();
            ((unposted.project, component, version, month), unposted.amount)
        });
        let expected = by_project(expected(&cloud, &events, clock).into_iter());
        prop_assert_eq!(by_project(bank.sums().into_iter().chain(carried)), expected);
    }
}

/// A cloud and its accepted lines in another order of arrival.
fn shuffled() -> impl Strategy<Value = (Cloud, Vec<String>)> {
    clouds(Taste::Orderly).prop_flat_map(|cloud| {
        let (lines, _) = lines(&cloud);
        (Just(cloud), Just(lines).prop_shuffle())
    })
}
