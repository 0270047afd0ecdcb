//! Slurm accounting into events. All records here are made up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::io::{self, BufRead, BufReader, Read, Write};

use check::{as_state, convert, hours, in_zone, quantity, read, shared};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};

const FIXTURE: &[u8] = include_bytes!("fixtures/slurm.log");

const NAMES: &str = "jobid|jobidraw|cluster|partition|qos|account|group|gid|user|uid|submit|eligible|start|end|elapsed|\
                     exitcode|state|nnodes|ncpus|reqcpus|reqmem|reqtres|alloctres|timelimit|nodelist|jobname";

fn check(input: impl AsRef<[u8]>, options: &Options, expected: &Expect) {
    check::check(Source::Slurm, input.as_ref(), options, expected);
}

/// A line of a job that ran for an hour, but for the given fields.
fn job(changes: &[(&str, &str)]) -> String {
    let usual = "17|17|birch|day|normal|geo|geo|5001|anna|6001|2026-10-05T09:00:00|2026-10-05T09:00:00|\
                 2026-10-05T10:00:00|2026-10-05T11:00:00|01:00:00|0:0|COMPLETED|2|8|8|1000Mn|cpu=8,node=2|\
                 cpu=8,mem=2000M,node=2|1-00:00:00|b[01-02]|5be1";
    let mut fields: Vec<&str> = usual.split('|').collect();
    for (name, value) in changes {
        let at = NAMES.split('|').position(|other| other == *name).expect("a column");
        fields[at] = value;
    }
    fields.join("|") + "\n"
}

#[test]
fn a_job_is_one_use_of_its_cluster_at_its_end() {
    let outcome = convert(Source::Slurm, FIXTURE, &Options::default());
    expect![[r#"
        {"specversion":"1.0","id":"701/2026-10-05T10:00:00/2026-10-05T12:00:00","source":"slurm://birch","type":"kopeck.usage.v1","subject":"birch","time":"2026-10-05T12:00:00Z","project":"geo","actor":"anna","data":{"kind":"job","attributes":{"cores":16,"gpus":2,"ram_mb":16000,"duration_s":7200,"partition":"day","qos":"normal","state":"COMPLETED"}}}
        {"specversion":"1.0","id":"702_4/2026-10-05T10:00:01/2026-10-06T11:01:02","source":"slurm://birch","type":"kopeck.usage.v1","subject":"birch","time":"2026-10-06T11:01:02Z","project":"geo","actor":"boris","data":{"kind":"job","attributes":{"cores":4,"gpus":3,"ram_mb":10752,"duration_s":90061,"partition":"gpu","qos":"normal","state":"CANCELLED"}}}
        {"specversion":"1.0","id":"707/2026-10-05T10:31:00/2026-10-05T10:31:00","source":"slurm://birch","type":"kopeck.usage.v1","subject":"birch","time":"2026-10-05T10:31:00Z","project":"bio","actor":"vera","data":{"kind":"job","attributes":{"cores":2,"gpus":0,"ram_mb":2000,"duration_s":0,"partition":"day","qos":"normal","state":"FAILED"}}}
        {"specversion":"1.0","id":"710/2026-10-05T11:00:05/2026-10-05T11:00:25","source":"slurm://birch","type":"kopeck.usage.v1","subject":"birch","time":"2026-10-05T11:00:25Z","project":"bio","actor":"vera","data":{"kind":"job","attributes":{"cores":2,"gpus":0,"ram_mb":2000,"duration_s":20,"partition":"day","qos":"normal","state":"TIMEOUT"}}}
    "#]]
    .assert_eq(&outcome.output);
}

#[test]
fn steps_unfinished_and_unstarted_jobs_are_skipped_and_bad_ones_refused() {
    check(
        FIXTURE,
        &Options::default(),
        &expect![[r#"
        2026-10-05T12:00:00Z geo, anna: job birch cores=16 duration_s=7200 gpus=2 partition=day qos=normal ram_mb=16000 state=COMPLETED
        2026-10-06T11:01:02Z geo, boris: job birch cores=4 duration_s=90061 gpus=3 partition=gpu qos=normal ram_mb=10752 state=CANCELLED
        2026-10-05T10:31:00Z bio, vera: job birch cores=2 duration_s=0 gpus=0 partition=day qos=normal ram_mb=2000 state=FAILED
        2026-10-05T11:00:25Z bio, vera: job birch cores=2 duration_s=20 gpus=0 partition=day qos=normal ram_mb=2000 state=TIMEOUT
        line 7: account: is empty
          give the job an account: it is the project that pays for the job
        8 records, 4 events, 1 refused, skipped {"jobs that have not finished": 1, "jobs that never started": 1, "steps of jobs": 1}
    "#]],
    );
}

#[test]
fn as_a_state_a_job_runs_from_start_to_end() {
    let outcome = convert(Source::Slurm, job(&[]).as_bytes(), &as_state());
    expect![[r#"
        {"specversion":"1.0","id":"17/2026-10-05T10:00:00/2026-10-05T11:00:00/running","source":"slurm://birch","type":"kopeck.state.v1","subject":"17","time":"2026-10-05T10:00:00Z","project":"geo","actor":"anna","sequence":"2026-10-05T10:00:00.000000000Z/2026-10-05T11:00:00.000000000Z/0","data":{"kind":"job","state":"RUNNING","attributes":{"cores":8,"gpus":0,"ram_mb":2000,"partition":"day","qos":"normal"}}}
        {"specversion":"1.0","id":"17/2026-10-05T10:00:00/2026-10-05T11:00:00/deleted","source":"slurm://birch","type":"kopeck.state.v1","subject":"17","time":"2026-10-05T11:00:00Z","project":"geo","actor":"anna","sequence":"2026-10-05T10:00:00.000000000Z/2026-10-05T11:00:00.000000000Z/2","data":{"kind":"job","state":"DELETED","attributes":{}}}
    "#]].assert_eq(&outcome.output);
}

#[test]
fn a_suspended_job_is_billed_for_what_slurm_counted_in_both_forms() {
    let suspended = job(&[("elapsed", "00:45:00")]);
    check(
        &suspended,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=2700 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
    check(
        &suspended,
        &as_state(),
        &expect![[r#"
        2026-10-05T10:00:00Z geo, anna: job 17 RUNNING cores=8 gpus=0 partition=day qos=normal ram_mb=2000
        2026-10-05T10:45:00Z geo, anna: job 17 STOPPED cores=8 gpus=0 partition=day qos=normal ram_mb=2000
        2026-10-05T11:00:00Z geo, anna: job 17 DELETED
        1 records, 3 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn each_run_of_a_requeued_job_has_ids_of_its_own_and_the_lives_do_not_mix() {
    let runs = [
        job(&[("state", "REQUEUED")]),
        job(&[("start", "2026-10-05T11:00:00"), ("elapsed", "00:00:00"), ("state", "NODE_FAIL")]),
        job(&[("start", "2026-10-05T11:00:00"), ("end", "2026-10-05T12:00:00")]),
    ]
    .concat();
    let usage = convert(Source::Slurm, runs.as_bytes(), &Options::default());
    let ids: Vec<String> = usage.output.lines().map(|line| read(line).0.id.into_owned()).collect();
    expect![[r#"
        17/2026-10-05T10:00:00/2026-10-05T11:00:00
        17/2026-10-05T11:00:00/2026-10-05T11:00:00
        17/2026-10-05T11:00:00/2026-10-05T12:00:00"#]]
    .assert_eq(&ids.join("\n"));
    let life = convert(Source::Slurm, runs.as_bytes(), &as_state());
    let mut events: Vec<_> = life.output.lines().map(read).collect();
    // The order of rating: instant, sequence, id.
    events.sort_by(|(one, _), (other, _)| {
        (one.time, &one.sequence, &one.id).cmp(&(other.time, &other.sequence, &other.id))
    });
    let states: Vec<_> = events.iter().map(|(_, data)| data.state.as_deref().unwrap()).collect();
    assert_eq!(states, ["RUNNING", "DELETED", "RUNNING", "DELETED", "RUNNING", "DELETED"]);
}

#[test]
fn an_event_id_does_not_depend_on_the_time_zone() {
    let ids = |options: &Options| {
        let outcome = convert(Source::Slurm, FIXTURE, options);
        outcome.output.lines().map(|line| read(line).0.id.into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&Options::default()), ids(&in_zone("Europe/Moscow")));
}

#[test]
fn a_header_names_the_columns_in_any_order() {
    let header = "User|Account|Cluster|JobID|State|Start|End|Elapsed|AllocCPUS|AllocTRES|NodeList|JobName";
    let row =
        "anna|geo|birch|17|COMPLETED|2026-10-05T10:00:00|2026-10-05T11:00:00|01:00:00|8|cpu=8,mem=2G|b01|x";
    let other = job(&[("jobid", "18"), ("jobidraw", "18")]);
    let input = format!("{header}\n{row}\n{NAMES}\n{other}");
    check(
        input,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 ram_mb=2048 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2 records, 2 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_bar_at_the_end_of_each_line_is_no_field() {
    let closed = |text: &str| text.replace('\n', "|\n");
    check(
        closed(&job(&[])),
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
    check(
        closed(&format!("{NAMES}\n{}", job(&[]))),
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_header_without_a_column_that_is_billed_refuses_its_lines_until_another_header() {
    let header = NAMES.replace("alloctres", "comment");
    let input = format!("{header}\n{}{}{NAMES}\n{}", job(&[]), job(&[]), job(&[]));
    check(
        input,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        line 2: alloctres: the header of the file does not name this column
          add the column to the --format of sacct
        line 3: alloctres: the header of the file does not name this column
          add the column to the --format of sacct
        3 records, 1 events, 2 refused, skipped {}
    "#]],
    );
}

#[test]
fn gpus_are_the_plain_entry_or_the_sum_of_the_typed_ones() {
    let allocations = [
        "cpu=8,gres/gpu=4,gres/gpu:a100=3,gres/gpu:h100=1,mem=1M",
        "cpu=8,gres/gpu:a100=3,gres/gpu:h100=1,gres/gpumem=9G,gres/gpuutil=50,mem=1M",
        "cpu=8,mem=1M",
        "",
        "cpu=8,gres/gpu=2K,mem=1M",
        "cpu=8,gres/gpu=-1",
        "cpu=8,gres/gpu",
    ];
    let input: String = allocations.map(|alloctres| job(&[("alloctres", alloctres)])).concat();
    check(
        input,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=4 partition=day qos=normal ram_mb=1 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=4 partition=day qos=normal ram_mb=1 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=1 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 partition=day qos=normal ram_mb=2000 state=COMPLETED
        line 5: alloctres: gres/gpu is "2K", not a whole number of at most 12 digits
          export it as a plain number, with `sacct --noconvert`
        line 6: alloctres: gres/gpu is "-1", not a whole number of at most 12 digits
          export it as a plain number, with `sacct --noconvert`
        line 7: alloctres: "gres/gpu" is not NAME=AMOUNT
          export AllocTRES as sacct prints it
        7 records, 4 events, 3 refused, skipped {}
    "#]],
    );
}

#[test]
fn memory_is_of_the_whole_job_in_powers_of_1024() {
    let amounts = ["1536K", "100", "62.50G", "0.5T", "1P", "1.5X", "G", "1e3M", "999999999999T", "-5M", ""];
    let input: String = amounts.map(|mem| job(&[("alloctres", &format!("cpu=8,mem={mem}"))])).concat();
    check(
        input,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=1.5 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=100 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=64000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=524288 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=1073741824 state=COMPLETED
        line 6: alloctres: "1.5X": unknown suffix "X"
          use K, M, G, T or P, or no suffix for M
        line 7: alloctres: "G" is not an amount such as 62.50G
          export it as sacct prints it
        line 8: alloctres: "1e3M" is not an amount such as 62.50G
          export it as sacct prints it
        line 9: alloctres: comes to 10^12 or more
          check the record in the accounting database
        line 10: alloctres: "-5M" is not an amount such as 62.50G
          export it as sacct prints it
        line 11: alloctres: "" is not an amount such as 62.50G
          export it as sacct prints it
        11 records, 5 events, 6 refused, skipped {}
    "#]],
    );
}

#[test]
fn memory_that_was_not_recorded_is_what_was_asked_for() {
    // The fourth is the mark "per CPU", 2^31, with 3000 MB; zero asks for all that the nodes have.
    let amounts =
        ["1000Mn", "1000Mc", "2.50G", "2147486648Mn", "0n", "", "1000Mx", "n", "?", "999999999999999Mn"];
    let input: String =
        amounts.map(|reqmem| job(&[("alloctres", "cpu=8,node=2"), ("reqmem", reqmem)])).concat();
    check(
        input,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=8000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2560 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=24000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal state=COMPLETED
        line 7: reqmem: "1000Mx": unknown suffix "Mx"
          use K, M, G, T or P, or no suffix for M
        line 8: reqmem: "" is not an amount such as 62.50G
          export it as sacct prints it
        line 9: reqmem: "?": unknown suffix "?"
          use K, M, G, T or P, or no suffix for M
        line 10: reqmem: "999999999999999M" is not an amount such as 62.50G
          export it as sacct prints it
        10 records, 6 events, 4 refused, skipped {}
    "#]],
    );
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
    check(
        rows.concat(),
        &Options::default(),
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
    check(
        input.concat(),
        &Options::default(),
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

#[test]
fn broken_lines_are_refused_one_by_one() {
    let mut input = job(&[]).into_bytes();
    input.extend_from_slice(b"17|17|birch\n");
    input.extend_from_slice(b"no bars at all\n\n");
    input.extend_from_slice(job(&[("jobname", "a|b")]).as_bytes());
    input.extend_from_slice(b"17|17|birch|d\xe9jeuner|");
    input.extend_from_slice(job(&[]).split_once("day|").unwrap().1.as_bytes());
    input.extend_from_slice(job(&[("jobname", "?")]).replace('?', "\u{fffd}").as_bytes());
    let latin = job(&[("jobname", "#")]).into_bytes();
    input.extend(latin.into_iter().map(|byte| if byte == b'#' { 0xe9 } else { byte }));
    input.extend_from_slice(job(&[("jobid", "root"), ("jobidraw", "")]).as_bytes());
    input.extend_from_slice(job(&[("cluster", "")]).as_bytes());
    input.extend_from_slice(job(&[("account", "")]).as_bytes());
    input.extend_from_slice(job(&[("ncpus", "many")]).as_bytes());
    input.extend_from_slice(job(&[("ncpus", "9999999999999")]).as_bytes());
    input.extend_from_slice(job(&[("ncpus", "-8")]).as_bytes());
    input.extend_from_slice(job(&[("jobid", "18"), ("user", "")]).as_bytes());
    check(
        input,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2026-10-05T11:00:00Z geo: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        line 2: 3 fields, not 26
          export the line again; if a job name contains a bar, export without JobName
        line 3: 1 field, not 26
          export the line again; if a job name contains a bar, export without JobName
        line 5: 27 fields, not 26
          export the line again; if a job name contains a bar, export without JobName
        line 6: partition: byte 2 is not valid UTF-8
          write the file as UTF-8, or export without the column
        line 8: jobname: byte 1 is not valid UTF-8
          write the file as UTF-8, or export without the column
        line 9: jobid: "root" is not a job id such as 17 or 17_3
          export the line again, with the columns in the documented order
        line 10: cluster: is empty
          export the column Cluster
        line 11: account: is empty
          give the job an account: it is the project that pays for the job
        line 12: ncpus: "many" is not a whole number of at most 12 digits
          export it as a plain number
        line 13: ncpus: "9999999999999" is not a whole number of at most 12 digits
          export it as a plain number
        line 14: ncpus: "-8" is not a whole number of at most 12 digits
          export it as a plain number
        14 records, 3 events, 11 refused, skipped {}
    "#]],
    );
}

#[test]
fn quotes_and_control_characters_are_plain_text() {
    let odd = job(&[("account", "\"geo"), ("user", "an\u{1}na\\"), ("jobname", "\"")]);
    check(
        &odd,
        &Options::default(),
        &expect![[r#"
        2026-10-05T11:00:00Z "geo, anna\: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn an_empty_file_has_no_records() {
    let nothing = expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]];
    for empty in ["", "\n", "\r\n\n", "\u{feff}"] {
        check(empty, &Options::default(), &nothing);
    }
    check(
        NAMES,
        &Options::default(),
        &expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn line_ends_a_byte_order_mark_and_a_missing_last_line_end_change_nothing() {
    let plain = convert(Source::Slurm, FIXTURE, &Options::default());
    let text = std::str::from_utf8(FIXTURE).unwrap();
    for same in [text.replace('\n', "\r\n"), text.trim_end().to_owned(), format!("\u{feff}{text}")] {
        let other = convert(Source::Slurm, same.as_bytes(), &Options::default());
        assert_eq!(other.output, plain.output);
        assert_eq!(other.refusals, plain.refusals);
        assert_eq!(other.summary, plain.summary);
    }
}

#[test]
fn an_endless_line_is_refused_without_being_kept() {
    let after = job(&[]);
    let endless = io::repeat(b'|').take(20 << 20).chain(&b"\n"[..]).chain(after.as_bytes());
    let mut refusals = Vec::new();
    let mut output = Vec::new();
    let summary = Source::Slurm
        .convert(&mut BufReader::new(endless), &mut output, &Options::default(), &mut |refused| {
            refusals.push(refused.to_string());
        })
        .unwrap();
    assert_eq!((summary.records, summary.events), (2, 1));
    expect!["line 1: the line is longer than 65536 bytes"].assert_eq(&refusals.join("\n"));
}

#[test]
fn the_longest_line_is_converted_and_its_event_accepted() {
    let without = job(&[("account", "")]).trim_end().len();
    let longest = |length: usize| job(&[("account", &"\u{1}".repeat(length - without))]);
    let outcome = convert(Source::Slurm, longest(1 << 16).as_bytes(), &as_state());
    assert_eq!((outcome.summary.events, outcome.summary.refused), (2, 0));
    let crlf = longest(1 << 16).replace('\n', "\r\n");
    assert_eq!(convert(Source::Slurm, crlf.as_bytes(), &as_state()).summary.refused, 0);
    let longer = convert(Source::Slurm, longest((1 << 16) + 1).as_bytes(), &as_state());
    assert_eq!((longer.summary.events, longer.summary.refused), (0, 1));
}

/// Fails after what it holds.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::other("the tape tore")),
            count => Ok(count),
        }
    }
}

impl Write for Broken<'_> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn failures_of_reading_and_writing_are_handed_on() {
    let fails = |input: &mut dyn BufRead, output: &mut dyn Write| {
        Source::Slurm.convert(input, output, &Options::default(), &mut |_| {}).unwrap_err().to_string()
    };
    let mut output = Vec::new();
    assert_eq!(fails(&mut BufReader::new(Broken(FIXTURE)), &mut output), "the tape tore");
    assert!(!output.is_empty());
    assert_eq!(fails(&mut &FIXTURE[..], &mut Broken(b"")), "the disk is full");
}

#[test]
fn summaries_of_several_files_add_up() {
    let mut summary = convert(Source::Slurm, FIXTURE, &Options::default()).summary;
    summary += convert(Source::Slurm, FIXTURE, &Options::default()).summary;
    assert_eq!(summary, convert(Source::Slurm, &FIXTURE.repeat(2), &Options::default()).summary);
}

#[test]
fn sources_are_known_by_name() {
    for source in Source::ALL {
        assert_eq!(Source::named(source.name()), Some(source));
    }
    assert_eq!(Source::named("torque"), None);
}

#[test]
fn a_real_cluster_comes_to_the_hours_of_the_reference() {
    let Some(log) = shared("slurm-sacct/phillips.log") else { return };
    let outcome = convert(Source::Slurm, &log, &Options::default());
    assert_eq!(outcome.refusals, []);
    assert_eq!((outcome.summary.records, outcome.summary.events), (4_285, 4_046));
    assert_eq!(outcome.summary.skipped_as["jobs that never started"], 239);
    let (mut cores, mut gpus) = (0, 0);
    for line in outcome.output.lines() {
        let (_, data) = read(line);
        cores += quantity(&data, "cores") * quantity(&data, "duration_s");
        gpus += quantity(&data, "gpus") * quantity(&data, "duration_s");
    }
    assert_eq!((hours(cores), hours(gpus)), ("11767.9883".to_owned(), "506.9128".to_owned()));

    // Counted in another way: fields by their places, seconds as the difference of the two local times.
    let (mut other_cores, mut other_gpus) = (0, 0);
    for line in std::str::from_utf8(&log).unwrap().lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let time = |at: usize| fields[at].parse::<jiff::civil::DateTime>().unwrap();
        let seconds = i128::from(time(13).duration_since(time(12)).as_secs());
        other_cores += fields[18].parse::<i128>().unwrap() * seconds;
        if let Some((_, rest)) = fields[22].split_once("gres/gpu=") {
            other_gpus += rest.split(',').next().unwrap().parse::<i128>().unwrap() * seconds;
        }
    }
    assert_eq!((cores, gpus), (other_cores, other_gpus));
}

#[test]
fn the_lives_of_real_jobs_last_as_long_as_their_use() {
    let Some(log) = shared("slurm-sacct/phillips.log") else { return };
    let outcome = convert(Source::Slurm, &log, &as_state());
    assert_eq!((outcome.summary.refused, outcome.summary.events), (0, 2 * 4_046));
    let mut core_nanoseconds = 0;
    let mut running = None;
    for line in outcome.output.lines() {
        let (envelope, data) = read(line);
        match running.take() {
            None => running = Some((envelope.time, quantity(&data, "cores"))),
            Some((since, cores)) => core_nanoseconds += i128::from(envelope.time - since) * cores,
        }
    }
    assert_eq!(hours(core_nanoseconds / kopeck_rating::number::ONE), "11767.9883");
}

#[test]
fn what_real_jobs_asked_for_decodes_to_what_they_got() {
    let Some(log) = shared("slurm-sacct/phillips.log") else { return };
    let text = String::from_utf8(log).unwrap();
    let mut without = String::new();
    for (at, part) in text.split("mem=").enumerate() {
        without.push_str(if at == 0 { part } else { part.split_once(',').unwrap().1 });
    }
    assert!(!without.contains("mem="));
    let recorded = convert(Source::Slurm, text.as_bytes(), &Options::default());
    let decoded = convert(Source::Slurm, without.as_bytes(), &Options::default());
    assert_eq!(recorded.output, decoded.output);
}
