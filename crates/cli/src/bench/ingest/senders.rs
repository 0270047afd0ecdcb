//! Those who send, on a connection each, and those who wait until all is settled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use ureq::http::Method;

use crate::bench::ingest::broken;
use crate::bench::ingest::cloud::{Cloud, Next};
use crate::caller::{Caller, LINES};
use crate::failure::Failure;

/// Batches that wait to be sent.
const AHEAD: usize = 64;

/// What becomes of what is sent.
#[derive(Debug, Default)]
pub struct Sum {
    accepted: AtomicU64,
    duplicates: AtomicU64,
    /// How often the server was too busy.
    busy: AtomicU64,
}

/// What was sent, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Drained {
    /// Events that are new.
    pub accepted: u64,
    /// Events that were known.
    pub duplicates: u64,
    /// How often the server was too busy.
    pub busy: u64,
    /// Until all was durable.
    pub acknowledged: Duration,
    /// Until all was settled.
    pub settled: Duration,
}

impl Drained {
    /// All events.
    pub fn events(&self) -> u64 {
        self.accepted + self.duplicates
    }
}

/// Sends what a cloud makes, while it is made.
pub fn stream(
    cloud: &mut Cloud,
    operator: &Caller,
    (events, connections): (u64, u32),
    told: impl Fn(u64),
) -> Result<Drained, Failure> {
    let end = cloud.taken + events;
    let made = std::iter::from_fn(|| {
        let next = (cloud.taken < end).then(|| cloud.next(end - cloud.taken)).flatten();
        told(cloud.taken);
        next
    });
    deal_out(made, operator, connections)
}

/// Sends batches that were made before.
pub fn send(batches: Vec<Vec<u8>>, operator: &Caller, connections: u32) -> Result<Drained, Failure> {
    deal_out(batches.into_iter().map(Next::Batch), operator, connections)
}

/// Sends on so many connections, each what is next, and waits until all of it is settled.
fn deal_out(
    made: impl Iterator<Item = Next>,
    operator: &Caller,
    connections: u32,
) -> Result<Drained, Failure> {
    let (sum, begun) = (Sum::default(), Instant::now());
    let (sender, receiver) = sync_channel(AHEAD);
    // The senders alone hold it: when all have failed, nobody waits for them.
    let receiver = Arc::new(Mutex::new(receiver));
    thread::scope(|scope| {
        let sum = &sum;
        let start = |waiting: Arc<Mutex<_>>| scope.spawn(move || send_all(&waiting, operator, sum));
        let senders: Vec<_> = (0..connections).map(|_| start(Arc::clone(&receiver))).collect();
        drop(receiver);
        for next in made {
            if sender.send(next).is_err() {
                break;
            }
        }
        drop(sender);
        senders.into_iter().try_for_each(joined)
    })?;
    drained(operator, &sum, begun)
}

/// What was made before it is sent, so that making it is not measured.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Batches of events.
    pub batches: Vec<Vec<u8>>,
    /// The clocks at which they are to come, each an hour after the one before.
    pub clocks: Vec<i64>,
}

/// Makes what is to be sent.
pub fn prepare(cloud: &mut Cloud, events: u64) -> Prepared {
    let (end, mut made) = (cloud.taken + events, Prepared::default());
    while cloud.taken < end {
        match cloud.next(end - cloud.taken) {
            Some(Next::Clock(second)) => made.clocks.push(second),
            Some(Next::Batch(lines)) => made.batches.push(lines),
            None => break,
        }
    }
    made
}

fn joined(thread: thread::ScopedJoinHandle<'_, Result<(), Failure>>) -> Result<(), Failure> {
    thread.join().unwrap_or_else(|_| Err(broken("a sender that broke")))
}

/// Waits until all that is durable is settled.
fn drained(operator: &Caller, sum: &Sum, begun: Instant) -> Result<Drained, Failure> {
    let acknowledged = begun.elapsed();
    let [mut logged, mut settled] = [1, 0];
    while settled < logged {
        let text = operator.ask("/metrics")?.text;
        [logged, settled] = [gauge(&text, "kopeck_ingest_logged ")?, gauge(&text, "kopeck_ingest_settled ")?];
        thread::sleep(Duration::from_millis(if settled < logged { 5 } else { 0 }));
    }
    let [accepted, duplicates, busy] =
        [&sum.accepted, &sum.duplicates, &sum.busy].map(|count| count.load(Ordering::Relaxed));
    Ok(Drained { accepted, duplicates, busy, acknowledged, settled: begun.elapsed() })
}

fn gauge(metrics: &str, name: &str) -> Result<u64, Failure> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.ok_or_else(|| broken(&format!("metrics without {name}")))
}

/// Sends whatever is next, until there is no more.
fn send_all(waiting: &Mutex<Receiver<Next>>, operator: &Caller, sum: &Sum) -> Result<(), Failure> {
    let caller = operator.apart();
    loop {
        // Held while the clock is set, so that no event is sent before its hour.
        let queue = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.recv() {
            Ok(Next::Clock(second)) => set_clock(&caller, second)?,
            Ok(Next::Batch(lines)) => {
                drop(queue);
                deliver(&caller, &lines, sum)?;
            }
            Err(_) => return Ok(()),
        }
    }
}

/// Sets the clock, and waits until all that is due until then is done.
pub fn set_clock(caller: &Caller, second: i64) -> Result<(), Failure> {
    let now = Timestamp::from_second(second).map_err(|_| broken("an instant that is none"))?;
    caller.post("/v1/clock", &json!({ "now": now.to_string() })).map(drop)
}

/// Sends a batch until it is taken.
fn deliver(caller: &Caller, lines: &[u8], sum: &Sum) -> Result<(), Failure> {
    loop {
        let answered = caller.deliver((Method::POST, "/v1/events"), (LINES, lines), None)?;
        if answered.status == 429 {
            sum.busy.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(50));
            continue;
        }
        let answer: Value = serde_json::from_str(&answered.text).unwrap_or(Value::Null);
        let (Some(accepted), Some(duplicates)) = (answer["accepted"].as_u64(), answer["duplicates"].as_u64())
        else {
            return Err(broken(&format!("an answer of status {}: {}", answered.status, answered.text)));
        };
        if answer["refused"].as_array().is_some_and(|refused| !refused.is_empty()) {
            return Err(broken(&format!("a refused event: {}", answer["refused"][0])));
        }
        sum.accepted.fetch_add(accepted, Ordering::Relaxed);
        sum.duplicates.fetch_add(duplicates, Ordering::Relaxed);
        return Ok(());
    }
}
