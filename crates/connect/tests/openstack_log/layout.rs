//! How a file is laid out.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use expect_test::expect;
use kopeck_connect::convert::{Options, Source};
use serde_json::Value;

use crate::check;
use crate::check::convert;

const FIXTURE: &[u8] = include_bytes!("../fixtures/openstack-log.json");

#[test]
fn records_of_an_array_become_the_states_of_their_resources() {
    let outcome = convert(Source::OpenstackLog, FIXTURE, &Options::default());
    expect![[r#"
        {"specversion":"1.0","id":"m-02","source":"openstack://north","type":"kopeck.state.v1","subject":"vol-7","time":"2026-10-05T09:59:30Z","project":"geo","actor":"anna","sequence":"1/2026-10-05T09:59:30.500000000Z","data":{"kind":"volume","state":"AVAILABLE","region":"north","attributes":{"gb":100,"tier":"ssd"}}}
        {"specversion":"1.0","id":"m-03","source":"openstack://north","type":"kopeck.state.v1","subject":"vm-7","time":"2026-10-05T10:00:00.612345Z","project":"geo","actor":"anna","sequence":"1/2026-10-05T10:00:00.700000000Z","data":{"kind":"vm","state":"RUNNING","region":"north","attributes":{"vcpu":2,"ram_gb":"2.44140625","disk_gb":25,"os":"linux","flavor":"m1.small"}}}
        {"specversion":"1.0","id":"m-05/since","source":"openstack://north","type":"kopeck.state.v1","subject":"vm-5","time":"2026-09-30T21:15:00Z","project":"bio","sequence":"0/08208801994300000000","data":{"kind":"vm","state":"STOPPED","region":"north","attributes":{"vcpu":4,"ram_gb":8,"disk_gb":"40.5","flavor":"m1.large"}}}
        {"specversion":"1.0","id":"m-05","source":"openstack://north","type":"kopeck.state.v1","subject":"vm-5","time":"2026-10-05T11:00:05.7Z","project":"bio","sequence":"1/2026-10-05T11:00:05.700000000Z","data":{"kind":"vm","state":"STOPPED","region":"north","attributes":{"vcpu":4,"ram_gb":8,"disk_gb":"40.5","flavor":"m1.large"}}}
        {"specversion":"1.0","id":"m-06","source":"openstack://north","type":"kopeck.state.v1","subject":"vm-7","time":"2026-10-05T11:30:00.000001Z","project":"geo","actor":"anna","sequence":"1/2026-10-05T11:30:00.000001000Z","data":{"kind":"vm","state":"STOPPED","region":"north","attributes":{"vcpu":2,"ram_gb":"2.44140625","disk_gb":25,"os":"linux","flavor":"m1.small"}}}
        {"specversion":"1.0","id":"m-07","source":"openstack://north","type":"kopeck.state.v1","subject":"vm-7","time":"2026-10-05T12:00:01Z","project":"geo","actor":"boris","sequence":"1/2026-10-05T12:00:01.300000000Z","data":{"kind":"vm","state":"DELETED","region":"north","attributes":{}}}
    "#]].assert_eq(&outcome.output);
    check(
        FIXTURE,
        &expect![[r#"
        2026-10-05T09:59:30Z geo, anna: volume vol-7 AVAILABLE gb=100 tier=ssd
        2026-10-05T10:00:00.612345Z geo, anna: vm vm-7 RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2.44140625 vcpu=2
        2026-09-30T21:15:00Z bio: vm vm-5 STOPPED disk_gb=40.5 flavor=m1.large ram_gb=8 vcpu=4
        2026-10-05T11:00:05.7Z bio: vm vm-5 STOPPED disk_gb=40.5 flavor=m1.large ram_gb=8 vcpu=4
        2026-10-05T11:30:00.000001Z geo, anna: vm vm-7 STOPPED disk_gb=25 flavor=m1.small os=linux ram_gb=2.44140625 vcpu=2
        2026-10-05T12:00:01Z geo, boris: vm vm-7 DELETED
        7 records, 6 events, 0 refused, skipped {"operations that failed": 1, "records of what is not billed": 1}
    "#]],
    );
}

#[test]
fn the_layout_of_the_file_changes_nothing() {
    let plain = convert(Source::OpenstackLog, FIXTURE, &Options::default());
    assert_eq!(plain.refusals, []);
    let records: Vec<Value> = serde_json::from_slice(FIXTURE).unwrap();
    let compact = serde_json::to_string(&records).unwrap();
    let lines: String = records.iter().map(|record| format!("{record}\r\n")).collect();
    let objects: String = records.iter().map(|record| format!("{record:#}")).collect();
    for same in [compact, format!("\u{feff}{lines}"), lines, objects] {
        let other = convert(Source::OpenstackLog, same.as_bytes(), &Options::default());
        assert_eq!((other.output, other.refusals), (plain.output.clone(), vec![]));
        // However few bytes are read at once.
        let (mut slow, mut output) = (BufReader::with_capacity(3, same.as_bytes()), Vec::new());
        Source::OpenstackLog.convert(&mut slow, &mut output, &Options::default(), &mut |_| {}).unwrap();
        assert_eq!(String::from_utf8(output).unwrap(), plain.output.trim_start_matches('\u{feff}'));
    }
}

#[test]
fn fields_may_stand_in_a_list_of_traits() {
    let plain = convert(Source::OpenstackLog, FIXTURE, &Options::default());
    let records: Vec<BTreeMap<String, Value>> = serde_json::from_slice(FIXTURE).unwrap();
    for as_arrays in [false, true] {
        let lines = records.iter().map(|record| {
            let own = ["event_type", "generated", "message_id"];
            let (own, traits): (BTreeMap<_, _>, BTreeMap<_, _>) =
                record.iter().partition(|(name, _)| own.contains(&name.as_str()));
            let traits = traits.into_iter().map(|(name, value)| match as_arrays {
                true => serde_json::json!([name, 1, value]),
                false => serde_json::json!({"value": value, "name": name, "type": "string"}),
            });
            let mut whole = serde_json::to_value(own).unwrap();
            whole["traits"] = traits.collect();
            whole["raw"] = serde_json::json!({"payload": [{}]});
            format!("{whole}\n")
        });
        let other = convert(Source::OpenstackLog, lines.collect::<String>().as_bytes(), &Options::default());
        assert_eq!(other.output, plain.output);
    }
}

#[test]
fn an_empty_log_has_no_records() {
    let nothing = expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]];
    for empty in ["", "\n", "[]", "\u{feff}[ ]\r\n", "[]\n[]\n"] {
        check(empty, &nothing);
    }
}

#[test]
fn failures_of_reading_are_errors() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the tape tore"))
        }
    }
    let mut input = BufReader::new(FIXTURE.chain(Broken));
    let mut output = Vec::new();
    let failed = Source::OpenstackLog.convert(&mut input, &mut output, &Options::default(), &mut |_| {});
    assert_eq!(failed.unwrap_err().to_string(), "the tape tore");
    assert!(!output.is_empty());
}
