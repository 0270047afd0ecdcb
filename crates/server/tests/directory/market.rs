//! The marketplace through its routes: accounts, secrets, prices, pages, the audit log.

use axum::http::Method;
use expect_test::expect;
use kopeck_ledger::name::AccountId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, aside, id, version};

fn account(world: &World, number: u32) -> Option<String> {
    let account = world.app.ledger.account(AccountId(Uuid::parse_str(&id(number)).unwrap()))?;
    Some(format!("{} {}", account.opening.kind, account.coefficient))
}

#[tokio::test]
async fn whatever_earns_or_pays_has_its_account_with_the_plans_coefficient() {
    let world = World::inhabited().await;
    let told: Vec<String> =
        [1, 11, 30, 31].into_iter().filter_map(|number| account(&world, number)).collect();
    assert_eq!(told, ["user 1", "workspace 1.25", "executor 1.25", "storage 1.25"]);
}

#[tokio::test]
async fn another_coefficient_of_the_plan_is_told_to_the_ledger() {
    let world = World::inhabited().await;
    let plan = json!({"name": "p", "coefficient": "1.5", "storages": true, "executors": true, "projects": null,
        "members": null, "jobs_at_once": null, "stored_bytes": null});
    let said = world.ask("operator", Method::PUT, &format!("/v1/plans/{}", id(5)), &plan).await;
    assert_eq!(said.status, 200);
    assert_eq!(account(&world, 30).unwrap(), "executor 1.5");
}

#[tokio::test]
async fn an_account_that_a_crash_has_left_out_is_opened_at_the_next_start() {
    use kopeck_directory::access::{Actor, Principal};
    use kopeck_directory::act::{Act, NewUser};
    let world = World::empty();
    let new = NewUser {
        id: id(9).parse().unwrap(),
        name: kopeck_ledger::name::Text::new("user").unwrap(),
        currency: kopeck_ledger::name::Currency::RUB,
        plan: None,
        roles: std::collections::BTreeSet::new(),
    };
    let by = Actor {
        principal: Principal::System,
        name: kopeck_ledger::name::Text::new("system").unwrap(),
        address: None,
    };
    // Only the directory has it: as after a crash between the two.
    world.app.directory.perform(Act::CreateUser(new), &by).unwrap().unwrap();
    assert_eq!(account(&world, 9), None);
    let world = world.restarted();
    assert_eq!(account(&world, 9).unwrap(), "user 1");
    let records = world.app.ledger.head().unwrap().sequence;
    aside(|| kopeck_server::app::reconcile::reconcile(&world.app)).unwrap();
    assert_eq!(world.app.ledger.head().unwrap().sequence, records, "nothing is asked for twice");
}

#[tokio::test]
async fn a_keys_secret_is_shown_to_its_user_once() {
    let world = World::inhabited().await;
    let path = |what: &str| format!("/v1/api-keys/{}/{what}", id(50));
    let post = async |who: &str, what: &str| world.ask(who, Method::POST, &path(what), &Value::Null).await;
    assert_eq!(post("developer", "approve").await.status, 200);
    assert_eq!(post("developer", "secret").await.status, 403);
    let secret = post("viewer", "secret").await;
    assert!(secret.body["secret"].as_str().unwrap().starts_with("kpk_"), "{}", secret.body);
    assert_eq!(post("viewer", "secret").await.status, 409);
    let audit = world.get("operator", "/v1/audit").await.body.to_string();
    assert!(!audit.contains("\"secret\":"), "{audit}");
}

#[tokio::test]
async fn a_dry_run_tells_the_difference_and_changes_nothing() {
    let world = World::inhabited().await;
    let path = "/v1/price-books/list/versions";
    let tried = world.toml("operator", &format!("{path}?dry_run=true"), &version("2026-12-01", "11")).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    expect![[
        r#"[{"after":["11"],"before":["10"],"change":"raised","component":"vm.vcpu","version":"2026-12-01"}]"#
    ]]
    .assert_eq(&tried.body["changes"].to_string());
    let versions = world.get("operator", path).await.body["versions"].as_array().unwrap().len();
    assert_eq!(versions, 1);
    assert_eq!(world.toml("operator", path, &version("2026-12-01", "11")).await.status, 201);
    let early = world.toml("operator", path, &version("2026-10-20", "12")).await;
    expect![[r#"{"detail":"version 2026-10-20 has 19 days' notice and 30 are required: the earliest effective date is 2026-10-31","remedy":"announce it for the earliest date or later, or do not raise prices","status":422,"title":"The notice is too short","type":"urn:kopeck:problem:notice-too-short"}"#]]
        .assert_eq(&early.body.to_string());
}

#[tokio::test]
async fn lists_are_read_in_pages() {
    let world = World::inhabited().await;
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = world.get("operator", &format!("/v1/users?limit=3{cursor}")).await.body;
        seen.extend(page["items"].as_array().unwrap().iter().map(|user| user["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let all: Vec<String> = (1..=4).map(|number| format!("\"{}\"", id(number))).collect();
    assert_eq!(seen, all);
    for bad in ["limit=0", "limit=1001", "cursor=x"] {
        assert_eq!(world.get("operator", &format!("/v1/users?{bad}")).await.status, 422, "{bad}");
    }
}

#[tokio::test]
async fn a_clean_up_charges_each_project_once_a_day() {
    let world = World::inhabited().await;
    let path = format!("/v1/storages/{}/clean-ups", id(31));
    let volumes = json!({"volumes": [{"project": "acme", "megabytes": "1198.5"}]});
    let first = world.ask("payer", Method::POST, &path, &volumes).await;
    assert_eq!(first.body["charges"][0]["amount"], "0.113858", "{}", first.body);
    let again = world.ask("payer", Method::POST, &path, &volumes).await;
    assert_eq!(again.body["charges"][0]["transaction"], Value::Null);
    assert!(again.body["charges"][0]["refused"].as_str().unwrap().contains("nothing to charge"));
}

#[tokio::test]
async fn fields_that_are_not_known_are_refused_with_their_place() {
    let world = World::inhabited().await;
    let said = world.ask("operator", Method::POST, "/v1/users", &json!({"name": "x", "nick": "y"})).await;
    assert_eq!((said.status.as_u16(), said.body["field"].as_str()), (422, Some("nick")), "{}", said.body);
}

#[tokio::test]
async fn the_audit_log_names_who_and_what() {
    let world = World::inhabited().await;
    let name = json!({"name": "renamed"});
    world.ask("payer", Method::PATCH, &format!("/v1/workspaces/{}", id(11)), &name).await;
    let row = world.get("accountant", "/v1/audit?limit=1").await.body["items"][0].clone();
    assert_eq!(
        (row["actor"].as_str(), row["act"].as_str()),
        (Some(id(1).as_str()), Some("rename_workspace"))
    );
    assert_eq!(row["before"][0]["workspace"]["name"], "w");
    assert_eq!(row["after"][0]["workspace"]["name"], "renamed");
    let of_project = world.get("payer", "/v1/audit?project=acme").await;
    assert_eq!(of_project.status, 200);
    assert_eq!(world.get("developer", "/v1/audit?project=acme").await.status, 403);
}
