//! Reads the fields of a TOML table, and says of each that is wrong where it stands, why, and what to write.

use std::ops::Range;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::calendar::{FIRST_YEAR, LAST_YEAR};
use crate::number::Number;

/// Something wrong with a file that a person wrote.
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

    /// All of them, in the order of the file.
    pub fn sorted(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.span.start);
        self.0
    }
}

/// Reads a TOML text, or tells every place where its syntax breaks.
pub fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(root);
    }
    let mut problems = Problems::default();
    for error in errors {
        let reason = format!("not TOML: {}", error.message().trim_end());
        problems.add::<()>(error.span().unwrap_or(0..0), reason, "correct the syntax there");
    }
    Err(problems.sorted())
}

/// What a decimal may be.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// It lies below 10 to this power.
    pub digits: usize,
    /// What to write instead of one that is none.
    pub remedy: &'static str,
}

/// A table of named fields.
pub struct Table<'a> {
    /// What the table is, as messages name it.
    pub name: String,
    /// Where it stands.
    pub span: Range<usize>,
    entries: &'a DeTable<'a>,
}

/// A text and where it stands.
pub type SpannedText<'a> = (&'a str, Range<usize>);
/// The fields of a table and where it stands.
pub type SpannedTable<'a> = (&'a DeTable<'a>, Range<usize>);

impl<'a> Table<'a> {
    /// The table.
    pub fn new(name: impl Into<String>, (entries, span): SpannedTable<'a>) -> Table<'a> {
        Table { name: name.into(), span, entries }
    }

    /// Complains about each field that is not `known`.
    pub fn refuse_unknown(&self, known: &[&str], problems: &mut Problems) {
        for (key, _) in self.entries {
            let field: &str = key.get_ref();
            if !known.contains(&field) {
                let reason = format!("{} has an unknown field `{}`", self.name, shortened(field));
                problems.add::<()>(
                    key.span(),
                    reason,
                    format!("remove it; the fields are {}", known.join(", ")),
                );
            }
        }
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries.get(field)
    }

    /// Where a field stands, or the table where it has none.
    pub fn span_of(&self, field: &str) -> Range<usize> {
        self.get(field).map_or(self.span.clone(), Spanned::span)
    }

    /// Complains where a field is missing.
    pub fn need(&self, field: &str, problems: &mut Problems) -> Option<()> {
        if self.get(field).is_some() {
            return Some(());
        }
        let reason = format!("{} has no `{field}`", self.name);
        problems.add(self.span.clone(), reason, format!("add `{field}`"))
    }

    /// A text, complained about where it is missing.
    pub fn need_text(&self, field: &str, remedy: &str, problems: &mut Problems) -> Option<SpannedText<'a>> {
        self.need(field, problems)?;
        self.text(field, remedy, problems)
    }

    /// A text of at least one character, if the field stands there.
    pub fn text(&self, field: &str, remedy: &str, problems: &mut Problems) -> Option<SpannedText<'a>> {
        let value = self.get(field)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some((text.as_ref(), value.span())),
            DeValue::String(_) => {
                problems.add(value.span(), format!("{}: `{field}` is empty", self.name), remedy)
            }
            _ => self.wrong_type(&format!("`{field}`"), value, remedy, problems),
        }
    }

    /// A decimal written as text, if the field stands there: below its limit, at most 9 places, not negative.
    pub fn decimal(&self, field: &str, limit: Limit, problems: &mut Problems) -> Option<Number> {
        let value = self.get(field)?;
        let unquoted = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            DeValue::Float(number) => Some(number.as_str()),
            _ => None,
        };
        if let Some(digits) = unquoted.filter(|digits| decimal(digits, limit).is_some()) {
            let remedy = format!("write it in quotes, such as \"{}\"", shortened(digits));
            return self.wrong_type(&format!("`{field}`"), value, &remedy, problems);
        }
        let (text, span) = self.text(field, limit.remedy, problems)?;
        let number = decimal(text, limit);
        if number.is_none() {
            let reason = format!("{}: `{field}` is {}", self.name, quoted(text));
            return problems.add(span, reason, limit.remedy);
        }
        number
    }

    /// A local date of the years that rating accepts, if the field stands there.
    pub fn date(&self, field: &str, problems: &mut Problems) -> Option<Date> {
        let value = self.get(field)?;
        let remedy = "write a date without quotes, such as 2026-10-01";
        let date = match value.get_ref() {
            DeValue::Datetime(moment) if moment.time.is_none() => moment.date,
            _ => None,
        };
        let Some(date) = date else {
            return self.wrong_type(&format!("`{field}`"), value, remedy, problems);
        };
        let (year, month, day) = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
        let read = year.ok().zip(month.ok()).zip(day.ok());
        let read = read.and_then(|((year, month), day)| Date::new(year, month, day).ok());
        if let Some(read) = read.filter(|read| (FIRST_YEAR..=LAST_YEAR).contains(&read.year())) {
            return Some(read);
        }
        let reason =
            format!("{}: `{field}` {date} lies outside the years {FIRST_YEAR} to {LAST_YEAR}", self.name);
        problems.add(value.span(), reason, remedy)
    }

    /// A truth value, if the field stands there.
    pub fn truth(&self, field: &str, problems: &mut Problems) -> Option<bool> {
        let value = self.get(field)?;
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => self.wrong_type(&format!("`{field}`"), value, "write true or false", problems),
        }
    }

    /// The texts of a list, if the field stands there. An item that is none is complained about and left out.
    pub fn texts(&self, field: &str, example: &str, problems: &mut Problems) -> Option<Vec<SpannedText<'a>>> {
        let value = self.get(field)?;
        let DeValue::Array(items) = value.get_ref() else {
            let remedy = format!("write a list of texts, such as {example}");
            return self.wrong_type(&format!("`{field}`"), value, &remedy, problems);
        };
        let mut texts = Vec::with_capacity(items.len());
        let what = format!("an item of `{field}`");
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) if !text.is_empty() => texts.push((text.as_ref(), item.span())),
                DeValue::String(_) => {
                    let reason = format!("{}: {what} is empty", self.name);
                    problems.add::<()>(item.span(), reason, "write at least one character");
                }
                _ => {
                    self.wrong_type::<()>(&what, item, "write a text in quotes", problems);
                }
            }
        }
        Some(texts)
    }

    /// A table, if the field stands there.
    pub fn table(&self, field: &str, remedy: &str, problems: &mut Problems) -> Option<Table<'a>> {
        let value = self.get(field)?;
        match value.get_ref() {
            DeValue::Table(entries) => {
                Some(Table::new(format!("{}: `{field}`", self.name), (entries, value.span())))
            }
            _ => self.wrong_type(&format!("`{field}`"), value, remedy, problems),
        }
    }

    /// The fields, in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = (SpannedText<'a>, &'a Spanned<DeValue<'a>>)> {
        self.entries.iter().map(|(key, value)| ((key.get_ref().as_ref(), key.span()), value))
    }

    /// The tables of a list, if the field stands there. An item that is none is complained about and left out.
    pub fn tables(
        &self,
        field: &str,
        remedy: &str,
        problems: &mut Problems,
    ) -> Option<Vec<SpannedTable<'a>>> {
        let value = self.get(field)?;
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(&format!("`{field}`"), value, remedy, problems);
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push((entries, item.span())),
                _ => {
                    self.wrong_type::<()>(&format!("an item of `{field}`"), item, remedy, problems);
                }
            }
        }
        Some(tables)
    }

    /// One of the named options, if the field stands there.
    pub fn choice<T: Copy>(&self, field: &str, options: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let remedy = format!("write {}", one_of(options.iter().map(|(name, _)| *name)));
        let (text, span) = self.text(field, &remedy, problems)?;
        let option = options.iter().find(|(name, _)| *name == text).map(|(_, option)| *option);
        option.or_else(|| problems.add(span, format!("{}: `{field}` is {}", self.name, quoted(text)), remedy))
    }

    /// Complains about a value of another type.
    pub fn wrong_type<T>(
        &self,
        what: &str,
        found: &Spanned<DeValue<'_>>,
        remedy: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        let reason = format!("{}: {what} is {}", self.name, type_name(found.get_ref()));
        problems.add(found.span(), reason, remedy)
    }
}

/// A decimal of at most 9 places that keeps to its limit.
fn decimal(text: &str, limit: Limit) -> Option<Number> {
    let (whole, places) = text.split_once('.').map_or((text, 0), |(whole, rest)| (whole, rest.len()));
    let digits = whole.trim_start_matches('0').len();
    Number::from_text(text, false).filter(|_| places <= 9 && digits <= limit.digits)
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

/// "a, b or c".
pub fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    match names.pop() {
        Some(last) if names.is_empty() => last.to_owned(),
        Some(last) => format!("{} or {last}", names.join(", ")),
        None => String::new(),
    }
}

/// The most characters of a user's text that a message repeats.
const LONGEST_REPEATED: usize = 40;

/// A text short enough for a message, with its control characters made visible.
#[must_use]
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_REPEATED) {
        Some((end, _)) => visible(&text[..end]) + "…",
        None => visible(text),
    }
}

/// A text whose control characters are made visible, so that it can not steer a terminal.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns_direction = matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        if character.is_control() || turns_direction {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A text in quotes, short enough for a message.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}
