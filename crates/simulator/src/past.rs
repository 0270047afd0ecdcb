//! What was asked so far, so that later work can name it: retries, holds to pay from, transactions to put right.

use kopeck_ledger::name::{AccountId, HoldId, TransactionId};
use kopeck_ledger::record::Reply;
use kopeck_ledger::request::{Request, Work};
use uuid::Builder;

use crate::draw::Draw;

/// Requests that are kept for retries.
const KEPT: usize = 400;

/// What was asked so far.
#[derive(Debug, Default)]
pub struct Past {
    /// Requests and chains, for retries.
    pub sent: Vec<Vec<Request>>,
    /// Holds that were asked for, and whose they are.
    pub holds: Vec<(HoldId, AccountId)>,
    /// Transactions that were asked for.
    pub payments: Vec<TransactionId>,
    ids: u64,
}

impl Past {
    /// A new id: most are ordered by time, some are not.
    pub fn new_id(&mut self, draw: &mut Draw) -> TransactionId {
        self.ids += 1;
        let number = u128::from(self.ids);
        let random = u128::from(draw.any());
        if draw.percent(15) {
            return TransactionId(
                Builder::from_random_bytes((random << 64 | number).to_be_bytes()).into_uuid(),
            );
        }
        let milliseconds = 1_790_000_000_000 + self.ids;
        let mut rest = [0; 10];
        rest[2..].copy_from_slice(&draw.any().to_be_bytes());
        TransactionId(Builder::from_unix_timestamp_millis(milliseconds, &rest).into_uuid())
    }

    /// Forgets most of what was refused: naming it leads nowhere. A chain has one reply.
    pub fn learn(&mut self, requests: &[Request], replies: &[Reply], draw: &mut Draw) {
        let of =
            |place: usize| if replies.len() == requests.len() { replies.get(place) } else { replies.first() };
        for (place, request) in requests.iter().enumerate() {
            if of(place).is_some_and(Result::is_err) && draw.percent(95) {
                self.holds.retain(|(hold, _)| hold.0 != request.id);
                self.payments.retain(|payment| *payment != request.id);
            }
        }
    }

    /// Remembers requests that go together.
    pub fn note(&mut self, requests: &[Request]) {
        for request in requests {
            match &request.work {
                Work::Hold(hold) => self.holds.push((HoldId(request.id), hold.account)),
                Work::Open(_)
                | Work::SetAccrued { .. }
                | Work::SetCoefficient { .. }
                | Work::SetCreditLimit { .. } => {}
                _ => self.payments.push(request.id),
            }
        }
        if self.sent.len() == KEPT {
            self.sent.remove(0);
        }
        self.sent.push(requests.to_vec());
    }
}
