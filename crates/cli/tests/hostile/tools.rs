//! Tools of others judge the real server: schemathesis its API, promtool its metrics. `cargo xtask test` installs both.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::{Server, TOKEN, root};
use crate::world::{self, MADE};

/// What schemathesis looks at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,missing_required_header,ignored_auth";

/// Has schemathesis ask everything that the description describes, and more; the same every time.
fn schemathesis(server: &Server, token: &str, more: &str) {
    let tool = std::env::var_os("KOPECK_SCHEMATHESIS")
        .map_or_else(|| root().join("target/tools/schemathesis/bin/schemathesis"), Into::into);
    let mut command = Command::new(&tool);
    command.arg("run").arg(format!("http://{}/openapi.json", server.address));
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    // A stream has no end to wait for.
    command.args(["--exclude-path", "/v1/projects/{id}/spend/stream", "--checks", CHECKS]);
    command.args(["--seed", "1", "--generation-database", "none", "--no-shrink", "--continue-on-failure"]);
    command
        .args(["--request-timeout", "30", "--warnings", "off", "--no-color"])
        .args(more.split_whitespace());
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", root().join("xtask/schemathesis"));
    let folder = tempfile::tempdir().unwrap();
    let output = command.current_dir(folder.path()).env("PYTHONDONTWRITEBYTECODE", "1").output();
    let output = output.unwrap_or_else(|error| {
        panic!("{} can not be run ({error}): `cargo xtask test` installs it", tool.display())
    });
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("Operations:") && !told.contains("0 selected"), "{told}");
}

#[test]
fn every_route_answers_what_its_description_says_whatever_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "");
    schemathesis(&server, TOKEN, "--phases examples,coverage,fuzzing --max-examples 15");
    let verified = server.done(200, "GET /v1/ledger/verify", "-", &Value::Null);
    assert_eq!(verified["problem"], Value::Null, "{verified}");
}

#[test]
fn with_a_wrong_token_every_route_answers_what_its_description_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "");
    schemathesis(&server, "somebody-else", "--phases coverage,fuzzing --max-examples 2");
}

/// What promtool says of metrics that it is shown.
fn promtool(metrics: &str) -> (bool, String) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap_or_else(|error| {
        panic!("promtool can not be run ({error}): `cargo xtask test` installs it, as does `apt-get install prometheus`")
    });
    process.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).unwrap())
}

#[test]
fn metrics_are_what_prometheus_reads_in_either_format() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &format!("--clock simulated --now {MADE}"));
    world::make(&server, &["p"]);
    let event = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"api://a\",\"type\":\"kopeck.usage.v1\",\
         \"subject\":\"a\",\"time\":\"{MADE}\",\"project\":\"p\",\"data\":{{\"kind\":\"api\",\"attributes\":{{}}}}}}"
    );
    let fields = [("Content-Type", "application/x-ndjson")];
    let sent = format!("{event}\n{event}\nnothing");
    let (status, answer) = server.client().send("POST /v1/events", &fields, sent.as_bytes()).unwrap();
    assert_eq!(status, 200, "{answer}");
    for (request, expected) in
        [("GET /v1/nothing", 404), ("GET /v1/accounts?limit=x", 422), ("PUT /healthz", 405)]
    {
        server.done(expected, request, "-", &Value::Null);
    }
    let metrics = |accept: &str| {
        let (status, text) = server.client().send("GET /metrics", &[("Accept", accept)], b"").unwrap();
        assert_eq!(status, 200);
        text.as_str().unwrap().to_owned()
    };
    let older = metrics("text/plain;version=0.0.4");
    assert_eq!(promtool(&older), (true, String::new()), "{older}");
    // A scraper says that it prefers the newer format, which ends with a mark and is otherwise read alike.
    let newer = metrics("application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5");
    assert!(newer.ends_with("# EOF\n"), "{newer}");
    assert_eq!(promtool(&newer), (true, String::new()), "{newer}");
    for counted in ["outcome=\"accepted\"", "outcome=\"duplicate\"", "outcome=\"refused\"", "status=\"404\""]
    {
        assert!(older.contains(counted) && newer.contains(counted), "{counted}: {newer}");
    }
}
