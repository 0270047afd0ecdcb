//! What a version of a price book would have done to last month: the server tells of its events what the command tells
//! of files with the same events.

use std::fs;

use serde_json::{Value, json};

use crate::kills::{events, projects};
use crate::kills_load::Load;
use crate::server::{Server, kopeck, root};
use crate::world::{ACME, ANN, MADE, make};

#[test]
fn a_dry_run_tells_what_the_command_tells_of_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path());
    let lines: Vec<&str> = events.iter().map(|event| event.line.as_str()).collect();
    fs::write(folder.path().join("events.jsonl"), lines.join("\n")).unwrap();
    let server = Server::start(folder.path(), &format!("--clock simulated --now {MADE}"));
    make(&server, &projects(&events));
    let load = Load::new(events, MADE.parse().unwrap(), [ANN.to_owned(), ACME.to_owned()]);
    load.finish(&server);
    server.done(200, "POST /v1/clock", "-", &json!({"now": "2026-11-05T09:00:00Z"}));

    let book = fs::read_to_string(root().join("examples/sample.toml")).unwrap();
    let (_, version) = book.split_once("[[version]]").unwrap();
    let dear = version
        .replace("2026-09-01", "2027-01-01")
        .replace("announced = 2026-07-20", "announced = 2026-11-05")
        .replace("price = \"584.40\"", "price = \"700\"")
        .replace("price = \"219.15\"", "price = \"100\"");
    let dear = format!("[[version]]{dear}");
    fs::write(folder.path().join("old.toml"), &book).unwrap();
    fs::write(folder.path().join("new.toml"), format!("{book}\n{dear}")).unwrap();
    let line =
        "prices diff old.toml new.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01 --format json";
    let told = kopeck(folder.path(), line).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();

    let kind = [("Content-Type", "application/toml")];
    let announce = |query: &str| {
        let request = format!("POST /v1/price-books/sample/versions{query}");
        server.client().send(&request, &kind, dear.as_bytes()).unwrap()
    };
    let (status, tried) = announce("?dry_run=true");
    assert_eq!(status, 200, "{tried}");
    let effect = &tried["effect"];
    assert_eq!(
        json!([effect["from"], effect["to"], effect["old"], effect["new"], effect["currency"]]),
        json!(["2026-10-01", "2026-11-01", "2026-09-01", "2027-01-01", "RUB"])
    );
    assert_eq!(effect["projects"], told["backtest"]["projects"], "{told}");
    assert_eq!(effect["total"], told["backtest"]["total"]);
    assert!(
        effect["projects"].as_array().unwrap().len() > 1 && effect["total"]["old"] != effect["total"]["new"]
    );
    let (status, announced) = announce("");
    assert_eq!((status, &announced["effect"]), (201, &Value::Null));
}
