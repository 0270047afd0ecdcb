//! Cost exports of Azure into costs. All records here are made up, but for the export of the last tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::collections::BTreeMap;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode};
use check::{convert, in_zone, read, shared};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};
use kopeck_rating::event::Value;

const GERMAN: &str = include_str!("fixtures/azure-german.csv");

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::AzureCost, input.as_ref(), &Options::default(), expected);
}

#[test]
fn a_german_export_with_decimal_commas_is_read_and_what_is_ambiguous_refused() {
    check(
        GERMAN,
        &expect![[r#"
        2026-02-01T00:00:00Z sub-1: cost /subscriptions/sub-1/lb amount=0.075 category=Load Balancer currency=EUR service=Microsoft.Network
        2026-02-28T00:00:00Z sub-1: cost Microsoft.Compute amount=-1234.5 category=Virtual Machines currency=EUR service=Microsoft.Compute
        2026-02-03T00:00:00Z sub-1: cost Storage amount=0.000015 category=Storage currency=EUR
        2026-02-04T00:00:00Z sub-1: cost Storage amount=0.234 category=Storage currency=EUR
        2026-02-04T00:00:00Z sub-1: cost Storage amount=1234 category=Storage currency=EUR
        line 5: CostInBillingCurrency: "1.234" may be a whole number or one with three places
          export the costs with a decimal point, in a file delimited by commas
        line 7: CostInBillingCurrency: "1.234,56" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 9: BillingCurrency: "€" is not the code of a currency such as EUR
          write the three capital letters of ISO 4217
        8 records, 5 events, 3 refused, skipped {}
    "#]],
    );
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let plain = convert(Source::AzureCost, GERMAN.as_bytes(), &Options::default());
    for same in [GERMAN.replace('\n', "\r\n"), GERMAN.trim_end().to_owned(), format!("\u{feff}{GERMAN}")] {
        let other = convert(Source::AzureCost, same.as_bytes(), &Options::default());
        assert_eq!((other.output, other.refusals), (plain.output.clone(), plain.refusals.clone()));
    }
}

#[test]
fn each_agreement_has_headers_of_its_own() {
    for input in [
        "SubscriptionGuid,UsageDateTime,MeterCategory,PreTaxCost,ConsumedService,InstanceId,Currency\n\
         sub-1,2026-02-04,Storage,1.5,Microsoft.Storage,/disk,USD\n",
        "subscriptionId,date,meterCategory,costInBillingCurrency,consumedService,InstanceName,billingCurrencyCode\n\
         sub-1,02/04/2026,Storage,1.5,Microsoft.Storage,/disk,USD\n",
        "Cost,Billing Currency,PayG Cost,Date,Subscription ID,Resource ID,Consumed Service,Meter Category\n\
         1.5,USD,3,2026-02-04T00:00:00Z,sub-1,/disk,Microsoft.Storage,Storage\n",
        "Abonnement-ID\tKosten in Abrechnungswährung (CostInBillingCurrency)\tNutzungsdatum\tRessourcen-ID\tGenutzter Dienst\tMeterCategory\tAbrechnungswährung\n\
         sub-1\t1,5\t04.02.2026\t/disk\tMicrosoft.Storage\tStorage\tUSD\n",
    ] {
        check(
            input,
            &expect![[r#"
                2026-02-04T00:00:00Z sub-1: cost /disk amount=1.5 category=Storage currency=USD service=Microsoft.Storage
                1 records, 1 events, 0 refused, skipped {}
            "#]],
        );
    }
}

#[test]
fn a_day_begins_in_the_zone_of_the_options() {
    let input = "SubscriptionId,Date,Cost,BillingAccountId\nsub-1,2026-02-01,1,acc-1\n";
    check::check(
        Source::AzureCost,
        input.as_bytes(),
        &in_zone("Europe/Moscow"),
        &expect![[r#"
        2026-01-31T21:00:00Z sub-1: cost sub-1 amount=1
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_row_without_a_subscription_needs_another_payer() {
    let input = "SubscriptionId,Date,Cost,BillingAccountId,ChargeType\n,2026-02-01,1,acc-1,Purchase\n,2026-02-01,1,,Usage\n";
    check(
        input,
        &expect![[r#"
        2026-02-01T00:00:00Z acc-1: cost acc-1 amount=1 charge_category=Purchase
        line 3: SubscriptionId: is empty, and so is the billing account
          name the project that pays with --project
        2 records, 1 events, 1 refused, skipped {}
    "#]],
    );
    let options = Options { project: Some("lab".to_owned()), ..Options::default() };
    check::check(
        Source::AzureCost,
        input.as_bytes(),
        &options,
        &expect![[r#"
        2026-02-01T00:00:00Z lab: cost lab amount=1 charge_category=Purchase
        2026-02-01T00:00:00Z lab: cost lab amount=1 charge_category=Usage
        2 records, 2 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn all_lines_may_lack_the_last_column_if_the_first_does() {
    let header = "SubscriptionId,Date,Cost,InstanceId,Location\n";
    let (short, long) = ("sub-1,2026-02-01,1,/disk\n", "sub-1,2026-02-01,1,/disk,westeurope\n");
    check(
        format!("{header}{short}{long}{short}sub-1,2026-02-01,1\n"),
        &expect![[r#"
            2026-02-01T00:00:00Z sub-1: cost /disk amount=1
            2026-02-01T00:00:00Z sub-1: cost /disk amount=1
            line 3: 5 fields, not 4
              export the line again; a text with the delimiter in it must stand in quotation marks
            line 5: 3 fields, not 4
              export the line again; a text with the delimiter in it must stand in quotation marks
            4 records, 2 events, 2 refused, skipped {}
        "#]],
    );
    check(
        format!("{header}{long}{short}"),
        &expect![[r#"
        2026-02-01T00:00:00Z sub-1: cost /disk amount=1
        line 3: 4 fields, not 5
          export the line again; a text with the delimiter in it must stand in quotation marks
        2 records, 1 events, 1 refused, skipped {}
    "#]],
    );
    // Here the amount would be the last field, and might have been longer.
    check(
        "SubscriptionId,Date,Cost,Location\nsub-1,2026-02-01,1\n",
        &expect![[r#"
        line 2: 3 fields, not 4
          export the line again; a text with the delimiter in it must stand in quotation marks
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn broken_rows_are_refused_one_by_one() {
    let mut input = b"SubscriptionId,Date,Cost,InstanceId,Currency\n".to_vec();
    for row in [
        "sub-1,2026-02-01,1.234,/disk,EUR",
        "sub-1,2026-02-01,\"0,234\",/disk,EUR",
        "sub-1,2026-02-01,\"12,5\",/disk,EUR",
        "sub-1,2026-02-01,\"1,234\",/disk,EUR",
        "sub-1,2026-02-01,\"1,234.50\",/disk,EUR",
        "sub-1,2026-02-01,,/disk,EUR",
        "sub-1,2026-02-01,1.5 EUR,/disk,EUR",
        "sub-1,2026-02-01,-1e12,/disk,EUR",
        "sub-1,13/02/2026,1,/disk,EUR",
        "sub-1,31.02.2026,1,/disk,EUR",
        "sub-1,1.2.26,1,/disk,EUR",
        "sub-1,2026-02,1,/disk,EUR",
        "sub-1,,1,/disk,EUR",
        "sub-1,2026-02-01,1,/disk,",
        "sub-1,2026-02-01,1,\"/disk,EUR",
        "sub-1,2026-02-01,1",
    ] {
        input.extend_from_slice(row.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"sub-1,2026-02-01,1,\xfc,EUR\n");
    check(
        input,
        &expect![[r#"
        2026-02-01T00:00:00Z sub-1: cost /disk amount=1.234 currency=EUR
        2026-02-01T00:00:00Z sub-1: cost /disk amount=0.234 currency=EUR
        2026-02-01T00:00:00Z sub-1: cost /disk amount=12.5 currency=EUR
        line 5: CostInBillingCurrency: "1,234" may be a whole number or one with three places
          export the costs with a decimal point, in a file delimited by commas
        line 6: CostInBillingCurrency: "1,234.50" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 7: CostInBillingCurrency: is empty
          export the row again, with its cost
        line 8: CostInBillingCurrency: "1.5 EUR" is not a number
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 9: CostInBillingCurrency: "-1e12" is not below 10^12
          write it as a plain decimal below 10^12, such as -12.5, without currency and thousands separators
        line 10: UsageDateTime: "13/02/2026" is not a date such as 2021-02-01, 02/01/2021 or 01.02.2021
          write dates as year-month-day; with slashes the month comes first
        line 11: UsageDateTime: "31.02.2026" is not a date such as 2021-02-01, 02/01/2021 or 01.02.2021
          write dates as year-month-day; with slashes the month comes first
        line 12: UsageDateTime: "1.2.26" is not a date such as 2021-02-01, 02/01/2021 or 01.02.2021
          write dates as year-month-day; with slashes the month comes first
        line 13: UsageDateTime: "2026-02" is not a time such as 2026-10-05T10:00:00Z
          write times as year-month-day, hour:minute:second
        line 14: UsageDateTime: is empty
          export the row again, with its date
        line 15: BillingCurrency: is empty
          export the row again, with its currency
        line 16: a quotation mark is not closed
          close the quotation mark, and double the marks within a text
        line 17: 3 fields, not 5
          export the line again; a text with the delimiter in it must stand in quotation marks
        line 18: InstanceId: byte 1 is not valid UTF-8
          write the file as UTF-8
        17 records, 3 events, 14 refused, skipped {}
    "#]],
    );
}

#[test]
fn missing_and_double_columns_are_named() {
    check(
        "SubscriptionId,Amount\nsub-1,1\n",
        &expect![[r#"
        line 2: the header of the file does not name the columns CostInBillingCurrency, UsageDateTime
          export the table with these columns; is this the right format?
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
    check(
        "SubscriptionId,Date,Cost,cost\nsub-1,2026-02-01,1,2\n",
        &expect![[r#"
        line 2: CostInBillingCurrency: the header names "cost" twice
          export the table with each column once
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_real_export_comes_to_the_plain_sum_of_its_column() {
    let Some(bytes) = shared("azure-export/Template.csv") else { return };
    let outcome = convert(Source::AzureCost, &bytes, &Options::default());
    assert_eq!(outcome.refusals, []);
    assert_eq!((outcome.summary.records, outcome.summary.events), (87, 87));
    let nine = |exact: &BigDecimal| exact.with_scale_round(9, RoundingMode::HalfEven);
    let (mut sums, mut ids) = (BTreeMap::<String, BigDecimal>::new(), Vec::new());
    for line in outcome.output.lines() {
        let (envelope, data) = read(line);
        let Some(Value::Number(amount)) = data.attribute("amount") else { panic!("{line}") };
        let day = jiff::Timestamp::from_nanosecond(envelope.time.into()).unwrap().to_string();
        *sums.entry(day[..10].to_owned()).or_default() += BigDecimal::from_str(&amount.to_string()).unwrap();
        ids.push(envelope.id);
    }
    // Before the fifth comma nothing of this file is in quotation marks.
    let text = std::str::from_utf8(&bytes).unwrap();
    let mut plain = BTreeMap::<String, BigDecimal>::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        *plain.entry(fields[2].to_owned()).or_default() += nine(&BigDecimal::from_str(fields[4]).unwrap());
    }
    assert_eq!(sums, plain);
    expect![[r#"
        2021-02-01 15.353917395
        2021-02-02 1.039588817
    "#]]
    .assert_eq(&plain.iter().map(|(day, sum)| format!("{day} {sum}\n")).collect::<String>());
    ids.sort();
    let doubles = ids.iter().filter(|id| id.ends_with("/2")).count();
    ids.dedup();
    assert_eq!((ids.len(), doubles), (87, 2), "two rows of the export stand twice and are two costs each");
}
