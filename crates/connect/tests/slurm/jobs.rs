//! What a job becomes.

use expect_test::expect;
use kopeck_connect::convert::{Options, Source};

use crate::check::{as_state, convert, read};
use crate::{FIXTURE, check, job, usage};

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
    usage(
        FIXTURE,
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
    usage(
        &suspended,
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
