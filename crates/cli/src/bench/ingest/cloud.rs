//! The cloud that sends: the sample's events in batches, each at its hour, one in twenty of them sent before.

use jiff::Timestamp;
use kopeck_sample::{Ids, Options, Sample};
use serde_json::json;
use ureq::http::Method;
use uuid::Uuid;

use crate::bench::SAMPLE_BOOK;
use crate::bench::ingest::broken;
use crate::caller::{Caller, TOML};
use crate::failure::Failure;

/// Events of a batch.
pub const BATCH: u64 = 1_000;
/// One event in so many was sent before; what the sample itself sends twice makes it one in twenty.
const REPEATED: u64 = 25;
/// Earlier events to choose from.
const REMEMBERED: usize = 100_000;
const HOUR_MS: u64 = 3_600_000;
/// When the sample begins.
const START: &str = "2026-10-01T00:00:00+03:00";
/// What the names of its sources begin with.
const SOURCES: [&str; 5] = ["openstack://", "executor://", "api://", "s3://", "order://"];
/// Enough that nobody runs out of money: what is refused is not measured here.
const FUNDS: u64 = 1_000_000_000_000;

/// What happens next.
#[derive(Debug)]
pub enum Next {
    /// The clock is set, to a second of Unix time.
    Clock(i64),
    /// Events, one a line.
    Batch(Vec<u8>),
}

/// The events, from where it has come to, and the objects that they need.
pub struct Cloud {
    sample: Sample,
    /// The second in which the sample begins.
    start: i64,
    /// The hour of the sample that has ended when the next events are sent.
    hour: u64,
    /// A line that belongs to the next hour.
    line: Vec<u8>,
    /// Lines that were sent before.
    earlier: Vec<Vec<u8>>,
    /// How many lines of the sample were sent.
    pub taken: u64,
    /// Those whose costs there are.
    pub projects: Vec<String>,
}

/// The sample that is sent.
pub fn options(vms: u32) -> Options {
    Options { vms, days: 31, ids: Ids::Random, ..Options::default() }
}

impl Cloud {
    /// A cloud at its beginning, with a payer and a provider.
    pub fn new(operator: &Caller, vms: u32) -> Result<Cloud, Failure> {
        let options = options(vms);
        let sample = Sample::new(&options)
            .map_err(|error| Failure::input(error, None, "`kopeck bench ingest --help` tells the options"))?;
        let start: Timestamp = START.parse().map_err(|_| broken("an instant that is none"))?;
        let [user, workspace, provider] = [(); 3].map(|()| Uuid::now_v7());
        operator.post("/v1/users", &json!({"id": user, "name": "Payer"}))?;
        let body = json!({"id": workspace, "name": "Cloud", "time_zone": "Europe/Moscow", "owner": user});
        operator.post("/v1/workspaces", &body)?;
        fund(operator, user)?;
        let body = json!({"type": "transfer", "from": user, "to": workspace, "amount": FUNDS.to_string(),
            "currency": "RUB"});
        operator.post_once("/v1/transactions", Uuid::now_v7(), &body)?;
        operator.send((Method::POST, "/v1/price-books"), (TOML, SAMPLE_BOOK.as_bytes()), None)?;
        let body = json!({"id": provider, "name": "Cloud", "price_book": "sample", "delay_s": 3_600,
            "heartbeat_s": 0});
        operator.post("/v1/providers", &body)?;
        for source in SOURCES {
            operator.post(
                &format!("/v1/providers/{provider}/sources"),
                &json!({"source": source, "prefix": true}),
            )?;
        }
        let projects: Vec<_> = sample.projects().map(str::to_owned).collect();
        for project in &projects {
            let body = json!({"id": project, "workspace": workspace, "accepted": START});
            operator.post("/v1/projects", &body)?;
        }
        let start = start.as_second();
        Ok(Cloud { sample, start, hour: 0, line: Vec::new(), earlier: Vec::new(), taken: 0, projects })
    }

    /// What happens next, for at most so many events.
    pub fn next(&mut self, most: u64) -> Option<Next> {
        let mut batch = Vec::new();
        let mut events = 0;
        while events < BATCH.min(most) {
            if self.line.is_empty() && !self.sample.next_line(&mut self.line) {
                break;
            }
            let hour = self.sample.elapsed_ms() / HOUR_MS + 1;
            if hour > self.hour && events > 0 {
                break;
            }
            if hour > self.hour {
                self.hour = hour;
                return Some(Next::Clock(self.now()));
            }
            self.take(&mut batch);
            events += 1;
            if self.taken.is_multiple_of(REPEATED) && events < BATCH {
                batch.extend_from_slice(&self.earlier[place(self.taken, self.earlier.len())]);
                events += 1;
            }
        }
        (events > 0).then_some(Next::Batch(batch))
    }

    /// The second at which the clock stands.
    pub fn now(&self) -> i64 {
        self.start + i64::try_from(self.hour * HOUR_MS / 1_000).unwrap_or(i64::MAX)
    }

    /// Moves the line that is next to a batch.
    fn take(&mut self, batch: &mut Vec<u8>) {
        self.line.push(b'\n');
        batch.extend_from_slice(&self.line);
        self.taken += 1;
        let line = std::mem::take(&mut self.line);
        if self.earlier.len() < REMEMBERED {
            self.earlier.push(line);
        } else if self.taken.is_multiple_of(REPEATED) {
            let place = place(!self.taken, REMEMBERED);
            self.earlier[place] = line;
        }
    }
}

/// Money comes in.
pub fn fund(operator: &Caller, account: Uuid) -> Result<(), Failure> {
    let body = json!({"type": "deposit", "account": account, "amount": FUNDS.to_string(), "currency": "RUB",
        "reference": "bench"});
    operator.post_once("/v1/transactions", Uuid::now_v7(), &body).map(drop)
}

/// One of so many places, by a number: the same for the same number.
fn place(number: u64, places: usize) -> usize {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(mixed).unwrap_or(0) % places.max(1)
}
