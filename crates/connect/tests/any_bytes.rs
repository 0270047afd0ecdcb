//! Whatever the input is, no converter panics, loses count of a record, or writes an event that rating refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use check::{Outcome, convert, in_zone};
use kopeck_connect::convert::{Options, Source};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Converts in both forms; `check::convert` holds the rules.
fn both_forms(source: Source, input: &[u8]) -> [Outcome; 2] {
    let usage = in_zone("America/St_Johns");
    let state = Options { as_state: true, ..usage.clone() };
    let outcomes = [convert(source, input, &usage), convert(source, input, &state)];
    assert_eq!(outcomes[0].refusals, outcomes[1].refusals);
    assert_eq!(outcomes[0].summary.records, outcomes[1].summary.records);
    outcomes
}

/// Lines that are records, where no line is a header.
fn records(bytes: &[u8], is_record: fn(&[u8]) -> bool) -> u64 {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').filter(|line| is_record(line)).count() as u64
}

fn is_bars(line: &[u8]) -> bool {
    !line.is_empty() && line != b"\r"
}

fn is_log_entry(line: &[u8]) -> bool {
    !line.trim_ascii().is_empty() && !line.trim_ascii().starts_with(b";")
}

/// Fields that mean something, in places where they may not.
fn field() -> impl Strategy<Value = String> {
    let known = select(vec![
        "17",
        "17_3",
        "17.batch",
        "birch",
        "geo",
        "anna",
        "",
        "Unknown",
        "None",
        "None assigned",
        "RUNNING",
        "CANCELLED by 17",
        "COMPLETED",
        "2026-10-05T10:00:00",
        "2026-10-05T11:00:00",
        "2026-11-01T01:30:00",
        "2026-03-08T02:30:00",
        "2026-10-05T10:00:00+02:00",
        "00:00:00",
        "01:00:00",
        "1-02:03:04",
        "59:59",
        "8",
        "0",
        "999999999999",
        "-1",
        "2.5",
        "4000Mn",
        "2147486648Mn",
        "2.50Gc",
        "0n",
        "cpu=8,mem=62.50G,node=1",
        "cpu=8,gres/gpu=2,mem=1T",
        "gres/gpu:a=999999999999,gres/gpu:b=1",
        "mem=999999999999T",
        "JobID",
        "Elapsed",
        "start",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

/// A plausible file, a few bytes of which were changed.
fn damaged(plausible: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let likely = select(b"|=,:-.0129KMGTnc\n\r;\xff\x00 ".to_vec());
    let changes = prop::collection::vec((any::<Index>(), prop_oneof![3 => likely, 1 => any::<u8>()]), 1..12);
    changes.prop_map(move |changes| {
        let mut bytes = plausible.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let [slurm, _] = both_forms(Source::Slurm, &bytes);
        prop_assert_eq!(slurm.summary.records, records(&bytes, is_bars));
        let [swf, _] = both_forms(Source::Swf, &bytes);
        prop_assert_eq!(swf.summary.records, records(&bytes, is_log_entry));
    }

    #[test]
    fn any_slurm_fields_are_counted(
        rows in prop::collection::vec(prop::collection::vec((0_usize..26, field()), 0..5), 0..6),
    ) {
        let usual = include_str!("fixtures/slurm.log").lines().next().expect("a line");
        let lines = rows.into_iter().map(|changes| {
            let mut fields: Vec<String> = usual.split('|').map(str::to_owned).collect();
            for (at, value) in changes {
                fields[at] = value;
            }
            fields.join("|")
        });
        both_forms(Source::Slurm, lines.collect::<Vec<_>>().join("\n").as_bytes());
    }

    #[test]
    fn damaged_slurm_files_are_counted(bytes in damaged(include_bytes!("fixtures/slurm.log"))) {
        let [usage, _] = both_forms(Source::Slurm, &bytes);
        prop_assert_eq!(usage.summary.records, records(&bytes, is_bars));
    }

    #[test]
    fn damaged_logs_are_counted(bytes in damaged(include_bytes!("fixtures/log.swf"))) {
        let [usage, _] = both_forms(Source::Swf, &bytes);
        prop_assert_eq!(usage.summary.records, records(&bytes, is_log_entry));
    }

    #[test]
    fn any_numbers_in_a_log_are_counted(
        rows in prop::collection::vec(prop::collection::vec("-1|[0-9]{1,13}|[0-9]{1,3}\\.[0-9]{1,12}", 18), 0..6),
    ) {
        let lines: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
        let input = format!("; UnixStartTime: 1790000000\n{}", lines.join("\n"));
        let [usage, _] = both_forms(Source::Swf, input.as_bytes());
        prop_assert_eq!(usage.summary.records, rows.len() as u64);
    }
}
