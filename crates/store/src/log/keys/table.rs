//! The newest keys, in memory: they are read from the log's end again when it is opened.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::ledger::id_hash::IdHash;

/// Keys of consecutive events.
#[derive(Debug, Default)]
pub struct Table {
    contents: HashMap<u128, u64, IdHash>,
    /// Its keys are of events after this position,
    pub after: u64,
    /// up to this one.
    pub through: u64,
    /// The latest time of its events, in nanoseconds of Unix time.
    pub newest: i64,
}

impl Table {
    /// An empty one for the events after a position.
    pub fn after(position: u64) -> Table {
        Table { contents: HashMap::default(), after: position, through: position, newest: i64::MIN }
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// The hash of the key's content, if the key is here.
    pub fn find(&self, key: u128) -> Option<u64> {
        self.contents.get(&key).copied()
    }

    /// The content that the key has already, here or `elsewhere`; `None` where it is new and now here.
    pub fn take(&mut self, key: u128, content: u64, elsewhere: Option<u64>) -> Option<u64> {
        match (self.contents.entry(key), elsewhere) {
            (Entry::Occupied(known), _) => Some(*known.get()),
            (Entry::Vacant(_), Some(known)) => Some(known),
            (Entry::Vacant(vacant), None) => {
                vacant.insert(content);
                None
            }
        }
    }

    /// Takes what the log says, whatever was known of the key: of two events of one key that are both in the log, the
    /// first was forgotten when the second came.
    pub fn learn(&mut self, key: u128, content: u64) {
        self.contents.insert(key, content);
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: u128) {
        self.contents.remove(&key);
    }

    /// Notes that the events up to a position, none of them later than `newest`, have been taken.
    pub fn extend_to(&mut self, position: u64, newest: i64) {
        self.through = self.through.max(position);
        self.newest = self.newest.max(newest);
    }

    /// Its keys and contents, in no order.
    pub fn entries(&self) -> impl Iterator<Item = (u128, u64)> {
        self.contents.iter().map(|(key, content)| (*key, *content))
    }
}
