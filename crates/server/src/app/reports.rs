//! What the operator is told: usage that nobody prices, and how sources report.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kopeck_api::page::Page;
use kopeck_api::reports::{
    EventRef, FailureDocument, GapDocument, NoticeDocument, NoticeWord, SourceDocument, UnpostedDocument,
    UnpricedDocument,
};
use kopeck_directory::Directory;
use kopeck_directory::entity::Emitter;
use kopeck_directory::name::MeterId as BookNumber;
use kopeck_ledger::name::Moment;
use kopeck_metering::Metering;
use kopeck_metering::sources::{Sent, Sources};
use kopeck_rating::live::EventName;
use kopeck_rating::notice::{Notices, Seen};
use kopeck_settlement::shard::Shard;

use crate::app::spend::{named_month, second};
use crate::app::{App, access, page};
use crate::auth::Principal;
use crate::error::AppError;

const SECOND: i64 = 1_000_000_000;

/// What no component prices, lacks something, has no class or is disputed in a month, and what could not be posted.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::Input`] of a month that is none.
pub fn unpriced(app: &App, who: &Principal, month: Option<&str>) -> Result<UnpricedDocument, AppError> {
    access::may_read_all(who)?;
    let mut all = unpriced_here(app, month)?;
    for there in app.shards.ask_others("unpriced", &month)? {
        all.add(there);
    }
    Ok(all)
}

/// The same of the shards that are here.
///
/// # Errors
/// [`AppError::Input`] of a month that is none.
pub fn unpriced_here(app: &App, month: Option<&str>) -> Result<UnpricedDocument, AppError> {
    let mut all = UnpricedDocument::of(&month_text(month_of(month, app.now())?));
    for metering in app.shards.all_here() {
        all.add(unpriced_in(app, &metering, month)?);
    }
    Ok(all)
}

fn month_text(month: Date) -> String {
    format!("{:04}-{:02}", month.year(), month.month())
}

fn unpriced_in(app: &App, metering: &Metering, month: Option<&str>) -> Result<UnpricedDocument, AppError> {
    let directory = app.directory.snapshot();
    metering.look(|shard, at| {
        let month = month_of(month, at)?;
        let meters: Vec<_> = shard.meters().map(|(id, _)| id).collect();
        let mut notices = Vec::new();
        for meter in meters {
            let found = shard.notices(meter, month, second(at))?;
            let book = directory.metered(BookNumber(meter.0));
            written(&book.map_or_else(String::new, |shelf| shelf.book.id.to_string()), &found, &mut notices);
        }
        Ok(UnpricedDocument {
            month: month_text(month),
            notices,
            unposted: unposted(shard),
            failures: failures(shard),
        })
    })
}

fn month_of(name: Option<&str>, at: Moment) -> Result<Date, AppError> {
    let now = || at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    name.map_or_else(|| Ok(now()), named_month)
}

fn written(book: &str, found: &Notices<EventName>, to: &mut Vec<NoticeDocument>) {
    let mut add = |what, seen: &Seen<EventName>| {
        let first = &seen.first;
        to.push(NoticeDocument {
            price_book: book.to_owned(),
            what,
            kind: None,
            component: None,
            attribute: None,
            state: None,
            count: seen.count,
            first: EventRef {
                source: first.source.clone(),
                id: first.id.clone(),
                time: moment(first.time).into(),
            },
        });
        to.len() - 1
    };
    let mut named: BTreeMap<usize, [Option<String>; 4]> = BTreeMap::new();
    for (kind, seen) in &found.unpriced {
        named.insert(add(NoticeWord::Unpriced, seen), [Some(kind.clone()), None, None, None]);
    }
    for (lacking, seen) in &found.lacking {
        let (component, attribute) = (Some(lacking.component.clone()), Some(lacking.attribute.clone()));
        named.insert(add(NoticeWord::Lacking, seen), [None, component, attribute, None]);
    }
    for (classless, seen) in &found.classless {
        let (kind, state) = (Some(classless.kind.clone()), Some(classless.state.clone()));
        named.insert(add(NoticeWord::Classless, seen), [kind, None, None, state]);
    }
    if let Some(seen) = &found.disputed {
        add(NoticeWord::Disputed, seen);
    }
    for (index, [kind, component, attribute, state]) in named {
        let notice = &mut to[index];
        (notice.kind, notice.component, notice.attribute, notice.state) = (kind, component, attribute, state);
    }
}

fn unposted(shard: &Shard) -> Vec<UnpostedDocument> {
    let sums = shard.carried().into_iter().map(|unposted| UnpostedDocument {
        project: unposted.project,
        what: unposted.what,
        amount: unposted.amount.to_string(),
    });
    let jobs = shard.aside().iter().map(|(_, posting)| UnpostedDocument {
        project: posting.project.to_string(),
        what: posting.reference.to_string(),
        amount: kopeck_ledger::amount::Amount::from_micros(posting.change()).to_string(),
    });
    sums.chain(jobs).collect()
}

fn failures(shard: &Shard) -> Vec<FailureDocument> {
    let written = shard.failures().iter().map(|failure| {
        let (source, name) = failure.of.clone().unzip();
        FailureDocument { source, name, reason: failure.reason.clone() }
    });
    written.collect()
}

/// What each source has sent, by name.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::Input`] of a page that is none.
pub fn sources(
    app: &App,
    who: &Principal,
    cursor: Option<&str>,
    limit: Option<usize>,
) -> Result<Page<SourceDocument>, AppError> {
    access::may_read_all(who)?;
    let limit = page::limit(limit, kopeck_api::page::PAGE_DEFAULT)?;
    let (directory, now) = (app.directory.snapshot(), app.now());
    let cursor = cursor.map(str::to_owned);
    let mut all = sources_here(app, cursor.as_deref(), limit + 1);
    for there in app.shards.ask_others::<Sources>("sources", &(cursor, limit + 1))? {
        all.add(there);
    }
    let items = all.after(None).take(limit + 1);
    let mut items: Vec<_> = items.map(|(name, sent)| source(name, sent, &directory, now)).collect();
    let next = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| next).map(|last| last.source.clone());
    Ok(Page { items, next })
}

/// What sources after a name have sent of what is metered here, the first so many.
pub fn sources_here(app: &App, cursor: Option<&str>, limit: usize) -> Sources {
    let mut all = Sources::default();
    for metering in app.shards.all_here() {
        all.add(metering.sources(|sources| sources.part(cursor, limit)));
    }
    all
}

fn source(name: &str, sent: &Sent, directory: &Directory, now: Moment) -> SourceDocument {
    let heartbeat = match directory.emitter(name, now) {
        Some(Emitter::Provider(id)) => {
            directory.providers().get(&id).map(|provider| u64::from(provider.heartbeat_s))
        }
        _ => None,
    };
    let heartbeat_s = heartbeat.filter(|seconds| *seconds > 0);
    let silence = seconds(now.nanoseconds().saturating_sub(sent.received));
    SourceDocument {
        source: name.to_owned(),
        events: sent.events,
        latest_event: moment(sent.latest_event).into(),
        received: moment(sent.received).into(),
        delay_s: seconds(sent.delay),
        longest_delay_s: seconds(sent.longest_delay),
        heartbeat_s,
        silent: heartbeat_s.is_some_and(|heartbeat| silence > heartbeat),
        gaps: sent
            .gaps
            .iter()
            .map(|gap| GapDocument { from: moment(gap.from).into(), to: moment(gap.to).into() })
            .collect(),
    }
}

fn seconds(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds / SECOND).unwrap_or(0)
}

fn moment(nanoseconds: i64) -> Moment {
    Moment::from_nanoseconds(nanoseconds).unwrap_or(Moment::FIRST)
}
