//! `/v1/holds`: set aside, paid from, given back, expired.

use serde_json::{Value, json};

use crate::desk::{Desk, id};

fn hold(desk: &Desk, key: &str, amount: &str) -> Value {
    let new =
        json!({"account": id(1), "amount": amount, "currency": "RUB", "expires": "2026-10-02T00:00:00Z"});
    let answer = desk.post("/v1/holds").key(key).json(&new);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn path(hold: &Value, act: &str) -> String {
    format!("/v1/holds/{}{act}", hold["id"].as_str().unwrap())
}

#[test]
fn a_hold_is_paid_from_in_parts_and_the_last_releases_the_rest() {
    let desk = Desk::with_people();
    let held = hold(&desk, "h", "100");
    let part = json!({"to": id(2), "amount": "30", "currency": "RUB", "rest": "keep"});
    assert_eq!(desk.post(&path(&held, "/post")).key("p1").json(&part).status, 201);
    let shown = desk.get(&path(&held, "")).send().json();
    assert_eq!((&shown["left"], &shown["state"]), (&json!("70.000000"), &json!("open")));
    let more = json!({"to": id(2), "amount": "71", "currency": "RUB"});
    assert_eq!(desk.post(&path(&held, "/post")).key("p2").json(&more).problem().1, "hold-exceeded");
    let all = json!({"to": id(2)});
    let paid = desk.post(&path(&held, "/post")).key("p3").json(&all);
    assert_eq!(paid.json()["transfers"][0]["amount"], "70.000000", "{}", paid.text);
    // The same request again is about what it took then.
    assert_eq!(desk.post(&path(&held, "/post")).key("p3").json(&all).json(), paid.json());
    let shown = desk.get(&path(&held, "")).send().json();
    assert_eq!((&shown["state"], shown["parts"].as_array().unwrap().len()), (&json!("posted"), 2));
    assert_eq!(desk.post(&path(&held, "/release")).key("r").send().problem().1, "hold-ended");
}

#[test]
fn a_hold_is_given_back_and_counts_until_then() {
    let desk = Desk::with_people();
    let held = hold(&desk, "h", "1000");
    let transfer = json!({"type": "transfer", "from": id(1), "to": id(2), "amount": "1", "currency": "RUB"});
    let refused = desk.post("/v1/transactions").key("t1").json(&transfer);
    assert_eq!(refused.problem().1, "insufficient-funds");
    let released = desk.post(&path(&held, "/release")).key("r").send();
    assert_eq!((released.status, &released.json()["state"]), (200, &json!("released")));
    assert_eq!(desk.post("/v1/transactions").key("t2").json(&transfer).status, 201);
}

#[test]
fn a_hold_expires_at_its_instant_for_whoever_looks() {
    let desk = Desk::with_people();
    let held = hold(&desk, "h", "1000");
    desk.now("2026-10-01T23:59:59.999Z");
    assert_eq!(desk.get(&path(&held, "")).send().json()["state"], "open");
    desk.now("2026-10-02T00:00:00Z");
    let account = desk.get(&format!("/v1/accounts/{}", id(1))).send().json();
    assert_eq!((&account["held"], &account["available"]), (&json!("0.000000"), &json!("1000.000000")));
    let shown = desk.get(&path(&held, "")).send().json();
    assert_eq!((&shown["state"], &shown["ended"]), (&json!("expired"), &json!("2026-10-02T00:00:00Z")));
    let late = desk.post(&path(&held, "/post")).key("p").json(&json!({"to": id(2)}));
    assert_eq!(late.problem().1, "hold-ended");
}

#[test]
fn a_hold_that_is_not_there_is_not_found_and_bad_ones_name_the_field() {
    let desk = Desk::with_people();
    let nobody = format!("/v1/holds/{}", id(77));
    assert_eq!(desk.get(&nobody).send().problem().1, "not-found");
    assert_eq!(desk.post(&format!("{nobody}/post")).key("k").json(&json!({})).problem().1, "not-found");
    assert_eq!(desk.post(&format!("{nobody}/release")).key("k").send().problem().1, "not-found");
    let held = hold(&desk, "h", "1");
    for (payment, field) in [
        (json!({"amount": "1"}), "currency"),
        (json!({"currency": "RUB"}), "amount"),
        (json!({"rest": "x"}), "rest"),
    ] {
        let problem = desk.post(&path(&held, "/post")).key("k").json(&payment).problem();
        assert_eq!(problem, (422, "invalid".to_owned(), field.to_owned()));
    }
    let past = json!({"account": id(1), "amount": "1", "currency": "RUB", "expires": "2026-09-30T00:00:00Z"});
    let problem = desk.post("/v1/holds").key("late").json(&past).problem();
    assert_eq!(problem, (422, "refused".to_owned(), "expires".to_owned()));
    assert_eq!(desk.post(&path(&held, "/release")).send().problem().1, "idempotency-key-missing");
}
