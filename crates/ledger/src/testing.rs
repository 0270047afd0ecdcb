//! A small world for the tests of this crate: accounts, a journal in memory, requests by short names.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::account::AccountKind;
use crate::amount::Amount;
use crate::coefficient::Coefficient;
use crate::ledger::{Known, Ledger};
use crate::name::{AccountId, Currency, HoldId, Moment, Text, TransactionId};
use crate::purpose::Purpose;
use crate::record::{Outcome, Record, Reply};
use crate::request::{Charge, HoldUse, Movement, NewAccount, NewHold, Request, Rest, Transact, Work};

/// A journal in memory.
#[derive(Default)]
pub(crate) struct Journal {
    pub(crate) records: Vec<Record>,
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

/// A ledger with its journal and clock.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) journal: Journal,
    pub(crate) now: Moment,
    next: u128,
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// The account that is called so: its letters are its id.
pub(crate) fn account(name: &str) -> AccountId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    AccountId(Uuid::from_bytes(bytes))
}

pub(crate) fn at(text: &str) -> Moment {
    Moment::try_from(text.parse::<jiff::Timestamp>().unwrap()).unwrap()
}

impl World {
    /// One account of each kind; k is 1.25 for those that earn. The user `ann` owns them, `bob` is another user.
    pub(crate) fn new() -> World {
        let mut world = World {
            ledger: Ledger::default(),
            journal: Journal::default(),
            now: at("2026-10-01T00:00:00Z"),
            next: 1,
        };
        for (name, kind) in [("ann", AccountKind::User), ("bob", AccountKind::User)] {
            world.open(name, kind, None);
        }
        for kind in AccountKind::ALL.iter().filter(|kind| **kind != AccountKind::User) {
            world.open(kind.word(), *kind, kind.has_owner().then_some("ann"));
        }
        world
    }

    pub(crate) fn open(&mut self, name: &str, kind: AccountKind, owner: Option<&str>) {
        let new = NewAccount {
            id: account(name),
            kind,
            name: text(name),
            owner: owner.map(account),
            currency: Currency::RUB,
            zone: Some(text("Europe/Moscow")),
            credit_limit: Amount::ZERO,
            coefficient: "1.25".parse().unwrap(),
        };
        self.done(Work::Open(new));
    }

    /// A new request for some work.
    pub(crate) fn request(&mut self, work: Work) -> Request {
        let id = TransactionId(Uuid::from_u128(self.next));
        self.next += 1;
        Request { id, actor: Some(text("operator")), work }
    }

    /// Sends a request, with all that is due before.
    pub(crate) fn send(&mut self, request: &Request) -> Reply {
        self.expire();
        let decision = self.ledger.decide(request, self.now, &self.journal);
        self.write(decision.records);
        decision.reply
    }

    pub(crate) fn send_chain(&mut self, members: &[Request]) -> Reply {
        self.expire();
        let decision = self.ledger.decide_chain(members, self.now, &self.journal);
        self.write(decision.records);
        decision.reply
    }

    pub(crate) fn expire(&mut self) {
        while let Some(record) = self.ledger.due(self.now) {
            self.write([record]);
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

    /// Some work that succeeds; its id.
    pub(crate) fn done(&mut self, work: Work) -> TransactionId {
        let request = self.request(work);
        self.send(&request).unwrap();
        request.id
    }

    /// Some work that is refused; the words for it.
    pub(crate) fn refused(&mut self, work: Work) -> String {
        let request = self.request(work);
        self.send(&request).unwrap_err().to_string()
    }

    /// What an account has: posted, held, accrued, available.
    pub(crate) fn shows(&self, name: &str) -> String {
        let account = self.ledger.find(account(name)).unwrap();
        let amounts = [account.posted, account.held, account.accrued, account.available().unwrap()];
        amounts.map(|amount| amount.to_string()).join(" ").replace(".000000", "")
    }

    pub(crate) fn deposited(&mut self, user: &str, sum: &str) -> TransactionId {
        let deposit = crate::request::Deposit {
            account: account(user),
            amount: amount(sum),
            reference: None,
            invoice: None,
        };
        self.done(Work::Deposit(deposit))
    }

    /// Gives a workspace money of its owner.
    pub(crate) fn funded(&mut self, sum: &str) {
        self.deposited("ann", sum);
        self.done(transfer("ann", "workspace", sum));
    }
}

pub(crate) fn transfer(debit: &str, credit: &str, sum: &str) -> Work {
    let movement = Movement {
        debit: account(debit),
        credit: account(credit),
        amount: amount(sum),
        purpose: Purpose::DirectTransfer,
    };
    Work::Transact(Transact { movements: vec![movement], project: None, reference: None, hold: None })
}

pub(crate) fn charge(payer: &str, sum: &str) -> Charge {
    Charge {
        payer: account(payer),
        project: text("p"),
        reference: text("charge"),
        amount: amount(sum),
        hold: None,
        accrued: false,
    }
}

pub(crate) fn hold(name: &str, sum: &str, expires: &str) -> Work {
    Work::Hold(NewHold {
        account: account(name),
        amount: amount(sum),
        expires: at(expires),
        project: None,
        reference: None,
    })
}

pub(crate) fn part_of(hold: TransactionId, rest: Rest) -> Option<HoldUse> {
    Some(HoldUse { hold: HoldId(hold), rest })
}

pub(crate) fn coefficient(text: &str) -> Coefficient {
    text.parse().unwrap()
}
