//! Local time of Moscow: milliseconds since the sample's first midnight, at a constant +03:00.

use jiff::ToSpan;
use jiff::civil::Date;

/// A second.
pub const SECOND_MS: u64 = 1_000;
/// A minute.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// An hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// A day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// Writes instants, and knows the days of the week.
#[derive(Debug)]
pub struct Clock {
    start: Date,
    /// The weekday of day 0, Monday being 0.
    start_weekday: u64,
    /// The day that `written` is the date of.
    written_day: u64,
    written: String,
}

impl Clock {
    /// The clock of a sample that begins with that day.
    pub fn new(start: Date) -> Clock {
        let start_weekday = u64::try_from(start.weekday().to_monday_zero_offset()).unwrap_or(0);
        Clock { start, start_weekday, written_day: 0, written: start.to_string() }
    }

    /// The year of the first day.
    pub fn start_year(&self) -> u64 {
        u64::try_from(self.start.year()).unwrap_or(0)
    }

    /// The day of the week, Monday being 0.
    pub fn weekday(&self, at_ms: u64) -> u64 {
        (self.start_weekday + at_ms / DAY_MS) % 7
    }

    /// Whether people work on that day.
    pub fn is_working_day(&self, at_ms: u64) -> bool {
        self.weekday(at_ms) < 5
    }

    /// How many times rarer things happen than at noon of a working day.
    pub fn quietness(&self, at_ms: u64) -> u64 {
        let hour = at_ms % DAY_MS / HOUR_MS;
        match (self.is_working_day(at_ms), (9..19).contains(&hour)) {
            (true, true) => 1,
            (true, false) => 4,
            (false, _) => 6,
        }
    }

    /// The midnight that begins the next working day.
    pub fn next_working_day_ms(&self, at_ms: u64) -> u64 {
        let next = (at_ms / DAY_MS + 1) * DAY_MS;
        let weekend_days = 7_u64.saturating_sub(self.weekday(next)) % 7;
        if self.is_working_day(next) { next } else { next + weekend_days * DAY_MS }
    }

    /// Writes an instant as RFC 3339.
    pub fn write(&mut self, at_ms: u64, text: &mut Vec<u8>) {
        let day = at_ms / DAY_MS;
        if day != self.written_day {
            // The limits of the options keep every date within the years that a date can have.
            let date = i64::try_from(day).ok().and_then(|day| self.start.checked_add(day.days()).ok());
            self.written = date.unwrap_or(self.start).to_string();
            self.written_day = day;
        }
        text.extend_from_slice(self.written.as_bytes());
        let time = at_ms % DAY_MS;
        for (mark, part) in
            [(b'T', time / HOUR_MS), (b':', time / MINUTE_MS % 60), (b':', time / SECOND_MS % 60)]
        {
            text.push(mark);
            text.push(digit(part / 10));
            text.push(digit(part));
        }
        text.push(b'.');
        text.extend([digit(time / 100), digit(time / 10), digit(time)]);
        text.extend_from_slice(b"+03:00");
    }
}

/// The last digit of a number.
pub fn digit(number: u64) -> u8 {
    b"0123456789"[usize::try_from(number % 10).unwrap_or(0)]
}
