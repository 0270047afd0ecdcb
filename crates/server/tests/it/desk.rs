//! A desk for tests of the API: a server's application over a ledger in a folder of its own, and its router.
//!
//! Every problem that is answered must be one that the API's description lists for that route and status.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use kopeck_ledger::name::{Moment, Text};
use kopeck_server::app::first_start::open_accounts;
use kopeck_server::app::{App, Stores};
use kopeck_server::auth::{Principal, Role, Scope, TokenHash, Tokens};
use kopeck_server::clock::Clock;
use kopeck_server::config::Limits;
use kopeck_server::http::{document, router};
use kopeck_server::serve::meter;
use kopeck_server::shards::Shards;
use kopeck_store::sqlite::directory::{DirectoryOptions, SqliteDirectory};
use kopeck_store::sqlite::{Options, SqliteStore};
use kopeck_store::{DirectoryStore, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

/// Where the clock stands at first.
pub const START: &str = "2026-10-01T00:00:00Z";

/// An application and its router.
pub struct Desk {
    router: Router,
    /// The application.
    pub app: Arc<App>,
    description: Value,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The status, the last word of the problem's type, and its field.
    pub fn problem(&self) -> (u16, String, String) {
        let problem = self.json();
        let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        (self.status, word("type").rsplit(':').next().unwrap().to_owned(), word("field"))
    }
}

/// The tokens of the tests: each role's own name, and one of each role for the project p.
struct TestTokens;

impl Tokens for TestTokens {
    fn principal(&self, hash: &TokenHash, _now: Moment) -> Option<Principal> {
        let roles = [Role::Operator, Role::Accountant, Role::Payer, Role::Developer, Role::Viewer];
        let text = |text: &str| Text::new(text).unwrap();
        let principal = |role: Role, scope| Principal { token: Uuid::nil(), actor: text("ann"), role, scope };
        roles.into_iter().find_map(|role| {
            let of_project = TokenHash::of(&format!("p-{role}")) == *hash;
            let of_all = TokenHash::of(&role.to_string()) == *hash;
            match (of_all, of_project) {
                (true, _) => Some(principal(role, Scope::Installation)),
                (_, true) => Some(principal(role, Scope::Project(text("p")))),
                _ => None,
            }
        })
    }
}

/// A request that is being made.
pub struct Asked<'a> {
    desk: &'a Desk,
    method: Method,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Desk {
    pub fn new() -> Desk {
        Desk::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let start: jiff::Timestamp = START.parse().unwrap();
        let clock = Clock::simulated(Moment::try_from(start).unwrap());
        SqliteStore::create(folder.path()).unwrap();
        let ledger = SqliteStore::open(folder.path(), Options::at(clock.for_store())).unwrap();
        open_accounts(&ledger).unwrap();
        let at_clock = DirectoryOptions::at(clock.for_store());
        let directory = SqliteDirectory::open(folder.path(), at_clock).unwrap();
        let (ledger, directory): (Arc<dyn Store>, Arc<dyn DirectoryStore>) =
            (Arc::new(ledger), Arc::new(directory));
        let metering = meter(folder.path(), &clock, &ledger, &directory).unwrap();
        let stores = Stores { ledger, directory, tokens: Arc::new(TestTokens) };
        let app = Arc::new(App::new(stores, Shards::alone(metering), clock, limits));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let description = serde_json::from_str(&document()).unwrap();
        Desk { router: router(Arc::clone(&app)), app, description, runtime, _folder: folder }
    }

    /// Ann (1), her workspace acme (2), Bob (3), and 1000 on Ann's account.
    pub fn with_people() -> Desk {
        let desk = Desk::new();
        let open = |number, body| {
            let answer = desk.post("/v1/accounts").key(&id(number)).json(&body);
            assert_eq!(answer.status, 201, "{}", answer.text);
        };
        open(1, json!({"kind": "user", "name": "Ann"}));
        open(2, json!({"kind": "workspace", "name": "acme", "owner": id(1), "time_zone": "Europe/Moscow"}));
        open(3, json!({"kind": "user", "name": "Bob"}));
        let deposit = json!({"type": "deposit", "account": id(1), "amount": "1000", "currency": "RUB"});
        assert_eq!(desk.post("/v1/transactions").key(&id(4)).json(&deposit).status, 201);
        desk
    }

    pub fn get(&self, path: &str) -> Asked<'_> {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Asked<'_> {
        self.ask(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Asked<'_> {
        self.ask(Method::PUT, path)
    }

    /// A request of the operator.
    pub fn ask(&self, method: Method, path: &str) -> Asked<'_> {
        let asked =
            Asked { desk: self, method, path: path.to_owned(), headers: BTreeMap::new(), body: Vec::new() };
        asked.token("operator")
    }

    /// Sets the clock.
    pub fn now(&self, time: &str) {
        let time: jiff::Timestamp = time.parse().unwrap();
        self.app.clock.advance(Moment::try_from(time).unwrap()).unwrap();
    }

    /// What the description says of the responses of a request.
    fn described(&self, method: &Method, path: &str) -> Option<&Value> {
        let is_of = |template: &str| {
            let (template, path): (Vec<&str>, Vec<&str>) =
                (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len()
                && template.iter().zip(&path).all(|(part, given)| part.starts_with('{') || part == given)
        };
        let paths = self.description["paths"].as_object().unwrap();
        let (_, operations) = paths.iter().find(|(template, _)| is_of(template))?;
        operations.get(method.as_str().to_ascii_lowercase()).map(|operation| &operation["responses"])
    }
}

impl Asked<'_> {
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub fn json(self, body: &Value) -> Answer {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = body.into();
        self.send()
    }

    pub fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body)).unwrap();
        let router = self.desk.router.clone();
        let answer = self.desk.runtime.block_on(async {
            let response = router.oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let text = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
            let text = String::from_utf8(text).unwrap();
            Answer { status: head.status.as_u16(), headers: head.headers, text }
        });
        let path = self.path.split('?').next().unwrap();
        if let Some(responses) = self.desk.described(&self.method, path) {
            is_described(&answer, responses, &format!("{} {path}", self.method));
        }
        answer
    }
}

/// A route answers what its description says, and nothing else.
fn is_described(answer: &Answer, responses: &Value, request: &str) {
    let described = &responses[answer.status.to_string()];
    assert!(!described.is_null(), "{request} answers {} which is not described", answer.status);
    if answer.status >= 400 {
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{request}");
        let problem = answer.json();
        let types = described["x-problem-types"].as_array().unwrap();
        assert!(
            types.contains(&problem["type"]),
            "{request} answers {} which is not described",
            problem["type"]
        );
        assert_eq!(problem["status"], answer.status, "{request}");
        assert!(problem["remedy"].is_string() && problem["request_id"].is_string(), "{request}");
    }
}

/// A time-ordered id.
pub fn id(number: u64) -> String {
    format!("0199a000-0000-7000-8000-{number:012}")
}
