//! Where a ledger is, and what it answers wherever it is: the API's documents.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use kopeck_api::account::{AccountDocument, NewAccount, NewCoefficient, NewCreditLimit, PastBalance};
use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold};
use kopeck_api::statement::{GroupWord, StatementDocument};
use kopeck_api::transaction::{NewTransaction, TransactionDocument};
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::name::Moment;
use uuid::Uuid;

use super::local::Local;
use super::remote::Remote;
use crate::args::{LedgerArg, Period, Sending};
use crate::failure::Failure;
use crate::remote::{Server, URL};

/// The environment's name of the ledger's folder.
const STORE: &str = "KOPECK_STORE";
/// The folder where none is named.
const DEFAULT_STORE: &str = "kopeck-data";

/// Where a ledger is.
pub enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// At a server.
    Server(Server),
}

impl Place {
    /// The place that options name, or else the environment.
    pub fn of(args: &LedgerArg) -> Result<Place, Failure> {
        if let Some(folder) = &args.store {
            return Ok(Place::Folder(folder.clone()));
        }
        let (url, store) = (given(URL), given(STORE));
        if args.server.url.is_none() {
            match (url, store) {
                (Some(_), Some(_)) => {
                    return Err(Failure::input(
                        format!("{URL} names a server and {STORE} a folder"),
                        None,
                        "say which is meant with --url or --store, or unset one of them",
                    ));
                }
                (None, store) => return Ok(Place::Folder(store.map_or(DEFAULT_STORE.into(), PathBuf::from))),
                (Some(_), None) => {}
            }
        }
        Server::open(&args.server).map(Place::Server)
    }
}

fn given(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Opens the ledger to look at it as it is now.
pub fn look(args: &LedgerArg) -> Result<Box<dyn Books>, Failure> {
    match Place::of(args)? {
        Place::Folder(folder) => Ok(Box::new(Local::look(&folder)?)),
        Place::Server(server) => Ok(Box::new(Remote::new(server))),
    }
}

/// Opens the ledger to ask it for something.
pub fn write(args: &LedgerArg, sending: &Sending) -> Result<Box<dyn Books>, Failure> {
    match Place::of(args)? {
        Place::Folder(folder) => Ok(Box::new(Local::write(&folder, sending)?)),
        Place::Server(server) => Ok(Box::new(Remote::to_write(server, sending)?)),
    }
}

/// Which accounts are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    /// Those of a kind.
    pub kind: Option<AccountKind>,
    /// Those that people call so.
    pub name: Option<&'a str>,
}

/// What changes of an account.
pub enum Change {
    /// How far below zero it may go.
    CreditLimit(NewCreditLimit),
    /// The plan's cost coefficient.
    Coefficient(NewCoefficient),
}

/// A ledger, in a folder or at a server. What is asked under an id is done once, however often it is asked.
pub trait Books {
    /// An account, with what each project has accrued.
    fn account(&self, id: Uuid) -> Result<Option<AccountDocument>, Failure>;
    /// Accounts, in the order in which they were opened.
    fn accounts(&self, which: Which<'_>) -> Result<Vec<AccountDocument>, Failure>;
    /// What an account had at an instant.
    fn balance_at(&self, account: Uuid, at: Moment) -> Result<PastBalance, Failure>;
    /// What happened on an account; where lines are not grouped, all of them.
    fn statement(
        &self,
        account: Uuid,
        period: &Period,
        group: GroupWord,
    ) -> Result<StatementDocument, Failure>;
    /// A transaction.
    fn transaction(&self, id: Uuid) -> Result<Option<TransactionDocument>, Failure>;
    /// A hold and what became of it.
    fn hold(&self, id: Uuid) -> Result<Option<HoldDocument>, Failure>;
    /// Opens the account of an id.
    fn open(&self, id: Uuid, new: NewAccount) -> Result<AccountDocument, Failure>;
    /// Changes an account.
    fn change(&self, id: Uuid, account: Uuid, change: Change) -> Result<AccountDocument, Failure>;
    /// Moves money.
    fn post(&self, id: Uuid, new: NewTransaction) -> Result<TransactionDocument, Failure>;
    /// Sets money aside; the hold has the id.
    fn set_aside(&self, id: Uuid, new: NewHold) -> Result<HoldDocument, Failure>;
    /// Pays from a hold.
    fn pay(&self, id: Uuid, hold: Uuid, payment: HoldPayment) -> Result<TransactionDocument, Failure>;
    /// Gives back what is left of a hold.
    fn release(&self, id: Uuid, hold: Uuid) -> Result<HoldDocument, Failure>;
    /// Writes the journal as hledger reads it.
    fn export(&self, to: &mut dyn Write) -> Result<(), Failure>;

    /// The account that a text names: by its id, or by its name where only one has it.
    fn find(&self, named: &str) -> Result<AccountDocument, Failure> {
        let remedy = "`kopeck account list` shows all accounts";
        if let Ok(id) = named.parse::<Uuid>() {
            let missing = || Failure::input(format!("there is no account {id}"), None, remedy);
            return self.account(id)?.ok_or_else(missing);
        }
        let mut found = self.accounts(Which { name: Some(named), ..Which::default() })?;
        if found.len() > 1 {
            let ids: Vec<String> = found.iter().map(|account| account.id.to_string()).collect();
            let reason = format!("{} accounts are called {named}: {}", found.len(), ids.join(", "));
            return Err(Failure::input(reason, None, "name the account by its id"));
        }
        found.pop().ok_or_else(|| Failure::input(format!("no account is called {named}"), None, remedy))
    }

    /// The name of an account that stands in a document; its id where that can not be told: what is printed was done.
    fn name_of(&self, account: Uuid) -> String {
        let found = self.account(account).ok().flatten();
        found.map_or_else(|| account.to_string(), |account| account.name.to_string())
    }
}
