//! The way of an event through the routes: answered, rated, posted, told, and the same after a restart.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{World, id, version};

/// A world whose provider has all sources that begin with `cloud://`. It is noon of 1 October 2026, UTC.
async fn with_cloud() -> World {
    let world = World::inhabited().await;
    let path = format!("/v1/providers/{}/sources", id(20));
    let said =
        world.ask("operator", Method::POST, &path, &json!({"source": "cloud://", "prefix": true})).await;
    assert!(said.status.is_success(), "{}", said.body);
    world
}

/// A VM's state event of project `acme`.
fn vm(event: &str, time: &str, state: &str, vcpu: u32) -> String {
    event_of(
        "cloud://msk-1",
        "acme",
        (event, time),
        &json!({"kind": "vm", "state": state, "attributes": {"vcpu": vcpu}}),
    )
}

fn event_of(source: &str, project: &str, (event, time): (&str, &str), data: &Value) -> String {
    let kind = if data.get("state").is_some() { "state" } else { "usage" };
    json!({"specversion": "1.0", "type": format!("kopeck.{kind}.v1"), "source": source, "id": event, "subject": "one",
        "time": format!("2026-10-01T{time}Z"), "project": project, "data": data})
    .to_string()
}

async fn until(world: &World, time: &str) {
    let said = world
        .ask("operator", Method::POST, "/v1/clock", &json!({"now": format!("2026-10-01T{time}Z")}))
        .await;
    assert_eq!(said.status, 200, "{}", said.body);
}

async fn spend(world: &World) -> [String; 3] {
    let said = world.get("payer", "/v1/projects/acme/spend").await;
    assert_eq!(said.status, 200, "{}", said.body);
    ["total", "posted", "burn_rate_an_hour"].map(|field| said.body[field].as_str().unwrap().to_owned())
}

async fn balance(world: &World, number: u32) -> Value {
    let said = world.get("operator", &format!("/v1/accounts/{}", id(number))).await;
    json!([said.body["posted"], said.body["accrued"], said.body["available"]])
}

#[tokio::test]
async fn each_event_is_answered_by_itself_and_a_repeated_one_changes_nothing() {
    let world = with_cloud().await;
    let lines = [
        vm("1", "11:00:00", "RUNNING", 2),
        "{".to_owned(),
        vm("2", "12:30:00", "RUNNING", 2),
        event_of(
            "cloud://msk-1",
            "nobodys",
            ("3", "11:00:00"),
            &json!({"kind": "vm", "state": "X", "attributes": {}}),
        ),
        event_of(
            "strange://",
            "acme",
            ("4", "11:00:00"),
            &json!({"kind": "vm", "state": "X", "attributes": {}}),
        ),
    ];
    let said = world.events("ingest", &lines).await;
    assert_eq!((said.status.as_u16(), &said.body["accepted"]), (200, &json!(1)), "{}", said.body);
    let refused = said.body["refused"].as_array().unwrap();
    let told: Vec<_> = refused.iter().map(|one| json!([one["index"], one["id"], one["reason"]])).collect();
    assert_eq!(told[0][0], 1);
    assert_eq!(
        told[1],
        json!([2, "2", "its time is more than 15 minutes ahead of the server's clock, 2026-10-01T12:00:00Z"])
    );
    assert_eq!(told[2], json!([3, "3", "there is no project \"nobodys\": create it first"]));
    assert_eq!(told[3][0], 4);
    let again = world.events("ingest", &[lines[0].clone(), vm("1", "11:00:00", "RUNNING", 3)]).await;
    assert_eq!((&again.body["accepted"], &again.body["duplicates"]), (&json!(0), &json!(1)));
    assert_eq!(again.body["refused"][0]["index"], 1);
}

#[tokio::test]
async fn what_runs_is_rated_by_the_second_and_posted_by_the_hour() {
    let world = with_cloud().await;
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    until(&world, "12:30:00").await;
    // Two vCPUs at 10 an hour for half an hour.
    assert_eq!(spend(&world).await, ["10.000000", "10.000000", "20.000000"]);
    until(&world, "13:59:59").await;
    assert_eq!(spend(&world).await[0], "39.994444");
    world.events("ingest", &[vm("2", "13:30:00", "DELETED", 2)]).await;
    until(&world, "14:00:00").await;
    assert_eq!(spend(&world).await, ["30.000000", "30.000000", "0.000000"]);
    assert_eq!(balance(&world, 11).await, json!(["-30.000000", "0.000000", "-30.000000"]));
}

#[tokio::test]
async fn a_late_event_is_posted_as_a_difference_and_a_restart_changes_nothing() {
    let world = with_cloud().await;
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    until(&world, "15:00:00").await;
    assert_eq!(balance(&world, 11).await[0], "-60.000000");
    world.events("ingest", &[vm("2", "13:00:00", "DELETED", 2)]).await;
    until(&world, "15:00:01").await;
    let before = (spend(&world).await, balance(&world, 11).await);
    assert_eq!(before.0[..2], ["20.000000", "20.000000"]);
    let world = world.restarted();
    until(&world, "15:00:01").await;
    assert_eq!((spend(&world).await, balance(&world, 11).await), before);
}

#[tokio::test]
async fn a_job_is_paid_to_its_executor_less_the_commission() {
    let world = with_cloud().await;
    let shown = world.get("operator", &format!("/v1/executors/{}", id(30))).await.body;
    let job = json!({"kind": "job", "attributes": {"cores": 0, "gpus": 0, "ram_mb": 0, "duration_s": 1000}});
    let source = shown["source"].as_str().unwrap();
    until(&world, "13:00:00").await;
    world.events("operator", &[event_of(source, "acme", ("j", "12:30:00"), &job)]).await;
    until(&world, "13:00:01").await;
    // 0.5 + 1000 × 0.0002, of which 0.7 − 0.7 / 1.25 is the platform's.
    assert_eq!(balance(&world, 11).await[0], "-0.700000");
    assert_eq!(balance(&world, 30).await[0], "0.560000");
}

#[tokio::test]
async fn a_storage_is_paid_at_its_clean_up_by_what_was_measured_and_once_a_day() {
    let world = with_cloud().await;
    let shown = world.get("operator", &format!("/v1/storages/{}", id(31))).await.body;
    let volume = json!({"kind": "s3", "attributes": {"mb": "1000"}});
    let source = shown["source"].as_str().unwrap();
    world.events("operator", &[event_of(source, "acme", ("v", "11:00:00"), &volume)]).await;
    let path = format!("/v1/storages/{}/clean-ups", id(31));
    let first = world.ask("payer", Method::POST, &path, &json!({})).await.body;
    assert_eq!(first["charges"][0]["project"], "acme", "{first}");
    let paid = balance(&world, 31).await[0].clone();
    assert_ne!(paid, "0.000000");
    let second = world.ask("payer", Method::POST, &path, &json!({})).await.body;
    assert!(second["charges"][0]["refused"].is_string(), "{second}");
    assert_eq!(balance(&world, 31).await[0], paid);
}

#[tokio::test]
async fn a_clean_up_charges_what_was_measured_up_to_its_instant_and_not_what_came_after() {
    let world = with_cloud().await;
    let shown = world.get("operator", &format!("/v1/storages/{}", id(31))).await.body;
    let source = shown["source"].as_str().unwrap();
    let event = |event: &str, day: u32, time: &str, mb: &str| {
        let data = json!({"kind": "s3", "attributes": {"mb": mb}});
        event_of(source, "acme", (event, time), &data).replace("2026-10-01T", &format!("2026-10-{day:02}T"))
    };
    until(&world, "23:58:00").await;
    // At three in the morning in Moscow, which is midnight UTC, the storage is cleaned up.
    let early = [event("v", 1, "23:00:00", "1000"), event("w", 2, "00:05:00", "9000")];
    assert_eq!(world.events("operator", &early).await.body["accepted"], 2);
    until(&world, "23:59:59").await;
    assert_eq!(balance(&world, 31).await[0], "0.000000");
    let now = json!({"now": "2026-10-02T01:00:00Z"});
    assert_eq!(world.ask("operator", Method::POST, "/v1/clock", &now).await.status, 200);
    let thousand = balance(&world, 31).await[0].clone();
    let now = json!({"now": "2026-10-03T01:00:00Z"});
    assert_eq!(world.ask("operator", Method::POST, "/v1/clock", &now).await.status, 200);
    let both = balance(&world, 31).await[0].clone();
    let micros = |amount: &Value| amount.as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
    assert!(micros(&thousand) > 0);
    assert_eq!(micros(&both), 10 * micros(&thousand));
    // A start does not look for clean-ups again that were performed.
    let world = world.restarted();
    assert_eq!(balance(&world, 31).await[0], both);
}

#[tokio::test]
async fn a_charge_opens_to_its_events_and_a_stranger_sees_none_of_it() {
    let world = with_cloud().await;
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    until(&world, "13:00:00").await;
    let charges = world.get("developer", "/v1/projects/acme/charges").await.body;
    let charge = &charges["items"][0];
    assert_eq!((&charge["amount"], &charge["resource"]), (&json!("20.000000"), &json!("one")));
    let path = format!("/v1/projects/acme/charges/{}/explain", charge["key"].as_str().unwrap());
    let explained = world.get("viewer", &path).await.body;
    assert_eq!(explained["explanation"]["intervals"][0]["began"]["id"], "1", "{explained}");
    for path in [path.as_str(), "/v1/projects/acme/charges", "/v1/projects/acme/spend"] {
        let strange = world.get("stranger", path).await;
        assert_eq!(strange.status, 404, "{path}");
        let gone = world.get("stranger", &path.replace("acme", "nothing")).await;
        assert_eq!(strange.body.to_string().replace("acme", "nothing"), gone.body.to_string());
    }
}

#[tokio::test]
async fn money_that_has_accrued_can_not_leave_the_workspace() {
    let world = with_cloud().await;
    let deposit =
        json!({"type": "deposit", "id": id(900), "account": id(1), "amount": "100", "currency": "RUB"});
    let there = json!({"type": "transfer", "id": id(901), "from": id(1), "to": id(11), "amount": "100", "currency": "RUB"});
    for new in [deposit, there] {
        let said = world.ask("operator", Method::POST, "/v1/transactions", &new).await;
        assert_eq!(said.status, 201, "{}", said.body);
    }
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    until(&world, "12:00:01").await;
    world
        .app
        .clock
        .advance("2026-10-01T12:30:00Z".parse::<jiff::Timestamp>().unwrap().try_into().unwrap())
        .unwrap();
    // 20 an hour, and only the first second is posted.
    assert_eq!(balance(&world, 11).await, json!(["99.994444", "9.994444", "90.000000"]));
    let back = |number, amount: &str| json!({"type": "transfer", "id": id(number), "from": id(11), "to": id(1), "amount": amount, "currency": "RUB"});
    let said = world.ask("payer", Method::POST, "/v1/transactions", &back(902, "90.000001")).await;
    assert_eq!(
        (said.status.as_u16(), &said.body["type"]),
        (409, &json!("urn:kopeck:problem:insufficient-funds"))
    );
    let said = world.ask("payer", Method::POST, "/v1/transactions", &back(903, "90")).await;
    assert_eq!(said.status, 201, "{}", said.body);
    let said = world.ask("stranger", Method::POST, "/v1/transactions", &back(904, "1")).await;
    assert_eq!(said.status, 404, "{}", said.body);
}

#[tokio::test]
async fn sources_and_what_nobody_prices_are_reported() {
    let world = with_cloud().await;
    let disk = json!({"kind": "disk", "state": "IN-USE", "attributes": {"gb": 1}});
    world.events("ingest", &[event_of("cloud://msk-1", "acme", ("d", "11:59:00"), &disk)]).await;
    until(&world, "13:00:00").await;
    let unpriced = world.get("operator", "/v1/unpriced").await.body;
    assert_eq!(
        (&unpriced["notices"][0]["what"], &unpriced["notices"][0]["kind"]),
        (&json!("unpriced"), &json!("disk"))
    );
    let sources = world.get("accountant", "/v1/sources").await.body;
    let one = &sources["items"][0];
    assert_eq!(json!([one["source"], one["delay_s"], one["silent"]]), json!(["cloud://msk-1", 60, true]));
    assert_eq!(world.get("payer", "/v1/sources").await.status, 403);
}

#[tokio::test]
async fn what_runs_when_a_contract_begins_runs_on_at_its_prices_and_so_after_a_restart() {
    let world = with_cloud().await;
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    until(&world, "12:10:00").await;
    let text = "[book]\nid = \"own\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n".to_owned();
    let made = world.toml("operator", "/v1/price-books", &(text + &version("2026-01-01", "5"))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/v1/projects/acme/contracts/{}", id(20));
    // Lower prices need no notice. In Moscow the day begins at nine in the evening, UTC.
    let said =
        world.ask("operator", Method::PUT, &path, &json!({"price_book": "own", "from": "2026-10-02"})).await;
    assert_eq!(said.status, 200, "{}", said.body);
    until(&world, "22:00:00").await;
    // Nine hours at 20, and one at 10.
    assert_eq!(spend(&world).await, ["190.000000", "190.000000", "10.000000"]);
    let world = world.restarted();
    until(&world, "22:00:00").await;
    world.events("ingest", &[vm("2", "22:00:00", "RUNNING", 4), vm("3", "12:30:00", "RUNNING", 1)]).await;
    until(&world, "23:00:00").await;
    // Half an hour at 20, eight and a half at 10; then an hour at 5 and one at 20.
    assert_eq!(spend(&world).await, ["120.000000", "120.000000", "20.000000"]);
    assert_eq!(balance(&world, 11).await[0], "-120.000000");
}

#[tokio::test]
async fn a_dry_run_tells_the_effect_on_last_month_of_those_projects_that_the_book_priced() {
    let world = with_cloud().await;
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    let text = "[book]\nid = \"own\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n".to_owned();
    let made = world.toml("operator", "/v1/price-books", &(text + &version("2026-01-01", "5"))).await;
    assert_eq!((made.status.as_u16(), &made.body["effect"]), (201, &Value::Null), "{}", made.body);
    let now = json!({"now": "2026-11-02T12:00:00Z"});
    assert_eq!(world.ask("operator", Method::POST, "/v1/clock", &now).await.status, 200);
    let effect = async |book: &str| {
        let path = format!("/v1/price-books/{book}/versions?dry_run=true");
        let said = world.toml("operator", &path, &version("2027-01-01", "20")).await;
        assert_eq!(said.status, 200, "{}", said.body);
        said.body["effect"].clone()
    };
    // Two vCPUs from noon to the end of October in Moscow: 729 hours.
    let list = effect("list").await;
    let one = &list["projects"][0];
    assert_eq!(
        json!([
            list["from"],
            list["to"],
            one["project"],
            one["old"],
            one["new"],
            list["total"]["difference"]
        ]),
        json!(["2026-10-01", "2026-11-01", "acme", "14580.000000", "29160.000000", "14580.000000"])
    );
    let own = effect("own").await;
    assert_eq!((&own["projects"], &own["total"]["new"]), (&json!([]), &json!("0.000000")));
}

#[tokio::test]
async fn what_was_posted_for_a_week_is_given_back_when_it_should_not_have_been() {
    let world = with_cloud().await;
    world.events("ingest", &[vm("1", "12:00:00", "RUNNING", 2)]).await;
    let until = async |day: u32| {
        let now = json!({"now": format!("2026-10-{day:02}T12:00:00Z")});
        assert_eq!(world.ask("operator", Method::POST, "/v1/clock", &now).await.status, 200);
    };
    until(8).await;
    // A week of hours, each posted by itself, at 20.
    assert_eq!(balance(&world, 11).await[0], "-3360.000000");
    world.events("ingest", &[vm("2", "13:00:00", "DELETED", 2)]).await;
    until(9).await;
    assert_eq!(balance(&world, 11).await, json!(["-20.000000", "0.000000", "-20.000000"]));
}
