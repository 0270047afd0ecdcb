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

event_log_contract!(Embedded:
    events_get_consecutive_positions_and_are_read_as_they_arrived
    an_event_keeps_its_hashes_its_time_and_when_it_was_received
    of_two_events_of_one_key_the_first_wins
    what_is_kept_is_found_by_its_list_and_name_as_it_was_kept_last
    groups_that_wait_together_are_judged_in_their_order
    whoever_settles_is_told_before_the_answer
    a_key_is_known_however_many_came_after_it
    many_callers_at_once_are_all_answered_and_nothing_is_lost
    the_events_of_a_resource_are_found
    whoever_reads_stops_when_there_is_enough_and_may_fail
    steps_are_written_in_their_order_and_confirmed
    steps_are_found_by_the_keys_of_what_they_post
    a_step_is_written_once_and_only_after_the_one_before_it
    what_was_done_last_of_what_is_due_is_kept
    the_newest_whole_snapshot_is_taken
    events_are_appended_while_a_snapshot_is_written
    keys_of_old_events_may_be_forgotten_and_no_others
    a_backup_made_under_load_is_a_whole_log
    too_much_at_once_is_told_and_not_queued
    a_line_outside_its_group_is_refused_and_nothing_is_taken
);

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
