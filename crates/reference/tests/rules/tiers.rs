//! Tiers over a project's month.

use expect_test::expect;

use super::*;

const GRADUATED: &str = r#"id = "parts"; kind = "cost"; model = "per_use"; quantity = ["a"]; tiers = [{ up_to = "10", price = "1" }, { up_to = "20", price = "0.5" }, { price = "0.1" }]"#;
const VOLUME: &str = r#"id = "volume"; kind = "cost"; model = "per_use"; quantity = ["a"]; tier_mode = "volume"; tiers = [{ up_to = "10", price = "1" }, { price = "0.5" }]"#;

#[test]
fn a_sum_equal_to_the_bound_is_still_in_its_tier() {
    october(
        &[GRADUATED, VOLUME],
        "2026-10-05T00:00:00+03:00 x use a=6 kind=cost
         2026-10-05T00:00:00+03:00 y use a=4 kind=cost
         2026-10-05T00:00:00+03:00 z use a=30.5 kind=cost project=beta",
        &expect![[r#"
            acme - parts 2026-09-01 2026-10: 10 10.000000
            acme - volume 2026-09-01 2026-10: 10 10.000000
            beta - parts 2026-09-01 2026-10: 30.5 16.050000
            beta - volume 2026-09-01 2026-10: 30.5 15.250000
        "#]],
    );
}

#[test]
fn a_sum_below_zero_is_in_the_first_tier() {
    october(
        &[GRADUATED, VOLUME],
        "2026-10-05T00:00:00+03:00 x use a=6 kind=cost
         2026-10-05T00:00:00+03:00 y use a=-8 kind=cost",
        &expect![[r#"
            acme - parts 2026-09-01 2026-10: -2 -2.000000
            acme - volume 2026-09-01 2026-10: -2 -2.000000
        "#]],
    );
}

#[test]
fn a_window_may_give_money_back() {
    check(
        Scene { window: "2026-10-06 2026-10-07", ..MOSCOW },
        &[("2026-09-01", &[VOLUME])],
        "2026-10-05T00:00:00+03:00 x use a=10 kind=cost
         2026-10-06T00:00:00+03:00 x use a=1 kind=cost",
        &expect![[r#"
            acme - volume 2026-09-01 2026-10: 1 -4.500000
        "#]],
    );
}

#[test]
fn a_row_without_quantity_and_amount_is_left_out() {
    check(
        Scene { window: "2026-10-06 2026-10-07", ..MOSCOW },
        &[("2026-09-01", &[GRADUATED, USE])],
        "2026-10-05T00:00:00+03:00 x use a=10 kind=cost
         2026-10-06T00:00:00+03:00 x use a=-1 kind=cost
         2026-10-06T00:00:00+03:00 x use a=1 kind=cost
         2026-10-06T00:00:00+03:00 x use a=0",
        &expect![[""]],
    );
}
