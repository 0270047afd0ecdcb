//! The thread that writes runs and merges them, so that the writer never waits for it unless it is far ahead.
//!
//! It has the list of runs; the writer gets a new one whenever it changes. A table that is to become a run goes before
//! any merging, which is done in small steps. What fails is told and tried again when the next order comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use crate::error::StoreError;
use crate::log::keys::merge::Merge;
use crate::log::keys::run::{Entry, Run, RunRow, RunWriter};
use crate::log::keys::shelf::Shelf;
use crate::log::keys::table::Table;

/// So many runs of one level become one of the next: a key is written again once for each level, and of each level
/// fewer runs than this must be asked.
const MERGED: usize = 4;
/// Runs of this level stay as they are, 59 million keys each, so that old ones can be dropped.
const LAST_LEVEL: u64 = 4;

/// What the keeper is told.
#[derive(Debug)]
pub enum Order {
    /// Make a run of this.
    Seal(Arc<Table>),
    /// Runs with nothing but events before this instant may go.
    Forget(i64),
    /// These runs are in no list any more.
    Remove(Vec<u64>),
    /// Try again what has failed.
    GoOn,
}

/// What the keeper has done.
#[derive(Debug)]
pub struct Update {
    /// All runs, the oldest first.
    pub runs: Arc<[Arc<Run>]>,
    /// So many tables, the oldest, have become runs.
    pub sealed: usize,
}

/// The keeping thread's state.
#[derive(Debug)]
pub struct Keeper {
    /// Where the runs lie.
    pub shelf: Arc<dyn Shelf>,
    /// All runs, the oldest first.
    pub runs: Vec<Arc<Run>>,
    /// The greatest number of a run so far.
    pub next: u64,
    /// What it is told.
    pub orders: Receiver<Order>,
    /// Where it tells what it has done, or why it could not.
    pub updates: Sender<Result<Update, StoreError>>,
    /// Tables that are to become runs.
    pub waiting: VecDeque<Arc<Table>>,
    /// What is being merged.
    pub merging: Option<Merge>,
    /// Nothing before this instant needs to be known.
    pub forgotten: i64,
}

impl Keeper {
    /// Works until whoever gives orders is gone. Tables that are waiting then are in the log.
    pub fn run(mut self) {
        let mut is_stuck = false;
        loop {
            let order = if is_stuck || self.is_idle() {
                self.orders.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.orders.try_recv()
            };
            match order {
                Ok(order) => {
                    is_stuck = false;
                    self.note(order);
                }
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    if let Err(error) = self.work() {
                        self.give_up_merging();
                        is_stuck = true;
                        // Who is told may be gone.
                        let _ = self.updates.send(Err(error));
                    }
                }
            }
        }
        self.give_up_merging();
    }

    fn note(&mut self, order: Order) {
        match order {
            Order::Seal(table) => self.waiting.push_back(table),
            Order::Forget(older_than) => self.forgotten = self.forgotten.max(older_than),
            // What stays is removed when the log is opened.
            Order::Remove(runs) => runs.into_iter().for_each(|run| drop(self.shelf.remove(run))),
            Order::GoOn => {}
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty()
            && self.merging.is_none()
            && self.crowded().is_none()
            && !self.runs.iter().any(|run| self.may_go(run))
    }

    /// Does one piece of what is to be done.
    fn work(&mut self) -> Result<(), StoreError> {
        if let Some(table) = self.waiting.front().cloned() {
            let run = self.sealed(&table)?;
            self.waiting.pop_front();
            self.runs.push(Arc::new(run));
            self.tell(1);
        } else if self.runs.iter().any(|run| self.may_go(run)) {
            let (runs, forgotten) = (std::mem::take(&mut self.runs), self.forgotten);
            let is_merged = |run: &Arc<Run>| is_part_of(self.merging.as_ref(), run);
            self.runs =
                runs.into_iter().filter(|run| is_merged(run) || run.row().newest >= forgotten).collect();
            self.tell(0);
        } else if let Some(merge) = &mut self.merging {
            if merge.step()? {
                self.end_merging()?;
            }
        } else if let Some(first) = self.crowded() {
            let number = self.number();
            self.merging = Some(Merge::new(&self.shelf, &self.runs[first..first + MERGED], number)?);
        }
        Ok(())
    }

    fn sealed(&mut self, table: &Table) -> Result<Run, StoreError> {
        let number = self.number();
        let mut entries: Vec<Entry> = table.entries().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        let (after, through, newest) = (table.after, table.through, table.newest);
        let row = RunRow { number, level: 0, after, through, keys: 0, newest, hash: [0; 32] };
        let mut writer = RunWriter::new(&*self.shelf, row, entries.len())?;
        entries.into_iter().try_for_each(|entry| writer.push(entry))?;
        writer.finish(&*self.shelf)
    }

    fn end_merging(&mut self) -> Result<(), StoreError> {
        let Some(merge) = self.merging.take() else { return Ok(()) };
        let first = merge.runs().first().map(|run| run.row().number);
        let merged = Arc::new(merge.finish(&*self.shelf)?);
        if let Some(place) = self.runs.iter().position(|run| Some(run.row().number) == first) {
            self.runs.splice(place..place + MERGED, [merged]);
        }
        self.tell(0);
        Ok(())
    }

    fn give_up_merging(&mut self) {
        if let Some(merge) = self.merging.take() {
            // What stays is removed when the log is opened.
            let _ = self.shelf.remove(merge.number());
        }
    }

    /// Where the newest runs stand that are to be merged.
    fn crowded(&self) -> Option<usize> {
        let is_crowded = |runs: &[Arc<Run>]| {
            let level = runs.first().map_or(LAST_LEVEL, |run| run.row().level);
            level < LAST_LEVEL && runs.iter().all(|run| run.row().level == level)
        };
        self.runs.windows(MERGED).rposition(is_crowded)
    }

    /// Whether nothing that a run has needs to be known, and nobody is reading it.
    fn may_go(&self, run: &Arc<Run>) -> bool {
        run.row().newest < self.forgotten && !is_part_of(self.merging.as_ref(), run)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn tell(&self, sealed: usize) {
        // Who is told may be gone.
        let _ = self.updates.send(Ok(Update { runs: self.runs.as_slice().into(), sealed }));
    }
}

fn is_part_of(merging: Option<&Merge>, run: &Arc<Run>) -> bool {
    merging.is_some_and(|merge| merge.runs().iter().any(|part| Arc::ptr_eq(part, run)))
}
