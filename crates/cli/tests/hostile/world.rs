//! People, prices and projects, made over the API.

use serde_json::json;

use crate::server::{Server, root};

/// Who pays: a user.
pub const ANN: &str = "0199a000-0000-7000-8000-000000000001";
/// From what: her workspace.
pub const ACME: &str = "0199a000-0000-7000-8000-000000000002";
/// Whose sources are metered.
pub const PROVIDER: &str = "0199a000-0000-7000-8000-000000000003";
/// Where a simulated clock stands when the world is made: before October, when its projects begin.
pub const MADE: &str = "2026-09-30T20:00:00Z";
/// What Ann has at first.
pub const DEPOSIT: u64 = 100_000_000;

/// Ann pays for projects, which one provider meters by the sample's book.
pub fn make(server: &Server, projects: &[&str]) {
    server.done(201, "POST /v1/users", "-", &json!({"id": ANN, "name": "Ann"}));
    let acme = json!({"id": ACME, "owner": ANN, "name": "acme", "time_zone": "Europe/Moscow"});
    server.done(201, "POST /v1/workspaces", "-", &acme);
    let deposit =
        json!({"type": "deposit", "account": ANN, "amount": DEPOSIT.to_string(), "currency": "RUB"});
    server.done(201, "POST /v1/transactions", "deposit", &deposit);
    let limit = json!({"amount": "900000000", "currency": "RUB"});
    server.done(200, &format!("PUT /v1/accounts/{ACME}/credit-limit"), "limit", &limit);
    let book = std::fs::read(root().join("examples/sample.toml")).unwrap();
    let sent =
        server.client().send("POST /v1/price-books", &[("Content-Type", "application/toml")], &book).unwrap();
    assert_eq!(sent.0, 201, "{}", sent.1);
    let terms =
        json!({"id": PROVIDER, "name": "all", "price_book": "sample", "delay_s": 60, "heartbeat_s": 0});
    server.done(201, "POST /v1/providers", "-", &terms);
    for prefix in ["openstack://", "executor://", "api://", "s3://", "order://"] {
        let source = json!({"source": prefix, "prefix": true});
        server.done(200, &format!("POST /v1/providers/{PROVIDER}/sources"), "-", &source);
    }
    for project in projects {
        let project = json!({"id": project, "workspace": ACME, "accepted": MADE});
        server.done(201, "POST /v1/projects", "-", &project);
    }
}

/// A project that a workspace pays for from now on.
pub fn add_project(server: &Server, project: &str, workspace: &str) {
    server.done(201, "POST /v1/projects", "-", &json!({"id": project, "workspace": workspace}));
}
