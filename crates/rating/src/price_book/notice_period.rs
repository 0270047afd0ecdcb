//! The notice of price changes: a version is announced at least 30 days before it takes effect, unless it does
//! nothing but lower prices or remove components (rating.md, "Price book").

use jiff::civil::Date;
use jiff::{Span, Unit};

use super::change::{Change, Verdict, VersionOf, changes};
use super::{PriceBook, Version};

/// A version is announced at least so many days before it takes effect.
pub const NOTICE_DAYS: i64 = 30;

/// A version that takes effect too early.
#[derive(Debug, Clone)]
pub struct Breach<'b> {
    /// The version.
    pub version: &'b Version,
    /// What it does besides lowering prices and removing components; at least one.
    pub changes: Vec<Change<'b>>,
    /// How many days lie between its announcement and its effect, negative where it was announced afterwards;
    /// `None` where it was never announced.
    pub days: Option<i64>,
    /// The earliest date on which it may take effect, where it was announced.
    pub earliest: Option<Date>,
}

/// The versions of a book that take effect too early, by what the book says of their announcement.
#[must_use]
pub fn breaches(book: &PriceBook) -> Vec<Breach<'_>> {
    let announced = |number: usize| book.versions()[number].announced;
    (1..book.versions().len()).filter_map(|number| breach(book, number, announced(number))).collect()
}

/// Whether a version takes effect too early, if it was announced on that day. The first version is exempt.
#[must_use]
pub fn breach(book: &PriceBook, number: usize, announced: Option<Date>) -> Option<Breach<'_>> {
    let after = VersionOf::new(book, number)?;
    let before = VersionOf::new(book, number.checked_sub(1)?)?;
    let version = after.version();
    let earliest = announced.and_then(|date| date.checked_add(Span::new().days(NOTICE_DAYS)).ok());
    if earliest.is_some_and(|earliest| earliest <= version.effective) {
        return None;
    }
    let mut changes = changes(before, after);
    changes.retain(needs_notice);
    let days = announced.and_then(|date| date.until((Unit::Day, version.effective)).ok());
    let days = days.map(|span| i64::from(span.get_days()));
    (!changes.is_empty()).then_some(Breach { version, changes, days, earliest })
}

/// Whether the payers of a change must be told of it before.
#[must_use]
pub fn needs_notice(change: &Change<'_>) -> bool {
    !matches!(change.verdict(), Verdict::Lowered | Verdict::Removed)
}

#[cfg(test)]
mod tests;
