//! Clients that are slow, greedy, broken or too many: others are served, and memory stays bounded.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Client, Server, TOKEN};
use crate::world::{self, MADE};

/// What the server's memory stays below in these tests, whatever is sent: MiB at its peak. Bodies have 128 MiB of room
/// and stand in buffers that grow by doubling; the rest is the server itself.
const MEMORY_MIB: u64 = 768;
/// What 10,000 connections that say nothing may cost: MiB.
const IDLE_MIB: u64 = 192;
/// Connections that say nothing.
const IDLE: u64 = 10_000;

fn started() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &format!("--clock simulated --now {MADE}"));
    (folder, server)
}

/// The server answers as ever.
fn serves(server: &Server) {
    server.done(200, "GET /readyz", "-", &Value::Null);
    server.done(200, "GET /v1/accounts", "-", &Value::Null);
}

/// The kind of a problem.
fn kind(answer: &Value) -> &str {
    answer["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default()
}

/// A request for a route with a JSON body, up to where its body begins.
fn head(route: &str, fields: &str) -> String {
    format!(
        "POST {route} HTTP/1.1\r\nHost: kopeck\r\nAuthorization: Bearer {TOKEN}\r\n\
         Idempotency-Key: k\r\nContent-Type: application/json\r\n{fields}\r\n"
    )
}

#[test]
fn slow_heads_and_bodies_are_ended_while_others_are_served() {
    let (_folder, server) = started();
    let begun = |text: &str| {
        let mut client = server.client();
        client.write(text.as_bytes()).unwrap();
        client
    };
    let mut heads: Vec<Client> = (0..200).map(|_| begun("GET /v1/accounts HTTP/1.1\r\nHost: kop")).collect();
    let body = head("/v1/accounts", "Content-Length: 1000\r\n") + "{\"kind\":";
    let mut bodies: Vec<Client> = (0..200).map(|_| begun(&body)).collect();
    let start = Instant::now();
    // Each waits for up to a minute; meanwhile others ask.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            for client in &mut heads {
                assert!(client.answer().is_err(), "a head that does not come is not answered");
            }
            for client in &mut bodies {
                let (status, answer) = client.answer().unwrap();
                assert_eq!((status, kind(&answer)), (408, "too-slow"), "{answer}");
            }
        });
        let mut client = server.client();
        while !waiting.is_finished() {
            let asked = Instant::now();
            assert_eq!(client.ask("GET /v1/accounts", "-", &Value::Null).unwrap().0, 200);
            assert!(asked.elapsed() < Duration::from_secs(10), "others wait for the slow");
        }
    });
    let took = start.elapsed();
    assert!((Duration::from_secs(25)..Duration::from_secs(110)).contains(&took), "{took:?}");
    serves(&server);
}

#[test]
fn a_client_that_has_said_all_is_answered_and_one_that_stops_midway_is_let_go() {
    let (_folder, server) = started();
    let whole = format!("GET /v1/accounts HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let mut client = server.client();
    client.write(whole.as_bytes()).unwrap();
    client.half_close();
    assert_eq!(client.answer().unwrap().0, 200);
    let body = head("/v1/accounts", "Content-Length: 1000\r\n") + "{\"kind\":";
    for midway in ["", "G", "GET / HTTP/1.1\r\nHost:", &body] {
        let mut client = server.client();
        client.write(midway.as_bytes()).unwrap();
        client.half_close();
        if let Ok((status, answer)) = client.answer() {
            assert_eq!((status, answer == Value::Null), (400, false), "{midway}: {answer}");
        }
    }
    serves(&server);
}

#[test]
fn ten_thousand_idle_connections_keep_nobody_from_being_served() {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    if files < IDLE + 500 {
        println!("skipped: the system allows {files} open files and {} are needed", IDLE + 500);
        return;
    }
    let (_folder, server) = started();
    serves(&server);
    let before = server.memory_kib("VmRSS");
    let idle: Vec<_> = (0..IDLE).map(|_| std::net::TcpStream::connect(&server.address).unwrap()).collect();
    let mut client = server.client();
    for _ in 0..100 {
        assert_eq!(client.ask("GET /v1/accounts", "-", &Value::Null).unwrap().0, 200);
    }
    // They are accepted in their order, and the last has been.
    serves(&server);
    let grown = (server.memory_kib("VmRSS") - before) / 1024;
    println!("{IDLE} idle connections cost {grown} MiB");
    assert!(grown < IDLE_MIB, "{IDLE} idle connections cost {grown} MiB");
    drop(idle);
    serves(&server);
}

#[test]
fn bodies_beyond_the_limit_are_refused_and_not_kept() {
    let (_folder, server) = started();
    for (route, size) in [("/v1/accounts", 1 << 20), ("/v1/events", 16 << 20), ("/v1/transactions", 16 << 20)]
    {
        // What is announced is refused before it comes.
        let mut client = server.client();
        let fields = format!("Content-Length: {}\r\n", size + 1);
        client.write(head(route, &fields).as_bytes()).unwrap();
        let (status, answer) = client.answer().unwrap();
        assert_eq!((status, kind(&answer)), (413, "too-large"), "{route}: {answer}");
        // What is not announced is taken up to the limit.
        let mut client = server.client();
        if let Ok((status, answer)) = endless(&mut client, route) {
            assert_eq!((status, kind(&answer)), (413, "too-large"), "{route}: {answer}");
        }
    }
    bounded(&server);
}

/// Sends a body without an end, until the server has enough of it.
fn endless(client: &mut Client, route: &str) -> io::Result<(u16, Value)> {
    client.write(head(route, "Transfer-Encoding: chunked\r\n").as_bytes())?;
    let mut chunk = format!("{:x}\r\n", 1 << 20).into_bytes();
    chunk.resize(chunk.len() + (1 << 20), b' ');
    chunk.extend(b"\r\n");
    for _ in 0..256 {
        if client.write(&chunk).is_err() {
            return client.answer();
        }
    }
    panic!("{route} takes 256 MiB");
}

#[test]
fn small_bodies_that_unpack_to_gigabytes_are_refused() {
    let (_folder, server) = started();
    let mebibyte = vec![b' '; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&mebibyte).unwrap();
    let bombs = [
        ("gzip", gzip.finish().unwrap().repeat(4_096)),
        ("zstd", zstd::stream::encode_all(mebibyte.as_slice(), 3).unwrap().repeat(4_096)),
    ];
    let refused = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for (encoding, bomb) in bombs.iter().cycle().take(64) {
            let refused = &refused;
            let server = &server;
            scope.spawn(move || {
                let fields = [("Content-Type", "application/json"), ("Content-Encoding", *encoding)];
                let mut client = server.client();
                let (status, answer) = client.send("POST /v1/events", &fields, bomb).unwrap();
                // Those for which there is no room at the same time are not even unpacked.
                if (status, kind(&answer)) != (429, "too-many-requests") {
                    assert_eq!((status, kind(&answer)), (413, "too-large"), "{encoding}: {answer}");
                    refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert!(refused.into_inner() > 0);
    bounded(&server);
}

#[test]
fn json_that_is_nested_without_end_is_refused() {
    let (_folder, server) = started();
    let depth = 200_000;
    let open = |text: &str| text.repeat(depth);
    let event = |data: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"api://a\",\"type\":\"kopeck.usage.v1\",\
             \"subject\":\"a\",\"time\":\"{MADE}\",\"project\":\"p\",\"data\":{data}}}"
        )
    };
    let deep = open("[") + &"]".repeat(depth);
    let bodies =
        [open("["), open("{\"a\":"), deep.clone(), event(&deep), event(&format!("{{\"kind\":{deep}}}"))];
    for body in &bodies {
        for (route, form) in [
            ("/v1/accounts", "application/json"),
            ("/v1/transactions", "application/json"),
            ("/v1/users", "application/json"),
            ("/v1/events", "application/cloudevents+json"),
            ("/v1/events", "application/cloudevents-batch+json"),
            ("/v1/events", "application/x-ndjson"),
        ] {
            let fields = [("Content-Type", form), ("Idempotency-Key", "deep")];
            let answered = server.client().send(&format!("POST {route}"), &fields, body.as_bytes());
            let (status, answer) = answered.unwrap();
            let refused = answer["refused"].as_array().map_or(0, Vec::len);
            let is_refused = [400, 413, 422].contains(&status) || (status == 200 && refused == 1);
            assert!(is_refused, "{route} {form} {}: {status} {answer}", &body[..20]);
        }
    }
    bounded(&server);
}

/// The events of a large body, each as short as it can be.
fn short_event(number: usize) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{number}\",\"source\":\"a\",\"type\":\"kopeck.usage.v1\",\
         \"subject\":\"a\",\"time\":\"{MADE}\",\"project\":\"p\",\"data\":{{\"kind\":\"k\",\"attributes\":{{}}}}}}"
    )
}

#[test]
fn one_bad_event_among_a_hundred_thousand_is_refused_alone() {
    const EVENTS: usize = 100_000;
    const BAD: usize = 77_777;
    let (_folder, server) = started();
    world::make(&server, &["p"]);
    let source = json!({"source": "a"});
    server.done(200, &format!("POST /v1/providers/{}/sources", world::PROVIDER), "-", &source);
    let mut lines: Vec<String> = (0..EVENTS).map(short_event).collect();
    lines[BAD] = lines[BAD].replace(MADE, "yesterday");
    let body = lines.join("\n");
    let fields = [("Content-Type", "application/x-ndjson")];
    let (status, answer) = server.client().send("POST /v1/events", &fields, body.as_bytes()).unwrap();
    assert_eq!((status, &answer["accepted"]), (200, &json!(EVENTS - 1)), "{}", answer["detail"]);
    let refused = answer["refused"].as_array().unwrap();
    assert_eq!((refused.len(), &refused[0]["index"]), (1, &json!(BAD)), "{}", refused[0]);
    let (_, again) = server.client().send("POST /v1/events", &fields, body.as_bytes()).unwrap();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(EVENTS - 1)));
    bounded(&server);
}

#[test]
fn what_is_not_utf_8_is_refused_where_it_stands() {
    let (_folder, server) = started();
    world::make(&server, &["p"]);
    let source = json!({"source": "a"});
    server.done(200, &format!("POST /v1/providers/{}/sources", world::PROVIDER), "-", &source);
    let broken = |text: &str| {
        text.replace('?', "\u{1}").into_bytes().into_iter().map(|byte| if byte == 1 { 0xff } else { byte })
    };
    let mut lines = (short_event(1) + "\n").into_bytes();
    lines.extend(broken(&short_event(2).replace("\"subject\":\"a\"", "\"subject\":\"?\"")));
    lines.extend(format!("\n{}", short_event(3)).bytes());
    let fields = [("Content-Type", "application/x-ndjson")];
    let (status, answer) = server.client().send("POST /v1/events", &fields, &lines).unwrap();
    assert_eq!(
        (status, &answer["accepted"], &answer["refused"][0]["index"]),
        (200, &json!(2), &json!(1)),
        "{answer}"
    );
    let account: Vec<u8> = broken("{\"kind\":\"user\",\"name\":\"?\"}").collect();
    let fields = [("Content-Type", "application/json"), ("Idempotency-Key", "k")];
    let (status, answer) = server.client().send("POST /v1/accounts", &fields, &account).unwrap();
    assert_eq!((status, kind(&answer)), (400, "malformed"), "{answer}");
    serves(&server);
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let (_folder, server) = started();
    let long = format!("GET /healthz HTTP/1.1\r\nHost: k\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: k\r\n{}\r\n", "X: y\r\n".repeat(500));
    let path = format!("GET /{} HTTP/1.1\r\nHost: k\r\n\r\n", "x".repeat(1 << 20));
    for text in [long, many, path] {
        let mut client = server.client();
        // The server may hang up before all is written.
        let _ = client.write(text.as_bytes());
        if let Ok((status, _)) = client.answer() {
            assert!(status == 431 || status == 414 || status == 400, "{status}: {}", &text[..30]);
        }
    }
    bounded(&server);
}

#[test]
fn requests_that_come_at_once_on_one_connection_are_answered_in_their_order() {
    let (_folder, server) = started();
    let mut client = server.client();
    let asked: Vec<String> = (0..200).map(|number| format!("/v1/nothing-{number}")).collect();
    let text: String =
        asked.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: kopeck\r\n\r\n")).collect();
    client.write(text.as_bytes()).unwrap();
    for path in &asked {
        let (status, answer) = client.answer().unwrap();
        assert_eq!(status, 404);
        assert!(answer["detail"].as_str().unwrap().ends_with(path.as_str()), "{path}: {answer}");
    }
    serves(&server);
}

#[test]
fn what_was_begun_before_sigterm_is_answered_and_durable_and_nothing_is_begun_after() {
    let (folder, mut server) = started();
    let mut begun = server.client();
    let body = json!({"kind": "user", "name": "Ann"}).to_string();
    let fields = format!("Content-Length: {}\r\n", body.len());
    begun.write(head("/v1/accounts", &fields).as_bytes()).unwrap();
    // The server has read the head when it answers somebody who came later.
    serves(&server);
    let mut idle = server.client();
    assert_eq!(idle.ask("GET /healthz", "-", &Value::Null).unwrap().0, 200);
    server.terminate();
    // Its idle connections end when it has heard the signal.
    assert!(idle.answer().is_err());
    assert!(Client::connect(&server.address, TOKEN).is_err(), "it listens no more");
    begun.write(body.as_bytes()).unwrap();
    let (status, made) = begun.answer().unwrap();
    assert_eq!(status, 201, "{made}");
    assert!(begun.ask("GET /healthz", "-", &Value::Null).is_err(), "nothing more is asked of it");
    assert_eq!(server.ended(), Some(0));
    let server = Server::start(folder.path(), &format!("--clock simulated --now {MADE}"));
    let id = made["id"].as_str().unwrap();
    assert_eq!(server.done(200, &format!("GET /v1/accounts/{id}"), "-", &Value::Null), made);
}

/// It serves, and its memory has stayed within its bound.
fn bounded(server: &Server) {
    serves(server);
    let peak = server.memory_kib("VmHWM") / 1024;
    println!("{peak} MiB at the peak");
    assert!(peak < MEMORY_MIB, "{peak} MiB");
}
