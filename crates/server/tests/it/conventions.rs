//! What holds of every route: tokens, ids, problems, request ids, methods.

use axum::http::Method;

use crate::desk::{Desk, id};

#[test]
fn without_a_valid_token_nothing_is_told() {
    let desk = Desk::with_people();
    let path = format!("/v1/accounts/{}", id(1));
    for value in
        ["", "operator", "Basic b3BlcmF0b3I=", "Bearer", "Bearer ", "Bearer nobody", "Bearer operatorx"]
    {
        let answer = desk.get(&path).header("authorization", value).send();
        assert_eq!(answer.problem().1, "unauthenticated", "{value}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    assert_eq!(desk.get(&path).without("authorization").send().status, 401);
    assert_eq!(desk.get(&path).header("authorization", "bearer operator").send().status, 200);
    // A body is not looked at before the token.
    assert_eq!(desk.post("/v1/accounts").token("nobody").body("x").status, 401);
}

#[test]
fn what_is_not_there_is_a_problem_like_any_other() {
    let desk = Desk::new();
    for (method, path, expected) in [
        (Method::GET, "/v1/nothing", (404, "not-found")),
        (Method::GET, "/", (404, "not-found")),
        (Method::DELETE, "/v1/accounts", (405, "method-not-allowed")),
        (Method::POST, "/healthz", (405, "method-not-allowed")),
        (Method::GET, "/v1/accounts/0199a000-0000-7000-8000-000000000077", (404, "not-found")),
        (Method::GET, "/v1/accounts/Ann", (422, "invalid")),
        (Method::GET, "/v1/accounts/%ff", (400, "malformed")),
        (Method::GET, "/v1/accounts?colour=red", (422, "invalid")),
        (Method::GET, "/v1/accounts?limit=x", (422, "invalid")),
    ] {
        let answer = desk.ask(method, path).send();
        let (status, name, _) = answer.problem();
        assert_eq!((status, name.as_str()), expected, "{path}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let allowed = desk.ask(Method::DELETE, "/v1/accounts").send();
    assert!(allowed.headers["allow"].to_str().unwrap().contains("POST"));
}

#[test]
fn a_request_is_named_in_its_answer() {
    let desk = Desk::new();
    let given = desk.get("/v1/nothing").header("x-request-id", "trace/7").send();
    assert_eq!(
        (&given.headers["x-request-id"], &given.json()["request_id"]),
        (&"trace/7".parse().unwrap(), &"trace/7".into())
    );
    for bad in ["", "a b", "x\t", &"y".repeat(129), "{\"a\":1}"] {
        let made = desk.get("/healthz").header("x-request-id", bad).send();
        let named = made.headers["x-request-id"].to_str().unwrap();
        assert_eq!(uuid::Uuid::try_parse(named).unwrap().get_version_num(), 7, "{bad}");
    }
}

#[test]
fn keys_that_can_not_be_names_are_refused() {
    let desk = Desk::new();
    for key in ["", "a b", &"x".repeat(256)] {
        let answer =
            desk.post("/v1/accounts").key(key).json(&serde_json::json!({"kind": "user", "name": "A"}));
        assert_eq!(answer.problem(), (422, "invalid".to_owned(), "Idempotency-Key".to_owned()), "{key}");
    }
}

#[test]
fn health_and_metrics_need_no_token_and_tell_the_state() {
    let desk = Desk::new();
    assert_eq!(desk.get("/healthz").without("authorization").send().status, 200);
    assert_eq!(desk.get("/readyz").without("authorization").send().status, 200);
    let metrics = desk.get("/metrics").without("authorization").send();
    assert!(metrics.text.ends_with("# EOF\n"));
    assert!(
        metrics
            .text
            .contains("kopeck_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1")
    );
    assert!(metrics.text.contains("kopeck_ledger_records 4"));
    desk.app.stop.begin();
    assert_eq!(desk.get("/readyz").send().problem().1, "unavailable");
    assert_eq!(desk.get("/healthz").send().status, 200);
}

#[test]
fn the_viewer_comes_with_the_program() {
    let desk = Desk::new();
    for path in ["/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json"] {
        let answer = desk.get(path).without("authorization").send();
        assert_eq!(answer.status, 200, "{path}");
    }
    let page = desk.get("/docs/").send().text;
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}
