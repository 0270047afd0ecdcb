//! Event logs of an OpenStack into events. All records here are made up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufReader, Read};

use check::{convert, read, shared};
use expect_test::{Expect, expect};
use jiff::civil::DateTime;
use kopeck_connect::convert::{Options, Source};
use kopeck_rating::batch::Origin;
use kopeck_rating::charge::Window;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::Rater;
use serde_json::Value;

const FIXTURE: &[u8] = include_bytes!("fixtures/openstack-log.json");

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::OpenstackLog, input.as_ref(), &Options::default(), expected);
}

fn record(fields: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let fields: BTreeMap<&str, &str> = fields.iter().chain(changes).copied().collect();
    serde_json::to_string(&fields).unwrap() + "\n"
}

/// A line about an instance that runs since 10:00, but for the given fields.
fn instance(event: &str, generated: &str, changes: &[(&str, &str)]) -> String {
    let event = format!("compute.instance.{event}");
    let id = format!("{event}@{generated}");
    let usual = [
        ("event_type", event.as_str()),
        ("generated", generated),
        ("message_id", id.as_str()),
        ("instance_id", "vm-1"),
        ("instance_type", "m1.small"),
        ("launched_at", "2026-10-05T10:00:00.250000"),
        ("vcpus", "2"),
        ("memory_mb", "2048"),
        ("disk_gb", "20"),
        ("state", "active"),
        ("tenant_id", "geo"),
        ("user_id", "anna"),
    ];
    record(&usual, changes)
}

/// A line about a volume, but for the given fields.
fn volume(event: &str, generated: &str, changes: &[(&str, &str)]) -> String {
    let id = format!("{event}@{generated}");
    let usual = [
        ("event_type", event),
        ("generated", generated),
        ("message_id", id.as_str()),
        ("resource_id", "vol-1"),
        ("created_at", "2026-10-05T10:00:00+00:00"),
        ("size", "100"),
        ("type", "ssd"),
        ("status", "available"),
        ("tenant_id", "geo"),
    ];
    record(&usual, changes)
}

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
fn a_vm_runs_from_its_launch_stops_and_starts_and_ends_when_it_was_deleted() {
    let log = [
        instance("create.start", "2026-10-05T09:59:50", &[("state", "building"), ("launched_at", "")]),
        instance("create.end", "2026-10-05T10:00:00.9", &[]),
        instance("power_off.start", "2026-10-05T11:00:00", &[]),
        instance("power_off.end", "2026-10-05T11:00:01.5", &[("state", "stopped")]),
        instance("power_on.start", "2026-10-05T12:00:00", &[("state", "stopped")]),
        instance("power_on.end", "2026-10-05T12:00:02", &[]),
        instance("delete.start", "2026-10-05T13:00:00", &[]),
        instance("shutdown.end", "2026-10-05T13:00:01", &[]),
        instance(
            "delete.end",
            "2026-10-05T13:00:02.2",
            &[("deleted_at", "2026-10-05T13:00:01"), ("state", "deleted")],
        ),
        instance(
            "exists",
            "2026-10-05T14:00:02",
            &[("deleted_at", "2026-10-05T13:00:01"), ("state", "deleted")],
        ),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00.25Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:01.5Z geo, anna: vm vm-1 STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T12:00:02Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T13:00:01Z geo, anna: vm vm-1 DELETED
        10 records, 4 events, 0 refused, skipped {"operations that have only begun": 3, "records that tell nothing new": 2, "resources that have not started": 1}
    "#]],
    );
}

#[test]
fn a_resize_counts_from_its_end_and_leaves_the_state_as_it_was() {
    let large = [("instance_type", "m1.large"), ("vcpus", "8"), ("memory_mb", "16500"), ("state", "resized")];
    let log = [
        instance("create.end", "2026-10-05T10:00:00.5", &[]),
        instance("resize.prep.end", "2026-10-05T11:00:00", &[]),
        instance("finish_resize.end", "2026-10-05T11:00:10", &large),
        instance(
            "resize.confirm.end",
            "2026-10-05T11:01:00",
            &[&large[..3], &[("state", "active")]].concat(),
        ),
        instance("power_off.end", "2026-10-05T12:00:00", &[&large[..3], &[("state", "stopped")]].concat()),
        instance("finish_resize.end", "2026-10-05T13:00:00", &[("state", "resized")]),
        instance(
            "resize.revert.end",
            "2026-10-05T13:05:00",
            &[&large[..3], &[("state", "stopped")]].concat(),
        ),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00.25Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:10Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.large ram_gb=16.11328125 vcpu=8
        2026-10-05T12:00:00Z geo, anna: vm vm-1 STOPPED disk_gb=20 flavor=m1.large ram_gb=16.11328125 vcpu=8
        2026-10-05T13:00:00Z geo, anna: vm vm-1 STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T13:05:00Z geo, anna: vm vm-1 STOPPED disk_gb=20 flavor=m1.large ram_gb=16.11328125 vcpu=8
        7 records, 5 events, 0 refused, skipped {"records that tell nothing new": 2}
    "#]],
    );
}

#[test]
fn states_that_neither_run_nor_stop_keep_their_names() {
    let states = [
        ("suspend.end", "suspended"),
        ("resume.end", "active"),
        ("pause.end", "paused"),
        ("unpause.end", "active"),
        ("shelve.end", "shelved"),
        ("shelve_offload.end", "shelved_offloaded"),
        ("unshelve.end", "active"),
        ("rescue.end", "rescued"),
        ("soft_delete.end", "soft-delete"),
        ("restore.end", "active"),
        ("update", "error"),
        ("update", "dreaming"),
        ("update", ""),
    ];
    let log = states.iter().enumerate().map(|(at, (event, state))| {
        instance(event, &format!("2026-10-05T11:00:{at:02}"), &[("state", state)])
    });
    check(
        log.collect::<String>(),
        &expect![[r#"
            2026-10-05T10:00:00.25Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm vm-1 SUSPENDED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:01Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:02Z geo, anna: vm vm-1 PAUSED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:03Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:04Z geo, anna: vm vm-1 SHELVED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:05Z geo, anna: vm vm-1 SHELVED_OFFLOADED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:06Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:08Z geo, anna: vm vm-1 SOFT_DELETED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:09Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:10Z geo, anna: vm vm-1 ERROR disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            line 12: state: "dreaming" is not a state that is known
              leave the record out, or report the state so that it is given a meaning
            line 13: state: is missing
              export the field: it says whether the resource is billed
            13 records, 11 events, 2 refused, skipped {"records that tell nothing new": 1}
        "#]],
    );
}

#[test]
fn the_first_record_of_a_resource_tells_what_it_was_before_the_log() {
    let of = |id: &'static str, event: &str, state: &'static str| {
        let deleted = ("deleted_at", if state == "deleted" { "2026-10-05T10:59:59" } else { "" });
        instance(event, "2026-10-05T11:00:00", &[("instance_id", id), ("state", state), deleted])
    };
    let log = [
        of("audited", "exists", "active"),
        of("audited-off", "exists", "stopped"),
        of("off", "power_off.end", "stopped"),
        of("on", "power_on.end", "active"),
        of("to-be-off", "power_off.start", "active"),
        of("deleted", "delete.end", "deleted"),
        of("audited-deleted", "exists", "deleted"),
        instance("exists", "2026-10-05T11:00:00", &[("instance_id", "unknown-start"), ("launched_at", "")]),
        instance("exists", "2026-10-05T09:00:00", &[("instance_id", "starts-later")]),
        instance("shutdown.end", "2026-10-05T09:00:00", &[("launched_at", ""), ("state", "building")]),
        instance("update", "2026-10-05T09:00:00", &[("launched_at", ""), ("state", "error")]),
        volume("volume.detach.end", "2026-10-05T11:00:00", &[]),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00.25Z geo, anna: vm audited RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, anna: vm audited RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00.25Z geo, anna: vm audited-off STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, anna: vm audited-off STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00.25Z geo, anna: vm off RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, anna: vm off STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00.25Z geo, anna: vm on STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, anna: vm on RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00.25Z geo, anna: vm to-be-off RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00.25Z geo, anna: vm deleted UNKNOWN disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:59:59Z geo, anna: vm deleted DELETED
        2026-10-05T10:00:00.25Z geo, anna: vm audited-deleted UNKNOWN disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:59:59Z geo, anna: vm audited-deleted DELETED
        2026-10-05T11:00:00Z geo, anna: vm unknown-start RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T09:00:00Z geo, anna: vm starts-later RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00Z geo: volume vol-1 IN-USE gb=100 tier=ssd
        2026-10-05T11:00:00Z geo: volume vol-1 AVAILABLE gb=100 tier=ssd
        12 records, 17 events, 0 refused, skipped {"resources that have not started": 2}
    "#]],
    );
}

#[test]
fn what_was_concluded_yields_to_what_was_recorded_and_to_earlier_conclusions() {
    // The same VM in two logs that are converted apart: the second knows only that it is stopped.
    let first = instance("create.end", "2026-10-05T10:00:00.9", &[]);
    let second = instance(
        "exists",
        "2026-10-06T00:00:00",
        &[("state", "stopped"), ("launched_at", "2026-10-05T10:00:00")],
    );
    let third = instance("exists", "2026-10-07T00:00:00", &[("launched_at", "2026-10-05T10:00:00")]);
    let mut output = String::new();
    for log in [&third, &second, &first] {
        output += &convert(Source::OpenstackLog, log.as_bytes(), &Options::default()).output;
    }
    let mut events: Vec<_> = output.lines().map(read).collect();
    events.sort_by(|(one, _), (other, _)| {
        (one.time, &one.sequence, &one.id).cmp(&(other.time, &other.sequence, &other.id))
    });
    let order = events.iter().map(|(event, data)| format!("{} {}\n", event.id, data.state.as_ref().unwrap()));
    expect![[r#"
        compute.instance.exists@2026-10-07T00:00:00/since RUNNING
        compute.instance.exists@2026-10-06T00:00:00/since STOPPED
        compute.instance.create.end@2026-10-05T10:00:00.9 RUNNING
        compute.instance.exists@2026-10-06T00:00:00 STOPPED
        compute.instance.exists@2026-10-07T00:00:00 RUNNING
    "#]]
    .assert_eq(&order.collect::<String>());
}

#[test]
fn a_record_after_the_end_does_not_raise_the_dead_and_a_late_one_before_it_counts() {
    let log = [
        instance(
            "delete.end",
            "2026-10-05T13:00:02.2",
            &[("deleted_at", "2026-10-05T13:00:01"), ("state", "deleted")],
        ),
        instance("exists", "2026-10-05T13:00:05", &[]),
        instance("power_off.end", "2026-10-05T12:00:00", &[("state", "stopped")]),
        instance("create.end", "2026-10-05T10:00:00.9", &[]),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00.25Z geo, anna: vm vm-1 UNKNOWN disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T13:00:01Z geo, anna: vm vm-1 DELETED
        2026-10-05T12:00:00Z geo, anna: vm vm-1 STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T10:00:00.25Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        4 records, 4 events, 0 refused, skipped {"records of resources that have ended": 1}
    "#]],
    );
}

#[test]
fn an_end_within_the_second_of_another_record_comes_behind_it() {
    let log = [
        instance("create.end", "2026-10-05T10:00:00.9", &[]),
        instance("power_off.end", "2026-10-05T11:00:00.5", &[("state", "stopped")]),
        instance(
            "delete.end",
            "2026-10-05T11:00:00.9",
            &[("deleted_at", "2026-10-05T11:00:00"), ("state", "deleted")],
        ),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00.25Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00.5Z geo, anna: vm vm-1 STOPPED disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00.5Z geo, anna: vm vm-1 DELETED
        3 records, 3 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn an_end_counts_whatever_else_its_record_says() {
    let log = [
        instance("create.end", "2026-10-05T10:00:00.9", &[]),
        instance(
            "delete.end",
            "2026-10-05T11:00:00.9",
            &[("vcpus", "?"), ("launched_at", "?"), ("deleted_at", "?"), ("state", "?")],
        ),
        // Neither launch nor deletion can be later than the record that tells of them.
        instance(
            "create.end",
            "2026-10-05T12:00:00",
            &[("instance_id", "b"), ("launched_at", "2027-01-01T00:00:00")],
        ),
        instance(
            "delete.end",
            "2026-10-05T13:00:00",
            &[("instance_id", "b"), ("deleted_at", "2027-01-01T00:00:00")],
        ),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00.25Z geo, anna: vm vm-1 RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00.9Z geo, anna: vm vm-1 DELETED
        2026-10-05T12:00:00Z geo, anna: vm b RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T13:00:00Z geo, anna: vm b DELETED
        4 records, 4 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn volumes_snapshots_and_images_have_gb() {
    let log = [
        volume("volume.create.start", "2026-10-05T10:00:01", &[("status", "creating")]),
        volume("volume.create.end", "2026-10-05T10:00:03", &[]),
        volume("volume.attach.end", "2026-10-05T11:00:00", &[("status", "in-use")]),
        volume("volume.resize.end", "2026-10-05T12:00:00", &[("status", "in-use"), ("size", "250")]),
        volume(
            "volume.retype",
            "2026-10-05T12:30:00",
            &[("status", "retyping"), ("size", "250"), ("type", "hdd")],
        ),
        volume("volume.delete.end", "2026-10-05T13:00:00", &[("status", "deleting")]),
        volume(
            "snapshot.create.end",
            "2026-10-05T11:00:00",
            &[("resource_id", ""), ("snapshot_id", "cp-1"), ("volume_id", "vol-1"), ("volume_size", "100")],
        ),
        volume(
            "snapshot.delete.end",
            "2026-10-05T12:00:00",
            &[("resource_id", ""), ("snapshot_id", "cp-1"), ("volume_id", "vol-1")],
        ),
        volume(
            "image.create",
            "2026-10-05T10:00:00",
            &[("resource_id", "img-1"), ("status", "queued"), ("size", "")],
        ),
        volume(
            "image.upload",
            "2026-10-05T10:05:00",
            &[("resource_id", "img-1"), ("status", "active"), ("size", "1000000000")],
        ),
        volume(
            "image.update",
            "2026-10-05T10:05:01",
            &[("resource_id", "img-1"), ("status", "active"), ("size", "1000000000")],
        ),
        volume("image.activate", "2026-10-05T10:05:01", &[("resource_id", ""), ("status", ""), ("size", "")]),
        volume(
            "image.delete",
            "2026-10-05T12:00:00",
            &[
                ("resource_id", "img-1"),
                ("status", "deleted"),
                ("deleted_at", "2026-10-05T12:00:00Z"),
                ("size", "1000000000"),
            ],
        ),
        volume(
            "image.upload",
            "2026-10-05T10:05:00",
            &[("resource_id", "img-2"), ("status", "active"), ("size", "5000000000000")],
        ),
    ];
    check(
        log.concat(),
        &expect![[r#"
        2026-10-05T10:00:00Z geo: volume vol-1 AVAILABLE gb=100 tier=ssd
        2026-10-05T11:00:00Z geo: volume vol-1 IN-USE gb=100 tier=ssd
        2026-10-05T12:00:00Z geo: volume vol-1 IN-USE gb=250 tier=ssd
        2026-10-05T12:30:00Z geo: volume vol-1 IN-USE gb=250 tier=hdd
        2026-10-05T13:00:00Z geo: volume vol-1 DELETED
        2026-10-05T10:00:00Z geo: checkpoint cp-1 AVAILABLE gb=100
        2026-10-05T12:00:00Z geo: checkpoint cp-1 DELETED
        2026-10-05T10:00:00Z geo: image img-1 AVAILABLE gb=0.931322575
        2026-10-05T12:00:00Z geo: image img-1 DELETED
        2026-10-05T10:00:00Z geo: image img-2 AVAILABLE gb=4656.612873077
        14 records, 10 events, 0 refused, skipped {"records of what is not billed": 1, "records that tell nothing new": 1, "resources that have not started": 2}
    "#]],
    );
}

#[test]
fn bad_fields_are_refused_one_by_one() {
    let fields = [
        ("generated", ""),
        ("generated", "yesterday"),
        ("generated", "2026-10-05"),
        ("generated", "2226-10-05T10:00:00"),
        ("launched_at", "2026-13-05T10:00:00"),
        ("instance_id", ""),
        ("tenant_id", ""),
        ("vcpus", ""),
        ("vcpus", "-2"),
        ("vcpus", "999999999999.9999999999"),
        ("memory_mb", "1e3"),
        ("memory_mb", "9999999999999"),
        ("disk_gb", "20GB"),
    ];
    let log = fields.map(|field| instance("power_off.end", "2026-10-05T11:00:00", &[field]));
    check(
        log.concat(),
        &expect![[r#"
        line 1: generated: is missing
          export the field: it is the instant of the record
        line 2: generated: "yesterday" is not a time such as 2026-10-05T10:00:00
          export times as OpenStack writes them
        line 3: generated: "2026-10-05" is not a time such as 2026-10-05T10:00:00
          export times as OpenStack writes them
        line 4: generated: 2226-10-05T10:00:00Z lies outside the years 1900 to 2199
          check the clock of the cloud
        line 5: launched_at: "2026-13-05T10:00:00" is not a time such as 2026-10-05T10:00:00
          export times as OpenStack writes them
        line 6: instance_id: is missing
          export the id of the resource
        line 7: project_id: is missing
          export the field: the project pays for the resource
        line 8: vcpus: is missing
          a resource without it can not be billed: export the field
        line 9: vcpus: "-2" is not a number of at most 12 digits
          write it as a plain decimal number
        line 10: vcpus: "999999999999.9999999999" is not a number of at most 12 digits
          write it as a plain decimal number
        line 11: memory_mb: "1e3" is not a number of at most 12 digits
          write it as a plain decimal number
        line 12: memory_mb: "9999999999999" is not a number of at most 12 digits
          write it as a plain decimal number
        line 13: disk_gb: "20GB" is not a number of at most 12 digits
          write it as a plain decimal number
        13 records, 0 events, 13 refused, skipped {}
    "#]],
    );
}

#[test]
fn bad_records_are_refused_one_by_one() {
    let good = |id: &'static str| {
        instance("exists", "2026-10-05T11:00:00", &[("instance_id", id), ("launched_at", "")])
    };
    let lines = [
        good("a"),
        "null\n".to_owned(),
        "{}\n".to_owned(),
        "{\"event_type\": 17, \"event_type\": {}}\n".to_owned(),
        "{\"event_type\": \"compute.instance.exists\", \"traits\": 5}\n".to_owned(),
        format!("{{\"event_type\": {}1{} }}\n", "[".repeat(200), "]".repeat(200)),
        good("b").replace("active", &"x".repeat(1_001)),
        good("c").replace("{", "{\"padding\": \"#\",").replace('#', &"x".repeat(300_000)),
        good("d").replace("active", "act\u{1}ive"),
        good("e"),
    ];
    let mut input = lines.concat().into_bytes();
    input.extend_from_slice(b"{\"event_type\": \"\xff\"}");
    check(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: vm a RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, anna: vm e RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        line 2: "null" is not a JSON object
          export an array of JSON objects, or one object a line
        line 3: event_type: is missing
          is this an event log? Export its records whole
        line 4: event_type: is not a text
          write it as one text
        line 5: traits: is not a list of names, types and values
          export events as the telemetry service lists them
        line 6: nested deeper than 100 levels
          leave out the field; is this the right file?
        line 7: state: is longer than 1000 bytes
          is this the right file?
        line 8: the record is longer than 262144 bytes
          leave out fields with long texts; is this the right file?
        line 9: not a JSON object: control character (\u0000-\u001F) found while parsing a string
          export the record again
        line 11: byte 17 of the record is not valid UTF-8
          write the file as UTF-8
        11 records, 2 events, 9 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_torn_record_does_not_take_its_neighbours_with_it() {
    let good = |id: &'static str| {
        instance("exists", "2026-10-05T11:00:00", &[("instance_id", id), ("launched_at", "")])
    };
    let half = good("x")[..40].to_owned();
    let lines =
        [good("a"), half.clone() + "\n", good("b"), good("c").replace("active\"", "active"), good("d"), half];
    check(
        lines.concat(),
        &expect![[r#"
            2026-10-05T11:00:00Z geo, anna: vm a RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm b RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm d RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
            line 2: the record ends before its last brace is closed
              export the record again: a part of it is missing
            line 4: the record ends before its last brace is closed
              export the record again: a part of it is missing
            line 6: the record ends before its last brace is closed
              export the record again: a part of it is missing
            6 records, 3 events, 3 refused, skipped {}
        "#]],
    );
    let array = format!("[{},{{\"traits\": [}}, {},17,]\n", good("a").trim(), good("b").trim());
    check(
        array,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: vm a RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, anna: vm b RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        line 1: record 2: not a JSON object: expected value
          export the record again
        line 1: record 4: "17" is not a JSON object
          export an array of JSON objects, or one object a line
        4 records, 2 events, 2 refused, skipped {}
    "#]],
    );
    // The end of the file is missing, between two records.
    check(
        format!("[\n{},", good("a")),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: vm a RUNNING disk_gb=20 flavor=m1.small ram_gb=2 vcpu=2
        line 3: the file ends before its array is closed
          export the file again: records are missing at its end
        2 records, 1 events, 1 refused, skipped {}
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
        rater.accept(event.as_bytes(), Origin { file: 0, line }).unwrap();
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
