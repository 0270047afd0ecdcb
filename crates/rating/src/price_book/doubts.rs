//! What a price book may say and probably does not mean. Only what is certain to happen is told.

use std::collections::HashMap;
use std::ops::Range;

use jiff::civil::Date;

use super::change::{Altered, Change, VersionOf, changes};
use super::{Class, Component, ComponentRef, PriceBook, Subject};
use crate::event::Value;

/// Something that a book says.
#[derive(Debug, Clone)]
pub enum Doubt<'b> {
    /// A component goes over, within a month, between a model that takes one version a month and one that does not.
    ModelWithinMonth {
        /// The component as it is to be.
        component: &'b Component,
        /// The date of its version.
        effective: Date,
        /// Whether both models charge in that month; neither charges from that date on where it is false.
        both: bool,
    },
    /// A component that takes one version a month changes within a month: that month keeps what was.
    FromNextMonth {
        /// The component as it is to be.
        component: &'b Component,
        /// The date of its version.
        effective: Date,
        /// The first day of the month from which the change holds.
        holds_from: Date,
    },
    /// A component asks for a class that no state of its kind has.
    NeverMatches {
        /// The component.
        component: &'b Component,
        /// The date of its version.
        version: Date,
    },
    /// States of a kind that no component of the book prices.
    UnpricedStates {
        /// The kind.
        kind: &'b str,
        /// Where its lists stand in the file.
        span: Range<usize>,
    },
    /// A version without components: all is free while it is in force.
    Empty {
        /// The date of the version.
        version: Date,
        /// Where its date stands in the file.
        span: Range<usize>,
    },
}

impl Doubt<'_> {
    /// Where it stands in the file, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        match self {
            Doubt::ModelWithinMonth { component, .. }
            | Doubt::FromNextMonth { component, .. }
            | Doubt::NeverMatches { component, .. } => component.span.clone(),
            Doubt::UnpricedStates { span, .. } | Doubt::Empty { span, .. } => span.clone(),
        }
    }
}

/// All that is doubtful in a book, in the order of its file.
#[must_use]
pub fn doubts(book: &PriceBook) -> Vec<Doubt<'_>> {
    let mut found: Vec<Doubt<'_>> =
        (1..book.versions().len()).flat_map(|number| within_month(book, number)).collect();
    let unmatched = |(at, component): (ComponentRef, _)| {
        let version = book.versions()[at.version].effective;
        never_matches(book, component).then_some(Doubt::NeverMatches { component, version })
    };
    found.extend(book.components().filter_map(unmatched));
    let priced: HashMap<&str, ()> =
        book.components().map(|(_, component)| (component.kind.as_str(), ())).collect();
    let unpriced = book.states.iter().filter(|(kind, _)| !priced.contains_key(kind.as_str()));
    found.extend(unpriced.map(|(kind, lists)| Doubt::UnpricedStates { kind, span: lists.span.clone() }));
    let empty = book.versions().iter().filter(|version| version.components.is_empty());
    found
        .extend(empty.map(|version| Doubt::Empty { version: version.effective, span: version.span.clone() }));
    found.sort_by_key(|doubt| doubt.span().start);
    found
}

/// What of a version's changes falls between the months that some models are priced by.
fn within_month(book: &PriceBook, number: usize) -> Vec<Doubt<'_>> {
    let versions = VersionOf::new(book, number - 1).zip(VersionOf::new(book, number));
    let Some((before, after)) = versions else { return Vec::new() };
    let effective = after.version().effective;
    let priced_by = |date: Date| {
        let month = book.calendar().month(date).ok()?;
        book.version_of_month(&month)
    };
    // The version of the month prices all of it for models that take one version a month.
    let this_month = priced_by(effective);
    if this_month == Some(number) {
        return Vec::new();
    }
    let next_month = effective.last_of_month().tomorrow().ok();
    let next_month = next_month.filter(|date| priced_by(*date) == Some(number));
    let doubt = |change| {
        let Change::Altered(Altered { before, after: component, .. }) = change else { return None };
        let [was_whole, is_whole] = [before, component].map(|one| one.model.takes_version_of_month());
        match (was_whole, is_whole) {
            (true, true) => {
                next_month.map(|holds_from| Doubt::FromNextMonth { component, effective, holds_from })
            }
            (true, false) => (this_month == Some(number - 1)).then_some(Doubt::ModelWithinMonth {
                component,
                effective,
                both: true,
            }),
            (false, true) => Some(Doubt::ModelWithinMonth { component, effective, both: false }),
            (false, false) => None,
        }
    };
    changes(before, after).into_iter().filter_map(doubt).collect()
}

/// Whether the component asks for classes only that no state of its kind has.
fn never_matches(book: &PriceBook, component: &Component) -> bool {
    let lists = book.states.get(&component.kind).unwrap_or(&book.default_states);
    let asked = component.when.iter().find(|condition| condition.subject == Subject::Class);
    let reached = |value: &Value| match value {
        Value::Text(class) if class == Class::Active.name() => !lists.active.is_empty(),
        Value::Text(class) if class == Class::Inactive.name() => !lists.inactive.is_empty(),
        _ => false,
    };
    asked.is_some_and(|condition| !condition.any_of.iter().any(reached))
}

#[cfg(test)]
mod tests;
