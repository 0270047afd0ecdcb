//! What a state means for the life and class of its resource, from the text of the price book.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use kopeck_rating::price_book::{Class, StateMeaning};

/// The lists that hold for every kind, unless a book gives others.
const DEFAULTS: [(&str, &[&str]); 3] = [
    ("active", &["RUNNING", "STOPPING", "REBOOTING"]),
    ("inactive", &["STOPPED"]),
    ("inherit", &["STARTING", "TERMINATING"]),
];

/// The lists that a book gives, by kind and by name.
#[derive(Debug, Clone, Default)]
pub struct States {
    given: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl States {
    /// Reads the lists of a book that is valid; `None` where the text is not TOML.
    #[must_use]
    pub fn read(text: &str) -> Option<States> {
        let root = DeTable::parse(text).ok()?;
        let mut states = States::default();
        let Some(kinds) = root.get_ref().get("states").and_then(|value| value.get_ref().as_table()) else {
            return Some(states);
        };
        for (kind, lists) in kinds {
            let lists = lists.get_ref().as_table()?;
            let lists =
                lists.iter().map(|(name, list)| Some((name.get_ref().to_string(), texts(list.get_ref())?)));
            states.given.insert(kind.get_ref().to_string(), lists.collect::<Option<_>>()?);
        }
        Some(states)
    }

    /// What a state means for a resource of that kind.
    #[must_use]
    pub fn meaning(&self, kind: &str, state: &str) -> StateMeaning {
        match (state, self.list_of(kind, state)) {
            ("DELETED", _) => StateMeaning::Deleted,
            (_, Some("active")) => StateMeaning::Class(Some(Class::Active)),
            (_, Some("inactive")) => StateMeaning::Class(Some(Class::Inactive)),
            (_, Some("inherit")) => StateMeaning::Inherit,
            _ => StateMeaning::Class(None),
        }
    }

    /// The list that holds the state: one that the book gives, else a default that the book does not replace.
    fn list_of(&self, kind: &str, state: &str) -> Option<&str> {
        let none = BTreeMap::new();
        let given = self.given.get(kind).unwrap_or(&none);
        let named = DEFAULTS
            .iter()
            .find(|(name, _)| given.get(*name).is_some_and(|list| list.iter().any(|other| other == state)));
        let default =
            DEFAULTS.iter().find(|(name, list)| !given.contains_key(*name) && list.contains(&state));
        named.or(default).map(|(name, _)| *name)
    }
}

fn texts(list: &DeValue<'_>) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|item| item.get_ref().as_str().map(ToOwned::to_owned)).collect()
}
