//! Beginning again where the log ends: the state that was written down, the events and steps after it, and what the
//! ledger may not have been asked yet.
//!
//! A step is recorded with all that deciding it again needs: whether it was whole, and which postings of the step before
//! it the ledger refused. Postings themselves are taken as they were recorded, so what was decided of the directory
//! since then changes nothing that was decided before.

use std::sync::Arc;

use kopeck_directory::{Directory, name as named};
use kopeck_ledger::name::Moment;
use kopeck_ledger::record::{Body, Reply};
use kopeck_settlement::meter_id::MeterId;
use kopeck_settlement::shard::Shard;
use kopeck_settlement::step::Step;
use kopeck_store::events::{Durable, EventLog, Group, LoggedEvent, LoggedStep, Outcome, Position};
use kopeck_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::authorised::Known;
use crate::due::Done;
use crate::judge::{Arrived, Judge, Memory};
use crate::metering::{Entities, MeteringError, Time};
use crate::sources::Sources;
use crate::state::{SHARD, State, first_month};
use crate::volumes::Volumes;

/// A part of a state that is written down has at most so many bytes.
const PART_BYTES: usize = 4 << 20;
/// Events are taken again in groups of about so many bytes.
const GROUP_BYTES: usize = 4 << 20;

/// What is written before a step's own bytes, on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Heading {
    whole: bool,
    /// The places of the postings of the step before it that the ledger refused.
    refused_before: Vec<usize>,
}

/// What lies beside the shard in a state that is written down.
#[derive(Debug, Serialize, Deserialize)]
struct Beside {
    volumes: Volumes,
    sources: Sources,
    done: Done,
    /// The instant of the last step, in nanoseconds of Unix time.
    at: i64,
    /// The places of the postings of the last step that the ledger refused.
    refused: Vec<usize>,
}

/// The places of the requests that were refused.
pub fn refused(replies: &[Reply]) -> Vec<usize> {
    let refused = replies.iter().enumerate().filter(|(_, reply)| reply.is_err());
    refused.map(|(index, _)| index).collect()
}

/// A step as it is recorded.
///
/// # Errors
/// [`MeteringError::Json`], which numbers never cause.
pub fn written(step: &Step, whole: bool, refused_before: &[usize]) -> Result<Vec<u8>, MeteringError> {
    let mut bytes = serde_json::to_vec(&Heading { whole, refused_before: refused_before.to_vec() })?;
    bytes.push(b'\n');
    bytes.extend(step.encode());
    Ok(bytes)
}

/// Reads what [`written`] wrote.
///
/// # Errors
/// [`MeteringError`] of bytes that are no step.
pub fn read(postings: &[u8]) -> Result<(Heading, Step), MeteringError> {
    let end = postings.iter().position(|byte| *byte == b'\n').unwrap_or(postings.len());
    let heading = serde_json::from_slice(&postings[..end])?;
    let step = Step::decode(postings.get(end + 1..).unwrap_or_default())?;
    Ok((heading, step))
}

/// The state in parts, to be written down.
///
/// # Errors
/// [`MeteringError`] where nothing can be answered any more.
pub fn packed(state: &State) -> Result<Vec<Vec<u8>>, MeteringError> {
    let beside = Beside {
        volumes: state.volumes.clone(),
        sources: state.sources.clone(),
        done: state.done.clone(),
        at: state.at.nanoseconds(),
        refused: state.refused.clone(),
    };
    let mut parts = vec![serde_json::to_vec(&beside)?];
    parts.extend(state.shard.pack()?.chunks(PART_BYTES).map(<[u8]>::to_vec));
    Ok(parts)
}

/// The state after all events and steps of the log.
///
/// # Errors
/// [`MeteringError`].
pub fn restore(
    log: &dyn EventLog<Arrived>,
    ledger: &dyn Store,
    directory: &Entities,
    time: &Time,
    horizon_days: u32,
) -> Result<State, MeteringError> {
    ask_again(log, ledger)?;
    let directory = directory();
    let now = (time.now)();
    let mut state = match log.snapshot()? {
        Some(snapshot) => {
            let mut parts = snapshot.parts.into_iter();
            let beside: Beside = serde_json::from_slice(&parts.next().unwrap_or_default())?;
            let packed: Vec<u8> = parts.flatten().collect();
            let mut state = State::new(restored(&packed, &directory)?, now, horizon_days);
            (state.volumes, state.sources, state.done) = (beside.volumes, beside.sources, beside.done);
            state.at = Moment::from_nanoseconds(beside.at).unwrap_or(now);
            (state.through, state.refused) = (snapshot.through, beside.refused);
            state
        }
        None => State::new(Shard::new(SHARD, first_month(now, horizon_days)), now, horizon_days),
    };
    state.follow(&directory)?;
    let mut again = Again { log, ledger, directory, memory: Memory::default(), now };
    again.steps(&mut state)?;
    again.events(&mut state, log.end())?;
    Ok(state)
}

fn restored(packed: &[u8], directory: &Directory) -> Result<Shard, MeteringError> {
    let book = |meter: MeterId| directory.metered(named::MeterId(meter.0)).and_then(|shelf| shelf.prices());
    Ok(Shard::restore(packed, book)?)
}

/// Asks the ledger for what was recorded and not confirmed. What it did before it does not do again.
fn ask_again(log: &dyn EventLog<Arrived>, ledger: &dyn Store) -> Result<(), MeteringError> {
    for row in log.unconfirmed()? {
        let (_, step) = read(&row.postings)?;
        ledger.perform(step.requests())?;
        log.confirm_step(row.number)?;
    }
    Ok(())
}

/// Taking events and steps again.
struct Again<'a> {
    log: &'a dyn EventLog<Arrived>,
    ledger: &'a dyn Store,
    directory: Arc<Directory>,
    memory: Memory,
    now: Moment,
}

impl Again<'_> {
    /// Takes all steps after the state's last one, each after its events.
    fn steps(&mut self, state: &mut State) -> Result<(), MeteringError> {
        let mut steps: Vec<LoggedStep> = Vec::new();
        self.log.steps_after(state.shard.steps(), &mut |step| {
            steps.push(step);
            Ok(true)
        })?;
        let mut before: Option<Step> = None;
        for LoggedStep { step: row, .. } in steps {
            let (heading, recorded) = read(&row.postings)?;
            if let Some(before) = before.take() {
                state.settled(&before, heading.refused_before)?;
            }
            self.events(state, row.through)?;
            state.at = row.at;
            let known = Known { directory: &self.directory, ledger: self.ledger, log: self.log };
            let decided = state.shard.decide(row.at, heading.whole, &known)?;
            if (decided.number, decided.postings.is_empty()) != (recorded.number, false) {
                return Err(MeteringError::Diverged { step: row.number, decided: decided.number });
            }
            before = Some(recorded);
        }
        if let Some(last) = before {
            let refused = self.refused(&last)?;
            state.settled(&last, refused)?;
        }
        Ok(())
    }

    /// The places of the postings that the ledger does not have.
    fn refused(&self, step: &Step) -> Result<Vec<usize>, StoreError> {
        let mut refused = Vec::new();
        for (index, posting) in step.postings.iter().enumerate() {
            let record = self.ledger.record(posting.id)?;
            if record.is_none_or(|record| matches!(record.body, Body::Refused(_))) {
                refused.push(index);
            }
        }
        Ok(refused)
    }

    /// Takes the events up to a place of the log.
    fn events(&mut self, state: &mut State, through: Position) -> Result<(), MeteringError> {
        while state.through < through {
            let mut lines = Vec::new();
            let (mut received, mut last) = (Moment::FIRST, state.through);
            self.log.read(state.through, &mut |event: LoggedEvent<'_>| {
                if event.position > through || (lines.len() > GROUP_BYTES && event.received != received) {
                    return Ok(false);
                }
                lines.extend_from_slice(event.line);
                lines.push(b'\n');
                (received, last) = (event.received, event.position);
                Ok(lines.len() <= GROUP_BYTES)
            })?;
            if last == state.through {
                return Err(StoreError::Corrupt(format!("event {} is missing", last.next())).into());
            }
            let durable = self.durable(lines, received, state.through);
            state.take(&durable)?;
            state.through = last;
        }
        Ok(())
    }

    /// Events as they were when they became durable.
    fn durable(&mut self, lines: Vec<u8>, received: Moment, after: Position) -> Durable<Arrived> {
        let judge = Judge { directory: Arc::clone(&self.directory), now: self.now, horizon_days: None };
        let group: Group<Arrived> = judge.judge(lines, &self.memory, |_| true).group;
        let positions = (after.0..).skip(1).map(|position| Outcome::Accepted(Position(position)));
        let outcomes = positions.take(group.arrivals.len()).collect();
        Durable { received, groups: vec![(group, outcomes)] }
    }
}
