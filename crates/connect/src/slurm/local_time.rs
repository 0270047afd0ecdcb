//! Local times of a cluster, which sacct prints without an offset.
//!
//! A time that the clock jumped over never was, and is refused. A time that the clock showed twice is two instants:
//! the pair of start and end is taken whose distance is the elapsed time, or if none is, the shortest that holds
//! it; among equals the earlier. Only a job that began and ended within the hour that was repeated stays in doubt,
//! by an hour on the calendar and by nothing in its length. Times with an offset are in no doubt at all.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::columns::{Field, Row};
use crate::convert::{Flaw, quoted};

/// What a time may mean: one instant, or two where the clock was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instants {
    earlier: Timestamp,
    later: Option<Timestamp>,
}

impl Instants {
    fn each(self) -> impl Iterator<Item = Timestamp> + Clone {
        std::iter::once(self.earlier).chain(self.later)
    }
}

/// Reads a time, in whole seconds: `2026-10-05T10:00:00` in the given zone, or with an offset.
pub(super) fn read(row: &Row, field: Field, zone: &TimeZone) -> Result<Instants, Flaw> {
    let text = row.text(field)?;
    let refuse = |reason: String, remedy| Err(Flaw::of_field(field.name(), reason, remedy));
    let Ok(local) = DateTime::strptime("%Y-%m-%dT%H:%M:%S", text) else {
        return match text.parse::<Timestamp>() {
            Ok(instant) => Ok(Instants { earlier: whole_second(instant), later: None }),
            Err(_) => refuse(
                format!("{} is not a time such as 2026-10-05T10:00:00", quoted(text)),
                "export times as sacct prints them by default",
            ),
        };
    };
    let ambiguous = zone.to_ambiguous_timestamp(local);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        let zone = zone.iana_name().unwrap_or("the time zone");
        return refuse(
            format!("{text} never was in {zone}: the clock was set forward over it"),
            "name the time zone of the cluster with --timezone",
        );
    }
    match (ambiguous.earlier(), ambiguous.later()) {
        (Ok(earlier), Ok(later)) => {
            Ok(Instants { earlier, later: Some(later).filter(|later| *later != earlier) })
        }
        _ => refuse(format!("{text} is beyond all calendars"), "check the clock of the cluster"),
    }
}

/// Start and end of a job that ran so many seconds.
pub(super) fn choose(
    start: &Instants,
    end: &Instants,
    elapsed_s: u64,
) -> Result<(Timestamp, Timestamp), Flaw> {
    let elapsed = i64::try_from(elapsed_s).map_or(SignedDuration::MAX, SignedDuration::from_secs);
    let pairs = start.each().flat_map(|start| end.each().map(move |end| (start, end)));
    let span = |(start, end): &(Timestamp, Timestamp)| end.duration_since(*start);
    let shortest = pairs.clone().filter(|pair| span(pair) >= elapsed).min_by_key(span);
    shortest.ok_or_else(|| {
        let longest = pairs.map(|pair| span(&pair)).max().unwrap_or_default();
        if longest.is_negative() {
            let reason = format!("is {} s before the start", -longest.as_secs());
            return Flaw::of_field(
                Field::End.name(),
                reason,
                "check the clocks of the cluster, and --timezone",
            );
        }
        let reason = format!("{elapsed_s} s is longer than the {} s from start to end", longest.as_secs());
        Flaw::of_field(
            Field::Elapsed.name(),
            reason,
            "check the record; if the clock was set back meanwhile, name the cluster's zone with --timezone",
        )
    })
}

fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
