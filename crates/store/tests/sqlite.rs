//! The embedded store passes the contract of all stores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;
mod contract;

use bank::Bank;
use contract::Harness;
use kopeck_store::Store;
use kopeck_store::sqlite::{self, SqliteStore};
use tempfile::TempDir;

struct Embedded {
    bank: Bank,
    folder: TempDir,
    store: Option<SqliteStore>,
}

impl Harness for Embedded {
    fn new() -> Embedded {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        SqliteStore::create(folder.path()).unwrap();
        let store = Some(bank.open_in(folder.path()));
        Embedded { bank, folder, store }
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(self.bank.open_in(self.folder.path()));
    }

    fn of_backup(&self) -> Embedded {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        let mut steps = 0;
        self.store().backup(&copy, &mut |_| steps += 1).unwrap();
        assert!(steps > 0);
        let report = sqlite::restore(&copy, &folder.path().join("restored"), false, &mut |_| {}).unwrap();
        assert_eq!(report.problem, None);
        let store = Some(self.bank.open_in(&folder.path().join("restored")));
        Embedded { bank: self.bank.clone(), folder, store }
    }
}

store_contract!(Embedded);
