//! Beginning again where the log ends: the state that was written down, the events and steps after it, and what the
//! ledger may not have been asked yet.
//!
//! A step is recorded with all that deciding it again needs: whether it was whole, and which postings of the step before
//! it the ledger refused. Postings themselves are taken as they were recorded, so what was decided of the directory
//! since then changes nothing that was decided before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use kopeck_directory::{Directory, name as named};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::Moment;
use kopeck_ledger::record::{Body, Reply};
use kopeck_rating::packed::UnpackError;
use kopeck_settlement::meter_id::MeterId;
use kopeck_settlement::posting::{Posting, PostingKey, PostingName, What};
use kopeck_settlement::shard::{SettleError, Shard};
use kopeck_settlement::step::Step;
use kopeck_store::events::{
    Durable, EventLog, Group, LoggedEvent, LoggedStep, NewSnapshot, Outcome, Position, Snapshot,
};
use kopeck_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::authorised::Known;
use crate::due::Done;
use crate::guard::Guard;
use crate::judge::{Arrived, Judge, Memory};
use crate::metering::{Entities, MeteringError, Time, count};
use crate::placement::{Placement, ShardNumber};
use crate::pricing::Added;
use crate::settler::work_of_looking;
use crate::sources::Sources;
use crate::state::{State, first_month};
use crate::volumes::Volumes;

/// Events are taken again in groups of about so many bytes.
const GROUP_BYTES: usize = 4 << 20;

/// What is written before a step's own bytes, on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Heading {
    whole: bool,
    /// The month that the shard begins with: its months are numbered from there.
    since: Date,
    /// The places of the postings of the step before it that the ledger refused.
    pub refused_before: Vec<usize>,
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
    /// The meters of contracts that were told of what came before them.
    added: BTreeSet<Added>,
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
pub fn written(step: &Step, whole: bool, state: &State) -> Result<Vec<u8>, MeteringError> {
    let heading = Heading { whole, since: state.shard.since(), refused_before: state.refused.clone() };
    let mut bytes = serde_json::to_vec(&heading)?;
    bytes.push(b'\n');
    bytes.extend(step.encode());
    Ok(bytes)
}

/// Reads what [`written`] has written.
///
/// # Errors
/// [`MeteringError`] where the bytes are not those of a step.
pub fn read(postings: &[u8]) -> Result<(Heading, Step), MeteringError> {
    let end = postings.iter().position(|byte| *byte == b'\n').unwrap_or(postings.len());
    let heading = serde_json::from_slice(&postings[..end])?;
    let step = Step::decode(postings.get(end + 1..).unwrap_or_default())?;
    Ok((heading, step))
}

/// So many earlier postings are told at a time; who needs more asks again from the oldest of them on.
const EARLIER: usize = 64;

/// What the steps with postings of a key are found by.
fn key_hash(key: &PostingKey, project: &str) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("kopeck 2026-11-22 keys of postings");
    for number in [key.meter.0, key.part, key.month] {
        hasher.update(&number.to_be_bytes());
    }
    // Names may have other numbers after a restart: the text is what stays.
    hasher.update(project.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_be_bytes(bytes)
}

/// What a step is found by.
pub fn keys(step: &Step) -> Vec<u64> {
    step.postings.iter().map(|posting| key_hash(&posting.key, posting.project.as_str())).collect()
}

/// The latest postings of a key that are before one of them, newest first, with what they are about now. Reads the steps
/// that have postings of the key; what the ledger has is posted.
///
/// # Errors
/// [`MeteringError`] where the steps or the ledger can not be read.
pub fn posted_before(
    (log, ledger): (&dyn EventLog<Arrived>, &dyn Store),
    (key, project): (&PostingKey, &str),
    before: PostingName,
) -> Result<Vec<(PostingName, Amount)>, MeteringError> {
    let (mut corrected, mut found, mut failed) = (BTreeMap::new(), Vec::new(), None);
    log.steps_of(key_hash(key, project), &mut |logged| {
        match read(&logged.step.postings) {
            Ok((_, step)) => {
                for (name, posting) in of_key(&step, (key, project)) {
                    if !is_posted(ledger, posting)? {
                        continue;
                    }
                    match &posting.what {
                        // The newest correction of a posting is met first.
                        What::Correct { name, to, .. } => drop(corrected.entry(*name).or_insert(*to)),
                        What::Service { amount, .. }
                        | What::Job { amount, .. }
                        | What::Call { amount, .. } => {
                            found.push((name, corrected.get(&name).copied().unwrap_or(*amount)));
                        }
                    }
                }
                found.retain(|(name, amount)| *name < before && *amount > Amount::ZERO);
            }
            Err(error) => failed = Some(error),
        }
        Ok(failed.is_none() && found.len() < EARLIER)
    })?;
    failed.map_or(Ok(found), Err)
}

/// The postings of a key in a step, newest first.
fn of_key<'s>(
    step: &'s Step,
    (key, project): (&'s PostingKey, &'s str),
) -> impl Iterator<Item = (PostingName, &'s Posting)> {
    (0..).zip(&step.postings).collect::<Vec<_>>().into_iter().rev().filter_map(move |(index, posting)| {
        // Names may have other numbers than when the step was recorded.
        let same = PostingKey { project: key.project, ..posting.key } == *key;
        let name = PostingName { step: step.number, index };
        (same && posting.project.as_str() == project).then_some((name, posting))
    })
}

/// Whether the ledger has a posting and has not refused it.
fn is_posted(ledger: &dyn Store, posting: &Posting) -> Result<bool, StoreError> {
    let record = ledger.record(posting.id)?;
    Ok(record.is_some_and(|record| !matches!(record.body, Body::Refused(_))))
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
        added: state.added.clone(),
    };
    let mut parts = vec![serde_json::to_vec(&beside)?];
    parts.append(&mut state.shard.pack()?);
    Ok(parts)
}

/// The state after all events and steps of the log, and how much had to be done again for it, in events.
///
/// # Errors
/// [`MeteringError`].
pub fn restore(
    log: &dyn EventLog<Arrived>,
    ledger: &dyn Store,
    directory: &Entities,
    time: &Time,
    (number, horizon_days): (ShardNumber, u32),
) -> Result<(State, u64), MeteringError> {
    ask_again(log, ledger)?;
    let directory = directory();
    let now = (time.now)();
    let known = log.snapshot()?.map(|snapshot| unpacked(log, &snapshot, &directory, now)).transpose()?;
    let mut state = match known.flatten() {
        Some(state) => state,
        None => {
            let since = recorded_beginning(log)?.unwrap_or_else(|| first_month(now, horizon_days));
            let state = State::new(Shard::new(number.0.into(), since), now);
            let parts = &mut packed(&state)?.into_iter();
            log.save_snapshot(NewSnapshot { through: Position::NONE, step: 0, parts })?;
            state
        }
    };
    state.done.take_up(log.duties()?);
    state.guard = Guard::of(log)?;
    state.follow(&directory, log)?;
    let mut again = Again { log, ledger, directory, memory: Memory::default(), now, work: 0 };
    again.steps(&mut state)?;
    again.events(&mut state, log.end())?;
    Ok((state, again.work))
}

/// The month that the shard of the recorded steps begins with.
fn recorded_beginning(log: &dyn EventLog<Arrived>) -> Result<Option<Date>, MeteringError> {
    let mut first = None;
    log.steps_after(0, &mut |logged| {
        first = Some(logged.step.postings);
        Ok(false)
    })?;
    first.map(|postings| Ok(read(&postings)?.0.since)).transpose()
}

/// The state that was written down; `None` where another version of the program wrote it: events and steps tell it again.
fn unpacked(
    log: &dyn EventLog<Arrived>,
    snapshot: &Snapshot,
    directory: &Directory,
    now: Moment,
) -> Result<Option<State>, MeteringError> {
    let beside: Beside = serde_json::from_slice(&log.snapshot_part(snapshot, 0)?)?;
    // One by one, so that no room is needed for all of them beside the state.
    let mut unread = None;
    let parts = (1..snapshot.parts)
        .map_while(|part| log.snapshot_part(snapshot, part).map_err(|error| unread = Some(error)).ok());
    let book = |meter: MeterId| directory.metered(named::MeterId(meter.0)).and_then(|shelf| shelf.prices());
    let restored = Shard::restore(parts, book);
    if let Some(error) = unread {
        return Err(error.into());
    }
    let shard = match restored {
        Err(SettleError::Packed(error @ UnpackError::Version { .. })) => {
            tracing::warn!(%error, "all events are taken again");
            return Ok(None);
        }
        other => other?,
    };
    let mut state = State::new(shard, now);
    (state.volumes, state.sources, state.done) = (beside.volumes, beside.sources, beside.done);
    state.at = Moment::from_nanoseconds(beside.at).unwrap_or(now);
    (state.through, state.refused, state.added) = (snapshot.through, beside.refused, beside.added);
    Ok(Some(state))
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
    /// What was done again, in events.
    work: u64,
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
            if heading.whole {
                state.done.note_whole(row.at);
            }
            let known = Known { directory: &self.directory, ledger: self.ledger, log: self.log };
            let decided = state.shard.decide(row.at, heading.whole, &known)?;
            self.work += work_of_looking(state, heading.whole);
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
            if !is_posted(self.ledger, posting)? {
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
            self.work += count(&durable);
            state.take(&durable)?;
            state.through = last;
        }
        Ok(())
    }

    /// Events as they were when they became durable.
    fn durable(&mut self, lines: Vec<u8>, received: Moment, after: Position) -> Durable<Arrived> {
        let judge = Judge {
            directory: Arc::clone(&self.directory),
            now: self.now,
            horizon_days: None,
            placement: Placement::WHOLE,
        };
        let judged = judge.judge(lines, &self.memory, |_| true);
        let mut positions = (after.0..).skip(1).map(|position| Outcome::Accepted(Position(position)));
        let accepted = |(_, group): (_, Group<Arrived>)| {
            let outcomes = positions.by_ref().take(group.arrivals.len()).collect();
            (group, outcomes)
        };
        Durable { received, groups: judged.groups.into_iter().map(accepted).collect() }
    }
}
