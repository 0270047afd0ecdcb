//! Intake: which events are accepted, and the state events kept for each resource until they are rated.
//!
//! An event is accepted once for its key (source, id); a second one with the same content is a duplicate, one with
//! other content is refused. What is kept of a state event is 40 bytes, the text that breaks ties of time (its
//! sequence and id) and a share of the table of keys; its data is kept once for all events that say the same.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use crate::content;
use crate::event::{Description, Envelope, EventType, Refusal};

/// Where an event was read: the number of its file and of its line in it, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The number of the file, from 0, in the order given.
    pub file: u32,
    /// The number of the line, from 1.
    pub line: u64,
}

/// What became of an event that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is rated.
    New,
    /// It was accepted before; nothing changes.
    Duplicate,
}

/// The number of a name in [`Names`].
pub type Name = u32;

/// Names, each kept once.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<Box<str>, Name>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// The number of a name, new or known.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² names.
    pub fn number(&mut self, text: &str) -> Result<Name, Refusal> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let number = Name::try_from(self.texts.len()).map_err(|_| Refusal::TooMany)?;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        Ok(number)
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        &self.texts[name as usize]
    }
}

/// A hash that is one already is not hashed again.
#[derive(Debug, Default, Clone)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        let [low, high] =
            [hash, hash >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
        self.0 = low ^ high;
    }
}

/// A map whose keys are 128-bit hashes.
pub type ByHash<V> = HashMap<u128, V, BuildHasherDefault<Hashed>>;

/// The keys of accepted events, with the hashes of their contents.
#[derive(Debug, Default)]
pub struct Keys(ByHash<u64>);

impl Keys {
    /// Accepts an event, or knows it.
    ///
    /// # Errors
    /// [`Refusal::OtherContent`] where the key is known with other content.
    pub fn accept(&mut self, envelope: &Envelope<'_>, data: &Description) -> Result<Accepted, Refusal> {
        let content = envelope.content(data);
        match self.0.entry(envelope.key()) {
            Entry::Vacant(place) => {
                place.insert(content);
                Ok(Accepted::New)
            }
            Entry::Occupied(known) if *known.get() == content => Ok(Accepted::Duplicate),
            Entry::Occupied(_) => Err(Refusal::OtherContent),
        }
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The descriptions of state events, each kept once.
#[derive(Debug, Default)]
pub struct Descriptions {
    numbers: ByHash<u32>,
    list: Vec<Description>,
}

impl Descriptions {
    /// The number of the data of a state event: found by its text, read where it is new.
    ///
    /// # Errors
    /// What [`Description::read`] refuses, and [`Refusal::TooMany`] beyond 2³².
    pub fn number(&mut self, envelope: &Envelope<'_>, currency: &str) -> Result<u32, Refusal> {
        let hash = content::of_key("data", envelope.data.get());
        if let Some(number) = self.numbers.get(&hash) {
            return Ok(*number);
        }
        let description = Description::read(EventType::State, envelope.data)?;
        description.check_currency(currency)?;
        let number = u32::try_from(self.list.len()).map_err(|_| Refusal::TooMany)?;
        self.list.push(description);
        self.numbers.insert(hash, number);
        Ok(number)
    }

    /// A description.
    #[must_use]
    pub fn get(&self, number: u32) -> &Description {
        &self.list[number as usize]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// What is kept of an accepted state event.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Where it was read.
    pub origin: Origin,
    /// Its sequence and id in [`Labels`].
    pub label: Label,
    /// Its data in [`Descriptions`].
    pub description: u32,
    /// The project that it names.
    pub project: Name,
}

/// Where the texts of an event stand in [`Labels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(u64);

/// The sequences and ids of events, one after the other.
#[derive(Debug, Default)]
pub struct Labels(Vec<u8>);

impl Labels {
    /// Keeps the sequence and id of an event, and its actor where that is asked for.
    pub fn push(&mut self, envelope: &Envelope<'_>, with_actor: bool) -> Label {
        let label = Label(self.0.len() as u64);
        self.part(envelope.sequence.as_deref());
        self.part(Some(&envelope.id));
        if with_actor {
            self.part(envelope.actor.as_deref());
        }
        label
    }

    /// A length, one more than the text's and 0 for none, and the text; lines limit texts to far below 2³² bytes.
    fn part(&mut self, text: Option<&str>) {
        let length = text.map_or(0, |text| u32::try_from(text.len() + 1).unwrap_or(u32::MAX));
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text.unwrap_or_default().as_bytes());
    }

    /// The sequence, absent lowest, and the id: what breaks ties of time.
    #[must_use]
    pub fn order(&self, label: Label) -> (Option<&[u8]>, &[u8]) {
        let start = usize::try_from(label.0).unwrap_or(usize::MAX);
        let (sequence, next) = self.read(start);
        (sequence, self.read(next).0.unwrap_or_default())
    }

    fn read(&self, at: usize) -> (Option<&[u8]>, usize) {
        let bytes = self.0.get(at..).unwrap_or_default();
        let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return (None, at) };
        match usize::try_from(u32::from_le_bytes(*head)).unwrap_or(0).checked_sub(1) {
            None => (None, at + 4),
            Some(length) => (rest.get(..length), at + 4 + length),
        }
    }

    /// The id of an event and its actor, for labels that were kept with actors.
    #[must_use]
    pub fn id_and_actor(&self, label: Label) -> (String, Option<String>) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (_, id) = self.read(usize::try_from(label.0).unwrap_or(usize::MAX));
        let (id, actor) = self.read(id);
        (id.map(text).unwrap_or_default(), self.read(actor).0.map(text))
    }
}

/// A resource, and the state events that were accepted for it.
#[derive(Debug)]
pub struct Resource {
    /// Its source.
    pub source: Name,
    /// Its subject.
    pub subject: Name,
    /// Its events, in the order of arrival until they are sorted.
    pub records: Vec<Record>,
}

/// The resources of a run, in the order in which they were first named.
#[derive(Debug, Default)]
pub struct Resources {
    numbers: HashMap<(Name, Name), u32>,
    list: Vec<Resource>,
}

impl Resources {
    /// The resource of that source and subject, new or known.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² resources.
    pub fn get(&mut self, source: Name, subject: Name) -> Result<&mut Resource, Refusal> {
        let next = u32::try_from(self.list.len()).map_err(|_| Refusal::TooMany)?;
        let number = *self.numbers.entry((source, subject)).or_insert(next);
        if number == next {
            self.list.push(Resource { source, subject, records: Vec::new() });
        }
        Ok(&mut self.list[number as usize])
    }

    /// All of them.
    pub fn into_list(self) -> Vec<Resource> {
        self.list
    }
}

/// Sorts the records of a resource by full time, sequence and id.
pub fn sort(records: &mut [Record], labels: &Labels) {
    let order = |one: &Record, other: &Record| {
        one.time.cmp(&other.time).then_with(|| labels.order(one.label).cmp(&labels.order(other.label)))
    };
    if !records.is_sorted_by(|one, other| order(one, other).is_le()) {
        records.sort_unstable_by(order);
    }
}
