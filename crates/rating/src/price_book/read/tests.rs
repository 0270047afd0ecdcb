use expect_test::{Expect, expect};

use super::*;
use crate::calendar::MonthName;
use crate::price_book::{Class, ComponentRef, StateMeaning};

/// Reads a book and compares what is wrong with it: `line:column reason; remedy` for each problem.
fn check(toml: &str, expected: &Expect) {
    expected.assert_eq(&problems(toml));
}

fn problems(toml: &str) -> String {
    let Err(problems) = PriceBook::read(toml) else { return "accepted".to_owned() };
    assert!(!problems.is_empty());
    let write = |problem: &Problem| {
        let (line, column) = line_and_column(toml, problem.span.start);
        assert!(problem.span.end <= toml.len(), "{problem:?}");
        format!("{line}:{column} {}; {}", problem.reason, problem.remedy)
    };
    problems.iter().map(write).collect::<Vec<_>>().join("\n")
}

fn read(toml: &str) -> PriceBook {
    assert_eq!(problems(toml), "accepted");
    PriceBook::read(toml).unwrap()
}

const HEAD: &str = r#"[book]
id = "b"
currency = "RUB"
timezone = "Europe/Moscow"
"#;

/// A component of a VM that lacks only what its model asks for.
const VM: &str = r#"id = "vm.on"
kind = "vm"
quantity = ["vcpu"]
"#;

/// A component that sums usage.
const CALLS: &str = r#"id = "api.call"
kind = "api_call"
quantity = ["calls"]
model = "per_use"
"#;

/// What stands in `[book]` from line 2 on.
fn book(fields: &str) -> String {
    format!("[book]\n{fields}[[version]]\neffective = 2026-10-01\n")
}

/// What follows on `[book]`, from line 5 on.
fn after_head(text: &str) -> String {
    format!("{HEAD}{text}")
}

/// What stands in a version from line 7 on.
fn version(fields: &str) -> String {
    after_head(&format!("[[version]]\neffective = 2026-10-01\n{fields}"))
}

/// What stands in a component from line 8 on.
fn component(fields: &[&str]) -> String {
    version(&format!("[[version.component]]\n{}", fields.concat()))
}

/// What completes the component of a VM, from line 11 on.
fn vm(fields: &str) -> String {
    component(&[VM, fields])
}

/// What completes the component of API calls, from line 12 on.
fn calls(fields: &str) -> String {
    component(&[CALLS, fields])
}

#[test]
fn every_model_is_read_with_its_fields() {
    for fields in [
        "model = \"per_second\"\nprice = \"365.25\"\nper = \"month\"\n",
        "model = \"per_second\"\nprice = \"0\"\nper = \"second\"\n",
        "model = \"hourly_peak\"\nprice = \"0.85\"\n",
        "model = \"monthly\"\nprice = \"999999999.999999999\"\n",
        "model = \"monthly\"\nprice = \"1\"\nprorate = \"none\"\n",
        "model = \"monthly_peak\"\nprice = \"1450.00\"\ngroup_by = \"os\"\n",
        "model = \"once\"\nprice = \"25000\"\n",
        "model = \"per_use\"\nprice = \"0.000611111\"\n",
        "model = \"per_use\"\ntiers = [{ up_to = \"10\", price = \"2\" }, { price = \"1\" }]\ntier_mode = \"volume\"\n",
        "model = \"once\"\nprice = \"1\"\nround_up = { step = \"100\", min = \"200\" }\nwhen = { os = [\"a\", 4, 2.5] }\n",
    ] {
        check(&vm(fields), &expect!["accepted"]);
    }
}

#[test]
fn a_table_and_a_list_stand_where_they_belong() {
    for wrong in [
        "book = 1\nversion = 1\n",
        "[book]\n[version]\neffective = 2026-10-01\n",
        "book = []\nversion = [1]\n",
    ] {
        assert_ne!(problems(wrong), "accepted");
    }
    check(
        &after_head("[[version]]\neffective = 2026-10-01\n").replace("[book]", "[[book]]"),
        &expect!["1:1 the price book: `book` is a list; write a table"],
    );
    check(
        &format!("states = 1\n{}", version("")),
        &expect!["1:10 the price book: `states` is a number without quotes; write a table"],
    );
}

#[test]
fn a_version_may_have_no_component() {
    check(&version(""), &expect!["accepted"]);
}

#[test]
fn an_empty_text_is_no_book() {
    check(
        "",
        &expect![[r#"
        1:1 the price book has no `book`; add `book`
        1:1 the price book has no version; add a [[version]] with its `effective` date and components"#]],
    );
    check(
        "# Nothing yet.\n",
        &expect![[r#"
        1:1 the price book has no `book`; add `book`
        1:1 the price book has no version; add a [[version]] with its `effective` date and components"#]],
    );
}

#[test]
fn a_text_that_is_not_toml_is_refused_where_it_breaks() {
    check("[book", &expect!["1:6 not TOML: unclosed table, expected `]`; correct the syntax there"]);
    check(
        "[book]\nid = b\n",
        &expect![
            "2:6 not TOML: string values must be quoted, expected literal string; correct the syntax there"
        ],
    );
    check(
        "[book]\nid = \"b\nx\"\n",
        &expect!["3:3 not TOML: key with no value, expected `=`; correct the syntax there"],
    );
    check(
        "[book]\nid = \"b\"\nid = \"c\"\n",
        &expect!["3:1 not TOML: duplicate key; correct the syntax there"],
    );
    check(
        "{\"book\": {}}",
        &expect!["1:1 not TOML: invalid key-value pair, expected key; correct the syntax there"],
    );
    check(
        "[book]\nid = \"b\ncurrency = \"RUB\"\n",
        &expect![[r#"2:8 not TOML: invalid basic string, expected `"`; correct the syntax there"#]],
    );
    check(
        "[book]\nvat = { rate = \"22\" included = true }\n",
        &expect![
            "2:21 not TOML: missing comma between key-value pairs, expected `,`; correct the syntax there"
        ],
    );
    check(
        "[[version]\neffective = 2026-10-01\n",
        &expect!["1:11 not TOML: unclosed array table, expected `]`; correct the syntax there"],
    );
    check(
        "[[version]]\neffective = 01.10.2026\n",
        &expect!["2:13 not TOML: unexpected leading zero, expected nothing; correct the syntax there"],
    );
    check(
        "[[version]]\neffective = 2026-10-1\n",
        &expect!["2:13 not TOML: invalid date, expected a two-digit day (DD); correct the syntax there"],
    );
    check(&after_head("[book]\n"), &expect!["5:2 not TOML: duplicate key; correct the syntax there"]);
    check(
        "[book]\r\nid = \"b\"\r\nприменить = 1\r\n",
        &expect![
            "3:1 not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`; correct the syntax there"
        ],
    );
}

#[test]
fn ten_thousand_brackets_do_not_exhaust_the_stack() {
    let nested = |open: &str, close: &str| format!("x = {}{}", open.repeat(10_000), close.repeat(10_000));
    check(
        &nested("[", "]"),
        &expect!["1:85 not TOML: cannot recurse further; max recursion depth met; correct the syntax there"],
    );
    check(
        &nested("{ a = ", " }"),
        &expect!["1:485 not TOML: cannot recurse further; max recursion depth met; correct the syntax there"],
    );
    check(
        &"[".repeat(10_000),
        &expect![
            "1:3 not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; correct the syntax there"
        ],
    );
    check(
        &format!("{} = 1", ["a"; 10_000].join(".")),
        &expect!["1:1 not TOML: recursion limit; correct the syntax there"],
    );
    check(
        &format!("[{}]", ["a"; 10_000].join(".")),
        &expect!["1:1 not TOML: recursion limit; correct the syntax there"],
    );
}

#[test]
fn a_text_of_a_million_digits_is_refused_in_a_short_message() {
    let digits = "9".repeat(1_000_000);
    check(
        &vm(&format!("model = \"once\"\nprice = \"{digits}\"\n")),
        &expect![[
            r#"12:9 version 2026-10-01: component vm.on: `price` is "9999999999999999999999999999999999999999…"; write a decimal below 10^9 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &vm(&format!("model = \"once\"\nprice = \"0.{digits}\"\n")),
        &expect![[
            r#"12:9 version 2026-10-01: component vm.on: `price` is "0.99999999999999999999999999999999999999…"; write a decimal below 10^9 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &vm(&format!("model = \"once\"\nprice = {digits}\n")),
        &expect![
            "12:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write a text in quotes"
        ],
    );
    check(
        &vm(&format!("model = \"once\"\nprice = \"1\"\nwhen = {{ size = {digits} }}\n")),
        &expect![
            "13:17 version 2026-10-01: component vm.on: a number of `when` is written with more than 1000 characters; write it in quotes to compare it as text"
        ],
    );
    check(
        &vm(&format!("model = \"{digits}\"\nprice = \"1\"\n")),
        &expect![[
            r#"11:9 version 2026-10-01: component vm.on: model "9999999999999999999999999999999999999999…" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use"#
        ]],
    );
    check(
        &version(&format!("announced = {digits}\n")),
        &expect![
            "7:13 version 2026-10-01: `announced` is a number without quotes; write a date without quotes, such as 2026-10-01"
        ],
    );
    check(
        &version(&format!("[[version.component]]\nid = \"{digits}\"\n")),
        &expect![[r#"
        7:1 version 2026-10-01: component 9999999999999999999999999999999999999999… has no `kind`; add `kind`
        7:1 version 2026-10-01: component 9999999999999999999999999999999999999999… has no `quantity`; add `quantity`
        7:1 version 2026-10-01: component 9999999999999999999999999999999999999999… has no `model`; add `model`"#]],
    );
}

#[test]
fn an_unknown_field_is_refused_at_every_level_with_those_that_are_known() {
    check(
        &format!("books = 1\n{}", version("")),
        &expect![
            "1:1 the price book has an unknown field `books`; remove it; the fields are book, states, version"
        ],
    );
    check(
        &version("").replace("id = \"b\"", "id = \"b\"\nname = \"Moscow\""),
        &expect![
            "3:1 the price book: `book` has an unknown field `name`; remove it; the fields are id, currency, timezone, vat"
        ],
    );
    check(
        &version("effectve = 2026-10-01\n"),
        &expect![
            "7:1 [[version]] has an unknown field `effectve`; remove it; the fields are effective, announced, vat, component"
        ],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nprices = \"1\"\n"),
        &expect![
            "13:1 version 2026-10-01: component has an unknown field `prices`; remove it; the fields are id, kind, when, model, quantity, price, per, prorate, tiers, tier_mode, group_by, round_up, vat"
        ],
    );
    check(
        &version("vat = { rate = \"22\", included = true, on = 1 }\n"),
        &expect![
            "7:39 version 2026-10-01: `vat` has an unknown field `on`; remove it; the fields are rate, included"
        ],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nround_up = { step = \"1\", to = \"2\" }\n"),
        &expect![
            "13:26 version 2026-10-01: component vm.on: `round_up` has an unknown field `to`; remove it; the fields are step, min"
        ],
    );
    check(
        &calls("tiers = [{ price = \"1\", upto = \"5\" }]\n"),
        &expect![
            "12:25 version 2026-10-01: component api.call: tier 1 has an unknown field `upto`; remove it; the fields are up_to, price"
        ],
    );
    check(
        &version("[states.vm]\nrunning = [\"RUNNING\"]\n"),
        &expect![
            "8:1 [states.vm] has an unknown field `running`; remove it; the fields are active, inactive, inherit"
        ],
    );
    check(
        &version("").replace("[[version]]", "[[versions]]"),
        &expect![[r#"
        1:1 the price book has no version; add a [[version]] with its `effective` date and components
        5:3 the price book has an unknown field `versions`; remove it; the fields are book, states, version"#]],
    );
}

#[test]
fn a_missing_field_is_named() {
    check(
        &book(""),
        &expect![[r#"
        1:1 [book] has no `id`; add `id`
        1:1 [book] has no `currency`; add `currency`
        1:1 [book] has no `timezone`; add `timezone`"#]],
    );
    check("[[version]]\neffective = 2026-10-01\n", &expect!["1:1 the price book has no `book`; add `book`"]);
    check(
        HEAD,
        &expect![
            "1:1 the price book has no version; add a [[version]] with its `effective` date and components"
        ],
    );
    check(&after_head("[[version]]\n"), &expect!["5:1 [[version]] has no `effective`; add `effective`"]);
    check(
        &version("[[version.component]]\n"),
        &expect![[r#"
        7:1 version 2026-10-01: component has no `id`; add `id`
        7:1 version 2026-10-01: component has no `kind`; add `kind`
        7:1 version 2026-10-01: component has no `quantity`; add `quantity`
        7:1 version 2026-10-01: component has no `model`; add `model`"#]],
    );
    check(
        &vm("model = \"hourly_peak\"\n"),
        &expect!["7:1 version 2026-10-01: component vm.on has no `price`; add `price`"],
    );
    check(
        &vm("model = \"per_second\"\n"),
        &expect!["7:1 version 2026-10-01: component vm.on has no `price`; add `price`"],
    );
    check(
        &vm("model = \"per_second\"\nprice = \"1\"\n"),
        &expect!["7:1 version 2026-10-01: component vm.on has no `per`; add `per`"],
    );
    check(&calls(""), &expect!["7:1 version 2026-10-01: component api.call has no `price`; add `price`"]);
    check(
        &calls("tiers = [{ up_to = \"5\" }, {}]\n"),
        &expect!["12:10 version 2026-10-01: component api.call: tier 1 has no `price`; add `price`"],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nround_up = { min = \"1\" }\n"),
        &expect!["13:12 version 2026-10-01: component vm.on: `round_up` has no `step`; add `step`"],
    );
    check(&version("vat = {}\n"), &expect!["7:7 version 2026-10-01: `vat` has no `rate`; add `rate`"]);
    check(
        &version("vat = { rate = \"22\" }\n"),
        &expect!["7:7 version 2026-10-01: `vat` has no `included`; add `included`"],
    );
}

#[test]
fn a_value_of_another_type_is_refused_with_the_type_to_write() {
    check(
        &book("id = 17\ncurrency = 643\ntimezone = 3\nvat = \"22\"\n"),
        &expect![[r#"
        2:6 [book]: `id` is a number without quotes; write a text in quotes
        3:12 [book]: `currency` is a number without quotes; write a text in quotes
        4:12 [book]: `timezone` is a number without quotes; write a text in quotes
        5:7 [book]: `vat` is a text; write a table"#]],
    );
    check(
        &after_head("[[version]]\neffective = \"2026-10-01\"\nannounced = 2026\n"),
        &expect![[r#"
        6:13 [[version]]: `effective` is a text; write a date without quotes, such as 2026-10-01
        7:13 [[version]]: `announced` is a number without quotes; write a date without quotes, such as 2026-10-01"#]],
    );
    check(
        &after_head("[[version]]\neffective = 2026-10-01T00:00:00+03:00\nannounced = 00:00:00\n"),
        &expect![[r#"
        6:13 [[version]]: `effective` is a date or time; write a date without quotes, such as 2026-10-01
        7:13 [[version]]: `announced` is a date or time; write a date without quotes, such as 2026-10-01"#]],
    );
    check(
        &version("component = { id = \"x\" }\n"),
        &expect!["7:13 version 2026-10-01: `component` is a table; write a list of tables"],
    );
    check(
        &version("component = [\"x\"]\n"),
        &expect!["7:14 version 2026-10-01: `component` is a text; write a list of tables"],
    );
    check(
        &component(&["id = 4\nkind = true\nmodel = []\nquantity = \"vcpu\"\n"]),
        &expect![[r#"
        8:6 version 2026-10-01: component: `id` is a number without quotes; write a text in quotes
        9:8 version 2026-10-01: component: `kind` is a truth value; write a text in quotes
        10:9 version 2026-10-01: component: `model` is a list; write a text in quotes
        11:12 version 2026-10-01: component: `quantity` is a text; write a list of texts"#]],
    );
    check(
        &component(&["id = \"a\"\nkind = \"vm\"\nmodel = \"once\"\nquantity = [4]\nprice = 365.25\n"]),
        &expect![[r#"
        11:13 version 2026-10-01: component a: `quantity` is a number without quotes; write a list of texts
        12:9 version 2026-10-01: component a: `price` is a number without quotes; write a text in quotes"#]],
    );
    check(
        &vm("model = \"once\"\nprice = 365\n"),
        &expect![
            "12:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write a text in quotes"
        ],
    );
    check(
        &vm("model = \"per_second\"\nprice = \"1\"\nper = 3600\n"),
        &expect![
            "13:7 version 2026-10-01: component vm.on: `per` is a number without quotes; write a text in quotes"
        ],
    );
    check(
        &vm("model = \"monthly\"\nprice = \"1\"\nprorate = false\n"),
        &expect![
            "13:11 version 2026-10-01: component vm.on: `prorate` is a truth value; write a text in quotes"
        ],
    );
    check(
        &vm("model = \"monthly_peak\"\nprice = \"1\"\ngroup_by = [\"os\"]\n"),
        &expect!["13:12 version 2026-10-01: component vm.on: `group_by` is a list; write a text in quotes"],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nround_up = 100\n"),
        &expect![
            "13:12 version 2026-10-01: component vm.on: `round_up` is a number without quotes; write a table"
        ],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nround_up = { step = 100, min = 100 }\n"),
        &expect![
            "13:21 version 2026-10-01: component vm.on: `round_up`: `step` is a number without quotes; write a text in quotes"
        ],
    );
    check(
        &calls("tiers = { price = \"1\" }\n"),
        &expect!["12:9 version 2026-10-01: component api.call: `tiers` is a table; write a list of tables"],
    );
    check(
        &calls("tiers = [\"1\"]\ntier_mode = 1\n"),
        &expect![[r#"
        12:10 version 2026-10-01: component api.call: `tiers` is a text; write a list of tables
        13:13 version 2026-10-01: component api.call: `tier_mode` is a number without quotes; write a text in quotes"#]],
    );
    check(
        &calls("tiers = [{ up_to = 1000, price = 0.5 }, { price = \"0.3\" }]\n"),
        &expect![
            "12:34 version 2026-10-01: component api.call: tier 1: `price` is a number without quotes; write a text in quotes"
        ],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nwhen = [\"active\"]\n"),
        &expect!["13:8 version 2026-10-01: component vm.on: `when` is a list; write a table"],
    );
    check(
        &vm("model = \"once\"\nprice = \"1\"\nwhen = { since = 2026-10-01, like = { a = 1 } }\n"),
        &expect![
            "13:37 version 2026-10-01: component vm.on: `when` is a table; write a text, a number, or a list of them"
        ],
    );
    check(
        &version("[states]\nvm = [\"RUNNING\"]\n"),
        &expect!["8:6 [states.vm] is not a table; write lists of states under it"],
    );
    check(
        &version("[states.vm]\nactive = \"RUNNING\"\ninactive = [1]\n"),
        &expect![[r#"
        8:10 [states.vm]: `active` is a text; write a list of texts
        9:13 [states.vm]: `inactive` is a number without quotes; write a list of texts"#]],
    );
}

#[test]
fn an_empty_text_names_nothing() {
    check(
        &book("id = \"\"\ncurrency = \"\"\ntimezone = \"\"\n"),
        &expect![[r#"
        2:6 [book]: `id` is empty; write at least one character
        3:12 [book]: `currency` is empty; write at least one character
        4:12 [book]: `timezone` is empty; write at least one character"#]],
    );
    check(
        &component(&["id = \"\"\nkind = \"\"\nmodel = \"\"\nquantity = []\n"]),
        &expect![[r#"
        8:6 version 2026-10-01: component: `id` is empty; write at least one character
        9:8 version 2026-10-01: component: `kind` is empty; write at least one character
        10:9 version 2026-10-01: component: `model` is empty; write at least one character"#]],
    );
    assert_ne!(
        problems(&component(&[
            "id = \"a\"\nkind = \"vm\"\nmodel = \"once\"\nprice = \"1\"\nquantity = [\"\"]\n"
        ])),
        "accepted"
    );
    assert_ne!(problems(&version("[states.vm]\nactive = [\"\"]\n")), "accepted");
    check(
        &vm("model = \"monthly_peak\"\nprice = \"\"\ngroup_by = \"\"\n"),
        &expect![[r#"
        12:9 version 2026-10-01: component vm.on: `price` is empty; write at least one character
        13:12 version 2026-10-01: component vm.on: `group_by` is empty; write at least one character"#]],
    );
}

#[test]
fn a_currency_is_three_capital_letters() {
    for currency in ["rub", "RUBL", "РУБ", "R1B", "RU", "₽"] {
        let toml = version("").replace("RUB", currency);
        let refusal = format!(
            "3:12 [book]: `currency` is \"{currency}\"; write its ISO 4217 code, three capital letters such as \"RUB\""
        );
        assert_eq!(problems(&toml), refusal);
    }
}

#[test]
fn a_time_zone_is_a_name_of_the_zone_database() {
    for zone in ["Moscow", "Europe/Moskva", "+03:00", "UTC+3", "/etc/localtime", "../zone", "Europe"] {
        let toml = version("").replace("Europe/Moscow", zone);
        let refusal = format!(
            "4:12 [book]: `timezone` \"{zone}\" is unknown; write an IANA name such as \"Europe/Moscow\""
        );
        assert_eq!(problems(&toml), refusal);
    }
    check(&version("").replace("Europe/Moscow", "UTC"), &expect!["accepted"]);
}

#[test]
fn what_is_wrong_in_a_version_is_told_even_where_the_zone_is_unknown() {
    check(
        &vm("model = \"onse\"\n").replace("Moscow", "Moskva"),
        &expect![[r#"
        4:12 [book]: `timezone` "Europe/Moskva" is unknown; write an IANA name such as "Europe/Moscow"
        11:9 version 2026-10-01: component vm.on: model "onse" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use"#]],
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    check(
        r#"[book]
id = "b"
currency = "rub"
timezone = "Moscow"

[states.vm]
active = ["DELETED"]

[[version]]
effective = "2026-10-01"

[[version.component]]
id = "vm.on"
kind = "vm"
model = "per_hour"
quantity = ["a", "b", "c"]
price = 1.5

[[version]]
effective = 2026-11-01
notice = 30
"#,
        &expect![[r#"
            3:12 [book]: `currency` is "rub"; write its ISO 4217 code, three capital letters such as "RUB"
            4:12 [book]: `timezone` "Moscow" is unknown; write an IANA name such as "Europe/Moscow"
            7:11 [states.vm]: DELETED ends a resource's life and has no class; remove it from the list
            10:13 [[version]]: `effective` is a text; write a date without quotes, such as 2026-10-01
            15:9 [[version]]: component vm.on: model "per_hour" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
            16:23 [[version]]: component vm.on: `quantity` is a product of 3 attributes; name at most two
            21:1 [[version]] has an unknown field `notice`; remove it; the fields are effective, announced, vat, component"#]],
    );
}

#[test]
fn a_component_id_stands_once_in_a_version_and_may_stand_in_others() {
    let one = format!("[[version.component]]\n{VM}model = \"once\"\nprice = \"1\"\n");
    check(
        &version(&format!("{one}{one}")),
        &expect![[
            r#"13:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own"#
        ]],
    );
    check(
        &version(&format!("{one}{one}{one}")),
        &expect![[r#"
        13:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own
        19:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own"#]],
    );
    check(&version(&format!("{one}[[version]]\neffective = 2026-11-01\n{one}")), &expect!["accepted"]);
}

#[test]
fn versions_stand_in_the_order_of_their_dates() {
    let versions = |dates: &[&str]| {
        let version = |date: &&str| format!("[[version]]\neffective = {date}\n");
        after_head(&dates.iter().map(version).collect::<String>())
    };
    check(&versions(&["2026-10-01", "2026-10-02"]), &expect!["accepted"]);
    check(
        &versions(&["2026-10-01", "2026-10-01"]),
        &expect![
            "8:13 version 2026-10-01 stands after version 2026-10-01, which it overlaps; give each version a date of its own, and write them in the order of their dates"
        ],
    );
    check(
        &versions(&["2026-11-01", "2026-10-01"]),
        &expect![
            "8:13 version 2026-10-01 stands after version 2026-11-01, which it overlaps; give each version a date of its own, and write them in the order of their dates"
        ],
    );
    check(
        &versions(&["2026-11-01", "2026-10-01", "2026-10-15", "2026-12-01"]),
        &expect![
            "8:13 version 2026-10-01 stands after version 2026-11-01, which it overlaps; give each version a date of its own, and write them in the order of their dates"
        ],
    );
}

#[test]
fn a_version_begins_in_the_years_1900_to_2199() {
    for date in ["1900-01-01", "2199-12-31"] {
        check(&version("").replace("2026-10-01", date), &expect!["accepted"]);
    }
    check(
        &version("").replace("2026-10-01", "0000-01-01"),
        &expect![
            "6:13 version 0000-01-01: `effective` lies outside the years 1900 to 2199; write the date from which the prices hold"
        ],
    );
    check(
        &version("").replace("2026-10-01", "1899-12-31"),
        &expect![
            "6:13 version 1899-12-31: `effective` lies outside the years 1900 to 2199; write the date from which the prices hold"
        ],
    );
    check(
        &version("").replace("2026-10-01", "2200-01-01"),
        &expect![
            "6:13 version 2200-01-01: `effective` lies outside the years 1900 to 2199; write the date from which the prices hold"
        ],
    );
    check(
        &version("").replace("2026-10-01", "9999-12-31"),
        &expect![
            "6:13 version 9999-12-31: `effective` lies outside the years 1900 to 2199; write the date from which the prices hold"
        ],
    );
    check(
        &version("").replace("2026-10-01", "2026-02-29"),
        &expect!["6:13 not TOML: invalid date, expected day between 01 and 28; correct the syntax there"],
    );
    check(
        &version("").replace("2026-10-01", "2026-13-01"),
        &expect!["6:13 not TOML: invalid date, expected month between 01 and 12; correct the syntax there"],
    );
    check(&version("announced = 0000-01-01\n"), &expect!["accepted"]);
    check(&version("announced = 9999-12-31\n"), &expect!["accepted"]);
}

#[test]
fn an_unknown_model_is_refused_with_those_that_are_known() {
    check(
        &vm("model = \"per_hour\"\nprice = \"1\"\n"),
        &expect![[
            r#"11:9 version 2026-10-01: component vm.on: model "per_hour" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use"#
        ]],
    );
    check(
        &vm("model = \"PER_SECOND\"\nprice = \"1\"\nper = \"hour\"\n"),
        &expect![[
            r#"11:9 version 2026-10-01: component vm.on: model "PER_SECOND" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use"#
        ]],
    );
}

#[test]
fn a_field_of_another_model_is_refused() {
    let fields = [
        ("per", "per = \"hour\"\n"),
        ("prorate", "prorate = \"day\"\n"),
        ("group_by", "group_by = \"os\"\n"),
        ("tiers", "tiers = [{ price = \"1\" }]\n"),
    ];
    let owners =
        [("per", "per_second"), ("prorate", "monthly"), ("group_by", "monthly_peak"), ("tiers", "per_use")];
    for model in ["per_second", "hourly_peak", "monthly", "monthly_peak", "once", "per_use"] {
        for ((field, text), (_, owner)) in fields.iter().zip(owners) {
            if owner == model {
                continue;
            }
            let own = if model == "per_second" { "per = \"hour\"\n" } else { "" };
            let toml = vm(&format!("model = \"{model}\"\nprice = \"1\"\n{own}{text}"));
            let refusal =
                format!("`{field}` does not go with model {model}; remove it; it belongs to {owner}");
            assert!(problems(&toml).ends_with(&refusal), "{}", problems(&toml));
            assert_eq!(problems(&toml).lines().count(), 1, "{}", problems(&toml));
        }
    }
    check(
        &vm("model = \"once\"\nprice = \"1\"\nper = \"hour\"\n"),
        &expect![
            "13:7 version 2026-10-01: component vm.on: `per` does not go with model once; remove it; it belongs to per_second"
        ],
    );
}

#[test]
fn an_option_is_one_of_its_names() {
    check(
        &vm("model = \"per_second\"\nprice = \"1\"\nper = \"minute\"\n"),
        &expect![[
            r#"13:7 version 2026-10-01: component vm.on: `per` is "minute"; write second, hour, day, month"#
        ]],
    );
    check(
        &vm("model = \"monthly\"\nprice = \"1\"\nprorate = \"days\"\n"),
        &expect![[
            r#"13:11 version 2026-10-01: component vm.on: `prorate` is "days"; write day, second, none"#
        ]],
    );
    check(
        &calls("tiers = [{ price = \"1\" }]\ntier_mode = \"flat\"\n"),
        &expect![[
            r#"13:13 version 2026-10-01: component api.call: `tier_mode` is "flat"; write graduated, volume"#
        ]],
    );
}

#[test]
fn a_price_is_a_decimal_below_a_billion_of_at_most_nine_places() {
    let price = |price: &str| vm(&format!("model = \"once\"\nprice = \"{price}\"\n"));
    for good in ["0", "0.000000001", "999999999.999999999", "000000000001.50", "365.250000000", "7"] {
        check(&price(good), &expect!["accepted"]);
    }
    check(
        &price("1000000000"),
        &expect![[
            r#"12:9 version 2026-10-01: component vm.on: `price` is "1000000000"; write a decimal below 10^9 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &price("0.0000000001"),
        &expect![[
            r#"12:9 version 2026-10-01: component vm.on: `price` is "0.0000000001"; write a decimal below 10^9 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &price("365.2500000000"),
        &expect![[
            r#"12:9 version 2026-10-01: component vm.on: `price` is "365.2500000000"; write a decimal below 10^9 with at most 9 places, such as "365.25""#
        ]],
    );
    for bad in [
        "-1", "+1", "1e3", "1,5", ".5", "5.", " 1", "1 ", "1_000", "1 000", "0x10", "NaN", "inf", "٣",
        "1.2.3",
    ] {
        let refusal = format!(
            "12:9 version 2026-10-01: component vm.on: `price` is \"{bad}\"; write a decimal below 10^9 with at most 9 places, such as \"365.25\""
        );
        assert_eq!(problems(&price(bad)), refusal);
    }
}

#[test]
fn a_quantity_is_a_product_of_two_attributes_at_most() {
    let quantity =
        |names: &str| component(&[&VM.replace("[\"vcpu\"]", names), "model = \"once\"\nprice = \"1\"\n"]);
    check(&quantity("[]"), &expect!["accepted"]);
    check(&quantity("[\"vcpu\", \"ram_gb\"]"), &expect!["accepted"]);
    check(&quantity("[\"vcpu\", \"vcpu\"]"), &expect!["accepted"]);
    check(
        &quantity("[\"vcpu\", \"ram_gb\", \"disk_gb\"]"),
        &expect![
            "10:31 version 2026-10-01: component vm.on: `quantity` is a product of 3 attributes; name at most two"
        ],
    );
    check(
        &quantity("[\"a\", \"b\", \"c\", \"d\"]"),
        &expect![
            "10:23 version 2026-10-01: component vm.on: `quantity` is a product of 4 attributes; name at most two"
        ],
    );
}

#[test]
fn rounding_up_needs_a_positive_step_and_a_minimum_that_is_a_multiple_of_it() {
    let round_up =
        |fields: &str| vm(&format!("model = \"monthly\"\nprice = \"1\"\nround_up = {{ {fields} }}\n"));
    check(&round_up("step = \"100\", min = \"300\""), &expect!["accepted"]);
    check(&round_up("step = \"0.5\", min = \"2\""), &expect!["accepted"]);
    check(&round_up("step = \"999999999999\""), &expect!["accepted"]);
    check(
        &round_up("step = \"0\", min = \"0\""),
        &expect![
            "13:12 version 2026-10-01: component vm.on: `round_up` has a step of zero; write a step above zero"
        ],
    );
    check(
        &round_up("step = \"100\", min = \"150\""),
        &expect![
            "13:12 version 2026-10-01: component vm.on: `round_up`: min 150 is not a multiple of step 100; write a multiple of the step"
        ],
    );
    check(
        &round_up("step = \"100\", min = \"50\""),
        &expect![
            "13:12 version 2026-10-01: component vm.on: `round_up`: min 50 is not a multiple of step 100; write a multiple of the step"
        ],
    );
    check(
        &round_up("step = \"1000000000000\""),
        &expect![[
            r#"13:21 version 2026-10-01: component vm.on: `round_up`: `step` is "1000000000000"; write a decimal below 10^12 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &round_up("step = \"0.0000000001\""),
        &expect![[
            r#"13:21 version 2026-10-01: component vm.on: `round_up`: `step` is "0.0000000001"; write a decimal below 10^12 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &round_up("step = \"-1\", min = \"-1\""),
        &expect![[
            r#"13:21 version 2026-10-01: component vm.on: `round_up`: `step` is "-1"; write a decimal below 10^12 with at most 9 places, such as "365.25""#
        ]],
    );
    let read = read(&round_up("step = \"100\""));
    let lifted = read.component(FIRST).round_up.unwrap();
    assert_eq!(lifted.min, lifted.step, "without `min` the least is one step");
    assert_eq!(read_min(&round_up("step = \"100\", min = \"0\"")), "0");
}

#[test]
fn tiers_ascend_and_end_open() {
    let tiers = |tiers: &str| calls(&format!("tiers = [{tiers}]\n"));
    check(&tiers(r#"{ price = "1" }"#), &expect!["accepted"]);
    check(
        &tiers(r#"{ up_to = "0.5", price = "1" }, { up_to = "1", price = "1" }, { price = "0" }"#),
        &expect!["accepted"],
    );
    check(
        &tiers(""),
        &expect![
            "12:9 version 2026-10-01: component api.call: the last tier has no end that is open; end with a tier that has a `price` and no `up_to`"
        ],
    );
    check(
        &tiers(r#"{ up_to = "5", price = "1" }"#),
        &expect![
            "12:9 version 2026-10-01: component api.call: the last tier has no end that is open; end with a tier that has a `price` and no `up_to`"
        ],
    );
    check(
        &tiers(r#"{ price = "1" }, { up_to = "5", price = "1" }"#),
        &expect![
            "12:10 version 2026-10-01: component api.call: tier 1 has no `up_to` and is not the last; add `up_to`, or remove the tiers after it"
        ],
    );
    check(
        &tiers(r#"{ price = "1" }, { price = "2" }"#),
        &expect![
            "12:10 version 2026-10-01: component api.call: tier 1 has no `up_to` and is not the last; add `up_to`, or remove the tiers after it"
        ],
    );
    check(
        &tiers(r#"{ up_to = "5", price = "1" }, { up_to = "5", price = "2" }, { price = "3" }"#),
        &expect![
            "12:40 version 2026-10-01: component api.call: tier 2: up_to 5 is not above 5; write the bounds in ascending order, above zero"
        ],
    );
    check(
        &tiers(r#"{ up_to = "5", price = "1" }, { up_to = "4.999", price = "2" }, { price = "3" }"#),
        &expect![
            "12:40 version 2026-10-01: component api.call: tier 2: up_to 4.999 is not above 5; write the bounds in ascending order, above zero"
        ],
    );
    check(
        &tiers(r#"{ up_to = "0", price = "1" }, { price = "3" }"#),
        &expect![
            "12:10 version 2026-10-01: component api.call: tier 1: up_to 0 is not above 0; write the bounds in ascending order, above zero"
        ],
    );
    check(
        &tiers(r#"{ up_to = "1000000000000", price = "1" }, { price = "3" }"#),
        &expect![[
            r#"12:20 version 2026-10-01: component api.call: tier 1: `up_to` is "1000000000000"; write a decimal below 10^12 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &tiers(r#"{ up_to = "5", price = "1000000000" }, { price = "3" }"#),
        &expect![[
            r#"12:33 version 2026-10-01: component api.call: tier 1: `price` is "1000000000"; write a decimal below 10^9 with at most 9 places, such as "365.25""#
        ]],
    );
}

#[test]
fn tiers_and_a_price_contradict_each_other_and_a_mode_needs_tiers() {
    check(
        &calls("price = \"1\"\ntiers = [{ price = \"1\" }]\n"),
        &expect![
            "12:9 version 2026-10-01: component api.call: `price` and `tiers` contradict each other; keep one of them"
        ],
    );
    check(
        &calls("price = \"1\"\ntier_mode = \"volume\"\n"),
        &expect![
            "13:13 version 2026-10-01: component api.call: `tier_mode` stands without `tiers`; add `tiers`, or remove it"
        ],
    );
    check(
        &calls("tier_mode = \"volume\"\n"),
        &expect![[r#"
        7:1 version 2026-10-01: component api.call has no `price`; add `price`
        12:13 version 2026-10-01: component api.call: `tier_mode` stands without `tiers`; add `tiers`, or remove it"#]],
    );
}

#[test]
fn tiers_are_graduated_unless_the_book_says_volume() {
    let mode = |text: &str| match read(&calls(text)).component(FIRST).model.clone() {
        Model::Tiered(tiers) => tiers.mode,
        other => panic!("{other:?}"),
    };
    let tiers = "tiers = [{ up_to = \"5\", price = \"2\" }, { price = \"1\" }]\n";
    assert_eq!(mode(tiers), TierMode::Graduated);
    assert_eq!(mode(&format!("{tiers}tier_mode = \"graduated\"\n")), TierMode::Graduated);
    assert_eq!(mode(&format!("{tiers}tier_mode = \"volume\"\n")), TierMode::Volume);
}

#[test]
fn a_month_is_prorated_by_the_day_unless_the_book_says_otherwise() {
    let prorate = |text: &str| match read(&vm(&format!("model = \"monthly\"\nprice = \"1\"\n{text}")))
        .component(FIRST)
        .model
    {
        Model::Monthly { prorate, .. } => prorate,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(prorate(""), Prorate::Day);
    assert_eq!(prorate("prorate = \"day\"\n"), Prorate::Day);
    assert_eq!(prorate("prorate = \"second\"\n"), Prorate::Second);
    assert_eq!(prorate("prorate = \"none\"\n"), Prorate::None);
}

#[test]
fn a_condition_on_the_state_names_a_class_and_belongs_to_models_of_state() {
    let when = |when: &str| vm(&format!("model = \"once\"\nprice = \"1\"\nwhen = {{ {when} }}\n"));
    check(&when(""), &expect!["accepted"]);
    check(&when("state = \"active\""), &expect!["accepted"]);
    check(&when("state = [\"active\", \"inactive\"]"), &expect!["accepted"]);
    check(
        &when("state = \"RUNNING\""),
        &expect![[
            r#"13:18 version 2026-10-01: component vm.on: `when.state` asks for an unknown class; write "active" or "inactive""#
        ]],
    );
    check(
        &when("state = \"inherit\""),
        &expect![[
            r#"13:18 version 2026-10-01: component vm.on: `when.state` asks for an unknown class; write "active" or "inactive""#
        ]],
    );
    check(
        &when("state = [\"active\", 1, \"Active\"]"),
        &expect![[
            r#"13:29 version 2026-10-01: component vm.on: `when.state` asks for an unknown class; write "active" or "inactive""#
        ]],
    );
    check(
        &when("state = true"),
        &expect![[
            r#"13:18 version 2026-10-01: component vm.on: `when.state` asks for an unknown class; write "active" or "inactive""#
        ]],
    );
    check(
        &when("state = []"),
        &expect![
            "13:18 version 2026-10-01: component vm.on: `when.state` lists nothing, so it never holds; list at least one value, or remove the condition"
        ],
    );
    check(
        &when("os = []"),
        &expect![
            "13:15 version 2026-10-01: component vm.on: `when.os` lists nothing, so it never holds; list at least one value, or remove the condition"
        ],
    );
    check(
        &calls("price = \"1\"\nwhen = { state = \"active\" }\n"),
        &expect![
            "7:1 version 2026-10-01: component api.call: usage events have no state, so `when.state` never holds; remove `state` from `when`"
        ],
    );
    check(
        &calls("tiers = [{ price = \"1\" }]\nwhen = { state = \"active\" }\n"),
        &expect![
            "7:1 version 2026-10-01: component api.call: usage events have no state, so `when.state` never holds; remove `state` from `when`"
        ],
    );
    check(&calls("price = \"1\"\nwhen = { region = \"msk-1\" }\n"), &expect!["accepted"]);
}

#[test]
fn a_number_of_a_condition_is_compared_as_a_number_and_the_rest_as_text() {
    let any_of = |when: &str| {
        let book = read(&vm(&format!("model = \"once\"\nprice = \"1\"\nwhen = {{ size = {when} }}\n")));
        let write = |value: &Value| match value {
            Value::Number(number) => format!("number {number}"),
            Value::Text(text) => format!("text {text}"),
            Value::Nested => panic!("nested"),
        };
        book.component(FIRST).when[0].any_of.iter().map(write).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(any_of("4"), "number 4");
    assert_eq!(any_of("[\"4.0\", 4.5, +4, 1e2]"), "number 4, number 4.5, number 4, number 100");
    assert_eq!(any_of("[\"large\", \"-4\", \"4 GB\", \"\"]"), "text large, text -4, text 4 GB, text ");
    assert_eq!(any_of("[1_000, -4]"), "number 1000, number -4");
    assert_eq!(any_of("[true, \"true\"]"), "text true, text true");
}

#[test]
fn a_number_of_a_condition_that_no_event_can_have_is_refused() {
    let when = |size: &str| vm(&format!("model = \"once\"\nprice = \"1\"\nwhen = {{ size = {size} }}\n"));
    check(
        &when("1000000000000"),
        &expect![
            "13:17 version 2026-10-01: component vm.on: a number of `when` is not below 10^12; write it in quotes to compare it as text"
        ],
    );
    check(
        &when("inf"),
        &expect![
            "13:17 version 2026-10-01: component vm.on: a number of `when` is not a number; write it in quotes to compare it as text"
        ],
    );
    check(
        &when("nan"),
        &expect![
            "13:17 version 2026-10-01: component vm.on: a number of `when` is not a number; write it in quotes to compare it as text"
        ],
    );
}

#[test]
fn a_state_stands_in_one_list_and_deleted_in_none() {
    let states = |lists: &str| version(&format!("[states.vm]\n{lists}\n"));
    check(&states(""), &expect!["accepted"]);
    check(&states("active = []\ninactive = []\ninherit = []"), &expect!["accepted"]);
    check(
        &states("active = [\"ON\"]\ninactive = [\"ON\"]"),
        &expect!["9:13 [states.vm]: state ON is named in `active` and in `inactive`; name each state once"],
    );
    check(
        &states("inherit = [\"ON\"]\nactive = [\"OFF\", \"ON\"]"),
        &expect!["8:12 [states.vm]: state ON is named in `active` and in `inherit`; name each state once"],
    );
    check(
        &states("inherit = [\"DELETED\"]"),
        &expect![
            "8:12 [states.vm]: DELETED ends a resource's life and has no class; remove it from the list"
        ],
    );
    check(&states("active = [\"Deleted\", \"deleted\"]"), &expect!["accepted"]);
}

const FIRST: ComponentRef = ComponentRef { version: 0, component: 0 };

fn read_min(toml: &str) -> String {
    read(toml).component(FIRST).round_up.unwrap().min.to_string()
}

/// The states of a kind, each with what it means.
fn meanings(toml: &str, kind: &str) -> String {
    let book = read(toml);
    let states =
        ["RUNNING", "STOPPING", "REBOOTING", "STOPPED", "STARTING", "TERMINATING", "SHELVED", "DELETED"];
    let write = |state: &str| {
        let meaning = match book.meaning(kind, state) {
            StateMeaning::Deleted => "deleted",
            StateMeaning::Class(Some(Class::Active)) => "active",
            StateMeaning::Class(Some(Class::Inactive)) => "inactive",
            StateMeaning::Class(None) => "none",
            StateMeaning::Inherit => "inherit",
        };
        format!("{state} {meaning}")
    };
    states.map(write).join(", ")
}

#[test]
fn every_kind_has_the_default_states() {
    let defaults = expect![
        "RUNNING active, STOPPING active, REBOOTING active, STOPPED inactive, STARTING inherit, TERMINATING inherit, SHELVED none, DELETED deleted"
    ];
    defaults.assert_eq(&meanings(&version(""), "vm"));
    let other_kind = version("[states.vm]\nactive = [\"ON\"]\n");
    assert_eq!(meanings(&other_kind, "database"), meanings(&version(""), "vm"));
    assert_eq!(meanings(&version("[states.vm]\n"), "vm"), meanings(&version(""), "vm"));
}

#[test]
fn a_list_replaces_that_default_list_and_the_other_lists_stay() {
    let toml = version("[states.vm]\nactive = [\"RUNNING\"]\n");
    expect!["RUNNING active, STOPPING none, REBOOTING none, STOPPED inactive, STARTING inherit, TERMINATING inherit, SHELVED none, DELETED deleted"].assert_eq(&meanings(&toml, "vm"));
    let toml = version("[states.vm]\ninherit = []\n");
    expect!["RUNNING active, STOPPING active, REBOOTING active, STOPPED inactive, STARTING none, TERMINATING none, SHELVED none, DELETED deleted"].assert_eq(&meanings(&toml, "vm"));
}

#[test]
fn a_state_that_is_named_leaves_the_other_default_lists() {
    let toml = version("[states.vm]\nactive = [\"RUNNING\", \"STOPPED\", \"STARTING\"]\n");
    expect!["RUNNING active, STOPPING none, REBOOTING none, STOPPED active, STARTING active, TERMINATING inherit, SHELVED none, DELETED deleted"].assert_eq(&meanings(&toml, "vm"));
    let toml = version("[states.vm]\ninactive = [\"STOPPING\", \"SHELVED\"]\n");
    expect!["RUNNING active, STOPPING inactive, REBOOTING active, STOPPED none, STARTING inherit, TERMINATING inherit, SHELVED inactive, DELETED deleted"].assert_eq(&meanings(&toml, "vm"));
}

#[test]
fn the_version_of_a_month_is_the_one_at_its_start_or_its_first() {
    let book = read(&after_head(
        "[[version]]\neffective = 2026-10-10\n[[version]]\neffective = 2026-10-20\n[[version]]\neffective = 2026-12-01\n",
    ));
    let version_of = |month: i8| {
        let name = MonthName::of(jiff::civil::date(2026, month, 1));
        let start = book.calendar().day_start(jiff::civil::date(2026, month, 1)).unwrap();
        let month = book.calendar().months(start, start + 1).unwrap().into_iter().next().unwrap();
        assert_eq!(month.name, name);
        book.version_of_month(&month).map(|version| book.versions()[version].effective.to_string())
    };
    assert_eq!(version_of(9), None);
    assert_eq!(version_of(10).as_deref(), Some("2026-10-10"));
    assert_eq!(version_of(11).as_deref(), Some("2026-10-20"));
    assert_eq!(version_of(12).as_deref(), Some("2026-12-01"));
}

#[test]
fn a_version_is_in_force_from_its_local_midnight_to_that_of_the_next() {
    let book = read(&version("[[version]]\neffective = 2026-11-01\n"));
    let midnight = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(
        book.in_force(0),
        midnight("2026-10-01T00:00:00+03:00")..midnight("2026-11-01T00:00:00+03:00")
    );
    assert_eq!(book.in_force(1), midnight("2026-11-01T00:00:00+03:00")..i64::MAX);
}

#[test]
fn of_several_rates_of_vat_the_nearest_holds() {
    let component = format!("[[version.component]]\n{VM}model = \"once\"\nprice = \"1\"\n");
    let vat = |of_book: &str, of_version: &str, of_component: &str| {
        let toml = book(&format!("{}{of_book}", &HEAD["[book]\n".len()..]));
        match read(&format!("{toml}{of_version}{component}{of_component}")).vat(FIRST) {
            Some(Vat { rate, included }) => {
                let rate = rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
                format!("{rate} {}", if included { "included" } else { "on top" })
            }
            None => "not said".to_owned(),
        }
    };
    let (ten, twenty) =
        ("vat = { rate = \"10\", included = true }\n", "vat = { rate = \"20.5\", included = false }\n");
    let none = "vat = { rate = \"none\" }\n";
    assert_eq!(vat("", "", ""), "not said");
    assert_eq!(vat(ten, "", ""), "10 included");
    assert_eq!(vat(ten, twenty, ""), "20.5 on top");
    assert_eq!(vat(ten, "", twenty), "20.5 on top");
    assert_eq!(vat("", twenty, ten), "10 included");
    assert_eq!(vat(ten, twenty, none), "none included");
    assert_eq!(vat(ten, none, ""), "none included");
}

#[test]
fn a_rate_of_vat_is_a_decimal_or_none() {
    let vat = |fields: &str| version(&format!("vat = {{ {fields} }}\n"));
    check(&vat("rate = \"0\", included = false"), &expect!["accepted"]);
    check(&vat("rate = \"none\""), &expect!["accepted"]);
    check(
        &vat("rate = \"None\", included = true"),
        &expect![[
            r#"7:16 version 2026-10-01: `vat`: `rate` is "None"; write a decimal below 10^3 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &vat("rate = \"-1\", included = true"),
        &expect![[
            r#"7:16 version 2026-10-01: `vat`: `rate` is "-1"; write a decimal below 10^3 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &vat("rate = \"22%\", included = true"),
        &expect![[
            r#"7:16 version 2026-10-01: `vat`: `rate` is "22%"; write a decimal below 10^3 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &vat("rate = \"1000\", included = true"),
        &expect![[
            r#"7:16 version 2026-10-01: `vat`: `rate` is "1000"; write a decimal below 10^3 with at most 9 places, such as "365.25""#
        ]],
    );
    check(
        &vat("rate = \"none\", included = 1"),
        &expect![
            "7:35 version 2026-10-01: `vat`: `included` is a number without quotes; write true or false"
        ],
    );
}

#[test]
fn a_column_counts_characters_from_one() {
    assert_eq!(line_and_column("", 0), (1, 1));
    assert_eq!(line_and_column("цена = 1\nx", 9), (1, 6));
    assert_eq!(line_and_column("a\r\nb", 3), (2, 1));
    assert_eq!(line_and_column("a\n", 2), (2, 1));
    assert_eq!(line_and_column("a", 99), (1, 2));
    assert_eq!(line_and_column("ц", 1), (1, 2), "within a character it is the end");
}
