//! A finished job of a batch system, whichever system recorded it, and the events that describe it.
//!
//! By default a job is one use of its executor at the job's end, as in the marketplace of executors: `per_use`
//! components price runs, core-seconds and GPU-seconds. As a state, the job is a resource of its own from start to
//! end, so that `per_second`, `hourly_peak` and the other models of resources can price it.
//!
//! The seconds that are billed are those that the batch system counted, which are fewer than from start to end
//! where the job was suspended. As a state such a job is STOPPED for the rest of its time: when it was suspended
//! is not recorded, only for how long, so the pause stands last. Both forms come to the same core-seconds.

use bigdecimal::BigDecimal;
use jiff::{SignedDuration, Timestamp};
use kopeck_rating::calendar;
use kopeck_rating::number::Number;

use crate::convert::{Flaw, Options, Reading};
use crate::decimal;
use crate::usage_event::{Attributes, Event, Says};

/// A job that ran and ended.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The CloudEvents source.
    pub(crate) source: String,
    /// What ran it: the subject of usage.
    pub(crate) executor: String,
    /// The job's id for people: the subject of states.
    pub(crate) id: String,
    /// The event id, unique for each run of the job and the same whatever the options are.
    pub(crate) run: String,
    pub(crate) project: String,
    pub(crate) actor: Option<String>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// The seconds that count: at most from start to end.
    pub(crate) duration_s: Number,
    pub(crate) cores: Number,
    /// `None` where the record does not tell: a price on it then warns, instead of billing nothing in silence.
    pub(crate) gpus: Option<Number>,
    /// As `gpus`.
    pub(crate) ram_mb: Option<Number>,
    /// What else a price may depend on, by name; those that are unknown are `None`.
    pub(crate) labels: [(&'static str, Option<String>); 2],
    /// How it ended.
    pub(crate) state: Option<String>,
}

const KIND: &str = "job";

impl Job {
    /// The events of this job.
    pub(crate) fn reading(self, options: &Options) -> Result<Reading, Flaw> {
        for (field, time) in [("start", self.start), ("end", self.end)] {
            calendar::check_instant(time).map_err(|range| {
                Flaw::of_field(field, format!("{time} {range}"), "check the clock of the cluster")
            })?;
        }
        if self.cores == Number::ZERO && self.duration_s != Number::ZERO {
            let reason = format!("the job ran {} s on no processor", self.duration_s);
            return Err(Flaw::of_record(reason, "export the processors that were allocated"));
        }
        let events = if options.as_state { self.life()? } else { vec![self.usage()] };
        Ok(Reading::Events(events))
    }

    fn usage(self) -> Event {
        let mut attributes = self.measures();
        attributes.number("duration_s", Some(self.duration_s));
        self.describe(&mut attributes);
        attributes.text("state", self.state);
        Event {
            id: self.run,
            source: self.source,
            subject: self.executor,
            time: self.end,
            project: self.project,
            actor: self.actor,
            sequence: None,
            says: Says::Usage,
            kind: KIND,
            region: None,
            attributes,
        }
    }

    /// RUNNING, STOPPED if it was suspended, DELETED.
    fn life(self) -> Result<Vec<Event>, Flaw> {
        let counted = SignedDuration::from_nanos_i128(self.duration_s.units());
        let paused = self.start.checked_add(counted).map_err(|error| {
            Flaw::of_record(format!("the job ends beyond all calendars: {error}"), "check its duration")
        })?;
        let mut attributes = self.measures();
        self.describe(&mut attributes);
        let mut events = vec![self.state(self.start, "RUNNING", attributes.clone())];
        if paused < self.end {
            events.push(self.state(paused, "STOPPED", attributes));
        }
        events.push(self.state(self.end, "DELETED", Attributes::default()));
        Ok(events)
    }

    fn state(&self, time: Timestamp, state: &'static str, attributes: Attributes) -> Event {
        // A run may begin in the very second in which the run before it ended. Times of one width sort as texts.
        let step = match state {
            "RUNNING" => 0,
            "STOPPED" => 1,
            _ => 2,
        };
        Event {
            id: format!("{}/{}", self.run, state.to_ascii_lowercase()),
            source: self.source.clone(),
            subject: self.id.clone(),
            time,
            project: self.project.clone(),
            actor: self.actor.clone(),
            sequence: Some(format!("{:.9}/{:.9}/{step}", self.start, self.end)),
            says: Says::State(state),
            kind: KIND,
            region: None,
            attributes,
        }
    }

    fn measures(&self) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.number("cores", Some(self.cores));
        attributes.number("gpus", self.gpus);
        attributes.number("ram_mb", self.ram_mb);
        attributes
    }

    fn describe(&self, attributes: &mut Attributes) {
        for (name, label) in &self.labels {
            attributes.text(name, label.clone());
        }
    }
}

/// A count: 1 to 12 digits.
pub(crate) fn count(text: &str) -> Option<Number> {
    Number::from_text(text, false).filter(|_| !text.contains('.'))
}

/// A product or sum that was computed exactly; `None` where no event can hold it.
pub(crate) fn quantity(exact: &BigDecimal) -> Option<Number> {
    decimal::number(&exact.normalized().to_plain_string(), false).ok()
}

/// A number for exact computing.
pub(crate) fn exact(number: Number) -> BigDecimal {
    BigDecimal::new(number.units().into(), i64::from(kopeck_rating::number::PLACES))
}
