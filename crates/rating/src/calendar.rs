//! The local calendar of a price book: which second lies in which month, day and clock hour.
//!
//! Rating counts in whole seconds of Unix time. A local day begins at its first instant, be that midnight or,
//! where the clock jumps over midnight, what comes after the jump; days and months partition time, so no second
//! is billed twice and none is lost. A local clock hour ends where the clock shows a full hour and wherever it is
//! set back or jumps to another hour, so an hour that the clock repeats counts twice. The zones are those
//! bundled with the program: the same events give the same charges on every machine.

use std::fmt;

use jiff::civil::{self, Date};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

/// Whole seconds since 1970-01-01T00:00:00Z. Intervals of them are half-open.
pub type Second = i64;

/// Dates and instants that rating accepts: the years 1900 to 2199.
pub const FIRST_YEAR: i16 = 1900;
/// See [`FIRST_YEAR`].
pub const LAST_YEAR: i16 = 2199;

/// A date outside [`FIRST_YEAR`] to [`LAST_YEAR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lies outside the years {FIRST_YEAR} to {LAST_YEAR}")]
pub struct OutOfRange;

/// Whether an instant lies in the years that rating accepts, in any zone.
///
/// # Errors
/// [`OutOfRange`] where it does not.
pub fn check_instant(time: Timestamp) -> Result<Timestamp, OutOfRange> {
    let year = time.to_zoned(TimeZone::UTC).year();
    if (FIRST_YEAR..=LAST_YEAR).contains(&year) { Ok(time) } else { Err(OutOfRange) }
}

/// A time zone's calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

/// A month of the local calendar, printed as `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthName {
    year: i16,
    month: i8,
}

impl fmt::Display for MonthName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl MonthName {
    /// The month that a date lies in.
    #[must_use]
    pub fn of(date: Date) -> MonthName {
        MonthName { year: date.year(), month: date.month() }
    }

    /// Months since January of the year 0: consecutive months have consecutive numbers.
    #[must_use]
    pub fn number(self) -> u16 {
        let months = i32::from(self.year) * 12 + i32::from(self.month) - 1;
        u16::try_from(months).unwrap_or(0)
    }
}

/// One local month, with the first second of each of its days.
#[derive(Debug, Clone)]
pub struct Month {
    /// Its name.
    pub name: MonthName,
    /// Its first second.
    pub start: Second,
    /// The first second of the next month.
    pub end: Second,
    /// First seconds of the days that exist (a day that the zone skipped does not), ascending.
    days: Vec<Second>,
}

impl Month {
    /// How many local days the month has.
    #[must_use]
    pub fn day_count(&self) -> i64 {
        i64::try_from(self.days.len()).unwrap_or(i64::MAX)
    }

    /// The number of the day, from 0, that holds a second of this month.
    #[must_use]
    pub fn day_index(&self, second: Second) -> i64 {
        let after = self.days.partition_point(|start| *start <= second);
        i64::try_from(after).unwrap_or(i64::MAX) - 1
    }

    /// The first second of a day of that number.
    #[must_use]
    pub fn day_start(&self, index: i64) -> Option<Second> {
        usize::try_from(index).ok().and_then(|index| self.days.get(index)).copied()
    }

    /// How many seconds the month has.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.end - self.start
    }
}

impl Calendar {
    /// The calendar of an IANA time zone, such as `Europe/Moscow`; `None` for a name that is none.
    #[must_use]
    pub fn of_zone(name: &str) -> Option<Calendar> {
        TimeZoneDatabase::bundled().get(name).ok().map(|zone| Calendar { zone })
    }

    /// The zone itself.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first second of a local day; of a day that the zone skipped, the first second of the next one.
    ///
    /// # Errors
    /// [`OutOfRange`] outside the years that rating accepts.
    pub fn day_start(&self, date: Date) -> Result<Second, OutOfRange> {
        if !(FIRST_YEAR..=LAST_YEAR + 1).contains(&date.year()) {
            return Err(OutOfRange);
        }
        let midnight = date.at(0, 0, 0, 0);
        let ambiguous = self.zone.to_ambiguous_timestamp(midnight);
        let start = match ambiguous.offset() {
            // Midnight does not exist: the day begins at the instant of the jump.
            AmbiguousOffset::Gap { .. } => {
                let after_jump = ambiguous.later().map_err(|_| OutOfRange)?;
                let just_after = after_jump.checked_add(1.second()).map_err(|_| OutOfRange)?;
                self.zone.preceding(just_after).next().map_or(after_jump, |jump| jump.timestamp())
            }
            _ => ambiguous.compatible().map_err(|_| OutOfRange)?,
        };
        Ok(start.as_second())
    }

    /// The months that overlap `[from, to)`, in order.
    ///
    /// # Errors
    /// [`OutOfRange`] outside the years that rating accepts.
    pub fn months(&self, from: Second, to: Second) -> Result<Vec<Month>, OutOfRange> {
        let local = self.local(from)?;
        // A local clock set back over midnight shows the month before for a while, so the month of a second may
        // be the one after that of its date: it is looked for from there.
        let mut first = local.date().first_of_month();
        let mut months = Vec::new();
        loop {
            let month = self.month(first)?;
            if month.start >= to {
                return Ok(months);
            }
            if month.end > from {
                months.push(month);
            }
            first = first.checked_add(1.month()).map_err(|_| OutOfRange)?;
        }
    }

    /// The month that a date lies in.
    ///
    /// # Errors
    /// [`OutOfRange`] outside the years that rating accepts.
    pub fn month(&self, date: Date) -> Result<Month, OutOfRange> {
        let first = date.first_of_month();
        let next = first.checked_add(1.month()).map_err(|_| OutOfRange)?;
        let [start, end] = [self.day_start(first)?, self.day_start(next)?];
        let mut days = Vec::with_capacity(31);
        for date in first.series(1.day()).take_while(|date| *date < next) {
            days.push(self.day_start(date)?);
        }
        days.dedup();
        days.retain(|day| *day < end);
        Ok(Month { name: MonthName::of(first), start, end, days })
    }

    /// What the local clock shows at a second.
    ///
    /// # Errors
    /// [`OutOfRange`] outside the years that rating accepts.
    pub fn local(&self, second: Second) -> Result<civil::DateTime, OutOfRange> {
        Ok(self.zone.to_datetime(instant(second)?))
    }

    /// Numbers the local clock hours of `[from, to)`.
    ///
    /// # Errors
    /// [`OutOfRange`] outside the years that rating accepts.
    pub fn hours(&self, from: Second, to: Second) -> Result<Hours, OutOfRange> {
        let offset = |second| Ok(i64::from(self.zone.to_offset(instant(second)?).seconds()));
        let mut stretches = vec![Stretch { from, offset: offset(from)?, first: 0 }];
        for jump in self.zone.following(instant(from)?) {
            let second = jump.timestamp().as_second();
            if second >= to {
                break;
            }
            let before = stretches[stretches.len() - 1];
            let shift = offset(second)? - before.offset;
            if shift == 0 {
                continue;
            }
            let last = before.index(second - 1);
            let same_hour = shift > 0
                && (second - 1 + before.offset).div_euclid(HOUR)
                    == (second + before.offset + shift).div_euclid(HOUR);
            let first = if same_hour { last } else { last + 1 };
            stretches.push(Stretch { from: second, offset: before.offset + shift, first });
        }
        Ok(Hours { stretches })
    }
}

/// Seconds of an hour.
const HOUR: i64 = 3_600;

fn instant(second: Second) -> Result<Timestamp, OutOfRange> {
    Timestamp::from_second(second).map_err(|_| OutOfRange)
}

/// Consecutive numbers for the local clock hours of a span.
#[derive(Debug, Clone)]
pub struct Hours {
    stretches: Vec<Stretch>,
}

/// A stretch of constant offset; `first` is the number of the hour that holds `from`.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Second,
    offset: i64,
    first: i64,
}

impl Stretch {
    fn index(&self, second: Second) -> i64 {
        self.first + (second + self.offset).div_euclid(HOUR) - (self.from + self.offset).div_euclid(HOUR)
    }
}

impl Hours {
    /// The first second of the clock hour of that number, or the first of the span where it began before.
    #[must_use]
    pub fn start(&self, index: i64) -> Second {
        let after = self.stretches.partition_point(|stretch| stretch.first < index);
        let holds = |(number, stretch): &(usize, &Stretch)| {
            let next = self.stretches.get(number + 1);
            stretch.first <= index && next.is_none_or(|next| stretch.index(next.from - 1) >= index)
        };
        let stretch = self.stretches.iter().enumerate().skip(after.saturating_sub(1)).find(holds);
        stretch.map_or(Second::MAX, |(_, stretch)| {
            let hour = (stretch.from + stretch.offset).div_euclid(HOUR) + index - stretch.first;
            (hour * HOUR - stretch.offset).max(stretch.from)
        })
    }

    /// The number of the clock hour that holds a second of the span.
    #[must_use]
    pub fn index(&self, second: Second) -> i64 {
        let after = self.stretches.partition_point(|stretch| stretch.from <= second);
        self.stretches[after.saturating_sub(1)].index(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn second(text: &str) -> Second {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn starts(zone: &str, year: i16, month: i8, day: i8) -> String {
        let calendar = Calendar::of_zone(zone).unwrap();
        let start = calendar.day_start(date(year, month, day)).unwrap();
        instant(start).unwrap().to_zoned(calendar.zone.clone()).to_string()
    }

    #[test]
    fn a_day_begins_at_its_first_instant() {
        assert_eq!(starts("Europe/Moscow", 2026, 10, 1), "2026-10-01T00:00:00+03:00[Europe/Moscow]");
        // The clock jumps from 00:00 to 01:00.
        assert_eq!(starts("America/Sao_Paulo", 2018, 11, 4), "2018-11-04T01:00:00-02:00[America/Sao_Paulo]");
        // From 23:30 to 00:30.
        assert_eq!(starts("America/Toronto", 1919, 3, 31), "1919-03-31T00:30:00-04:00[America/Toronto]");
        // Midnight comes twice.
        assert_eq!(starts("America/Havana", 2026, 11, 1), "2026-11-01T00:00:00-04:00[America/Havana]");
        // The whole 30 December was skipped.
        assert_eq!(starts("Pacific/Apia", 2011, 12, 30), "2011-12-31T00:00:00+14:00[Pacific/Apia]");
        assert_eq!(starts("Pacific/Apia", 2011, 12, 31), "2011-12-31T00:00:00+14:00[Pacific/Apia]");
    }

    #[test]
    fn days_partition_their_month() {
        for (zone, year, month, days) in [
            ("Europe/Moscow", 2026, 2, 28),
            ("Pacific/Apia", 2011, 12, 30),
            ("America/St_Johns", 2009, 10, 31),
            ("America/Sao_Paulo", 2018, 11, 30),
        ] {
            let month = Calendar::of_zone(zone).unwrap().month(date(year, month, 1)).unwrap();
            assert_eq!(month.day_count(), days, "{zone}");
            assert_eq!(month.day_index(month.start), 0, "{zone}");
            assert_eq!(month.day_index(month.end - 1), days - 1, "{zone}");
        }
    }

    #[test]
    fn months_are_those_that_overlap() {
        let calendar = Calendar::of_zone("Europe/Moscow").unwrap();
        let names = |from: &str, to: &str| {
            let months = calendar.months(second(from), second(to)).unwrap();
            months.iter().map(|month| month.name.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("2026-01-31T20:59:59Z", "2026-02-28T21:00:00Z"), "2026-01 2026-02");
        assert_eq!(names("2026-01-31T21:00:00Z", "2026-02-28T21:00:01Z"), "2026-02 2026-03");
        assert_eq!(names("1900-01-15T00:00:00Z", "1900-01-16T00:00:00Z"), "1900-01");
    }

    fn hours(zone: &str, from: &str, to: &str) -> i64 {
        let [from, to] = [from, to].map(second);
        let hours = Calendar::of_zone(zone).unwrap().hours(from, to).unwrap();
        hours.index(to - 1) - hours.index(from) + 1
    }

    #[test]
    fn an_hour_that_the_clock_repeats_counts_twice() {
        assert_eq!(hours("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"), 25);
        assert_eq!(hours("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), 23);
        // Half an hour back at 02:00: 01:30 to 02:00 comes twice, so does the hour of 1.
        assert_eq!(hours("Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"), 25);
        // Half an hour forward at 02:00: the hour of 2 lasts half an hour.
        assert_eq!(hours("Australia/Lord_Howe", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"), 24);
    }

    #[test]
    fn an_hour_starts_where_its_number_does() {
        for (zone, from, to) in [
            ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
            ("America/St_Johns", "2009-10-31T12:30:00Z", "2009-11-01T12:30:00Z"),
        ] {
            let [from, to] = [from, to].map(second);
            let hours = Calendar::of_zone(zone).unwrap().hours(from, to).unwrap();
            for second in from..to {
                let start = hours.start(hours.index(second));
                assert!(start <= second && hours.index(start) == hours.index(second), "{zone} {second}");
                assert!(start == from || hours.index(start - 1) < hours.index(start), "{zone} {second}");
            }
        }
    }

    #[test]
    fn an_hour_that_a_jump_only_shortens_is_one_hour() {
        // Caracas, 1965: 00:00 became 00:30, so the hour of 0 began at the jump.
        assert_eq!(hours("America/Caracas", "1965-01-01T04:30:00Z", "1965-01-01T05:30:00Z"), 2);
        // Kathmandu moved from +05:30 to +05:45 at local midnight.
        assert_eq!(hours("Asia/Kathmandu", "1985-12-31T17:30:00Z", "1985-12-31T19:15:00Z"), 2);
    }
}
