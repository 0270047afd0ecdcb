//! Every route with something of the tenant `acme`, and what is sent to it.

use serde_json::{Value, json};

use crate::access::id;

/// A route as the description names it. `{}` in its body, and the first name in braces of its path, is the thing;
/// other names in braces are `others`, in their order.
pub struct Route {
    pub method: &'static str,
    pub template: &'static str,
    pub thing: String,
    pub others: Vec<String>,
    /// A text is TOML.
    pub body: Value,
    pub query: &'static str,
}

impl Route {
    /// The path and body for another thing.
    pub fn of(&self, thing: &str) -> (String, Value) {
        let mut names = std::iter::once(thing).chain(self.others.iter().map(String::as_str));
        let parts = self.template.split('/').map(|part| {
            if part.starts_with('{') { names.next().unwrap().to_owned() } else { part.to_owned() }
        });
        let path: Vec<String> = parts.collect();
        let body = serde_json::from_str(&self.body.to_string().replace("{}", thing)).unwrap();
        (path.join("/") + self.query, body)
    }
}

fn route(method: &'static str, template: &'static str, thing: impl Into<String>, body: Value) -> Route {
    Route { method, template, thing: thing.into(), others: Vec::new(), body, query: "" }
}

fn get(template: &'static str, thing: impl Into<String>) -> Route {
    route("GET", template, thing, Value::Null)
}

fn post(template: &'static str, thing: impl Into<String>, body: Value) -> Route {
    route("POST", template, thing, body)
}

fn query(route: Route, query: &'static str) -> Route {
    Route { query, ..route }
}

fn and(route: Route, other: impl Into<String>) -> Route {
    Route { others: vec![other.into()], ..route }
}

/// All routes, each at least once.
pub fn routes(charge: &str) -> Vec<Route> {
    [operation(), ledger(), usage(charge), people(), market(), keys(), guard()]
        .into_iter()
        .flatten()
        .collect()
}

fn operation() -> Vec<Route> {
    vec![
        get("/healthz", ""),
        get("/readyz", ""),
        get("/metrics", ""),
        get("/v1/clock", ""),
        post("/v1/clock", "", json!({"now": crate::access::NOW})),
        get("/v1/ledger/verify", ""),
        get("/v1/export/hledger", ""),
        query(get("/v1/export/csv", ""), "?table=accounts"),
        get("/v1/audit", ""),
    ]
}

fn ledger() -> Vec<Route> {
    let transfer = json!({"type": "transfer", "from": "{}", "to": id(11), "amount": "1", "currency": "RUB"});
    let hold = json!({"account": "{}", "amount": "1", "currency": "RUB", "expires": "2026-12-01T00:00:00Z"});
    let limit = json!({"amount": "50", "currency": "RUB"});
    vec![
        get("/v1/accounts", ""),
        post("/v1/accounts", id(1), json!({"kind": "workspace", "name": "w", "owner": "{}"})),
        get("/v1/accounts/{id}", id(11)),
        get("/v1/accounts/{id}/statement", id(11)),
        route("PUT", "/v1/accounts/{id}/credit-limit", id(11), limit),
        route("PUT", "/v1/accounts/{id}/coefficient", id(11), json!({"coefficient": "1.25"})),
        post("/v1/transactions", id(1), transfer),
        get("/v1/transactions/{id}", id(80)),
        post("/v1/holds", id(11), hold),
        get("/v1/holds/{id}", id(90)),
        post("/v1/holds/{id}/post", id(90), json!({"amount": "1", "currency": "RUB", "to": id(1)})),
        post("/v1/holds/{id}/release", id(90), Value::Null),
    ]
}

fn usage(charge: &str) -> Vec<Route> {
    vec![
        post("/v1/events", "", json!([])),
        get("/v1/projects/{id}/spend", "acme"),
        // A month that is none ends the stream before it begins.
        query(get("/v1/projects/{id}/spend/stream", "acme"), "?month=none"),
        get("/v1/projects/{id}/charges", "acme"),
        and(get("/v1/projects/{id}/charges/{key}/explain", "acme"), charge),
        get("/v1/sources", ""),
        get("/v1/unpriced", ""),
    ]
}

fn people() -> Vec<Route> {
    let plan = || {
        json!({"name": "p", "coefficient": "1", "storages": true, "executors": true, "projects": null,
            "members": null, "jobs_at_once": null, "stored_bytes": null})
    };
    let workspace = json!({"owner": "{}", "name": "w", "time_zone": "Europe/Moscow"});
    let token = json!({"name": "t", "scope": {"project": {"project": "{}", "role": "viewer"}}});
    vec![
        post("/v1/users", "", json!({"name": "new"})),
        get("/v1/users", ""),
        get("/v1/users/{id}", id(1)),
        route("PATCH", "/v1/users/{id}", id(1), json!({"name": "renamed"})),
        post("/v1/workspaces", id(1), workspace),
        get("/v1/workspaces", ""),
        get("/v1/workspaces/{id}", id(11)),
        route("PATCH", "/v1/workspaces/{id}", id(11), json!({"name": "renamed"})),
        post("/v1/projects", id(11), json!({"workspace": "{}"})),
        get("/v1/projects", ""),
        get("/v1/projects/{id}", "acme"),
        route("PATCH", "/v1/projects/{id}", "acme", json!({"name": "renamed"})),
        get("/v1/projects/{id}/members", "acme"),
        and(route("PUT", "/v1/projects/{id}/members/{user}", "acme", json!({"roles": ["viewer"]})), id(3)),
        post("/v1/plans", "", plan()),
        get("/v1/plans", ""),
        get("/v1/plans/{id}", id(5)),
        route("PUT", "/v1/plans/{id}", id(5), plan()),
        post("/v1/tokens", "acme", token),
        get("/v1/tokens", ""),
        get("/v1/tokens/{id}", id(70)),
    ]
}

fn market() -> Vec<Route> {
    let prices = crate::access::prices();
    let own = |more: Value| {
        let mut body = json!({"owner": "{}", "name": "e", "time_zone": "Europe/Moscow"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let provider = || json!({"name": "cloud", "price_book": "list", "delay_s": 60, "heartbeat_s": 300});
    let contract = json!({"price_book": null, "from": "2026-12-01"});
    let book = "[book]\nid = \"x\"\ncurrency = \"RUB\"\ntimezone = \"UTC\"\n\n".to_owned()
        + &crate::access::version("2026-01-01", "1");
    vec![
        post("/v1/providers", "", provider()),
        get("/v1/providers", ""),
        get("/v1/providers/{id}", id(20)),
        route("PUT", "/v1/providers/{id}", id(20), provider()),
        get("/v1/providers/{id}/sources", id(20)),
        post("/v1/providers/{id}/sources", id(20), json!({"source": "new://", "prefix": true})),
        query(post("/v1/price-books", "", json!(book)), "?dry_run=true"),
        get("/v1/price-books", ""),
        get("/v1/price-books/{id}/versions", "list"),
        query(
            post("/v1/price-books/{id}/versions", "list", json!(crate::access::version("2026-12-01", "11"))),
            "?dry_run=true",
        ),
        get("/v1/projects/{id}/contracts", "acme"),
        and(route("PUT", "/v1/projects/{id}/contracts/{provider}", "acme", contract), id(20)),
        post("/v1/executors", id(1), own(json!({"prices": prices}))),
        get("/v1/executors", ""),
        get("/v1/executors/{id}", id(30)),
        route("PATCH", "/v1/executors/{id}", id(30), json!({"state": "active"})),
        post("/v1/executors/{id}/prices", id(30), json!({"prices": prices})),
        post("/v1/storages", id(1), own(json!({"clean_up": "03:00:00", "price": "0.000095"}))),
        get("/v1/storages", ""),
        get("/v1/storages/{id}", id(31)),
        route("PATCH", "/v1/storages/{id}", id(31), json!({"clean_up": "04:00:00"})),
        post("/v1/storages/{id}/prices", id(31), json!({"price": "0.00001"})),
        post("/v1/storages/{id}/clean-ups", id(31), json!({"volumes": []})),
    ]
}

fn keys() -> Vec<Route> {
    let role = json!({"project": "{}", "name": "r", "permissions": ["read"], "entry": "given"});
    vec![
        post("/v1/apis", "acme", json!({"project": "{}", "name": "a", "price": "1"})),
        get("/v1/apis", ""),
        get("/v1/apis/{id}", id(40)),
        route("PATCH", "/v1/apis/{id}", id(40), json!({"open": true})),
        post("/v1/apis/{id}/prices", id(40), json!({"price": "0.05"})),
        post("/v1/api-keys", id(40), json!({"api": "{}", "purpose": "other"})),
        get("/v1/api-keys", ""),
        get("/v1/api-keys/{id}", id(50)),
        get("/v1/api-keys/{id}/statistics", id(50)),
        post("/v1/api-keys/{id}/secret", id(50), Value::Null),
        post("/v1/api-keys/{id}/refuse", id(50), Value::Null),
        post("/v1/api-keys/{id}/approve", id(50), Value::Null),
        post("/v1/api-keys/{id}/revoke", id(50), Value::Null),
        post("/v1/roles", "acme", role),
        get("/v1/roles", ""),
        get("/v1/roles/{id}", id(60)),
        route("PATCH", "/v1/roles/{id}", id(60), json!({"name": "renamed"})),
        post("/v1/role-requests", id(60), json!({"role": "{}"})),
        get("/v1/role-requests", ""),
        get("/v1/role-requests/{id}", id(61)),
        post("/v1/role-requests/{id}/refuse", id(61), Value::Null),
        post("/v1/role-requests/{id}/approve", id(61), Value::Null),
        post("/v1/role-requests/{id}/revoke", id(61), Value::Null),
        post("/v1/tokens/{id}/revoke", id(70), Value::Null),
    ]
}

fn guard() -> Vec<Route> {
    let cap = || json!({"limit": "cap:month", "amount": "1000", "currency": "RUB"});
    let rules = json!({"order": "oldest_first", "protected": []});
    vec![
        post("/v1/projects/{id}/limits", "acme", cap()),
        get("/v1/projects/{id}/limits", "acme"),
        and(route("DELETE", "/v1/projects/{id}/limits/{limit}", "acme", Value::Null), "cap:month"),
        post("/v1/workspaces/{id}/limits", id(11), cap()),
        get("/v1/workspaces/{id}/limits", id(11)),
        and(route("DELETE", "/v1/workspaces/{id}/limits/{limit}", id(11), Value::Null), "cap:month"),
        route("PUT", "/v1/projects/{id}/stop-rules", "acme", rules),
        get("/v1/projects/{id}/stop-rules", "acme"),
        get("/v1/projects/{id}/stops", "acme"),
        get("/v1/projects/{id}/notices", "acme"),
        get("/v1/workspaces/{id}/notices", id(11)),
    ]
}
