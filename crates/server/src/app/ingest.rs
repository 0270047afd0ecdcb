//! Usage events come in: judged, durable, then answered (rating.md, "Usage events").

use std::sync::Arc;

use kopeck_api::events::{Ingested, RefusedEvent};
use kopeck_metering::body::{self, Form};
use kopeck_metering::judge::Rejected;
use kopeck_store::StoreError;
use kopeck_store::events::Outcome;

use crate::app::{App, access};
use crate::auth::Principal;
use crate::error::AppError;

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
    if app.metering.is_behind() {
        return Err(AppError::TooMany(BEHIND));
    }
    let sender = who.clone();
    let judged = app
        .blocking(move |app| {
            let lines = body::lines(form, unpack()?)
                .map_err(|error| AppError::malformed(error.to_string(), "send it as rating.md says"))?;
            Ok(app.metering.judge(lines, access::may_send(app, &sender)))
        })
        .await?;
    let rejections = judged.rejections.clone();
    let outcomes = match judged.group.arrivals.is_empty() {
        true => Vec::new(),
        false => app.metering.submit(judged).map_err(busy)?.await?,
    };
    let answer = answer(&rejections, outcomes);
    app.metrics.ingested(answer.accepted, answer.duplicates, answer.refused.len());
    Ok(answer)
}

/// What is told where events come faster than they can be settled.
const BEHIND: &str = "more events wait to be settled than may";

fn busy(error: StoreError) -> AppError {
    match error {
        StoreError::Busy { .. } => AppError::TooMany(BEHIND),
        other => other.into(),
    }
}

/// What became of each event: a rejection, or in their order what the log says.
fn answer(rejections: &[Option<Rejected>], outcomes: Vec<Outcome>) -> Ingested {
    let mut ingested = Ingested { accepted: 0, duplicates: 0, refused: Vec::new() };
    let mut outcomes = outcomes.into_iter();
    for (index, rejected) in (0..).zip(rejections) {
        let refused = match rejected {
            Some(Rejected { source, id, why }) => RefusedEvent {
                index,
                source: source.clone(),
                id: id.clone(),
                reason: why.to_string(),
                remedy: why.remedy().to_owned(),
            },
            None => match outcomes.next() {
                Some(Outcome::Accepted(_)) => {
                    ingested.accepted += 1;
                    continue;
                }
                Some(Outcome::Duplicate) => {
                    ingested.duplicates += 1;
                    continue;
                }
                _ => other_content(index),
            },
        };
        ingested.refused.push(refused);
    }
    ingested
}

fn other_content(index: u64) -> RefusedEvent {
    let refusal = kopeck_rating::event::Refusal::OtherContent;
    RefusedEvent {
        index,
        source: None,
        id: None,
        reason: refusal.to_string(),
        remedy: refusal.remedy().to_owned(),
    }
}
