//! Reads a price book from TOML. All problems are reported at once; a book that has one is not a book.
//!
//! Here are the book's own fields; [`versions`], [`component`], [`when`], [`model`] and [`states`] read what stands
//! below them.

mod component;
mod model;
mod states;
mod versions;
mod when;

use toml::Spanned;
use toml::de::DeTable;

use super::fields::{Limit, Problems, Table, parse, quoted};
pub use super::fields::{Problem, shortened, visible};
use super::{PriceBook, StateLists, Vat};
use crate::calendar::Calendar;

/// The rate of VAT lies below 10³ per cent.
const VAT_RATE: Limit = Limit { digits: 3, remedy: "write per cent such as \"22\", or \"none\"" };

impl PriceBook {
    /// Reads a book from TOML text.
    ///
    /// # Errors
    /// Every [`Problem`] that the text has, in the order of the file.
    pub fn read(text: &str) -> Result<PriceBook, Vec<Problem>> {
        let root = parse(text)?;
        let mut problems = Problems::default();
        let book = read_book(&root, &mut problems);
        match book {
            Some(book) if problems.0.is_empty() => Ok(book),
            _ => Err(problems.sorted()),
        }
    }
}

fn read_book<'a>(root: &'a Spanned<DeTable<'a>>, problems: &mut Problems) -> Option<PriceBook> {
    let root = Table::new("the price book", (root.get_ref(), 0..0));
    root.refuse_unknown(&["book", "states", "version"], problems);
    root.need("book", problems);
    let head = root.table("book", "write [book], with one bracket", problems).map(|mut head| {
        "[book]".clone_into(&mut head.name);
        head.refuse_unknown(&["id", "currency", "timezone", "vat"], problems);
        head
    });
    let states = states::read(&root, problems);
    let remedy = "name the book, such as \"msk-private\"";
    let id = head.as_ref().and_then(|head| head.need_text("id", remedy, problems));
    let currency = head.as_ref().and_then(|head| read_currency(head, problems));
    let zone = head.as_ref().and_then(|head| read_zone(head, problems));
    let vat = head.as_ref().and_then(|head| read_vat(head, problems));
    // Without a zone the versions can still be checked; their instants are those of UTC then, and not used.
    let calendar = match &zone {
        Some((_, calendar)) => calendar.clone(),
        None => Calendar::of_zone("UTC")?,
    };
    let versions = versions::read(&root, &calendar, problems);
    let (zone_name, calendar) = zone?;
    Some(PriceBook {
        id: id?.0.to_owned(),
        currency: currency?,
        zone_name,
        calendar,
        vat,
        states,
        default_states: StateLists::default(),
        versions: versions?,
    })
}

fn read_currency(head: &Table<'_>, problems: &mut Problems) -> Option<String> {
    let remedy = "write its ISO 4217 code, three capital letters such as \"RUB\"";
    let (text, span) = head.need_text("currency", remedy, problems)?;
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(text.to_owned());
    }
    problems.add(span, format!("[book]: `currency` is {}", quoted(text)), remedy)
}

fn read_zone(head: &Table<'_>, problems: &mut Problems) -> Option<(String, Calendar)> {
    let remedy = "write an IANA name such as \"Europe/Moscow\"";
    let (text, span) = head.need_text("timezone", remedy, problems)?;
    match Calendar::of_zone(text) {
        Some(calendar) => Some((text.to_owned(), calendar)),
        None => problems.add(span, format!("[book]: `timezone` {} is unknown", quoted(text)), remedy),
    }
}

/// The VAT of a book, a version or a component, if it says one.
fn read_vat(table: &Table<'_>, problems: &mut Problems) -> Option<Vat> {
    let remedy = "write it like { rate = \"22\", included = true }";
    let vat = table.table("vat", remedy, problems)?;
    vat.refuse_unknown(&["rate", "included"], problems);
    let included = vat.truth("included", problems);
    if vat.get("rate").is_some_and(|rate| rate.get_ref().as_str() == Some("none")) {
        return Some(Vat { rate: None, included: included.unwrap_or(true) });
    }
    vat.need("rate", problems);
    let rate = vat.decimal("rate", VAT_RATE, problems);
    vat.need("included", problems);
    Some(Vat { rate: Some(rate?), included: included? })
}

#[cfg(test)]
mod tests;
