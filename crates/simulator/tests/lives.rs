//! The simulator itself: it is repeatable, and its work is worth judging. `cargo xtask simulate` runs it at length.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on should stop")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kopeck_ledger::name::{Moment, Sequence};
use kopeck_ledger::record::Record;
use kopeck_ledger::refusal::Refusal;
use kopeck_simulator::{fill, installation, live};
use kopeck_store::Store;
use kopeck_store::sqlite::{Options, SqliteStore};

fn opened(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, Options::at(Arc::new(|| Moment::FIRST))).unwrap()
}

#[test]
fn a_few_lives_hold_every_rule_and_meet_every_fault() {
    let lives = (1..=8).map(|seed| live(seed, 40).unwrap_or_else(|failure| panic!("{failure}")));
    let sum = lives.reduce(|one, other| one.and(other)).unwrap();
    assert!(sum.crashes > 0 && sum.full > 0 && sum.doubts > 0 && sum.refused > 0, "{sum:?}");
    assert!(sum.pictures > sum.operations, "{sum:?}");
}

#[test]
fn a_few_installations_hold_every_rule_and_are_killed_again_and_again() {
    let live = |seed| installation::live(seed, 12).unwrap_or_else(|failure| panic!("{failure}"));
    let sum = (1..=4).map(live).reduce(|one, other| one.and(other)).unwrap();
    assert!(sum.events > 0 && sum.crashes > 0 && sum.pictures > sum.operations / 2, "{sum:?}");
}

#[test]
fn the_same_seed_makes_the_same_installation() {
    let live = |seed| installation::live(seed, 8).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(live(5), live(5));
}

#[test]
fn the_same_seed_makes_the_same_journal_to_the_last_bit() {
    let head = |seed| {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), seed, 300).unwrap();
        opened(folder.path()).head().unwrap()
    };
    assert_eq!(head(1), head(1));
    assert_ne!(head(1).hash, head(2).hash);
}

#[test]
fn the_random_work_reaches_every_kind_of_record_and_nearly_every_refusal() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 1..=3 {
        let folder = tempfile::tempdir().unwrap();
        for refusal in
            fill(folder.path(), seed, 4_000).unwrap().iter().filter_map(|reply| reply.as_ref().err())
        {
            *seen.entry(reason(refusal)).or_default() += 1;
        }
        let mut note = |record: Record| {
            *seen.entry(kind(&record)).or_default() += 1;
            Ok(true)
        };
        opened(folder.path()).records(Sequence(1), &mut note).unwrap();
    }
    let rare = EXPECTED.iter().filter(|name| seen.get(**name).is_none_or(|count| *count < 2));
    assert_eq!(rare.collect::<Vec<_>>(), Vec::<&&str>::new(), "{seen:#?}");
}

/// The name of a refusal; of a chain's, that of its member.
fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::InChain { refusal, .. } => format!("in chain: {}", reason(refusal)),
        Refusal::InsufficientFunds(_) => "InsufficientFunds".to_owned(),
        other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
    }
}

/// What a record is; of a transaction, its first purpose and what is special about it.
fn kind(record: &Record) -> String {
    let Some(transaction) = record.transaction() else {
        let body = format!("{:?}", record.body);
        return format!("record {}", body.split([' ', '(']).next().unwrap_or_default());
    };
    let is = |word: &str, is: bool| if is { format!(" {word}") } else { String::new() };
    let held = is("held", !transaction.holds.is_empty());
    let accrued = is("accrued", transaction.accrued.is_some_and(|accrued| !accrued.is_zero()));
    format!("record {}{held}{accrued}{}", transaction.transfers[0].purpose, is("linked", record.linked))
}

/// What random work must come to, in the words of [`reason`] and [`kind`]: each of these at least twice.
const EXPECTED: &[&str] = &[
    "AccountExists",
    "AccountKindMayNot",
    "ActorMissing",
    "AlreadyReversed",
    "AmountNegative",
    "AmountTooLarge",
    "AmountZero",
    "CurrencyMismatch",
    "ExpiryPassed",
    "HoldExceeded",
    "HoldExpired",
    "HoldOfOtherAccount",
    "HoldResolved",
    "IdReusedWithOtherContent",
    "InstantAhead",
    "InsufficientFunds",
    "KindMayNot",
    "NoMovements",
    "NotCorrectable",
    "NotItsOwner",
    "NumberNegative",
    "OwnerMissing",
    "OwnerNotAllowed",
    "PurposeNotOffered",
    "ReferenceMissing",
    "SameAccount",
    "SingleAccountExists",
    "NothingGrown",
    "UnknownAccount",
    "UnknownHold",
    "UnknownTransaction",
    "UnknownZone",
    "in chain: InsufficientFunds",
    "record AccruedSet",
    "record CoefficientSet",
    "record CreditLimitSet",
    "record Expired",
    "record Held",
    "record Refused",
    "record Released",
    "record api_key_payment",
    "record api_key_payment held",
    "record correction",
    "record correction accrued",
    "record deposit",
    "record direct_transfer held",
    "record direct_transfer linked",
    "record executor_payment accrued",
    "record executor_payment held",
    "record executor_payment linked",
    "record reversal",
    "record rounding",
    "record service_payment accrued",
    "record service_payment held",
    "record storage_payment accrued",
    "record tax",
    "record withdrawal",
    "record withdrawal held",
];
