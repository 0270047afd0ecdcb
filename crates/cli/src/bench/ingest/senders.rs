//! Those who send, on a connection each, and those who wait until all is settled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use ureq::http::Method;

use crate::bench::ingest::broken;
use crate::bench::ingest::cloud::{Cloud, Next};
use crate::caller::{Caller, LINES};
use crate::failure::Failure;

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
    let sum = Sum::default();
    let begun = Instant::now();
    let (sender, receiver) = sync_channel(64);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        let senders: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| send_all(&receiver, operator, &sum))).collect();
        let end = cloud.taken + events;
        while cloud.taken < end {
            let Some(next) = cloud.next(end - cloud.taken) else { break };
            if sender.send(next).is_err() {
                break;
            }
            told(cloud.taken);
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

/// Sends batches that were made before.
pub fn send(batches: Vec<Vec<u8>>, operator: &Caller, connections: u32) -> Result<Drained, Failure> {
    let sum = Sum::default();
    let (sender, receiver) = sync_channel(batches.len());
    for lines in batches {
        sender.send(Next::Batch(lines)).map_err(|_| broken("a queue that is closed"))?;
    }
    drop(sender);
    let receiver = Mutex::new(receiver);
    let begun = Instant::now();
    thread::scope(|scope| {
        let senders: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| send_all(&receiver, operator, &sum))).collect();
        senders.into_iter().try_for_each(joined)
    })?;
    drained(operator, &sum, begun)
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
        [logged, settled] = ["kopeck_ingest_logged ", "kopeck_ingest_settled "].map(|name| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            value.unwrap_or(0)
        });
        thread::sleep(Duration::from_millis(if settled < logged { 5 } else { 0 }));
    }
    let [accepted, duplicates, busy] =
        [&sum.accepted, &sum.duplicates, &sum.busy].map(|count| count.load(Ordering::Relaxed));
    Ok(Drained { accepted, duplicates, busy, acknowledged, settled: begun.elapsed() })
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
