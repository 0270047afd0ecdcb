//! What limits ask for (guard.md: the table, points 2, 4 and 8).

use jiff::civil::{Date, date};
use kopeck_guard::curve::Period;
use kopeck_guard::decide::{
    Bearer, Bearers, Cause, Circumstances, Decision, Question, Reaction, State, Time, Used, decide,
    decide_rate, decide_wallet, excess, strictest,
};
use kopeck_guard::forecast::{Daily, Forecast, error_of, forecast, runway};
use kopeck_guard::limit::{Action, ActionPlan, Bound, Brake, Speed, Threshold};
use kopeck_rating::money::Amount;

use crate::BOOK;
use crate::scene::{Scene, money, text};

const NOVEMBER: Date = date(2026, 11, 1);
const REACTION: Reaction = Reaction { delay: 30, latency: 30, horizon: Reaction::HORIZON };

/// 15 by half past ten, and 10 more for each hour.
fn scene() -> Scene {
    Scene::new("UTC", BOOK, "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=1", "2026-11-10T10:30:00Z")
}

fn decided(plan: &ActionPlan, bound: &str, held: &str, told: Option<u16>) -> Decision {
    let mut scene = scene();
    let spent = scene.reference().cost(NOVEMBER, scene.now).unwrap();
    let question = Question {
        bound: Some(Bound::new(money(bound)).unwrap()),
        plan,
        time: Time::Months(scene.month(NOVEMBER), scene.month(date(2026, 12, 1))),
        used: Used { spent, held: money(held) },
        told,
        reaction: REACTION,
    };
    scene.with(|curve| decide(curve, &question).unwrap())
}

#[test]
fn a_threshold_is_told_once_and_the_next_one_is_what_is_waited_for() {
    let plan = ActionPlan::default();
    let first = decided(&plan, "30", "0", None);
    assert_eq!((first.state, first.tell, first.action), (State::Actual, vec![50], Some(Action::Notify)));
    // 80 % of 30 are met with the next hour.
    assert_eq!(first.look.map(text).as_deref(), Some("2026-11-10T11:00:01Z"));
    let again = decided(&plan, "30", "0", Some(50));
    assert_eq!((again.tell, again.look), (vec![], first.look));
    let all = decided(&plan, "15", "0", None);
    assert_eq!(
        (all.state, all.tell, all.action),
        (State::Depleted, vec![50, 80, 100], Some(Action::RefuseNew))
    );
    // A new month lifts it.
    assert_eq!(all.look.map(text).as_deref(), Some("2026-12-01T00:00:00Z"));
}

#[test]
fn holds_count_as_spent_until_they_are_consumed() {
    let plan = ActionPlan::default();
    assert_eq!(decided(&plan, "40", "0", None).tell, Vec::<u16>::new());
    let held = decided(&plan, "40", "17", None);
    assert_eq!((held.state, held.tell), (State::Actual, vec![50, 80]));
    assert_eq!(held.look.map(text).as_deref(), Some("2026-11-10T11:00:01Z"));
    assert_eq!(decided(&plan, "40", "25", None).state, State::Depleted);
}

#[test]
fn a_cap_stops_in_time_and_a_quota_whose_plan_does_not_stop_never() {
    let cap = ActionPlan::of_cap();
    let hours = 20 * 24 + 13;
    let enough = decided(&cap, &(15 + 1 + hours + 9).to_string(), "0", None);
    assert_eq!(enough.action, None);
    assert_eq!(enough.look.map(text).as_deref(), Some("2026-11-10T11:59:00Z"));
    let low = decided(&cap, "100", "0", None);
    assert_eq!(low.action, Some(Action::Stop));
    assert_eq!(low.excess, money(&(15 + 1 + hours - 100).to_string()));
    assert_eq!(decided(&ActionPlan::default(), "100", "0", None).action, None);
    let early = [(50, Action::AskApproval), (80, Action::Stop)];
    let early = early.map(|(percent, action)| Threshold { percent, action }).to_vec();
    let early = ActionPlan::new(early).unwrap();
    // 80 % of 644 are 515.2: more than what is spent, but not than that and the tail.
    assert_eq!(decided(&early, "635", "0", None).action, Some(Action::Stop));
    assert_eq!(decided(&early, "644", "0", None).action, None);
}

#[test]
fn a_disabled_quota_asks_for_nothing_and_the_strictest_of_several_wins() {
    let plan = ActionPlan::default();
    let mut scene = scene();
    let question = Question {
        bound: None,
        plan: &plan,
        time: Time::Lifetime,
        used: Used::NOTHING,
        told: None,
        reaction: REACTION,
    };
    let disabled = scene.with(|curve| decide(curve, &question).unwrap());
    assert_eq!(disabled, Decision::NONE);
    let all = strictest([
        disabled,
        decided(&plan, "30", "0", None),
        decided(&ActionPlan::of_cap(), "100", "0", None),
    ]);
    assert_eq!((all.state, all.action, all.tell), (State::Actual, Some(Action::Stop), vec![50]));
    assert_eq!(all.look.map(text).as_deref(), Some("2026-11-10T11:00:01Z"));
}

#[test]
fn a_lifetime_is_kept_across_months() {
    let plan = ActionPlan::of_cap();
    let mut scene = scene();
    let spent = money("1000");
    let bound = Some(Bound::new(money("2000")).unwrap());
    let used = Used { spent, held: Amount::ZERO };
    let question =
        Question { bound, plan: &plan, time: Time::Lifetime, used, told: Some(50), reaction: REACTION };
    let found = scene.with(|curve| decide(curve, &question).unwrap());
    // 600 more are 80 %: sixty hours. The tail of a week is kept back later.
    assert_eq!(found.look.map(text).as_deref(), Some("2026-11-12T22:00:01Z"));
    assert_eq!((found.action, found.tell), (Some(Action::Notify), vec![]));
}

#[test]
fn a_wallet_is_a_cap_at_zero() {
    let mut scene = scene();
    let mut wallet = |available: &str| {
        let available = money(available);
        scene.with(|curve| decide_wallet(curve, available, REACTION).unwrap())
    };
    let full = wallet("100000");
    assert_eq!((full.state, full.action), (State::Actual, None));
    let some = wallet("189");
    assert_eq!((some.action, some.look.map(text).as_deref()), (None, Some("2026-11-10T12:59:00Z")));
    let little = wallet("100");
    assert_eq!(
        (little.state, little.action, little.excess),
        (State::Actual, Some(Action::Stop), money("69"))
    );
    let empty = wallet("0");
    assert_eq!((empty.state, empty.action), (State::Depleted, Some(Action::Stop)));
}

#[test]
fn the_brake_looks_at_what_runs_and_leaves_once_and_monthly_out() {
    let mut scene = Scene::new(
        "UTC",
        BOOK,
        "2026-11-10T10:00:00Z vm-1 vm RUNNING vcpu=1
         2026-11-10T10:00:00Z v volume AVAILABLE gb=100000",
        "2026-11-10T10:30:00Z",
    );
    let mut brake = |most: &str, trailing: &str| {
        let speed = Speed::Absolute(money(most));
        scene.with(|curve| decide_rate(curve, (speed, Brake::Stop), (money(trailing), &[])).unwrap())
    };
    assert_eq!(brake("30", "40").action, Some(Action::Stop));
    let soon = brake("15", "10");
    assert_eq!((soon.action, soon.look.map(text).as_deref()), (None, Some("2026-11-10T11:00:01Z")));
    assert_eq!(brake("20", "10").look.map(text).as_deref(), Some("2026-11-10T11:30:00Z"));
    // A project younger than a day has no median.
    let median = Speed::times_median(1_000).unwrap();
    let young = scene
        .with(|curve| decide_rate(curve, (median, Brake::Warn), (money("500"), &[money("1"); 23])).unwrap());
    assert_eq!(young, Decision::NONE);
    let older = scene
        .with(|curve| decide_rate(curve, (median, Brake::Warn), (money("500"), &[money("1"); 24])).unwrap());
    assert_eq!((older.action, older.excess), (Some(Action::Notify), money("490")));
}

#[test]
fn an_excess_has_its_cause() {
    let some = money("1");
    let cause = |of: Circumstances| excess(some, of, REACTION).unwrap().cause;
    let none = Circumstances::default();
    assert_eq!(excess(Amount::ZERO, none, REACTION), None);
    assert_eq!(cause(none), Cause::Unauthorised);
    let bearers = Bearers { slow_cloud: Bearer::Provider, ..Bearers::default() };
    let slow = excess(some, Circumstances { obeyed_after: 31, ..none }, REACTION).unwrap();
    assert_eq!(bearers.of(&slow), Bearer::Provider);
    assert_eq!(bearers.of(&excess(some, none, REACTION).unwrap()), Bearer::Payer);
    assert_eq!(cause(Circumstances { was_lowered: true, ..none }), Cause::LimitSetBelow);
    assert_eq!(cause(Circumstances { obeyed_after: 31, was_lowered: true, ..none }), Cause::SlowCloud);
    assert_eq!(cause(Circumstances { reported_after: 31, obeyed_after: 31, ..none }), Cause::LateReport);
    assert_eq!(cause(Circumstances { reported_after: 30, obeyed_after: 30, ..none }), Cause::Unauthorised);
}

#[test]
fn a_forecast_carries_what_runs_exactly_and_use_by_its_days() {
    let mut scene = scene();
    let (period, end) = (scene.period(NOVEMBER), scene.month(NOVEMBER).end);
    let exact = scene.reference().cost(NOVEMBER, end).unwrap();
    let none = Daily::of(&[]).unwrap();
    let found = scene.with(|curve| forecast(curve, (&period, end), &none).unwrap());
    assert_eq!((found.low, found.likely, found.high), (exact, exact, exact));
    let daily = Daily::of(&[money("24"), money("0"), money("48")]).unwrap();
    let found = scene.with(|curve| forecast(curve, (&period, end), &daily).unwrap());
    // 20 days and 13.5 hours: 493.5 hours at 1, at 0 and at 2.
    assert_eq!(found.low, exact);
    assert_eq!(found.likely, exact.checked_add(money("493.5")).unwrap());
    assert_eq!(found.high, exact.checked_add(money("987")).unwrap());
    let lasts = |amount: &str, daily: &Daily, scene: &mut Scene| {
        let amount = money(amount);
        scene.with(|curve| runway(curve, (&Period::Ahead, amount), daily, end).unwrap()).map(text)
    };
    assert_eq!(lasts("30", &none, &mut scene).as_deref(), Some("2026-11-10T13:00:01Z"));
    assert_eq!(lasts("30", &daily, &mut scene).as_deref(), Some("2026-11-10T13:00:01Z"));
    assert_eq!(lasts("32", &daily, &mut scene).as_deref(), Some("2026-11-10T13:00:01Z"));
    assert_eq!(lasts("33", &daily, &mut scene).as_deref(), Some("2026-11-10T13:30:00Z"));
    assert_eq!(lasts("100000", &none, &mut scene), None);
}

#[test]
fn the_error_of_forecasts_is_their_mean_distance_from_what_the_months_then_cost() {
    let foreseen = |likely: &str| {
        let likely = money(likely);
        Forecast { low: likely, likely, high: likely }
    };
    let months = [(foreseen("110"), money("100")), (foreseen("95"), money("100"))];
    assert_eq!(error_of(&months), Ok(Some(750)));
    assert_eq!(error_of(&[(foreseen("1"), Amount::ZERO)]), Ok(None));
}
