//! From the first state event to DELETED: owners, disputes, classes.

use expect_test::expect;

use super::*;

#[test]
fn a_life_lasts_from_the_first_state_event_to_deleted() {
    october(
        &[SECOND],
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
    october(
        &[ACTIVE, UNITS],
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
    october(
        &[ACTIVE, SECOND],
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
    october(
        &[SECOND, USE],
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
    october(
        &[UNITS],
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
    october(
        &[ACTIVE],
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
