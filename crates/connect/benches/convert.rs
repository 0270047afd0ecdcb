//! What a record of each format costs, from its bytes to its event: `cargo bench -p kopeck-connect`.
#![allow(clippy::unwrap_used, reason = "the records are our own")]

use std::io;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use kopeck_connect::convert::{Options, Source};

fn main() {
    divan::main();
}

/// How often a fixture's records stand in the input: one after the other as of so many days or clusters.
const TIMES: usize = 200;

/// Headers stand once.
fn repeated(text: &str, headers: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (headers, records) = lines.split_at(headers);
    [headers.join("\n"), vec![records.join("\n"); TIMES].join("\n")].join("\n")
}

fn records(bencher: Bencher<'_, '_>, source: Source, text: &str) {
    let convert = || {
        let mut output = io::sink();
        source.convert(&mut text.as_bytes(), &mut output, &Options::default(), &mut |_| {}).unwrap()
    };
    let records = ItemsCount::new(convert().records);
    bencher.counter(records).counter(BytesCount::of_str(text)).bench_local(convert);
}

#[divan::bench]
fn slurm(bencher: Bencher<'_, '_>) {
    records(bencher, Source::Slurm, &repeated(include_str!("../tests/fixtures/slurm.log"), 1));
}

#[divan::bench]
fn swf(bencher: Bencher<'_, '_>) {
    records(bencher, Source::Swf, &repeated(include_str!("../tests/fixtures/log.swf"), 0));
}

#[divan::bench]
fn focus(bencher: Bencher<'_, '_>) {
    records(bencher, Source::Focus, &repeated(include_str!("../tests/fixtures/focus.csv"), 1));
}

#[divan::bench]
fn openstack_log(bencher: Bencher<'_, '_>) {
    records(
        bencher,
        Source::OpenstackLog,
        &repeated(include_str!("../tests/fixtures/openstack-log.json"), 0),
    );
}
