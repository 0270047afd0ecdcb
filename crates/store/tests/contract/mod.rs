//! What every store must do, whatever is behind it. A store passes by a [`Harness`] and one line: [`store_contract!`].

use std::collections::BTreeMap;
use std::thread;

use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{Moment, Sequence};
use kopeck_ledger::record::{Body, Record};
use kopeck_ledger::refusal::Refusal;
use kopeck_ledger::statement::lines;
use kopeck_store::{Span, Store, StoreError};

use crate::bank::{
    Bank, SECOND, account, done, hold_id, money, one, ordered_id, posted, random_id, transfer, verified,
};

/// A store under test.
pub trait Harness {
    /// An empty store with the clock of a new bank.
    fn new() -> Self;
    /// Its bank.
    fn bank(&self) -> &Bank;
    /// The store.
    fn store(&self) -> &dyn Store;
    /// Closes it and opens it again.
    fn reopen(&mut self);
    /// A store of a copy that was made of another one.
    fn of_backup(&self) -> Self;
}

fn with_people<H: Harness>(users: u64) -> H {
    let harness = H::new();
    done(harness.store().perform(harness.bank().people(users)));
    harness
}

pub fn replies_stand_in_the_order_of_their_requests<H: Harness>() {
    let harness = with_people::<H>(3);
    let bank = harness.bank();
    let requests = vec![bank.transfer(1, 2, "1"), bank.transfer(2, 9, "1"), bank.transfer(2, 3, "1")];
    let replies = harness.store().perform(requests).unwrap();
    let sequences: Vec<_> =
        replies.iter().map(|reply| reply.as_ref().ok().map(|receipt| receipt.sequence.0)).collect();
    assert_eq!(sequences, [Some(8), None, Some(9)]);
    assert_eq!(replies[1], Err(Refusal::UnknownAccount { account: account(9) }));
    assert_eq!(verified(harness.store()), 9);
}

pub fn a_retry_is_answered_as_the_first_time_also_after_a_restart<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let request = harness.bank().transfer(1, 2, "10");
    let first = one(harness.store().perform(vec![request.clone()]));
    let again = harness.store().perform(vec![request.clone(), request.clone()]).unwrap();
    assert_eq!(again, [first.clone(), first.clone()]);
    harness.reopen();
    harness.bank().pass(5);
    assert_eq!(one(harness.store().perform(vec![request.clone()])), first);
    let other = kopeck_ledger::request::Request { work: transfer(1, 2, money("11")), ..request };
    let reused = Refusal::IdReusedWithOtherContent { id: other.id };
    assert_eq!(one(harness.store().perform(vec![other])), Err(reused));
    assert_eq!(posted(harness.store(), 2), "1010.000000");
}

pub fn a_retry_within_one_batch_posts_once<H: Harness>() {
    let harness = with_people::<H>(2);
    let request = harness.bank().transfer(1, 2, "10");
    let replies = harness.store().perform(vec![request; 5]).unwrap();
    assert!(replies.iter().all(|reply| reply == &replies[0] && reply.is_ok()));
    assert_eq!(posted(harness.store(), 2), "1010.000000");
}

pub fn refused_for_lack_of_money_is_refused_for_ever<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let request = harness.bank().transfer(1, 2, "5000");
    let refused = one(harness.store().perform(vec![request.clone()]));
    assert!(matches!(&refused, Err(Refusal::InsufficientFunds(short)) if short.missing == money("4000")));
    done(harness.store().perform(vec![harness.bank().deposit(1, "9000")]));
    assert_eq!(one(harness.store().perform(vec![request.clone()])), refused);
    harness.reopen();
    assert_eq!(one(harness.store().perform(vec![request])), refused);
    assert_eq!(posted(harness.store(), 2), "1000.000000");
}

pub fn a_chain_is_done_whole_or_not_at_all<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let (store, bank) = (harness.store(), harness.bank());
    let good = vec![bank.transfer(1, 2, "1000"), bank.transfer(2, 1, "2000")];
    let bad = vec![bank.transfer(1, 2, "10"), bank.transfer(2, 1, "3000")];
    assert!(store.perform_chain(good.clone()).unwrap().is_ok());
    assert_eq!((posted(store, 1), posted(store, 2)), ("2000.000000".to_owned(), "0.000000".to_owned()));
    let refused = store.perform_chain(bad.clone()).unwrap();
    assert!(matches!(refused, Err(Refusal::InChain { .. })));
    assert_eq!(posted(store, 1), "2000.000000");
    harness.reopen();
    assert_eq!(harness.store().perform_chain(bad).unwrap(), refused);
    assert!(harness.store().perform_chain(good).unwrap().is_ok());
    verified(harness.store());
}

pub fn the_state_is_the_same_after_a_restart<H: Harness>() {
    let mut harness = with_people::<H>(5);
    let bank = harness.bank().clone();
    let expires = bank.after(60);
    let held = bank.hold(3, "7", expires);
    done(harness.store().perform(vec![bank.transfer(1, 2, "12.345678"), held.clone()]));
    let before = harness.store().accounts(0, 100);
    let head = harness.store().head().unwrap();
    harness.reopen();
    assert_eq!(harness.store().accounts(0, 100), before);
    assert_eq!(harness.store().accounts(2, 2), before[2..4]);
    assert_eq!(harness.store().head().unwrap(), head);
    assert_eq!(harness.store().open_hold(hold_id(&held)).unwrap().left, money("7"));
    assert_eq!(harness.store().next_expiry(), Some(expires));
}

pub fn a_hold_expires_at_its_instant_whoever_looks_first<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let bank = harness.bank().clone();
    let expires = bank.after(10);
    let held = bank.hold(1, "900", expires);
    done(harness.store().perform(vec![held.clone()]));
    let short = bank.transfer(1, 2, "500");
    assert!(one(harness.store().perform(vec![short])).is_err());
    bank.pass(25);
    harness.reopen();
    assert_eq!(harness.store().expire_holds().unwrap().wait(), Ok(Vec::new()));
    assert_eq!(harness.store().open_hold(hold_id(&held)), None);
    let mut expiry = None;
    let mut find = |record: Record| {
        expiry = matches!(record.body, Body::Expired(_)).then_some(record.at).or(expiry);
        Ok(true)
    };
    harness.store().records(Sequence(1), &mut find).unwrap();
    assert_eq!(expiry, Some(expires));
    done(harness.store().perform(vec![bank.transfer(1, 2, "500")]));
    verified(harness.store());
}

pub fn time_never_goes_back<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let bank = harness.bank().clone();
    bank.pass(100);
    let late = done(harness.store().perform(vec![bank.transfer(1, 2, "1")]))[0];
    bank.pass(-50);
    harness.reopen();
    let later = done(harness.store().perform(vec![bank.transfer(1, 2, "1")]))[0];
    assert_eq!(later.at, late.at);
    verified(harness.store());
}

/// A history with more entries than a store could keep at hand, and what the account held after each.
fn long_history<H: Harness>() -> (H, Vec<(Moment, Amount)>) {
    let harness = with_people::<H>(3);
    let bank = harness.bank();
    let mut balances = vec![(bank.now(), money("1000"))];
    for round in 0..200_u64 {
        bank.pass(1);
        let mut requests: Vec<_> = (0..7).map(|_| bank.transfer(1, 2, "0.01")).collect();
        requests.push(bank.transfer(2, 1 + round % 3 / 2 * 2, "0.02"));
        requests.retain(|request| !matches!(&request.work, work if *work == transfer(2, 3, money("0.02")) && round % 2 == 0));
        done(harness.store().perform(requests));
        balances.push((bank.now(), harness.store().account(account(1)).unwrap().posted));
    }
    (harness, balances)
}

pub fn a_history_is_read_backwards_page_by_page<H: Harness>() {
    let (harness, _) = long_history::<H>();
    let store = harness.store();
    let one = store.account(account(1)).unwrap();
    let whole = store.history(account(1), Span::last(usize::MAX)).unwrap().unwrap();
    assert_eq!(whole.next, None);
    assert_eq!(whole.closing, one.posted);
    let entries: Vec<_> = whole.records.iter().flat_map(|record| lines(record, one.opening.number)).collect();
    assert_eq!(entries.len() as u64, one.entries);
    assert!(whole.records.is_sorted_by(|newer, older| newer.sequence > older.sequence));
    let (mut paged, mut span, mut closing) = (Vec::new(), Span::last(100), one.posted);
    loop {
        let page = store.history(account(1), span).unwrap().unwrap();
        assert_eq!(page.closing, closing);
        let moved = page.records.iter().flat_map(|record| lines(record, one.opening.number));
        closing = moved.fold(closing, |sum, line| sum.checked_sub(line.amount).unwrap());
        paged.extend(page.records);
        let Some(next) = page.next else { break };
        span.before = Some(next);
    }
    assert_eq!(paged, whole.records);
    assert_eq!(closing, Amount::ZERO);
}

pub fn a_balance_is_known_as_of_any_instant<H: Harness>() {
    let (mut harness, balances) = long_history::<H>();
    harness.reopen();
    for (at, posted) in &balances {
        assert_eq!(harness.store().balance_at(account(1), *at).unwrap(), Some(*posted), "{at}");
        let just_before_the_next = Moment::from_nanoseconds(at.nanoseconds() + SECOND - 1).unwrap();
        assert_eq!(harness.store().balance_at(account(1), just_before_the_next).unwrap(), Some(*posted));
    }
    let before_all = Moment::from_nanoseconds(balances[0].0.nanoseconds() - 1).unwrap();
    assert_eq!(harness.store().balance_at(account(1), before_all).unwrap(), Some(Amount::ZERO));
    assert_eq!(harness.store().balance_at(account(99), before_all).unwrap(), None);
}

pub fn a_span_has_its_first_instant_and_not_its_last<H: Harness>() {
    let (harness, balances) = long_history::<H>();
    let (from, to) = (balances[60].0, balances[90].0);
    let span = Span { from, to, ..Span::last(usize::MAX) };
    let part = harness.store().history(account(1), span).unwrap().unwrap();
    assert_eq!(part.closing, balances[89].1);
    let instants: std::collections::BTreeSet<_> = part.records.iter().map(|record| record.at).collect();
    assert_eq!(instants, balances[60..90].iter().map(|(at, _)| *at).collect());
}

pub fn a_request_is_found_by_its_id<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let bank = harness.bank().clone();
    let request = bank.transfer(1, 2, "3");
    let receipt = done(harness.store().perform(vec![request.clone()]))[0];
    for _ in 0..2 {
        let record = harness.store().record(request.id).unwrap().unwrap();
        assert_eq!((record.sequence, record.asked.unwrap().id), (receipt.sequence, request.id));
        assert_eq!(harness.store().record(bank.id()).unwrap(), None);
        harness.reopen();
    }
}

pub fn what_was_just_done_is_at_hand_and_no_other_than_in_the_journal<H: Harness>() {
    let mut harness = with_people::<H>(2);
    let transfer = harness.bank().transfer(1, 2, "10");
    let sequence = one(harness.store().perform(vec![transfer])).unwrap().sequence;
    let record = harness.store().recent(sequence).unwrap();
    assert_eq!(record.sequence, sequence);
    harness
        .store()
        .records(sequence, &mut |written| {
            assert_eq!(written, record);
            Ok(false)
        })
        .unwrap();
    assert_eq!(harness.store().recent(sequence.next()), None);
    harness.reopen();
    assert!(harness.store().recent(sequence).is_none_or(|known| known == record));
}

pub fn every_id_is_known_for_ever_ordered_or_not<H: Harness>() {
    const REQUESTS: u64 = 150_000;
    let mut harness = with_people::<H>(2);
    let bank = harness.bank().clone();
    let request = |number: u64| {
        let id = if number.is_multiple_of(3) { random_id(number) } else { ordered_id(1_000_000 + number) };
        kopeck_ledger::request::Request { id, ..bank.transfer(1 + number % 2, 2 - number % 2, "0.000001") }
    };
    let requests: Vec<_> = (0..REQUESTS).map(request).collect();
    let mut first = BTreeMap::new();
    for some in requests.chunks(5_000) {
        let receipts = done(harness.store().perform(some.to_vec()));
        first.extend(some.iter().map(|request| request.id).zip(receipts));
    }
    for _ in 0..2 {
        for some in requests.iter().step_by(97).collect::<Vec<_>>().chunks(1_000) {
            let some: Vec<_> = some.iter().map(|request| (*request).clone()).collect();
            let receipts = done(harness.store().perform(some.clone()));
            assert!(some.iter().zip(receipts).all(|(request, receipt)| first[&request.id] == receipt));
        }
        harness.reopen();
    }
    verified(harness.store());
}

pub fn many_callers_at_once_are_all_answered_and_nothing_is_lost<H: Harness + Sync>() {
    const CALLERS: u64 = 8;
    let harness = with_people::<H>(CALLERS);
    let pay = |caller: u64| {
        for round in 0..50 {
            // Anybody but the caller.
            let to = 1 + (caller + round % (CALLERS - 1)) % CALLERS;
            done(harness.store().perform(vec![harness.bank().transfer(caller, to, "1")]));
        }
    };
    thread::scope(|scope| {
        for caller in 1..=CALLERS {
            let pay = &pay;
            scope.spawn(move || pay(caller));
        }
    });
    let sum: i128 = harness.store().accounts(1, 100).iter().map(|account| account.posted.micros()).sum();
    assert_eq!(sum, 8_000 * 1_000_000);
    assert_eq!(verified(harness.store()), 1 + 2 * CALLERS + 50 * CALLERS);
}

pub fn a_backup_made_under_load_is_a_whole_ledger<H: Harness + Sync>() {
    let harness = with_people::<H>(4);
    let copy = thread::scope(|scope| {
        let load = scope.spawn(|| {
            for _ in 0..40 {
                done(
                    harness.store().perform((0..25).map(|_| harness.bank().transfer(1, 2, "0.01")).collect()),
                );
            }
        });
        let copy = harness.of_backup();
        load.join().unwrap();
        copy
    });
    let records = verified(copy.store());
    assert_eq!((records - 9) % 25, 0, "a batch is in it whole or not at all");
    done(copy.store().perform(vec![copy.bank().deposit(3, "5")]));
    verified(copy.store());
    verified(harness.store());
}

pub fn an_account_is_of_its_kind<H: Harness>() {
    let harness = with_people::<H>(1);
    let kinds: Vec<_> = harness.store().accounts(0, 9).iter().map(|account| account.opening.kind).collect();
    assert_eq!(kinds, [AccountKind::External, AccountKind::User]);
    assert!(harness.store().account(account(7)).is_none());
    assert!(harness.store().history(account(7), Span::last(1)).unwrap().is_none());
}

pub fn too_much_at_once_is_told_and_not_queued<H: Harness>() {
    let harness = with_people::<H>(2);
    let flood =
        |count: usize| (0..count).map(|_| harness.bank().transfer(1, 2, "0.000001")).collect::<Vec<_>>();
    let mut tickets = Vec::new();
    let busy = loop {
        match harness.store().try_submit(flood(20_000)) {
            Ok(ticket) => tickets.push(ticket),
            Err(error) => break error,
        }
        assert!(tickets.len() < 1_000, "a queue without an end");
    };
    assert!(matches!(busy, StoreError::Busy { .. }));
    let taken = tickets.len() as u64 * 20_000;
    tickets.into_iter().for_each(|ticket| drop(done(ticket.wait())));
    assert_eq!(harness.store().head().unwrap().sequence, Sequence(5 + taken));
}

/// Makes a test of each rule, for the store behind `$harness`.
#[macro_export]
macro_rules! store_contract {
    ($harness:ty) => {
        store_contract!($harness:
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
    };
    ($harness:ty: $($rule:ident)*) => {
        $(#[test]
        fn $rule() {
            contract::$rule::<$harness>();
        })*
    };
}
