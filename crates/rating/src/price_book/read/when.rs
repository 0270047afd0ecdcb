//! Reads the conditions of a component.

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::component::subject;
use crate::event::Value;
use crate::number::Number;
use crate::price_book::fields::{Problems, Table, quoted, shortened};
use crate::price_book::{Condition, Subject};

/// What a condition is read for.
struct Line<'a> {
    component: &'a Table<'a>,
    key: &'a str,
    subject: Subject,
    /// Whether numbers of the component's kind may be negative, where the kind is known.
    signed: Option<bool>,
}

/// The conditions; all that are wrong are told.
pub fn read(table: &Table<'_>, signed: Option<bool>, problems: &mut Problems) -> Option<Vec<Condition>> {
    if table.get("when").is_none() {
        return Some(Vec::new());
    }
    let when = table.table("when", "write it like { state = \"active\" }", problems)?;
    let mut conditions = Vec::new();
    for ((key, _), value) in when.entries() {
        let line = Line { component: table, key, subject: subject(key), signed };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect::<Vec<_>>(),
            _ => vec![value],
        };
        if items.is_empty() {
            line.refuse::<()>(
                value,
                "lists nothing, so it never holds",
                "list at least one value, or remove the condition",
                problems,
            );
        }
        let any_of = items.into_iter().filter_map(|item| line.value(item, problems)).collect();
        conditions.push(Condition { subject: line.subject, any_of });
    }
    Some(conditions)
}

impl Line<'_> {
    fn refuse<T>(
        &self,
        item: &Spanned<DeValue<'_>>,
        what: &str,
        remedy: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        let reason = format!("{}: `when.{}` {what}", self.component.name, shortened(self.key));
        problems.add(item.span(), reason, remedy)
    }

    fn value(&self, item: &Spanned<DeValue<'_>>, problems: &mut Problems) -> Option<Value> {
        if self.subject == Subject::Class {
            return self.class(item, problems);
        }
        match item.get_ref() {
            DeValue::String(text) => Some(Value::of_text(text, self.signed == Some(true))),
            DeValue::Boolean(truth) => Some(Value::Text(truth.to_string())),
            DeValue::Integer(number) if number.radix() != 10 => {
                let remedy = match decimal(number) {
                    Some(decimal) => format!("write {decimal}"),
                    None => "write it as a decimal".to_owned(),
                };
                self.refuse(item, "is not decimal", &remedy, problems)
            }
            DeValue::Integer(number) => self.number(number.as_str(), item, problems),
            DeValue::Float(number) => self.number(number.as_str(), item, problems),
            _ => {
                let what = format!("`when.{}`", shortened(self.key));
                let remedy = "write a text, a number, or a list of them";
                self.component.wrong_type(&what, item, remedy, problems)
            }
        }
    }

    fn class(&self, item: &Spanned<DeValue<'_>>, problems: &mut Problems) -> Option<Value> {
        let remedy = "write \"active\" or \"inactive\"";
        let DeValue::String(text) = item.get_ref() else {
            return self.component.wrong_type("`when.state`", item, remedy, problems);
        };
        if matches!(text.as_ref(), "active" | "inactive") {
            return Some(Value::Text(text.clone().into_owned()));
        }
        let states = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9');
        let what = match !text.is_empty() && text.bytes().all(states) {
            true => "is a state, not a class",
            false => "is no class",
        };
        let reason = format!("{}: `when.state`: {} {what}", self.component.name, quoted(text));
        problems.add(item.span(), reason, remedy)
    }

    fn number(&self, text: &str, item: &Spanned<DeValue<'_>>, problems: &mut Problems) -> Option<Value> {
        let number = match Number::from_json(text.strip_prefix('+').unwrap_or(text)) {
            Ok(number) => number,
            Err(error) => {
                let remedy = "write it in quotes to compare it as text";
                return self.refuse(item, &error.to_string(), remedy, problems);
            }
        };
        if number.is_negative() && self.signed == Some(false) {
            let remedy = "write a number from 0 on; only those of kind `cost` may be negative";
            return self.refuse(item, "is negative, so it never holds", remedy, problems);
        }
        Some(Value::Number(number))
    }
}

/// The decimal digits of an integer that is written in another base.
fn decimal(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}
