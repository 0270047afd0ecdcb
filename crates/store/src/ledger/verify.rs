//! Proving a journal: every byte against the hashes, every record against the rules, and all that is kept beside it.
//!
//! One thread reads rows, two compute hashes and decode, and this one follows the money in the journal's order. What is
//! found is the first broken record, with its reason; what comes after a break proves nothing.

mod fold;
mod row;

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use kopeck_ledger::name::Sequence;

use crate::answer::{Progress, Report};
use crate::error::StoreError;
use crate::head_log::LoggedHead;
use crate::ledger::journal::{self, Chunk};
use crate::ledger::tables::Tables;

use fold::Fold;
use row::Checked;

/// Rows that travel between threads together: 2 MB.
const GROUP_ROWS: usize = 256;
/// Groups that wait before each thread.
const GROUPS_WAITING: usize = 2;
/// Threads that compute hashes.
const HASHERS: usize = 2;

/// Proves a journal against what is kept beside it and against heads that were written down elsewhere. What is beside it
/// is read as of one instant, and the journal by somebody else, not earlier: what is beside it must be true of it.
///
/// # Errors
/// [`StoreError`] where it can not be read at all.
pub fn prove(
    journal: impl Tables + Send,
    beside: &dyn Tables,
    heads: Vec<LoggedHead>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    let of = beside.head()?.sequence.0;
    let mut fold = Fold::new(heads, beside)?;
    let problem = thread::scope(|scope| {
        let (mut to_hashers, mut from_hashers) = (Vec::new(), Vec::new());
        for _ in 0..HASHERS {
            let (to_hasher, groups) = mpsc::sync_channel(GROUPS_WAITING);
            let (checked, from_hasher) = mpsc::sync_channel(GROUPS_WAITING);
            scope.spawn(move || hash(&groups, &checked));
            to_hashers.push(to_hasher);
            from_hashers.push(from_hasher);
        }
        scope.spawn(move || read(&journal, &to_hashers));
        let mut turns = from_hashers.iter().cycle();
        // Groups come back from the hashers in the order in which they were dealt.
        while let Some(Ok(group)) = turns.next().map(Receiver::recv) {
            for row in group {
                fold.take(row)?;
                if fold.is_broken() {
                    return Ok(());
                }
            }
            progress(Progress { records: fold.records(), of: of.max(fold.records()) });
        }
        fold.end()
    });
    problem.map(|()| fold.report())
}

/// A row as it was read, or why it was not.
type Read = Result<Chunk, StoreError>;

/// Deals all rows to the hashers; ends early where nobody takes them any more.
fn read(journal: &dyn Tables, to_hashers: &[SyncSender<Vec<Read>>]) {
    let mut turns = to_hashers.iter().cycle();
    let mut deal = |group: Vec<Read>| turns.next().is_some_and(|hasher| hasher.send(group).is_ok());
    let mut group = Vec::with_capacity(GROUP_ROWS);
    let read = journal::rows_from(Sequence::NONE, journal, |chunk| {
        group.push(Ok(chunk));
        Ok(group.len() < GROUP_ROWS || deal(std::mem::replace(&mut group, Vec::with_capacity(GROUP_ROWS))))
    });
    group.extend(read.err().map(Err));
    if !group.is_empty() {
        deal(group);
    }
}

/// Checks each row by itself.
fn hash(groups: &Receiver<Vec<Read>>, checked: &SyncSender<Vec<Result<Checked, StoreError>>>) {
    while let Ok(group) = groups.recv() {
        let group = group.into_iter().map(|row| row.map(|chunk| row::check(&chunk))).collect();
        if checked.send(group).is_err() {
            return;
        }
    }
}
