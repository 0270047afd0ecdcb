//! What each step from a line to a charge costs, on one core: `cargo bench -p kopeck-rating`.
//!
//! `kopeck bench rate` measures the whole command; here each step stands alone, beside the parsing of the same lines
//! by `serde_json`, which nothing that reads JSON can beat by much.
#![allow(clippy::unwrap_used, reason = "the books and lines are our own")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use jiff::civil::{Date, date};
use kopeck_rating::charge::Window;
use kopeck_rating::event::{Description, EventType};
use kopeck_rating::live::Live;
use kopeck_rating::plan::Plan;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::{Batch, Origin, Rater, Unfinished};
use kopeck_sample::{Options, Sample, plain};
use serde::Deserialize;
use serde_json::value::RawValue;

fn main() {
    divan::main();
}

const OCTOBER: Date = date(2026, 10, 1);
const START: Origin = Origin { file: 0, line: 1 };
/// VMs of the sample that is read and rated: some 6,000 events.
const SAMPLE_VMS: u32 = 30;
/// VMs of ten events each that are metered.
const VMS: u32 = 2_000;
/// VMs whose events come to live rating.
const LIVE_VMS: u32 = 500;

fn sample() -> Vec<u8> {
    let options = Options { vms: SAMPLE_VMS, ..Options::default() };
    let mut sample = Sample::new(&options).unwrap();
    let (mut line, mut lines) = (Vec::new(), Vec::new());
    while sample.next_line(&mut line) {
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    lines
}

fn line_count(lines: &[u8]) -> ItemsCount {
    ItemsCount::new(lines.iter().filter(|byte| **byte == b'\n').count())
}

fn batch(lines: impl Into<Vec<u8>>) -> Batch {
    Batch::read(lines.into(), START)
}

/// Makes the bill on this thread, and counts its charges.
fn charges(rater: Rater) -> usize {
    rater.finish_in_pieces(1, |_| (), |()| Ok::<_, Unfinished>(())).unwrap().charges
}

fn sample_book() -> PriceBook {
    PriceBook::read(include_str!("../../../examples/sample.toml")).unwrap()
}

fn october(book: &PriceBook) -> Window {
    Window::new(book.calendar(), OCTOBER, date(2026, 11, 1), None).unwrap()
}

/// An event as the baseline reads it.
#[derive(Deserialize)]
#[allow(dead_code, reason = "reading is what is measured")]
struct Plain<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    project: Cow<'a, str>,
    #[serde(borrow)]
    data: PlainData<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "reading is what is measured")]
struct PlainData<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    attributes: BTreeMap<&'a str, &'a RawValue>,
}

/// The baseline, in events.
#[divan::bench]
fn a_parsing_alone(bencher: Bencher<'_, '_>) {
    let lines = sample();
    bencher.counter(line_count(&lines)).bench_local(|| {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            black_box(serde_json::from_slice::<Plain<'_>>(line).unwrap());
        }
    });
}

/// Lines to checked and hashed events.
#[divan::bench]
fn b_reading(bencher: Bencher<'_, '_>) {
    let lines = sample();
    bencher.counter(line_count(&lines)).with_inputs(|| lines.clone()).bench_local_values(batch);
}

/// Lines to charges.
#[divan::bench]
fn c_rating_in_one_go(bencher: Bencher<'_, '_>) {
    let (lines, book) = (sample(), sample_book());
    bencher.counter(line_count(&lines)).with_inputs(|| lines.clone()).bench_local_values(|lines| {
        let mut rater = Rater::new(&book, october(&book)).unwrap();
        rater.take(rater.reader().read(lines, START), |_, _| {}).unwrap();
        charges(rater)
    });
}

/// Kept records to rows, in VM-months of ten events and four components.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn d_core_alone(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(&plain::vm_book()).unwrap();
    let events: String = (0..VMS).map(plain::vm_month).collect();
    let taken = || {
        let mut rater = Rater::new(&book, october(&book)).unwrap();
        rater.take(rater.reader().read(events.clone().into_bytes(), START), |_, _| {}).unwrap();
        rater
    };
    bencher.counter(ItemsCount::new(VMS)).with_inputs(taken).bench_local_values(charges);
}

/// Which components price a use, in a book of so many.
#[divan::bench(args = [10, 5_600])]
fn e_matching(bencher: Bencher<'_, '_>, components: usize) {
    let book = PriceBook::read(&plain::meter_book(components)).unwrap();
    let plan = Plan::new(&book, october(&book)).unwrap();
    let second = plan.start();
    let uses: Vec<Description> = (0..10)
        .map(|number| {
            let meter = number * (components / 10);
            let data = format!(
                r#"{{"kind": "meter", "attributes": {{"meter_id": "m{meter}", "unit": "h", "hours": 3}}}}"#
            );
            Description::read(EventType::Usage, &RawValue::from_string(data).unwrap()).unwrap()
        })
        .collect();
    assert!(uses.iter().all(|data| plan.uses(data, second).count() == 1));
    bencher
        .counter(ItemsCount::new(uses.len()))
        .bench_local(|| uses.iter().flat_map(|data| plan.uses(black_box(data), second)).sum::<usize>());
}

/// The events of the VMs that are held back, and all others, each VM's in order.
fn held_back(is_late: impl Fn(usize) -> bool) -> [Batch; 2] {
    let mut parts = [String::new(), String::new()];
    for vm in 0..LIVE_VMS {
        for (number, line) in plain::vm_month(vm).lines().enumerate() {
            parts[usize::from(is_late(number))].extend([line, "\n"]);
        }
    }
    parts.map(batch)
}

fn go_on((mut live, then): (Live, Batch)) -> Live {
    live.take(&then, |_, outcome| assert!(outcome.is_ok()));
    live
}

fn live(bencher: Bencher<'_, '_>, events: usize, [first, then]: [Batch; 2]) {
    let book = PriceBook::read(&plain::vm_book()).unwrap();
    let taken = || {
        let mut live = Live::new(&book, OCTOBER).unwrap();
        live.take(&first, |_, _| {});
        live.take_touched();
        (live, then.clone())
    };
    bencher.counter(ItemsCount::new(events)).with_inputs(taken).bench_local_values(go_on);
}

/// Live rating of events that are the latest of their resource.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn f_live_in_order(bencher: Bencher<'_, '_>) {
    live(bencher, LIVE_VMS as usize * 5, held_back(|number| number >= 5));
}

/// A whole live rater to bytes, in events.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn h_packing_all(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(&plain::vm_book()).unwrap();
    let live = all_taken(&book);
    bencher.counter(ItemsCount::new(LIVE_VMS * plain::EVENTS_A_VM)).bench_local(|| live.pack_all().unwrap());
}

/// And back.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn i_restoring_all(bencher: Bencher<'_, '_>) {
    let book = PriceBook::read(&plain::vm_book()).unwrap();
    let packed = all_taken(&book).pack_all().unwrap();
    bencher
        .counter(ItemsCount::new(LIVE_VMS * plain::EVENTS_A_VM))
        .bench_local(|| Live::restore_all(&book, packed.clone()).unwrap());
}

fn all_taken(book: &PriceBook) -> Live {
    let mut live = Live::new(book, OCTOBER).unwrap();
    live.take(&batch((0..LIVE_VMS).map(plain::vm_month).collect::<String>()), |_, _| {});
    live.take_touched();
    live
}

/// Live rating of events before which five others of their resource have come too early.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn g_live_late(bencher: Bencher<'_, '_>) {
    live(bencher, LIVE_VMS as usize, held_back(|number| number == 4));
}
