//! Every route by every role, with ids of one's own and of others.

use std::fmt::Write;

use axum::http::Method;
use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{NOTHING, World, executor, id, storage, version};

/// Who asks, in the order of the table's columns.
const WHO: [&str; 9] = [
    "operator",
    "accountant",
    "payer",
    "developer",
    "viewer",
    "stranger",
    "project token",
    "ingest",
    "nobody",
];

/// A route with the id of something that user 1 or project `acme` has, and what is sent to it. A body that is a text
/// is TOML.
struct Route {
    method: Method,
    path: &'static str,
    id: String,
    body: Value,
}

fn route(method: Method, path: &'static str, id: impl Into<String>, body: Value) -> Route {
    Route { method, path, id: id.into(), body }
}

fn people() -> Vec<Route> {
    let plan = || {
        json!({"name": "p", "coefficient": "1", "storages": true, "executors": true, "projects": null,
            "members": null, "jobs_at_once": null, "stored_bytes": null})
    };
    let none = || Value::Null;
    vec![
        route(Method::POST, "/v1/users", "", json!({"name": "new"})),
        route(Method::GET, "/v1/users", "", none()),
        route(Method::GET, "/v1/users/{}", id(1), none()),
        route(Method::PATCH, "/v1/users/{}", id(1), json!({"name": "renamed"})),
        route(
            Method::POST,
            "/v1/workspaces",
            "",
            json!({"owner": id(1), "name": "w", "time_zone": "Europe/Moscow"}),
        ),
        route(Method::GET, "/v1/workspaces", "", none()),
        route(Method::GET, "/v1/workspaces/{}", id(11), none()),
        route(Method::PATCH, "/v1/workspaces/{}", id(11), json!({"name": "renamed"})),
        route(Method::POST, "/v1/projects", "", json!({"workspace": id(11)})),
        route(Method::GET, "/v1/projects", "", none()),
        route(Method::GET, "/v1/projects/{}", "acme", none()),
        route(Method::PATCH, "/v1/projects/{}", "acme", json!({"name": "renamed"})),
        route(Method::GET, "/v1/projects/{}/members", "acme", none()),
        route(
            Method::PUT,
            "/v1/projects/{}/members/00000000-0000-7000-8000-000000000003",
            "acme",
            json!({"roles": ["viewer"]}),
        ),
        route(Method::POST, "/v1/plans", "", plan()),
        route(Method::GET, "/v1/plans", "", none()),
        route(Method::GET, "/v1/plans/{}", id(5), none()),
        route(Method::PUT, "/v1/plans/{}", id(5), plan()),
        route(
            Method::POST,
            "/v1/tokens",
            "",
            json!({"name": "t", "scope": {"project": {"project": "acme", "role": "viewer"}}}),
        ),
        route(Method::GET, "/v1/tokens", "", none()),
        route(Method::GET, "/v1/tokens/{}", id(70), none()),
        route(Method::GET, "/v1/audit", "", none()),
        route(Method::GET, "/v1/audit?project={}", "acme", none()),
    ]
}

fn market() -> Vec<Route> {
    let prices = executor(0, 0)["prices"].clone();
    let source = json!({"source": "cloud://", "prefix": true});
    let without_id = |mut body: Value| {
        body.as_object_mut().unwrap().remove("id");
        body
    };
    let provider = json!({"name": "cloud", "price_book": "list", "delay_s": 60, "heartbeat_s": 300});
    let none = || Value::Null;
    vec![
        route(Method::POST, "/v1/providers", "", provider.clone()),
        route(Method::GET, "/v1/providers", "", none()),
        route(Method::GET, "/v1/providers/{}", id(20), none()),
        route(Method::PUT, "/v1/providers/{}", id(20), provider),
        route(Method::GET, "/v1/providers/{}/sources", id(20), none()),
        route(Method::POST, "/v1/providers/{}/sources", id(20), source),
        route(
            Method::POST,
            "/v1/price-books?dry_run=true",
            "",
            json!(
                "[book]\nid = \"x\"\ncurrency = \"RUB\"\ntimezone = \"UTC\"\n".to_owned()
                    + &version("2026-01-01", "1")
            ),
        ),
        route(Method::GET, "/v1/price-books", "", none()),
        route(Method::GET, "/v1/price-books/{}/versions", "list", none()),
        route(
            Method::POST,
            "/v1/price-books/{}/versions?dry_run=true",
            "list",
            json!(version("2026-12-01", "11")),
        ),
        route(Method::GET, "/v1/projects/{}/contracts", "acme", none()),
        route(
            Method::PUT,
            "/v1/projects/{}/contracts/00000000-0000-7000-8000-000000000020",
            "acme",
            json!({"price_book": null, "from": "2026-12-01"}),
        ),
        route(Method::POST, "/v1/executors", "", without_id(executor(0, 1))),
        route(Method::GET, "/v1/executors", "", none()),
        route(Method::GET, "/v1/executors/{}", id(30), none()),
        route(Method::PATCH, "/v1/executors/{}", id(30), json!({"state": "active"})),
        route(Method::POST, "/v1/executors/{}/prices", id(30), json!({"prices": prices})),
        route(Method::POST, "/v1/storages", "", without_id(storage(0, 1))),
        route(Method::GET, "/v1/storages", "", none()),
        route(Method::GET, "/v1/storages/{}", id(31), none()),
        route(Method::PATCH, "/v1/storages/{}", id(31), json!({"clean_up": "04:00:00"})),
        route(Method::POST, "/v1/storages/{}/prices", id(31), json!({"price": "0.00001"})),
        route(Method::POST, "/v1/storages/{}/clean-ups", id(31), json!({"volumes": []})),
    ]
}

fn keys() -> Vec<Route> {
    let none = || Value::Null;
    vec![
        route(Method::POST, "/v1/apis", "", json!({"project": "acme", "name": "a", "price": "1"})),
        route(Method::GET, "/v1/apis", "", none()),
        route(Method::GET, "/v1/apis/{}", id(40), none()),
        route(Method::PATCH, "/v1/apis/{}", id(40), json!({"open": true})),
        route(Method::POST, "/v1/apis/{}/prices", id(40), json!({"price": "0.05"})),
        route(Method::POST, "/v1/api-keys", "", json!({"api": id(40), "purpose": "other"})),
        route(Method::GET, "/v1/api-keys", "", none()),
        route(Method::GET, "/v1/api-keys/{}", id(50), none()),
        route(Method::GET, "/v1/api-keys/{}/statistics", id(50), none()),
        route(Method::POST, "/v1/api-keys/{}/secret", id(50), none()),
        route(Method::POST, "/v1/api-keys/{}/refuse", id(50), none()),
        route(Method::POST, "/v1/api-keys/{}/approve", id(50), none()),
        route(Method::POST, "/v1/api-keys/{}/revoke", id(50), none()),
        route(
            Method::POST,
            "/v1/roles",
            "",
            json!({"project": "acme", "name": "r", "permissions": ["read"], "entry": "given"}),
        ),
        route(Method::GET, "/v1/roles", "", none()),
        route(Method::GET, "/v1/roles/{}", id(60), none()),
        route(Method::PATCH, "/v1/roles/{}", id(60), json!({"name": "renamed"})),
        route(Method::POST, "/v1/role-requests", "", json!({"role": id(60)})),
        route(Method::GET, "/v1/role-requests", "", none()),
        route(Method::GET, "/v1/role-requests/{}", id(61), none()),
        route(Method::POST, "/v1/role-requests/{}/refuse", id(61), none()),
        route(Method::POST, "/v1/role-requests/{}/approve", id(61), none()),
        route(Method::POST, "/v1/role-requests/{}/revoke", id(61), none()),
        route(Method::POST, "/v1/tokens/{}/revoke", id(70), none()),
    ]
}

fn guard() -> Vec<Route> {
    let none = || Value::Null;
    let cap = |amount: &str| json!({"limit": "cap:month", "amount": amount, "currency": "RUB"});
    let rules = || json!({"order": "oldest_first", "protected": [{"source": "cloud://", "resource": "db"}]});
    vec![
        route(Method::POST, "/v1/projects/{}/limits", "acme", cap("1000")),
        route(Method::GET, "/v1/projects/{}/limits", "acme", none()),
        route(Method::DELETE, "/v1/projects/{}/limits/cap:month", "acme", none()),
        route(Method::POST, "/v1/workspaces/{}/limits", id(11), cap("1000")),
        route(Method::GET, "/v1/workspaces/{}/limits", id(11), none()),
        route(Method::DELETE, "/v1/workspaces/{}/limits/cap:month", id(11), none()),
        route(Method::PUT, "/v1/projects/{}/stop-rules", "acme", rules()),
        route(Method::GET, "/v1/projects/{}/stop-rules", "acme", none()),
        route(Method::GET, "/v1/projects/{}/stops", "acme", none()),
        route(Method::GET, "/v1/projects/{}/notices", "acme", none()),
        route(Method::GET, "/v1/workspaces/{}/notices", id(11), none()),
    ]
}

async fn ask(world: &World, who: &str, route: &Route, id: &str) -> crate::world::Said {
    let path = route.path.replace("{}", id);
    match &route.body {
        Value::String(text) => world.toml(who, &path, text).await,
        body => world.ask(who, route.method.clone(), &path, body).await,
    }
}

/// The statuses that each asker gets, a line for each route. Whoever may do least asks first.
async fn table(routes: &[Route]) -> String {
    let world = World::inhabited().await;
    let mut table = String::new();
    for route in routes {
        let mut statuses = Vec::new();
        for who in WHO.iter().rev() {
            statuses.push(ask(&world, who, route, &route.id).await.status.as_u16().to_string());
        }
        statuses.reverse();
        let method = route.method.as_str();
        writeln!(table, "{method:<6} {:<70} {}", route.path, statuses.join(" ")).unwrap();
    }
    table
}

#[tokio::test]
async fn people_by_every_role() {
    expect![[r#"
        POST   /v1/users                                                              201 403 403 403 403 403 403 403 401
        GET    /v1/users                                                              200 200 200 200 200 200 200 200 401
        GET    /v1/users/{}                                                           200 200 200 404 404 404 404 404 401
        PATCH  /v1/users/{}                                                           200 403 200 404 404 404 404 404 401
        POST   /v1/workspaces                                                         201 403 201 404 404 404 404 404 401
        GET    /v1/workspaces                                                         200 200 200 200 200 200 200 200 401
        GET    /v1/workspaces/{}                                                      200 200 200 404 404 404 404 404 401
        PATCH  /v1/workspaces/{}                                                      200 403 200 404 404 404 404 404 401
        POST   /v1/projects                                                           201 403 201 404 404 404 404 404 401
        GET    /v1/projects                                                           200 200 200 200 200 200 200 200 401
        GET    /v1/projects/{}                                                        200 200 200 200 200 404 200 404 401
        PATCH  /v1/projects/{}                                                        200 403 200 403 403 404 403 404 401
        GET    /v1/projects/{}/members                                                200 200 200 200 200 404 200 404 401
        PUT    /v1/projects/{}/members/00000000-0000-7000-8000-000000000003           200 403 200 403 403 404 403 404 401
        POST   /v1/plans                                                              201 403 403 403 403 403 403 403 401
        GET    /v1/plans                                                              200 200 200 200 200 200 200 200 401
        GET    /v1/plans/{}                                                           200 200 200 200 200 200 200 404 401
        PUT    /v1/plans/{}                                                           200 403 403 403 403 403 403 403 401
        POST   /v1/tokens                                                             201 403 201 403 201 404 403 404 401
        GET    /v1/tokens                                                             200 200 200 200 200 200 200 200 401
        GET    /v1/tokens/{}                                                          200 200 200 200 404 404 404 404 401
        GET    /v1/audit                                                              200 200 403 403 403 403 403 403 401
        GET    /v1/audit?project={}                                                   200 200 200 403 403 404 403 404 401
    "#]].assert_eq(&table(&people()).await);
}

#[tokio::test]
async fn market_by_every_role() {
    expect![[r#"
        POST   /v1/providers                                                          201 403 403 403 403 403 403 403 401
        GET    /v1/providers                                                          200 200 200 200 200 200 200 200 401
        GET    /v1/providers/{}                                                       200 200 200 200 200 200 200 404 401
        PUT    /v1/providers/{}                                                       200 403 403 403 403 403 403 403 401
        GET    /v1/providers/{}/sources                                               200 200 403 403 403 403 403 404 401
        POST   /v1/providers/{}/sources                                               200 403 403 403 403 403 403 403 401
        POST   /v1/price-books?dry_run=true                                           200 403 403 403 403 403 403 403 401
        GET    /v1/price-books                                                        200 200 200 200 200 200 200 200 401
        GET    /v1/price-books/{}/versions                                            200 200 200 200 200 200 200 404 401
        POST   /v1/price-books/{}/versions?dry_run=true                               200 403 403 403 403 403 403 404 401
        GET    /v1/projects/{}/contracts                                              200 200 200 200 200 404 200 404 401
        PUT    /v1/projects/{}/contracts/00000000-0000-7000-8000-000000000020         200 403 403 403 403 404 403 404 401
        POST   /v1/executors                                                          201 403 201 404 404 404 404 404 401
        GET    /v1/executors                                                          200 200 200 200 200 200 200 200 401
        GET    /v1/executors/{}                                                       200 200 200 404 404 404 404 404 401
        PATCH  /v1/executors/{}                                                       200 403 200 404 404 404 404 404 401
        POST   /v1/executors/{}/prices                                                200 403 200 404 404 404 404 404 401
        POST   /v1/storages                                                           201 403 201 404 404 404 404 404 401
        GET    /v1/storages                                                           200 200 200 200 200 200 200 200 401
        GET    /v1/storages/{}                                                        200 200 200 404 404 404 404 404 401
        PATCH  /v1/storages/{}                                                        200 403 200 404 404 404 404 404 401
        POST   /v1/storages/{}/prices                                                 200 403 200 404 404 404 404 404 401
        POST   /v1/storages/{}/clean-ups                                              200 403 200 404 404 404 404 404 401
    "#]].assert_eq(&table(&market()).await);
}

#[tokio::test]
async fn keys_and_roles_by_every_role() {
    expect![[r#"
        POST   /v1/apis                                                               201 403 201 201 403 404 403 404 401
        GET    /v1/apis                                                               200 200 200 200 200 200 200 200 401
        GET    /v1/apis/{}                                                            200 200 200 200 200 404 200 404 401
        PATCH  /v1/apis/{}                                                            200 403 200 200 403 404 403 404 401
        POST   /v1/apis/{}/prices                                                     200 403 200 200 403 404 403 404 401
        POST   /v1/api-keys                                                           422 422 201 201 201 201 422 422 401
        GET    /v1/api-keys                                                           200 200 200 200 200 200 200 200 401
        GET    /v1/api-keys/{}                                                        200 200 200 200 200 404 200 404 401
        GET    /v1/api-keys/{}/statistics                                             200 200 200 200 200 404 200 404 401
        POST   /v1/api-keys/{}/secret                                                 403 403 403 403 409 404 403 404 401
        POST   /v1/api-keys/{}/refuse                                                 409 403 409 200 403 404 403 404 401
        POST   /v1/api-keys/{}/approve                                                409 403 409 409 403 404 403 404 401
        POST   /v1/api-keys/{}/revoke                                                 409 403 409 409 409 404 403 404 401
        POST   /v1/roles                                                              201 403 201 403 403 404 403 404 401
        GET    /v1/roles                                                              200 200 200 200 200 200 200 200 401
        GET    /v1/roles/{}                                                           200 200 200 200 200 404 200 404 401
        PATCH  /v1/roles/{}                                                           200 403 200 403 403 404 403 404 401
        POST   /v1/role-requests                                                      422 422 201 201 409 201 422 422 401
        GET    /v1/role-requests                                                      200 200 200 200 200 200 200 200 401
        GET    /v1/role-requests/{}                                                   200 200 200 200 200 404 200 404 401
        POST   /v1/role-requests/{}/refuse                                            409 403 200 403 403 404 403 404 401
        POST   /v1/role-requests/{}/approve                                           409 403 409 403 403 404 403 404 401
        POST   /v1/role-requests/{}/revoke                                            409 403 409 403 409 404 403 404 401
        POST   /v1/tokens/{}/revoke                                                   409 403 409 200 404 404 404 404 401
    "#]].assert_eq(&table(&keys()).await);
}

#[tokio::test]
async fn limits_by_every_role() {
    expect![[r#"
        POST   /v1/projects/{}/limits                                                 200 403 200 403 403 404 403 404 401
        GET    /v1/projects/{}/limits                                                 200 200 200 200 200 404 200 404 401
        DELETE /v1/projects/{}/limits/cap:month                                       204 403 204 403 403 404 403 404 401
        POST   /v1/workspaces/{}/limits                                               200 403 200 404 404 404 404 404 401
        GET    /v1/workspaces/{}/limits                                               200 200 200 404 404 404 404 404 401
        DELETE /v1/workspaces/{}/limits/cap:month                                     204 403 204 404 404 404 404 404 401
        PUT    /v1/projects/{}/stop-rules                                             200 403 403 200 403 404 403 404 401
        GET    /v1/projects/{}/stop-rules                                             200 200 200 200 200 404 200 404 401
        GET    /v1/projects/{}/stops                                                  200 200 200 200 200 404 200 404 401
        GET    /v1/projects/{}/notices                                                200 200 200 200 200 404 200 404 401
        GET    /v1/workspaces/{}/notices                                              200 200 200 404 404 404 404 404 401
    "#]].assert_eq(&table(&guard()).await);
}

#[tokio::test]
async fn another_tenants_ids_are_answered_as_ids_that_do_not_exist() {
    let world = World::inhabited().await;
    let mut hidden = 0;
    for route in
        people().into_iter().chain(market()).chain(keys()).chain(guard()).filter(|route| !route.id.is_empty())
    {
        for who in ["stranger", "ingest"] {
            let theirs = ask(&world, who, &route, &route.id).await;
            let nothing = if route.id.len() == NOTHING.len() { NOTHING } else { "nothing" };
            let absent = ask(&world, who, &route, nothing).await;
            let place = format!("{who}: {} {}", route.method, route.path);
            if theirs.status == 404 || absent.status != 404 {
                let told = theirs.body.to_string().replace(&route.id, nothing);
                assert_eq!((theirs.status, told), (absent.status, absent.body.to_string()), "{place}");
                hidden += 1;
            } else {
                // What everybody sees: plans, providers and list prices.
                let open = [
                    "/v1/plans/{}",
                    "/v1/providers/{}",
                    "/v1/providers/{}/sources",
                    "/v1/price-books/{}/versions",
                ];
                assert!(open.contains(&route.path.split('?').next().unwrap()), "{place}: {}", theirs.status);
            }
        }
    }
    assert!(hidden > 50, "{hidden}");
}

#[tokio::test]
async fn lists_show_nothing_of_others() {
    let world = World::inhabited().await;
    for route in people().into_iter().chain(market()).chain(keys()) {
        if route.method != Method::GET || route.path.contains('{') || route.path == "/v1/audit" {
            continue;
        }
        let listed = world.get("stranger", route.path).await.body.to_string();
        for foreign in [id(1), id(2), id(3), id(11), id(30), id(31), id(40), id(50), id(60), id(61), id(70)] {
            assert!(!listed.contains(&foreign), "{}: {listed}", route.path);
        }
        assert!(!listed.contains("acme"), "{}: {listed}", route.path);
    }
}
