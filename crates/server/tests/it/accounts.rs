//! `/v1/accounts`: opened, listed, looked at, stated.

use serde_json::json;

use crate::desk::{Desk, id};

#[test]
fn an_account_is_opened_once_under_one_key() {
    let desk = Desk::new();
    let ann = json!({"kind": "user", "name": "Ann"});
    let first = desk.post("/v1/accounts").key("ann").json(&ann);
    let again = desk.post("/v1/accounts").key("ann").json(&ann);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json());
    let other = desk.post("/v1/accounts").key("ann").json(&json!({"kind": "user", "name": "Bob"}));
    assert_eq!(other.problem().1, "idempotency-key-reused");
    assert_eq!(desk.post("/v1/accounts").json(&ann).problem().1, "idempotency-key-missing");
}

#[test]
fn what_the_ledger_refuses_names_the_field() {
    let desk = Desk::with_people();
    for (body, field) in [
        (json!({"kind": "workspace", "name": "w"}), "owner"),
        (json!({"kind": "workspace", "name": "w", "owner": id(2)}), "owner"),
        (json!({"kind": "user", "name": "u", "owner": id(1)}), "owner"),
        (json!({"kind": "workspace", "name": "w", "owner": id(1), "time_zone": "Mars/Base"}), "time_zone"),
    ] {
        let answer = desk.post("/v1/accounts").key("k").json(&body);
        assert_eq!(answer.problem(), (422, "refused".to_owned(), field.to_owned()), "{body}");
    }
}

#[test]
fn a_list_is_paged_and_loses_nothing() {
    let desk = Desk::with_people();
    let whole = desk.get("/v1/accounts").send().json();
    let mut paged = Vec::new();
    let mut path = "/v1/accounts?limit=2".to_owned();
    loop {
        let page = desk.get(&path).send().json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        paged.extend(items.clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/accounts?limit=2&cursor={next}");
    }
    assert_eq!(paged, *whole["items"].as_array().unwrap());
    assert_eq!(paged.len(), 7);
    let users = desk.get("/v1/accounts?kind=user").send().json();
    let names: Vec<_> = users["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["Ann", "Bob"]);
}

#[test]
fn an_account_is_shown_now_and_as_of_any_instant() {
    let desk = Desk::with_people();
    desk.now("2026-10-02T00:00:00Z");
    let transfer =
        json!({"type": "transfer", "from": id(1), "to": id(2), "amount": "250.5", "currency": "RUB"});
    assert_eq!(desk.post("/v1/transactions").key("t").json(&transfer).status, 201);
    let now = desk.get(&format!("/v1/accounts/{}", id(1))).send().json();
    assert_eq!((&now["posted"], &now["available"]), (&json!("749.500000"), &json!("749.500000")));
    assert_eq!(now["accrued_by_project"], json!([]));
    let path = format!("/v1/accounts/{}?as_of=2026-10-01T23:59:59Z", id(1));
    assert_eq!(desk.get(&path).send().json()["posted"], "1000.000000");
    let ahead = format!("/v1/accounts/{}?as_of=2026-10-03T00:00:00Z", id(1));
    assert_eq!(desk.get(&ahead).send().problem(), (422, "invalid".to_owned(), "as_of".to_owned()));
}

#[test]
fn limits_and_coefficients_are_changed_by_name() {
    let desk = Desk::with_people();
    let limit = json!({"amount": "50", "currency": "RUB"});
    let path = format!("/v1/accounts/{}/credit-limit", id(1));
    let changed = desk.put(&path).key("limit").json(&limit);
    assert_eq!(changed.json()["available"], "1050.000000", "{}", changed.text);
    let dollars = json!({"amount": "50", "currency": "USD"});
    assert_eq!(desk.put(&path).key("other").json(&dollars).problem().2, "currency");
    let path = format!("/v1/accounts/{}/coefficient", id(2));
    let changed = desk.put(&path).key("k").json(&json!({"coefficient": "1.25"}));
    assert_eq!(changed.json()["coefficient"], "1.25", "{}", changed.text);
    let of_nobody = format!("/v1/accounts/{}/coefficient", id(77));
    assert_eq!(desk.put(&of_nobody).key("k2").json(&json!({"coefficient": "1"})).problem().1, "not-found");
}

#[test]
fn a_statement_is_raw_in_pages_or_grouped() {
    let desk = Desk::with_people();
    for number in 0..5 {
        let transfer = json!({"type": "transfer", "from": id(1), "to": id(2), "amount": "1", "currency": "RUB",
            "project": if number % 2 == 0 { "p" } else { "q" }});
        assert_eq!(desk.post("/v1/transactions").key(&format!("t{number}")).json(&transfer).status, 201);
    }
    let path = format!("/v1/accounts/{}/statement", id(2));
    let first = desk.get(&format!("{path}?limit=3")).send().json();
    assert_eq!((first["lines"].as_array().unwrap().len(), &first["next"]), (3, &json!("3")));
    let second = desk.get(&format!("{path}?limit=3&cursor=3")).send().json();
    assert_eq!((second["lines"].as_array().unwrap().len(), second.get("next")), (2, None));
    assert_eq!((&first["opening"], &first["closing"]), (&json!("0.000000"), &json!("5.000000")));
    let grouped = desk.get(&format!("{path}?group=project")).send().json();
    let groups = grouped["groups"].as_array().unwrap();
    assert_eq!(groups[0], json!({"project": "p", "lines": 3, "income": "3.000000", "expense": "0.000000"}));
    assert_eq!(groups.len(), 2);
    for (query, field) in [
        ("from=2026-10-02&to=2026-10-02", "to"),
        ("from=9999-12-31", "from"),
        ("from=yesterday", "from"),
        ("group=week", "group"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
    ] {
        let problem = desk.get(&format!("{path}?{query}")).send().problem();
        assert_eq!(problem, (422, "invalid".to_owned(), field.to_owned()), "{query}");
    }
}
