//! The event log in SQLite passes the contract of all event logs, and does what a table would do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod event_bank;
mod event_contract;

use std::collections::HashMap;
use std::fs;

use event_bank::{Bank, group, lines, verified};
use event_contract::Harness;
use kopeck_store::EventLog;
use kopeck_store::events::{Outcome, Position};
use kopeck_store::sqlite::events::{EVENTS_FILE, KEYS_FOLDER, SqliteEvents};
use proptest::prelude::*;
use tempfile::TempDir;

struct Embedded {
    bank: Bank,
    folder: TempDir,
    log: Option<SqliteEvents<u64>>,
}

impl Harness for Embedded {
    fn new() -> Embedded {
        let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
        let log = Some(bank.log_in(folder.path()));
        Embedded { bank, folder, log }
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn log(&self) -> &dyn EventLog<u64> {
        self.log.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.log = None;
        self.log = Some(self.bank.open_in(self.folder.path()));
    }

    fn of_backup(&self) -> Embedded {
        let folder = tempfile::tempdir().unwrap();
        let mut steps = 0;
        self.log().backup(&folder.path().join(EVENTS_FILE), &mut |_| steps += 1).unwrap();
        assert!(steps > 0);
        let log = Some(self.bank.open_in(folder.path()));
        Embedded { bank: self.bank.clone(), folder, log }
    }
}

event_log_contract!(Embedded);

/// What happens to a log.
#[derive(Debug, Clone)]
enum Turn {
    /// These groups are handed over together.
    Append(Vec<Vec<(u64, u64)>>),
    /// It is closed and opened again.
    Reopen,
    /// It is closed, loses its index of keys, and is opened again.
    LoseKeys,
}

fn turn() -> impl Strategy<Value = Turn> {
    let events = proptest::collection::vec((0_u64..400, 0_u64..2), 0..60);
    prop_oneof![
        8 => proptest::collection::vec(events, 1..6).prop_map(Turn::Append),
        2 => Just(Turn::Reopen),
        1 => Just(Turn::LoseKeys),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_log_does_what_a_table_of_keys_would_do(turns in proptest::collection::vec(turn(), 1..25)) {
        let mut harness = Embedded::new();
        harness.bank.table_keys = 7;
        harness.reopen();
        let (mut known, mut log) = (HashMap::new(), Vec::new());
        for turn in turns {
            match turn {
                Turn::Append(groups) => {
                    let submit = |events: &Vec<_>| harness.log().submit(group(0, events)).unwrap();
                    let tickets: Vec<_> = groups.iter().map(submit).collect();
                    for (events, ticket) in groups.iter().zip(tickets) {
                        let expected: Vec<_> = events.iter().map(|(number, content)| {
                            match known.get(number) {
                                Some(before) if before == content => Outcome::Duplicate,
                                Some(_) => Outcome::OtherContent,
                                None => {
                                    known.insert(*number, *content);
                                    log.push(event_bank::line(*number, *content));
                                    Outcome::Accepted(Position(log.len() as u64))
                                }
                            }
                        }).collect();
                        prop_assert_eq!(ticket.wait().unwrap(), expected);
                    }
                }
                Turn::Reopen => harness.reopen(),
                Turn::LoseKeys => {
                    harness.log = None;
                    fs::remove_dir_all(harness.folder.path().join(KEYS_FOLDER)).unwrap();
                    harness.reopen();
                }
            }
            prop_assert_eq!(harness.log().end(), Position(log.len() as u64));
        }
        prop_assert_eq!(verified(harness.log()), log.len() as u64);
        let expected: Vec<_> = (1..).zip(log).collect();
        prop_assert_eq!(lines(harness.log(), 0), expected);
    }
}
