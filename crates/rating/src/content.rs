//! The content of JSON values, hashed so that equal values have equal hashes however they are written.
//!
//! rating.md: a second event with the same key "and the same content (equal JSON, equal instant)" is a duplicate.
//! Objects are equal whatever the order of their fields, numbers by value, strings after their escapes.
//! The hash is keyed and 64 bits wide; event keys, where an accident would cost money, are hashed to 128 bits.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher128};

/// Values nested deeper than this are refused.
pub const DEEPEST: u32 = 64;

/// Objects with more fields are refused: finding the doubled ones costs the square.
pub(crate) const MOST_FIELDS: usize = 1_000;

/// Why a JSON value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentError {
    /// Arrays and objects lie in each other more than [`DEEPEST`] deep.
    TooDeep,
    /// The value is not JSON; the text is the parser's.
    Malformed(String),
}

/// The 64-bit hash of a JSON value.
///
/// # Errors
/// [`ContentError`] where the value nests too deep or is not JSON.
pub fn of_value(raw: &RawValue) -> Result<u64, ContentError> {
    hash(raw.get(), DEEPEST)
}

/// The hash of a field: fields are summed, so their order does not matter.
#[must_use]
pub fn of_field(name: &str, value: u64) -> u64 {
    let mut hasher = hasher(b'f');
    hasher.write(name.as_bytes());
    hasher.write_u64(value);
    hasher.finish()
}

/// The hash of what an event says beside its project and data: its type, its instant, the hashes of its key and
/// resource, and its other known texts in a fixed order.
#[must_use]
pub fn of_event<const N: usize>(
    (is_state, time): (bool, i64),
    hashes: [u128; 2],
    texts: [Option<&str>; N],
) -> u64 {
    let mut hasher = hasher(if is_state { b'S' } else { b'U' });
    hasher.write_i64(time);
    for hash in hashes {
        hasher.write_u128(hash);
    }
    for text in texts {
        hasher.write_usize(text.map_or(0, |text| text.len() + 1));
        hasher.write(text.unwrap_or_default().as_bytes());
    }
    hasher.finish()
}

/// The hash of the project that an event names, by its name's hash, and of its data.
#[must_use]
pub fn of_told(project: u128, data: u64) -> u64 {
    let mut hasher = hasher(b't');
    hasher.write_u128(project);
    hasher.write_u64(data);
    hasher.finish()
}

/// The hash of a text.
#[must_use]
pub fn of_text(text: &str) -> u64 {
    let mut hasher = hasher(b's');
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// The 128-bit hash of an event's key within its workspace.
#[must_use]
pub fn of_key(source: &str, id: &str) -> u128 {
    let mut hasher = SipHasher128::new_with_keys(0x6b6f_7065_636b, 1);
    hasher.write_usize(source.len());
    hasher.write(source.as_bytes());
    hasher.write(id.as_bytes());
    hasher.finish128().as_u128()
}

/// The 128-bit hash of a name.
#[must_use]
pub fn of_name(name: &str) -> u128 {
    let mut hasher = SipHasher128::new_with_keys(0x6b6f_7065_636b, 2);
    hasher.write(name.as_bytes());
    hasher.finish128().as_u128()
}

fn hasher(tag: u8) -> SipHasher13 {
    SipHasher13::new_with_keys(0x6b6f_7065_636b, u64::from(tag))
}

fn hash(text: &str, levels: u32) -> Result<u64, ContentError> {
    let malformed = |error: serde_json::Error| ContentError::Malformed(error.to_string());
    match text.as_bytes().first() {
        Some(b'{' | b'[') if levels == 0 => Err(ContentError::TooDeep),
        Some(b'{') => {
            let Object(fields) = serde_json::from_str(text).map_err(malformed)?;
            fields.into_iter().try_fold(0_u64, |sum, (name, value)| {
                Ok(sum.wrapping_add(of_field(&name, hash(value.get(), levels - 1)?)))
            })
        }
        Some(b'[') => {
            let Array(items) = serde_json::from_str(text).map_err(malformed)?;
            let mut hasher = hasher(b'a');
            for item in items {
                hasher.write_u64(hash(item.get(), levels - 1)?);
            }
            Ok(hasher.finish())
        }
        Some(b'"') => Ok(of_text(&string(text).map_err(malformed)?)),
        Some(b'-' | b'0'..=b'9') => {
            let mut hasher = hasher(b'n');
            let (negative, digits, exponent) = decimal_parts(text);
            hasher.write_u8(u8::from(negative));
            hasher.write_i64(exponent);
            hasher.write(digits.as_bytes());
            Ok(hasher.finish())
        }
        _ => {
            let mut hasher = hasher(b'l');
            hasher.write(text.as_bytes());
            Ok(hasher.finish())
        }
    }
}

/// Sign, significant digits and power of ten of a JSON number: the same for `4`, `4.0` and `0.4e1`.
fn decimal_parts(text: &str) -> (bool, Cow<'_, str>, i64) {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    // An exponent beyond 64 bits is no number that anybody means; it is taken as it is written.
    let Ok(power) = power.parse::<i64>() else { return (negative, Cow::Borrowed(unsigned), 0) };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = if fraction.is_empty() { Cow::Borrowed(whole) } else { Cow::Owned([whole, fraction].concat()) };
    let significant = all.trim_end_matches('0');
    let dropped = all.len() - significant.len();
    let shift = i64::try_from(dropped).unwrap_or(0) - i64::try_from(fraction.len()).unwrap_or(0);
    let digits = significant.trim_start_matches('0');
    if digits.is_empty() {
        return (false, Cow::Borrowed(""), 0);
    }
    (negative, Cow::Owned(digits.to_owned()), power.saturating_add(shift))
}

/// The text of a raw JSON string, borrowed where it has no escapes.
pub(crate) fn string(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    serde_json::from_str::<Text<'_>>(raw).map(|Text(text)| text)
}

/// A JSON string, borrowed from the input where it has no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// The fields of a JSON object, unread, in the order written; a field that stands twice is refused.
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(12);
        while let Some(Text(name)) = map.next_key()? {
            if fields.iter().any(|(other, _)| *other == name) {
                return Err(de::Error::custom(format_args!("field `{name}` stands twice")));
            }
            if fields.len() == MOST_FIELDS {
                return Err(de::Error::custom("an object has more than 1000 fields"));
            }
            fields.push((name, map.next_value()?));
        }
        Ok(Object(fields))
    }
}

/// The items of a JSON array, unread.
struct Array<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Array<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ArrayVisitor)
    }
}

struct ArrayVisitor;

impl<'de> Visitor<'de> for ArrayVisitor {
    type Value = Array<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Array(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let hash = |text: &str| of_value(serde_json::from_str::<&RawValue>(text).unwrap()).unwrap();
        hash(one) == hash(other)
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        for (one, other) in [
            (r#"{"a": 1, "b": [true, null]}"#, r#"{"b":[true,null],"a":1.0}"#),
            (r#""A""#, r#""\u0041""#),
            ("100", "1e2"),
            ("0.50", "5E-1"),
            ("-0", "0.000"),
            ("12000", "1.2e+4"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn different_values_differ() {
        for (one, other) in [
            (r#"{"a": 1}"#, r#"{"a": 2}"#),
            (r#"{"a": 1}"#, r#"{"b": 1}"#),
            ("[1, 2]", "[2, 1]"),
            ("1", r#""1""#),
            ("1", "-1"),
            ("10", "100"),
            ("null", "false"),
            ("0.1234567895", "0.12345679"),
            ("[]", "{}"),
        ] {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn a_key_is_not_the_run_of_its_parts() {
        assert_ne!(of_key("ab", "c"), of_key("a", "bc"));
    }

    #[test]
    fn ten_thousand_brackets_are_refused_and_not_walked() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let raw = serde_json::from_str::<&RawValue>(&deep).unwrap();
        assert_eq!(of_value(raw), Err(ContentError::TooDeep));
    }
}
