//! Tables that are cheap to copy: a snapshot of the directory shares all that has not changed since. They are sorted,
//! which gives pages of lists and needs no random numbers.

use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

/// Things by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<K: Ord + Clone, V>(OrdMap<K, Arc<V>>);

impl<K: Ord + Clone, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table(OrdMap::new())
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    /// The thing of an id.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, id: &Q) -> Option<&Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.0.get(id)
    }

    /// All of them in the order of their ids, those up to a cursor left out. Ids of UUID v7 are in the order in which
    /// they were made.
    pub fn after(&self, cursor: Option<&K>) -> impl Iterator<Item = (&K, &Arc<V>)> {
        let from = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range::<_, K>((from, Bound::Unbounded))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn put(&mut self, id: K, value: V) {
        self.0.insert(id, Arc::new(value));
    }

    /// Whether it is the same table, of which nothing was changed since: told at once, and never wrongly.
    pub(crate) fn is_same(&self, other: &Table<K, V>) -> bool {
        self.0.ptr_eq(&other.0)
    }

    /// The greatest key up to `text`, with its value.
    pub(crate) fn floor<Q: Ord + ?Sized>(&self, text: &Q) -> Option<(&K, &Arc<V>)>
    where
        K: Borrow<Q>,
    {
        self.0.range::<_, Q>((Bound::Unbounded, Bound::Included(text))).next_back()
    }
}

/// Which things belong to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index<A: Ord + Clone, B: Ord + Clone>(OrdMap<A, OrdSet<B>>);

impl<A: Ord + Clone, B: Ord + Clone> Default for Index<A, B> {
    fn default() -> Index<A, B> {
        Index(OrdMap::new())
    }
}

impl<A: Ord + Clone, B: Ord + Clone> Index<A, B> {
    pub fn put(&mut self, to: A, thing: B) {
        self.0.entry(to).or_default().insert(thing);
    }

    pub fn of<'a>(&'a self, to: &A) -> impl Iterator<Item = &'a B> + use<'a, A, B> {
        self.0.get(to).into_iter().flatten()
    }
}
