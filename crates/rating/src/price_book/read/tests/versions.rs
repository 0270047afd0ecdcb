//! The head of a book, its versions, their dates and VAT.

use expect_test::expect;

use super::*;

#[test]
fn a_version_may_have_no_component() {
    good(version, &[""]);
}

#[test]
fn a_currency_is_three_capital_letters() {
    for currency in ["rub", "RUBL", "РУБ", "R1B", "RU", "₽"] {
        let refusal = format!(
            "3:12 [book]: `currency` is \"{currency}\"; write its ISO 4217 code, three capital letters such as \"RUB\""
        );
        assert_eq!(problems(&version("").replace("RUB", currency)), refusal);
    }
}

#[test]
fn a_time_zone_is_a_name_of_the_zone_database() {
    assert_eq!(problems(&version("").replace("Europe/Moscow", "UTC")), "accepted");
    for zone in ["Moscow", "Europe/Moskva", "+03:00", "UTC+3", "/etc/localtime", "../zone", "Europe"] {
        let refusal = format!(
            "4:12 [book]: `timezone` \"{zone}\" is unknown; write an IANA name such as \"Europe/Moscow\""
        );
        assert_eq!(problems(&version("").replace("Europe/Moscow", zone)), refusal);
    }
}

#[test]
fn a_component_id_stands_once_in_a_version_and_may_stand_in_others() {
    let one = once("");
    let again = &one[one.find("[[version.component]]").unwrap()..];
    expect![[r#"
        14:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own
        21:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own"#]].assert_eq(&problems(&format!("{one}{again}{again}")));
    assert_eq!(problems(&format!("{one}[[version]]\neffective = 2026-11-01\n{again}")), "accepted");
}

#[test]
fn versions_stand_in_the_order_of_their_dates() {
    fn versions(dates: &str) -> String {
        let version = |date: &str| format!("[[version]]\neffective = {date}\n");
        after_head(&dates.split(' ').map(version).collect::<String>())
    }
    good(versions, &["2026-10-01 2026-10-02", "2026-10-01 2026-10-02 2199-12-31"]);
    check(
        &[
            (versions, "2026-10-01 2026-10-01"),
            (versions, "2026-11-01 2026-10-01 2026-12-01"),
            (versions, "2026-11-01 2026-10-01 2026-10-15"),
        ],
        &expect![[r#"
            2026-10-01 2026-10-01
                8:13 version 2026-10-01 stands after version 2026-10-01, which it overlaps; give each version a date of its own, and write them in the order of their dates
            2026-11-01 2026-10-01 2026-12-01
                8:13 version 2026-10-01 stands after version 2026-11-01, which it overlaps; give each version a date of its own, and write them in the order of their dates
            2026-11-01 2026-10-01 2026-10-15
                8:13 version 2026-10-01 stands after version 2026-11-01, which it overlaps; give each version a date of its own, and write them in the order of their dates
                10:13 version 2026-10-15 stands after version 2026-11-01, which it overlaps; give each version a date of its own, and write them in the order of their dates
        "#]],
    );
}

#[test]
fn a_version_begins_and_is_announced_in_the_years_1900_to_2199() {
    good(dated, &["1900-01-01", "2199-12-31"]);
    check(
        &[
            (dated, "0000-01-01"),
            (dated, "1899-12-31"),
            (dated, "2200-01-01"),
            (dated, "9999-12-31"),
            (version, "announced = 0001-01-01"),
            (version, "announced = 2200-01-01"),
        ],
        &expect![[r#"
            0000-01-01
                6:13 [[version]]: `effective` 0000-01-01 lies outside the years 1900 to 2199; write a date without quotes, such as 2026-10-01
            1899-12-31
                6:13 [[version]]: `effective` 1899-12-31 lies outside the years 1900 to 2199; write a date without quotes, such as 2026-10-01
            2200-01-01
                6:13 [[version]]: `effective` 2200-01-01 lies outside the years 1900 to 2199; write a date without quotes, such as 2026-10-01
            9999-12-31
                6:13 [[version]]: `effective` 9999-12-31 lies outside the years 1900 to 2199; write a date without quotes, such as 2026-10-01
            announced = 0001-01-01
                7:13 version 2026-10-01: `announced` 0001-01-01 lies outside the years 1900 to 2199; write a date without quotes, such as 2026-10-01
            announced = 2200-01-01
                7:13 version 2026-10-01: `announced` 2200-01-01 lies outside the years 1900 to 2199; write a date without quotes, such as 2026-10-01
        "#]],
    );
}

#[test]
fn the_version_of_a_month_is_the_one_at_its_start_or_its_first() {
    let version = |date: &str| format!("[[version]]\neffective = {date}\n");
    let book = read(&after_head(&["2026-10-10", "2026-10-20", "2026-12-01"].map(version).concat()));
    let version_of = |month: i8| {
        let month = book.calendar().month(jiff::civil::date(2026, month, 1)).unwrap();
        book.version_of_month(&month).map(|version| book.versions()[version].effective.to_string())
    };
    assert_eq!(version_of(9), None);
    assert_eq!(version_of(10).as_deref(), Some("2026-10-10"));
    assert_eq!(version_of(11).as_deref(), Some("2026-10-20"));
    assert_eq!(version_of(12).as_deref(), Some("2026-12-01"));
}

#[test]
fn a_version_is_in_force_from_its_local_midnight_to_that_of_the_next() {
    let book = read(&version("[[version]]\neffective = 2026-11-01"));
    let midnight = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(
        book.in_force(0),
        midnight("2026-10-01T00:00:00+03:00")..midnight("2026-11-01T00:00:00+03:00")
    );
    assert_eq!(book.in_force(1), midnight("2026-11-01T00:00:00+03:00")..i64::MAX);
}

#[test]
fn of_several_rates_of_vat_the_nearest_holds() {
    let vat = |of_book: &str, of_version: &str, of_component: &str| {
        let toml =
            once(of_component).replace("[[version]]", &format!("{of_book}\n[[version]]\n{of_version}"));
        let written = |vat: Vat| {
            let rate = vat.rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
            format!("{rate} {}", if vat.included { "included" } else { "on top" })
        };
        read(&toml).vat(FIRST).map(written)
    };
    let (ten, twenty) =
        ("vat = { rate = '10', included = true }\n", "vat = { rate = '20.5', included = false }\n");
    let none = "vat = { rate = 'none' }\n";
    assert_eq!(vat("", "", ""), None);
    assert_eq!(vat(ten, "", "").as_deref(), Some("10 included"));
    assert_eq!(vat(ten, twenty, "").as_deref(), Some("20.5 on top"));
    assert_eq!(vat(ten, "", twenty).as_deref(), Some("20.5 on top"));
    assert_eq!(vat("", twenty, ten).as_deref(), Some("10 included"));
    assert_eq!(vat(ten, twenty, none).as_deref(), Some("none included"));
    assert_eq!(vat(ten, none, "").as_deref(), Some("none included"));
}

#[test]
fn a_rate_of_vat_is_a_decimal_or_none() {
    good(vat, &["rate = '0', included = false", "rate = 'none'", "rate = '22.5', included = true"]);
    for rate in ["None", "-1", "22%", "1000", "0.0000000001"] {
        let problems = problems(&vat(&format!("rate = '{rate}', included = true")));
        assert!(
            problems.eq(&format!("7:16 version 2026-10-01: `vat`: `rate` is \"{rate}\"; write per cent such as \"22\", or \"none\"")),
            "{problems}"
        );
    }
}
