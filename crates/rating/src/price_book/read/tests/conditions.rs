//! Conditions of components.

use expect_test::expect;

use super::*;

#[test]
fn a_condition_on_the_state_names_a_class_and_belongs_to_models_of_state() {
    good(when, &["", "state = 'active'", "state = ['active', 'inactive']"]);
    good(calls, &["price = '1'\nwhen = { region = 'msk-1' }"]);
    check(
        &[
            (when, "state = 'RUNNING'"),
            (when, "state = 'inherit'"),
            (when, "state = ['active', 'Active']"),
            (when, "state = 1"),
            (when, "state = []"),
            (when, "os = []"),
            (calls, "price = '1'\nwhen = { state = 'active' }"),
            (calls, "tiers = [{ price = '1' }]\nwhen = { state = 'active' }"),
        ],
        &expect![[r#"
            state = 'RUNNING'
                13:18 version 2026-10-01: component vm.on: `when.state`: "RUNNING" is a state, not a class; write "active" or "inactive"
            state = 'inherit'
                13:18 version 2026-10-01: component vm.on: `when.state`: "inherit" is no class; write "active" or "inactive"
            state = ['active', 'Active']
                13:29 version 2026-10-01: component vm.on: `when.state`: "Active" is no class; write "active" or "inactive"
            state = 1
                13:18 version 2026-10-01: component vm.on: `when.state` is a number without quotes; write "active" or "inactive"
            state = []
                13:18 version 2026-10-01: component vm.on: `when.state` lists nothing, so it never holds; list at least one value, or remove the condition
            os = []
                13:15 version 2026-10-01: component vm.on: `when.os` lists nothing, so it never holds; list at least one value, or remove the condition
            price = '1'; when = { state = 'active' }
                13:8 version 2026-10-01: component api.call: usage events have no state, so `when.state` never holds; remove `state` from `when`
            tiers = [{ price = '1' }]; when = { state = 'active' }
                13:8 version 2026-10-01: component api.call: usage events have no state, so `when.state` never holds; remove `state` from `when`
        "#]],
    );
}

#[test]
fn a_number_of_a_condition_is_compared_as_a_number_and_the_rest_as_text() {
    let any_of = |values: &str| {
        let write = |value: &Value| match value {
            Value::Number(number) => format!("number {number}"),
            Value::Text(text) => format!("text {text}"),
            Value::Nested => panic!("nested"),
        };
        let book = read(&when(&format!("size = {values}")));
        book.component(FIRST).when[0].any_of.iter().map(write).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(any_of("4"), "number 4");
    assert_eq!(
        any_of("['4.0', 4.5, +4, 1e2, 1_000, -0]"),
        "number 4, number 4.5, number 4, number 100, number 1000, number 0"
    );
    assert_eq!(any_of("['large', '-4', '4 GB', '']"), "text large, text -4, text 4 GB, text ");
    assert_eq!(any_of("[true, 'true']"), "text true, text true");
}

#[test]
fn a_number_of_a_condition_that_no_event_can_have_is_refused() {
    check(
        &[
            (when, "size = 1000000000000"),
            (when, "size = [4, 1e12]"),
            (when, "size = inf"),
            (when, "a = 0x10\nb = [0o17, -4]".replace('\n', ", ").as_str()),
            (when, "region = -4"),
        ],
        &expect![[r#"
            size = 1000000000000
                13:17 version 2026-10-01: component vm.on: `when.size` is not below 10^12; write it in quotes to compare it as text
            size = [4, 1e12]
                13:21 version 2026-10-01: component vm.on: `when.size` is not below 10^12; write it in quotes to compare it as text
            size = inf
                13:17 version 2026-10-01: component vm.on: `when.size` is not a number; write it in quotes to compare it as text
            a = 0x10, b = [0o17, -4]
                13:14 version 2026-10-01: component vm.on: `when.a` is not decimal; write 16
                13:25 version 2026-10-01: component vm.on: `when.b` is not decimal; write 15
                13:31 version 2026-10-01: component vm.on: `when.b` is negative, so it never holds; write a number from 0 on; only those of kind `cost` may be negative
            region = -4
                13:19 version 2026-10-01: component vm.on: `when.region` is negative, so it never holds; write a number from 0 on; only those of kind `cost` may be negative
        "#]],
    );
}

#[test]
fn only_a_cost_is_compared_with_negative_numbers() {
    let credits = |fields: &str| when(fields).replace("\"vm\"", "\"cost\"");
    assert_eq!(problems(&credits("amount = [-4, '-0.5'], region = -4")), "accepted");
    let unknown = when("size = -4").replace("kind = \"vm\"", "kind = 4");
    assert!(!problems(&unknown).contains("negative"), "the kind is not known");
}

#[test]
fn all_values_that_are_wrong_are_told() {
    check(
        &[(when, "a = [[], 2026-10-01], b = { c = 1 }, state = ['on', 'ON']")],
        &expect![[r#"
            a = [[], 2026-10-01], b = { c = 1 }, state = ['on', 'ON']
                13:15 version 2026-10-01: component vm.on: `when.a` is a list; write a text, a number, or a list of them
                13:19 version 2026-10-01: component vm.on: `when.a` is a date or time; write a text, a number, or a list of them
                13:36 version 2026-10-01: component vm.on: `when.b` is a table; write a text, a number, or a list of them
                13:56 version 2026-10-01: component vm.on: `when.state`: "on" is no class; write "active" or "inactive"
                13:62 version 2026-10-01: component vm.on: `when.state`: "ON" is a state, not a class; write "active" or "inactive"
        "#]],
    );
}
