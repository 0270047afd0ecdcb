//! A server without a socket, with people in all roles.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use kopeck_ledger::name::Moment;
use kopeck_server::app::Stores;
use kopeck_server::auth::{AnyOf, DirectoryTokens, OperatorToken, TokenHash};
use kopeck_server::clock::Clock;
use kopeck_server::config::Limits;
use kopeck_server::serve::meter;
use kopeck_server::shards::Shards;
use kopeck_server::{App, app, http};
use kopeck_store::sqlite::directory::{DirectoryOptions, SqliteDirectory};
use kopeck_store::sqlite::{Options, SqliteStore};
use kopeck_store::{DirectoryStore, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

/// The operator's token.
pub const OPERATOR: &str = "the-operator-has-a-token-of-this-length";
/// An id that nothing has.
pub const NOTHING: &str = "00000000-0000-7000-8000-0000000000ff";

/// A server on a folder.
pub struct World {
    pub app: Arc<App>,
    router: Router,
    pub folder: TempDir,
    tokens: Vec<(&'static str, String)>,
}

/// What was answered.
pub struct Said {
    pub status: StatusCode,
    pub body: Value,
}

pub fn id(number: u32) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

/// Opening waits for the disk, which no thread that drives tasks may do.
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn started(folder: &std::path::Path) -> (Arc<App>, Router) {
    let clock = Clock::simulated(Moment::from_nanoseconds(1_790_856_000_000_000_000).unwrap());
    if !folder.join("kopeck.db").is_file() {
        SqliteStore::create(folder).unwrap();
    }
    let ledger: Arc<dyn Store> = Arc::new(SqliteStore::open(folder, Options::at(clock.for_store())).unwrap());
    app::first_start::open_accounts(ledger.as_ref()).unwrap();
    let directory = SqliteDirectory::open(folder, DirectoryOptions::at(clock.for_store())).unwrap();
    let directory: Arc<dyn DirectoryStore> = Arc::new(directory);
    let operator = OperatorToken::of(TokenHash::of(OPERATOR)).unwrap();
    let tokens = AnyOf(vec![Arc::new(operator), Arc::new(DirectoryTokens(Arc::clone(&directory)))]);
    let metering = meter(folder, &clock, &ledger, &directory).unwrap();
    let stores = Stores { ledger, directory, tokens: Arc::new(tokens) };
    let app = Arc::new(App::new(stores, Shards::alone(metering), clock, Limits::default()));
    app::reconcile::reconcile(&app).unwrap();
    (Arc::clone(&app), http::router(app))
}

impl World {
    /// An empty server.
    pub fn empty() -> World {
        let folder = TempDir::new().unwrap();
        let (app, router) = aside(|| started(folder.path()));
        World { app, router, folder, tokens: vec![("operator", OPERATOR.to_owned())] }
    }

    /// The same folder, served anew.
    pub fn restarted(self) -> World {
        let World { app, router, folder, tokens } = self;
        drop((app, router));
        let (app, router) = aside(|| started(folder.path()));
        World { app, router, folder, tokens }
    }

    /// User 1 pays for project `acme`, user 2 develops there, user 3 views it, user 4 is a stranger with a project
    /// `other` of the stranger's own; one thing of each kind belongs to user 1 or to `acme`.
    pub async fn inhabited() -> World {
        let mut world = World::empty();
        world.people().await;
        world.market().await;
        world
    }

    async fn people(&mut self) {
        self.made("/v1/plans", json!({"id": id(5), "name": "plan", "coefficient": "1.25", "storages": true,
            "executors": true, "projects": null, "members": null, "jobs_at_once": null, "stored_bytes": null}))
            .await;
        for (number, name) in [(1, "payer"), (2, "developer"), (3, "viewer"), (4, "stranger")] {
            self.made("/v1/users", json!({"id": id(number), "name": name, "plan": id(5)})).await;
            self.token(name, json!({"user": id(number)})).await;
        }
        self.token("accountant", json!({"installation": "accountant"})).await;
        for (workspace, owner, project) in [(11, 1, "acme"), (14, 4, "other")] {
            let zone = "Europe/Moscow";
            self.made(
                "/v1/workspaces",
                json!({"id": id(workspace), "owner": id(owner), "name": "w", "time_zone": zone}),
            )
            .await;
            self.made("/v1/projects", json!({"id": project, "workspace": id(workspace)})).await;
        }
        for (number, role) in [(2, "developer"), (3, "viewer")] {
            let path = format!("/v1/projects/acme/members/{}", id(number));
            let said = self.ask("operator", Method::PUT, &path, &json!({"roles": [role]})).await;
            assert_eq!(said.status, 200, "{}", said.body);
        }
        self.token("project token", json!({"project": {"project": "acme", "role": "viewer"}})).await;
    }

    async fn market(&mut self) {
        let text = "[book]\nid = \"list\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n".to_owned();
        let said = self.toml("operator", "/v1/price-books", &(text + &version("2026-01-01", "10"))).await;
        assert_eq!(said.status, 201, "{}", said.body);
        self.made(
            "/v1/providers",
            json!({"id": id(20), "name": "cloud", "price_book": "list", "delay_s": 60,
            "heartbeat_s": 300}),
        )
        .await;
        self.token("ingest", json!({"ingest": {"provider": id(20)}})).await;
        self.made("/v1/executors", executor(30, 1)).await;
        self.made("/v1/storages", storage(31, 1)).await;
        self.made("/v1/apis", json!({"id": id(40), "project": "acme", "name": "api", "price": "0.1"})).await;
        self.made("/v1/api-keys", json!({"id": id(50), "api": id(40), "user": id(3), "purpose": "study"}))
            .await;
        self.made(
            "/v1/roles",
            json!({"id": id(60), "project": "acme", "name": "guest",
            "permissions": ["read", "authorise"], "coefficient": "1.5", "entry": "paid"}),
        )
        .await;
        self.made("/v1/role-requests", json!({"id": id(61), "role": id(60), "user": id(3)})).await;
        let scope = json!({"project": {"project": "acme", "role": "developer"}});
        self.made("/v1/tokens", json!({"id": id(70), "name": "ci", "scope": scope})).await;
    }

    async fn token(&mut self, name: &'static str, scope: Value) {
        let said = self.made("/v1/tokens", json!({"name": name, "scope": scope})).await;
        self.tokens.push((name, said["secret"].as_str().unwrap().to_owned()));
    }

    /// The operator makes something.
    pub async fn made(&self, path: &str, body: Value) -> Value {
        let said = self.ask("operator", Method::POST, path, &body).await;
        assert_eq!(said.status, 201, "{path} {body}: {}", said.body);
        said.body
    }

    /// Somebody asks with a JSON body, or with none where it is null.
    pub async fn ask(&self, who: &str, method: Method, path: &str, body: &Value) -> Said {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(who, (method, path), ("application/json", text)).await
    }

    /// Somebody reads.
    pub async fn get(&self, who: &str, path: &str) -> Said {
        self.ask(who, Method::GET, path, &Value::Null).await
    }

    /// Somebody sends TOML.
    pub async fn toml(&self, who: &str, path: &str, text: &str) -> Said {
        self.send(who, (Method::POST, path), ("application/toml", text.to_owned())).await
    }

    /// Somebody sends usage events, one a line.
    pub async fn events(&self, who: &str, lines: &[String]) -> Said {
        self.send(who, (Method::POST, "/v1/events"), ("application/x-ndjson", lines.join("\n"))).await
    }

    async fn send(&self, who: &str, (method, path): (Method, &str), (kind, text): (&str, String)) -> Said {
        let mut request = Request::builder().method(method).uri(path).header("content-type", kind);
        if let Some((_, token)) = self.tokens.iter().find(|(name, _)| *name == who) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self.router.clone().oneshot(request.body(Body::from(text)).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if let Some(problem) = body.as_object_mut() {
            problem.remove("request_id");
        }
        Said { status, body }
    }
}

/// A version of one price.
pub fn version(date: &str, price: &str) -> String {
    format!(
        "[[version]]\neffective = {date}\n\n[[version.component]]\nid = \"vm.vcpu\"\nkind = \"vm\"\n\
         model = \"per_second\"\nquantity = [\"vcpu\"]\nprice = \"{price}\"\nper = \"hour\"\n\n"
    )
}

pub fn executor(number: u32, owner: u32) -> Value {
    let prices = json!({"job": "0.5", "second": "0.0002", "core_second": "0.000611111", "gpu_second": "0.0305",
        "megabyte": "0.000012"});
    json!({"id": id(number), "owner": id(owner), "name": "e", "time_zone": "Europe/Moscow", "prices": prices})
}

pub fn storage(number: u32, owner: u32) -> Value {
    json!({"id": id(number), "owner": id(owner), "name": "s", "time_zone": "Europe/Moscow", "clean_up": "03:00:00",
        "price": "0.000095"})
}
