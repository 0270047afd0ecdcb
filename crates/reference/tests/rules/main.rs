//! The corners of the contract, one by one, as the reference reads them.
#![allow(clippy::unwrap_used, reason = "a test's own text is valid")]

#[path = "../scene/mod.rs"]
mod scene;

mod clocks;
mod keys;
mod lives;
mod once;
mod quantities;
mod tiers;
mod versions;

use expect_test::Expect;
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

/// Rates October in Moscow by a book that begins in September.
fn october(components: &[&str], events: &str, expected: &Expect) {
    check(MOSCOW, &[("2026-09-01", components)], events, expected);
}
