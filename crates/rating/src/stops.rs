//! What a stop makes of a resource (guard.md, points 2 and 4): so that the cost after a stop is known before it is sent.

use std::collections::BTreeMap;

use crate::price_book::{Class, StateMeaning};

/// What a resource is once it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterStop {
    /// What it was: a stop does nothing to it.
    Same,
    /// Alive, in this class.
    Class(Option<Class>),
    /// Not there any more.
    Gone,
}

/// What a stop makes of resources. Unless something else is said of a kind, what is active becomes inactive and all else
/// stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    kinds: BTreeMap<String, Option<StateMeaning>>,
}

impl Stops {
    /// Says what a stop makes of the active resources of a kind: the meaning of the state that its cloud reports then.
    /// Without one, the cloud has no stop for that kind.
    pub fn set(&mut self, kind: &str, state: Option<StateMeaning>) {
        self.kinds.insert(kind.to_owned(), state);
    }

    /// What a resource of that kind and class is once it was stopped.
    #[must_use]
    pub fn after(&self, kind: &str, class: Option<Class>) -> AfterStop {
        if class != Some(Class::Active) {
            return AfterStop::Same;
        }
        match self.kinds.get(kind) {
            None => AfterStop::Class(Some(Class::Inactive)),
            Some(None | Some(StateMeaning::Inherit)) => AfterStop::Same,
            Some(Some(StateMeaning::Deleted)) => AfterStop::Gone,
            Some(Some(StateMeaning::Class(after))) if *after == class => AfterStop::Same,
            Some(Some(StateMeaning::Class(after))) => AfterStop::Class(*after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_active_becomes_inactive_and_all_else_stays_as_it_is() {
        let stops = Stops::default();
        assert_eq!(stops.after("vm", Some(Class::Active)), AfterStop::Class(Some(Class::Inactive)));
        assert_eq!(stops.after("vm", Some(Class::Inactive)), AfterStop::Same);
        assert_eq!(stops.after("volume", None), AfterStop::Same);
    }

    #[test]
    fn a_kind_may_end_by_a_stop_or_have_none() {
        let mut stops = Stops::default();
        stops.set("job", Some(StateMeaning::Deleted));
        stops.set("gateway", None);
        stops.set("db", Some(StateMeaning::Class(None)));
        let after = |kind| stops.after(kind, Some(Class::Active));
        assert_eq!(after("job"), AfterStop::Gone);
        assert_eq!(after("gateway"), AfterStop::Same);
        assert_eq!(after("db"), AfterStop::Class(None));
    }
}
