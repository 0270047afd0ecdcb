//! What the event log does in a second: `cargo bench -p kopeck-store`. A number behind `--` is how many keys are known.

#![allow(clippy::unwrap_used, reason = "a bench")]

use std::sync::Arc;

use kopeck_ledger::name::Moment;
use kopeck_store::event_bench::{Figure, GROUP_EVENTS};
use kopeck_store::sqlite::Clock;
use kopeck_store::sqlite::events::bench;

/// Groups that are measured.
const GROUPS: u64 = 500;

fn main() {
    let arguments = || std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let known = arguments().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000);
    let only = arguments().find(|argument| argument.parse::<u64>().is_err());
    let is_wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    // Beside the build, so that the disk is that of a folder and not of memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let place = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    println!("{known} keys known");
    if is_wanted("keys") {
        let keys = bench::keys(&place("keys"), known, 2_000_000).unwrap();
        tell("keys made known", keys.filled);
        tell("keys judged in batches of 1000, one in 20 known", keys.judged);
        println!(
            "  {} bytes in memory, {} on the disk, opened in {:?}",
            keys.memory, keys.disk, keys.opening
        );
    }
    if is_wanted("ingest") {
        let clock: Clock = Arc::new(|| Moment::FIRST);
        let ingest = bench::ingest(&place("ingest"), &clock, known, GROUPS).unwrap();
        tell("short events, filling the log", ingest.filled);
        tell("events in groups of 1000, one group at a time", ingest.alone);
        tell("events in groups of 1000, four groups on their way", ingest.together);
        let events = 2 * GROUPS * GROUP_EVENTS;
        let (line, disk) = (ingest.line_bytes / events, ingest.disk / events);
        println!("  a line of {line} bytes takes {disk} on the disk; opened in {:?}", ingest.opening);
    }
    if is_wanted("inserts") {
        let inserts = bench::inserts_alone(&place("inserts"), known, GROUPS).unwrap();
        tell("SQLite alone, rows with a unique key in groups of 1000", inserts);
    }
}

fn tell(what: &str, figure: Figure) {
    println!("{what}: {}/s", figure.per_second());
}
