//! A small cloud after its events: what the guard knows of it, and what the reference does.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use kopeck_guard::curve::{Curve, Period};
use kopeck_rating::calendar::Second;
use kopeck_rating::live::Live;
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::stops::Stops;
use kopeck_reference::Event;
use kopeck_reference::guard::Guarded;

pub struct Scene {
    book: PriceBook,
    events: Vec<Event>,
    live: Live,
    stops: Stops,
    billed_from: BTreeMap<String, Second>,
    pub now: Second,
}

/// The second of an instant, as RFC 3339.
pub fn second(text: &str) -> Second {
    text.parse::<Timestamp>().unwrap().as_second()
}

/// An instant, as UTC.
pub fn text(second: Second) -> String {
    Timestamp::from_second(second).unwrap().to_string()
}

/// Roubles and kopecks.
pub fn money(text: &str) -> Amount {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let micros = format!("{whole}{part:0<6}");
    Amount::from_micros(micros.parse::<i128>().unwrap())
}

impl Scene {
    /// A book of components in `zone`; events as lines of `instant subject kind STATE attribute=number ...`; now.
    pub fn new(zone: &str, versions: &str, events: &str, now: &str) -> Scene {
        let head = format!("[book]\nid = \"cloud\"\ncurrency = \"RUB\"\ntimezone = \"{zone}\"\n");
        let book = PriceBook::read(&format!("{head}{versions}")).unwrap();
        let now = second(now);
        let mut lines = Vec::new();
        for (number, line) in events.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            lines.push(event(number, line));
        }
        let first = lines.iter().map(|(at, _)| *at).min().unwrap_or(now);
        let since = book.calendar().local(first.min(now)).unwrap().date();
        let mut live = Live::new(&book, since).unwrap();
        live.keep_running(Stops::default()).unwrap();
        let mut events = Vec::new();
        for (_, line) in &lines {
            live.accept(line.as_bytes()).unwrap();
            events.push(Event::read(line.as_bytes(), &book).unwrap());
        }
        Scene { book, events, live, stops: Stops::default(), billed_from: BTreeMap::new(), now }
    }

    pub fn reference(&self) -> Guarded<'_> {
        let Scene { book, events, stops, billed_from, .. } = self;
        Guarded { book, events, billed_from, stops, project: "acme" }
    }

    /// The seconds of the local month of a date.
    pub fn month(&self, date: Date) -> Range<Second> {
        let month = self.book.calendar().month(date).unwrap();
        month.start..month.end
    }

    pub fn period(&self, date: Date) -> Period {
        Period::Month(self.month(date))
    }

    pub fn with<T>(&mut self, ask: impl FnOnce(&Curve<'_>) -> T) -> T {
        let now = self.now;
        let mut curve = Curve::new(now);
        if let Some(standing) = self.live.standing("acme", (now, now + 70 * 86_400)).unwrap() {
            curve.add(&standing).unwrap();
        }
        ask(&curve)
    }

    /// The curve of what runs in a region, where so much was spent.
    pub fn in_region<T>(&mut self, region: &str, spent: Amount, ask: impl FnOnce(&Curve<'_>) -> T) -> T {
        let now = self.now;
        let mut curve = Curve::new(now);
        let standing = self.live.standing("acme", (now, now + 70 * 86_400)).unwrap().unwrap();
        curve.add_where(&standing, |key| standing.region(key) == Some(region)).unwrap();
        curve.settle_at(spent).unwrap();
        ask(&curve)
    }

    /// The plan of the book, with the months ahead.
    pub fn prices(&mut self) -> &kopeck_rating::plan::Plan {
        self.live.standing("acme", (self.now, self.now + 70 * 86_400)).unwrap();
        self.live.plan()
    }
}

fn event(number: usize, line: &str) -> (Second, String) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [time, subject, kind, state, attributes @ ..] = &words[..] else { panic!("{line}") };
    let region = attributes.iter().find_map(|attribute| attribute.strip_prefix("region="));
    let region = region.map(|region| format!("\"region\": \"{region}\", ")).unwrap_or_default();
    let written: Vec<String> = attributes
        .iter()
        .filter(|attribute| !attribute.starts_with("region="))
        .map(|attribute| attribute.split_once('=').unwrap())
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    let is_use = *state == "USED";
    let (sort, said) =
        if is_use { ("usage", String::new()) } else { ("state", format!("\"state\": \"{state}\", ")) };
    let event = format!(
        r#"{{"specversion": "1.0", "id": "{number}", "source": "s", "type": "kopeck.{sort}.v1",
        "subject": "{subject}", "time": "{time}", "project": "acme",
        "data": {{"kind": "{kind}", {said}{region}"attributes": {{{}}}}}}}"#,
        written.join(", ")
    );
    (second(time), event.replace('\n', " "))
}
