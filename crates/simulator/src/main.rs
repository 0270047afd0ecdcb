//! `simulate`: many lives of ledgers, on all cores; the first that breaks a rule is told with its seed.

use std::any::Any;
use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use clap::Parser;
use kopeck_simulator::{Failure, OPERATIONS, Summary, live};

/// Simulates ledgers under random work and crashes
#[derive(Parser)]
struct Args {
    /// How many seeds, from 1 on
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u64,
    /// Only this seed
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Operations in each life
    #[arg(long, value_name = "N", default_value_t = OPERATIONS)]
    operations: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seeds = args.seed.map_or(1..=args.seeds, |seed| seed..=seed);
    let begun = Instant::now();
    match all(*seeds.start(), *seeds.end(), args.operations) {
        Ok(sum) => {
            println!(
                "{} seeds, {} operations: {} requests ({} refused), {} points of commits, {} crashes, {} full disks, {} doubts, \
                 {} pictures of crashed ledgers proven, in {:.0?}",
                seeds.end() + 1 - seeds.start(),
                sum.operations,
                sum.requests,
                sum.refused,
                sum.points,
                sum.crashes,
                sum.full,
                sum.doubts,
                sum.pictures,
                begun.elapsed(),
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// The lives that are left, and what came of the others.
struct Work {
    next: AtomicU64,
    last: u64,
    operations: u64,
    stop: AtomicBool,
    sum: Mutex<Summary>,
    failed: Mutex<Vec<Failure>>,
}

/// Lives through all seeds; of those that fail, the failure of the first.
fn all(first: u64, last: u64, operations: u64) -> Result<Summary, Failure> {
    let work = Work {
        next: AtomicU64::new(first),
        last,
        operations,
        stop: AtomicBool::new(false),
        sum: Mutex::default(),
        failed: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work.run());
        }
    });
    let failed = work.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed.into_iter().min_by_key(|failure| failure.seed) {
        Some(failure) => Err(failure),
        None => Ok(work.sum.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

impl Work {
    /// Lives until no life is left, or one has failed.
    fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed > self.last {
                return;
            }
            self.note(caught(seed, self.operations));
        }
    }

    fn note(&self, lived: Result<Summary, Failure>) {
        match lived {
            Ok(summary) => {
                let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
                *sum = sum.and(summary);
            }
            Err(failure) => {
                self.stop.store(true, Ordering::Relaxed);
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    }
}

/// A life; a panic in it is a failure like any other.
fn caught(seed: u64, operations: u64) -> Result<Summary, Failure> {
    panic::catch_unwind(|| live(seed, operations)).unwrap_or_else(|panic| {
        let what = format!("a panic: {}", words(&*panic));
        Err(Failure { seed, step: 0, operation: "not known".to_owned(), what, operations })
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
