//! Forecasts: what the month will have cost, and how long the money lasts (guard.md, point 8).
//!
//! What runs is carried to the month's end exactly, by its curve: day and hour steps, announced versions and the length of
//! the month included. Use that comes in events is carried on by its mean for each of the last days, and from the least and
//! the most of them come the low and the high.

use ethnum::I256;
use kopeck_rating::calendar::Second;
use kopeck_rating::money::{Amount, Overflow};

use crate::curve::{Curve, Period, first};

/// Seconds of a day of use.
const DAY: i64 = 86_400;

/// What discrete use has cost on the last days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    sum: Amount,
    least: Amount,
    most: Amount,
    days: i128,
}

/// A month's cost as it is foreseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// With as much use as on the day of the least.
    pub low: Amount,
    /// With as much use as on the mean of the last days.
    pub likely: Amount,
    /// With as much use as on the day of the most.
    pub high: Amount,
}

impl Daily {
    /// Of these days; of none there is no use.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn of(days: &[Amount]) -> Result<Daily, Overflow> {
        let sum = days.iter().try_fold(Amount::ZERO, |sum, day| sum.checked_add(*day))?;
        let least = days.iter().copied().min().unwrap_or(Amount::ZERO);
        let most = days.iter().copied().max().unwrap_or(Amount::ZERO);
        Ok(Daily { sum, least, most, days: i128::try_from(days.len()).map_err(|_| Overflow)?.max(1) })
    }

    fn mean(&self, seconds: i64) -> Result<Amount, Overflow> {
        over(self.sum, seconds, self.days)
    }
}

/// An amount for each of so many days, over some seconds; rounded to the nearest 10⁻⁶, halves up.
fn over(amount: Amount, seconds: i64, days: i128) -> Result<Amount, Overflow> {
    let parts = I256::new(i128::from(DAY) * days);
    let product = amount.micros().checked_mul(I256::new(seconds.into())).ok_or(Overflow)?;
    let twice =
        product.checked_mul(I256::new(2)).and_then(|twice| twice.checked_add(parts)).ok_or(Overflow)?;
    Ok(Amount::from_micros(twice.div_euclid(parts * I256::new(2))))
}

/// What a period will have cost at an instant.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn forecast(
    curve: &Curve<'_>,
    (period, at): (&Period, Second),
    daily: &Daily,
) -> Result<Forecast, Overflow> {
    let seconds = (at - curve.from()).max(0);
    let runs = curve.cost(period, at)?;
    Ok(Forecast {
        low: runs.least().checked_add(over(daily.least, seconds, 1)?)?,
        likely: runs.most().checked_add(daily.mean(seconds)?)?,
        high: runs.most().checked_add(over(daily.most, seconds, 1)?)?,
    })
}

/// When an amount will be met, with use as on the mean of the last days; `None` where that lies beyond `until`.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn runway(
    curve: &Curve<'_>,
    (period, amount): (&Period, Amount),
    daily: &Daily,
    until: Second,
) -> Result<Option<Second>, Overflow> {
    let met = |at| Ok(forecast(curve, (period, at), daily)?.likely >= amount);
    first(curve.from()..until.min(curve.until()), met)
}

/// How far the forecasts of past months lay off: the mean of their distances in hundredths of a per cent of what the months
/// then cost, to the nearest; months that cost nothing are left out. `None` of no months.
///
/// # Errors
/// [`Overflow`] beyond 256 bits.
pub fn error_of(months: &[(Forecast, Amount)]) -> Result<Option<u64>, Overflow> {
    let (mut sum, mut count) = (I256::ZERO, I256::ZERO);
    for (forecast, actual) in months.iter().filter(|(_, actual)| *actual > Amount::ZERO) {
        let off = forecast.likely.checked_sub(*actual)?.micros().abs();
        let share = off.checked_mul(I256::new(10_000)).ok_or(Overflow)? / actual.micros();
        sum = sum.checked_add(share).ok_or(Overflow)?;
        count += I256::ONE;
    }
    if count == I256::ZERO {
        return Ok(None);
    }
    let mean = (sum + count / I256::new(2)) / count;
    u64::try_from(mean).map(Some).map_err(|_| Overflow)
}
