//! `kopeck prices check`: every rule of the contract, and what is allowed and probably not meant.

use std::io::{self, Write};

use jiff::civil::Date;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::doubts::doubts;
use kopeck_rating::price_book::notice_period::{Breach, breaches};
use kopeck_rating::price_book::places::Places;
use kopeck_rating::price_book::read::{Problem, visible};
use serde_json::{Value, json};

use super::words;
use crate::args::{CheckArgs, TextFormat};
use crate::failure::{Done, Failure};
use crate::rate::tell;
use crate::toml_file::{Severity, TomlFile};

/// What was found in a file.
struct Found {
    file: TomlFile,
    /// The book, where it could be read.
    book: Option<PriceBook>,
    errors: Vec<Error>,
    warnings: Vec<Problem>,
}

/// Why a file is refused.
struct Error {
    problem: Problem,
    /// Of a version that takes effect too early: the earliest date that would do, where it was announced.
    earliest: Option<Date>,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<Done, Failure> {
    // All files are read before the first is judged, so that a wrong path is told at once.
    let files = args.files.iter().map(|path| TomlFile::read(path, "the price book"));
    let files = files.collect::<Result<Vec<_>, Failure>>()?;
    let found: Vec<Found> = files.into_iter().map(check).collect();
    let mut out = io::stdout().lock();
    let mut said: Vec<String> = Vec::new();
    match args.format {
        TextFormat::Json => {
            let list: Vec<Value> = found.iter().map(json_of).collect();
            serde_json::to_writer(&mut out, &json!({ "files": list })).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        TextFormat::Text => {
            for found in &found {
                let errors: Vec<Problem> = found.errors.iter().map(|error| error.problem.clone()).collect();
                let paragraphs = [(Severity::Error, &errors), (Severity::Warning, &found.warnings)];
                for (severity, problems) in paragraphs.into_iter().filter(|(_, list)| !list.is_empty()) {
                    said.push(found.file.told(severity, problems));
                }
                writeln!(out, "{}", summary(found))?;
            }
        }
    }
    out.flush()?;
    let said = said.join("\n");
    let in_order = found.iter().all(|found| found.errors.is_empty());
    if !in_order {
        return Err(Failure::Input(said));
    }
    tell(&said)?;
    Ok(Done::Whole)
}

fn check(file: TomlFile) -> Found {
    match PriceBook::read(&file.text) {
        Err(problems) => {
            let errors = problems.into_iter().map(|problem| Error { problem, earliest: None }).collect();
            Found { file, book: None, errors, warnings: Vec::new() }
        }
        Ok(book) => {
            let error =
                |breach: &Breach<'_>| Error { problem: words::breach(breach), earliest: breach.earliest };
            let mut errors: Vec<Error> = breaches(&book).iter().map(error).collect();
            errors.sort_by_key(|error| error.problem.span.start);
            let warnings = doubts(&book).iter().map(words::doubt).collect();
            Found { file, book: Some(book), errors, warnings }
        }
    }
}

/// "prices.toml: in order; price book msk, versions 2026-10-01 and 2027-01-01".
fn summary(found: &Found) -> String {
    let count = |length: usize, one: &str| match length {
        0 => String::new(),
        1 => format!(", 1 {one}"),
        more => format!(", {more} {one}s"),
    };
    let state = if found.errors.is_empty() { "in order" } else { "refused" };
    let book = found.book.as_ref().map(|book| {
        let dates: Vec<_> = book.versions().iter().map(|version| version.effective.to_string()).collect();
        let versions = if dates.len() == 1 { "version" } else { "versions" };
        format!("; price book {}, {versions} {}", visible(book.id()), dates.join(", "))
    });
    let counts = count(found.errors.len(), "error") + &count(found.warnings.len(), "warning");
    format!("{}: {state}{counts}{}", found.file.path, book.unwrap_or_default())
}

fn json_of(found: &Found) -> Value {
    let mut places = Places::new(&found.file.text);
    let mut told = |problem: &Problem| {
        let (line, column) = places.of(problem.span.start);
        json!({ "line": line, "column": column, "reason": problem.reason, "remedy": problem.remedy })
    };
    let mut errors = Vec::new();
    for error in &found.errors {
        let mut all = told(&error.problem);
        all["earliest"] = json!(error.earliest.map(|date| date.to_string()));
        errors.push(all);
    }
    let warnings: Vec<Value> = found.warnings.iter().map(told).collect();
    json!({
        "file": found.file.path,
        "book": found.book.as_ref().map(PriceBook::id),
        "in_order": found.errors.is_empty(),
        "errors": errors,
        "warnings": warnings,
    })
}
