//! Times of records: with an offset, or local ones of the zone that the options name.
//!
//! A date stands for the first instant of its day. A local time that the clock jumped over never was, and is
//! refused; one that the clock showed twice is the earlier of the two instants. ` UTC` behind a time, as some
//! databases write it, is an offset of zero. Jobs, where a start and an end tell more, have rules of their own
//! (`slurm::local_time`).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use kopeck_rating::calendar;

use crate::convert::{Flaw, quoted};

/// Reads `2026-10-05`, `2026-10-05 10:00:00` or `2026-10-05T10:00:00.25+03:00`.
pub(crate) fn read(field: &'static str, text: &str, zone: &TimeZone) -> Result<Timestamp, Flaw> {
    let refuse = || {
        let reason = format!("{} is not a time such as 2026-10-05T10:00:00Z", quoted(text));
        Flaw::of_field(field, reason, "write times as year-month-day, hour:minute:second")
    };
    // The library also reads ISO 8601's other forms.
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return Err(refuse());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return check(field, instant);
    }
    let utc = TimeZone::UTC;
    let (text, zone) = match text.strip_suffix(" UTC") {
        Some(text) => (text, &utc),
        None => (text, zone),
    };
    let bytes = text.as_bytes();
    let local: DateTime = text.parse().map_err(|_| refuse())?;
    if bytes.len() == "2026-10-05".len() {
        return start_of_day(field, local.date(), zone);
    }
    // Without this, an offset that makes no sense would be dropped in silence.
    let clock = bytes.get(11..).unwrap_or_default();
    if !clock.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')) {
        return Err(refuse());
    }
    let ambiguous = zone.to_ambiguous_timestamp(local);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        let zone = zone.iana_name().unwrap_or("the time zone");
        let reason = format!("{text} never was in {zone}: the clock was set forward over it");
        return Err(Flaw::of_field(field, reason, "name the time zone of the file with --timezone"));
    }
    check(field, ambiguous.earlier().map_err(|_| refuse())?)
}

/// The first instant of a local day.
pub(crate) fn start_of_day(field: &'static str, date: Date, zone: &TimeZone) -> Result<Timestamp, Flaw> {
    let start = date
        .to_zoned(zone.clone())
        .map_err(|_| Flaw::of_field(field, format!("{date} is beyond all calendars"), "check the date"))?;
    check(field, start.timestamp())
}

fn check(field: &'static str, instant: Timestamp) -> Result<Timestamp, Flaw> {
    calendar::check_instant(instant)
        .map_err(|range| Flaw::of_field(field, format!("{instant} {range}"), "check the date"))
}
