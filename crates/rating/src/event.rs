//! Usage events: CloudEvents 1.0 in structured JSON, read and checked one by one.
//!
//! rating.md, "Usage events". An [`Envelope`] is the event without its data, a [`Description`] the data; a stream
//! of a million events repeats few descriptions, so the two are read apart and the caller may keep the second.
//! What is not here: the order of events and the lives of resources (`timeline`), and whether a key was seen
//! before (`intake`).

mod fields;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::calendar;
use crate::content::{self, ContentError, Object};
use crate::number::{Number, NumberError};

/// Why an event was refused. `Display` says what is wrong, [`Refusal::remedy`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The line is not valid UTF-8 from this byte on (counted from 1).
    #[error("byte {0} of the line is not valid UTF-8")]
    NotUtf8(usize),
    /// The line is longer than [`LONGEST_LINE`].
    #[error("the line is longer than {LONGEST_LINE} bytes")]
    TooLong,
    /// The line is not a JSON object; the text is the parser's.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// Arrays and objects nest too deep.
    #[error("nested deeper than {} levels", content::DEEPEST)]
    TooDeep,
    /// A required field is missing.
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    /// A field has another type than the contract gives it.
    #[error("field `{field}` is {found}, not {expected}")]
    WrongType {
        /// The field.
        field: String,
        /// What the contract asks for.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A field that must say something is empty.
    #[error("field `{0}` is empty")]
    Empty(&'static str),
    /// Not CloudEvents 1.0.
    #[error("specversion is \"{0}\", not \"1.0\"")]
    SpecVersion(String),
    /// Neither `kopeck.state.v1` nor `kopeck.usage.v1`.
    #[error("unknown type \"{0}\"")]
    UnknownType(String),
    /// `time` is not RFC 3339 with an offset.
    #[error("time \"{0}\" is not RFC 3339 with an offset")]
    Time(String),
    /// `time` lies outside the years that rating accepts.
    #[error("time \"{text}\" {range}", text = .0, range = calendar::OutOfRange)]
    TimeRange(String),
    /// A number that the contract refuses.
    #[error("attribute `{attribute}` {reason}")]
    Number {
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        reason: NumberRefusal,
    },
    /// The currency of a `cost` event is not the price book's.
    #[error("attribute `currency` is {found}, but the price book's currency is {book}")]
    Currency {
        /// What the event says.
        found: String,
        /// The book's currency.
        book: String,
    },
    /// The key is known and its content was another.
    #[error("an event with this source and id was accepted before with other content")]
    OtherContent,
    /// The accepted events of the stream do not fit the program's counters.
    #[error("more events than one run can hold")]
    TooMany,
}

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberRefusal {
    /// Below zero, and the kind is not `cost`.
    #[error("is negative")]
    Negative,
    /// See [`NumberError`].
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl Refusal {
    /// What the sender should do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Refusal::NotUtf8(_) => "write the file as UTF-8",
            Refusal::TooLong => "send only what identifies and measures the resource",
            Refusal::NotJson(_) => "write one complete CloudEvents object a line",
            Refusal::TooDeep => "flatten the value, or leave the extension out",
            Refusal::Missing(_) => "add it; rating.md lists the fields of each type",
            Refusal::WrongType { .. } => "write it as the contract's type",
            Refusal::Empty(_) => "name it with at least one character",
            Refusal::SpecVersion(_) => "send CloudEvents 1.0 in structured JSON",
            Refusal::UnknownType(_) => "use kopeck.state.v1 or kopeck.usage.v1",
            Refusal::Time(_) => "write it like 2026-10-05T10:00:00+03:00",
            Refusal::TimeRange(_) => "check the clock of the source",
            Refusal::Number { reason: NumberRefusal::Negative, .. } => {
                "send what was used as a positive number; only kind `cost` may be negative"
            }
            Refusal::Number { .. } => "use a larger unit, so that it is below 10^12",
            Refusal::Currency { .. } => {
                "rate it with a price book of that currency, or convert the amount first"
            }
            Refusal::OtherContent => "give every event an id of its own; what was accepted first stays",
            Refusal::TooMany => "rate a shorter period, or fewer projects, at once",
        }
    }
}

/// A line with an event is at most this long, in bytes.
pub const LONGEST_LINE: usize = 1 << 20;

/// What an event says about its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// `kopeck.state.v1`: from `time` on the subject is exactly this.
    State,
    /// `kopeck.usage.v1`: at `time` the subject used this much, once.
    Usage,
}

/// An event without its data, borrowed from its line.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// The CloudEvents `source`.
    pub source: Cow<'a, str>,
    /// The CloudEvents `id`: with the source, the idempotency key.
    pub id: Cow<'a, str>,
    /// State or usage.
    pub event_type: EventType,
    /// The resource, within its source.
    pub subject: Cow<'a, str>,
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// The project that the event is charged to.
    pub project: Cow<'a, str>,
    /// Breaks ties of `time`, before the id.
    pub sequence: Option<Cow<'a, str>>,
    /// Who caused it.
    pub actor: Option<Cow<'a, str>>,
    /// The authorisation that it was allowed by (guard.md); a value that is no text names none.
    pub authorisation: Option<Cow<'a, str>>,
    /// The data, unread: see [`Description::read`].
    pub data: &'a RawValue,
    /// The hash of the fields that are not named above.
    extensions: u64,
}

impl<'a> Envelope<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// [`Refusal`], the first that is found.
    pub fn read(line: &'a [u8]) -> Result<Envelope<'a>, Refusal> {
        if line.len() > LONGEST_LINE {
            return Err(Refusal::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|error| Refusal::NotUtf8(error.valid_up_to() + 1))?;
        fields::read(line)?.check()
    }

    /// The hash of the whole event: equal for equal JSON at an equal instant.
    #[must_use]
    pub fn content(&self, data: &Description) -> u64 {
        let told = content::of_told(content::of_name(&self.project), data.content());
        self.content_but_told([self.key(), self.resource()]).wrapping_add(told)
    }

    /// The hash of all fields but the project and `data`, by the hashes of the key and of the resource.
    pub(crate) fn content_but_told(&self, hashes: [u128; 2]) -> u64 {
        let texts = [self.sequence.as_deref(), self.actor.as_deref()];
        let is_state = self.event_type == EventType::State;
        content::of_event((is_state, self.time), hashes, texts).wrapping_add(self.extensions)
    }

    /// The 128-bit hash of the idempotency key.
    #[must_use]
    pub fn key(&self) -> u128 {
        content::of_key(&self.source, &self.id)
    }

    /// The 128-bit hash of the resource.
    #[must_use]
    pub fn resource(&self) -> u128 {
        content::of_key(&self.source, &self.subject)
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number, be it written as a JSON number or as text.
    Number(Number),
    /// Any other text; `true` and `false` are the texts of the JSON literals.
    Text(String),
    /// An array or object: neither a number nor a text.
    Nested,
}

impl Value {
    /// What a text is worth: a number where it is one, the text itself otherwise.
    #[must_use]
    pub fn of_text(text: &str, signed: bool) -> Value {
        Number::from_text(text, signed).map_or_else(|| Value::Text(text.to_owned()), Value::Number)
    }
}

/// The `data` of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What sort of resource it is, such as `vm`.
    pub kind: String,
    /// The state of the resource; usage events have none.
    pub state: Option<String>,
    /// The region, if any.
    pub region: Option<String>,
    /// The attributes, sorted by name; those that are null are left out.
    attributes: Vec<(String, Value)>,
    content: u64,
}

impl Description {
    /// Reads the data of an event of the given type.
    ///
    /// # Errors
    /// [`Refusal`], the first that is found.
    pub fn read(event_type: EventType, data: &RawValue) -> Result<Description, Refusal> {
        let Object(entries) = object("data", data)?;
        let (mut kind, mut state, mut region, mut attributes) = (None, None, None, None);
        let mut content = 0_u64;
        for (name, value) in &entries {
            match &**name {
                "kind" => kind = Some(text("data.kind", value)?),
                "state" if event_type == EventType::State => state = Some(text("data.state", value)?),
                "region" if value.get() != "null" => region = Some(text("data.region", value)?),
                "attributes" => {
                    attributes = Some(object("data.attributes", value)?);
                    continue;
                }
                _ => {}
            }
            content = content.wrapping_add(content::of_field(name, hash(value)?));
        }
        let kind = kind.ok_or(Refusal::Missing("data.kind"))?;
        if event_type == EventType::State && state.is_none() {
            return Err(Refusal::Missing("data.state"));
        }
        for (field, value) in [("data.kind", Some(&kind)), ("data.state", state.as_ref())] {
            if value.is_some_and(|text| text.is_empty()) {
                return Err(Refusal::Empty(field));
            }
        }
        let Object(attributes) = attributes.ok_or(Refusal::Missing("data.attributes"))?;
        let signed = kind == COST;
        let mut values = Vec::with_capacity(attributes.len());
        let mut all = 0_u64;
        for (name, value) in attributes {
            all = all.wrapping_add(content::of_field(&name, hash(value)?));
            if let Some(value) = attribute(&name, value, signed)? {
                values.push((name.into_owned(), value));
            }
        }
        values.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        content = content.wrapping_add(content::of_field("attributes", all));
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        let (kind, state, region) = (kind.into_owned(), owned(state), owned(region));
        Ok(Description {
            kind,
            state,
            region,
            attributes: values,
            content: content::of_field("data", content),
        })
    }

    /// What a resource or use that does not exist yet would say of itself; no event has it, so its content is 0.
    #[must_use]
    pub fn planned(kind: &str, region: Option<&str>, mut attributes: Vec<(String, Value)>) -> Description {
        attributes.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let (kind, region) = (kind.to_owned(), region.map(str::to_owned));
        Description { kind, state: None, region, attributes, content: 0 }
    }

    /// A description of an event that was read before, from its parts; attributes that are out of order are none.
    pub(crate) fn of_parts(
        [kind, region]: [Option<&str>; 2],
        state: Option<&str>,
        attributes: Vec<(String, Value)>,
        content: u64,
    ) -> Option<Description> {
        let [kind, region, state] = [kind, region, state].map(|text| text.map(str::to_owned));
        let is_sorted = attributes.is_sorted_by(|one, other| one.0 < other.0);
        let kind = kind.filter(|kind| !kind.is_empty() && is_sorted)?;
        Some(Description { kind, state, region, attributes, content })
    }

    /// The region as a value, to be compared like an attribute: a number where it is one.
    #[must_use]
    pub fn region_value(&self) -> Option<Value> {
        self.region.as_deref().map(|region| Value::of_text(region, is_signed(&self.kind)))
    }

    /// Whether it is what another cloud has priced.
    #[must_use]
    pub fn is_cost(&self) -> bool {
        self.kind == COST
    }

    /// The share of the data in the hash of its event.
    #[must_use]
    pub fn content(&self) -> u64 {
        self.content
    }

    /// The attribute of that name, if the event has it and it is not null.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let at = self.attributes.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        Some(&self.attributes[at].1)
    }

    /// The attributes, sorted by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Checks that a `cost` is in the book's currency. A cost that names none is in it.
    ///
    /// # Errors
    /// [`Refusal::Currency`] where it is in another.
    pub fn check_currency(&self, book: &str) -> Result<(), Refusal> {
        let found = match self.attribute("currency") {
            Some(_) if self.kind != COST => return Ok(()),
            None => return Ok(()),
            Some(Value::Text(found)) if found == book => return Ok(()),
            Some(Value::Text(found)) => found.clone(),
            Some(Value::Number(found)) => found.to_string(),
            Some(Value::Nested) => "no text".to_owned(),
        };
        Err(Refusal::Currency { found, book: book.to_owned() })
    }
}

/// The kind of what another cloud has priced, credits included.
const COST: &str = "cost";

/// Whether numbers of that kind may be negative.
#[must_use]
pub fn is_signed(kind: &str) -> bool {
    kind == COST
}

fn attribute(name: &str, value: &RawValue, signed: bool) -> Result<Option<Value>, Refusal> {
    let raw = value.get();
    let refuse = |reason| Refusal::Number { attribute: name.to_owned(), reason };
    Ok(Some(match raw.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b'{' | b'[') => Value::Nested,
        Some(b'"') => Value::of_text(&text(name, value)?, signed),
        Some(b't' | b'f') => Value::Text(raw.to_owned()),
        _ => {
            let number = Number::from_json(raw).map_err(|error| refuse(error.into()))?;
            // −10⁻²⁰ rounds to zero and is negative all the same.
            let negative = raw.starts_with('-') && raw.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
            if negative && !signed {
                return Err(refuse(NumberRefusal::Negative));
            }
            Value::Number(number)
        }
    }))
}

/// Reads an RFC 3339 time with an offset, in nanoseconds of Unix time.
///
/// # Errors
/// [`Refusal::Time`] and [`Refusal::TimeRange`].
pub fn instant(text: &str) -> Result<i64, Refusal> {
    let malformed = || Refusal::Time(text.to_owned());
    // The library also reads ISO 8601's other forms, which RFC 3339 leaves out.
    let bytes = text.as_bytes();
    let separated = |at: usize, by: &[u8]| bytes.get(at).is_some_and(|byte| by.contains(byte));
    let zulu = bytes.last().is_some_and(|byte| matches!(byte, b'Z' | b'z'));
    let offset = bytes.len() >= 25
        && separated(bytes.len() - 6, b"+-")
        && separated(bytes.len() - 3, b":")
        && bytes[bytes.len() - 5..].iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    let shaped = separated(4, b"-") && separated(7, b"-") && separated(10, b"Tt ");
    let clock = separated(13, b":") && separated(16, b":") && !text.contains(',');
    if !(shaped && clock && (zulu || offset)) {
        return Err(malformed());
    }
    let time = to_nanoseconds(text).parse::<Timestamp>().map_err(|_| malformed())?;
    let time = calendar::check_instant(time).map_err(|_| Refusal::TimeRange(text.to_owned()))?;
    i64::try_from(time.as_nanosecond()).map_err(|_| Refusal::TimeRange(text.to_owned()))
}

/// The text with at most nine digits of a second: RFC 3339 allows more, and nobody counts finer.
fn to_nanoseconds(text: &str) -> Cow<'_, str> {
    let Some((whole, rest)) = text.split_once('.') else { return Cow::Borrowed(text) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match (rest.get(..9), rest.get(digits..)) {
        (Some(kept), Some(offset)) if digits > 9 => Cow::Owned(format!("{whole}.{kept}{offset}")),
        _ => Cow::Borrowed(text),
    }
}

/// The second that an instant in nanoseconds lies in: rating truncates to whole seconds.
#[must_use]
pub fn second_of(nanoseconds: i64) -> calendar::Second {
    nanoseconds.div_euclid(1_000_000_000)
}

fn hash(value: &RawValue) -> Result<u64, Refusal> {
    content::of_value(value).map_err(|error| match error {
        ContentError::TooDeep => Refusal::TooDeep,
        ContentError::Malformed(text) => Refusal::NotJson(text),
    })
}

fn text<'a>(field: &str, value: &'a RawValue) -> Result<Cow<'a, str>, Refusal> {
    let raw = value.get();
    if !raw.starts_with('"') {
        let found = type_name(raw);
        return Err(Refusal::WrongType { field: field.to_owned(), expected: "a text", found });
    }
    content::string(raw).map_err(|error| Refusal::NotJson(error.to_string()))
}

fn object<'a>(field: &str, value: &'a RawValue) -> Result<Object<'a>, Refusal> {
    let raw = value.get();
    if !raw.starts_with('{') {
        let found = type_name(raw);
        return Err(Refusal::WrongType { field: field.to_owned(), expected: "an object", found });
    }
    serde_json::from_str(raw).map_err(|error| Refusal::NotJson(error.to_string()))
}

fn type_name(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a truth value",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests;
