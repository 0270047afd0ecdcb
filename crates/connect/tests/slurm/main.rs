//! Slurm accounting into events. All records here are made up, but for those of `real`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../check/mod.rs"]
mod check;

mod files;
mod jobs;
mod measures;
mod real;
mod times;

use expect_test::Expect;
use kopeck_connect::convert::{Options, Source};

/// Some usual jobs, and what else stands in such a file.
const FIXTURE: &[u8] = include_bytes!("../fixtures/slurm.log");

const NAMES: &str = "jobid|jobidraw|cluster|partition|qos|account|group|gid|user|uid|submit|eligible|start|end|elapsed|\
                     exitcode|state|nnodes|ncpus|reqcpus|reqmem|reqtres|alloctres|timelimit|nodelist|jobname";

fn check(input: impl AsRef<[u8]>, options: &Options, expected: &Expect) {
    check::check(Source::Slurm, input.as_ref(), options, expected);
}

/// As [`check`], of jobs that become usage.
fn usage(input: impl AsRef<[u8]>, expected: &Expect) {
    check(input, &Options::default(), expected);
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
