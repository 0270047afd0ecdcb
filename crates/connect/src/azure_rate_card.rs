//! The rate card of Azure (JSON, as its Billing RateCard interface answers) into a price book.
//!
//! This makes prices, not events: one component for each meter, of kind `azure_meter`, in one version of one book.
//! A usage event finds its component with the attributes `meter_id` and `unit`: both must be those of the meter, so
//! that a quantity counted in hours is never priced per ten thousand. Its attribute `quantity` is in that unit. The
//! component's id is the MeterId; what people call the meter stands in a comment above it.
//!
//! - One rate from 0 is a `price`. Several (`{"0": 0.1, "50": 0.08}`: from each bound on another rate) are graduated
//!   `tiers` over the project's sum for the month, as is an IncludedQuantity, which is a first tier that costs nothing
//!   and takes the place of the rates that begin below it.
//! - A price must be a decimal below 10⁹ of at most nine places, or its meter is refused; nothing is rounded.
//! - Deprecated meters are priced as well: who still uses one still pays.
//! - The currency is the card's; the options name it for a card without one, and must not contradict it.
//!
//! The whole card is read at once, as a book is, and what is written was read as a book before: an output is a valid
//! book or empty. A refused meter does not stop the others.
//!
//! What is left out: each meter's own EffectiveDate (the book's version has one date), OfferTerms (discounts of a
//! commitment are not prices), tags, and tax: the card says whether it is included, but not at which rate, so put
//! `vat` into the book by hand.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;

use bigdecimal::BigDecimal;
use jiff::civil::Date;
use kopeck_rating::number::{Number, ONE};
use kopeck_rating::price_book::PriceBook;
use serde::Deserialize;
use serde_json::value::RawValue;
use toml::Value;

use crate::convert::{Flaw, Refused, Summary, quoted};
use crate::decimal;
use crate::job;

/// What the book is to be.
#[derive(Debug, Clone)]
pub struct BookOptions {
    /// The id of the book.
    pub id: String,
    /// The currency of a card that names none.
    pub currency: Option<String>,
    /// The IANA name of the book's time zone.
    pub timezone: String,
    /// The local date from which on the prices hold.
    pub effective: Date,
}

/// A card is at most this long, in bytes: twenty times the longest that is known.
const LONGEST_CARD: u64 = 1 << 26;

/// The kind of usage events that the book prices.
const KIND: &str = "azure_meter";

#[derive(Deserialize)]
struct Card<'a> {
    #[serde(rename = "Currency")]
    currency: Option<String>,
    #[serde(rename = "Meters", borrow)]
    meters: Vec<&'a RawValue>,
}

/// A meter, whose numbers are read as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meter<'a> {
    meter_id: String,
    #[serde(default)]
    meter_category: String,
    #[serde(default)]
    meter_sub_category: String,
    #[serde(default)]
    meter_name: String,
    #[serde(default)]
    meter_region: String,
    unit: String,
    #[serde(borrow)]
    meter_rates: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    included_quantity: Option<&'a RawValue>,
}

/// Converts one card. A record is a meter; nothing counts as an event.
///
/// # Errors
/// Only what reading the input or writing the output fails with; what can not be converted is a refusal.
pub fn price_book(
    input: &mut dyn BufRead,
    options: &BookOptions,
    output: &mut dyn Write,
    on_refusal: &mut dyn FnMut(Refused),
) -> io::Result<Summary> {
    let mut bytes = Vec::new();
    input.take(LONGEST_CARD + 1).read_to_end(&mut bytes)?;
    let mut summary = Summary::default();
    let mut refuse = |line: u64, flaw: Flaw| {
        summary.records += 1;
        summary.refused += 1;
        on_refusal(flaw.at(line));
    };
    match book_of(&bytes, options, &mut refuse) {
        Ok((book, components)) => {
            summary.records += components;
            output.write_all(book.as_bytes())?;
        }
        Err((line, flaw)) => refuse(line, flaw),
    }
    output.flush()?;
    Ok(summary)
}

/// The text of the book and how many components it has, or what is wrong with the whole card, and where.
fn book_of(
    bytes: &[u8],
    options: &BookOptions,
    refuse: &mut dyn FnMut(u64, Flaw),
) -> Result<(String, u64), (u64, Flaw)> {
    let (text, card) = read(bytes)?;
    let mut book = head(options, card.currency.as_deref()).map_err(|flaw| (1, flaw))?;
    let mut components = 0;
    let mut ids = HashSet::new();
    let (mut line, mut passed) = (1, 0);
    for meter in &card.meters {
        // A raw value is a part of the text that it was read from.
        let begin = (meter.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let between = text.as_bytes().get(passed..begin).unwrap_or_default();
        line += between.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        passed = begin;
        match component(meter.get(), &mut ids) {
            Ok(component) => {
                book.push_str(&component);
                components += 1;
            }
            Err(flaw) => refuse(line, flaw),
        }
    }
    if components == 0 {
        return Err((1, Flaw::of_record("the rate card has no meter that can be priced", "export it again")));
    }
    match PriceBook::read(&book) {
        Ok(_) => Ok((book, components)),
        Err(problems) => {
            let reasons: Vec<String> = problems.into_iter().take(3).map(|problem| problem.reason).collect();
            let reason = format!("the book would not be valid: {}", reasons.join("; "));
            Err((
                1,
                Flaw::of_record(
                    reason,
                    "choose an id, a currency, a time zone and a date that a book may have",
                ),
            ))
        }
    }
}

fn read(bytes: &[u8]) -> Result<(&str, Card<'_>), (u64, Flaw)> {
    let refuse = |line: usize, reason: String| {
        let remedy = "save the answer of the RateCard interface as it is, in UTF-8";
        (line as u64, Flaw::of_record(reason, remedy))
    };
    if bytes.len() as u64 > LONGEST_CARD {
        return Err(refuse(1, format!("the rate card is longer than {LONGEST_CARD} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        refuse(line, "the line is not valid UTF-8".to_owned())
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let card = serde_json::from_str(text).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        refuse(error.line().max(1), format!("not a rate card: {reason}"))
    })?;
    Ok((text, card))
}

/// The part of a book before its components.
fn head(options: &BookOptions, of_card: Option<&str>) -> Result<String, Flaw> {
    let currency = match (of_card, options.currency.as_deref()) {
        (Some(card), Some(wanted)) if card != wanted => {
            let reason = format!("the prices are in {}, not in {}", quoted(card), quoted(wanted));
            let remedy = "make a book in the currency of the card: prices are not converted";
            return Err(Flaw::of_field("Currency", reason, remedy));
        }
        (Some(currency), _) | (None, Some(currency)) => currency,
        (None, None) => {
            return Err(Flaw::of_field("Currency", "is missing", "name the currency of the prices"));
        }
    };
    Ok(format!(
        "[book]\nid = {}\ncurrency = {}\ntimezone = {}\n\n[[version]]\neffective = {}\n",
        literal(&options.id),
        literal(currency),
        literal(&options.timezone),
        options.effective,
    ))
}

/// The component of a meter, as a part of a book.
fn component(meter: &str, ids: &mut HashSet<String>) -> Result<String, Flaw> {
    let meter: Meter<'_> = serde_json::from_str(meter).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        Flaw::of_record(format!("not a meter: {reason}"), "export the rate card again")
    })?;
    for (field, text) in [("MeterId", &meter.meter_id), ("Unit", &meter.unit)] {
        if text.trim().is_empty() {
            return Err(Flaw::of_field(field, "is empty", "a meter without it can not be priced: add it"));
        }
    }
    let steps = steps(&meter)?;
    if !ids.insert(meter.meter_id.clone()) {
        let reason = format!("{} stands twice", quoted(&meter.meter_id));
        return Err(Flaw::of_field("MeterId", reason, "keep the meter that is right"));
    }
    let names = [&meter.meter_category, &meter.meter_sub_category, &meter.meter_name, &meter.meter_region];
    let names: Vec<&str> = names.into_iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let comment = format!("{}; unit: {}", names.join(", "), meter.unit);
    let comment = comment.trim_start_matches("; ");
    let id = literal(&meter.meter_id);
    Ok(format!(
        "\n# {}\n[[version.component]]\nid = {id}\nkind = \"{KIND}\"\nwhen = {{ meter_id = {id}, unit = {} }}\n\
         model = \"per_use\"\nquantity = [\"quantity\"]\n{}\n",
        comment.replace(char::is_control, " "),
        literal(&meter.unit),
        prices(&steps),
    ))
}

/// From each quantity on another price: at least one step, the first from 0.
type Steps = Vec<(Number, Number)>;

fn steps(meter: &Meter<'_>) -> Result<Steps, Flaw> {
    const RATES: &str = "MeterRates";
    let mut rates: BTreeMap<Number, Number> = BTreeMap::new();
    for (from, price) in &meter.meter_rates {
        let bound = decimal::number(from, false).map_err(|_| {
            let reason = format!("{} is not a quantity below 10^12", quoted(from));
            Flaw::of_field(RATES, reason, "write the quantity from which on the rate holds")
        })?;
        let price = decimal(RATES, price, 9)?;
        if rates.insert(bound, price).is_some() {
            return Err(Flaw::of_field(
                RATES,
                format!("two rates hold from {bound}"),
                "keep the one that is right",
            ));
        }
    }
    if !rates.contains_key(&Number::ZERO) {
        return Err(Flaw::of_field(RATES, "no rate holds from 0", "add it; write 0 where it is free"));
    }
    let included = match meter.included_quantity {
        Some(included) => decimal("IncludedQuantity", included, 12)?,
        None => Number::ZERO,
    };
    let mut steps = Vec::new();
    if included > Number::ZERO {
        steps.push((Number::ZERO, Number::ZERO));
    }
    let (below, above): (Steps, Steps) = rates.into_iter().partition(|(from, _)| *from <= included);
    // The rate that has begun by then, of which there is at least the one from 0.
    steps.extend(below.last().map(|(_, price)| (included, *price)));
    steps.extend(above);
    Ok(steps)
}

/// `price` or `tiers`.
fn prices(steps: &Steps) -> String {
    if let [(_, price)] = steps.as_slice() {
        return format!("price = \"{price}\"");
    }
    let ends = steps.iter().skip(1).map(|(from, _)| Some(from)).chain([None]);
    let tiers: Vec<String> = steps
        .iter()
        .zip(ends)
        .map(|((_, price), end)| match end {
            Some(end) => format!("{{ up_to = \"{end}\", price = \"{price}\" }}"),
            None => format!("{{ price = \"{price}\" }}"),
        })
        .collect();
    format!("tiers = [{}]", tiers.join(", "))
}

/// Reads a number below 10^`digits` of at most nine places.
fn decimal(field: &'static str, value: &RawValue, digits: u32) -> Result<Number, Flaw> {
    let text = value.get();
    let refuse =
        |reason: String| Flaw::of_field(field, reason, "correct the rate card, or price the meter by hand");
    let malformed = || refuse(format!("{} is not a plain number", quoted(text)));
    // Longer ones, and exponents that fill the memory, are no prices.
    if text.len() > 40 {
        return Err(malformed());
    }
    let exact = BigDecimal::from_str(text).map_err(|_| malformed())?;
    if exact.as_bigint_and_exponent().1.unsigned_abs() > 40 {
        return Err(malformed());
    }
    let number = Number::from_json(text).ok();
    let number = number.filter(|number| !number.is_negative() && number.units() < 10_i128.pow(digits) * ONE);
    let number =
        number.ok_or_else(|| refuse(format!("{} is not from 0 to below 10^{digits}", quoted(text))))?;
    if job::exact(number) != exact {
        return Err(refuse(format!("{} has more than nine places", quoted(text))));
    }
    Ok(number)
}

/// A text in quotation marks.
fn literal(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
