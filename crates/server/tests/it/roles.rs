//! Every route with every role of the installation, and with those of a project.

use axum::http::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, id};

/// What a role gets: `true` where it may.
fn check(token: &str, may: &[&str]) {
    let desk = Desk::with_people();
    let new = |kind: &str| match kind {
        "account" => json!({"kind": "user", "name": "Eve"}),
        "limit" => json!({"amount": "1", "currency": "RUB"}),
        "coefficient" => json!({"coefficient": "1"}),
        "deposit" => json!({"type": "deposit", "account": id(1), "amount": "1", "currency": "RUB"}),
        "withdrawal" => json!({"type": "withdrawal", "account": id(1), "amount": "1", "currency": "RUB"}),
        "transfer" => {
            json!({"type": "transfer", "from": id(1), "to": id(3), "amount": "1", "currency": "RUB"})
        }
        "correction" => {
            json!({"type": "correction", "transaction": id(4), "amount": "900", "currency": "RUB"})
        }
        "reversal" => json!({"type": "reversal", "transaction": id(5)}),
        "hold" => {
            json!({"account": id(1), "amount": "1", "currency": "RUB", "expires": "2027-01-01T00:00:00Z"})
        }
        _ => json!({}),
    };
    let extra = json!({"type": "deposit", "account": id(3), "amount": "1", "currency": "RUB"});
    assert_eq!(desk.post("/v1/transactions").key(&id(5)).json(&extra).status, 201);
    for number in [6, 7] {
        assert_eq!(desk.post("/v1/holds").key(&id(number)).json(&new("hold")).status, 201);
    }
    let of_ann = |rest: &str| format!("/v1/accounts/{}{rest}", id(1));
    let acts: [(&str, Method, String, &str); 20] = [
        ("list", Method::GET, "/v1/accounts".to_owned(), ""),
        ("open", Method::POST, "/v1/accounts".to_owned(), "account"),
        ("show", Method::GET, of_ann(""), ""),
        ("as of", Method::GET, of_ann("?as_of=2026-10-01T00:00:00Z"), ""),
        ("statement", Method::GET, of_ann("/statement"), ""),
        ("limit", Method::PUT, of_ann("/credit-limit"), "limit"),
        ("coefficient", Method::PUT, format!("/v1/accounts/{}/coefficient", id(2)), "coefficient"),
        ("transaction", Method::GET, format!("/v1/transactions/{}", id(4)), ""),
        ("deposit", Method::POST, "/v1/transactions".to_owned(), "deposit"),
        ("withdrawal", Method::POST, "/v1/transactions".to_owned(), "withdrawal"),
        ("transfer", Method::POST, "/v1/transactions".to_owned(), "transfer"),
        ("correction", Method::POST, "/v1/transactions".to_owned(), "correction"),
        ("reversal", Method::POST, "/v1/transactions".to_owned(), "reversal"),
        ("hold", Method::POST, "/v1/holds".to_owned(), "hold"),
        ("show hold", Method::GET, format!("/v1/holds/{}", id(6)), ""),
        ("post hold", Method::POST, format!("/v1/holds/{}/post", id(6)), "payment"),
        ("release", Method::POST, format!("/v1/holds/{}/release", id(7)), ""),
        ("verify", Method::GET, "/v1/ledger/verify".to_owned(), ""),
        ("hledger", Method::GET, "/v1/export/hledger".to_owned(), ""),
        ("csv", Method::GET, "/v1/export/csv?table=transfers".to_owned(), ""),
    ];
    for (name, method, path, body) in acts {
        let asked = desk.ask(method, &path).token(token).key(&format!("key-of-{}", name.replace(' ', "-")));
        let answer = if body.is_empty() { asked.send() } else { asked.json(&new(body)) };
        if may.contains(&name) || may == ["all"] {
            assert!(answer.status < 300, "{token} may not {name}: {}", answer.text);
        } else {
            assert_eq!(answer.problem().1, "forbidden", "{token} may {name}: {}", answer.text);
        }
    }
}

#[test]
fn the_operator_may_everything() {
    check("operator", &["all"]);
}

#[test]
fn the_accountant_reads_all_brings_money_in_and_puts_right() {
    let reads =
        ["list", "show", "as of", "statement", "transaction", "show hold", "verify", "hledger", "csv"];
    check("accountant", &[&reads[..], &["deposit", "correction", "reversal"]].concat());
}

#[test]
fn roles_of_projects_have_nothing_to_do_with_the_ledger_itself() {
    for token in ["payer", "developer", "viewer", "p-payer", "p-developer", "p-viewer"] {
        check(token, &[]);
    }
    // A role of the installation that a project's token claims is none.
    for token in ["p-operator", "p-accountant"] {
        check(token, &[]);
    }
}

#[test]
fn one_forbidden_transaction_forbids_the_whole_list() {
    let desk = Desk::with_people();
    let deposit = json!({"type": "deposit", "account": id(1), "amount": "1", "currency": "RUB"});
    let transfer = json!({"type": "transfer", "from": id(1), "to": id(3), "amount": "1", "currency": "RUB"});
    let answer = desk.post("/v1/transactions").token("accountant").key("k").json(&json!([deposit, transfer]));
    assert_eq!(answer.problem().1, "forbidden");
    let shown: Value = desk.get(&format!("/v1/accounts/{}", id(1))).send().json();
    assert_eq!(shown["posted"], "1000.000000");
}
