//! A list that grows block by block: what it holds is never moved, and no memory is kept ahead but the rest of a block.

/// Items of a block.
const BLOCK: usize = 1 << 15;

/// A list of many small items.
#[derive(Debug)]
pub(crate) struct Blocks<T> {
    blocks: Vec<Vec<T>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Blocks<T> {
        Blocks { blocks: Vec::new() }
    }
}

impl<T> Blocks<T> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// Adds an item.
    pub(crate) fn push(&mut self, item: T) {
        match self.blocks.last_mut() {
            Some(last) if last.len() < BLOCK => last.push(item),
            _ => {
                // The first block grows as it is needed: most lists are small.
                let mut block = Vec::with_capacity(if self.blocks.is_empty() { 0 } else { BLOCK });
                block.push(item);
                self.blocks.push(block);
            }
        }
    }

    /// All items, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.blocks.iter_mut().flatten()
    }

    /// The item of a number that was pushed.
    pub(crate) fn get(&self, number: usize) -> &T {
        &self.blocks[number / BLOCK][number % BLOCK]
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, number: usize) -> &mut T {
        &mut self.blocks[number / BLOCK][number % BLOCK]
    }
}
