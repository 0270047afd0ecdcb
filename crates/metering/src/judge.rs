//! What is found out about events before they are logged: whether they can be read, whose they are, what prices them,
//! and whether they come in time (rating.md, "Usage events"; DESIGN.md, "The way of an event").
//!
//! Nothing here waits or remembers: it is done by as many threads as there are, for one request each. Whether a key was
//! seen before is the log's matter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use kopeck_directory::Directory;
use kopeck_directory::entity::Emitter;
use kopeck_directory::name::{StorageId, WorkspaceId};
use kopeck_directory::route::{Route, Unroutable};
use kopeck_ledger::name::Moment;
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::content;
use kopeck_rating::event::{EventType, Refusal};
use kopeck_rating::incoming::{Contents, Incoming};
use kopeck_rating::keys::QuickSet;
use kopeck_settlement::meter_id::MeterId;
use kopeck_store::events::{Arrival, Group};

use crate::placement::{Placement, ShardNumber};
use crate::pricing;
use crate::sources::Heard;

/// Events of this age are refused, where nothing else is said: 95 days.
pub const HORIZON_DAYS: u32 = 95;
/// Events so far ahead of the clock are refused: 15 minutes.
pub const AHEAD: i64 = 15 * 60 * SECOND;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What travels with a group through the log to the settler.
#[derive(Debug)]
pub struct Arrived {
    /// The events as they were read.
    pub batch: Arc<Batch>,
    /// What they were judged by.
    pub directory: Arc<Directory>,
    /// Where the arrivals go, in their order; one may go to several meters.
    pub routed: Vec<Routed>,
    /// What the group has events of, each once.
    pub billings: Vec<Billing>,
    /// The sources that the group has events of.
    pub sources: Vec<(String, Heard)>,
}

/// A project that a meter bills. What a provider's sources say of it is billed source by source, because one book may
/// price several providers, and a source may come to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billing {
    /// The hash of the meter and the names: it is asked of each group whether this is known.
    pub key: u128,
    /// What meters it.
    pub meter: MeterId,
    /// The project.
    pub project: String,
    /// The source, of a provider.
    pub source: Option<String>,
    /// Whose events they are.
    pub emitter: Emitter,
}

impl Billing {
    /// The hash of what makes it this one.
    pub(crate) fn key_of(meter: MeterId, project: &str, source: Option<&str>) -> u128 {
        // The high half is what tables look at.
        content::of_key(project, source.unwrap_or("")) ^ u128::from(meter.0) << 64
    }
}

/// The source by which the events of an emitter are billed.
pub(crate) fn billed_source(emitter: Emitter, source: &str) -> Option<&str> {
    Some(source).filter(|_| matches!(emitter, Emitter::Provider(_)))
}

/// Where an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed {
    /// The place of its arrival in the group.
    pub arrival: usize,
    /// Its index in the batch.
    pub index: usize,
    /// What meters it.
    pub destination: Destination,
}

/// What meters an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A price book.
    Meter(MeterId),
    /// The measured volumes of a storage.
    Volume(StorageId),
}

/// Why an event is not logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It can not be read.
    #[error(transparent)]
    Unreadable(#[from] Refusal),
    /// It is older than the horizon.
    #[error("its time is more than {0} days ago")]
    TooOld(u32),
    /// It lies ahead of the clock.
    #[error("its time is more than 15 minutes ahead of the server's clock, {0}")]
    Ahead(Moment),
    /// Nobody sends, prices or pays it.
    #[error(transparent)]
    Unroutable(#[from] Unroutable),
    /// Who sends may not send for this source.
    #[error("this token may not send events of this source")]
    NotYours,
}

impl Rejection {
    /// What the sender should do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Rejection::Unreadable(refusal) => refusal.remedy(),
            Rejection::TooOld(_) => "report earlier; what is older is corrected by hand",
            Rejection::Ahead(_) => "check the clock of the source",
            Rejection::Unroutable(Unroutable::UnknownSource { .. }) => {
                "assign the source to a provider, executor, storage or API"
            }
            Rejection::Unroutable(Unroutable::UnknownProject { .. }) => {
                "create the project, or correct its name"
            }
            Rejection::Unroutable(_) => "price the project with a book of its workspace's zone and currency",
            Rejection::NotYours => "use a token of the one who sends these events",
        }
    }
}

/// What a request's events were found to be.
#[derive(Debug)]
pub struct Judged {
    /// Those that passed, to be logged: a group for each shard that has any.
    pub groups: Vec<(ShardNumber, Group<Arrived>)>,
    /// What was found of each event of the request, in its order.
    pub verdicts: Vec<Verdict>,
}

/// What was found of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is the next one in the group of that shard.
    Passed(ShardNumber),
    /// It is not logged.
    Rejected(Rejected),
}

/// An event that is not logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its source, where that could be read.
    pub source: Option<String>,
    /// Its id, where that could be read.
    pub id: Option<String>,
    /// Why.
    pub why: Rejection,
}

/// What events are judged by, at one instant.
#[derive(Debug, Clone)]
pub struct Judge {
    /// Who there is.
    pub directory: Arc<Directory>,
    /// What time it is.
    pub now: Moment,
    /// How many days old an event may be; `None` where events were accepted before and are taken again.
    pub horizon_days: Option<u32>,
    /// Which shard meters what.
    pub placement: Placement,
}

/// Hashes of data that repeats, remembered between requests.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Vec<Contents>>);

impl Memory {
    /// Lends one to a thread: there are as many as threads have worked at a time.
    fn with<T>(&self, work: impl FnOnce(&mut Contents) -> T) -> T {
        let mut contents = self.lock().pop().unwrap_or_default();
        let done = work(&mut contents);
        self.lock().push(contents);
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Contents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Judge {
    /// Judges the lines of a request. `may_send` tells whether who sends may send for an emitter.
    pub fn judge(&self, lines: Vec<u8>, memory: &Memory, may_send: impl Fn(Emitter) -> bool) -> Judged {
        let batch = Arc::new(Batch::read(lines, Origin { file: 0, line: 1 }));
        let mut gathered: Vec<(ShardNumber, Gathering)> = Vec::new();
        let mut verdicts = Vec::new();
        memory.with(|contents| {
            for (_, incoming) in batch.incoming(contents) {
                verdicts.push(match incoming {
                    Ok(event) => self
                        .take(&event, &may_send, &mut gathered)
                        .map_or_else(Verdict::Rejected, Verdict::Passed),
                    Err(refusal) => Verdict::Rejected(Rejected {
                        source: None,
                        id: None,
                        why: Rejection::Unreadable(refusal),
                    }),
                });
            }
        });
        let bytes = Bytes::from_owner(Text(Arc::clone(&batch)));
        let group = |gathering: Gathering| {
            let Gathering { arrivals, routed, billings, sources, .. } = gathering;
            let (batch, directory) = (Arc::clone(&batch), Arc::clone(&self.directory));
            let payload = Arrived { batch, directory, routed, billings, sources };
            Group { bytes: bytes.clone(), arrivals, payload }
        };
        Judged { groups: gathered.into_iter().map(|(shard, of)| (shard, group(of))).collect(), verdicts }
    }

    /// Where the events of a group go that was judged by an older directory: a contract may have come between.
    pub fn route_again(&self, arrived: &Arrived) -> (Vec<Routed>, Vec<Billing>) {
        let arrivals: HashMap<usize, usize> =
            arrived.routed.iter().map(|routed| (routed.index, routed.arrival)).collect();
        let (mut contents, mut group) = (Contents::default(), Gathering::default());
        for (_, incoming) in arrived.batch.incoming(&mut contents) {
            let Ok(event) = incoming else { continue };
            let Some(arrival) = arrivals.get(&event.index) else { continue };
            let at = Moment::from_nanoseconds(event.time).unwrap_or(self.now);
            let Ok(route) = self.directory.route(&event.source, &event.project, at) else { continue };
            self.send(&event, &route, *arrival, &mut group);
        }
        (group.routed, group.billings)
    }

    /// Sends an event to what meters it.
    fn send(&self, event: &Incoming<'_>, route: &Route<'_>, arrival: usize, group: &mut Gathering) {
        for destination in self.destinations(event, route) {
            if let Destination::Meter(meter) = destination {
                group.bill(meter, &event.project, (&event.source, route.emitter));
            }
            group.routed.push(Routed { arrival, index: event.index, destination });
        }
    }

    /// Adds an event to those that go on to its shard, or says why it does not.
    fn take(
        &self,
        event: &Incoming<'_>,
        may_send: impl Fn(Emitter) -> bool,
        gathered: &mut Vec<(ShardNumber, Gathering)>,
    ) -> Result<ShardNumber, Rejected> {
        let rejected =
            |why| Rejected { source: Some(event.source.to_string()), id: Some(event.id.to_string()), why };
        let route = self.route(event, may_send).map_err(rejected)?;
        let shard = self.placement.of(route.project);
        let place = gathered.iter().position(|(known, _)| *known == shard).unwrap_or_else(|| {
            gathered.push((shard, Gathering::default()));
            gathered.len() - 1
        });
        let group = &mut gathered[place].1;
        let arrival = group.arrivals.len();
        self.send(event, &route, arrival, group);
        group.arrivals.push(Arrival {
            key: key_within(route.workspace, event.key),
            content: event.content,
            resource: event.resource,
            time: event.time,
            line: event.place.clone(),
        });
        group.hear(&event.source, event.time, || self.heartbeat(route.emitter));
        Ok(shard)
    }

    /// Whose an event is, what prices it and who pays.
    fn route(
        &self,
        event: &Incoming<'_>,
        may_send: impl Fn(Emitter) -> bool,
    ) -> Result<Route<'_>, Rejection> {
        self.check_time(event.time)?;
        let at = Moment::from_nanoseconds(event.time).unwrap_or(self.now);
        // Whose a source is, is told to nobody else.
        let emitter = self.directory.emitter(&event.source, at);
        if emitter.is_some_and(|emitter| !may_send(emitter)) {
            return Err(Rejection::NotYours);
        }
        let route = self.directory.route_of((emitter, &event.source), &event.project, at)?;
        event.check_currency(route.shelf.book.currency.as_str())?;
        Ok(route)
    }

    /// What meters an event: usage the book of its instant, states all books that price the project ever.
    fn destinations(&self, event: &Incoming<'_>, route: &Route<'_>) -> Vec<Destination> {
        match (route.emitter, event.event_type) {
            (Emitter::Storage(storage), EventType::Usage) => vec![Destination::Volume(storage)],
            (Emitter::Provider(provider), EventType::State)
                if self.directory.contract(&route.project.id, provider).is_some() =>
            {
                let meters = pricing::meters(&self.directory, route.emitter, &route.project.id);
                meters.into_iter().map(Destination::Meter).collect()
            }
            _ => vec![Destination::Meter(MeterId(route.shelf.book.meter.0))],
        }
    }

    fn check_time(&self, time: i64) -> Result<(), Rejection> {
        let Some(horizon_days) = self.horizon_days else { return Ok(()) };
        let now = self.now.nanoseconds();
        if time < now.saturating_sub(i64::from(horizon_days) * DAY) {
            return Err(Rejection::TooOld(horizon_days));
        }
        if time > now.saturating_add(AHEAD) {
            return Err(Rejection::Ahead(self.now));
        }
        Ok(())
    }

    /// How long an emitter may be silent, in nanoseconds.
    fn heartbeat(&self, emitter: Emitter) -> i64 {
        let Emitter::Provider(id) = emitter else { return 0 };
        self.directory.providers().get(&id).map_or(0, |provider| i64::from(provider.heartbeat_s) * SECOND)
    }
}

/// The idempotency key of an event: its source and id within a workspace, so that no customer can take another's.
fn key_within(workspace: WorkspaceId, key: u128) -> u128 {
    key ^ workspace.0.as_u128()
}

/// The bytes of a batch, for as long as anybody needs them.
struct Text(Arc<Batch>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.text()
    }
}

#[derive(Debug, Default)]
struct Gathering {
    arrivals: Vec<Arrival>,
    routed: Vec<Routed>,
    billings: Vec<Billing>,
    /// The keys of the billings.
    billed: QuickSet<u128>,
    sources: Vec<(String, Heard)>,
}

impl Gathering {
    /// Notes a project that a meter bills.
    fn bill(&mut self, meter: MeterId, project: &str, (source, emitter): (&str, Emitter)) {
        let source = billed_source(emitter, source);
        let key = Billing::key_of(meter, project, source);
        if self.billed.insert(key) {
            let (project, source) = (project.to_owned(), source.map(str::to_owned));
            self.billings.push(Billing { key, meter, project, source, emitter });
        }
    }

    /// Counts an event of a source. A request has few of them.
    fn hear(&mut self, source: &str, time: i64, heartbeat: impl FnOnce() -> i64) {
        if let Some((_, heard)) = self.sources.iter_mut().rev().find(|(known, _)| known == source) {
            heard.events += 1;
            heard.latest_event = heard.latest_event.max(time);
            heard.earliest_event = heard.earliest_event.min(time);
            return;
        }
        let heard = Heard { events: 1, latest_event: time, earliest_event: time, heartbeat: heartbeat() };
        self.sources.push((source.to_owned(), heard));
    }
}
