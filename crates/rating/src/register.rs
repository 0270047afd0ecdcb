//! The register: what must be remembered of all events, so that each counts once and its names become numbers.
//!
//! Both ways of rating begin here: a run over a window (`rate`) and live rating (`live`). What they then do with a
//! state or a usage is theirs. An event passes three tables, one after the other: its statement, its key, and its
//! resource.

use crate::batch::{Entry, OwnerTexts, Read, Told, Written};
use crate::content;
use crate::event::{Description, EventType, Refusal};
use crate::intake::{Descriptions, Label, Labels, Name, Names, Records, Statement, Statements};
use crate::keys::{Accepted, Keys};

/// What is remembered of all events.
#[derive(Debug, Default)]
pub(crate) struct Register {
    pub(crate) names: Names,
    pub(crate) descriptions: Descriptions,
    pub(crate) statements: Statements,
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
    pub(crate) statement: Statement,
    pub(crate) label: Label,
}

/// What is known of an event before its turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    /// The number of what it says.
    pub(crate) statement: Option<u32>,
}

impl Register {
    /// Looks up a batch in all tables. What one event waits for in memory, its neighbours wait for at the same time,
    /// and finds it near when its turn comes.
    pub(crate) fn look_ahead<U>(&self, entries: &[Entry<U>]) -> Vec<Ahead> {
        let read = || entries.iter().filter_map(|entry| entry.read.as_ref().ok());
        self.keys.look_ahead(read().map(|read| read.key));
        self.records.look_ahead(read().map(|read| read.resource));
        let known = |entry: &Entry<U>| match &entry.read {
            Ok(Read { told: Told::State(said), .. }) => self.statements.known(*said),
            _ => None,
        };
        entries.iter().map(|entry| Ahead { statement: known(entry) }).collect()
    }

    /// The number of what a state event says, by the hash of its project and data: new or known.
    ///
    /// # Errors
    /// [`Refusal`] of data that is not as the contract has it, or a `cost` in another currency than the book's.
    pub(crate) fn statement<U>(
        &mut self,
        written: Written<'_, U>,
        said: u128,
        currency: &str,
    ) -> Result<u32, Refusal> {
        if let Some(known) = self.statements.known(said) {
            return Ok(known);
        }
        let data = written.data()?;
        let hash = content::of_key("data", data.get());
        let description = match self.descriptions.known(hash) {
            Some(known) => known,
            None => {
                let description = Description::read(EventType::State, data)?;
                description.check_currency(currency)?;
                self.descriptions.push(hash, description)?
            }
        };
        let name = written.owner().project;
        let project = self.names.number(&name)?;
        let data = self.descriptions.get(description).content();
        let content = content::of_told(content::of_name(&name), data);
        self.statements.push(said, Statement { project, description, content })
    }

    /// Accepts a state event by its key and content, or knows it.
    ///
    /// # Errors
    /// [`Refusal::OtherContent`].
    pub(crate) fn accept_state<U>(&mut self, read: &Read<U>, statement: u32) -> Result<Accepted, Refusal> {
        let content = read.content.wrapping_add(self.statements.get(statement).content);
        self.keys.accept(read.key, content)
    }

    /// The number of the resource that an event of a project names: new or known.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub(crate) fn resource<U>(&mut self, written: Written<'_, U>, project: Name) -> Result<u32, Refusal> {
        let hash = written.read.resource;
        if let Some(known) = self.records.known(hash) {
            return Ok(known);
        }
        let OwnerTexts { source, subject, .. } = written.owner();
        let owner = (self.names.number(&source)?, self.names.push(&subject)?);
        self.records.resource(hash, owner, project)
    }

    /// The number of the project that an event names, by the hash of the name.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub(crate) fn project<U>(&mut self, written: Written<'_, U>, hash: u128) -> Result<Name, Refusal> {
        match self.names.known(hash) {
            Some(known) => Ok(known),
            None => self.names.number(&written.owner().project),
        }
    }
}
