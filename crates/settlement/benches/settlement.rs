//! What settling costs, on one core: `cargo bench -p kopeck-settlement`.
//!
//! Events are read and hashed beforehand, as ingestion does it on other threads; here they are taken and decided.
#![allow(clippy::unwrap_used, reason = "the books and lines are our own")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::civil::{Date, date};
use kopeck_ledger::name::{AccountId, Moment};
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::calendar::Second;
use kopeck_rating::event::second_of;
use kopeck_rating::price_book::PriceBook;
use kopeck_sample::{Options, Sample, plain};
use kopeck_settlement::parties::{Authorised, Parties};
use kopeck_settlement::shard::{MeterId, MeterKind, Shard};

fn main() {
    divan::main();
}

const OCTOBER: Date = date(2026, 10, 1);
const METER: MeterId = MeterId(1);
/// VMs of the sample: some 200,000 events.
const SAMPLE_VMS: u32 = 1_000;
/// Events between two looks.
const LOOK: usize = 10_000;
/// Resources that run when everything is looked at.
const RUNNING: u32 = 20_000;

struct Everyone;

impl Parties for Everyone {
    fn payer(&self, _: &str, _: Second) -> Option<AccountId> {
        Some(AccountId(uuid::Uuid::from_u128(1)))
    }

    fn executor(&self, _: MeterId) -> Option<AccountId> {
        None
    }

    fn api(&self, _: MeterId) -> Option<AccountId> {
        None
    }

    fn authorised(&self, _: &str) -> Option<Authorised> {
        None
    }
}

/// The sample stream in the order of arrival, in batches of a look each.
fn sample() -> Vec<Arc<Batch>> {
    let options = Options { vms: SAMPLE_VMS, ..Options::default() };
    let mut sample = Sample::new(&options).unwrap();
    let (mut line, mut lines, mut count, mut batches) = (Vec::new(), Vec::new(), 0, Vec::new());
    while sample.next_line(&mut line) {
        lines.extend_from_slice(&line);
        lines.push(b'\n');
        count += 1;
        if count % LOOK == 0 {
            batches.push(batch(std::mem::take(&mut lines)));
        }
    }
    batches.push(batch(lines));
    batches
}

fn batch(lines: Vec<u8>) -> Arc<Batch> {
    Arc::new(Batch::read(lines, Origin { file: 0, line: 1 }))
}

fn shard(book: &PriceBook) -> Shard {
    let mut shard = Shard::new(1, OCTOBER);
    shard.add_meter(METER, &Arc::new(book.clone()), MeterKind::Service).unwrap();
    shard
}

/// Takes a batch and decides once all its seconds have passed. Answers how many postings came of it.
fn look(shard: &mut Shard, batch: &Arc<Batch>, whole: bool) -> usize {
    let mut last = second_of(shard.at().nanoseconds());
    for index in 0..batch.len() {
        if let Some(time) = batch.time_of(index) {
            shard.take(batch, index, METER).unwrap();
            last = last.max(second_of(time) + 1);
        }
    }
    decide(shard, last, whole)
}

fn decide(shard: &mut Shard, at: Second, whole: bool) -> usize {
    let step = shard.decide(Moment::from_nanoseconds(at * 1_000_000_000).unwrap(), whole, &Everyone).unwrap();
    if !step.postings.is_empty() {
        shard.settled(&step, &[]).unwrap();
    }
    step.postings.len()
}

/// The sample stream, in events: taken, decided and settled.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_sample_taken_and_decided(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(include_str!("../../../examples/sample.toml")).unwrap();
    let batches = sample();
    let events: usize = batches.iter().map(|batch| batch.len()).sum();
    bencher.counter(ItemsCount::new(events)).with_inputs(|| shard(&book)).bench_local_values(|mut shard| {
        let postings: usize = batches.iter().map(|batch| look(&mut shard, batch, false)).sum();
        assert!(postings > 0 && shard.failures().is_empty());
        shard
    });
}

/// The same without looks: what taking alone costs.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn b_sample_rated_alone(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(include_str!("../../../examples/sample.toml")).unwrap();
    let batches = sample();
    let events: usize = batches.iter().map(|batch| batch.len()).sum();
    let live = || kopeck_rating::live::Live::new(&book, OCTOBER).unwrap();
    bencher.counter(ItemsCount::new(events)).with_inputs(live).bench_local_values(|mut live| {
        for batch in &batches {
            for index in 0..batch.len() {
                live.take_accepted(batch, index).unwrap();
            }
            live.take_touched();
        }
        live
    });
}

/// A whole look at resources of four components that run, in charges.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn c_whole_look(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(&plain::vm_book()).unwrap();
    let lines: String =
        (0..RUNNING).map(|vm| plain::vm_month(vm).lines().next().unwrap().to_owned() + "\n").collect();
    let mut shard = shard(&book);
    look(&mut shard, &batch(lines.into_bytes()), true);
    let mut at = second_of(shard.at().nanoseconds());
    bencher.counter(ItemsCount::new(RUNNING * 4)).bench_local(|| {
        at += 3_600;
        assert!(decide(&mut shard, at, true) > 0);
    });
}

/// What is packed of a shard, in resources.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn d_packing(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(&plain::vm_book()).unwrap();
    let lines: String =
        (0..RUNNING).map(|vm| plain::vm_month(vm).lines().next().unwrap().to_owned() + "\n").collect();
    let mut shard = shard(&book);
    look(&mut shard, &batch(lines.into_bytes()), true);
    bencher.counter(ItemsCount::new(RUNNING)).bench_local(|| shard.pack().unwrap());
}
