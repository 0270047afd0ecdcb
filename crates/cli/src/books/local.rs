//! A ledger in a folder: its store, asked with the words that a server's routes use.

use std::io::Write;
use std::path::Path;

use kopeck_api::account::{AccountDocument, NewAccount, PastBalance};
use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold};
use kopeck_api::statement::{GroupWord, StatementDocument};
use kopeck_api::transaction::{NewTransaction, TransactionDocument};
use kopeck_ledger::account::Account;
use kopeck_ledger::name::{AccountId, HoldId, Moment, Text, TransactionId};
use kopeck_ledger::record::{Hold, Receipt, Record};
use kopeck_ledger::request::{Request, Work};
use kopeck_server::app::work;
use kopeck_server::documents::statement::Made;
use kopeck_server::documents::{account, hledger, hold, period, transaction};
use kopeck_store::sqlite::{Options, SqliteStore};
use kopeck_store::{Store, StoreError};
use uuid::Uuid;

use super::open::{actor, although_done, clock, failed, not_answered, unasked, unmade};
use super::place::{Books, Change, Which};
use super::refused;
use crate::args::{Period, Sending};
use crate::failure::Failure;

/// Accounts that are looked through at a time.
const PAGE: usize = 4_096;

/// An open ledger.
pub struct Local {
    /// Its store.
    pub store: SqliteStore,
    /// Who asks, where something is asked.
    actor: Option<Text>,
}

impl Local {
    /// Opens the ledger at an instant, or now.
    pub fn open(folder: &Path, at: Option<Moment>) -> Result<Local, Failure> {
        let store = SqliteStore::open(folder, Options::at(clock(at)?)).map_err(|error| failed(&error))?;
        Ok(Local { store, actor: None })
    }

    /// Opens the ledger to look at it as it is now: holds that have expired are gone.
    pub fn look(folder: &Path) -> Result<Local, Failure> {
        let books = Local::open(folder, None)?;
        let expired = books.store.expire_holds().and_then(kopeck_store::Ticket::wait);
        expired.map_err(|error| failed(&error))?;
        Ok(books)
    }

    /// Opens the ledger to ask it for something.
    pub fn write(folder: &Path, sending: &Sending) -> Result<Local, Failure> {
        let books = Local::open(folder, sending.at)?;
        Ok(Local { actor: Some(actor(sending)?), ..books })
    }

    /// All accounts, in the order in which they were opened.
    pub fn all(&self) -> impl Iterator<Item = Account> {
        let pages = (0..).step_by(PAGE).map(|skip| self.store.accounts(skip, PAGE));
        pages.take_while(|page| !page.is_empty()).flatten()
    }

    /// Asks for something, and waits until it is durable.
    fn ask(&self, id: Uuid, work: Work) -> Result<Receipt, Failure> {
        let id = TransactionId(id);
        let request = Request { id, actor: self.actor.clone(), work };
        let replies = self.store.perform(vec![request]).map_err(|error| not_answered(&error, id))?;
        match replies.into_iter().next() {
            Some(Ok(receipt)) => Ok(receipt),
            Some(Err(refusal)) => Err(refused::failure(&refusal, &self.store)),
            None => Err(failed(&StoreError::Closed)),
        }
    }

    fn existing(&self, id: Uuid) -> Result<Account, Failure> {
        self.store.account(AccountId(id)).ok_or_else(|| unread(&format!("account {id}")))
    }

    /// An account after something was done with it.
    fn account_after(&self, receipt: Receipt, id: Uuid) -> Result<AccountDocument, Failure> {
        let found = self.account(id).and_then(|found| found.ok_or_else(|| unread(&format!("account {id}"))));
        although_done(receipt, found)
    }

    /// What was moved under an id.
    fn moved(&self, receipt: Receipt, id: Uuid) -> Result<TransactionDocument, Failure> {
        let missing = || unread(&format!("what {id} has moved"));
        although_done(receipt, self.transaction(id).and_then(|found| found.ok_or_else(missing)))
    }

    fn hold_after(&self, receipt: Receipt, id: Uuid) -> Result<HoldDocument, Failure> {
        let found = self.hold(id).and_then(|found| found.ok_or_else(|| unread(&format!("hold {id}"))));
        although_done(receipt, found)
    }

    /// The record that made a hold.
    fn made(&self, id: Uuid) -> Result<Option<(Record, Hold)>, Failure> {
        hold::made(HoldId(TransactionId(id)), &self.store).map_err(|error| failed(&error))
    }
}

impl Books for Local {
    fn account(&self, id: Uuid) -> Result<Option<AccountDocument>, Failure> {
        let found = self.store.account(AccountId(id));
        let document = |found| account::whole(&found, &self.store).map_err(|error| unmade(&error));
        found.map(document).transpose()
    }

    fn accounts(&self, which: Which<'_>) -> Result<Vec<AccountDocument>, Failure> {
        let is_meant = |found: &Account| {
            which.kind.is_none_or(|kind| found.opening.kind == kind)
                && which.name.is_none_or(|name| found.opening.name.as_str() == name)
        };
        let document = |found| account::listed(&found, &self.store).map_err(|error| unmade(&error));
        self.all().filter(is_meant).map(document).collect()
    }

    fn balance_at(&self, id: Uuid, at: Moment) -> Result<PastBalance, Failure> {
        let account = self.existing(id)?;
        let posted = self.store.balance_at(account.opening.id, at).map_err(|error| failed(&error))?;
        Ok(PastBalance::of(&account, at, posted.ok_or_else(|| unread("its balance"))?))
    }

    fn statement(
        &self,
        account: Uuid,
        period: &Period,
        group: GroupWord,
    ) -> Result<StatementDocument, Failure> {
        let days = period::Period { from: period.from, to: period.to };
        let made = Made::of(self.existing(account)?, days, group.into(), usize::MAX, &self.store);
        Ok(made.map_err(|error| unmade(&error))?.document())
    }

    fn transaction(&self, id: Uuid) -> Result<Option<TransactionDocument>, Failure> {
        let record = self.store.record(TransactionId(id)).map_err(|error| failed(&error))?;
        let document = |record| transaction::of_record(record, &self.store).map_err(|error| unmade(&error));
        Ok(record.as_ref().map(document).transpose()?.flatten())
    }

    fn hold(&self, id: Uuid) -> Result<Option<HoldDocument>, Failure> {
        let Some((record, made)) = self.made(id)? else { return Ok(None) };
        let document = hold::document(&record, &made, &self.store);
        document.map(|(document, _)| Some(document)).map_err(|error| unmade(&error))
    }

    fn open(&self, id: Uuid, new: NewAccount) -> Result<AccountDocument, Failure> {
        let receipt = self.ask(id, work::of_account(id, new))?;
        self.account_after(receipt, id)
    }

    fn change(&self, id: Uuid, account: Uuid, change: Change) -> Result<AccountDocument, Failure> {
        let of = AccountId(account);
        let work = match change {
            Change::CreditLimit(new) => Work::SetCreditLimit { account: of, limit: new.amount.0 },
            Change::Coefficient(new) => Work::SetCoefficient { account: of, coefficient: new.coefficient.0 },
        };
        let receipt = self.ask(id, work)?;
        self.account_after(receipt, account)
    }

    fn post(&self, id: Uuid, new: NewTransaction) -> Result<TransactionDocument, Failure> {
        let work = work::of_transaction(new, &self.store).map_err(|error| unasked(&error))?;
        let receipt = self.ask(id, work)?;
        self.moved(receipt, id)
    }

    fn set_aside(&self, id: Uuid, new: NewHold) -> Result<HoldDocument, Failure> {
        let work = work::of_hold(new, &self.store).map_err(|error| unasked(&error))?;
        let receipt = self.ask(id, work)?;
        self.hold_after(receipt, id)
    }

    fn pay(&self, id: Uuid, hold: Uuid, payment: HoldPayment) -> Result<TransactionDocument, Failure> {
        let (_, made) = self.made(hold)?.ok_or_else(|| unread(&format!("hold {hold}")))?;
        let work = work::of_payment(&made, id, payment, &self.store).map_err(|error| unasked(&error))?;
        let receipt = self.ask(id, work)?;
        self.moved(receipt, id)
    }

    fn release(&self, id: Uuid, hold: Uuid) -> Result<HoldDocument, Failure> {
        let receipt = self.ask(id, Work::Release(HoldId(TransactionId(hold))))?;
        self.hold_after(receipt, hold)
    }

    fn export(&self, to: &mut dyn Write) -> Result<(), Failure> {
        hledger::write(&self.store, to).map_err(|error| unmade(&error))
    }
}

/// Something that is not where it must be.
fn unread(what: &str) -> Failure {
    failed(&StoreError::Corrupt(format!("{what} can not be read")))
}
