//! Every route of the real server by everybody: what each may, and that what is another tenant's does not exist.
//!
//! `access.txt` beside this file is the table of statuses. A route without a row fails.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::access_routes::{Route, routes};
use crate::server::{Client, Server, TOKEN};

/// Where the clock stands when everybody asks: `expired` has expired by then.
pub const NOW: &str = "2026-10-01T12:00:00Z";
/// An id that nothing has.
const NOTHING: &str = "00000000-0000-7000-8000-0000000000ff";
/// Who asks, in the order of the table's columns; the one who may do least asks first.
const WHO: [&str; 12] = [
    "operator",
    "accountant",
    "payer",
    "developer",
    "viewer",
    "custom",
    "stranger",
    "project",
    "ingest",
    "none",
    "expired",
    "revoked",
];
/// What everybody with a token may see or ask for: plans, providers, list prices, and keys and roles that are offered.
const OPEN: [&str; 6] = [
    "/v1/plans/{id}",
    "/v1/providers/{id}",
    "/v1/providers/{id}/sources",
    "/v1/price-books/{id}/versions",
    "/v1/api-keys",
    "/v1/role-requests",
];

pub fn id(number: u32) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

/// A version of one price.
pub fn version(date: &str, price: &str) -> String {
    format!(
        "[[version]]\neffective = {date}\n\n[[version.component]]\nid = \"vm.vcpu\"\nkind = \"vm\"\n\
         model = \"per_second\"\nquantity = [\"vcpu\"]\nprice = \"{price}\"\nper = \"hour\"\n\n"
    )
}

/// An executor's.
pub fn prices() -> Value {
    json!({"job": "0.5", "second": "0.0002", "core_second": "0.000611111", "gpu_second": "0.0305",
        "megabyte": "0.000012"})
}

/// A server with two tenants, and everybody's token.
struct World {
    server: Server,
    tokens: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), "--clock simulated --now 2026-10-01T09:00:00Z");
        let tokens = vec![("operator", TOKEN.to_owned()), ("none", String::new())];
        let mut world = World { server, tokens, _folder: folder };
        world.people();
        world.market();
        world.money();
        world
    }

    fn made(&self, path: &str, body: &Value) -> Value {
        self.server.done(201, &format!("POST {path}"), "-", body)
    }

    fn token(&mut self, name: &'static str, scope: &Value, more: &Value) -> Value {
        let mut body = json!({"name": name, "scope": scope});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.made("/v1/tokens", &body);
        self.tokens.push((name, made["secret"].as_str().unwrap().to_owned()));
        made
    }

    /// User 1 pays for project `acme`, 2 develops there, 3 views it, 6 has a role of its own; 4 is a stranger with the
    /// project `other`.
    fn people(&mut self) {
        self.made("/v1/plans", &json!({"id": id(5), "name": "plan", "coefficient": "1.25", "storages": true,
            "executors": true, "projects": null, "members": null, "jobs_at_once": null, "stored_bytes": null}));
        for (number, name) in [(1, "payer"), (2, "developer"), (3, "viewer"), (4, "stranger"), (6, "custom")]
        {
            self.made("/v1/users", &json!({"id": id(number), "name": name, "plan": id(5)}));
            self.token(name, &json!({"user": id(number)}), &json!({}));
        }
        for (workspace, owner, project) in [(11, 1, "acme"), (14, 4, "other")] {
            let body =
                json!({"id": id(workspace), "owner": id(owner), "name": "w", "time_zone": "Europe/Moscow"});
            self.made("/v1/workspaces", &body);
            self.made("/v1/projects", &json!({"id": project, "workspace": id(workspace)}));
        }
        let role = json!({"id": id(62), "project": "acme", "name": "own", "permissions": ["read"], "entry": "given"});
        self.made("/v1/roles", &role);
        for (number, role) in [(2, json!("developer")), (3, json!("viewer")), (6, json!({"custom": id(62)}))]
        {
            let path = format!("PUT /v1/projects/acme/members/{}", id(number));
            self.server.done(200, &path, "-", &json!({"roles": [role]}));
        }
        let of_project = |role: &str| json!({"project": {"project": "acme", "role": role}});
        self.token("accountant", &json!({"installation": "accountant"}), &json!({}));
        self.token("project", &of_project("viewer"), &json!({}));
        let soon = json!({"expires": "2026-10-01T10:00:00Z"});
        self.token("expired", &of_project("payer"), &soon);
        let revoked = self.token("revoked", &of_project("payer"), &json!({}));
        let path = format!("POST /v1/tokens/{}/revoke", revoked["token"]["id"].as_str().unwrap());
        self.server.done(200, &path, "-", &Value::Null);
        self.made("/v1/tokens", &json!({"id": id(70), "name": "ci", "scope": of_project("developer")}));
    }

    /// One thing of each kind belongs to user 1 or to `acme`.
    fn market(&mut self) {
        let book = "[book]\nid = \"list\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n".to_owned()
            + &version("2026-01-01", "10");
        let sent = ask(&self.server, TOKEN, "POST /v1/price-books", &json!(book));
        assert_eq!(sent.0, 201, "{}", sent.1);
        let provider =
            json!({"id": id(20), "name": "cloud", "price_book": "list", "delay_s": 60, "heartbeat_s": 300});
        self.made("/v1/providers", &provider);
        let source = json!({"source": "cloud://", "prefix": true});
        self.server.done(200, &format!("POST /v1/providers/{}/sources", id(20)), "-", &source);
        self.token("ingest", &json!({"ingest": {"provider": id(20)}}), &json!({}));
        let (owner, zone) = (id(1), "Europe/Moscow");
        self.made(
            "/v1/executors",
            &json!({"id": id(30), "owner": owner, "name": "e", "time_zone": zone,
            "prices": prices()}),
        );
        self.made(
            "/v1/storages",
            &json!({"id": id(31), "owner": owner, "name": "s", "time_zone": zone,
            "clean_up": "03:00:00", "price": "0.000095"}),
        );
        self.made("/v1/apis", &json!({"id": id(40), "project": "acme", "name": "api", "price": "0.1"}));
        self.made("/v1/api-keys", &json!({"id": id(50), "api": id(40), "user": id(3), "purpose": "study"}));
        self.made(
            "/v1/roles",
            &json!({"id": id(60), "project": "acme", "name": "guest",
            "permissions": ["read", "authorise"], "coefficient": "1.5", "entry": "paid"}),
        );
        self.made("/v1/role-requests", &json!({"id": id(61), "role": id(60), "user": id(3)}));
    }

    /// Money, a hold, and three hours of a machine.
    fn money(&self) {
        let deposit = json!({"type": "deposit", "account": id(1), "amount": "1000", "currency": "RUB"});
        self.server.done(201, "POST /v1/transactions", &id(81), &deposit);
        let transfer =
            json!({"type": "transfer", "from": id(1), "to": id(11), "amount": "500", "currency": "RUB"});
        self.server.done(201, "POST /v1/transactions", &id(80), &transfer);
        let hold =
            json!({"account": id(11), "amount": "10", "currency": "RUB", "expires": "2026-12-01T00:00:00Z"});
        self.server.done(201, "POST /v1/holds", &id(90), &hold);
        let event = json!([{"specversion": "1.0", "id": "1", "source": "cloud://a", "type": "kopeck.state.v1",
            "subject": "vm-1", "time": "2026-10-01T09:00:00Z", "project": "acme",
            "data": {"kind": "vm", "state": "RUNNING", "attributes": {"vcpu": 2}}}]);
        let said = self.server.done(200, "POST /v1/events", "-", &event);
        assert_eq!(said["accepted"], 1, "{said}");
        self.server.done(200, "POST /v1/clock", "-", &json!({"now": NOW}));
    }

    fn charge(&self) -> String {
        let charges = self.server.done(200, "GET /v1/projects/acme/charges", "-", &Value::Null);
        charges["items"][0]["key"].as_str().unwrap().to_owned()
    }

    fn ask(&self, who: &str, route: &Route, thing: &str) -> (u16, Value) {
        let (_, token) = self.tokens.iter().find(|(name, _)| *name == who).unwrap();
        let (path, body) = route.of(thing);
        ask(&self.server, token, &format!("{} {path}", route.method), &body)
    }
}

/// Asks with JSON, or TOML where the body is a text; the answer without what is each request's own.
fn ask(server: &Server, token: &str, request: &str, body: &Value) -> (u16, Value) {
    let mut client = Client::connect(&server.address, token).unwrap();
    let kind = if body.is_string() { "application/toml" } else { "application/json" };
    let text = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // A key of its own: what one was refused, another is not.
    let key = format!("{:x}", text.len() + request.len() * 1_000) + token.get(..12).unwrap_or("nobody");
    let fields = [("Content-Type", kind), ("Idempotency-Key", key.as_str())];
    let (status, mut answer) = client.send(request, &fields, text.as_bytes()).unwrap();
    if let Some(problem) = answer.as_object_mut() {
        problem.remove("request_id");
    }
    (status, answer)
}

#[test]
fn every_route_answers_everybody_as_the_table_says() {
    let world = World::new();
    let routes = routes(&world.charge());
    let described = world.server.done(200, "GET /openapi.json", "-", &Value::Null);
    let mut missing = BTreeSet::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            missing.insert((method.to_uppercase(), path.clone()));
        }
    }
    let mut table = format!("{:<52} {}\n", "", WHO.join(" "));
    for route in &routes {
        let mut statuses = Vec::new();
        for who in WHO.iter().rev() {
            let (status, answer) = world.ask(who, route, &route.thing);
            let (method, template) = (route.method, route.template);
            assert!(status < 500, "{who}: {method} {template}: {answer}");
            let is_closed = template.starts_with("/v1/");
            let has_token = !["none", "expired", "revoked"].contains(who);
            assert_eq!(status == 401, is_closed && !has_token, "{who}: {method} {template}: {answer}");
            statuses.push(format!("{status:<width$}", width = who.len()));
        }
        statuses.reverse();
        missing.remove(&(route.method.to_owned(), route.template.to_owned()));
        writeln!(table, "{:<6} {:<45} {}", route.method, route.template, statuses.join(" ").trim_end())
            .unwrap();
    }
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
    assert!(table == include_str!("access.txt"), "access.txt says otherwise:\n{table}");
}

#[test]
fn what_is_another_tenants_is_answered_as_what_does_not_exist() {
    let world = World::new();
    let mut hidden = 0;
    for route in routes(&world.charge()).iter().filter(|route| !route.thing.is_empty()) {
        let nothing = if route.thing.len() == NOTHING.len() { NOTHING } else { "nothing" };
        for who in ["stranger", "ingest"] {
            let theirs = world.ask(who, route, &route.thing);
            let absent = world.ask(who, route, nothing);
            let told: Value =
                serde_json::from_str(&theirs.1.to_string().replace(&route.thing, nothing)).unwrap();
            if (theirs.0, &told) == (absent.0, &absent.1) {
                hidden += 1;
                continue;
            }
            let (method, template) = (route.method, route.template);
            assert!(OPEN.contains(&template), "{who}: {method} {template}:\n{told}\n{}", absent.1);
        }
    }
    assert!(hidden > 100, "{hidden}");
}

#[test]
fn lists_show_nothing_of_another_tenant() {
    let world = World::new();
    let theirs: Vec<String> =
        [1, 2, 3, 6, 11, 30, 31, 40, 50, 60, 61, 62, 70, 80, 90].map(id).into_iter().collect();
    for route in routes("-").iter().filter(|route| route.method == "GET" && route.thing.is_empty()) {
        let (status, listed) = world.ask("stranger", route, "");
        let text = listed.to_string();
        let shown = theirs.iter().map(String::as_str).chain(["acme", "vm-1"]).find(|of| text.contains(of));
        assert_eq!(shown, None, "{} {status}: {text}", route.template);
    }
}
