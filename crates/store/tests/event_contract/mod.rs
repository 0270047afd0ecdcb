//! What every event log must do, whatever is behind it. A log passes by a [`Harness`] and one line:
//! [`event_log_contract!`].

use std::sync::Arc;
use std::thread;

use kopeck_ledger::name::Moment;
use kopeck_store::events::{Kept, LoggedEvent, LoggedStep, NewSnapshot, Outcome, Position, Snapshot};
use kopeck_store::{EventLog, StoreError};

use crate::event_bank::{
    Bank, RESOURCES, events, group, hash, line, lines, places_of, positions, resource, step, time, verified,
};

/// A log under test.
pub trait Harness {
    /// An empty log with the clock of a new bank.
    fn new() -> Self;
    /// Its bank.
    fn bank(&self) -> &Bank;
    /// The log.
    fn log(&self) -> &dyn EventLog<u64>;
    /// Closes it and opens it again.
    fn reopen(&mut self);
    /// A log of a copy that was made of it.
    fn of_backup(&self) -> Self;
}

pub fn events_get_consecutive_positions_and_are_read_as_they_arrived<H: Harness>() {
    let mut harness = H::new();
    assert_eq!(harness.log().end(), Position::NONE);
    assert_eq!(positions(&harness.log().append(events(0..3)).unwrap()), [1, 2, 3]);
    assert_eq!(positions(&harness.log().append(events(3..600)).unwrap()), (4..=600).collect::<Vec<_>>());
    let all: Vec<_> = (0..600).map(|number| (number + 1, line(number, number))).collect();
    for _ in 0..2 {
        assert_eq!(harness.log().end(), Position(600));
        assert_eq!(lines(harness.log(), 0), all);
        assert_eq!(lines(harness.log(), 599), all[599..]);
        assert_eq!(lines(harness.log(), 255), all[255..]);
        assert_eq!(lines(harness.log(), 600), []);
        assert_eq!(lines(harness.log(), 9_999), []);
        assert_eq!(verified(harness.log()), 600);
        harness.reopen();
    }
}

pub fn an_event_keeps_its_hashes_its_time_and_when_it_was_received<H: Harness>() {
    let harness = H::new();
    harness.bank().set(60);
    harness.log().append(events(5..6)).unwrap();
    harness.bank().set(30);
    harness.log().append(events(6..7)).unwrap();
    let mut seen = Vec::new();
    let mut take = |event: LoggedEvent<'_>| {
        seen.push((event.key, event.content, event.resource, event.time, event.received.nanoseconds()));
        Ok(true)
    };
    harness.log().read(Position::NONE, &mut take).unwrap();
    // The log's time never goes back.
    let received = time(60);
    let expected = [5, 6].map(|number| (hash(number), number, resource(number), time(number), received));
    assert_eq!(seen, expected);
}

pub fn of_two_events_of_one_key_the_first_wins<H: Harness>() {
    let mut harness = H::new();
    let outcomes = harness.log().append(group(1, &[(1, 10), (1, 10), (1, 11), (2, 20), (1, 10)])).unwrap();
    let (accepted, duplicate) = (|place| Outcome::Accepted(Position(place)), Outcome::Duplicate);
    assert_eq!(outcomes, [accepted(1), duplicate, Outcome::OtherContent, accepted(2), duplicate]);
    for _ in 0..2 {
        let again = harness.log().append(group(2, &[(2, 21), (2, 20), (3, 30)])).unwrap();
        assert_eq!(again[..2], [Outcome::OtherContent, duplicate]);
        harness.reopen();
    }
    assert_eq!(harness.log().end(), Position(3));
    assert_eq!(verified(harness.log()), 3);
}

pub fn groups_that_wait_together_are_judged_in_their_order<H: Harness>() {
    let harness = H::new();
    let tickets: Vec<_> = (0..50)
        .map(|number| harness.log().submit(group(number, &[(7, number), (100 + number, 1)])).unwrap())
        .collect();
    for (number, ticket) in (0..50).zip(tickets) {
        let outcomes = ticket.wait().unwrap();
        let first = if number == 0 { Outcome::Accepted(Position(1)) } else { Outcome::OtherContent };
        assert_eq!(outcomes, [first, Outcome::Accepted(Position(number + 2))]);
    }
    let told = harness.bank().told.lock().unwrap();
    assert!(told.iter().map(|(payload, _)| *payload).eq(0..50), "told in the order of the log");
}

pub fn whoever_settles_is_told_before_the_answer<H: Harness>() {
    let harness = H::new();
    for number in 0..20 {
        let outcomes = harness.log().append(group(number, &[(number / 2, 1)])).unwrap();
        assert_eq!(harness.bank().told.lock().unwrap().last(), Some(&(number, outcomes)));
    }
}

pub fn a_key_is_known_however_many_came_after_it<H: Harness>() {
    let mut harness = H::new();
    for round in 0..2 {
        for first in (0..3_000).step_by(100) {
            let outcomes = harness.log().append(events(first..first + 100)).unwrap();
            let is_new = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_)));
            let is_known = outcomes.iter().all(|outcome| *outcome == Outcome::Duplicate);
            assert!(if round == 0 { is_new } else { is_known }, "round {round}, events from {first}");
        }
        harness.reopen();
    }
    let other: Vec<_> = (0..3_000).map(|number| (number, number + 1)).collect();
    let outcomes = harness.log().append(group(0, &other)).unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::OtherContent));
    assert_eq!(verified(harness.log()), 3_000);
}

pub fn many_callers_at_once_are_all_answered_and_nothing_is_lost<H: Harness + Sync>() {
    let harness = H::new();
    let log = harness.log();
    let mut all: Vec<u64> = thread::scope(|scope| {
        let caller = |thread: u64| {
            move || {
                (0..40)
                    .flat_map(|turn| {
                        let first = thread * 1_000 + turn * 10;
                        positions(&log.append(events(first..first + 10)).unwrap())
                    })
                    .collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(caller(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_unstable();
    assert!(all.into_iter().eq(1..=1_600));
    assert_eq!(verified(log), 1_600);
}

pub fn the_events_of_a_resource_are_found<H: Harness>() {
    let mut harness = H::new();
    for first in (0..2_000).step_by(250) {
        harness.log().append(events(first..first + 250)).unwrap();
    }
    harness.log().append(group(0, &[(9_999_990, 1)])).unwrap();
    harness.reopen();
    for number in 0..RESOURCES {
        for after in [0, 1, 700, 1_999, 2_001] {
            let mut expected: Vec<u64> =
                (0..2_000).filter(|event| event % RESOURCES == number).map(|event| event + 1).collect();
            if number == 9_999_990 % RESOURCES {
                expected.push(2_001);
            }
            expected.retain(|place| *place > after);
            assert_eq!(places_of(harness.log(), number, after), expected);
        }
    }
    let mut taken = 0;
    let take = &mut |_: LoggedEvent<'_>| {
        taken += 1;
        Ok(taken < 3)
    };
    harness.log().of_resource(resource(1), Position::NONE, take).unwrap();
    assert_eq!(taken, 3, "whoever has enough gets no more");
    let nobody = &mut |_: LoggedEvent<'_>| Err(StoreError::Closed);
    assert_eq!(harness.log().of_resource(hash(1), Position::NONE, nobody), Ok(()));
    assert_eq!(harness.log().of_resource(resource(1), Position::NONE, nobody), Err(StoreError::Closed));
}

pub fn whoever_reads_stops_when_there_is_enough_and_may_fail<H: Harness>() {
    let harness = H::new();
    harness.log().append(events(0..1_000)).unwrap();
    let mut taken = 0;
    let take = &mut |_: LoggedEvent<'_>| {
        taken += 1;
        Ok(taken < 300)
    };
    harness.log().read(Position(10), take).unwrap();
    assert_eq!(taken, 300);
    let fails = &mut |_: LoggedEvent<'_>| Err(StoreError::Closed);
    assert_eq!(harness.log().read(Position(10), fails), Err(StoreError::Closed));
}

fn steps<H: Harness>(harness: &H, after: u64) -> Vec<LoggedStep> {
    let mut steps = Vec::new();
    let mut take = |step| {
        steps.push(step);
        Ok(true)
    };
    harness.log().steps_after(after, &mut take).unwrap();
    steps
}

pub fn steps_are_written_in_their_order_and_confirmed<H: Harness>() {
    let mut harness = H::new();
    harness.log().append(events(0..10)).unwrap();
    for number in 1..=3 {
        harness.log().record_step(step(number, number * 3), &[]).unwrap();
    }
    harness.log().confirm_step(2).unwrap();
    for _ in 0..2 {
        let all = steps(&harness, 0);
        let expected = [(1, false), (2, true), (3, false)]
            .map(|(number, is_confirmed)| LoggedStep { step: step(number, number * 3), is_confirmed });
        assert_eq!(all, expected);
        assert_eq!(steps(&harness, 2), expected[2..]);
        assert_eq!(harness.log().unconfirmed().unwrap(), [step(1, 3), step(3, 9)]);
        harness.reopen();
    }
    verified(harness.log());
}

pub fn steps_are_found_by_the_keys_of_what_they_post<H: Harness>() {
    let mut harness = H::new();
    harness.log().append(events(0..10)).unwrap();
    for (number, keys) in [(1, &[7, u64::MAX][..]), (2, &[8]), (3, &[7, 7]), (4, &[])] {
        harness.log().record_step(step(number, number), keys).unwrap();
    }
    for _ in 0..2 {
        let of = |key, most: usize| {
            let mut found = Vec::new();
            let take = &mut |step: LoggedStep| {
                found.push(step.step.number);
                Ok(found.len() < most)
            };
            harness.log().steps_of(key, take).unwrap();
            found
        };
        assert_eq!(
            [of(7, 9), of(u64::MAX, 9), of(8, 9), of(9, 9), of(7, 1)],
            [vec![3, 1], vec![1], vec![2], vec![], vec![3]]
        );
        harness.reopen();
    }
}

pub fn a_step_is_written_once_and_only_after_the_one_before_it<H: Harness>() {
    let harness = H::new();
    harness.log().append(events(0..10)).unwrap();
    let refused = |number, last| Err(StoreError::StepOutOfOrder { number, last });
    assert_eq!(harness.log().record_step(step(2, 1), &[]), refused(2, 0));
    assert_eq!(harness.log().record_step(step(0, 1), &[]), refused(0, 0));
    assert_eq!(harness.log().record_step(step(1, 11), &[]), refused(1, 0), "beyond the end of the log");
    assert_eq!(harness.log().record_step(step(1, 10), &[]), Ok(()));
    assert_eq!(harness.log().record_step(step(1, 10), &[]), Ok(()), "the same again");
    assert_eq!(harness.log().record_step(step(1, 9), &[]), refused(1, 1), "another one");
    assert_eq!(harness.log().confirm_step(2), refused(2, 1));
    assert_eq!(steps(&harness, 0).len(), 1);
}

pub fn what_was_done_last_of_what_is_due_is_kept<H: Harness>() {
    let mut harness = H::new();
    assert_eq!(harness.log().duties().unwrap(), []);
    let at = |second: i64| Moment::from_nanoseconds(second * 1_000_000_000).unwrap();
    for (name, second) in [(2, 50), (1, 10), (1, 30), (1, 20)] {
        harness.log().note_duty([name; 16], at(second)).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(harness.log().duties().unwrap(), [([1; 16], at(30)), ([2; 16], at(50))]);
        harness.reopen();
    }
    assert_eq!(harness.of_backup().log().duties().unwrap().len(), 2);
}

fn kept<H: Harness>(harness: &H, list: u8, which: (&[u8], bool)) -> Vec<(Vec<u8>, bool, Vec<u8>)> {
    let mut found = Vec::new();
    let take = &mut |kept: Kept| {
        assert_eq!(kept.list, list);
        found.push((kept.name, kept.is_open, kept.bytes));
        Ok(true)
    };
    harness.log().kept(list, which, take).unwrap();
    found
}

pub fn what_is_kept_is_found_by_its_list_and_name_as_it_was_kept_last<H: Harness>() {
    let mut harness = H::new();
    let entry = |list, name: &[u8], is_open, bytes: &[u8]| Kept {
        list,
        name: name.to_vec(),
        is_open,
        bytes: bytes.to_vec(),
    };
    harness.log().keep(Vec::new()).unwrap();
    let first = vec![entry(1, b"b", true, b"sent"), entry(1, b"a", true, b"new"), entry(2, b"a", false, b"")];
    harness.log().keep(first).unwrap();
    harness.log().keep(vec![entry(1, b"b", true, b"sent twice"), entry(1, b"b", false, b"obeyed")]).unwrap();
    for _ in 0..2 {
        let all = [(b"a".to_vec(), true, b"new".to_vec()), (b"b".to_vec(), false, b"obeyed".to_vec())];
        assert_eq!(kept(&harness, 1, (b"", false)), all);
        assert_eq!(kept(&harness, 1, (b"a", false)), all[1..]);
        assert_eq!(kept(&harness, 1, (b"", true)), all[..1]);
        assert_eq!(kept(&harness, 2, (b"", false)), [(b"a".to_vec(), false, Vec::new())]);
        assert_eq!(kept(&harness, 3, (b"", false)), []);
        harness.reopen();
    }
    let many: Vec<Kept> =
        (0..1_000_u32).map(|name| entry(4, &name.to_be_bytes(), name % 2 == 0, b"x")).collect();
    harness.log().keep(many).unwrap();
    let names = |which| kept(&harness, 4, which).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
    assert_eq!((names((b"", false)).len(), names((b"", true)).len()), (1_000, 500));
    assert!(names((b"", true)).is_sorted());
    assert_eq!(kept(&harness.of_backup(), 4, (b"", false)).len(), 1_000);
}

fn save<H: Harness>(harness: &H, through: u64, parts: &[&[u8]]) {
    let mut parts = parts.iter().map(|part| part.to_vec());
    let snapshot = NewSnapshot { through: Position(through), step: 0, parts: &mut parts };
    harness.log().save_snapshot(snapshot).unwrap();
}

/// The newest snapshot and its parts.
pub fn newest<P>(log: &dyn EventLog<P>) -> (Snapshot, Vec<Vec<u8>>) {
    let snapshot = log.snapshot().unwrap().unwrap();
    let parts = (0..snapshot.parts).map(|part| log.snapshot_part(&snapshot, part).unwrap()).collect();
    assert!(matches!(log.snapshot_part(&snapshot, snapshot.parts), Err(StoreError::Corrupt(_))));
    (snapshot, parts)
}

pub fn the_newest_whole_snapshot_is_taken<H: Harness>() {
    let mut harness = H::new();
    harness.log().append(events(0..10)).unwrap();
    assert_eq!(harness.log().snapshot().unwrap(), None);
    let large = vec![7; 300_000];
    for (through, parts) in [(1, vec![]), (3, vec![&b"one"[..]]), (9, vec![b"one", b"", &large])] {
        save(&harness, through, &parts);
        for _ in 0..2 {
            let (snapshot, read) = newest(harness.log());
            assert_eq!((snapshot.through, snapshot.step), (Position(through), 0));
            assert_eq!(read, parts);
            harness.reopen();
        }
    }
    verified(harness.log());
}

pub fn events_are_appended_while_a_snapshot_is_written<H: Harness>() {
    let harness = H::new();
    let mut first = 0;
    let mut parts = (0..20_u8).map(|part| {
        first += 10;
        assert_eq!(positions(&harness.log().append(events(first - 10..first)).unwrap()).len(), 10);
        vec![part; 1_000]
    });
    let snapshot = NewSnapshot { through: Position::NONE, step: 0, parts: &mut parts };
    harness.log().save_snapshot(snapshot).unwrap();
    assert_eq!(harness.log().end(), Position(200));
    assert_eq!(newest(harness.log()).1.len(), 20);
}

pub fn keys_of_old_events_may_be_forgotten_and_no_others<H: Harness>() {
    let mut harness = H::new();
    for first in (0..3_000).step_by(100) {
        harness.log().append(events(first..first + 100)).unwrap();
    }
    harness.log().forget_keys(time(2_000)).unwrap();
    for _ in 0..2 {
        let recent = harness.log().append(events(2_000..3_000)).unwrap();
        assert!(recent.iter().all(|outcome| *outcome == Outcome::Duplicate));
        verified(harness.log());
        harness.reopen();
    }
    assert_eq!(lines(harness.log(), 0).len(), 3_000, "the events stay");
}

pub fn a_backup_made_under_load_is_a_whole_log<H: Harness>() {
    let harness = H::new();
    harness.log().append(events(0..2_000)).unwrap();
    harness.log().record_step(step(1, 1_500), &[]).unwrap();
    save(&harness, 700, &[b"state"]);
    let tickets: Vec<_> =
        (20..60).map(|turn| harness.log().submit(events(turn * 100..turn * 100 + 100)).unwrap()).collect();
    let copy = harness.of_backup();
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    let held = verified(copy.log());
    assert!((2_000..=6_000).contains(&held) && held.is_multiple_of(100), "{held}");
    assert_eq!(lines(copy.log(), 0), lines(harness.log(), 0)[..usize::try_from(held).unwrap()]);
    assert_eq!(copy.log().unconfirmed().unwrap(), [step(1, 1_500)]);
    assert_eq!(newest(copy.log()).1, [b"state"]);
    let again = copy.log().append(events(0..held)).unwrap();
    assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate), "the keys are known in the copy");
}

pub fn too_much_at_once_is_told_and_not_queued<H: Harness + Sync>() {
    let harness = H::new();
    let line: Arc<[u8]> = vec![b'x'; 15 << 20].into();
    let large = |number: u64| {
        let mut group = events(number..number + 1);
        group.bytes = bytes::Bytes::from_owner(Arc::clone(&line));
        group.arrivals[0].line = 0..line.len();
        group
    };
    let mut tickets = Vec::new();
    let busy = (0..1_000).find_map(|number| match harness.log().submit(large(number)) {
        Ok(ticket) => {
            tickets.push(ticket);
            None
        }
        Err(error) => Some(error),
    });
    assert!(matches!(busy, Some(StoreError::Busy { waiting }) if waiting > 0), "{busy:?}");
    let taken = tickets.len() as u64;
    tickets.into_iter().for_each(|ticket| assert!(ticket.wait().is_ok()));
    assert_eq!(harness.log().end(), Position(taken));
}

pub fn a_line_outside_its_group_is_refused_and_nothing_is_taken<H: Harness>() {
    let harness = H::new();
    let mut bad = events(0..3);
    bad.arrivals[1].line = 5..bad.bytes.len() + 1;
    assert_eq!(harness.log().append(bad), Err(StoreError::NoSuchLine { arrival: 1 }));
    assert_eq!(harness.log().end(), Position::NONE);
    assert_eq!(harness.log().append(group(1, &[])), Ok(Vec::new()), "a group may be empty");
}

/// Makes a test of each rule.
#[macro_export]
macro_rules! event_log_contract {
    ($harness:ty) => {
        event_log_contract!($harness:
            events_get_consecutive_positions_and_are_read_as_they_arrived
            an_event_keeps_its_hashes_its_time_and_when_it_was_received
            of_two_events_of_one_key_the_first_wins
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
            what_is_kept_is_found_by_its_list_and_name_as_it_was_kept_last
            the_newest_whole_snapshot_is_taken
            events_are_appended_while_a_snapshot_is_written
            keys_of_old_events_may_be_forgotten_and_no_others
            a_backup_made_under_load_is_a_whole_log
            too_much_at_once_is_told_and_not_queued
            a_line_outside_its_group_is_refused_and_nothing_is_taken
        );
    };
    ($harness:ty: $($rule:ident)*) => {
        $(#[test]
        fn $rule() {
            event_contract::$rule::<$harness>();
        })*
    };
}
