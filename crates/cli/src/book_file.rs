//! Price books from files: read whole, or refused with every problem and its place.

use kopeck_rating::price_book::PriceBook;

use crate::failure::Failure;
use crate::toml_file::TomlFile;

/// Reads a price book.
pub fn load(path: &str) -> Result<PriceBook, Failure> {
    load_with_text(path).map(|(book, _)| book)
}

/// Reads a price book and keeps its text, to point into it.
pub fn load_with_text(path: &str) -> Result<(PriceBook, TomlFile), Failure> {
    let file = TomlFile::read(path, "the price book")?;
    match PriceBook::read(&file.text) {
        Ok(book) => Ok((book, file)),
        Err(problems) => Err(file.failure(&problems)),
    }
}
