//! What all tests of converters share: one run, and its outcome as text.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::fmt::Write;
use std::path::PathBuf;

use expect_test::Expect;
use kopeck_connect::convert::{Options, Refused, Source, Summary};
use kopeck_rating::calendar::Calendar;
use kopeck_rating::event::{Description, Envelope, EventType, Value};

/// The outcome of one conversion.
pub struct Outcome {
    pub output: String,
    pub refusals: Vec<Refused>,
    pub summary: Summary,
}

/// Converts, and checks what holds for every input: whatever is written is accepted by rating, and the counts agree
/// with what was written and reported.
pub fn convert(source: Source, input: &[u8], options: &Options) -> Outcome {
    let mut output = Vec::new();
    let mut refusals = Vec::new();
    let mut input = input;
    let summary = source
        .convert(&mut input, &mut output, options, &mut |refused| refusals.push(refused))
        .expect("reading and writing memory does not fail");
    let output = String::from_utf8(output).expect("JSON is UTF-8");
    assert!(output.is_empty() || output.ends_with('\n'));
    for line in output.lines() {
        read(line);
    }
    assert_eq!(summary.events, output.lines().count() as u64);
    assert_eq!(summary.refused, refusals.len() as u64);
    assert_eq!(summary.skipped, summary.skipped_as.values().sum::<u64>());
    let converted = summary.records - summary.skipped - summary.refused;
    assert_eq!(summary.converted(), converted);
    let each = match source {
        // The first record of a resource may tell of the time before it as well.
        Source::OpenstackLog | Source::NovaNotification => converted..=2 * converted,
        Source::Focus | Source::AzureCost | Source::ApiCalls | Source::StorageUsage => converted..=converted,
        _ if options.as_state => 2 * converted..=3 * converted,
        _ => converted..=converted,
    };
    assert!(each.contains(&summary.events), "{summary:?}");
    Outcome { output, refusals, summary }
}

/// Reads an event as rating does.
pub fn read(line: &str) -> (Envelope<'_>, Description) {
    let envelope = Envelope::read(line.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}: {line}"));
    let description = Description::read(envelope.event_type, envelope.data)
        .unwrap_or_else(|refusal| panic!("{refusal}: {line}"));
    assert_eq!(description.state.is_some(), envelope.event_type == EventType::State);
    (envelope, description)
}

/// Checks the events, each in short, the refusals and the counts.
pub fn check(source: Source, input: &[u8], options: &Options, expected: &Expect) {
    let Outcome { output, refusals, summary } = convert(source, input, options);
    let mut text = String::new();
    for line in output.lines() {
        let (envelope, description) = read(line);
        let time = jiff::Timestamp::from_nanosecond(envelope.time.into()).expect("rating checks it");
        write!(text, "{time} {}", envelope.project).expect("text");
        if let Some(actor) = &envelope.actor {
            write!(text, ", {actor}").expect("text");
        }
        write!(text, ": {} {}", description.kind, envelope.subject).expect("text");
        if let Some(state) = &description.state {
            write!(text, " {state}").expect("text");
        }
        for (name, value) in description.attributes() {
            match value {
                Value::Number(number) => write!(text, " {name}={number}").expect("text"),
                Value::Text(value) => write!(text, " {name}={value}").expect("text"),
                Value::Nested => panic!("{name} is nested"),
            }
        }
        text.push('\n');
    }
    for refused in refusals {
        assert!(!refused.remedy.is_empty());
        writeln!(text, "{refused}\n  {}", refused.remedy).expect("text");
    }
    let Summary { records, events, skipped_as, refused, .. } = summary;
    writeln!(text, "{records} records, {events} events, {refused} refused, skipped {skipped_as:?}")
        .expect("text");
    expected.assert_eq(&text);
}

/// Options with a zone of the bundled data.
pub fn in_zone(name: &str) -> Options {
    let calendar = Calendar::of_zone(name).expect("a zone");
    Options { timezone: calendar.zone().clone(), ..Options::default() }
}

pub fn as_state() -> Options {
    Options { as_state: true, ..Options::default() }
}

/// A file of the shared data beside the workspace; `None` where there is none.
pub fn shared(path: &str) -> Option<Vec<u8>> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read(workspace.join("../shared/data").join(path)).ok()
}

/// Hours of so many seconds, to 4 decimals, half up.
pub fn hours(seconds: i128) -> String {
    let parts = (seconds * 10_000 * 2 + 3_600) / 7_200;
    format!("{}.{:04}", parts / 10_000, parts % 10_000)
}

/// A quantity of an event, in whole units; 0 where it is unknown.
pub fn quantity(description: &Description, name: &str) -> i128 {
    match description.attribute(name) {
        None => 0,
        Some(Value::Number(number)) => {
            assert!(!number.has_places_beyond(0), "{name}={number}");
            number.units() / kopeck_rating::number::ONE
        }
        Some(other) => panic!("{name} is {other:?}"),
    }
}
