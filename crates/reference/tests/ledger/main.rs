//! The ledger against its reference, and what the contract promises of any sequence of requests.
//!
//! `PROPTEST_CASES` sets how many sequences each rule is tried on.
#![allow(clippy::unwrap_used, reason = "what random requests are made of is valid")]

mod engine;
mod work;

use std::collections::BTreeMap;

use engine::Engine;
use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::chain::Hash;
use kopeck_ledger::encode;
use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::Sequence;
use kopeck_ledger::pack::HEAD_BYTES;
use kopeck_ledger::record::{Body, Record, Reply};
use kopeck_ledger::verify::Verifier;
use kopeck_reference::ledger::Model;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use work::{Step, opening, steps};

/// Engine and reference after the same steps.
struct Both {
    engine: Engine,
    model: Model,
}

/// What a step was answered.
struct Replies {
    engine: Reply,
    model: Reply,
}

impl Both {
    fn new() -> Both {
        let mut both = Both { engine: Engine::default(), model: Model::default() };
        for request in opening() {
            let now = work::start();
            assert_eq!(both.engine.send(&request, now), both.model.send(&request, now));
            both.engine.reply(&request).unwrap();
        }
        both
    }

    /// Sends a step to both.
    fn take(&mut self, step: &Step) -> Replies {
        let Both { engine, model } = self;
        match step {
            Step::One(request, now) => {
                Replies { engine: engine.send(request, *now), model: model.send(request, *now) }
            }
            Step::Chain(members, now) => {
                Replies { engine: engine.send_chain(members, *now), model: model.send_chain(members, *now) }
            }
        }
    }
}

fn after(steps: &[Step]) -> Both {
    let mut both = Both::new();
    for step in steps {
        both.take(step);
    }
    both
}

fn available(account: &Account) -> Amount {
    account.available().unwrap()
}

/// The journal as it is stored, record by record.
fn encoded(records: &[Record]) -> Vec<Vec<u8>> {
    let mut hash = Hash::GENESIS;
    let encode = |record: &Record| {
        let mut bytes = Vec::new();
        hash = encode::encode(record, &hash, &mut bytes);
        bytes
    };
    records.iter().map(encode).collect()
}

fn heads(journal: &[Vec<u8>]) -> BTreeMap<Sequence, Hash> {
    let last = journal.last().map(|bytes| (Sequence(journal.len() as u64), Hash::of(bytes)));
    last.into_iter().collect()
}

proptest! {
    #[test]
    fn every_reply_and_balance_is_that_of_the_reference(steps in steps()) {
        let mut both = Both::new();
        for step in &steps {
            let Replies { engine, model } = both.take(step);
            prop_assert_eq!(engine, model, "{:#?}", step);
            for id in both.model.accounts() {
                let account = both.engine.ledger.find(id).unwrap();
                let expected = both.model.balance(id);
                let found = [account.posted, account.held, account.accrued, available(account)];
                let wanted = [expected.posted, expected.held, expected.accrued, expected.available];
                prop_assert_eq!(found, wanted, "{} after {:#?}", account.opening.name, step);
            }
        }
    }

    #[test]
    fn money_is_neither_made_nor_lost_and_held_is_the_sum_of_open_holds(steps in steps()) {
        let mut both = Both::new();
        for step in &steps {
            both.take(step);
            let ledger = &both.engine.ledger;
            let mut sums = BTreeMap::new();
            for account in ledger.accounts() {
                *sums.entry(account.opening.currency).or_insert(0) += account.posted.micros();
            }
            prop_assert!(sums.values().all(|sum| *sum == 0));
            for account in ledger.accounts() {
                let own = ledger.open_holds().filter(|(_, hold)| hold.account == account.opening.number);
                let held: i128 = own.map(|(_, hold)| hold.left.micros()).sum();
                prop_assert_eq!(held, account.held.micros());
                let accrued: i128 = ledger.accrued(account.opening.number).map(|(_, sum)| sum.micros()).sum();
                prop_assert_eq!(accrued, account.accrued.micros());
            }
        }
    }

    #[test]
    fn nobody_is_overdrawn_but_by_accrued_cost_or_by_putting_right(steps in steps()) {
        let mut before = Ledger::default();
        for record in &after(&steps).engine.journal.records {
            let mut then = before.clone();
            then.apply(record).unwrap();
            let excused = match &record.body {
                Body::Posted(transaction) => {
                    transaction.accrued.is_some() || transaction.corrects.is_some()
                }
                Body::AccruedSet { .. } | Body::CreditLimitSet { .. } => true,
                _ => false,
            };
            for (old, new) in before.accounts().iter().zip(then.accounts()) {
                let lowered = available(new) < available(old);
                let is_of_the_close = record.transaction().is_some_and(|one| one.coefficient.is_none()
                    && one.transfers.iter().any(|transfer| work::is_close(transfer.purpose)));
                let may = excused || new.opening.kind.is_system()
                    || (is_of_the_close && new.opening.kind == kopeck_ledger::account::AccountKind::Platform);
                prop_assert!(may || !lowered || !available(new).is_negative(), "{:#?}", record);
            }
            before = then;
        }
    }

    #[test]
    fn a_refusal_leaves_the_state_byte_for_byte_as_it_was(steps in steps()) {
        let mut both = Both::new();
        for step in &steps {
            let now = match step {
                Step::One(_, now) | Step::Chain(_, now) => *now,
            };
            both.engine.expire(now);
            let before = both.engine.ledger.pack();
            if both.take(step).engine.is_err() {
                prop_assert_eq!(&both.engine.ledger.pack()[HEAD_BYTES - 4..], &before[HEAD_BYTES - 4..]);
            }
        }
    }

    #[test]
    fn asking_everything_again_answers_the_same_and_changes_nothing(steps in steps()) {
        let mut both = Both::new();
        let mut answered = Vec::new();
        for step in &steps {
            let known = both.engine.journal.records.len();
            let reply = both.take(step).engine;
            if both.engine.journal.records.len() > known && both.engine.answers(step) {
                answered.push((step, reply));
            }
        }
        let before = both.engine.ledger.clone();
        for (step, reply) in answered {
            let now = before.head().at;
            let again = match step {
                Step::One(request, _) => both.engine.send(request, now),
                Step::Chain(members, _) => both.engine.send_chain(members, now),
            };
            prop_assert_eq!(again, reply, "{:#?}", step);
        }
        prop_assert_eq!(&both.engine.ledger, &before);
    }

    #[test]
    fn the_fold_of_the_journal_and_the_packed_state_are_the_state(steps in steps()) {
        let both = after(&steps);
        let mut folded = Ledger::default();
        for record in &both.engine.journal.records {
            folded.apply(record).unwrap();
        }
        prop_assert_eq!(&folded, &both.engine.ledger);
        prop_assert_eq!(&Ledger::unpack(&folded.pack()).unwrap(), &both.engine.ledger);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written(steps in steps()) {
        let records = after(&steps).engine.journal.records;
        let mut previous = Hash::GENESIS;
        for (record, bytes) in records.iter().zip(encoded(&records)) {
            prop_assert_eq!(encode::decode(&bytes), Ok((record.clone(), previous)));
            previous = Hash::of(&bytes);
        }
    }

    #[test]
    fn a_journal_verifies_and_any_flipped_bit_names_its_record(
        steps in steps(),
        flips in proptest::collection::vec((any::<Index>(), any::<Index>()), 8),
    ) {
        let both = after(&steps);
        let journal = encoded(&both.engine.journal.records);
        let check = |journal: &[Vec<u8>]| {
            let mut verifier = Verifier::expecting(heads(&encoded(&both.engine.journal.records)));
            journal.iter().try_for_each(|bytes| verifier.take(bytes))?;
            verifier.finish()
        };
        let verified = check(&journal).unwrap();
        verified.balanced().unwrap();
        verified.matches(both.engine.ledger.accounts()).unwrap();
        for (record, bit) in flips {
            let mut altered = journal.clone();
            let place = record.index(altered.len());
            let bit = bit.index(altered[place].len() * 8);
            altered[place][bit / 8] ^= 1 << (bit % 8);
            let broken = check(&altered).unwrap_err();
            prop_assert_eq!(broken.sequence, Sequence(place as u64 + 1), "bit {}: {}", bit, broken);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(encode::decode(&bytes).is_err());
        prop_assert!(Ledger::unpack(&bytes).is_err() || bytes.len() > HEAD_BYTES);
    }
}

#[test]
fn the_random_work_reaches_every_kind_of_record_and_nearly_every_refusal() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..300 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let mut both = Both::new();
        for step in &steps {
            let reply = both.take(step).engine;
            let reason = reply.map_or_else(|refusal| engine::reason(&refusal), |_| "done".to_owned());
            *seen.entry(reason).or_default() += 1;
        }
        for record in &both.engine.journal.records {
            *seen.entry(engine::kind(record)).or_default() += 1;
        }
    }
    let rare = engine::EXPECTED.iter().filter(|name| seen.get(**name).is_none_or(|count| *count < 2));
    assert_eq!(rare.collect::<Vec<_>>(), Vec::<&&str>::new(), "{seen:#?}");
}
