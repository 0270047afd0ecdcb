//! `kopeck serve`: the real binary, its signals, its sudden death, its slow clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::desk::Desk;

pub const TOKEN: &str = "a-token-of-the-tests-with-40-characters!";

/// A running server.
pub struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    pub address: String,
    /// What it told before its address.
    told: String,
}

impl Server {
    pub fn start(desk: &Desk, args: &str, token: Option<&str>) -> Server {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("kopeck"));
        command.current_dir(desk.path("")).args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(args.split_whitespace()).env_remove("KOPECK_OPERATOR_TOKEN");
        if let Some(token) = token {
            command.env("KOPECK_OPERATOR_TOKEN", token);
        }
        let log = std::fs::File::create(desk.path("log")).unwrap();
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut server = Server { process, output, address: String::new(), told: String::new() };
        while server.address.is_empty() {
            let mut line = String::new();
            assert!(server.output.read_line(&mut line).unwrap() > 0, "the server ended: {}", server.told);
            match line.split_once("serves at http://") {
                Some((_, rest)) => rest.split(',').next().unwrap().clone_into(&mut server.address),
                None => server.told += &line,
            }
        }
        server
    }

    pub fn ask(&self, token: &str, request: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.send(token, request, key, ("application/json", &body))
    }

    pub fn send(&self, token: &str, request: &str, key: &str, (kind, body): (&str, &str)) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (length, host) = (body.len(), &self.address);
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ann with 1000 and her workspace with 250.
fn fill(server: &Server, token: &str) -> [String; 2] {
    let done = |request, key, body: Value| {
        let (status, answer) = server.ask(token, request, key, Some(&body));
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    };
    let ann = done("POST /v1/accounts", "ann", json!({"kind": "user", "name": "Ann"}));
    let acme = done("POST /v1/accounts", "acme", json!({"kind": "workspace", "name": "acme", "owner": ann}));
    let deposit = json!({"type": "deposit", "account": ann, "amount": "1250", "currency": "RUB"});
    done("POST /v1/transactions", "deposit", deposit);
    let transfer = json!({"type": "transfer", "from": ann, "to": acme, "amount": "250", "currency": "RUB"});
    done("POST /v1/transactions", "transfer", transfer);
    [ann, acme]
}

fn balances(server: &Server, token: &str, accounts: &[String]) -> Vec<Value> {
    let shown = accounts.iter().map(|id| server.ask(token, &format!("GET /v1/accounts/{id}"), "-", None));
    shown.map(|(status, account)| if status == 200 { account["posted"].clone() } else { account }).collect()
}

#[test]
fn what_was_answered_survives_a_sudden_death() {
    let desk = Desk::new();
    let server = Server::start(&desk, "", None);
    let (_, token) = server.told.split_once("not shown again: ").unwrap();
    let token = token.trim().to_owned();
    let accounts = fill(&server, &token);
    server.signal("-KILL");
    assert_eq!(server.end().0, None);
    let server = Server::start(&desk, "", None);
    assert_eq!(server.told, "", "the token is told once");
    assert_eq!(balances(&server, &token, &accounts), ["1000.000000", "250.000000"]);
    // What is sent again is answered as the first time.
    assert_eq!(fill(&server, &token), accounts);
    assert_eq!(balances(&server, &token, &accounts), ["1000.000000", "250.000000"]);
    let (status, verified) = server.ask(&token, "GET /v1/ledger/verify", "-", None);
    assert_eq!((status, &verified["problem"], &verified["transfers"]), (200, &Value::Null, &json!(2)));
    let (status, _) = server.ask("somebody-else", "GET /v1/accounts", "-", None);
    assert_eq!(status, 401);
}

#[test]
fn sigterm_ends_with_everything_committed_and_code_0() {
    let desk = Desk::new();
    let server = Server::start(&desk, "", Some(TOKEN));
    assert!(!server.told.contains(TOKEN));
    let accounts = fill(&server, TOKEN);
    // A connection that says nothing does not keep the server.
    let idle = TcpStream::connect(&server.address).unwrap();
    server.signal("-TERM");
    assert_eq!(server.end(), (Some(0), String::new()));
    drop(idle);
    let shown = desk.kopeck("account list --kind workspace --format json");
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(
        (&shown["accounts"][0]["id"], &shown["accounts"][0]["posted"]),
        (&json!(accounts[1]), &json!("250.000000"))
    );
    let log = std::fs::read_to_string(desk.path("log")).unwrap();
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    assert!(log.contains("\"request_id\"") && !log.contains(TOKEN), "{log}");
}

#[test]
fn a_simulated_clock_stands_where_it_was_put() {
    let desk = Desk::new();
    let server = Server::start(&desk, "--clock simulated --now 2026-10-01T00:00:00+03:00", Some(TOKEN));
    let accounts = fill(&server, TOKEN);
    let path = format!("GET /v1/accounts/{}/statement", accounts[1]);
    let (_, statement) = server.ask(TOKEN, &path, "-", None);
    assert_eq!(statement["lines"][0]["at"], "2026-09-30T21:00:00Z");
}

#[test]
fn what_keeps_a_server_from_starting_is_told() {
    let desk = Desk::new();
    let server = Server::start(&desk, "", Some(TOKEN));
    for (line, said) in [
        ("serve".to_owned(), "is in use by process"),
        (format!("serve --data other --listen {}", server.address), "can not listen at"),
        ("serve --clock simulated".to_owned(), "--now"),
        ("serve --now 2026-10-01T00:00:00Z".to_owned(), "--now belongs to a simulated clock"),
        ("serve --listen nowhere".to_owned(), "invalid socket address"),
    ] {
        let answer = desk.kopeck(&line);
        assert_eq!((answer.code, answer.stderr.contains(said)), (2, true), "{line}\n{}", answer.stderr);
    }
}

#[test]
fn broken_requests_do_not_harm_a_server() {
    let desk = Desk::new();
    let server = Server::start(&desk, "", Some(TOKEN));
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    for bytes in
        ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n", &long, "POST /v1/accounts HTTP/1.1\r\n"]
    {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        // The server may have hung up before all was written.
        let _ = stream.write_all(bytes.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(server.ask(TOKEN, "GET /healthz", "-", None).0, 200);
}
