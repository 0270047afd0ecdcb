//! Sums of what is running against the charges of live rating, which walk every resource.
//!
//! `PROPTEST_CASES` sets how many clouds each rule is tried on. A cloud that fails prints as the files that show it.
#![allow(clippy::unwrap_used, reason = "what random clouds are made of is valid")]

#[allow(dead_code, reason = "other tests use the rest")]
mod clouds;

use std::collections::BTreeMap;

use clouds::{Cloud, Taste, clouds};
use jiff::civil::Date;
use kopeck_rating::calendar::Second;
use kopeck_rating::live::Live;
use kopeck_rating::live::running::{Flow, FlowKey, Total};
use kopeck_rating::live::standing::{Due, Peak};
use kopeck_rating::money::Quantity;
use kopeck_rating::price_book::StateMeaning;
use kopeck_rating::stops::Stops;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Everything that a project stands for.
#[derive(Debug, PartialEq)]
struct Stood {
    bought: BTreeMap<usize, Total>,
    flows: Vec<(FlowKey, Flow)>,
    due: Vec<Due>,
    peaks: Vec<Peak>,
}

fn stands(live: &mut Live, project: &str, from: Second) -> Stood {
    let Some(standing) = live.standing(project, (from, from + 40 * 86_400)).unwrap() else {
        return Stood { bought: BTreeMap::new(), flows: Vec::new(), due: Vec::new(), peaks: Vec::new() };
    };
    let mut bought: BTreeMap<usize, Total> = BTreeMap::new();
    for part in &standing.bought {
        let sum = bought.entry(part.part).or_insert(Total::ZERO);
        *sum = sum.checked_add(part.total).unwrap();
    }
    let flows = standing.flows.iter().map(|(key, flow)| (*key, (*flow).clone())).collect();
    Stood { bought, flows, due: standing.due.clone(), peaks: standing.peaks.clone() }
}

/// What each component and version of a project has come to, by its charges.
fn charged(
    live: &mut Live,
    project: &str,
    (month, at): (Date, Second),
) -> BTreeMap<(String, Date), Quantity> {
    let mut sums = BTreeMap::new();
    for charge in live.charges(month, at).unwrap().charges {
        if charge.key.project == project {
            let sum =
                sums.entry((charge.key.component.clone(), charge.key.version)).or_insert(Quantity::ZERO);
            *sum = sum.checked_add(charge.quantity).unwrap();
        }
    }
    sums.retain(|_, quantity| !quantity.is_zero());
    sums
}

const PROJECTS: [&str; 3] = ["acme", "beta", "gamma"];

fn stops() -> Stops {
    let mut stops = Stops::default();
    stops.set("disk", Some(StateMeaning::Deleted));
    stops
}

/// Bills a project from somewhere on, to somewhere.
type Bill = (&'static str, Option<&'static str>, i64, i64);

fn bill() -> impl Strategy<Value = Bill> {
    let source = select(vec![None, Some("s1"), Some("s2")]);
    (select(PROJECTS.to_vec()), source, -200_000..200_000_i64, 1..400_000_i64)
}

/// Bills before the first event.
fn billed(live: &mut Live, (project, source, from, seconds): Bill, base: Second) {
    let start = base + from;
    let again = start + 2 * seconds;
    live.bill(project, source, vec![start..start + seconds, again..Second::MAX]).unwrap();
}

/// Bills differently from a second on that lies beyond all events.
fn billed_anew(live: &mut Live, (project, source, from, seconds): Bill) {
    let end = live.latest() + 1 + from.abs();
    live.bill(project, source, vec![Second::MIN..end, end + seconds..Second::MAX]).unwrap();
}

fn check(cloud: &Cloud, bills: &[Bill], cut: usize, after: &[i64]) -> Result<(), TestCaseError> {
    let book = cloud.book();
    let mut live = Live::new(&book, cloud.from).unwrap();
    let first = live.latest();
    live.keep_running(stops()).unwrap();
    for bill in bills.iter().take(1) {
        billed(&mut live, *bill, first);
    }
    for (number, line) in cloud.lines.iter().enumerate() {
        let _ = live.accept(line.as_bytes());
        if number == cut {
            // What was said of a project's past holds.
            for bill in bills.iter().skip(1).take(1).filter(|bill| bill.0 != bills[0].0) {
                billed_anew(&mut live, *bill);
            }
        }
    }
    for after in after {
        let at = live.latest() + after;
        for project in PROJECTS {
            let stood = stands(&mut live, project, at);
            let month = live.plan().months()[live.plan().month_of(at).unwrap()].clone();
            let date = book.calendar().local((month.start + month.end) / 2).unwrap().date();
            let mut told: BTreeMap<(String, Date), Quantity> = BTreeMap::new();
            for (part, total) in &stood.bought {
                let part = &live.plan().parts()[*part];
                told.insert((part.component.id.clone(), part.version), total.quantity);
            }
            told.retain(|_, quantity| !quantity.is_zero());
            prop_assert_eq!(&told, &charged(&mut live, project, (date, at)), "{} at {}", project, at);
        }
    }
    let at = live.latest() + 1;
    let kept: Vec<Stood> = PROJECTS.iter().map(|project| stands(&mut live, project, at)).collect();
    live.keep_running(stops()).unwrap();
    for (project, kept) in PROJECTS.iter().zip(kept) {
        prop_assert_eq!(kept, stands(&mut live, project, at), "{} made anew", project);
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_kept_up_is_what_the_resources_come_to_and_what_they_add_up_to_anew(
        cloud in clouds(Taste::Orderly),
        bills in prop::collection::vec(bill(), 0..3),
        cut: Index,
        after in prop::collection::vec(select(vec![1, 2, 1_800, 3_600, 90_000, 2_700_000]), 1..3),
    ) {
        let cut = cut.index(cloud.lines.len().max(1));
        check(&cloud, &bills, cut, &after)?;
    }
}
