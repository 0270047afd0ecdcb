//! Intake: the state events kept for each resource until they are rated, in little memory.
//!
//! Of a state event 24 bytes are kept, the text that breaks ties of time (its sequence and id), and its share of the
//! [`keys`](crate::keys). Its data, project and resource are kept once for all events that name them.

use std::collections::BTreeSet;
use std::hint::black_box;

use crate::batch::{self, LabelParts, Origin};
use crate::blocks::Blocks;
use crate::event::{Description, Refusal};
use crate::index::Index;
use crate::keys::QuickMap;
use crate::sums::{Chain, PROJECT_WIDE};

/// The number of a name in [`Names`].
pub type Name = u32;

/// A map whose keys are 128-bit hashes.
type ByHash<V> = QuickMap<u128, V>;

fn number(count: usize) -> Result<u32, Refusal> {
    u32::try_from(count).map_err(|_| Refusal::TooMany)
}

/// Names by their numbers. Those that were looked up are kept once and found by their hash.
#[derive(Debug, Default)]
pub struct Names {
    numbers: ByHash<Name>,
    texts: Labels,
    places: Blocks<Label>,
}

impl Names {
    /// The number of a known name.
    #[must_use]
    pub fn known(&self, hash: u128) -> Option<Name> {
        self.numbers.get(&hash).copied()
    }

    /// The number of a name, new or known.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² names.
    pub fn number(&mut self, text: &str) -> Result<Name, Refusal> {
        let hash = crate::content::of_name(text);
        if let Some(known) = self.known(hash) {
            return Ok(known);
        }
        let name = self.push(text)?;
        self.numbers.insert(hash, name);
        Ok(name)
    }

    /// Keeps a name that is not looked up, because only one thing has it.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² names.
    pub fn push(&mut self, text: &str) -> Result<Name, Refusal> {
        let name = number(self.places.len())?;
        let place = self.texts.push_text(text)?;
        self.places.push(place);
        Ok(name)
    }

    /// Keeps the name that had the next number, when all names are restored in order.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² names.
    pub fn restore(&mut self, text: &str, is_looked_up: bool) -> Result<(), Refusal> {
        let name = self.push(text)?;
        if is_looked_up {
            self.numbers.insert(crate::content::of_name(text), name);
        }
        Ok(())
    }

    /// Whether a name is looked up, and not only kept.
    #[must_use]
    pub fn is_looked_up(&self, name: Name) -> bool {
        self.known(crate::content::of_name(self.text(name))) == Some(name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        std::str::from_utf8(self.bytes(name)).unwrap_or_default()
    }

    fn bytes(&self, name: Name) -> &[u8] {
        self.texts.text(*self.places.get(name as usize))
    }

    /// The place of each name in the order of their texts, from 1.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        // Most differ in their first bytes, which are compared as one number.
        let begin = |name: Name| {
            let mut begin = [0; 16];
            let text = self.bytes(name);
            let length = text.len().min(begin.len());
            begin[..length].copy_from_slice(&text[..length]);
            (u128::from_be_bytes(begin), name)
        };
        let mut order: Vec<(u128, Name)> = (0..).take(self.len()).map(begin).collect();
        order.sort_unstable_by(|one, other| {
            one.0.cmp(&other.0).then_with(|| self.bytes(one.1).cmp(self.bytes(other.1)))
        });
        let mut ranks = vec![0; order.len()];
        for (rank, (_, name)) in (1..).zip(order) {
            ranks[name as usize] = rank;
        }
        ranks
    }
}

/// The descriptions of state events, each kept once and found by the hash of its text.
#[derive(Debug, Default)]
pub struct Descriptions {
    numbers: ByHash<u32>,
    list: Vec<Description>,
}

impl Descriptions {
    /// The number of a known description.
    #[must_use]
    pub fn known(&self, hash: u128) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }

    /// Keeps a new one.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³².
    pub fn push(&mut self, hash: u128, description: Description) -> Result<u32, Refusal> {
        let number = number(self.list.len())?;
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

/// What state events say: whose a resource is, and what it is.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// The project.
    pub project: Name,
    /// The number of the data in [`Descriptions`].
    pub description: u32,
    /// The share of both in the hash of an event's content.
    pub content: u64,
}

/// The statements of state events, each kept once and found by the hash of its text.
#[derive(Debug, Default)]
pub struct Statements {
    numbers: ByHash<u32>,
    list: Vec<Statement>,
}

impl Statements {
    /// The number of a known statement.
    #[must_use]
    pub fn known(&self, hash: u128) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }

    /// Keeps a new one.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³².
    pub fn push(&mut self, hash: u128, statement: Statement) -> Result<u32, Refusal> {
        let number = number(self.list.len())?;
        self.list.push(statement);
        self.numbers.insert(hash, number);
        Ok(number)
    }

    /// A statement.
    #[must_use]
    pub fn get(&self, number: u32) -> Statement {
        self.list[number as usize]
    }
}

/// What is kept of an accepted state event.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Where its sequence and id stand in [`Labels`].
    pub label: Label,
    /// The number of its project and data in [`Statements`].
    pub statement: u32,
    /// Its place in [`Places`].
    pub place: u32,
    /// One more than the number of the record of the same resource that was accepted before it; 0 for none.
    before: u32,
}

/// Where the texts of an event stand in [`Labels`], in steps of four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(u32);

/// Bytes between two places where a label may begin: 2³² of them reach over 16 GiB.
const LABEL_STEP: usize = 4;
/// Bytes of labels that stand in one piece: more than the longest label.
const LABEL_BLOCK: usize = 1 << 22;

/// The sequences and ids of events, one after the other.
#[derive(Debug, Default)]
pub struct Labels {
    blocks: Vec<Vec<u8>>,
}

impl Labels {
    /// Keeps a label as it was written, with its actor or without.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 16 GiB.
    pub(crate) fn push(&mut self, written: &[u8]) -> Result<Label, Refusal> {
        let begin = self.blocks.last().map_or(LABEL_BLOCK, |block| block.len().next_multiple_of(LABEL_STEP));
        if begin + written.len() > LABEL_BLOCK {
            let ahead = if self.blocks.is_empty() { 0 } else { LABEL_BLOCK };
            self.blocks.push(Vec::with_capacity(ahead));
            return self.push(written);
        }
        let before = (self.blocks.len() - 1) * LABEL_BLOCK;
        let label = Label(number((before + begin) / LABEL_STEP)?);
        if let Some(block) = self.blocks.last_mut() {
            block.resize(begin, 0);
            block.extend_from_slice(written);
        }
        Ok(label)
    }

    /// Keeps one text.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 16 GiB.
    pub(crate) fn push_text(&mut self, text: &str) -> Result<Label, Refusal> {
        let mut written = Vec::with_capacity(text.len() + 5);
        batch::write_part(Some(text.as_bytes()), &mut written);
        self.push(&written)
    }

    /// The text that was kept so.
    pub(crate) fn text(&self, label: Label) -> &[u8] {
        let (block, at) = self.at(label);
        batch::part(block, at).0.unwrap_or_default()
    }

    /// The sequence, absent lowest, and the id: what breaks ties of time.
    #[must_use]
    pub fn order(&self, label: Label) -> (Option<&[u8]>, &[u8]) {
        let LabelParts { sequence, id, .. } = self.parts(label);
        (sequence, id)
    }

    /// The id of an event and its actor, for labels that were kept with actors.
    #[must_use]
    pub fn id_and_actor(&self, label: Label) -> (String, Option<String>) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let LabelParts { id, actor, .. } = self.parts(label);
        (text(id), actor.map(text))
    }

    /// A label that was kept without an actor, as it was written.
    pub(crate) fn written(&self, label: Label) -> &[u8] {
        let (block, at) = self.at(label);
        let (_, id) = batch::part(block, at);
        let (_, end) = batch::part(block, id);
        &block[at..end.min(block.len())]
    }

    /// What they take in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let before = self.blocks.len().saturating_sub(1) * LABEL_BLOCK;
        before + self.blocks.last().map_or(0, Vec::len)
    }

    fn parts(&self, label: Label) -> LabelParts<'_> {
        let (block, at) = self.at(label);
        LabelParts::at(block, at)
    }

    fn at(&self, label: Label) -> (&[u8], usize) {
        let at = label.0 as usize * LABEL_STEP;
        (&self.blocks[at / LABEL_BLOCK], at % LABEL_BLOCK)
    }
}

/// The origins of events as numbers of four bytes: lines are counted over all files.
#[derive(Debug, Default)]
pub struct Places {
    /// The number and origin at which a run of consecutive lines begins.
    runs: Vec<(u32, Origin)>,
    last: u32,
}

impl Places {
    /// The number of an origin. Beyond 2³² lines all have the last number.
    pub fn number(&mut self, origin: Origin) -> u32 {
        let following = self.runs.last().and_then(|(number, first)| {
            let lines = origin.line.checked_sub(first.line).filter(|_| first.file == origin.file)?;
            number.checked_add(u32::try_from(lines).ok()?).filter(|number| *number >= self.last)
        });
        self.last = following.unwrap_or_else(|| {
            let number = self.last.saturating_add(1);
            self.runs.push((number, origin));
            number
        });
        self.last
    }

    /// The origin of a number.
    #[must_use]
    pub fn origin(&self, number: u32) -> Origin {
        let after = self.runs.partition_point(|(first, _)| *first <= number);
        match after.checked_sub(1).map(|run| self.runs[run]) {
            Some((first, origin)) => Origin { line: origin.line + u64::from(number - first), ..origin },
            None => Origin { file: 0, line: 0 },
        }
    }
}

/// A hash of 128 bits in two halves, which pack more densely than the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hash([u64; 2]);

impl Hash {
    fn new(hash: u128) -> Hash {
        let half = |shift: u32| u64::try_from((hash >> shift) & u128::from(u64::MAX)).unwrap_or(0);
        Hash([half(64), half(0)])
    }
}

/// A resource, and the last of its records.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Its source.
    pub source: Name,
    /// Its subject.
    pub subject: Name,
    /// The project of the first event that named it.
    pub project: Name,
    /// The hash of both names.
    hash: Hash,
    last: u32,
    /// Where the chain of its sums begins.
    pub(crate) sums: Chain,
}

/// The state events of all resources.
#[derive(Debug, Default)]
pub struct Records {
    records: Blocks<Record>,
    resources: Blocks<Resource>,
    index: Index,
    /// The further projects of resources that have more than one, each pair once.
    shared: BTreeSet<(u32, Name)>,
}

/// A state event to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Its label.
    pub label: Label,
    /// Its place.
    pub place: u32,
    /// Its project and data.
    pub statement: u32,
}

impl Records {
    /// The number of a known resource, by the hash of its source and subject.
    #[must_use]
    pub fn known(&self, hash: u128) -> Option<u32> {
        self.index.find(hash, |number| self.resources.get(number as usize).hash == Hash::new(hash))
    }

    /// Brings near in memory what resources are known by, and where their last records are named.
    pub fn look_ahead(&self, hashes: impl Iterator<Item = u128>) {
        for hash in hashes {
            let known = self.known(hash);
            black_box(known.map(|number| self.resources.get(number as usize).last));
        }
    }

    /// Makes room for so many resources.
    pub fn reserve(&mut self, resources: usize) {
        self.index.reserve(resources);
    }

    /// Keeps a new resource.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³².
    pub fn resource(
        &mut self,
        hash: u128,
        (source, subject): (Name, Name),
        project: Name,
    ) -> Result<u32, Refusal> {
        let number = number(self.resources.len())?;
        let resource = Resource { source, subject, project, hash: Hash::new(hash), last: 0, sums: 0 };
        self.resources.push(resource);
        self.index.insert(hash, number);
        Ok(number)
    }

    /// Keeps a state event of a resource, which names this project.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² − 1.
    pub fn push(&mut self, resource: u32, project: Name, new: NewRecord) -> Result<(), Refusal> {
        let last = number(self.records.len() + 1)?;
        let known = self.resources.get_mut(resource as usize);
        let NewRecord { time, label, place, statement } = new;
        self.records.push(Record { time, label, statement, place, before: known.last });
        known.last = last;
        if known.project != project {
            self.shared.insert((resource, project));
        }
        Ok(())
    }

    /// Forgets all state events, and where the sums of the resources are; not the resources.
    pub(crate) fn forget(&mut self) {
        self.records = Blocks::default();
        for resource in self.resources.iter_mut() {
            (resource.last, resource.sums) = (0, 0);
        }
    }

    /// Whether state events of a resource are kept.
    pub(crate) fn has_events(&self, resource: u32) -> bool {
        self.resources.get(resource as usize).last != 0
    }

    /// What the state events take in memory without their labels, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.records.len() * size_of::<Record>()
    }

    /// The projects of a resource: that of the first event that named it, and the further ones.
    pub(crate) fn projects(&self, resource: u32) -> impl Iterator<Item = Name> {
        let further = self.shared.range((resource, 0)..=(resource, Name::MAX));
        std::iter::once(self.resource_of(resource).project).chain(further.map(|(_, project)| *project))
    }

    /// Where the chain of a resource's sums begins.
    pub fn sums(&mut self, resource: u32) -> &mut Chain {
        &mut self.resources.get_mut(resource as usize).sums
    }

    /// The further projects of resources that have more than one.
    #[must_use]
    pub fn shared(&self) -> &BTreeSet<(u32, Name)> {
        &self.shared
    }

    /// A resource by its number.
    #[must_use]
    pub fn resource_of(&self, number: u32) -> Resource {
        self.resource_at(number as usize)
    }

    /// The same, for numbers that count something else as well.
    #[must_use]
    pub fn resource_at(&self, number: usize) -> Resource {
        *self.resources.get(number)
    }

    /// How many resources there are: their numbers are below that.
    #[must_use]
    pub fn resource_count(&self) -> u32 {
        u32::try_from(self.resources.len()).unwrap_or(u32::MAX)
    }

    /// The source and subject of a resource; `None` for [`PROJECT_WIDE`].
    #[must_use]
    pub fn owner(&self, resource: u32) -> Option<(Name, Name)> {
        if resource == PROJECT_WIDE {
            return None;
        }
        let Resource { source, subject, .. } = self.resource_of(resource);
        Some((source, subject))
    }

    /// The records of each resource, sorted by full time, sequence and id, replace what `into` held, list by list.
    ///
    /// The chains are walked abreast: each step waits for memory, and so they wait together.
    pub fn sorted(&self, resources: &[u32], labels: &Labels, into: &mut Vec<Vec<Record>>) {
        into.resize_with(resources.len(), Vec::new);
        let last = |resource: &u32| self.resources.get(*resource as usize).last;
        let mut next: Vec<u32> = resources.iter().map(last).collect();
        into.iter_mut().for_each(Vec::clear);
        let mut more = true;
        while more {
            more = false;
            for (next, records) in next.iter_mut().zip(&mut *into) {
                if let Some(number) = next.checked_sub(1) {
                    let record = *self.records.get(number as usize);
                    records.push(record);
                    *next = record.before;
                    more = true;
                }
            }
        }
        for records in into {
            records.reverse();
            sort(records, labels);
        }
    }
}

fn sort(records: &mut [Record], labels: &Labels) {
    let order = |one: &Record, other: &Record| {
        one.time.cmp(&other.time).then_with(|| labels.order(one.label).cmp(&labels.order(other.label)))
    };
    if !records.is_sorted_by(|one, other| order(one, other).is_le()) {
        records.sort_unstable_by(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_back_to_its_file_and_line() {
        let mut places = Places::default();
        let origins = [(0, 1), (0, 2), (0, 9), (1, 1), (1, 500), (0, 4), (0, 3), (7, 3)];
        let origins = origins.map(|(file, line)| Origin { file, line });
        let numbers = origins.map(|origin| places.number(origin));
        assert_eq!(numbers.map(|number| places.origin(number)), origins);
        assert!(numbers.is_sorted());
    }

    #[test]
    fn a_record_takes_24_bytes() {
        assert_eq!(size_of::<Record>(), 24);
    }
}
