//! Statements and reports, over a ledger with every kind of payment.

use kopeck_simulator::fill;

use super::{done, people, told};
use crate::desk::Desk;

/// Random work of every kind over some days, always the same.
fn busy() -> Desk {
    let desk = Desk::new();
    fill(&desk.path("kopeck-data"), 1, 60).unwrap();
    desk
}

#[test]
fn a_statement_has_its_lines_raw_or_by_day_user_project_and_counterparty() {
    let desk = people();
    for (number, line) in [
        (5, "transfer --from Ann --to acme --amount 250.5 --project p --at 2025-10-02T20:59:59Z --actor ann"),
        (
            6,
            "transfer --from Ann --to acme --amount 7 --project q --reference за-октябрь --at 2025-10-02T21:00:00Z --actor bob",
        ),
        (7, "deposit --to Bob --amount 40 --at 2025-10-03T08:00:00Z --actor bank"),
        (8, "transfer --from Bob --to acme --amount 1.000001 --at 2025-10-03T08:00:00Z --actor bob"),
        (9, "transfer --from acme --to Ann --amount 0.5 --project p --at 2025-10-04T08:00:00Z --actor ann"),
    ] {
        done(&desk, &format!("{line} --id {}", super::id(number)));
    }
    let mut lines = Vec::new();
    for by in ["raw", "date", "user", "project", "counterparty"] {
        lines.push(format!("account statement acme --by {by} --from 2025-10-03 --to 2025-10-04"));
        lines.push(format!("account statement acme --by {by} --format json"));
    }
    lines.push("account statement acme --lang ru --from 2025-10-03 --to 2025-10-05".to_owned());
    lines.push("account statement acme --from 2025-11-01".to_owned());
    lines.push("account report acme".to_owned());
    lines.push("account report acme --lang ru --from 2025-10-03".to_owned());
    lines.push("account report acme --format json --to 2025-10-03".to_owned());
    insta::assert_snapshot!(told(&desk, &lines));
}

#[test]
fn every_type_of_payment_has_its_name_and_all_sums_agree() {
    let desk = busy();
    let list: serde_json::Value =
        serde_json::from_str(&done(&desk, "account list --format json").stdout).unwrap();
    for account in list["accounts"].as_array().unwrap() {
        let id = account["id"].as_str().unwrap();
        let shown = done(&desk, &format!("account show {id} --format json")).stdout;
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(sum(&shown["accrued_by_project"], "amount"), micros(&account["accrued"]));
        let whole = done(&desk, &format!("account statement {id} --format json")).stdout;
        let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(whole["closing"], account["posted"]);
        assert_eq!(whole["opening"], "0.000000");
        assert_eq!(sum(&whole["lines"], "amount"), micros(&account["posted"]));
        assert_eq!(sum(&whole["by_purpose"], "income"), micros(&whole["income"]));
        for by in ["date", "user", "project", "counterparty"] {
            let grouped = done(&desk, &format!("account statement {id} --by {by} --format json")).stdout;
            let grouped: serde_json::Value = serde_json::from_str(&grouped).unwrap();
            for side in ["income", "expense"] {
                assert_eq!(sum(&grouped["groups"], side), micros(&whole[side]), "{id} by {by}");
            }
        }
        if account["kind"] == "workspace" {
            let report = done(&desk, &format!("account report {id} --format json")).stdout;
            let total = &serde_json::from_str::<serde_json::Value>(&report).unwrap()["total"];
            let part = |name: &str| micros(&total[name]);
            let change = part("transfers") - part("expense")
                + part("income_from_roles")
                + part("income_from_api_keys")
                + part("corrections");
            assert_eq!(change, micros(&account["posted"]));
        }
        let russian = done(&desk, &format!("account statement {id} --lang ru")).stdout;
        assert!(!russian.contains("payment") && russian.starts_with("Выписка"), "{russian}");
    }
}

#[test]
fn a_period_that_splits_a_ledger_loses_nothing() {
    let desk = busy();
    let list: serde_json::Value =
        serde_json::from_str(&done(&desk, "account list --format json").stdout).unwrap();
    for account in list["accounts"].as_array().unwrap() {
        let id = account["id"].as_str().unwrap();
        let part = |period: &str| -> serde_json::Value {
            let line = format!("account statement {id} --by date --format json {period}");
            serde_json::from_str(&done(&desk, &line).stdout).unwrap()
        };
        let (first, second) = (part("--to 2026-10-02"), part("--from 2026-10-02"));
        assert_eq!(first["closing"], second["opening"]);
        assert_eq!(second["closing"], account["posted"]);
    }
}

fn micros(amount: &serde_json::Value) -> i128 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

fn sum(list: &serde_json::Value, field: &str) -> i128 {
    list.as_array().unwrap().iter().map(|row| micros(&row[field])).sum()
}

#[test]
fn reports_are_of_workspaces_and_periods_end_after_they_begin() {
    let desk = people();
    for (line, said) in [
        ("account report Ann", "Ann is of kind user, and reports are made of workspaces"),
        (
            "account statement Ann --from 2025-10-02 --to 2025-10-02",
            "--to 2025-10-02 is not after --from 2025-10-02",
        ),
        ("account statement Ann --from 9999-12-31", "lies outside the years 1900 to 2199"),
        ("account statement Ann --by week", "possible values: raw, date, user, project, counterparty"),
        ("account statement Ann --from yesterday", "write it like 2026-10-01"),
        (&format!("account statement {}", super::id(77)), "there is no account"),
    ] {
        let answer = desk.kopeck(line);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}");
        assert!(answer.stderr.contains(said), "{line}\n{}", answer.stderr);
    }
}
