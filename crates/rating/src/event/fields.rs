//! The fields of an envelope, read from a line in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::{Envelope, EventType, Refusal, hash, instant};
use crate::content::{self, MOST_FIELDS, Text};

/// Reads the fields of one line.
pub(super) fn read(line: &str) -> Result<Fields<'_>, Refusal> {
    // They are filled in place: moving them about costs as much as reading some of them.
    let mut fields = Fields::default();
    let mut json = serde_json::Deserializer::from_str(line);
    let read = FieldsOf(&mut fields).deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| not_an_object(line, &error))?;
    Ok(fields)
}

/// The fields of an envelope, not checked yet.
#[derive(Default)]
pub(super) struct Fields<'a> {
    specversion: Field<'a>,
    event_type: Field<'a>,
    source: Field<'a>,
    id: Field<'a>,
    subject: Field<'a>,
    time: Field<'a>,
    project: Field<'a>,
    sequence: Field<'a>,
    actor: Field<'a>,
    data: Option<&'a RawValue>,
    /// Unknown extensions are kept and ignored: they count only for the content.
    extensions: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// A field that should be a text.
#[derive(Default)]
enum Field<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    /// Of another type, which is named.
    Other(&'static str),
}

impl<'a> Field<'a> {
    fn required(self, name: &'static str) -> Result<Cow<'a, str>, Refusal> {
        let wrong = |found| Refusal::WrongType { field: name.to_owned(), expected: "a text", found };
        match self {
            Field::Text(text) if text.is_empty() => Err(Refusal::Empty(name)),
            Field::Text(text) => Ok(text),
            Field::Absent => Err(Refusal::Missing(name)),
            Field::Null => Err(wrong("null")),
            Field::Other(found) => Err(wrong(found)),
        }
    }

    fn optional(self, name: &'static str) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self {
            Field::Absent | Field::Null => Ok(None),
            field => field.required(name).map(Some),
        }
    }
}

impl<'a> Fields<'a> {
    /// Where a known text is kept.
    fn slot(&mut self, name: &str) -> Option<&mut Field<'a>> {
        Some(match name {
            "specversion" => &mut self.specversion,
            "type" => &mut self.event_type,
            "source" => &mut self.source,
            "id" => &mut self.id,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "project" => &mut self.project,
            "sequence" => &mut self.sequence,
            "actor" => &mut self.actor,
            _ => return None,
        })
    }

    pub(super) fn check(self) -> Result<Envelope<'a>, Refusal> {
        let specversion = self.specversion.required("specversion")?;
        if specversion != "1.0" {
            return Err(Refusal::SpecVersion(specversion.into_owned()));
        }
        let event_type = match &*self.event_type.required("type")? {
            "kopeck.state.v1" => EventType::State,
            "kopeck.usage.v1" => EventType::Usage,
            other => return Err(Refusal::UnknownType(other.to_owned())),
        };
        let id = self.id.required("id")?;
        let source = self.source.required("source")?;
        let subject = self.subject.required("subject")?;
        let project = self.project.required("project")?;
        let time = instant(&self.time.required("time")?)?;
        let sequence = self.sequence.optional("sequence")?;
        let actor = self.actor.optional("actor")?;
        let data = self.data.ok_or(Refusal::Missing("data"))?;
        let mut extensions = 0_u64;
        for (name, value) in &self.extensions {
            extensions = extensions.wrapping_add(content::of_field(name, hash(value)?));
        }
        let named = self.extensions.iter().find(|(name, _)| name == "authorisation");
        let authorisation = named.and_then(|(_, value)| content::string(value.get()).ok());
        Ok(Envelope {
            source,
            id,
            event_type,
            subject,
            time,
            project,
            sequence,
            actor,
            authorisation,
            data,
            extensions,
        })
    }
}

/// Where the fields of an event are put.
struct FieldsOf<'f, 'a>(&'f mut Fields<'a>);

impl<'de> DeserializeSeed<'de> for FieldsOf<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldsOf<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let fields = self.0;
        let twice = |name: &str| de::Error::custom(format_args!("field `{name}` stands twice"));
        while let Some(Text(name)) = map.next_key()? {
            if let Some(slot) = fields.slot(&name) {
                if !matches!(slot, Field::Absent) {
                    return Err(twice(&name));
                }
                *slot = map.next_value()?;
            } else if name == "data" {
                if fields.data.replace(map.next_value()?).is_some() {
                    return Err(twice(&name));
                }
            } else if fields.extensions.iter().any(|(other, _)| *other == name) {
                return Err(twice(&name));
            } else if fields.extensions.len() == MOST_FIELDS {
                return Err(de::Error::custom(format_args!(
                    "the event has more than {MOST_FIELDS} extensions"
                )));
            } else {
                fields.extensions.push((name, map.next_value()?));
            }
        }
        Ok(())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other("a truth value"))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::Other("a number"))
    }

    #[expect(clippy::disallowed_types, reason = "the parser offers it; only its type is looked at")]
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other("an object"))
    }
}

fn not_an_object(line: &str, error: &serde_json::Error) -> Refusal {
    if line.trim_start().starts_with('[') {
        return Refusal::NotJson("this is an array".to_owned());
    }
    // The parser counts lines within its input, which is one line; only the column says something.
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    Refusal::NotJson(format!("{text} (column {})", error.column()))
}
