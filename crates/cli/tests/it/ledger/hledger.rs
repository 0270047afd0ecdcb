//! `kopeck ledger export --format hledger`: hledger reads the journal and has every balance, to the last digit.

use std::collections::BTreeMap;
use std::process::Command;

use kopeck_simulator::fill;

use super::done;
use crate::desk::Desk;

fn hledger(desk: &Desk, line: &str) -> String {
    let mut command = Command::new("hledger");
    command.current_dir(desk.path("")).args(["-f", "ledger.journal"]).args(line.split_whitespace());
    let output = command.output().unwrap_or_else(|error| {
        panic!("hledger can not be run ({error}): `cargo xtask test` installs it, as does `apt-get install hledger`")
    });
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "hledger {line}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// What hledger says that each account has, by the account's id.
fn balances_of_hledger(desk: &Desk) -> BTreeMap<String, String> {
    let printed = hledger(desk, "balance --flat --empty --no-total --output-format csv");
    let rows = printed.lines().skip(1).map(|row| {
        let (account, balance) = row.trim_matches('"').split_once("\",\"").unwrap();
        (account.rsplit(':').next().unwrap().to_owned(), balance.to_owned())
    });
    rows.collect()
}

fn balances_of_kopeck(desk: &Desk) -> BTreeMap<String, String> {
    let list: serde_json::Value =
        serde_json::from_str(&done(desk, "account list --format json").stdout).unwrap();
    let text = |account: &serde_json::Value, field: &str| account[field].as_str().unwrap().to_owned();
    let accounts = list["accounts"].as_array().unwrap().iter();
    let moved = accounts.filter(|account| account["entries"] != 0);
    let balance = |account: &serde_json::Value| match text(account, "posted").as_str() {
        "0.000000" => "0".to_owned(),
        posted => format!("{posted} {}", text(account, "currency")),
    };
    moved.map(|account| (text(account, "id"), balance(account))).collect()
}

#[test]
fn hledger_agrees_on_every_balance() {
    for seed in 1..=3 {
        let desk = Desk::new();
        fill(&desk.path("kopeck-data"), seed, 400).unwrap();
        done(&desk, "ledger export --format hledger -o ledger.journal");
        let found: BTreeMap<_, _> = balances_of_hledger(&desk)
            .into_iter()
            .map(|(id, balance)| (id, balance.strip_suffix(".000000").map_or(balance.clone(), str::to_owned)))
            .collect();
        let expected = balances_of_kopeck(&desk);
        assert!(expected.len() > 10, "{expected:?}");
        assert_eq!(found, expected, "seed {seed}");
        hledger(&desk, "check --strict");
        let entries = hledger(&desk, "stats");
        assert!(entries.contains("Transactions"), "{entries}");
    }
}

#[test]
fn names_and_references_that_look_like_syntax_are_harmless() {
    let desk = Desk::new();
    done(&desk, "init --at 2025-10-01T00:00:00Z");
    let create = ["(a)", "[b]:c;d", "*", "\"", "счёт", "a=b", "100"].iter().enumerate();
    for (place, name) in create {
        let id = super::id(place as u64 + 1);
        done(&desk, &format!("account create --kind user --name {name} --id {id}"));
        done(&desk, &format!("deposit --to {id} --amount 3.000007 --reference {name};|,date:2020-01-01"));
    }
    done(&desk, "ledger export --format hledger -o ledger.journal");
    assert_eq!(balances_of_hledger(&desk), balances_of_kopeck(&desk));
    hledger(&desk, "check --strict");
}

#[test]
fn an_empty_ledger_is_exported_as_one() {
    let desk = Desk::new();
    done(&desk, "init --at 2025-10-01T00:00:00Z");
    let printed = done(&desk, "ledger export --format hledger").stdout;
    insta::assert_snapshot!(printed);
    std::fs::write(desk.path("ledger.journal"), printed).unwrap();
    hledger(&desk, "check --strict");
}
