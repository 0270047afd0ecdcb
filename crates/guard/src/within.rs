//! Amounts that are known within bounds.
//!
//! What a project has cost is Σ R(C): each charge is rounded by itself. Known here is Σ C, in which charges of one part are
//! one quantity; so the truth lies within half of 10⁻⁶ for each charge that may be rounded.

use ethnum::I256;
use kopeck_rating::money::{Amount, Exact, Overflow};

/// 10⁻⁶ of the currency unit in the unit that is counted here, 10⁻¹⁵.
const MICRO: i128 = 1_000_000_000;

/// An amount, not less than `low` and not more than `high`, in 10⁻¹⁵ of the currency unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    low: I256,
    high: I256,
}

impl Within {
    /// Nothing.
    pub const ZERO: Within = Within { low: I256::ZERO, high: I256::ZERO };

    /// An exact fraction.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn of(exact: Exact) -> Result<Within, Overflow> {
        let (low, high) = exact.within()?;
        Ok(Within { low, high })
    }

    /// An amount that is known.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn known(amount: Amount) -> Result<Within, Overflow> {
        let units = amount.micros().checked_mul(I256::new(MICRO)).ok_or(Overflow)?;
        Ok(Within { low: units, high: units })
    }

    /// The sum of two amounts.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_add(self, other: Within) -> Result<Within, Overflow> {
        let low = self.low.checked_add(other.low).ok_or(Overflow)?;
        let high = self.high.checked_add(other.high).ok_or(Overflow)?;
        Ok(Within { low, high })
    }

    /// The amount, of which so many halves of 10⁻⁶ are not known on either side.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn give_or_take(self, halves: i64) -> Result<Within, Overflow> {
        let margin = I256::new(i128::from(halves) * (MICRO / 2));
        let low = self.low.checked_sub(margin).ok_or(Overflow)?;
        Ok(Within { low, high: self.high.checked_add(margin).ok_or(Overflow)? })
    }

    /// The largest amount that it may be when it is posted: posted amounts are whole numbers of 10⁻⁶.
    #[must_use]
    pub fn most(self) -> Amount {
        Amount::from_micros(self.high.div_euclid(I256::new(MICRO)))
    }

    /// The smallest amount that it may be when it is posted.
    #[must_use]
    pub fn least(self) -> Amount {
        let micro = I256::new(MICRO);
        let floor = self.low.div_euclid(micro);
        let is_whole = self.low.rem_euclid(micro) == I256::ZERO;
        Amount::from_micros(if is_whole { floor } else { floor + I256::ONE })
    }

    /// Whether it is certainly not less than another amount.
    #[must_use]
    pub fn covers(self, other: Within) -> bool {
        self.low >= other.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kopeck_rating::money::Quantity;
    use kopeck_rating::number::Number;

    #[test]
    fn a_fraction_is_known_as_the_whole_amounts_around_it() {
        let price = Number::from_json("1").unwrap();
        let third = Within::of(Quantity::ONE.priced(price, 3).unwrap()).unwrap();
        assert_eq!(
            (third.least().to_string(), third.most().to_string()),
            ("0.333334".into(), "0.333333".into())
        );
        // It is rounded when it is posted: by less than half of a millionth.
        let posted = third.give_or_take(1).unwrap();
        assert_eq!(
            (posted.least().to_string(), posted.most().to_string()),
            ("0.333333".into(), "0.333333".into())
        );
        let known = Within::known(Amount::from_micros(5)).unwrap();
        assert_eq!((known.least(), known.most()), (Amount::from_micros(5), Amount::from_micros(5)));
    }
}
