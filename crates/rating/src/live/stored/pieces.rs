//! The pieces of the stored form that know nothing of the rater around them.

use super::super::noticed::{Counted, EventName, Lacks};
use super::Unpacked;
use crate::content;
use crate::event::{Description, Value};
use crate::matching::Group;
use crate::notice::Lacking;
use crate::number::Number;
use crate::packed::UnpackError;
use crate::packed::codec::{Reader, bytes, instant, number, optional, size};
use crate::plan::Plan;
use crate::price_book::{Component, Model, Prorate, Subject};

/// Writes a hash of all in the book that decides what the first so many parts meter: not its prices, which are applied
/// when a charge is asked for.
pub(super) fn write_book(to: &mut Vec<u8>, plan: &Plan, parts: usize) {
    let (book, mut all) = (plan.book(), String::new());
    let mut tell = |text: &str| {
        all.push_str(text);
        all.push('\0');
    };
    [book.id(), book.currency(), book.zone_name()].into_iter().for_each(&mut tell);
    for (kind, lists) in &book.states {
        tell(kind);
        for list in [&lists.active, &lists.inactive, &lists.inherit] {
            list.iter().for_each(|state| tell(state));
            tell("");
        }
    }
    for part in &plan.parts()[..parts] {
        tell(&part.version.to_string());
        meters_by(&part.component, &mut tell);
    }
    to.extend_from_slice(&content::of_name(&all).to_le_bytes());
}

/// What a component meters, and by what.
fn meters_by(component: &Component, tell: &mut impl FnMut(&str)) {
    tell(&component.id);
    tell(&component.kind);
    for condition in &component.when {
        tell(&subject(&condition.subject));
        for value in &condition.any_of {
            match value {
                Value::Number(number) => tell(&number.to_string()),
                Value::Text(text) => tell(text),
                Value::Nested => tell("{}"),
            }
        }
        tell("");
    }
    component.quantity.iter().for_each(|attribute| tell(attribute));
    tell("");
    if let Some(round_up) = component.round_up {
        tell(&round_up.step.to_string());
        tell(&round_up.min.to_string());
    }
    tell(component.model.name());
    match &component.model {
        Model::Monthly { prorate, .. } => tell(match prorate {
            Prorate::Day => "day",
            Prorate::Second => "second",
            Prorate::None => "none",
        }),
        Model::MonthlyPeak { group_by: Some(by), .. } => tell(&subject(by)),
        Model::Tiered(_) => tell("tiers"),
        _ => {}
    }
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Class => "state".to_owned(),
        Subject::Region => "region".to_owned(),
        // No attribute is meant by these names in a book.
        Subject::Attribute(name) => format!("attribute {name}"),
    }
}

const NUMBER: u8 = 0;
const NEGATIVE_NUMBER: u8 = 1;
const TEXT: u8 = 2;
const NESTED: u8 = 3;

pub(super) fn write_description(to: &mut Vec<u8>, description: &Description) {
    bytes(to, description.kind.as_bytes());
    optional(to, description.state.as_deref().map(str::as_bytes));
    optional(to, description.region.as_deref().map(str::as_bytes));
    to.extend_from_slice(&description.content().to_le_bytes());
    size(to, description.attributes().count());
    for (name, value) in description.attributes() {
        bytes(to, name.as_bytes());
        match value {
            Value::Number(value) => {
                to.push(if value.is_negative() { NEGATIVE_NUMBER } else { NUMBER });
                to.extend_from_slice(&value.units().unsigned_abs().to_le_bytes()[..NUMBER_BYTES]);
            }
            Value::Text(text) => {
                to.push(TEXT);
                bytes(to, text.as_bytes());
            }
            Value::Nested => to.push(NESTED),
        }
    }
}

/// 10¹² in units of 10⁻⁹ takes 70 bits.
const NUMBER_BYTES: usize = 9;

pub(super) fn read_description(from: &mut Reader<'_>) -> Unpacked<Description> {
    let kind = from.text()?;
    let (state, region) = (from.optional_text()?, from.optional_text()?);
    let content = u64::from_le_bytes(from.array()?);
    let mut attributes = Vec::new();
    for _ in 0..from.count()? {
        let name = from.text()?.to_owned();
        let value = match from.byte()? {
            TEXT => Value::Text(from.text()?.to_owned()),
            NESTED => Value::Nested,
            sign @ (NUMBER | NEGATIVE_NUMBER) => Value::Number(read_number(from, sign == NEGATIVE_NUMBER)?),
            _ => return Err(UnpackError::Impossible("attribute")),
        };
        attributes.push((name, value));
    }
    let description = Description::of_parts([Some(kind), region], state, attributes, content);
    description.ok_or(UnpackError::Impossible("description"))
}

fn read_number(from: &mut Reader<'_>, is_negative: bool) -> Unpacked<Number> {
    let mut units = [0; 16];
    units[..NUMBER_BYTES].copy_from_slice(&from.array::<NUMBER_BYTES>()?);
    let units = i128::from_le_bytes(units);
    let units = if is_negative { -units } else { units };
    Number::of_units(units).ok_or(UnpackError::Impossible("number"))
}

/// 0 for none, 1 for a resource that lacks the attribute, or two more than the number of the text.
pub(super) fn write_group(to: &mut Vec<u8>, group: Option<Option<Group>>) {
    number(to, group.map_or(0, |group| group.map_or(1, |group| u64::from(group) + 2)));
}

pub(super) fn read_group(from: &mut Reader<'_>, groups: &[Group]) -> Unpacked<Option<Option<Group>>> {
    let number = from.below(groups.len().saturating_add(2), "group")?;
    Ok(match number {
        0 => None,
        1 => Some(None),
        text => Some(Some(groups[text - 2])),
    })
}

pub(super) fn write_counted(to: &mut Vec<u8>, lacks: &Lacks, counted: &Counted) {
    match lacks {
        Lacks::Attribute(what) => {
            bytes(to, what.component.as_bytes());
            optional(to, Some(what.attribute.as_bytes()));
        }
        Lacks::Component(kind) => {
            bytes(to, kind.as_bytes());
            optional(to, None);
        }
    }
    let Counted { before, second, within, first } = counted;
    number(to, *before);
    instant(to, *second);
    number(to, *within);
    instant(to, first.time);
    bytes(to, first.source.as_bytes());
    bytes(to, first.id.as_bytes());
}

pub(super) fn read_counted(from: &mut Reader<'_>) -> Unpacked<(Lacks, Counted)> {
    let what = from.text()?.to_owned();
    let lacks = match from.optional_text()?.map(str::to_owned) {
        Some(attribute) => Lacks::Attribute(Lacking { component: what, attribute }),
        None => Lacks::Component(what),
    };
    let (before, second, within) = (from.number()?, from.instant()?, from.number()?);
    let time = from.instant()?;
    let first = EventName { time, source: from.text()?.to_owned(), id: from.text()?.to_owned() };
    Ok((lacks, Counted { before, second, within, first }))
}
