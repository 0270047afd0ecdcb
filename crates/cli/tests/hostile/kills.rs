//! Sudden deaths under load: what was acknowledged is there, once, and costs what `kopeck rate` says.
//!
//! Events, transactions and the clock are sent by several clients at once, which write down what was answered; after
//! some acknowledgements the server is killed and started again on its folder. `KOPECK_KILLS` says how often.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::kills_load::{Event, Load, Transfer};
use crate::server::{Server, kopeck, root};
use crate::world::{ACME, ANN, DEPOSIT, MADE, make};

/// Deaths where `KOPECK_KILLS` says nothing else.
const KILLS: usize = 3;

/// The sample's events, each once, in the order of their times.
pub fn events(folder: &Path) -> Vec<Event> {
    let sample = kopeck(folder, "sample --seed 5 --vms 25 --days 9").output().unwrap();
    let mut events: Vec<Event> = String::from_utf8(sample.stdout).unwrap().lines().map(Event::read).collect();
    let mut seen = BTreeSet::new();
    events.retain(|event| seen.insert(event.key.clone()));
    events.sort_by_key(|event| event.at);
    events
}

/// The projects of events.
pub fn projects(events: &[Event]) -> Vec<&str> {
    let mut projects: Vec<&str> = events.iter().map(|event| event.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    projects
}

#[test]
fn what_is_acknowledged_survives_every_sudden_death_once() {
    let kills = std::env::var("KOPECK_KILLS").ok().map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path());
    let at = |now: &str| format!("--clock simulated --now {now}");
    let mut server = Server::start(folder.path(), &at(MADE));
    make(&server, &projects(&events));
    let load = Load::new(events, MADE.parse().unwrap(), [ANN.to_owned(), ACME.to_owned()]);
    for kill in 0..kills {
        // Other counts meet other moments of the server's work.
        let share = load.events_left() / (kills - kill + 1) + kill % 7;
        load.run_and_kill(&mut server, share);
        server = Server::start(folder.path(), &at(&load.clock_asked().to_string()));
        nothing_is_lost(&server, &load);
        nothing_is_doubled(&server, &load);
    }
    load.finish(&server);
    costs_what_rate_says(&server, &load, folder.path());
    server.terminate();
    assert_eq!(server.ended(), Some(0));
    let verified = kopeck(folder.path(), "ledger verify --store data").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    println!("{kills} deaths: {}", load.summary());
}

/// Everything that was answered is there as it was answered.
fn nothing_is_lost(server: &Server, load: &Load) {
    is_there(server, load, (&load.acknowledged_events(), load.acknowledged_transfers()));
}

/// Events and transfers are there as they were answered.
pub fn is_there(server: &Server, load: &Load, (events, transfers): (&[Event], Vec<Transfer>)) {
    let mut client = server.client();
    for Transfer { key, answer } in transfers {
        let (status, shown) = client.ask(&format!("GET /v1/transactions/{key}"), "-", &Value::Null).unwrap();
        assert_eq!((status, shown), (200, answer), "an acknowledged transaction");
    }
    for batch in events.chunks(2_000) {
        let (status, said) = load.send(&mut client, batch).unwrap();
        let expected = json!({"accepted": 0, "duplicates": batch.len(), "refused": []});
        assert_eq!((status, said), (200, expected), "acknowledged events");
    }
    let verified = server.done(200, "GET /v1/ledger/verify", "-", &Value::Null);
    assert_eq!(verified["problem"], Value::Null, "{verified}");
}

/// What was in flight is sent again; then all of it has moved once.
pub fn nothing_is_doubled(server: &Server, load: &Load) {
    load.send_again(server);
    let ann = server.done(200, &format!("GET /v1/accounts/{ANN}"), "-", &Value::Null);
    let moved = load.acknowledged_transfers().len();
    assert_eq!(ann["posted"], format!("{}.000000", DEPOSIT - u64::try_from(moved).unwrap()), "{moved}");
}

/// The month's cost of each project is that of its events, and what is posted is in the ledger.
pub fn costs_what_rate_says(server: &Server, load: &Load, folder: &Path) {
    let events = load.acknowledged_events();
    let lines: Vec<&str> = events.iter().map(|event| event.line.as_str()).collect();
    std::fs::write(folder.join("events.jsonl"), lines.join("\n")).unwrap();
    std::fs::copy(root().join("examples/sample.toml"), folder.join("prices.toml")).unwrap();
    let line = format!(
        "rate --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01 --as-of {} --format json",
        load.clock_asked()
    );
    let rated = kopeck(folder, &line).output().unwrap();
    assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stderr));
    let rated: Value = serde_json::from_slice(&rated.stdout).unwrap();
    let mut expected = BTreeMap::<&str, i128>::new();
    for charge in rated["charges"].as_array().unwrap() {
        *expected.entry(charge["project"].as_str().unwrap()).or_default() += millionths(&charge["amount"]);
    }
    let mut posted = 0;
    for project in projects(&events) {
        let path = format!("GET /v1/projects/{project}/spend?month=2026-10");
        let spend = server.done(200, &path, "-", &Value::Null);
        let rated = expected.get(project).copied().unwrap_or_default();
        assert_eq!(millionths(&spend["total"]), rated, "{project}: {spend}");
        posted += millionths(&spend["posted"]);
    }
    assert!(posted > 0, "the month is not charged");
    let acme = server.done(200, &format!("GET /v1/accounts/{ACME}"), "-", &Value::Null);
    let moved = i128::try_from(load.acknowledged_transfers().len()).unwrap() * 1_000_000;
    assert_eq!(millionths(&acme["posted"]), moved - posted, "{acme}");
}

/// A decimal text with six places.
fn millionths(amount: &Value) -> i128 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}
