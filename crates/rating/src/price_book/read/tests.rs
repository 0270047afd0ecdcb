mod conditions;
mod fields;
mod models;
mod states;
mod syntax;
mod versions;

use expect_test::Expect;

use super::*;
use crate::event::Value;
use crate::price_book::places::Places;
use crate::price_book::{Class, ComponentRef, Model, Prorate, StateMeaning, TierMode};

/// Makes a book of a text.
type Book = fn(&str) -> String;

/// Reads the book that is made of each text, and prints the text with what is wrong: `line:column reason; remedy`.
fn check(texts: &[(Book, &str)], expected: &Expect) {
    let told = |(book, text): &(Book, &str)| {
        let echo = if text.is_empty() { "(nothing)".to_owned() } else { short(text.trim_end()) };
        let problems = problems(&book(text)).replace('\n', "\n    ");
        format!("{}\n    {problems}\n", echo.lines().collect::<Vec<_>>().join("; "))
    };
    expected.assert_eq(&texts.iter().map(told).collect::<String>());
}

/// As much of a text as one can read.
fn short(text: &str) -> String {
    if text.len() < 200 { text.to_owned() } else { text.chars().take(20).chain("…".chars()).collect() }
}

fn problems(toml: &str) -> String {
    let Err(problems) = PriceBook::read(toml) else { return "accepted".to_owned() };
    assert!(!problems.is_empty());
    let mut places = Places::new(toml);
    let write = |problem: &Problem| {
        let (line, column) = places.of(problem.span.start);
        assert!(problem.span.end <= toml.len(), "{problem:?}");
        format!("{line}:{column} {}; {}", problem.reason, problem.remedy)
    };
    problems.iter().map(write).collect::<Vec<_>>().join("\n")
}

fn read(toml: &str) -> PriceBook {
    assert_eq!(problems(toml), "accepted");
    PriceBook::read(toml).unwrap()
}

/// The first component of the first version.
const FIRST: ComponentRef = ComponentRef { version: 0, component: 0 };

fn model(toml: &str) -> Model {
    read(toml).component(FIRST).model.clone()
}

const HEAD: &str = r#"[book]
id = "b"
currency = "RUB"
timezone = "Europe/Moscow"
"#;

/// The text itself.
fn whole(text: &str) -> String {
    text.to_owned()
}

/// The fields of `[book]`, from line 2 on.
fn book(fields: &str) -> String {
    format!("[book]\n{fields}\n[[version]]\neffective = 2026-10-01\n")
}

/// What follows on `[book]`, from line 5 on.
fn after_head(text: &str) -> String {
    format!("{HEAD}{text}")
}

/// What follows on the date of a version, from line 7 on.
fn version(fields: &str) -> String {
    after_head(&format!("[[version]]\neffective = 2026-10-01\n{fields}\n"))
}

/// A version of a date, in line 6.
fn dated(date: &str) -> String {
    after_head(&format!("[[version]]\neffective = {date}\n"))
}

/// The fields of a component, from line 8 on.
fn component(fields: &str) -> String {
    version(&format!("[[version.component]]\n{fields}"))
}

/// What the component of a VM needs besides, from line 11 on.
fn vm(fields: &str) -> String {
    component(&format!("id = \"vm.on\"\nkind = \"vm\"\nquantity = [\"vcpu\"]\n{fields}"))
}

/// What a component that is billed once may have besides, from line 13 on.
fn once(fields: &str) -> String {
    vm(&format!("model = \"once\"\nprice = \"1\"\n{fields}"))
}

/// What the component of a usage needs besides, from line 12 on.
fn calls(fields: &str) -> String {
    component(&format!(
        "id = \"api.call\"\nkind = \"api_call\"\nquantity = [\"calls\"]\nmodel = \"per_use\"\n{fields}"
    ))
}

fn price(price: &str) -> String {
    vm(&format!("model = \"once\"\nprice = \"{price}\""))
}

fn tiers(tiers: &str) -> String {
    calls(&format!("tiers = [{tiers}]"))
}

fn round_up(fields: &str) -> String {
    once(&format!("round_up = {{ {fields} }}"))
}

fn when(conditions: &str) -> String {
    once(&format!("when = {{ {conditions} }}"))
}

fn states(lists: &str) -> String {
    version(&format!("[states.vm]\n{lists}"))
}

fn vat(fields: &str) -> String {
    version(&format!("vat = {{ {fields} }}"))
}

/// All are accepted.
fn good(book: Book, texts: &[&str]) {
    for text in texts {
        assert_eq!(problems(&book(text)), "accepted", "{text}");
    }
}
