//! Texts that are no book at all, and what is told of a whole text.

use expect_test::expect;

use super::*;

#[test]
fn an_empty_text_is_no_book() {
    check(
        &[(whole, ""), (whole, "# Nothing yet.\n")],
        &expect![[r#"
        (nothing)
            1:1 the price book has no `book`; add `book`
            1:1 the price book has no version; add a [[version]] with its `effective` date and components
        # Nothing yet.
            1:1 the price book has no `book`; add `book`
            1:1 the price book has no version; add a [[version]] with its `effective` date and components
    "#]],
    );
}

#[test]
fn a_text_that_is_not_toml_is_refused_where_it_breaks() {
    check(
        &[
            (whole, "[book"),
            (whole, "[book]\nid = b\n"),
            (whole, "[book]\nid = \"b\ncurrency = \"RUB\"\n"),
            (whole, "[book]\nid = 'b'\nid = 'c'\n"),
            (whole, "[book]\nid = 'b'\n[book]\n"),
            (whole, "[book]\nvat = { rate = '22' included = true }\n"),
            (whole, "[book]\r\nid = 'b'\r\nцена = 1\r\n"),
            (whole, "[[version]\neffective = 2026-10-01\n"),
            (whole, "[[version]]\neffective = 01.10.2026\n"),
            (whole, "[[version]]\neffective = 2026-10-1\n"),
            (whole, "[[version]]\neffective = 2026-02-29\n"),
            (whole, "{\"book\": {}}"),
        ],
        &expect![[r#"
            [book
                1:6 not TOML: unclosed table, expected `]`; correct the syntax there
            [book]; id = b
                2:6 not TOML: string values must be quoted, expected literal string; correct the syntax there
            [book]; id = "b; currency = "RUB"
                2:8 not TOML: invalid basic string, expected `"`; correct the syntax there
            [book]; id = 'b'; id = 'c'
                3:1 not TOML: duplicate key; correct the syntax there
            [book]; id = 'b'; [book]
                3:2 not TOML: duplicate key; correct the syntax there
            [book]; vat = { rate = '22' included = true }
                2:21 not TOML: missing comma between key-value pairs, expected `,`; correct the syntax there
            [book]; id = 'b'; цена = 1
                3:1 not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`; correct the syntax there
            [[version]; effective = 2026-10-01
                1:11 not TOML: unclosed array table, expected `]`; correct the syntax there
            [[version]]; effective = 01.10.2026
                2:13 not TOML: unexpected leading zero, expected nothing; correct the syntax there
                2:18 not TOML: invalid float, expected nothing; correct the syntax there
            [[version]]; effective = 2026-10-1
                2:13 not TOML: invalid date, expected a two-digit day (DD); correct the syntax there
            [[version]]; effective = 2026-02-29
                2:13 not TOML: invalid date, expected day between 01 and 28; correct the syntax there
            {"book": {}}
                1:1 not TOML: invalid key-value pair, expected key; correct the syntax there
        "#]],
    );
}

#[test]
fn ten_thousand_brackets_do_not_exhaust_the_stack() {
    let nested = |open: &str, close: &str| format!("x = {}{}", open.repeat(10_000), close.repeat(10_000));
    let (lists, tables) = (nested("[", "]"), nested("{ a = ", " }"));
    let path = ["a"; 10_000].join(".");
    let (key, header) = (format!("{path} = 1"), format!("[{path}]"));
    check(
        &[(whole, &lists), (whole, &tables), (whole, &"[".repeat(10_000)), (whole, &key), (whole, &header)],
        &expect![[r#"
            x = [[[[[[[[[[[[[[[[…
                1:85 not TOML: cannot recurse further; max recursion depth met; correct the syntax there
            x = { a = { a = { a …
                1:485 not TOML: cannot recurse further; max recursion depth met; correct the syntax there
            [[[[[[[[[[[[[[[[[[[[…
                1:3 not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; correct the syntax there
            a.a.a.a.a.a.a.a.a.a.…
                1:1 not TOML: recursion limit; correct the syntax there
            [a.a.a.a.a.a.a.a.a.a…
                1:1 not TOML: recursion limit; correct the syntax there
        "#]],
    );
}

#[test]
fn a_text_of_a_million_digits_is_refused_in_a_short_message() {
    let nines = "9".repeat(1_000_000);
    check(
        &[
            (price, &nines),
            (price, &format!("0.{nines}")),
            (vm, &format!("price = {nines}\nmodel = 'once'")),
            (vm, &format!("model = '{nines}'")),
            (when, &format!("size = {nines}")),
            (version, &format!("announced = {nines}")),
            (component, &format!("id = '{nines}'")),
        ],
        &expect![[r#"
            99999999999999999999…
                12:9 version 2026-10-01: component vm.on: `price` is "9999999999999999999999999999999999999999…"; write a decimal below 10^9 with at most 9 places, such as "365.25"
            0.999999999999999999…
                12:9 version 2026-10-01: component vm.on: `price` is "0.99999999999999999999999999999999999999…"; write a decimal below 10^9 with at most 9 places, such as "365.25"
            price = 999999999999…
                11:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write a decimal below 10^9 with at most 9 places, such as "365.25"
            model = '99999999999…
                11:9 version 2026-10-01: component vm.on: model "9999999999999999999999999999999999999999…" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
            size = 9999999999999…
                13:17 version 2026-10-01: component vm.on: `when.size` is written with more than 1000 characters; write it in quotes to compare it as text
            announced = 99999999…
                7:13 version 2026-10-01: `announced` is a number without quotes; write a date without quotes, such as 2026-10-01
            id = '99999999999999…
                7:1 version 2026-10-01: component 9999999999999999999999999999999999999999… has no `kind`; add `kind`
                7:1 version 2026-10-01: component 9999999999999999999999999999999999999999… has no `quantity`; add `quantity`
                7:1 version 2026-10-01: component 9999999999999999999999999999999999999999… has no `model`; add `model`
        "#]],
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"[book]
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

[[version]]
effective = 2026-11-01
notice = 30
"#;
    expect![[r#"
        3:12 [book]: `currency` is "rub"; write its ISO 4217 code, three capital letters such as "RUB"
        4:12 [book]: `timezone` "Moscow" is unknown; write an IANA name such as "Europe/Moscow"
        7:11 [states.vm]: DELETED ends a resource's life and has no class; remove it from the list
        10:13 [[version]]: `effective` is a text; write a date without quotes, such as 2026-10-01
        15:9 [[version]]: component vm.on: model "per_hour" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
        16:23 [[version]]: component vm.on: `quantity` is a product of 3 attributes; name at most two
        20:1 version 2026-11-01 has an unknown field `notice`; remove it; the fields are effective, announced, vat, component"#]].assert_eq(&problems(text));
}

#[test]
fn every_place_where_the_syntax_breaks_is_told() {
    check(
        &[(whole, "[book]\nid = b\ncurrency = \"RUB\nvat = { rate = '22' included = true }\n[[version\n")],
        &expect![[r#"
        [book]; id = b; currency = "RUB; vat = { rate = '22' included = true }; [[version
            2:6 not TOML: string values must be quoted, expected literal string; correct the syntax there
            3:16 not TOML: invalid basic string, expected `"`; correct the syntax there
            4:21 not TOML: missing comma between key-value pairs, expected `,`; correct the syntax there
            5:10 not TOML: unclosed array table, expected `]]`; correct the syntax there
    "#]],
    );
}

#[test]
fn no_text_of_the_file_makes_a_message_long() {
    let long = "x".repeat(1_000_000);
    let texts = [
        version(&format!("{long} = 1")),
        version(&format!(
            "[states.{long}]\nactive = ['{long}', '{long}']\ninactive = ['{long}']\n{long} = 1"
        )),
        version(&format!("[states]\n{long} = 1")),
        when(&format!("{long} = []")),
        when(&format!("{long} = 1e99, state = '{long}'")),
        component(&format!("id = '{long}'\n{long} = 1")),
        vm(&format!("model = '{long}'\nprice = '{long}'")),
        once("").replace("vm.on", &long).replace("kind", "knd"),
        version("").replace("RUB", &long).replace("Europe/Moscow", &long),
        vat(&format!("rate = '{long}', included = '{long}'")),
        round_up(&format!("step = '{long}', min = '{long}'")),
        tiers(&format!("{{ up_to = '{long}', price = '{long}', {long} = 1 }}")),
    ];
    for text in texts {
        let told = problems(&text);
        assert!(told.lines().all(|line| line.len() < 400), "{}", &told[..1_000]);
        assert_ne!(told, "accepted");
    }
}

#[test]
fn a_message_repeats_no_control_character() {
    let told = problems(&version("").replace("RUB", "\\u001b[31m\\u202e\\u0007"));
    assert!(told.contains(r#"`currency` is "\u{1b}[31m\u{202e}\u{7}""#), "{told}");
}

#[test]
fn a_hundred_thousand_problems_are_told_in_a_moment() {
    let text = version(&(0..100_000).map(|number| format!("f{number} = 1\n")).collect::<String>());
    assert_eq!(problems(&text).lines().count(), 100_000);
}
