//! The days of a statement: an account's entries in them, and its balance before.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kopeck_api::account::zone_name;
use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::Moment;
use kopeck_ledger::statement::{Line, lines};
use kopeck_store::{Span, Store};

use super::{DocumentError, unread};

/// Local days of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first day; `None` is that of the first entry.
    pub from: Option<Date>,
    /// The day before which it ends; `None` is after the last entry.
    pub to: Option<Date>,
}

/// An account's entries in a period, oldest first.
pub struct Entries {
    /// The balance before the first.
    pub opening: Amount,
    /// The lines.
    pub lines: Vec<Line>,
    zone: TimeZone,
}

impl Entries {
    /// Reads the entries of an account in a period of its local days, if they are at most so many.
    ///
    /// # Errors
    /// [`DocumentError`] of all kinds but that of writing.
    pub fn read(
        account: &Account,
        period: Period,
        most: usize,
        store: &dyn Store,
    ) -> Result<Entries, DocumentError> {
        let zone = zone_of(account)?;
        if let (Some(from), Some(to)) = (period.from, period.to)
            && from >= to
        {
            return Err(DocumentError::PeriodEmpty { from, to });
        }
        let from = period.from.map_or(Ok(Moment::FIRST), |date| start_of(date, &zone))?;
        let to = period.to.map_or(Ok(Moment::LAST), |date| start_of(date, &zone))?;
        let span = Span { from, to, before: None, limit: most };
        let history =
            store.history(account.opening.id, span)?.ok_or_else(|| unread("the account's history"))?;
        if history.next.is_some() {
            return Err(DocumentError::TooManyLines(most));
        }
        let number = account.opening.number;
        let lines: Vec<Line> =
            history.records.iter().rev().flat_map(|record| lines(record, number)).collect();
        let opening = lines.iter().try_fold(history.closing, |sum, line| sum.checked_sub(line.amount));
        Ok(Entries { opening: opening.ok_or(DocumentError::Overflow)?, lines, zone })
    }

    /// The account's local date of an instant.
    #[must_use]
    pub fn date(&self, at: Moment) -> Date {
        at.timestamp().to_zoned(self.zone.clone()).date()
    }

    /// The account's local time of an instant.
    #[must_use]
    pub fn local(&self, at: Moment) -> String {
        at.timestamp().to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

fn zone_of(account: &Account) -> Result<TimeZone, DocumentError> {
    let name = zone_name(account);
    TimeZone::get(name).map_err(|_| DocumentError::UnknownZone(name.to_owned()))
}

fn start_of(date: Date, zone: &TimeZone) -> Result<Moment, DocumentError> {
    let start = date.to_zoned(zone.clone()).ok().and_then(|start| Moment::try_from(start.timestamp()).ok());
    start.ok_or(DocumentError::DayOutOfRange(date))
}
