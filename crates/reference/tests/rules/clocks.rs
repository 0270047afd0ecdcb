//! Days, hours and months of clocks that jump and repeat.

use expect_test::expect;

use super::*;

#[test]
fn an_hour_touched_for_a_second_is_whole_and_one_left_at_its_start_is_not_touched() {
    october(
        &[HOURS],
        "2026-10-05T10:59:59+03:00 x ON a=2
         2026-10-05T12:00:00+03:00 x DELETED",
        &expect![[r#"
            acme x hours 2026-09-01 2026-10: 4 4.000000
        "#]],
    );
}

#[test]
fn an_hour_that_the_clock_repeats_counts_twice() {
    // At 02:00 the clock is set back to 01:30: the hour of 1 lasts an hour, and then half an hour.
    check(
        Scene { zone: "Australia/Lord_Howe", window: "2026-04-01 2026-05-01" },
        &[("2026-01-01", &[HOURS])],
        "2026-04-05T01:00:00+11:00 x ON a=1
         2026-04-05T02:00:00+10:30 x DELETED",
        &expect![[r#"
            acme x hours 2026-01-01 2026-04: 2 2.000000
        "#]],
    );
}

#[test]
fn a_jump_within_a_clock_hour_does_not_end_it() {
    // At 00:01:00 the clock was set to 00:26:08.
    check(
        Scene { zone: "Europe/Athens", window: "1916-07-01 1916-08-01" },
        &[("1916-01-01", &[HOURS])],
        "1916-07-28T00:00:00+01:34 x ON a=1
         1916-07-28T01:00:00+02:00 x DELETED",
        &expect![[r#"
            acme x hours 1916-01-01 1916-07: 1 1.000000
        "#]],
    );
}

#[test]
fn a_day_without_midnight_begins_at_the_jump() {
    check(
        Scene { zone: "America/Sao_Paulo", window: "2018-11-04 2018-11-05" },
        &[("2018-01-01", &[SECOND, HOURS, DAYS])],
        "2018-11-03T12:00:00-03:00 x ON a=1",
        &expect![[r#"
            acme x days 2018-01-01 2018-11: 1 0.033334
            acme x hours 2018-01-01 2018-11: 23 23.000000
            acme x second 2018-01-01 2018-11: 82800 82800.000000
        "#]],
    );
}

#[test]
fn a_day_with_two_midnights_begins_at_the_first() {
    check(
        Scene { zone: "America/Havana", window: "2026-11-01 2026-11-02" },
        &[("2026-01-01", &[SECOND, HOURS, DAYS])],
        "2026-10-31T12:00:00-04:00 x ON a=1",
        &expect![[r#"
            acme x days 2026-01-01 2026-11: 1 0.033333
            acme x hours 2026-01-01 2026-11: 25 25.000000
            acme x second 2026-01-01 2026-11: 90000 90000.000000
        "#]],
    );
}

#[test]
fn a_month_that_has_begun_goes_on_when_the_clock_shows_the_one_before() {
    // At 00:01 of 1 November the clock went back to 23:01 of 31 October.
    check(
        Scene { zone: "America/St_Johns", window: "2009-10-31 2009-11-02" },
        &[("2009-01-01", &[SECOND, HOURS, DAYS])],
        "2009-10-31T12:00:00-02:30 x ON a=1",
        &expect![[r#"
            acme x days 2009-01-01 2009-10: 1 0.032258
            acme x days 2009-01-01 2009-11: 1 0.033333
            acme x hours 2009-01-01 2009-10: 12 12.000000
            acme x hours 2009-01-01 2009-11: 26 26.000000
            acme x second 2009-01-01 2009-10: 43200 43200.000000
            acme x second 2009-01-01 2009-11: 90000 90000.000000
        "#]],
    );
}

#[test]
fn a_day_that_never_was_is_no_day_of_its_month() {
    // Samoa went from 29 to 31 December.
    check(
        Scene { zone: "Pacific/Apia", window: "2011-12-01 2012-01-01" },
        &[("2011-01-01", &[DAYS, SECOND])],
        "2011-12-01T00:00:00-10:00 x ON a=1",
        &expect![[r#"
            acme x days 2011-01-01 2011-12: 30 1.000000
            acme x second 2011-01-01 2011-12: 2592000 2592000.000000
        "#]],
    );
}
