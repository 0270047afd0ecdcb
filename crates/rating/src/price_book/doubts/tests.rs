use expect_test::{Expect, expect};

use super::*;

const SECOND: &str = "model = 'per_second'\nper = 'hour'";
const PEAK: &str = "model = 'monthly_peak'";
const DAY: &str = "model = 'monthly'";
const WHOLE: &str = "model = 'monthly'\nprorate = 'none'";

fn version(date: &str, fields: &str, price: &str) -> String {
    format!(
        "[[version]]\neffective = {date}\n[[version.component]]\nid = 'c'\nkind = 'vm'\nquantity = []\nprice = '{price}'\n{fields}\n"
    )
}

fn check(versions: &[String], expected: &Expect) {
    let head = "[book]\nid = 'b'\ncurrency = 'RUB'\ntimezone = 'Europe/Moscow'\n";
    let book = PriceBook::read(&format!("{head}{}", versions.concat())).unwrap();
    let told = |doubt: &Doubt<'_>| match doubt {
        Doubt::ModelWithinMonth { component, effective, both } => {
            format!("{effective} {}: {}\n", component.id, if *both { "both" } else { "neither" })
        }
        Doubt::FromNextMonth { component, effective, holds_from } => {
            format!("{effective} {}: from {holds_from}\n", component.id)
        }
        Doubt::NeverMatches { component, version } => format!("{version} {}: never\n", component.id),
        Doubt::UnpricedStates { kind, span } => format!("states of {kind} at {}\n", span.start),
        Doubt::Empty { version, .. } => format!("{version} is empty\n"),
    };
    expected.assert_eq(&doubts(&book).iter().map(told).collect::<String>());
}

#[test]
fn a_model_that_changes_within_a_month_charges_twice_or_not_at_all() {
    check(
        &[version("2026-10-01", SECOND, "1"), version("2026-11-10", PEAK, "1")],
        &expect![[r#"
        2026-11-10 c: neither
    "#]],
    );
    check(
        &[version("2026-10-01", PEAK, "1"), version("2026-11-10", SECOND, "1")],
        &expect![[r#"
        2026-11-10 c: both
    "#]],
    );
    check(
        &[version("2026-10-01", WHOLE, "1"), version("2026-11-10", DAY, "1")],
        &expect![[r#"
        2026-11-10 c: both
    "#]],
    );
    // At the start of a month, and between models that are both cut at the version, nothing is lost.
    check(&[version("2026-10-01", SECOND, "1"), version("2026-11-01", PEAK, "1")], &expect![""]);
    check(&[version("2026-10-01", SECOND, "1"), version("2026-11-10", DAY, "1")], &expect![""]);
}

#[test]
fn a_price_of_a_whole_month_holds_from_the_next_month_on() {
    check(
        &[version("2026-10-01", PEAK, "1"), version("2026-11-10", PEAK, "2")],
        &expect![[r#"
        2026-11-10 c: from 2026-12-01
    "#]],
    );
    check(&[version("2026-10-01", PEAK, "1"), version("2026-11-10", PEAK, "1")], &expect![""]);
    check(&[version("2026-10-01", PEAK, "1"), version("2026-11-01", PEAK, "2")], &expect![""]);
    check(&[version("2026-10-01", DAY, "1"), version("2026-11-10", DAY, "2")], &expect![""]);
}

#[test]
fn the_first_version_prices_the_month_in_which_the_book_begins() {
    check(
        &[version("2026-10-05", PEAK, "1"), version("2026-10-10", SECOND, "1")],
        &expect![[r#"
        2026-10-10 c: both
    "#]],
    );
    check(
        &[
            version("2026-10-05", SECOND, "1"),
            version("2026-10-10", PEAK, "1"),
            version("2026-10-20", SECOND, "1"),
        ],
        &expect![[r#"
            2026-10-10 c: neither
        "#]],
    );
}

#[test]
fn a_class_without_states_never_comes() {
    let of_class = |class: &str| format!("{SECOND}\nwhen = {{ state = {class} }}");
    let off = "[states.vm]\nactive = []\n".to_owned();
    check(
        &[off.clone(), version("2026-10-01", &of_class("'active'"), "1")],
        &expect![[r#"
        2026-10-01 c: never
    "#]],
    );
    check(&[off.clone(), version("2026-10-01", &of_class("['active', 'inactive']"), "1")], &expect![""]);
    check(&[version("2026-10-01", &of_class("'active'"), "1")], &expect![""]);
}

#[test]
fn states_of_a_kind_without_a_price_and_a_version_without_components_are_doubtful() {
    let states = "[states.wm]\nactive = ['ON']\n".to_owned();
    let empty = "[[version]]\neffective = 2026-11-01\n".to_owned();
    check(
        &[states, version("2026-10-01", SECOND, "1"), empty],
        &expect![[r#"
        states of wm at 60
        2026-11-01 is empty
    "#]],
    );
}
