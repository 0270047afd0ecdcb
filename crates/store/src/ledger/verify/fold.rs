//! Following the money: the records in their order, what they come to, and what is kept beside the journal.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use kopeck_ledger::chain::Hash;
use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::Record;
use kopeck_ledger::verify::{Broken, Verifier};

use crate::answer::{Head, Problem, Report};
use crate::error::StoreError;
use crate::head_log::LoggedHead;
use crate::ledger::batch::{Landmark, landmarks_of};
use crate::ledger::id_index::{self, Id};
use crate::ledger::snapshot;
use crate::ledger::tables::Tables;
use crate::ledger::verify::row::Checked;

/// The journal so far.
pub struct Fold<'c> {
    tables: &'c dyn Tables,
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
    pub fn new(mut heads: Vec<LoggedHead>, tables: &'c dyn Tables) -> Result<Fold<'c>, StoreError> {
        heads.sort_by_key(|head| head.sequence);
        let snapshot = tables.newest_snapshot()?;
        let ids = IdSum::of(tables)?;
        let logged = heads.last().map_or(0, |head| head.sequence);
        let witnesses = [
            (logged, "the log of heads"),
            (snapshot.map_or(0, |sequence| sequence.0), "the stored state"),
            (ids.through, "the index of ids"),
            (tables.landmarks()?.last, "the landmarks"),
        ];
        let witness = witnesses.into_iter().rev().max_by_key(|(sequence, _)| *sequence).unwrap_or((0, ""));
        Ok(Fold {
            tables,
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
        let stored = snapshot::packed(self.tables)?;
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
            let stored = self.tables.landmark_from(landmark.account, landmark.sequence)?;
            let is_there = stored.is_some_and(|stored| {
                (stored.sequence, stored.entries, stored.posted)
                    == (landmark.sequence, landmark.entries, landmark.posted)
            });
            if !is_there {
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
        } else if self.landmarks != self.tables.landmarks()?.count {
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
    fn of(tables: &dyn Tables) -> Result<IdSum, StoreError> {
        let (key, mut sum, mut pairs) = (RandomState::new(), 0_u64, 0);
        let unsound = id_index::check(tables, |id, sequence| {
            sum = sum.wrapping_add(key.hash_one((id, sequence)));
            pairs += 1;
        })?;
        let through = tables.runs()?.last().map_or(0, |run| run.through);
        Ok(IdSum { key, sum, pairs, through, unsound })
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
