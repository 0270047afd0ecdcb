//! Which keys the log knows, and with what content: exact, without a B-tree on the way of a commit.
//!
//! Keys have no order, so an index that is kept sorted on the disk would be changed all over by every commit. The newest
//! keys are in a table in memory, which the log's end tells again after a restart. A full table becomes a *run*: a
//! sorted file with a filter. Runs of one size are merged, off the writer's path, and dropped when all their events are
//! older than anybody may send. All of it can be made again from the log, and is where a file is missing.

mod filter;
mod keeper;
mod merge;
pub mod run;
pub mod table;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::number::{signed, unsigned};
use crate::sqlite::writer::check_epoch;
use crate::sqlite::{backup, spawn};

use keeper::{Keeper, Order, Update};
use run::{Page, Run, RunRow};
use table::Table;

/// The name of the folder with the runs, in a store's folder.
pub const KEYS_FOLDER: &str = "events.keys";
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
    /// The list of runs is not the one in the database.
    is_changed: bool,
    /// Runs whose files go when the database has the new list.
    replaced: Vec<PathBuf>,
    page: Page,
    /// `None` when it is closed.
    orders: Option<Sender<Order>>,
    updates: Receiver<Result<Update, StoreError>>,
    keeper: Option<JoinHandle<()>>,
}

impl KeyIndex {
    /// The index of the log in a folder. What came after [`KeyIndex::through`] must be learnt again: that is all, where
    /// a run is missing or is not what was written.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read or the folder not be used.
    pub fn open(folder: &Path, connection: &Connection, table_keys: usize) -> Result<KeyIndex, StoreError> {
        let folder = folder.join(KEYS_FOLDER);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).map_err(|error| StoreError::io("make", &folder, error))?;
            backup::sync_folder_of(&folder)?;
        }
        let rows = rows(connection)?;
        let opened: Result<Vec<_>, _> =
            rows.iter().map(|row| Run::open(&folder, *row).map(Arc::new)).collect();
        let is_broken = opened.is_err();
        let runs = opened.unwrap_or_default();
        let next = remove_others(&folder, &runs)?.max(rows.iter().map(|row| row.number).max().unwrap_or(0));
        let (orders, ordered) = mpsc::channel();
        let (tell, updates) = mpsc::channel();
        let keeper = Keeper {
            folder,
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
            is_changed: is_broken,
            replaced: Vec::new(),
            page: Page::default(),
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
    pub fn find(&mut self, keys: &[u128]) -> Result<Vec<Option<u64>>, StoreError> {
        let mut found = vec![None; keys.len()];
        for table in self.frozen.iter().rev() {
            for (found, key) in found.iter_mut().zip(keys) {
                *found = found.or_else(|| table.find(*key));
            }
        }
        for run in self.runs.iter().rev() {
            // All keys pass one filter after the other, and wait for memory together.
            let maybe: Vec<_> = (0..keys.len()).filter(|place| run.may_hold(keys[*place])).collect();
            for place in maybe {
                if found[place].is_none() {
                    found[place] = run.find(keys[place], &mut self.page)?;
                }
            }
        }
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
        self.replaced
            .extend(self.runs.iter().filter(|run| !is_kept(run)).map(|run| run.path().to_path_buf()));
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

    /// Whether the list of runs is not the one in the database.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Writes the list of runs.
    ///
    /// # Errors
    /// [`StoreError`] where the database refuses.
    pub fn write(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        if !self.is_changed {
            return Ok(());
        }
        transaction.execute("DELETE FROM key_run", ())?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO key_run (place, run, level, after, through, keys, newest, hash) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for (place, run) in (0_i64..).zip(self.runs.iter()) {
            let RunRow { number, level, after, through, keys, newest, hash } = run.row();
            let [number, level, after, through, keys] =
                [number, level, after, through, keys].map(|number| signed(*number));
            insert.execute((place, number, level, after, through, keys, newest, hash))?;
        }
        Ok(())
    }

    /// Writes the list of runs in a commit of its own.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]; others where the database refuses.
    pub fn write_alone(&mut self, connection: &mut Connection, epoch: i64) -> Result<(), StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_epoch(&transaction, epoch)?;
        self.write(&transaction)?;
        transaction.commit()?;
        self.is_written();
        Ok(())
    }

    /// The list that was written is durable: files that it does not name go.
    pub fn is_written(&mut self) {
        self.is_changed = false;
        for path in self.replaced.drain(..) {
            // What stays is removed when the log is opened.
            let _ = fs::remove_file(path);
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

/// What the database says of the runs, the oldest first.
///
/// # Errors
/// [`StoreError`] where it can not be read.
pub fn rows(connection: &Connection) -> Result<Vec<RunRow>, StoreError> {
    let mut rows = connection
        .prepare("SELECT run, level, after, through, keys, newest, hash FROM key_run ORDER BY place")?;
    let rows = rows.query_map((), |row| {
        Ok(RunRow {
            number: unsigned(row.get(0)?),
            level: unsigned(row.get(1)?),
            after: unsigned(row.get(2)?),
            through: unsigned(row.get(3)?),
            keys: unsigned(row.get(4)?),
            newest: row.get(5)?,
            hash: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes files that no run has: what a crash or a broken index has left. Answers the greatest number of a file.
fn remove_others(folder: &Path, runs: &[Arc<Run>]) -> Result<u64, StoreError> {
    let failed = |error| StoreError::io("read", folder, error);
    let mut greatest = 0;
    for file in fs::read_dir(folder).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".run")).and_then(|number| number.parse().ok());
        // What has another name is not ours.
        let Some(number) = number else { continue };
        greatest = greatest.max(number);
        if !runs.iter().any(|run| run.row().number == number) {
            backup::remove(&path)?;
        }
    }
    Ok(greatest)
}
