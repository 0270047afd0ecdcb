//! The corners of the contract, one by one, as the reference reads them.
#![allow(clippy::unwrap_used, reason = "a test's own text is valid")]

mod scene;

use expect_test::expect;
use scene::{Scene, check};

const MOSCOW: Scene = Scene { zone: "Europe/Moscow", window: "2026-10-01 2026-11-01" };
/// One unit for each second of life.
const SECOND: &str = r#"id = "second"; model = "per_second"; per = "second"; price = "1"; quantity = []"#;
const ACTIVE: &str = r#"id = "active"; model = "per_second"; per = "second"; price = "1"; quantity = []; when = { state = "active" }"#;
const UNITS: &str = r#"id = "units"; model = "per_second"; per = "second"; price = "1"; quantity = ["a"]"#;
const HOURS: &str = r#"id = "hours"; model = "hourly_peak"; price = "1"; quantity = ["a"]"#;
const DAYS: &str = r#"id = "days"; model = "monthly"; price = "1"; quantity = ["a"]"#;
const WHOLE: &str = r#"id = "whole"; model = "monthly"; prorate = "none"; price = "1"; quantity = ["a"]"#;
const PEAK: &str = r#"id = "peak"; model = "monthly_peak"; price = "1"; quantity = ["a"]"#;
const ONCE: &str = r#"id = "once"; model = "once"; price = "1"; quantity = ["a"]"#;
const USE: &str = r#"id = "use"; model = "per_use"; price = "1"; quantity = ["a"]"#;

mod lives {
    use super::*;

    #[test]
    fn a_life_lasts_from_the_first_state_event_to_deleted() {
        check(
            MOSCOW,
            &[("2026-09-01", &[SECOND])],
            "2026-10-05T00:00:00+03:00 x DELETED
             2026-10-05T00:01:00+03:00 x ODD
             2026-10-05T00:02:00+03:00 x DELETED
             2026-10-05T00:03:00+03:00 x DELETED
             2026-10-05T00:04:00+03:00 x STOPPED
             2026-10-05T00:04:30+03:00 x DELETED",
            &expect![[r#"
                acme x second 2026-09-01 2026-10: 90 90.000000
            "#]],
        );
    }

    #[test]
    fn a_disputed_event_changes_neither_life_nor_class_nor_configuration() {
        check(
            MOSCOW,
            &[("2026-09-01", &[ACTIVE, UNITS])],
            "2026-10-05T00:00:00+03:00 x RUNNING a=2
             2026-10-05T00:01:00+03:00 x STOPPED a=7 project=beta
             2026-10-05T00:02:00+03:00 x STOPPED a=7 kind=disk
             2026-10-05T00:03:00+03:00 x DELETED project=beta
             2026-10-05T00:04:00+03:00 x STARTING a=2
             2026-10-05T00:05:00+03:00 x DELETED",
            &expect![[r#"
                acme x active 2026-09-01 2026-10: 300 300.000000
                acme x units 2026-09-01 2026-10: 600 600.000000
            "#]],
        );
    }

    #[test]
    fn a_new_life_may_have_another_project_and_begins_without_a_class() {
        check(
            MOSCOW,
            &[("2026-09-01", &[ACTIVE, SECOND])],
            "2026-10-05T00:00:00+03:00 x RUNNING
             2026-10-05T00:01:00+03:00 x DELETED
             2026-10-05T00:02:00+03:00 x STARTING project=beta
             2026-10-05T00:03:00+03:00 x DELETED project=beta",
            &expect![[r#"
                acme x active 2026-09-01 2026-10: 60 60.000000
                acme x second 2026-09-01 2026-10: 60 60.000000
                beta x second 2026-09-01 2026-10: 60 60.000000
            "#]],
        );
    }

    #[test]
    fn a_usage_event_counts_under_its_own_project_and_kind() {
        check(
            MOSCOW,
            &[("2026-09-01", &[SECOND, USE])],
            "2026-10-05T00:00:00+03:00 x RUNNING
             2026-10-05T00:00:30+03:00 x use a=3 project=beta
             2026-10-05T00:00:31+03:00 x use a=4 kind=disk
             2026-10-05T00:01:00+03:00 x DELETED",
            &expect![[r#"
                acme x second 2026-09-01 2026-10: 60 60.000000
                beta x use 2026-09-01 2026-10: 3 3.000000
            "#]],
        );
    }

    #[test]
    fn events_of_one_instant_pass_by_sequence_and_then_by_id() {
        // Absent is lowest, and "10" is lower than "2": they are texts.
        check(
            MOSCOW,
            &[("2026-09-01", &[UNITS])],
            "2026-10-05T00:00:00+03:00 x ON a=2 sequence=2
             2026-10-05T00:00:00+03:00 x ON a=1 sequence=10
             2026-10-05T00:00:00+03:00 x ON a=3
             2026-10-05T00:01:00+03:00 x ON a=5 id=b
             2026-10-05T00:01:00+03:00 x ON a=4 id=a
             2026-10-05T00:02:00+03:00 x DELETED",
            &expect![[r#"
                acme x units 2026-09-01 2026-10: 420 420.000000
            "#]],
        );
    }

    #[test]
    fn classes_and_lives_pass_through_all_events_of_a_second() {
        check(
            MOSCOW,
            &[("2026-09-01", &[ACTIVE])],
            "2026-10-05T00:00:00.1+03:00 x STOPPED
             2026-10-05T00:00:00.2+03:00 x RUNNING
             2026-10-05T00:00:00.9+03:00 x STARTING
             2026-10-05T00:01:00.1+03:00 x DELETED
             2026-10-05T00:01:00.2+03:00 x STARTING
             2026-10-05T00:02:00+03:00 x RUNNING
             2026-10-05T00:02:00+03:00 x DELETED sequence=1",
            &expect![[r#"
                acme x active 2026-09-01 2026-10: 60 60.000000
            "#]],
        );
    }

    #[test]
    fn the_books_lists_of_states_replace_the_defaults() {
        check(
            MOSCOW,
            &[("[states.vm]", &[r#"active = ["STOPPED", "ON"]"#]), ("2026-09-01", &[ACTIVE])],
            "2026-10-05T00:00:00+03:00 x STOPPED
             2026-10-05T00:01:00+03:00 x RUNNING
             2026-10-05T00:02:00+03:00 x ON
             2026-10-05T00:02:01+03:00 x TERMINATING
             2026-10-05T00:02:30+03:00 x DELETED",
            &expect![[r#"
                acme x active 2026-09-01 2026-10: 90 90.000000
            "#]],
        );
    }
}

mod clocks {
    use super::*;

    #[test]
    fn an_hour_touched_for_a_second_is_whole_and_one_left_at_its_start_is_not_touched() {
        check(
            MOSCOW,
            &[("2026-09-01", &[HOURS])],
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
}

mod versions {
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
}

mod once {
    use super::*;

    #[test]
    fn it_is_paid_once_over_all_lives_projects_and_kinds() {
        check(
            MOSCOW,
            &[("2026-09-01", &[ONCE])],
            "2026-10-05T00:00:00+03:00 x ON a=3
             2026-10-05T00:01:00+03:00 x ON a=5
             2026-10-05T00:02:00+03:00 x DELETED
             2026-10-05T00:03:00+03:00 x ON a=7 project=beta
             2026-10-05T00:00:00+03:00 y ON a=4 kind=disk
             2026-10-05T00:01:00+03:00 y DELETED kind=disk
             2026-10-06T00:01:00+03:00 y ON a=6 project=beta",
            &expect![[r#"
                acme x once 2026-09-01 2026-10: 3 3.000000
                beta y once 2026-09-01 2026-10: 6 6.000000
            "#]],
        );
    }

    #[test]
    fn a_quantity_of_zero_spends_it() {
        check(
            MOSCOW,
            &[("2026-09-01", &[ONCE])],
            "2026-10-05T00:00:00+03:00 x ON
             2026-10-05T00:01:00+03:00 x ON a=5",
            &expect![[""]],
        );
    }

    #[test]
    fn a_resource_that_lived_before_the_component_never_pays() {
        // z was alive for no second before, y for one; w began with the component.
        check(
            MOSCOW,
            &[("2026-09-01", &[SECOND]), ("2026-10-10", &[ONCE])],
            "2026-10-01T00:00:00+03:00 y ON a=1
             2026-10-01T00:00:01+03:00 y DELETED
             2026-10-12T00:00:00+03:00 y ON a=1
             2026-10-01T00:00:00.1+03:00 z ON a=1
             2026-10-01T00:00:00.2+03:00 z DELETED
             2026-10-12T00:00:00+03:00 z ON a=1
             2026-10-10T00:00:00+03:00 w ON a=1",
            &expect![[r#"
                acme w once 2026-10-10 2026-10: 1 1.000000
                acme y second 2026-09-01 2026-10: 1 1.000000
                acme z once 2026-10-10 2026-10: 1 1.000000
            "#]],
        );
    }

    #[test]
    fn a_component_that_comes_back_appeared_when_it_came_first() {
        // x is paid for in the first version, y only when the component is back, in the version then in force.
        check(
            MOSCOW,
            &[("2026-09-01", &[ONCE]), ("2026-10-10", &[SECOND]), ("2026-10-20", &[ONCE])],
            "2026-10-05T00:00:00+03:00 x ON a=1
             2026-10-15T00:00:00+03:00 y ON a=2
             2026-10-21T00:00:00+03:00 x DELETED
             2026-10-21T00:00:00+03:00 y DELETED",
            &expect![[r#"
                acme x once 2026-09-01 2026-10: 1 1.000000
                acme x second 2026-10-10 2026-10: 864000 864000.000000
                acme y once 2026-10-20 2026-10: 2 2.000000
                acme y second 2026-10-10 2026-10: 432000 432000.000000
            "#]],
        );
    }

    #[test]
    fn it_waits_for_the_first_second_that_matches() {
        let active =
            r#"id = "once"; model = "once"; price = "1"; quantity = ["a"]; when = { state = "active" }"#;
        check(
            Scene { window: "2026-10-15 2026-11-01", ..MOSCOW },
            &[("2026-09-01", &[active])],
            "2026-10-05T00:00:00+03:00 x STOPPED a=1
             2026-10-15T00:00:00.5+03:00 x RUNNING a=2
             2026-10-05T00:00:00+03:00 y RUNNING a=3",
            &expect![[r#"
                acme x once 2026-09-01 2026-10: 2 2.000000
            "#]],
        );
    }
}

mod quantities {
    use super::*;

    #[test]
    fn the_peak_is_of_one_instant_of_one_project_and_starts_from_nothing() {
        let cost = r#"id = "cost"; kind = "cost"; model = "monthly_peak"; price = "1"; quantity = ["a"]; group_by = "state""#;
        check(
            MOSCOW,
            &[("2026-09-01", &[PEAK, cost])],
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
        let by_class =
            r#"id = "class"; model = "monthly_peak"; price = "1"; quantity = []; group_by = "state""#;
        check(
            MOSCOW,
            &[("2026-09-01", &[by_os, by_region, by_class])],
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
            &[(
                "2026-09-01",
                &[USE, r#"id = "both"; model = "per_use"; price = "1"; quantity = ["a", "b"]"#],
            )],
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
        check(
            MOSCOW,
            &[("2026-09-01", &[&peak, &use_])],
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
        let whole = r#"id = "whole"; kind = "cost"; model = "monthly"; prorate = "none"; price = "1"; quantity = ["a"]"#;
        check(
            MOSCOW,
            &[("2026-09-01", &[hours, whole])],
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
}

mod tiers {
    use super::*;

    const GRADUATED: &str = r#"id = "parts"; kind = "cost"; model = "per_use"; quantity = ["a"]; tiers = [{ up_to = "10", price = "1" }, { up_to = "20", price = "0.5" }, { price = "0.1" }]"#;
    const VOLUME: &str = r#"id = "volume"; kind = "cost"; model = "per_use"; quantity = ["a"]; tier_mode = "volume"; tiers = [{ up_to = "10", price = "1" }, { price = "0.5" }]"#;

    #[test]
    fn a_sum_equal_to_the_bound_is_still_in_its_tier() {
        check(
            MOSCOW,
            &[("2026-09-01", &[GRADUATED, VOLUME])],
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
        check(
            MOSCOW,
            &[("2026-09-01", &[GRADUATED, VOLUME])],
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
}

mod keys {
    use super::*;

    #[test]
    fn of_one_key_the_first_content_that_was_accepted_counts() {
        check(
            MOSCOW,
            &[("2026-09-01", &[USE])],
            "2026-10-05T00:00:00+03:00 x use a=1 id=e
             2026-10-05T00:00:00+03:00 x use a=2 id=e
             2026-10-04T21:00:00+00:00 x use a=1.0 id=e
             2026-10-05T00:00:00+03:00 x use a=4 id=e source=other",
            &expect![[r#"
                acme x use 2026-09-01 2026-10: 4 4.000000
                acme x use 2026-09-01 2026-10: 1 1.000000
            "#]],
        );
    }
}
