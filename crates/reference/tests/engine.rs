//! The engine against the reference, and what the contract says of any cloud.
//!
//! `PROPTEST_CASES` sets how many clouds each rule is tried on. A cloud that fails prints as the files that show it.
#![allow(clippy::unwrap_used, reason = "what random clouds are made of is valid")]

mod clouds;

use std::collections::{BTreeMap, BTreeSet};

use clouds::events::STATES;
use clouds::{Cloud, Taste, clouds};
use jiff::civil::Date;
use kopeck_rating::batch::Origin;
use kopeck_rating::charge::{Bill, ChargeKey, Window};
use kopeck_rating::event::Refusal;
use kopeck_rating::keys::Accepted;
use kopeck_rating::money::{Amount, Quantity};
use kopeck_rating::rate::Rater;
use kopeck_reference::{Fate, disputed, meaning, rate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// What the engine answers to each line, in the reference's words.
type Answers = Vec<Result<Fate, Refusal>>;

fn fate(answer: Result<Accepted, Refusal>) -> Result<Fate, Refusal> {
    answer.map(|accepted| match accepted {
        Accepted::New => Fate::Accepted,
        Accepted::Duplicate => Fate::Duplicate,
    })
}

/// The engine's answers and bill, line by line and on one thread.
fn engine(cloud: &Cloud, window: Window) -> (Answers, Bill) {
    let book = cloud.book();
    let mut rater = Rater::new(&book, window).unwrap();
    let places = (1..).map(|line| Origin { file: 0, line });
    let answers = cloud
        .lines
        .iter()
        .zip(places)
        .map(|(line, place)| fate(rater.accept(line.as_bytes(), place).unwrap()));
    let answers = answers.collect();
    (answers, rater.finish().unwrap().bill)
}

/// The engine's answers and bill, by batches of so many lines and on so many threads.
fn engine_by_batches(cloud: &Cloud, lines: usize, threads: usize) -> (Answers, Bill) {
    let book = cloud.book();
    let mut rater = Rater::new(&book, cloud.window()).unwrap();
    let mut answers = Vec::new();
    for (batch, file) in cloud.lines.chunks(lines).zip(0..) {
        let batch = rater.reader().read(batch.join("\n").into_bytes(), Origin { file, line: 1 });
        rater.take(batch, |_, answer| answers.push(fate(answer))).unwrap();
    }
    (answers, rater.finish_on(threads).unwrap().bill)
}

/// What the engine charges for these lines instead of the cloud's own.
fn charged(cloud: &Cloud, lines: Vec<String>) -> Bill {
    engine(&Cloud { lines, ..cloud.clone() }, cloud.window()).1
}

/// The engine's rows for a part of the window.
fn rows(cloud: &Cloud, from: Date, to: Date) -> Vec<(ChargeKey, Quantity, Amount)> {
    let bill = engine(cloud, cloud.window_of(from, to)).1;
    bill.charges.into_iter().map(|charge| (charge.key, charge.quantity, charge.amount)).collect()
}

fn check_against_reference(cloud: &Cloud) -> Result<(), TestCaseError> {
    let (expected_answers, events) = cloud.read();
    let expected = rate(&cloud.book(), &events, cloud.window()).unwrap();
    let (answers, bill) = engine(cloud, cloud.window());
    prop_assert_eq!(answers, expected_answers);
    prop_assert_eq!(bill, expected);
    Ok(())
}

/// That many cases, unless the environment says otherwise.
fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { default } else { ProptestConfig { cases, ..default } }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn the_engine_answers_and_charges_as_the_reference(cloud in clouds(Taste::Conflicting)) {
        check_against_reference(&cloud)?;
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn the_largest_numbers_are_rated_without_overflow(cloud in clouds(Taste::Extreme)) {
        check_against_reference(&cloud)?;
    }

    #[test]
    fn batches_and_threads_change_nothing(
        cloud in clouds(Taste::Conflicting),
        lines in 1..50_usize,
        threads in 1..4_usize,
    ) {
        prop_assert_eq!(engine_by_batches(&cloud, lines, threads), engine(&cloud, cloud.window()));
    }

    #[test]
    fn the_order_of_arrival_changes_nothing(
        (cloud, lines) in clouds(Taste::Orderly).prop_flat_map(|cloud| {
            let lines = Just(cloud.lines.clone()).prop_shuffle();
            (Just(cloud), lines)
        })
    ) {
        prop_assert_eq!(charged(&cloud, lines), engine(&cloud, cloud.window()).1);
    }

    #[test]
    fn duplicates_change_nothing(
        cloud in clouds(Taste::Orderly),
        repeats in vec(any::<(Index, Index)>(), 1..20),
    ) {
        let mut lines = cloud.lines.clone();
        for (which, at) in repeats.iter().filter(|_| !cloud.lines.is_empty()) {
            lines.insert(at.index(lines.len() + 1), which.get(&cloud.lines).clone());
        }
        prop_assert_eq!(charged(&cloud, lines), engine(&cloud, cloud.window()).1);
    }

    #[test]
    fn disputed_events_change_nothing_else(cloud in clouds(Taste::Orderly)) {
        let (_, events) = cloud.read();
        let disputed = disputed(&events, &cloud.book());
        let keys: BTreeSet<String> = disputed.iter().map(|event| format!("{} {}", event.source, event.id)).collect();
        let book = cloud.book();
        let is_disputed = |line: &String| {
            let event = kopeck_reference::Event::read(line.as_bytes(), &book);
            event.is_ok_and(|event| keys.contains(&format!("{} {}", event.source, event.id)))
        };
        let lines = cloud.lines.iter().filter(|line| !is_disputed(line)).cloned().collect();
        prop_assert_eq!(charged(&cloud, lines), engine(&cloud, cloud.window()).1);
    }

    #[test]
    fn what_happens_after_the_window_changes_nothing(cloud in clouds(Taste::Orderly)) {
        let book = cloud.book();
        let is_later = |line: &String| {
            let event = kopeck_reference::Event::read(line.as_bytes(), &book);
            event.is_ok_and(|event| event.second() >= cloud.window().to())
        };
        let lines = cloud.lines.iter().filter(|line| !is_later(line)).cloned().collect();
        prop_assert_eq!(charged(&cloud, lines), engine(&cloud, cloud.window()).1);
    }

    #[test]
    fn windows_add_up(cloud in clouds(Taste::Orderly), cut in any::<Index>()) {
        let Some(cut) = cloud.cut(cut) else { return Ok(()) };
        let parts = [rows(&cloud, cloud.from, cut), rows(&cloud, cut, cloud.to)].concat();
        let mut sums: BTreeMap<ChargeKey, (Quantity, Amount)> = BTreeMap::new();
        for (key, quantity, amount) in parts {
            let sum = sums.entry(key).or_insert((Quantity::ZERO, Amount::ZERO));
            *sum = (sum.0.checked_add(quantity).unwrap(), sum.1.checked_add(amount).unwrap());
        }
        sums.retain(|_, (quantity, amount)| !quantity.is_zero() || !amount.is_zero());
        let whole = rows(&cloud, cloud.from, cloud.to);
        let whole: BTreeMap<_, _> = whole.into_iter().map(|(key, quantity, amount)| (key, (quantity, amount))).collect();
        prop_assert_eq!(sums, whole);
    }

    #[test]
    fn states_mean_to_the_engine_what_they_mean_to_the_reference(cloud in clouds(Taste::Orderly)) {
        let book = cloud.book();
        for state in STATES.iter().copied().chain(["DELETED", "REBOOTING", "running", "ELSE"]) {
            for kind in ["vm", "disk", "cost", "other"] {
                prop_assert_eq!(meaning(&book, kind, state), book.meaning(kind, state), "{} {}", kind, state);
            }
        }
    }
}
