//! Reads the lists of states under `[states.KIND]`.

use std::collections::{BTreeMap, HashMap};

use toml::de::DeValue;

use crate::price_book::fields::{Problems, SpannedText, Table, shortened};
use crate::price_book::{DELETED, StateLists};

const CLASSES: &[&str] = &["active", "inactive", "inherit"];

/// The lists of each kind that the book names.
pub fn read(root: &Table<'_>, problems: &mut Problems) -> BTreeMap<String, StateLists> {
    let mut states = BTreeMap::new();
    let remedy = "write lists of states under [states.KIND], such as [states.vm]";
    let Some(kinds) = root.table("states", remedy, problems) else { return states };
    for ((kind, span), value) in kinds.entries() {
        let name = format!("[states.{}]", shortened(kind));
        if kind.is_empty() {
            let reason = "[states.\"\"] names no kind";
            problems.add::<()>(span, reason, "name the kind of the resources, such as [states.vm]");
        }
        let DeValue::Table(entries) = value.get_ref() else {
            problems.add::<()>(
                value.span(),
                format!("{name} is not a table"),
                "write lists of states under it",
            );
            continue;
        };
        let table = Table::new(name, (entries, value.span()));
        table.refuse_unknown(CLASSES, problems);
        states.insert(kind.to_owned(), read_lists(&table, problems));
    }
    states
}

fn read_lists(table: &Table<'_>, problems: &mut Problems) -> StateLists {
    let mut named: HashMap<&str, &str> = HashMap::new();
    let mut given: Vec<(&'static str, Vec<SpannedText<'_>>)> = Vec::new();
    for class in CLASSES {
        let Some(list) = table.texts(class, "[\"RUNNING\"]", problems) else { continue };
        for (state, span) in &list {
            let before = named.insert(state, class);
            if *state == DELETED {
                let reason = format!("{}: {DELETED} ends a resource's life and has no class", table.name);
                problems.add::<()>(span.clone(), reason, "remove it from the list");
            } else if before == Some(class) {
                let reason = format!("{}: state {} stands twice in `{class}`", table.name, shortened(state));
                problems.add::<()>(span.clone(), reason, "name each state once");
            } else if let Some(before) = before {
                let reason = format!(
                    "{}: state {} is named in `{before}` and in `{class}`",
                    table.name,
                    shortened(state)
                );
                problems.add::<()>(span.clone(), reason, "name each state once");
            }
        }
        given.push((class, list));
    }
    let names = given.iter().map(|(class, _)| *class).collect();
    let mut lists = StateLists { given: names, span: table.span.clone(), ..StateLists::default() };
    for (class, default) in
        [("active", &mut lists.active), ("inactive", &mut lists.inactive), ("inherit", &mut lists.inherit)]
    {
        match given.iter().find(|(other, _)| *other == class) {
            Some((_, states)) => *default = states.iter().map(|(state, _)| (*state).to_owned()).collect(),
            None => default.retain(|state| !named.contains_key(state.as_str())),
        }
    }
    lists
}
