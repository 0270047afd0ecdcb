//! Which version prices what.

use expect_test::expect;

use super::*;

const DEARER: [(&str, &[&str]); 2] = [
    ("2026-10-10", &[SECOND, HOURS, DAYS, WHOLE, PEAK]),
    (
        "2026-10-20",
        &[
            r#"id = "second"; model = "per_second"; per = "second"; price = "2"; quantity = []"#,
            r#"id = "hours"; model = "hourly_peak"; price = "2"; quantity = ["a"]"#,
            r#"id = "days"; model = "monthly"; price = "2"; quantity = ["a"]"#,
            r#"id = "whole"; model = "monthly"; prorate = "none"; price = "2"; quantity = ["a"]"#,
            r#"id = "peak"; model = "monthly_peak"; price = "2"; quantity = ["a"]"#,
        ],
    ),
];

#[test]
fn each_model_takes_the_version_that_the_contract_gives_it() {
    // Before the first version usage is free: the 9 of the first days counts nowhere.
    check(
        Scene { window: "2026-10-01 2026-12-01", ..MOSCOW },
        &DEARER,
        "2026-10-01T00:00:00+03:00 x ON a=9
         2026-10-05T00:00:00+03:00 x ON a=1
         2026-10-19T23:00:00+03:00 x ON a=2
         2026-10-20T02:00:00+03:00 x ON a=4
         2026-11-01T00:00:01+03:00 x DELETED",
        &expect![[r#"
            acme - peak 2026-10-10 2026-10: 4 4.000000
            acme - peak 2026-10-20 2026-11: 4 8.000000
            acme x days 2026-10-10 2026-10: 11 0.354839
            acme x days 2026-10-20 2026-10: 48 3.096774
            acme x days 2026-10-20 2026-11: 4 0.266667
            acme x hours 2026-10-10 2026-10: 241 241.000000
            acme x hours 2026-10-20 2026-10: 1148 2296.000000
            acme x hours 2026-10-20 2026-11: 4 8.000000
            acme x second 2026-10-10 2026-10: 864000 864000.000000
            acme x second 2026-10-20 2026-10: 1036800 2073600.000000
            acme x second 2026-10-20 2026-11: 1 2.000000
            acme x whole 2026-10-10 2026-10: 4 4.000000
            acme x whole 2026-10-20 2026-11: 4 8.000000
        "#]],
    );
}

#[test]
fn tiers_take_the_version_of_the_month_and_plain_use_that_of_its_instant() {
    let tiers = r#"id = "tiers"; model = "per_use"; quantity = ["a"]; tiers = [{ up_to = "2", price = "1" }, { price = "10" }]"#;
    let dearer = r#"id = "tiers"; model = "per_use"; quantity = ["a"]; tiers = [{ price = "100" }]"#;
    let dearer_use = r#"id = "use"; model = "per_use"; price = "2"; quantity = ["a"]"#;
    check(
        Scene { window: "2026-10-01 2026-12-01", ..MOSCOW },
        &[("2026-10-10", &[tiers, USE]), ("2026-10-20", &[dearer, dearer_use])],
        "2026-10-09T23:59:59.9+03:00 x use a=9
         2026-10-10T00:00:00+03:00 x use a=1
         2026-10-19T23:59:59.999+03:00 x use a=1
         2026-10-20T00:00:00+03:00 x use a=1
         2026-10-31T23:59:59.999+03:00 x use a=1
         2026-11-01T00:00:00+03:00 x use a=1",
        &expect![[r#"
            acme - tiers 2026-10-10 2026-10: 4 22.000000
            acme - tiers 2026-10-20 2026-11: 1 100.000000
            acme x use 2026-10-10 2026-10: 2 2.000000
            acme x use 2026-10-20 2026-10: 2 4.000000
            acme x use 2026-10-20 2026-11: 1 2.000000
        "#]],
    );
}

#[test]
fn an_end_before_the_date_cuts_what_happens_at_and_after_it() {
    check(
        Scene { window: "2026-10-01 2026-11-01 2026-10-05T10:00:01+03:00", ..MOSCOW },
        &[("2026-09-01", &[SECOND, HOURS, DAYS, USE])],
        "2026-10-05T09:59:59+03:00 x ON a=1
         2026-10-05T10:00:00+03:00 x ON a=3
         2026-10-05T10:00:00.9+03:00 x use a=1
         2026-10-05T10:00:01+03:00 x ON a=7
         2026-10-05T10:00:01+03:00 x use a=10",
        &expect![[r#"
            acme x days 2026-09-01 2026-10: 3 0.096774
            acme x hours 2026-09-01 2026-10: 4 4.000000
            acme x second 2026-09-01 2026-10: 2 2.000000
            acme x use 2026-09-01 2026-10: 1 1.000000
        "#]],
    );
}
