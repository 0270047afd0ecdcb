//! Reading transactions: by their `type` first, then field by field, so that what is wrong has its place.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::read::{Incoming, Unread, json, unread};
use crate::transaction::{NewTransaction, NewTransactions, TRANSACTIONS_LIMIT};

/// The types of transactions.
const TYPES: &str = "deposit, withdrawal, transfer, reversal, correction";

impl Incoming for NewTransactions {
    fn read(bytes: &[u8]) -> Result<NewTransactions, Unread> {
        if bytes.trim_ascii_start().first() != Some(&b'[') {
            let text: Box<RawValue> = json(bytes)?;
            return one(&text, "").map(NewTransactions::One);
        }
        let texts: Vec<Box<RawValue>> = json(bytes)?;
        if texts.is_empty() || texts.len() > TRANSACTIONS_LIMIT {
            let reason = format!("{} transactions were sent; 1 to {TRANSACTIONS_LIMIT} may be", texts.len());
            return Err(Unread::Field { field: None, reason });
        }
        let read = texts.iter().enumerate().map(|(index, text)| one(text, &format!("[{index}]")));
        read.collect::<Result<_, _>>().map(NewTransactions::Several)
    }
}

/// Reads a transaction that stands at a place.
fn one(text: &RawValue, place: &str) -> Result<NewTransaction, Unread> {
    let Fields(mut fields) =
        serde_json::from_str(text.get()).map_err(|error| at(place, unread(&error, ".")))?;
    let kind = match fields.remove("type") {
        Some(Value::String(kind)) => kind,
        Some(_) => return Err(wrong(place, "type", format!("is not a text: write one of {TYPES}"))),
        None => return Err(wrong(place, "type", format!("is missing: write one of {TYPES}"))),
    };
    match kind.as_str() {
        "deposit" => fields_of(fields, place).map(NewTransaction::Deposit),
        "withdrawal" => fields_of(fields, place).map(NewTransaction::Withdrawal),
        "transfer" => fields_of(fields, place).map(NewTransaction::Transfer),
        "reversal" => fields_of(fields, place).map(NewTransaction::Reversal),
        "correction" => fields_of(fields, place).map(NewTransaction::Correction),
        _ => Err(wrong(place, "type", format!("{kind:?} is unknown: write one of {TYPES}"))),
    }
}

fn fields_of<T: DeserializeOwned>(fields: Map<String, Value>, place: &str) -> Result<T, Unread> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let field = error.path().to_string();
        at(place, unread(&error.into_inner(), &field))
    })
}

fn wrong(place: &str, field: &str, reason: String) -> Unread {
    at(place, Unread::Field { field: Some(field.to_owned()), reason })
}

/// The same with the place of the transaction before the field.
fn at(place: &str, unread: Unread) -> Unread {
    match unread {
        Unread::Field { field, reason } => {
            let whole = match field {
                Some(field) if place.is_empty() => field,
                Some(field) => format!("{place}.{field}"),
                None => place.to_owned(),
            };
            Unread::Field { field: Some(whole).filter(|whole| !whole.is_empty()), reason }
        }
        syntax @ Unread::Syntax(_) => syntax,
    }
}

/// The fields of an object, none of them twice.
struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(FieldsReader)
    }
}

struct FieldsReader;

impl<'de> Visitor<'de> for FieldsReader {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a transaction, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if fields.contains_key(&name) {
                return Err(de::Error::custom(format!("the field {name} is there twice")));
            }
            fields.insert(name, value);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match NewTransactions::read(text.as_bytes()) {
            Ok(read) => serde_json::to_string(&read).unwrap(),
            Err(Unread::Syntax(reason)) => format!("syntax: {reason}"),
            Err(Unread::Field { field, reason }) => format!("{}: {reason}", field.unwrap_or_default()),
        }
    }

    const DEPOSIT: &str = r#"{"type":"deposit","account":"0199a000-0000-7000-8000-000000000001","amount":"12.50","currency":"RUB"}"#;

    #[test]
    fn one_is_an_object_and_several_are_a_list() {
        assert_eq!(check(DEPOSIT), DEPOSIT.replace("12.50", "12.500000"));
        assert!(check(&format!(" [{DEPOSIT},{DEPOSIT}]")).starts_with("[{\"type\":\"deposit\""));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (from, to, said) in [
            (
                "\"12.50\"",
                "12.50",
                "amount: invalid type: floating point `12.5`, expected an amount as a text",
            ),
            ("12.50", "12,50", "amount: is not an amount"),
            ("deposit", "gift", "type: \"gift\" is unknown: write one of deposit"),
            ("\"type\":\"deposit\",", "", "type: is missing"),
            ("\"currency\":\"RUB\"", "\"currency\":\"RUB\",\"colour\":1", "unknown field `colour`"),
            (
                "\"currency\":\"RUB\"",
                "\"currency\":\"RUB\",\"amount\":\"9\"",
                "the field amount is there twice",
            ),
            (",\"currency\":\"RUB\"", "", "missing field `currency`"),
            ("0199a000", "x", "account: "),
        ] {
            let one = check(&DEPOSIT.replace(from, to));
            assert!(one.contains(said), "{one}");
            let several = check(&format!("[{DEPOSIT},{}]", DEPOSIT.replace(from, to)));
            assert!(several.starts_with("[1]"), "{several}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_as_such_and_too_many_are_refused() {
        assert!(check("{").starts_with("syntax: "));
        assert!(check("[1]").contains("[0]: invalid type"));
        assert!(check("[]").contains("0 transactions were sent"));
        let many = vec!["{}"; TRANSACTIONS_LIMIT + 1].join(",");
        assert!(check(&format!("[{many}]")).contains("8191 transactions were sent"));
    }
}
