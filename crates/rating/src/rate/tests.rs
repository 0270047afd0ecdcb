use super::*;
use crate::scratch::InMemory;
use crate::walk::Stop;
use jiff::civil::date;
use kopeck_sample::plain;

/// Beside it the month of 3,000 VMs, under 100 projects, is several times as much.
const LIMIT: usize = 300_000;

const SUMMED_OVER_THE_PROJECT: &str = "[[version.component]]\nid = \"peak\"\nkind = \"vm\"\nmodel = \"monthly_peak\"\n\
                                       quantity = [\"vcpu\"]\nprice = \"1\"\n";

/// The stops of each part of a bill, when what was spilled is cut into parts; what each brings to memory is measured.
fn parts(book: &str) -> Vec<Vec<Stop>> {
    let book = PriceBook::read(book).unwrap();
    let window = Window::new(book.calendar(), date(2026, 10, 1), date(2026, 11, 1), None).unwrap();
    let limit = MemoryLimit { bytes: LIMIT, scratches: Box::new(InMemory) };
    let mut rater = Rater::with_limit(&book, window, limit).unwrap();
    let lines: String = (0..3_000).map(plain::vm_month).collect();
    for lines in lines.as_bytes().split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>().chunks(200) {
        let batch = rater.reader().read(lines.concat(), Origin { file: 0, line: 1 });
        rater.take(batch, |_, outcome| assert_eq!(outcome, Ok(Accepted::New))).unwrap();
    }
    let Rater { plan, mut register, mut sums, spill, .. } = rater;
    let route = Route::new(&plan, &register.names, &register.records);
    let buckets = spill.unwrap().finish(&mut register, &mut sums, &route).unwrap().unwrap();
    let Register { statements, mut records, mut labels, .. } = register;
    let mut part = |number| {
        buckets.load::<Unfinished>(number, &statements, (&mut records, &mut labels, &mut sums)).unwrap();
        let needed = records.bytes() + labels.bytes() + sums.bytes();
        assert!(needed <= LIMIT, "{needed}");
        let stops = route.between(buckets.positions(number)).iter().map(|(_, stop)| *stop);
        stops.inspect(|stop| assert!(records.has_events(stop.resource))).collect()
    };
    (0..buckets.len()).map(&mut part).collect()
}

#[test]
fn a_bill_is_cut_into_parts_that_fit_the_limit_and_together_are_the_whole() {
    let parts = parts(&plain::vm_book());
    assert!((4..20).contains(&parts.len()), "{}", parts.len());
    assert_eq!(parts.concat().len(), 3_000);
}

#[test]
fn what_sums_over_a_project_keeps_it_whole() {
    let parts = parts(&(plain::vm_book() + SUMMED_OVER_THE_PROJECT));
    assert!((4..20).contains(&parts.len()), "{}", parts.len());
    let mut projects: Vec<_> = parts
        .iter()
        .flat_map(|stops| stops.chunk_by(|one, other| one.project == other.project))
        .map(|stops| stops[0].project)
        .collect();
    projects.sort_unstable();
    assert!(projects.is_sorted_by(|one, other| one < other), "a project is in two parts");
}
