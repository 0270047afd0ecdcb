//! The slow truth: charges by the contract's own words, for tests.
//!
//! Written straight from rating.md so that it can judge the engine: it shares only the types of events, price
//! books and charges with it, and derives calendars, lives, conditions and amounts by itself. It walks through
//! each month from stop to stop, a stop being any second at which anything may change, in integers and fractions
//! of any size, and forgets everything between two questions. Nothing here is fast, incremental or clever, and
//! nothing but a test should depend on it.

mod clock;
mod event;
pub mod guard;
pub mod ledger;
mod life;
mod meter;
mod tariff;

use std::collections::{BTreeMap, BTreeSet};

use kopeck_rating::calendar::Second;
use kopeck_rating::charge::{Bill, Charge, ChargeKey, Window};
use kopeck_rating::money::Overflow;
use kopeck_rating::price_book::PriceBook;

use clock::{Clock, Month};
pub use event::{Event, Fate, accepted, fates};
pub use life::{disputed, meaning};
use meter::{Costs, History};

/// Rates accepted events: each (project, source, resource, component, version, month, group) is charged
/// R(C(to)) − R(C(from)), and its quantity is the difference of the quantities.
///
/// # Errors
/// [`Overflow`] where an amount or a quantity does not fit the 256 bits of its type.
pub fn rate(book: &PriceBook, events: &[Event], window: Window) -> Result<Bill, Overflow> {
    let clock = Clock::of(book.calendar().zone());
    bill(book, &History::new(book, events, &clock), (&clock, window))
}

/// What is posted of accepted events: as [`rate`], but gross (where VAT is on top, it is added before the rounding), and
/// what a project uses before the second that is named for it is free.
///
/// # Errors
/// As [`rate`].
pub fn gross(
    book: &PriceBook,
    events: &[Event],
    window: Window,
    billed_from: &BTreeMap<String, Second>,
) -> Result<Bill, Overflow> {
    let clock = Clock::of(book.calendar().zone());
    let history = History::new(book, events, &clock).gross(billed_from.clone());
    bill(book, &history, (&clock, window))
}

fn bill(
    book: &PriceBook,
    history: &History<'_>,
    (clock, window): (&Clock<'_>, Window),
) -> Result<Bill, Overflow> {
    let mut charges = Vec::new();
    for month in clock.months(window.from(), window.to()) {
        charges.extend(charges_of_month(history, &month, window)?);
    }
    Bill::new(book.currency().to_owned(), charges)
}

fn charges_of_month(history: &History<'_>, month: &Month, window: Window) -> Result<Vec<Charge>, Overflow> {
    let at_end = history.costs(month, window.to());
    let at_start = history.costs(month, window.from());
    let keys: BTreeSet<&ChargeKey> = at_end.keys().chain(at_start.keys()).collect();
    keys.into_iter().map(|key| difference(key, &at_end, &at_start)).collect()
}

fn difference(key: &ChargeKey, at_end: &Costs, at_start: &Costs) -> Result<Charge, Overflow> {
    let end = at_end.get(key).cloned().unwrap_or_default();
    let start = at_start.get(key).cloned().unwrap_or_default();
    let micros = tariff::round_to_micros(&end.amount) - tariff::round_to_micros(&start.amount);
    Ok(Charge {
        key: key.clone(),
        quantity: tariff::to_quantity(&(end.quantity - start.quantity))?,
        amount: tariff::to_amount(&micros)?,
    })
}
