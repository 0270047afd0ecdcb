//! What a person should be told of a run beside its charges: nothing is dropped in silence.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::batch::Origin;
use crate::calendar::Second;
use crate::event::Description;
use crate::plan::{Part, Plan};
use crate::price_book::{Class, Model, StateMeaning};

/// How often something was seen, and where first: in a run the place of the event, in live rating its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<P = Origin> {
    /// How often.
    pub count: u64,
    /// The first place, in the order of the files; or the first event, in the order of time.
    pub first: P,
}

/// A quantity that counted as 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lacking {
    /// The component that asked for it.
    pub component: String,
    /// The attribute that is missing or not a number.
    pub attribute: String,
}

/// A state without a class, in which a resource is not priced that would be in an active or inactive one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Classless {
    /// The kind of the resource.
    pub kind: String,
    /// Its state.
    pub state: String,
    /// Whether the state keeps the class of the one before, and there was none; otherwise it stands in no list.
    pub inherits: bool,
}

/// What was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices<P = Origin> {
    /// Quantities that counted as 0.
    pub lacking: BTreeMap<Lacking, Seen<P>>,
    /// Kinds of usage events, and of resources alive in the window, that no component priced.
    pub unpriced: BTreeMap<String, Seen<P>>,
    /// States of resources that no component priced for want of a class; these are not among the unpriced.
    pub classless: BTreeMap<Classless, Seen<P>>,
    /// State events that name another project or kind than the life they fall in.
    pub disputed: Option<Seen<P>>,
}

impl<P> Default for Notices<P> {
    fn default() -> Notices<P> {
        let (lacking, unpriced, classless) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Notices { lacking, unpriced, classless, disputed: None }
    }
}

impl<P: Ord> Notices<P> {
    /// Notes a quantity that counted as 0.
    pub fn lacking(&mut self, component: &str, attribute: &str, place: P) {
        let what = Lacking { component: component.to_owned(), attribute: attribute.to_owned() };
        put(&mut self.lacking, what, Seen::once(place));
    }

    /// Notes something of a kind that no component priced.
    pub fn unpriced(&mut self, kind: &str, place: P) {
        put(&mut self.unpriced, kind.to_owned(), Seen::once(place));
    }

    /// Notes a resource that no component priced, first seen as that description; `classed` tells whether it had a
    /// class at any time in those seconds.
    pub fn unpriced_resource(
        &mut self,
        plan: &Plan,
        (data, classed): (&Description, bool),
        seconds: &Range<Second>,
        place: P,
    ) {
        match lacks_class(plan, data, seconds).filter(|_| !classed) {
            Some(what) => put(&mut self.classless, what, Seen::once(place)),
            None => self.unpriced(&data.kind, place),
        }
    }

    /// Notes a disputed event.
    pub fn disputed(&mut self, place: P) {
        merge(&mut self.disputed, Seen::once(place));
    }

    /// Adds what another part of the run noticed.
    pub fn add(&mut self, other: Notices<P>) {
        let Notices { lacking, unpriced, classless, disputed } = other;
        lacking.into_iter().for_each(|(what, seen)| put(&mut self.lacking, what, seen));
        unpriced.into_iter().for_each(|(kind, seen)| put(&mut self.unpriced, kind, seen));
        classless.into_iter().for_each(|(what, seen)| put(&mut self.classless, what, seen));
        disputed.into_iter().for_each(|seen| merge(&mut self.disputed, seen));
    }
}

impl<P> Seen<P> {
    fn once(first: P) -> Seen<P> {
        Seen { count: 1, first }
    }
}

fn put<K: Ord, P: Ord>(into: &mut BTreeMap<K, Seen<P>>, what: K, seen: Seen<P>) {
    let sum = match into.remove(&what) {
        Some(before) => together(before, seen),
        None => seen,
    };
    into.insert(what, sum);
}

fn merge<P: Ord>(into: &mut Option<Seen<P>>, seen: Seen<P>) {
    *into = Some(match into.take() {
        Some(before) => together(before, seen),
        None => seen,
    });
}

fn together<P: Ord>(one: Seen<P>, other: Seen<P>) -> Seen<P> {
    Seen { count: one.count + other.count, first: one.first.min(other.first) }
}

/// The state of a resource, where a component would price it in one of the classes, but not without a class.
fn lacks_class(plan: &Plan, data: &Description, seconds: &Range<Second>) -> Option<Classless> {
    let state = data.state.clone()?;
    let meaning = plan.book().meaning(&data.kind, &state);
    let inherits = match meaning {
        StateMeaning::Inherit => true,
        StateMeaning::Class(None) => false,
        StateMeaning::Class(Some(_)) | StateMeaning::Deleted => return None,
    };
    let prices = |class| {
        let mut parts = plan.matching(data, Some(class), true);
        parts.any(|part| looks_at(&plan.parts()[part], seconds))
    };
    let is_priced = [Class::Active, Class::Inactive].into_iter().any(prices);
    is_priced.then(|| Classless { kind: data.kind.clone(), state, inherits })
}

/// Whether a part looks at a resource in any of these seconds, be it to charge it or, with `once`, to know that it has
/// been charged.
pub(crate) fn looks_at(part: &Part, seconds: &Range<Second>) -> bool {
    if let Model::Once { .. } = part.component.model {
        return part.in_force.start < seconds.end && seconds.start < part.in_force.end;
    }
    let first = part.spans.partition_point(|span| span.end <= seconds.start);
    part.spans.get(first).is_some_and(|span| span.start < seconds.end)
}
