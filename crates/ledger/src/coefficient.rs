//! Cost coefficients: the platform's commission and what a user of a role reimburses.

use std::fmt;
use std::str::FromStr;

use kopeck_rating::number::{Number, ONE};

use crate::amount::Amount;

/// A plan's or a role's cost coefficient: a decimal of at most 9 places, from 0 to 10⁹.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coefficient(u64);

/// A text or number is not a coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a coefficient: write a decimal from 0 to 1000000000 with at most 9 decimals, as in 1.25")]
pub struct NoCoefficient;

impl Coefficient {
    /// As it is: no commission, and a job's cost itself.
    pub const ONE: Coefficient = Coefficient(UNITS);
    /// The largest.
    const LARGEST: u64 = UNITS * 1_000_000_000;

    /// A coefficient of `units` × 10⁻⁹.
    ///
    /// # Errors
    /// [`NoCoefficient`] above 10⁹.
    pub fn from_units(units: u64) -> Result<Coefficient, NoCoefficient> {
        if units <= Coefficient::LARGEST { Ok(Coefficient(units)) } else { Err(NoCoefficient) }
    }

    /// The coefficient in units of 10⁻⁹.
    #[must_use]
    pub fn units(self) -> u64 {
        self.0
    }

    /// What the platform takes of a gross payment g: g − g / k, rounded half to even to 10⁻⁶. 0 to 1 take nothing.
    ///
    /// `gross` lies between zero and [`Amount::LARGEST`], or the answer is `None`.
    #[must_use]
    pub fn commission(self, gross: Amount) -> Option<Amount> {
        let gross = u64::try_from(gross.micros()).ok()?;
        if self.0 <= UNITS {
            return Some(Amount::ZERO);
        }
        let numerator = u128::from(gross) * u128::from(self.0 - UNITS);
        rounded(numerator, u128::from(self.0))
    }

    /// What a user pays for a job of that cost: cost × coefficient, rounded half to even to 10⁻⁶.
    ///
    /// `cost` lies between zero and [`Amount::LARGEST`], or the answer is `None`.
    #[must_use]
    pub fn of_cost(self, cost: Amount) -> Option<Amount> {
        let cost = u64::try_from(cost.micros()).ok()?;
        rounded(u128::from(cost) * u128::from(self.0), u128::from(UNITS))
    }
}

/// One, in what a coefficient counts.
const UNITS: u64 = 1_000_000_000;

/// A fraction rounded half to even.
fn rounded(numerator: u128, denominator: u128) -> Option<Amount> {
    let whole = numerator / denominator;
    let twice = numerator % denominator * 2;
    let up = twice > denominator || (twice == denominator && whole % 2 == 1);
    i128::try_from(whole + u128::from(up)).ok().map(Amount::from_micros)
}

impl FromStr for Coefficient {
    type Err = NoCoefficient;

    fn from_str(text: &str) -> Result<Coefficient, NoCoefficient> {
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        if fraction.trim_end_matches('0').len() > 9 {
            return Err(NoCoefficient);
        }
        let number = Number::from_text(text, false).ok_or(NoCoefficient)?;
        u64::try_from(number.units()).map_err(|_| NoCoefficient).and_then(Coefficient::from_units)
    }
}

impl fmt::Display for Coefficient {
    /// The exact decimal, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:09}", self.0 / UNITS, self.0 % UNITS);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

const _: () = assert!(UNITS as i128 == ONE, "numbers of rating and coefficients have one unit");

#[cfg(test)]
mod tests {
    use super::*;

    fn commission(gross: &str, k: &str) -> String {
        let k: Coefficient = k.parse().unwrap();
        k.commission(gross.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn commission_is_the_gross_less_the_gross_over_k() {
        assert_eq!(commission("32.76", "1.25"), "6.552000");
        assert_eq!(commission("113.81", "1.25"), "22.762000");
        assert_eq!(commission("100", "3"), "66.666667");
    }

    #[test]
    fn a_coefficient_of_one_or_less_takes_no_commission() {
        for k in ["0", "0.5", "1", "1.000000000"] {
            assert_eq!(commission("100", k), "0.000000", "{k}");
        }
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        // k = 2 takes a half of each micro.
        assert_eq!(commission("0.000001", "2"), "0.000000");
        assert_eq!(commission("0.000003", "2"), "0.000002");
        assert_eq!(commission("0.000005", "2"), "0.000002");
    }

    #[test]
    fn a_role_multiplies_the_cost() {
        let of_cost = |cost: &str, k: &str| {
            let k: Coefficient = k.parse().unwrap();
            k.of_cost(cost.parse().unwrap()).unwrap().to_string()
        };
        assert_eq!(of_cost("10", "1.5"), "15.000000");
        assert_eq!(of_cost("0.000001", "0.5"), "0.000000");
        assert_eq!(of_cost("0.000003", "0.5"), "0.000002");
        assert_eq!(of_cost("10", "0"), "0.000000");
    }

    #[test]
    fn a_coefficient_reads_and_prints_exactly() {
        for text in ["0", "1", "1.25", "0.000000001", "1000000000"] {
            assert_eq!(text.parse::<Coefficient>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "1.0000000001", "1000000000.1", "1e3", "x"] {
            assert_eq!(text.parse::<Coefficient>(), Err(NoCoefficient), "{text}");
        }
    }
}
