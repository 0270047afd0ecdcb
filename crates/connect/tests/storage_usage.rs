//! Snapshots of file stores into events. All records here are made up, but for the snapshots of the last test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use check::{convert, in_zone, read, shared};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};
use kopeck_rating::event::Value;

const FIXTURE: &str = include_str!("fixtures/storage-usage.json");

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::StorageUsage, input.as_ref(), &Options::default(), expected);
}

/// A snapshot on one line, but for one field, whose JSON is given; none leaves the field out.
fn snapshot(name: &str, json: &str) -> String {
    let usual = [
        ("resource", "\"birch\""),
        ("mountpoint", "\"/data\""),
        ("pi", "\"anna\""),
        ("user", "\"boris\""),
        ("dt", "\"2026-10-05T03:00:00Z\""),
        ("logical_usage", "1000000"),
        ("file_count", "7"),
    ];
    let fields = usual.into_iter().map(|(other, usual)| (other, if other == name { json } else { usual }));
    let fields: Vec<String> = fields
        .filter(|(_, json)| !json.is_empty())
        .map(|(name, json)| format!("\"{name}\": {json}"))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

#[test]
fn a_snapshot_is_one_use_of_the_store_in_decimal_megabytes() {
    let outcome = convert(Source::StorageUsage, FIXTURE.as_bytes(), &Options::default());
    expect![[r#"
        {"specversion":"1.0","id":"/projects/anna/boris/2026-10-05T03:00:00Z","source":"storage://birch-store","type":"kopeck.usage.v1","subject":"/projects/anna/boris","time":"2026-10-05T03:00:00Z","project":"anna","actor":"boris","data":{"kind":"s3","attributes":{"mb":"575703.936001","files":314,"mountpoint":"/projects"}}}
        {"specversion":"1.0","id":"/projects/анна/a \"{\" b/2026-10-05 03:00:00","source":"storage://birch","type":"kopeck.usage.v1","subject":"/projects/анна/a \"{\" b","time":"2026-10-05T03:00:00Z","project":"анна","actor":"a \"{\" b","data":{"kind":"s3","attributes":{"mb":0,"mountpoint":"/projects/"}}}
    "#]].assert_eq(&outcome.output);
    check::check(
        Source::StorageUsage,
        FIXTURE.as_bytes(),
        &in_zone("Europe/Moscow"),
        &expect![[r#"
        2026-10-05T03:00:00Z anna, boris: s3 /projects/anna/boris files=314 mb=575703.936001 mountpoint=/projects
        2026-10-05T00:00:00Z анна, a "{" b: s3 /projects/анна/a "{" b mb=0 mountpoint=/projects/
        line 14: pi: is missing
          a record without it can not be billed: add it
        3 records, 2 events, 1 refused, skipped {}
    "#]],
    );
}

/// Checks a file of these snapshots, each on a line of its own.
fn check_all(records: &[String], expected: &Expect) {
    check(format!("[\n{}\n]\n", records.join(",\n")), expected);
}

#[test]
fn texts_and_times_that_say_nothing_are_refused_one_by_one() {
    let records = [
        snapshot("", ""),
        snapshot("resource", ""),
        snapshot("mountpoint", "null"),
        snapshot("pi", "\" \""),
        snapshot("user", "17"),
        snapshot("dt", "\"yesterday\""),
        snapshot("dt", "1538708400"),
        snapshot("dt", "\"1538-10-05T03:00:00Z\""),
    ];
    check_all(
        &records,
        &expect![[r#"
        2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
        line 3: resource: is missing
          a record without it can not be billed: add it
        line 4: mountpoint: is missing
          a record without it can not be billed: add it
        line 5: pi: is empty
          a record without it can not be billed: add it
        line 6: user: "17" is not a text
          write it in quotation marks
        line 7: dt: "yesterday" is not a time such as 2026-10-05T10:00:00Z
          write times as year-month-day, hour:minute:second
        line 8: dt: "1538708400" is not a text
          write it in quotation marks
        line 9: dt: 1538-10-05T03:00:00Z lies outside the years 1900 to 2199
          check the date
        8 records, 1 events, 7 refused, skipped {}
    "#]],
    );
}

#[test]
fn amounts_are_whole_numbers_below_their_limits() {
    let records = [
        snapshot("logical_usage", ""),
        snapshot("logical_usage", "-1"),
        snapshot("logical_usage", "1e9"),
        snapshot("logical_usage", "1.5"),
        snapshot("logical_usage", "\"1000\""),
        snapshot("logical_usage", "999999999999999999"),
        snapshot("logical_usage", "1000000000000000000"),
        snapshot("logical_usage", "99999999999999999999999999"),
        snapshot("file_count", "1.5"),
    ];
    check_all(
        &records,
        &expect![[r#"
        2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=999999999999.999999 mountpoint=/data
        line 2: logical_usage: is missing
          a record without it can not be billed: add it
        line 3: logical_usage: "-1" is not a whole number of bytes
          write bytes as a plain number
        line 4: logical_usage: "1e9" is not a whole number of bytes
          write bytes as a plain number
        line 5: logical_usage: "1.5" is not a whole number of bytes
          write bytes as a plain number
        line 6: logical_usage: "\"1000\"" is not a whole number of bytes
          write bytes as a plain number
        line 8: logical_usage: "1000000000000000000" is 10^18 bytes or more
          check the record at its source
        line 9: logical_usage: "99999999999999999999999999" is 10^18 bytes or more
          check the record at its source
        line 10: file_count: "1.5" is not a whole number of at most 12 digits
          write it as a plain number
        9 records, 1 events, 8 refused, skipped {}
    "#]],
    );
}

#[test]
fn records_of_another_shape_are_refused_but_for_fields_that_nobody_reads() {
    let records = [
        snapshot("file_count", "7, \"pi\": \"vera\""),
        snapshot("file_count", "7, \"comment\": {\"nested\": [1, {}]}"),
        snapshot("user", &format!("{:?}", "x".repeat(300_000))),
        snapshot("file_count", &format!("7, \"deep\": {}", "[".repeat(100))),
    ];
    check_all(
        &records,
        &expect![[r#"
        2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
        line 2: not a JSON object of a snapshot: duplicate field `pi`
          export the record again
        line 4: the record is longer than 262144 bytes
          leave out fields with long texts; is this the right file?
        line 5: the record ends before its last brace is closed
          export the record again: a part of it is missing
        4 records, 1 events, 3 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_record_that_is_cut_or_not_closed_does_not_take_its_neighbours() {
    let good = snapshot("", "");
    let cut = good.trim_end_matches('}');
    let open = good.replace("\"boris\"", "\"boris");
    let pretty = open.replace(", ", ",\n");
    let mut input =
        format!("[{good},\n{cut},\n{good},\n{pretty},\n{good},\n17, null\n\"text\" {good}{good}\n{{}},[],\n")
            .into_bytes();
    input.extend_from_slice(
        &good
            .clone()
            .into_bytes()
            .iter()
            .map(|byte| if *byte == b'7' { 0xff } else { *byte })
            .collect::<Vec<_>>(),
    );
    input.extend_from_slice(format!(",\n{cut}\n]\n{good}\n{cut}").as_bytes());
    check(
        input,
        &expect![[r#"
            2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
            2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
            2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
            2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
            2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
            2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
            line 2: the record ends before its last brace is closed
              export the record again: a part of it is missing
            line 4: not a JSON object of a snapshot: control character (\u0000-\u001F) found while parsing a string
              export the record again
            line 12: "17" is not a JSON object
              export an array of JSON objects, or one object a line
            line 12: record 7: "null" is not a JSON object
              export an array of JSON objects, or one object a line
            line 13: "\"text\"" is not a JSON object
              export an array of JSON objects, or one object a line
            line 14: resource: is missing
              a record without it can not be billed: add it
            line 15: byte 147 of the record is not valid UTF-8
              write the file as UTF-8
            line 16: the record ends before its last brace is closed
              export the record again: a part of it is missing
            line 19: the record ends before its last brace is closed
              export the record again: a part of it is missing
            15 records, 6 events, 9 refused, skipped {}
        "#]],
    );
}

#[test]
fn an_empty_file_has_no_records_and_lines_of_objects_are_read_as_well() {
    let nothing = expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]];
    for empty in ["", "[]", "\u{feff}[\r\n]\r\n", " \n"] {
        check(empty, &nothing);
    }
    let lines = format!("{}\r\n{}\r\n", snapshot("", ""), snapshot("user", "\"vera\""));
    check(
        lines,
        &expect![[r#"
        2026-10-05T03:00:00Z anna, boris: s3 /data/anna/boris files=7 mb=1 mountpoint=/data
        2026-10-05T03:00:00Z anna, vera: s3 /data/anna/vera files=7 mb=1 mountpoint=/data
        2 records, 2 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn real_snapshots_come_to_the_bytes_of_a_plain_count() {
    let (mut files, mut all) = (0, 0);
    for (folder, name) in [("", "projects"), ("recex/", "data")] {
        for day in [
            "2018-12-27",
            "2018-12-28",
            "2018-12-29",
            "2018-12-30",
            "2018-12-31",
            "2019-01-01",
            "2019-01-02",
            "2019-01-03",
            "2019-01-04",
            "2019-01-05",
        ] {
            let Some(bytes) = shared(&format!("s3-daily-usage/{folder}{name}-{day}.json")) else { return };
            let outcome = convert(Source::StorageUsage, &bytes, &Options::default());
            assert_eq!(outcome.refusals, []);
            assert_eq!((outcome.summary.records, outcome.summary.events), (10, 10));
            let text = std::str::from_utf8(&bytes).unwrap();
            let plain: i128 = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("\"logical_usage\": "))
                .map(|bytes| bytes.trim_end_matches(',').parse::<i128>().unwrap())
                .sum();
            let mut sum = 0;
            for line in outcome.output.lines() {
                let (envelope, data) = read(line);
                let Some(Value::Number(mb)) = data.attribute("mb") else { panic!("{line}") };
                // A number counts in 10⁻⁹, so bytes in 10⁻³.
                sum += mb.units() / 1_000;
                assert_eq!(mb.units() % 1_000, 0);
                let time = jiff::Timestamp::from_nanosecond(envelope.time.into()).unwrap().to_string();
                assert_eq!(time[..10], *day);
                assert_eq!(
                    envelope.source,
                    if folder.is_empty() { "storage://torx" } else { "storage://recex" }
                );
            }
            assert_eq!(sum, plain);
            files += 1;
            all += sum;
        }
    }
    assert_eq!((files, all), (20, 4_853_080_726_784_000));
}
