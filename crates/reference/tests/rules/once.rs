//! What is paid once.

use expect_test::expect;

use super::*;

#[test]
fn it_is_paid_once_over_all_lives_projects_and_kinds() {
    october(
        &[ONCE],
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
    october(
        &[ONCE],
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
    let active = r#"id = "once"; model = "once"; price = "1"; quantity = ["a"]; when = { state = "active" }"#;
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
