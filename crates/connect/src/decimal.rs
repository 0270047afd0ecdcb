//! Decimals as a foreign record writes them, passed on digit by digit.
//!
//! Rating keeps nine places of a number and rounds half to even (rating.md, "Numbers"). That is its decision, so a
//! price with eleven places, or one written `1.5E-05`, reaches it unchanged, as a JSON number.

use kopeck_rating::number::{Number, NumberError, ONE};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The text of a JSON number that rating accepts; it may be negative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal(String);

impl Decimal {
    /// Reads a number as JSON writes it. A missing zero before the point (`.5`) is added.
    ///
    /// # Errors
    /// [`NumberError`] where the text is no number of JSON, or one that rating refuses.
    pub fn read(text: &str) -> Result<Decimal, NumberError> {
        let text = match text
            .strip_prefix("-.")
            .map(|rest| ("-", rest))
            .or_else(|| Some(("", text.strip_prefix('.')?)))
        {
            Some((sign, fraction)) => format!("{sign}0.{fraction}"),
            None => text.to_owned(),
        };
        let starts = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let ends = text.ends_with(|last: char| last.is_ascii_digit());
        if !(starts && ends) || serde_json::from_str::<&RawValue>(&text).is_err() {
            return Err(NumberError::Malformed);
        }
        Number::from_json(&text)?;
        Ok(Decimal(text))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(Error::custom)?.serialize(serializer)
    }
}

/// A number of an event lies below it in magnitude.
const LIMIT: i128 = 1_000_000_000_000 * ONE;

/// Reads a number as an event writes it again: 1 to 12 digits, and nine places at most. Otherwise answers what is
/// wrong, for a sentence that begins with the text.
///
/// The text of an event may round up to 10¹²; the number that is made of it here would be refused.
pub(crate) fn number(text: &str, signed: bool) -> Result<Number, &'static str> {
    match Number::from_text(text, signed) {
        None => Err("is not a number of at most 12 digits"),
        Some(number) if number.units().abs() >= LIMIT => Err("is 10^12 when it is rounded to 9 places"),
        Some(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_its_rounding_makes_too_large_is_refused() {
        let read = |text: &str| number(text, true).map_or_else(str::to_owned, |number| number.to_string());
        assert_eq!(read("999999999999.999999999"), "999999999999.999999999");
        assert_eq!(read("999999999999.9999999994"), "999999999999.999999999");
        assert_eq!(read("999999999999.9999999999"), "is 10^12 when it is rounded to 9 places");
        assert_eq!(read("-999999999999.9999999999"), "is 10^12 when it is rounded to 9 places");
        assert_eq!(read("1000000000000"), "is not a number of at most 12 digits");
    }

    #[test]
    fn a_decimal_is_passed_on_as_it_is_written() {
        let written = |text: &str| {
            let decimal = Decimal::read(text)?;
            Ok(serde_json::to_string(&decimal).expect("JSON"))
        };
        for text in ["0", "-0.00", "0.00000000729", "1.5E-05", "-2e+3", "0.000000060000000000000000000"] {
            assert_eq!(written(text).as_deref(), Ok(text));
        }
        assert_eq!(written(".5").as_deref(), Ok("0.5"));
        assert_eq!(written("-.5").as_deref(), Ok("-0.5"));
        for text in [
            "", ".", "-", "+1", "1.", "01", "1,5", "1 000", " 1", "\"1\"", "null", "NaN", "1e", "--1", "0x1",
            "٣",
        ] {
            assert_eq!(written(text), Err(NumberError::Malformed), "{text}");
        }
        assert_eq!(written("1e12"), Err(NumberError::TooLarge));
        assert_eq!(written(&"1".repeat(2_000)), Err(NumberError::TooLong));
    }
}
