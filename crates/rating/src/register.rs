//! The register: what must be remembered of all events, so that each counts once and its names become numbers.
//!
//! Both ways of rating begin here: a run over a window (`rate`) and live rating (`live`). What they then do with a
//! state or a usage is theirs.

use crate::batch::{Batch, Read};
use crate::event::{Description, Envelope, EventType, Refusal};
use crate::intake::{Descriptions, Label, Labels, Name, Names, Records};
use crate::keys::{Accepted, Keys};

/// What is remembered of all events.
#[derive(Debug, Default)]
pub(crate) struct Register {
    pub(crate) names: Names,
    pub(crate) descriptions: Descriptions,
    pub(crate) labels: Labels,
    /// The resources, and of a run over a window also their state events.
    pub(crate) records: Records,
    pub(crate) keys: Keys,
}

/// A state event that counts, in numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewState {
    pub(crate) time: i64,
    pub(crate) resource: u32,
    pub(crate) project: Name,
    pub(crate) description: u32,
    pub(crate) label: Label,
}

impl Register {
    /// Registers a state event; `None` for one that was accepted before.
    ///
    /// # Errors
    /// [`Refusal`], the first reason that is found; the register stays as it was but for names.
    pub(crate) fn state<'e>(
        &mut self,
        read: &Read,
        data: u128,
        (batch, currency, with_actor): (&Batch, &str, bool),
        envelope: impl Fn() -> Result<Envelope<'e>, Refusal>,
    ) -> Result<Option<NewState>, Refusal> {
        let description = match self.descriptions.known(data) {
            Some(known) => known,
            None => {
                let description = Description::read(EventType::State, envelope()?.data)?;
                description.check_currency(currency)?;
                self.descriptions.push(data, description)?
            }
        };
        let content = read.content.wrapping_add(self.descriptions.get(description).content());
        if self.keys.accept(read.key, content)? == Accepted::Duplicate {
            return Ok(None);
        }
        let (project, resource) = self.owner(read, envelope)?;
        let label = self.labels.push(batch.label(read, with_actor))?;
        Ok(Some(NewState { time: read.time, resource, project, description, label }))
    }

    /// Registers a usage event by its key.
    ///
    /// # Errors
    /// [`Refusal`] where its currency is not the book's, or its key is known with other content.
    pub(crate) fn usage(
        &mut self,
        read: &Read,
        data: &Description,
        currency: &str,
    ) -> Result<Accepted, Refusal> {
        data.check_currency(currency)?;
        self.keys.accept(read.key, read.content)
    }

    /// The project and the resource that an event names, new or known.
    pub(crate) fn owner<'e>(
        &mut self,
        read: &Read,
        envelope: impl Fn() -> Result<Envelope<'e>, Refusal>,
    ) -> Result<(Name, u32), Refusal> {
        let project = match self.names.known(read.project) {
            Some(known) => known,
            None => self.names.number(&envelope()?.project)?,
        };
        if let Some(known) = self.records.known(read.resource) {
            return Ok((project, known));
        }
        let envelope = envelope()?;
        let source = self.names.number(&envelope.source)?;
        let subject = self.names.number(&envelope.subject)?;
        Ok((project, self.records.resource(read.resource, source, subject)?))
    }
}
