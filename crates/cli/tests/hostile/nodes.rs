//! Several servers on one PostgreSQL: each answers everything, and none of them is missed when it dies, stalls or is
//! replaced. What was acknowledged is there, once, and costs what `kopeck rate` says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::kills_load::Event;
use crate::postgres_server::{Server as Database, name_of};
use crate::server::{Client, PATIENCE, Server, TOKEN, kopeck, root};
use crate::world::{ANN, PROVIDER, add_project, make};

/// Events of a request.
const BATCH: usize = 150;
/// What the sample has in two hours happens in a second: usage is free before its project is accepted, which is now.
const QUICKER: i64 = 7_200;

/// A database, servers on it, and what was sent to them.
struct Cluster {
    folder: tempfile::TempDir,
    database: std::sync::Arc<Database>,
    address: String,
    events: Vec<Event>,
    projects: Vec<String>,
}

impl Cluster {
    /// With the sample's events, which begin now, and each of its projects in a workspace of its own.
    fn new() -> (Cluster, Server) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::shared();
        let address = database.database();
        let events = events(folder.path());
        let mut projects: Vec<String> = events.iter().map(|event| event.project.clone()).collect();
        projects.sort_unstable();
        projects.dedup();
        let cluster = Cluster { folder, database, address, events, projects };
        let server = cluster.start();
        cluster.settled(1);
        make(&server, &[]);
        for (number, project) in cluster.projects.iter().enumerate() {
            let workspace = format!("0199a000-0000-7000-8000-0000000001{number:02}");
            let paying =
                json!({"id": workspace, "owner": ANN, "name": project, "time_zone": "Europe/Moscow"});
            server.done(201, "POST /v1/workspaces", "-", &paying);
            let limit = json!({"amount": "900000000", "currency": "RUB"});
            let path = format!("PUT /v1/accounts/{workspace}/credit-limit");
            server.done(200, &path, &format!("limit-{number}"), &limit);
            add_project(&server, project, &workspace);
        }
        (cluster, server)
    }

    fn start(&self) -> Server {
        Server::among(self.folder.path(), &self.address)
    }

    /// Waits until so many nodes share all shards evenly.
    fn settled(&self, nodes: usize) {
        let ask = "SELECT count(*), max(held) - min(held), sum(held) FROM (SELECT count(*) AS held FROM owner \
                   WHERE part = 'events' AND lease_until > now() GROUP BY holder) AS node";
        let wanted = match nodes {
            3 => "3|1|8".to_owned(),
            nodes => format!("{nodes}|0|8"),
        };
        let begun = Instant::now();
        while self.database.psql(name_of(&self.address), ask) != wanted {
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends some of the events, a batch to each server in turn, again and to the next one until it is acknowledged.
    fn send(&self, events: &[Event], servers: &[&Server]) {
        for (turn, batch) in events.chunks(BATCH).enumerate() {
            let lines: Vec<&str> = batch.iter().map(|event| event.line.as_str()).collect();
            let body = lines.join("\n");
            let begun = Instant::now();
            let mut turn = turn;
            while !self.is_acknowledged(&body, batch.len(), servers[turn % servers.len()]) {
                turn += 1;
                assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            }
        }
    }

    fn is_acknowledged(&self, body: &str, events: usize, server: &Server) -> bool {
        let Ok(mut client) = Client::connect(&server.address, TOKEN) else { return false };
        let fields = [("Content-Type", "application/x-ndjson")];
        let Ok((status, answer)) = client.send("POST /v1/events", &fields, body.as_bytes()) else {
            return false;
        };
        if status != 200 {
            assert!([429, 503].contains(&status), "{status} {answer}");
            return false;
        }
        assert_eq!(answer["refused"], json!([]), "{answer}");
        let taken = answer["accepted"].as_u64().unwrap() + answer["duplicates"].as_u64().unwrap();
        assert_eq!(taken, events as u64, "{answer}");
        true
    }

    /// Everything is there once, and each project costs what its events cost, at whichever server that is asked.
    fn is_right(&self, servers: &[&Server]) {
        for server in servers {
            let sent = self.events.iter().map(|event| event.line.as_str()).collect::<Vec<_>>().join("\n");
            let fields = [("Content-Type", "application/x-ndjson")];
            let again = server.client().send("POST /v1/events", &fields, sent.as_bytes()).unwrap();
            let expected = json!({"accepted": 0, "duplicates": self.events.len(), "refused": []});
            assert_eq!(again, (200, expected));
            let verified = server.done(200, "GET /v1/ledger/verify", "-", &Value::Null);
            assert_eq!(verified["problem"], Value::Null, "{verified}");
            assert_eq!(verified["events"]["events"].as_u64(), Some(self.events.len() as u64), "{verified}");
            let sources = server.done(200, "GET /v1/sources?limit=1000", "-", &Value::Null);
            let heard = sources["items"].as_array().unwrap().iter();
            let heard: u64 = heard.map(|source| source["events"].as_u64().unwrap()).sum();
            assert_eq!(heard, self.events.len() as u64, "sources of all shards: {sources}");
            for project in &self.projects {
                self.costs_what_rate_says(server, project);
            }
        }
    }

    /// What was accepted last is settled within a moment.
    fn costs_what_rate_says(&self, server: &Server, project: &str) {
        let begun = Instant::now();
        loop {
            let (shown, rated) = self.cost(server, project);
            if shown == rated {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{project} costs {shown} and not {rated}: {}", self.log());
        }
    }

    /// What a project costs by a server, and by `kopeck rate` at the same instant.
    fn cost(&self, server: &Server, project: &str) -> (i128, i128) {
        let mut at = None;
        let mut shown = 0;
        for month in self.months() {
            let path = format!("GET /v1/projects/{project}/spend?month={}", month.strftime("%Y-%m"));
            let spend = server.done(200, &path, "-", &Value::Null);
            at = spend["at"].as_str().map(str::to_owned);
            shown += millionths(&spend["total"]);
        }
        let lines = self.events.iter().filter(|event| event.project == project);
        let lines: Vec<&str> = lines.map(|event| event.line.as_str()).collect();
        std::fs::write(self.folder.path().join("events.jsonl"), lines.join("\n")).unwrap();
        std::fs::copy(root().join("examples/sample.toml"), self.folder.path().join("prices.toml")).unwrap();
        let (first, last) = (self.months()[0], *self.months().last().unwrap());
        let line = format!(
            "rate --prices prices.toml --events events.jsonl --from {first} --to {} --as-of {} --format json",
            last.checked_add(1.month()).unwrap(),
            at.unwrap(),
        );
        let rated = kopeck(self.folder.path(), &line).output().unwrap();
        assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stderr));
        let rated: Value = serde_json::from_slice(&rated.stdout).unwrap();
        let charges = rated["charges"].as_array().unwrap();
        (shown, charges.iter().map(|charge| millionths(&charge["amount"])).sum())
    }

    /// The local months that the events lie in, and those until now.
    fn months(&self) -> Vec<Date> {
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let month = |at: Timestamp| at.to_zoned(zone.clone()).date().first_of_month();
        let (first, last) = (month(self.events[0].at), month(Timestamp::now()));
        first.series(1.month()).take_while(|month| *month <= last).collect()
    }
}

/// The sample's events, each once and in their order, from soon on.
fn events(folder: &Path) -> Vec<Event> {
    let sample = kopeck(folder, "sample --seed 5 --vms 40 --days 5").output().unwrap();
    let (begin, mut first) = (Timestamp::now() + 10.seconds(), None);
    let mut events = BTreeMap::new();
    for line in String::from_utf8(sample.stdout).unwrap().lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let at: Timestamp = event["time"].as_str().unwrap().parse().unwrap();
        let after = at.duration_since(*first.get_or_insert(at));
        let at = begin + SignedDuration::from_nanos_i128(after.as_nanos() / i128::from(QUICKER));
        event["time"] = json!(at.to_string());
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        events.insert((text("source"), text("id")), event);
    }
    let mut events: Vec<Event> = events.values().map(|event| Event::read(&event.to_string())).collect();
    events.sort_by_key(|event| event.at);
    events
}

/// A decimal text with six places.
fn millionths(amount: &Value) -> i128 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn nodes_that_join_die_stall_and_are_replaced_lose_and_double_nothing() {
    let (cluster, first) = Cluster::new();
    let part = cluster.events.len() / 5;
    let parts: Vec<&[Event]> = cluster.events.chunks(part + 1).collect();
    cluster.send(parts[0], &[&first]);

    // A second node joins under load, and any of them answers.
    let second = cluster.start();
    cluster.send(parts[1], &[&first, &second]);
    cluster.settled(2);

    // The first one dies at once; its shards move when its leases have run out.
    let mut first = first;
    first.kill();
    cluster.send(parts[2], &[&second]);

    // One stalls past its leases, is replaced, and writes nothing when it goes on.
    let third = cluster.start();
    cluster.settled(2);
    third.signal("STOP");
    cluster.send(parts[3], &[&second]);
    third.signal("CONT");

    // A rolling restart: each ends in order, and another takes over.
    let fourth = cluster.start();
    let mut second = second;
    second.terminate();
    cluster.send(parts[4], &[&second, &third, &fourth]);
    assert_eq!(second.ended(), Some(0), "{}", cluster.log());
    cluster.settled(2);
    cluster.is_right(&[&third, &fourth]);
    let provider = third.done(200, &format!("GET /v1/providers/{PROVIDER}"), "-", &Value::Null);
    assert_eq!(provider, fourth.done(200, &format!("GET /v1/providers/{PROVIDER}"), "-", &Value::Null));
}

fn run(folder: &Path, line: &str) -> (Option<i32>, String, String) {
    let output = kopeck(folder, line).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_installation_moves_into_a_database_and_back_and_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut embedded = Server::start(folder.path(), "");
    make(&embedded, &[]);
    let acme = "0199a000-0000-7000-8000-000000000002";
    add_project(&embedded, "before", acme);
    embedded.terminate();
    assert_eq!(embedded.ended(), Some(0));

    let database = Database::shared();
    let address = database.database();
    let copy = format!("store copy data {address} --shards 4");
    let (code, told, error) = run(folder.path(), &copy);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(run(folder.path(), &copy).1, told, "again, it is the same");

    let mut served = Server::among(folder.path(), &address);
    add_project(&served, "after", acme);
    let shown = served.done(200, &format!("GET /v1/accounts/{ANN}"), "-", &Value::Null);
    assert_eq!(shown["posted"], "100000000.000000");
    let (code, _, refused) = run(folder.path(), &format!("store copy {address} back"));
    assert_eq!(code, Some(2));
    assert!(refused.contains("servers work on the database"), "{refused}");
    served.terminate();
    assert_eq!(served.ended(), Some(0));

    let (code, _, error) = run(folder.path(), &copy);
    assert_eq!(code, Some(2), "the database has more than the folder now");
    assert!(error.contains("not the same") || error.contains("holds something else"), "{error}");
    let (code, told, error) = run(folder.path(), &format!("store copy {address} back"));
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("are the same"), "{told}");
    let (code, verified, error) = run(folder.path(), "ledger verify --store back");
    assert_eq!(code, Some(0), "{verified} {error}");
}

#[test]
fn what_is_wrong_with_a_database_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::shared();
    let absent = database.address("nothing");
    for (line, expected) in [
        (format!("serve --database {absent}"), "make it with `createdb`"),
        ("serve --database nonsense".to_owned(), "write postgres://user:password@host:5432/name"),
        ("serve --advertise http://a".to_owned(), "--database"),
        (format!("serve --database {absent} --advertise a"), "write http://HOST:PORT"),
        ("store copy one two".to_owned(), "`kopeck backup` and `kopeck restore`"),
        (format!("store copy nowhere {}", database.database()), "there is no ledger in nowhere"),
        (format!("migrate --database {absent}"), "make it with `createdb`"),
    ] {
        let (code, _, error) = run(folder.path(), &line);
        assert_eq!(code, Some(2), "{line}: {error}");
        assert!(error.contains(expected), "{line}: {error}");
    }
    let migrate = format!("migrate --database {} --shards 3", database.database());
    for _ in 0..2 {
        let (code, told, _) = run(folder.path(), &migrate);
        assert_eq!(
            (code, told.as_str()),
            (Some(0), "The tables are of this version; metering has 3 shards\n")
        );
    }
}
