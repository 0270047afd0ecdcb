//! Intake: the state events kept for each resource until they are rated, in little memory.
//!
//! Of a state event 24 bytes are kept, the text that breaks ties of time (its sequence and id), and its share of the
//! [`keys`](crate::keys). Its data, project and resource are kept once for all events that name them.

use crate::batch::{LabelParts, Origin};
use crate::event::{Description, Refusal};
use crate::keys::QuickMap;

/// The number of a name in [`Names`].
pub type Name = u32;

/// A map whose keys are 128-bit hashes.
type ByHash<V> = QuickMap<u128, V>;

fn number(count: usize) -> Result<u32, Refusal> {
    u32::try_from(count).map_err(|_| Refusal::TooMany)
}

/// Names, each kept once and found by its hash.
#[derive(Debug, Default)]
pub struct Names {
    numbers: ByHash<Name>,
    texts: Vec<Box<str>>,
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
        let name = number(self.texts.len())?;
        self.texts.push(text.into());
        self.numbers.insert(hash, name);
        Ok(name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        &self.texts[name as usize]
    }

    /// The place of each name in the order of their texts.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<Name> = (0..).take(self.texts.len()).collect();
        order.sort_unstable_by(|one, other| self.texts[*one as usize].cmp(&self.texts[*other as usize]));
        let mut ranks = vec![0; order.len()];
        for (rank, name) in (0..).zip(order) {
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

/// What is kept of an accepted state event.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Where its sequence and id stand in [`Labels`].
    pub label: Label,
    /// The number of its project and data in [`Records`].
    told: u32,
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

/// The sequences and ids of events, one after the other.
#[derive(Debug, Default)]
pub struct Labels(Vec<u8>);

impl Labels {
    /// Keeps a label as it was written, with its actor or without.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 16 GiB.
    pub(crate) fn push(&mut self, written: &[u8]) -> Result<Label, Refusal> {
        self.0.resize(self.0.len().next_multiple_of(LABEL_STEP), 0);
        let label = Label(number(self.0.len() / LABEL_STEP)?);
        self.0.extend_from_slice(written);
        Ok(label)
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

    fn parts(&self, label: Label) -> LabelParts<'_> {
        LabelParts::at(&self.0, label.0 as usize * LABEL_STEP)
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

/// A resource, and the last of its records.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Its source.
    pub source: Name,
    /// Its subject.
    pub subject: Name,
    last: u32,
}

/// The state events of all resources.
#[derive(Debug, Default)]
pub struct Records {
    records: Vec<Record>,
    /// Pairs of description and project.
    told: Vec<(u32, Name)>,
    told_numbers: QuickMap<(u32, Name), u32>,
    resources: Vec<Resource>,
    resource_numbers: ByHash<u32>,
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
    /// Its data.
    pub description: u32,
    /// Its project.
    pub project: Name,
}

impl Records {
    /// The number of a known resource, by the hash of its source and subject.
    #[must_use]
    pub fn known(&self, hash: u128) -> Option<u32> {
        self.resource_numbers.get(&hash).copied()
    }

    /// Keeps a new resource.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³².
    pub fn resource(&mut self, hash: u128, source: Name, subject: Name) -> Result<u32, Refusal> {
        let number = number(self.resources.len())?;
        self.resources.push(Resource { source, subject, last: 0 });
        self.resource_numbers.insert(hash, number);
        Ok(number)
    }

    /// Keeps a state event of a resource.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] beyond 2³² − 1.
    pub fn push(&mut self, resource: u32, new: NewRecord) -> Result<(), Refusal> {
        let next_told = number(self.told.len())?;
        let told = *self.told_numbers.entry((new.description, new.project)).or_insert(next_told);
        if told == next_told {
            self.told.push((new.description, new.project));
        }
        let resource = &mut self.resources[resource as usize];
        let NewRecord { time, label, place, .. } = new;
        self.records.push(Record { time, label, told, place, before: resource.last });
        resource.last = number(self.records.len())?;
        Ok(())
    }

    /// The resources, in the order in which they were first named.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The records of a resource, sorted by full time, sequence and id, replace what `into` held.
    pub fn sorted(&self, resource: &Resource, labels: &Labels, into: &mut Vec<Record>) {
        into.clear();
        let mut next = resource.last;
        while let Some(record) = next.checked_sub(1).map(|number| self.records[number as usize]) {
            into.push(record);
            next = record.before;
        }
        into.reverse();
        let order = |one: &Record, other: &Record| {
            one.time.cmp(&other.time).then_with(|| labels.order(one.label).cmp(&labels.order(other.label)))
        };
        if !into.is_sorted_by(|one, other| order(one, other).is_le()) {
            into.sort_unstable_by(order);
        }
    }

    /// The data of a record.
    #[must_use]
    pub fn description(&self, record: &Record) -> u32 {
        self.told[record.told as usize].0
    }

    /// The project that a record names.
    #[must_use]
    pub fn project(&self, record: &Record) -> Name {
        self.told[record.told as usize].1
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
