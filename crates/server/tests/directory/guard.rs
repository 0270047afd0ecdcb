//! Limits through the routes: set, met, stopped, lifted; what is told; the same after a restart.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{World, id};

/// A world with a cloud that reports at once and stops within 60 s. It is noon of 1 October 2026, UTC; a vCPU of an active VM
/// costs 10 an hour.
async fn with_cloud() -> World {
    let world = World::inhabited().await;
    let head = "[book]\nid = \"active\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n";
    let version =
        crate::world::version("2026-01-01", "10").replace("model", "when = { state = \"active\" }\nmodel");
    let said = world.toml("operator", "/v1/price-books", &format!("{head}{version}")).await;
    assert_eq!(said.status, 201, "{}", said.body);
    let made = json!({"id": id(21), "name": "cloud", "price_book": "active", "delay_s": 0, "heartbeat_s": 300,
        "latency_s": 60, "stops": {"job": "gone"}});
    let made = world.made("/v1/providers", made).await;
    assert_eq!((&made["latency_s"], &made["stops"]), (&json!(60), &json!({"job": "gone"})));
    let sources = json!({"source": "guarded://", "prefix": true});
    let path = format!("/v1/providers/{}/sources", id(21));
    let said = world.ask("operator", Method::POST, &path, &sources).await;
    assert!(said.status.is_success(), "{}", said.body);
    world
}

async fn send(world: &World, (id, subject, time): (&str, &str, &str), state: &str) {
    let line = json!({"specversion": "1.0", "type": "kopeck.state.v1", "source": "guarded://msk-1", "id": id,
        "subject": subject, "time": format!("2026-10-01T{time}Z"), "project": "acme",
        "data": {"kind": "vm", "state": state, "region": "msk-1", "attributes": {"vcpu": 1}}});
    let said = world.events("operator", &[line.to_string()]).await;
    assert_eq!(said.body["accepted"], 1, "{}", said.body);
}

async fn until(world: &World, time: &str) {
    let now = json!({"now": format!("2026-10-{time}Z")});
    let said = world.ask("operator", Method::POST, "/v1/clock", &now).await;
    assert_eq!(said.status, 200, "{}", said.body);
}

async fn set(world: &World, path: &str, limit: Value) -> Value {
    let said = world.ask("payer", Method::POST, path, &limit).await;
    assert_eq!(said.status, 200, "{limit}: {}", said.body);
    said.body["now"][0].clone()
}

fn cap(amount: &str) -> Value {
    json!({"limit": "cap:month", "amount": amount, "currency": "RUB"})
}

/// The stops of `acme`: resource, outcome, and when each was decided.
async fn stops(world: &World) -> Vec<String> {
    let said = world.get("viewer", "/v1/projects/acme/stops").await;
    let items = said.body["items"].as_array().unwrap().clone();
    let words = |item: &Value, field: &str| item[field].as_str().unwrap_or("-").to_owned();
    let line = |item: &Value| ["resource", "outcome", "decided"].map(|field| words(item, field)).join(" ");
    items.iter().map(line).collect()
}

async fn told(world: &World, path: &str) -> Vec<String> {
    let said = world.get("payer", &format!("{path}/notices")).await;
    let items = said.body["items"].as_array().unwrap().clone();
    items.iter().map(|item| format!("{} {}", item["at"].as_str().unwrap(), item["what"])).collect()
}

#[tokio::test]
async fn a_cap_stops_what_runs_in_time_and_is_kept_to_the_last_kopeck() {
    let world = with_cloud().await;
    send(&world, ("1", "old", "10:00:00"), "RUNNING").await;
    send(&world, ("2", "new", "12:00:00"), "RUNNING").await;
    let now = set(&world, "/v1/projects/acme/limits", cap("50")).await;
    // Usage before the project's acceptance is free; two vCPUs cost 20 an hour from noon on.
    assert_eq!(
        (&now["state"], &now["action"], &now["excess"]),
        (&json!("actual"), &Value::Null, &json!("0.000000"))
    );
    until(&world, "01T14:00:00").await;
    assert_eq!(stops(&world).await, Vec::<String>::new());
    until(&world, "01T14:29:30").await;
    // 50 would be spent at 14:30; the cloud has a minute, and two charges may each be rounded up. The newest is stopped first.
    let expected = ["new open 2026-10-01T14:28:59Z", "old open 2026-10-01T14:28:59Z"];
    assert_eq!(stops(&world).await, expected);
    send(&world, ("3", "new", "14:29:30"), "STOPPED").await;
    send(&world, ("4", "old", "14:29:30"), "STOPPED").await;
    until(&world, "01T15:00:00").await;
    assert_eq!(stops(&world).await, expected.map(|stop| stop.replace("open", "obeyed")));
    let limits = world.get("viewer", "/v1/projects/acme/limits").await.body;
    let now = &limits["limits"][0]["now"][0];
    assert_eq!((&now["spent"], &now["left"]), (&json!("49.833334"), &json!("0.166666")), "{now}");
    assert_eq!((&now["stopped_since"], &now["beyond"]), (&json!("2026-10-01T14:28:59Z"), &Value::Null));
    // What is started while it is stopped is stopped again at once.
    send(&world, ("5", "new", "15:00:00"), "RUNNING").await;
    until(&world, "01T15:00:01").await;
    assert_eq!(stops(&world).await[2..], ["new open 2026-10-01T15:00:01Z"]);
    // A threshold is told when it certainly is met, whatever was rounded.
    let told = told(&world, "/v1/projects/acme").await;
    assert_eq!(
        told[..],
        [
            "2026-10-01T13:15:01Z {\"threshold\":{\"percent\":50}}",
            "2026-10-01T14:00:01Z {\"threshold\":{\"percent\":80}}",
            "2026-10-01T14:28:59Z \"stopped\"",
        ],
        "{told:?}"
    );
}

#[tokio::test]
async fn a_restart_remembers_what_is_stopped_and_told_and_forgets_no_command() {
    let world = with_cloud().await;
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    set(&world, "/v1/projects/acme/limits", cap("10")).await;
    until(&world, "01T13:00:00").await;
    let before = (stops(&world).await, told(&world, "/v1/projects/acme").await);
    assert_eq!(before.0, ["one open 2026-10-01T12:59:00Z"]);
    let world = world.restarted();
    until(&world, "01T13:00:00").await;
    let open = world.app.metering.outbox().sendable();
    assert_eq!(open.iter().map(|command| command.subject.as_str()).collect::<Vec<_>>(), ["one"]);
    assert_eq!((stops(&world).await, told(&world, "/v1/projects/acme").await), before);
    send(&world, ("2", "one", "13:00:00"), "STOPPED").await;
    until(&world, "01T13:00:01").await;
    assert_eq!(stops(&world).await, ["one obeyed 2026-10-01T12:59:00Z"]);
}

#[tokio::test]
async fn raising_a_cap_lifts_the_stop_and_starts_nothing() {
    let world = with_cloud().await;
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    set(&world, "/v1/projects/acme/limits", cap("10")).await;
    until(&world, "01T13:00:00").await;
    let now = set(&world, "/v1/projects/acme/limits", cap("100")).await;
    assert_eq!((&now["action"], &now["stopped_since"]), (&Value::Null, &Value::Null), "{now}");
    assert_eq!(stops(&world).await, ["one withdrawn 2026-10-01T12:59:00Z"]);
    assert!(world.app.metering.outbox().sendable().is_empty());
}

#[tokio::test]
async fn a_cap_below_what_is_spent_is_accepted_stops_now_and_answers_with_the_excess() {
    let world = with_cloud().await;
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    until(&world, "01T13:00:00").await;
    // 10 are spent, and the minute that the cloud may take costs 10 / 60.
    let now = set(&world, "/v1/projects/acme/limits", cap("7")).await;
    assert_eq!((&now["state"], &now["action"]), (&json!("depleted"), &json!("stop")));
    assert_eq!(now["excess"], "3.166667");
    assert_eq!(
        (&now["beyond"]["amount"], &now["beyond"]["cause"]),
        (&json!("3.000000"), &json!("limit_set_below"))
    );
    assert_eq!(stops(&world).await, ["one open 2026-10-01T13:00:00Z"]);
    // The cloud does not obey: that is told once.
    until(&world, "01T13:05:00").await;
    let disobeyed = told(&world, "/v1/projects/acme").await;
    let disobeyed: Vec<_> = disobeyed.iter().filter(|line| line.contains("disobeyed")).collect();
    assert_eq!(
        disobeyed,
        ["2026-10-01T13:01:01Z {\"disobeyed\":{\"resource\":\"one\",\"source\":\"guarded://msk-1\"}}"]
    );
}

#[tokio::test]
async fn a_late_report_beyond_the_cap_is_told_with_its_cause() {
    let world = with_cloud().await;
    set(&world, "/v1/projects/acme/limits", cap("10")).await;
    until(&world, "01T14:00:00").await;
    // It ran since noon, and is heard of at two.
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    until(&world, "01T14:00:01").await;
    let limits = world.get("payer", "/v1/projects/acme/limits").await.body;
    let beyond = &limits["limits"][0]["now"][0]["beyond"];
    assert_eq!(
        (&beyond["amount"], &beyond["cause"]),
        (&json!("10.002778"), &json!("late_report")),
        "{limits}"
    );
}

#[tokio::test]
async fn a_wallet_stops_all_that_it_pays_for_and_a_deposit_lifts_it() {
    let world = with_cloud().await;
    let top_up = |amount: &str, key: &str| {
        json!({"type": "deposit", "id": key, "account": id(1), "amount": amount, "currency": "RUB",
            "invoice": {"workspace": id(11), "number": "1"}})
    };
    let said = world.ask("operator", Method::POST, "/v1/transactions", &top_up("20", &id(901))).await;
    assert!(said.status.is_success(), "{}", said.body);
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    let path = format!("/v1/workspaces/{}/limits", id(11));
    let now = set(&world, &path, json!({"limit": "wallet", "horizon_days": 1})).await;
    assert_eq!(now["left"], "20.000000", "{now}");
    until(&world, "01T14:00:00").await;
    assert_eq!(stops(&world).await, ["one open 2026-10-01T13:58:59Z"]);
    let hold = json!({"account": id(11), "amount": "0.01", "currency": "RUB", "expires": "2026-10-02T00:00:00Z",
        "project": "acme"});
    let said = world.named("operator", "/v1/holds", "a-refused-hold", &hold).await;
    assert_eq!((said.status.as_u16(), &said.body["type"]), (409, &json!("urn:kopeck:problem:limit-reached")));
    assert_eq!(said.body["detail"], format!("wallet of {} refuses whatever is new", id(11)));
    let said = world.ask("operator", Method::POST, "/v1/transactions", &top_up("100", &id(902))).await;
    assert!(said.status.is_success(), "{}", said.body);
    let limits = world.get("payer", &path).await.body;
    assert_eq!(limits["limits"][0]["now"][0]["stopped_since"], Value::Null, "{limits}");
    assert_eq!(stops(&world).await, ["one withdrawn 2026-10-01T13:58:59Z"]);
    assert_eq!(world.named("operator", "/v1/holds", "a-hold", &hold).await.status, 201);
}

#[tokio::test]
async fn a_quota_stops_only_what_it_looks_at_where_its_plan_says_so() {
    let world = with_cloud().await;
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    let limit = |kind: &str| {
        json!({"limit": format!("quota:kind:{kind}"), "amount": "10", "currency": "RUB",
            "thresholds": [{"percent": 100, "action": "stop"}]})
    };
    set(&world, "/v1/projects/acme/limits", limit("gpu")).await;
    set(&world, "/v1/projects/acme/limits", limit("vm")).await;
    let each = json!({"limit": "quota:each-region", "amount": "15", "currency": "RUB"});
    // No region is known yet.
    assert_eq!(set(&world, "/v1/projects/acme/limits", each).await, Value::Null);
    until(&world, "01T13:30:00").await;
    assert_eq!(stops(&world).await, ["one open 2026-10-01T12:58:59Z"]);
    let limits = world.get("payer", "/v1/projects/acme/limits").await.body;
    let states: Vec<_> =
        limits["limits"].as_array().unwrap().iter().map(|limit| limit["now"][0]["action"].clone()).collect();
    assert_eq!(limits["limits"][0]["now"][0]["name"], "quota:each-region:msk-1");
    assert_eq!(states, [json!("refuse_new"), Value::Null, json!("stop")], "{limits}");
    // A new month lifts what the old one imposed.
    until(&world, "31T21:00:01").await;
    let limits = world.get("payer", "/v1/projects/acme/limits").await.body;
    let vm = &limits["limits"][2]["now"][0];
    assert_eq!(vm["name"], "quota:kind:vm");
    assert_eq!(vm["stopped_since"], Value::Null, "{vm}");
}

#[tokio::test]
async fn a_rate_limit_stops_what_runs_away() {
    let world = with_cloud().await;
    send(&world, ("1", "one", "12:00:00"), "RUNNING").await;
    let rate = json!({"limit": "rate", "amount": "25", "currency": "RUB", "brake": "stop"});
    set(&world, "/v1/projects/acme/limits", rate).await;
    until(&world, "01T15:00:00").await;
    assert_eq!(stops(&world).await, Vec::<String>::new());
    for number in 0..9 {
        send(&world, (&format!("run{number}"), &format!("away{number}"), "15:00:00"), "RUNNING").await;
    }
    until(&world, "01T15:30:00").await;
    // 100 an hour: 25 are exceeded within a quarter of an hour.
    let stops = stops(&world).await;
    assert_eq!(stops.len(), 10, "{stops:?}");
    assert!(stops[0].as_str() >= "away0 open 2026-10-01T15:05:00Z", "{stops:?}");
    assert!(stops[0].as_str() <= "away0 open 2026-10-01T15:15:01Z", "{stops:?}");
}

#[tokio::test]
async fn what_can_not_be_a_limit_is_refused_with_its_field_and_a_remedy() {
    let world = with_cloud().await;
    let cases = [
        (json!({"limit": "cap:month", "amount": "0", "currency": "RUB"}), "amount"),
        (json!({"limit": "cap:month", "amount": "-5", "currency": "RUB"}), "amount"),
        (json!({"limit": "cap:month", "amount": "18446744073709.551616", "currency": "RUB"}), "amount"),
        (
            json!({"limit": "cap:month", "amount": "99999999999999999999999999999999", "currency": "RUB"}),
            "amount",
        ),
        (json!({"limit": "cap:month"}), "amount"),
        (json!({"limit": "cap:month", "amount": "5"}), "currency"),
        (json!({"limit": "cap:month", "amount": "5", "currency": "USD"}), "currency"),
        (json!({"limit": "cap:year", "amount": "5", "currency": "RUB"}), "limit"),
        (json!({"limit": "wallet"}), "limit"),
        (json!({"limit": "cap:month", "amount": "5", "currency": "RUB", "brake": "stop"}), "brake"),
        (json!({"limit": "rate", "brake": "stop"}), "amount"),
        (json!({"limit": "rate", "percent_of_median": 0, "brake": "stop"}), "percent_of_median"),
        (json!({"limit": "quota", "amount": "5", "currency": "RUB", "thresholds": []}), "thresholds"),
        (
            json!({"limit": "cap:month", "amount": "5", "currency": "RUB", "until": "2026-10-01T12:00:00Z"}),
            "until",
        ),
    ];
    for (limit, field) in cases {
        let said = world.ask("payer", Method::POST, "/v1/projects/acme/limits", &limit).await;
        assert_eq!(
            (said.status.as_u16(), &said.body["field"]),
            (422, &json!(field)),
            "{limit}: {}",
            said.body
        );
        assert!(said.body["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{limit}");
    }
    let said = world.ask("operator", Method::POST, "/v1/projects/nothing/limits", &cap("5")).await;
    assert_eq!(said.status, 404);
}
