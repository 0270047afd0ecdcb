//! What decisions read and records write: the ledger itself, or a draft of it while a chain is being decided.

use std::collections::BTreeMap;

use crate::account::{Account, AccountKind};
use crate::amount::Amount;
use crate::ledger::{Corrected, Head, Ledger, OpenHold};
use crate::name::{AccountId, AccountNumber, Currency, HoldId, Text, TransactionId};
use crate::storage::Charged;

/// What decisions read.
pub(crate) trait Books {
    fn account(&self, number: AccountNumber) -> Option<&Account>;
    fn number(&self, id: AccountId) -> Option<AccountNumber>;
    fn single(&self, kind: AccountKind, currency: Currency) -> Option<AccountNumber>;
    fn count(&self) -> usize;
    fn hold(&self, id: HoldId) -> Option<OpenHold>;
    fn accrued(&self, key: &(AccountNumber, Text)) -> Amount;
    fn charged(&self, key: &(AccountNumber, Text)) -> Option<&Charged>;
    fn corrected(&self, id: TransactionId) -> Option<Corrected>;
    fn head(&self) -> Head;
}

/// What records write.
pub(crate) trait BooksMut: Books {
    fn account_mut(&mut self, number: AccountNumber) -> Option<&mut Account>;
    /// The next account.
    fn open(&mut self, account: Account);
    /// What is left of a hold, or that it is resolved.
    fn set_hold(&mut self, id: HoldId, hold: Option<OpenHold>);
    fn set_accrued(&mut self, key: (AccountNumber, Text), amount: Amount);
    fn set_charged(&mut self, key: (AccountNumber, Text), charged: Charged);
    fn set_corrected(&mut self, id: TransactionId, corrected: Corrected);
    fn set_head(&mut self, head: Head);
}

/// A ledger with changes that are not made yet.
pub(crate) struct Draft<'a> {
    below: &'a Ledger,
    accounts: BTreeMap<AccountNumber, Account>,
    numbers: BTreeMap<AccountId, AccountNumber>,
    singles: BTreeMap<(AccountKind, Currency), AccountNumber>,
    holds: BTreeMap<HoldId, Option<OpenHold>>,
    accrued: BTreeMap<(AccountNumber, Text), Amount>,
    charged: BTreeMap<(AccountNumber, Text), Charged>,
    corrected: BTreeMap<TransactionId, Corrected>,
    head: Head,
}

impl Draft<'_> {
    /// No changes yet.
    pub(crate) fn of(below: &Ledger) -> Draft<'_> {
        Draft {
            below,
            accounts: BTreeMap::new(),
            numbers: BTreeMap::new(),
            singles: BTreeMap::new(),
            holds: BTreeMap::new(),
            accrued: BTreeMap::new(),
            charged: BTreeMap::new(),
            corrected: BTreeMap::new(),
            head: below.head(),
        }
    }
}

impl Books for Draft<'_> {
    fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(&number).or_else(|| self.below.account(number))
    }

    fn number(&self, id: AccountId) -> Option<AccountNumber> {
        self.numbers.get(&id).copied().or_else(|| self.below.number(id))
    }

    fn single(&self, kind: AccountKind, currency: Currency) -> Option<AccountNumber> {
        let own = self.singles.get(&(kind, currency)).copied();
        own.or_else(|| Books::single(self.below, kind, currency))
    }

    fn count(&self) -> usize {
        self.below.count() + self.numbers.len()
    }

    fn hold(&self, id: HoldId) -> Option<OpenHold> {
        self.holds.get(&id).copied().unwrap_or_else(|| self.below.hold(id))
    }

    fn accrued(&self, key: &(AccountNumber, Text)) -> Amount {
        self.accrued.get(key).copied().unwrap_or_else(|| Books::accrued(self.below, key))
    }

    fn charged(&self, key: &(AccountNumber, Text)) -> Option<&Charged> {
        self.charged.get(key).or_else(|| self.below.charged(key))
    }

    fn corrected(&self, id: TransactionId) -> Option<Corrected> {
        self.corrected.get(&id).copied().or_else(|| self.below.corrected(id))
    }

    fn head(&self) -> Head {
        self.head
    }
}

impl BooksMut for Draft<'_> {
    fn account_mut(&mut self, number: AccountNumber) -> Option<&mut Account> {
        if !self.accounts.contains_key(&number) {
            let account = self.below.account(number)?.clone();
            self.accounts.insert(number, account);
        }
        self.accounts.get_mut(&number)
    }

    fn open(&mut self, account: Account) {
        let opening = &account.opening;
        self.numbers.insert(opening.id, opening.number);
        if opening.kind.is_single() {
            self.singles.insert((opening.kind, opening.currency), opening.number);
        }
        self.accounts.insert(opening.number, account);
    }

    fn set_hold(&mut self, id: HoldId, hold: Option<OpenHold>) {
        self.holds.insert(id, hold);
    }

    fn set_accrued(&mut self, key: (AccountNumber, Text), amount: Amount) {
        self.accrued.insert(key, amount);
    }

    fn set_charged(&mut self, key: (AccountNumber, Text), charged: Charged) {
        self.charged.insert(key, charged);
    }

    fn set_corrected(&mut self, id: TransactionId, corrected: Corrected) {
        self.corrected.insert(id, corrected);
    }

    fn set_head(&mut self, head: Head) {
        self.head = head;
    }
}
