//! The month, hour by hour: the clock is set, money is set aside for jobs, and what happened is sent.

use std::collections::HashMap;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kopeck_ledger::amount::Amount;
use serde_json::{Value, json};
use ureq::http::Method;
use uuid::Uuid;

use super::runaway::Runaway;
use super::script::{HOUR, Line, Script};
use super::world::{Payer, World, unexpected};
use crate::caller::{Caller, LINES};
use crate::failure::Failure;

/// More than any job of the sample costs.
const LARGEST_JOB: &str = "2000";
/// Money that is set aside for a job goes back after a day, whatever becomes of the job.
const HOLD_HOURS: i64 = 24;
/// A payer keeps money for so many hours at the present rate, and so much more.
const RESERVE_HOURS: i128 = 24 * 7;
const RESERVE: i128 = 100_000;
const MICROS: i128 = 1_000_000;

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// Events that were new.
    pub accepted: u64,
    /// Events that had been sent before.
    pub duplicates: u64,
    /// Holds that were made for jobs.
    pub holds: u64,
    /// Payment orders of the payers.
    pub deposits: u64,
}

/// Plays the month up to its end, and leaves the clock there.
pub fn play(
    world: &mut World,
    script: &Script,
    (from, to): (i64, i64),
    mut runaway: Option<&mut Runaway>,
) -> Result<Sent, Failure> {
    let mut sent = Sent::default();
    let progress = ProgressBar::new(u64::try_from(to - from).unwrap_or(0) / 3_600);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {percent} %") {
        progress.set_style(style);
    }
    let mut holds = HashMap::new();
    let mut rest = script.lines.as_slice();
    for hour in from.div_euclid(HOUR)..to.div_euclid(HOUR) {
        let count = rest.iter().take_while(|line| line.hour <= hour).count();
        let (lines, later) = rest.split_at(count);
        rest = later;
        if let Some(runaway) = &mut runaway {
            runaway.hour(world, hour)?;
        }
        set_clock(&world.operator, (hour + 1) * HOUR - 1)?;
        let moscow = local(hour * HOUR)?;
        if moscow.hour() == 0 && hour * HOUR > from {
            progress.set_message(moscow.date().to_string());
            top_up(world, &moscow.date().to_string(), &mut sent)?;
        }
        set_aside(world, script, (lines, hour), &mut holds, &mut sent)?;
        send(world, script, (lines, &holds), &mut sent)?;
        progress.inc(1);
    }
    set_clock(&world.operator, to)?;
    progress.finish_and_clear();
    Ok(sent)
}

/// Sets the server's clock to a second of Unix time; answers when all that was due until then is done.
pub fn set_clock(operator: &Caller, second: i64) -> Result<(), Failure> {
    operator.post("/v1/clock", &json!({"now": instant(second)?.to_string()})).map(drop)
}

/// Sets money aside for each job that is not paid by role: no hold, no job.
fn set_aside(
    world: &mut World,
    script: &Script,
    (lines, hour): (&[Line], i64),
    holds: &mut HashMap<String, Uuid>,
    sent: &mut Sent,
) -> Result<(), Failure> {
    let expires = instant((hour + HOLD_HOURS) * HOUR)?.to_string();
    for line in lines.iter().filter(|line| script.executors.contains(&line.source)) {
        if is_by_role(world, line) || holds.contains_key(&line.id) {
            continue;
        }
        let id = world.id();
        let Payer { workspace, .. } = world.payer(&line.project)?;
        let hold = json!({"account": workspace, "amount": LARGEST_JOB, "currency": "RUB", "expires": expires,
            "project": line.project, "reference": format!("job {} on {}", line.id, line.source)});
        world.operator.post_once("/v1/holds", id, &hold)?;
        holds.insert(line.id.clone(), id);
        sent.holds += 1;
    }
    Ok(())
}

fn is_by_role(world: &World, line: &Line) -> bool {
    line.actor == world.guest.actor && line.project == world.guest.project
}

/// Sends events, each with what pays for it.
fn send(
    world: &World,
    script: &Script,
    (lines, holds): (&[Line], &HashMap<String, Uuid>),
    sent: &mut Sent,
) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut body = String::new();
    for line in lines {
        let authorisation = if script.executors.contains(&line.source) {
            if is_by_role(world, line) { Some(world.guest.grant) } else { holds.get(&line.id).copied() }
        } else {
            world.keys.get(&(line.source.clone(), line.project.clone())).copied()
        };
        body.push_str(&with_authorisation(&line.text, authorisation));
        body.push('\n');
    }
    let answer = world.operator.send((Method::POST, "/v1/events"), (LINES, body.as_bytes()), None)?;
    if let Some(refused) = answer["refused"].as_array().and_then(|refused| refused.first()) {
        return Err(unexpected(&format!("an event that was refused: {refused}")));
    }
    sent.accepted += answer["accepted"].as_u64().unwrap_or(0);
    sent.duplicates += answer["duplicates"].as_u64().unwrap_or(0);
    Ok(())
}

/// The same event, naming what pays for it.
pub fn with_authorisation(event: &str, authorisation: Option<Uuid>) -> String {
    match (authorisation, event.strip_prefix('{')) {
        (Some(id), Some(rest)) => format!("{{\"authorisation\":\"{id}\",{rest}"),
        _ => event.to_owned(),
    }
}

/// Each payer looks how long its money lasts, and sends more where that is not long.
fn top_up(world: &mut World, date: &str, sent: &mut Sent) -> Result<(), Failure> {
    for number in 0..world.payers.len() {
        let Payer { workspace, caller, projects, .. } = &world.payers[number];
        let account = world.operator.get(&format!("/v1/accounts/{workspace}"))?;
        let mut wanted = RESERVE * MICROS;
        for project in projects {
            let spend = caller.get(&format!("/v1/projects/{project}/spend"))?;
            wanted += micros(&spend["burn_rate_an_hour"])? * RESERVE_HOURS;
        }
        let available = micros(&account["available"])?;
        if available >= wanted {
            continue;
        }
        // In whole thousands, for twice the time.
        let thousands = (wanted * 2 - available).div_euclid(1_000 * MICROS) + 1;
        let amount = u64::try_from(thousands * 1_000).map_err(|_| unexpected("too large a debt"))?;
        world.top_up(number, amount, date)?;
        sent.deposits += 1;
    }
    Ok(())
}

/// An amount of a document, in millionths.
pub fn micros(amount: &Value) -> Result<i128, Failure> {
    let amount = amount.as_str().and_then(|text| text.parse::<Amount>().ok());
    amount.map(Amount::micros).ok_or_else(|| unexpected("an amount that is none"))
}

pub fn instant(second: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_second(second).map_err(|error| unexpected(&error.to_string()))
}

fn local(second: i64) -> Result<jiff::Zoned, Failure> {
    let zone = TimeZone::get("Europe/Moscow").map_err(|error| unexpected(&error.to_string()))?;
    Ok(instant(second)?.to_zoned(zone))
}
