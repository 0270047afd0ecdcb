//! Random requests of every kind: few accounts, small amounts, so that money runs short and everything meets.

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{AccountId, Currency, HoldId, Moment, Text, TransactionId};
use kopeck_ledger::purpose::{Origin, Purpose};
use kopeck_ledger::request::{
    Charge, Correct, Deposit, HoldUse, InvoiceOf, JobUser, Movement, NewAccount, NewHold, PayCall, PayJob,
    PayStorage, Request, Rest, Reverse, Right, Transact, Withdraw, Work,
};
use kopeck_rating::number::Number;
use uuid::Uuid;

use crate::draw::Draw;
use crate::past::Past;

/// A second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;

/// The accounts by their numbers, from 1: kind, owner, currency, zone, coefficient.
const CAST: [(AccountKind, Option<u128>, &str, &str, &str); 17] = [
    (AccountKind::User, None, "RUB", "UTC", "1"),
    (AccountKind::User, None, "RUB", "Asia/Tokyo", "1"),
    (AccountKind::Workspace, Some(1), "RUB", "Europe/Moscow", "1.25"),
    (AccountKind::Workspace, Some(2), "RUB", "America/New_York", "1"),
    (AccountKind::Executor, Some(1), "RUB", "UTC", "1.25"),
    (AccountKind::Executor, Some(2), "RUB", "UTC", "0.5"),
    (AccountKind::Storage, Some(2), "RUB", "UTC", "1.1"),
    (AccountKind::Storage, Some(1), "RUB", "UTC", "3"),
    (AccountKind::Platform, None, "RUB", "UTC", "1"),
    (AccountKind::External, None, "RUB", "UTC", "1"),
    (AccountKind::Rounding, None, "RUB", "UTC", "1"),
    (AccountKind::Tax, None, "RUB", "UTC", "1"),
    (AccountKind::User, None, "USD", "UTC", "1"),
    (AccountKind::Workspace, Some(13), "USD", "UTC", "2"),
    (AccountKind::Executor, Some(13), "USD", "UTC", "2"),
    (AccountKind::External, None, "USD", "UTC", "1"),
    (AccountKind::Platform, None, "USD", "UTC", "1"),
];
const USERS: [u128; 8] = [1, 1, 1, 2, 2, 2, 2, 13];
const WORKSPACES: [u128; 8] = [3, 3, 3, 3, 4, 4, 4, 14];
const EXECUTORS: [u128; 8] = [5, 5, 5, 6, 6, 6, 6, 15];
const STORAGES: [u128; 4] = [7, 7, 8, 8];
const PAYERS: [u128; 8] = [1, 1, 2, 2, 3, 3, 4, 4];

fn account_of(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(0x6163_636f_756e_7000_8000_0000_0000_0000 | number))
}

fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

/// The requests that open all accounts and bring the users some money.
pub fn opening(past: &mut Past, draw: &mut Draw) -> Vec<Request> {
    let mut works = Vec::new();
    for (number, (kind, owner, currency, zone, coefficient)) in (1..).zip(CAST) {
        works.push(Work::Open(NewAccount {
            id: account_of(number),
            kind,
            name: text(&format!("{kind} {number}")),
            owner: owner.map(account_of),
            currency: currency.parse().unwrap(),
            zone: Some(text(zone)),
            credit_limit: Amount::ZERO,
            coefficient: coefficient.parse().unwrap(),
        }));
    }
    for (user, workspace) in [(1, Some(3)), (2, Some(4)), (1, None), (2, None), (13, Some(14)), (13, None)] {
        let invoice =
            workspace.map(|workspace| InvoiceOf { workspace: account_of(workspace), number: text("2026-0") });
        let amount = Amount::from_micros(200_000_000);
        works.push(Work::Deposit(Deposit { account: account_of(user), amount, reference: None, invoice }));
    }
    let mut ask = |work| Request { id: past.new_id(draw), actor: Some(text("operator")), work };
    works.into_iter().map(&mut ask).collect()
}

/// Makes random requests at an instant.
pub struct Maker<'a> {
    /// Where chance comes from.
    pub draw: &'a mut Draw,
    /// What can be named.
    pub past: &'a mut Past,
    /// The instant.
    pub now: Moment,
}

impl Maker<'_> {
    /// A request of any kind; now and then a bad one.
    pub fn request(&mut self) -> Request {
        let work = self.work();
        let id = self.id();
        let actor = (!self.draw.percent(1)).then(|| text("ann"));
        Request { id, actor, work }
    }

    /// A new id; rarely one that was used for something else.
    fn id(&mut self) -> TransactionId {
        let used = self.draw.of(&self.past.sent).and_then(|sent| sent.first()).map(|request| request.id);
        match used {
            Some(used) if self.draw.percent(3) => used,
            _ => self.past.new_id(self.draw),
        }
    }

    fn work(&mut self) -> Work {
        match self.draw.below(100) {
            0..16 => self.transact(),
            16..25 => self.deposit(),
            25..30 => self.withdraw(),
            30..46 => self.pay_job(),
            46..52 => self.pay_call(),
            52..61 => self.pay_storage(),
            61..66 => {
                let payer = self.account(WORKSPACES);
                Work::PayService(self.charge(payer))
            }
            66..72 => self.correct(),
            72..76 => self.reverse(),
            76..87 => self.hold(),
            87..90 => self.release(),
            90..98 => self.setting(),
            _ => self.open(),
        }
    }

    /// An account of one of these numbers; now and then any other, or none.
    fn account<const N: usize>(&mut self, usual: [u128; N]) -> AccountId {
        if self.draw.percent(2) {
            account_of(u128::from(self.draw.below(20)))
        } else {
            account_of(self.draw.pick(usual))
        }
    }

    fn amount(&mut self) -> Amount {
        let micros = match self.draw.below(100) {
            0..35 => i128::from(self.draw.between(1, 40)) * 1_000_000,
            35..85 => i128::from(self.draw.between(1, 60_000_000)),
            85..95 => i128::from(self.draw.between(1, 10)),
            95..97 => 0,
            97 => i128::from(self.draw.between(-5, 0)),
            _ => i128::from(u64::MAX) + i128::from(self.draw.between(-1, 2)),
        };
        Amount::from_micros(micros)
    }

    fn moment(&mut self, low: i64, high: i64) -> Moment {
        let shift = self.draw.between(low, high) * SECOND + self.draw.between(0, 3);
        Moment::from_nanoseconds(self.now.nanoseconds() + shift).unwrap()
    }

    fn project(&mut self) -> Text {
        text(self.draw.pick(["p", "q"]))
    }

    fn note(&mut self) -> Option<Text> {
        self.draw.percent(70).then(|| text(self.draw.pick(["a", "б", "счёт № 7"])))
    }

    /// A hold to pay from: mostly one of the payer's last.
    fn hold_use(&mut self, payer: AccountId) -> Option<HoldUse> {
        if !self.draw.percent(35) {
            return None;
        }
        let hold = self.earlier_hold(Some(payer))?;
        Some(HoldUse { hold, rest: self.draw.pick([Rest::Keep, Rest::Release]) })
    }

    fn earlier_hold(&mut self, payer: Option<AccountId>) -> Option<HoldId> {
        if self.draw.percent(3) {
            return Some(HoldId(self.past.new_id(self.draw)));
        }
        let any = payer.is_none() || self.draw.percent(5);
        let holds = self.past.holds.iter().rev().filter(|(_, account)| any || Some(*account) == payer);
        let last: Vec<HoldId> = holds.map(|(id, _)| *id).take(4).collect();
        self.draw.of(&last).copied()
    }

    fn earlier_payment(&mut self) -> TransactionId {
        let known = self.draw.of(&self.past.payments).copied();
        match known {
            Some(known) if !self.draw.percent(4) => known,
            _ => self.past.new_id(self.draw),
        }
    }

    fn charge(&mut self, payer: AccountId) -> Charge {
        Charge {
            payer,
            project: self.project(),
            reference: text("charge"),
            amount: self.amount(),
            hold: self.hold_use(payer),
            accrued: self.draw.percent(25),
        }
    }

    fn movement(&mut self) -> Movement {
        if self.draw.percent(15) {
            let purpose = match self.draw.below(10) {
                0 => Purpose::ALL[self.draw.index(Purpose::ALL.len())],
                1..6 => Purpose::Rounding,
                _ => Purpose::Tax,
            };
            let (debit, credit) = match purpose {
                Purpose::Rounding => (self.account([3, 11]), self.account([11, 3])),
                _ => (self.account([9, 12]), self.account([12, 9])),
            };
            return Movement { debit, credit, amount: self.amount(), purpose };
        }
        let (debit, credit) = match self.draw.below(10) {
            0..5 => (self.account([1, 2]), self.account([3, 4])),
            5..7 => (self.account([1, 2]), self.account([2, 1])),
            7 => (self.account([3, 5, 8]), self.account([1])),
            8 => (self.account([4, 6, 7]), self.account([2])),
            _ => (self.account(PAYERS), self.account(USERS)),
        };
        Movement { debit, credit, amount: self.amount(), purpose: Purpose::DirectTransfer }
    }

    fn transact(&mut self) -> Work {
        let count = if self.draw.percent(75) { 1 } else { self.draw.below(5) };
        let movements: Vec<Movement> = (0..count).map(|_| self.movement()).collect();
        let hold = movements.first().map(|first| first.debit).and_then(|payer| self.hold_use(payer));
        let project = self.draw.percent(50).then(|| self.project());
        Work::Transact(Transact { movements, project, reference: self.note(), hold })
    }

    fn deposit(&mut self) -> Work {
        let account = self.account(USERS);
        let workspace = if self.draw.percent(40) { Some(self.account(WORKSPACES)) } else { None };
        let invoice = workspace.map(|workspace| InvoiceOf { workspace, number: text("2026-1") });
        Work::Deposit(Deposit { account, amount: self.amount(), reference: self.note(), invoice })
    }

    fn withdraw(&mut self) -> Work {
        let account = self.account([1, 1, 2, 2, 9, 13]);
        let hold = self.hold_use(account);
        Work::Withdraw(Withdraw { account, amount: self.amount(), reference: self.note(), hold })
    }

    fn pay_job(&mut self) -> Work {
        let payer = self.account(WORKSPACES);
        let charge = self.charge(payer);
        let executor = self.account(EXECUTORS);
        let user = if self.draw.percent(50) { Some(self.job_user()) } else { None };
        Work::PayJob(PayJob { charge, executor, user })
    }

    fn job_user(&mut self) -> JobUser {
        let account = self.account(USERS);
        let right = if self.draw.percent(50) { Right::ApiKey } else { Right::PaidRole(self.coefficient()) };
        JobUser { account, right, hold: self.hold_use(account) }
    }

    fn pay_call(&mut self) -> Work {
        let payer = self.account(USERS);
        Work::PayCall(PayCall { charge: self.charge(payer), workspace: self.account(WORKSPACES) })
    }

    fn number(&mut self, most: i64) -> Number {
        let units = match self.draw.below(40) {
            0 => -1 - i128::from(self.draw.below(5)),
            1 => 999_999_999_999_000_000_000,
            _ => i128::from(self.draw.between(0, most)) * 1_000 + i128::from(self.draw.below(1_000)),
        };
        Number::from_units(units).unwrap()
    }

    fn pay_storage(&mut self) -> Work {
        Work::PayStorage(PayStorage {
            storage: self.account(STORAGES),
            workspace: self.account(WORKSPACES),
            project: self.project(),
            reference: text("clean-up"),
            price: self.number(50_000),
            megabytes: self.number(1_000_000_000),
            cleaned_at: self.moment(-200_000, 9_000),
            accrued: self.draw.percent(50),
        })
    }

    fn origin(&mut self) -> Origin {
        self.draw.pick([Origin::Explicit, Origin::Implicit])
    }

    fn correct(&mut self) -> Work {
        let transaction = self.earlier_payment();
        let (amount, reference, origin) = (self.amount(), self.note(), self.origin());
        Work::Correct(Correct { transaction, amount, reference, origin, accrued: self.draw.percent(50) })
    }

    fn reverse(&mut self) -> Work {
        let transaction = self.earlier_payment();
        Work::Reverse(Reverse { transaction, reference: self.note(), origin: self.origin() })
    }

    fn hold(&mut self) -> Work {
        Work::Hold(NewHold {
            account: self.account(PAYERS),
            amount: self.amount(),
            expires: if self.draw.percent(60) {
                self.moment(-300, 20_000)
            } else {
                self.moment(10_000, 900_000)
            },
            project: self.draw.percent(50).then(|| self.project()),
            reference: self.note(),
        })
    }

    fn release(&mut self) -> Work {
        match self.earlier_hold(None) {
            Some(hold) => Work::Release(hold),
            None => self.hold(),
        }
    }

    fn coefficient(&mut self) -> Coefficient {
        let units = match self.draw.below(6) {
            0 => 0,
            1 => 1,
            2 => 1_000_000_000,
            3 => 1_250_000_000,
            _ => self.draw.below(4_000_000_000),
        };
        Coefficient::from_units(units).unwrap()
    }

    fn setting(&mut self) -> Work {
        match self.draw.below(10) {
            0..2 => Work::SetCreditLimit { account: self.account(PAYERS), limit: self.amount() },
            2..4 => {
                let account = self.account([3, 4, 5, 6, 7, 8]);
                Work::SetCoefficient { account, coefficient: self.coefficient() }
            }
            _ => {
                let (workspace, project) = (self.account(WORKSPACES), self.project());
                Work::SetAccrued { workspace, project, amount: self.amount() }
            }
        }
    }

    fn open(&mut self) -> Work {
        let kind = AccountKind::ALL[self.draw.index(AccountKind::ALL.len())];
        let owner = if self.draw.percent(50) { Some(self.account(USERS)) } else { None };
        Work::Open(NewAccount {
            id: account_of(u128::from(self.draw.below(40))),
            kind,
            name: text("new"),
            owner,
            currency: self.draw.pick(["RUB", "USD", "EUR"]).parse::<Currency>().unwrap(),
            zone: Some(text(self.draw.pick(["Asia/Tokyo", "Asia/Tokyo", "Mars/Base"]))),
            credit_limit: self.amount(),
            coefficient: self.coefficient(),
        })
    }
}
