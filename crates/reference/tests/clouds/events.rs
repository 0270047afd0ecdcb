//! Random events: a few resources that are born, change, are disputed and die, and what is used of them.

use jiff::Timestamp;
use jiff::tz::Offset;
use kopeck_rating::calendar::Second;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::Taste;

type Texts = &'static [&'static str];

/// The states that events name. `ODD` stands in no default list.
pub const STATES: &[&str] = &["RUNNING", "STOPPED", "STARTING", "TERMINATING", "ODD", "STOPPING"];
/// The states of events; a life that has ended may begin again.
const EVENT_STATES: Texts = &[
    "RUNNING",
    "STOPPED",
    "DELETED",
    "STARTING",
    "TERMINATING",
    "ODD",
    "STOPPING",
    "RUNNING",
    "STOPPED",
    "DELETED",
];
/// Source, subject, and the project and kind that most of its events name.
const RESOURCES: &[[&str; 4]] = &[
    ["s1", "x", "acme", "vm"],
    ["s1", "y", "acme", "vm"],
    ["s2", "x", "acme", "vm"],
    ["s1", "d", "acme", "disk"],
    ["s2", "z", "beta", "vm"],
    ["s2", "c", "beta", "cost"],
];
const KINDS_OF_USAGE: Texts = &["call", "cost", "call", "cost", "vm"];
const SEQUENCES: Texts = &["1", "2", "10", "0001"];
const REGIONS: Texts = &["\"r1\"", "\"r2\"", "\"4\"", "\"4.0\"", "null"];
const NUMBERS: Texts = &[
    "1",
    "2",
    "0",
    "3",
    "4.0",
    "\"12.5\"",
    "0.5",
    "1e2",
    "\"007\"",
    "0.1234567895",
    "\"0.1234567885\"",
    "0.0000000005",
    "999999999999",
    "\"999999999999.999999999\"",
    "120",
    "101",
];
/// What counts as nothing.
const ODDITIES: Texts = &["\"four\"", "\"1e2\"", "\"\"", "true", "null", "[1]", "{\"x\": 1}", "\"-1\""];
const NEGATIVES: Texts = &["-1", "-0.5", "\"-3\"", "-999999999999", "-0.0000000015"];
const LARGEST: Texts = &["999999999999.999999999", "\"999999999999.9999999989\"", "999999999999.9999999999"];
const LARGEST_NEGATIVES: Texts = &["-999999999999.999999999", "\"-999999999999.999999999\""];
const TIERS: Texts = &["\"ssd\"", "\"hdd\"", "4", "\"4.00\"", "4.5", "true", "\"true\"", "[4]"];
const RACKS: Texts = &["\"b\"", "1", "\"1\"", "1.0", "\"1.50\"", "null", "false", "{}", "\"active\""];
/// Parts of a second, in nanoseconds.
const NANOSECONDS: &[i64] = &[0, 0, 0, 100_000_000, 400_000_000, 999_999_999, 1];
/// Offsets in which times are written, in seconds.
const OFFSETS: &[i32] = &[0, 10_800, -12_600, 20_700];

/// An event before it is written.
#[derive(Debug, Clone)]
pub struct EventPlan {
    /// The state, or `None` for usage.
    state: Option<&'static str>,
    resource: [&'static str; 4],
    /// A project or a kind that is not the resource's own.
    stray: (Option<&'static str>, Option<&'static str>),
    kind_of_usage: &'static str,
    /// The number of its second among those of the cloud, and its part of that second.
    time: (usize, i64),
    offset: i32,
    sequence: Option<&'static str>,
    id: &'static str,
    region: Option<&'static str>,
    attributes: AttributesPlan,
    repeat: Option<RepeatPlan>,
}

#[derive(Debug, Clone)]
struct AttributesPlan {
    a: Option<&'static str>,
    b: Option<&'static str>,
    /// Instead of `a`, where the kind is `cost`.
    negative: Option<&'static str>,
    tier: Option<&'static str>,
    rack: Option<&'static str>,
    currency: Option<&'static str>,
}

/// A second event with the same key: after how many lines, and how it differs.
#[derive(Debug, Clone)]
struct RepeatPlan {
    after: usize,
    how: Repeat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Same,
    /// Equal JSON and an equal instant in another writing.
    Rewritten,
    OtherContent,
}

impl EventPlan {
    /// Any event.
    pub fn any(taste: Taste) -> impl Strategy<Value = EventPlan> {
        let what = (
            prop_oneof![3 => select(EVENT_STATES).prop_map(Some), 1 => Just(None)],
            select(RESOURCES),
            weighted(0.08, select(&["gamma", "beta"])),
            weighted(0.08, select(&["disk", "vm"])),
            select(KINDS_OF_USAGE),
        );
        let when = ((0..12_usize, select(NANOSECONDS)), select(OFFSETS), weighted(0.3, select(SEQUENCES)));
        let rest = (
            select(&["b", "a", "c"]),
            weighted(0.8, select(REGIONS)),
            AttributesPlan::any(taste),
            weighted(0.1, RepeatPlan::any(taste)),
        );
        (what, when, rest).prop_map(|(what, when, rest)| {
            let (state, resource, stray_project, stray_kind, kind_of_usage) = what;
            let (time, offset, sequence) = when;
            let (id, region, attributes, repeat) = rest;
            let stray = (stray_project, stray_kind);
            EventPlan {
                state,
                resource,
                stray,
                kind_of_usage,
                time,
                offset,
                sequence,
                id,
                region,
                attributes,
                repeat,
            }
        })
    }

    fn kind(&self) -> &'static str {
        let own = if self.state.is_some() { self.resource[3] } else { self.kind_of_usage };
        self.stray.1.filter(|_| self.state.is_some()).unwrap_or(own)
    }

    /// One line of JSON; `number` makes the id unique.
    fn write(&self, number: usize, seconds: &[Second], repeat: Option<Repeat>) -> String {
        let [source, subject, project, _] = self.resource;
        let (second, nanoseconds) = self.time;
        let shift = if repeat == Some(Repeat::OtherContent) { 1 } else { 0 };
        let second = seconds[second % seconds.len()] + shift;
        let time =
            Timestamp::from_nanosecond(i128::from(second) * 1_000_000_000 + i128::from(nanoseconds)).unwrap();
        let offset = if repeat == Some(Repeat::Rewritten) { 3_600 } else { self.offset };
        let time = time.display_with_offset(Offset::from_seconds(offset).unwrap());
        let event_type = if self.state.is_some() { "state" } else { "usage" };
        let mut fields = vec![
            r#""specversion": "1.0""#.to_owned(),
            format!(r#""id": "{}{number}""#, self.id),
            format!(r#""source": "{source}""#),
            format!(r#""type": "kopeck.{event_type}.v1""#),
            format!(r#""subject": "{subject}""#),
            format!(r#""time": "{time}""#),
            format!(r#""project": "{}""#, self.stray.0.unwrap_or(project)),
        ];
        fields.extend(self.sequence.map(|sequence| format!(r#""sequence": "{sequence}""#)));
        fields.push(format!(r#""data": {{{}}}"#, self.data()));
        if repeat == Some(Repeat::Rewritten) {
            fields.reverse();
        }
        format!("{{{}}}", fields.join(", "))
    }

    fn data(&self) -> String {
        let mut data = vec![format!(r#""kind": "{}""#, self.kind())];
        data.extend(self.state.map(|state| format!(r#""state": "{state}""#)));
        data.extend(self.region.map(|region| format!(r#""region": {region}"#)));
        data.push(format!(r#""attributes": {{{}}}"#, self.attributes.write(self.kind() == "cost")));
        data.join(", ")
    }
}

impl AttributesPlan {
    fn any(taste: Taste) -> impl Strategy<Value = AttributesPlan> {
        let (numbers, negatives) = match taste {
            Taste::Extreme => (LARGEST, LARGEST_NEGATIVES),
            _ => (NUMBERS, NEGATIVES),
        };
        let number = || prop_oneof![8 => select(numbers), 1 => select(ODDITIES)];
        let numbers = (weighted(0.95, number()), weighted(0.8, number()), weighted(0.5, select(negatives)));
        let texts = (weighted(0.6, select(TIERS)), weighted(0.7, select(RACKS)));
        let currency = weighted(0.15, select(&["\"RUB\"", "\"RUB\"", "\"RUB\"", "\"EUR\""]));
        (numbers, texts, currency).prop_map(|((a, b, negative), (tier, rack), currency)| AttributesPlan {
            a,
            b,
            negative,
            tier,
            rack,
            currency,
        })
    }

    fn write(&self, is_cost: bool) -> String {
        let a = self.negative.filter(|_| is_cost).or(self.a);
        let named =
            [("a", a), ("b", self.b), ("tier", self.tier), ("rack", self.rack), ("currency", self.currency)];
        let written = named.into_iter().filter_map(|(name, value)| Some(format!(r#""{name}": {}"#, value?)));
        written.collect::<Vec<_>>().join(", ")
    }
}

impl RepeatPlan {
    fn any(taste: Taste) -> impl Strategy<Value = RepeatPlan> {
        let other = if taste == Taste::Conflicting { Repeat::OtherContent } else { Repeat::Rewritten };
        let how = select(vec![Repeat::Same, Repeat::Rewritten, other]);
        (0..10_usize, how).prop_map(|(after, how)| RepeatPlan { after, how })
    }
}

/// The lines of a file, in the order of arrival.
pub fn write(events: &[EventPlan], seconds: &[Second]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut later: Vec<(usize, String)> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        lines.push(event.write(number, seconds, None));
        if let Some(repeat) = &event.repeat {
            later.push((lines.len() + repeat.after, event.write(number, seconds, Some(repeat.how))));
        }
    }
    for (at, line) in later {
        lines.insert(at.min(lines.len()), line);
    }
    lines
}
