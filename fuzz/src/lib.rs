//! What must hold of any bytes: the checks that the targets in `fuzz_targets` call.
//!
//! A check panics where a rule is broken; that is how the fuzzer knows. The seeds are the project's own fixtures, the
//! dictionaries lie beside; see `run` for how they come together. What is not here: tests. An input that taught us
//! something becomes an ordinary test of the crate that it is about.

pub mod clouds;
pub mod converters;
pub mod events;
pub mod price_books;

use jiff::civil::Date;
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::charge::{Bill, Window};
use kopeck_rating::event::Refusal;
use kopeck_rating::keys::Accepted;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::Rater;
use kopeck_reference::{Event, Fate};

/// What became of each line that is not blank.
type Outcomes = Vec<Result<Accepted, Refusal>>;

/// The first day of the month that is rated everywhere here; all books price it.
const OCTOBER: Date = jiff::civil::date(2026, 10, 1);
const NOVEMBER: Date = jiff::civil::date(2026, 11, 1);

/// The first place of a file.
const START: Origin = Origin { file: 0, line: 1 };

fn take(rater: &mut Rater<'_>, batch: Batch) -> Outcomes {
    let mut outcomes = Vec::new();
    rater.take(batch, |_, outcome| outcomes.push(outcome));
    outcomes
}

/// The engine's outcomes and bill.
fn engine(book: &PriceBook, lines: &str, window: Window) -> (Outcomes, Bill) {
    let mut rater = Rater::new(book, window).expect("the window lies within the years that are rated");
    let outcomes = take(&mut rater, Batch::read(lines.as_bytes().to_vec(), START));
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
