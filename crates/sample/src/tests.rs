use std::collections::{BTreeMap, BTreeSet, HashMap};

use expect_test::{Expect, expect};
use kopeck_rating::event::{Description, Envelope};

use super::*;

/// An event as the rating core reads it.
struct Read {
    key: (String, String),
    subject: String,
    project: String,
    actor: Option<String>,
    /// Local milliseconds since the midnight that begins the sample.
    at_ms: i64,
    data: Description,
    line: Vec<u8>,
}

fn options(seed: u64, vms: u32, days: u32) -> Options {
    Options { seed, vms, days, ..Options::default() }
}

fn lines(options: &Options) -> Vec<Vec<u8>> {
    let mut sample = Sample::new(options).unwrap();
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while sample.next_line(&mut line) {
        lines.push(line.clone());
    }
    assert!(line.is_empty() && !sample.next_line(&mut line));
    assert_eq!(sample.progress_permille(), 1_000);
    lines
}

/// Every line, which all must be accepted.
fn events(options: &Options) -> Vec<Read> {
    let midnight = options.start.to_string() + "T00:00:00+03:00";
    let midnight = kopeck_rating::event::instant(&midnight).unwrap();
    let read = |line: Vec<u8>| {
        let envelope = Envelope::read(&line).unwrap();
        let data = Description::read(envelope.event_type, envelope.data).unwrap();
        Read {
            key: (envelope.source.into_owned(), envelope.id.into_owned()),
            subject: envelope.subject.into_owned(),
            project: envelope.project.into_owned(),
            actor: envelope.actor.map(std::borrow::Cow::into_owned),
            at_ms: (envelope.time - midnight) / 1_000_000,
            data,
            line: line.clone(),
        }
    };
    lines(options).into_iter().map(read).collect()
}

fn state(event: &Read) -> &str {
    event.data.state.as_deref().unwrap_or("")
}

fn check(options: &Options, expected: &Expect) {
    let text = Sample::new(options).map_or_else(|error| error.to_string(), |_| "a sample".to_owned());
    expected.assert_eq(&text);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_other_bytes() {
    assert_eq!(lines(&options(7, 30, 10)), lines(&options(7, 30, 10)));
    let (one, other) = (lines(&options(7, 30, 10)), lines(&options(8, 30, 10)));
    let one = one.iter().collect::<BTreeSet<_>>();
    assert!(other.iter().all(|line| !one.contains(line)));
}

#[test]
fn random_ids_are_all_the_difference_and_repeat_only_with_their_lines() {
    let in_order = options(7, 30, 10);
    let random = Options { ids: Ids::Random, ..in_order.clone() };
    let (one, other) = (events(&in_order), events(&random));
    let rest = |events: &[Read]| -> Vec<_> {
        events.iter().map(|event| (event.at_ms, event.key.0.clone(), event.subject.clone())).collect()
    };
    assert_eq!(rest(&one), rest(&other));
    assert!(other.iter().all(|event| event.key.1.len() == 32));
    let ids = |events: &[Read]| events.iter().map(|event| event.key.1.clone()).collect::<BTreeSet<_>>().len();
    let lines = other.iter().map(|event| &event.line).collect::<BTreeSet<_>>().len();
    assert_eq!((ids(&other), ids(&other)), (ids(&one), lines));
}

/// What is written here changes only where the sample is meant to change: those who keep files of it then make them
/// anew.
#[test]
fn the_bytes_of_a_seed_are_the_same_in_every_version() {
    let lines = lines(&options(42, 200, 40));
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = lines.iter().flatten().fold(0xcbf2_9ce4_8422_2325, fnv);
    let first = String::from_utf8(lines[..3].join(&b'\n')).unwrap();
    expect![[r#"
        54178 lines, FNV-1a 82101b90fce70378
        {"specversion":"1.0","id":"42-1","source":"openstack://msk-1","type":"kopeck.state.v1","subject":"vm-30","time":"2026-10-01T00:00:00.264+03:00","project":"kedr-telemetry-stage","data":{"kind":"vm","region":"msk-1","state":"STOPPED","attributes":{"vcpu":2,"ram_gb":2,"disk_gb":40,"os":"debian-12"}}}
        {"specversion":"1.0","id":"42-2","source":"openstack://msk-1","type":"kopeck.state.v1","subject":"vol-30-0","time":"2026-10-01T00:00:00.264+03:00","project":"kedr-telemetry-stage","data":{"kind":"volume","region":"msk-1","state":"IN-USE","attributes":{"gb":40,"tier":"ssd"}}}
        {"specversion":"1.0","id":"42-3","source":"openstack://msk-1","type":"kopeck.state.v1","subject":"cp-30-1","time":"2026-10-01T00:00:00.264+03:00","project":"kedr-telemetry-stage","data":{"kind":"checkpoint","region":"msk-1","state":"AVAILABLE","attributes":{"gb":"8.00"}}}
    "#]].assert_eq(&format!("{} lines, FNV-1a {hash:016x}\n{first}\n", lines.len()));
}

#[test]
fn every_line_is_accepted_and_lies_in_the_days_of_the_sample() {
    for start in
        [jiff::civil::date(2026, 10, 1), jiff::civil::date(2028, 2, 25), jiff::civil::date(2188, 12, 1)]
    {
        let options = Options { start, ..options(3, 60, 35) };
        let days = 0..35 * i64::try_from(DAY_MS).unwrap();
        assert!(events(&options).iter().all(|event| days.contains(&event.at_ms)));
    }
}

#[test]
fn the_smallest_samples_are_samples() {
    assert!(lines(&options(0, 1, 1)).len() > 3);
    assert!(lines(&options(u64::MAX, 2, 1)).len() > 5);
}

#[test]
fn every_kind_and_every_state_is_there() {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in events(&options(1, 40, 31)) {
        kinds.entry(event.data.kind.clone()).or_default().insert(state(&event).to_owned());
    }
    let text = kinds.iter().fold(String::new(), |text, (kind, states)| {
        let states = states.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        text + format!("{kind}: {states}").trim_end() + "\n"
    });
    expect![[r#"
        api_call:
        checkpoint: AVAILABLE DELETED
        dedicated_host: ACCEPTED
        job:
        option.mfa: ACCEPTED
        option.monitoring: ACCEPTED
        option.usb: ACCEPTED
        s3:
        vm: DELETED REBOOTING RUNNING STARTING STOPPED STOPPING TERMINATING
        volume: DELETED IN-USE
    "#]]
    .assert_eq(&text);
}

#[test]
fn of_a_thousand_events_ten_come_twice_and_five_come_hours_late() {
    let events = events(&options(5, 200, 40));
    let (mut first, mut twice, mut late, mut latest_ms) = (HashMap::new(), 0, 0, 0);
    for event in &events {
        latest_ms = latest_ms.max(event.at_ms);
        match first.insert(event.key.clone(), &event.line) {
            Some(before) => {
                assert_eq!(*before, event.line);
                twice += 1;
            }
            // What happens to a resource at a time takes up to four minutes.
            None if latest_ms - event.at_ms > 4 * 60_000 => late += 1,
            None => {}
        }
    }
    let count = first.len();
    assert!((count / 110..count / 90).contains(&twice), "{twice} of {count}");
    assert!((count / 250..count / 170).contains(&late), "{late} of {count}");
}

#[test]
fn events_grow_linearly_with_vms_and_days() {
    let count = |vms: u32, days: u32| lines(&options(9, vms, days)).len();
    let per_vm_day = |vms: u32, days: u32| count(vms, days) / (vms * days / 100) as usize;
    // In hundredths of an event for each VM and day; 28 days are four whole weeks.
    for (vms, days) in [(100, 28), (200, 28), (500, 28), (100, 56), (100, 112)] {
        assert!((640..760).contains(&per_vm_day(vms, days)), "{vms} {days} {}", per_vm_day(vms, days));
    }
}

#[test]
fn what_is_kept_grows_with_the_vms_and_not_with_the_events() {
    let most_kept = |days: u32| {
        let mut sample = Sample::new(&options(2, 200, days)).unwrap();
        let (mut line, mut most) = (Vec::new(), (0, 0));
        while sample.next_line(&mut line) {
            let kept = sample.stage.delivery.kept();
            most = (most.0.max(kept.0), most.1.max(kept.1));
        }
        most
    };
    let ((waiting, buffer), (waiting_later, buffer_later)) = (most_kept(7), most_kept(84));
    assert!(waiting_later < 2 * waiting && waiting_later < 60, "{waiting} {waiting_later}");
    assert!(buffer_later <= 2 * buffer && buffer_later < 8_192, "{buffer} {buffer_later}");
}

#[test]
fn a_resource_has_one_life_in_one_project_and_no_two_events_at_once() {
    let mut resources: BTreeMap<(String, String), Vec<Read>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in events(&options(4, 60, 120)) {
        if event.data.state.is_some() && seen.insert(event.key.clone()) {
            resources.entry((event.key.0.clone(), event.subject.clone())).or_default().push(event);
        }
    }
    for ((_, subject), mut life) in resources {
        life.sort_by_key(|event| event.at_ms);
        for pair in life.windows(2) {
            assert!(pair[0].at_ms < pair[1].at_ms, "{subject} twice at {}", pair[0].at_ms);
            assert_eq!(pair[0].project, pair[1].project, "{subject}");
            assert_eq!(pair[0].data.kind, pair[1].data.kind, "{subject}");
            assert!(subject == "usb" || state(&pair[0]) != "DELETED", "{subject} lives on");
        }
        let complete = life.iter().all(|event| {
            event.data.attributes().count() > 0 || state(event) == "DELETED" || event.data.state.is_none()
        });
        assert!(complete, "{subject}");
    }
}

#[test]
fn office_machines_are_started_in_the_morning_and_stopped_in_the_evening_of_working_days() {
    let events = events(&options(6, 100, 28));
    let of_owner = |event: &&Read| event.actor.as_deref().is_some_and(|actor| actor != "ci-runner");
    let hours = |name: &str| {
        let mut hours = [0_usize; 7 * 24];
        for event in events.iter().filter(of_owner).filter(|event| state(event) == name) {
            // The sample begins with a Thursday.
            let hour = (event.at_ms / 3_600_000 + 3 * 24) % (7 * 24);
            hours[usize::try_from(hour).unwrap()] += 1;
        }
        hours
    };
    for (name, day) in [("STARTING", 8..11), ("STOPPING", 17..21)] {
        let hours = hours(name);
        let in_rhythm: usize =
            (0..5).flat_map(|weekday| day.clone().map(move |hour| hours[weekday * 24 + hour])).sum();
        assert!(in_rhythm * 10 > hours.iter().sum::<usize>() * 9, "{name} {hours:?}");
    }
}

#[test]
fn the_largest_project_has_several_times_the_events_of_an_average_one() {
    let mut projects: BTreeMap<String, usize> = BTreeMap::new();
    for event in events(&options(1, 400, 14)) {
        *projects.entry(event.project).or_default() += 1;
    }
    let (largest, all) = (projects.values().max().unwrap(), projects.values().sum::<usize>());
    assert!(projects.len() > 15 && *largest > all / projects.len() * 4, "{projects:?}");
}

#[test]
fn options_beyond_their_limits_are_refused_with_the_limit() {
    check(&options(1, 1, 1), &expect!["a sample"]);
    check(&options(1, 0, 1), &expect!["0 VMs: a sample has 1 to 10000000"]);
    check(&options(1, MOST_VMS + 1, 1), &expect!["10000001 VMs: a sample has 1 to 10000000"]);
    check(&options(1, 1, 0), &expect!["0 days: a sample has 1 to 3660"]);
    check(&options(1, 1, MOST_DAYS + 1), &expect!["3661 days: a sample has 1 to 3660"]);
    for year in [-9_999, 2_014, 2_189, 9_999] {
        let start = jiff::civil::date(year, 10, 1);
        assert_eq!(
            Sample::new(&Options { start, ..options(1, 1, 1) }).err(),
            Some(OptionsError::Start(start))
        );
    }
}
