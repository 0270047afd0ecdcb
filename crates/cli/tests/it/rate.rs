//! `kopeck rate`, `explain`, `sample` and `convert` as people use them.

use crate::desk::{Desk, root};
use std::fs;

fn case(name: &str) -> Desk {
    let folder = root().join("fixtures/cases").join(name);
    let read = |file: &str| fs::read(folder.join(file)).unwrap();
    Desk::new().file("prices.toml", read("prices.toml")).file("events.jsonl", read("events.jsonl"))
}

const OCTOBER: &str = "--prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01";

#[test]
fn a_bill_is_a_table_for_people() {
    insta::assert_snapshot!(
        case("07-price-change-within-a-month").kopeck(&format!("rate {OCTOBER}")).whole()
    );
}

#[test]
fn a_bill_is_csv_for_spreadsheets() {
    let answer = case("04-licences-at-once").kopeck(&format!("rate {OCTOBER} --format csv"));
    insta::assert_snapshot!(answer.whole());
}

#[test]
fn a_window_without_charges_says_so() {
    let answer = case("01-private-region-by-the-second")
        .kopeck("rate --prices prices.toml --events events.jsonl --from 2025-10-01 --to 2025-11-01");
    insta::assert_snapshot!(answer.whole());
}

#[test]
fn an_explanation_can_be_checked_with_a_pocket_calculator() {
    let explain =
        |name: &str, key: &str| case(name).kopeck(&format!("explain {OCTOBER} --component {key}")).whole();
    let second = explain("01-private-region-by-the-second", "vm.active.vcpu");
    let hour = explain("02-hourly-peak", "cc.ram_hours --resource vm-1");
    let tiers = explain("06-jobs-storage-api-calls", "api.call");
    let day = explain("07-price-change-within-a-month", "vol.gb");
    let peak = explain("07-price-change-within-a-month", "os.licence");
    insta::assert_snapshot!([second, hour, tiers, day, peak].join("\n"));
}

#[test]
fn several_files_and_standard_input_are_one_stream() {
    let desk = case("08-disorder-and-duplicates");
    let whole = desk.kopeck(&format!("rate {OCTOBER} --format json")).stdout;
    let events = fs::read_to_string(desk.path("events.jsonl")).unwrap();
    let lines: Vec<_> = events.lines().collect();
    let (one, two) = lines.split_at(9);
    let desk = desk.file("one.jsonl", one.join("\n"));
    let line = "rate --prices prices.toml --events one.jsonl --events - --from 2026-10-01 --to 2026-11-01 --format json";
    assert_eq!(desk.kopeck_reading(line, two.join("\r\n")).stdout, whole);
}

#[test]
fn as_of_moves_the_end_of_the_window_if_it_is_earlier() {
    let rate = |name: &str, as_of: &str| {
        case(name).kopeck(&format!("rate {OCTOBER} --format json --as-of {as_of}")).stdout
    };
    let name = "01-private-region-by-the-second";
    let whole = case(name).kopeck(&format!("rate {OCTOBER} --format json")).stdout;
    assert_eq!(rate(name, "2027-01-01T00:00:00Z"), whole);
    let half = rate(name, "2026-10-05T10:00:02.9+03:00");
    assert!(half.contains(r#""quantity":"8","amount":"0.001111""#), "{half}");
    let none = rate(name, "2026-01-01T00:00:00Z");
    assert!(none.contains(r#""charges":[],"total":"0.000000""#), "{none}");
    // A window that is empty, while resources live, leaves nothing unpriced.
    let november = "--prices prices.toml --events events.jsonl --from 2026-11-01 --to 2026-12-01";
    let empty = case(name).kopeck(&format!("rate {november} --format csv --as-of 2026-10-20T00:00:00Z"));
    assert_eq!(empty.stderr, "");
}

#[test]
fn the_same_seed_gives_the_same_sample_and_a_file_is_written_whole() {
    let desk = Desk::new();
    let printed = desk.kopeck("sample --seed 7 --vms 3 --days 2").stdout;
    assert_eq!(
        desk.kopeck("sample --seed 7 --vms 3 --days 2 -o s.jsonl").whole(),
        "exit code 0\n--- stdout\n--- stderr\n"
    );
    assert_eq!(fs::read_to_string(desk.path("s.jsonl")).unwrap(), printed);
    assert_eq!(fs::read_dir(desk.path("")).unwrap().count(), 1);
}

#[test]
fn a_sample_month_is_priced_by_its_example_book_without_a_warning() {
    let desk = Desk::new().file("prices.toml", fs::read(root().join("examples/sample.toml")).unwrap());
    desk.kopeck("sample --seed 1 --vms 12 --days 31 -o events.jsonl");
    let answer = desk.kopeck(&format!("rate {OCTOBER} --format json"));
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(answer.stdout.len() > 10_000);
}

#[test]
fn slurm_jobs_become_a_bill_by_project() {
    let log = root().join("../shared/data/slurm-sacct/phillips.log");
    if !log.exists() {
        return;
    }
    let desk = Desk::new().file("prices.toml", fs::read(root().join("examples/marketplace.toml")).unwrap());
    let answer = desk.kopeck(&format!("convert slurm {} -o events.jsonl", log.display()));
    assert_eq!((answer.code, answer.stdout.as_str()), (0, ""));
    let line =
        "rate --prices prices.toml --events events.jsonl --from 2016-12-01 --to 2017-02-01 --format csv";
    let bill = desk.kopeck(line);
    assert_eq!((bill.code, bill.stderr.as_str()), (0, ""));
    assert!(bill.stdout.lines().count() > 10, "{}", bill.stdout);
    assert!(bill.stdout.contains("chaff,slurm://phillips,phillips,job.gpu_second"), "{}", bill.stdout);
}

#[test]
fn every_command_teaches_by_examples() {
    let desk = Desk::new();
    let helps =
        ["--help", "rate --help", "explain --help", "sample --help", "convert --help", "bench rate --help"];
    let whole: Vec<_> = helps.iter().map(|line| desk.kopeck(line).whole()).collect();
    insta::assert_snapshot!(whole.join("\n"));
}

#[test]
fn manual_pages_and_completions_are_made_for_every_command() {
    let desk = Desk::new();
    assert_eq!(desk.kopeck("man .").code, 0);
    for page in ["kopeck.1", "kopeck-rate.1", "kopeck-explain.1", "kopeck-convert.1"] {
        assert!(fs::read_to_string(desk.path(page)).unwrap().contains(".SH SYNOPSIS"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(desk.kopeck(&format!("completions {shell}")).stdout.contains("explain"), "{shell}");
    }
    assert_eq!(desk.kopeck("man no/such/folder").code, 2);
}

/// A sample that 1 MB can not remember.
fn large_sample() -> Desk {
    let desk = Desk::new().file("prices.toml", fs::read(root().join("examples/sample.toml")).unwrap());
    let sample = desk.kopeck("sample --seed 3 --vms 150 --days 31 -o events.jsonl");
    assert_eq!(sample.code, 0, "{}", sample.stderr);
    desk
}

#[test]
fn a_limit_of_memory_changes_nothing_and_leaves_nothing_on_the_disk() {
    let desk = large_sample();
    fs::create_dir(desk.path("scratch")).unwrap();
    for format in ["csv", "json", "table"] {
        let line = format!("rate {OCTOBER} --format {format}");
        let free = desk.kopeck(&line);
        let limited = desk.kopeck(&format!("{line} --memory 1MB --scratch scratch"));
        assert_eq!(limited.whole(), free.whole());
        assert_eq!(free.code, 0);
    }
    assert_eq!(fs::read_dir(desk.path("scratch")).unwrap().count(), 0);
}

#[test]
fn a_scratch_folder_that_is_missing_or_fails_is_told_and_nothing_is_printed() {
    let desk = large_sample().file("file", "");
    let rate = |scratch: &str| desk.kopeck(&format!("rate {OCTOBER} --memory 1MB --scratch {scratch}"));
    let mut answers = vec![rate("missing").whole(), rate("file").whole()];
    if cfg!(target_os = "linux") {
        // No file can be made there, whoever asks.
        answers.push(rate("/proc").whole());
    }
    insta::assert_snapshot!(answers.join("\n"));
}

#[test]
fn a_memory_that_is_no_size_or_too_small_is_refused() {
    let desk = case("04-licences-at-once");
    let rate = |size: &str| desk.kopeck(&format!("rate {OCTOBER} --memory={size}"));
    for (size, reason) in [
        ("much", "not a size: write it like 512MiB or 4GiB"),
        ("-1", "not a size: write it like 512MiB or 4GiB"),
        ("999kB", "too little: give at least 1MB"),
    ] {
        let answer = rate(size);
        assert_eq!(answer.code, 2, "{size}");
        assert!(answer.stderr.contains(reason), "{}", answer.stderr);
    }
    assert_eq!(rate("1000kB").code, 0);
}
