//! Reads the fields of a TOML table, and says of each that is wrong where it stands, why, and what to write.

use std::ops::Range;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::number::Number;

/// Something wrong with a price book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the file that it stands in.
    pub span: Range<usize>,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one, and answers `None` for the value that could not be read.
    pub fn add<T>(
        &mut self,
        span: Range<usize>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        self.0.push(Problem { span, reason: reason.into(), remedy: remedy.into() });
        None
    }
}

/// A table of known fields.
pub struct Table<'a> {
    /// What the table is, as messages name it.
    pub name: String,
    /// Where it stands.
    pub span: Range<usize>,
    entries: &'a DeTable<'a>,
}

/// A text and where it stands.
pub type SpannedText<'a> = (&'a str, Range<usize>);

impl<'a> Table<'a> {
    /// The table, after a complaint about each field that is not `known`.
    pub fn new(
        name: impl Into<String>,
        span: Range<usize>,
        entries: &'a DeTable<'a>,
        known: &[&str],
        problems: &mut Problems,
    ) -> Table<'a> {
        let name = name.into();
        for (key, _) in entries {
            let field: &str = key.get_ref();
            if !known.contains(&field) {
                let remedy = format!("remove it; the fields are {}", known.join(", "));
                problems.add::<()>(key.span(), format!("{name} has an unknown field `{field}`"), remedy);
            }
        }
        Table { name, span, entries }
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries.get(field)
    }

    /// A text, complained about where it is missing.
    pub fn need_text(&self, field: &str, problems: &mut Problems) -> Option<SpannedText<'a>> {
        self.need(field, problems)?;
        self.text(field, problems)
    }

    /// Complains where a field is missing.
    pub fn need(&self, field: &str, problems: &mut Problems) -> Option<()> {
        if self.get(field).is_some() {
            return Some(());
        }
        let reason = format!("{} has no `{field}`", self.name);
        problems.add(self.span.clone(), reason, format!("add `{field}`"))
    }

    /// A text of at least one character, if the field stands there.
    pub fn text(&self, field: &str, problems: &mut Problems) -> Option<SpannedText<'a>> {
        let value = self.get(field)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some((text.as_ref(), value.span())),
            DeValue::String(_) => problems.add(
                value.span(),
                format!("{}: `{field}` is empty", self.name),
                "write at least one character",
            ),
            _ => self.wrong_type(field, value, "a text in quotes", problems),
        }
    }

    /// A decimal written as text, if the field stands there: below 10^`digits`, at most 9 places, not negative.
    pub fn decimal(&self, field: &str, digits: usize, problems: &mut Problems) -> Option<Number> {
        let (text, span) = self.text(field, problems)?;
        let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole).trim_start_matches('0');
        let number = Number::from_text(text, false).filter(|_| places <= 9 && whole.len() <= digits);
        if number.is_none() {
            let reason = format!("{}: `{field}` is \"{}\"", self.name, shortened(text));
            let limit =
                format!("write a decimal below 10^{digits} with at most 9 places, such as \"365.25\"");
            return problems.add(span, reason, limit);
        }
        number
    }

    /// A local date, if the field stands there.
    pub fn date(&self, field: &str, problems: &mut Problems) -> Option<Date> {
        let value = self.get(field)?;
        let expected = "a date without quotes, such as 2026-10-01";
        let DeValue::Datetime(moment) = value.get_ref() else {
            return self.wrong_type(field, value, expected, problems);
        };
        let date = match (moment.date, moment.time) {
            (Some(date), None) => Some(date),
            _ => self.wrong_type(field, value, expected, problems),
        }?;
        let date = i16::try_from(date.year)
            .ok()
            .zip(i8::try_from(date.month).ok().zip(i8::try_from(date.day).ok()))
            .and_then(|(year, (month, day))| Date::new(year, month, day).ok());
        date.or_else(|| problems.add(value.span(), format!("{}: `{field}` is no date", self.name), expected))
    }

    /// A truth value, if the field stands there.
    pub fn truth(&self, field: &str, problems: &mut Problems) -> Option<bool> {
        let value = self.get(field)?;
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => self.wrong_type(field, value, "true or false", problems),
        }
    }

    /// A list of texts, if the field stands there.
    pub fn texts(&self, field: &str, problems: &mut Problems) -> Option<Vec<SpannedText<'a>>> {
        let value = self.get(field)?;
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(field, value, "a list of texts", problems);
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) if !text.is_empty() => texts.push((text.as_ref(), item.span())),
                _ => return self.wrong_type(field, item, "a list of texts", problems),
            }
        }
        Some(texts)
    }

    /// A table of known fields, if the field stands there.
    pub fn table(&self, field: &str, known: &[&str], problems: &mut Problems) -> Option<Table<'a>> {
        let (entries, span) = self.any_table(field, problems)?;
        Some(Table::new(format!("{}: `{field}`", self.name), span, entries, known, problems))
    }

    /// A table of any fields, if the field stands there.
    pub fn any_table(&self, field: &str, problems: &mut Problems) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        let value = self.get(field)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some((entries, value.span())),
            _ => self.wrong_type(field, value, "a table", problems),
        }
    }

    /// A list of tables, if the field stands there.
    pub fn tables(
        &self,
        field: &str,
        problems: &mut Problems,
    ) -> Option<Vec<(&'a DeTable<'a>, Range<usize>)>> {
        let value = self.get(field)?;
        let expected = "a list of tables";
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(field, value, expected, problems);
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push((entries, item.span())),
                _ => return self.wrong_type(field, item, expected, problems),
            }
        }
        Some(tables)
    }

    /// Complains about a value of another type.
    pub fn wrong_type<T>(
        &self,
        field: &str,
        found: &Spanned<DeValue<'_>>,
        expected: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        let reason = format!("{}: `{field}` is {}", self.name, type_name(found.get_ref()));
        problems.add(found.span(), reason, format!("write {expected}"))
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number without quotes",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A text short enough for a message.
pub fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        text.chars().take(40).chain("…".chars()).collect()
    }
}
