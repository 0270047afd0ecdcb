//! Fields that are unknown, missing, empty or of another type.

use expect_test::expect;

use super::*;

#[test]
fn an_unknown_field_is_refused_at_every_level_with_those_that_are_known() {
    check(
        &[
            (after_head, "[[versions]]\n[[version]]\neffective = 2026-10-01\n"),
            (version, "effectve = 2026-11-01"),
            (once, "prices = '2'"),
            (component, "name = 'x'"),
            (once, "round_up = { step = '1', to = '2' }"),
            (tiers, "{ price = '1', upto = '5' }"),
            (vat, "rate = '22', included = true, on = 1"),
            (states, "running = ['RUNNING']"),
        ],
        &expect![[r#"
            [[versions]]; [[version]]; effective = 2026-10-01
                5:3 the price book has an unknown field `versions`; remove it; the fields are book, states, version
            effectve = 2026-11-01
                7:1 version 2026-10-01 has an unknown field `effectve`; remove it; the fields are effective, announced, vat, component
            prices = '2'
                13:1 version 2026-10-01: component vm.on has an unknown field `prices`; remove it; the fields are id, kind, when, model, quantity, price, per, prorate, tiers, tier_mode, group_by, round_up, vat
            name = 'x'
                7:1 version 2026-10-01: component has no `id`; add `id`
                7:1 version 2026-10-01: component has no `kind`; add `kind`
                7:1 version 2026-10-01: component has no `quantity`; add `quantity`
                7:1 version 2026-10-01: component has no `model`; add `model`
                8:1 version 2026-10-01: component has an unknown field `name`; remove it; the fields are id, kind, when, model, quantity, price, per, prorate, tiers, tier_mode, group_by, round_up, vat
            round_up = { step = '1', to = '2' }
                13:26 version 2026-10-01: component vm.on: `round_up` has an unknown field `to`; remove it; the fields are step, min
            { price = '1', upto = '5' }
                12:25 version 2026-10-01: component api.call: tier 1 has an unknown field `upto`; remove it; the fields are up_to, price
            rate = '22', included = true, on = 1
                7:39 version 2026-10-01: `vat` has an unknown field `on`; remove it; the fields are rate, included
            running = ['RUNNING']
                8:1 [states.vm] has an unknown field `running`; remove it; the fields are active, inactive, inherit
        "#]],
    );
    assert!(
        problems(&version("").replace("id = \"b\"", "id = \"b\"\nname = \"b\""))
            .contains("has an unknown field `name`; remove it; the fields are id, currency, timezone, vat")
    );
}

#[test]
fn a_missing_field_is_named() {
    check(
        &[
            (book, ""),
            (whole, HEAD),
            (whole, "[[version]]\neffective = 2026-10-01\n"),
            (after_head, "[[version]]\n"),
            (component, ""),
            (vm, "model = 'hourly_peak'"),
            (vm, "model = 'per_second'\nprice = '1'"),
            (vm, "model = 'per_use'"),
            (vm, "model = 'per_second'"),
            (round_up, "min = 1"),
            (tiers, "{ up_to = '5' }, { up_to = '4', price = '1', to = 1 }, { price = 1 }"),
            (tiers, "{ up_to = '5' }, { price = '1' }"),
            (tiers, "{ up_to = '5', price = '1' }, {}"),
            (round_up, "min = '1'"),
            (vat, ""),
            (vat, "rate = '22'"),
        ],
        &expect![[r#"
            (nothing)
                1:1 [book] has no `id`; add `id`
                1:1 [book] has no `currency`; add `currency`
                1:1 [book] has no `timezone`; add `timezone`
            [book]; id = "b"; currency = "RUB"; timezone = "Europe/Moscow"
                1:1 the price book has no version; add a [[version]] with its `effective` date and components
            [[version]]; effective = 2026-10-01
                1:1 the price book has no `book`; add `book`
            [[version]]
                5:1 [[version]] has no `effective`; add `effective`
            (nothing)
                7:1 version 2026-10-01: component has no `id`; add `id`
                7:1 version 2026-10-01: component has no `kind`; add `kind`
                7:1 version 2026-10-01: component has no `quantity`; add `quantity`
                7:1 version 2026-10-01: component has no `model`; add `model`
            model = 'hourly_peak'
                7:1 version 2026-10-01: component vm.on has no `price`; add `price`
            model = 'per_second'; price = '1'
                7:1 version 2026-10-01: component vm.on has no `per`; add `per`
            model = 'per_use'
                7:1 version 2026-10-01: component vm.on has no `price`; add `price`
            model = 'per_second'
                7:1 version 2026-10-01: component vm.on has no `price`; add `price`
                7:1 version 2026-10-01: component vm.on has no `per`; add `per`
            min = 1
                13:12 version 2026-10-01: component vm.on: `round_up` has no `step`; add `step`
                13:20 version 2026-10-01: component vm.on: `round_up`: `min` is a number without quotes; write it in quotes, such as "1"
            { up_to = '5' }, { up_to = '4', price = '1', to = 1 }, { price = 1 }
                12:10 version 2026-10-01: component api.call: tier 1 has no `price`; add `price`
                12:55 version 2026-10-01: component api.call: tier 2 has an unknown field `to`; remove it; the fields are up_to, price
                12:75 version 2026-10-01: component api.call: tier 3: `price` is a number without quotes; write it in quotes, such as "1"
            { up_to = '5' }, { price = '1' }
                12:10 version 2026-10-01: component api.call: tier 1 has no `price`; add `price`
            { up_to = '5', price = '1' }, {}
                12:40 version 2026-10-01: component api.call: tier 2 has no `price`; add `price`
            min = '1'
                13:12 version 2026-10-01: component vm.on: `round_up` has no `step`; add `step`
            (nothing)
                7:7 version 2026-10-01: `vat` has no `rate`; add `rate`
                7:7 version 2026-10-01: `vat` has no `included`; add `included`
            rate = '22'
                7:7 version 2026-10-01: `vat` has no `included`; add `included`
        "#]],
    );
}

#[test]
fn a_value_of_another_type_is_refused_with_the_type_to_write() {
    check(
        &[
            (book, "id = 17\ncurrency = 643\ntimezone = 3\nvat = '22'"),
            (whole, "[[book]]\n[[version]]\neffective = 2026-10-01\n"),
            (whole, "version = 1\n[book]\nid = 'b'\ncurrency = 'RUB'\ntimezone = 'UTC'\n"),
            (after_head, "[version]\neffective = 2026-10-01\n"),
            (version, "[version.component]\nid = 'x'"),
            (version, "component = { id = 'x' }"),
            (vat, "rate = 22"),
            (vat, "included = 'yes'"),
            (version, "component = ['x']"),
            (dated, "'2026-10-01'"),
            (dated, "2026"),
            (dated, "2026-10-01T00:00:00+03:00"),
            (dated, "00:00:00"),
            (version, "announced = '2026-08-25'"),
            (version, "[states]\nvm = ['RUNNING']"),
            (states, "active = 'RUNNING'\ninactive = [1]"),
            (vat, "rate = '22', included = 'yes'"),
        ],
        &expect![[r#"
            id = 17; currency = 643; timezone = 3; vat = '22'
                2:6 [book]: `id` is a number without quotes; name the book, such as "msk-private"
                3:12 [book]: `currency` is a number without quotes; write its ISO 4217 code, three capital letters such as "RUB"
                4:12 [book]: `timezone` is a number without quotes; write an IANA name such as "Europe/Moscow"
                5:7 [book]: `vat` is a text; write it like { rate = "22", included = true }
            [[book]]; [[version]]; effective = 2026-10-01
                1:1 the price book: `book` is a list; write [book], with one bracket
            version = 1; [book]; id = 'b'; currency = 'RUB'; timezone = 'UTC'
                1:11 the price book: `version` is a number without quotes; write [[version]], with two brackets
            [version]; effective = 2026-10-01
                5:1 the price book: `version` is a table; write [[version]], with two brackets
            [version.component]; id = 'x'
                7:1 version 2026-10-01: `component` is a table; write [[version.component]], with two brackets
            component = { id = 'x' }
                7:13 version 2026-10-01: `component` is a table; write [[version.component]], with two brackets
            rate = 22
                7:7 version 2026-10-01: `vat` has no `included`; add `included`
                7:16 version 2026-10-01: `vat`: `rate` is a number without quotes; write it in quotes, such as "22"
            included = 'yes'
                7:7 version 2026-10-01: `vat` has no `rate`; add `rate`
                7:20 version 2026-10-01: `vat`: `included` is a text; write true or false
            component = ['x']
                7:14 version 2026-10-01: an item of `component` is a text; write [[version.component]], with two brackets
            '2026-10-01'
                6:13 [[version]]: `effective` is a text; write a date without quotes, such as 2026-10-01
            2026
                6:13 [[version]]: `effective` is a number without quotes; write a date without quotes, such as 2026-10-01
            2026-10-01T00:00:00+03:00
                6:13 [[version]]: `effective` is a date or time; write a date without quotes, such as 2026-10-01
            00:00:00
                6:13 [[version]]: `effective` is a date or time; write a date without quotes, such as 2026-10-01
            announced = '2026-08-25'
                7:13 version 2026-10-01: `announced` is a text; write a date without quotes, such as 2026-10-01
            [states]; vm = ['RUNNING']
                8:6 [states.vm] is not a table; write lists of states under it
            active = 'RUNNING'; inactive = [1]
                8:10 [states.vm]: `active` is a text; write a list of texts, such as ["RUNNING"]
                9:13 [states.vm]: an item of `inactive` is a number without quotes; write a text in quotes
            rate = '22', included = 'yes'
                7:33 version 2026-10-01: `vat`: `included` is a text; write true or false
        "#]],
    );
}

#[test]
fn a_value_of_another_type_is_refused_in_a_component_too() {
    check(
        &[
            (component, "id = 4\nkind = true\nmodel = []\nquantity = 'vcpu'"),
            (component, "id = 'a'\nkind = 'vm'\nmodel = 'once'\nprice = '1'\nquantity = [4]"),
            (vm, "model = 'once'\nprice = 365.25"),
            (vm, "model = 'once'\nprice = 365"),
            (vm, "model = 'per_second'\nprice = '1'\nper = 3600"),
            (vm, "model = 'monthly'\nprice = '1'\nprorate = false"),
            (vm, "model = 'monthly_peak'\nprice = '1'\ngroup_by = ['os']"),
            (once, "round_up = 100"),
            (once, "round_up = { step = 100 }"),
            (once, "when = ['active']"),
            (when, "since = 2026-10-01"),
            (when, "like = { a = 1 }"),
            (when, "like = [['a']]"),
            (calls, "tiers = { price = '1' }"),
            (calls, "tiers = ['1']\ntier_mode = 1"),
            (tiers, "{ up_to = '1000', price = 0.5 }, { price = '0.3' }"),
        ],
        &expect![[r#"
            id = 4; kind = true; model = []; quantity = 'vcpu'
                8:6 version 2026-10-01: component: `id` is a number without quotes; name the component, such as "vm.active.vcpu"
                9:8 version 2026-10-01: component: `kind` is a truth value; write the kind of the events that it prices, such as "vm"
                10:9 version 2026-10-01: component: `model` is a list; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
                11:12 version 2026-10-01: component: `quantity` is a text; write a list of texts, such as ["vcpu"]
            id = 'a'; kind = 'vm'; model = 'once'; price = '1'; quantity = [4]
                12:13 version 2026-10-01: component a: an item of `quantity` is a number without quotes; write a text in quotes
            model = 'once'; price = 365.25
                12:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write it in quotes, such as "365.25"
            model = 'once'; price = 365
                12:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write it in quotes, such as "365"
            model = 'per_second'; price = '1'; per = 3600
                13:7 version 2026-10-01: component vm.on: `per` is a number without quotes; write second, hour, day or month
            model = 'monthly'; price = '1'; prorate = false
                13:11 version 2026-10-01: component vm.on: `prorate` is a truth value; write day, second or none
            model = 'monthly_peak'; price = '1'; group_by = ['os']
                13:12 version 2026-10-01: component vm.on: `group_by` is a list; name an attribute, such as "os"
            round_up = 100
                13:12 version 2026-10-01: component vm.on: `round_up` is a number without quotes; write it like { step = "100", min = "100" }
            round_up = { step = 100 }
                13:21 version 2026-10-01: component vm.on: `round_up`: `step` is a number without quotes; write it in quotes, such as "100"
            when = ['active']
                13:8 version 2026-10-01: component vm.on: `when` is a list; write it like { state = "active" }
            since = 2026-10-01
                13:18 version 2026-10-01: component vm.on: `when.since` is a date or time; write a text, a number, or a list of them
            like = { a = 1 }
                13:17 version 2026-10-01: component vm.on: `when.like` is a table; write a text, a number, or a list of them
            like = [['a']]
                13:18 version 2026-10-01: component vm.on: `when.like` is a list; write a text, a number, or a list of them
            tiers = { price = '1' }
                12:9 version 2026-10-01: component api.call: `tiers` is a table; write a list such as [{ up_to = "1000", price = "0.50" }, { price = "0.30" }]
            tiers = ['1']; tier_mode = 1
                12:10 version 2026-10-01: component api.call: an item of `tiers` is a text; write a list such as [{ up_to = "1000", price = "0.50" }, { price = "0.30" }]
                13:13 version 2026-10-01: component api.call: `tier_mode` is a number without quotes; write graduated or volume
            { up_to = '1000', price = 0.5 }, { price = '0.3' }
                12:36 version 2026-10-01: component api.call: tier 1: `price` is a number without quotes; write it in quotes, such as "0.5"
        "#]],
    );
}

#[test]
fn an_empty_text_names_nothing() {
    check(
        &[
            (book, "id = ''\ncurrency = ''\ntimezone = ''"),
            (component, "id = ''\nkind = ''\nmodel = ''\nquantity = []"),
            (vm, "model = 'monthly_peak'\nprice = ''\ngroup_by = ''"),
            (component, "id = 'a'\nkind = 'vm'\nmodel = 'once'\nprice = '1'\nquantity = ['', 'a', '']"),
            (states, "active = ['']"),
            (vat, "rate = '', included = true"),
        ],
        &expect![[r#"
            id = ''; currency = ''; timezone = ''
                2:6 [book]: `id` is empty; name the book, such as "msk-private"
                3:12 [book]: `currency` is empty; write its ISO 4217 code, three capital letters such as "RUB"
                4:12 [book]: `timezone` is empty; write an IANA name such as "Europe/Moscow"
            id = ''; kind = ''; model = ''; quantity = []
                8:6 version 2026-10-01: component: `id` is empty; name the component, such as "vm.active.vcpu"
                9:8 version 2026-10-01: component: `kind` is empty; write the kind of the events that it prices, such as "vm"
                10:9 version 2026-10-01: component: `model` is empty; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
            model = 'monthly_peak'; price = ''; group_by = ''
                12:9 version 2026-10-01: component vm.on: `price` is empty; write a decimal below 10^9 with at most 9 places, such as "365.25"
                13:12 version 2026-10-01: component vm.on: `group_by` is empty; name an attribute, such as "os"
            id = 'a'; kind = 'vm'; model = 'once'; price = '1'; quantity = ['', 'a', '']
                12:13 version 2026-10-01: component a: an item of `quantity` is empty; write at least one character
                12:22 version 2026-10-01: component a: an item of `quantity` is empty; write at least one character
            active = ['']
                8:11 [states.vm]: an item of `active` is empty; write at least one character
            rate = '', included = true
                7:16 version 2026-10-01: `vat`: `rate` is empty; write per cent such as "22", or "none"
        "#]],
    );
}

#[test]
fn a_table_is_named_by_its_id_or_date_before_its_unknown_fields_are_told() {
    let told = problems(&once("colour = 'blue'"));
    assert!(
        told.starts_with("13:1 version 2026-10-01: component vm.on has an unknown field `colour`; "),
        "{told}"
    );
    let told = problems(&version("notice = 30"));
    assert!(told.starts_with("7:1 version 2026-10-01 has an unknown field `notice`; "), "{told}");
}
