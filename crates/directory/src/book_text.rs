//! The text of price books in pieces: a head and one piece for each version, so that a version is announced and
//! edited alone; and the small books of executors, storages and APIs, written from their prices.

use std::fmt::Write;

use jiff::civil::Date;
use kopeck_ledger::name::{Currency, Text};
use kopeck_rating::price_book::places::Places;
use kopeck_rating::price_book::{Model, PriceBook, Version};

use crate::act::{ExecutorPrices, OwnPrices};
use crate::name::{BookId, Price};
use crate::refusal::{BookProblem, Refusal};

/// The most bytes of a text that announces a book or a version.
pub const TEXT_LIMIT: usize = 4 << 20;

/// A text in pieces: put together in their order they are the text, up to line ends at the pieces' ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Pieces {
    /// What stands before the first version.
    pub head: String,
    /// From each `[[version]]` to the next.
    pub versions: Vec<String>,
}

/// Cuts a text before each line that begins a version.
///
/// # Errors
/// [`Refusal::BookTooLong`]; [`Refusal::BookNotInPieces`] where the head goes on below a version.
pub fn cut(text: &str) -> Result<Pieces, Refusal> {
    if text.len() > TEXT_LIMIT {
        return Err(Refusal::BookTooLong { bytes: text.len(), limit: TEXT_LIMIT });
    }
    let mut pieces = Pieces { head: String::new(), versions: Vec::new() };
    for line in text.lines() {
        let header = line.trim_start();
        if begins_version(header) {
            pieces.versions.push(String::new());
        } else if !pieces.versions.is_empty()
            && (header.starts_with("[states") || header.starts_with("[book"))
        {
            return Err(Refusal::BookNotInPieces);
        }
        let piece = pieces.versions.last_mut().unwrap_or(&mut pieces.head);
        piece.push_str(line);
        piece.push('\n');
    }
    Ok(pieces)
}

fn begins_version(line: &str) -> bool {
    let inner = line.strip_prefix("[[").and_then(|rest| rest.split_once("]]"));
    inner.is_some_and(|(name, _)| name.trim() == "version")
}

/// Reads a text whose first `hidden` lines are not the sender's.
///
/// # Errors
/// [`Refusal::BadBook`], with places in the sender's text.
pub fn read(text: &str, hidden: usize) -> Result<PriceBook, Refusal> {
    PriceBook::read(text).map_err(|problems| {
        let mut places = Places::new(text);
        let problems = problems.into_iter().map(|problem| {
            let (line, column) = places.of(problem.span.start);
            let line = line.saturating_sub(hidden).max(1);
            BookProblem { line, column, reason: problem.reason, remedy: problem.remedy }
        });
        Refusal::BadBook { problems: problems.collect() }
    })
}

/// The one version of a head and a piece.
///
/// # Errors
/// [`Refusal::BookNotInPieces`] where they are no such book, though the whole text is one.
pub fn version_of(head: &str, piece: &str) -> Result<Version, Refusal> {
    let book = PriceBook::read(&format!("{head}{piece}")).map_err(|_| Refusal::BookNotInPieces)?;
    match book.versions() {
        [version] => Ok(version.clone()),
        _ => Err(Refusal::BookNotInPieces),
    }
}

/// The head of a book that has the prices of one executor, storage or API.
#[must_use]
pub fn own_head(id: &BookId, zone: &Text, currency: Currency) -> String {
    format!("[book]\nid = \"{id}\"\ncurrency = \"{currency}\"\ntimezone = \"{zone}\"\n\n")
}

/// A version of such a book.
#[must_use]
pub fn own_version(effective: Date, prices: &OwnPrices) -> String {
    let mut text = format!("[[version]]\neffective = {effective}\n\n");
    let (kind, positions) = positions(prices);
    for (id, quantity, price) in positions {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "[[version.component]]\nid = \"{id}\"\nkind = \"{kind}\"\nmodel = \"per_use\"\nquantity = [{quantity}]\nprice = \"{price}\"\n\n"
        );
    }
    text
}

type Position = (&'static str, &'static str, Price);

fn positions(prices: &OwnPrices) -> (&'static str, Vec<Position>) {
    match prices {
        OwnPrices::Executor(prices) => (
            "job",
            vec![
                ("job.run", "", prices.job),
                ("job.second", "\"duration_s\"", prices.second),
                ("job.core", "\"cores\", \"duration_s\"", prices.core_second),
                ("job.gpu", "\"gpus\", \"duration_s\"", prices.gpu_second),
                ("job.ram", "\"ram_mb\"", prices.megabyte),
            ],
        ),
        OwnPrices::Storage(price) => ("s3", vec![("s3.mb", "\"mb\"", *price)]),
        OwnPrices::Api(price) => ("api_call", vec![("api.call", "\"calls\"", *price)]),
    }
}

/// The prices of a version that [`own_version`] has written.
#[must_use]
pub fn own_prices(version: &Version) -> Option<OwnPrices> {
    let price = |id: &str| {
        let component = version.components.iter().find(|component| component.id == id)?;
        match component.model {
            Model::PerUse { price } => Some(Price::of_book(price)),
            _ => None,
        }
    };
    if let Some(job) = price("job.run") {
        return Some(OwnPrices::Executor(ExecutorPrices {
            job,
            second: price("job.second")?,
            core_second: price("job.core")?,
            gpu_second: price("job.gpu")?,
            megabyte: price("job.ram")?,
        }));
    }
    price("s3.mb").map(OwnPrices::Storage).or_else(|| price("api.call").map(OwnPrices::Api))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_together_are_the_text() {
        let text =
            "# b\n[book]\nid=1\n[[version]] # x\na = 1\n[[version.component]]\n  [[ version ]]\nb = 2\n";
        let pieces = cut(text).unwrap();
        assert_eq!(pieces.versions.len(), 2);
        assert_eq!(pieces.head + &pieces.versions.concat(), text);
    }

    #[test]
    fn a_head_that_goes_on_below_a_version_is_refused() {
        assert_eq!(cut("[book]\n[[version]]\n[states.vm]\n"), Err(Refusal::BookNotInPieces));
    }

    #[test]
    fn own_prices_are_a_book_that_tells_them_again() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let executor = OwnPrices::Executor(ExecutorPrices {
            job: price("0.50"),
            second: price("0.0002"),
            core_second: price("0.000611111"),
            gpu_second: price("0.0305"),
            megabyte: price("0.000012"),
        });
        for prices in [executor, OwnPrices::Storage(price("0.000095")), OwnPrices::Api(price("0"))] {
            let id = BookId::new("own").unwrap();
            let head = own_head(&id, &Text::new("Europe/Moscow").unwrap(), Currency::RUB);
            let version = version_of(&head, &own_version(jiff::civil::date(2026, 10, 1), &prices)).unwrap();
            assert_eq!(own_prices(&version), Some(prices));
        }
    }
}
