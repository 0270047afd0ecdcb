//! The local clock, watched from hour to hour: which second lies in which clock hour, day and month.
//!
//! A day is the latest date that the clock has shown so far. So it begins at the first instant at which the clock
//! shows it, lasts when the clock is set back to the day before, and a date that the clock jumps over has none.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use kopeck_rating::calendar::{MonthName, Second};

/// Seconds of an hour that no clock change cuts.
const HOUR: i64 = 3_600;
/// Seconds of a day that no clock change cuts.
const DAY: i64 = 24 * HOUR;
/// The clock is watched from three days before the first second that matters: by then it has shown the latest
/// date so far and the start of the hour.
const BEFORE: i64 = 3 * DAY;

/// The local clock of a zone.
pub(crate) struct Clock<'a> {
    zone: &'a TimeZone,
}

/// A stretch of time in which the clock shows one date and hour and is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Its first second.
    pub start: Second,
    /// The second after its last.
    pub end: Second,
    /// The first second of the clock hour that it lies in.
    pub hour: Second,
    /// The day that it lies in.
    pub day: Date,
}

/// A local month.
#[derive(Debug, Clone)]
pub(crate) struct Month {
    /// Its name.
    pub name: MonthName,
    /// Its first second.
    pub start: Second,
    /// The first second of the next month.
    pub end: Second,
    /// What the clock does in it, from its first second to its last.
    pub stretches: Vec<Stretch>,
}

impl Month {
    /// How many days it has: those that the clock jumps over are none.
    pub fn days(&self) -> usize {
        self.stretches.chunk_by(|one, other| one.day == other.day).count()
    }

    /// How many seconds it has.
    pub fn seconds(&self) -> i64 {
        self.end - self.start
    }
}

impl<'a> Clock<'a> {
    /// The clock of that zone.
    pub fn of(zone: &'a TimeZone) -> Clock<'a> {
        Clock { zone }
    }

    /// The first second of a day, or of the next that there is.
    pub fn day_start(&self, date: Date) -> Second {
        // No clock is a whole day off that of Greenwich by more than some hours.
        let about = TimeZone::UTC.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible();
        let about = about.map_or(0, Timestamp::as_second);
        let stretches = self.watch(about - 2 * DAY, about + 4 * DAY);
        stretches.iter().find(|stretch| stretch.day >= date).map_or(about, |stretch| stretch.start)
    }

    /// The months that have a second of `[from, to)`, in order.
    pub fn months(&self, from: Second, to: Second) -> Vec<Month> {
        let Some(day) = self.watch(from, to).first().map(|stretch| stretch.day) else { return Vec::new() };
        let mut months = Vec::new();
        let mut first = day.first_of_month();
        let mut start = self.day_start(first);
        while start < to {
            let next = first.saturating_add(1.month());
            let end = self.day_start(next);
            months.push(Month { name: MonthName::of(first), start, end, stretches: self.watch(start, end) });
            (first, start) = (next, end);
        }
        months
    }

    /// What the clock does in `[from, to)`.
    pub fn watch(&self, from: Second, to: Second) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut start = from - BEFORE;
        let (mut hour, mut day) = (start, self.shows(start).date());
        while start < to {
            let end = self.next_stop(start);
            if end > from {
                stretches.push(Stretch { start: start.max(from), end: end.min(to), hour, day });
            }
            if self.begins_an_hour(end) {
                hour = end;
            }
            day = day.max(self.shows(end).date());
            start = end;
        }
        stretches
    }

    /// The next full hour on the clock, or the next change of the clock if that is earlier.
    fn next_stop(&self, second: Second) -> Second {
        let full_hour = second + HOUR - (second + self.offset(second)).rem_euclid(HOUR);
        let change = self.zone.following(instant(second)).next().map(|change| change.timestamp().as_second());
        change.map_or(full_hour, |change| change.min(full_hour))
    }

    /// Whether a clock hour ends just before that second: the clock shows another date or hour than it did, or
    /// was set back.
    fn begins_an_hour(&self, second: Second) -> bool {
        let [before, after] = [second - 1, second].map(|second| self.shows(second));
        let set_back = self.offset(second) < self.offset(second - 1);
        set_back || (before.date(), before.hour()) != (after.date(), after.hour())
    }

    /// What the clock shows.
    fn shows(&self, second: Second) -> DateTime {
        self.zone.to_datetime(instant(second))
    }

    /// By how many seconds the clock is ahead of that of Greenwich.
    fn offset(&self, second: Second) -> i64 {
        i64::from(self.zone.to_offset(instant(second)).seconds())
    }
}

/// Rating accepts the years 1900 to 2199, so the sum lies far within what the type holds.
fn instant(second: Second) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}
