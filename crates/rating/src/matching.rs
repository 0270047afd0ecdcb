//! Which parts of a plan meter a resource or a usage, and with what quantity and group.

use std::ops::Range;

use std::collections::HashMap;

use crate::calendar::Second;
use crate::event::{Description, Value};
use crate::intake::Descriptions;
use crate::money::{Overflow, Quantity};
use crate::number::Number;
use crate::plan::Plan;
use crate::price_book::{Class, Component, Model, Subject};

/// The quantity that a component charges by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Rounded up, where the component says so.
    pub quantity: Quantity,
    /// The number of the first attribute of the component's `quantity` that is missing or not a number, and counts as 0.
    pub lacks: Option<usize>,
}

/// Measures a resource or a usage for a component.
///
/// # Errors
/// [`Overflow`], which no accepted event and book can cause.
pub fn measure(component: &Component, data: &Description) -> Result<Measured, Overflow> {
    let mut lacks = None;
    let mut factors = [Number::ZERO; 2];
    for (number, (factor, name)) in factors.iter_mut().zip(&component.quantity).enumerate() {
        match data.attribute(name) {
            Some(Value::Number(value)) => *factor = *value,
            _ => lacks = lacks.or(Some(number)),
        }
    }
    let product = Quantity::product(&factors[..component.quantity.len().min(2)])?;
    let quantity = match component.round_up {
        Some(round_up) => product.round_up(round_up.step, round_up.min)?,
        None => product,
    };
    Ok(Measured { quantity, lacks })
}

/// The text of a group: a number without trailing zeros; `None` where the resource lacks the attribute.
#[must_use]
pub fn group(subject: &Subject, data: &Description, class: Option<Class>) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Nested => None,
    };
    match subject {
        Subject::Class => class.map(|class| class.name().to_owned()),
        Subject::Region => data.region_value().as_ref().and_then(text),
        Subject::Attribute(name) => data.attribute(name).and_then(text),
    }
}

/// The number of a text in [`Groups`].
pub type Group = u32;

/// A part that meters a resource of one description and class.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// The number of the part.
    pub part: usize,
    /// The quantity that it meters.
    pub quantity: Quantity,
    /// The number of the attribute that counts as 0, if any: see [`Measured::lacks`].
    pub lacks: Option<usize>,
    /// Where the component has `group_by`: the group.
    pub group: Option<Option<Group>>,
}

/// The matches of each description and class, found once and kept.
#[derive(Debug, Default)]
pub struct Matches {
    /// Start and end in `list`, for each description and each of the three classes.
    found: Vec<Option<(usize, usize)>>,
    list: Vec<Match>,
    groups: Groups,
}

impl Matches {
    /// The parts that meter a resource of that description and class.
    ///
    /// # Errors
    /// [`Overflow`], which no accepted event and book can cause.
    pub fn of(
        &mut self,
        plan: &Plan,
        descriptions: &Descriptions,
        (description, class): (u32, Option<Class>),
    ) -> Result<&[Match], Overflow> {
        let class_number = match class {
            None => 0,
            Some(Class::Active) => 1,
            Some(Class::Inactive) => 2,
        };
        let at = description as usize * 3 + class_number;
        if self.found.len() <= at {
            self.found.resize(descriptions.len() * 3, None);
        }
        if let Some((start, end)) = self.found[at] {
            return Ok(&self.list[start..end]);
        }
        let data = descriptions.get(description);
        let start = self.list.len();
        for part in plan.matching(data, class, true) {
            let component = &plan.parts()[part].component;
            let Measured { quantity, lacks } = measure(component, data)?;
            let group = match &component.model {
                Model::MonthlyPeak { group_by: Some(subject), .. } => {
                    let text = group(subject, data, class);
                    Some(text.map(|text| self.groups.number(&text)))
                }
                _ => None,
            };
            self.list.push(Match { part, quantity, lacks, group });
        }
        self.found[at] = Some((start, self.list.len()));
        Ok(&self.list[start..])
    }

    /// The texts of the groups, by their numbers.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        self.groups.texts()
    }

    /// Forgets what was found, because the plan is another; groups keep their numbers.
    pub fn forget(&mut self) {
        self.found.clear();
        self.list.clear();
    }
}

/// Of the matches of a description those whose parts can price any of these seconds: parts are in the order of
/// versions, so the others are not looked at one by one.
pub fn within<'m>(
    matches: &'m [Match],
    plan: &'m Plan,
    seconds: &Range<Second>,
) -> impl Iterator<Item = &'m Match> {
    let (parts, end) = (plan.parts(), seconds.end);
    let first = matches.partition_point(|found| parts[found.part].until <= seconds.start);
    matches[first..].iter().take_while(move |found| parts[found.part].in_force.start < end)
}

/// The texts of groups, each once.
#[derive(Debug, Default)]
pub struct Groups {
    numbers: HashMap<String, Group>,
    texts: Vec<String>,
}

impl Groups {
    /// The number of a text, new or known.
    pub fn number(&mut self, text: &str) -> Group {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        // There are no more groups than descriptions and classes, and those were counted before.
        let number = Group::try_from(self.texts.len()).unwrap_or(Group::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    /// The texts, by their numbers.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The texts, by their numbers.
    #[must_use]
    pub fn into_texts(self) -> Vec<String> {
        self.texts
    }
}
