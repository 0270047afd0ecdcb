//! Finds the parts of a plan that may meter something, without looking at all of them.
//!
//! A book may have thousands of components of one kind that differ in one attribute, such as a meter's id. Each
//! part is filed under the values of its most telling condition: the one whose subject has most values within
//! the kind. Looking up costs one hash for each subject that parts of the kind are filed under, and those are few.

use std::collections::{HashMap, HashSet};

use crate::event::{Description, Value};
use crate::plan::Part;
use crate::price_book::{Condition, Subject};

/// The parts of all kinds.
#[derive(Debug, Default)]
pub struct PartIndex {
    kinds: HashMap<String, KindIndex>,
}

#[derive(Debug, Default)]
struct KindIndex {
    /// Parts without a condition on region or attributes.
    open: Vec<usize>,
    filed: Vec<File>,
}

/// Parts that are filed under the values of one subject.
#[derive(Debug)]
struct File {
    subject: Subject,
    by_value: HashMap<Value, Vec<usize>>,
}

impl PartIndex {
    /// Files the parts, which keep their numbers.
    #[must_use]
    pub fn new(parts: &[Part]) -> PartIndex {
        let mut by_kind: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, part) in parts.iter().enumerate() {
            by_kind.entry(&part.component.kind).or_default().push(number);
        }
        let file = |(kind, numbers): (&str, Vec<usize>)| (kind.to_owned(), KindIndex::new(parts, &numbers));
        PartIndex { kinds: by_kind.into_iter().map(file).collect() }
    }

    /// The parts that may meter such a resource or usage, whatever its class, in the order of their numbers: all
    /// those that do are among them.
    #[must_use]
    pub fn candidates(&self, data: &Description) -> Vec<usize> {
        let Some(kind) = self.kinds.get(data.kind.as_str()) else { return Vec::new() };
        let mut found = kind.open.clone();
        for file in &kind.filed {
            let parts = match &file.subject {
                Subject::Class => None,
                Subject::Region => data.region_value().and_then(|region| file.by_value.get(&region)),
                Subject::Attribute(name) => data.attribute(name).and_then(|value| file.by_value.get(value)),
            };
            found.extend(parts.into_iter().flatten());
        }
        found.sort_unstable();
        found
    }
}

impl KindIndex {
    fn new(parts: &[Part], numbers: &[usize]) -> KindIndex {
        let conditions = |number: &usize| {
            let when: &[Condition] = &parts[*number].component.when;
            when.iter().filter(|condition| condition.subject != Subject::Class)
        };
        let mut values: HashMap<&Subject, HashSet<&Value>> = HashMap::new();
        for condition in numbers.iter().flat_map(conditions) {
            values.entry(&condition.subject).or_default().extend(&condition.any_of);
        }
        let mut index = KindIndex::default();
        for number in numbers {
            match conditions(number).max_by_key(|condition| values[&condition.subject].len()) {
                Some(condition) => index.file(condition, *number),
                None => index.open.push(*number),
            }
        }
        index
    }

    fn file(&mut self, condition: &Condition, number: usize) {
        let at = self.filed.iter().position(|file| file.subject == condition.subject).unwrap_or_else(|| {
            self.filed.push(File { subject: condition.subject.clone(), by_value: HashMap::new() });
            self.filed.len() - 1
        });
        for value in &condition.any_of {
            let parts = self.filed[at].by_value.entry(value.clone()).or_default();
            // A value that a list names twice files its part once.
            if parts.last() != Some(&number) {
                parts.push(number);
            }
        }
    }
}
