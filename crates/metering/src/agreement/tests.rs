//! Ledgers and logs that agree, and that do not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{AccountId, AccountNumber, Moment, Sequence, Text};
use kopeck_ledger::record::{Asked, Body};
use kopeck_settlement::meter_id::MeterId;
use kopeck_settlement::posting::{Posting, PostingKey, What};
use kopeck_settlement::step::Step;
use kopeck_store::events::{Position, StepRow};
use uuid::Uuid;

use super::*;

/// A posting of a step: its number, its place and its amount.
fn posting(step: u64, index: u32, amount: u64) -> Posting {
    let key = PostingKey { meter: MeterId(1), project: 0, part: 0, month: 0 };
    let what = What::Service { payer: AccountId(Uuid::from_u128(1)), amount: Amount::from(amount) };
    let id = transaction_id(0, PostingName { step, index });
    Posting { id, key, project: Text::new("p").unwrap(), reference: Text::new("r").unwrap(), what }
}

/// Steps by the amounts of their postings, each with the places that the ledger refused of the one before it.
fn steps(all: &[(&[u64], &[usize])]) -> Vec<LoggedStep> {
    let step = |(number, (amounts, refused)): (u64, &(&[u64], &[usize]))| {
        let places = (0..).zip(amounts.iter());
        let postings = places.map(|(index, amount)| posting(number, index, *amount)).collect();
        let heading = format!("{{\"whole\":true,\"since\":\"2026-09-01\",\"refused_before\":{refused:?}}}\n");
        let step = Step { number, at: Moment::FIRST, whole: true, postings };
        let postings = [heading.into_bytes(), step.encode()].concat();
        let step = StepRow { number, through: Position::NONE, at: Moment::FIRST, postings };
        LoggedStep { step, is_confirmed: true }
    };
    (1..).zip(all).map(step).collect()
}

/// What is found where the ledger has those postings of those steps, by number, place and amount.
fn found(ledger: &[(u64, u32, u64)], steps: &[LoggedStep], confirmed: u64) -> Agreement {
    let record = |(sequence, (step, index, amount)): (u64, &(u64, u32, u64))| {
        let request = posting(*step, *index, *amount).request();
        let asked = Asked { id: request.id, content: request.content() };
        let body = Body::CreditLimitSet { account: AccountNumber(1), limit: Amount::ZERO };
        let (sequence, at) = (Sequence(sequence), Moment::FIRST);
        Record { sequence, at, linked: false, asked: Some(asked), body }
    };
    let records: Vec<Record> = (1..).zip(ledger).map(record).collect();
    let read_records =
        |take: Take<'_, Record>| records.iter().cloned().try_for_each(|record| take(record).map(drop));
    let read_steps = |after: u64, take: Take<'_, LoggedStep>| {
        for step in steps.iter().filter(|logged| logged.step.number > after) {
            if !take(step.clone())? {
                break;
            }
        }
        Ok(())
    };
    compare(&Compared { shard: ShardNumber::ONLY, confirmed, records: &read_records, steps: &read_steps })
        .unwrap()
}

fn problem(ledger: &[(u64, u32, u64)], steps: &[LoggedStep], confirmed: u64) -> String {
    found(ledger, steps, confirmed).problem.unwrap()
}

#[test]
fn what_was_decided_and_posted_agrees() {
    let steps = steps(&[(&[10, 20], &[]), (&[30], &[]), (&[40], &[])]);
    let ledger = [(1, 0, 10), (1, 1, 20), (2, 0, 30), (3, 0, 40)];
    let whole = Agreement { steps: 3, postings: 4, problem: None };
    assert_eq!(found(&ledger, &steps, 3), whole);
    assert_eq!(found(&[], &[], 0), Agreement::default());
}

#[test]
fn what_the_ledger_has_refused_is_not_looked_for() {
    let steps = steps(&[(&[10, 20], &[]), (&[30], &[1])]);
    assert_eq!(found(&[(1, 0, 10), (2, 0, 30)], &steps, 2).problem, None);
    let said = "posting 0 of step 1 is not in the ledger as it was decided";
    assert_eq!(problem(&[(1, 1, 20), (2, 0, 30)], &steps, 2), said);
}

#[test]
fn a_posting_that_is_gone_or_another_is_named() {
    let steps = steps(&[(&[10, 20], &[]), (&[30], &[]), (&[40], &[])]);
    for ledger in
        [&[(1, 0, 10), (2, 0, 30), (3, 0, 40)][..], &[(1, 0, 10), (1, 1, 21), (3, 0, 40)], &[(1, 0, 10)]]
    {
        assert_eq!(
            problem(ledger, &steps, 3),
            "posting 1 of step 1 is not in the ledger as it was decided",
            "{ledger:?}"
        );
    }
}

#[test]
fn a_step_that_is_not_confirmed_may_be_posted_in_part() {
    let steps = steps(&[(&[10], &[]), (&[30, 31], &[])]);
    assert_eq!(found(&[(1, 0, 10), (2, 0, 30)], &steps, 1).problem, None);
}

#[test]
fn a_log_that_ends_before_its_ledger_is_found() {
    let steps = steps(&[(&[10], &[])]);
    assert_eq!(
        problem(&[(1, 0, 10), (2, 0, 30)], &steps, 1),
        "record 2 of the ledger is posting 0 of step 2, which the event log does not have"
    );
}

#[test]
fn an_id_that_only_looks_like_a_posting_of_a_step_is_none() {
    let steps = steps(&[(&[10], &[]), (&[20], &[])]);
    // The beginning of the id of a step's posting, and the rest of another's.
    let strange = |step: u64, record: &mut Record| {
        let mut bytes = *posting(9, 9, 9).id.0.as_bytes();
        bytes[..6].copy_from_slice(&step.to_be_bytes()[2..]);
        record.asked = Some(Asked { id: TransactionId(Uuid::from_bytes(bytes)), content: 1 });
    };
    for step in [1, 2, 3, 1 << 40] {
        let read_records = |take: Take<'_, Record>| {
            let request = posting(1, 0, 10).request();
            let asked = Asked { id: request.id, content: request.content() };
            let body = Body::CreditLimitSet { account: AccountNumber(1), limit: Amount::ZERO };
            let first =
                Record { sequence: Sequence(1), at: Moment::FIRST, linked: false, asked: Some(asked), body };
            let mut second = first.clone();
            strange(step, &mut second);
            let mut third = first.clone();
            let request = posting(2, 0, 20).request();
            third.asked = Some(Asked { id: request.id, content: request.content() });
            [second, first, third].into_iter().try_for_each(|record| take(record).map(drop))
        };
        let read_steps = |after: u64, take: Take<'_, LoggedStep>| {
            steps
                .iter()
                .filter(|logged| logged.step.number > after)
                .cloned()
                .try_for_each(|step| take(step).map(drop))
        };
        let found = compare(&Compared {
            shard: ShardNumber::ONLY,
            confirmed: 2,
            records: &read_records,
            steps: &read_steps,
        })
        .unwrap();
        assert_eq!(found, Agreement { steps: 2, postings: 2, problem: None }, "{step}");
    }
}
