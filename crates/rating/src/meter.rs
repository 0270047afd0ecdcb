//! Meters: how much of a component's quantity a month has seen, model by model (rating.md, the table of models).
//!
//! A meter is fed stretches of constant quantity in the order of time and holds quantities, never money. Each
//! answers the sum that the price is applied to: unit-seconds, unit-hours, unit-days, or units.

use crate::calendar::{Hours, Month, Second};
use crate::money::{Exact, Overflow, Quantity};
use crate::number::Number;
use crate::price_book::{Model, Prorate, TierMode, Tiers};

/// A stretch of time in which a quantity holds: within one month, not empty.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Its first second.
    pub start: Second,
    /// The second after its last.
    pub end: Second,
    /// What holds.
    pub quantity: Quantity,
}

/// The meter of one component, resource and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meter {
    /// Σ quantity × seconds.
    Seconds(Quantity),
    /// Σ over hours or days of the largest quantity; the last one stays open.
    Slots {
        /// The number of the open slot.
        slot: i64,
        /// Its largest quantity so far.
        peak: Quantity,
        /// The sum of the closed slots.
        closed: Quantity,
    },
    /// The largest quantity.
    Largest(Quantity),
}

impl Meter {
    /// A meter that has seen one stretch. Models that do not meter the states of one resource have the largest
    /// quantity, which nobody asks for.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn new(model: &Model, stretch: Stretch, month: &Month, hours: &Hours) -> Result<Meter, Overflow> {
        let mut meter = match model {
            Model::PerSecond { .. } | Model::Monthly { prorate: Prorate::Second, .. } => {
                Meter::Seconds(Quantity::ZERO)
            }
            Model::HourlyPeak { .. } | Model::Monthly { prorate: Prorate::Day, .. } => {
                let slot = slot_of(model, stretch.start, month, hours);
                Meter::Slots { slot, peak: stretch.quantity, closed: Quantity::ZERO }
            }
            _ => Meter::Largest(stretch.quantity),
        };
        meter.add(model, stretch, month, hours)?;
        Ok(meter)
    }

    /// Adds a stretch that begins where the last one ended, or later.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn add(
        &mut self,
        model: &Model,
        stretch: Stretch,
        month: &Month,
        hours: &Hours,
    ) -> Result<(), Overflow> {
        let quantity = stretch.quantity;
        match self {
            Meter::Seconds(sum) => *sum = sum.checked_add(quantity.times(stretch.end - stretch.start)?)?,
            Meter::Largest(largest) => *largest = quantity.max(*largest),
            Meter::Slots { slot, peak, closed } => {
                let first = slot_of(model, stretch.start, month, hours);
                let last = slot_of(model, stretch.end - 1, month, hours);
                if first == *slot {
                    *peak = quantity.max(*peak);
                } else {
                    *closed = closed.checked_add(*peak)?;
                    (*slot, *peak) = (first, quantity);
                }
                if last > first {
                    let between = quantity.times(last - first - 1)?;
                    *closed = closed.checked_add(*peak)?.checked_add(between)?;
                    (*slot, *peak) = (last, quantity);
                }
            }
        }
        Ok(())
    }

    /// What the meter shows.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn reading(&self) -> Result<Quantity, Overflow> {
        match self {
            Meter::Seconds(sum) => Ok(*sum),
            Meter::Largest(largest) => Ok(*largest),
            Meter::Slots { peak, closed, .. } => closed.checked_add(*peak),
        }
    }
}

/// The number of the hour or day, whichever the model counts in, that holds a second.
fn slot_of(model: &Model, second: Second, month: &Month, hours: &Hours) -> i64 {
    match model {
        Model::HourlyPeak { .. } => hours.index(second),
        _ => month.day_index(second),
    }
}

/// What a reading costs, exactly: C(t) of rating.md.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn cost(model: &Model, reading: Quantity, month: &Month) -> Result<Exact, Overflow> {
    match model {
        Model::PerSecond { price, per } => reading.priced(*price, per.seconds()),
        Model::Monthly { price, prorate: Prorate::Day } => reading.priced(*price, month.day_count()),
        Model::Monthly { price, prorate: Prorate::Second } => reading.priced(*price, month.seconds()),
        Model::HourlyPeak { price }
        | Model::Monthly { price, prorate: Prorate::None }
        | Model::MonthlyPeak { price, .. }
        | Model::Once { price }
        | Model::PerUse { price } => reading.priced(*price, 1),
        Model::Tiered(tiers) => cost_in_tiers(tiers, reading),
    }
}

fn cost_in_tiers(tiers: &Tiers, sum: Quantity) -> Result<Exact, Overflow> {
    if tiers.mode == TierMode::Volume {
        let tier = tiers.bounded.iter().find(|(up_to, _)| sum <= Quantity::from(*up_to));
        return sum.priced(tier.map_or(tiers.open, |(_, price)| *price), 1);
    }
    let mut cost = Exact::ZERO;
    for part in graduated(tiers, sum)? {
        cost = cost.checked_add(part.quantity.priced(part.price, 1)?)?;
    }
    Ok(cost)
}

/// A part of a sum and the price of its tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierPart {
    /// How much falls into the tier.
    pub quantity: Quantity,
    /// The tier's price.
    pub price: Number,
}

/// Divides a sum among graduated tiers, in their order.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn graduated(tiers: &Tiers, sum: Quantity) -> Result<Vec<TierPart>, Overflow> {
    let mut parts = Vec::new();
    let mut floor = Quantity::ZERO;
    for (up_to, price) in &tiers.bounded {
        let up_to = Quantity::from(*up_to);
        if sum <= up_to {
            parts.push(TierPart { quantity: sum.checked_sub(floor)?, price: *price });
            return Ok(parts);
        }
        parts.push(TierPart { quantity: up_to.checked_sub(floor)?, price: *price });
        floor = up_to;
    }
    parts.push(TierPart { quantity: sum.checked_sub(floor)?, price: tiers.open });
    Ok(parts)
}

/// The largest sum of quantities at one instant, for `monthly_peak`.
///
/// `changes` are the quantities that begin (positive) or end (negative) at each second; all of one second happen
/// together. Answers the peaks of the seconds before `from` and before the end of the changes; an instant at which
/// nothing matches has the sum 0.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn largest_sum(
    changes: &mut [(Second, Quantity)],
    from: Second,
) -> Result<(Quantity, Quantity), Overflow> {
    changes.sort_unstable_by_key(|(second, _)| *second);
    let (mut sum, mut before_from, mut peak) = (Quantity::ZERO, Quantity::ZERO, Quantity::ZERO);
    for together in changes.chunk_by(|one, other| one.0 == other.0) {
        for (_, change) in together {
            sum = sum.checked_add(*change)?;
        }
        peak = peak.max(sum);
        if together[0].0 < from {
            before_from = peak;
        }
    }
    Ok((before_from, peak))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use expect_test::{Expect, expect};
    use jiff::civil::date;

    fn number(text: &str) -> Number {
        Number::from_json(text).unwrap()
    }

    /// Meters stretches of October 2026 in Moscow, written as "day hour:minute:second-day hour:minute:second units".
    fn check(model: &Model, stretches: &[(&str, &str, &str)], expected: &Expect) {
        let calendar = Calendar::of_zone("Europe/Moscow").unwrap();
        let month = calendar.month(date(2026, 10, 1)).unwrap();
        let hours = calendar.hours(month.start, month.end).unwrap();
        let second = |text: &str| {
            let time = format!("2026-10-{}+03:00", text.replace(' ', "T"));
            time.parse::<jiff::Timestamp>().unwrap().as_second()
        };
        let mut meter: Option<Meter> = None;
        for (start, end, units) in stretches {
            let quantity = Quantity::from(number(units));
            let stretch = Stretch { start: second(start), end: second(end), quantity };
            match &mut meter {
                Some(meter) => meter.add(model, stretch, &month, &hours).unwrap(),
                None => meter = Some(Meter::new(model, stretch, &month, &hours).unwrap()),
            }
        }
        let reading = meter.unwrap().reading().unwrap();
        let amount = cost(model, reading, &month).unwrap().round_half_even().unwrap();
        expected.assert_eq(&format!("{reading} {amount}"));
    }

    #[test]
    fn an_hour_touched_for_a_second_is_a_whole_hour_at_its_largest_quantity() {
        let model = Model::HourlyPeak { price: number("1") };
        check(&model, &[("01 10:59:59", "01 11:00:01", "2")], &expect!["4 4.000000"]);
        check(&model, &[("01 10:59:59", "01 11:00:00", "2")], &expect!["2 2.000000"]);
        let resized = [("01 10:00:00", "01 10:20:00", "2"), ("01 10:20:00", "01 10:40:00", "6")];
        check(&model, &resized, &expect!["6 6.000000"]);
        let again = [("01 10:00:00", "01 10:01:00", "2"), ("01 10:30:00", "01 13:00:00", "1")];
        check(&model, &again, &expect!["4 4.000000"]);
    }

    #[test]
    fn a_day_counts_once_at_its_largest_quantity() {
        let model = Model::Monthly { price: number("31"), prorate: Prorate::Day };
        let stretches = [("01 12:00:00", "02 12:00:00", "1"), ("02 12:00:00", "04 00:00:00", "3")];
        check(&model, &stretches, &expect!["7 7.000000"]);
    }

    #[test]
    fn a_month_without_proration_costs_its_largest_quantity() {
        let model = Model::Monthly { price: number("31"), prorate: Prorate::None };
        let stretches = [("01 12:00:00", "02 12:00:00", "5"), ("02 12:00:00", "04 00:00:00", "3")];
        check(&model, &stretches, &expect!["5 155.000000"]);
    }

    fn tiers(mode: TierMode) -> Model {
        let bounded = vec![(number("100"), number("1")), (number("200"), number("0.5"))];
        Model::Tiered(Tiers { bounded, open: number("0.1"), mode })
    }

    fn priced(mode: TierMode, sum: &str) -> String {
        let month = Calendar::of_zone("UTC").unwrap().month(date(2026, 10, 1)).unwrap();
        let sum = Quantity::from(number(sum));
        cost(&tiers(mode), sum, &month).unwrap().round_half_even().unwrap().to_string()
    }

    #[test]
    fn graduated_tiers_price_each_part_and_volume_tiers_all_of_it() {
        for (sum, graduated, volume) in [
            ("0", "0.000000", "0.000000"),
            ("100", "100.000000", "100.000000"),
            ("101", "100.500000", "50.500000"),
            ("200", "150.000000", "100.000000"),
            ("300", "160.000000", "30.000000"),
            ("-5", "-5.000000", "-5.000000"),
        ] {
            assert_eq!(priced(TierMode::Graduated, sum), graduated, "{sum}");
            assert_eq!(priced(TierMode::Volume, sum), volume, "{sum}");
        }
    }

    #[test]
    fn what_stops_when_another_starts_never_ran_together_with_it() {
        let one = Quantity::ONE;
        let less = Quantity::ZERO.checked_sub(one).unwrap();
        let mut changes = [(0, one), (10, less), (10, one), (20, less), (19, one), (30, less)];
        assert_eq!(largest_sum(&mut changes.clone(), 15), Ok((one, Quantity::from(number("2")))));
        assert_eq!(largest_sum(&mut changes, 0), Ok((Quantity::ZERO, Quantity::from(number("2")))));
    }
}
