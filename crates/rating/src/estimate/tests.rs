use expect_test::{Expect, expect};
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::charge::Window;
use crate::price_book::places::Places;
use crate::rate::{Origin, Rater};

const HEAD: &str =
    "[book]\nid = 'b'\ncurrency = 'RUB'\ntimezone = 'Europe/Moscow'\n[[version]]\neffective = 2026-10-01\n";

/// Components by their fields, each after an id of its own.
fn book(components: &[&str]) -> PriceBook {
    let component = |(number, fields): (usize, &&str)| {
        format!("[[version.component]]\nid = 'c{number}'\n{}\n", fields.replace("; ", "\n"))
    };
    let toml = format!("{HEAD}{}", components.iter().enumerate().map(component).collect::<String>());
    PriceBook::read(&toml).unwrap_or_else(|problems| panic!("{problems:?}\n{toml}"))
}

fn plan(text: &str) -> Plan {
    Plan::read(text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

fn told(estimate: &Estimate<'_>) -> String {
    let cost = |cost: &Cost| {
        [cost.hour, cost.day, cost.month, cost.once]
            .map(|amount| amount.map_or("-".to_owned(), |amount| amount.to_string()))
            .join(" | ")
    };
    let line = |line: &Line<'_>| {
        let item = line.item.map_or("all".to_owned(), |item| format!("{item:?}"));
        format!("{item} {} × {}: {}\n", line.component.id, line.quantity, cost(&line.cost))
    };
    let mut text: String = estimate.lines.iter().map(line).collect();
    text.push_str(&format!("total: {}\n", cost(&estimate.total)));
    for item in &estimate.unpriced {
        text.push_str(&format!("{item:?} is unpriced\n"));
    }
    for Lacking { item, component, attribute } in &estimate.lacking {
        text.push_str(&format!("{item:?} lacks {attribute} for {}\n", component.id));
    }
    text
}

fn check(components: &[&str], text: &str, expected: &Expect) {
    expected.assert_eq(&told(&estimate(&book(components), &plan(text), None).unwrap()));
}

const VM: &str = "[[resource]]\nkind = 'vm'\ncount = 3\nattributes = { vcpu = 2 }\n";
const CALLS: &str = "[[usage]]\nkind = 'call'\ntimes = 10\nper = 'day'\nattributes = { n = 2 }\n";

#[test]
fn a_month_is_730_and_a_half_hours_for_what_is_billed_by_the_second_or_the_hour() {
    let by_second = "kind = 'vm'; model = 'per_second'; quantity = ['vcpu']; price = '730.5'; per = 'month'";
    let by_hour = "kind = 'vm'; model = 'hourly_peak'; quantity = ['vcpu']; price = '1'";
    check(
        &[by_second, by_hour],
        VM,
        &expect![[r#"
        Resource(0) c0 × 6: 6.000000 | 144.000000 | 4383.000000 | -
        Resource(0) c1 × 6: 6.000000 | 144.000000 | 4383.000000 | -
        total: 12.000000 | 288.000000 | 8766.000000 | -
    "#]],
    );
}

#[test]
fn what_is_billed_by_the_month_has_no_price_for_a_time_that_is_charged_whole() {
    let monthly = |prorate: &str| {
        format!("kind = 'vm'; model = 'monthly'; quantity = ['vcpu']; price = '31'; prorate = '{prorate}'")
    };
    let models = ["second", "day", "none"].map(monthly);
    let peak = "kind = 'vm'; model = 'monthly_peak'; quantity = []; price = '31'";
    check(
        &[&models[0], &models[1], &models[2], peak],
        VM,
        &expect![[r#"
        Resource(0) c0 × 6: 0.250000 | 6.000000 | 186.000000 | -
        Resource(0) c1 × 6: - | 6.000000 | 186.000000 | -
        Resource(0) c2 × 6: - | - | 186.000000 | -
        Resource(0) c3 × 3: - | - | 93.000000 | -
        total: 0.250000 | 12.000000 | 651.000000 | -
    "#]],
    );
}

#[test]
fn once_stands_apart() {
    check(
        &["kind = 'vm'; model = 'once'; quantity = []; price = '100'"],
        VM,
        &expect![[r#"
        Resource(0) c0 × 3: - | - | - | 300.000000
        total: - | - | - | 300.000000
    "#]],
    );
}

#[test]
fn usage_recurs_by_the_day_or_the_month() {
    let per_use = "kind = 'call'; model = 'per_use'; quantity = ['n']; price = '0.5'";
    check(
        &[per_use],
        &format!("{CALLS}{}", CALLS.replace("'day'", "'month'")),
        &expect![[r#"
        Usage(0) c0 × 620: - | 10.000000 | 310.000000 | -
        Usage(1) c0 × 20: - | - | 10.000000 | -
        total: - | 10.000000 | 320.000000 | -
    "#]],
    );
}

#[test]
fn tiers_price_the_sum_of_all_usage() {
    let tiers = "kind = 'call'; model = 'per_use'; quantity = ['n']; tiers = [{ up_to = '700', price = '1' }, { price = '0.5' }]";
    check(
        &[tiers],
        &CALLS.repeat(2),
        &expect![[r#"
        all c0 × 1240: - | - | 970.000000 | -
        total: - | - | 970.000000 | -
    "#]],
    );
    check(
        &[&format!("{tiers}; tier_mode = 'volume'")],
        &CALLS.repeat(2),
        &expect![[r#"
        all c0 × 1240: - | - | 620.000000 | -
        total: - | - | 620.000000 | -
    "#]],
    );
}

#[test]
fn components_match_as_they_match_events() {
    let price =
        |when: &str| format!("kind = 'vm'; model = 'once'; quantity = []; price = '1'; when = {{ {when} }}");
    let whens =
        ["state = 'active'", "state = 'inactive'", "region = 'r'", "size = 4", "on = 'true'"].map(price);
    let plan = "[[resource]]\nkind = 'vm'\nregion = 'r'\nattributes = { size = '4.0', on = true }\n\
                [[resource]]\nkind = 'vm'\nstate = 'inactive'\nattributes = { size = 4.5 }\n";
    check(
        &whens.each_ref().map(String::as_str),
        plan,
        &expect![[r#"
        Resource(0) c0 × 1: - | - | - | 1.000000
        Resource(0) c2 × 1: - | - | - | 1.000000
        Resource(0) c3 × 1: - | - | - | 1.000000
        Resource(0) c4 × 1: - | - | - | 1.000000
        Resource(1) c1 × 1: - | - | - | 1.000000
        total: - | - | - | 5.000000
    "#]],
    );
}

#[test]
fn each_resource_is_rounded_up_on_its_own() {
    let step = "kind = 'vm'; model = 'monthly'; quantity = ['vcpu']; price = '1'; round_up = { step = '5', min = '10' }";
    check(
        &[step],
        VM,
        &expect![[r#"
        Resource(0) c0 × 30: - | 0.967742 | 30.000000 | -
        total: - | 0.967742 | 30.000000 | -
    "#]],
    );
}

#[test]
fn what_no_component_prices_and_what_lacks_an_attribute_is_told() {
    let vm = "kind = 'vm'; model = 'once'; quantity = ['gpu', 'vcpu']; price = '1'";
    check(
        &[vm],
        &format!("{VM}{CALLS}[[resource]]\nkind = 'volume'\n"),
        &expect![[r#"
        Resource(0) c0 × 0: - | - | - | 0.000000
        total: - | - | - | 0.000000
        Resource(1) is unpriced
        Usage(0) is unpriced
        Resource(0) lacks gpu for c0
    "#]],
    );
}

#[test]
fn the_version_in_force_on_the_day_prices_the_plan_and_its_month_counts() {
    let one =
        "[[version.component]]\nid = 'c'\nkind = 'vm'\nmodel = 'monthly'\nquantity = []\nprice = '28'\n";
    let toml = format!("{HEAD}{one}[[version]]\neffective = 2027-02-10\n{}", one.replace("28", "56"));
    let book = PriceBook::read(&toml).unwrap();
    let plan = plan("[[resource]]\nkind = 'vm'\n");
    let at = |at| match estimate(&book, &plan, at) {
        Ok(found) => {
            let day = found.total.day.unwrap();
            format!("{} {} {day}", found.version, found.month.name)
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(at(None), "2027-02-10 2027-02 2.000000");
    assert_eq!(at(Some(date(2027, 2, 9))), "2026-10-01 2027-02 1.000000");
    assert_eq!(at(Some(date(2027, 2, 10))), "2027-02-10 2027-02 2.000000");
    assert_eq!(
        at(Some(date(2026, 9, 30))),
        "no version is in force on 2026-09-30; the first takes effect on 2026-10-01"
    );
    assert_eq!(at(Some(date(2300, 1, 1))), "the day lies outside the years 1900 to 2199");
}

#[test]
fn the_largest_plan_that_the_contract_admits_is_priced() {
    let vm = "kind = 'vm'; model = 'per_second'; quantity = ['a', 'b']; price = '999999999'; per = 'second'";
    let largest = "[[resource]]\nkind = 'vm'\ncount = 1_000_000_000\nattributes = { a = 999999999999, b = 999999999999 }\n";
    let book = book(&[vm]);
    let found = estimate(&book, &plan(largest), None).unwrap();
    let hour = "3599999996392800000007203599999996400000000000.000000";
    assert_eq!(found.total.hour.unwrap().to_string(), hour);
}

fn problems(text: &str) -> String {
    let Err(problems) = Plan::read(text) else { return "accepted\n".to_owned() };
    let mut places = Places::new(text);
    let write = |problem: &crate::price_book::read::Problem| {
        let (line, column) = places.of(problem.span.start);
        format!("{line}:{column} {}; {}\n", problem.reason, problem.remedy)
    };
    problems.iter().map(write).collect()
}

#[test]
fn a_plan_is_refused_with_every_problem_and_its_place() {
    expect![[r#"
        1:1 the plan has no resource and no usage; add a [[resource]] with its `kind` and attributes, or a [[usage]]
    "#]].assert_eq(&problems(""));
    expect![[r#"
        1:1 the plan: `resource` is a table; write [[resource]], with two brackets
        3:3 the plan has an unknown field `use`; remove it; the fields are resource, usage
    "#]]
    .assert_eq(&problems("[resource]\nkind = 'vm'\n[[use]]\n"));
    expect![[r#"
        1:1 resource 1 has no `kind`; add `kind`
        2:9 resource 1: `count` is 0; write a whole number from 1 to 1000000000, without quotes
        3:9 resource 1: `state` is "RUNNING"; write active or inactive
        4:10 resource 1: `region` is empty; name the region, or leave it out
        5:20 resource 1: `attributes.a` is negative; write a number from 0 on; only kind `cost` may be negative
        5:28 resource 1: `attributes.b` is a list; write a number, a text, true or false
        5:36 resource 1: `attributes.c` is not below 10^12; write a decimal below 10^12, or a text in quotes
        5:46 resource 1: `attributes.d` is not decimal; write it as a decimal
        5:56 resource 1: `attributes.e` is a date or time; write a number, a text, true or false
        6:1 resource 1 has an unknown field `colour`; remove it; the fields are kind, count, state, region, attributes
        9:9 resource 2 (vm): `count` is no whole number; write a whole number from 1 to 1000000000, without quotes
        10:14 resource 2 (vm): `attributes` is a number without quotes; write it like { vcpu = 4, ram_gb = 16 }
        11:1 usage 1 (call) has no `per`; add `per`
        13:9 usage 1 (call): `times` is 1000000001; write a whole number from 1 to 1000000000, without quotes
        15:8 usage 2: `kind` is a number without quotes; write the kind of the events that it would have, such as "vm"
        16:9 usage 2: `times` is no whole number; write a whole number from 1 to 1000000000, without quotes
        17:7 usage 2: `per` is "year"; write day or month
    "#]].assert_eq(&problems(
        "[[resource]]\ncount = 0\nstate = 'RUNNING'\nregion = ''\nattributes = { a = -1, b = [], c = 1e12, d = 0x1f, e = 2026-10-01 }\ncolour = 1\n\
         [[resource]]\nkind = 'vm'\ncount = 1.5\nattributes = 4\n\
         [[usage]]\nkind = 'call'\ntimes = 1_000_000_001\n\
         [[usage]]\nkind = 7\ntimes = '3'\nper = 'year'\n",
    ));
    assert_eq!(problems("[[resource]]\nkind = 'cost'\nattributes = { amount = -1.5 }\n"), "accepted\n");
}

proptest! {
    /// The reference of an estimate is the rating of what was planned.
    #[test]
    fn an_estimate_of_a_month_is_what_that_month_is_rated_at(
        vcpu in 1_u32..200, ram in 0_u32..5_000, count in 1_i64..5, calls in 1_i64..40, model in 0_usize..6
    ) {
        let models = [
            "kind = 'vm'; model = 'monthly'; quantity = ['vcpu']; price = '31.7'",
            "kind = 'vm'; model = 'monthly'; quantity = ['vcpu', 'ram']; price = '31.7'; prorate = 'second'",
            "kind = 'vm'; model = 'monthly'; quantity = ['vcpu']; price = '31.7'; prorate = 'none'",
            "kind = 'vm'; model = 'monthly_peak'; quantity = ['vcpu']; price = '1.000001'",
            "kind = 'vm'; model = 'once'; quantity = ['ram']; price = '7'",
            "kind = 'call'; model = 'per_use'; quantity = ['vcpu']; tiers = [{ up_to = '100', price = '0.3' }, { price = '0.1' }]",
        ];
        let book = book(&[models[model]]);
        let attributes = format!("{{ vcpu = {vcpu}, ram = {ram} }}");
        let plan = plan(&format!(
            "[[resource]]\nkind = 'vm'\ncount = {count}\nattributes = {attributes}\n\
             [[usage]]\nkind = 'call'\ntimes = {calls}\nper = 'month'\nattributes = {attributes}\n"
        ));
        let estimated = estimate(&book, &plan, Some(date(2026, 11, 5))).unwrap();
        let window = Window::new(book.calendar(), date(2026, 11, 1), date(2026, 12, 1), None).unwrap();
        let mut rater = Rater::new(&book, window).unwrap();
        let mut send = |id: String, event_type: &str, data: String| {
            let line = format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"kopeck.{event_type}.v1","subject":"{id}","time":"2026-11-01T00:00:00+03:00","project":"p","data":{{{data},"attributes":{{"vcpu":{vcpu},"ram":{ram}}}}}}}"#
            );
            rater.accept(line.as_bytes(), Origin { file: 0, line: 1 }).unwrap().unwrap();
        };
        for number in 0..count {
            send(format!("vm{number}"), "state", r#""kind":"vm","state":"RUNNING""#.to_owned());
        }
        for number in 0..calls {
            send(format!("call{number}"), "usage", r#""kind":"call""#.to_owned());
        }
        let rated = rater.finish().unwrap();
        let Cost { month, once, .. } = estimated.total;
        prop_assert_eq!(month.or(once).unwrap(), rated.bill.total);
    }
}
