//! What the settler knows: the shard, and what lies beside it.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use kopeck_directory::Directory;
use kopeck_directory::directory::Shelf;
use kopeck_directory::entity::{Emitter, Project};
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::calendar::Second;
use kopeck_rating::event::{Description, Envelope, EventType, Value};
use kopeck_rating::keys::QuickMap;
use kopeck_rating::number::Number;
use kopeck_rating::price_book::PriceBook;
use kopeck_settlement::meter_id::{MeterId, MeterKind};
use kopeck_settlement::shard::{SettleError, Shard};
use kopeck_settlement::step::Step;
use kopeck_store::events::{Durable, EventLog, Outcome, Position};

use crate::due::{self, Done};
use crate::guard::Guard;
use crate::judge::{Arrived, Billing, Destination, Judge, Routed};
use crate::metering::MeteringError;
use crate::placement::Placement;
use crate::pricing::{self, Added};
use crate::sources::Sources;
use crate::volumes::{Measurement, Volumes};

/// What the settler knows.
pub struct State {
    /// What everything costs, and what of it is posted.
    pub shard: Shard,
    /// What storages keep.
    pub volumes: Volumes,
    /// What sources have sent.
    pub sources: Sources,
    /// What was done last of what is due by the clock.
    pub done: Done,
    /// The last event that was taken.
    pub through: Position,
    /// The instant of the last step.
    pub at: Moment,
    /// The places of the postings of the last step that the ledger refused.
    pub refused: Vec<usize>,
    /// The meters of contracts that were told of what came before them.
    pub added: BTreeSet<Added>,
    /// What is limited.
    pub guard: Guard,
    /// The directory that the shard has been told of.
    told: Told,
}

#[derive(Default)]
struct Told {
    directory: Option<Arc<Directory>>,
    books: HashMap<MeterId, Arc<PriceBook>>,
    /// By [`Billing::key_of`].
    billed: QuickMap<u128, Vec<Range<Second>>>,
}

impl State {
    /// A state with nothing beside the shard.
    pub fn new(shard: Shard, at: Moment) -> State {
        State {
            shard,
            volumes: Volumes::default(),
            sources: Sources::default(),
            done: Done::default(),
            through: Position::NONE,
            at,
            refused: Vec::new(),
            added: BTreeSet::new(),
            guard: Guard::default(),
            told: Told::default(),
        }
    }

    /// Notes that a step is posted but for what the ledger refused of it.
    ///
    /// # Errors
    /// [`SettleError`] of another step than the one that was decided last.
    pub fn settled(&mut self, step: &Step, refused: Vec<usize>) -> Result<(), SettleError> {
        self.shard.settled(step, &refused)?;
        self.refused = refused;
        Ok(())
    }

    /// Tells the shard of new price books and contracts. Costs nothing where the directory is the one that it knows.
    ///
    /// # Errors
    /// [`MeteringError`] for a book that does not follow the one before it, or a log that can not be read.
    pub fn follow(
        &mut self,
        directory: &Arc<Directory>,
        log: &dyn EventLog<Arrived>,
    ) -> Result<(), MeteringError> {
        if self.told.directory.as_ref().is_some_and(|known| Arc::ptr_eq(known, directory)) {
            return Ok(());
        }
        for shelf in directory.shelves(None) {
            self.follow_book(shelf)?;
        }
        self.follow_contracts(directory, log)?;
        let books = &self.told.books;
        self.guard.follow(directory, &mut self.shard, |meter| books.get(&meter).cloned())?;
        self.told.directory = Some(Arc::clone(directory));
        Ok(())
    }

    fn follow_book(&mut self, shelf: &Shelf) -> Result<(), SettleError> {
        let (Some(prices), meter) = (shelf.prices(), MeterId(shelf.book.meter.0)) else { return Ok(()) };
        let kind = match shelf.book.keeper {
            None | Some(Emitter::Provider(_)) => MeterKind::Service,
            Some(Emitter::Executor(_)) => MeterKind::Executor,
            Some(Emitter::Api(_)) => MeterKind::Api,
            Some(Emitter::Storage(_)) => return Ok(()),
        };
        match self.told.books.insert(meter, Arc::clone(&prices)) {
            Some(known) if Arc::ptr_eq(&known, &prices) => Ok(()),
            None if !self.shard.has_meter(meter) => self.shard.add_meter(meter, &prices, kind),
            _ => self.shard.rebook(meter, &prices),
        }
    }

    /// Takes what a commit of the log has made durable.
    ///
    /// # Errors
    /// [`SettleError`]: then the log has an event that no book can meter, which judging prevents.
    pub fn take(&mut self, durable: &Durable<Arrived>) -> Result<(), SettleError> {
        for (group, outcomes) in &durable.groups {
            let arrived = &group.payload;
            let again = self.routed_again(arrived, durable.received);
            let (routed, billings) = again
                .as_ref()
                .map_or((&arrived.routed, &arrived.billings), |(routed, billings)| (routed, billings));
            self.bill(billings)?;
            for routed in routed {
                let Outcome::Accepted(position) = outcomes[routed.arrival] else { continue };
                self.through = self.through.max(position);
                match routed.destination {
                    Destination::Meter(meter) => self.shard.take(&arrived.batch, routed.index, meter)?,
                    Destination::Volume(storage) => {
                        let line = group.arrivals[routed.arrival].line.clone();
                        self.measure(storage, &group.bytes[line], durable.received);
                    }
                }
            }
            if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Accepted(_))) {
                for (source, heard) in &arrived.sources {
                    self.sources.hear(source, *heard, durable.received);
                }
            }
        }
        Ok(())
    }

    /// Where events go that were judged before the directory changed to what the shard has been told.
    fn routed_again(&self, arrived: &Arrived, received: Moment) -> Option<(Vec<Routed>, Vec<Billing>)> {
        let told = self.told.directory.as_ref()?;
        if Arc::ptr_eq(told, &arrived.directory) {
            return None;
        }
        let judge = Judge {
            directory: Arc::clone(told),
            now: received,
            horizon_days: None,
            placement: Placement::WHOLE,
        };
        Some(judge.route_again(arrived))
    }

    /// Says when the projects of new events are billed.
    fn bill(&mut self, billings: &[Billing]) -> Result<(), SettleError> {
        let Some(directory) = self.told.directory.clone() else { return Ok(()) };
        for billing in billings {
            if self.told.billed.contains_key(&billing.key) {
                continue;
            }
            if let Some(project) = directory.project(&billing.project) {
                let whose = (billing.emitter, billing.source.as_deref());
                self.bill_in(&directory, whose, project, billing.meter)?;
            }
        }
        Ok(())
    }

    /// Says when a meter bills a project, or what a source says of it, where it was told otherwise.
    fn bill_in(
        &mut self,
        directory: &Directory,
        (emitter, source): (Emitter, Option<&str>),
        project: &Project,
        meter: MeterId,
    ) -> Result<(), SettleError> {
        let seconds = pricing::billed(directory, emitter, project, meter);
        let name = project.id.as_str();
        let key = Billing::key_of(meter, name, source);
        if self.told.billed.get(&key) != Some(&seconds) {
            self.shard.bill(meter, (name, source), seconds.clone())?;
            self.told.billed.insert(key, seconds);
        }
        Ok(())
    }

    /// Follows contracts: their meters bill their projects from then on, and are told of what runs already.
    fn follow_contracts(
        &mut self,
        directory: &Directory,
        log: &dyn EventLog<Arrived>,
    ) -> Result<(), MeteringError> {
        for added in pricing::added(directory) {
            let emitter = Emitter::Provider(added.provider);
            self.bill_known(directory, &added)?;
            if !self.added.contains(&added) {
                // The list's own meter has had all of them.
                let is_list = directory
                    .pricings(emitter, &added.project)
                    .first()
                    .is_some_and(|(_, shelf)| shelf.book.meter.0 == added.meter);
                if !is_list {
                    self.tell_past(directory, log, &added)?;
                }
                self.added.insert(added);
            }
        }
        Ok(())
    }

    /// Says when a meter of a contract bills what it knows of the project at that provider.
    fn bill_known(&mut self, directory: &Directory, added: &Added) -> Result<(), SettleError> {
        let Some(project) = directory.project(added.project.as_str()) else { return Ok(()) };
        let (meter, emitter, at) = (MeterId(added.meter), Emitter::Provider(added.provider), self.at);
        let sources: Vec<String> =
            self.shard.billed_sources(meter, project.id.as_str()).map(str::to_owned).collect();
        for source in sources.iter().filter(|source| directory.emitter(source, at) == Some(emitter)) {
            self.bill_in(directory, (emitter, Some(source)), project, meter)?;
        }
        Ok(())
    }

    /// Tells a meter of the state events of a project that came before its contract.
    fn tell_past(
        &mut self,
        directory: &Directory,
        log: &dyn EventLog<Arrived>,
        added: &Added,
    ) -> Result<(), MeteringError> {
        let (through, mut lines, mut sources) = (self.through, Vec::new(), BTreeSet::new());
        let Some(project) = directory.project(added.project.as_str()) else { return Ok(()) };
        log.read(Position::NONE, &mut |event| {
            if event.position > through {
                return Ok(false);
            }
            let at = Moment::from_nanoseconds(event.time).unwrap_or(Moment::FIRST);
            let concerns = |event: &Envelope<'_>| {
                event.event_type == EventType::State
                    && event.project == added.project.as_str()
                    && directory.emitter(&event.source, at) == Some(Emitter::Provider(added.provider))
            };
            if let Some(told) = Envelope::read(event.line).ok().filter(concerns) {
                lines.extend_from_slice(event.line);
                lines.push(b'\n');
                if !sources.contains(&*told.source) {
                    sources.insert(told.source.into_owned());
                }
            }
            Ok(true)
        })?;
        for source in &sources {
            let emitter = Emitter::Provider(added.provider);
            self.bill_in(directory, (emitter, Some(source)), project, MeterId(added.meter))?;
        }
        let batch = Arc::new(Batch::read(lines, Origin { file: 0, line: 1 }));
        for index in 0..batch.len() {
            self.shard.take(&batch, index, MeterId(added.meter))?;
        }
        Ok(())
    }

    /// Takes a measured volume from its event, which was read before.
    fn measure(&mut self, storage: StorageId, line: &[u8], received: Moment) {
        let Ok(event) = Envelope::read(line) else { return };
        let Ok(data) = Description::read(event.event_type, event.data) else { return };
        // What is missing or no number counts as 0 (rating.md, "Usage events").
        let megabytes = match data.attribute(MEGABYTES) {
            Some(Value::Number(number)) => *number,
            _ => Number::ZERO,
        };
        let measurement = Measurement {
            storage,
            project: &event.project,
            bucket: &event.subject,
            time: event.time,
            id: &event.id,
            megabytes,
        };
        let directory = self.told.directory.as_deref();
        let kept = directory.and_then(|directory| Some((directory, directory.storages().get(&storage)?)));
        let cleaned = kept.map_or(i64::MIN, |(_, storage)| self.done.cleaned(storage));
        // A clean-up sees what was measured at its own instant.
        self.volumes.take(measurement, (cleaned, received.nanoseconds()), |time| {
            let (directory, storage) = kept?;
            due::first_after(storage, directory, time.saturating_sub(1)).map(Moment::nanoseconds)
        });
    }
}

/// The attribute of a storage's usage events that says what a bucket takes.
const MEGABYTES: &str = "mb";

/// The month in which a shard begins that may be told of events of this age.
pub fn first_month(now: Moment, horizon_days: u32) -> Date {
    let back = jiff::SignedDuration::from_hours(24 * i64::from(horizon_days));
    let first = now.timestamp().checked_sub(back).unwrap_or(now.timestamp());
    first.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month()
}
