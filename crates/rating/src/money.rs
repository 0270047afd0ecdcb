//! Quantities and money: exact until the one named rounding.
//!
//! A [`Quantity`] counts what a price is applied to, an [`Exact`] is an amount as a fraction, an [`Amount`] is
//! money in 10⁻⁶ of the currency unit. All arithmetic is checked; nothing here knows a currency or a price book.

use std::fmt;

use ethnum::I256;

use crate::number::{self, Number};

/// A sum or product did not fit 256 bits. The limits of rating.md keep every amount
/// of one resource's month far below this, so it means more usage than the contract admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount does not fit its 256 bits")]
pub struct Overflow;

/// A quantity in units of 10⁻¹⁸ (a product of two [`Number`]s), possibly × seconds, hours or days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(I256);

/// Places of a [`Quantity`].
const QUANTITY_PLACES: u32 = 2 * number::PLACES;

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity(I256::ZERO);
    /// One: the quantity of a component that asks for no attribute.
    pub const ONE: Quantity = Quantity(I256::new(number::ONE * number::ONE));

    /// The product of a quantity's attributes: of none it is 1.
    ///
    /// # Errors
    /// [`Overflow`], which at most two numbers can not cause.
    pub fn product(factors: &[Number]) -> Result<Quantity, Overflow> {
        factors.iter().try_fold(Quantity::ONE, |product, factor| {
            let scaled = times(product.0, factor.units())?;
            Ok(Quantity(match i128::try_from(scaled) {
                Ok(scaled) => I256::new(scaled / number::ONE),
                Err(_) => scaled / I256::new(number::ONE),
            }))
        })
    }

    /// The sum of two quantities.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_add(self, other: Quantity) -> Result<Quantity, Overflow> {
        self.0.checked_add(other.0).map(Quantity).ok_or(Overflow)
    }

    /// The difference of two quantities.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_sub(self, other: Quantity) -> Result<Quantity, Overflow> {
        self.0.checked_sub(other.0).map(Quantity).ok_or(Overflow)
    }

    /// The quantity held for `count` seconds, hours or days.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn times(self, count: i64) -> Result<Quantity, Overflow> {
        times(self.0, i128::from(count)).map(Quantity)
    }

    /// A positive quantity lifted to a multiple of `step` and to `min` (rating.md, `round_up`); others as they are.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn round_up(self, step: Number, min: Number) -> Result<Quantity, Overflow> {
        if self.0 <= 0 {
            return Ok(self);
        }
        let [step, min] = [step, min].map(|number| I256::new(number.units()) * I256::new(number::ONE));
        let short = (step - self.0 % step) % step;
        let lifted = self.0.checked_add(short).ok_or(Overflow)?;
        Ok(Quantity(lifted.max(min)))
    }

    /// Whether the quantity is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == I256::ZERO
    }

    /// The quantity in units of 10⁻¹⁸.
    #[must_use]
    pub fn units(self) -> I256 {
        self.0
    }

    /// A quantity of `units` × 10⁻¹⁸.
    #[must_use]
    pub fn from_units(units: I256) -> Quantity {
        Quantity(units)
    }

    /// What the quantity costs at `price`, spread over `parts` (seconds of the month, days of the month, or 1).
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn priced(self, price: Number, parts: i64) -> Result<Exact, Overflow> {
        Ok(Exact { numerator: times(self.0, price.units())?, parts })
    }
}

/// A product. Nearly all fit 128 bits, which multiply several times as fast.
fn times(one: I256, other: i128) -> Result<I256, Overflow> {
    let short = i128::try_from(one).ok().and_then(|one| one.checked_mul(other));
    short.map(I256::new).or_else(|| one.checked_mul(I256::new(other))).ok_or(Overflow)
}

impl From<Number> for Quantity {
    fn from(number: Number) -> Quantity {
        Quantity(I256::new(number.units()) * I256::new(number::ONE))
    }
}

impl fmt::Display for Quantity {
    /// The exact decimal, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        number::plain(self.0, QUANTITY_PLACES).fmt(f)
    }
}

/// An exact amount of money: a fraction of the currency unit.
#[derive(Debug, Clone, Copy)]
pub struct Exact {
    /// In units of 10⁻²⁷ / `parts`: a quantity × a price.
    numerator: I256,
    /// Positive.
    parts: i64,
}

impl Exact {
    /// No money.
    pub const ZERO: Exact = Exact { numerator: I256::ZERO, parts: 1 };

    /// The sum of two amounts spread over the same parts, as those of one component's month have.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits, or where those differ and neither amount is zero.
    pub fn checked_add(self, other: Exact) -> Result<Exact, Overflow> {
        if self.numerator == I256::ZERO {
            return Ok(other);
        }
        if other.numerator == I256::ZERO {
            return Ok(self);
        }
        if self.parts != other.parts {
            return Err(Overflow);
        }
        let numerator = self.numerator.checked_add(other.numerator).ok_or(Overflow)?;
        Ok(Exact { numerator, parts: self.parts })
    }

    /// The amount with VAT of so many per cent on top: C × (100 + rate) / 100 (rating.md, "Rounding and windows").
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn with_vat(self, rate: Number) -> Result<Exact, Overflow> {
        self.gross(Gross::of_rate(rate)?)
    }

    /// The amount that is posted for it: see [`Gross`].
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn gross(self, gross: Gross) -> Result<Exact, Overflow> {
        if gross == Gross::NET {
            return Ok(self);
        }
        let parts = i128::from(self.parts).checked_mul(gross.over).ok_or(Overflow)?;
        let parts = i64::try_from(parts).map_err(|_| Overflow)?;
        Ok(Exact { numerator: times(self.numerator, gross.times)?, parts })
    }

    /// Whether it is a whole number of 10⁻⁶ of the currency unit, so that nothing is rounded when it is posted.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.numerator % (I256::new(MICRO) * I256::new(i128::from(self.parts))) == I256::ZERO
    }

    /// The whole numbers of 10⁻¹⁵ of the currency unit that are not above and not below it: sums of amounts that are
    /// spread over different parts are known within these.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn within(self) -> Result<(I256, I256), Overflow> {
        let divisor = I256::new(FEMTO) * I256::new(i128::from(self.parts));
        let short = i128::try_from(self.numerator).ok().zip(i128::try_from(divisor).ok());
        let (floor, is_exact) = match short {
            Some((numerator, divisor)) => {
                (I256::new(numerator.div_euclid(divisor)), numerator.rem_euclid(divisor) == 0)
            }
            None => (self.numerator.div_euclid(divisor), self.numerator.rem_euclid(divisor) == I256::ZERO),
        };
        let above = if is_exact { floor } else { floor.checked_add(I256::ONE).ok_or(Overflow)? };
        Ok((floor, above))
    }

    /// R of rating.md ("Rounding and windows"): rounded half to even to 10⁻⁶ of the currency unit.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn round_half_even(self) -> Result<Amount, Overflow> {
        // Nearly all fit 128 bits, which divide several times as fast.
        let divisor = I256::new(MICRO) * I256::new(i128::from(self.parts));
        let short = i128::try_from(self.numerator).ok().zip(i128::try_from(divisor).ok());
        let (floor, rest) = match short {
            Some((numerator, divisor)) => {
                (I256::new(numerator.div_euclid(divisor)), I256::new(numerator.rem_euclid(divisor)))
            }
            None => (self.numerator.div_euclid(divisor), self.numerator.rem_euclid(divisor)),
        };
        let twice = rest * I256::new(2);
        let up = twice > divisor || (twice == divisor && floor % 2 != I256::ZERO);
        let rounded = if up { floor.checked_add(I256::ONE).ok_or(Overflow)? } else { floor };
        Ok(Amount(rounded))
    }
}

/// What a book's amount is multiplied with to be posted, in lowest terms: (100 + rate) / 100 where VAT is on top, else 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gross {
    times: i128,
    over: i128,
}

impl Gross {
    /// Nothing is on top.
    pub const NET: Gross = Gross { times: 1, over: 1 };

    /// With VAT of so many per cent on top.
    ///
    /// # Errors
    /// [`Overflow`] of a rate that no book has.
    pub fn of_rate(rate: Number) -> Result<Gross, Overflow> {
        let hundred = 100 * number::ONE;
        let whole = hundred.checked_add(rate.units()).ok_or(Overflow)?;
        let common = greatest_common_divisor(whole.unsigned_abs(), hundred.unsigned_abs());
        let shortened = |factor: i128| i128::try_from(factor.unsigned_abs() / common).map_err(|_| Overflow);
        Ok(Gross { times: shortened(whole)?, over: shortened(hundred)? })
    }
}

fn greatest_common_divisor(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// 10⁻⁶ of the currency unit, which money is counted in, in units of 10⁻²⁷.
const MICRO: i128 = 10_i128.pow(21);

/// 10⁻¹⁵ of the currency unit, in units of 10⁻²⁷.
const FEMTO: i128 = 10_i128.pow(12);

/// Money, in 10⁻⁶ of the currency unit. Negative where it goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(I256);

impl Amount {
    /// No money.
    pub const ZERO: Amount = Amount(I256::ZERO);

    /// An amount of `micros` × 10⁻⁶ of the currency unit.
    #[must_use]
    pub fn from_micros(micros: impl Into<I256>) -> Amount {
        Amount(micros.into())
    }

    /// Whether it is no money.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == I256::ZERO
    }

    /// The amount in 10⁻⁶ of the currency unit.
    #[must_use]
    pub fn micros(self) -> I256 {
        self.0
    }

    /// The sum of two amounts.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_add(self, other: Amount) -> Result<Amount, Overflow> {
        self.0.checked_add(other.0).map(Amount).ok_or(Overflow)
    }

    /// The difference of two amounts.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_sub(self, other: Amount) -> Result<Amount, Overflow> {
        self.0.checked_sub(other.0).map(Amount).ok_or(Overflow)
    }
}

impl fmt::Display for Amount {
    /// With exactly six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        number::with_places(self.0, 6).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::from_json(text).unwrap()
    }

    #[test]
    fn an_amount_prints_six_decimals() {
        for (micros, text) in [
            (0, "0.000000"),
            (1, "0.000001"),
            (-2_000_000, "-2.000000"),
            (319_000_000, "319.000000"),
            (-1, "-0.000001"),
        ] {
            assert_eq!(Amount::from_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour_on_both_sides_of_zero() {
        // In 10⁻⁷ of the currency unit, and as much again in a number that needs more than 128 bits.
        let rounded = |tenths: i128| {
            let numerator = I256::new(tenths) * I256::new(MICRO / 10);
            let short = Exact { numerator, parts: 1 }.round_half_even().unwrap().0;
            let parts = 10_000_000_000_000_000;
            let long = numerator * I256::new(parts.into());
            assert_eq!(Exact { numerator: long, parts }.round_half_even().unwrap().0, short);
            short.as_i128()
        };
        assert_eq!(rounded(5), 0);
        assert_eq!(rounded(15), 2);
        assert_eq!(rounded(25), 2);
        assert_eq!(rounded(-5), 0);
        assert_eq!(rounded(-15), -2);
        assert_eq!(rounded(-25), -2);
        assert_eq!(rounded(-26), -3);
        assert_eq!(rounded(26), 3);
        assert_eq!(rounded(-24), -2);
    }

    #[test]
    fn vat_on_top_is_added_before_the_rounding() {
        let gross = |price: &str, parts: i64, rate: &str| {
            let exact = Quantity::ONE.priced(number(price), parts).unwrap().with_vat(number(rate)).unwrap();
            exact.round_half_even().unwrap().to_string()
        };
        assert_eq!(gross("100", 1, "22"), "122.000000");
        assert_eq!(gross("100", 1, "0"), "100.000000");
        assert_eq!(gross("1", 1, "8.123456789"), "1.081235");
        // 0.0000004 is nothing by itself.
        assert_eq!(gross("0.0000004", 1, "25"), "0.000000");
        assert_eq!(gross("0.0000004", 1, "25.1"), "0.000001");
        assert_eq!(gross("1", 3, "20"), "0.400000");
    }

    #[test]
    fn rounding_up_lifts_only_what_is_positive() {
        let lifted = |quantity: &str, step: &str, min: &str| {
            Quantity::from(number(quantity)).round_up(number(step), number(min)).unwrap().to_string()
        };
        assert_eq!(lifted("0", "100", "100"), "0");
        assert_eq!(lifted("1", "100", "100"), "100");
        assert_eq!(lifted("100", "100", "100"), "100");
        assert_eq!(lifted("100.000000001", "100", "100"), "200");
        assert_eq!(lifted("1", "100", "300"), "300");
        assert_eq!(lifted("-7", "100", "100"), "-7");
    }

    #[test]
    fn the_largest_month_that_the_contract_admits_fits() {
        let largest = Quantity::product(&[number("999999999999.999999999"); 2]).unwrap();
        let month = largest.times(31 * 86_400).unwrap();
        assert!(month.priced(number("999999999.999999999"), 2_629_800).unwrap().round_half_even().is_ok());
    }
}
