//! Reads the versions of a book.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;

use super::component;
use crate::calendar::Calendar;
use crate::price_book::Version;
use crate::price_book::fields::{Problems, SpannedTable, Table, quoted};

const FIELDS: &[&str] = &["effective", "announced", "vat", "component"];

/// The versions, in the order of their dates.
pub fn read(root: &Table<'_>, calendar: &Calendar, problems: &mut Problems) -> Option<Vec<Version>> {
    let tables = root.tables("version", "write [[version]], with two brackets", problems);
    if root.get("version").is_none() || tables.as_ref().is_some_and(Vec::is_empty) {
        let remedy = "add a [[version]] with its `effective` date and components";
        return problems.add(root.span_of("version"), "the price book has no version", remedy);
    }
    let mut versions: Vec<Version> = Vec::new();
    let mut latest: Option<Date> = None;
    for table in tables? {
        let Some(version) = read_version(table, calendar, problems) else { continue };
        match latest.filter(|latest| *latest >= version.effective) {
            Some(latest) => {
                let reason =
                    format!("version {} stands after version {latest}, which it overlaps", version.effective);
                let remedy =
                    "give each version a date of its own, and write them in the order of their dates";
                problems.add::<()>(version.span.clone(), reason, remedy);
            }
            None => latest = Some(version.effective),
        }
        versions.push(version);
    }
    (!versions.is_empty()).then_some(versions)
}

fn read_version(table: SpannedTable<'_>, calendar: &Calendar, problems: &mut Problems) -> Option<Version> {
    let mut table = Table::new("[[version]]", table);
    table.need("effective", problems);
    let effective = table.date("effective", problems);
    if let Some(date) = effective {
        table.name = format!("version {date}");
    }
    table.refuse_unknown(FIELDS, problems);
    let announced = table.date("announced", problems);
    let vat = super::read_vat(&table, problems);
    let mut components = Vec::new();
    let mut ids: HashSet<String> = HashSet::new();
    let remedy = "write [[version.component]], with two brackets";
    for entries in table.tables("component", remedy, problems).unwrap_or_default() {
        let place = entries.1.clone();
        let (id, component) = component::read(&table.name, entries, problems);
        if let Some(id) = id.filter(|id| !ids.insert((*id).to_owned())) {
            let reason = format!("{}: component id {} stands twice", table.name, quoted(id));
            problems.add::<()>(place, reason, "give each component of a version an id of its own");
        }
        components.extend(component.map(Arc::new));
    }
    let effective = effective?;
    let span = table.span_of("effective");
    match calendar.day_start(effective) {
        Ok(start) => Some(Version { effective, start, announced, vat, components, span }),
        Err(error) => {
            let reason = format!("{}: `effective` {error}", table.name);
            problems.add(span, reason, "write the date from which the prices hold")
        }
    }
}
