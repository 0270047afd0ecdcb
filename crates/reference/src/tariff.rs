//! From quantities to money, in integers and fractions of any size.
//!
//! Quantities are counted in 10⁻¹⁸ of a unit: a product of two numbers of nine places is a whole number of them.

use ethnum::I256;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use kopeck_rating::money::{Amount, Overflow, Quantity};
use kopeck_rating::number::Number;
use kopeck_rating::price_book::{Model, Per, Prorate, TierMode, Tiers};

use crate::clock::Month;

/// 10⁹: one, in the unit of a [`Number`].
fn billion() -> BigInt {
    BigInt::from(1_000_000_000)
}

/// A number in units of 10⁻¹⁸.
pub(crate) fn units(number: Number) -> BigInt {
    BigInt::from(number.units()) * billion()
}

/// What a quantity of that model costs in that month, in the currency unit.
pub(crate) fn amount(model: &Model, quantity: &BigInt, month: &Month) -> BigRational {
    let one = BigInt::from(1);
    match model {
        Model::PerSecond { price, per } => cost(quantity, *price, seconds(*per)),
        Model::Monthly { price, prorate: Prorate::Day } => cost(quantity, *price, month.days().into()),
        Model::Monthly { price, prorate: Prorate::Second } => cost(quantity, *price, month.seconds().into()),
        Model::Monthly { price, prorate: Prorate::None }
        | Model::HourlyPeak { price }
        | Model::MonthlyPeak { price, .. }
        | Model::Once { price }
        | Model::PerUse { price } => cost(quantity, *price, one),
        Model::Tiered(tiers) => match tiers.mode {
            TierMode::Graduated => graduated(tiers, quantity),
            TierMode::Volume => volume(tiers, quantity),
        },
    }
}

/// Quantity × price / parts.
fn cost(quantity: &BigInt, price: Number, parts: BigInt) -> BigRational {
    BigRational::new(quantity * price.units(), billion() * billion() * billion() * parts)
}

/// A month is 730.5 hours.
fn seconds(per: Per) -> BigInt {
    BigInt::from(match per {
        Per::Second => 1,
        Per::Hour => 3_600,
        Per::Day => 86_400,
        Per::Month => 7_305 * 360,
    })
}

/// Each part at its own tier's price; what is below zero lies in the first tier.
fn graduated(tiers: &Tiers, quantity: &BigInt) -> BigRational {
    let mut rest = quantity.clone();
    let mut floor = BigInt::zero();
    let mut sum = BigRational::zero();
    for (up_to, price) in &tiers.bounded {
        let part = rest.clone().min(units(*up_to) - &floor);
        sum += cost(&part, *price, BigInt::from(1));
        rest -= part;
        floor = units(*up_to);
    }
    sum + cost(&rest, tiers.open, BigInt::from(1))
}

/// All of it at the price of the tier that it falls in.
fn volume(tiers: &Tiers, quantity: &BigInt) -> BigRational {
    let tier = tiers.bounded.iter().find(|(up_to, _)| *quantity <= units(*up_to));
    cost(quantity, tier.map_or(tiers.open, |(_, price)| *price), BigInt::from(1))
}

/// R of the contract: rounded half to even to 10⁻⁶ of the currency unit, in that unit.
pub(crate) fn round_to_micros(amount: &BigRational) -> BigInt {
    let micros = amount * BigInt::from(1_000_000);
    let below = micros.floor().to_integer();
    let above: BigInt = &below + 1;
    let half = BigRational::new(BigInt::from(1), BigInt::from(2));
    let rest = micros - &below;
    let below_is_even = below.clone() % BigInt::from(2) == BigInt::zero();
    if rest < half || (rest == half && below_is_even) { below } else { above }
}

/// The quantity as the type that charges have.
pub(crate) fn to_quantity(units: &BigInt) -> Result<Quantity, Overflow> {
    units.to_string().parse::<I256>().map(Quantity::from_units).map_err(|_| Overflow)
}

/// The amount as the type that charges have, digit by digit: the type takes no more than 128 bits at once.
pub(crate) fn to_amount(micros: &BigInt) -> Result<Amount, Overflow> {
    let (sign, digits) = micros.to_radix_be(10);
    let sign = if sign == num_bigint::Sign::Minus { -1 } else { 1 };
    digits.into_iter().try_fold(Amount::ZERO, |amount, digit| {
        let tenfold = (0..10).try_fold(Amount::ZERO, |sum, _| sum.checked_add(amount))?;
        tenfold.checked_add(Amount::from_micros(sign * i128::from(digit)))
    })
}
