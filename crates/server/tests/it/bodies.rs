//! Bodies that are too large, packed, no JSON, of another type, or with fields that nobody knows.

use std::io::Write;

use serde_json::json;

use crate::desk::{Answer, Desk, id};

fn post(desk: &Desk, encoding: &str, body: Vec<u8>) -> Answer {
    let asked = desk.post("/v1/accounts").key("k").header("content-type", "application/json");
    asked.header("content-encoding", encoding).body(body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_bodies_are_read_and_bombs_are_not() {
    let desk = Desk::new();
    let ann = json!({"kind": "user", "name": "Ann"}).to_string().into_bytes();
    assert_eq!(post(&desk, "gzip", gzip(&ann)).status, 201);
    assert_eq!(post(&desk, "zstd", zstd::stream::encode_all(ann.as_slice(), 3).unwrap()).status, 201);
    let bomb = vec![b' '; 64 << 20];
    assert_eq!(post(&desk, "gzip", gzip(&bomb)).problem().1, "too-large");
    let packed = zstd::stream::encode_all(bomb.as_slice(), 3).unwrap();
    assert_eq!(post(&desk, "zstd", packed).problem().1, "too-large");
    assert_eq!(post(&desk, "br", ann.clone()).problem().1, "unsupported-media-type");
    assert_eq!(post(&desk, "gzip, gzip", gzip(&gzip(&ann))).problem().1, "unsupported-media-type");
    assert_eq!(post(&desk, "gzip", ann).problem().1, "malformed");
}

#[test]
fn a_body_of_a_mebibyte_is_taken_and_a_byte_more_is_not() {
    let desk = Desk::new();
    let mut body = json!({"kind": "user", "name": "Ann"}).to_string().into_bytes();
    body.resize(1 << 20, b' ');
    assert_eq!(post(&desk, "identity", body.clone()).status, 201);
    body.push(b' ');
    assert_eq!(post(&desk, "identity", body.clone()).problem().1, "too-large");
    let said = desk.post("/v1/accounts").key("k").header("content-type", "application/json");
    assert_eq!(said.header("content-length", "99999999999").body("{}").problem().1, "too-large");
}

#[test]
fn what_is_not_json_or_not_said_to_be_is_refused() {
    let desk = Desk::new();
    for (kind, expected) in [
        (Some("text/plain"), (415, "unsupported-media-type")),
        (Some("application/x-www-form-urlencoded"), (415, "unsupported-media-type")),
        (None, (415, "unsupported-media-type")),
        (Some("application/json; charset=utf-8"), (400, "malformed")),
        (Some("APPLICATION/JSON"), (400, "malformed")),
    ] {
        let mut asked = desk.post("/v1/accounts").key("k");
        if let Some(kind) = kind {
            asked = asked.header("content-type", kind);
        }
        let (status, name, _) = asked.body("{\"kind\":").problem();
        assert_eq!((status, name.as_str()), expected, "{kind:?}");
    }
    for body in ["", "{\"kind\":\"user\",\"name\":\"Ann\"} {}", "\u{feff}{}", "nul", "{\"kind\":\"user\",}"] {
        assert_eq!(post(&desk, "identity", body.into()).problem().0, 400, "{body}");
    }
    let deep = format!("{{\"type\":{}", "[".repeat(100_000));
    let asked = desk.post("/v1/transactions").key("k").header("content-type", "application/json");
    assert_eq!(asked.body(deep).problem().0, 400);
}

#[test]
fn fields_that_are_unknown_missing_or_wrong_are_named() {
    let desk = Desk::new();
    for (body, field, said) in [
        (json!({"kind": "user", "name": "Ann", "color": "red"}), "color", "unknown field `color`"),
        (json!({"kind": "user"}), "", "missing field `name`"),
        (json!({"kind": "bank", "name": "Ann"}), "kind", "write one of user"),
        (json!({"kind": 1, "name": "Ann"}), "kind", "expected a kind of account"),
        (json!({"kind": "user", "name": ""}), "name", "is empty"),
        (json!({"kind": "user", "name": "a\nb"}), "name", "control character"),
        (
            json!({"kind": "user", "name": "Ann", "credit_limit": 5}),
            "credit_limit",
            "expected an amount as a text",
        ),
        (json!({"kind": "user", "name": "Ann", "owner": "Bob"}), "owner", "UUID"),
        (json!({"kind": "user", "name": "Ann", "currency": "rub"}), "currency", "three capital letters"),
        (json!([]), "", "invalid length 0"),
    ] {
        let answer = desk.post("/v1/accounts").key("k").json(&body);
        assert_eq!(answer.problem(), (422, "invalid".to_owned(), field.to_owned()), "{}", answer.text);
        assert!(answer.json()["detail"].as_str().unwrap().contains(said), "{}", answer.text);
    }
}

#[test]
fn a_list_of_8190_transactions_is_taken_whole() {
    let desk = Desk::with_people();
    let one = json!({"type": "transfer", "from": id(1), "to": id(2), "amount": "0.01", "currency": "RUB"});
    let list = vec![one.clone(); 8_190];
    let answer = desk.post("/v1/transactions").key("many").json(&json!(list));
    assert_eq!(answer.status, 200);
    let results = answer.json();
    assert!(results["results"].as_array().unwrap().iter().all(|result| result["record"].is_u64()));
    let more = vec![one; 8_191];
    assert_eq!(desk.post("/v1/transactions").key("more").json(&json!(more)).problem().1, "invalid");
}
