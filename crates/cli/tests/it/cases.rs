//! The worked cases through the real binary: `kopeck rate` to the last digit, and each charge explained.

use std::fs;
use std::path::{Path, PathBuf};

use crate::desk::{Answer, root};
use assert_cmd::Command;
use serde_json::Value;

/// The cases of this repository, and those of the contract beside it where they are present.
fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [root().join("fixtures/cases"), root().join("../shared/cases")] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        found.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    }
    assert!(found.len() >= 12, "the worked cases are missing");
    found.sort();
    found
}

fn run(case: &Path, args: &[&str]) -> Answer {
    let window = fs::read_to_string(case.join("window")).unwrap();
    let [from, to] = window.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{}", case.display()) };
    let mut command = Command::cargo_bin("kopeck").unwrap();
    command.current_dir(case).args(&args[..1]).args(["--prices", "prices.toml", "--events", "events.jsonl"]);
    Answer::of(command.args(["--from", from, "--to", to]).args(&args[1..]).output().unwrap())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn kopeck_rate_prints_the_charges_of_each_case() {
    for case in cases() {
        let answer = run(&case, &["rate", "--format", "json"]);
        let expected = json(&fs::read_to_string(case.join("charges.json")).unwrap());
        assert_eq!(json(&answer.stdout), expected, "{}: {}", case.display(), answer.stderr);
    }
}

#[test]
fn kopeck_explain_arrives_at_the_same_amount_and_quantity() {
    for case in cases() {
        let bill = json(&fs::read_to_string(case.join("charges.json")).unwrap());
        for charge in bill["charges"].as_array().unwrap() {
            let mut args = vec!["explain", "--format", "json"];
            for (option, field) in [
                ("--component", "component"),
                ("--project", "project"),
                ("--source", "source"),
                ("--resource", "resource"),
                ("--version", "version"),
                ("--month", "month"),
                ("--group", "group"),
            ] {
                if let Some(value) = charge.get(field) {
                    args.extend([option, value.as_str().unwrap_or_default()]);
                }
            }
            let answer = run(&case, &args);
            let explained = json(&answer.stdout);
            let found: Vec<_> = explained.as_array().unwrap().iter().map(|one| &one["charge"]).collect();
            assert_eq!(found, [charge], "{}", case.display());
        }
    }
}
