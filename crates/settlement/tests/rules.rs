//! The rules of settling, one by one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::date;
use kopeck_ledger::amount::Amount as Money;
use kopeck_ledger::name::{AccountId, HoldId, Moment, TransactionId};
use kopeck_ledger::request::{HoldUse, JobUser, Rest, Right};
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::calendar::Second;
use kopeck_rating::price_book::PriceBook;
use kopeck_settlement::parties::{Authorised, Parties, SetAside};
use kopeck_settlement::posting::{Posting, PostingKey, PostingName, What};
use kopeck_settlement::shard::{MeterId, MeterKind, SettleError, Shard};
use kopeck_settlement::step::Step;
use uuid::Uuid;

const METER: MeterId = MeterId(1);
/// One unit of the currency.
const ONE: i128 = 1_000_000;

const SECONDS: &str = "id = \"seconds\"\nkind = \"vm\"\nmodel = \"per_second\"\nquantity = [\"a\"]\nprice = \"1\"\nper = \"second\"";
const USE: &str = "id = \"use\"\nkind = \"vm\"\nmodel = \"per_use\"\nquantity = [\"a\"]\nprice = \"1\"";
const VOLUME: &str = "id = \"volume\"\nkind = \"vm\"\nmodel = \"per_use\"\nquantity = [\"a\"]\ntiers = [{ up_to = \"10\", price = \"1\" }, { price = \"0.1\" }]\ntier_mode = \"volume\"";
const HOURS: &str =
    "id = \"hours\"\nkind = \"vm\"\nmodel = \"hourly_peak\"\nquantity = [\"a\"]\nprice = \"1\"";
const DAYS: &str = "id = \"days\"\nkind = \"vm\"\nmodel = \"monthly\"\nquantity = [\"a\"]\nprice = \"31\"";
const MONTHS: &str = "id = \"months\"\nkind = \"vm\"\nmodel = \"monthly\"\nprorate = \"second\"\nquantity = [\"a\"]\nprice = \"31\"";

fn book(components: &[&str], vat: &str) -> Arc<PriceBook> {
    let mut text = format!(
        "[book]\nid = \"b\"\ncurrency = \"RUB\"\ntimezone = \"UTC\"\n{vat}\n[[version]]\neffective = 2026-09-01\n"
    );
    for component in components {
        text += &format!("[[version.component]]\n{component}\n");
    }
    Arc::new(PriceBook::read(&text).unwrap())
}

/// Who pays from which second on, and what authorisations give.
#[derive(Default)]
struct Directory {
    payers: Vec<(Second, AccountId)>,
    authorised: HashMap<String, Authorised>,
    older: Vec<(PostingName, Money)>,
}

impl Directory {
    fn of_one() -> Directory {
        Directory { payers: vec![(Second::MIN, account(1))], ..Directory::default() }
    }
}

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

impl Parties for Directory {
    fn payer(&self, _: &str, second: Second) -> Option<AccountId> {
        self.payers.iter().rev().find(|(from, _)| *from <= second).map(|(_, payer)| *payer)
    }

    fn executor(&self, _: MeterId) -> Option<AccountId> {
        Some(account(100))
    }

    fn api(&self, _: MeterId) -> Option<AccountId> {
        Some(account(200))
    }

    fn authorised(&self, authorisation: &str) -> Option<Authorised> {
        self.authorised.get(authorisation).copied()
    }

    fn posted_before(&self, _: (&PostingKey, &str), name: PostingName) -> Vec<(PostingName, Money)> {
        self.older.iter().rev().filter(|(older, _)| *older < name).copied().collect()
    }
}

/// A shard of one meter; times are seconds of October 2026.
struct Scene {
    shard: Shard,
    start: Second,
    events: usize,
    steps: Vec<Step>,
}

impl Scene {
    fn new(book: &Arc<PriceBook>, kind: MeterKind) -> Scene {
        let mut shard = Shard::new(1, date(2026, 10, 1));
        shard.add_meter(METER, book, kind).unwrap();
        let start = book.calendar().day_start(date(2026, 10, 1)).unwrap();
        Scene { shard, start, events: 0, steps: Vec::new() }
    }

    /// Takes an event of resource `x` in project `p`: a state, or `use`.
    fn event(&mut self, second: Second, state: &str, a: i64, extension: &str) {
        let time = jiff::Timestamp::from_second(self.start + second).unwrap();
        let (number, told) = (self.events, if state == "use" { "usage" } else { "state" });
        let said = if state == "use" { String::new() } else { format!(r#""state": "{state}", "#) };
        let line = format!(
            r#"{{"specversion": "1.0", "type": "kopeck.{told}.v1", "source": "s", "id": "e{number}", "subject": "x", "time": "{time}", "project": "p"{extension}, "data": {{"kind": "vm", {said}"region": "r1", "attributes": {{"a": {a}}}}}}}"#
        );
        self.events += 1;
        let batch = Arc::new(Batch::read(line.into_bytes(), Origin { file: 0, line: 1 }));
        self.shard.take(&batch, 0, METER).unwrap();
    }

    fn decide(&mut self, second: Second, whole: bool, parties: &Directory) -> Step {
        let now = Moment::from_nanoseconds((self.start + second) * 1_000_000_000).unwrap();
        self.shard.decide(now, whole, parties).unwrap()
    }

    /// Decides, and the ledger accepts all but those.
    fn settle(&mut self, second: Second, whole: bool, parties: &Directory, refused: &[usize]) -> Vec<What> {
        let step = self.decide(second, whole, parties);
        if !step.postings.is_empty() {
            self.shard.settled(&step, refused).unwrap();
        }
        let what = step.postings.iter().map(|posting| posting.what.clone()).collect();
        self.steps.push(step);
        what
    }
}

fn service(payer: u128, micros: i128) -> What {
    What::Service { payer: account(payer), amount: Money::from_micros(micros) }
}

fn corrections(what: &[What]) -> Vec<(PostingName, i128, i128)> {
    let of = |what: &What| match what {
        What::Correct { name, from, to, .. } => (*name, from.micros(), to.micros()),
        other => panic!("{other:?}"),
    };
    what.iter().map(of).collect()
}

#[test]
fn what_nobody_pays_yet_is_carried_until_somebody_does() {
    let mut scene = Scene::new(&book(&[SECONDS], ""), MeterKind::Service);
    scene.event(0, "RUNNING", 2, "");
    assert_eq!(scene.settle(10, true, &Directory::default(), &[]), []);
    assert_eq!(scene.shard.carried()[0].amount.to_string(), "20.000000");
    assert_eq!(scene.shard.due("p", scene.start + 10).unwrap().to_string(), "20.000000");
    assert_eq!(scene.settle(11, true, &Directory::of_one(), &[]), [service(1, 22 * ONE)]);
    assert_eq!(scene.shard.carried(), []);
}

#[test]
fn a_refused_posting_is_tried_again_in_the_next_whole_step_only() {
    let (mut scene, parties) = (Scene::new(&book(&[SECONDS], ""), MeterKind::Service), Directory::of_one());
    scene.event(0, "RUNNING", 1, "");
    assert_eq!(scene.settle(10, false, &parties, &[0]), [service(1, 10 * ONE)]);
    assert_eq!(scene.settle(20, false, &parties, &[]), []);
    assert_eq!(scene.settle(30, true, &parties, &[]), [service(1, 30 * ONE)]);
}

#[test]
fn a_step_must_be_settled_before_the_next_and_once() {
    let (mut scene, parties) = (Scene::new(&book(&[SECONDS], ""), MeterKind::Service), Directory::of_one());
    scene.event(0, "RUNNING", 1, "");
    let step = scene.decide(10, true, &parties);
    assert_eq!(step.number, 1);
    let now = Moment::from_nanoseconds((scene.start + 20) * 1_000_000_000).unwrap();
    assert_eq!(scene.shard.decide(now, true, &parties), Err(SettleError::Unsettled(1)));
    // What is on its way is due until the ledger has it.
    assert_eq!(scene.shard.due("p", scene.start + 10).unwrap().to_string(), "10.000000");
    scene.shard.settled(&step, &[]).unwrap();
    assert_eq!(scene.shard.due("p", scene.start + 10).unwrap().to_string(), "0.000000");
    assert_eq!(scene.shard.settled(&step, &[]), Err(SettleError::NotDecided(1)));
}

#[test]
fn a_hand_over_is_split_to_the_second_by_a_whole_step_at_its_instant() {
    let mut scene = Scene::new(&book(&[SECONDS], ""), MeterKind::Service);
    let mut parties = Directory::of_one();
    parties.payers.push((scene.start + 100, account(2)));
    scene.event(0, "RUNNING", 1, "");
    assert_eq!(scene.settle(100, true, &parties, &[]), [service(1, 100 * ONE)]);
    assert_eq!(scene.settle(150, true, &parties, &[]), [service(2, 50 * ONE)]);
    // What turns out to be too much goes back to who paid it, the newest first.
    scene.event(90, "DELETED", 0, "");
    let corrected = corrections(&scene.settle(200, false, &parties, &[]));
    let names = [2, 1].map(|step| PostingName { step, index: 0 });
    assert_eq!(corrected, [(names[0], 50 * ONE, 0), (names[1], 100 * ONE, 90 * ONE)]);
}

#[test]
fn a_correction_that_reaches_farther_than_the_shard_remembers_asks_for_earlier_postings() {
    let mut scene = Scene::new(&book(&[SECONDS], ""), MeterKind::Service);
    let mut parties = Directory::of_one();
    scene.event(0, "RUNNING", 1, "");
    for number in 1..=200 {
        scene.settle(number, true, &parties, &[]);
    }
    for step in &scene.steps {
        let name = PostingName { step: step.number, index: 0 };
        parties.older.push((name, Money::from_micros(step.postings[0].change())));
    }
    scene.event(5, "DELETED", 0, "");
    let corrected = corrections(&scene.settle(201, false, &parties, &[]));
    let expected: Vec<_> = (6..=200).rev().map(|step| (PostingName { step, index: 0 }, ONE, 0)).collect();
    assert_eq!(corrected, expected);
    assert_eq!(scene.shard.carried(), []);
}

#[test]
fn a_correction_that_the_ledger_refuses_is_tried_on_the_posting_before() {
    let (mut scene, parties) = (Scene::new(&book(&[SECONDS], ""), MeterKind::Service), Directory::of_one());
    scene.event(0, "RUNNING", 1, "");
    scene.settle(10, true, &parties, &[]);
    scene.settle(20, true, &parties, &[]);
    scene.event(18, "DELETED", 0, "");
    let name = |step| PostingName { step, index: 0 };
    assert_eq!(corrections(&scene.settle(30, false, &parties, &[0])), [(name(2), 10 * ONE, 8 * ONE)]);
    assert_eq!(corrections(&scene.settle(31, true, &parties, &[])), [(name(1), 10 * ONE, 8 * ONE)]);
}

/// Work by API key of user 4, with a hold of 100 seconds on an account.
fn job_of(hold: u128, whose: u128) -> Authorised {
    let taken = HoldUse { hold: HoldId(TransactionId(Uuid::from_u128(hold))), rest: Rest::Release };
    let start = book(&[USE], "").calendar().day_start(date(2026, 10, 1)).unwrap();
    let expires = Moment::from_nanoseconds((start + 100) * 1_000_000_000).unwrap();
    let user = JobUser { account: account(4), right: Right::ApiKey, hold: None };
    Authorised { hold: Some(SetAside { account: account(whose), expires, taken }), user: Some(user) }
}

/// Who takes which hold of the jobs of a step: the payer's number and the user's.
fn taken(what: &[What]) -> Vec<(Option<u128>, Option<u128>)> {
    let number = |hold: Option<HoldUse>| hold.map(|used| used.hold.0.0.as_u128());
    let of = |what: &What| match what {
        What::Job { hold, user, .. } => (number(*hold), user.and_then(|user| number(user.hold))),
        What::Call { hold, .. } => (None, number(*hold)),
        other => panic!("{other:?}"),
    };
    what.iter().map(of).collect()
}

#[test]
fn each_job_is_a_posting_of_its_own_with_its_hold_and_user() {
    let mut scene = Scene::new(&book(&[USE], ""), MeterKind::Executor);
    let mut parties = Directory::of_one();
    parties.authorised.insert("a1".to_owned(), job_of(9, 1));
    scene.event(5, "use", 3, r#", "authorisation": "a1""#);
    scene.event(6, "use", 4, "");
    let what = scene.settle(10, false, &parties, &[]);
    let job = |units: i128, authorised: Option<Authorised>, authorisation: Option<&str>| What::Job {
        payer: account(1),
        executor: account(100),
        amount: Money::from_micros(units * ONE),
        hold: authorised.and_then(|authorised| authorised.hold).map(|hold| hold.taken),
        user: authorised.and_then(|authorised| authorised.user),
        authorisation: authorisation.map(str::to_owned),
    };
    assert_eq!(what, [job(3, Some(job_of(9, 1)), Some("a1")), job(4, None, None)]);
    let references: Vec<&str> =
        scene.steps[0].postings.iter().map(|posting| posting.reference.as_str()).collect();
    assert_eq!(references, ["s e0 a1", "s e1"]);
}

#[test]
fn a_hold_covers_what_its_own_account_pays_and_nobody_elses() {
    let mut parties = Directory::of_one();
    for (name, whose) in [("of payer", 1), ("of user", 4), ("of another", 7)] {
        parties.authorised.insert(name.to_owned(), job_of(whose, whose));
    }
    for (kind, wanted) in [
        (MeterKind::Executor, [(Some(1), None), (None, Some(4)), (None, None)]),
        (MeterKind::Api, [(None, None), (None, Some(4)), (None, None)]),
    ] {
        let mut scene = Scene::new(&book(&[USE], ""), kind);
        for name in ["of payer", "of user", "of another"] {
            scene.event(5, "use", 3, &format!(r#", "authorisation": "{name}""#));
        }
        assert_eq!(taken(&scene.settle(10, false, &parties, &[])), wanted);
    }
}

#[test]
fn of_the_jobs_of_one_step_that_name_a_hold_the_first_takes_it() {
    let mut scene = Scene::new(&book(&[USE], ""), MeterKind::Executor);
    let mut parties = Directory::of_one();
    parties.authorised.insert("a1".to_owned(), job_of(9, 1));
    scene.event(5, "use", 3, r#", "authorisation": "a1""#);
    scene.event(6, "use", 4, r#", "authorisation": "a1""#);
    assert_eq!(taken(&scene.settle(10, false, &parties, &[])), [(Some(9), None), (None, None)]);
}

#[test]
fn a_hold_covers_nothing_from_its_expiry_on() {
    let mut scene = Scene::new(&book(&[USE], ""), MeterKind::Executor);
    let mut parties = Directory::of_one();
    parties.authorised.insert("a1".to_owned(), job_of(9, 1));
    scene.event(5, "use", 3, r#", "authorisation": "a1""#);
    assert_eq!(taken(&scene.settle(100, false, &parties, &[])), [(None, None)]);
}

#[test]
fn a_refused_job_is_put_aside_and_asked_again_with_the_authorisation_of_then() {
    let mut scene = Scene::new(&book(&[USE], ""), MeterKind::Api);
    let mut parties = Directory::of_one();
    scene.event(5, "use", 3, r#", "authorisation": "a1""#);
    assert_eq!(scene.settle(10, true, &parties, &[]), []);
    let aside = |scene: &Scene| scene.shard.aside().iter().map(|(_, job)| job.change()).collect::<Vec<_>>();
    assert_eq!(aside(&scene), [3 * ONE]);
    assert_eq!(scene.shard.due("p", scene.start + 10).unwrap().to_string(), "3.000000");
    parties.authorised.insert("a1".to_owned(), job_of(9, 4));
    assert_eq!(scene.settle(20, true, &parties, &[0]).len(), 1);
    assert_eq!(aside(&scene), [3 * ONE]);
    let what = scene.settle(30, true, &parties, &[]);
    let is_call = |what: &What| matches!(what, What::Call { user, .. } if *user == account(4));
    assert!(what.len() == 1 && is_call(&what[0]), "{what:?}");
    assert!(aside(&scene).is_empty());
}

#[test]
fn a_job_that_makes_earlier_ones_cheaper_corrects_the_newest() {
    let (mut scene, parties) = (Scene::new(&book(&[VOLUME], ""), MeterKind::Executor), Directory::of_one());
    scene.event(5, "use", 6, "");
    scene.event(6, "use", 4, "");
    assert_eq!(scene.settle(10, false, &parties, &[]).len(), 2);
    // Eleven units cost 1.1 instead of 10 and what the eleventh costs.
    scene.event(11, "use", 1, "");
    let corrected = corrections(&scene.settle(20, false, &parties, &[]));
    let name = |index| PostingName { step: 1, index };
    assert_eq!(corrected, [(name(1), 4 * ONE, 0), (name(0), 6 * ONE, 11 * ONE / 10)]);
}

#[test]
fn an_event_counts_once_its_second_has_passed() {
    let (mut scene, parties) = (Scene::new(&book(&[USE], ""), MeterKind::Service), Directory::of_one());
    scene.event(10, "use", 1, "");
    scene.event(500, "use", 5, "");
    assert_eq!(scene.settle(10, true, &parties, &[]), []);
    assert_eq!(scene.shard.waiting(), 2);
    assert_eq!(scene.settle(11, false, &parties, &[]), [service(1, ONE)]);
    let packed = scene.shard.pack().unwrap();
    scene.shard = Shard::restore(packed.clone(), |_| Some(book(&[USE], ""))).unwrap();
    assert_eq!(scene.settle(501, false, &parties, &[]), [service(1, 5 * ONE)]);
    assert_eq!(scene.shard.waiting(), 0);
}

#[test]
fn vat_on_top_is_posted_and_counted_everywhere() {
    let book = book(&[SECONDS], "vat = { rate = \"22\", included = false }");
    let (mut scene, parties) = (Scene::new(&book, MeterKind::Service), Directory::of_one());
    scene.event(0, "RUNNING", 1, "");
    assert_eq!(scene.settle(10, true, &parties, &[]), [service(1, 12_200_000)]);
    let spend = scene.shard.spend("p", date(2026, 10, 5), scene.start + 20).unwrap();
    assert_eq!([spend.total, spend.posted].map(|amount| amount.to_string()), ["24.400000", "12.200000"]);
    assert_eq!(spend.rate_an_hour["seconds"].to_string(), "4392.000000");
    let charges = scene.shard.charges("p", date(2026, 10, 1), scene.start + 20).unwrap();
    assert_eq!(charges[0].1.amount.to_string(), "24.400000");
}

#[test]
fn a_projects_spend_is_told_by_region_resource_and_day() {
    let (mut scene, parties) = (Scene::new(&book(&[HOURS], ""), MeterKind::Service), Directory::of_one());
    scene.event(0, "RUNNING", 1, "");
    for day in 1..=2 {
        scene.settle(day * 86_400, true, &parties, &[]);
    }
    let spend = scene.shard.spend("p", date(2026, 10, 1), scene.start + 2 * 86_400 + 3_600).unwrap();
    let days: Vec<String> = spend.by_day.iter().map(|(day, amount)| format!("{day} {amount}")).collect();
    assert_eq!(days, ["2026-10-01 24.000000", "2026-10-02 24.000000", "2026-10-03 1.000000"]);
    assert_eq!(spend.by_region[&Some("r1".to_owned())].to_string(), "49.000000");
    assert_eq!(spend.by_resource[&Some(("s".to_owned(), "x".to_owned()))].to_string(), "49.000000");
}

#[test]
fn what_a_project_used_before_it_is_billed_is_not_posted() {
    let (mut scene, parties) = (Scene::new(&book(&[SECONDS], ""), MeterKind::Service), Directory::of_one());
    scene.shard.bill_from("p", scene.start + 60).unwrap();
    scene.event(0, "RUNNING", 1, "");
    assert_eq!(scene.settle(50, true, &parties, &[]), []);
    assert_eq!(scene.settle(70, true, &parties, &[]), [service(1, 10 * ONE)]);
}

#[test]
fn a_restart_that_knows_other_payers_counts_what_was_recorded() {
    let mut scene = Scene::new(&book(&[SECONDS], ""), MeterKind::Service);
    scene.event(0, "RUNNING", 1, "");
    let recorded = scene.decide(10, true, &Directory::of_one());
    // The same again, where nobody is known to pay.
    let mut again = Scene::new(&book(&[SECONDS, USE], ""), MeterKind::Service);
    again.event(0, "RUNNING", 1, "");
    let other = Directory { payers: vec![(Second::MIN, account(5))], ..Directory::default() };
    let decided = again.decide(10, true, &other);
    assert_ne!(decided.postings, recorded.postings);
    again.shard.settled(&recorded, &[]).unwrap();
    assert_eq!(again.settle(20, true, &other, &[]), [service(5, 10 * ONE)]);
}

#[test]
fn ids_are_those_of_the_shard_the_step_and_the_place() {
    let ids = |number: u64| {
        let mut shard = Shard::new(number, date(2026, 10, 1));
        shard.add_meter(METER, &book(&[SECONDS], ""), MeterKind::Service).unwrap();
        let mut scene = Scene { shard, ..Scene::new(&book(&[SECONDS], ""), MeterKind::Service) };
        scene.event(0, "RUNNING", 1, "");
        let parties = Directory::of_one();
        scene.settle(10, true, &parties, &[]);
        scene.settle(20, true, &parties, &[]);
        let of = |posting: &Posting| posting.id;
        scene.steps.iter().flat_map(|step| step.postings.iter().map(of)).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(1));
    assert!(ids(1)[0] < ids(1)[1] && ids(1)[0].0.get_version_num() == 8);
    assert_ne!(ids(1), ids(2));
}

#[test]
fn what_is_posted_for_four_charges_of_a_resource_takes_at_most_60_bytes() {
    const RESOURCES: usize = 2_000;
    let (mut scene, parties) =
        (Scene::new(&book(&[SECONDS, HOURS, DAYS, MONTHS], ""), MeterKind::Service), Directory::of_one());
    let mut lines = String::new();
    for number in 0..RESOURCES {
        lines += &format!(
            r#"{{"specversion": "1.0", "type": "kopeck.state.v1", "source": "s", "id": "e{number}", "subject": "x{number}", "time": "2026-10-01T00:00:{:02}Z", "project": "p", "data": {{"kind": "vm", "state": "RUNNING", "attributes": {{"a": {}}}}}}}"#,
            number % 60,
            1 + number % 7
        );
        lines.push('\n');
    }
    let batch = Arc::new(Batch::read(lines.into_bytes(), Origin { file: 0, line: 1 }));
    for index in 0..RESOURCES {
        scene.shard.take(&batch, index, METER).unwrap();
    }
    scene.settle(20 * 86_400, true, &parties, &[]);
    let bytes = scene.shard.posted_bytes() / RESOURCES;
    assert!((30..=60).contains(&bytes), "{bytes}");
}
