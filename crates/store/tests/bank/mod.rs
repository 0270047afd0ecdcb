//! A small bank for the tests of stores: a clock that is set, ids that are counted, and requests in one line.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, HoldId, Moment, Text, TransactionId};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::{Receipt, Reply};
use kopeck_ledger::request::{Deposit, Movement, NewAccount, NewHold, Request, Transact, Work};
use kopeck_store::sqlite::{Clock, Options, SqliteStore, SyncMode};
use kopeck_store::{Store, StoreError};
use uuid::{Builder, Uuid};

/// 2026-10-01T00:00:00Z in nanoseconds.
const START: i64 = 1_790_812_800_000_000_000;
/// A second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;

/// A clock that moves when it is told to, and a counter of ids.
#[derive(Clone)]
pub struct Bank {
    now: Arc<AtomicI64>,
    ids: Arc<AtomicU64>,
}

impl Bank {
    pub fn new() -> Bank {
        Bank { now: Arc::new(AtomicI64::new(START)), ids: Arc::default() }
    }

    pub fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Moment::from_nanoseconds(now.load(Ordering::Relaxed)).unwrap())
    }

    pub fn now(&self) -> Moment {
        (self.clock())()
    }

    /// The instant so many seconds from now.
    pub fn after(&self, seconds: i64) -> Moment {
        Moment::from_nanoseconds(self.now.load(Ordering::Relaxed) + seconds * SECOND).unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * SECOND, Ordering::Relaxed);
    }

    /// The next time-ordered id.
    pub fn id(&self) -> TransactionId {
        ordered_id(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    pub fn ask(&self, work: Work) -> Request {
        Request { id: self.id(), actor: Some(text("tester")), work }
    }

    pub fn open(&self, number: u64, kind: AccountKind) -> Request {
        self.ask(Work::Open(NewAccount {
            id: account(number),
            kind,
            name: text(&format!("account {number}")),
            owner: None,
            currency: Currency::RUB,
            zone: None,
            credit_limit: Amount::ZERO,
            coefficient: Coefficient::ONE,
        }))
    }

    pub fn deposit(&self, number: u64, amount: &str) -> Request {
        let amount = money(amount);
        self.ask(Work::Deposit(Deposit { account: account(number), amount, reference: None, invoice: None }))
    }

    pub fn transfer(&self, from: u64, to: u64, amount: &str) -> Request {
        self.ask(transfer(from, to, money(amount)))
    }

    pub fn hold(&self, number: u64, amount: &str, expires: Moment) -> Request {
        self.ask(Work::Hold(NewHold {
            account: account(number),
            amount: money(amount),
            expires,
            project: None,
            reference: None,
        }))
    }

    /// The bank's account 0 and so many users, each with 1000.
    pub fn people(&self, users: u64) -> Vec<Request> {
        let external = [self.open(0, AccountKind::External)];
        let opened = (1..=users).map(|number| self.open(number, AccountKind::User));
        let funded = (1..=users).map(|number| self.deposit(number, "1000"));
        external.into_iter().chain(opened).chain(funded).collect()
    }

    pub fn options(&self) -> Options {
        Options { sync: SyncMode::Never, ..Options::at(self.clock()) }
    }

    pub fn try_open_in(&self, folder: &Path) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(folder, self.options())
    }

    pub fn open_in(&self, folder: &Path) -> SqliteStore {
        self.try_open_in(folder).unwrap()
    }

    /// A new store with so many users.
    pub fn store_in(&self, folder: &Path, users: u64) -> SqliteStore {
        SqliteStore::create(folder).unwrap();
        let store = self.open_in(folder);
        done(store.perform(self.people(users)));
        store
    }
}

/// An id of version 7 whose order is that of the numbers.
pub fn ordered_id(number: u64) -> TransactionId {
    let millisecond = 1_790_812_800_000 + number / 4096;
    let mut rest = [0; 10];
    rest[..2].copy_from_slice(&u16::try_from(number % 4096).unwrap().to_be_bytes());
    rest[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    TransactionId(Builder::from_unix_timestamp_millis(millisecond, &rest).into_uuid())
}

/// An id without an order.
pub fn random_id(number: u64) -> TransactionId {
    let mixed = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    TransactionId(
        Builder::from_u128(mixed << 64 | mixed.rotate_left(17))
            .with_version(uuid::Version::Random)
            .into_uuid(),
    )
}

pub fn account(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(0x1000_0000_0000_7000_8000_0000_0000_0000 | u128::from(number)))
}

pub fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

pub fn money(amount: &str) -> Amount {
    amount.parse().unwrap()
}

pub fn transfer(from: u64, to: u64, amount: Amount) -> Work {
    let purpose = Purpose::DirectTransfer;
    let movements = vec![Movement { debit: account(from), credit: account(to), amount, purpose }];
    Work::Transact(Transact { movements, project: None, reference: None, hold: None })
}

pub fn hold_id(request: &Request) -> HoldId {
    HoldId(request.id)
}

/// All were done; their receipts.
pub fn done(replies: Result<Vec<Reply>, StoreError>) -> Vec<Receipt> {
    replies.unwrap().into_iter().map(Result::unwrap).collect()
}

/// The only reply.
pub fn one(replies: Result<Vec<Reply>, StoreError>) -> Reply {
    let [reply] = <[Reply; 1]>::try_from(replies.unwrap()).unwrap();
    reply
}

pub fn posted(store: &dyn Store, number: u64) -> String {
    store.account(account(number)).unwrap().posted.to_string()
}

/// Verifies, and expects nothing broken.
pub fn verified(store: &dyn Store) -> u64 {
    let report = store.verify(&mut |_| {}).unwrap();
    assert_eq!(report.problem, None);
    report.records
}
