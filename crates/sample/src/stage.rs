//! Writes events: what all makers of them share.

use crate::clock::{Clock, digit};
use crate::delivery::Delivery;
use crate::draw::Draw;
use crate::names::{Project, Projects};
use crate::{Ids, Options};

/// A region, and the source of what happens to VMs there.
#[derive(Debug)]
pub struct Region {
    pub name: &'static str,
    pub cloud: &'static str,
}

static MOSCOW: Region = Region { name: "msk-1", cloud: "openstack://msk-1" };
static PETERSBURG: Region = Region { name: "spb-1", cloud: "openstack://spb-1" };

/// A name with numbers: `vol` and `[12, 0]` are `vol-12-0`.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a>(pub &'a str, pub &'a [u64]);

/// The value of an attribute.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A JSON number.
    Whole(u64),
    /// Hundredths, written as a text: 1250 is `"12.50"`.
    Hundredths(u64),
    /// A text that needs no escapes.
    Text(&'a str),
}

/// An event but for its id and time. Texts are of plain ASCII and need no escapes.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub source: Name<'a>,
    pub subject: Name<'a>,
    pub project: Project,
    pub actor: Option<&'a str>,
    pub kind: &'a str,
    pub region: &'static Region,
    /// Of a state event; `None` makes a usage event.
    pub state: Option<&'a str>,
    pub attributes: &'a [(&'a str, Value<'a>)],
}

/// What all makers of events share.
#[derive(Debug)]
pub struct Stage {
    pub draw: Draw,
    pub clock: Clock,
    pub projects: Projects,
    pub delivery: Delivery,
    seed: u64,
    /// What random ids are drawn from: the events are the same with them and without.
    ids: Option<Draw>,
    /// The length of the sample: what would happen later is left out.
    end_ms: u64,
    next_event: u64,
    next_vm: u64,
}

impl Stage {
    /// An empty one.
    pub fn new(options: &Options, end_ms: u64) -> Stage {
        Stage {
            draw: Draw::new(options.seed),
            clock: Clock::new(options.start),
            projects: Projects::of_fleet(options.vms),
            delivery: Delivery::default(),
            seed: options.seed,
            ids: (options.ids == Ids::Random).then(|| Draw::new(!options.seed)),
            end_ms,
            next_event: 1,
            next_vm: 1,
        }
    }

    /// The number of a new VM.
    pub fn number_vm(&mut self) -> u64 {
        self.next_vm += 1;
        self.next_vm - 1
    }

    /// A region, Moscow twice as often.
    pub fn region(&mut self) -> &'static Region {
        self.draw.pick(&[&MOSCOW, &MOSCOW, &PETERSBURG])
    }

    /// A project, the larger the likelier.
    pub fn project(&mut self) -> Project {
        self.projects.draw(&mut self.draw)
    }

    /// Somebody of a project's team.
    pub fn person(&mut self, project: Project) -> &'static str {
        Projects::person(project, &mut self.draw)
    }

    /// When something happens next that happens this often, on the average, in the middle of a working day.
    pub fn next_ms(&mut self, at_ms: u64, mean_ms: u64) -> u64 {
        let gap = self.draw.between(mean_ms / 5, mean_ms / 5 * 9);
        at_ms + gap * self.clock.quietness(at_ms)
    }

    /// Writes an event and sends it on its way.
    pub fn emit(&mut self, at_ms: u64, event: &Event<'_>) {
        if at_ms >= self.end_ms {
            return;
        }
        let line = self.delivery.buffer();
        put(line, r#"{"specversion":"1.0","id":""#);
        match &mut self.ids {
            None => {
                number(line, self.seed);
                line.push(b'-');
                number(line, self.next_event);
            }
            Some(draw) => {
                let words = [(); 4].map(|()| draw.below(1 << 32));
                put(line, &words.map(|word| format!("{word:08x}")).concat());
            }
        }
        self.next_event += 1;
        put(line, r#"","source":""#);
        name(line, event.source);
        let event_type = if event.state.is_some() { "kopeck.state.v1" } else { "kopeck.usage.v1" };
        text_field(line, r#"","type":""#, event_type);
        put(line, r#"","subject":""#);
        name(line, event.subject);
        put(line, r#"","time":""#);
        self.clock.write(at_ms, line);
        text_field(line, r#"","project":""#, self.projects.name(event.project));
        if let Some(actor) = event.actor {
            text_field(line, r#"","actor":""#, actor);
        }
        data(line, event);
        self.delivery.send(at_ms, &mut self.draw);
    }
}

fn data(line: &mut Vec<u8>, event: &Event<'_>) {
    text_field(line, r#"","data":{"kind":""#, event.kind);
    text_field(line, r#"","region":""#, event.region.name);
    if let Some(state) = event.state {
        text_field(line, r#"","state":""#, state);
    }
    put(line, r#"","attributes":{"#);
    for (at, (attribute, value)) in event.attributes.iter().enumerate() {
        text_field(line, if at == 0 { "\"" } else { ",\"" }, attribute);
        put(line, "\":");
        match *value {
            Value::Whole(whole) => number(line, whole),
            Value::Hundredths(hundredths) => {
                line.push(b'"');
                number(line, hundredths / 100);
                line.extend([b'.', digit(hundredths / 10), digit(hundredths), b'"']);
            }
            Value::Text(text) => {
                text_field(line, "\"", text);
                line.push(b'"');
            }
        }
    }
    put(line, "}}}");
}

fn put(line: &mut Vec<u8>, text: &str) {
    line.extend_from_slice(text.as_bytes());
}

/// A mark and the text behind it.
fn text_field(line: &mut Vec<u8>, mark: &str, text: &str) {
    put(line, mark);
    put(line, text);
}

fn name(line: &mut Vec<u8>, Name(prefix, numbers): Name<'_>) {
    put(line, prefix);
    for part in numbers {
        line.push(b'-');
        number(line, *part);
    }
}

fn number(line: &mut Vec<u8>, mut number: u64) {
    // The largest number has 20 digits.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = digit(number);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}
