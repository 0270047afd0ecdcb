//! Which ids the journal knows, and at which record: exact, without an index on the hot path.
//!
//! Time-ordered ids (UUID v7) come nearly in their order: one that lies above all that were before is new, and is put
//! at the end of a list, which stays in order. One that comes late goes into a table beside. When both are large enough
//! they become a *run*: the ids in order, in blocks, with a filter, written in the same transaction as the records that
//! follow. A run is never changed. After a restart the runs are found again, and the rest is read from the journal's
//! tail. Ids without an order are as exact, and slower: each has to pass the filters of all runs.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::error::StoreError;
use crate::ledger::id_filter::IdFilter;
use crate::ledger::id_hash::IdHash;
use crate::ledger::tables::{RunHead, RunIndex, Tables};

/// So many ids make a run.
pub const RUN_IDS: usize = 1 << 16;
/// Ids in one block of a run, which is what one lookup reads: 6 KB.
const BLOCK_IDS: usize = 256;
/// Bytes of an id and its record in a block.
const ENTRY_BYTES: usize = 24;
/// Bytes of an id.
const ID_BYTES: usize = 16;
/// Blocks are numbered by run and place.
const BLOCKS_IN_RUN: i64 = 1 << 24;
/// So many of the newest runs stay in memory as well: what is retried is mostly new.
const RESIDENT_RUNS: usize = 4;

/// An id of a caller, as a number: UUIDs compare as their bytes do.
pub type Id = u128;

/// Ids in their order, each with its record's sequence number.
type SortedIds = Vec<(Id, u64)>;

/// The index, as its one writer sees it.
#[derive(Debug, Default)]
pub struct IdIndex {
    /// The newest ids, in the order in which they came and which is theirs as well.
    ordered: SortedIds,
    /// The newest ids that came after a greater one.
    late: HashMap<Id, u64, IdHash>,
    /// The greatest id of all. `None` where there is none.
    greatest: Option<Id>,
    runs: Vec<Run>,
    next_run: i64,
}

/// A run, as far as it is in memory.
#[derive(Debug)]
struct Run {
    number: i64,
    least: Id,
    greatest: Id,
    /// The greatest id of this run and all before it.
    greatest_so_far: Id,
    /// The last record whose ids are in this run or in those before it.
    through: u64,
    /// Its ids themselves, while it is among the newest.
    resident: Option<Arc<SortedIds>>,
    /// Read when first asked for.
    lookup: OnceLock<Lookup>,
}

/// What tells where in a run an id is.
#[derive(Debug)]
struct Lookup {
    filter: IdFilter,
    /// The first id of each block.
    fences: Vec<Id>,
}

/// A run that is to be written with the next commit.
#[derive(Debug, Clone)]
pub struct SealedRun {
    number: i64,
    through: u64,
    ids: Arc<SortedIds>,
}

impl IdIndex {
    /// The runs of a database. What came after [`IdIndex::through`] must be noted again.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read or a run is not one.
    pub fn load(tables: &dyn Tables) -> Result<IdIndex, StoreError> {
        let mut index = IdIndex::default();
        for RunHead { run, through, least, greatest } in tables.runs()? {
            index.push(run, through, (least, greatest), None);
        }
        Ok(index)
    }

    /// Takes note of the runs that others have made since; ids that lie in them leave memory.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read.
    pub fn follow(&mut self, tables: &dyn Tables) -> Result<(), StoreError> {
        for RunHead { run, through, least, greatest } in tables.runs()? {
            if run >= self.next_run {
                self.push(run, through, (least, greatest), None);
            }
        }
        let through = self.through();
        self.ordered.retain(|(_, sequence)| *sequence > through);
        self.late.retain(|_, sequence| *sequence > through);
        Ok(())
    }

    /// Whether the ids in memory are enough for a run.
    pub fn is_full(&self) -> bool {
        self.ordered.len() + self.late.len() >= RUN_IDS
    }

    /// The last record whose ids lie in runs; 0 where there is none.
    pub fn through(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.through)
    }

    /// The record that came with this id.
    ///
    /// # Errors
    /// [`StoreError`] where a run can not be read.
    pub fn find(&self, id: Id, tables: &dyn Tables) -> Result<Option<u64>, StoreError> {
        if self.greatest.is_none_or(|greatest| id > greatest) {
            return Ok(None);
        }
        let recent = self.late.get(&id).copied().or_else(|| search_backwards(&self.ordered, id));
        if recent.is_some() {
            return Ok(recent);
        }
        for run in self.runs.iter().rev() {
            if id > run.greatest_so_far {
                break;
            }
            if let Some(sequence) = run.find(id, tables)? {
                return Ok(Some(sequence));
            }
        }
        Ok(None)
    }

    /// Notes the id of a record. An id that is there already keeps its first record.
    pub fn note(&mut self, id: Id, sequence: u64) {
        if self.greatest.is_none_or(|greatest| id > greatest) {
            self.greatest = Some(id);
            self.ordered.push((id, sequence));
        } else if search_backwards(&self.ordered, id).is_none() {
            self.late.entry(id).or_insert(sequence);
        }
    }

    /// Makes a run of the ids in memory where they are enough; all records up to `through` have been noted.
    pub fn seal(&mut self, through: u64) -> Option<SealedRun> {
        if !self.is_full() {
            return None;
        }
        let mut ids = std::mem::replace(&mut self.ordered, Vec::with_capacity(RUN_IDS + RUN_IDS / 4));
        ids.extend(self.late.drain());
        // Two ascending lists are merged by the stable sort in one pass where few came late.
        ids.sort();
        let (least, greatest) = (ids.first()?.0, ids.last()?.0);
        let ids = Arc::new(ids);
        let number = self.next_run;
        self.push(number, through, (least, greatest), Some(Arc::clone(&ids)));
        if let Some(older) = self.runs.len().checked_sub(RESIDENT_RUNS + 1) {
            self.runs[older].resident = None;
        }
        Some(SealedRun { number, through, ids })
    }

    fn push(
        &mut self,
        number: i64,
        through: u64,
        (least, greatest): (Id, Id),
        resident: Option<Arc<SortedIds>>,
    ) {
        let before = self.runs.last().map_or(0, |run| run.greatest_so_far);
        let greatest_so_far = before.max(greatest);
        self.greatest = self.greatest.max(Some(greatest));
        self.next_run = number + 1;
        let lookup = OnceLock::new();
        self.runs.push(Run { number, least, greatest, greatest_so_far, through, resident, lookup });
    }
}

impl Run {
    fn find(&self, id: Id, tables: &dyn Tables) -> Result<Option<u64>, StoreError> {
        if id < self.least || id > self.greatest {
            return Ok(None);
        }
        if let Some(ids) = &self.resident {
            let place = ids.binary_search_by_key(&id, |(known, _)| *known);
            return Ok(place.ok().map(|place| ids[place].1));
        }
        let lookup = self.lookup(tables)?;
        if !lookup.filter.may_hold(id) {
            return Ok(None);
        }
        let block = lookup.fences.partition_point(|first| *first <= id).saturating_sub(1);
        let entries = tables.block(self.number * BLOCKS_IN_RUN + i64::try_from(block).unwrap_or(0))?;
        let entries = entries.ok_or_else(|| self.broken("misses a block"))?;
        Ok(entries_of(&entries).find(|(known, _)| *known == id).map(|(_, sequence)| sequence))
    }

    fn lookup(&self, tables: &dyn Tables) -> Result<&Lookup, StoreError> {
        if let Some(lookup) = self.lookup.get() {
            return Ok(lookup);
        }
        let RunIndex { filter, fences } = tables.run_index(self.number)?;
        let filter = IdFilter::from_bytes(filter).ok_or_else(|| self.broken("has no filter"))?;
        let (fences, _) = fences.as_chunks::<ID_BYTES>();
        let fences = fences.iter().map(|bytes| Id::from_be_bytes(*bytes)).collect();
        Ok(self.lookup.get_or_init(|| Lookup { filter, fences }))
    }

    fn broken(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("run {} of the index of ids {what}", self.number))
    }
}

impl SealedRun {
    /// What says which ids it has.
    pub fn head(&self) -> RunHead {
        let [least, greatest] = [self.ids.first(), self.ids.last()].map(|id| id.map_or(0, |id| id.0));
        RunHead { run: self.number, through: self.through, least, greatest }
    }

    /// What tells where in it an id is.
    pub fn index(&self) -> RunIndex {
        let filter = IdFilter::of(self.ids.iter().map(|(id, _)| *id));
        let fences = self.ids.chunks(BLOCK_IDS).flat_map(|block| block[0].0.to_be_bytes()).collect();
        RunIndex { filter: filter.into_bytes(), fences }
    }

    /// Its blocks, each with its number.
    pub fn blocks(&self) -> impl Iterator<Item = (i64, Vec<u8>)> {
        let numbers = self.number * BLOCKS_IN_RUN..;
        numbers.zip(self.ids.chunks(BLOCK_IDS)).map(|(number, block)| {
            let mut entries = Vec::with_capacity(BLOCK_IDS * ENTRY_BYTES);
            for (id, sequence) in block {
                entries.extend(id.to_be_bytes());
                entries.extend(sequence.to_be_bytes());
            }
            (number, entries)
        })
    }
}

/// The record of an id in an ascending list; quickest near its end, where ids that come a little late are.
fn search_backwards(ids: &[(Id, u64)], id: Id) -> Option<u64> {
    let mut step = 1;
    while step < ids.len() && ids[ids.len() - step].0 > id {
        step *= 2;
    }
    let from = ids.len().saturating_sub(step);
    let place = ids[from..].binary_search_by_key(&id, |(known, _)| *known).ok()?;
    Some(ids[from + place].1)
}

/// A run with its ids, as it is stored.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn read_run(head: RunHead, tables: &dyn Tables) -> Result<SealedRun, StoreError> {
    let RunHead { run, through, .. } = head;
    let entries = tables.blocks(run * BLOCKS_IN_RUN, (run + 1) * BLOCKS_IN_RUN)?;
    Ok(SealedRun { number: run, through, ids: Arc::new(entries_of(&entries).collect()) })
}

/// Hands all ids in the runs of a database to `take`, each with its record, and says which run could not be trusted: a
/// filter or a fence that is not that of its ids would make them look new.
///
/// # Errors
/// [`StoreError`] where they can not be read.
pub fn check(tables: &dyn Tables, mut take: impl FnMut(Id, u64)) -> Result<Option<i64>, StoreError> {
    for RunHead { run, least, greatest, .. } in tables.runs()? {
        let entries = tables.blocks(run * BLOCKS_IN_RUN, (run + 1) * BLOCKS_IN_RUN)?;
        let pairs: SortedIds = entries_of(&entries).collect();
        let ids = || pairs.iter().map(|(id, _)| *id);
        let fences: Vec<u8> = ids().step_by(BLOCK_IDS).flat_map(Id::to_be_bytes).collect();
        let index = RunIndex { filter: IdFilter::of(ids()).into_bytes(), fences };
        let is_sound = pairs.is_sorted_by(|one, next| one.0 < next.0)
            && (ids().next(), ids().next_back()) == (Some(least), Some(greatest))
            && tables.run_index(run)? == index;
        if !is_sound {
            return Ok(Some(run));
        }
        pairs.iter().for_each(|(id, sequence)| take(*id, *sequence));
    }
    Ok(None)
}

fn entries_of(bytes: &[u8]) -> impl Iterator<Item = (Id, u64)> {
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    entries.iter().map(|entry| {
        let (mut id, mut sequence) = ([0; ID_BYTES], [0; 8]);
        id.copy_from_slice(&entry[..ID_BYTES]);
        sequence.copy_from_slice(&entry[ID_BYTES..]);
        (Id::from_be_bytes(id), u64::from_be_bytes(sequence))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rusqlite::Connection;

    use crate::sqlite::tables::write_run;

    proptest! {
        #[test]
        fn every_id_that_was_noted_is_found_at_its_first_record(
            steps in proptest::collection::vec((0_u64..1_000, any::<bool>()), 1..400),
        ) {
            let connection = Connection::open_in_memory().unwrap();
            let (mut index, mut model) = (IdIndex::default(), BTreeMap::new());
            for (sequence, (drawn, is_ordered)) in (1_u64..).zip(steps) {
                let id = Id::from(if is_ordered { sequence * 3 + drawn % 4 } else { drawn });
                prop_assert_eq!(index.find(id, &connection).unwrap(), model.get(&id).copied());
                index.note(id, sequence);
                model.entry(id).or_insert(sequence);
            }
            for (id, sequence) in model {
                prop_assert_eq!(index.find(id, &connection).unwrap(), Some(sequence));
            }
        }
    }

    #[test]
    fn runs_are_found_again_and_tell_all_their_ids() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../sqlite/version_1.sql")).unwrap();
        let id = |number: u64| Id::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << (number % 3 * 30);
        let mut index = IdIndex::default();
        let all = RUN_IDS as u64 * 6;
        for number in 1..=all {
            index.note(id(number), number);
            if let Some(run) = index.seal(number) {
                let transaction = connection.transaction().unwrap();
                write_run(&run, &transaction).unwrap();
                transaction.commit().unwrap();
            }
        }
        let loaded = IdIndex::load(&connection).unwrap();
        assert_eq!(loaded.through(), all);
        for index in [&index, &loaded] {
            for number in (1..=all).step_by(101) {
                assert_eq!(index.find(id(number), &connection).unwrap(), Some(number));
                assert_eq!(index.find(id(all + number), &connection).unwrap(), None);
            }
        }
        let mut pairs = 0;
        assert_eq!(check(&connection, |_, _| pairs += 1).unwrap(), None);
        assert_eq!(pairs, all);
    }

    #[test]
    fn a_run_whose_filter_fence_or_entries_were_altered_is_named() {
        for damage in [
            "UPDATE id_run SET filter = zeroblob(length(filter)) WHERE run = 1",
            "UPDATE id_run SET fences = zeroblob(length(fences)) WHERE run = 1",
            "UPDATE id_run SET greatest = least WHERE run = 1",
            "UPDATE id_block SET entries = zeroblob(length(entries)) WHERE block = 16777220",
            "DELETE FROM id_block WHERE block = 16777216",
        ] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(include_str!("../sqlite/version_1.sql")).unwrap();
            let mut index = IdIndex::default();
            for number in 1..=RUN_IDS as u64 * 2 {
                index.note(Id::from(number), number);
                if let Some(run) = index.seal(number) {
                    let transaction = connection.transaction().unwrap();
                    write_run(&run, &transaction).unwrap();
                    transaction.commit().unwrap();
                }
            }
            assert_eq!(check(&connection, |_, _| {}).unwrap(), None);
            assert_eq!(connection.execute(damage, ()).unwrap(), 1, "{damage}");
            assert_eq!(check(&connection, |_, _| {}).unwrap(), Some(1), "{damage}");
        }
    }
}
