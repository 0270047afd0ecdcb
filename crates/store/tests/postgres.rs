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
    PostgresStore::open(address, Options::at(bank.clock(), "a test")).unwrap()
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

store_contract!(Remote:
    replies_stand_in_the_order_of_their_requests
    a_retry_is_answered_as_the_first_time_also_after_a_restart
    a_retry_within_one_batch_posts_once
    refused_for_lack_of_money_is_refused_for_ever
    a_chain_is_done_whole_or_not_at_all
    the_state_is_the_same_after_a_restart
    a_hold_expires_at_its_instant_whoever_looks_first
    time_never_goes_back
    a_history_is_read_backwards_page_by_page
    a_balance_is_known_as_of_any_instant
    a_span_has_its_first_instant_and_not_its_last
    a_request_is_found_by_its_id
    what_was_just_done_is_at_hand_and_no_other_than_in_the_journal
    every_id_is_known_for_ever_ordered_or_not
    many_callers_at_once_are_all_answered_and_nothing_is_lost
    a_backup_made_under_load_is_a_whole_ledger
    an_account_is_of_its_kind
    too_much_at_once_is_told_and_not_queued
);
