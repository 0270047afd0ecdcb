//! Decimal numbers of events and price books, and the text of exact decimals.
//!
//! A [`Number`] is what rating.md ("Usage events", Numbers) calls a number: at most 9 places, read as a
//! decimal, never as a binary float. Products and sums of numbers are [`Quantity`](crate::money::Quantity).

use std::fmt;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use ethnum::I256;
use rust_decimal::Decimal;

/// Places after the decimal point that a number keeps; what is beyond is rounded half to even.
pub const PLACES: u32 = 9;
/// 10⁹: one, in the unit that a [`Number`] counts.
pub const ONE: i128 = 1_000_000_000;
/// 10¹²: a number lies below it in magnitude.
const LIMIT_DIGITS: i64 = 12;
/// A number written with more characters than this is refused before it is read.
const LONGEST_TEXT: usize = 1_000;

/// A decimal number in units of 10⁻⁹, at most 10¹² in magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Number(i128);

/// Why a text is not a [`Number`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text does not follow the grammar of a number.
    #[error("is not a number")]
    Malformed,
    /// The number is 10¹² or more in magnitude.
    #[error("is not below 10^12")]
    TooLarge,
    /// The number is written with more than 1,000 characters.
    #[error("is written with more than 1000 characters")]
    TooLong,
}

impl Number {
    /// Zero.
    pub const ZERO: Number = Number(0);

    /// Reads a JSON number (RFC 8259, exponents included), which may be negative.
    ///
    /// # Errors
    /// [`NumberError`], where the number as written is 10¹² or more in magnitude, too long, or no number.
    pub fn from_json(text: &str) -> Result<Number, NumberError> {
        if text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse::<i128>().map(|whole| Number(whole * ONE)).map_err(|_| NumberError::Malformed);
        }
        if text.len() > LONGEST_TEXT {
            return Err(NumberError::TooLong);
        }
        let exact = BigDecimal::from_str(text).map_err(|_| NumberError::Malformed)?;
        let magnitude = order(&exact);
        if magnitude > LIMIT_DIGITS {
            return Err(NumberError::TooLarge);
        }
        if magnitude < -i64::from(PLACES) {
            return Ok(Number::ZERO);
        }
        let rounded = exact.with_scale_round(i64::from(PLACES), RoundingMode::HalfEven);
        rounded.into_bigint_and_exponent().0.to_i128().map(Number).ok_or(NumberError::TooLarge)
    }

    /// Reads a number written as text: 1 to 12 digits with an optional decimal fraction, and a leading
    /// minus where `signed` (kind `cost`). `None` where the text is anything else.
    #[must_use]
    pub fn from_text(text: &str, signed: bool) -> Option<Number> {
        let digits = if signed { text.strip_prefix('-').unwrap_or(text) } else { text };
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        let only_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() > 12 || !only_digits(whole) || !fraction.is_none_or(only_digits) {
            return None;
        }
        Number::from_json(text).ok()
    }

    /// The number of so many units of 10⁻⁹; `None` beyond 10¹² in magnitude.
    pub(crate) fn of_units(units: i128) -> Option<Number> {
        (units.unsigned_abs() <= 1_000_000_000_000 * ONE.unsigned_abs()).then_some(Number(units))
    }

    /// The number in units of 10⁻⁹.
    #[must_use]
    pub fn units(self) -> i128 {
        self.0
    }

    /// The number of `units` × 10⁻⁹. `None` above 10¹² in magnitude, which is what rounding may come to.
    #[must_use]
    pub fn from_units(units: i128) -> Option<Number> {
        let limit = 10_i128.pow(12) * ONE;
        (-limit <= units && units <= limit).then_some(Number(units))
    }

    /// Whether the number is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether the number has a digit beyond the given place.
    #[must_use]
    pub fn has_places_beyond(self, places: u32) -> bool {
        places < PLACES && self.0 % 10_i128.pow(PLACES - places) != 0
    }
}

impl fmt::Display for Number {
    /// Without trailing zeros, as groups and quantities are printed (rating.md, "`kopeck rate`").
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        plain(I256::new(self.0), PLACES).fmt(f)
    }
}

/// The position of the first digit: 1 for 1 to 9, 12 for 10¹¹ to 10¹² − 1, 0 for 0.1, −8 for 10⁻⁹.
fn order(exact: &BigDecimal) -> i64 {
    if exact.sign() == bigdecimal::num_bigint::Sign::NoSign {
        return -i64::from(PLACES);
    }
    let (_, scale) = exact.as_bigint_and_exponent();
    i64::try_from(exact.digits()).unwrap_or(i64::MAX).saturating_sub(scale)
}

/// `units` × 10^−`places` as a plain decimal without trailing zeros.
pub(crate) fn plain(units: I256, places: u32) -> Plain {
    match fitting(units, places) {
        Some(fits) => Plain::Fitting(fits.normalize()),
        None => Plain::Large(BigDecimal::new(big(units), i64::from(places)).normalized().to_plain_string()),
    }
}

/// `units` × 10^−`places` as a plain decimal with all its places.
pub(crate) fn with_places(units: I256, places: u32) -> Plain {
    match fitting(units, places) {
        Some(fits) => Plain::Fitting(fits),
        None => Plain::Large(BigDecimal::new(big(units), i64::from(places)).to_plain_string()),
    }
}

/// A decimal ready to be printed: most fit 96 bits, which print ten times as fast.
pub(crate) enum Plain {
    Fitting(Decimal),
    Large(String),
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plain::Fitting(decimal) => decimal.fmt(f),
            Plain::Large(text) => f.pad(text),
        }
    }
}

fn fitting(units: I256, places: u32) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(i128::try_from(units).ok()?, places).ok()
}

/// A 256-bit integer as a big one, for printing.
fn big(units: I256) -> BigInt {
    i128::try_from(units).map_or_else(|_| BigInt::from_signed_bytes_le(&units.to_le_bytes()), BigInt::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str) -> String {
        Number::from_json(text).map_or_else(|error| error.to_string(), |number| number.to_string())
    }

    #[test]
    fn a_json_number_is_read_as_a_decimal_of_nine_places() {
        for (text, expected) in [
            ("4", "4"),
            ("4.0", "4"),
            ("1e2", "100"),
            ("1E-2", "0.01"),
            ("0.1234567895", "0.12345679"),
            ("0.1234567885", "0.123456788"),
            ("0.12345678850000001", "0.123456789"),
            ("-0", "0"),
            ("-0.5", "-0.5"),
            ("999999999999", "999999999999"),
            ("999999999999.9999999999", "1000000000000"),
            ("1000000000000", "is not below 10^12"),
            ("1e12", "is not below 10^12"),
            ("-1e12", "is not below 10^12"),
            ("1e999999999", "is not below 10^12"),
            ("1e-999999999", "0"),
            ("0e999999999", "0"),
            ("0.0000000005", "0"),
            ("0.00000000051", "0.000000001"),
            ("0.0000000015", "0.000000002"),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
        assert_eq!(Number::from_json(&"9".repeat(1_000_000)), Err(NumberError::TooLong));
    }

    #[test]
    fn a_text_is_a_number_only_as_one_to_twelve_digits_with_an_optional_fraction() {
        let read = |text| Number::from_text(text, false).map(|number| number.to_string());
        for (text, expected) in [("4", "4"), ("007", "7"), ("4.00", "4"), ("0.5", "0.5"), ("00.25", "0.25")] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", ".5", "5.", "-1", "+1", "1e2", " 1", "1 ", "1_000", "1234567890123", "four", "٣"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Number::from_text("-0.5", true).map(|n| n.to_string()).as_deref(), Some("-0.5"));
        assert_eq!(Number::from_text("--5", true), None);
    }

    proptest! {
        #[test]
        fn both_ways_of_printing_print_the_same(units: i128, places in 0_u32..=18) {
            let large = BigDecimal::new(big(I256::new(units)), i64::from(places));
            prop_assert_eq!(with_places(I256::new(units), places).to_string(), large.to_plain_string());
            prop_assert_eq!(plain(I256::new(units), places).to_string(), large.normalized().to_plain_string());
        }

        #[test]
        fn a_number_that_is_printed_reads_back(units in -999_999_999_999_999_999_999_i128..=999_999_999_999_999_999_999) {
            let number = Number(units);
            prop_assert_eq!(Number::from_json(&number.to_string()), Ok(number));
        }
    }
}
