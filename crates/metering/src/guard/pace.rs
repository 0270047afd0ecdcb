//! How fast a project spends: what the trailing hour has cost, and each full hour before (guard.md, the rate limit).
//!
//! What was spent by an instant is known as a sum since ever; an hour's cost is the difference of two of them. Sums are
//! remembered every five minutes, so the trailing hour is never shorter than an hour, and five minutes longer at the most.

use kopeck_ledger::amount::Amount as Money;
use kopeck_rating::calendar::Second;
use kopeck_rating::money::{Amount, Overflow};

use super::limits::amount_of;
use super::memory::Pace;

const HOUR: i64 = 3_600;
/// Sums are remembered so often.
const SAMPLE: i64 = 300;
/// Full hours that are remembered: a week of them.
const HOURS: usize = 168;

/// When the next sum is to be remembered.
#[must_use]
pub fn next_sample(at: Second) -> Second {
    (at.div_euclid(SAMPLE) + 1) * SAMPLE
}

/// Takes what was spent by an instant, and answers what the trailing hour has cost; less than an hour after the first sum,
/// what was spent since then.
///
/// # Errors
/// [`Overflow`] beyond 128 bits.
pub fn step(pace: &mut Pace, at: Second, sum: Amount) -> Result<Amount, Overflow> {
    let now = Money::try_from(sum)?;
    match pace.hour {
        Some((begin, before)) if at >= begin + HOUR => {
            // Hours in which nobody looked are told as one: nothing has run then, or it would have been looked at.
            let hours = (at - begin) / HOUR;
            let cost = sum.checked_sub(amount_of(before))?;
            pace.hours.extend((1..hours).take(HOURS).map(|_| Money::ZERO));
            pace.hours.push(Money::try_from(cost)?);
            let too_many = pace.hours.len().saturating_sub(HOURS);
            pace.hours.drain(..too_many);
            pace.hour = Some((begin + hours * HOUR, now));
        }
        Some(_) => {}
        None => pace.hour = Some((at, now)),
    }
    if pace.samples.last().is_none_or(|(last, _)| next_sample(*last) <= at) {
        pace.samples.push((at, now));
    }
    // The last one that is an hour old begins the trailing hour.
    let begin = pace.samples.partition_point(|(second, _)| *second <= at - HOUR).saturating_sub(1);
    pace.samples.drain(..begin);
    let first = pace.samples.first().map_or(now, |(_, sum)| *sum);
    sum.checked_sub(amount_of(first)).map(|cost| cost.max(Amount::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(amount: i128) -> Amount {
        Amount::from_micros(amount * 1_000_000)
    }

    #[test]
    fn the_trailing_hour_forgets_what_is_older() {
        let mut pace = Pace::default();
        let trailing = |pace: &mut Pace, at, sum| step(pace, at, units(sum)).unwrap();
        assert_eq!(trailing(&mut pace, 0, 100), units(0));
        assert_eq!(trailing(&mut pace, 600, 110), units(10));
        assert_eq!(trailing(&mut pace, 3_600, 150), units(50));
        assert_eq!(trailing(&mut pace, 4_200, 160), units(50));
        assert_eq!(trailing(&mut pace, 7_200, 160), units(10));
        assert_eq!(trailing(&mut pace, 90_000, 160), units(0));
    }

    #[test]
    fn each_full_hour_is_remembered_for_a_week() {
        let mut pace = Pace::default();
        for hour in 0..200 {
            step(&mut pace, hour * HOUR, units(i128::from(hour * hour))).unwrap();
        }
        assert_eq!(pace.hours.len(), HOURS);
        assert_eq!(pace.hours.last().copied(), Some(Money::try_from(units(199 * 199 - 198 * 198)).unwrap()));
        assert!(pace.samples.len() <= 14);
    }
}
