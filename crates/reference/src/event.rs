//! Accepted events, owned, and which of several with one key counts.

use std::collections::BTreeMap;

use kopeck_rating::calendar::Second;
use kopeck_rating::event::{Description, Envelope, EventType, Refusal};
use kopeck_rating::price_book::PriceBook;

/// An event that was read and not refused for what it says.
#[derive(Debug, Clone)]
pub struct Event {
    /// The CloudEvents `source`.
    pub source: String,
    /// The CloudEvents `id`: with the source, the idempotency key.
    pub id: String,
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Breaks ties of `time`, before the id.
    pub sequence: Option<String>,
    /// The resource, within its source.
    pub subject: String,
    /// The project that the event is charged to.
    pub project: String,
    /// State or usage.
    pub event_type: EventType,
    /// What it says of its subject.
    pub data: Description,
    /// The hash of the whole event: equal for equal JSON at an equal instant.
    pub content: u64,
}

impl Event {
    /// Reads one line, to be rated with `book`.
    ///
    /// # Errors
    /// [`Refusal`], the first that is found.
    pub fn read(line: &[u8], book: &PriceBook) -> Result<Event, Refusal> {
        let envelope = Envelope::read(line)?;
        let data = Description::read(envelope.event_type, envelope.data)?;
        data.check_currency(book.currency())?;
        Ok(Event {
            content: envelope.content(&data),
            source: envelope.source.into_owned(),
            id: envelope.id.into_owned(),
            time: envelope.time,
            sequence: envelope.sequence.map(std::borrow::Cow::into_owned),
            subject: envelope.subject.into_owned(),
            project: envelope.project.into_owned(),
            event_type: envelope.event_type,
            data,
        })
    }

    /// The whole second that its instant lies in.
    #[must_use]
    pub fn second(&self) -> Second {
        self.time.div_euclid(1_000_000_000)
    }
}

/// What becomes of an event that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It counts.
    Accepted,
    /// One with its key and content was accepted before: it is ignored.
    Duplicate,
    /// One with its key and another content was accepted before: it is refused.
    OtherContent,
}

/// The fate of each event, in the order of arrival: of one key the first counts.
#[must_use]
pub fn fates(events: &[Event]) -> Vec<Fate> {
    let mut first: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut fates = Vec::with_capacity(events.len());
    for event in events {
        let key = (event.source.as_str(), event.id.as_str());
        fates.push(match first.get(&key) {
            None => Fate::Accepted,
            Some(content) if *content == event.content => Fate::Duplicate,
            Some(_) => Fate::OtherContent,
        });
        first.entry(key).or_insert(event.content);
    }
    fates
}

/// The events that count, of those that arrived in this order.
#[must_use]
pub fn accepted(events: &[Event]) -> Vec<Event> {
    let with_fates = events.iter().zip(fates(events));
    with_fates.filter(|(_, fate)| *fate == Fate::Accepted).map(|(event, _)| event.clone()).collect()
}
