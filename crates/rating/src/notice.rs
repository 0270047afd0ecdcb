//! What a person should be told of a run beside its charges: nothing is dropped in silence.

use std::collections::BTreeMap;

use crate::batch::Origin;

/// How often something was seen, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// The first place, in the order of the files.
    pub first: Origin,
}

/// A quantity that counted as 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lacking {
    /// The component that asked for it.
    pub component: String,
    /// The attribute that is missing or not a number.
    pub attribute: String,
}

/// What was noticed in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    /// Quantities that counted as 0.
    pub lacking: BTreeMap<Lacking, Seen>,
    /// Kinds of usage events, and of resources alive in the window, that no component priced.
    pub unpriced: BTreeMap<String, Seen>,
    /// State events that name another project or kind than the life they fall in.
    pub disputed: Option<Seen>,
}

impl Notices {
    /// Notes a quantity that counted as 0.
    pub fn lacking(&mut self, component: &str, attribute: &str, origin: Origin) {
        let what = Lacking { component: component.to_owned(), attribute: attribute.to_owned() };
        again(self.lacking.entry(what).or_insert(Seen { count: 0, first: origin }), origin);
    }

    /// Notes something of a kind that no component priced.
    pub fn unpriced(&mut self, kind: &str, origin: Origin) {
        again(self.unpriced.entry(kind.to_owned()).or_insert(Seen { count: 0, first: origin }), origin);
    }

    /// Notes a disputed event.
    pub fn disputed(&mut self, origin: Origin) {
        again(self.disputed.get_or_insert(Seen { count: 0, first: origin }), origin);
    }
}

impl Notices {
    /// Adds what another part of the run noticed.
    pub fn add(&mut self, other: Notices) {
        let merge = |into: &mut Seen, seen: Seen| {
            into.count += seen.count;
            into.first = into.first.min(seen.first);
        };
        for (what, seen) in other.lacking {
            merge(self.lacking.entry(what).or_insert(Seen { count: 0, ..seen }), seen);
        }
        for (kind, seen) in other.unpriced {
            merge(self.unpriced.entry(kind).or_insert(Seen { count: 0, ..seen }), seen);
        }
        if let Some(seen) = other.disputed {
            merge(self.disputed.get_or_insert(Seen { count: 0, ..seen }), seen);
        }
    }
}

fn again(seen: &mut Seen, origin: Origin) {
    seen.count += 1;
    seen.first = seen.first.min(origin);
}
