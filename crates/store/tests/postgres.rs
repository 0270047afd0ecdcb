//! The store in PostgreSQL passes the contract of all stores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bank;
mod contract;
mod postgres_server;

use std::sync::Arc;

use bank::Bank;
use contract::Harness;
use kopeck_store::Store;
use kopeck_store::postgres::{Options, PostgresStore};
use postgres_server::Server;

struct Remote {
    bank: Bank,
    address: String,
    store: Option<PostgresStore>,
    server: Arc<Server>,
}

fn open(bank: &Bank, address: &str) -> PostgresStore {
    PostgresStore::open(address, Options::at(bank.clock())).unwrap()
}

impl Harness for Remote {
    fn new() -> Remote {
        let (bank, server) = (Bank::new(), Server::shared());
        let address = server.database();
        PostgresStore::create(&address).unwrap();
        let store = Some(open(&bank, &address));
        Remote { bank, address, store, server }
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(open(&self.bank, &self.address));
    }

    fn of_backup(&self) -> Remote {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        let mut steps = 0;
        self.store().backup(&copy, &mut |_| steps += 1).unwrap();
        assert!(steps > 0);
        let address = self.server.database();
        let report = PostgresStore::restore(&copy, &address, &mut |_| {}).unwrap();
        assert_eq!(report.problem, None);
        let store = Some(open(&self.bank, &address));
        Remote { bank: self.bank.clone(), address, store, server: Arc::clone(&self.server) }
    }
}

store_contract!(Remote);
