//! Versioned notifications of Nova into events. All records here are made up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use check::{convert, read};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};
use serde_json::{Value, json};

fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    check::check(Source::NovaNotification, input.as_ref(), &Options::default(), expected);
}

/// A notification of a VM that runs since 10:00, its data changed by the given fields.
fn vm(event: &str, timestamp: &str, changes: Value) -> Value {
    let flavor = json!({"name": "m1.small", "vcpus": 2, "memory_mb": 2048, "root_gb": 20, "ephemeral_gb": 5});
    let mut data = json!({
        "uuid": "vm-1", "tenant_id": "geo", "user_id": "anna", "state": "active", "power_state": "running",
        "launched_at": "2026-10-05T10:00:00Z", "deleted_at": null, "os_type": "linux",
        "flavor": {"nova_object.name": "FlavorPayload", "nova_object.data": flavor},
    });
    let Value::Object(changes) = changes else { panic!("{changes}") };
    for (name, value) in changes {
        data[name] = value;
    }
    json!({
        "event_type": format!("instance.{event}"),
        "message_id": format!("{event}@{timestamp}"),
        "payload": {"nova_object.name": "InstanceActionPayload", "nova_object.data": data},
        "priority": "INFO",
        "publisher_id": "nova-compute:b01",
        "timestamp": format!("2026-10-05 {timestamp}"),
    })
}

fn flavor(name: &str, vcpus: u64) -> Value {
    let data = json!({"name": name, "vcpus": vcpus, "memory_mb": 1000, "root_gb": 40, "ephemeral_gb": 0});
    json!({"nova_object.data": data})
}

fn lines(notifications: &[Value]) -> String {
    notifications.iter().map(|one| format!("{one}\n")).collect()
}

fn life() -> Vec<Value> {
    vec![
        vm("create.start", "09:59:50", json!({"state": "building", "launched_at": null})),
        vm("update", "09:59:55", json!({"state": "building", "launched_at": null})),
        vm("create.end", "10:00:00.751", json!({})),
        vm(
            "power_off.end",
            "11:00:00",
            json!({"state": "stopped", "power_state": "shutdown", "action_initiator_user": "boris"}),
        ),
        vm(
            "resize_finish.end",
            "11:30:00",
            json!({"state": "resized", "power_state": "shutdown", "flavor": flavor("m1.large", 8)}),
        ),
        vm("resize_confirm.end", "11:31:00", json!({"state": "stopped", "flavor": flavor("m1.large", 8)})),
        vm("power_on.end", "12:00:00", json!({"flavor": flavor("m1.large", 8)})),
        vm("resize_finish.end", "12:30:00", json!({"state": "resized"})),
        vm("resize_revert.end", "12:31:00", json!({"flavor": flavor("m1.large", 8)})),
        vm("delete.end", "13:00:01.2", json!({"state": "deleted", "deleted_at": "2026-10-05T13:00:00Z"})),
        vm("exists", "14:00:00", json!({"state": "deleted", "deleted_at": "2026-10-05T13:00:00Z"})),
    ]
}

#[test]
fn a_vm_lives_as_its_notifications_tell() {
    check(
        lines(&life()),
        &expect![[r#"
        2026-10-05T10:00:00Z geo, anna: vm vm-1 RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
        2026-10-05T11:00:00Z geo, boris: vm vm-1 STOPPED disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
        2026-10-05T11:30:00Z geo, anna: vm vm-1 STOPPED disk_gb=40 flavor=m1.large os=linux ram_gb=0.9765625 vcpu=8
        2026-10-05T12:00:00Z geo, anna: vm vm-1 RUNNING disk_gb=40 flavor=m1.large os=linux ram_gb=0.9765625 vcpu=8
        2026-10-05T12:30:00Z geo, anna: vm vm-1 RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
        2026-10-05T12:31:00Z geo, anna: vm vm-1 RUNNING disk_gb=40 flavor=m1.large os=linux ram_gb=0.9765625 vcpu=8
        2026-10-05T13:00:00Z geo, anna: vm vm-1 DELETED
        11 records, 7 events, 0 refused, skipped {"records that tell nothing new": 2, "resources that have not started": 2}
    "#]],
    );
    let first = lines(&life()[2..3]);
    let outcome = convert(Source::NovaNotification, first.as_bytes(), &Options::default());
    expect![[r#"
        {"specversion":"1.0","id":"create.end@10:00:00.751","source":"openstack://unnamed","type":"kopeck.state.v1","subject":"vm-1","time":"2026-10-05T10:00:00Z","project":"geo","actor":"anna","sequence":"1/2026-10-05T10:00:00.751000000Z","data":{"kind":"vm","state":"RUNNING","attributes":{"vcpu":2,"ram_gb":2,"disk_gb":25,"os":"linux","flavor":"m1.small"}}}
    "#]].assert_eq(&outcome.output);
}

#[test]
fn the_layout_and_the_envelope_of_the_bus_change_nothing() {
    let plain = convert(Source::NovaNotification, lines(&life()).as_bytes(), &Options::default());
    let enveloped: Vec<Value> =
        life().iter().map(|one| json!({"oslo.version": "2.0", "oslo.message": one.to_string()})).collect();
    let pretty: String = life().iter().map(|one| format!("{one:#}\n")).collect();
    for same in [pretty, lines(&enveloped), Value::from(enveloped.clone()).to_string()] {
        let other = convert(Source::NovaNotification, same.as_bytes(), &Options::default());
        assert_eq!((other.output, other.refusals), (plain.output.clone(), vec![]));
    }
}

#[test]
fn the_region_and_the_cloud_are_those_of_the_options() {
    let options = |region: &str, cloud: Option<&str>| Options {
        region: Some(region.to_owned()),
        cloud: cloud.map(str::to_owned),
        ..Options::default()
    };
    for (options, source) in [
        (options("north", None), "openstack://north"),
        (options("RegionOne", Some("birch")), "openstack://birch/RegionOne"),
    ] {
        let outcome = convert(Source::NovaNotification, lines(&life()).as_bytes(), &options);
        assert!(outcome.summary.events > 2);
        for (event, data) in outcome.output.lines().map(read) {
            assert_eq!((&*event.source, data.region), (source, options.region.clone()));
        }
    }
}

#[test]
fn what_is_no_whole_notification_is_refused_and_what_is_no_vm_is_skipped() {
    let without = |name: &str| {
        let mut one = vm("power_off.end", "11:00:00", json!({}));
        one.as_object_mut().unwrap().remove(name);
        one
    };
    let all = [
        json!({}),
        json!({"oslo.message": 5}),
        json!({"oslo.message": "no JSON"}),
        without("timestamp"),
        without("payload"),
        without("message_id"),
        json!({"event_type": "instance.pause.end", "payload": {"$ref": "common_payloads/A.json#"}}),
        json!({"event_type": "instance.pause.end", "payload": {"$ref": "A.json#", "nova_object.data": {"state": "paused"}}}),
        vm("pause.end", "11:00:00", json!({"state": "dreaming"})),
        vm("pause.end", "11:00:00", json!({"flavor": null})),
        vm("pause.end", "11:00:00", json!({"flavor": {"nova_object.data": {"memory_mb": 512}}})),
        vm("pause.end", "11:00:00", json!({"uuid": null})),
        vm("pause.end", "11:00:00", json!({"tenant_id": ""})),
        vm("pause.end", "11:00:00", json!({"launched_at": 1_790_000_000})),
        vm("resize.error", "11:00:00", json!({})),
        vm("update", "11:00:00", json!({"uuid": "b", "launched_at": null, "state": "error"})),
        json!({"event_type": "volume.usage"}),
        json!({"event_type": "aggregate.create.end"}),
        json!({"event_type": "compute.instance.create.end"}),
    ];
    check(
        lines(&all),
        &expect![[r#"
            2026-10-05T10:00:00Z geo, anna: vm vm-1 RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm vm-1 STOPPED disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            line 1: event_type: is missing
              is this a notification? Export it whole
            line 2: oslo.message: is not a text
              export the record as it came over the bus
            line 3: not a JSON object: expected ident
              export the record again
            line 4: timestamp: is missing
              export the field: it is the instant of the record
            line 5: payload: is missing
              export the notification with its whole payload, as Nova sent it
            line 7: payload: is not a whole versioned object
              export the notification with its whole payload, as Nova sent it
            line 8: payload: is not a whole versioned object
              export the notification with its whole payload, as Nova sent it
            line 9: state: "dreaming" is not a state that is known
              leave the notification out, or report the state so that it is given a meaning
            line 10: flavor: is missing
              export the notification with its whole payload, as Nova sent it
            line 11: vcpus: is missing
              a resource without it can not be billed: export the field
            line 12: uuid: is missing
              export the whole payload
            line 13: tenant_id: is missing
              export the whole payload: the project pays for the VM
            line 14: launched_at: "1790000000" is not a time such as 2026-10-05T10:00:00
              export times as OpenStack writes them
            19 records, 2 events, 13 refused, skipped {"operations that failed": 1, "records of what is not billed": 2, "resources that have not started": 1, "unversioned notifications": 1}
        "#]],
    );
}

#[test]
fn an_update_tells_what_the_vm_was_before_it() {
    let update = |old: &str, new: &str| {
        let state_update = json!({"nova_object.data": {"old_state": old, "state": new}});
        vm("update", "11:00:00", json!({"uuid": new, "state": new, "state_update": state_update}))
    };
    check(
        lines(&[update("active", "stopped"), update("stopped", "deleted"), update("dreaming", "active")]),
        &expect![[r#"
            2026-10-05T10:00:00Z geo, anna: vm stopped RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm stopped STOPPED disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            2026-10-05T10:00:00Z geo, anna: vm deleted STOPPED disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm deleted DELETED
            2026-10-05T10:00:00Z geo, anna: vm active RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            2026-10-05T11:00:00Z geo, anna: vm active RUNNING disk_gb=25 flavor=m1.small os=linux ram_gb=2 vcpu=2
            3 records, 6 events, 0 refused, skipped {}
        "#]],
    );
}

/// The folder of samples beside the workspace, if it is there.
fn samples() -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    Some(workspace.join("../shared/data/openstack-nova-notifications")).filter(|folder| folder.is_dir())
}

/// Lays changes over an object, within its objects too.
fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                lay_over(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

/// Fills in the files that a sample refers to, as Nova's documentation does: what stands beside `$ref` wins.
fn filled_in(mut value: Value, folder: &Path) -> Value {
    if let Value::Array(values) = value {
        return values.into_iter().map(|value| filled_in(value, folder)).collect();
    }
    let Some(object) = value.as_object_mut() else { return value };
    let reference = object.remove("$ref");
    for (_, field) in object.iter_mut() {
        *field = filled_in(field.take(), folder);
    }
    let Some(reference) = reference else { return value };
    let path = folder.join(reference.as_str().unwrap().trim_end_matches('#'));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut whole = filled_in(serde_json::from_slice(&text).unwrap(), path.parent().unwrap());
    lay_over(&mut whole, value);
    whole
}

/// What became of one notification: the states of its events, or why there is none.
fn outcome_of(input: &[u8]) -> String {
    let outcome = convert(Source::NovaNotification, input, &Options::default());
    assert_eq!(outcome.summary.records, 1);
    if let Some(refused) = outcome.refusals.first() {
        return format!("refused: {refused}");
    }
    if let Some((why, _)) = outcome.summary.skipped_as.first_key_value() {
        return format!("skipped: {why}");
    }
    let states = outcome.output.lines().map(|line| read(line).1.state.unwrap());
    states.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_samples_come_to_sensible_states_or_are_skipped() {
    let Some(folder) = samples() else { return };
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    let (mut as_they_are, mut whole) = (BTreeMap::new(), BTreeMap::<_, BTreeMap<String, u32>>::new());
    for path in &paths {
        let text = std::fs::read(path).unwrap();
        let bare = outcome_of(&text);
        *as_they_are.entry(bare.split(" (").next().unwrap().to_owned()).or_insert(0) += 1;
        let mut sample = filled_in(serde_json::from_slice(&text).unwrap(), &folder);
        // What the bus adds to each notification; the samples are of one instant, and this is a later one.
        sample["message_id"] = json!("m-1");
        sample["timestamp"] = json!("2012-10-29 13:42:12.000001");
        let event_type = sample["event_type"].as_str().unwrap().to_owned();
        let group = event_type.strip_prefix("instance.").unwrap_or("(no VM)").to_owned();
        let outcome = outcome_of(sample.to_string().as_bytes());
        *whole.entry(outcome).or_default().entry(group).or_insert(0) += 1;
    }
    expect![[r#"
        (
            140,
            {
                "refused: line 1: payload: is not a whole versioned object": 92,
                "skipped: operations that failed": 9,
                "skipped: records of what is not billed": 39,
            },
        )
    "#]]
    .assert_debug_eq(&(paths.len(), as_they_are));
    let table = whole.iter().map(|(outcome, types)| {
        let types = types.iter().map(|(name, count)| match count {
            1 => format!(" {name}"),
            _ => format!(" {name}*{count}"),
        });
        format!("{outcome}:{}\n", types.collect::<String>())
    });
    expect![[r#"
        DELETED: delete.end*3
        PAUSED: unpause.start
        PAUSED, RUNNING: unpause.end
        RUNNING: create.end delete.start*2 interface_attach.start interface_detach.start live_migration_abort.start live_migration_force_complete.start live_migration_post.start live_migration_post_dest.start live_migration_pre.start live_migration_rollback.start live_migration_rollback_dest.start pause.start power_off.start reboot.start rebuild.start rescue.start resize.start resize_confirm.start resize_finish.start resize_prep.start resize_revert.start share_attach.start share_detach.start shelve.start shutdown.start snapshot.start soft_delete.start suspend.start trigger_crash_dump.start unrescue.start update volume_attach.start volume_detach.start volume_swap.start
        RUNNING, PAUSED: pause.end
        RUNNING, RUNNING: evacuate exists interface_attach.end interface_detach.end live_migration_abort.end live_migration_force_complete.end live_migration_post.end live_migration_post_dest.end live_migration_pre.end live_migration_rollback.end live_migration_rollback_dest.end lock*2 reboot.end rebuild.end rebuild_scheduled rescue.end resize.end resize_confirm.end resize_finish.end resize_prep.end resize_revert.end share_attach.end share_detach.end shutdown.end snapshot.end trigger_crash_dump.end unlock unrescue.end unshelve.end update volume_attach.end volume_detach.end volume_swap.end
        RUNNING, STOPPED: power_off.end
        RUNNING, SUSPENDED: suspend.end
        SHELVED: shelve_offload.start
        SHELVED, SHELVED: shelve.end
        SHELVED_OFFLOADED: unshelve.start
        SHELVED_OFFLOADED, SHELVED_OFFLOADED: shelve_offload.end
        SOFT_DELETED: restore.start
        SOFT_DELETED, RUNNING: restore.end
        SOFT_DELETED, SOFT_DELETED: soft_delete.end
        STOPPED: power_on.start*2
        STOPPED, RUNNING: power_on.end*2
        SUSPENDED: resume.start
        SUSPENDED, RUNNING: resume.end
        skipped: operations that failed: create.error interface_attach.error reboot.error rebuild.error resize.error share_attach.error share_detach.error volume_attach.error volume_swap.error
        skipped: records of what is not billed: (no VM)*39
        skipped: resources that have not started: create.start delete.start
    "#]].assert_eq(&table.collect::<String>());
}
