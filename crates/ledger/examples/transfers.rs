//! How fast transfers are decided, applied, encoded and hashed: `cargo run --release -p kopeck-ledger --example
//! transfers`. Nothing is made durable here.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a measurement: it reads the clock, prints and may stop"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::chain::Hash;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::encode;
use kopeck_ledger::ledger::{Known, Ledger};
use kopeck_ledger::name::{AccountId, Currency, Moment, Text, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Outcome, Record};
use kopeck_ledger::request::{Movement, NewAccount, Request, Transact, Work};
use uuid::Uuid;

const ACCOUNTS: u128 = 10_000;
const BATCH: u128 = 1_000;
const TRANSFERS: u128 = 1_000 * BATCH;

/// Every id is new.
struct Nothing;

impl Known for Nothing {
    fn outcome(&self, _: TransactionId) -> Option<Outcome> {
        None
    }

    fn record(&self, _: TransactionId) -> Option<Record> {
        None
    }
}

/// Times of batches: all together, and the quickest, which other work on the machine has disturbed least.
#[derive(Clone, Copy, Default)]
struct Times {
    all: Duration,
    best: Option<Duration>,
}

impl Times {
    fn add(&mut self, time: Duration) {
        self.all += time;
        self.best = Some(self.best.map_or(time, |best| best.min(time)));
    }

    fn print(self, what: &str) {
        let best = self.best.unwrap_or_default().as_nanos() / BATCH;
        println!("{what:<15} {:>5} {best:>5} ns", self.all.as_nanos() / TRANSFERS);
    }
}

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number * 0x9e37_79b9))
}

fn ledger(now: Moment, actor: &Text) -> Ledger {
    let mut ledger = Ledger::default();
    for number in 0..ACCOUNTS {
        let new = NewAccount {
            id: account(number),
            kind: AccountKind::User,
            name: Text::new("a user").unwrap(),
            owner: None,
            currency: Currency::RUB,
            zone: None,
            credit_limit: Amount::LARGEST,
            coefficient: Coefficient::ONE,
        };
        let id = TransactionId(Uuid::from_u128(number + 1));
        let request = Request { id, actor: Some(actor.clone()), work: Work::Open(new) };
        ledger.apply(&ledger.decide(&request, now, &Nothing).records[0]).unwrap();
    }
    ledger
}

fn request(number: u128, actor: &Text) -> Request {
    let debit = number * 7_919 % ACCOUNTS;
    let movement = Movement {
        debit: account(debit),
        credit: account((debit + 1 + number % 97) % ACCOUNTS),
        amount: Amount::from_micros(1_000_000 + number.cast_signed()),
        purpose: Purpose::DirectTransfer,
    };
    let transact = Transact { movements: vec![movement], project: None, reference: None, hold: None };
    let id = TransactionId(Uuid::from_u128((1 << 96) + number));
    Request { id, actor: Some(actor.clone()), work: Work::Transact(transact) }
}

fn main() {
    let now = Moment::from_nanoseconds(1_800_000_000_000_000_000).unwrap();
    let actor = Text::new("0199a000-0000-7000-8000-000000000001").unwrap();
    let mut ledger = ledger(now, &actor);
    let [mut decided, mut encoded, mut decoded] = [Times::default(); 3];
    let (mut records, mut bytes, mut size) = (Vec::new(), Vec::new(), 0);
    let mut head = Hash::GENESIS;
    let mut content = Times::default();
    for batch in 0..TRANSFERS / BATCH {
        let requests: Vec<Request> =
            (batch * BATCH..(batch + 1) * BATCH).map(|number| request(number, &actor)).collect();
        records.clear();
        bytes.clear();
        let start = Instant::now();
        for request in &requests {
            let decision = ledger.decide(request, now, &Nothing);
            ledger.apply(&decision.records[0]).unwrap();
            records.extend(decision.records);
        }
        decided.add(start.elapsed());
        let start = Instant::now();
        for record in &records {
            head = encode::encode(record, &head, &mut bytes);
        }
        encoded.add(start.elapsed());
        size += bytes.len();
        let start = Instant::now();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (record, after) = rest.split_at(encode::length(rest).unwrap());
            black_box(encode::decode(record).unwrap());
            rest = after;
        }
        decoded.add(start.elapsed());
        let start = Instant::now();
        for request in &requests {
            black_box(request.content());
        }
        content.add(start.elapsed());
    }
    println!("                 mean  best batch");
    decided.print("decide + apply");
    content.print("  of it content");
    encoded.print("encode + hash");
    decoded.print("decode");
    println!("in memory       {:>5} bytes", size_of::<Record>());
    println!("record          {:>5} bytes, head {head}", size as u128 / TRANSFERS);
}
