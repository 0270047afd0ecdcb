//! Components: models, prices, quantities, tiers.

use expect_test::expect;

use super::*;

#[test]
fn every_model_is_read_with_its_fields() {
    good(
        vm,
        &[
            "model = 'per_second'\nprice = '365.25'\nper = 'month'",
            "model = 'per_second'\nprice = '0'\nper = 'second'",
            "model = 'hourly_peak'\nprice = '0.85'",
            "model = 'monthly'\nprice = '4.20'\nprorate = 'none'",
            "model = 'monthly_peak'\nprice = '1450.00'\ngroup_by = 'os'",
            "model = 'once'\nprice = '25000'",
            "model = 'per_use'\nprice = '0.000611111'",
            "model = 'per_use'\ntiers = [{ up_to = '10', price = '2' }, { price = '1' }]\ntier_mode = 'volume'",
            "model = 'once'\nprice = '1'\nround_up = { step = '100', min = '200' }\nwhen = { os = ['a', 4, 2.5] }",
        ],
    );
}

#[test]
fn an_unknown_model_is_refused_with_those_that_are_known() {
    check(
        &[(vm, "model = 'per_hour'\nprice = '1'"), (vm, "model = 'PER_SECOND'\nprice = '1'")],
        &expect![[r#"
            model = 'per_hour'; price = '1'
                11:9 version 2026-10-01: component vm.on: model "per_hour" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
            model = 'PER_SECOND'; price = '1'
                11:9 version 2026-10-01: component vm.on: model "PER_SECOND" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
        "#]],
    );
    let toml = vm("model = 'onse'").replace("Moscow", "Moskva");
    assert!(problems(&toml).contains("model \"onse\" is unknown"), "told even where the zone is unknown");
}

#[test]
fn a_field_of_another_model_is_refused() {
    let fields = [
        ("per", "per = 'hour'", "per_second"),
        ("prorate", "prorate = 'day'", "monthly"),
        ("group_by", "group_by = 'os'", "monthly_peak"),
        ("tiers", "tiers = [{ price = '1' }]", "per_use"),
    ];
    for model in ["per_second", "hourly_peak", "monthly", "monthly_peak", "once", "per_use"] {
        for (field, text, owner) in fields.into_iter().filter(|(_, _, owner)| *owner != model) {
            let own = if model == "per_second" { "per = 'hour'\n" } else { "" };
            let problems = problems(&vm(&format!("model = '{model}'\nprice = '1'\n{own}{text}")));
            let refusal =
                format!("`{field}` does not go with model {model}; remove it; it belongs to {owner}");
            assert!(problems.ends_with(&refusal) && problems.lines().count() == 1, "{problems}");
        }
    }
    check(
        &[(once, "per = 'hour'")],
        &expect![[r#"
        per = 'hour'
            13:7 version 2026-10-01: component vm.on: `per` does not go with model once; remove it; it belongs to per_second
    "#]],
    );
}

#[test]
fn an_option_is_one_of_its_names() {
    check(
        &[
            (vm, "model = 'per_second'\nprice = '1'\nper = 'minute'"),
            (vm, "model = 'monthly'\nprice = '1'\nprorate = 'days'"),
            (vm, "model = 'per_second'\nprice = '1'\nper = 3600"),
            (vm, "model = ''\nprice = 365.25"),
            (vm, "model = 'once'\nprice = 1e3"),
            (calls, "tiers = [{ price = '1' }]\ntier_mode = 'flat'"),
        ],
        &expect![[r#"
            model = 'per_second'; price = '1'; per = 'minute'
                13:7 version 2026-10-01: component vm.on: `per` is "minute"; write second, hour, day or month
            model = 'monthly'; price = '1'; prorate = 'days'
                13:11 version 2026-10-01: component vm.on: `prorate` is "days"; write day, second or none
            model = 'per_second'; price = '1'; per = 3600
                13:7 version 2026-10-01: component vm.on: `per` is a number without quotes; write second, hour, day or month
            model = ''; price = 365.25
                11:9 version 2026-10-01: component vm.on: `model` is empty; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
                12:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write it in quotes, such as "365.25"
            model = 'once'; price = 1e3
                12:9 version 2026-10-01: component vm.on: `price` is a number without quotes; write a decimal below 10^9 with at most 9 places, such as "365.25"
            tiers = [{ price = '1' }]; tier_mode = 'flat'
                13:13 version 2026-10-01: component api.call: `tier_mode` is "flat"; write graduated or volume
        "#]],
    );
}

#[test]
fn a_price_is_a_decimal_below_a_billion_of_at_most_nine_places() {
    good(price, &["0", "0.000000001", "999999999.999999999", "000000000001.50", "365.250000000", "7"]);
    check(
        &[(price, "1000000000"), (price, "0.0000000001"), (price, "365.2500000000"), (price, "-1")],
        &expect![[r#"
            1000000000
                12:9 version 2026-10-01: component vm.on: `price` is "1000000000"; write a decimal below 10^9 with at most 9 places, such as "365.25"
            0.0000000001
                12:9 version 2026-10-01: component vm.on: `price` is "0.0000000001"; write a decimal below 10^9 with at most 9 places, such as "365.25"
            365.2500000000
                12:9 version 2026-10-01: component vm.on: `price` is "365.2500000000"; write a decimal below 10^9 with at most 9 places, such as "365.25"
            -1
                12:9 version 2026-10-01: component vm.on: `price` is "-1"; write a decimal below 10^9 with at most 9 places, such as "365.25"
        "#]],
    );
    for bad in
        ["+1", "1e3", "1,5", ".5", "5.", " 1", "1 ", "1_000", "1 000", "0x10", "NaN", "inf", "٣", "1.2.3"]
    {
        let problems = problems(&price(bad));
        assert!(
            problems.contains(&format!("`price` is \"{bad}\"; write a decimal below 10^9")),
            "{problems}"
        );
    }
}

#[test]
fn a_quantity_is_a_product_of_two_attributes_at_most() {
    fn quantity(names: &str) -> String {
        once("").replace("[\"vcpu\"]", names)
    }
    good(quantity, &["[]", "['vcpu', 'ram_gb']", "['vcpu', 'vcpu']"]);
    check(
        &[(quantity, "['vcpu', 'ram_gb', 'disk_gb']"), (quantity, "['a', 'b', 'c', 'd']")],
        &expect![[r#"
        ['vcpu', 'ram_gb', 'disk_gb']
            10:31 version 2026-10-01: component vm.on: `quantity` is a product of 3 attributes; name at most two
        ['a', 'b', 'c', 'd']
            10:23 version 2026-10-01: component vm.on: `quantity` is a product of 4 attributes; name at most two
    "#]],
    );
}

#[test]
fn rounding_up_needs_a_positive_step_and_a_minimum_that_is_a_multiple_of_it() {
    good(round_up, &["step = '100', min = '300'", "step = '0.5', min = '2'", "step = '999999999999'"]);
    check(
        &[
            (round_up, "step = '0', min = '0'"),
            (round_up, "step = '100', min = '150'"),
            (round_up, "step = '100', min = '50'"),
            (round_up, "step = '1000000000000'"),
            (round_up, "step = '0.0000000001'"),
            (round_up, "step = '-1'"),
        ],
        &expect![[r#"
            step = '0', min = '0'
                13:21 version 2026-10-01: component vm.on: `round_up` has a step of zero; write a step above zero
            step = '100', min = '150'
                13:34 version 2026-10-01: component vm.on: `round_up`: min 150 is not a multiple of step 100; write a multiple of the step
            step = '100', min = '50'
                13:34 version 2026-10-01: component vm.on: `round_up`: min 50 is not a multiple of step 100; write a multiple of the step
            step = '1000000000000'
                13:21 version 2026-10-01: component vm.on: `round_up`: `step` is "1000000000000"; write a decimal below 10^12 with at most 9 places, such as "100"
            step = '0.0000000001'
                13:21 version 2026-10-01: component vm.on: `round_up`: `step` is "0.0000000001"; write a decimal below 10^12 with at most 9 places, such as "100"
            step = '-1'
                13:21 version 2026-10-01: component vm.on: `round_up`: `step` is "-1"; write a decimal below 10^12 with at most 9 places, such as "100"
        "#]],
    );
    let min = |fields: &str| read(&round_up(fields)).component(FIRST).round_up.unwrap().min.to_string();
    assert_eq!(min("step = '100'"), "100");
    assert_eq!(min("step = '100', min = '0'"), "0");
}

#[test]
fn tiers_ascend_and_end_open() {
    good(
        tiers,
        &["{ price = '1' }", "{ up_to = '0.5', price = '1' }, { up_to = '1', price = '1' }, { price = '0' }"],
    );
    check(
        &[
            (tiers, ""),
            (tiers, "{ up_to = '5', price = '1' }"),
            (tiers, "{ price = '1' }, { up_to = '5', price = '1' }"),
            (tiers, "{ price = '1' }, { price = '2' }"),
            (tiers, "{ up_to = '5', price = '1' }, { up_to = '5', price = '2' }, { price = '3' }"),
            (tiers, "{ up_to = '5', price = '1' }, { up_to = '4.9', price = '2' }, { price = '3' }"),
            (tiers, "{ up_to = '0', price = '1' }, { price = '3' }"),
            (tiers, "{ up_to = '1000000000000', price = '1' }, { price = '3' }"),
            (tiers, "{ price = '1000000000' }"),
        ],
        &expect![[r#"
            (nothing)
                12:9 version 2026-10-01: component api.call: `tiers` is empty; write a list such as [{ up_to = "1000", price = "0.50" }, { price = "0.30" }]
            { up_to = '5', price = '1' }
                12:20 version 2026-10-01: component api.call: tier 1: the last tier has an `up_to`; remove it, or add a tier that has a `price` only
            { price = '1' }, { up_to = '5', price = '1' }
                12:10 version 2026-10-01: component api.call: tier 1 has no `up_to` and is not the last; add `up_to`, or remove the tiers after it
                12:37 version 2026-10-01: component api.call: tier 2: the last tier has an `up_to`; remove it, or add a tier that has a `price` only
            { price = '1' }, { price = '2' }
                12:10 version 2026-10-01: component api.call: tier 1 has no `up_to` and is not the last; add `up_to`, or remove the tiers after it
            { up_to = '5', price = '1' }, { up_to = '5', price = '2' }, { price = '3' }
                12:50 version 2026-10-01: component api.call: tier 2: up_to 5 is not above 5; write the bounds in ascending order, above zero
            { up_to = '5', price = '1' }, { up_to = '4.9', price = '2' }, { price = '3' }
                12:50 version 2026-10-01: component api.call: tier 2: up_to 4.9 is not above 5; write the bounds in ascending order, above zero
            { up_to = '0', price = '1' }, { price = '3' }
                12:20 version 2026-10-01: component api.call: tier 1: up_to 0 is not above 0; write the bounds in ascending order, above zero
            { up_to = '1000000000000', price = '1' }, { price = '3' }
                12:20 version 2026-10-01: component api.call: tier 1: `up_to` is "1000000000000"; write a decimal below 10^12 with at most 9 places, such as "100"
            { price = '1000000000' }
                12:20 version 2026-10-01: component api.call: tier 1: `price` is "1000000000"; write a decimal below 10^9 with at most 9 places, such as "365.25"
        "#]],
    );
}

#[test]
fn tiers_and_a_price_contradict_each_other_and_a_mode_needs_tiers() {
    check(
        &[
            (calls, "price = '1'\ntiers = [{ price = '1' }]"),
            (calls, "price = '1'\ntier_mode = 'volume'"),
            (calls, "tier_mode = 'volume'"),
            (once, "tier_mode = 'volume'"),
        ],
        &expect![[r#"
            price = '1'; tiers = [{ price = '1' }]
                12:9 version 2026-10-01: component api.call: `price` and `tiers` contradict each other; keep one of them
            price = '1'; tier_mode = 'volume'
                13:13 version 2026-10-01: component api.call: `tier_mode` stands without `tiers`; add `tiers`, or remove it
            tier_mode = 'volume'
                7:1 version 2026-10-01: component api.call has no `price`; add `price`
                12:13 version 2026-10-01: component api.call: `tier_mode` stands without `tiers`; add `tiers`, or remove it
            tier_mode = 'volume'
                13:13 version 2026-10-01: component vm.on: `tier_mode` does not go with model once; remove it; it belongs to per_use
        "#]],
    );
}

#[test]
fn tiers_are_graduated_unless_the_book_says_volume() {
    let mode = |field: &str| match model(&calls(&format!("tiers = [{{ price = '1' }}]\n{field}"))) {
        Model::Tiered(tiers) => tiers.mode,
        other => panic!("{other:?}"),
    };
    assert_eq!(mode(""), TierMode::Graduated);
    assert_eq!(mode("tier_mode = 'graduated'"), TierMode::Graduated);
    assert_eq!(mode("tier_mode = 'volume'"), TierMode::Volume);
}

#[test]
fn a_month_is_prorated_by_the_day_unless_the_book_says_otherwise() {
    let prorate = |field: &str| match model(&vm(&format!("model = 'monthly'\nprice = '1'\n{field}"))) {
        Model::Monthly { prorate, .. } => prorate,
        other => panic!("{other:?}"),
    };
    assert_eq!(prorate(""), Prorate::Day);
    assert_eq!(prorate("prorate = 'day'"), Prorate::Day);
    assert_eq!(prorate("prorate = 'second'"), Prorate::Second);
    assert_eq!(prorate("prorate = 'none'"), Prorate::None);
}
