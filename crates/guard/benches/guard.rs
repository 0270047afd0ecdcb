//! What re-arming costs: an event of one resource, and the whole decision about its project's cap after it, where the project
//! has ten thousand, a hundred thousand and a million resources. The times are to be the same.
#![allow(clippy::unwrap_used, reason = "what is made here is valid")]

use std::ops::Range;

use divan::{Bencher, black_box};
use jiff::civil::date;
use jiff::{Timestamp, ToSpan};
use kopeck_guard::curve::Curve;
use kopeck_guard::decide::{Question, Reaction, Time, Used, decide};
use kopeck_guard::limit::{ActionPlan, Bound};
use kopeck_rating::calendar::Second;
use kopeck_rating::live::Live;
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::stops::Stops;

/// Four components for a machine that runs, three for one that is stopped, as in a usual cloud.
const BOOK: &str = r#"
[book]
id = "cloud"
currency = "RUB"
timezone = "Europe/Moscow"
[[version]]
effective = 2026-01-01
[[version.component]]
id = "vcpu"
kind = "vm"
when = { state = "active" }
model = "per_second"
quantity = ["vcpu"]
price = "365.25"
per = "month"
[[version.component]]
id = "ram"
kind = "vm"
when = { state = "active" }
model = "hourly_peak"
quantity = ["ram"]
price = "0.35"
[[version.component]]
id = "ram.inactive"
kind = "vm"
when = { state = "inactive" }
model = "hourly_peak"
quantity = ["ram"]
price = "0.05"
[[version.component]]
id = "address"
kind = "vm"
model = "monthly"
quantity = []
price = "150"
[[version.component]]
id = "licence"
kind = "vm"
model = "monthly"
prorate = "second"
quantity = []
price = "31"
"#;

fn main() {
    divan::main();
}

fn second(text: &str) -> Second {
    text.parse::<Timestamp>().unwrap().as_second()
}

fn event(number: usize, at: Second, vcpu: usize) -> String {
    let time = Timestamp::from_second(at).unwrap();
    format!(
        r#"{{"specversion":"1.0","id":"{number}-{at}","source":"s","type":"kopeck.state.v1","subject":"vm-{number}","time":"{time}","project":"acme","data":{{"kind":"vm","state":"RUNNING","attributes":{{"vcpu":{vcpu},"ram":{}}}}}}}"#,
        4 * vcpu
    )
}

/// A project of so many machines.
struct Project {
    live: Live,
    now: Second,
    months: [Range<Second>; 2],
    resources: usize,
    next: usize,
    events: usize,
}

impl Project {
    fn of(resources: usize) -> Project {
        let book = PriceBook::read(BOOK).unwrap();
        let november = date(2026, 11, 1);
        let months = [november, november + 1.month()].map(|day| book.calendar().month(day).unwrap());
        let months = months.map(|month| month.start..month.end);
        let mut live = Live::new(&book, november).unwrap();
        live.keep_running(Stops::default()).unwrap();
        let now = second("2026-11-10T10:00:00Z");
        for number in 0..resources {
            live.accept(event(number, now, 1 + number % 8).as_bytes()).unwrap();
        }
        Project { live, now, months, resources, next: 0, events: 0 }
    }

    /// Something of the project changes.
    fn happens(&mut self) {
        self.now += 1;
        self.events += 1;
        self.next = (self.next + 7_919) % self.resources;
        self.live.accept(event(self.next, self.now, 1 + self.events % 7).as_bytes()).unwrap();
    }

    /// When to look next, and what to do now: thresholds, this month's cap and the next one's.
    fn decides(&mut self) {
        let from = self.now + 1;
        let standing = self.live.standing("acme", (from, self.months[1].end)).unwrap().unwrap();
        let mut curve = Curve::new(from);
        curve.add(&standing).unwrap();
        let [month, next] = self.months.clone();
        let plan = ActionPlan::of_cap();
        // Half of what the month will cost: the stop and both thresholds are looked for.
        let all = curve.cost(&kopeck_guard::curve::Period::Month(month.clone()), month.end).unwrap().most();
        let half = all.micros() / ethnum::I256::new(2);
        let bound = Some(Bound::new(Amount::from_micros(half)).unwrap());
        let time = Time::Months(month, next);
        let reaction = Reaction { delay: 30, latency: 60, horizon: Reaction::HORIZON };
        let question = Question { bound, plan: &plan, time, used: Used::NOTHING, told: None, reaction };
        black_box(decide(&curve, &question).unwrap());
    }
}

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

#[divan::bench(args = SIZES)]
fn an_event_with_sums_of_what_runs(bencher: Bencher<'_, '_>, resources: usize) {
    let mut project = Project::of(resources);
    bencher.bench_local(|| project.happens());
}

#[divan::bench(args = SIZES)]
fn a_decision_about_a_project(bencher: Bencher<'_, '_>, resources: usize) {
    let mut project = Project::of(resources);
    project.happens();
    bencher.bench_local(|| project.decides());
}

#[divan::bench(args = SIZES)]
fn an_event_and_the_decision_after_it(bencher: Bencher<'_, '_>, resources: usize) {
    let mut project = Project::of(resources);
    bencher.bench_local(|| {
        project.happens();
        project.decides();
    });
}
