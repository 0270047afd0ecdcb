//! An account's past without an index of entries: from its last entry backwards, each names the one before.
//!
//! Landmarks lead into the middle of a long history, so that any instant is at most [`LANDMARK_ENTRIES`] steps away.
//!
//! [`LANDMARK_ENTRIES`]: crate::ledger::batch::LANDMARK_ENTRIES

use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountNumber, Moment, Sequence};
use kopeck_ledger::record::{Record, Transfer};

use crate::error::StoreError;
use crate::ledger::journal::{self, Chunk};
use crate::ledger::tables::Tables;
use crate::store::{History, Span};

/// A place in an account's chain of entries: a record, and the balance after it.
#[derive(Debug, Clone, Copy)]
struct Place {
    sequence: Sequence,
    posted: Amount,
}

/// Walks back from where an account is, one record at a time.
struct Walk<'c> {
    tables: &'c dyn Tables,
    account: AccountNumber,
    place: Place,
    chunk: Option<Chunk>,
}

impl Walk<'_> {
    /// The record at the place, and the place before it. `None` before the first entry.
    fn step(&mut self) -> Result<Option<(Record, Place)>, StoreError> {
        if self.place.sequence == Sequence::NONE {
            return Ok(None);
        }
        let record = self.read(self.place.sequence)?;
        let here = self.place;
        let (change, previous) = effect(&record, self.account).ok_or_else(|| {
            StoreError::Corrupt(format!("record {} is no entry of its account", here.sequence))
        })?;
        if previous >= here.sequence {
            return Err(StoreError::Corrupt(format!("record {} follows itself", here.sequence)));
        }
        let posted = here.posted.checked_sub(change).ok_or_else(|| overflow(here.sequence))?;
        self.place = Place { sequence: previous, posted };
        Ok(Some((record, here)))
    }

    fn read(&mut self, sequence: Sequence) -> Result<Record, StoreError> {
        if let Some(chunk) = self.chunk.as_ref().filter(|chunk| chunk.holds(sequence)) {
            return chunk.record(sequence);
        }
        let chunk = journal::chunk_of(sequence, self.tables)?;
        let chunk = chunk.ok_or_else(|| StoreError::Corrupt(format!("record {sequence} is missing")))?;
        self.chunk.insert(chunk).record(sequence)
    }
}

/// What a record changes in an account's balance, and the account's entry before it. `None` where it has none of it.
fn effect(record: &Record, account: AccountNumber) -> Option<(Amount, Sequence)> {
    let transfers = record.transaction()?.transfers.iter();
    let mut found = None;
    for transfer in transfers {
        let Some((change, previous)) = side(transfer, account) else { continue };
        let sum = found.map_or(Amount::ZERO, |(sum, _)| sum);
        // Transfers of one record name the same entry before it.
        found = Some((sum.checked_add(change)?, previous));
    }
    found
}

fn side(transfer: &Transfer, account: AccountNumber) -> Option<(Amount, Sequence)> {
    if transfer.credit == account {
        return Some((transfer.amount, transfer.credit_previous));
    }
    (transfer.debit == account).then_some((transfer.amount.checked_neg()?, transfer.debit_previous))
}

fn entries(record: &Record, account: AccountNumber) -> usize {
    let transfers = record.transaction().map_or(&[][..], |transaction| &transaction.transfers);
    transfers.iter().filter(|transfer| side(transfer, account).is_some()).count()
}

/// A part of an account's history.
///
/// # Errors
/// [`StoreError`] where the journal can not be read.
pub fn history(account: &Account, span: Span, tables: &dyn Tables) -> Result<History, StoreError> {
    let end = end_of(span, tables)?;
    let mut walk = walk_from(account, end, tables)?;
    let mut closing = walk.place.posted;
    let (mut records, mut count) = (Vec::new(), 0);
    while let Some((record, here)) = walk.step()? {
        if record.sequence >= end {
            closing = walk.place.posted;
            continue;
        }
        if record.at < span.from {
            break;
        }
        if records.is_empty() {
            closing = here.posted;
        }
        if count >= span.limit {
            let next = records.last().map(|last: &Record| last.sequence);
            return Ok(History { records, closing, next });
        }
        count += entries(&record, walk.account);
        records.push(record);
    }
    Ok(History { records, closing, next: None })
}

/// What an account held after the last record up to `at`.
///
/// # Errors
/// [`StoreError`] where the journal can not be read.
pub fn balance_at(account: &Account, at: Moment, tables: &dyn Tables) -> Result<Amount, StoreError> {
    let after = Moment::from_nanoseconds(at.nanoseconds().saturating_add(1)).unwrap_or(Moment::LAST);
    if at >= Moment::LAST {
        return Ok(account.posted);
    }
    let span = Span { from: Moment::FIRST, to: after, before: None, limit: 0 };
    Ok(history(account, span, tables)?.closing)
}

/// The first record that is no more in the span.
fn end_of(span: Span, tables: &dyn Tables) -> Result<Sequence, StoreError> {
    let before = span.before.unwrap_or(Sequence(u64::MAX));
    if span.to >= Moment::LAST {
        return Ok(before);
    }
    Ok(journal::first_at(span.to, tables)?.map_or(before, |sequence| before.min(sequence)))
}

/// A walk from the first landmark at or after `end`, or from the account's last entry where there is none.
fn walk_from<'c>(account: &Account, end: Sequence, tables: &'c dyn Tables) -> Result<Walk<'c>, StoreError> {
    let number = account.opening.number;
    let last = Place { sequence: account.last, posted: account.posted };
    let landmark = tables
        .landmark_from(number, end)?
        .map(|landmark| Place { sequence: landmark.sequence, posted: landmark.posted });
    // A landmark may be newer than the state that was asked for.
    let landmark = landmark.filter(|place| place.sequence < last.sequence);
    Ok(Walk { tables, account: number, place: landmark.unwrap_or(last), chunk: None })
}

fn overflow(sequence: Sequence) -> StoreError {
    StoreError::Corrupt(format!("the balance at record {sequence} is not a number of its kind"))
}
