//! Usage events as they are written: CloudEvents 1.0, structured JSON, one a line.
//!
//! The counterpart of `kopeck_rating::event`, which reads them. An event here has owned fields and knows only what
//! the contract names (rating.md, "Usage events"). What is not here: any check of the event, which is the reader's
//! duty, and extension attributes that rating does not know.

use std::io::{self, Write};

use jiff::Timestamp;
use kopeck_rating::number::{Number, ONE};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::decimal::Decimal;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// With `source`, the idempotency key: the same record must always give the same id.
    pub id: String,
    /// Where it happened, such as `slurm://CLUSTER`.
    pub source: String,
    /// The resource within the source.
    pub subject: String,
    /// When.
    pub time: Timestamp,
    /// Who is charged.
    pub project: String,
    /// Who caused it.
    pub actor: Option<String>,
    /// Breaks ties of `time` between state events of a subject.
    pub sequence: Option<String>,
    /// State or usage.
    pub says: Says,
    /// What sort of resource it is, such as `job`.
    pub kind: &'static str,
    /// The region, if any.
    pub region: Option<String>,
    /// What identifies and measures it, by name.
    pub attributes: Attributes,
}

/// What an event says about its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// From `time` on it is in this state.
    State(&'static str),
    /// At `time` it used what the attributes say, once.
    Usage,
}

/// Attributes in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Vec<(&'static str, Value)>);

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A quantity: a JSON number where it is whole, a text such as `"914.25"` where it has a fraction.
    Number(Number),
    /// A decimal as its source writes it: rating rounds it.
    Written(Decimal),
    /// Any text.
    Text(String),
}

impl Attributes {
    /// Adds a quantity; one that is unknown is left out.
    pub fn number(&mut self, name: &'static str, value: Option<Number>) {
        self.0.extend(value.map(|value| (name, Value::Number(value))));
    }

    /// Adds a decimal as it is written; one that is unknown is left out.
    pub fn written(&mut self, name: &'static str, value: Option<Decimal>) {
        self.0.extend(value.map(|value| (name, Value::Written(value))));
    }

    /// Adds a text; one that is unknown is left out.
    pub fn text(&mut self, name: &'static str, value: Option<String>) {
        self.0.extend(value.map(|value| (name, Value::Text(value))));
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Number(number) if number.has_places_beyond(0) => serializer.collect_str(number),
            Value::Number(number) => serializer.serialize_i128(number.units() / ONE),
            Value::Written(decimal) => decimal.serialize(serializer),
            Value::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// The members of the JSON object, in the order in which they are written.
#[derive(Serialize)]
struct Line<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'static str,
    subject: &'a str,
    #[serde(serialize_with = "as_text")]
    time: Timestamp,
    project: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<&'a str>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    attributes: &'a Attributes,
}

/// RFC 3339 in UTC.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn as_text<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Writes events, one a line.
pub struct Writer<'a> {
    output: &'a mut dyn Write,
    line: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A writer to this output, which gets one whole line at a time.
    pub fn new(output: &'a mut dyn Write) -> Writer<'a> {
        Writer { output, line: Vec::new() }
    }

    /// Writes one event.
    ///
    /// # Errors
    /// What the output fails with.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, &line_of(event))?;
        self.line.push(b'\n');
        self.output.write_all(&self.line)
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// What the output fails with.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn line_of(event: &Event) -> Line<'_> {
    let (event_type, state) = match event.says {
        Says::State(state) => ("kopeck.state.v1", Some(state)),
        Says::Usage => ("kopeck.usage.v1", None),
    };
    Line {
        specversion: "1.0",
        id: &event.id,
        source: &event.source,
        event_type,
        subject: &event.subject,
        time: event.time,
        project: &event.project,
        actor: event.actor.as_deref(),
        sequence: event.sequence.as_deref(),
        data: Data {
            kind: event.kind,
            state,
            region: event.region.as_deref(),
            attributes: &event.attributes,
        },
    }
}
