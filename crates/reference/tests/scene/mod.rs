//! One check for the corner rules: a few prices and events in short, and the rows that they make.

use std::fmt::Write as _;

use expect_test::Expect;
use jiff::Timestamp;
use kopeck_rating::charge::{Bill, Window};
use kopeck_rating::price_book::PriceBook;
use kopeck_reference::{Event, accepted, rate};

/// Where and when the prices and events are rated: the window is two dates and, if it ends early, an instant.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    pub zone: &'static str,
    pub window: &'static str,
}

/// Rates and compares. Each version is its date and its components, whose fields are parted by semicolons and
/// whose kind is `vm` unless they say so; an event is a line of `time subject state name=value ..`.
pub fn check(scene: Scene, versions: &[(&str, &[&str])], events: &str, expected: &Expect) {
    let prices = prices(scene, versions);
    let book = PriceBook::read(&prices).unwrap();
    let lines = events.lines().enumerate().map(|(number, line)| json(number, line));
    let events: Vec<Event> = lines.map(|line| Event::read(line.as_bytes(), &book).unwrap()).collect();
    let window: Vec<&str> = scene.window.split_whitespace().collect();
    let as_of = window.get(2).map(|time| time.parse::<Timestamp>().unwrap().as_second());
    let window =
        Window::new(book.calendar(), window[0].parse().unwrap(), window[1].parse().unwrap(), as_of).unwrap();
    expected.assert_eq(&written(&rate(&book, &accepted(&events), window).unwrap()));
}

fn prices(scene: Scene, versions: &[(&str, &[&str])]) -> String {
    let mut toml = format!("[book]\nid = \"rules\"\ncurrency = \"RUB\"\ntimezone = \"{}\"\n", scene.zone);
    for (head, parts) in versions {
        if head.starts_with('[') {
            writeln!(toml, "{head}\n{}", parts.join("\n")).unwrap();
            continue;
        }
        writeln!(toml, "[[version]]\neffective = {head}").unwrap();
        for component in *parts {
            let kind = if component.contains("kind = ") { "" } else { "kind = \"vm\"" };
            writeln!(toml, "[[version.component]]\n{kind}\n{}", component.replace("; ", "\n")).unwrap();
        }
    }
    toml
}

/// The event of a line: `use` for a state makes it a usage event.
fn json(number: usize, line: &str) -> String {
    let mut words = line.split_whitespace();
    let [time, subject, state] = [words.next(), words.next(), words.next()].map(Option::unwrap);
    let (mut id, mut source, mut project, mut kind) = (format!("e{number}"), "s", "acme", "vm");
    let (mut sequence, mut region, mut attributes) = (String::new(), String::new(), Vec::new());
    for word in words {
        match word.split_once('=').unwrap() {
            ("id", value) => id = value.to_owned(),
            ("source", value) => source = value,
            ("project", value) => project = value,
            ("kind", value) => kind = value,
            ("sequence", value) => sequence = format!(r#""sequence": "{value}", "#),
            ("region", value) => region = format!(r#""region": "{value}", "#),
            (name, value) => attributes.push(format!(r#""{name}": {value}"#)),
        }
    }
    let attributes = attributes.join(", ");
    let (event_type, state) =
        if state == "use" { ("usage", String::new()) } else { ("state", format!(r#""state": "{state}", "#)) };
    format!(
        r#"{{"specversion": "1.0", "id": "{id}", "source": "{source}", "type": "kopeck.{event_type}.v1", {sequence}"subject": "{subject}", "time": "{time}", "project": "{project}", "data": {{"kind": "{kind}", {state}{region}"attributes": {{{attributes}}}}}}}"#
    )
}

/// A row a line: project, resource, component, version, month, group, quantity and amount.
fn written(bill: &Bill) -> String {
    let mut text = String::new();
    for charge in &bill.charges {
        let key = &charge.key;
        let resource = key.resource.as_deref().unwrap_or("-");
        let group = key.group.as_ref().map(|group| format!(" [{}]", group.as_deref().unwrap_or("null")));
        let group = group.unwrap_or_default();
        let (component, version, month) = (&key.component, key.version, key.month);
        let (quantity, amount) = (charge.quantity, charge.amount);
        writeln!(
            text,
            "{} {resource} {component} {version} {month}{group}: {quantity} {amount}",
            key.project
        )
        .unwrap();
    }
    text
}
