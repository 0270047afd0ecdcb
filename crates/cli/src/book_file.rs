//! Price books from files: read whole, or refused with every problem and its place.

use std::fs;

use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::read::line_and_column;

use crate::failure::{Failure, paragraph};

/// Reads a price book.
pub fn load(path: &str) -> Result<PriceBook, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file(path, "read the price book", &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        let place = format!("{path}:{line}");
        Failure::input("the price book is not valid UTF-8", Some(&place), "write the file as UTF-8")
    })?;
    PriceBook::read(&text).map_err(|problems| {
        let paragraphs = problems.iter().map(|problem| {
            let (line, column) = line_and_column(&text, problem.span.start);
            let place = format!("{path}:{line}:{column}");
            paragraph("error", &problem.reason, Some(&place), &problem.remedy)
        });
        Failure::Input(paragraphs.collect())
    })
}
