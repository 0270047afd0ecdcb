//! After the month: the clock follows real time, and a few events a second keep coming.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use ureq::http::Method;

use super::month::with_authorisation;
use super::script::Script;
use super::world::{World, unexpected};
use crate::caller::LINES;
use crate::failure::Failure;

/// How often the clock is set and events are sent.
const BEAT: Duration = Duration::from_millis(500);
/// Machines that come and go.
const MACHINES: u64 = 6;

/// Goes on from a second of Unix time until it is interrupted.
pub fn go_on(world: &World, script: &Script, from: i64, interrupted: &AtomicBool) -> Result<(), Failure> {
    let start = Instant::now();
    let mut beat = 0;
    while !interrupted.load(Ordering::Acquire) {
        let gone = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = Timestamp::from_millisecond(from.saturating_mul(1_000).saturating_add(gone));
        let now = now.map_err(|error| unexpected(&error.to_string()))?;
        world.operator.post("/v1/clock", &json!({"now": now.to_string()}))?;
        let lines = events(world, script, beat, now);
        world.operator.send((Method::POST, "/v1/events"), (LINES, lines.as_bytes()), None)?;
        beat += 1;
        std::thread::sleep(BEAT);
    }
    Ok(())
}

/// What happens at a beat: a machine changes, an API is called, and now and then a job ends.
fn events(world: &World, script: &Script, beat: u64, now: Timestamp) -> String {
    let mut lines = vec![(machine(world, script, beat, now), None)];
    let calls = world.keys.len().max(1);
    let turn = usize::try_from(beat).unwrap_or(0) % calls;
    let mut keys: Vec<_> = world.keys.iter().collect();
    keys.sort_unstable();
    if let Some(((source, project), key)) = keys.get(turn) {
        let data = json!({"kind": "api_call", "attributes": {"calls": 1 + beat % 7, "tokens": 1_000}});
        lines.push((usage((beat, now), (source, "live", project), &data), Some(**key)));
    }
    if let Some(executor) = script.executors.first().filter(|_| beat.is_multiple_of(4)) {
        let data = json!({"kind": "job", "attributes": {"cores": 4, "gpus": beat % 2, "ram_mb": 8_192,
            "duration_s": 30 + beat % 60}});
        let project = world.guest.project.as_str();
        lines.push((usage((beat, now), (executor, "live", project), &data), Some(world.guest.grant)));
    }
    let written = lines.iter().map(|(event, pays)| with_authorisation(&event.to_string(), *pays) + "\n");
    written.collect()
}

/// One of a few machines starts, or stops.
fn machine(world: &World, script: &Script, beat: u64, now: Timestamp) -> Value {
    let projects = world.payers.iter().flat_map(|payer| &payer.projects);
    let projects: Vec<_> = projects.collect();
    let machine = beat % MACHINES;
    let project = projects.get(usize::try_from(machine).unwrap_or(0) % projects.len().max(1));
    let source = script.clouds.iter().find(|source| source.starts_with("openstack://"));
    let state = if (beat / MACHINES).is_multiple_of(2) { "RUNNING" } else { "STOPPED" };
    let mut event = json!({"specversion": "1.0", "type": "kopeck.state.v1", "id": format!("live-{beat}"),
        "subject": format!("live-vm-{machine}"), "time": now.to_string(), "actor": "live"});
    event["source"] = json!(source);
    event["project"] = json!(project);
    event["data"] = json!({"kind": "vm", "region": "msk-1", "state": state,
        "attributes": {"vcpu": 2 + machine, "ram_gb": 8, "disk_gb": 40}});
    event
}

fn usage(
    (beat, now): (u64, Timestamp),
    (source, subject, project): (&str, &str, &str),
    data: &Value,
) -> Value {
    json!({"specversion": "1.0", "type": "kopeck.usage.v1", "id": format!("live-{beat}"), "source": source,
        "subject": subject, "time": now.to_string(), "project": project, "actor": "live", "data": data})
}
