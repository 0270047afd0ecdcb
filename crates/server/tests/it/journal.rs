//! Proofs and exports of the whole journal.

use kopeck_server::config::Limits;
use serde_json::json;

use crate::desk::{Desk, id};

#[test]
fn the_journal_is_proven() {
    let desk = Desk::with_people();
    let verified = desk.get("/v1/ledger/verify").send().json();
    assert_eq!((&verified["records"], &verified["transfers"]), (&json!(8), &json!(1)));
    assert_eq!((&verified["problem"], &verified["head"]["record"]), (&json!(null), &json!(8)));
}

#[test]
fn the_journal_is_exported_for_hledger_and_as_tables() {
    let desk = Desk::with_people();
    let journal = desk.get("/v1/export/hledger").send();
    assert!(
        journal.text.contains("account user:Ann:") && journal.text.contains("deposit"),
        "{}",
        journal.text
    );
    let accounts = desk.get("/v1/export/csv?table=accounts").send();
    assert_eq!(accounts.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(accounts.text.lines().count(), 8);
    let transfers = desk.get("/v1/export/csv?table=transfers").send().text;
    let row = transfers.lines().nth(1).unwrap();
    assert!(row.ends_with(&format!("{},1000.000000,RUB", id(1))), "{row}");
    assert_eq!(desk.get("/v1/export/csv?table=holds").send().problem().2, "table");
    assert_eq!(desk.get("/v1/export/csv").send().problem().0, 400);
}

#[test]
fn long_reads_do_not_pile_up() {
    let desk = Desk::with(Limits { long_reads: 0, ..Limits::default() });
    for path in ["/v1/ledger/verify", "/v1/export/hledger", "/v1/export/csv?table=accounts"] {
        let answer = desk.get(path).send();
        assert_eq!(answer.problem().1, "too-many-requests", "{path}");
        assert_eq!(answer.headers["retry-after"], "1");
    }
}
