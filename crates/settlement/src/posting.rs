//! Postings: what a step moves in the ledger, their names and their bytes.

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, Text, TransactionId};
use kopeck_ledger::purpose::Origin;
use kopeck_ledger::request::{Charge, Correct, HoldUse, JobUser, PayCall, PayJob, Request, Work};
use uuid::Uuid;

use crate::meter_id::MeterId;

/// The name of a posting: its step, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostingName {
    /// The number of the step.
    pub step: u64,
    /// The place in it, from 0.
    pub index: u32,
}

/// What postings are summed and corrected by, in the numbers of its meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostingKey {
    /// The meter.
    pub meter: MeterId,
    /// The number of the project among the meter's names.
    pub project: u32,
    /// The number of the component of a version; [`PostingKey::JOBS`] for jobs and calls, which sum over components.
    pub part: u32,
    /// The number of the month, from 0 for the first that the shard knows.
    pub month: u32,
}

impl PostingKey {
    /// The part of keys of jobs and calls.
    pub const JOBS: u32 = u32::MAX;
}

/// One movement of money that a step decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Under this id the ledger knows it: always the same for the same shard, step and place.
    pub id: TransactionId,
    /// What it belongs to.
    pub key: PostingKey,
    /// For which project.
    pub project: Text,
    /// What it pays for. Of services `meter 3 vm.active.vcpu 2026-10-01 2026-10 step 17`, of jobs and calls the source
    /// and id of the event and the authorisation that it names, of corrections the same.
    pub reference: Text,
    /// What is moved.
    pub what: What,
}

/// What a posting moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The cost of services: workspace → platform.
    Service {
        /// The workspace that pays.
        payer: AccountId,
        /// Above zero.
        amount: Amount,
    },
    /// A job, or what else an executor's book prices: workspace → executor.
    Job {
        /// The workspace that pays.
        payer: AccountId,
        /// The executor's account.
        executor: AccountId,
        /// Above zero.
        amount: Amount,
        /// The hold that covers it.
        hold: Option<HoldUse>,
        /// The user who reimburses the workspace.
        user: Option<JobUser>,
        /// The authorisation that the event named.
        authorisation: Option<String>,
    },
    /// A call of an API: user → workspace.
    Call {
        /// The user who pays.
        user: AccountId,
        /// The workspace whose API it is.
        workspace: AccountId,
        /// Above zero.
        amount: Amount,
        /// The hold that covers it.
        hold: Option<HoldUse>,
        /// The authorisation that the event named.
        authorisation: Option<String>,
    },
    /// An earlier posting of the same key is about less than it was.
    Correct {
        /// Which one.
        transaction: TransactionId,
        /// Its name.
        name: PostingName,
        /// What it was about until now.
        from: Amount,
        /// What it is about from now on, at least zero.
        to: Amount,
    },
}

impl Posting {
    /// What the ledger is asked to do.
    #[must_use]
    pub fn request(&self) -> Request {
        let charge = |payer: AccountId, amount: Amount, hold: Option<HoldUse>| Charge {
            payer,
            project: self.project.clone(),
            reference: self.reference.clone(),
            amount,
            hold,
            accrued: true,
        };
        let work = match &self.what {
            What::Service { payer, amount } => Work::PayService(charge(*payer, *amount, None)),
            What::Job { payer, executor, amount, hold, user, .. } => Work::PayJob(PayJob {
                charge: charge(*payer, *amount, *hold),
                executor: *executor,
                user: *user,
            }),
            What::Call { user, workspace, amount, hold, .. } => {
                Work::PayCall(PayCall { charge: charge(*user, *amount, *hold), workspace: *workspace })
            }
            What::Correct { transaction, to, .. } => Work::Correct(Correct {
                transaction: *transaction,
                amount: *to,
                reference: Some(self.reference.clone()),
                origin: Origin::Implicit,
                accrued: false,
            }),
        };
        Request { id: self.id, actor: None, work }
    }

    /// By how much it raises what is posted for its key; negative for a correction. In 10⁻⁶ of the currency unit.
    #[must_use]
    pub fn change(&self) -> i128 {
        match &self.what {
            What::Service { amount, .. } | What::Job { amount, .. } | What::Call { amount, .. } => {
                amount.micros()
            }
            What::Correct { from, to, .. } => to.micros() - from.micros(),
        }
    }
}

/// The id of a posting: a UUID of version 8, made of a hash of its shard, step and place. Its first six bytes count steps,
/// so that neighbours lie together in a store.
#[must_use]
pub fn transaction_id(shard: u64, name: PostingName) -> TransactionId {
    let mut hasher = blake3::Hasher::new_derive_key("kopeck 2026-11-22 ids of postings");
    hasher.update(&shard.to_be_bytes());
    hasher.update(&name.step.to_be_bytes());
    hasher.update(&name.index.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[..6].copy_from_slice(&name.step.to_be_bytes()[2..]);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    TransactionId(Uuid::from_bytes(bytes))
}

/// A text of the ledger: control characters are left out, and what is too long is cut off.
pub(crate) fn text_of(written: &str) -> Option<Text> {
    let mut kept: String = written.chars().filter(|letter| !letter.is_control()).collect();
    while kept.len() > Text::LONGEST {
        kept.pop();
    }
    Text::new(&kept).ok()
}
