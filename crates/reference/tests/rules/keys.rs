//! Which of two events of one key counts.

use expect_test::expect;

use super::*;

#[test]
fn of_one_key_the_first_content_that_was_accepted_counts() {
    october(
        &[USE],
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
