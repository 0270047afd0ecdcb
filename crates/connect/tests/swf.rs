//! Logs in Standard Workload Format into events. All records here are made up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::io::Read;

use check::{as_state, convert, hours, quantity, read, shared};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};

const FIXTURE: &[u8] = include_bytes!("fixtures/log.swf");

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::Swf, input.as_ref(), &Options::default(), expected);
}

/// A dated log with these lines.
fn log(lines: &[&str]) -> String {
    format!("; UnixStartTime: 1790000000\n{}\n", lines.join("\n"))
}

#[test]
fn a_job_is_one_use_of_its_machine_at_its_end() {
    let outcome = convert(Source::Swf, FIXTURE, &Options::default());
    expect![[r#"
        {"specversion":"1.0","id":"1/0/10/100","source":"swf://birch-cluster-2","type":"kopeck.usage.v1","subject":"birch-cluster-2","time":"2026-09-21T14:15:10Z","project":"group-7","actor":"user-3","data":{"kind":"job","attributes":{"cores":8,"gpus":0,"ram_mb":16,"duration_s":100,"partition":"partition-2","queue":"queue-1","state":"COMPLETED"}}}
        {"specversion":"1.0","id":"2/60/0/30","source":"swf://birch-cluster-2","type":"kopeck.usage.v1","subject":"birch-cluster-2","time":"2026-09-21T14:14:50Z","project":"user-3","actor":"user-3","data":{"kind":"job","attributes":{"cores":4,"gpus":0,"duration_s":30,"state":"FAILED"}}}
        {"specversion":"1.0","id":"3/90/12.5/0.25","source":"swf://birch-cluster-2","type":"kopeck.usage.v1","subject":"birch-cluster-2","time":"2026-09-21T14:15:02.75Z","project":"group-7","actor":"user-4","data":{"kind":"job","attributes":{"cores":2,"gpus":0,"ram_mb":"0.002929688","duration_s":"0.25","queue":"queue-0"}}}
        {"specversion":"1.0","id":"5/100/0/900","source":"swf://birch-cluster-2","type":"kopeck.usage.v1","subject":"birch-cluster-2","time":"2026-09-21T14:30:00Z","project":"group-7","actor":"user-4","data":{"kind":"job","attributes":{"cores":2,"gpus":0,"duration_s":900,"queue":"queue-0","state":"COMPLETED"}}}
    "#]].assert_eq(&outcome.output);
}

#[test]
fn partial_executions_and_cancelled_jobs_are_skipped_and_unknowns_refused() {
    check(
        FIXTURE,
        &expect![[r#"
            2026-09-21T14:15:10Z group-7, user-3: job birch-cluster-2 cores=8 duration_s=100 gpus=0 partition=partition-2 queue=queue-1 ram_mb=16 state=COMPLETED
            2026-09-21T14:14:50Z user-3, user-3: job birch-cluster-2 cores=4 duration_s=30 gpus=0 state=FAILED
            2026-09-21T14:15:02.75Z group-7, user-4: job birch-cluster-2 cores=2 duration_s=0.25 gpus=0 queue=queue-0 ram_mb=0.002929688
            2026-09-21T14:30:00Z group-7, user-4: job birch-cluster-2 cores=2 duration_s=900 gpus=0 queue=queue-0 state=COMPLETED
            line 15: run time: is unknown
              a job without it can not be billed: add it, or leave the job out
            line 16: group: is unknown
              a job without it can not be billed: add it, or leave the job out
            9 records, 4 events, 2 refused, skipped {"jobs that never started": 1, "partial executions": 2}
        "#]],
    );
}

#[test]
fn as_a_state_a_job_runs_from_start_to_end() {
    check::check(
        Source::Swf,
        FIXTURE,
        &as_state(),
        &expect![[r#"
            2026-09-21T14:13:30Z group-7, user-3: job 1 RUNNING cores=8 gpus=0 partition=partition-2 queue=queue-1 ram_mb=16
            2026-09-21T14:15:10Z group-7, user-3: job 1 DELETED
            2026-09-21T14:14:20Z user-3, user-3: job 2 RUNNING cores=4 gpus=0
            2026-09-21T14:14:50Z user-3, user-3: job 2 DELETED
            2026-09-21T14:15:02.5Z group-7, user-4: job 3 RUNNING cores=2 gpus=0 queue=queue-0 ram_mb=0.002929688
            2026-09-21T14:15:02.75Z group-7, user-4: job 3 DELETED
            2026-09-21T14:15:00Z group-7, user-4: job 5 RUNNING cores=2 gpus=0 queue=queue-0
            2026-09-21T14:30:00Z group-7, user-4: job 5 DELETED
            line 15: run time: is unknown
              a job without it can not be billed: add it, or leave the job out
            line 16: group: is unknown
              a job without it can not be billed: add it, or leave the job out
            9 records, 8 events, 2 refused, skipped {"jobs that never started": 1, "partial executions": 2}
        "#]],
    );
}

#[test]
fn a_log_that_does_not_say_when_it_begins_has_no_dates() {
    let job = "1 0 10 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1";
    check(
        format!("{job}\n"),
        &expect![[r#"
        line 1: the log does not say when it begins
          put `; UnixStartTime: SECONDS` before the first job, in seconds since 1970-01-01T00:00:00Z
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
    check(
        format!("; UnixStartTime: soon\n{job}\n; UnixStartTime: 0\n{job}\n"),
        &expect![[r#"
        1970-01-01T00:01:50Z group-7, user-3: job unnamed cores=8 duration_s=100 gpus=0 state=COMPLETED
        line 2: the log does not say when it begins
          put `; UnixStartTime: SECONDS` before the first job, in seconds since 1970-01-01T00:00:00Z
        2 records, 1 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn broken_lines_are_refused_one_by_one() {
    let mut input = log(&[
        "1 0 10 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "2 0 10",
        "job",
        "3 0 10 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1 0",
        "4 0 10 -100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "5 -5 10 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "6 0 10 100 8.5 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "7 0 10 100 0 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "8 0 10 100 -1 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "9 0 10 99999999999999999999 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "10 0 999999999999 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "11 0 9999999999 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "12 0 10 100 999999999999 -1 999999999999 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "13 0 10 1e3 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
        "-1 0 10 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1",
    ])
    .into_bytes();
    input.extend_from_slice(b"15 0 10 100 8 \xff -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1\n");
    input.extend_from_slice(b"16 0 10 100 8 -1 -1 -1 -1 -1 1 3 7 -1 -1 -1 -1 -1");
    check(
        input,
        &expect![[r#"
            2026-09-21T14:15:10Z group-7, user-3: job unnamed cores=8 duration_s=100 gpus=0 state=COMPLETED
            2026-09-21T14:15:10Z group-7, user-3: job unnamed cores=8 duration_s=100 gpus=0 state=COMPLETED
            line 3: 3 fields, not 18
              write all 18 fields, -1 for those that are unknown
            line 4: 1 field, not 18
              write all 18 fields, -1 for those that are unknown
            line 5: 19 fields, not 18
              write all 18 fields, -1 for those that are unknown
            line 6: run time: "-100" is negative
              write -1 if it is unknown
            line 7: submit time: "-5" is negative
              write -1 if it is unknown
            line 8: allocated processors: "8.5" is not a whole number
              write it without a fraction
            line 9: the job ran 100 s on no processor
              export the processors that were allocated
            line 10: allocated processors: is unknown
              a job without it can not be billed: add it, or leave the job out
            line 11: run time: "99999999999999999999" is not a number of at most 12 digits
              write it as a plain decimal number
            line 12: submit, wait and run time lead beyond all calendars
              check the times of the job
            line 13: start: 2343-08-12T07:59:59Z lies outside the years 1900 to 2199
              check the clock of the cluster
            line 14: used memory: comes to 10^12 MB or more
              check the record at its source
            line 15: run time: "1e3" is not a number of at most 12 digits
              write it as a plain decimal number
            line 16: job number: is unknown
              a job without it can not be billed: add it, or leave the job out
            line 17: the line is not valid UTF-8
              all fields are numbers: export the line again
            17 records, 2 events, 15 refused, skipped {}
        "#]],
    );
}

#[test]
fn an_empty_log_has_no_records() {
    let nothing = expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]];
    for empty in ["", "\n", "; Computer: none\r\n\r\n", "\u{feff}; Note"] {
        check(empty, &nothing);
    }
}

#[test]
fn line_ends_a_byte_order_mark_and_a_missing_last_line_end_change_nothing() {
    let plain = convert(Source::Swf, FIXTURE, &Options::default());
    let text = std::str::from_utf8(FIXTURE).unwrap();
    for same in [text.replace('\n', "\r\n"), text.trim_end().to_owned(), format!("\u{feff}{text}")] {
        let other = convert(Source::Swf, same.as_bytes(), &Options::default());
        assert_eq!(other.output, plain.output);
        assert_eq!(other.refusals, plain.refusals);
    }
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    check(
        log(&[&"1 ".repeat(40_000)]),
        &expect![[r#"
        line 2: the line is longer than 65536 bytes
          leave out columns with long texts; is this the right file?
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_real_log_comes_to_the_hours_of_a_plain_count() {
    let Some(packed) = shared("swf/NASA-iPSC-1993-3.1-cln.swf.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let outcome = convert(Source::Swf, text.as_bytes(), &Options::default());
    assert_eq!(outcome.refusals, []);
    assert_eq!((outcome.summary.records, outcome.summary.events), (18_239, 18_239));
    let mut core_seconds = 0;
    for line in outcome.output.lines() {
        let (_, data) = read(line);
        core_seconds += quantity(&data, "cores") * quantity(&data, "duration_s");
    }
    let jobs = text.lines().filter(|line| !line.starts_with(';'));
    let plain = jobs.map(|line| {
        let fields: Vec<i128> = line.split_ascii_whitespace().map(|field| field.parse().unwrap()).collect();
        fields[3] * fields[4]
    });
    assert_eq!(core_seconds, plain.sum::<i128>());
    assert_eq!(hours(core_seconds), "131732.7819");
    // The first job was submitted at second 0 and waited an unknown time, which counts as none.
    let first = outcome.output.lines().next().map(read).unwrap();
    let begin = text.lines().find_map(|line| line.strip_prefix("; UnixStartTime: ")).unwrap();
    let end = begin.trim().parse::<i128>().unwrap() + quantity(&first.1, "duration_s");
    assert_eq!((&*first.0.source, i128::from(first.0.time)), ("swf://intel-ipsc-860", end * 1_000_000_000));
}
