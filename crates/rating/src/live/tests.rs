//! The corners of live rating, each named by its rule.

use super::*;
use crate::charge::Window;
use crate::intake::Label;
use crate::rate::Rater;
use expect_test::{Expect, expect};
use jiff::civil::date;
use proptest::prelude::*;

const HEAD: &str = "[book]\nid = \"b\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n";
pub(super) const SECONDS: &str =
    "id = \"seconds\"\nmodel = \"per_second\"\nper = \"second\"\nquantity = [\"a\"]";
pub(super) const ACTIVE: &str =
    "id = \"active\"\nmodel = \"per_second\"\nper = \"second\"\nquantity = []\nwhen = { state = \"active\" }";
pub(super) const HOURS: &str = "id = \"hours\"\nmodel = \"hourly_peak\"\nquantity = [\"a\"]";
pub(super) const DAYS: &str = "id = \"days\"\nmodel = \"monthly\"\nquantity = [\"a\"]";
pub(super) const PEAK: &str = "id = \"peak\"\nmodel = \"monthly_peak\"\nquantity = [\"a\"]";
pub(super) const ONCE: &str = "id = \"once\"\nmodel = \"once\"\nquantity = [\"a\"]";
pub(super) const USE: &str = "id = \"use\"\nmodel = \"per_use\"\nquantity = [\"a\"]";

pub(super) fn book(versions: &[(&str, &[&str])]) -> PriceBook {
    let mut text = HEAD.to_owned();
    for (effective, components) in versions {
        text.push_str(&format!("[[version]]\neffective = {effective}\n"));
        for component in *components {
            text.push_str(&format!("[[version.component]]\nkind = \"vm\"\nprice = \"1\"\n{component}\n"));
        }
    }
    PriceBook::read(&text).unwrap()
}

/// The event of a line of `day-hour:minute:second subject state a`, in October 2026 unless it begins with a month.
pub(super) fn line(number: usize, text: &str) -> String {
    let [time, subject, state, a] = text.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let time = if time.len() > 11 { time.to_owned() } else { format!("10-{time}") };
    let (kind, state) = match state {
        "use" => ("usage", String::new()),
        state => ("state", format!(r#""state": "{state}", "#)),
    };
    format!(
        r#"{{"specversion": "1.0", "id": "{number}", "source": "s", "type": "kopeck.{kind}.v1", "subject": "{subject}", "time": "2026-{time}+03:00", "project": "p", "data": {{"kind": "vm", {state}"attributes": {{"a": {a}}}}}}}"#
    )
}

pub(super) fn second(text: &str) -> Second {
    format!("2026-{text}+03:00").parse::<jiff::Timestamp>().unwrap().as_second()
}

/// Takes the events as they come and shows the month at an instant, which is what a rater of the window shows.
fn check(book: &PriceBook, events: &str, (month, at): (Date, &str), expected: &Expect) {
    let mut live = Live::new(book, date(2026, 10, 1)).unwrap();
    let window =
        Window::new(book.calendar(), month, month.last_of_month().tomorrow().unwrap(), Some(second(at)));
    let mut rater = Rater::new(book, window.unwrap()).unwrap();
    for (number, text) in events.lines().enumerate() {
        let line = line(number, text);
        live.accept(line.as_bytes()).unwrap();
        rater.accept(line.as_bytes(), Origin { file: 0, line: 1 }).unwrap().unwrap();
    }
    let bill = live.charges(month, second(at)).unwrap();
    assert_eq!(bill, rater.finish().unwrap().bill);
    expected.assert_eq(&written(&bill.charges));
}

pub(super) fn written(charges: &[Charge]) -> String {
    let row = |charge: &Charge| {
        let key = &charge.key;
        let resource = key.resource.as_deref().unwrap_or("-");
        format!("{resource} {} {} {} {}\n", key.component, key.version, key.month, charge.quantity)
    };
    charges.iter().map(row).collect()
}

pub(super) const OCTOBER: Date = date(2026, 10, 1);
pub(super) const NOVEMBER: Date = date(2026, 11, 1);

#[test]
fn a_replacement_in_the_same_second_leaves_no_trace() {
    let book = book(&[("2026-09-01", &[SECONDS, HOURS, DAYS, PEAK, ONCE])]);
    check(
        &book,
        "05T10:00:00 x RUNNING 900\n05T10:00:00 x RUNNING 2\n05T10:00:10 x RUNNING 700\n05T10:00:10 x DELETED 0",
        (OCTOBER, "10-06T00:00:00"),
        &expect![[r#"
            - peak 2026-09-01 2026-10 2
            x days 2026-09-01 2026-10 2
            x hours 2026-09-01 2026-10 2
            x once 2026-09-01 2026-10 2
            x seconds 2026-09-01 2026-10 20
        "#]],
    );
}

#[test]
fn what_runs_is_charged_up_to_the_instant_of_the_question_and_over_months() {
    let book = book(&[("2026-09-01", &[SECONDS, HOURS, DAYS, PEAK, ONCE])]);
    let running = "30T23:59:50 x RUNNING 3";
    check(&book, running, (OCTOBER, "10-30T23:59:50"), &expect![""]);
    check(
        &book,
        running,
        (OCTOBER, "12-01T00:00:00"),
        &expect![[r#"
            - peak 2026-09-01 2026-10 3
            x days 2026-09-01 2026-10 6
            x hours 2026-09-01 2026-10 75
            x once 2026-09-01 2026-10 3
            x seconds 2026-09-01 2026-10 259230
        "#]],
    );
    check(
        &book,
        running,
        (NOVEMBER, "11-01T00:00:01"),
        &expect![[r#"
            - peak 2026-09-01 2026-11 3
            x days 2026-09-01 2026-11 3
            x hours 2026-09-01 2026-11 3
            x seconds 2026-09-01 2026-11 3
        "#]],
    );
}

#[test]
fn a_late_deletion_takes_back_closed_months() {
    let book = book(&[("2026-09-01", &[SECONDS, PEAK])]);
    let late = "05T00:00:00 x RUNNING 1\n11-20T00:00:00 x RUNNING 1\n05T00:00:30 x DELETED 0";
    check(
        &book,
        late,
        (OCTOBER, "11-20T00:00:05"),
        &expect![[r#"
            - peak 2026-09-01 2026-10 1
            x seconds 2026-09-01 2026-10 30
        "#]],
    );
    check(
        &book,
        late,
        (NOVEMBER, "11-20T00:00:05"),
        &expect![[r#"
            - peak 2026-09-01 2026-11 1
            x seconds 2026-09-01 2026-11 5
        "#]],
    );
}

#[test]
fn a_late_event_changes_the_class_that_later_events_inherit_in_later_months() {
    let book = book(&[("2026-09-01", &[ACTIVE])]);
    let late = "05T00:00:00 x RUNNING 1\n11-10T00:00:00 x STARTING 1\n11-10T00:01:00 x DELETED 0";
    let at = (NOVEMBER, "11-11T00:00:00");
    check(
        &book,
        late,
        at,
        &expect![[r#"
        x active 2026-09-01 2026-11 777660
    "#]],
    );
    let stopped = format!("{late}\n20T00:00:00 x STOPPED 1");
    check(&book, &stopped, at, &expect![""]);
}

#[test]
fn a_late_birth_before_the_component_appeared_takes_once_back() {
    let book = book(&[("2026-09-01", &[SECONDS]), ("2026-10-10", &[SECONDS, ONCE])]);
    check(
        &book,
        "11T00:00:00 x RUNNING 1\n12T00:00:00 x DELETED 0\n09T00:00:00 x RUNNING 1",
        (OCTOBER, "11-01T00:00:00"),
        &expect![[r#"
            x seconds 2026-09-01 2026-10 86400
            x seconds 2026-10-10 2026-10 172800
        "#]],
    );
}

#[test]
fn usage_in_the_second_of_the_question_does_not_count_yet() {
    let book = book(&[("2026-09-01", &[USE])]);
    let uses = "05T00:00:01 x use 4\n05T00:00:00 x use 2\n05T00:00:01 x use 1";
    check(
        &book,
        uses,
        (OCTOBER, "10-05T00:00:01"),
        &expect![[r#"
        x use 2026-09-01 2026-10 2
    "#]],
    );
    check(
        &book,
        uses,
        (OCTOBER, "10-05T00:00:02"),
        &expect![[r#"
        x use 2026-09-01 2026-10 7
    "#]],
    );
}

#[test]
fn a_question_before_the_latest_event_is_refused() {
    let book = book(&[("2026-09-01", &[SECONDS])]);
    let mut live = Live::new(&book, OCTOBER).unwrap();
    live.accept(line(0, "05T00:00:00 x RUNNING 1").as_bytes()).unwrap();
    let (at, latest) = (second("10-04T23:59:59"), second("10-05T00:00:00"));
    assert_eq!(live.charges(OCTOBER, at), Err(LiveError::Early { at, latest }));
    assert_eq!(live.charges(date(2026, 9, 1), latest), Err(LiveError::OutOfRange(OutOfRange)));
}

/// Takes events, and then late ones: which charges these touched.
fn touched(book: &PriceBook, events: &str, late: &str, expected: &Expect) {
    let mut live = Live::new(book, OCTOBER).unwrap();
    for (number, text) in events.lines().chain(late.lines()).enumerate() {
        if number == events.lines().count() {
            live.take_touched();
        }
        live.accept(line(number, text).as_bytes()).unwrap();
    }
    let at = live.latest();
    let touched = live.take_touched();
    let mut charges: Vec<Charge> =
        touched.iter().flat_map(|touched| live.charges_of(touched, at).unwrap()).collect();
    charges.sort_by(|one, other| one.key.cmp(&other.key));
    expected.assert_eq(&written(&charges));
}

#[test]
fn an_event_touches_its_own_resource_and_project_only() {
    let book = book(&[("2026-09-01", &[SECONDS, ACTIVE, PEAK])]);
    touched(
        &book,
        "05T00:00:00 x RUNNING 1\n05T00:00:00 y RUNNING 1",
        "05T00:00:10 x STOPPED 2",
        &expect![[r#"
            - peak 2026-09-01 2026-10 2
            x active 2026-09-01 2026-10 10
            x seconds 2026-09-01 2026-10 10
        "#]],
    );
}

#[test]
fn a_late_event_touches_its_resource_from_its_month_on_unless_it_says_what_was_so() {
    let book = book(&[("2026-09-01", &[SECONDS])]);
    touched(
        &book,
        "05T00:00:00 x RUNNING 1\n11-05T00:00:00 x RUNNING 2\n12-05T00:00:00 x RUNNING 3",
        "05T00:01:00 x RUNNING 5",
        &expect![[r#"
            x seconds 2026-09-01 2026-10 11663760
            x seconds 2026-09-01 2026-11 6220800
            x seconds 2026-09-01 2026-12 691200
        "#]],
    );
    // It says what was so already.
    touched(
        &book,
        "05T00:00:00 x RUNNING 1\n06T00:00:00 x DELETED 0",
        "05T00:01:00 x RUNNING 1",
        &expect![""],
    );
}

#[test]
fn a_live_resource_with_four_components_takes_at_most_400_bytes() {
    const RESOURCES: usize = 10_000;
    let whole = "id = \"whole\"\nmodel = \"monthly\"\nprorate = \"second\"\nquantity = [\"a\"]";
    let book = book(&[("2026-09-01", &[SECONDS, HOURS, DAYS, whole])]);
    let mut live = Live::new(&book, OCTOBER).unwrap();
    for time in ["05T00:00:00", "06T10:00:00", "07T20:00:00"] {
        for number in 0..RESOURCES {
            let text = format!("{time} 0b9f4f4e-6b1f-4a6e-9d59-{number:012} RUNNING {}", 4 + number % 100);
            let id = number + 100_000 * text[..2].parse::<usize>().unwrap();
            live.accept(line(id, &text).as_bytes()).unwrap();
        }
    }
    // What an allocator adds to a block, and a slot of the index when it has just grown: four fifths of four fifths.
    let block = |bytes: usize| (bytes + 8).next_multiple_of(16);
    let slot = size_of::<u64>() * 25 / 16;
    let states: usize = live.states.iter().map(|(_, state)| block(state.len())).sum();
    let own = size_of::<Box<[u8]>>() + size_of::<Resource>() + slot;
    let name = size_of::<Label>() + 37_usize.next_multiple_of(4);
    let bytes = states / RESOURCES + own + name;
    expect!["state 125, all 237"].assert_eq(&format!("state {}, all {bytes}", states / RESOURCES));
    assert!(bytes <= 400, "{bytes}");
}

#[test]
fn what_runs_is_told_whatever_came_late_and_after_a_restart() {
    let book = book(&[("2026-09-01", &[SECONDS])]);
    let mut live = Live::new(&book, OCTOBER).unwrap();
    let mut after = |number: usize, text: &str| {
        live.accept(line(number, text).as_bytes()).unwrap();
        let again = Live::restore_all(&book, live.pack_all().unwrap()).unwrap();
        let running: Vec<u32> = live.alive().collect();
        assert_eq!(again.alive().collect::<Vec<_>>(), running);
        assert_eq!(live.alive_count(), running.len());
        running
    };
    assert!(after(1, "05T00:00:00 used use 1").is_empty());
    assert_eq!(after(2, "05T00:00:00 a RUNNING 1"), [1]);
    assert_eq!(after(3, "05T00:00:00 b RUNNING 1"), [1, 2]);
    assert_eq!(after(4, "05T02:00:00 a DELETED 1"), [2]);
    // Late, and before the end: it changes nothing of what runs.
    assert_eq!(after(5, "05T01:00:00 a STOPPED 1"), [2]);
    assert_eq!(after(6, "05T03:00:00 a RUNNING 1"), [1, 2]);
    assert_eq!(after(7, "05T04:00:00 a DELETED 1"), [2]);
}

proptest! {
    #[test]
    fn no_bytes_are_a_state_by_accident_and_none_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let book = book(&[("2026-09-01", &[SECONDS, HOURS, DAYS, ONCE])]);
        let mut live = Live::new(&book, OCTOBER).unwrap();
        for (number, text) in ["05T00:00:00 x RUNNING 4", "06T10:00:00 x STOPPED 7"].iter().enumerate() {
            live.accept(line(number, text).as_bytes()).unwrap();
        }
        let packed = live.pack("s", "x").unwrap();
        prop_assert!(live.restore("s", "x", &bytes).is_err());
        let mut changed = packed.clone();
        for (at, byte) in &changes {
            *at.get_mut(&mut changed[..]) = *byte;
        }
        prop_assert!(changed == packed || live.restore("s", "x", &changed).is_err());
        // With a checksum that matches, what is read is a state, written the same way, or refused.
        let mut bare = changed[..changed.len() - 4].to_vec();
        bare[0] = packed::VERSION;
        if live.restore("s", "x", &codec::seal(Form::State, bare.clone())).is_ok() {
            prop_assert_eq!(live.pack("s", "x").unwrap(), codec::seal(Form::State, bare));
            let _ = live.accept(line(9, "07T00:00:00 x DELETED 0").as_bytes());
            let _ = live.charges(OCTOBER, second("10-08T00:00:00"));
        }
    }
}

/// A rater of that first month that has taken the events.
pub(super) fn taken(book: &PriceBook, since: Date, events: &str) -> Live {
    let mut live = Live::new(book, since).unwrap();
    for (number, text) in events.lines().enumerate() {
        live.accept(line(number, text).as_bytes()).unwrap();
    }
    live
}

#[test]
fn a_packed_state_outlives_a_new_version_and_another_first_month() {
    let parts: &[&str] = &[SECONDS, HOURS, DAYS, PEAK, ONCE];
    let events = "28T10:00:00 x RUNNING 4\n28T11:30:00 x STOPPED 7\n30T00:00:01 x RUNNING 5";
    let old = book(&[("2026-09-01", parts)]);
    let new = book(&[("2026-09-01", parts), ("2026-11-01", &[HOURS, SECONDS, ACTIVE])]);
    let packed = taken(&old, OCTOBER, events).pack("s", "x").unwrap();
    for since in [OCTOBER, date(2026, 7, 1)] {
        let mut live = taken(&new, since, events);
        assert_eq!(live.pack("s", "x").unwrap(), packed);
        let at = second("11-03T00:00:00");
        let expected = [OCTOBER, NOVEMBER].map(|month| live.charges(month, at).unwrap());
        live.restore("s", "x", &packed).unwrap();
        assert_eq!([OCTOBER, NOVEMBER].map(|month| live.charges(month, at).unwrap()), expected);
    }
}

#[test]
fn an_unknown_version_is_named() {
    let book = book(&[("2026-09-01", &[SECONDS])]);
    let mut live = Live::new(&book, OCTOBER).unwrap();
    live.accept(line(0, "05T00:00:00 x RUNNING 4").as_bytes()).unwrap();
    let mut packed = live.pack("s", "x").unwrap();
    let refusal = |error| Err(LiveError::Packed(error));
    assert_eq!(live.restore("s", "x", &[]), refusal(UnpackError::Truncated));
    packed[0] = 2;
    assert_eq!(live.restore("s", "x", &packed), refusal(UnpackError::Version { found: 2, known: 1 }));
    packed[0] = packed::VERSION;
    packed[12] ^= 1;
    assert_eq!(live.restore("s", "x", &packed), refusal(UnpackError::Checksum));
    assert_eq!(live.restore("s", "y", &packed), Err(LiveError::UnknownResource));
}

/// Takes events where project `p` is billed from an instant on: its charges of October.
fn billed(components: &[&str], from: &str, events: &str, expected: &Expect) {
    let book = book(&[("2026-09-01", components)]);
    let mut live = Live::new(&book, OCTOBER).unwrap();
    live.bill_from("p", second(from)).unwrap();
    for (number, text) in events.lines().enumerate() {
        live.accept(line(number, text).as_bytes()).unwrap();
    }
    let packed = live.pack_all().unwrap();
    let mut live = Live::restore_all(&book, packed.clone()).unwrap();
    let charges = live.charges(OCTOBER, second("11-01T00:00:00")).unwrap().charges;
    expected.assert_eq(&written(&charges));
}

#[test]
fn what_a_project_used_before_it_is_billed_is_free() {
    let running =
        "05T00:00:00 x RUNNING 2\n05T12:00:00 x use 3\n06T10:30:00 x STOPPED 2\n06T12:00:00 x DELETED 0";
    billed(
        &[SECONDS, HOURS, PEAK, USE, ONCE],
        "10-06T10:00:00",
        running,
        &expect![[r#"
        - peak 2026-09-01 2026-10 2
        x hours 2026-09-01 2026-10 4
        x seconds 2026-09-01 2026-10 14400
    "#]],
    );
}

#[test]
fn a_book_may_get_later_versions_while_it_is_used() {
    let versions: [(&str, &[&str]); 2] =
        [("2026-09-01", &[SECONDS, PEAK]), ("2026-10-10", &[SECONDS, PEAK, HOURS])];
    let (one, both) = (book(&versions[..1]), book(&versions));
    let mut rebooked = Live::new(&one, OCTOBER).unwrap();
    let mut known = Live::new(&both, OCTOBER).unwrap();
    let events = ["05T00:00:00 x RUNNING 2", "06T00:00:00 y RUNNING 3"];
    let late = ["04T00:00:00 x STOPPED 1", "12T00:00:00 y RUNNING 5"];
    for (number, text) in events.iter().chain(&late).enumerate() {
        if number == events.len() {
            rebooked.rebook(&both).unwrap();
        }
        for live in [&mut rebooked, &mut known] {
            live.accept(line(number, text).as_bytes()).unwrap();
        }
    }
    for month in [OCTOBER, date(2026, 11, 1)] {
        let at = second("11-09T00:00:00");
        assert_eq!(rebooked.charges(month, at).unwrap(), known.charges(month, at).unwrap());
    }
    assert_eq!(rebooked.rebook(&one), Err(LiveError::Packed(UnpackError::OtherBook)));
}

#[test]
fn an_announced_version_may_be_edited_or_preceded_by_another_before_its_effect() {
    let first: (&str, &[&str]) = ("2026-09-01", &[SECONDS, PEAK]);
    let announced = book(&[first, ("2026-10-20", &[SECONDS, PEAK, HOURS])]);
    let edited = book(&[first, ("2026-10-10", &[HOURS, PEAK]), ("2026-10-20", &[PEAK])]);
    let (mut rebooked, mut known) =
        (Live::new(&announced, OCTOBER).unwrap(), Live::new(&edited, OCTOBER).unwrap());
    let events = ["05T00:00:00 x RUNNING 2", "06T00:00:00 y RUNNING 3", "12T00:00:00 y RUNNING 5"];
    for (number, text) in events.iter().enumerate() {
        let packed = rebooked.pack_all().unwrap();
        if number == 2 {
            rebooked.rebook(&edited).unwrap();
            let mut restored = Live::restore_all(&edited, packed.clone()).unwrap();
            assert_eq!(restored.pack_all().unwrap(), rebooked.pack_all().unwrap());
            let (month, at) = (date(2026, 11, 1), second("11-09T00:00:00"));
            assert_eq!(restored.charges(month, at).unwrap(), rebooked.charges(month, at).unwrap());
        }
        for live in [&mut rebooked, &mut known] {
            live.accept(line(number, text).as_bytes()).unwrap();
        }
    }
    for month in [OCTOBER, date(2026, 11, 1)] {
        let at = second("11-09T00:00:00");
        assert_eq!(rebooked.charges(month, at).unwrap(), known.charges(month, at).unwrap());
    }
    assert_eq!(rebooked.rebook(&announced), Err(LiveError::Packed(UnpackError::OtherBook)));
}

#[test]
fn the_sums_of_a_new_version_have_only_what_is_billed_here() {
    let first: (&str, &[&str]) = ("2026-09-01", &[SECONDS, PEAK]);
    let (one, both) = (book(&[first]), book(&[first, ("2026-10-20", &[PEAK])]));
    let mut live = Live::new(&one, OCTOBER).unwrap();
    live.bill("p", None, std::iter::once(second("10-01T00:00:00")..second("10-08T00:00:00")).collect())
        .unwrap();
    live.accept(line(0, "05T00:00:00 x RUNNING 2").as_bytes()).unwrap();
    live.rebook(&both).unwrap();
    assert_eq!(live.charges(date(2026, 11, 1), second("11-09T00:00:00")).unwrap().charges, []);
}

#[test]
fn what_one_source_says_of_a_project_is_billed_in_seconds_of_its_own() {
    let book = book(&[("2026-09-01", &[SECONDS, PEAK])]);
    let mut live = Live::new(&book, OCTOBER).unwrap();
    let of = |source: &str, number, text| {
        line(number, text).replace(r#""source": "s""#, &format!(r#""source": "{source}""#))
    };
    let until = |end: &str| std::iter::once(second("10-01T00:00:00")..second(end)).collect();
    live.bill_from("p", second("10-01T00:00:00")).unwrap();
    for (number, (source, text)) in
        [("s", "05T00:00:00 x RUNNING 2"), ("t", "05T00:00:00 x RUNNING 3")].into_iter().enumerate()
    {
        live.accept(of(source, number, text).as_bytes()).unwrap();
    }
    live.bill("p", Some("t"), until("10-06T00:00:00")).unwrap();
    let mut live = Live::restore_all(&book, live.pack_all().unwrap()).unwrap();
    assert_eq!(live.billed_sources("p").collect::<Vec<_>>(), ["t"]);
    expect![[r#"
        - peak 2026-09-01 2026-10 5
        x seconds 2026-09-01 2026-10 345600
        x seconds 2026-09-01 2026-10 259200
    "#]]
    .assert_eq(&written(&live.charges(OCTOBER, second("10-07T00:00:00")).unwrap().charges));
}
