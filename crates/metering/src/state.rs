//! What the settler knows: the shard, and what lies beside it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use kopeck_directory::Directory;
use kopeck_directory::directory::Shelf;
use kopeck_directory::entity::Emitter;
use kopeck_directory::name::StorageId;
use kopeck_ledger::name::Moment;
use kopeck_rating::event::{Description, Envelope, Value};
use kopeck_rating::number::Number;
use kopeck_rating::price_book::PriceBook;
use kopeck_settlement::meter_id::{MeterId, MeterKind};
use kopeck_settlement::shard::{SettleError, Shard};
use kopeck_settlement::step::Step;
use kopeck_store::events::{Durable, Outcome, Position};

use crate::due::Done;
use crate::judge::{Arrived, Destination, Projects};
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
    /// How many days old an event may be.
    horizon_days: u32,
    /// The directory that the shard has been told of.
    told: Told,
}

#[derive(Default)]
struct Told {
    directory: Option<Arc<Directory>>,
    books: HashMap<MeterId, Arc<PriceBook>>,
    billed: HashMap<MeterId, HashSet<String>>,
}

impl State {
    /// A state with nothing beside the shard, for events of at most this age.
    pub fn new(shard: Shard, at: Moment, horizon_days: u32) -> State {
        State {
            horizon_days,
            shard,
            volumes: Volumes::default(),
            sources: Sources::default(),
            done: Done::default(),
            through: Position::NONE,
            at,
            refused: Vec::new(),
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

    /// Tells the shard of new price books and projects. Costs nothing where the directory is the one that it knows.
    ///
    /// # Errors
    /// [`SettleError`] for a book that does not follow the one before it.
    pub fn follow(&mut self, directory: &Arc<Directory>) -> Result<(), SettleError> {
        if self.told.directory.as_ref().is_some_and(|known| Arc::ptr_eq(known, directory)) {
            return Ok(());
        }
        for shelf in directory.shelves(None) {
            self.follow_book(shelf)?;
        }
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

    /// Takes what a commit of the log has made durable, and answers how many events that were.
    ///
    /// # Errors
    /// [`SettleError`]: then the log has an event that no book can meter, which judging prevents.
    pub fn take(&mut self, durable: &Durable<Arrived>) -> Result<u64, SettleError> {
        if self.through == Position::NONE {
            self.begin(durable.received)?;
        }
        let mut taken = 0;
        for (group, outcomes) in &durable.groups {
            let arrived = &group.payload;
            self.bill(&arrived.projects)?;
            for ((routed, arrival), outcome) in arrived.routed.iter().zip(&group.arrivals).zip(outcomes) {
                taken += 1;
                let Outcome::Accepted(position) = outcome else { continue };
                self.through = self.through.max(*position);
                match routed.destination {
                    Destination::Meter(meter) => self.shard.take(&arrived.batch, routed.index, meter)?,
                    Destination::Volume(storage) => self.measure(storage, &group.bytes[arrival.line.clone()]),
                }
            }
            if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Accepted(_))) {
                for (source, heard) in &arrived.sources {
                    self.sources.hear(source, *heard, durable.received);
                }
            }
        }
        Ok(taken)
    }

    /// Begins the shard in the month that the first event asks for, whenever this or an earlier process was started: so
    /// all who take the same log number its months alike.
    fn begin(&mut self, received: Moment) -> Result<(), SettleError> {
        self.shard = Shard::new(SHARD, first_month(received, self.horizon_days));
        match std::mem::take(&mut self.told).directory {
            Some(directory) => self.follow(&directory),
            None => Ok(()),
        }
    }

    /// Says from when on the projects of new events are billed.
    fn bill(&mut self, projects: &Projects) -> Result<(), SettleError> {
        let Some(directory) = self.told.directory.clone() else { return Ok(()) };
        for (meter, names) in projects {
            let billed = self.told.billed.entry(*meter).or_default();
            for name in names {
                let Some(project) = directory.project(name).filter(|_| !billed.contains(name)) else {
                    continue;
                };
                let accepted = project.accepted.nanoseconds().div_euclid(1_000_000_000);
                self.shard.bill_in(*meter, name, accepted)?;
                billed.insert(name.clone());
            }
        }
        Ok(())
    }

    /// Takes a measured volume from its event, which was read before.
    fn measure(&mut self, storage: StorageId, line: &[u8]) {
        let Ok(event) = Envelope::read(line) else { return };
        let Ok(data) = Description::read(event.event_type, event.data) else { return };
        // What is missing or no number counts as 0 (rating.md, "Usage events").
        let megabytes = match data.attribute(MEGABYTES) {
            Some(Value::Number(number)) => *number,
            _ => Number::ZERO,
        };
        self.volumes.take(Measurement {
            storage,
            project: &event.project,
            bucket: &event.subject,
            time: event.time,
            id: &event.id,
            megabytes,
        });
    }
}

/// The attribute of a storage's usage events that says what a bucket takes.
const MEGABYTES: &str = "mb";

/// The one shard of an embedded store.
pub const SHARD: u64 = 0;

/// The month in which a shard begins that may be told of events of this age.
pub fn first_month(now: Moment, horizon_days: u32) -> Date {
    let back = jiff::SignedDuration::from_hours(24 * i64::from(horizon_days));
    let first = now.timestamp().checked_sub(back).unwrap_or(now.timestamp());
    first.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month()
}
