//! The worked cases: what the reference charges is what an independent program computed.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test reads its cases from files")]

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use kopeck_rating::charge::Window;
use kopeck_rating::price_book::PriceBook;
use kopeck_reference::{Event, accepted, rate};
use serde_json::Value;

/// The folders with cases, from the crate's own.
const PLACES: [&str; 2] = ["../../fixtures/cases", "../../../shared/cases"];

#[test]
fn the_reference_charges_what_the_cases_say() {
    let mut count = 0;
    for case in PLACES.iter().flat_map(|place| cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join(place))) {
        let expected: Value = serde_json::from_str(&read(&case, "charges.json")).unwrap();
        let found = charged(&case);
        assert_eq!(found, expected, "{}: found {found:#}", case.display());
        count += 1;
    }
    assert!(count > 0, "no case was found in {PLACES:?}");
}

/// The folders of a place, by name; none where the place does not exist.
fn cases(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

fn charged(case: &Path) -> Value {
    let prices = read(case, "prices.toml");
    let book = PriceBook::read(&prices).unwrap();
    let window = read(case, "window");
    let dates: Vec<Date> = window.split_whitespace().map(|date| date.parse().unwrap()).collect();
    let window = Window::new(book.calendar(), dates[0], dates[1], None).unwrap();
    let events = read(case, "events.jsonl");
    let events: Vec<Event> =
        events.lines().filter_map(|line| Event::read(line.as_bytes(), &book).ok()).collect();
    serde_json::to_value(rate(&book, &accepted(&events), window).unwrap()).unwrap()
}

fn read(case: &Path, file: &str) -> String {
    std::fs::read_to_string(case.join(file)).unwrap()
}
