//! Spending that is asked for before it begins (guard.md, points 5 and 6).

use kopeck_guard::authorisation::{
    Answer, Due, Fits, Grounds, Hold, Lease, LeaseError, Obstacle, Payer, Room, authorise, due,
};
use kopeck_guard::pricing::{Prices, Request, Size, Use};
use kopeck_rating::estimate::plan;
use kopeck_rating::money::Amount;
use kopeck_rating::number::Number;

use crate::BOOK;
use crate::scene::{Scene, money};

/// Machines of one core and calls, as plans of estimates write them.
fn request(machines: i64, calls: i64) -> Request {
    let text = "[[resource]]\nkind = \"vm\"\nattributes = { vcpu = 1 }\n
        [[usage]]\nkind = \"call\"\ntimes = 1\nper = \"day\"\nattributes = { n = 1 }\n";
    let plan = plan::Plan::read(text).unwrap();
    let mut resources = plan.resources;
    resources[0].count = machines;
    resources.retain(|_| machines > 0);
    let uses = vec![Use { description: plan.usages[0].description.clone(), count: calls }];
    Request { resources, uses }
}

fn grounds(left: &str, available: &str, coefficient: &str) -> Grounds<&'static str, &'static str> {
    Grounds {
        rooms: vec![
            Room { limit: "cap", left: money(left) },
            Room { limit: "quota", left: money("1000000") },
        ],
        payers: vec![
            Payer { account: "workspace", available: money("1000000"), coefficient: number("1") },
            Payer { account: "user", available: money(available), coefficient: number(coefficient) },
        ],
        refused_by: None,
        silent: None,
    }
}

fn number(text: &str) -> Number {
    Number::from_json(text).unwrap()
}

const HOUR: i64 = 3_600;

fn asked(
    request: &Request,
    size: Size,
    grounds: &Grounds<&'static str, &'static str>,
) -> Answer<&'static str, &'static str> {
    let mut scene = Scene::new("UTC", BOOK, "", "2026-11-10T10:30:00Z");
    let from = scene.now;
    authorise(&Prices { plan: scene.prices(), from }, (request, size), grounds).unwrap()
}

#[test]
fn a_request_is_held_at_the_most_that_it_may_cost_on_each_account_that_pays() {
    let size = Size { times: 1, seconds: 2 * HOUR };
    // 5 once, 10 for each of the hours of 10, 11 and 12, for two machines; 4 calls.
    let answer = asked(&request(2, 4), size, &grounds("71", "106.5", "1.5"));
    assert_eq!(answer, Answer::Allow(vec![("workspace", money("71")), ("user", money("106.5"))]));
}

#[test]
fn what_does_not_fit_is_told_with_what_stands_in_the_way_and_what_would_fit() {
    let size = Size { times: 4, seconds: 2 * HOUR };
    let answer = asked(&request(1, 0), size, &grounds("139.999999", "1000", "1"));
    // Three of them fit; or four until 12:00.
    let fits = Fits { times: 3, seconds: 90 * 60 };
    assert_eq!(answer, Answer::Deny { by: Obstacle::Limit("cap"), left: money("139.999999"), fits });
    let answer = asked(&request(1, 0), size, &grounds("140", "139", "1"));
    assert_eq!(answer, Answer::Deny { by: Obstacle::Account("user"), left: money("139"), fits });
    let answer = asked(&request(1, 0), size, &grounds("0", "139", "1"));
    let fits = Fits { times: 0, seconds: 0 };
    assert_eq!(answer, Answer::Deny { by: Obstacle::Limit("cap"), left: Amount::ZERO, fits });
}

#[test]
fn what_costs_nothing_is_allowed_with_nothing_left() {
    let size = Size { times: 1, seconds: HOUR };
    let answer = asked(&request(0, 0), size, &grounds("0", "0", "1"));
    assert_eq!(answer, Answer::Allow(vec![("workspace", Amount::ZERO), ("user", Amount::ZERO)]));
}

#[test]
fn a_silent_source_and_a_limit_that_refuses_stand_before_any_price() {
    let size = Size { times: 1, seconds: HOUR };
    let free = grounds("1000", "1000", "1");
    let refused = Grounds { refused_by: Some("quota"), ..free.clone() };
    let answer = asked(&request(1, 0), size, &refused);
    assert!(matches!(answer, Answer::Deny { by: Obstacle::Refused("quota"), .. }));
    let silent = Grounds { silent: Some("openstack://msk-1".to_owned()), ..refused };
    let answer = asked(&request(1, 0), size, &silent);
    assert!(matches!(answer, Answer::Deny { by: Obstacle::Silent(_), .. }));
}

#[test]
fn a_lease_counts_by_itself_and_gives_back_what_it_does_not_use() {
    let price = money("0.25");
    let mut lease = Lease::grant((price, 100), money("10.1"), 1_000).unwrap();
    assert_eq!((lease.calls(), lease.hold().unwrap()), (40, money("10")));
    assert_eq!(lease.take(30, 999), Ok(()));
    assert_eq!(lease.take(11, 999), Err(LeaseError::UsedUp { left: 10 }));
    assert_eq!(lease.take(1, 1_000), Err(LeaseError::Ended { until: 1_000 }));
    assert_eq!(lease.comes_back(), Ok(money("2.5")));
    assert_eq!(Lease::grant((price, 100), money("0.24"), 1_000), None);
    assert_eq!(Lease::grant((Amount::ZERO, 7), Amount::ZERO, 9).map(|lease| lease.calls()), Some(7));
}

#[test]
fn charges_consume_their_hold_and_what_exceeds_it_is_told_once() {
    let mut hold = Hold::of(money("10"));
    assert_eq!((hold.consume(money("4")), hold.unconsumed()), (Ok(Amount::ZERO), Ok(money("6"))));
    assert_eq!((hold.consume(money("9")), hold.unconsumed()), (Ok(money("3")), Ok(Amount::ZERO)));
    assert_eq!(hold.consume(money("1")), Ok(money("1")));
    let back = Amount::ZERO.checked_sub(money("5")).unwrap();
    assert_eq!((hold.consume(back), hold.unconsumed()), (Ok(Amount::ZERO), Ok(money("1"))));
}

#[test]
fn what_expires_while_it_runs_is_stopped_and_its_hold_stays_until_the_end_is_confirmed() {
    assert_eq!(due(100, 99, true), Due::Wait(100));
    assert_eq!(due(100, 100, true), Due::Stop);
    assert_eq!(due(100, 200, true), Due::Stop);
    assert_eq!(due(100, 200, false), Due::Release);
    assert_eq!(due(100, 50, false), Due::Release);
}

#[test]
fn what_is_authorised_and_then_runs_costs_what_was_held_at_most() {
    // Through a dearer version and the month's border.
    let prices = crate::dearer();
    let mut scene = Scene::new("UTC", &prices, "", "2026-11-14T22:30:00Z");
    let (from, size) = (scene.now, Size { times: 1, seconds: 3 * HOUR });
    let most = Prices { plan: scene.prices(), from }.most(&request(1, 0), size).unwrap();
    // 5 once, 10 for 22 and 23, 20 for 0 and 1.
    assert_eq!(most, money("65"));
    let events = "2026-11-14T22:30:00Z vm-1 vm RUNNING vcpu=1
        2026-11-15T01:30:00Z vm-1 vm DELETED";
    let ran = Scene::new("UTC", &prices, events, "2026-11-15T01:30:01Z");
    let cost = ran.reference().cost(jiff::civil::date(2026, 11, 1), ran.now).unwrap();
    assert_eq!(cost, most);
}
