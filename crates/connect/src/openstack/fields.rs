//! The fields of a JSON object, each read when it is asked for.
//!
//! Values stay in the text of their record until then, so that a number is never a binary float. OpenStack writes
//! times in UTC, with or without saying so, and numbers as texts or as JSON numbers. A field that is null or an
//! empty text says nothing, as if it were missing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kopeck_rating::calendar;
use kopeck_rating::number::Number;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::convert::{Flaw, quoted};
use crate::decimal;
use crate::records;

/// A text is at most this long, in bytes: an id or a name, not a document.
const LONGEST_TEXT: usize = 1_000;

/// The fields of one object; of two of one name the last counts.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fields<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

/// `{"name": .., "type": .., "value": ..}`, or the three in an array.
#[derive(Deserialize)]
struct Trait<'a> {
    name: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    _type: Option<&'a RawValue>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl<'a> Fields<'a> {
    /// The fields of an object.
    pub(crate) fn read(text: &'a [u8]) -> Result<Fields<'a>, Flaw> {
        records::parse(text, "a JSON object")
    }

    /// Adds the entries of the list `traits`, where the object itself has no field of their name.
    pub(crate) fn add_traits(&mut self) -> Result<(), Flaw> {
        let Some(raw) = self.raw("traits") else { return Ok(()) };
        let traits: Vec<Trait<'a>> = serde_json::from_str(raw).map_err(|_| {
            let reason = "is not a list of names, types and values";
            Flaw::of_field("traits", reason, "export events as the telemetry service lists them")
        })?;
        for Trait { name, value, .. } in traits {
            self.0.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.get()).filter(|raw| !matches!(*raw, "null" | "\"\""))
    }

    /// A text; a number or a truth value is the text of its JSON.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, Flaw> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let text = match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw).map_err(|error| {
                Flaw::of_field(name, format!("is not a text: {error}"), "export the record again")
            })?,
            Some(b'{' | b'[') => return Err(Flaw::of_field(name, "is not a text", "write it as one text")),
            _ => raw.to_owned(),
        };
        if text.len() > LONGEST_TEXT {
            let reason = format!("is longer than {LONGEST_TEXT} bytes");
            return Err(Flaw::of_field(name, reason, "is this the right file?"));
        }
        Ok(Some(text))
    }

    /// A text that is a document of its own.
    pub(crate) fn document(&self, name: &'static str) -> Result<Option<String>, Flaw> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw)
            .map(Some)
            .map_err(|_| Flaw::of_field(name, "is not a text", "export the record as it came over the bus"))
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &'static str, remedy: &'static str) -> Result<String, Flaw> {
        self.text(name)?.ok_or_else(|| Flaw::of_field(name, "is missing", remedy))
    }

    /// A quantity, not negative.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<Number>, Flaw> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        decimal::number(&text, false).map(Some).map_err(|reason| {
            let reason = format!("{} {reason}", quoted(&text));
            Flaw::of_field(name, reason, "write it as a plain decimal number")
        })
    }

    /// A quantity without which the resource can not be billed.
    pub(crate) fn quantity(&self, name: &'static str) -> Result<Number, Flaw> {
        const REMEDY: &str = "a resource without it can not be billed: export the field";
        self.number(name)?.ok_or_else(|| Flaw::of_field(name, "is missing", REMEDY))
    }

    /// A time: `2026-10-05T10:00:00.5`, with a space instead of the T, and with or without an offset.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Flaw> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let malformed = || {
            let reason = format!("{} is not a time such as 2026-10-05T10:00:00", quoted(&text));
            Flaw::of_field(name, reason, "export times as OpenStack writes them")
        };
        let has_clock = matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
        let time = match text.parse::<Timestamp>() {
            _ if !has_clock => return Err(malformed()),
            Ok(time) => time,
            Err(_) => {
                let local: DateTime = text.parse().map_err(|_| malformed())?;
                TimeZone::UTC.to_timestamp(local).map_err(|_| malformed())?
            }
        };
        calendar::check_instant(time)
            .map(Some)
            .map_err(|range| Flaw::of_field(name, format!("{time} {range}"), "check the clock of the cloud"))
    }

    /// The instant of the record.
    pub(crate) fn instant(&self, name: &'static str) -> Result<Timestamp, Flaw> {
        const REMEDY: &str = "export the field: it is the instant of the record";
        self.time(name)?.ok_or_else(|| Flaw::of_field(name, "is missing", REMEDY))
    }

    /// The fields of an object within this one.
    pub(crate) fn object(&self, name: &'static str) -> Result<Option<Fields<'a>>, Flaw> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw)
            .map(Some)
            .map_err(|_| Flaw::of_field(name, "is not an object", "export the record as its service sent it"))
    }
}
