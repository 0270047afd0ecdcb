//! When a job ran, and for how long.

use expect_test::expect;
use kopeck_connect::convert::{Options, Source};

use crate::check::{convert, in_zone, read};
use crate::{FIXTURE, check, job, usage};

#[test]
fn an_event_id_does_not_depend_on_the_time_zone() {
    let ids = |options: &Options| {
        let outcome = convert(Source::Slurm, FIXTURE, options);
        outcome.output.lines().map(|line| read(line).0.id.into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&Options::default()), ids(&in_zone("Europe/Moscow")));
}

#[test]
fn an_elapsed_time_is_days_hours_minutes_and_seconds_or_refused() {
    let times = [
        "1-02:03:04",
        "26:03:04",
        "03:04",
        "00:00:01",
        "04",
        "1-02:03",
        "00:60:00",
        "1-24:00:00",
        "-00:00:05",
        "00:00:-5",
        "",
        "Unknown",
        "1:2:3:4",
        "1-2-03:04:05",
        "999999999999-00:00:00",
        "99999999999999999999:00:00",
        "00:00:01.5",
    ];
    let rows = times.map(|elapsed| job(&[("elapsed", elapsed), ("end", "2026-10-09T10:00:00")]));
    usage(
        rows.concat(),
        &expect![[r#"
            2026-10-09T10:00:00Z geo, anna: job birch cores=8 duration_s=93784 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-09T10:00:00Z geo, anna: job birch cores=8 duration_s=93784 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-09T10:00:00Z geo, anna: job birch cores=8 duration_s=184 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-09T10:00:00Z geo, anna: job birch cores=8 duration_s=1 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            line 5: elapsed: "04" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 6: elapsed: "1-02:03" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 7: elapsed: "00:60:00" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 8: elapsed: "1-24:00:00" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 9: elapsed: "-00:00:05" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 10: elapsed: "00:00:-5" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 11: elapsed: "" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 12: elapsed: "Unknown" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 13: elapsed: "1:2:3:4" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 14: elapsed: "1-2-03:04:05" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 15: elapsed: 86399999999913600 s is longer than the 345600 s from start to end
              check the record; if the clock was set back meanwhile, name the cluster's zone with --timezone
            line 16: elapsed: "99999999999999999999:00:00" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            line 17: elapsed: "00:00:01.5" is not a time such as 1-02:03:04
              export Elapsed as sacct prints it: [days-]hours:minutes:seconds
            17 records, 4 events, 13 refused, skipped {}
        "#]],
    );
}

#[test]
fn what_can_not_be_is_refused_and_what_has_not_been_is_skipped() {
    let input = [
        job(&[("elapsed", "01:00:01")]),
        job(&[("end", "2026-10-05T09:00:00")]),
        job(&[("ncpus", "0")]),
        job(&[("start", "Unknown")]),
        job(&[("start", "Unknown"), ("elapsed", "00:00:00")]),
        job(&[("start", "None"), ("elapsed", "00:00:00"), ("state", "CANCELLED by 6001")]),
        job(&[("end", "")]),
        job(&[("end", "Unknown"), ("state", "PENDING")]),
        job(&[("state", "RUNNING")]),
    ];
    usage(
        input.concat(),
        &expect![[r#"
            line 1: elapsed: 3601 s is longer than the 3600 s from start to end
              check the record; if the clock was set back meanwhile, name the cluster's zone with --timezone
            line 2: end: is 3600 s before the start
              check the clocks of the cluster, and --timezone
            line 3: the job ran 3600 s on no processor
              export the processors that were allocated
            line 4: start: "Unknown" is not a time such as 2026-10-05T10:00:00
              export times as sacct prints them by default
            line 7: end: "" is not a time such as 2026-10-05T10:00:00
              export times as sacct prints them by default
            9 records, 0 events, 5 refused, skipped {"jobs that have not finished": 2, "jobs that never started": 2}
        "#]],
    );
}

#[test]
fn bad_dates_are_refused() {
    let times = [
        "2026-02-30T10:00:00",
        "2026-10-05 10:00:00",
        "2026-10-05",
        "05.10.2026 10:00",
        "2026-10-05T10:00:00.5",
        "2026-10-05T24:00:00",
        "99999-10-05T10:00:00",
        "1850-10-05T10:00:00",
        "9999-12-31T23:59:59",
        "0",
    ];
    let rows = times.map(|end| job(&[("end", end), ("elapsed", "00:00:00")]));
    check(
        rows.concat(),
        &in_zone("America/New_York"),
        &expect![[r#"
        line 1: end: "2026-02-30T10:00:00" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 2: end: "2026-10-05 10:00:00" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 3: end: "2026-10-05" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 4: end: "05.10.2026 10:00" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 5: end: "2026-10-05T10:00:00.5" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 6: end: "2026-10-05T24:00:00" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 7: end: "99999-10-05T10:00:00" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        line 8: end: is 5554047838 s before the start
          check the clocks of the cluster, and --timezone
        line 9: end: 9999-12-31T23:59:59 is beyond all calendars
          check the clock of the cluster
        line 10: end: "0" is not a time such as 2026-10-05T10:00:00
          export times as sacct prints them by default
        10 records, 0 events, 10 refused, skipped {}
    "#]],
    );
}

#[test]
fn local_times_are_read_in_the_given_zone_and_offsets_win() {
    let moscow = in_zone("Europe/Moscow");
    check(
        job(&[]),
        &moscow,
        &expect![[r#"
        2026-10-05T08:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
    let offsets = [("start", "2026-10-05T10:00:00+02:00"), ("end", "2026-10-05T09:00:00Z")];
    check(
        job(&offsets),
        &moscow,
        &expect![[r#"
        2026-10-05T09:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
    let offsets = [("start", "2026-10-05T10:00:00+0200"), ("end", "2026-10-05T11:00:00+0200")];
    check(
        job(&offsets),
        &moscow,
        &expect![[r#"
        2026-10-05T09:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_time_that_the_clock_jumped_over_is_refused() {
    let gap = [("start", "2026-03-29T02:30:00"), ("end", "2026-03-29T03:30:00")];
    check(
        job(&gap),
        &in_zone("Europe/Berlin"),
        &expect![[r#"
        line 1: start: 2026-03-29T02:30:00 never was in Europe/Berlin: the clock was set forward over it
          name the time zone of the cluster with --timezone
        1 records, 0 events, 1 refused, skipped {}
    "#]],
    );
}

#[test]
fn of_a_repeated_hour_the_elapsed_time_tells_which_one_was_meant() {
    let berlin = in_zone("Europe/Berlin");
    let night = |start: &str, end: &str, elapsed: &str| {
        let (start, end) = (format!("2026-10-25T{start}"), format!("2026-10-25T{end}"));
        job(&[("start", &start), ("end", &end), ("elapsed", elapsed)])
    };
    let input = [
        night("01:30:00", "02:30:00", "01:00:00"),
        night("01:30:00", "02:30:00", "02:00:00"),
        night("02:30:00", "03:30:00", "01:00:00"),
        night("02:30:00", "03:30:00", "02:00:00"),
        night("02:45:00", "02:15:00", "00:30:00"),
        night("02:15:00", "02:45:00", "00:30:00"),
        night("02:15:00", "02:45:00", "01:10:00"),
        night("02:15:00", "02:45:00", "02:00:00"),
    ];
    check(
        input.concat(),
        &berlin,
        &expect![[r#"
            2026-10-25T00:30:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-25T01:30:00Z geo, anna: job birch cores=8 duration_s=7200 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-25T02:30:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-25T02:30:00Z geo, anna: job birch cores=8 duration_s=7200 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-25T01:15:00Z geo, anna: job birch cores=8 duration_s=1800 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-25T00:45:00Z geo, anna: job birch cores=8 duration_s=1800 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            2026-10-25T01:45:00Z geo, anna: job birch cores=8 duration_s=4200 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
            line 8: elapsed: 7200 s is longer than the 5400 s from start to end
              check the record; if the clock was set back meanwhile, name the cluster's zone with --timezone
            8 records, 7 events, 1 refused, skipped {}
        "#]],
    );
}
