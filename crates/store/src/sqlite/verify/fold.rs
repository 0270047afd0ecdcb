//! Following the money: the records in their order, what they come to, and what is kept beside the journal.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use kopeck_ledger::chain::Hash;
use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::Record;
use kopeck_ledger::verify::{Broken, Verifier};
use rusqlite::{Connection, OptionalExtension};

use crate::answer::{Head, Problem, Report};
use crate::error::StoreError;
use crate::sqlite::batch::{Landmark, landmarks_of};
use crate::sqlite::head_log::LoggedHead;
use crate::sqlite::id_index::{self, Id};
use crate::sqlite::snapshot;
use crate::sqlite::verify::row::Checked;

/// The journal so far.
pub struct Fold<'c> {
    connection: &'c Connection,
    verifier: Verifier,
    head: Head,
    transfers: u64,
    problem: Option<Problem>,
    heads: VecDeque<LoggedHead>,
    /// The record that the stored snapshot was made after.
    snapshot: Option<Sequence>,
    landmarks: u64,
    found: Vec<Landmark>,
    ids: IdSum,
    /// The journal must come at least this far, and what says so.
    witness: (u64, &'static str),
}

impl<'c> Fold<'c> {
    /// Before the first record.
    ///
    /// # Errors
    /// [`StoreError`] where what is beside the journal can not be read.
    pub fn new(mut heads: Vec<LoggedHead>, connection: &'c Connection) -> Result<Fold<'c>, StoreError> {
        heads.sort_by_key(|head| head.sequence);
        let snapshot = snapshot::newest(connection)?;
        let ids = IdSum::of(connection)?;
        let logged = heads.last().map_or(0, |head| head.sequence);
        let witnesses = [
            (logged, "the log of heads"),
            (snapshot.map_or(0, |sequence| sequence.0), "the stored state"),
            (ids.through, "the index of ids"),
            (last_landmark(connection)?, "the landmarks"),
        ];
        let witness = witnesses.into_iter().rev().max_by_key(|(sequence, _)| *sequence).unwrap_or((0, ""));
        Ok(Fold {
            connection,
            verifier: Verifier::new(),
            head: Head::EMPTY,
            transfers: 0,
            problem: None,
            heads: heads.into(),
            snapshot,
            landmarks: 0,
            found: Vec::new(),
            ids,
            witness,
        })
    }

    /// Takes the next row, or why it could not be read.
    ///
    /// # Errors
    /// [`StoreError`] where what is beside the journal can not be read.
    pub fn take(&mut self, row: Result<Checked, StoreError>) -> Result<(), StoreError> {
        let next = self.head.sequence.next();
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                self.breaks(Problem::at(next, format!("can not be read: {error}")));
                return Ok(());
            }
        };
        if row.first > next {
            let last = row.first.0 - 1;
            self.breaks(Problem::at(next, format!("is missing, and all up to record {last}")));
        } else if row.first < next {
            self.breaks(Problem::at(row.first, "is there twice"));
        } else if row.follows != self.head.hash && !row.records.is_empty() {
            self.breaks(Problem::at(next, "does not carry the hash of the record before it"));
        }
        if self.is_broken() {
            return Ok(());
        }
        let mut follows = row.follows;
        for (record, hash) in row.records.iter().zip(&row.hashes) {
            if let Err(Broken { sequence, fault }) = self.verifier.take_decoded(record, follows, *hash) {
                self.breaks(Problem::at(sequence, fault));
            } else {
                self.record(record, *hash)?;
            }
            if self.is_broken() {
                return Ok(());
            }
            follows = *hash;
        }
        if let Some(problem) = row.problem {
            self.breaks(problem);
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, hash: Hash) -> Result<(), StoreError> {
        let sequence = record.sequence;
        self.head = Head { sequence, at: record.at, hash };
        self.transfers += record.transaction().map_or(0, |transaction| transaction.transfers.len() as u64);
        if let Some(asked) = record.asked {
            self.ids.add(asked.id.0.as_u128(), sequence.0);
        }
        while self.heads.front().is_some_and(|head| head.sequence <= sequence.0) {
            let logged = self.heads.pop_front();
            let differs =
                logged.is_some_and(|head| head.sequence == sequence.0 && head.hash != *hash.bytes());
            if differs {
                self.breaks(Problem::at(sequence, "does not have the hash that the log of heads has for it"));
            }
        }
        if self.snapshot == Some(sequence) {
            self.compare_snapshot()?;
        }
        self.compare_landmarks(record)
    }

    fn compare_snapshot(&mut self) -> Result<(), StoreError> {
        let stored = snapshot::packed(self.connection)?;
        if stored.is_none_or(|(_, packed)| packed != self.verifier.ledger().pack()) {
            let sequence = self.head.sequence;
            let reason = format!("the stored state after record {sequence} is not what the journal comes to");
            self.breaks(Problem::beside(reason));
        }
        Ok(())
    }

    fn compare_landmarks(&mut self, record: &Record) -> Result<(), StoreError> {
        let mut found = std::mem::take(&mut self.found);
        landmarks_of(record, self.verifier.ledger(), &mut found);
        for landmark in found.drain(..) {
            // Landmarks that were written after this verification began are not looked for.
            if landmark.sequence.0 > self.witness.0 {
                continue;
            }
            self.landmarks += 1;
            let stored = stored_landmark(&landmark, self.connection)?;
            if stored.is_none_or(|(entries, posted)| {
                u64::try_from(entries) != Ok(landmark.entries)
                    || posted != landmark.posted.micros().to_string()
            }) {
                let account = landmark.account.0;
                let reason =
                    format!("has no landmark, or a wrong one, in the history of account number {account}");
                self.breaks(Problem::at(landmark.sequence, reason));
            }
        }
        self.found = found;
        Ok(())
    }

    /// After the last record.
    ///
    /// # Errors
    /// [`StoreError`] where what is beside the journal can not be read.
    pub fn end(&mut self) -> Result<(), StoreError> {
        let last = self.head.sequence;
        let (must, by) = self.witness;
        if must > last.0 {
            let reason =
                format!("is missing, and all after it: the journal is cut off, {by} has record {must}");
            self.breaks(Problem::at(last.next(), reason));
        } else if let Some(run) = self.ids.unsound {
            self.breaks(Problem::beside(format!("run {run} of the index of ids contradicts itself")));
        } else if !self.ids.agree() {
            self.breaks(Problem::beside("the index of ids does not have the ids of the journal"));
        } else if self.landmarks != count_landmarks(self.connection)? {
            self.breaks(Problem::beside("there are landmarks that belong to no record"));
        }
        if !self.is_broken() {
            let verified = std::mem::take(&mut self.verifier).finish();
            match verified.map(|verified| verified.balanced()) {
                Ok(Ok(())) => {}
                Ok(Err(mismatch)) => self.breaks(Problem::beside(mismatch)),
                Err(Broken { sequence, fault }) => self.breaks(Problem::at(sequence, fault)),
            }
        }
        Ok(())
    }

    /// Whether something is broken.
    pub fn is_broken(&self) -> bool {
        self.problem.is_some()
    }

    /// Records that are proven.
    pub fn records(&self) -> u64 {
        self.head.sequence.0
    }

    /// What was found.
    pub fn report(self) -> Report {
        Report {
            records: self.head.sequence.0,
            transfers: self.transfers,
            head: self.head,
            problem: self.problem,
        }
    }

    fn breaks(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }
}

/// The pairs of id and record in the runs, less those of the journal, whatever the order: sums of keyed hashes.
struct IdSum {
    key: RandomState,
    sum: u64,
    pairs: i64,
    /// The last record whose id is in the runs.
    through: u64,
    /// The first run that contradicts itself.
    unsound: Option<i64>,
}

impl IdSum {
    fn of(connection: &Connection) -> Result<IdSum, StoreError> {
        let (key, mut sum, mut pairs) = (RandomState::new(), 0_u64, 0);
        let unsound = id_index::check(connection, |id, sequence| {
            sum = sum.wrapping_add(key.hash_one((id, sequence)));
            pairs += 1;
        })?;
        Ok(IdSum { key, sum, pairs, through: id_index::through(connection)?, unsound })
    }

    fn add(&mut self, id: Id, sequence: u64) {
        if sequence <= self.through {
            self.sum = self.sum.wrapping_sub(self.key.hash_one((id, sequence)));
            self.pairs -= 1;
        }
    }

    fn agree(&self) -> bool {
        self.sum == 0 && self.pairs == 0
    }
}

fn stored_landmark(
    landmark: &Landmark,
    connection: &Connection,
) -> Result<Option<(i64, String)>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT entries, posted FROM landmark WHERE account = ? AND sequence = ?")?;
    let key = (landmark.account.0, i64::try_from(landmark.sequence.0).unwrap_or(i64::MAX));
    Ok(select.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn count_landmarks(connection: &Connection) -> Result<u64, StoreError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM landmark", (), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn last_landmark(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<i64> =
        connection.query_row("SELECT max(sequence) FROM landmark", (), |row| row.get(0))?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
}
