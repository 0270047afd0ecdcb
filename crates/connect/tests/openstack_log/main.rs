//! Event logs of an OpenStack into events. All records here are made up, but for those of `real`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../check/mod.rs"]
mod check;

mod layout;
mod lives;
mod places;
mod real;
mod refusals;

use std::collections::BTreeMap;

use expect_test::Expect;
use kopeck_connect::convert::{Options, Source};

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::OpenstackLog, input.as_ref(), &Options::default(), expected);
}

fn record(fields: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let fields: BTreeMap<&str, &str> = fields.iter().chain(changes).copied().collect();
    serde_json::to_string(&fields).unwrap() + "\n"
}

/// A line about an instance that runs since 10:00, but for the given fields.
fn instance(event: &str, generated: &str, changes: &[(&str, &str)]) -> String {
    let event = format!("compute.instance.{event}");
    let id = format!("{event}@{generated}");
    let usual = [
        ("event_type", event.as_str()),
        ("generated", generated),
        ("message_id", id.as_str()),
        ("instance_id", "vm-1"),
        ("instance_type", "m1.small"),
        ("launched_at", "2026-10-05T10:00:00.250000"),
        ("vcpus", "2"),
        ("memory_mb", "2048"),
        ("disk_gb", "20"),
        ("state", "active"),
        ("tenant_id", "geo"),
        ("user_id", "anna"),
    ];
    record(&usual, changes)
}

/// A line about a volume, but for the given fields.
fn volume(event: &str, generated: &str, changes: &[(&str, &str)]) -> String {
    let id = format!("{event}@{generated}");
    let usual = [
        ("event_type", event),
        ("generated", generated),
        ("message_id", id.as_str()),
        ("resource_id", "vol-1"),
        ("created_at", "2026-10-05T10:00:00+00:00"),
        ("size", "100"),
        ("type", "ssd"),
        ("status", "available"),
        ("tenant_id", "geo"),
    ];
    record(&usual, changes)
}
