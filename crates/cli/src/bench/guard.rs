//! `kopeck bench guard`: the time to react (guard.md, point 9): from the arrival of the event that moves a crossing into the
//! past to the arrival of the stop at the cloud's adapter, while other events come in.
//!
//! The server is a process of its own that lives by the machine's clock; this one sends, and is the adapter: a receiver of
//! signed webhooks. Each measured event starts a resource so large that its project's cap can not be kept; the clock runs
//! from before the request is sent until the stop has arrived, so both ways over HTTP and the durable write of the event
//! and of the command are in it. Events come as reports do: some seconds after their time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use ureq::http::Method;
use uuid::Uuid;

use crate::args::BenchGuardArgs;
use crate::bench::ingest::broken;
use crate::bench::ingest::child::Server;
use crate::bench::{folder, load, per_second, quantile};
use crate::caller::{Caller, LINES, TOML};
use crate::failure::{Done, Failure};
use crate::rate::threads;

/// The prices: so that a huge VM exceeds a cap at once, and a small one does not within the bench.
const BOOK: &str = "[book]\nid = \"guarded\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n\
    [[version]]\neffective = 2026-01-01\n\n[[version.component]]\nid = \"vm.active.vcpu\"\nkind = \"vm\"\n\
    when = { state = \"active\" }\nmodel = \"per_second\"\nquantity = [\"vcpu\"]\nprice = \"0.9\"\nper = \"hour\"\n\n\
    [[version.component]]\nid = \"vm.active.ram\"\nkind = \"vm\"\nwhen = { state = \"active\" }\n\
    model = \"per_second\"\nquantity = [\"ram_gb\"]\nprice = \"0.3\"\nper = \"hour\"\n\n\
    [[version.component]]\nid = \"vm.disk\"\nkind = \"vm\"\nmodel = \"per_second\"\nquantity = [\"disk_gb\"]\n\
    price = \"0.001\"\nper = \"hour\"\n\n[[version.component]]\nid = \"vm.address\"\nkind = \"vm\"\n\
    model = \"monthly\"\nquantity = [\"addresses\"]\nprice = \"1\"\n";
/// What the deliveries are signed with.
const SECRET: &str = "whsec_a29wZWNrLWJlbmNoLWd1YXJkLXNlY3JldA==";
/// Events of a batch of the load, and of one that makes the resources.
const BATCH: u32 = 200;
const MAKING: u64 = 2_000;
/// By how many seconds events are reported after their time.
const REPORTED_AFTER_S: i64 = 5;
/// A stop that has not come by then has not come.
const LONGEST: Duration = Duration::from_secs(20);

/// Runs the command.
pub fn run(args: &BenchGuardArgs) -> Result<Done, Failure> {
    let folder = folder(args.folder.as_deref())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} cores, load {}, in {}", threads(), load(), folder.path().display())?;
    let (adapter, stops) = adapter()?;
    let server = started(&folder.path().join("data"), &adapter)?;
    let cloud = Cloud::new(&server.caller(), args)?;
    let (made, time) = cloud.make(&server.caller(), args)?;
    writeln!(
        out,
        "{made} live resources in {} projects, each with a cap: made in {} ms",
        args.projects,
        time.as_millis()
    )?;
    let done = AtomicBool::new(false);
    let sent = AtomicU64::new(0);
    let (times, span) = thread::scope(|scope| {
        let load: Vec<_> = (0..args.connections)
            .map(|number| {
                let (cloud, caller, done, sent) = (&cloud, server.caller(), &done, &sent);
                scope.spawn(move || cloud.load(&caller, args, (number, done, sent)))
            })
            .collect();
        let begun = Instant::now();
        let times = cloud.measure(&server.caller(), args, &stops);
        done.store(true, Ordering::Release);
        let loaded: Result<(), Failure> = load
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(broken("a sender that broke"))));
        loaded.and(times).map(|times| (times, begun.elapsed()))
    })?;
    let events = sent.load(Ordering::Relaxed);
    writeln!(out, "meanwhile {events} events came in: {}/s", per_second(events, span))?;
    tell(times, &mut out)?;
    writeln!(out, "resident: {} MB", server.memory("VmRSS") / 1_000_000)?;
    server.stop()?;
    Ok(Done::Whole)
}

fn tell(mut times: Vec<Duration>, out: &mut dyn Write) -> Result<(), Failure> {
    times.sort_unstable();
    let millis = |hundredth| {
        let time = quantile(&times, hundredth);
        format!("{}.{:02}", time.as_millis(), time.as_micros() % 1_000 / 10)
    };
    writeln!(
        out,
        "from the event to the stop, {} times: p50 {} ms, p99 {} ms, the longest {} ms",
        times.len(),
        millis(50),
        millis(99),
        millis(100)
    )?;
    Ok(())
}

fn started(data: &Path, adapter: &str) -> Result<Server, Failure> {
    Server::with(data, &["--stop-webhook", adapter], &[("KOPECK_STOP_SECRET", SECRET)])
}

/// The cloud's adapter: it answers at once, and tells which resource was to be stopped, and when that came.
fn adapter() -> Result<(String, Receiver<(String, Instant)>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}/stop", listener.local_addr()?);
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || answer(&stream, &sender));
        }
    });
    Ok((address, receiver))
}

/// Answers the requests of a connection until it ends.
fn answer(stream: &TcpStream, told: &Sender<(String, Instant)>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || reader.read_exact(&mut body).is_err() {
            return;
        }
        let came = Instant::now();
        let stop: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        // Whoever measures may have enough.
        let _ = told.send((stop["resource"].as_str().unwrap_or_default().to_owned(), came));
        let mut stream = stream;
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
            return;
        }
    }
}

/// What is sent.
struct Cloud {
    projects: Vec<String>,
}

impl Cloud {
    /// A payer, a provider that stops within a second, and projects with a cap each.
    fn new(operator: &Caller, args: &BenchGuardArgs) -> Result<Cloud, Failure> {
        let [user, workspace, provider] = [(); 3].map(|()| Uuid::now_v7());
        operator.post("/v1/users", &json!({"id": user, "name": "Payer"}))?;
        let body = json!({"id": workspace, "name": "Cloud", "time_zone": "Europe/Moscow", "owner": user});
        operator.post("/v1/workspaces", &body)?;
        operator.send((Method::POST, "/v1/price-books"), (TOML, BOOK.as_bytes()), None)?;
        let body = json!({"id": provider, "name": "Cloud", "price_book": "guarded", "delay_s": 60, "heartbeat_s": 0,
            "latency_s": 60});
        operator.post("/v1/providers", &body)?;
        let sources = json!({"source": "cloud://", "prefix": true});
        operator.post(&format!("/v1/providers/{provider}/sources"), &sources)?;
        let projects: Vec<String> = (0..args.projects).map(|number| format!("project-{number}")).collect();
        for project in &projects {
            operator.post("/v1/projects", &json!({"id": project, "workspace": workspace}))?;
            let cap = json!({"limit": "cap:month", "amount": "1000000", "currency": "RUB"});
            operator.post(&format!("/v1/projects/{project}/limits"), &cap)?;
        }
        Ok(Cloud { projects })
    }

    fn line(&self, (project, subject): (usize, &str), event: &str, (state, vcpu): (&str, u64)) -> String {
        let time = Timestamp::now().as_second() - REPORTED_AFTER_S;
        let time = Timestamp::from_second(time).unwrap_or_default();
        let project = &self.projects[project % self.projects.len()];
        json!({"specversion": "1.0", "type": "kopeck.state.v1", "source": "cloud://msk-1", "id": event,
            "subject": subject, "time": time.to_string(), "project": project, "data": {"kind": "vm", "state": state,
            "attributes": {"vcpu": vcpu, "ram_gb": 4, "disk_gb": 50, "addresses": 1}}})
        .to_string()
    }

    /// Makes the resources that live all the time.
    fn make(&self, operator: &Caller, args: &BenchGuardArgs) -> Result<(u64, Duration), Failure> {
        let begun = Instant::now();
        let mut made = 0;
        while made < args.resources {
            let batch: Vec<String> = (made..args.resources.min(made + MAKING))
                .map(|number| {
                    let (project, subject) = (usize::try_from(number).unwrap_or(0), format!("vm-{number}"));
                    self.line((project, &subject), &format!("made-{number}"), ("RUNNING", 2))
                })
                .collect();
            made += batch.len() as u64;
            send(operator, &batch)?;
        }
        Ok((made, begun.elapsed()))
    }

    /// Sends events of the resources that live, so many a second, until the measurement is done.
    fn load(
        &self,
        operator: &Caller,
        args: &BenchGuardArgs,
        (connection, done, sent): (u32, &AtomicBool, &AtomicU64),
    ) -> Result<(), Failure> {
        let pause = Duration::from_secs(1) * args.connections * BATCH / args.rate.max(1);
        let (begun, mut batches) = (Instant::now(), 0_u32);
        while !done.load(Ordering::Acquire) {
            let batch: Vec<String> = (0..u64::from(BATCH))
                .map(|place| {
                    let number =
                        (u64::from(batches) * u64::from(BATCH) + place) * u64::from(args.connections);
                    let number = (number + u64::from(connection)) % args.resources;
                    let (project, subject) = (usize::try_from(number).unwrap_or(0), format!("vm-{number}"));
                    let event = format!("load-{connection}-{batches}-{place}");
                    self.line((project, &subject), &event, ("RUNNING", 2 + u64::from(batches) % 2))
                })
                .collect();
            send(operator, &batch)?;
            sent.fetch_add(u64::from(BATCH), Ordering::Relaxed);
            batches += 1;
            let due = begun + pause * batches;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        Ok(())
    }

    /// Starts a runaway in one project after the other: how long until the stop of it comes.
    fn measure(
        &self,
        operator: &Caller,
        args: &BenchGuardArgs,
        stops: &Receiver<(String, Instant)>,
    ) -> Result<Vec<Duration>, Failure> {
        let mut times = Vec::new();
        let mut came: HashMap<String, Instant> = HashMap::new();
        for number in 0..args.stops {
            let subject = format!("runaway-{number}");
            let line = self.line((number as usize, &subject), &subject, ("RUNNING", 900_000_000));
            let begun = Instant::now();
            send(operator, &[line])?;
            let stopped = loop {
                if let Some(stopped) = came.remove(&subject) {
                    break stopped;
                }
                match stops.recv_timeout(LONGEST) {
                    Ok((resource, at)) => drop(came.insert(resource, at)),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                        return Err(broken("a stop that did not come"));
                    }
                }
            };
            times.push(stopped.duration_since(begun));
        }
        Ok(times)
    }
}

fn send(operator: &Caller, lines: &[String]) -> Result<(), Failure> {
    let body = lines.join("\n");
    let answered = operator.deliver((Method::POST, "/v1/events"), (LINES, body.as_bytes()), None)?;
    let answer: Value = serde_json::from_str(&answered.text).unwrap_or(Value::Null);
    if answer["accepted"] == json!(lines.len()) {
        return Ok(());
    }
    Err(broken(&format!("an answer of status {}: {}", answered.status, answered.text)))
}
