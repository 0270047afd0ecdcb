//! Whatever the input is, no converter panics, loses count of a record, or writes an event that rating refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use check::{Outcome, convert, in_zone};
use kopeck_connect::convert::{Options, Source};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Converts in both forms; `check::convert` holds the rules.
fn both_forms(source: Source, input: &[u8]) -> [Outcome; 2] {
    let usage = in_zone("America/St_Johns");
    let state = Options { as_state: true, ..usage.clone() };
    let outcomes = [convert(source, input, &usage), convert(source, input, &state)];
    assert_eq!(outcomes[0].refusals, outcomes[1].refusals);
    assert_eq!(outcomes[0].summary.records, outcomes[1].summary.records);
    outcomes
}

/// Lines that are records, where no line is a header.
fn records(bytes: &[u8], is_record: fn(&[u8]) -> bool) -> u64 {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').filter(|line| is_record(line)).count() as u64
}

fn is_bars(line: &[u8]) -> bool {
    !line.is_empty() && line != b"\r"
}

fn is_log_entry(line: &[u8]) -> bool {
    !line.trim_ascii().is_empty() && !line.trim_ascii().starts_with(b";")
}

/// Fields that mean something, in places where they may not.
fn field() -> impl Strategy<Value = String> {
    let known = select(vec![
        "17",
        "17_3",
        "17.batch",
        "birch",
        "geo",
        "anna",
        "",
        "Unknown",
        "None",
        "None assigned",
        "RUNNING",
        "CANCELLED by 17",
        "COMPLETED",
        "2026-10-05T10:00:00",
        "2026-10-05T11:00:00",
        "2026-11-01T01:30:00",
        "2026-03-08T02:30:00",
        "2026-10-05T10:00:00+02:00",
        "00:00:00",
        "01:00:00",
        "1-02:03:04",
        "59:59",
        "8",
        "0",
        "999999999999",
        "-1",
        "2.5",
        "4000Mn",
        "2147486648Mn",
        "2.50Gc",
        "0n",
        "cpu=8,mem=62.50G,node=1",
        "cpu=8,gres/gpu=2,mem=1T",
        "gres/gpu:a=999999999999,gres/gpu:b=1",
        "mem=999999999999T",
        "JobID",
        "Elapsed",
        "start",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

fn openstack_field() -> impl Strategy<Value = &'static str> {
    select(vec![
        "event_type",
        "generated",
        "message_id",
        "region",
        "instance_id",
        "resource_id",
        "tenant_id",
        "user_id",
        "state",
        "old_state",
        "status",
        "launched_at",
        "created_at",
        "deleted_at",
        "vcpus",
        "memory_mb",
        "disk_gb",
        "root_gb",
        "ephemeral_gb",
        "size",
        "type",
        "traits",
        "state_update",
    ])
}

fn openstack_value() -> impl Strategy<Value = serde_json::Value> {
    let known = select(vec![
        r#""compute.instance.exists""#,
        r#""compute.instance.delete.end""#,
        r#""compute.instance.power_on.start""#,
        r#""image.upload""#,
        r#""snapshot.create.end""#,
        r#""volume.detach.end""#,
        r#""active""#,
        r#""resized""#,
        r#""deleted""#,
        r#""error""#,
        r#""in-use""#,
        r#""vm-7""#,
        r#""2026-10-05T10:30:00""#,
        r#""2026-10-05 10:30:00+02:00""#,
        r#""9999-12-31T23:59:59.999999999""#,
        r#""-000001-01-01T00:00:00Z""#,
        r#""1900-01-01T00:00:00""#,
        r#""2199-12-31T23:59:59.999999""#,
        r#""999999999999.9999999999""#,
        r#""99999999999999999999""#,
        r#""0""#,
        "8",
        "-1",
        "2.5",
        "1e300",
        "null",
        "true",
        r#""""#,
        "[]",
        "{}",
        r#"[["size", 1, "5"], {"name": "state", "type": 1, "value": "stopped"}]"#,
        r#"{"nova_object.data": {"old_state": "stopped"}}"#,
    ])
    .prop_map(|text| serde_json::from_str(text).expect("JSON"));
    prop_oneof![9 => known, 1 => any::<String>().prop_map(serde_json::Value::from)]
}

/// A plausible file, a few bytes of which were changed.
fn damaged(plausible: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let likely = select(b"|=,:-.0129KMGTnc\n\r;\xff\x00 ".to_vec());
    let changes = prop::collection::vec((any::<Index>(), prop_oneof![3 => likely, 1 => any::<u8>()]), 1..12);
    changes.prop_map(move |changes| {
        let mut bytes = plausible.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let [slurm, _] = both_forms(Source::Slurm, &bytes);
        prop_assert_eq!(slurm.summary.records, records(&bytes, is_bars));
        let [swf, _] = both_forms(Source::Swf, &bytes);
        prop_assert_eq!(swf.summary.records, records(&bytes, is_log_entry));
    }

    #[test]
    fn any_slurm_fields_are_counted(
        rows in prop::collection::vec(prop::collection::vec((0_usize..26, field()), 0..5), 0..6),
    ) {
        let usual = include_str!("fixtures/slurm.log").lines().next().expect("a line");
        let lines = rows.into_iter().map(|changes| {
            let mut fields: Vec<String> = usual.split('|').map(str::to_owned).collect();
            for (at, value) in changes {
                fields[at] = value;
            }
            fields.join("|")
        });
        both_forms(Source::Slurm, lines.collect::<Vec<_>>().join("\n").as_bytes());
    }

    #[test]
    fn any_bytes_of_openstack_are_counted(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..2_000),
            prop::collection::vec(select(b"{}[]\",:\\\n 1aet".to_vec()), 0..2_000),
        ],
    ) {
        both_forms(Source::OpenstackLog, &bytes);
        both_forms(Source::NovaNotification, &bytes);
    }

    #[test]
    fn any_openstack_fields_are_counted(
        changes in prop::collection::vec((any::<Index>(), openstack_field(), openstack_value()), 0..12),
    ) {
        let fixture = include_bytes!("fixtures/openstack-log.json");
        let mut records: Vec<serde_json::Value> = serde_json::from_slice(fixture).expect("a fixture");
        for (at, name, value) in changes {
            records[at.index(7)][name] = value;
        }
        let log = serde_json::to_vec(&records).expect("JSON");
        let [outcome, _] = both_forms(Source::OpenstackLog, &log);
        prop_assert_eq!(outcome.summary.records, 7);
        // As data of versioned notifications, where some names mean the same.
        let notifications = records.iter().map(|record| {
            let mut data = record.clone();
            let event_type = record["event_type"].as_str().unwrap_or_default().replace("compute.", "");
            data["uuid"] = record["instance_id"].clone();
            data["flavor"] = serde_json::json!({"nova_object.data": record});
            let payload = serde_json::json!({"nova_object.data": data});
            serde_json::json!({"event_type": event_type, "timestamp": record["generated"], "payload": payload})
        });
        let notifications = serde_json::to_vec(&notifications.collect::<Vec<_>>()).expect("JSON");
        let [outcome, _] = both_forms(Source::NovaNotification, &notifications);
        prop_assert_eq!(outcome.summary.records, 7);
    }

    #[test]
    fn damaged_openstack_logs_are_counted(bytes in damaged(include_bytes!("fixtures/openstack-log.json"))) {
        both_forms(Source::OpenstackLog, &bytes);
    }

    #[test]
    fn damaged_slurm_files_are_counted(bytes in damaged(include_bytes!("fixtures/slurm.log"))) {
        let [usage, _] = both_forms(Source::Slurm, &bytes);
        prop_assert_eq!(usage.summary.records, records(&bytes, is_bars));
    }

    #[test]
    fn damaged_logs_are_counted(bytes in damaged(include_bytes!("fixtures/log.swf"))) {
        let [usage, _] = both_forms(Source::Swf, &bytes);
        prop_assert_eq!(usage.summary.records, records(&bytes, is_log_entry));
    }

    #[test]
    fn any_numbers_in_a_log_are_counted(
        rows in prop::collection::vec(prop::collection::vec("-1|[0-9]{1,13}|[0-9]{1,3}\\.[0-9]{1,12}", 18), 0..6),
    ) {
        let lines: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
        let input = format!("; UnixStartTime: 1790000000\n{}", lines.join("\n"));
        let [usage, _] = both_forms(Source::Swf, input.as_bytes());
        prop_assert_eq!(usage.summary.records, rows.len() as u64);
    }
}

/// Tables of costs and calls, each with a row that is right.
const TABLES: [(Source, &str, &str); 3] = [
    (
        Source::Focus,
        "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ProviderName",
        "1.5,acc-1,EUR,2026-09-01,2026-10-01,2026-09-05,Birch",
    ),
    (
        Source::AzureCost,
        "SubscriptionId,Date,Cost,Currency,InstanceId,Location,BillingAccountId",
        "sub-1,2026-09-05,1.5,EUR,/disk,north,acc-1",
    ),
    (
        Source::ApiCalls,
        "TIMESTAMP,ContextTokens,GeneratedTokens,a,b,c,d",
        "2026-10-05 18:17:03.25,1,2,3,4,5,6",
    ),
];

/// Cells that mean something to a table, in places where they may not.
fn cell() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        "NULL",
        "null",
        " ",
        "0",
        "-0",
        "-1.5",
        "1e-12",
        "1E+11",
        "-.5",
        "1.234",
        "999999999999",
        "1e12",
        "EUR",
        "usd",
        "2026-10-05",
        "10/05/2026",
        "05.10.2026",
        "2026-03-08 02:30:00",
        "2026-11-01T01:30:00",
        "2199-12-31T23:59:59Z",
        "2026-10-05T10:00:00+02:00",
        "BilledCost",
        "\"quoted\"",
        "\"a,b\"",
        "\"two \"\"marks\"\"\"",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => "[^\",\n\r]{0,20}"]
}

proptest! {
    #[test]
    fn any_bytes_of_costs_are_counted(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..2_000),
            prop::collection::vec(select(b"{}[]\",;:\\\n 1.aet\xff".to_vec()), 0..2_000),
        ],
        table in select(TABLES.to_vec()),
    ) {
        both_forms(Source::StorageUsage, &bytes);
        let (source, header, _) = table;
        both_forms(source, &bytes);
        let below = [header.as_bytes(), b"\n", bytes.as_slice()].concat();
        let [outcome, _] = both_forms(source, &below);
        prop_assert!(outcome.summary.records <= records(&bytes, is_bars));
    }

    #[test]
    fn any_cells_are_counted(
        table in select(TABLES.to_vec()),
        rows in prop::collection::vec(prop::collection::vec((0_usize..7, cell()), 0..4), 0..6),
    ) {
        let (source, header, usual) = table;
        let lines = rows.iter().map(|changes| {
            let mut cells: Vec<String> = usual.split(',').map(str::to_owned).collect();
            for (at, value) in changes {
                cells[*at].clone_from(value);
            }
            cells.join(",")
        });
        let input = format!("{header}\n{}", lines.collect::<Vec<_>>().join("\r\n"));
        let [outcome, _] = both_forms(source, input.as_bytes());
        prop_assert_eq!(outcome.summary.records, rows.len() as u64);
    }

    #[test]
    fn a_bad_line_takes_no_other_with_it(
        table in select(TABLES.to_vec()),
        bad in prop_oneof!["[^\"\n]{0,60}", "\"?[^\"\n]{0,60}\"[^\"\n,]"],
        at in 0_usize..6,
    ) {
        let (source, header, usual) = table;
        let mut lines = vec![usual; 5];
        lines.insert(at.min(5), &bad);
        // Not the first one, by which the others are measured.
        let input = format!("{header}\n{usual}\n{}", lines.join("\n"));
        let [outcome, _] = both_forms(source, input.as_bytes());
        prop_assert!(outcome.summary.events >= 6, "{input}");
    }

    #[test]
    fn damaged_bills_are_counted(
        focus in damaged(include_bytes!("fixtures/focus.csv")),
        azure in damaged(include_bytes!("fixtures/azure-german.csv")),
        storage in damaged(include_bytes!("fixtures/storage-usage.json")),
    ) {
        both_forms(Source::Focus, &focus);
        both_forms(Source::AzureCost, &azure);
        both_forms(Source::StorageUsage, &storage);
    }

    #[test]
    fn a_damaged_rate_card_is_a_valid_book_or_none(card in damaged(include_bytes!("fixtures/azure-rate-card.json"))) {
        let options = kopeck_connect::azure_rate_card::BookOptions {
            id: "list".to_owned(),
            currency: None,
            timezone: "UTC".to_owned(),
            effective: jiff::civil::date(2026, 10, 1),
        };
        let (mut book, mut refusals) = (Vec::new(), 0);
        let summary = kopeck_connect::azure_rate_card::price_book(
            &mut card.as_slice(),
            &options,
            &mut book,
            &mut |_| refusals += 1,
        ).expect("memory");
        prop_assert_eq!(summary.refused, refusals);
        let book = String::from_utf8(book).expect("TOML is UTF-8");
        if book.is_empty() {
            prop_assert_eq!(summary.converted(), 0);
        } else {
            let book = kopeck_rating::price_book::PriceBook::read(&book).expect("a valid book");
            prop_assert_eq!(book.components().count() as u64, summary.converted());
        }
    }
}
