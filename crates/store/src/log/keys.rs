//! Which keys the log knows, and with what content: exact, without a B-tree on the way of a commit.
//!
//! Keys have no order, so an index that is kept sorted on the disk would be changed all over by every commit. The newest
//! keys are in a table in memory, which the log's end tells again after a restart. A full table becomes a *run*: keys in
//! their order, with a filter. Runs of one size are merged, off the writer's path, and dropped when all their events are
//! older than anybody may send. All of it can be made again from the log, and is where a run is missing. Where runs lie,
//! in files or in rows, is the [`Shelf`]'s matter.

mod filter;
mod keeper;
mod merge;
pub mod run;
pub mod shelf;
pub mod table;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;

use crate::error::StoreError;
use crate::ledger::spawn;

use keeper::{Keeper, Order, Update};
use run::{Run, RunRow};
use shelf::Shelf;
use table::Table;

/// So many keys make a run: the table then fills 2¹⁸ slots to seven eighths.
pub const TABLE_KEYS: usize = 229_376;
/// Tables that may wait to become runs before the writer waits as well.
const MOST_FROZEN: usize = 4;

/// The index, as its one writer sees it.
#[derive(Debug)]
pub struct KeyIndex {
    table_keys: usize,
    active: Table,
    /// Full tables that are becoming runs, the oldest first.
    frozen: VecDeque<Arc<Table>>,
    /// The oldest first.
    runs: Arc<[Arc<Run>]>,
    shelf: Arc<dyn Shelf>,
    /// The list of runs is not the one in the database.
    is_changed: bool,
    /// Runs that go when the database has the new list.
    replaced: Vec<u64>,
    /// `None` when it is closed.
    orders: Option<Sender<Order>>,
    updates: Receiver<Result<Update, StoreError>>,
    keeper: Option<JoinHandle<()>>,
}

impl KeyIndex {
    /// The index of the listed runs. What came after [`KeyIndex::through`] must be learnt again: that is all, where
    /// a run is missing or is not what was written.
    ///
    /// # Errors
    /// [`StoreError`] where what nobody needs can not be removed, or no thread be made.
    pub fn open(shelf: Arc<dyn Shelf>, rows: &[RunRow], table_keys: usize) -> Result<KeyIndex, StoreError> {
        let opened: Result<Vec<_>, _> =
            rows.iter().map(|row| Run::open(&*shelf, *row).map(Arc::new)).collect();
        let is_broken = match &opened {
            Ok(_) => false,
            Err(StoreError::Corrupt(_) | StoreError::Io { .. }) => true,
            // Whoever can not be asked now may have them all.
            Err(error) => return Err(error.clone()),
        };
        let runs = opened.unwrap_or_default();
        let kept: Vec<u64> = runs.iter().map(|run| run.row().number).collect();
        let listed = rows.iter().map(|row| row.number).max().unwrap_or(0);
        let next = shelf.remove_others(&kept)?.max(listed);
        let (orders, ordered) = mpsc::channel();
        let (tell, updates) = mpsc::channel();
        let keeper = Keeper {
            shelf: Arc::clone(&shelf),
            runs: runs.clone(),
            next,
            orders: ordered,
            updates: tell,
            waiting: VecDeque::new(),
            merging: None,
            forgotten: i64::MIN,
        };
        let through = runs.last().map_or(0, |run| run.row().through);
        Ok(KeyIndex {
            table_keys,
            active: Table::after(through),
            frozen: VecDeque::new(),
            runs: runs.into(),
            shelf,
            is_changed: is_broken,
            replaced: Vec::new(),
            orders: Some(orders),
            updates,
            keeper: Some(spawn("kopeck-keys", move || keeper.run())?),
        })
    }

    /// The last position whose key is in the index.
    pub fn through(&self) -> u64 {
        self.active.through
    }

    /// What of the keys is known with what content, but for the table that is being filled.
    ///
    /// # Errors
    /// [`StoreError`] where a run can not be read.
    pub fn find(&self, keys: &[u128]) -> Result<Vec<Option<u64>>, StoreError> {
        let mut found = vec![None; keys.len()];
        for table in self.frozen.iter().rev() {
            for (found, key) in found.iter_mut().zip(keys) {
                *found = found.or_else(|| table.find(*key));
            }
        }
        run::find(&self.runs, &*self.shelf, keys, &mut found)?;
        Ok(found)
    }

    /// The content that the key has already, here or `elsewhere`; `None` where it is new and now here.
    pub fn take(&mut self, key: u128, content: u64, elsewhere: Option<u64>) -> Option<u64> {
        self.active.take(key, content, elsewhere)
    }

    /// Forgets keys that were taken and whose events did not come into the log.
    pub fn undo(&mut self, keys: impl Iterator<Item = u128>) {
        keys.for_each(|key| self.active.remove(key));
    }

    /// Learns a key that the log has.
    pub fn learn(&mut self, key: u128, content: u64) {
        self.active.learn(key, content);
    }

    /// The events up to a position, none of them later than `newest`, are in the log with their keys.
    pub fn extend_to(&mut self, position: u64, newest: i64) {
        self.active.extend_to(position, newest);
        if self.active.len() >= self.table_keys {
            let full = Arc::new(std::mem::replace(&mut self.active, Table::after(position)));
            self.frozen.push_back(Arc::clone(&full));
            self.order(Order::Seal(full));
        }
    }

    /// Takes what the keeper has done; waits for it only where too many tables wait.
    ///
    /// # Errors
    /// [`StoreError`] where too many tables wait because no run can be written.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        loop {
            let is_too_far = self.frozen.len() >= MOST_FROZEN;
            let update = if is_too_far {
                self.updates.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.updates.try_recv()
            };
            match update {
                Ok(Ok(update)) => self.take_over(update),
                // Tables wait in memory and in the log: it is tried again until there are too many.
                Ok(Err(error)) => {
                    self.order(Order::GoOn);
                    if is_too_far {
                        return Err(error);
                    }
                    return Ok(());
                }
                Err(TryRecvError::Disconnected) if is_too_far => {
                    return Err(StoreError::Database(
                        "the thread that writes runs of keys has ended".to_owned(),
                    ));
                }
                Err(_) => return Ok(()),
            }
        }
    }

    /// Waits until all full tables are runs.
    ///
    /// # Errors
    /// [`StoreError`] where a run can not be written.
    pub fn rest(&mut self) -> Result<(), StoreError> {
        while !self.frozen.is_empty() {
            let ended = || StoreError::Database("the thread that writes runs of keys has ended".to_owned());
            let update = self.updates.recv().map_err(|_| ended())??;
            self.take_over(update);
        }
        self.settle()
    }

    fn take_over(&mut self, update: Update) {
        let is_kept = |run: &Arc<Run>| update.runs.iter().any(|kept| Arc::ptr_eq(kept, run));
        self.replaced.extend(self.runs.iter().filter(|run| !is_kept(run)).map(|run| run.row().number));
        self.frozen.drain(..update.sealed.min(self.frozen.len()));
        self.runs = update.runs;
        self.is_changed = true;
    }

    /// Runs with nothing but events before an instant may go.
    pub fn forget(&mut self, older_than: i64) {
        self.order(Order::Forget(older_than));
    }

    fn order(&mut self, order: Order) {
        if let Some(orders) = &self.orders {
            // A keeper that has ended is met when too many tables wait.
            let _ = orders.send(order);
        }
    }

    /// The list of runs, where it is not the one in the database.
    pub fn changed(&self) -> Option<Vec<RunRow>> {
        self.is_changed.then(|| self.runs.iter().map(|run| *run.row()).collect())
    }

    /// The list that was written is durable: runs that it does not name go.
    pub fn is_written(&mut self) {
        self.is_changed = false;
        let replaced = std::mem::take(&mut self.replaced);
        if !replaced.is_empty() {
            self.order(Order::Remove(replaced));
        }
    }

    /// What it takes in memory, in bytes, without the tables that are not runs yet.
    pub fn memory_of_runs(&self) -> usize {
        self.runs.iter().map(|run| run.memory()).sum()
    }
}

impl Drop for KeyIndex {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(keeper) = self.keeper.take() {
            // A thread that panicked has nothing more to write.
            let _ = keeper.join();
        }
    }
}
