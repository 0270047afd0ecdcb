//! Runs with a limit of memory against runs without: what is spilled to disk changes no answer and no charge, and where
//! the disk fails the run says so.
//!
//! `PROPTEST_CASES` sets how many clouds each rule is tried on.
#![allow(clippy::unwrap_used, reason = "what random clouds are made of is valid")]

#[allow(dead_code, reason = "other tests use the rest")]
mod clouds;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clouds::{Cloud, Taste, clouds};
use kopeck_rating::batch::Origin;
use kopeck_rating::event::Refusal;
use kopeck_rating::keys::Accepted;
use kopeck_rating::rate::{MemoryLimit, Rated, Rater, Unfinished};
use kopeck_rating::scratch::{InMemory, Scratch, ScratchError, Scratches};
use proptest::prelude::*;

/// What a run answers to each line, how many it has accepted, and the bill with its notices.
type Outcome = (Vec<Result<Accepted, Refusal>>, usize, Rated);

/// How a cloud is fed to a run.
#[derive(Debug, Clone, Copy)]
struct Feed {
    /// Lines of a batch.
    lines: usize,
    threads: usize,
}

fn run(mut rater: Rater, cloud: &Cloud, feed: Feed) -> Result<Outcome, Unfinished> {
    let mut answers = Vec::new();
    for (batch, file) in cloud.lines.chunks(feed.lines).zip(0..) {
        let batch = rater.reader().read(batch.join("\n").into_bytes(), Origin { file, line: 1 });
        rater.take(batch, |_, answer| answers.push(answer))?;
    }
    let accepted = rater.accepted();
    Ok((answers, accepted, rater.finish_on(feed.threads)?))
}

fn without_limit(cloud: &Cloud, feed: Feed) -> Outcome {
    run(Rater::new(&cloud.book(), cloud.window()).unwrap(), cloud, feed).unwrap()
}

fn with_limit(
    cloud: &Cloud,
    feed: Feed,
    bytes: usize,
    scratches: impl Scratches + 'static,
) -> Result<Outcome, Unfinished> {
    let limit = MemoryLimit { bytes, scratches: Box::new(scratches) };
    run(Rater::with_limit(&cloud.book(), cloud.window(), limit).unwrap(), cloud, feed)
}

/// Scratches in memory that are used so often, and then fail for ever.
#[derive(Debug, Clone)]
struct Failing {
    left: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct FailingScratch {
    scratch: Box<dyn Scratch>,
    scratches: Failing,
}

impl Failing {
    fn after(uses: usize) -> Failing {
        Failing { left: Arc::new(AtomicUsize::new(uses)) }
    }

    fn used(&self) -> Result<(), ScratchError> {
        let less = |left: usize| left.checked_sub(1);
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        left.map(|_| ()).map_err(|_| full())
    }

    fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

fn full() -> ScratchError {
    ScratchError("the disk is full".to_owned())
}

impl Scratches for Failing {
    fn make(&self) -> Result<Box<dyn Scratch>, ScratchError> {
        self.used()?;
        Ok(Box::new(FailingScratch { scratch: InMemory.make()?, scratches: self.clone() }))
    }
}

impl Scratch for FailingScratch {
    fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError> {
        self.scratches.used()?;
        self.scratch.append(bytes)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError> {
        self.scratches.used()?;
        self.scratch.read_at(offset, into)
    }
}

fn feeds() -> impl Strategy<Value = Feed> {
    (1..50_usize, 1..4_usize).prop_map(|(lines, threads)| Feed { lines, threads })
}

fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { default } else { ProptestConfig { cases, ..default } }
}

/// From a limit that every batch goes beyond to one that few clouds do.
fn limits() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 2 => 1..1_000_usize, 2 => 1_000..20_000_usize]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_limit_changes_nothing(cloud in clouds(Taste::Conflicting), feed in feeds(), bytes in limits()) {
        let limited = with_limit(&cloud, feed, bytes, InMemory).unwrap();
        prop_assert_eq!(limited, without_limit(&cloud, feed));
    }

    #[test]
    fn a_limit_changes_nothing_in_the_largest_numbers(cloud in clouds(Taste::Extreme), feed in feeds()) {
        prop_assert_eq!(with_limit(&cloud, feed, 0, InMemory).unwrap(), without_limit(&cloud, feed));
    }

    #[test]
    fn duplicates_are_known_that_come_when_all_was_spilled(cloud in clouds(Taste::Conflicting), feed in feeds()) {
        let lines = [&cloud.lines[..], &cloud.lines[..]].concat();
        let cloud = Cloud { lines, ..cloud };
        prop_assert_eq!(with_limit(&cloud, feed, 0, InMemory).unwrap(), without_limit(&cloud, feed));
    }

    #[test]
    fn a_disk_that_fails_at_any_time_is_told(cloud in clouds(Taste::Conflicting), feed in feeds(), at in any::<prop::sample::Index>()) {
        let enough = Failing::after(usize::MAX);
        let expected = with_limit(&cloud, feed, 0, enough.clone()).unwrap();
        let uses = usize::MAX - enough.left();
        prop_assert_eq!(&with_limit(&cloud, feed, 0, Failing::after(uses)).unwrap(), &expected);
        if uses > 0 {
            let failed = with_limit(&cloud, feed, 0, Failing::after(at.index(uses)));
            prop_assert_eq!(failed, Err(Unfinished::Scratch(full())));
        }
    }

    #[test]
    fn a_run_whose_disk_has_failed_never_goes_on(cloud in clouds(Taste::Orderly)) {
        let book = cloud.book();
        let limit = MemoryLimit { bytes: 0, scratches: Box::new(Failing::after(0)) };
        let mut rater = Rater::with_limit(&book, cloud.window(), limit).unwrap();
        let mut failed = false;
        for line in &cloud.lines {
            let answer = rater.accept(line.as_bytes(), Origin { file: 0, line: 1 });
            failed |= answer.is_err();
            prop_assert_eq!(answer.is_err(), failed);
        }
        prop_assert_eq!(rater.finish().is_err(), failed);
    }
}
