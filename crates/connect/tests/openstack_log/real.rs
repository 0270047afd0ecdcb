//! A real cloud's log against a plain walk over it.

use std::collections::{BTreeMap, HashSet};

use expect_test::expect;
use jiff::civil::DateTime;
use kopeck_connect::convert::{Options, Source};
use kopeck_rating::batch::Origin;
use kopeck_rating::charge::Window;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::Rater;
use serde_json::Value;

use crate::check::{convert, read, shared};

const LOG: &str = "openstack-events/2018-04-17T00.00.00_2018-04-30T23.59.59.json";

const BOOK: &str = r#"
    [book]
    id = "check"
    currency = "RUB"
    timezone = "UTC"

    [[version]]
    effective = 2018-04-01

    [[version.component]]
    id = "vm.running.vcpu"
    kind = "vm"
    when = { state = "active" }
    model = "per_second"
    quantity = ["vcpu"]
    price = "1"
    per = "hour"

    [[version.component]]
    id = "vm.stopped.vcpu"
    kind = "vm"
    when = { state = "inactive" }
    model = "per_second"
    quantity = ["vcpu"]
    price = "1"
    per = "hour"

    [[version.component]]
    id = "vm.ram"
    kind = "vm"
    model = "per_second"
    quantity = ["ram_gb"]
    price = "1"
    per = "hour"

    [[version.component]]
    id = "volume.gb"
    kind = "volume"
    model = "per_second"
    quantity = ["gb"]
    price = "1"
    per = "hour"

    [[version.component]]
    id = "image.gb"
    kind = "image"
    model = "per_second"
    quantity = ["gb"]
    price = "1"
    per = "hour"
"#;

/// Rates events for April 2018 up to the last day of the log: the quantity of each component, and its resources.
fn rate(events: &str) -> BTreeMap<String, (String, usize)> {
    let book = PriceBook::read(BOOK).expect("a good book");
    let date = |text: &str| text.parse().unwrap();
    let window = Window::new(book.calendar(), date("2018-04-01"), date("2018-05-01"), None).unwrap();
    let mut rater = Rater::new(&book, window).unwrap();
    for (line, event) in (1..).zip(events.lines()) {
        rater.accept(event.as_bytes(), Origin { file: 0, line }).unwrap().unwrap();
    }
    let rated = rater.finish().unwrap();
    assert!(rated.notices.lacking.is_empty() && rated.notices.disputed.is_none(), "{:?}", rated.notices);
    let bill: Value = serde_json::to_value(&rated.bill).unwrap();
    let mut sums: BTreeMap<String, (bigdecimal::BigDecimal, usize)> = BTreeMap::new();
    for charge in bill["charges"].as_array().unwrap() {
        let (sum, count) = sums.entry(charge["component"].as_str().unwrap().to_owned()).or_default();
        *sum += charge["quantity"].as_str().unwrap().parse::<bigdecimal::BigDecimal>().unwrap();
        *count += 1;
    }
    let plain = |(name, (sum, count)): (String, (bigdecimal::BigDecimal, usize))| {
        (name, (sum.normalized().to_plain_string(), count))
    };
    sums.into_iter().map(plain).collect()
}

fn second(text: &Value) -> i64 {
    let local: DateTime = text.as_str().unwrap()[..19].parse().unwrap();
    local.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

fn number(text: &Value) -> i64 {
    text.as_str().unwrap().parse().unwrap()
}

/// What a plain walk over the log finds: unit-seconds up to the end of April.
fn walk(log: &[u8]) -> BTreeMap<String, (String, usize)> {
    const END: i64 = 1_525_132_800;
    let records: Vec<Value> = serde_json::from_slice(log).unwrap();
    let find = |event: &str, id: &Value, key: &str| {
        let same = |record: &&Value| record["event_type"] == event && record[key] == *id;
        records.iter().filter(same).collect::<Vec<_>>()
    };
    let mut sums: BTreeMap<String, (i64, usize)> = BTreeMap::new();
    let mut add = |name: &str, amount: i64| {
        let (sum, count) = sums.entry(name.to_owned()).or_default();
        *sum += amount;
        *count += usize::from(amount != 0);
    };
    for record in &records {
        match record["event_type"].as_str().unwrap() {
            "compute.instance.create.end" => {
                let id = &record["instance_id"];
                let born = second(&record["launched_at"]);
                let dead = find("compute.instance.delete.end", id, "instance_id");
                let dead = dead.first().map_or(END, |record| second(&record["deleted_at"]));
                let times =
                    |event| find(event, id, "instance_id").iter().map(|r| second(&r["generated"])).collect();
                let offs: Vec<i64> = times("compute.instance.power_off.end");
                let mut ons: Vec<i64> = times("compute.instance.power_on.end");
                ons.push(dead);
                let stopped: i64 = offs.iter().zip(&ons).map(|(off, on)| on - off).sum();
                add("vm.running.vcpu", number(&record["vcpus"]) * (dead - born - stopped));
                add("vm.stopped.vcpu", number(&record["vcpus"]) * stopped);
                // In 10^-4 GB: 1024 MB are one GB, and 40000 MB are 39.0625.
                add("vm.ram", number(&record["memory_mb"]) * 10_000 / 1_024 * (dead - born));
            }
            "volume.create.end" => {
                let dead = find("volume.delete.end", &record["resource_id"], "resource_id");
                let dead = dead.first().map_or(END, |record| second(&record["generated"]));
                add("volume.gb", number(&record["size"]) * (dead - second(&record["created_at"])));
            }
            "image.upload" => {
                let dead = find("image.delete", &record["resource_id"], "resource_id");
                let dead = dead.first().map_or(END, |record| second(&record["deleted_at"]));
                // In 10^-6 GB: 10,485,760,000 bytes are 9.765625.
                let gb = number(&record["size"]) / 16 * 15_625 / 1_048_576;
                add("image.gb", gb * (dead - second(&record["created_at"])));
            }
            _ => {}
        }
    }
    let places = |name: &str| match name {
        "vm.ram" => 4,
        "image.gb" => 6,
        _ => 0,
    };
    let plain = |(name, (sum, count)): (String, (i64, usize))| {
        let sum = bigdecimal::BigDecimal::new(sum.into(), places(&name));
        (name, (sum.normalized().to_plain_string(), count))
    };
    sums.into_iter().map(plain).collect()
}

#[test]
fn a_real_log_comes_to_the_hours_of_a_plain_walk() {
    let Some(log) = shared(LOG) else { return };
    let outcome = convert(Source::OpenstackLog, &log, &Options::default());
    assert_eq!(outcome.refusals, []);
    let summary = &outcome.summary;
    let counts = format!("{} records, {} events\n{:#?}", summary.records, summary.events, summary.skipped_as);
    expect![[r#"
        2485 records, 217 events
        {
            "operations that failed": 1,
            "operations that have only begun": 210,
            "records of what is not billed": 578,
            "records that tell nothing new": 1387,
            "resources that have not started": 92,
        }"#]]
    .assert_eq(&counts);
    let rated = rate(&outcome.output);
    assert_eq!(rated, walk(&log));
    let hours = rated.iter().map(|(name, (quantity, count))| format!("{name} of {count}: {quantity}\n"));
    expect![[r#"
        image.gb of 5: 42496494.140625
        vm.ram of 51: 22324173.125
        vm.running.vcpu of 51: 6347088
        vm.stopped.vcpu of 6: 6276
        volume.gb of 28: 936621746
    "#]]
    .assert_eq(&hours.collect::<String>());
    let keys: HashSet<_> = outcome.output.lines().map(|line| read(line).0.id.into_owned()).collect();
    assert_eq!(keys.len() as u64, summary.events);
}

#[test]
fn a_real_log_rates_the_same_in_parts_and_from_its_middle() {
    let Some(log) = shared(LOG) else { return };
    let whole = convert(Source::OpenstackLog, &log, &Options::default()).output;
    let records: Vec<Value> = serde_json::from_slice(&log).unwrap();
    let mut parts = String::new();
    for part in records.chunks(100).rev() {
        let part = serde_json::to_vec_pretty(part).unwrap();
        parts += &convert(Source::OpenstackLog, &part, &Options::default()).output;
    }
    assert!(parts.len() > whole.len());
    assert_eq!(rate(&parts), rate(&whole));
    // Without its creations: whoever was audited while it lived is known to have lived since its launch.
    let later: Vec<&Value> =
        records.iter().filter(|record| !record["event_type"].as_str().unwrap().contains("create")).collect();
    let later = serde_json::to_vec(&later).unwrap();
    let later = convert(Source::OpenstackLog, &later, &Options::default()).output;
    assert_eq!(rate(&later), rate(&whole));
}

#[test]
fn what_other_real_files_hold_is_converted_or_refused() {
    let files = [
        "openstack_error_sessions-2018-04-18T00.00.00_2018-04-18T23.59.59.json",
        "openstack_upgrade-2018-05-19T00.00.00_2018-05-19T23.59.59.json",
        "openstack_resource_specs-hypervisor_facts_2018-04-17T22.30.02.json",
    ];
    let expected = [
        expect![[r#"
        84.. DELETED
        6a.. STOPPED
        6a.. DELETED
        6a.. STOPPED
        11 records, skipped {"operations that have only begun": 3, "records that tell nothing new": 4}
    "#]],
        expect![[r#"
        85.. STOPPED (concluded)
        85.. RUNNING
        85.. STOPPED
        56.. RUNNING (concluded)
        56.. STOPPED
        6 records, skipped {"operations that have only begun": 1}
    "#]],
        expect![[r#"
        line 1: event_type: is missing
        1 records, skipped {}
    "#]],
    ];
    for (file, expected) in files.into_iter().zip(expected) {
        let Some(log) = shared(&format!("openstack-events/{file}")) else { return };
        let outcome = convert(Source::OpenstackLog, &log, &Options::default());
        let mut text = String::new();
        for (event, data) in outcome.output.lines().map(read) {
            let subject = event.subject.get(..2).unwrap();
            let concluded = if event.id.ends_with("/since") { " (concluded)" } else { "" };
            text += &format!("{subject}.. {}{concluded}\n", data.state.unwrap());
        }
        let refusals = outcome.refusals.iter().map(|refused| format!("{refused}\n"));
        text += &refusals.collect::<String>();
        text += &format!("{} records, skipped {:?}\n", outcome.summary.records, outcome.summary.skipped_as);
        expected.assert_eq(&text);
    }
}
