//! What the sources of OpenStack share: how records tell the lives of resources, whichever service wrote them.
//!
//! A converter reads each record into a [`Sighting`]: what it says of one resource, and when. [`Lives`] makes state
//! events of sightings, with the little that it must remember of each resource: its latest state, instant and a
//! hash of its description, some 60 bytes for each resource of the input and nothing for each record.
//!
//! - Time. A state holds from the instant of its record; a resource lives from the instant that its records name
//!   for its start (`launched_at`, `created_at`) and ends at the one they name (`deleted_at`), where these are not
//!   later than the record itself: those that are can not be true, and the instant of the record is taken.
//! - What began before the log. The first record that is read of a resource, if it does not create it, makes one
//!   more event, at the start that it names, with the attributes that it names and the state that it tells of the
//!   time before it: the best that is known, and what later records of the same log do not contradict. Its id is
//!   that of the record and `/since`. Of a resource whose first record is its end, nobody knows whether it ran: it
//!   is UNKNOWN until then, a state that no price of a class bills. Where no start is named, the resource lives
//!   from its first record.
//! - Order. An event's `sequence` orders those of one instant: first what was concluded of the time before the
//!   log, the conclusion from the earliest record last, then what was recorded, in the order of the records. So a
//!   resource comes to the same life if its log is converted in parts, or in any order.
//! - Repetitions. A record that tells nothing new (most hourly audits, live migrations, attached ports) is skipped
//!   and counted, and so is one that comes after the end of its resource: an audit may lag behind a deletion, and
//!   must not raise the dead.
//!
//! - Place. The region is the record's, else the one of the options. The source is `openstack://REGION`, or
//!   `openstack://CLOUD/REGION` where the options name the cloud, as `RegionOne` is a region of many; `unnamed` stands
//!   for a region that nobody names.
//!
//! What is not here: the fields of each format, prices, and a volume that is transferred to another project, which
//! rating shows as disputed (rating.md, "Life").

mod fields;
mod states;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, Write};

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use kopeck_rating::content;
use kopeck_rating::number::Number;

use crate::convert::{Flaw, Options, Reading, Refused, Run, Summary, quoted};
use crate::job;
use crate::records;
use crate::source_name;
use crate::usage_event::{Attributes, Event, Says};
pub(crate) use fields::Fields;
pub(crate) use states::{ERROR, Stage, image_stage, storage_stage, vm_after, vm_before, vm_stage};

/// Why records are skipped.
pub(crate) mod skipped {
    pub(crate) const BEGUN: &str = "operations that have only begun";
    pub(crate) const FAILED: &str = "operations that failed";
    pub(crate) const NOT_STARTED: &str = "resources that have not started";
    pub(crate) const REPEATED: &str = "records that tell nothing new";
    pub(crate) const ENDED: &str = "records of resources that have ended";
    pub(crate) const NOT_BILLED: &str = "records of what is not billed";
}

/// Converts a stream of JSON objects, each of them read by `read`.
pub(crate) fn convert(
    (input, output): (&mut dyn BufRead, &mut dyn Write),
    options: &Options,
    on_refusal: &mut dyn FnMut(Refused),
    read: fn(&[u8]) -> Result<Seen, Flaw>,
) -> io::Result<Summary> {
    let mut run = Run::new(output, on_refusal);
    let mut lives = Lives { known: HashMap::new(), place: Place::of(options) };
    records::convert(input, &mut run, &mut |object| {
        Ok(match read(object)? {
            Seen::Nothing(why) => Reading::Skipped(why),
            Seen::Resource(sighting) => lives.tell(*sighting),
        })
    })?;
    run.finish()
}

/// Where the records were made, as far as the options tell.
struct Place {
    /// Of records that name no region.
    region: Option<String>,
    cloud: Option<String>,
}

impl Place {
    fn of(options: &Options) -> Place {
        Place { region: options.region().map(str::to_owned), cloud: options.cloud().map(source_name::of) }
    }

    /// The source of a region's events: `openstack://REGION`, or `openstack://CLOUD/REGION`.
    fn source(&self, region: Option<&str>) -> String {
        let region = region.unwrap_or("unnamed");
        match &self.cloud {
            Some(cloud) => format!("openstack://{cloud}/{region}"),
            None => format!("openstack://{region}"),
        }
    }
}

/// What a record is about.
pub(crate) enum Seen {
    /// Nothing that is billed, and why.
    Nothing(&'static str),
    Resource(Box<Sighting>),
}

/// How far an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Start,
    /// It has ended, or it has one record only.
    Done,
    Error,
}

impl Phase {
    /// The name of an operation such as `power_off.end`, and its phase.
    pub(crate) fn of(operation: &str) -> (&str, Phase) {
        let suffixes = [(".start", Phase::Start), (".end", Phase::Done), (".error", Phase::Error)];
        let found = suffixes
            .into_iter()
            .find_map(|(suffix, phase)| operation.strip_suffix(suffix).map(|name| (name, phase)));
        found.unwrap_or((operation, Phase::Done))
    }
}

/// What a record says of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It has come into being, in this state since its start.
    Born(Option<&'static str>),
    /// It is in this state from now on.
    Is(Option<&'static str>),
    /// It has been in this state, and something has begun that may change it.
    Was(Option<&'static str>),
    /// It has ended, at this instant if one is named.
    Ended(Option<Timestamp>),
}

impl Told {
    /// What the record of an operation tells; `None` where there is no resource yet.
    pub(crate) fn of(
        stage: Stage,
        phase: Phase,
        creates: bool,
        deleted_at: Option<Timestamp>,
    ) -> Option<Told> {
        Some(match stage {
            Stage::NotStarted => return None,
            Stage::Ended => Told::Ended(deleted_at),
            Stage::Lives(state) if phase == Phase::Start => Told::Was(state),
            Stage::Lives(state) if creates => Told::Born(state),
            Stage::Lives(state) => Told::Is(state),
        })
    }
}

/// What one record says of one resource. A state that is `None` is the one before, whichever that was.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    /// `vm`, `volume`, `checkpoint` or `image`.
    pub(crate) kind: &'static str,
    /// The id of the resource.
    pub(crate) subject: String,
    pub(crate) region: Option<String>,
    pub(crate) project: String,
    pub(crate) actor: Option<String>,
    /// The id of the record.
    pub(crate) record: String,
    /// When the record was made.
    pub(crate) made: Timestamp,
    /// The start of the resource's life, if it is named.
    pub(crate) since: Option<Timestamp>,
    pub(crate) told: Told,
    /// The state until the record, if this is the first that is known of the resource.
    pub(crate) before: Option<&'static str>,
    /// What measures it; `None` where the record of its end does not say.
    pub(crate) attributes: Option<Attributes>,
}

/// What is remembered of a resource.
#[derive(Debug, Clone, Copy)]
struct Known {
    state: &'static str,
    /// The latest instant that is known.
    latest: Timestamp,
    /// The hash of all that an event says of it.
    description: u64,
}

const DELETED: &str = "DELETED";

/// The lives of the resources of an input.
struct Lives {
    known: HashMap<u128, Known>,
    place: Place,
}

impl Lives {
    /// The events that a record makes.
    fn tell(&mut self, mut sighting: Sighting) -> Reading {
        sighting.region = sighting.region.or_else(|| self.place.region.clone());
        sighting.since = sighting.since.filter(|since| *since <= sighting.made);
        let key = content::of_key(sighting.kind, &sighting.subject);
        let known = self.known.get(&key).copied();
        let (state, at) = sighting.now(known);
        let description = sighting.description(state);
        if let Some(known) = known {
            let is_late = at < known.latest;
            match sighting.told {
                Told::Was(_) => return Reading::Skipped(skipped::BEGUN),
                Told::Ended(_) if known.state == DELETED => return Reading::Skipped(skipped::REPEATED),
                Told::Is(_) if known.state == DELETED && !is_late => return Reading::Skipped(skipped::ENDED),
                _ if known.description == description && !is_late => {
                    return Reading::Skipped(skipped::REPEATED);
                }
                _ => {}
            }
        }
        let source = self.place.source(sighting.region.as_deref());
        let events = sighting.events(&source, (state, at), known.is_none());
        if known.is_none_or(|known| known.latest <= at) {
            self.known.insert(key, Known { state, latest: at, description });
        }
        Reading::Events(events)
    }
}

impl Sighting {
    /// The state that the record tells, and from when on.
    fn now(&self, known: Option<Known>) -> (&'static str, Timestamp) {
        let usual = if self.kind == VM { "RUNNING" } else { "AVAILABLE" };
        let known_state = known.map(|known| known.state).filter(|state| *state != DELETED);
        let or_known = |state: Option<&'static str>| state.or(known_state).unwrap_or(usual);
        match self.told {
            Told::Born(state) => (or_known(state), self.since.unwrap_or(self.made)),
            Told::Is(state) => (or_known(state), self.made),
            Told::Was(state) => (or_known(state), self.since.unwrap_or(self.made)),
            Told::Ended(at) => {
                // `deleted_at` has whole seconds: what else happened within that second must not come behind it.
                let at = at.filter(|at| *at <= self.made).unwrap_or(self.made);
                let latest = known.map_or(at, |known| known.latest.min(self.made));
                (DELETED, at.max(latest))
            }
        }
    }

    fn description(&self, state: &'static str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (state, &self.region, &self.project).hash(&mut hasher);
        if state != DELETED {
            self.attributes.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn events(mut self, source: &str, (state, at): (&'static str, Timestamp), is_first: bool) -> Vec<Event> {
        let is_conclusion = is_first && matches!(self.told, Told::Was(_));
        let ends = matches!(self.told, Told::Ended(_));
        let attributes = self.attributes.take();
        let mut events = Vec::new();
        if let (true, Some(since), Some(attributes)) = (is_first, self.since, &attributes) {
            let before = self.before.unwrap_or(if ends { "UNKNOWN" } else { state });
            if since < at {
                events.push(self.event(source, (before, since), attributes.clone(), true));
            }
        }
        let attributes = if ends { Attributes::default() } else { attributes.unwrap_or_default() };
        events.push(self.event(source, (state, at), attributes, is_conclusion));
        events
    }

    /// An event, recorded or concluded.
    fn event(
        &self,
        source: &str,
        (state, time): (&'static str, Timestamp),
        attributes: Attributes,
        concluded: bool,
    ) -> Event {
        let (id, sequence) = if concluded {
            // The earlier the record, the greater the number: it is nearest to what it was concluded of.
            let nearness = 10_i128.pow(19) - self.made.as_nanosecond();
            (format!("{}/since", self.record), format!("0/{nearness:020}"))
        } else {
            (self.record.clone(), format!("1/{:.9}", self.made))
        };
        Event {
            id,
            source: source.to_owned(),
            subject: self.subject.clone(),
            time,
            project: self.project.clone(),
            actor: self.actor.clone(),
            sequence: Some(sequence),
            says: Says::State(state),
            kind: self.kind,
            region: self.region.clone(),
            attributes,
        }
    }
}

pub(crate) const VM: &str = "vm";
pub(crate) const VOLUME: &str = "volume";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const IMAGE: &str = "image";

/// GB of so many MB, to the nine places of an event.
pub(crate) fn gb_of_mb(mb: Number) -> Option<Number> {
    // 1/1024, exactly.
    job::quantity(&(job::exact(mb) * BigDecimal::new(9_765_625.into(), 10)))
}

/// GB of a field that counts bytes, to the nine places of an event.
pub(crate) fn gb_of_bytes(fields: &Fields<'_>, name: &'static str) -> Result<Number, Flaw> {
    let text = fields.required(name, "a resource without it can not be billed: export the field")?;
    let bytes = Some(&text).filter(|text| text.len() <= LONGEST_BYTES);
    let bytes: Option<u128> = bytes.and_then(|text| text.parse().ok());
    let kb = BigDecimal::new(9_765_625.into(), 10);
    let gb = bytes.and_then(|bytes| job::quantity(&(BigDecimal::from(bytes) * &kb * &kb * &kb)));
    gb.ok_or_else(|| {
        let reason = format!("{} is not a whole number of at most {LONGEST_BYTES} digits", quoted(&text));
        Flaw::of_field(name, reason, "write it as a plain number of bytes")
    })
}

/// Digits of a number of bytes: below 10^12 GB.
const LONGEST_BYTES: usize = 20;

/// What is known of two quantities together; `None` where neither is.
pub(crate) fn sum(one: Option<Number>, other: Option<Number>) -> Option<Number> {
    match (one, other) {
        (Some(one), Some(other)) => job::quantity(&(job::exact(one) + job::exact(other))),
        (one, other) => one.or(other),
    }
}
