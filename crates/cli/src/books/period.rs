//! The days of a statement: an account's entries in them, and its balance before.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kopeck_ledger::account::Account;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{Moment, Text};
use kopeck_ledger::statement::{Line, lines};
use kopeck_store::{Span, Store, StoreError};

use super::open::{Books, failed};
use crate::args::Period;
use crate::failure::Failure;

/// An account's entries in a period, oldest first.
pub struct Entries {
    /// The balance before the first.
    pub opening: Amount,
    /// The lines.
    pub lines: Vec<Line>,
    zone: TimeZone,
}

impl Entries {
    /// Reads the entries of an account in a period of its local days.
    pub fn read(account: &Account, period: &Period, books: &Books) -> Result<Entries, Failure> {
        let zone = zone_of(account)?;
        if let (Some(from), Some(to)) = (period.from, period.to)
            && from >= to
        {
            return Err(Failure::input(
                format!("--to {to} is not after --from {from}"),
                None,
                "the period ends before the day --to: give a later one",
            ));
        }
        let from = period.from.map_or(Ok(Moment::FIRST), |date| start_of(date, &zone))?;
        let to = period.to.map_or(Ok(Moment::LAST), |date| start_of(date, &zone))?;
        let span = Span { from, to, before: None, limit: usize::MAX };
        let history = books.store.history(account.opening.id, span).map_err(|error| failed(&error))?;
        let unread = || failed(&StoreError::Corrupt("the account's history can not be read".to_owned()));
        let history = history.ok_or_else(unread)?;
        let number = account.opening.number;
        let lines: Vec<Line> =
            history.records.iter().rev().flat_map(|record| lines(record, number)).collect();
        let opening = lines.iter().try_fold(history.closing, |sum, line| sum.checked_sub(line.amount));
        Ok(Entries { opening: opening.ok_or(Failure::Overflow)?, lines, zone })
    }

    /// The account's local date of an instant.
    pub fn date(&self, at: Moment) -> Date {
        at.timestamp().to_zoned(self.zone.clone()).date()
    }

    /// The account's local time of an instant.
    pub fn local(&self, at: Moment) -> String {
        at.timestamp().to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// The name of an account's time zone.
pub fn zone_name(account: &Account) -> &str {
    account.opening.zone.as_ref().map_or("UTC", Text::as_str)
}

fn zone_of(account: &Account) -> Result<TimeZone, Failure> {
    let name = zone_name(account);
    TimeZone::get(name).map_err(|_| {
        Failure::input(format!("the account's time zone {name} is not known"), None, "use a newer kopeck")
    })
}

fn start_of(date: Date, zone: &TimeZone) -> Result<Moment, Failure> {
    let start = date.to_zoned(zone.clone()).ok().and_then(|start| Moment::try_from(start.timestamp()).ok());
    start.ok_or_else(|| {
        Failure::input(
            format!("{date} lies outside the years 1900 to 2199"),
            None,
            "give --from and --to within them",
        )
    })
}
