//! What storages have charged their projects, day by day.
//!
//! A clean-up charges a project at most once per local day; a second one on that day charges only what the volume
//! has grown (ledger.md). So the volume that is charged is kept for each storage, project and day.

use std::collections::BTreeMap;

use kopeck_rating::calendar::Calendar;
use kopeck_rating::number::Number;

use crate::amount::Amount;
use crate::name::{Moment, Text};

/// Days before the last one whose volumes are kept; a clean-up that is reported later than that is refused.
pub const DAYS_KEPT: i32 = 62;

/// A local day, as days since 1970-01-01.
pub type Day = i32;

/// The day and volume that a storage payment charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageDay {
    /// The local day of the clean-up, in the workspace's zone.
    pub day: Day,
    /// What the volume has grown since it was last charged on that day, in MB: above zero. Below zero in a reversal,
    /// which lets the day be charged again.
    pub grown: Number,
}

/// The volumes that one storage has charged one project, in MB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Charged {
    days: BTreeMap<Day, Number>,
}

impl Charged {
    /// The volume that is charged for a day. `None` for a day that is too old to be kept.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<Number> {
        let kept = self.days.last_key_value().is_none_or(|(last, _)| day >= last.saturating_sub(DAYS_KEPT));
        kept.then(|| self.days.get(&day).copied().unwrap_or(Number::ZERO))
    }

    /// Adds a volume to a day; takes it off in a reversal. What is too old to be kept is forgotten.
    /// `None`, and nothing changes, where the day's volume would lie outside 0 to 10¹².
    pub(crate) fn add(&mut self, charge: StorageDay) -> Option<()> {
        let Some(before) = self.on(charge.day) else { return Some(()) };
        let after = Number::from_units(before.units().checked_add(charge.grown.units())?)?;
        if after.is_negative() {
            return None;
        }
        if after == Number::ZERO {
            self.days.remove(&charge.day);
        } else {
            self.days.insert(charge.day, after);
        }
        let oldest = self.days.last_key_value().map(|(last, _)| last.saturating_sub(DAYS_KEPT));
        self.days.retain(|day, _| oldest.is_none_or(|oldest| *day >= oldest));
        Some(())
    }

    /// Whether no volume is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The days that are kept, ascending, each with its volume.
    pub fn days(&self) -> impl ExactSizeIterator<Item = (Day, Number)> {
        self.days.iter().map(|(day, volume)| (*day, *volume))
    }

    /// What days were kept.
    pub(crate) fn of_days(days: BTreeMap<Day, Number>) -> Charged {
        Charged { days }
    }
}

/// The local day of an instant in an IANA zone, or in UTC. `None` for a zone that is not known.
#[must_use]
pub fn local_day(at: Moment, zone: Option<&Text>) -> Option<Day> {
    let calendar = Calendar::of_zone(zone.map_or("UTC", Text::as_str))?;
    let date = calendar.local(at.nanoseconds().div_euclid(1_000_000_000)).ok()?.date();
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(date).ok().map(|span| span.get_days())
}

/// price × volume, rounded half to even to 10⁻⁶. `None` beyond 128 bits, which is beyond any amount.
#[must_use]
pub fn price_of(price: Number, volume: Number) -> Option<Amount> {
    const TO_MICROS: i128 = 1_000_000_000_000;
    let exact = price.units().checked_mul(volume.units())?;
    let (whole, rest) = (exact.div_euclid(TO_MICROS), exact.rem_euclid(TO_MICROS));
    let up = rest * 2 > TO_MICROS || (rest * 2 == TO_MICROS && whole % 2 != 0);
    Some(Amount::from_micros(whole + i128::from(up)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::from_json(text).unwrap()
    }

    #[test]
    fn a_volume_is_kept_for_its_day_until_that_is_too_old() {
        let mut charged = Charged::default();
        let grow = |day, mb: &str| StorageDay { day, grown: number(mb) };
        charged.add(grow(100, "7")).unwrap();
        charged.add(grow(100, "2.5")).unwrap();
        assert_eq!(charged.on(100), Some(number("9.5")));
        assert_eq!(charged.on(99), Some(Number::ZERO));
        charged.add(grow(163, "1")).unwrap();
        assert_eq!(charged.on(100), None);
        assert_eq!(charged.days().count(), 1);
        assert_eq!(charged.add(grow(163, "-2")), None);
        charged.add(grow(163, "-1")).unwrap();
        assert!(charged.is_empty());
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        let moment = |text: &str| Moment::try_from(text.parse::<jiff::Timestamp>().unwrap()).unwrap();
        let moscow = Text::new("Europe/Moscow").unwrap();
        let day = |text, zone| local_day(moment(text), zone);
        assert_eq!(day("1970-01-02T20:59:59Z", Some(&moscow)), Some(1));
        assert_eq!(day("1970-01-02T21:00:00Z", Some(&moscow)), Some(2));
        assert_eq!(day("1969-12-31T23:59:59Z", None), Some(-1));
        assert_eq!(day("2026-11-22T00:00:00Z", Some(&Text::new("Mars/Base").unwrap())), None);
    }

    #[test]
    fn a_volume_is_priced_with_one_rounding() {
        let price = |price: &str, mb: &str| price_of(number(price), number(mb)).unwrap().to_string();
        assert_eq!(price("0.002", "1024"), "2.048000");
        assert_eq!(price("0.000001", "0.5"), "0.000000");
        assert_eq!(price("0.000001", "1.5"), "0.000002");
        assert_eq!(price("0.000000001", "500.000001"), "0.000001");
    }
}
