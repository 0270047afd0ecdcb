//! A runaway: machines that a fault starts by the dozen, in a project with a cap. The guard stops them, and the cap is kept.
//!
//! While it goes on the clock is set minute by minute, because the cloud is played here too: it obeys a stop within a minute.

use std::io::{self, Write};

use kopeck_ledger::amount::Amount;
use serde_json::{Value, json};
use ureq::http::Method;

use super::month::{instant, micros, set_clock};
use super::script::HOUR;
use super::world::{World, unexpected};
use crate::caller::LINES;
use crate::failure::Failure;

/// The project, and what it may cost in a month.
const PROJECT: &str = "runaway";
const CAP: &str = "10000";
/// So many machines are started, and where.
const MACHINES: u32 = 40;
pub const REGION: &str = "msk-1";
/// The hour of the month in which that happens, and the second of that hour.
const STARTS: (i64, i64) = (30, 600);
const MINUTE: i64 = 60;

/// The story of it.
#[derive(Debug)]
pub struct Runaway {
    source: String,
    /// The second in which the machines start.
    starts: i64,
    /// The second in which the month ends.
    month_ends: i64,
    /// All of its events.
    pub lines: Vec<String>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Nothing has happened.
    Quiet,
    /// The machines run.
    Runs,
    /// They were stopped.
    Over(Over),
}

/// How it ended.
#[derive(Debug)]
struct Over {
    /// When the stops were decided, and how many there were.
    stopped: String,
    stops: usize,
    /// When the cap would have been met, and what the month would have cost by its end.
    met: String,
    without: Amount,
}

impl Runaway {
    /// Makes the project with its cap.
    pub fn new(world: &mut World, source: &str, accepted: &str, from: i64) -> Result<Runaway, Failure> {
        let payer = world.payers.first_mut().ok_or_else(|| unexpected("nobody who pays"))?;
        let project = json!({"id": PROJECT, "workspace": payer.workspace, "accepted": accepted});
        world.operator.post("/v1/projects", &project)?;
        payer.projects.push(PROJECT.to_owned());
        let cap = json!({"limit": "cap:month", "amount": CAP, "currency": "RUB"});
        payer.caller.post(&format!("/v1/projects/{PROJECT}/limits"), &cap)?;
        let starts = from + STARTS.0 * HOUR + STARTS.1;
        // October has 31 days, and the clocks of Moscow are not changed in it.
        let month_ends = from + 31 * 24 * HOUR;
        Ok(Runaway { source: source.to_owned(), starts, month_ends, lines: Vec::new(), phase: Phase::Quiet })
    }

    /// What of an hour of the month is its own: the clock is set within that hour, up to its last second.
    pub fn hour(&mut self, world: &World, hour: i64) -> Result<(), Failure> {
        let (begin, end) = (hour * HOUR, (hour + 1) * HOUR - 1);
        if matches!(self.phase, Phase::Quiet) && (begin..=end).contains(&self.starts) {
            set_clock(&world.operator, self.starts)?;
            for machine in 0..MACHINES {
                self.say(machine, "RUNNING", self.starts)?;
            }
            self.send(world, 0)?;
            self.phase = Phase::Runs;
        }
        let mut now = begin.max(self.starts);
        while matches!(self.phase, Phase::Runs) && now + MINUTE <= end {
            now += MINUTE;
            set_clock(&world.operator, now)?;
            let stops = world.operator.get(&format!("/v1/projects/{PROJECT}/stops?limit=1000"))?;
            let stops = stops["items"].as_array().cloned().unwrap_or_default();
            if let Some(first) = stops.first() {
                self.obey(world, (first, stops.len()), now)?;
            }
        }
        Ok(())
    }

    /// The cloud obeys: it reports that all of them are stopped.
    fn obey(&mut self, world: &World, (first, stops): (&Value, usize), now: i64) -> Result<(), Failure> {
        let spend = world.operator.get(&format!("/v1/projects/{PROJECT}/spend"))?;
        let (total, rate) = (micros(&spend["total"])?, micros(&spend["burn_rate_an_hour"])?);
        let cap = CAP.parse::<Amount>().map_err(|_| unexpected("a cap that is none"))?.micros();
        let left = (cap - total).max(0) * i128::from(HOUR) / rate.max(1);
        let met = now + i64::try_from(left).unwrap_or(0);
        let without = total + rate * i128::from(self.month_ends - now) / i128::from(HOUR);
        let known = self.lines.len();
        for machine in 0..MACHINES {
            self.say(machine, "STOPPED", now)?;
        }
        self.send(world, known)?;
        self.phase = Phase::Over(Over {
            stopped: first["decided"].as_str().unwrap_or_default().to_owned(),
            stops,
            met: instant(met)?.to_string(),
            without: Amount::from_micros(without),
        });
        Ok(())
    }

    fn say(&mut self, machine: u32, state: &str, second: i64) -> Result<(), Failure> {
        let line = json!({"specversion": "1.0", "type": "kopeck.state.v1", "source": self.source,
            "id": format!("{PROJECT}-{machine}-{state}"), "subject": format!("{PROJECT}-{machine}"),
            "time": instant(second)?.to_string(), "project": PROJECT, "data": {"kind": "vm", "state": state,
            "region": REGION, "attributes": {"vcpu": 32, "ram_gb": 128}}});
        self.lines.push(line.to_string());
        Ok(())
    }

    fn send(&self, world: &World, known: usize) -> Result<(), Failure> {
        let body = self.lines[known..].join("\n");
        let answer = world.operator.send((Method::POST, "/v1/events"), (LINES, body.as_bytes()), None)?;
        if answer["accepted"] == json!(self.lines.len() - known) {
            return Ok(());
        }
        Err(unexpected(&format!("events that were refused: {answer}")))
    }

    /// Tells how it ended.
    pub fn print(&self, world: &World) -> Result<(), Failure> {
        let Phase::Over(Over { stopped, stops, met, without }) = &self.phase else {
            return Err(unexpected("a runaway that was not stopped"));
        };
        let limits = world.operator.get(&format!("/v1/projects/{PROJECT}/limits"))?;
        let now = &limits["limits"][0]["now"][0];
        let spend = world.operator.get(&format!("/v1/projects/{PROJECT}/spend?month=2026-10"))?;
        let (spent, cap) = (micros(&spend["total"])?, CAP.parse::<Amount>().map(Amount::micros).unwrap_or(0));
        if spent > cap || now["beyond"].is_object() {
            return Err(unexpected(&format!("a cap of {CAP} that was not kept: {spend}")));
        }
        let starts = instant(self.starts)?;
        writeln!(
            io::stdout(),
            "A runaway: at {starts} a fault starts {MACHINES} machines of 32 vCPUs in project {PROJECT}, whose month may \
             cost {CAP}.00.\n  The cap would have been met at {met}; the guard sent {stops} stops at {stopped}.\n  The month \
             has cost {}; without the guard it would have cost {without} by its end.\n",
            Amount::from_micros(spent),
        )?;
        Ok(())
    }
}
