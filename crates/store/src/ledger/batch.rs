//! What one commit writes: made by the one who decides, taken by the one who writes.

use std::sync::Arc;

use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::{AccountNumber, Moment, Sequence};
use kopeck_ledger::record::{Record, Reply};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::ledger::id_index::SealedRun;
use crate::ledger::queue::Work;

/// An account has a landmark whenever it has come by a multiple of so many entries.
pub const LANDMARK_ENTRIES: u64 = 256;

/// Where replies go.
pub type Answer = oneshot::Sender<Result<Vec<Reply>, StoreError>>;

/// What somebody waits for.
#[derive(Debug)]
pub struct Asked {
    /// What is to be decided.
    pub work: Work,
    /// Who is told.
    pub answer: Answer,
}

impl Asked {
    /// Says why nothing was decided. Who asked may have gone.
    pub fn refuse(self, why: &StoreError) {
        let _ = self.answer.send(Err(why.clone()));
    }
}

/// Decided requests that become durable together.
#[derive(Debug)]
pub struct Batch {
    /// What happened, in order. The one who decides looks back into the batches that are on their way.
    pub records: Arc<Vec<Record>>,
    /// Landmarks that the records have brought.
    pub landmarks: Vec<Landmark>,
    /// Ids of earlier records that leave memory.
    pub run: Option<SealedRun>,
    /// Who is answered what when it is durable.
    pub replies: Vec<(Asked, Vec<Reply>)>,
}

impl Batch {
    /// Answers everybody.
    pub fn answer(self, outcome: &Result<(), StoreError>) {
        for (asked, replies) in self.replies {
            // Who asked may have gone; the work is done all the same.
            let _ = asked.answer.send(outcome.clone().map(|()| replies));
        }
    }

    /// What is to be decided again, in its order.
    pub fn undecided(self) -> impl Iterator<Item = Asked> {
        self.replies.into_iter().map(|(asked, _)| asked)
    }
}

/// Where an account's history is at one of its entries, and what it holds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landmark {
    /// Which account.
    pub account: AccountNumber,
    /// How many entries it has with this record.
    pub entries: u64,
    /// The record.
    pub sequence: Sequence,
    /// The record's instant.
    pub at: Moment,
    /// The balance after the record.
    pub posted: Amount,
}

/// Adds the landmarks that a record brings, which `ledger` has just applied.
pub fn landmarks_of(record: &Record, ledger: &Ledger, to: &mut Vec<Landmark>) {
    let Some(transaction) = record.transaction() else { return };
    let transfers = &transaction.transfers;
    for (place, transfer) in transfers.iter().enumerate() {
        for number in [transfer.debit, transfer.credit] {
            let Some(account) = ledger.account(number) else { continue };
            let beyond = account.entries % LANDMARK_ENTRIES;
            let takes_part = |transfer: &&kopeck_ledger::record::Transfer| {
                transfer.debit == number || transfer.credit == number
            };
            // Nearly always there is one transfer and no landmark: no more is asked than that.
            if beyond >= transfers.len() as u64 || transfers[place + 1..].iter().any(|next| takes_part(&next))
            {
                continue;
            }
            if beyond < transfers.iter().filter(takes_part).count() as u64 {
                to.push(landmark(account, record));
            }
        }
    }
}

fn landmark(account: &Account, record: &Record) -> Landmark {
    Landmark {
        account: account.opening.number,
        entries: account.entries,
        sequence: record.sequence,
        at: record.at,
        posted: account.posted,
    }
}
