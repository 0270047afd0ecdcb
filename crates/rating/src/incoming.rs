//! Events on their way in: what a server must know of each before it accepts it.
//!
//! A batch is read by any thread. What is told here is what decides about acceptance: the key and the whole content,
//! hashed, for idempotency; the instant, for the horizon; source and project, for the rights of the sender; and where
//! the line stands, to be stored as it came. Data texts of state events repeat, so they are read once and known by a
//! hash afterwards ([`Contents`]).

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use crate::batch::{Batch, Entry, OwnerTexts, Read, Told, Written};
use crate::batch::{LabelParts, Origin};
use crate::content;
use crate::event::{Description, EventType, Refusal};
use crate::keys::QuickMap;

/// One event of a batch that is as the contract has it.
#[derive(Debug, Clone)]
pub struct Incoming<'e> {
    /// Its number in the batch: [`Live::take_accepted`](crate::live::Live::take_accepted) takes it by that.
    pub index: usize,
    /// The hash of (source, id): the idempotency key.
    pub key: u128,
    /// The hash of all that it says: equal for equal JSON at an equal instant.
    pub content: u64,
    /// The hash of (source, subject).
    pub resource: u128,
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// State or usage.
    pub event_type: EventType,
    /// The CloudEvents `source`.
    pub source: Cow<'e, str>,
    /// The CloudEvents `id`.
    pub id: Cow<'e, str>,
    /// The resource, within its source.
    pub subject: Cow<'e, str>,
    /// The project that it is charged to.
    pub project: Cow<'e, str>,
    /// The authorisation that it names.
    pub authorisation: Option<Cow<'e, str>>,
    /// Where its line stands in [`Batch::text`].
    pub place: Range<usize>,
    /// The line, without its end.
    pub line: &'e [u8],
    /// What another cloud has priced, in a currency of its own.
    cost: Option<Costs<'e>>,
}

/// An event of kind `cost`, whose currency must be looked at.
#[derive(Debug, Clone)]
enum Costs<'e> {
    State(Written<'e, Box<Description>>),
    Usage(&'e Description),
}

impl Incoming<'_> {
    /// Whether the event can be rated by a book of that currency: only what another cloud has priced names its own.
    ///
    /// # Errors
    /// [`Refusal::Currency`] where it is in another.
    pub fn check_currency(&self, book: &str) -> Result<(), Refusal> {
        match &self.cost {
            None => Ok(()),
            Some(Costs::Usage(data)) => data.check_currency(book),
            Some(Costs::State(written)) => {
                Description::read(EventType::State, written.data()?)?.check_currency(book)
            }
        }
    }
}

/// How an event is named.
#[derive(Debug, Clone)]
pub struct Named<'e> {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Whether it tells of a usage.
    pub is_usage: bool,
    /// The CloudEvents `source`.
    pub source: Cow<'e, str>,
    /// The CloudEvents `id`.
    pub id: Cow<'e, str>,
    /// The project that it is charged to.
    pub project: Cow<'e, str>,
    /// The authorisation that it names.
    pub authorisation: Option<Cow<'e, str>>,
}

/// What is kept of the data texts of state events that were read: some tens of bytes for each, and no more than so many.
#[derive(Debug, Default)]
pub struct Contents {
    /// By the hash of the project and the text of the data.
    young: QuickMap<u128, Known>,
    /// Those that were known before the young ones came.
    old: QuickMap<u128, Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// The share of project and data in the hash of an event.
    content: u64,
    is_cost: bool,
}

/// When so many are young, they become the old, and the old are forgotten: at most 12 MB in all.
const YOUNG: usize = 1 << 17;

impl Contents {
    fn of(&mut self, written: Written<'_, Box<Description>>, said: u128) -> Result<Known, Refusal> {
        if let Some(known) = self.young.get(&said) {
            return Ok(*known);
        }
        let known = match self.old.get(&said) {
            Some(known) => *known,
            None => {
                let data = Description::read(EventType::State, written.data()?)?;
                let project = content::of_name(&written.owner().project);
                Known { content: content::of_told(project, data.content()), is_cost: data.is_cost() }
            }
        };
        if self.young.len() >= YOUNG {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(said, known);
        Ok(known)
    }
}

impl Batch {
    /// The events, in their order, each with where it was read; or why it is none. Numbers are those of the lines that
    /// are not blank.
    pub fn incoming<'e>(
        &'e self,
        contents: &'e mut Contents,
    ) -> impl Iterator<Item = (Origin, Result<Incoming<'e>, Refusal>)> + 'e {
        let entries = self.entries().iter().enumerate();
        entries.map(|(index, entry)| (entry.origin, self.incoming_at(index, entry, contents)))
    }

    fn incoming_at<'e>(
        &'e self,
        index: usize,
        entry: &'e Entry<Box<Description>>,
        contents: &mut Contents,
    ) -> Result<Incoming<'e>, Refusal> {
        let read: &Read<_> = entry.read.as_ref().map_err(|refusal| (**refusal).clone())?;
        let written = self.written(read);
        let (event_type, content, cost) = match &read.told {
            Told::State(said) => {
                let Known { content, is_cost } = contents.of(written, *said)?;
                let content = read.content.wrapping_add(content);
                (EventType::State, content, is_cost.then_some(Costs::State(written)))
            }
            Told::Usage(_, data) => {
                (EventType::Usage, read.content, data.is_cost().then_some(Costs::Usage(data)))
            }
        };
        let OwnerTexts { source, subject, project } = written.owner();
        let place = Batch::line_of(entry);
        Ok(Incoming {
            index,
            key: read.key,
            content,
            resource: read.resource,
            time: read.time,
            event_type,
            source,
            id: String::from_utf8_lossy(LabelParts::at(written.label(false), 0).id),
            subject,
            project,
            authorisation: written.authorisation(),
            line: &self.text()[place.clone()],
            place,
            cost,
        })
    }

    /// A batch of one of its events alone, read again: it holds no more than that line. `None` where there is no such
    /// line.
    #[must_use]
    pub fn alone(&self, index: usize) -> Option<Batch> {
        let entry = self.entries().get(index)?;
        Some(Batch::read(self.text()[Batch::line_of(entry)].to_vec(), entry.origin))
    }

    /// How an event is named; `None` where the line is none.
    #[must_use]
    pub fn named(&self, index: usize) -> Option<Named<'_>> {
        let read = self.entries().get(index)?.read.as_ref().ok()?;
        let written = self.written(read);
        let OwnerTexts { source, project, .. } = written.owner();
        let id = String::from_utf8_lossy(LabelParts::at(written.label(false), 0).id);
        let is_usage = matches!(read.told, Told::Usage(..));
        Some(Named { time: read.time, is_usage, source, id, project, authorisation: written.authorisation() })
    }

    /// The instant of an event, in nanoseconds of Unix time; `None` where the line is none.
    #[must_use]
    pub fn time_of(&self, index: usize) -> Option<i64> {
        self.entries().get(index)?.read.as_ref().ok().map(|read| read.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { file: 0, line: 1 };

    fn state(id: &str, rest: &str, data: &str) -> String {
        format!(
            r#"{{"specversion": "1.0", "type": "kopeck.state.v1", "source": "s", "id": "{id}", "subject": "x", "time": "2026-10-05T10:00:00Z", "project": "acme"{rest}, "data": {data}}}"#
        )
    }

    fn contents(lines: &[String]) -> Vec<Result<u64, Refusal>> {
        let batch = Batch::read(lines.join("\n").into_bytes(), ORIGIN);
        let mut contents = Contents::default();
        batch.incoming(&mut contents).map(|(_, read)| read.map(|incoming| incoming.content)).collect()
    }

    #[test]
    fn equal_json_is_equal_content_also_where_the_text_of_the_data_is_known() {
        let one = r#"{"kind": "vm", "state": "RUNNING", "attributes": {"a": 1}}"#;
        let other = r#"{"state": "RUNNING", "kind": "vm", "attributes": {"a": 1.0}}"#;
        let found = contents(&[state("1", "", one), state("1", "", other), state("1", "", one)]);
        assert!(found[0].is_ok());
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0], found[2]);
        let differs = r#"{"kind": "vm", "state": "RUNNING", "attributes": {"a": 2}}"#;
        assert_ne!(contents(&[state("1", "", differs)])[0], found[0]);
        assert_ne!(contents(&[state("1", r#", "actor": "ada""#, one)])[0], found[0]);
    }

    #[test]
    fn state_data_that_is_not_as_the_contract_has_it_is_refused_every_time() {
        let bad = state("1", "", r#"{"kind": "vm", "attributes": {}}"#);
        let found = contents(&[bad.clone(), bad]);
        assert_eq!(found, [Err(Refusal::Missing("data.state")), Err(Refusal::Missing("data.state"))]);
    }

    #[test]
    fn a_cost_in_another_currency_is_found_before_acceptance() {
        let cost = r#"{"kind": "cost", "state": "RUNNING", "attributes": {"currency": "USD"}}"#;
        let batch = Batch::read(state("1", "", cost).into_bytes(), ORIGIN);
        let mut contents = Contents::default();
        let (_, read) = batch.incoming(&mut contents).next().unwrap();
        let read = read.unwrap();
        assert!(read.check_currency("USD").is_ok());
        assert!(matches!(read.check_currency("RUB"), Err(Refusal::Currency { .. })));
    }

    #[test]
    fn an_event_tells_where_its_line_stands_and_what_it_names() {
        let line =
            state("e1", r#", "authorisation": "a7""#, r#"{"kind": "vm", "state": "X", "attributes": {}}"#);
        let batch = Batch::read(format!("\n{line} \n").into_bytes(), ORIGIN);
        let mut contents = Contents::default();
        let (origin, read) = batch.incoming(&mut contents).next().unwrap();
        let read = read.unwrap();
        assert_eq!((origin.line, read.index), (2, 0));
        assert_eq!(read.line, line.as_bytes());
        assert_eq!(&batch.text()[read.place], line.as_bytes());
        let texts = [&*read.source, &*read.id, &*read.subject, &*read.project];
        assert_eq!(texts, ["s", "e1", "x", "acme"]);
        assert_eq!(read.authorisation.as_deref(), Some("a7"));
        let alone = batch.alone(0).unwrap();
        assert_eq!(alone.text(), line.as_bytes());
        assert_eq!(alone.time_of(0), batch.time_of(0));
    }
}
