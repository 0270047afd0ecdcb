//! When an amount is met (guard.md, point 1).

use jiff::civil::date;

use crate::scene::{Scene, money, second, text};
use crate::{BOOK, dearer};

/// When a month's cost meets an amount, by the curve and, looked at second by second around there, by the reference.
fn met(scene: &mut Scene, month: jiff::civil::Date, amount: &str) -> Option<String> {
    let (period, until) = (scene.period(month), scene.month(month).end);
    let found = scene.with(|curve| curve.meets(&period, money(amount), until).unwrap());
    let Some(crossing) = found else {
        assert!(scene.reference().cost(month, until).unwrap() < money(amount));
        return None;
    };
    let around = (crossing.earliest - 2).max(scene.now)..crossing.earliest + 3;
    let truth = scene.reference().meets(month, money(amount), around).unwrap();
    assert_eq!(truth, crossing.certain, "by the reference");
    assert_eq!(Some(crossing.earliest), crossing.certain, "nothing is rounded");
    Some(text(crossing.earliest))
}

#[test]
fn an_hour_is_bought_in_its_first_second_and_a_limit_is_met_to_the_millionth() {
    let events = "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=2";
    let scene = || Scene::new("UTC", BOOK, events, "2026-11-10T10:30:00Z");
    let november = date(2026, 11, 1);
    // 25 at first, and 20 for each further hour.
    assert_eq!(met(&mut scene(), november, "65").as_deref(), Some("2026-11-10T12:00:01Z"));
    assert_eq!(met(&mut scene(), november, "64.999999").as_deref(), Some("2026-11-10T12:00:01Z"));
    assert_eq!(met(&mut scene(), november, "65.000001").as_deref(), Some("2026-11-10T13:00:01Z"));
    assert_eq!(met(&mut scene(), november, "25").as_deref(), Some("2026-11-10T10:30:00Z"));
}

#[test]
fn seconds_are_met_to_the_second() {
    // Of December's 2,678,400 seconds each costs 0.00001.
    let events = "2026-12-10T10:00:00Z v volume AVAILABLE gb=1";
    let mut scene = Scene::new("UTC", BOOK, events, "2026-12-10T10:00:30Z");
    let december = date(2026, 12, 1);
    assert_eq!(met(&mut scene, december, "0.01").as_deref(), Some("2026-12-10T10:16:40Z"));
    assert_eq!(met(&mut scene, december, "0.010001").as_deref(), Some("2026-12-10T10:16:41Z"));
    assert_eq!(met(&mut scene, december, "0.009999").as_deref(), Some("2026-12-10T10:16:40Z"));
}

#[test]
fn an_hour_that_the_clock_repeats_is_bought_twice_and_one_that_it_leaves_out_is_not() {
    let march = date(2026, 3, 1);
    let events = "2026-03-29T00:00:00Z vm-1 vm RUNNING vcpu=1";
    // 01:00 is followed by 03:00 in Berlin: hours of 1, 3, 4 and so on.
    let mut scene = Scene::new("Europe/Berlin", BOOK, events, "2026-03-29T00:10:00Z");
    assert_eq!(met(&mut scene, march, "35").as_deref(), Some("2026-03-29T02:00:01Z"));
    let october = date(2026, 10, 1);
    let events = "2026-10-25T00:00:00Z vm-1 vm RUNNING vcpu=1";
    let mut scene = Scene::new("Europe/Berlin", BOOK, events, "2026-10-25T00:10:00Z");
    assert_eq!(met(&mut scene, october, "35").as_deref(), Some("2026-10-25T02:00:01Z"));
    // Half an hour forward: the hour of 2 lasts half an hour.
    let events = "2026-10-03T14:30:00Z vm-1 vm RUNNING vcpu=1";
    let mut scene = Scene::new("Australia/Lord_Howe", BOOK, events, "2026-10-03T14:40:00Z");
    assert_eq!(met(&mut scene, october, "25").as_deref(), Some("2026-10-03T15:30:01Z"));
    assert_eq!(met(&mut scene, october, "35").as_deref(), Some("2026-10-03T16:00:01Z"));
}

#[test]
fn a_version_ahead_bends_the_curve_at_its_first_hour() {
    let events = "2026-11-14T20:00:00Z vm-1 vm RUNNING vcpu=1";
    let mut scene = Scene::new("UTC", &dearer(), events, "2026-11-14T20:30:00Z");
    let november = date(2026, 11, 1);
    // 5, and 10 for each of four hours: 45. From midnight on an hour is 20.
    assert_eq!(met(&mut scene, november, "45").as_deref(), Some("2026-11-14T23:00:01Z"));
    assert_eq!(met(&mut scene, november, "65").as_deref(), Some("2026-11-15T00:00:01Z"));
    assert_eq!(met(&mut scene, november, "85").as_deref(), Some("2026-11-15T01:00:01Z"));
}

#[test]
fn a_month_begins_with_nothing_spent() {
    let events = "2026-11-30T20:00:00Z vm-1 vm RUNNING vcpu=1";
    let mut scene = Scene::new("UTC", BOOK, events, "2026-11-30T20:30:00Z");
    assert_eq!(met(&mut scene, date(2026, 11, 1), "46"), None);
    assert_eq!(met(&mut scene, date(2026, 12, 1), "20").as_deref(), Some("2026-12-01T01:00:01Z"));
    assert!(second("2026-12-01T00:00:00Z") == scene.month(date(2026, 11, 1)).end);
}

#[test]
fn a_late_event_moves_the_crossing() {
    let early = "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=2";
    let late = "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=2
        2026-11-10T11:00:00Z vm-2 vm RUNNING vcpu=1
        2026-11-10T10:20:00Z vm-1 vm STOPPED vcpu=2";
    let november = date(2026, 11, 1);
    let mut before = Scene::new("UTC", BOOK, early, "2026-11-10T12:30:00Z");
    assert_eq!(met(&mut before, november, "100").as_deref(), Some("2026-11-10T14:00:01Z"));
    // 20 + 2 + 5 for the first hour, then 2 an hour, and 5 + 10 an hour.
    let mut after = Scene::new("UTC", BOOK, late, "2026-11-10T12:30:00Z");
    assert_eq!(met(&mut after, november, "100").as_deref(), Some("2026-11-10T16:00:01Z"));
}

#[test]
fn a_quota_of_a_region_follows_what_runs_there() {
    let events = "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=2 region=r1
        2026-11-10T10:00:00Z vm-2 vm RUNNING vcpu=1 region=r2
        2026-11-10T10:00:00Z vm-3 vm RUNNING vcpu=1";
    let mut scene = Scene::new("UTC", BOOK, events, "2026-11-10T10:30:00Z");
    let (november, end) = (scene.period(date(2026, 11, 1)), scene.month(date(2026, 11, 1)).end);
    let mut met = |region: &str, spent: &str| {
        let found =
            scene.in_region(region, money(spent), |curve| curve.meets(&november, money("65"), end).unwrap());
        found.map(|crossing| text(crossing.earliest))
    };
    assert_eq!(met("r1", "25").as_deref(), Some("2026-11-10T12:00:01Z"));
    assert_eq!(met("r2", "15").as_deref(), Some("2026-11-10T15:00:01Z"));
    assert_eq!(met("r3", "25"), None);
}
