//! Small clouds out of any bytes: a few resources, what they did around October 2026, and one of three price books.
//!
//! Bytes choose from short lists, so that ties, duplicates, disputes and edges of the calendar are common. The random
//! clouds of `crates/reference` draw their price books too; here the books are fixed, so that a fuzzer that follows the
//! branches of the engine reaches deeper into one of them.

use std::fmt;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use kopeck_rating::calendar::Second;
use kopeck_rating::charge::Window;
use kopeck_rating::price_book::PriceBook;

use crate::{OCTOBER, engine, reference};

const TEXTS: [&str; 3] = [
    include_str!("../books/moscow.toml"),
    include_str!("../books/berlin.toml"),
    include_str!("../books/lord-howe.toml"),
];

static BOOKS: LazyLock<Vec<PriceBook>> = LazyLock::new(|| {
    TEXTS.iter().map(|text| PriceBook::read(text).expect("the book has no problems")).collect()
});

/// The reference takes its time: what more there is, is left out.
const MOST_EVENTS: usize = 24;

/// The first second of each of these local days, counted from 1 October, is a landmark.
const DAYS: &[i32] = &[0, 3, 4, 14, 15, 23, 24, 25, 29, 30, 31, -1, -30];
/// Seconds after a landmark.
const AFTER: &[i32] =
    &[0, -1, 1, 3_599, 3_600, 5_400, 7_199, 7_200, 9_000, 10_800, 43_200, 86_399, -1_800, -3_600];
const NANOSECONDS: &[i32] = &[0, 400_000_000, 999_999_999, 1];
const OFFSETS: &[i32] = &[0, 10_800, -12_600, 37_800];
const STATES: &[&str] = &["RUNNING", "STOPPED", "DELETED", "STARTING", "TERMINATING", "ODD"];
/// Source, subject, and the project and kind that most of its events name.
const RESOURCES: &[[&str; 4]] = &[
    ["s1", "x", "acme", "vm"],
    ["s2", "x", "acme", "vm"],
    ["s1", "y", "beta", "vm"],
    ["s1", "d", "acme", "disk"],
    ["s2", "c", "acme", "call"],
    ["s2", "b", "beta", "cost"],
];
const KINDS: &[&str] = &["vm", "disk", "call", "cost"];
const SEQUENCES: &[&str] = &["1", "2", "10", ""];
const REGIONS: &[&str] = &["\"r1\"", "\"r2\"", "null", "\"4.0\""];
const TIERS: &[&str] = &["\"ssd\"", "\"hdd\"", "4", "\"4.00\"", "[4]", "true"];
const RACKS: &[&str] = &["\"b\"", "1", "\"1.0\"", "null", "{}", "\"active\""];
const ODDITIES: &[&str] = &["\"four\"", "null", "true", "[]", "\"-1\"", "1e3", "\"\"", "-2", "1e12"];

fn of<T: Copy>(list: &[T], choice: u8) -> T {
    list[usize::from(choice) % list.len()]
}

/// A price book by its number, events, and the window that they are rated in.
#[derive(Arbitrary)]
struct Cloud {
    book: u8,
    /// The days from 1 October to the window's first, and its length in days.
    window: (u8, u8),
    as_of: Option<Moment>,
    events: Vec<Event>,
}

#[derive(Arbitrary)]
struct Event {
    /// The state, or `None` for usage.
    state: Option<u8>,
    resource: u8,
    stray: Stray,
    time: Moment,
    nanoseconds: u8,
    offset: u8,
    sequence: Option<u8>,
    id: u8,
    region: Option<u8>,
    a: Count,
    b: Count,
    tier: Option<u8>,
    rack: Option<u8>,
}

/// How an event departs from what its resource and key say.
#[derive(Arbitrary)]
enum Stray {
    No,
    /// Most events are like the others.
    Neither,
    Project,
    Kind(u8),
    /// The event before it once more, written in another offset.
    Duplicate(u8),
    /// The key of the event before it, with content of its own.
    SameKey,
}

/// A second around a landmark.
#[derive(Arbitrary, Clone, Copy)]
struct Moment {
    day: u8,
    after: u8,
    more: i16,
    /// Whether `more` counts.
    is_anywhere: bool,
}

/// A quantity.
#[derive(Arbitrary)]
enum Count {
    Small(u8),
    Decimal { whole: u64, fraction: u32, is_text: bool },
    Odd(u8),
    Absent,
}

/// Whatever the bytes choose: the engine answers and charges as the reference.
pub fn check(bytes: &[u8]) {
    if let Ok(cloud) = Cloud::arbitrary_take_rest(Unstructured::new(bytes)) {
        cloud.check();
    }
}

impl Cloud {
    /// The engine answers and charges as the reference.
    fn check(&self) {
        let lines = self.lines();
        let book = self.book();
        let window = self.window();
        assert_eq!(engine(book, &lines, window), reference(book, &lines, window), "{self:?}");
    }

    fn book(&self) -> &'static PriceBook {
        &BOOKS[usize::from(self.book) % BOOKS.len()]
    }

    fn window(&self) -> Window {
        let (first, days) = (i64::from(self.window.0 % 35), i64::from(self.window.1 % 31) + 1);
        let from = OCTOBER + first.days() - 5.days();
        // An instant before the window makes it empty, which is no window.
        let calendar = self.book().calendar();
        let start = calendar.day_start(from).expect("2026 is rated");
        let as_of = self.as_of.map(|moment| moment.second(self.book())).filter(|second| *second > start);
        Window::new(calendar, from, from + days.days(), as_of).expect("it ends after it begins")
    }

    /// The lines of the file of events.
    fn lines(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut before: Option<(usize, &Event)> = None;
        for (number, event) in self.events.iter().take(MOST_EVENTS).enumerate() {
            let line = match (&event.stray, before) {
                (Stray::Duplicate(offset), Some((key, first))) => first.write(key, self.book(), *offset),
                (Stray::SameKey, Some((key, _))) => event.write(key, self.book(), event.offset),
                _ => {
                    before = Some((number, event));
                    event.write(number, self.book(), event.offset)
                }
            };
            lines.push(line);
        }
        lines.join("\n")
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.book().id())?;
        let time = |second| Timestamp::from_second(second).map_err(|_| fmt::Error);
        writeln!(f, "{} to {}", time(self.window().from())?, time(self.window().to())?)?;
        f.write_str(&self.lines())
    }
}

impl Event {
    fn kind(&self) -> &'static str {
        match self.stray {
            Stray::Kind(kind) => of(KINDS, kind),
            _ => of(RESOURCES, self.resource)[3],
        }
    }

    /// One line of JSON; the number makes the id unique.
    fn write(&self, number: usize, book: &PriceBook, offset: u8) -> String {
        let [source, subject, project, _] = of(RESOURCES, self.resource);
        let project = if matches!(self.stray, Stray::Project) { "gamma" } else { project };
        let nanoseconds = i128::from(self.time.second(book)) * 1_000_000_000
            + i128::from(of(NANOSECONDS, self.nanoseconds));
        let time = Timestamp::from_nanosecond(nanoseconds).expect("2026 is a year of Unix time");
        let time = time.display_with_offset(
            Offset::from_seconds(of(OFFSETS, offset)).expect("the offset is less than a day"),
        );
        let event_type = if self.state.is_some() { "state" } else { "usage" };
        let sequence = self.sequence.map(|choice| of(SEQUENCES, choice));
        let sequence = sequence.map(|text| format!(r#","sequence":"{text}""#)).unwrap_or_default();
        let id = of(&["b", "a", "c"], self.id);
        let data = self.data();
        format!(
            r#"{{"specversion":"1.0","id":"{id}{number}","source":"{source}","type":"kopeck.{event_type}.v1","subject":"{subject}","time":"{time}","project":"{project}"{sequence},"data":{data}}}"#
        )
    }

    fn data(&self) -> String {
        let state = self.state.map(|choice| format!(r#","state":"{}""#, of(STATES, choice)));
        let region = self.region.map(|choice| format!(r#","region":{}"#, of(REGIONS, choice)));
        let attributes = [
            ("a", self.a.write()),
            ("b", self.b.write()),
            ("tier", self.tier.map(|choice| of(TIERS, choice).to_owned())),
            ("rack", self.rack.map(|choice| of(RACKS, choice).to_owned())),
        ];
        let attributes =
            attributes.into_iter().filter_map(|(name, value)| Some(format!(r#""{name}":{}"#, value?)));
        let attributes: Vec<String> = attributes.collect();
        let (state, region) = (state.unwrap_or_default(), region.unwrap_or_default());
        format!(r#"{{"kind":"{}"{state}{region},"attributes":{{{}}}}}"#, self.kind(), attributes.join(","))
    }
}

impl Moment {
    fn second(self, book: &PriceBook) -> Second {
        let day = OCTOBER + i64::from(of(DAYS, self.day)).days();
        let landmark = book.calendar().day_start(day).expect("2026 is rated");
        let more = if self.is_anywhere { i64::from(self.more) } else { 0 };
        landmark + i64::from(of(AFTER, self.after)) + more
    }
}

impl Count {
    fn write(&self) -> Option<String> {
        match self {
            Count::Small(count) => Some(count.to_string()),
            Count::Decimal { whole, fraction, is_text } => {
                let mark = if *is_text { "\"" } else { "" };
                let (whole, fraction) = (whole % 1_000_000_000_000, fraction % 1_000_000_000);
                Some(format!("{mark}{whole}.{fraction:09}{mark}"))
            }
            Count::Odd(choice) => Some(of(ODDITIES, *choice).to_owned()),
            Count::Absent => None,
        }
    }
}
