//! The stored form of a whole live rater: all that another process needs to go on as if it had seen the events itself.
//!
//! Version 3 is, in this order: the book; the first second, the end of the last month and the latest second that are
//! known; names, and which of them are looked up; descriptions with the hashes of their texts; when projects are billed;
//! keys of events; the number of resources; the resources, each with its packed state and its past; the texts of groups;
//! the project-wide sums of `monthly_peak`; the sums of usage; notices of usage; touched charges. It comes in pieces, the
//! resources in many of their own, each with the byte 3 before and a checksum at its end. Numbers are those of
//! `packed::codec`, and name entries of the tables before. The same rater is always the same bytes.
//!
//! The book may have been given versions that take effect after the latest event: parts keep their numbers, and what is
//! running is added to the new sums of `monthly_peak`.

use std::collections::{BTreeMap, BTreeSet};

use super::past::Past;
use super::touched::Touched;
use super::usage::Uses;
use super::{Live, LiveError};
use crate::calendar::Second;
use crate::content;
use crate::keys::Accepted;
use crate::matching::Group;
use crate::money::{Overflow, Quantity};
use crate::packed::codec::{self, Form, Reader, instant, name, quantity, size};
use crate::packed::{Numbers, UnpackError, read_month, write_month};
use crate::peak::Sums;
use crate::plan::{Part, Plan};
use crate::price_book::{Class, PriceBook};
use crate::resource::{self, Change, Effects, Ground, PeakKey, ResourceState};
use crate::sums::{PROJECT_WIDE, SumKey};

mod pieces;
#[cfg(test)]
mod tests;

use pieces::{
    read_counted, read_description, read_group, write_book, write_counted, write_description, write_group,
};

/// The version that is written, in the first byte.
pub const VERSION: u8 = 3;
/// The form of each piece.
const PIECE: (Form, u8) = (Form::Whole, VERSION);

const TOUCHED_RESOURCE: u8 = 1;
const TOUCHED_USE: u8 = 2;
const TOUCHED_PEAK: u8 = 3;

fn month(number: usize) -> Unpacked<u32> {
    u32::try_from(number).map_err(|_| UnpackError::Impossible("month"))
}

/// The changes of sums of `monthly_peak` that are stored.
type BegunSums = BTreeMap<PeakKey, BTreeMap<Second, Quantity>>;

/// What is wrong with bytes that can not be read, in the parts of live rating that have an error of their own.
type Unpacked<T> = Result<T, UnpackError>;

impl Live {
    /// Packs everything, to be stored, into pieces, whose order counts. See the module `stored` for the form.
    ///
    /// # Errors
    /// [`LiveError`] where nothing can be answered any more.
    pub fn pack_all(&self) -> Result<Vec<Vec<u8>>, LiveError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let mut to = vec![VERSION];
        let parts = self.begun_parts();
        write_book(&mut to, &self.plan, parts);
        size(&mut to, parts);
        for second in [self.plan.start(), self.plan.end(), self.latest] {
            instant(&mut to, second);
        }
        self.write_names(&mut to);
        self.write_descriptions(&mut to);
        let billed = self.billed.list();
        size(&mut to, billed.len());
        for ((project, source), ranges) in billed {
            name(&mut to, project);
            // One more than the number of the source; 0 where all of the project is meant.
            name(&mut to, source.map_or(0, |source| source.wrapping_add(1)));
            size(&mut to, ranges.len());
            for second in ranges.iter().flat_map(|seconds| [seconds.start, seconds.end]) {
                instant(&mut to, second);
            }
        }
        let mut words: Vec<u128> = self.register.keys.words().collect();
        words.sort_unstable();
        size(&mut to, words.len());
        for word in words {
            to.extend_from_slice(&word.to_le_bytes());
        }
        let count = self.register.records.resource_count();
        name(&mut to, count);
        let mut pieces = vec![codec::seal(Form::Whole, to)];
        codec::in_pieces(PIECE, 0..count as usize, |to, number| self.write_resource(to, number), &mut pieces);
        let mut to = vec![VERSION];
        let sums = self.begun_sums()?;
        let groups = self.group_ranks(&sums);
        self.write_sums(&mut to, &sums, &groups);
        self.write_uses(&mut to, &groups);
        pieces.push(codec::seal(Form::Whole, to));
        Ok(pieces)
    }

    /// A rater that goes on where the one that was packed stood; takes its pieces and no more.
    ///
    /// # Errors
    /// [`LiveError::Packed`] where the bytes are not those that were packed, or the book is another. Versions that
    /// take effect after the latest event may have been added to it.
    pub fn restore_all(
        book: &PriceBook,
        pieces: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Live, LiveError> {
        let pieces = &mut pieces.into_iter();
        let head = pieces.next().ok_or(UnpackError::Truncated)?;
        let mut from = Reader(codec::unseal(Form::Whole, VERSION, &head)?);
        from.byte()?;
        let written: [u8; 16] = from.array()?;
        let parts = from.number()?;
        let [start, end, latest] = [from.instant()?, from.instant()?, from.instant()?];
        let mut live = Live::since(book, start)?;
        live.plan.extend(end.saturating_sub(1))?;
        let is_same = live.plan.start() == start && live.plan.end() == end;
        live.latest = Some(latest).filter(|_| is_same).ok_or(UnpackError::Impossible("second"))?;
        live.check_book(&written, parts)?;
        live.read_names(&mut from)?;
        live.read_descriptions(&mut from)?;
        for _ in 0..from.count()? {
            let project = from.name(live.register.names.len(), "name")?;
            let source = from.name(live.register.names.len() + 1, "name")?.checked_sub(1);
            let mut ranges = Vec::new();
            for _ in 0..from.count()? {
                ranges.push(from.instant()?..from.instant()?);
            }
            live.billed.set(project, source, ranges);
        }
        for _ in 0..from.count()? {
            let word = u128::from_le_bytes(from.array()?);
            // The low half holds the content.
            let content = u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0);
            let is_new = live.register.keys.accept(word, content) == Ok(Accepted::New);
            if !is_new {
                return Err(UnpackError::Impossible("key").into());
            }
        }
        let count = usize::try_from(from.number()?).map_err(|_| UnpackError::Truncated)?;
        from.end()?;
        // No more than the names that were read can name.
        let room = count.min(live.register.names.len());
        live.states.reserve(room);
        live.pasts.reserve_exact(room);
        live.register.records.reserve(room);
        codec::of_pieces(PIECE, count, pieces, |from| live.read_resource(from))?;
        let tail = pieces.next().ok_or(UnpackError::Truncated)?;
        let mut from = Reader(codec::unseal(Form::Whole, VERSION, &tail)?);
        from.byte()?;
        let groups = live.read_sums(&mut from)?;
        live.read_uses(&mut from, &groups)?;
        from.end()?;
        live.sum_new_versions(usize::try_from(parts).unwrap_or(usize::MAX))?;
        Ok(live)
    }

    /// Goes on with a book that has got other versions effective later than the latest event: new ones, or announced ones
    /// that were edited before their effect.
    ///
    /// # Errors
    /// [`LiveError::Packed`] where the book is another, or its past was edited; all stays as it was then.
    pub fn rebook(&mut self, book: &PriceBook) -> Result<(), LiveError> {
        let mut plan = Plan::open(book, self.plan.start())?;
        plan.extend(self.plan.end().saturating_sub(1))?;
        let parts = self.begun_parts();
        let mut own = Vec::new();
        write_book(&mut own, &self.plan, parts);
        let is_later = |part: &Part| part.in_force.start > self.latest;
        let new = plan.parts().get(parts..).ok_or(UnpackError::OtherBook)?;
        let mut other = Vec::new();
        write_book(&mut other, &plan, parts);
        if own != other || !new.iter().all(is_later) {
            return Err(UnpackError::OtherBook.into());
        }
        self.plan = plan;
        self.matches.forget();
        self.sums.retain(|key, _| key.part < parts);
        self.touched.keep_parts(parts);
        self.sum_new_versions(parts)
    }

    /// How many parts can have metered something: those of versions that are effective by the latest event. What is
    /// known of later ones follows from what runs, and their versions may still be edited.
    fn begun_parts(&self) -> usize {
        let is_begun = |part: &Part| part.in_force.start.min(part.priced.start) <= self.latest;
        self.plan.parts().iter().rposition(is_begun).map_or(0, |last| last + 1)
    }

    /// Refuses a book whose parts are not those that were packed, followed by later ones.
    fn check_book(&self, written: &[u8; 16], parts: u64) -> Unpacked<()> {
        let parts = usize::try_from(parts).ok().filter(|parts| *parts <= self.plan.parts().len());
        let parts = parts.ok_or(UnpackError::OtherBook)?;
        let mut own = Vec::new();
        write_book(&mut own, &self.plan, parts);
        let new = &self.plan.parts()[parts..];
        let is_later = new.iter().all(|part| part.in_force.start > self.latest);
        if own == written && is_later { Ok(()) } else { Err(UnpackError::OtherBook) }
    }

    fn write_names(&self, to: &mut Vec<u8>) {
        let names = &self.register.names;
        size(to, names.len());
        for number in (0..).take(names.len()) {
            codec::bytes(to, names.text(number).as_bytes());
            to.push(u8::from(names.is_looked_up(number)));
        }
    }

    fn read_names(&mut self, from: &mut Reader<'_>) -> Unpacked<()> {
        let impossible = UnpackError::Impossible("name");
        for _ in 0..from.count()? {
            let (text, is_looked_up) = (from.text()?, from.byte()? == 1);
            self.register.names.restore(text, is_looked_up).map_err(|_| impossible)?;
        }
        Ok(())
    }

    fn write_descriptions(&self, to: &mut Vec<u8>) {
        size(to, self.hashes.len());
        for (number, hash) in (0..).zip(&self.hashes) {
            to.extend_from_slice(&hash.to_le_bytes());
            write_description(to, self.register.descriptions.get(number));
        }
    }

    fn read_descriptions(&mut self, from: &mut Reader<'_>) -> Unpacked<()> {
        for _ in 0..from.count()? {
            let hash = u128::from_le_bytes(from.array()?);
            let description = read_description(from)?;
            let descriptions = &mut self.register.descriptions;
            if descriptions.known(hash).is_some() || descriptions.push(hash, description).is_err() {
                return Err(UnpackError::Impossible("description"));
            }
            self.hashes.push(hash);
        }
        Ok(())
    }

    fn write_resource(&self, to: &mut Vec<u8>, number: usize) {
        let resource = self.register.records.resource_at(number);
        for own in [resource.source, resource.subject, resource.project] {
            name(to, own);
        }
        let state = self.states.of(number);
        codec::optional(to, state);
        if let Some(past) = self.pasts.get(number).filter(|_| state.is_some()) {
            past.write(to, &self.plan, &self.register.labels);
        }
    }

    fn read_resource(&mut self, from: &mut Reader<'_>) -> Unpacked<()> {
        let Live { plan, register, .. } = &mut *self;
        let names = register.names.len();
        let numbers = Numbers { plan, names, descriptions: register.descriptions.len() };
        let [source, subject] = [from.name(names, "name")?, from.name(names, "name")?];
        let project = from.name(names, "name")?;
        let hash = content::of_key(register.names.text(source), register.names.text(subject));
        let is_known = register.records.known(hash).is_some();
        let resource = register.records.resource(hash, (source, subject), project);
        let Some(resource) = resource.ok().filter(|_| !is_known) else {
            return Err(UnpackError::Impossible("resource"));
        };
        let (mut state, mut past): (Box<[u8]>, _) = (Box::default(), Past::default());
        if let Some(bytes) = from.optional()? {
            ResourceState::unpack_bare(bytes, numbers)?;
            state = bytes.into();
            past = Past::read(from, numbers, &mut register.labels)?;
        }
        self.list_under(project, resource, true);
        let mut before = project;
        for kept in past.events() {
            if kept.said.project != before {
                before = kept.said.project;
                self.list_under(before, resource, false);
            }
        }
        self.states.put(resource as usize, state);
        self.pasts.push(past);
        Ok(())
    }

    /// What the sums of `monthly_peak` are for whoever looks from the first second on that their parts price.
    fn begun_sums(&self) -> Result<BegunSums, Overflow> {
        let parts = self.begun_parts();
        let mut begun = BegunSums::new();
        for (key, sums) in self.sums.iter().filter(|(key, _)| key.part < parts) {
            let changes = sums.changes_from(self.plan.parts()[key.part].priced.start)?;
            if !changes.is_empty() {
                begun.insert(*key, changes);
            }
        }
        Ok(begun)
    }

    /// The sums of `monthly_peak`, after the texts of all groups that these and touched charges name.
    fn write_sums(&self, to: &mut Vec<u8>, sums: &BegunSums, groups: &BTreeMap<&str, Group>) {
        size(to, groups.len());
        for text in groups.keys() {
            codec::bytes(to, text.as_bytes());
        }
        let mut sums: Vec<_> =
            sums.iter().map(|(key, changes)| (self.ranked(groups, key), changes)).collect();
        sums.sort_unstable_by_key(|(key, _)| *key);
        size(to, sums.len());
        for (key, changes) in sums {
            size(to, key.part);
            name(to, key.project);
            write_group(to, key.group);
            size(to, changes.len());
            for (second, by) in changes {
                instant(to, *second);
                quantity(to, *by);
            }
        }
    }

    /// Answers the numbers that the groups have here.
    fn read_sums(&mut self, from: &mut Reader<'_>) -> Result<Vec<Group>, LiveError> {
        let mut texts = Vec::new();
        for _ in 0..from.count()? {
            texts.push(from.text()?);
        }
        let groups = self.group_numbers(&texts)?;
        for _ in 0..from.count()? {
            let part = from.below(self.plan.parts().len(), "part")?;
            let project = from.name(self.register.names.len(), "name")?;
            let key = PeakKey { part, project, group: read_group(from, &groups)? };
            let mut changes = BTreeMap::new();
            for _ in 0..from.count()? {
                changes.insert(from.instant()?, from.quantity()?);
            }
            self.sums.insert(key, Sums::of(changes)?);
        }
        Ok(groups)
    }

    fn write_uses(&self, to: &mut Vec<u8>, groups: &BTreeMap<&str, Group>) {
        self.uses.write(to, |to, key| self.write_key(to, key));
        size(to, self.usage_notices.0.len());
        for ((month, lacks), counted) in &self.usage_notices.0 {
            write_month(to, &self.plan, *month);
            write_counted(to, lacks, counted);
        }
        let parts = self.begun_parts();
        let is_begun = |touched: &Touched| !matches!(touched, Touched::Peak { key, .. } if key.part >= parts);
        let touched = self.touched.list().filter(is_begun).map(|touched| match touched {
            Touched::Peak { key, month } => Touched::Peak { key: self.ranked(groups, &key), month },
            other => other,
        });
        // Of a resource the earliest month comes first: it stays.
        let touched: BTreeSet<Touched> = touched.collect();
        let mut touched: Vec<Touched> = touched.into_iter().collect();
        touched.dedup_by_key(|touched| match *touched {
            Touched::Resource { number, .. } => Touched::Resource { number, since: 0 },
            other => other,
        });
        size(to, touched.len());
        for touched in &touched {
            self.write_touched(to, touched);
        }
    }

    fn write_touched(&self, to: &mut Vec<u8>, touched: &Touched) {
        match touched {
            Touched::Resource { number, since } => {
                to.push(TOUCHED_RESOURCE);
                name(to, *number);
                write_month(to, &self.plan, *since as usize);
            }
            Touched::Use(key) => {
                to.push(TOUCHED_USE);
                self.write_key(to, key);
            }
            Touched::Peak { key: PeakKey { part, project, group }, month } => {
                to.push(TOUCHED_PEAK);
                size(to, *part);
                name(to, *project);
                write_group(to, *group);
                write_month(to, &self.plan, *month as usize);
            }
        }
    }

    fn read_uses(&mut self, from: &mut Reader<'_>, groups: &[Group]) -> Unpacked<()> {
        let uses = Uses::read(from, |from| self.read_key(from))?;
        for key in uses.keys().filter(|key| key.resource != PROJECT_WIDE) {
            self.list_under(key.project, key.resource, false);
        }
        self.uses = uses;
        for _ in 0..from.count()? {
            let month = read_month(from, &self.plan)?;
            let (lacks, counted) = read_counted(from)?;
            self.usage_notices.0.insert((month, lacks), counted);
        }
        for _ in 0..from.count()? {
            self.read_touched(from, groups)?;
        }
        Ok(())
    }

    fn read_touched(&mut self, from: &mut Reader<'_>, groups: &[Group]) -> Unpacked<()> {
        match from.byte()? {
            TOUCHED_RESOURCE => {
                let number = from.name(self.register.records.resource_count() as usize, "resource")?;
                self.touched.resource(number, month(read_month(from, &self.plan)?)?);
            }
            TOUCHED_USE => {
                let key = self.read_key(from)?;
                self.touched.used(key);
            }
            TOUCHED_PEAK => {
                let part = from.below(self.plan.parts().len(), "part")?;
                let project = from.name(self.register.names.len(), "name")?;
                let key = PeakKey { part, project, group: read_group(from, groups)? };
                self.touched.peak(key, month(read_month(from, &self.plan)?)?);
            }
            _ => return Err(UnpackError::Impossible("touched charge")),
        }
        Ok(())
    }

    fn write_key(&self, to: &mut Vec<u8>, key: &SumKey) {
        name(to, key.part);
        write_month(to, &self.plan, key.month as usize);
        name(to, key.project);
        // One more than the number of the resource; 0 where the sum is the project's.
        name(to, key.resource.wrapping_add(1));
    }

    fn read_key(&self, from: &mut Reader<'_>) -> Unpacked<SumKey> {
        let part = from.name(self.plan.parts().len(), "part")?;
        let month = month(read_month(from, &self.plan)?)?;
        let project = from.name(self.register.names.len(), "name")?;
        let resources = self.register.records.resource_count() as usize;
        let resource = from.name(resources + 1, "resource")?.checked_sub(1).unwrap_or(PROJECT_WIDE);
        Ok(SumKey { part, month, project, resource })
    }

    /// The groups that anything that is written names, each with its place in the order of their texts.
    fn group_ranks(&self, sums: &BegunSums) -> BTreeMap<&str, Group> {
        let parts = self.begun_parts();
        let of_sums = sums.keys().map(|key| key.group);
        let touched = self.touched.list().filter_map(|touched| match touched {
            Touched::Peak { key, .. } if key.part < parts => Some(key.group),
            _ => None,
        });
        let named = of_sums.chain(touched).flatten().flatten();
        let mut groups: BTreeMap<&str, Group> =
            named.map(|group| (self.matches.groups()[group as usize].as_str(), 0)).collect();
        for (rank, place) in (0..).zip(groups.values_mut()) {
            *place = rank;
        }
        groups
    }

    fn rank(&self, ranks: &BTreeMap<&str, Group>, group: Group) -> Group {
        // All that is asked for is among them.
        ranks.get(self.matches.groups()[group as usize].as_str()).copied().unwrap_or(Group::MAX)
    }

    fn ranked(&self, ranks: &BTreeMap<&str, Group>, key: &PeakKey) -> PeakKey {
        PeakKey { group: key.group.map(|group| group.map(|group| self.rank(ranks, group))), ..*key }
    }

    /// The numbers of groups by their texts: groups come of descriptions, so matching those gives them numbers.
    fn group_numbers(&mut self, texts: &[&str]) -> Result<Vec<Group>, LiveError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let Live { plan, register, matches, .. } = self;
        for description in (0..).take(register.descriptions.len()) {
            for class in [None, Some(Class::Active), Some(Class::Inactive)] {
                matches.of(plan, &register.descriptions, (description, class))?;
            }
        }
        let known: BTreeMap<&str, Group> = matches.groups().iter().map(String::as_str).zip(0..).collect();
        let number = |text: &&str| known.get(text).copied().ok_or(UnpackError::Impossible("group"));
        Ok(texts.iter().map(number).collect::<Unpacked<_>>()?)
    }

    /// Adds what is running to the sums of parts that were not in the book when the rater was packed.
    fn sum_new_versions(&mut self, first: usize) -> Result<(), LiveError> {
        let is_new = |part: usize| part >= first;
        if !(first..self.plan.parts().len()).any(is_new) {
            return Ok(());
        }
        let Live { plan, register, matches, states, billed, .. } = self;
        let numbers =
            Numbers { plan, names: register.names.len(), descriptions: register.descriptions.len() };
        let mut effects = Effects::default();
        for (number, state) in states.iter() {
            let Some(current) = ResourceState::unpack_bare(state, numbers)?.current() else { continue };
            let source = register.records.resource_at(number).source;
            let ground = Ground { plan, descriptions: &register.descriptions, billed, source };
            resource::changes(ground, matches, (current, current.start), (&mut effects, true))?;
        }
        for Change { key, second, by } in effects.changes.into_iter().filter(|change| is_new(change.key.part))
        {
            self.sums.entry(key).or_default().change(second, by)?;
        }
        Ok(())
    }
}
