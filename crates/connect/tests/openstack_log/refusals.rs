//! What is refused, and that it takes no neighbours with it.

use expect_test::expect;

use crate::{check, instance};

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
            line 10: vcpus: "999999999999.9999999999" is 10^12 when it is rounded to 9 places
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
