//! Resources and their lives: what is alive in a second, and as what.

use std::collections::BTreeMap;

use kopeck_rating::calendar::Second;
use kopeck_rating::event::{Description, EventType};
use kopeck_rating::price_book::{Class, PriceBook, StateMeaning};
use kopeck_rating::stops::{AfterStop, Stops};

use crate::event::Event;

/// A resource: everything that its state events say, in their order.
pub(crate) struct Resource<'a> {
    pub source: &'a str,
    pub subject: &'a str,
    events: Vec<&'a Event>,
}

/// What a resource is while it is alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alive<'a> {
    pub project: &'a str,
    pub kind: &'a str,
    pub class: Option<Class>,
    pub data: &'a Description,
}

impl Alive<'_> {
    /// Whether nothing has changed: the same event describes it, in the same class.
    pub fn is_same(&self, other: &Alive<'_>) -> bool {
        std::ptr::eq(self.data, other.data) && self.class == other.class
    }
}

/// A project in which everything is stopped in a second.
#[derive(Clone, Copy)]
pub(crate) struct Stopped<'a> {
    pub project: &'a str,
    pub at: Second,
    pub stops: &'a Stops,
}

impl Stopped<'_> {
    /// What a resource is then, after the stop.
    pub fn of<'b>(&self, alive: Alive<'b>, second: Second) -> Option<Alive<'b>> {
        if second < self.at || alive.project != self.project {
            return Some(alive);
        }
        match self.stops.after(alive.kind, alive.class) {
            AfterStop::Same => Some(alive),
            AfterStop::Class(class) => Some(Alive { class, ..alive }),
            AfterStop::Gone => None,
        }
    }
}

/// All resources that have state events.
pub(crate) fn resources(events: &[Event]) -> Vec<Resource<'_>> {
    let mut by_resource: BTreeMap<(&str, &str), Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.event_type == EventType::State) {
        by_resource.entry((&event.source, &event.subject)).or_default().push(event);
    }
    let mut resources = Vec::new();
    for ((source, subject), mut events) in by_resource {
        events.sort_by_key(|event| (event.time, event.sequence.clone(), event.id.clone()));
        resources.push(Resource { source, subject, events });
    }
    resources
}

/// The state events that name another project or kind during a life of their resource.
#[must_use]
pub fn disputed<'a>(events: &'a [Event], book: &PriceBook) -> Vec<&'a Event> {
    let of_resource = |resource: &Resource<'a>| replay(&resource.events, book).1;
    resources(events).iter().flat_map(of_resource).collect()
}

impl<'a> Resource<'a> {
    /// What it is in that second, if it is alive: what holds after the last event of the second.
    pub fn at(&self, second: Second, book: &PriceBook) -> Option<Alive<'a>> {
        let until = self.events.iter().take_while(|event| event.second() <= second).count();
        replay(&self.events[..until], book).0
    }

    /// The seconds of its events.
    pub fn seconds(&self) -> impl Iterator<Item = Second> {
        self.events.iter().map(|event| event.second())
    }
}

/// What a resource is after these events, and which of them are disputed.
fn replay<'a>(events: &[&'a Event], book: &PriceBook) -> (Option<Alive<'a>>, Vec<&'a Event>) {
    let mut alive: Option<Alive<'a>> = None;
    let mut disputed = Vec::new();
    for event in events {
        if alive.is_some_and(|life| life.project != event.project || life.kind != event.data.kind) {
            disputed.push(*event);
            continue;
        }
        let before = alive.and_then(|life| life.class);
        let state = event.data.state.as_deref().unwrap_or_default();
        let class = match meaning(book, &event.data.kind, state) {
            StateMeaning::Deleted => {
                alive = None;
                continue;
            }
            StateMeaning::Class(class) => class,
            StateMeaning::Inherit => before,
        };
        alive = Some(Alive { project: &event.project, kind: &event.data.kind, class, data: &event.data });
    }
    (alive, disputed)
}

/// The lists of states that hold for every kind, unless a book gives others.
const DEFAULTS: [(&str, &[&str]); 3] = [
    ("active", &["RUNNING", "STOPPING", "REBOOTING"]),
    ("inactive", &["STOPPED"]),
    ("inherit", &["STARTING", "TERMINATING"]),
];

/// What a state means for a resource of that kind: by a list that the book gives, else by a default list that the
/// book does not replace.
#[must_use]
pub fn meaning(book: &PriceBook, kind: &str, state: &str) -> StateMeaning {
    let given: BTreeMap<&str, &[String]> = book.given_states(kind).collect();
    let named = given.iter().find(|(_, list)| list.iter().any(|other| other == state)).map(|(name, _)| *name);
    let default = DEFAULTS.iter().find(|(name, list)| !given.contains_key(name) && list.contains(&state));
    match (state, named.or(default.map(|(name, _)| *name))) {
        ("DELETED", _) => StateMeaning::Deleted,
        (_, Some("active")) => StateMeaning::Class(Some(Class::Active)),
        (_, Some("inactive")) => StateMeaning::Class(Some(Class::Inactive)),
        (_, Some("inherit")) => StateMeaning::Inherit,
        _ => StateMeaning::Class(None),
    }
}
