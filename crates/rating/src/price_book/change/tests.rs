use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const HEAD: &str = "[book]\nid = 'b'\ncurrency = 'RUB'\ntimezone = 'Europe/Moscow'\n";

fn book(before: &str, after: &str) -> PriceBook {
    let toml = format!(
        "{HEAD}[[version]]\neffective = 2026-10-01\n{before}\n[[version]]\neffective = 2026-11-01\n{after}\n"
    );
    PriceBook::read(&toml).unwrap_or_else(|problems| panic!("{problems:?}\n{toml}"))
}

/// A component of two lines at least: what is given, after an id.
fn component(fields: &str) -> String {
    format!("[[version.component]]\nid = 'c'\n{fields}\n")
}

/// A component billed by the second, with the rest of its fields.
fn per_second(rest: &str) -> String {
    component(&format!("kind = 'vm'\nmodel = 'per_second'\nquantity = ['vcpu', 'ram']\n{rest}"))
}

fn told(book: &PriceBook) -> String {
    let (before, after) = (VersionOf::new(book, 0).unwrap(), VersionOf::new(book, 1).unwrap());
    let mut text = String::new();
    for change in changes(before, after) {
        text.push_str(&format!("{:?} {}", change.verdict(), change.component().id));
        if let Change::Altered(Altered { prices, vat, fields, .. }) = &change {
            for step in prices.iter().filter(|step| step.direction().is_ne()) {
                let tier = step.tier.map(|tier| format!(" tier {tier}")).unwrap_or_default();
                let percent = step.percent().map_or("?".to_owned(), |percent| format!("{percent} %"));
                text.push_str(&format!(";{tier} {} to {}, {percent}", step.before, step.after));
            }
            if let Some((before, after)) = vat {
                let vat = |vat: &Option<Vat>| vat.map_or("nothing".to_owned(), |vat| vat.to_string());
                text.push_str(&format!("; {} to {}", vat(before), vat(after)));
            }
            for FieldChange { field, before, after } in fields {
                text.push_str(&format!("; {field}: {before} to {after}"));
            }
        }
        text.push('\n');
    }
    text
}

fn check(before: &str, after: &str, expected: &Expect) {
    expected.assert_eq(&told(&book(before, after)));
}

#[test]
fn what_means_the_same_is_no_change() {
    for (before, after) in [
        ("price = '0.5'\nper = 'hour'", "price = '365.25'\nper = 'month'"),
        ("price = '0.50'\nper = 'hour'", "price = '12'\nper = 'day'"),
        ("price = '1'\nper = 'day'\nwhen = {}", "price = '1'\nper = 'day'"),
        (
            "price = '1'\nper = 'day'\nwhen = { os = ['a', 'b', 4], region = 'r' }",
            "price = '1.0'\nper = 'day'\nwhen = { region = ['r'], os = ['4.0', 'b', 'a', 'a'] }",
        ),
        (
            "price = '1'\nper = 'day'\nvat = { rate = 'none', included = true }",
            "price = '1'\nper = 'day'\nvat = { rate = 'none', included = false }",
        ),
        (
            "price = '1'\nper = 'day'\nround_up = { step = '5' }",
            "price = '1'\nper = 'day'\nround_up = { step = '5', min = '5' }",
        ),
    ] {
        assert_eq!(told(&book(&per_second(before), &per_second(after))), "", "{before} {after}");
    }
    let swapped = per_second("price = '1'\nper = 'day'").replace("['vcpu', 'ram']", "['ram', 'vcpu']");
    assert_eq!(told(&book(&per_second("price = '1'\nper = 'day'"), &swapped)), "");
}

#[test]
fn a_component_is_the_same_where_its_id_is() {
    let one = per_second("price = '1'\nper = 'day'");
    let other = one.replace("'c'", "'d'");
    check(
        &one,
        &other,
        &expect![[r#"
        Added d
        Removed c
    "#]],
    );
    check(
        &format!("{one}{other}"),
        &one,
        &expect![[r#"
        Removed d
    "#]],
    );
}

#[test]
fn prices_rise_and_fall() {
    let price = |price: &str, per: &str| per_second(&format!("price = '{price}'\nper = '{per}'"));
    check(
        &price("365.25", "month"),
        &price("401", "month"),
        &expect![[r#"
        Raised c; 365.25 to 401.00, 9.787817 %
    "#]],
    );
    check(
        &price("365.25", "month"),
        &price("0.4", "hour"),
        &expect![[r#"
        Lowered c; 365.25 to 0.40, -20 %
    "#]],
    );
    check(
        &price("0", "hour"),
        &price("0.000000001", "hour"),
        &expect![[r#"
        Raised c; 0.00 to 0.000000001, ?
    "#]],
    );
    check(
        &price("3", "hour"),
        &price("1", "hour"),
        &expect![[r#"
        Lowered c; 3.00 to 1.00, -66.666667 %
    "#]],
    );
}

#[test]
fn tiers_rise_and_fall_each_on_its_own_where_their_bounds_stay() {
    let tiers = |tiers: &str| {
        component(&format!("kind = 'call'\nmodel = 'per_use'\nquantity = ['n']\ntiers = [{tiers}]"))
    };
    let before = tiers("{ up_to = '10', price = '3' }, { price = '2' }");
    check(
        &before,
        &tiers("{ up_to = '10', price = '3' }, { price = '1' }"),
        &expect![[r#"
        Lowered c; tier 2 2.00 to 1.00, -50 %
    "#]],
    );
    check(
        &before,
        &tiers("{ up_to = '10', price = '4' }, { price = '1' }"),
        &expect![[r#"
        Changed c; tier 1 3.00 to 4.00, 33.333333 %; tier 2 2.00 to 1.00, -50 %
    "#]],
    );
    check(
        &before,
        &tiers("{ up_to = '20', price = '1' }, { price = '1' }"),
        &expect![[r#"
        Changed c; model: per_use, graduated tiers up to 10 to per_use, graduated tiers up to 20
    "#]],
    );
    check(
        &before,
        &tiers("{ price = '1' }"),
        &expect![[r#"
        Changed c; model: per_use, graduated tiers up to 10 to per_use, one graduated tier
    "#]],
    );
    check(
        &before,
        &(before.clone() + "tier_mode = 'volume'"),
        &expect![[r#"
        Changed c; model: per_use, graduated tiers up to 10 to per_use, volume tiers up to 10
    "#]],
    );
}

#[test]
fn anything_else_is_a_change() {
    let before = per_second("price = '2'\nper = 'day'");
    let monthly = |rest: &str| {
        component(&format!("kind = 'vm'\nmodel = 'monthly'\nquantity = []\nprice = '2'\n{rest}"))
    };
    check(
        &before,
        &before.replace("'vm'", "'pod'"),
        &expect![[r#"
        Changed c; kind: vm to pod
    "#]],
    );
    check(
        &before,
        &before.replace("['vcpu', 'ram']", "['vcpu']"),
        &expect![[r#"
        Changed c; quantity: vcpu × ram to vcpu
    "#]],
    );
    check(
        &before,
        &(before.clone() + "when = { region = 'r', size = [1, 'x'] }"),
        &expect![[r#"
        Changed c; when: always to region = "r", size = 1 or "x"
    "#]],
    );
    check(
        &before,
        &(before.clone() + "round_up = { step = '2' }"),
        &expect![[r#"
        Changed c; round_up: no to to a multiple of 2, at least 2
    "#]],
    );
    check(
        &before,
        &monthly(""),
        &expect![[r#"
        Changed c; quantity: vcpu × ram to 1; model: per_second to monthly, prorate = "day"
    "#]],
    );
    check(
        &monthly(""),
        &monthly("prorate = 'none'"),
        &expect![[r#"
        Changed c; model: monthly, prorate = "day" to monthly, prorate = "none"
    "#]],
    );
    check(
        &before,
        &before.replace("'2'", "'1'").replace("'vm'", "'pod'"),
        &expect![[r#"
        Changed c; 2.00 to 1.00, -50 %; kind: vm to pod
    "#]],
    );
}

#[test]
fn vat_on_top_is_part_of_what_is_paid_and_other_changes_of_vat_are_changes() {
    let vat = |price: &str, rate: &str, included: bool| {
        per_second(&format!(
            "price = '{price}'\nper = 'day'\nvat = {{ rate = '{rate}', included = {included} }}"
        ))
    };
    check(
        &vat("1", "20", false),
        &vat("1", "22", false),
        &expect![[r#"
        Raised c; VAT 20 % on top to VAT 22 % on top
    "#]],
    );
    check(
        &vat("1", "20", false),
        &vat("0.5", "22", false),
        &expect![[r#"
        Changed c; 1.00 to 0.50, -50 %; VAT 20 % on top to VAT 22 % on top
    "#]],
    );
    check(
        &vat("1", "20", false),
        &vat("0.5", "10", false),
        &expect![[r#"
        Lowered c; 1.00 to 0.50, -50 %; VAT 20 % on top to VAT 10 % on top
    "#]],
    );
    check(
        &vat("1", "20", true),
        &vat("1", "22", true),
        &expect![[r#"
        Changed c; VAT 20 % included to VAT 22 % included
    "#]],
    );
    check(
        &vat("1", "20", true),
        &vat("0.5", "20", false),
        &expect![[r#"
        Changed c; 1.00 to 0.50, -50 %; VAT 20 % included to VAT 20 % on top
    "#]],
    );
    check(
        &vat("1", "20", true),
        &per_second("price = '1'\nper = 'day'"),
        &expect![[r#"
        Changed c; VAT 20 % included to nothing
    "#]],
    );
}

#[test]
fn a_price_is_printed_with_two_decimals_at_least() {
    for (text, printed) in [("401", "401.00"), ("0.5", "0.50"), ("0.000611111", "0.000611111"), ("0", "0.00")]
    {
        let price = Price { number: Number::from_json(text).unwrap(), per: None };
        assert_eq!(price.to_string(), printed);
    }
}

#[test]
fn per_cent_is_an_exact_decimal_rounded_half_to_even() {
    let of = |before: i128, after: i128| percent(I256::new(before), I256::new(after));
    assert_eq!(of(200, 201).as_deref(), Some("0.5"));
    assert_eq!(of(3, 4).as_deref(), Some("33.333333"));
    assert_eq!(of(3, 2).as_deref(), Some("-33.333333"));
    assert_eq!(of(200_000_000, 200_000_001).as_deref(), Some("0"));
    assert_eq!(of(200_000_000, 200_000_003).as_deref(), Some("0.000002"));
    assert_eq!(of(-4, -5).as_deref(), Some("25"));
    assert_eq!(of(-4, 1).as_deref(), Some("-125"));
    assert_eq!(of(0, 1), None);
    assert_eq!(percent(I256::MIN, I256::MAX), None);
}

proptest! {
    #[test]
    fn a_version_against_itself_changes_nothing_and_back_is_the_opposite(
        prices in prop::collection::vec((0_u32..5, 1_u32..100), 1..6),
        others in prop::collection::vec((0_u32..5, 1_u32..100), 1..6),
    ) {
        let list = |prices: &[(u32, u32)]| {
            let mut seen = std::collections::BTreeMap::new();
            seen.extend(prices.iter().copied());
            let one = |(id, price): (u32, u32)| {
                format!("[[version.component]]\nid = 'c{id}'\nkind = 'vm'\nmodel = 'once'\nquantity = []\nprice = '{price}'\n")
            };
            seen.into_iter().map(one).collect::<String>()
        };
        let (one, other) = (list(&prices), list(&others));
        prop_assert_eq!(told(&book(&one, &one)), "");
        let verdicts = |before: &str, after: &str| {
            let book = book(before, after);
            let found = changes(VersionOf::new(&book, 0).unwrap(), VersionOf::new(&book, 1).unwrap());
            found.iter().map(|change| (change.component().id.clone(), change.verdict())).collect::<Vec<_>>()
        };
        let opposite = |verdict| match verdict {
            Verdict::Added => Verdict::Removed,
            Verdict::Removed => Verdict::Added,
            Verdict::Raised => Verdict::Lowered,
            Verdict::Lowered => Verdict::Raised,
            Verdict::Changed => Verdict::Changed,
        };
        let mut there = verdicts(&one, &other);
        let mut back: Vec<_> = verdicts(&other, &one).into_iter().map(|(id, verdict)| (id, opposite(verdict))).collect();
        there.sort_by(|one, other| one.0.cmp(&other.0));
        back.sort_by(|one, other| one.0.cmp(&other.0));
        prop_assert_eq!(there, back);
    }
}

#[test]
fn what_states_and_local_time_mean_is_compared_beside_the_versions() {
    let read = |states: &str, zone: &str| {
        let head = HEAD.replace("Europe/Moscow", zone);
        PriceBook::read(&format!("{head}{states}[[version]]\neffective = 2026-10-01\n")).unwrap()
    };
    let told = |before: &PriceBook, after: &PriceBook| {
        let line = |change: FieldChange| format!("{}: {} to {}\n", change.field, change.before, change.after);
        book_changes(before, after).into_iter().map(line).collect::<String>()
    };
    let plain = read("", "UTC");
    let defaults = "[states.vm]\nactive = ['STOPPING', 'REBOOTING', 'RUNNING']\n";
    assert_eq!(told(&plain, &read(defaults, "UTC")), "");
    let other = read("[states.vm]\nactive = ['RUNNING', 'STOPPED']\ninherit = []\n", "Asia/Tokyo");
    expect![[r#"
        timezone: UTC to Asia/Tokyo
        states: vm active: REBOOTING RUNNING STOPPING to vm active: RUNNING STOPPED
        states: vm inactive: STOPPED to vm inactive: none
        states: vm inherit: STARTING TERMINATING to vm inherit: none
    "#]]
    .assert_eq(&told(&plain, &other));
    expect![[r#"
        timezone: Asia/Tokyo to UTC
        states: vm active: RUNNING STOPPED to vm active: REBOOTING RUNNING STOPPING
        states: vm inactive: none to vm inactive: STOPPED
        states: vm inherit: none to vm inherit: STARTING TERMINATING
    "#]]
    .assert_eq(&told(&other, &plain));
}
