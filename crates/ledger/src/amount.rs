//! Money: whole numbers of 10⁻⁶ of a currency's unit, checked.

use std::fmt;
use std::str::FromStr;

use kopeck_rating::money;

/// Places of an amount.
pub const PLACES: usize = 6;
/// One unit of a currency, in what an [`Amount`] counts.
const ONE: i128 = 1_000_000;
/// An amount is written with at most this many digits before the point.
const LONGEST_WHOLE: usize = 30;

/// Money in 10⁻⁶ of the currency unit; negative where it is owed.
///
/// A balance may have any value of its type. What a request moves, holds or accrues is above zero and at most
/// [`Amount::LARGEST`], 64 bits: some 18 trillion units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
// Records hold many amounts: aligned to 16 bytes a transaction would be a quarter larger.
#[repr(Rust, packed(8))]
pub struct Amount(i128);

/// Why a text is not an [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Anything but digits, an optional leading minus and an optional fraction.
    #[error("is not an amount: write digits, with a point before the fraction, as in 1234.56")]
    Malformed,
    /// A digit beyond the sixth place.
    #[error("has more than 6 decimals")]
    TooFine,
    /// More than 30 digits before the point.
    #[error("is too large")]
    TooLarge,
}

impl Amount {
    /// No money.
    pub const ZERO: Amount = Amount(0);
    /// The most that one transfer moves and one hold sets aside.
    pub const LARGEST: Amount = Amount(18_446_744_073_709_551_615);

    /// An amount of `micros` × 10⁻⁶ of the currency unit.
    #[must_use]
    pub const fn from_micros(micros: i128) -> Amount {
        Amount(micros)
    }

    /// The amount in 10⁻⁶ of the currency unit.
    #[must_use]
    pub const fn micros(self) -> i128 {
        self.0
    }

    /// Whether it is no money.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum. `None` beyond 128 bits.
    #[must_use]
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// The difference. `None` beyond 128 bits.
    #[must_use]
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// The amount with the other sign. `None` for the one value that has none.
    #[must_use]
    pub fn checked_neg(self) -> Option<Amount> {
        self.0.checked_neg().map(Amount)
    }
}

impl From<u64> for Amount {
    fn from(micros: u64) -> Amount {
        Amount(i128::from(micros))
    }
}

impl TryFrom<money::Amount> for Amount {
    type Error = money::Overflow;

    /// A charge as an amount of the ledger.
    fn try_from(charge: money::Amount) -> Result<Amount, money::Overflow> {
        i128::try_from(charge.micros()).map(Amount).map_err(|_| money::Overflow)
    }
}

impl fmt::Display for Amount {
    /// With exactly six decimals: `-12.500000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let text = format!("{}.{:06}", magnitude / one, magnitude % one);
        f.pad_integral(self.0 >= 0, "", &text)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads `1234`, `-0.5`, `12.340000`; nothing else, and nothing is rounded.
    fn from_str(text: &str) -> Result<Amount, AmountError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').map_or((digits, "0"), |parts| parts);
        let only_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !only_digits(whole) || !only_digits(fraction) {
            return Err(AmountError::Malformed);
        }
        let fine = fraction.trim_end_matches('0');
        if fine.len() > PLACES {
            return Err(AmountError::TooFine);
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > LONGEST_WHOLE {
            return Err(AmountError::TooLarge);
        }
        let written = format!("0{whole}{fine:0<PLACES$}");
        let magnitude = written.parse::<i128>().map_err(|_| AmountError::TooLarge)?;
        Ok(Amount(if text.starts_with('-') { -magnitude } else { magnitude }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_read_exactly_or_refused() {
        let read = |text: &str| text.parse::<Amount>().map(Amount::micros).map_err(|error| error.to_string());
        for (text, micros) in
            [("0", 0), ("1", 1_000_000), ("-0.5", -500_000), ("0.000001", 1), ("007.10", 7_100_000)]
        {
            assert_eq!(read(text), Ok(micros), "{text}");
        }
        for text in ["", ".5", "5.", "+1", "1e3", "1,5", " 1", "--1", "1 000", "٣"] {
            assert!(read(text).is_err_and(|error| error.starts_with("is not an amount")), "{text}");
        }
        assert_eq!(read("0.0000001"), Err("has more than 6 decimals".to_owned()));
        assert_eq!(read("0.0000010"), Ok(1));
        assert_eq!(read(&"9".repeat(31)), Err("is too large".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(micros in -10_i128.pow(35)..10_i128.pow(35)) {
            let amount = Amount::from_micros(micros);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }
}
