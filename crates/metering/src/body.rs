//! The events of a request's body as JSON lines, whatever form they came in (rating.md, "Usage events").

use serde_json::value::RawValue;

/// How events are written in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One event: `application/cloudevents+json`.
    One,
    /// A JSON array of events: `application/cloudevents-batch+json`.
    Array,
    /// One event a line: `application/x-ndjson`.
    Lines,
}

/// A body that is not JSON as a whole, so that nothing in it can be told apart.
#[derive(Debug, thiserror::Error)]
#[error("the body is not {expected}: {reason}")]
pub struct Malformed {
    /// What it should be.
    pub expected: &'static str,
    /// What the parser says, with line and column.
    pub reason: serde_json::Error,
}

/// Writes each event of a body on a line of its own.
///
/// # Errors
/// [`Malformed`] where a body that is one JSON value is none. A wrong line of several is its own event's matter.
pub fn lines(form: Form, body: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    match form {
        Form::Lines => Ok(body),
        Form::One => {
            let expected = "a JSON object";
            let event: &RawValue =
                serde_json::from_slice(&body).map_err(|reason| Malformed { expected, reason })?;
            let mut lines = Vec::with_capacity(body.len() + 1);
            line(event, &mut lines);
            Ok(lines)
        }
        Form::Array => {
            let expected = "a JSON array of objects";
            let events: Vec<&RawValue> =
                serde_json::from_slice(&body).map_err(|reason| Malformed { expected, reason })?;
            let mut lines = Vec::with_capacity(body.len() + events.len());
            for event in events {
                line(event, &mut lines);
            }
            Ok(lines)
        }
    }
}

/// Line ends stand between the tokens of a JSON value and never in its texts, so blanks mean the same.
fn line(event: &RawValue, to: &mut Vec<u8>) {
    let blanked = event.get().bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte });
    to.extend(blanked);
    to.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(form: Form, body: &str, expected: &Expect) {
        let written = match lines(form, body.as_bytes().to_vec()) {
            Ok(lines) => String::from_utf8(lines).unwrap(),
            Err(malformed) => malformed.to_string(),
        };
        expected.assert_eq(&written);
    }

    #[test]
    fn an_array_becomes_a_line_for_each_event_and_an_event_may_span_lines() {
        check(
            Form::Array,
            "[{\"id\": \"1\",\r\n \"subject\": \"a\\nb\"}, {\"id\":\"2\"}]",
            &expect![[r#"
                {"id": "1",   "subject": "a\nb"}
                {"id":"2"}
            "#]],
        );
        check(Form::Array, "[]", &expect![""]);
    }

    #[test]
    fn a_body_that_is_no_json_is_refused_with_the_place() {
        check(
            Form::Array,
            "[{\"id\": \"1\"},\n {\"id\": ]",
            &expect!["the body is not a JSON array of objects: expected value at line 2 column 9"],
        );
        let told = lines(Form::One, b"{\"id\": \"a\nb\"}".to_vec()).unwrap_err().to_string();
        assert!(told.starts_with("the body is not a JSON object: control character"), "{told}");
    }
}
