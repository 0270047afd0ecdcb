//! `/v1/transactions`: one or several, named, refused, put right.

use serde_json::{Value, json};

use crate::desk::{Desk, id};

fn transfer(from: u64, to: u64, amount: &str) -> Value {
    json!({"type": "transfer", "from": id(from), "to": id(to), "amount": amount, "currency": "RUB"})
}

fn posted(desk: &Desk, account: u64) -> String {
    let shown = desk.get(&format!("/v1/accounts/{}", id(account))).send().json();
    shown["posted"].as_str().unwrap().to_owned()
}

#[test]
fn the_same_key_moves_money_once() {
    let desk = Desk::with_people();
    let first = desk.post("/v1/transactions").key("order-17").json(&transfer(1, 2, "10"));
    let again = desk.post("/v1/transactions").key("order-17").json(&transfer(1, 2, "10"));
    assert_eq!((first.status, first.json()), (201, again.json()));
    assert_eq!(posted(&desk, 2), "10.000000");
    let other = desk.post("/v1/transactions").key("order-17").json(&transfer(1, 2, "11"));
    assert_eq!(other.problem(), (409, "idempotency-key-reused".to_owned(), String::new()));
    let shown = desk.get(&format!("/v1/transactions/{}", first.json()["id"].as_str().unwrap())).send();
    assert_eq!(shown.json(), first.json());
}

#[test]
fn a_transaction_without_a_name_is_not_made() {
    let desk = Desk::with_people();
    let nameless = desk.post("/v1/transactions").json(&transfer(1, 2, "10"));
    assert_eq!(nameless.problem().1, "idempotency-key-missing");
    let list = json!([transfer(1, 2, "1"), transfer(1, 2, "2")]);
    assert_eq!(desk.post("/v1/transactions").json(&list).problem().1, "idempotency-key-missing");
    let mut named = transfer(1, 2, "10");
    named["id"] = id(9).into();
    let done = desk.post("/v1/transactions").json(&named);
    assert_eq!((done.status, &done.json()["id"]), (201, &json!(id(9))));
    assert_eq!(posted(&desk, 2), "10.000000");
}

#[test]
fn several_are_decided_in_their_order_each_by_itself() {
    let desk = Desk::with_people();
    let mut foreign = transfer(1, 2, "1");
    foreign["currency"] = "USD".into();
    let list = json!([
        transfer(1, 2, "400"),
        transfer(3, 2, "1"),
        transfer(1, 3, "600"),
        foreign,
        transfer(3, 2, "600"),
        transfer(1, 77, "1"),
    ]);
    let answer = desk.post("/v1/transactions").key("batch").json(&list);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let results = answer.json()["results"].as_array().unwrap().clone();
    let told: Vec<String> = results
        .iter()
        .map(|result| match result["problem"]["type"].as_str() {
            Some(kind) => format!("{} {}", kind.rsplit(':').next().unwrap(), result["problem"]["field"]),
            None => "posted".to_owned(),
        })
        .collect();
    let expected =
        ["posted", "insufficient-funds null", "posted", "invalid \"currency\"", "posted", "refused \"to\""];
    assert_eq!(told, expected);
    assert_eq!(posted(&desk, 2), "1000.000000");
    // Sent again it is what came of it, and nothing moves.
    assert_eq!(desk.post("/v1/transactions").key("batch").json(&list).json()["results"], json!(results));
    assert_eq!(posted(&desk, 2), "1000.000000");
}

#[test]
fn a_refusal_for_lack_of_money_says_how_much_and_stays() {
    let desk = Desk::with_people();
    let answer = desk.post("/v1/transactions").key("big").json(&transfer(1, 2, "1000.000001"));
    assert_eq!(answer.problem().1, "insufficient-funds");
    let shortage = &answer.json()["shortage"];
    assert_eq!(
        *shortage,
        json!({"account": id(1), "available": "1000.000000", "needed": "1000.000001", "missing": "0.000001"})
    );
    let deposit = json!({"type": "deposit", "account": id(1), "amount": "5", "currency": "RUB"});
    assert_eq!(desk.post("/v1/transactions").key("more").json(&deposit).status, 201);
    let again = desk.post("/v1/transactions").key("big").json(&transfer(1, 2, "1000.000001"));
    assert_eq!(again.problem().1, "insufficient-funds");
}

#[test]
fn a_transaction_is_corrected_and_reversed() {
    let desk = Desk::with_people();
    let first = desk.post("/v1/transactions").key("first").json(&transfer(1, 2, "100")).json();
    let correction =
        json!({"type": "correction", "transaction": first["id"], "amount": "40", "currency": "RUB"});
    let corrected = desk.post("/v1/transactions").key("fix").json(&correction);
    assert_eq!((corrected.status, &corrected.json()["corrects"]), (201, &first["id"]), "{}", corrected.text);
    assert_eq!(posted(&desk, 2), "40.000000");
    let twice = desk.post("/v1/transactions").key("fix2").json(&correction);
    assert_eq!(twice.problem().1, "already-put-right");
    let reversal = json!({"type": "reversal", "transaction": first["id"], "reference": "by mistake"});
    assert_eq!(desk.post("/v1/transactions").key("undo").json(&reversal).status, 201);
    assert_eq!(posted(&desk, 2), "0.000000");
    let unknown = json!({"type": "reversal", "transaction": id(99)});
    let problem = desk.post("/v1/transactions").key("undo2").json(&unknown).problem();
    assert_eq!(problem, (422, "refused".to_owned(), "transaction".to_owned()));
}

#[test]
fn money_goes_out_and_a_deposit_pays_an_invoice() {
    let desk = Desk::with_people();
    let out = json!({"type": "withdrawal", "account": id(1), "amount": "1", "currency": "RUB"});
    assert_eq!(desk.post("/v1/transactions").key("out").json(&out).status, 201);
    let paid = json!({"type": "deposit", "account": id(1), "amount": "7", "currency": "RUB",
        "invoice": {"workspace": id(2), "number": "2026-10/1"}});
    let answer = desk.post("/v1/transactions").key("in").json(&paid).json();
    assert_eq!((answer["transfers"].as_array().unwrap().len(), &answer["invoice"]), (2, &json!("2026-10/1")));
    assert_eq!((posted(&desk, 1), posted(&desk, 2)), ("999.000000".to_owned(), "7.000000".to_owned()));
}

#[test]
fn amounts_are_above_zero() {
    let desk = Desk::with_people();
    for amount in ["0", "-1", "18446744073709.551616"] {
        let problem = desk.post("/v1/transactions").key("k").json(&transfer(1, 2, amount)).problem();
        assert_eq!(problem, (422, "refused".to_owned(), "amount".to_owned()), "{amount}");
    }
    for missing in [id(99), "0".to_owned()] {
        let status = desk.get(&format!("/v1/transactions/{missing}")).send().status;
        assert!(status == 404 || status == 422, "{missing}");
    }
}
