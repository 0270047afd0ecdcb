//! `kopeck estimate` as people use it.

use super::desk::{Answer, Desk, root};
use std::fs;

fn example(name: &str) -> Vec<u8> {
    fs::read(root().join("examples").join(name)).unwrap()
}

fn desk() -> Desk {
    Desk::new().file("prices.toml", example("sample.toml")).file("plan.toml", example("plan.toml"))
}

const ESTIMATE: &str = "estimate --prices prices.toml --plan plan.toml";

fn with_plan(plan: impl AsRef<[u8]>) -> Answer {
    desk().file("plan.toml", plan).kopeck(ESTIMATE)
}

#[test]
fn the_example_plan_is_priced_for_people_without_a_warning() {
    let answer = desk().kopeck(&format!("{ESTIMATE} --at 2026-10-01"));
    insta::assert_snapshot!(answer.whole());
}

#[test]
fn an_estimate_is_json_for_machines() {
    let plan = "[[resource]]\nkind = 'vm'\nregion = 'msk-1'\nattributes = { vcpu = 2, ram_gb = 4 }\n\
                [[usage]]\nkind = 'api_call'\ntimes = 5\nper = 'month'\nattributes = { calls = 300, tokens = 0 }\n\
                [[usage]]\nkind = 'fax'\ntimes = 5\nper = 'day'\n";
    let answer = desk().file("plan.toml", plan).kopeck(&format!("{ESTIMATE} --format json"));
    insta::assert_snapshot!(answer.whole());
}

#[test]
fn vat_that_comes_on_top_is_added_to_each_line_and_to_the_total() {
    let prices = "[book]\nid = 'b'\ncurrency = 'RUB'\ntimezone = 'UTC'\nvat = { rate = '22', included = false }\n\
                  [[version]]\neffective = 2026-01-01\n\
                  [[version.component]]\nid = 'net'\nkind = 'vm'\nmodel = 'per_second'\nper = 'hour'\nquantity = []\n\
                  price = '0.000002'\n\
                  [[version.component]]\nid = 'fee'\nkind = 'vm'\nmodel = 'once'\nquantity = []\nprice = '100'\n\
                  vat = { rate = '10', included = false }\n\
                  [[version.component]]\nid = 'gross'\nkind = 'vm'\nmodel = 'monthly'\nquantity = []\nprice = '62'\n\
                  vat = { rate = '22', included = true }\n\
                  [[version.component]]\nid = 'without'\nkind = 'vm'\nmodel = 'monthly'\nquantity = []\nprice = '31'\n\
                  vat = { rate = 'none' }\n";
    let desk = desk().file("prices.toml", prices).file("plan.toml", "[[resource]]\nkind = 'vm'\ncount = 3\n");
    let answers = ["", " --format json"].map(|format| desk.kopeck(&format!("{ESTIMATE}{format}")).whole());
    insta::assert_snapshot!(answers.join("\n"));
}

#[test]
fn the_day_names_the_version_and_the_month() {
    let desk = desk().file("prices.toml", example("private-region.toml"));
    let plan = "[[resource]]\nkind = 'vm'\nattributes = { vcpu = 1, ram_gb = 0 }\n";
    let desk = desk.file("plan.toml", plan);
    let answers = ["", " --at 2026-12-31", " --at 2027-01-01", " --at 2026-08-31", " --at 9999-12-31"];
    let answers = answers.map(|at| desk.kopeck(&format!("{ESTIMATE}{at}")).whole());
    insta::assert_snapshot!(answers.join("\n"));
}

#[test]
fn what_no_component_prices_or_counts_as_zero_is_warned_of() {
    let plan = "[[resource]]\nkind = 'balloon'\n\n[[resource]]\nkind = 'volume'\nattributes = { tier = 'tape' }\n\n\
                [[resource]]\nkind = 'checkpoint'\nattributes = { gb = 'many' }\n";
    insta::assert_snapshot!(with_plan(plan).whole());
}

#[test]
fn a_bad_plan_is_refused_with_every_problem_and_its_place() {
    let plan = "[[resource]]\nkind = 'vm'\ncount = 0\nstate = 'RUNNING'\nattributes = { vcpu = -1 }\ncolour = 'blue'\n\n\
                [[usage]]\nkind = 'api_call'\ntimes = '5'\n";
    let answers = [
        with_plan(plan),
        with_plan(""),
        with_plan("[[resource"),
        with_plan(b"\xff"),
        with_plan("[resource]\n"),
    ];
    insta::assert_snapshot!(answers.map(|answer| answer.whole()).join("\n"));
}

#[test]
fn a_hostile_plan_is_refused_in_a_moment_and_in_few_words() {
    let million = "9".repeat(1_000_000);
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let items = "[[resource]]\nkind = 'vm'\nx = 1\n".repeat(20_000);
    for plan in [
        format!("[[resource]]\nkind = '{million}'\ncount = {million}\n"),
        format!("[[resource]]\nkind = 'vm'\nattributes = {{ vcpu = {million} }}\n"),
        format!("[[resource]]\nkind = 'vm'\nattributes = {{ {million} = [] }}\n"),
        format!("[[resource]]\nkind = 'vm'\nattributes = {nested}\n"),
        items,
    ] {
        let answer = with_plan(&plan);
        assert_eq!(answer.code, 2);
        assert!(answer.stderr.len() < 40_000 && answer.stderr.contains("error: "), "{}", answer.stderr.len());
        assert!(!answer.stderr.contains("panicked"));
    }
}

#[test]
fn amounts_beyond_all_measure_are_refused() {
    let plan = "[[resource]]\nkind = 'job'\n[[usage]]\nkind = 'job'\ntimes = 1_000_000_000\nper = 'day'\n\
                attributes = { cores = 999999999999, duration_s = 999999999999, gpus = 1, ram_mb = 1 }\n";
    let desk = desk().file("plan.toml", plan);
    let book =
        String::from_utf8(example("sample.toml")).unwrap().replace("0.000611111", "999999999.999999999");
    let answer = desk.file("prices.toml", book).kopeck(ESTIMATE);
    assert!(answer.code == 0 || answer.stderr.contains("256 bits"), "{}", answer.whole());
    assert!(!answer.stderr.contains("panicked"));
}

#[test]
fn estimate_teaches_by_an_example_that_works() {
    let desk = desk();
    let help = desk.kopeck("estimate --help");
    insta::assert_snapshot!(help.whole());
    let lines: Vec<&str> = help.stdout.lines().collect();
    let start = lines.iter().position(|line| line.trim() == "[[resource]]").unwrap();
    let end = lines.iter().position(|line| line.starts_with("A month is")).unwrap();
    let answer = desk.file("plan.toml", lines[start..end].join("\n")).kopeck(ESTIMATE);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{}", answer.whole());
}
