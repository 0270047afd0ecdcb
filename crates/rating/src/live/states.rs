//! The packed states of resources, by their numbers, and which of the resources live.

use fixedbitset::FixedBitSet;

use crate::resource::ResourceState;

/// See the module. Of ten resources that were ever reported nine may be gone: who looks at all that runs passes over them.
#[derive(Debug, Default)]
pub(super) struct States {
    /// Empty where a resource has no state events.
    packed: Vec<Box<[u8]>>,
    /// Those that live.
    alive: FixedBitSet,
}

impl States {
    /// One more than the largest number of a resource that has a state.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// The packed state of a resource; `None` where it has had no state event.
    pub fn of(&self, number: usize) -> Option<&[u8]> {
        self.packed.get(number).map(|state| &**state).filter(|state| !state.is_empty())
    }

    /// All packed states, with the numbers of their resources.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.packed.iter().map(|state| &**state).enumerate().filter(|(_, state)| !state.is_empty())
    }

    /// Whether a resource lives, so that time alone may change what it has come to.
    pub fn is_alive(&self, number: usize) -> bool {
        self.alive.contains(number)
    }

    /// The numbers of those that live, ascending.
    pub fn alive(&self) -> impl Iterator<Item = usize> {
        self.alive.ones()
    }

    /// How many live.
    pub fn alive_count(&self) -> usize {
        self.alive.count_ones(..)
    }

    /// Replaces the packed state of a resource; an empty one is of a resource without state events.
    pub fn put(&mut self, number: usize, packed: Box<[u8]>) {
        if self.packed.len() <= number {
            self.packed.resize_with(number + 1, Box::default);
        }
        let is_alive = ResourceState::is_alive(&packed);
        self.packed[number] = packed;
        if is_alive || self.alive.contains(number) {
            self.alive.grow(number + 1);
            self.alive.set(number, is_alive);
        }
    }

    /// Makes room for so many resources.
    pub fn reserve(&mut self, count: usize) {
        self.packed.reserve_exact(count);
    }
}
