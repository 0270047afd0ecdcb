//! What a project spends, its charges, and what is behind one.

use jiff::civil::Date;
use kopeck_api::explanation::{NoFiles, Written};
use kopeck_api::page::Page;
use kopeck_api::spend::{
    ChargeDocument, DayAmount, ExplanationDocument, NamedAmount, ResourceAmount, SpendDocument,
};
use kopeck_directory::Directory;
use kopeck_directory::entity::Workspace;
use kopeck_directory::name::MeterId as BookNumber;
use kopeck_ledger::name::Moment;
use kopeck_rating::batch::Origin;
use kopeck_rating::charge::{Charge, ChargeKey, Window};
use kopeck_rating::content;
use kopeck_rating::event::second_of;
use kopeck_rating::explain::{Selection, explain};
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::Rater;
use kopeck_settlement::meter_id::MeterId;
use kopeck_store::events::{EventReader, LoggedEvent, Position};
use serde::{Deserialize, Serialize};

use crate::app::{App, access, page};
use crate::auth::Principal;
use crate::error::AppError;

/// A month by its name, or the one that it is now where the workspace is.
///
/// # Errors
/// [`AppError::Input`] for a text that names none.
pub fn month_of(name: Option<&str>, workspace: &Workspace, at: Moment) -> Result<Date, AppError> {
    let Some(name) = name else {
        let zone = jiff::tz::TimeZone::get(workspace.zone.as_str())
            .map_err(|error| AppError::Internal(error.to_string()))?;
        return Ok(at.timestamp().to_zoned(zone).date().first_of_month());
    };
    named_month(name)
}

/// The first day of the month of that name.
///
/// # Errors
/// [`AppError::Input`] for a text that names none.
pub fn named_month(name: &str) -> Result<Date, AppError> {
    let first = Some(name).filter(|name| name.len() == 7).and_then(|name| format!("{name}-01").parse().ok());
    first.ok_or_else(|| AppError::invalid("month", format!("{name:?} is no month"), "write it like 2026-10"))
}

/// What a project has cost in a month up to now.
///
/// # Errors
/// [`AppError::NotFound`] of a project that is not theirs; [`AppError::Input`] of a month that is none or too early.
pub fn show(
    app: &App,
    who: &Principal,
    project: &str,
    month: Option<&str>,
) -> Result<SpendDocument, AppError> {
    let (project, workspace) = access::project_to_read(app, who, project)?;
    let (spend, at) = app.shards.of(&project)?.look(|shard, at| -> Result<_, AppError> {
        let month = month_of(month, &workspace, at)?;
        Ok((shard.spend(project.id.as_str(), month, second(at))?, at))
    })?;
    let named = |name: Option<&String>, amount: &Amount| NamedAmount {
        name: name.cloned(),
        amount: amount.to_string(),
    };
    let rate = spend.rate_an_hour.values().try_fold(Amount::ZERO, |sum, rate| sum.checked_add(*rate))?;
    Ok(SpendDocument {
        project: spend.project,
        month: spend.month.to_string(),
        at: at.into(),
        currency: workspace.currency.into(),
        total: spend.total.to_string(),
        posted: spend.posted.to_string(),
        accrued: spend.total.checked_sub(spend.posted)?.to_string(),
        burn_rate_an_hour: rate.to_string(),
        burn_rate_by_component: spend
            .rate_an_hour
            .iter()
            .map(|(name, rate)| named(Some(name), rate))
            .collect(),
        by_component: spend.by_component.iter().map(|(name, amount)| named(Some(name), amount)).collect(),
        by_kind: spend.by_kind.iter().map(|(name, amount)| named(Some(name), amount)).collect(),
        by_region: spend.by_region.iter().map(|(name, amount)| named(name.as_ref(), amount)).collect(),
        by_resource: spend
            .by_resource
            .iter()
            .map(|(of, amount)| resource_amount(of.as_ref(), amount))
            .collect(),
        by_day: spend
            .by_day
            .iter()
            .map(|(day, amount)| DayAmount { day: (*day).into(), amount: amount.to_string() })
            .collect(),
    })
}

fn resource_amount(of: Option<&(String, String)>, amount: &Amount) -> ResourceAmount {
    let (source, resource) = of.cloned().unzip();
    ResourceAmount { source, resource, amount: amount.to_string() }
}

/// The charges of a project in a month up to now.
///
/// # Errors
/// As [`show`], and [`AppError::Input`] of a page that is none.
pub fn charges(
    app: &App,
    who: &Principal,
    project: &str,
    (month, cursor, limit): (Option<&str>, Option<&str>, Option<usize>),
) -> Result<Page<ChargeDocument>, AppError> {
    let (limit, skip) = (page::limit(limit, kopeck_api::page::PAGE_DEFAULT)?, page::cursor(cursor)?);
    let (project, workspace) = access::project_to_read(app, who, project)?;
    let all = app.shards.of(&project)?.look(|shard, at| -> Result<_, AppError> {
        let month = month_of(month, &workspace, at)?;
        Ok(shard.charges(project.id.as_str(), month, second(at))?)
    })?;
    let directory = app.directory.snapshot();
    let book_name = |meter: MeterId| {
        directory.metered(BookNumber(meter.0)).map_or_else(String::new, |shelf| shelf.book.id.to_string())
    };
    let next = all.len() > skip.saturating_add(limit);
    let items: Result<Vec<ChargeDocument>, AppError> = all
        .into_iter()
        .skip(skip)
        .take(limit)
        .map(|(meter, charge)| charge_document(book_name(meter), &charge))
        .collect();
    Ok(Page { items: items?, next: next.then(|| (skip + limit).to_string()) })
}

/// A charge's name in the API: all that tells it from others, packed into one word of a path.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Key {
    b: String,
    s: Option<String>,
    r: Option<String>,
    c: String,
    v: Date,
    m: String,
    g: Option<Option<String>>,
}

fn charge_document(price_book: String, charge: &Charge) -> Result<ChargeDocument, AppError> {
    let ChargeKey { source, resource, component, version, month, group, .. } = &charge.key;
    let key = Key {
        b: price_book.clone(),
        s: source.clone(),
        r: resource.clone(),
        c: component.clone(),
        v: *version,
        m: month.to_string(),
        g: group.clone(),
    };
    let key = serde_json::to_vec(&key).map_err(|error| AppError::Internal(error.to_string()))?;
    Ok(ChargeDocument {
        key: data_encoding::BASE64URL_NOPAD.encode(&key),
        price_book,
        source: source.clone(),
        resource: resource.clone(),
        component: component.clone(),
        version: (*version).into(),
        month: month.to_string(),
        quantity: charge.quantity.to_string(),
        amount: charge.amount.to_string(),
        grouped: group.is_some(),
        group: group.clone().flatten(),
    })
}

/// The intervals, events and price behind a charge: its events are read again from the log, and rated by themselves.
///
/// # Errors
/// As [`show`]; [`AppError::NotFound`] of a key that no charge has.
pub fn explanation(
    app: &App,
    who: &Principal,
    project: &str,
    key: &str,
) -> Result<ExplanationDocument, AppError> {
    let (project, workspace) = access::project_to_read(app, who, project)?;
    let missing = || AppError::NotFound { what: "charge", id: key.to_owned() };
    let bytes = data_encoding::BASE64URL_NOPAD.decode(key.as_bytes()).map_err(|_| missing())?;
    let key: Key = serde_json::from_slice(&bytes).map_err(|_| missing())?;
    let shelf = app.directory.snapshot().shelf(&key.b).cloned().ok_or_else(missing)?;
    let book = shelf.prices().ok_or_else(missing)?;
    let metering = app.shards.of(&project)?;
    let at = metering.look(|_, at| at);
    let window = month_until(&book, &key.m, at).ok_or_else(missing)?;
    let mut rater = Rater::for_explaining(&book, window, &key.c).map_err(|_| missing())?;
    let directory = app.directory.snapshot();
    replay((metering.reader().as_ref(), &directory), &shelf, (&key, second(at)), &mut rater)?;
    let selection = Selection {
        project: Some(project.id.to_string()),
        source: key.s,
        resource: key.r,
        version: Some(key.v),
        month: Some(key.m),
        group: key.g.map(Option::unwrap_or_default),
    };
    let explained = explain(rater, &selection)?;
    let written = Written { calendar: book.calendar(), currency: book.currency() };
    let first = explained.first().ok_or_else(missing)?;
    Ok(ExplanationDocument {
        explanation: written.json(first, &NoFiles),
        workspace: workspace.name.clone().into(),
    })
}

/// A month from its start to its end or an instant, whichever is first.
fn month_until(book: &PriceBook, month: &str, at: Moment) -> Option<Window> {
    let first: Date = format!("{month}-01").parse().ok()?;
    let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
    Window::new(book.calendar(), first, next, Some(second(at))).ok()
}

/// Gives a run the events of a charge: of its resource, or of the whole project where it is summed over that.
fn replay(
    (log, directory): (&dyn EventReader, &Directory),
    shelf: &kopeck_directory::directory::Shelf,
    (key, to): (&Key, i64),
    rater: &mut Rater,
) -> Result<(), AppError> {
    let (mut line, mut failed) = (0, None);
    let mut take = |event: LoggedEvent<'_>| {
        let at = Moment::from_nanoseconds(event.time).unwrap_or(Moment::FIRST);
        let read = kopeck_rating::event::Envelope::read(event.line);
        let is_priced = read.is_ok_and(|event| {
            second_of(event.time) < to
                && directory
                    .route(&event.source, &event.project, at)
                    .is_ok_and(|route| route.shelf.book.id == shelf.book.id)
        });
        if is_priced {
            line += 1;
            let accepted = rater.accept(event.line, Origin { file: 0, line });
            failed = accepted.err().map(|error| AppError::Internal(error.to_string()));
        }
        Ok(failed.is_none())
    };
    match (&key.s, &key.r) {
        (Some(source), Some(resource)) => {
            log.of_resource(content::of_key(source, resource), Position::NONE, &mut take)?;
        }
        _ => log.read(Position::NONE, &mut take)?,
    }
    failed.map_or(Ok(()), Err)
}

/// The second that an instant lies in.
pub fn second(at: Moment) -> i64 {
    second_of(at.nanoseconds())
}
