//! `simulate`: many lives of ledgers, on all cores; the first that breaks a rule is told with its seed.

use std::any::Any;
use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use kopeck_simulator::{Failure, OPERATIONS, Summary, installation, live};

/// Simulates ledgers and whole installations under random work and crashes
#[derive(Parser)]
struct Args {
    /// How many seeds of each kind of life, from 1 on [default: 200 ledgers and 48 installations]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Only this seed
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Only this kind of life
    #[arg(long, value_enum)]
    life: Option<Kind>,
    /// Operations in each life [default: 60 of a ledger, 24 of an installation]
    #[arg(long, value_name = "N")]
    operations: Option<u64>,
}

/// Whose life it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A ledger by itself
    Ledger,
    /// Metering over ledger, event log and directory
    Installation,
}

impl Kind {
    fn seeds(self) -> u64 {
        match self {
            Kind::Ledger => 200,
            Kind::Installation => 48,
        }
    }
}

/// What lives of either kind have come through.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    ledgers: Summary,
    installations: installation::Summary,
}

fn main() -> ExitCode {
    let args = Args::parse();
    for kind in [Kind::Ledger, Kind::Installation] {
        if args.life.is_some_and(|only| only != kind) {
            continue;
        }
        if let Err(failure) = simulate(kind, &args) {
            eprintln!("{failure}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn simulate(kind: Kind, args: &Args) -> Result<(), Failure> {
    let seeds = args.seed.map_or(1..=args.seeds.unwrap_or(kind.seeds()), |seed| seed..=seed);
    let begun = Instant::now();
    let sum = all(kind, (*seeds.start(), *seeds.end()), args.operations)?;
    let (count, took) = (seeds.end() + 1 - seeds.start(), begun.elapsed());
    match kind {
        Kind::Ledger => {
            let sum = sum.ledgers;
            println!(
                "{count} ledgers, {} operations: {} requests ({} refused), {} points of commits, {} crashes, {} full disks, {} doubts, \
                 {} pictures of crashed ledgers proven, in {took:.0?}",
                sum.operations,
                sum.requests,
                sum.refused,
                sum.points,
                sum.crashes,
                sum.full,
                sum.doubts,
                sum.pictures,
            );
        }
        Kind::Installation => {
            let sum = sum.installations;
            println!(
                "{count} installations, {} operations: {} events, {} charged clean-ups, {} holds, {} troubles with disks, {} points of commits, {} crashed installations \
                 proven, {} of them gone on with, in {took:.0?}",
                sum.operations,
                sum.events,
                sum.clean_ups,
                sum.holds,
                sum.troubles,
                sum.points,
                sum.pictures,
                sum.crashes,
            );
        }
    }
    Ok(())
}

/// The lives that are left, and what came of the others.
struct Work {
    kind: Kind,
    next: AtomicU64,
    last: u64,
    operations: Option<u64>,
    stop: AtomicBool,
    sum: Mutex<Sum>,
    failed: Mutex<Vec<Failure>>,
}

/// Lives through all seeds; of those that fail, the failure of the first.
fn all(kind: Kind, (first, last): (u64, u64), operations: Option<u64>) -> Result<Sum, Failure> {
    let work = Work {
        kind,
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
            self.note(caught(self.kind, seed, self.operations));
        }
    }

    fn note(&self, lived: Result<Sum, Failure>) {
        match lived {
            Ok(lived) => {
                let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
                sum.ledgers = sum.ledgers.and(lived.ledgers);
                sum.installations = sum.installations.and(lived.installations);
            }
            Err(failure) => {
                self.stop.store(true, Ordering::Relaxed);
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    }
}

/// A life; a panic in it is a failure like any other.
fn caught(kind: Kind, seed: u64, operations: Option<u64>) -> Result<Sum, Failure> {
    let is_installation = kind == Kind::Installation;
    let usual = if is_installation { installation::OPERATIONS } else { OPERATIONS };
    let operations = operations.unwrap_or(usual);
    let lived = panic::catch_unwind(|| match kind {
        Kind::Ledger => live(seed, operations).map(|ledgers| Sum { ledgers, ..Sum::default() }),
        Kind::Installation => {
            installation::live(seed, operations).map(|installations| Sum { installations, ..Sum::default() })
        }
    });
    lived.unwrap_or_else(|panic| {
        let what = format!("a panic: {}", words(&*panic));
        let operation = "not known".to_owned();
        Err(Failure { seed, step: 0, operation, what, operations, is_installation })
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
