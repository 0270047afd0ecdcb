//! What a price is applied to.

use expect_test::expect;

use super::*;

#[test]
fn the_peak_is_of_one_instant_of_one_project_and_starts_from_nothing() {
    let cost = r#"id = "cost"; kind = "cost"; model = "monthly_peak"; price = "1"; quantity = ["a"]; group_by = "state""#;
    october(
        &[PEAK, cost],
        "2026-10-05T00:00:00+03:00 x ON a=3
         2026-10-06T00:00:00+03:00 x DELETED
         2026-10-06T00:00:00+03:00 y ON a=2
         2026-10-06T00:00:00+03:00 z ON a=2 project=beta
         2026-10-06T00:00:00+03:00 u ON a=-2 kind=cost
         2026-10-06T00:00:00+03:00 v RUNNING a=-2 kind=cost
         2026-10-07T00:00:00+03:00 w RUNNING a=5 kind=cost",
        &expect![[r#"
            acme - cost 2026-09-01 2026-10 [active]: 3 3.000000
            acme - peak 2026-09-01 2026-10: 3 3.000000
            beta - peak 2026-09-01 2026-10: 2 2.000000
        "#]],
    );
}

#[test]
fn a_group_is_the_text_of_what_the_resource_has() {
    let by_os = r#"id = "os"; model = "monthly_peak"; price = "1"; quantity = []; group_by = "os""#;
    let by_region =
        r#"id = "region"; model = "monthly_peak"; price = "1"; quantity = []; group_by = "region""#;
    let by_class = r#"id = "class"; model = "monthly_peak"; price = "1"; quantity = []; group_by = "state""#;
    october(
        &[by_os, by_region, by_class],
        r#"2026-10-05T00:00:00+03:00 a RUNNING os="1.50" region=r1
           2026-10-05T00:00:00+03:00 b RUNNING os=1.5
           2026-10-05T00:00:00+03:00 c STOPPED os=true region=r1
           2026-10-05T00:00:00+03:00 d STOPPED os="true" region=2.0
           2026-10-05T00:00:00+03:00 e ODD os=null region=2
           2026-10-05T00:00:00+03:00 f ODD os=[1]
           2026-10-05T00:00:00+03:00 g ODD"#,
        &expect![[r#"
            acme - class 2026-09-01 2026-10 [null]: 3 3.000000
            acme - class 2026-09-01 2026-10 [active]: 2 2.000000
            acme - class 2026-09-01 2026-10 [inactive]: 2 2.000000
            acme - os 2026-09-01 2026-10 [null]: 3 3.000000
            acme - os 2026-09-01 2026-10 [1.5]: 2 2.000000
            acme - os 2026-09-01 2026-10 [true]: 2 2.000000
            acme - region 2026-09-01 2026-10 [null]: 3 3.000000
            acme - region 2026-09-01 2026-10 [2]: 2 2.000000
            acme - region 2026-09-01 2026-10 [r1]: 2 2.000000
        "#]],
    );
}

#[test]
fn what_is_missing_or_no_number_counts_nothing() {
    check(
        MOSCOW,
        &[("2026-09-01", &[USE, r#"id = "both"; model = "per_use"; price = "1"; quantity = ["a", "b"]"#])],
        r#"2026-10-05T00:00:00+03:00 x use a=2 b="1.5"
           2026-10-05T00:00:01+03:00 x use a="four" b=1
           2026-10-05T00:00:02+03:00 x use a=true b=1
           2026-10-05T00:00:03+03:00 x use b=1
           2026-10-05T00:00:04+03:00 x use a=8"#,
        &expect![[r#"
            acme x both 2026-09-01 2026-10: 3 3.000000
            acme x use 2026-09-01 2026-10: 10 10.000000
        "#]],
    );
}

#[test]
fn each_resource_and_each_use_is_rounded_up_on_its_own() {
    let round_up = r#"round_up = { step = "10", min = "20" }"#;
    let peak = format!("{PEAK}; {round_up}");
    let use_ = format!("{USE}; {round_up}");
    october(
        &[&peak, &use_],
        "2026-10-05T00:00:00+03:00 x ON a=1
         2026-10-05T00:00:00+03:00 y ON a=21
         2026-10-05T00:00:00+03:00 z ON a=0
         2026-10-05T00:00:00+03:00 x use a=1
         2026-10-05T00:00:01+03:00 x use a=30
         2026-10-05T00:00:02+03:00 x use a=30.000000001
         2026-10-05T00:00:03+03:00 x use a=0",
        &expect![[r#"
            acme - peak 2026-09-01 2026-10: 50 50.000000
            acme x use 2026-09-01 2026-10: 90 90.000000
        "#]],
    );
}

#[test]
fn the_largest_quantity_is_that_of_while_it_matched() {
    let hours = r#"id = "hours"; kind = "cost"; model = "hourly_peak"; price = "1"; quantity = ["a"]; when = { state = "active" }"#;
    let whole =
        r#"id = "whole"; kind = "cost"; model = "monthly"; prorate = "none"; price = "1"; quantity = ["a"]"#;
    october(
        &[hours, whole],
        "2026-10-05T00:00:00+03:00 x RUNNING a=-5 kind=cost
         2026-10-05T00:30:00+03:00 x RUNNING a=-3 kind=cost
         2026-10-05T00:40:00+03:00 x STOPPED a=-1 kind=cost
         2026-10-05T02:00:00+03:00 x DELETED kind=cost",
        &expect![[r#"
            acme x hours 2026-09-01 2026-10: -3 -3.000000
            acme x whole 2026-09-01 2026-10: -1 -1.000000
        "#]],
    );
}

#[test]
fn an_amount_is_rounded_half_to_even_when_it_is_whole() {
    let half = r#"id = "half"; model = "per_use"; price = "0.0000005"; quantity = ["a"]"#;
    check(
        Scene { window: "2026-10-06 2026-11-01", ..MOSCOW },
        &[("2026-09-01", &[half])],
        "2026-10-05T00:00:00+03:00 x use a=1
         2026-10-06T00:00:00+03:00 x use a=2
         2026-10-06T00:00:00+03:00 y use a=1
         2026-10-06T00:00:00+03:00 z use a=3",
        &expect![[r#"
            acme x half 2026-09-01 2026-10: 2 0.000002
            acme y half 2026-09-01 2026-10: 1 0.000000
            acme z half 2026-09-01 2026-10: 3 0.000002
        "#]],
    );
}
