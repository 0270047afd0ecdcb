//! Limits: set, listed, removed; what they have stopped and told (guard.md).

use std::sync::Arc;

use kopeck_api::forms::{Money, Time};
use kopeck_api::limits::{
    BeyondDocument, LimitDocument, LimitNow, LimitRequest, LimitsDocument, NoticeDocument, ProtectedDocument,
    StopDocument, StopRulesDocument, WrongField,
};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::Directory;
use kopeck_directory::access::{Actor, Target};
use kopeck_directory::act::{Act, NewLimit};
use kopeck_directory::entity::Workspace;
use kopeck_directory::limit::{Holder, LimitKey, LimitTerms, StopRules};
use kopeck_directory::name::{ProjectId, WorkspaceId};
use kopeck_guard::decide::State;
use kopeck_ledger::name::Moment;
use kopeck_metering::Metering;
use kopeck_metering::guard::Shown;
use kopeck_metering::guard::command::{Outcome, StopCommand};
use kopeck_metering::guard::limits::Asked;
use kopeck_metering::guard::memory::word_of;
use kopeck_metering::guard::notice::{Notice, name_of};
use kopeck_store::events::Kept;

use super::App;
use super::directory::{limit, perform, reads};
use crate::error::AppError;

/// Sets a limit, has it looked at, and tells what it comes to: a stop that it asks for is on its way then.
///
/// # Errors
/// [`AppError`].
pub async fn set(
    app: &Arc<App>,
    by: Actor,
    holder: Holder,
    new: LimitRequest,
) -> Result<LimitDocument, AppError> {
    let (asking, of) = (by.clone(), holder.clone());
    let key = new.limit.clone();
    app.blocking(move |app| {
        let directory = app.directory.snapshot();
        let workspace = payer(app, &directory, &asking, &of)?;
        let terms = new.terms().map_err(wrong)?;
        let currency = new.currency_or(workspace.currency);
        let until = new.until.as_ref().map(|until| until.0);
        if until.is_some_and(|until| until <= app.now()) {
            let reason = format!("is not ahead of now, {}", app.now());
            return Err(AppError::invalid("until", reason, "name an instant to come, or leave it out"));
        }
        perform(app, &asking, Act::SetLimit(NewLimit { holder: of, terms, currency, until }))
    })
    .await?;
    let all = list(app, by, holder).await?;
    let found = all.limits.into_iter().find(|limit| limit.limit == key.to_string());
    found.ok_or_else(|| AppError::not_found("limit", &key))
}

fn wrong(field: WrongField) -> AppError {
    let WrongField { field, reason, remedy } = field;
    AppError::invalid(field, reason, remedy)
}

/// All limits of a project or a payer, looked at now.
///
/// # Errors
/// [`AppError`].
pub async fn list(app: &Arc<App>, by: Actor, holder: Holder) -> Result<LimitsDocument, AppError> {
    payer(app, &app.directory.snapshot(), &by, &holder)?;
    let shown = guarding(app, &holder)?.look_at_limits(holder.clone()).await?;
    let (directory, now) = (app.directory.snapshot(), app.now());
    let limits = directory.limits_on(&holder, now);
    let documents = limits.map(|(key, limit)| {
        let asked = shown.asked.iter().filter(|asked| asked.limit.terms.key() == *key);
        LimitDocument::of(limit, asked.map(|asked| limit_now(asked, &shown)).collect())
    });
    Ok(LimitsDocument { limits: documents.collect() })
}

/// Ends a limit.
///
/// # Errors
/// [`AppError`].
pub async fn remove(app: &Arc<App>, by: Actor, holder: Holder, key: LimitKey) -> Result<(), AppError> {
    let of = holder.clone();
    app.blocking(move |app| perform(app, &by, Act::RemoveLimit(of, key))).await?;
    guarding(app, &holder)?.look_at_limits(holder).await?;
    Ok(())
}

/// What looks at a holder's limits, which must be here: requests about them are passed on before they come here.
fn guarding(app: &App, holder: &Holder) -> Result<Arc<Metering>, AppError> {
    let shard = app.shards.guarding(holder, &app.directory.snapshot())?;
    app.shards.here(shard).ok_or(AppError::Moving)
}

/// The workspace that pays for a holder whom somebody may read.
fn payer<'d>(
    app: &App,
    directory: &'d Directory,
    by: &Actor,
    holder: &Holder,
) -> Result<&'d Arc<Workspace>, AppError> {
    match holder {
        Holder::Project(id) => {
            let found = directory.payer(id.as_str(), app.now());
            let found = found.filter(|_| reads(directory, by, Target::Project(id)));
            found.ok_or_else(|| AppError::not_found("project", id))
        }
        Holder::Workspace(id) => {
            let found = directory.workspaces().get(id);
            let found = found.filter(|found| reads(directory, by, Target::OwnedBy(found.owner)));
            found.ok_or_else(|| AppError::not_found("workspace", id))
        }
    }
}

fn limit_now(asked: &Asked, shown: &Shown) -> LimitNow {
    let state = match asked.decision.state {
        State::Disabled => "disabled",
        State::Actual => "actual",
        State::Depleted => "depleted",
    };
    let is_wallet = matches!(asked.limit.terms, LimitTerms::Wallet { .. });
    let beyond = shown.memory.beyond.get(&asked.name).filter(|beyond| beyond.month == asked.month);
    LimitNow {
        name: asked.name.clone(),
        state: state.to_owned(),
        spent: (!is_wallet).then(|| asked.spent.to_string()),
        left: asked.left.map(|left| left.to_string()),
        action: asked.decision.action,
        excess: asked.decision.excess.to_string(),
        stopped_since: shown.memory.stopped.get(&asked.name).and_then(|stopped| time(stopped.since)),
        beyond: beyond.and_then(|beyond| {
            let (amount, cause) = (Money(beyond.amount), word_of(beyond.cause).to_owned());
            Some(BeyondDocument { amount, cause, since: time(beyond.since)? })
        }),
        next_look: asked.decision.look.and_then(time),
    }
}

fn time(second: i64) -> Option<Time> {
    Moment::from_nanoseconds(second.checked_mul(1_000_000_000)?).ok().map(Time)
}

/// In which order a project's resources are stopped.
///
/// # Errors
/// [`AppError::NotFound`].
pub fn stop_rules(app: &App, by: &Actor, project: &ProjectId) -> Result<StopRulesDocument, AppError> {
    let directory = app.directory.snapshot();
    payer(app, &directory, by, &Holder::Project(project.clone()))?;
    let rules = directory.stop_rules().get(project.as_str());
    let protected = rules.iter().flat_map(|rules| &rules.protected).map(|(source, resource)| {
        ProtectedDocument { source: source.clone().into(), resource: resource.clone().into() }
    });
    let order = rules.map(|rules| rules.order).unwrap_or_default();
    Ok(StopRulesDocument { order, protected: protected.collect() })
}

/// Says in which order a project's resources are stopped.
///
/// # Errors
/// [`AppError`].
pub fn set_stop_rules(
    app: &App,
    by: &Actor,
    project: &ProjectId,
    new: StopRulesDocument,
) -> Result<StopRulesDocument, AppError> {
    let protected = new.protected.into_iter().map(|one| (one.source.0, one.resource.0)).collect();
    perform(app, by, Act::SetStopRules(StopRules { project: project.clone(), order: new.order, protected }))?;
    stop_rules(app, by, project)
}

/// The stops of a project and what became of them, in the order in which they were decided.
///
/// # Errors
/// [`AppError`].
pub fn stops(
    app: &App,
    by: &Actor,
    project: &ProjectId,
    query: &PageQuery,
) -> Result<Page<StopDocument>, AppError> {
    payer(app, &app.directory.snapshot(), by, &Holder::Project(project.clone()))?;
    let prefix = StopCommand::names_of(project);
    let log = guarding(app, &Holder::Project(project.clone()))?;
    kept_page(&log, (kopeck_metering::guard::command::COMMANDS, &prefix), query, |kept| {
        let command: StopCommand = read(kept)?;
        Ok(StopDocument {
            number: command.number,
            id: command.key,
            source: command.source,
            resource: command.subject,
            kind: command.kind,
            limit: command.limit,
            decided: Time(command.decided),
            tries: command.tries,
            taken: command.taken.map(Time),
            failure: command.failure,
            escalated: command.escalated.map(Time),
            outcome: match command.end.map(|end| end.outcome) {
                None => "open",
                Some(Outcome::Obeyed) => "obeyed",
                Some(Outcome::Withdrawn) => "withdrawn",
            }
            .to_owned(),
            ended: command.end.map(|end| Time(end.at)),
        })
    })
}

/// What was told of a project's limits, oldest first.
///
/// # Errors
/// [`AppError`].
pub fn notices(
    app: &App,
    by: &Actor,
    holder: &Holder,
    query: &PageQuery,
) -> Result<Page<NoticeDocument>, AppError> {
    payer(app, &app.directory.snapshot(), by, holder)?;
    let prefix = name_of(holder);
    let log = guarding(app, holder)?;
    kept_page(&log, (kopeck_metering::guard::notice::NOTICES, &prefix), query, |kept| {
        let notice: Notice = read(kept)?;
        let what =
            serde_json::to_value(&notice.what).map_err(|error| AppError::Internal(error.to_string()))?;
        let of_payer = matches!(notice.holder, Holder::Workspace(_));
        Ok(NoticeDocument { at: Time(notice.at), limit: notice.limit, of_payer, what })
    })
}

fn read<T: serde::de::DeserializeOwned>(kept: &Kept) -> Result<T, AppError> {
    serde_json::from_slice(&kept.bytes).map_err(|error| AppError::Internal(error.to_string()))
}

/// A page of what is kept beside the log under names of one beginning. Its cursor is the name's rest, in hexadecimal.
fn kept_page<D>(
    metering: &Metering,
    (list, prefix): (u8, &[u8]),
    query: &PageQuery,
    document: impl Fn(&Kept) -> Result<D, AppError>,
) -> Result<Page<D>, AppError> {
    let most = limit(query.limit)?;
    let mut after = prefix.to_vec();
    if let Some(cursor) = &query.cursor {
        let rest = data_encoding::HEXLOWER.decode(cursor.as_bytes());
        after.extend(rest.map_err(|_| super::directory::bad_cursor(query))?);
    }
    let mut found = Vec::new();
    metering.log().kept(list, (&after, false), &mut |kept| {
        let is_of = kept.name.starts_with(prefix);
        if is_of {
            found.push(kept);
        }
        Ok(is_of && found.len() <= most)
    })?;
    let next = (found.len() > most).then(|| found.truncate(most));
    let last = found.last().map(|kept| data_encoding::HEXLOWER.encode(&kept.name[prefix.len()..]));
    Ok(Page { items: found.iter().map(document).collect::<Result<_, _>>()?, next: next.and(last) })
}

/// Refuses to set money aside where a limit refuses whatever is new: of the project that it concerns, or of the workspace
/// that pays.
///
/// # Errors
/// [`AppError::LimitReached`].
pub async fn allow_new(app: &App, account: uuid::Uuid, project: Option<&str>) -> Result<(), AppError> {
    let (directory, payer) = (app.directory.snapshot(), of_workspace(account));
    let mut refused = None;
    if let Some(found) = project.and_then(|project| directory.project(project)) {
        let (shard, id) = (app.shards.placement().of(found), found.id.as_str());
        let here = |metering: &Metering| metering.refuses(&directory, id);
        refused = app.shards.ask(shard, here, ("refuses", &id)).await?;
    }
    if refused.is_none() {
        let shard = app.shards.guarding(&payer, &directory)?;
        let here = |metering: &Metering| metering.refuses_of(&payer);
        refused = app.shards.ask(shard, here, ("refuses-of", &payer)).await?;
    }
    match refused {
        Some((holder, limit)) => Err(AppError::LimitReached { limit, holder: holder.to_string() }),
        None => Ok(()),
    }
}

/// The payer of a workspace's id in a path.
#[must_use]
pub fn of_workspace(id: uuid::Uuid) -> Holder {
    Holder::Workspace(WorkspaceId(id))
}
