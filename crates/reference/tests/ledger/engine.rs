//! The ledger with its journal in memory, as a shell would lead it.

use std::collections::BTreeMap;

use kopeck_ledger::ledger::{Known, Ledger};
use kopeck_ledger::name::{Moment, TransactionId};
use kopeck_ledger::record::{Outcome, Record, Reply};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::request::Request;

use crate::work::Step;

/// A journal in memory.
#[derive(Default)]
pub struct Journal {
    pub records: Vec<Record>,
    by_id: BTreeMap<TransactionId, usize>,
}

impl Known for Journal {
    fn outcome(&self, id: TransactionId) -> Option<Outcome> {
        self.by_id.get(&id).and_then(|place| self.records[*place].outcome())
    }

    fn record(&self, id: TransactionId) -> Option<Record> {
        self.by_id.get(&id).map(|place| self.records[*place].clone())
    }
}

/// The ledger and its journal.
#[derive(Default)]
pub struct Engine {
    pub ledger: Ledger,
    pub journal: Journal,
}

impl Engine {
    pub fn send(&mut self, request: &Request, now: Moment) -> Reply {
        self.expire(now);
        let decision = self.ledger.decide(request, now, &self.journal);
        self.write(decision.records);
        decision.reply
    }

    pub fn send_chain(&mut self, members: &[Request], now: Moment) -> Reply {
        self.expire(now);
        let decision = self.ledger.decide_chain(members, now, &self.journal);
        self.write(decision.records);
        decision.reply
    }

    pub fn expire(&mut self, now: Moment) {
        while let Some(record) = self.ledger.due(now) {
            self.write([record]);
        }
    }

    /// What a request that is known is answered.
    pub fn reply(&self, request: &Request) -> Reply {
        let outcome = self.journal.outcome(request.id).unwrap();
        outcome.reply.map_err(Into::into)
    }

    /// Whether the journal answers all requests of a step.
    pub fn answers(&self, step: &Step) -> bool {
        let is_known = |request: &Request| {
            let outcome = self.journal.outcome(request.id);
            outcome.is_some_and(|outcome| outcome.content == request.content())
        };
        match step {
            Step::One(request, _) => is_known(request),
            Step::Chain(members, _) => !members.is_empty() && members.iter().all(is_known),
        }
    }

    fn write(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.ledger.apply(&record).unwrap();
            if let Some(asked) = record.asked {
                self.journal.by_id.insert(asked.id, self.journal.records.len());
            }
            self.journal.records.push(record);
        }
    }
}

/// The name of a refusal; of a chain's, that of its member.
pub fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::InChain { refusal, .. } => format!("in chain: {}", reason(refusal)),
        Refusal::InsufficientFunds(_) => "InsufficientFunds".to_owned(),
        other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
    }
}

/// What a record is; of a transaction, its first purpose and what is special about it.
pub fn kind(record: &Record) -> String {
    let Some(transaction) = record.transaction() else {
        let body = format!("{:?}", record.body);
        return format!("record {}", body.split([' ', '(']).next().unwrap_or_default());
    };
    let is = |word: &str, is: bool| if is { format!(" {word}") } else { String::new() };
    let purpose = transaction.transfers[0].purpose;
    let held = is("held", !transaction.holds.is_empty());
    let accrued = is("accrued", transaction.accrued.is_some_and(|accrued| !accrued.is_zero()));
    format!("record {purpose}{held}{accrued}{}", is("linked", record.linked))
}

/// What random work must come to, in the words of [`reason`] and [`kind`]: each of these at least twice.
pub const EXPECTED: &[&str] = &[
    "AccountExists",
    "AccountKindMayNot",
    "ActorMissing",
    "AlreadyReversed",
    "AmountNegative",
    "AmountTooLarge",
    "AmountZero",
    "ChainEmpty",
    "CurrencyMismatch",
    "ExpiryPassed",
    "HoldExceeded",
    "HoldExpired",
    "HoldOfOtherAccount",
    "HoldResolved",
    "IdRepeated",
    "IdReusedWithOtherContent",
    "InstantAhead",
    "InsufficientFunds",
    "KindMayNot",
    "NoMovements",
    "NotCorrectable",
    "NotItsOwner",
    "NothingGrown",
    "NumberNegative",
    "OwnerMissing",
    "OwnerNotAllowed",
    "PurposeNotOffered",
    "ReferenceMissing",
    "SameAccount",
    "SingleAccountExists",
    "SingleAccountMissing",
    "UnknownAccount",
    "UnknownHold",
    "UnknownTransaction",
    "UnknownZone",
    "in chain: InsufficientFunds",
    "record AccruedSet",
    "record CoefficientSet",
    "record CreditLimitSet",
    "record Expired",
    "record Held",
    "record Refused",
    "record Released",
    "record api_key_payment held",
    "record correction accrued",
    "record correction linked",
    "record direct_transfer held",
    "record direct_transfer linked",
    "record executor_payment accrued",
    "record executor_payment held",
    "record executor_payment linked",
    "record reversal linked",
    "record rounding",
    "record service_payment accrued",
    "record service_payment held",
    "record storage_payment accrued",
    "record tax",
    "record withdrawal",
];
