//! Each check of the fuzz targets holds for its seeds, whole, cut and damaged.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the files are the project's own")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kopeck_fuzz::{TARGETS, check};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The seeds of a target, which are those that `fuzz/run` gives it.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let fixture = |name: &str| vec![format!("crates/connect/tests/fixtures/{name}")];
    let files = match target {
        "event" => cases("events.jsonl"),
        "price_book" => [cases("prices.toml"), books("crates/fuzz/books"), books("examples")].concat(),
        "slurm" => fixture("slurm.log"),
        "swf" => fixture("log.swf"),
        "focus" => fixture("focus.csv"),
        "azure_cost" => fixture("azure-german.csv"),
        "azure_rate_card" => fixture("azure-rate-card.json"),
        "openstack_log" => fixture("openstack-log.json"),
        "storage_usage" => fixture("storage-usage.json"),
        "api_calls" => vec!["crates/fuzz/seeds/api_calls.csv".to_owned()],
        "nova_notification" => vec!["crates/fuzz/seeds/nova_notification.json".to_owned()],
        // A cloud is made of any bytes; these have no pattern.
        "rate_versus_reference" => return (1..=10).map(|seed| noise(seed, 400)).collect(),
        other => panic!("target {other} has no seeds here"),
    };
    files.iter().map(|file| fs::read(workspace().join(file)).unwrap()).collect()
}

/// The price books of a folder.
fn books(folder: &str) -> Vec<String> {
    let files = fs::read_dir(workspace().join(folder)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut books: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    books.sort();
    books.iter().map(|name| format!("{folder}/{name}")).collect()
}

/// That file of each of the contract's cases that has it.
fn cases(name: &str) -> Vec<String> {
    let folders = fs::read_dir(workspace().join("fixtures/cases")).unwrap();
    let mut names: Vec<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let files = names.iter().map(|case| format!("fixtures/cases/{case}/{name}"));
    files.filter(|file| workspace().join(file).exists()).collect()
}

/// The same bytes for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn every_check_holds_for_its_seeds() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        assert!(!seeds.is_empty(), "{}", target.name);
        check(target.name, b"");
        for seed in seeds {
            check(target.name, &seed);
            check(target.name, &seed[..seed.len() / 2]);
            let mut damaged = seed;
            for at in (0..damaged.len()).step_by(damaged.len() / 7 + 1) {
                damaged[at] ^= 0x55;
            }
            check(target.name, &damaged);
        }
    }
}

#[test]
fn every_target_is_one_of_those_that_are_checked() {
    let files = fs::read_dir(workspace().join("fuzz/fuzz_targets")).unwrap();
    let mut calls = BTreeSet::new();
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(fs::read_to_string(&path).unwrap().contains(&format!("kopeck_fuzz::check(\"{name}\"")));
        calls.insert(name);
    }
    assert_eq!(calls, TARGETS.iter().map(|target| target.name.to_owned()).collect());
}
