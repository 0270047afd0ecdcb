//! Usage events come in: judged, durable, then answered (rating.md, "Usage events").

use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec::IntoIter;

use kopeck_api::events::{Ingested, RefusedEvent};
use kopeck_metering::body::{self, Form};
use kopeck_metering::judge::{Arrived, Rejected, Verdict};
use kopeck_metering::placement::ShardNumber;
use kopeck_store::StoreError;
use kopeck_store::events::{EventTicket, Group, Outcome};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::app::{App, access};
use crate::auth::Principal;
use crate::error::AppError;
use crate::shards::Place;

/// Accepts the events of a body, or says why not, each by itself; answers when it is durable.
///
/// # Errors
/// [`AppError::Input`] of a body that is not JSON as a whole; [`AppError::TooMany`] where too much waits;
/// [`AppError::Store`] where the log failed.
pub async fn ingest(
    app: &Arc<App>,
    who: &Principal,
    form: Form,
    unpack: impl FnOnce() -> Result<Vec<u8>, AppError> + Send + 'static,
) -> Result<Ingested, AppError> {
    if app.shards.are_behind() {
        return Err(AppError::TooMany(BEHIND));
    }
    let sender = who.clone();
    let judged = app
        .blocking(move |app| {
            let lines = body::lines(form, unpack()?)
                .map_err(|error| AppError::malformed(error.to_string(), "send it as rating.md says"))?;
            let by = (app.directory.snapshot(), app.now());
            Ok(app.shards.judge(lines, by, access::may_send(app, &sender)))
        })
        .await?;
    let mut fates = BTreeMap::new();
    for (shard, handed) in hand_over(app, judged.groups).await? {
        fates.insert(shard, handed.fates().await?.into_iter());
    }
    let answer = answer(judged.verdicts, fates);
    app.metrics.ingested(answer.accepted, answer.duplicates, answer.refused.len());
    Ok(answer)
}

/// Accepts the events of a shard that another node passes on: who sends them was asked there.
///
/// # Errors
/// As [`ingest`]; [`AppError::Moving`] where the shard is not here.
pub async fn passed_on(app: &Arc<App>, shard: ShardNumber, lines: Vec<u8>) -> Result<Vec<Fate>, AppError> {
    let metering = app.shards.here(shard).ok_or(AppError::Moving)?;
    if metering.is_behind() {
        return Err(AppError::TooMany(BEHIND));
    }
    app.refresh().await?;
    let judged = app
        .blocking(move |app| {
            let by = (app.directory.snapshot(), app.now());
            Ok(app.shards.judge(lines, by, |_| true))
        })
        .await?;
    let mut outcomes = Vec::new().into_iter();
    for (found, group) in judged.groups {
        if found != shard {
            return Err(AppError::Internal(format!("events of shard {found} were passed on to {shard}")));
        }
        outcomes = metering.submit(group).map_err(busy)?.await?.into_iter();
    }
    let fate = |verdict| match verdict {
        Verdict::Passed(_) => outcomes.next().map_or(Fate::OtherContent, Fate::from),
        Verdict::Rejected(rejected) => Fate::Refused(refused(rejected)),
    };
    Ok(judged.verdicts.into_iter().map(fate).collect())
}

/// What became of an event that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is in the log.
    Accepted,
    /// It was before.
    Duplicate,
    /// Another event has its key.
    OtherContent,
    /// The node that has the shard does not log it.
    Refused(Refused),
}

/// Why an event is not logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    source: Option<String>,
    id: Option<String>,
    reason: String,
    remedy: String,
}

impl From<Outcome> for Fate {
    fn from(outcome: Outcome) -> Fate {
        match outcome {
            Outcome::Accepted(_) => Fate::Accepted,
            Outcome::Duplicate => Fate::Duplicate,
            Outcome::OtherContent => Fate::OtherContent,
        }
    }
}

fn refused(Rejected { source, id, why }: Rejected) -> Refused {
    Refused { source, id, reason: why.to_string(), remedy: why.remedy().to_owned() }
}

/// A group that a shard has.
enum Handed {
    Here(EventTicket),
    There(JoinHandle<Result<Vec<Fate>, AppError>>),
}

impl Handed {
    async fn fates(self) -> Result<Vec<Fate>, AppError> {
        match self {
            Handed::Here(ticket) => Ok(ticket.await?.into_iter().map(Fate::from).collect()),
            Handed::There(asking) => {
                asking.await.unwrap_or_else(|error| Err(AppError::Internal(error.to_string())))
            }
        }
    }
}

/// Hands each group to its shard, wherever that is; none waits for another.
async fn hand_over(
    app: &Arc<App>,
    groups: Vec<(ShardNumber, Group<Arrived>)>,
) -> Result<Vec<(ShardNumber, Handed)>, AppError> {
    let mut handed = Vec::with_capacity(groups.len());
    for (shard, group) in groups {
        let to = match app.shards.place(shard).await? {
            Place::Here(metering) => Handed::Here(metering.submit(group).map_err(busy)?),
            Place::There(_) => {
                let app = Arc::clone(app);
                Handed::There(tokio::spawn(async move { pass_on(&app, shard, &group).await }))
            }
        };
        handed.push((shard, to));
    }
    Ok(handed)
}

/// Passes a group on to the node that has its shard. Where that has gone, the shard's next node is waited for: what the
/// first one may have logged is there a duplicate.
async fn pass_on(app: &App, shard: ShardNumber, group: &Group<Arrived>) -> Result<Vec<Fate>, AppError> {
    let mut lines = Vec::with_capacity(group.bytes.len());
    for arrival in &group.arrivals {
        lines.extend_from_slice(&group.bytes[arrival.line.clone()]);
        lines.push(b'\n');
    }
    let peers = app.shards.peers().ok_or(AppError::Moving)?;
    let mut asked = None;
    loop {
        let node = match app.shards.place(shard).await? {
            Place::There(node) => node,
            // It has come here meanwhile.
            Place::Here(_) => peers.own().clone(),
        };
        if asked.as_ref() == Some(&node) {
            return Err(AppError::Moving);
        }
        match peers.ask(&node, &format!("events/{shard}"), lines.clone()).await {
            Err(AppError::Moving) => {
                app.shards.wait_while(shard, &node).await;
                asked = Some(node);
            }
            answered => return answered,
        }
    }
}

/// What is told where events come faster than they can be settled.
const BEHIND: &str = "more events wait to be settled than may";

fn busy(error: StoreError) -> AppError {
    match error {
        StoreError::Busy { .. } => AppError::TooMany(BEHIND),
        other => other.into(),
    }
}

/// What became of each event: a rejection, or in their order what its shard says.
fn answer(verdicts: Vec<Verdict>, mut fates: BTreeMap<ShardNumber, IntoIter<Fate>>) -> Ingested {
    let mut ingested = Ingested { accepted: 0, duplicates: 0, refused: Vec::new() };
    for (index, verdict) in (0..).zip(verdicts) {
        let fate = match verdict {
            Verdict::Rejected(rejected) => Fate::Refused(refused(rejected)),
            Verdict::Passed(shard) => {
                fates.get_mut(&shard).and_then(Iterator::next).unwrap_or(Fate::OtherContent)
            }
        };
        let Refused { source, id, reason, remedy } = match fate {
            Fate::Accepted => {
                ingested.accepted += 1;
                continue;
            }
            Fate::Duplicate => {
                ingested.duplicates += 1;
                continue;
            }
            Fate::OtherContent => other_content(),
            Fate::Refused(refused) => refused,
        };
        ingested.refused.push(RefusedEvent { index, source, id, reason, remedy });
    }
    ingested
}

fn other_content() -> Refused {
    let refusal = kopeck_rating::event::Refusal::OtherContent;
    let (reason, remedy) = (refusal.to_string(), refusal.remedy().to_owned());
    Refused { source: None, id: None, reason, remedy }
}
