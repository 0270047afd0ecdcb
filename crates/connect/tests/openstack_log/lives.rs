//! How records tell the lives of resources.

use expect_test::expect;
use kopeck_connect::convert::{Options, Source};

use crate::check::{convert, read};
use crate::{check, instance, volume};

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
