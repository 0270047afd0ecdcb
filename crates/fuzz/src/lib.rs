//! What must hold of any bytes: the checks that the targets in `fuzz/fuzz_targets` call.
//!
//! A check panics where a rule is broken; that is how the fuzzer knows. The targets need the nightly toolchain and are
//! a workspace of their own; what they do is here, so that it is compiled with everything else, and one ordinary test
//! runs each check over its seeds. The seeds are the project's own fixtures. An input that taught us something becomes
//! an ordinary test of the crate that it is about.
#![allow(clippy::expect_used, clippy::panic, reason = "a check panics where a rule is broken")]

mod clouds;
mod converters;
mod events;
mod price_books;

use jiff::civil::Date;
use kopeck_connect::convert::Source;
use kopeck_rating::batch::Origin;
use kopeck_rating::charge::{Bill, Window};
use kopeck_rating::event::Refusal;
use kopeck_rating::keys::Accepted;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::Rater;
use kopeck_reference::{Event, Fate};

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its file in `fuzz/fuzz_targets`.
    pub name: &'static str,
    check: Check,
}

#[derive(Debug, Clone, Copy)]
enum Check {
    Bytes(fn(&[u8])),
    Records(Source),
}

impl Target {
    const fn of(name: &'static str, check: fn(&[u8])) -> Target {
        Target { name, check: Check::Bytes(check) }
    }

    const fn of_records(name: &'static str, source: Source) -> Target {
        Target { name, check: Check::Records(source) }
    }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target::of("event", events::check),
    Target::of("price_book", price_books::check),
    Target::of("rate_versus_reference", clouds::check),
    Target::of("azure_rate_card", converters::check_rate_card),
    Target::of_records("slurm", Source::Slurm),
    Target::of_records("swf", Source::Swf),
    Target::of_records("openstack_log", Source::OpenstackLog),
    Target::of_records("nova_notification", Source::NovaNotification),
    Target::of_records("focus", Source::Focus),
    Target::of_records("azure_cost", Source::AzureCost),
    Target::of_records("api_calls", Source::ApiCalls),
    Target::of_records("storage_usage", Source::StorageUsage),
];

/// Checks bytes as the target of that name reads them.
///
/// # Panics
/// Where a rule is broken, and where no target has the name.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    match target.expect("the target is one of TARGETS").check {
        Check::Bytes(check) => check(bytes),
        Check::Records(source) => converters::check(source, bytes),
    }
}

/// What became of each line that is not blank.
type Outcomes = Vec<Result<Accepted, Refusal>>;

/// The first day of the month that is rated everywhere here; all books price it.
const OCTOBER: Date = jiff::civil::date(2026, 10, 1);
const NOVEMBER: Date = jiff::civil::date(2026, 11, 1);

/// The first place of a file.
const START: Origin = Origin { file: 0, line: 1 };

fn take(rater: &mut Rater, lines: &[u8]) -> Outcomes {
    let mut outcomes = Vec::new();
    rater
        .take(rater.reader().read(lines.to_vec(), START), |_, outcome| outcomes.push(outcome))
        .expect("a run without a limit needs no scratch file");
    outcomes
}

/// The engine's outcomes and bill.
fn engine(book: &PriceBook, lines: &str, window: Window) -> (Outcomes, Bill) {
    let mut rater = Rater::new(book, window).expect("the window lies within the years that are rated");
    let outcomes = take(&mut rater, lines.as_bytes());
    (outcomes, rater.finish().expect("no accepted event makes an accepted book overflow").bill)
}

/// The reference's outcomes and bill.
fn reference(book: &PriceBook, lines: &str, window: Window) -> (Outcomes, Bill) {
    let read: Vec<Result<Event, Refusal>> =
        lines.lines().map(|line| Event::read(line.as_bytes(), book)).collect();
    let events: Vec<Event> = read.iter().flatten().cloned().collect();
    let mut fates = kopeck_reference::fates(&events).into_iter();
    let outcomes = read.into_iter().map(|read| {
        read?;
        match fates.next().expect("each event has a fate") {
            Fate::Accepted => Ok(Accepted::New),
            Fate::Duplicate => Ok(Accepted::Duplicate),
            Fate::OtherContent => Err(Refusal::OtherContent),
        }
    });
    let outcomes = outcomes.collect();
    let accepted = kopeck_reference::accepted(&events);
    let bill = kopeck_reference::rate(book, &accepted, window);
    (outcomes, bill.expect("no accepted event makes an accepted book overflow"))
}
