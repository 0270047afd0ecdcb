//! FOCUS into costs. All records here are made up, but for the sample of the last tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::collections::BTreeMap;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode};
use check::{convert, in_zone, read, shared};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};
use kopeck_rating::event::{Description, Value};

const FIXTURE: &str = include_str!("fixtures/focus.csv");

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::Focus, input.as_ref(), &Options::default(), expected);
}

const HEADER: &str = "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,\
                      ChargePeriodStart,ProviderName,SubAccountId,ResourceId\n";

/// A row of [`HEADER`], but for the given fields.
fn row(changes: &[(&str, &str)]) -> String {
    let usual = "1.5,acc-1,EUR,2026-09-01,2026-10-01,2026-09-05,Birch,sub-a,vm-17";
    let mut fields: Vec<&str> = usual.split(',').collect();
    for (name, value) in changes {
        let at = HEADER.trim_end().split(',').position(|other| other == *name).expect("a column");
        fields[at] = value;
    }
    fields.join(",") + "\n"
}

fn ids(input: &str, options: &Options) -> Vec<String> {
    let outcome = convert(Source::Focus, input.as_bytes(), options);
    outcome.output.lines().map(|line| read(line).0.id.into_owned()).collect()
}

#[test]
fn a_row_is_a_cost_whose_amount_is_passed_on_digit_by_digit() {
    let outcome = convert(Source::Focus, FIXTURE.as_bytes(), &Options::default());
    expect![[r#"
        {"specversion":"1.0","id":"b30d9fd7bc25dd30ec7b201c2c5ac842/1","source":"focus://birch-cloud","type":"kopeck.usage.v1","subject":"vm-17","time":"2026-09-30T23:00:00Z","project":"sub-a","data":{"kind":"cost","region":"north-1","attributes":{"amount":1.20000000000,"currency":"EUR","effective_cost":1.00000000000,"provider":"Birch Cloud","service":"Birch Compute","service_category":"Compute","charge_category":"Usage","sku":"S1"}}}
        {"specversion":"1.0","id":"77e6994c9fde5ebcb18fd189e291a974/1","source":"focus://birch-cloud","type":"kopeck.usage.v1","subject":"Birch Storage","time":"2026-09-01T00:00:00Z","project":"acc-1","data":{"kind":"cost","region":"North","attributes":{"amount":-0.00000000603,"currency":"EUR","provider":"Birch Cloud","service":"Birch Storage","service_category":"Storage","charge_category":"Credit","charge_class":"Correction"}}}
        {"specversion":"1.0","id":"c43595b91a4e325470f577f9d68d64d8/1","source":"focus://birch-cloud","type":"kopeck.usage.v1","subject":"disk 3","time":"2026-10-01T00:00:00Z","project":"sub-a","data":{"kind":"cost","attributes":{"amount":5E-05,"currency":"EUR","provider":"Birch Cloud","service":"Birch Storage","service_category":"Storage","charge_category":"Usage","sku":"S2"}}}
        {"specversion":"1.0","id":"43371b71354893e738adde5a3916cb31/1","source":"focus://birch-cloud","type":"kopeck.usage.v1","subject":"acc-1","time":"2026-09-30T23:59:59Z","project":"sub-b","data":{"kind":"cost","attributes":{"amount":800,"currency":"EUR","effective_cost":0,"provider":"Birch Cloud","charge_category":"Purchase"}}}
        {"specversion":"1.0","id":"b30d9fd7bc25dd30ec7b201c2c5ac842/2","source":"focus://birch-cloud","type":"kopeck.usage.v1","subject":"vm-17","time":"2026-09-30T23:00:00Z","project":"sub-a","data":{"kind":"cost","region":"north-1","attributes":{"amount":1.20000000000,"currency":"EUR","effective_cost":1.00000000000,"provider":"Birch Cloud","service":"Birch Compute","service_category":"Compute","charge_category":"Usage","sku":"S1"}}}
    "#]].assert_eq(&outcome.output);
}

#[test]
fn a_cost_lies_in_the_billing_period_and_belongs_to_something() {
    check(
        FIXTURE,
        &expect![[r#"
        2026-09-30T23:00:00Z sub-a: cost vm-17 amount=1.2 charge_category=Usage currency=EUR effective_cost=1 provider=Birch Cloud service=Birch Compute service_category=Compute sku=S1
        2026-09-01T00:00:00Z acc-1: cost Birch Storage amount=-0.000000006 charge_category=Credit charge_class=Correction currency=EUR provider=Birch Cloud service=Birch Storage service_category=Storage
        2026-10-01T00:00:00Z sub-a: cost disk 3 amount=0.00005 charge_category=Usage currency=EUR provider=Birch Cloud service=Birch Storage service_category=Storage sku=S2
        2026-09-30T23:59:59Z sub-b: cost acc-1 amount=800 charge_category=Purchase currency=EUR effective_cost=0 provider=Birch Cloud
        2026-09-30T23:00:00Z sub-a: cost vm-17 amount=1.2 charge_category=Usage currency=EUR effective_cost=1 provider=Birch Cloud service=Birch Compute service_category=Compute sku=S1
        line 7: BilledCost: is empty
          FOCUS asks for it: export the row again
        6 records, 5 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn the_zone_of_the_options_reads_times_without_an_offset() {
    let moscow = in_zone("Europe/Moscow");
    let input = format!("{HEADER}{}{}", row(&[]), row(&[("ChargePeriodStart", "2026-09-05T00:00:00Z")]));
    check::check(
        Source::Focus,
        input.as_bytes(),
        &moscow,
        &expect![[r#"
        2026-09-04T21:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        2026-09-05T00:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        2 records, 2 events, 0 refused, skipped {}
    "#]],
    );
    let zone = in_zone("America/St_Johns");
    let input = format!(
        "{HEADER}{}{}",
        row(&[("ChargePeriodStart", "2026-03-08 02:30:00")]),
        row(&[("ChargePeriodStart", "2026-11-01 01:30:00"), ("BillingPeriodEnd", "2026-12-01")]),
    );
    check::check(
        Source::Focus,
        input.as_bytes(),
        &zone,
        &expect![[r#"
        2026-11-01T04:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        line 2: ChargePeriodStart: 2026-03-08 02:30:00 never was in America/St_Johns: the clock was set forward over it
          name the time zone of the file with --timezone
        2 records, 1 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn identical_rows_are_two_costs_with_ids_that_outlive_order_and_custom_columns() {
    let input = format!("{HEADER}{}{}{}", row(&[]), row(&[("ResourceId", "vm-18")]), row(&[]));
    let usual = ids(&input, &Options::default());
    expect![[r#"
        4fee9d0e8eb843ed0ffa93112189083e/1
        a1d0e74ad67267cb1a35cd7854b025c4/1
        4fee9d0e8eb843ed0ffa93112189083e/2"#]]
    .assert_eq(&usual.join("\n"));
    assert_eq!(ids(&input, &Options::default()), usual);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let reordered = format!("{HEADER}{}{}{}", row(&[("ResourceId", "vm-18")]), row(&[]), row(&[]));
    assert_eq!(sorted(ids(&reordered, &Options::default())), sorted(usual.clone()));
    let mut number = 0;
    let widened: String = input
        .lines()
        .map(|line| {
            number += 1;
            let own = if number == 1 { "x_Row,".to_owned() } else { format!("{number},") };
            format!("{own}{line},NULL\n")
        })
        .collect();
    let widened = widened.replacen(",NULL", ",RegionName", 1);
    assert_eq!(ids(&widened, &Options::default()), usual);
    assert_eq!(ids(&input, &in_zone("Europe/Moscow")), usual);
}

#[test]
fn an_effective_cost_may_be_missing_but_not_wrong() {
    let header = HEADER.replace("ResourceId", "EffectiveCost");
    let rows = ["", "NULL", "-0.25", "free"].map(|effective| row(&[("ResourceId", effective)]));
    check(
        header + &rows.concat(),
        &expect![[r#"
            2026-09-05T00:00:00Z sub-a: cost acc-1 amount=1.5 currency=EUR provider=Birch
            2026-09-05T00:00:00Z sub-a: cost acc-1 amount=1.5 currency=EUR provider=Birch
            2026-09-05T00:00:00Z sub-a: cost acc-1 amount=1.5 currency=EUR effective_cost=-0.25 provider=Birch
            line 5: EffectiveCost: "free" is not a number
              write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
            4 records, 3 events, 1 refused, skipped {}
        "#]],
    );
}

#[test]
fn a_header_without_needed_columns_refuses_its_rows_and_names_them() {
    let without =
        |names: &[&str]| names.iter().fold(HEADER.to_owned(), |header, name| header.replace(name, "Other"));
    let row = row(&[]);
    check(
        without(&["BillingCurrency"]) + &row + &row,
        &expect![[r#"
        line 2: BillingCurrency: the header of the file does not name this column
          export the table with this column; is this the right format?
        line 3: BillingCurrency: the header of the file does not name this column
          export the table with this column; is this the right format?
        2 records, 0 events, 2 refused, skipped {}
    "#]],
    );
    check(
        without(&["BilledCost", "ProviderName"]) + &row,
        &expect![[r#"
        line 2: the header of the file does not name the columns BilledCost, ProviderName
          export the table with these columns; is this the right format?
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
    check(
        HEADER.replace("SubAccountId", "Billed Cost") + &row,
        &expect![[r#"
        line 2: BilledCost: the header names "billedcost" twice
          export the table with each column once
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
    check(
        format!("a,b\n1,2\n{HEADER}{row}"),
        &expect![[r#"
        2026-09-05T00:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        line 2: the header of the file does not name the columns BilledCost, BillingCurrency, BillingPeriodStart, BillingPeriodEnd, ChargePeriodStart, BillingAccountId, ProviderName
          export the table with these columns; is this the right format?
        2 records, 1 events, 1 refused, skipped {}
    "#]],
    );
    let latin = [b"BilledCost,W\xe4hrung\n".as_slice(), row.as_bytes()].concat();
    check(
        latin,
        &expect![[r#"
        line 2: the header is not valid UTF-8 in "W�hrung"
          write the file as UTF-8
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_header_that_stands_again_is_read_again() {
    let other = "SubAccountId,BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,\
                 ChargePeriodStart,ProviderName\nsub-b,2.5,acc-1,EUR,2026-09-01,2026-10-01,2026-09-05,Birch\n";
    check(
        format!("{HEADER}{}{HEADER}{}{other}", row(&[]), row(&[])),
        &expect![[r#"
        2026-09-05T00:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        2026-09-05T00:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        2026-09-05T00:00:00Z sub-b: cost acc-1 amount=2.5 currency=EUR provider=Birch
        3 records, 3 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn broken_fields_are_refused_one_by_one() {
    let rows = [
        row(&[]),
        row(&[("BilledCost", "")]),
        row(&[("BilledCost", "NULL")]),
        row(&[("BilledCost", "1e12")]),
        row(&[("BilledCost", "99999999999999999999")]),
        row(&[("BilledCost", "1.5 EUR")]),
        row(&[("BilledCost", "\"1,5\"")]),
        row(&[("BilledCost", "NaN")]),
        row(&[("BilledCost", "0x10")]),
        row(&[("BillingCurrency", "euro")]),
        row(&[("BillingCurrency", "")]),
        row(&[("BillingAccountId", "")]),
        row(&[("ProviderName", " ")]),
        row(&[("SubAccountId", "BilledCost")]),
    ];
    check(
        HEADER.to_owned() + &rows.concat(),
        &expect![[r#"
        2026-09-05T00:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        2026-09-05T00:00:00Z BilledCost: cost vm-17 amount=1.5 currency=EUR provider=Birch
        line 3: BilledCost: is empty
          FOCUS asks for it: export the row again
        line 4: BilledCost: is empty
          FOCUS asks for it: export the row again
        line 5: BilledCost: "1e12" is not below 10^12
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 6: BilledCost: "99999999999999999999" is not below 10^12
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 7: BilledCost: "1.5 EUR" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 8: BilledCost: "1,5" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 9: BilledCost: "NaN" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 10: BilledCost: "0x10" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 11: BillingCurrency: "euro" is not the code of a currency such as EUR
          write the three capital letters of ISO 4217
        line 12: BillingCurrency: is empty
          FOCUS asks for it: export the row again
        line 13: BillingAccountId: is empty
          FOCUS asks for it: export the row again
        line 14: ProviderName: is empty
          FOCUS asks for it: export the row again
        14 records, 2 events, 12 refused, skipped {}
    "#]],
    );
}

#[test]
fn broken_times_are_refused_one_by_one() {
    let rows = [
        row(&[("ChargePeriodStart", "05.09.2026")]),
        row(&[("ChargePeriodStart", "2026-02-30")]),
        row(&[("ChargePeriodStart", "2026-09-05 25:00:00")]),
        row(&[("ChargePeriodStart", "2026-09-05 10:00:00+")]),
        row(&[("ChargePeriodStart", "45540")]),
        row(&[("BillingPeriodStart", "1815-09-01"), ("ChargePeriodStart", "1815-09-01")]),
        row(&[("BillingPeriodEnd", "2026-09-01")]),
        row(&[("ChargePeriodStart", "2026-09-05T10:00:00.25+03:00")]),
        row(&[("ChargePeriodStart", "2026-09-05 10:00:00 UTC")]),
        row(&[("ChargePeriodStart", "2026-09-05 10:00:00 CET")]),
    ];
    check(
        HEADER.to_owned() + &rows.concat(),
        &expect![[r#"
            2026-09-05T07:00:00.25Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
            2026-09-05T10:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
            line 2: ChargePeriodStart: "05.09.2026" is not a time such as 2026-10-05T10:00:00Z
              write times as year-month-day, hour:minute:second
            line 3: ChargePeriodStart: "2026-02-30" is not a time such as 2026-10-05T10:00:00Z
              write times as year-month-day, hour:minute:second
            line 4: ChargePeriodStart: "2026-09-05 25:00:00" is not a time such as 2026-10-05T10:00:00Z
              write times as year-month-day, hour:minute:second
            line 5: ChargePeriodStart: "2026-09-05 10:00:00+" is not a time such as 2026-10-05T10:00:00Z
              write times as year-month-day, hour:minute:second
            line 6: ChargePeriodStart: "45540" is not a time such as 2026-10-05T10:00:00Z
              write times as year-month-day, hour:minute:second
            line 7: ChargePeriodStart: 1815-09-01T00:00:00Z lies outside the years 1900 to 2199
              check the date
            line 8: BillingPeriodEnd: 2026-09-01T00:00:00Z is not after the start, 2026-09-01T00:00:00Z
              export the row again
            line 11: ChargePeriodStart: "2026-09-05 10:00:00 CET" is not a time such as 2026-10-05T10:00:00Z
              write times as year-month-day, hour:minute:second
            10 records, 2 events, 8 refused, skipped {}
        "#]],
    );
}

#[test]
fn broken_lines_are_refused_one_by_one() {
    let mut input = HEADER.as_bytes().to_vec();
    let rows = [
        row(&[]),
        row(&[]).replace(",vm-17", ",vm-17,more"),
        row(&[]).replace(",Birch,sub-a,vm-17", ""),
        row(&[("ResourceId", "\"vm-17")]),
        row(&[("ResourceId", "\"vm-17\"x")]),
        row(&[("ResourceId", "\"vm\n17\"")]),
        row(&[("ResourceId", "vm \"17\"")]),
    ];
    input.extend_from_slice(rows.concat().as_bytes());
    input.extend_from_slice(b"1.5,acc-1,EUR,2026-09-01,2026-10-01,2026-09-05,Birch,sub-a,\xff\n");
    input.extend_from_slice(row(&[("ResourceId", &"x".repeat(70_000))]).as_bytes());
    input.extend_from_slice(row(&[("ResourceId", "\"vm-18")]).as_bytes());
    input.extend_from_slice(b"1.5,acc-1,EUR,2026-09-01,2026-10-0");
    check(
        input,
        &expect![[r#"
        2026-09-05T00:00:00Z sub-a: cost vm-17 amount=1.5 currency=EUR provider=Birch
        2026-09-05T00:00:00Z sub-a: cost vm
        17 amount=1.5 currency=EUR provider=Birch
        2026-09-05T00:00:00Z sub-a: cost vm "17" amount=1.5 currency=EUR provider=Birch
        line 3: 10 fields, not 9
          export the line again; a text with the delimiter in it must stand in quotation marks
        line 4: 6 fields, not 9
          export the line again; a text with the delimiter in it must stand in quotation marks
        line 5: text stands behind a closing quotation mark
          close the quotation mark, and double the marks within a text
        line 6: text stands behind a closing quotation mark
          close the quotation mark, and double the marks within a text
        line 10: ResourceId: byte 1 is not valid UTF-8
          write the file as UTF-8
        line 11: the line is longer than 65536 bytes
          leave out columns with long texts; is this the right file?
        line 12: a quotation mark is not closed
          close the quotation mark, and double the marks within a text
        line 13: 5 fields, not 9
          export the line again; a text with the delimiter in it must stand in quotation marks
        11 records, 3 events, 8 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_quotation_mark_that_is_not_closed_costs_one_row() {
    let open = row(&[("ResourceId", "\"vm-17")]);
    let many = row(&[]).repeat(3_000);
    let outcome = convert(Source::Focus, format!("{HEADER}{open}{many}").as_bytes(), &Options::default());
    assert_eq!((outcome.summary.events, outcome.summary.refused), (3_000, 1));
    assert_eq!(outcome.refusals[0].to_string(), "line 2: a quotation mark is not closed within 65536 bytes");
}

#[test]
fn an_empty_table_has_no_records() {
    let nothing = expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]];
    for empty in ["", "\n", "\u{feff}", HEADER, "\r\n\r\n", &format!("\u{feff}{HEADER}\r\n")] {
        check(empty, &nothing);
    }
}

#[test]
fn line_ends_a_byte_order_mark_and_a_missing_last_line_end_change_nothing() {
    let plain = convert(Source::Focus, FIXTURE.as_bytes(), &Options::default());
    let semicolons = FIXTURE.replace(", dev", " dev");
    let with_commas = convert(Source::Focus, semicolons.as_bytes(), &Options::default());
    let with_semicolons =
        convert(Source::Focus, semicolons.replace(',', ";").as_bytes(), &Options::default());
    assert_eq!(with_semicolons.output, with_commas.output);
    for same in [FIXTURE.replace('\n', "\r\n"), FIXTURE.trim_end().to_owned(), format!("\u{feff}{FIXTURE}")] {
        let other = convert(Source::Focus, same.as_bytes(), &Options::default());
        assert_eq!(other.output, plain.output);
        assert_eq!(other.refusals, plain.refusals);
    }
}

/// What a book with one component, `amount` at a price of 1, makes of events: the exact sum and the total.
fn rated(events: &str, currency: &str, from: &str, to: &str) -> (BigDecimal, BigDecimal) {
    use kopeck_rating::charge::Window;
    use kopeck_rating::price_book::PriceBook;
    use kopeck_rating::rate::{Origin, Rater};
    let book = format!(
        "[book]\nid = \"b\"\ncurrency = \"{currency}\"\ntimezone = \"UTC\"\n[[version]]\neffective = 2000-01-01\n\
         [[version.component]]\nid = \"c\"\nkind = \"cost\"\nmodel = \"per_use\"\nquantity = [\"amount\"]\nprice = \"1\"\n"
    );
    let book = PriceBook::read(&book).expect("a book");
    let window = Window::new(book.calendar(), from.parse().unwrap(), to.parse().unwrap(), None).unwrap();
    let mut rater = Rater::new(&book, window).unwrap();
    for line in events.lines() {
        rater.accept(line.as_bytes(), Origin { file: 0, line: 1 }).unwrap().unwrap();
    }
    assert_eq!(rater.accepted(), events.lines().count(), "no event is taken for another");
    let bill = rater.finish().unwrap().bill;
    let number = |text: String| BigDecimal::from_str(&text).unwrap();
    (
        bill.charges.iter().map(|charge| number(charge.quantity.to_string())).sum(),
        number(bill.total.to_string()),
    )
}

fn amount(data: &Description) -> BigDecimal {
    match data.attribute("amount") {
        Some(Value::Number(amount)) => BigDecimal::from_str(&amount.to_string()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A real sample: the columns by a reading of our own, as each line of it is one row without line ends in texts.
fn sample_rows(text: &str) -> Vec<BTreeMap<&str, String>> {
    let cells = |line: &str| -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut quoted = false;
        for letter in line.chars() {
            match letter {
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                _ => cells.last_mut().unwrap().push(letter),
            }
        }
        cells
    };
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').map(|name| name.trim_matches('"')).collect();
    lines.map(|line| names.iter().copied().zip(cells(line)).collect()).collect()
}

#[test]
fn a_real_sample_comes_to_the_plain_sum_of_its_column() {
    let Some(bytes) = shared("focus/focus_sample.csv") else { return };
    let text = std::str::from_utf8(&bytes).unwrap();
    let outcome = convert(Source::Focus, &bytes, &Options::default());
    assert_eq!(outcome.refusals, []);
    assert_eq!((outcome.summary.records, outcome.summary.events), (1_000, 1_000));
    let nine = |exact: &BigDecimal| exact.with_scale_round(9, RoundingMode::HalfEven);
    let mut exact: BTreeMap<(String, String), BigDecimal> = BTreeMap::new();
    let mut rounded = exact.clone();
    for row in sample_rows(text) {
        let key = (row["ProviderName"].to_lowercase(), row["BillingCurrency"].clone());
        let cost = BigDecimal::from_str(&row["BilledCost"]).unwrap();
        *rounded.entry(key.clone()).or_default() += nine(&cost);
        *exact.entry(key).or_default() += cost;
    }
    expect![[r#"
        ("aws", "USD") 18.00663861840
        ("microsoft", "USD") 1.97651418586
        ("oracle", "USD") 0.53707392473
    "#]]
    .assert_eq(&exact.iter().map(|(key, sum)| format!("{key:?} {sum}\n")).collect::<String>());
    for ((provider, currency), sum) in &rounded {
        let source = format!("focus://{provider}");
        let of_provider = |line: &&str| {
            let (envelope, data) = read(line);
            envelope.source == source
                && matches!(data.attribute("currency"), Some(Value::Text(text)) if text == currency)
        };
        let events: String =
            outcome.output.lines().filter(of_provider).map(|line| format!("{line}\n")).collect();
        let (quantity, total) = rated(&events, currency, "2024-01-01", "2025-01-01");
        assert_eq!(quantity, *sum, "{provider}");
        // Each resource's month is rounded to six places once, in the bill.
        let mut months: BTreeMap<_, BigDecimal> = BTreeMap::new();
        for line in events.lines() {
            let (envelope, data) = read(line);
            let october = i128::from(envelope.time) >= 1_727_740_800_000_000_000;
            *months.entry((envelope.project, envelope.subject, october)).or_default() += amount(&data);
        }
        let bill =
            months.values().map(|sum| sum.with_scale_round(6, RoundingMode::HalfEven)).sum::<BigDecimal>();
        assert_eq!(total, bill, "{provider}");
    }
}

#[test]
fn each_row_of_a_real_sample_lies_in_its_billing_period() {
    let Some(bytes) = shared("focus/focus_sample.csv") else { return };
    let rows = sample_rows(std::str::from_utf8(&bytes).unwrap());
    let outcome = convert(Source::Focus, &bytes, &Options::default());
    let mut sums: [BTreeMap<String, BigDecimal>; 2] = Default::default();
    for (line, row) in outcome.output.lines().zip(&rows) {
        let (envelope, data) = read(line);
        let time = jiff::Timestamp::from_nanosecond(envelope.time.into()).unwrap().to_string();
        *sums[0].entry(time[..7].to_owned()).or_default() += amount(&data);
        let cost = BigDecimal::from_str(&row["BilledCost"]).unwrap();
        *sums[1].entry(row["BillingPeriodStart"][..7].to_owned()).or_default() +=
            cost.with_scale_round(9, RoundingMode::HalfEven);
        let sub_account = &row["SubAccountId"];
        assert_eq!(envelope.project, sub_account.as_str());
    }
    assert_eq!(sums[0], sums[1]);
}
