//! Plans: resources and usage that do not exist yet, read from TOML.
//!
//! Read like a price book: all problems at once, each with its place, its reason and what to do.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::event::{self, Description, Value};
use crate::number::Number;
use crate::price_book::Class;
use crate::price_book::fields::{Problem, Problems, SpannedTable, Table, parse, shortened};

/// A plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Resources that live together.
    pub resources: Vec<Resource>,
    /// Usage that recurs.
    pub usages: Vec<Usage>,
}

/// Equal resources.
#[derive(Debug, Clone)]
pub struct Resource {
    /// How many; at least one.
    pub count: i64,
    /// The class of their state.
    pub class: Class,
    /// What they are.
    pub description: Description,
    /// Where they stand in the file, in bytes.
    pub span: Range<usize>,
}

/// A use that recurs.
#[derive(Debug, Clone)]
pub struct Usage {
    /// How often; at least once.
    pub times: i64,
    /// In what time.
    pub per: UsePer,
    /// What one use is.
    pub description: Description,
    /// Where it stands in the file, in bytes.
    pub span: Range<usize>,
}

/// The time in which a use recurs so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsePer {
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

/// Resources and uses are at most so many, so that no sum of an accepted plan overflows.
const MOST: i64 = 1_000_000_000;
const RESOURCE_FIELDS: &[&str] = &["kind", "count", "state", "region", "attributes"];
const USAGE_FIELDS: &[&str] = &["kind", "times", "per", "region", "attributes"];

impl Plan {
    /// Reads a plan from TOML text.
    ///
    /// # Errors
    /// Every [`Problem`] that the text has, in the order of the file.
    pub fn read(text: &str) -> Result<Plan, Vec<Problem>> {
        let root = parse(text)?;
        let mut problems = Problems::default();
        let root = Table::new("the plan", (root.get_ref(), 0..0));
        root.refuse_unknown(&["resource", "usage"], &mut problems);
        let remedy = "write [[resource]], with two brackets";
        let resources = root.tables("resource", remedy, &mut problems).unwrap_or_default();
        let remedy = "write [[usage]], with two brackets";
        let usages = root.tables("usage", remedy, &mut problems).unwrap_or_default();
        if resources.is_empty() && usages.is_empty() && problems.0.is_empty() {
            let remedy = "add a [[resource]] with its `kind` and attributes, or a [[usage]]";
            problems.add::<()>(0..0, "the plan has no resource and no usage", remedy);
        }
        let read = |(number, table)| read_resource(number, table, &mut problems);
        let resources: Vec<Resource> = (1_usize..).zip(resources).filter_map(read).collect();
        let read = |(number, table)| read_usage(number, table, &mut problems);
        let usages = (1_usize..).zip(usages).filter_map(read).collect();
        if problems.0.is_empty() { Ok(Plan { resources, usages }) } else { Err(problems.sorted()) }
    }
}

fn read_resource(number: usize, table: SpannedTable<'_>, problems: &mut Problems) -> Option<Resource> {
    let (table, kind) = named("resource", number, table, problems);
    table.refuse_unknown(RESOURCE_FIELDS, problems);
    let count = whole_number(&table, "count", Some(1), problems);
    let classes = [("active", Class::Active), ("inactive", Class::Inactive)];
    let class = match table.get("state") {
        Some(_) => table.choice("state", &classes, problems),
        None => Some(Class::Active),
    };
    let description = describe(&table, kind, problems);
    Some(Resource { count: count?, class: class?, description: description?, span: table.span })
}

fn read_usage(number: usize, table: SpannedTable<'_>, problems: &mut Problems) -> Option<Usage> {
    let (table, kind) = named("usage", number, table, problems);
    table.refuse_unknown(USAGE_FIELDS, problems);
    let times = whole_number(&table, "times", None, problems);
    table.need("per", problems);
    let per = table.choice("per", &[("day", UsePer::Day), ("month", UsePer::Month)], problems);
    let description = describe(&table, kind, problems);
    Some(Usage { times: times?, per: per?, description: description?, span: table.span })
}

/// The table under the name that messages give it, and its kind.
fn named<'a>(
    what: &str,
    number: usize,
    table: SpannedTable<'a>,
    problems: &mut Problems,
) -> (Table<'a>, Option<&'a str>) {
    let mut table = Table::new(format!("{what} {number}"), table);
    let remedy = "write the kind of the events that it would have, such as \"vm\"";
    let kind = table.need_text("kind", remedy, problems).map(|(kind, _)| kind);
    if let Some(kind) = kind {
        table.name = format!("{what} {number} ({})", shortened(kind));
    }
    (table, kind)
}

/// A whole number from 1 on.
fn whole_number(
    table: &Table<'_>,
    field: &str,
    default: Option<i64>,
    problems: &mut Problems,
) -> Option<i64> {
    let remedy = format!("write a whole number from 1 to {MOST}, without quotes");
    let Some(value) = table.get(field) else {
        if default.is_none() {
            table.need(field, problems);
        }
        return default;
    };
    let DeValue::Integer(number) = value.get_ref() else {
        let reason = format!("{}: `{field}` is no whole number", table.name);
        return problems.add(value.span(), reason, remedy);
    };
    let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
    read.filter(|number| (1..=MOST).contains(number)).or_else(|| {
        let reason = format!("{}: `{field}` is {}", table.name, shortened(number.as_str()));
        problems.add(value.span(), reason, remedy)
    })
}

/// What an event of such a resource or use would say.
fn describe(table: &Table<'_>, kind: Option<&str>, problems: &mut Problems) -> Option<Description> {
    let region = table.text("region", "name the region, or leave it out", problems);
    let remedy = "write it like { vcpu = 4, ram_gb = 16 }";
    let attributes = table.table("attributes", remedy, problems);
    let signed = kind.is_some_and(event::is_signed);
    let mut values = Vec::new();
    for ((name, _), value) in attributes.iter().flat_map(Table::entries) {
        let value = attribute(table, name, value, signed, problems);
        values.extend(value.map(|value| (name.to_owned(), value)));
    }
    Some(Description::planned(kind?, region.map(|(region, _)| region), values))
}

/// The value of an attribute, as an event would say it.
fn attribute(
    table: &Table<'_>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    signed: bool,
    problems: &mut Problems,
) -> Option<Value> {
    let what = format!("`attributes.{}`", shortened(name));
    let number = match value.get_ref() {
        DeValue::String(text) => return Some(Value::of_text(text, signed)),
        DeValue::Boolean(truth) => return Some(Value::Text(truth.to_string())),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        DeValue::Integer(_) => {
            let reason = format!("{}: {what} is not decimal", table.name);
            return problems.add(value.span(), reason, "write it as a decimal");
        }
        _ => return table.wrong_type(&what, value, "write a number, a text, true or false", problems),
    };
    match Number::from_json(number.strip_prefix('+').unwrap_or(number)) {
        Ok(number) if number.is_negative() && !signed => {
            let reason = format!("{}: {what} is negative", table.name);
            problems.add(value.span(), reason, "write a number from 0 on; only kind `cost` may be negative")
        }
        Ok(number) => Some(Value::Number(number)),
        Err(error) => {
            let reason = format!("{}: {what} {error}", table.name);
            problems.add(value.span(), reason, "write a decimal below 10^12, or a text in quotes")
        }
    }
}
