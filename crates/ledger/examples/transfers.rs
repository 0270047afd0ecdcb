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
    let (mut decided, mut encoded, mut decoded) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut records, mut bytes, mut size) = (Vec::new(), Vec::new(), 0);
    let mut head = Hash::GENESIS;
    let mut content = Duration::ZERO;
    for batch in 0..TRANSFERS / BATCH {
        let requests: Vec<Request> =
            (batch * BATCH..(batch + 1) * BATCH).map(|number| request(number, &actor)).collect();
        records.clear();
        bytes.clear();
        let start = Instant::now();
        for request in &requests {
            let mut decision = ledger.decide(request, now, &Nothing);
            let record = decision.records.remove(0);
            ledger.apply(&record).unwrap();
            records.push(record);
        }
        decided += start.elapsed();
        let start = Instant::now();
        for record in &records {
            head = encode::encode(record, &head, &mut bytes);
        }
        encoded += start.elapsed();
        size += bytes.len();
        let start = Instant::now();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (record, after) = rest.split_at(encode::length(rest).unwrap());
            black_box(encode::decode(record).unwrap());
            rest = after;
        }
        decoded += start.elapsed();
        let start = Instant::now();
        for request in &requests {
            black_box(request.content());
        }
        content += start.elapsed();
    }
    let each = |time: Duration| time.as_nanos() / TRANSFERS;
    println!("decide + apply  {:>5} ns", each(decided));
    println!("  of it content {:>5} ns", each(content));
    println!("encode + hash   {:>5} ns", each(encoded));
    println!("decode          {:>5} ns", each(decoded));
    println!("in memory       {:>5} bytes", size_of::<Record>());
    println!("record          {:>5} bytes, head {head}", size as u128 / TRANSFERS);
}
