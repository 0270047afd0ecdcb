//! Live rating against the engine and the reference: in any order of arrival, at any moment.
//!
//! `PROPTEST_CASES` sets how many clouds each rule is tried on. A cloud that fails prints as the files that show it.
#![allow(clippy::unwrap_used, reason = "what random clouds are made of is valid")]

#[allow(dead_code, reason = "other tests use the rest")]
mod clouds;

use std::collections::{BTreeMap, HashMap};

use clouds::{Cloud, Taste, clouds};
use jiff::ToSpan;
use jiff::civil::Date;
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::calendar::Second;
use kopeck_rating::charge::{Bill, Charge, Window};
use kopeck_rating::event::Refusal;
use kopeck_rating::keys::Accepted;
use kopeck_rating::live::{Live, Touched};
use kopeck_rating::notice::{Lacking, Notices};
use kopeck_rating::price_book::{Model, PriceBook, Prorate};
use kopeck_rating::rate::Rater;
use kopeck_reference::{Event, accepted, rate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Answers = Vec<Result<Accepted, Refusal>>;

fn origin() -> Origin {
    Origin { file: 0, line: 1 }
}

/// The local months from the cloud's first to the one after an instant.
fn months(cloud: &Cloud, book: &PriceBook, at: Second) -> Vec<Date> {
    let first = cloud.from.first_of_month();
    let last = book.calendar().local(at).unwrap().date().max(first) + 1.month();
    first.series(1.month()).take_while(|month| *month <= last).collect()
}

/// A month, up to an instant.
fn window(book: &PriceBook, month: Date, at: Second) -> Window {
    Window::new(book.calendar(), month, month + 1.month(), Some(at)).unwrap()
}

/// The engine's answers and its bill of each month up to an instant.
fn rated(cloud: &Cloud, lines: &[String], at: Second) -> (Answers, Vec<Bill>) {
    let book = cloud.book();
    let mut answers = Vec::new();
    let bills = months(cloud, &book, at).into_iter().map(|month| {
        let mut rater = Rater::new(&book, window(&book, month, at)).unwrap();
        answers = lines.iter().map(|line| rater.accept(line.as_bytes(), origin()).unwrap()).collect();
        rater.finish().unwrap().bill
    });
    let bills = bills.collect();
    (answers, bills)
}

fn live_bills(cloud: &Cloud, book: &PriceBook, live: &mut Live, at: Second) -> Vec<Bill> {
    months(cloud, book, at).into_iter().map(|month| live.charges(month, at).unwrap()).collect()
}

/// Accepts the lines one by one and looks at all months some seconds after the last event.
fn check_against_engine(cloud: &Cloud, lines: &[String], after: &[i64]) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut live = Live::new(&book, cloud.from).unwrap();
    let answers: Answers = lines.iter().map(|line| live.accept(line.as_bytes())).collect();
    for after in after {
        let at = live.latest() + after;
        let (expected_answers, expected) = rated(cloud, lines, at);
        prop_assert_eq!(&answers, &expected_answers);
        prop_assert_eq!(live_bills(cloud, &book, &mut live, at), expected, "at {}", at);
    }
    Ok(())
}

fn check_against_reference(cloud: &Cloud, after: i64) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut live = Live::new(&book, cloud.from).unwrap();
    for line in &cloud.lines {
        let _ = live.accept(line.as_bytes());
    }
    let at = live.latest() + after;
    let read: Vec<Event> =
        cloud.lines.iter().filter_map(|line| Event::read(line.as_bytes(), &book).ok()).collect();
    let events = accepted(&read);
    for month in months(cloud, &book, at) {
        let expected = rate(&book, &events, window(&book, month, at)).unwrap();
        prop_assert_eq!(live.charges(month, at).unwrap(), expected);
    }
    Ok(())
}

/// Takes the lines in batches, with another look after each, and puts packed states back now and then.
fn in_batches(cloud: &Cloud, lines: &[String], batch: usize, restore: bool) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut live = Live::new(&book, cloud.from).unwrap();
    for (number, taken) in lines.chunks(batch).enumerate() {
        live.take(&Batch::read(taken.join("\n").into_bytes(), origin()), |_, _| {});
        let at = live.latest();
        if restore {
            put_back(cloud, &mut live);
        }
        if number % 3 == 0 {
            let known = &lines[..(number * batch + taken.len())];
            prop_assert_eq!(live_bills(cloud, &book, &mut live, at), rated(cloud, known, at).1);
        }
    }
    let at = live.latest() + 1;
    prop_assert_eq!(live_bills(cloud, &book, &mut live, at), rated(cloud, lines, at).1);
    Ok(())
}

/// Takes the lines in batches; wherever `packs` says so, another rater goes on from the bytes of the one before, or
/// from the bytes of that one. Both have the same answers after each batch, and pack to the same bytes.
///
/// What an event changes in the largest sums of a version that has not begun is not packed, because that version may still
/// be edited: it is nothing yet, and a whole look finds it when it has begun. So it is not compared.
fn check_packed(cloud: &Cloud, lines: &[String], batch: usize, packs: &[bool]) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut whole = Live::new(&book, cloud.from).unwrap();
    let mut parted = Live::new(&book, cloud.from).unwrap();
    let mut packed_at = i64::MAX;
    for (number, taken) in lines.chunks(batch).enumerate() {
        if packs[number % packs.len()] {
            packed_at = packed_at.min(parted.latest());
            parted = twice_packed(&book, &parted)?;
        }
        let batch = Batch::read(taken.join("\n").into_bytes(), origin());
        let (mut answers, mut expected) = (Vec::new(), Vec::new());
        whole.take(&batch, |_, outcome| expected.push(outcome));
        parted.take(&batch, |_, outcome| answers.push(outcome));
        prop_assert_eq!(answers, expected);
        prop_assert_eq!(parted.latest(), whole.latest());
        if number % 4 == 0 {
            let [parted, whole] =
                [&mut parted, &mut whole].map(|live| begun(&book, packed_at, settled(live)));
            prop_assert_eq!(parted, whole);
            packed_at = i64::MAX;
        }
    }
    let [parted_last, whole_last] =
        [&mut parted, &mut whole].map(|live| begun(&book, packed_at, settled(live)));
    prop_assert_eq!(parted_last, whole_last);
    prop_assert_eq!(parted.pack_all().unwrap(), whole.pack_all().unwrap());
    let at = whole.latest() + 1_000;
    prop_assert_eq!(live_bills(cloud, &book, &mut parted, at), rated(cloud, lines, at).1);
    for month in months(cloud, &book, at) {
        prop_assert_eq!(parted.notices(month, at).unwrap(), whole.notices(month, at).unwrap());
    }
    prop_assert_eq!(settled(&mut parted), settled(&mut whole));
    Ok(())
}

/// A rater from the bytes of one, from the bytes of another.
fn twice_packed(book: &PriceBook, live: &Live) -> Result<Live, TestCaseError> {
    let packed = live.pack_all().unwrap();
    let once = Live::restore_all(book, packed.clone()).unwrap();
    let again = once.pack_all().unwrap();
    prop_assert_eq!(&again, &packed);
    Ok(Live::restore_all(book, again).unwrap())
}

/// Those charges that are not of largest sums of versions that begin after a second.
fn begun(book: &PriceBook, at: i64, mut charges: Vec<Charge>) -> Vec<Charge> {
    charges.retain(|charge| {
        let version = book.versions().iter().find(|version| version.effective == charge.key.version);
        charge.key.source.is_some() || version.is_some_and(|version| version.start <= at)
    });
    charges
}

/// The touched charges as they are now.
fn settled(live: &mut Live) -> Vec<Charge> {
    let at = live.latest() + 60;
    let mut charges: Vec<Charge> =
        live.take_touched().iter().flat_map(|touched| live.charges_of(touched, at).unwrap()).collect();
    charges.sort_by(|one, other| one.key.cmp(&other.key));
    charges
}

/// What was noticed how often; what has no price for want of a class is among the unpriced.
fn counts<P>(notices: &Notices<P>) -> (Vec<(Lacking, u64)>, BTreeMap<String, u64>, u64) {
    let lacking = notices.lacking.iter().map(|(what, seen)| (what.clone(), seen.count));
    let mut unpriced: BTreeMap<String, u64> = BTreeMap::new();
    let classless = notices.classless.iter().map(|(what, seen)| (&what.kind, seen.count));
    for (kind, count) in notices.unpriced.iter().map(|(kind, seen)| (kind, seen.count)).chain(classless) {
        *unpriced.entry(kind.clone()).or_default() += count;
    }
    (lacking.collect(), unpriced, notices.disputed.as_ref().map_or(0, |seen| seen.count))
}

/// Tells beside each month's charges what a run over it tells.
fn check_notices(cloud: &Cloud, lines: &[String], after: i64) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut live = Live::new(&book, cloud.from).unwrap();
    for line in lines {
        let _ = live.accept(line.as_bytes());
    }
    let at = live.latest() + after;
    for month in months(cloud, &book, at) {
        let window = window(&book, month, at);
        if window.from() >= at {
            continue;
        }
        let mut rater = Rater::new(&book, window).unwrap();
        for line in lines {
            let _ = rater.accept(line.as_bytes(), origin()).unwrap();
        }
        let expected = rater.finish().unwrap().notices;
        prop_assert_eq!(counts(&live.notices(month, at).unwrap()), counts(&expected), "{}", month);
    }
    Ok(())
}

/// Packs each resource and restores it from the bytes; what is not those bytes is refused.
fn put_back(cloud: &Cloud, live: &mut Live) {
    for [source, subject] in resources(cloud) {
        let Ok(packed) = live.pack(&source, &subject) else { continue };
        for length in 0..packed.len() {
            assert!(live.restore(&source, &subject, &packed[..length]).is_err());
        }
        live.restore(&source, &subject, &packed).unwrap();
        assert_eq!(live.pack(&source, &subject).unwrap(), packed);
    }
}

fn resources(cloud: &Cloud) -> Vec<[String; 2]> {
    let book = cloud.book();
    let events = cloud.lines.iter().filter_map(|line| Event::read(line.as_bytes(), &book).ok());
    let mut resources: Vec<[String; 2]> = events.map(|event| [event.source, event.subject]).collect();
    resources.sort();
    resources.dedup();
    resources
}

/// Keeps a bill up to date by touched charges alone.
fn check_touched(cloud: &Cloud, lines: &[String], batch: usize) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut all = Live::new(&book, cloud.from).unwrap();
    for line in lines {
        let _ = all.accept(line.as_bytes());
    }
    let at = all.latest() + 86_400;
    let mut live = Live::new(&book, cloud.from).unwrap();
    live.charges(cloud.from, at).unwrap();
    let mut kept: HashMap<Touched, Vec<Charge>> = HashMap::new();
    for taken in lines.chunks(batch) {
        live.take(&Batch::read(taken.join("\n").into_bytes(), origin()), |_, _| {});
        for touched in live.take_touched() {
            let charges = live.charges_of(&touched, at).unwrap();
            match touched {
                // What a resource came to before that month stands.
                Touched::Resource { number, since } => {
                    let first = live.plan().months()[since as usize].name;
                    let known = kept.entry(Touched::Resource { number, since: 0 }).or_default();
                    known.retain(|charge| charge.key.month < first);
                    known.extend(charges);
                }
                _ => drop(kept.insert(touched, charges)),
            }
        }
    }
    let bills = live_bills(cloud, &book, &mut live, at);
    let expected: Vec<Charge> = bills.into_iter().flat_map(|bill| bill.charges).collect();
    let expected = Bill::new("RUB".to_owned(), expected).unwrap();
    let kept = Bill::new("RUB".to_owned(), kept.into_values().flatten().collect()).unwrap();
    prop_assert_eq!(kept, expected);
    Ok(())
}

/// Bills all projects from the start of a day on: what has no largest quantity is charged as by a run that begins there.
fn check_billed(cloud: &Cloud, lines: &[String], day: Date) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut live = Live::new(&book, cloud.from).unwrap();
    let start = book.calendar().day_start(day).unwrap();
    for project in ["acme", "beta", "gamma"] {
        live.bill_from(project, start).unwrap();
    }
    for line in lines {
        let _ = live.accept(line.as_bytes());
    }
    let at = live.latest() + 5_000;
    let read: Vec<Event> = lines.iter().filter_map(|line| Event::read(line.as_bytes(), &book).ok()).collect();
    let events = accepted(&read);
    let is_additive = |charge: &&Charge| {
        let component = book.components().find(|(at, component)| {
            let version = book.versions()[at.version].effective;
            (version, &component.id) == (charge.key.version, &charge.key.component)
        });
        component.is_some_and(|(_, component)| match &component.model {
            Model::HourlyPeak { .. } | Model::MonthlyPeak { .. } => false,
            Model::Monthly { prorate, .. } => *prorate != Prorate::None,
            _ => true,
        })
    };
    let quantities = |charges: &[Charge]| -> Vec<_> {
        let said = charges.iter().filter(is_additive).filter(|charge| !charge.quantity.is_zero());
        said.map(|charge| (charge.key.clone(), charge.quantity)).collect()
    };
    for month in months(cloud, &book, at) {
        let (from, to) = (month.max(day), month + 1.month());
        let expected = if from < to && book.calendar().day_start(from).unwrap() < at {
            let window = Window::new(book.calendar(), from, to, Some(at)).unwrap();
            quantities(&rate(&book, &events, window).unwrap().charges)
        } else {
            Vec::new()
        };
        prop_assert_eq!(quantities(&live.charges(month, at).unwrap().charges), expected, "{}", month);
    }
    Ok(())
}

/// A cloud and its lines in another order.
fn shuffled(taste: Taste) -> impl Strategy<Value = (Cloud, Vec<String>)> {
    clouds(taste).prop_flat_map(|cloud| {
        let lines = Just(cloud.lines.clone()).prop_shuffle();
        (Just(cloud), lines)
    })
}

/// In the order of time, as a healthy source sends them.
fn in_order(cloud: &Cloud) -> Vec<String> {
    let book = cloud.book();
    let mut lines = cloud.lines.clone();
    let time = |line: &String| Event::read(line.as_bytes(), &book).map_or(i64::MIN, |event| event.time);
    lines.sort_by_key(time);
    lines
}

/// That many cases, unless the environment says otherwise.
fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { default } else { ProptestConfig { cases, ..default } }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn live_is_the_reference(
        cloud in clouds(Taste::Conflicting),
        after in select(&[0, 1, 3_600, 100_000, 4_000_000]),
    ) {
        check_against_reference(&cloud, after)?;
    }

    #[test]
    fn the_largest_numbers_are_kept_up(cloud in clouds(Taste::Extreme)) {
        check_against_engine(&cloud, &cloud.lines, &[0, 4_000_000])?;
    }

    #[test]
    fn live_is_the_engine_in_any_order(
        (cloud, lines) in shuffled(Taste::Conflicting),
        mut after in vec(select(&[0, 1, 59, 3_600, 86_400, 700_000, 3_000_000]), 3),
    ) {
        after.sort_unstable();
        check_against_engine(&cloud, &lines, &after)?;
    }

    #[test]
    fn live_is_the_engine_in_order(cloud in clouds(Taste::Orderly)) {
        check_against_engine(&cloud, &in_order(&cloud), &[0, 1, 500_000])?;
    }

    #[test]
    fn batches_and_looks_in_between_change_nothing(
        (cloud, lines) in shuffled(Taste::Orderly),
        batch in 1..20_usize,
    ) {
        in_batches(&cloud, &lines, batch, false)?;
    }

    #[test]
    fn states_that_are_packed_and_restored_go_on(
        (cloud, lines) in shuffled(Taste::Orderly),
        batch in 1..20_usize,
    ) {
        in_batches(&cloud, &lines, batch, true)?;
    }

    #[test]
    fn a_rater_that_is_packed_and_restored_anywhere_goes_on_as_if_nothing_had_happened(
        (cloud, lines) in shuffled(Taste::Conflicting),
        batch in 1..12_usize,
        packs in vec(any::<bool>(), 1..6),
    ) {
        check_packed(&cloud, &lines, batch, &packs)?;
        // Doubles are known again, late events find their places, and what was touched is not forgotten.
        check_packed(&cloud, &[&lines[..], &lines[..lines.len() / 2]].concat(), batch, &[true])?;
    }

    #[test]
    fn notices_are_those_of_a_run_over_the_window(
        (cloud, lines) in shuffled(Taste::Conflicting),
        after in select(&[0, 1, 3_600, 4_000_000]),
    ) {
        check_notices(&cloud, &lines, after)?;
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
        check_against_engine(&cloud, &lines, &[10])?;
    }

    #[test]
    fn what_a_project_used_before_it_is_billed_is_free(
        (cloud, lines) in shuffled(Taste::Orderly),
        day in any::<Index>(),
    ) {
        let days: Vec<Date> = cloud.from.series(1.day()).take(40).collect();
        check_billed(&cloud, &lines, *day.get(&days))?;
    }

    #[test]
    fn what_is_not_touched_stays(
        (cloud, lines) in shuffled(Taste::Orderly),
        batch in 1..8_usize,
    ) {
        check_touched(&cloud, &lines, batch)?;
        check_touched(&cloud, &in_order(&cloud), batch)?;
    }
}

/// A resource that changes often, for months, under the books of random clouds.
fn busy() -> impl Strategy<Value = (Cloud, Vec<String>, Vec<String>)> {
    let event =
        (0..4_000_i64, select(&["RUNNING", "STOPPED", "STARTING", "RUNNING", "DELETED"]), 0..4_u8, 0..9_u8);
    let events = vec(event, 40..120);
    (clouds(Taste::Orderly), events, vec(any::<Index>(), 1..10)).prop_map(|(cloud, mut events, late)| {
        events.sort_by_key(|(halves, ..)| *halves);
        let start = cloud.book().calendar().day_start(cloud.from).unwrap() - 30 * 86_400;
        let mut lines: Vec<String> = (0..).zip(events).map(|(number, (halves, state, a, project))| {
            let time = jiff::Timestamp::from_second(start + halves * 1_800).unwrap();
            let project = if project == 0 { "beta" } else { "acme" };
            format!(
                r#"{{"specversion": "1.0", "id": "b{number}", "source": "s1", "type": "kopeck.state.v1", "subject": "busy", "time": "{time}", "project": "{project}", "data": {{"kind": "vm", "state": "{state}", "region": "r1", "attributes": {{"a": {a}, "b": 2, "rack": "{a}"}}}}}}"#
            )
        }).collect();
        let late: Vec<String> = late.iter().map(|at| lines.remove(at.index(lines.len()))).collect();
        (cloud, lines, late)
    })
}

proptest! {
    #![proptest_config(cases(80))]

    #[test]
    fn late_events_of_a_busy_resource_are_the_engines((cloud, lines, late) in busy()) {
        let all = [lines, late].concat();
        check_against_engine(&cloud, &all, &[0, 5_000_000])?;
        check_touched(&cloud, &all, 7)?;
        check_packed(&cloud, &all, 9, &[false, true, false])?;
    }
}
