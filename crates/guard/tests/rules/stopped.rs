//! When a stop is sent (guard.md, points 2 and 3).

use jiff::civil::{Date, date};
use kopeck_guard::crossing::{Act, Cap};
use kopeck_guard::curve::Period;
use kopeck_rating::money::Amount;

use crate::scene::{Scene, money, second, text};
use crate::{BOOK, dearer};

/// The stop that a cap of a month asks for. Where it is in time, the reference finds the same second.
fn act(scene: &mut Scene, month: Date, limit: &str, reaction: i64) -> Option<Act> {
    let cap = Cap { period: scene.period(month), limit: money(limit), reaction, horizon: 0 };
    let act = scene.with(|curve| curve.last_act(&cap).unwrap());
    if let Some(act) = act.filter(|act| act.excess.is_zero()) {
        let cap = kopeck_reference::guard::Cap { limit: money(limit), reaction };
        let around = (act.at - 3).max(scene.now)..act.at + 4;
        assert_eq!(scene.reference().last_act(month, cap, around).unwrap(), Some(act.at), "by the reference");
    }
    act
}

const VM: &str = "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=1";
const NOVEMBER: Date = date(2026, 11, 1);
/// Hours of November after the one that begins at 10:00 on the 10th.
const HOURS: i64 = 20 * 24 + 13;

#[test]
fn what_stopping_does_not_end_is_kept_back() {
    let mut scene = Scene::new("UTC", BOOK, VM, "2026-11-10T10:30:00Z");
    // 15 so far; stopped in this hour 1 for this and each later hour of the month.
    let limit = 15 + 1 + HOURS;
    let now = act(&mut scene, NOVEMBER, &limit.to_string(), 0).unwrap();
    assert_eq!(text(now.at), "2026-11-10T11:00:00Z");
    // Another hour costs 10, and saves 1 of the tail.
    let later = act(&mut scene, NOVEMBER, &(limit + 9).to_string(), 0).unwrap();
    assert_eq!(text(later.at), "2026-11-10T12:00:00Z");
    let short = act(&mut scene, NOVEMBER, &format!("{}.999999", limit + 8), 0).unwrap();
    assert_eq!(text(short.at), "2026-11-10T11:00:00Z");
}

#[test]
fn a_cloud_may_stop_before_the_hour_is_over_so_the_hour_counts_for_what_is_stopped_as_well() {
    let mut scene = Scene::new("UTC", BOOK, VM, "2026-11-10T10:59:00Z");
    // Stopped at eleven sharp, it would cost 15 and 1 for each hour that is left; a second before, 1 more.
    let sharp = act(&mut scene, NOVEMBER, &(15 + HOURS).to_string(), 60).unwrap();
    assert_eq!((sharp.at, sharp.excess), (scene.now, money("1")));
}

#[test]
fn a_stop_that_needs_a_minute_is_sent_before_it_has_bought_the_next_hour() {
    let mut scene = Scene::new("UTC", BOOK, VM, "2026-11-10T10:30:00Z");
    let limit = (16 + HOURS).to_string();
    assert_eq!(text(act(&mut scene, NOVEMBER, &limit, 60).unwrap().at), "2026-11-10T10:59:00Z");
    scene.now = second("2026-11-10T10:59:30Z");
    let late = act(&mut scene, NOVEMBER, &limit, 60).unwrap();
    assert_eq!((text(late.at).as_str(), late.excess), ("2026-11-10T10:59:30Z", money("9")));
}

#[test]
fn a_month_that_ends_below_its_cap_needs_no_stop() {
    let mut scene = Scene::new("UTC", BOOK, VM, "2026-11-10T10:30:00Z");
    let all = 15 + 10 * HOURS;
    assert_eq!(act(&mut scene, NOVEMBER, &all.to_string(), 60), None);
    let short = act(&mut scene, NOVEMBER, &format!("{}.999999", all - 1), 60).unwrap();
    // The last hour is not bought, but what is stopped costs 1 for each of two.
    assert_eq!(text(short.at), "2026-11-30T22:59:00Z");
}

#[test]
fn a_limit_below_what_is_spent_stops_now_and_tells_the_excess() {
    let mut scene = Scene::new("UTC", BOOK, VM, "2026-11-10T10:30:00Z");
    let act = act(&mut scene, NOVEMBER, "10", 60).unwrap();
    assert_eq!((act.at, act.excess.to_string()), (scene.now, format!("{}.000000", 6 + HOURS)));
}

#[test]
fn a_version_ahead_and_the_clock_are_looked_through() {
    let mut scene = Scene::new("UTC", &dearer(), VM, "2026-11-10T10:30:00Z");
    // 110 hours until the 15th: 15 + 10 × 109 + 20 × 3, and 1 for each hour that is left.
    let hours_until = 4 * 24 + 13;
    let limit = 15 + 10 * hours_until + 20 * 3 + 16 * 24 - 2;
    let found = act(&mut scene, NOVEMBER, &limit.to_string(), 30).unwrap();
    assert_eq!(text(found.at), "2026-11-15T02:59:30Z");
    // A day of 25 hours.
    let events = "2026-10-24T20:00:00Z vm-1 vm RUNNING vcpu=1";
    let october = date(2026, 10, 1);
    let mut scene = Scene::new("Europe/Berlin", BOOK, events, "2026-10-24T20:30:00Z");
    let limit = 15 + 10 * 5 + 7 * 24 - 2;
    let found = act(&mut scene, october, &limit.to_string(), 0).unwrap();
    assert_eq!(text(found.at), "2026-10-25T02:00:00Z");
}

#[test]
fn a_day_of_being_stopped_that_costs_more_than_an_hour_of_running_is_looked_at_hour_by_hour() {
    let book = BOOK.replace(
        "model = \"hourly_peak\"\nquantity = [\"vcpu\"]\nprice = \"1\"",
        "model = \"monthly\"\nquantity = [\"vcpu\"]\nprice = \"900\"",
    );
    let mut scene = Scene::new("UTC", &book, VM, "2026-11-10T10:30:00Z");
    // An inactive day costs 30: being stopped an hour later saves that at each midnight.
    for more in ["700", "705", "710", "720", "725", "730", "790", "1000"] {
        let found = act(&mut scene, NOVEMBER, more, 0).unwrap();
        assert!(found.excess.is_zero(), "{more}");
    }
}

#[test]
fn the_next_month_is_kept_from_before_it_begins() {
    let mut scene = Scene::new("UTC", BOOK, VM, "2026-11-30T23:30:00Z");
    let december = date(2026, 12, 1);
    // Stopped before December, it costs 1 for each of its 744 hours, and no more.
    let found = act(&mut scene, december, "750", 3_600).unwrap();
    assert_eq!((text(found.at).as_str(), found.excess), ("2026-11-30T23:30:00Z", money("4")));
    scene.now = second("2026-11-30T22:30:00Z");
    let found = act(&mut scene, december, "750", 3_600).unwrap();
    assert_eq!((text(found.at).as_str(), found.excess), ("2026-11-30T23:00:00Z", Amount::ZERO));
}

#[test]
fn a_wallet_pays_what_is_stopped_for_its_horizon_across_the_month() {
    let events = "2026-11-29T10:00:00Z vm-1 vm RUNNING vcpu=1";
    let mut scene = Scene::new("UTC", BOOK, events, "2026-11-29T10:30:00Z");
    let cap =
        |limit: &str| Cap { period: Period::Ahead, limit: money(limit), reaction: 0, horizon: 7 * 86_400 };
    // 168 hours of being stopped, the one in which it stops and the one in which they end: 169 (+1 where they begin
    // within an hour).
    let found = scene.with(|curve| curve.last_act(&cap("189")).unwrap()).unwrap();
    assert_eq!(text(found.at), "2026-11-29T13:00:00Z");
    let found = scene.with(|curve| curve.last_act(&cap("169")).unwrap()).unwrap();
    assert_eq!((text(found.at).as_str(), found.excess), ("2026-11-29T11:00:00Z", Amount::ZERO));
    let found = scene.with(|curve| curve.last_act(&cap("100")).unwrap()).unwrap();
    assert_eq!((found.at, found.excess), (scene.now, money("69")));
    assert_eq!(scene.with(|curve| curve.last_act(&cap("100000")).unwrap()), None);
}
