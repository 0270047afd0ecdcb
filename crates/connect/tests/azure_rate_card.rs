//! Rate cards into price books. All records here are made up, but for the card of the last test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::collections::BTreeMap;
use std::io::Read;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use check::shared;
use expect_test::{Expect, expect};
use kopeck_connect::azure_rate_card::{BookOptions, price_book};
use kopeck_connect::convert::{Refused, Summary};
use kopeck_rating::event::Value;
use kopeck_rating::price_book::{Model, PriceBook};

const FIXTURE: &str = include_str!("fixtures/azure-rate-card.json");

fn options() -> BookOptions {
    BookOptions {
        id: "azure \"list\"".to_owned(),
        currency: None,
        timezone: "Europe/Moscow".to_owned(),
        effective: jiff::civil::date(2026, 10, 1),
    }
}

fn convert(input: &[u8], options: &BookOptions) -> (String, Vec<Refused>, Summary) {
    let (mut output, mut refusals, mut input) = (Vec::new(), Vec::new(), input);
    let summary =
        price_book(&mut input, options, &mut output, &mut |refused| refusals.push(refused)).expect("memory");
    assert_eq!(summary.refused, refusals.len() as u64);
    let text = String::from_utf8(output).expect("TOML is UTF-8");
    if !text.is_empty() {
        let book = PriceBook::read(&text).expect("a valid book");
        assert_eq!(book.components().count() as u64, summary.converted());
    }
    (text, refusals, summary)
}

fn check(input: impl AsRef<[u8]>, options: &BookOptions, expected: &Expect) {
    let (mut text, refusals, summary) = convert(input.as_ref(), options);
    for refused in refusals {
        text.push_str(&format!("{refused}\n  {}\n", refused.remedy));
    }
    text.push_str(&format!("{} records, {} refused\n", summary.records, summary.refused));
    expected.assert_eq(&text);
}

/// A card with one meter of these rates and this included quantity.
fn card(rates: &str, included: &str) -> String {
    format!(
        "{{\"Currency\": \"EUR\", \"Meters\": [{{\"MeterId\": \"m-1\", \"Unit\": \"GB\", \"MeterRates\": {rates}, \
         \"IncludedQuantity\": {included}}}]}}"
    )
}

fn prices(rates: &str, included: &str) -> String {
    let (text, refusals, _) = convert(card(rates, included).as_bytes(), &options());
    match refusals.first() {
        Some(refused) => refused.to_string(),
        None => text.lines().last().unwrap().to_owned(),
    }
}

#[test]
fn a_meter_is_a_component_found_by_its_id_and_unit() {
    check(
        FIXTURE,
        &options(),
        &expect![[r#"
        [book]
        id = 'azure "list"'
        currency = "EUR"
        timezone = "Europe/Moscow"

        [[version]]
        effective = 2026-10-01

        # Virtual Machines, D11 VM, Compute Hours, North; unit: Hours
        [[version.component]]
        id = "m-1"
        kind = "azure_meter"
        when = { meter_id = "m-1", unit = "Hours" }
        model = "per_use"
        quantity = ["quantity"]
        price = "0.36"

        # Push [book]; unit: 1,000,000s
        [[version.component]]
        id = 'm-"2"\'
        kind = "azure_meter"
        when = { meter_id = 'm-"2"\', unit = "1,000,000s" }
        model = "per_use"
        quantity = ["quantity"]
        tiers = [{ up_to = "100", price = "10" }, { price = "8.5" }]

        # unit: GB
        [[version.component]]
        id = "m-4"
        kind = "azure_meter"
        when = { meter_id = "m-4", unit = "GB" }
        model = "per_use"
        quantity = ["quantity"]
        tiers = [{ up_to = "5", price = "0" }, { price = "0.00001" }]
        line 25: MeterId: "m-1" stands twice
          keep the meter that is right
        line 26: not a meter: missing field `Unit`
          export the rate card again
        line 27: MeterId: is empty
          a meter without it can not be priced: add it
        line 28: not a meter: invalid type: integer `17`, expected struct Meter
          export the rate card again
        7 records, 4 refused
    "#]],
    );
}

#[test]
fn rates_from_several_bounds_and_included_quantities_are_tiers() {
    let table = [
        (r#"{"0": 0.5}"#, "0.0"),
        (r#"{"0": 1e-06}"#, "0"),
        (r#"{"0": 8700.0}"#, "null"),
        (r#"{"50": 0.08, "0": 0.1, "500.5": 0.05}"#, "0"),
        (r#"{"0": 0.5}"#, "12.5"),
        (r#"{"0": 0.1, "50": 0.08, "500": 0.05}"#, "50"),
        (r#"{"0": 0.1, "50": 0.08, "500": 0.05}"#, "60"),
        (r#"{"0": 0.1, "50": 0.08, "500": 0.05}"#, "10"),
    ];
    let text: String = table.iter().map(|(rates, included)| prices(rates, included) + "\n").collect();
    expect![[r#"
        price = "0.5"
        price = "0.000001"
        price = "8700"
        tiers = [{ up_to = "50", price = "0.1" }, { up_to = "500.5", price = "0.08" }, { price = "0.05" }]
        tiers = [{ up_to = "12.5", price = "0" }, { price = "0.5" }]
        tiers = [{ up_to = "50", price = "0" }, { up_to = "500", price = "0.08" }, { price = "0.05" }]
        tiers = [{ up_to = "60", price = "0" }, { up_to = "500", price = "0.08" }, { price = "0.05" }]
        tiers = [{ up_to = "10", price = "0" }, { up_to = "50", price = "0.1" }, { up_to = "500", price = "0.08" }, { price = "0.05" }]
    "#]].assert_eq(&text);
}

#[test]
fn rates_that_a_book_can_not_hold_are_refused() {
    let table = [
        ("{}", "0"),
        (r#"{"5": 0.5}"#, "0"),
        (r#"{"0": 0.5, "0.0": 0.6}"#, "0"),
        (r#"{"-1": 0.5}"#, "0"),
        (r#"{"0": -0.5}"#, "0"),
        (r#"{"0": 0.0000000001}"#, "0"),
        (r#"{"0": 1000000000}"#, "0"),
        (r#"{"0": 1e999999999}"#, "0"),
        (r#"{"0": 1e-999999999}"#, "0"),
        (r#"{"0": "0.5"}"#, "0"),
        (r#"{"0": null}"#, "0"),
        (r#"{"0": 0.5}"#, "1e12"),
        (r#"{"0": 0.5}"#, "-1"),
        ("[0.5]", "0"),
    ];
    let text: String = table.iter().map(|(rates, included)| prices(rates, included) + "\n").collect();
    expect![[r#"
        line 1: MeterRates: no rate holds from 0
        line 1: MeterRates: no rate holds from 0
        line 1: MeterRates: two rates hold from 0
        line 1: MeterRates: "-1" is not a quantity below 10^12
        line 1: MeterRates: "-0.5" is not from 0 to below 10^9
        line 1: MeterRates: "0.0000000001" has more than nine places
        line 1: MeterRates: "1000000000" is not from 0 to below 10^9
        line 1: MeterRates: "1e999999999" is not a plain number
        line 1: MeterRates: "1e-999999999" is not a plain number
        line 1: MeterRates: "\"0.5\"" is not a plain number
        line 1: MeterRates: "null" is not a plain number
        line 1: IncludedQuantity: "1e12" is not from 0 to below 10^12
        line 1: IncludedQuantity: "-1" is not from 0 to below 10^12
        line 1: not a meter: invalid type: sequence, expected a map
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_card_that_can_not_be_a_book_gives_none() {
    let good = card(r#"{"0": 0.5}"#, "0");
    let rubles = BookOptions { currency: Some("RUB".to_owned()), ..options() };
    check(
        &good,
        &rubles,
        &expect![[r#"
        line 1: Currency: the prices are in "EUR", not in "RUB"
          make a book in the currency of the card: prices are not converted
        1 records, 1 refused
    "#]],
    );
    check(
        &good,
        &BookOptions { timezone: "Mars/Olympus".to_owned(), ..options() },
        &expect![[r#"
        line 1: the book would not be valid: [book]: `timezone` "Mars/Olympus" is unknown
          choose an id, a currency, a time zone and a date that a book may have
        1 records, 1 refused
    "#]],
    );
    check(
        good.replace("EUR", "euro"),
        &options(),
        &expect![[r#"
        line 1: the book would not be valid: [book]: `currency` is "euro"
          choose an id, a currency, a time zone and a date that a book may have
        1 records, 1 refused
    "#]],
    );
    check(
        good.replace("Currency", "Money"),
        &options(),
        &expect![[r#"
        line 1: Currency: is missing
          name the currency of the prices
        1 records, 1 refused
    "#]],
    );
    check(
        r#"{"Currency": "EUR", "Meters": []}"#,
        &options(),
        &expect![[r#"
        line 1: the rate card has no meter that can be priced
          export it again
        1 records, 1 refused
    "#]],
    );
    for broken in ["", "[]", &good[..good.len() - 5]] {
        let (text, refusals, summary) = convert(broken.as_bytes(), &options());
        assert_eq!((text.as_str(), refusals.len(), summary.records), ("", 1, 1));
    }
    check(
        b"{\"Currency\":\n \"\xff\"}",
        &options(),
        &expect![[r#"
        line 2: the line is not valid UTF-8
          save the answer of the RateCard interface as it is, in UTF-8
        1 records, 1 refused
    "#]],
    );
    assert!(convert(good.replace("Currency", "Money").as_bytes(), &rubles).0.contains("currency = \"RUB\""));
    assert_eq!(
        convert(format!("\u{feff}{good}").as_bytes(), &options()).0,
        convert(good.as_bytes(), &options()).0
    );
}

#[test]
fn a_real_card_becomes_a_book_with_the_price_of_each_meter() {
    let Some(packed) = shared("prices/azure_ratecard_libcloud.json.gz") else { return };
    let mut json = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut json).unwrap();
    let (text, refusals, summary) = convert(json.as_bytes(), &options());
    assert_eq!(refusals, []);
    assert_eq!((summary.records, summary.converted()), (5_599, 5_599));
    let book = PriceBook::read(&text).unwrap();
    assert_eq!((book.currency(), book.zone_name()), ("USD", "Europe/Moscow"));
    // The same by the lines of the file.
    let value = |line: &str| line.split_once(": ").unwrap().1.trim_matches(['"', ',']).to_owned();
    let (mut meters, mut id, mut included) = (BTreeMap::new(), String::new(), String::new());
    for line in json.lines().map(str::trim) {
        match line.split_once(": ").map_or(line, |(name, _)| name) {
            "\"MeterId\"" => id = value(line),
            "\"IncludedQuantity\"" => included = value(line),
            "\"0\"" => drop(meters.insert(id.clone(), (included.clone(), value(line)))),
            _ => {}
        }
    }
    let number = |text: &str| BigDecimal::from_str(text).unwrap();
    let mut tiered = 0;
    for (_, component) in book.components() {
        let (included, price) = &meters[&component.id];
        let own = component.when.iter().any(
            |condition| matches!(condition.any_of.as_slice(), [Value::Text(text)] if *text == component.id),
        );
        assert!(own && component.when.len() == 2 && component.quantity == ["quantity"]);
        let (free, dear) = match &component.model {
            Model::PerUse { price } => ("0".to_owned(), price.to_string()),
            Model::Tiered(tiers) => {
                tiered += 1;
                let [(free, nothing)] = tiers.bounded.as_slice() else { panic!("{}", component.id) };
                assert_eq!(nothing.to_string(), "0");
                (free.to_string(), tiers.open.to_string())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((number(&free), number(&dear)), (number(included), number(price)), "{}", component.id);
    }
    assert_eq!((meters.len(), tiered), (5_599, 20));
}
