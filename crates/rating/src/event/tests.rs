use super::*;
use expect_test::{Expect, expect};

const GOOD: &str = r#"{"specversion":"1.0","id":"e1","source":"s://a","type":"kopeck.state.v1","subject":"vm-1","time":"2026-10-05T10:00:00+03:00","project":"acme","data":{"kind":"vm","state":"RUNNING","attributes":{"vcpu":4}}}"#;

fn read(line: &str) -> Result<u64, Refusal> {
    let envelope = Envelope::read(line.as_bytes())?;
    let data = Description::read(envelope.event_type, envelope.data)?;
    Ok(envelope.content(&data))
}

fn check(line: &str, expected: &Expect) {
    let text = match read(line) {
        Ok(_) => "accepted".to_owned(),
        Err(refusal) => format!("{refusal}; {}", refusal.remedy()),
    };
    expected.assert_eq(&text);
}

fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old));
    GOOD.replace(old, new)
}

#[test]
fn a_refusal_names_the_field_the_reason_and_the_remedy() {
    check(GOOD, &expect!["accepted"]);
    check(
        &GOOD[..80],
        &expect![
            "not a JSON object: EOF while parsing a string (column 80); write one complete CloudEvents object a line"
        ],
    );
    check(
        "[]",
        &expect!["not a JSON object: this is an array; write one complete CloudEvents object a line"],
    );
    check(
        &with(r#""id":"e1","#, ""),
        &expect!["field `id` is missing; add it; rating.md lists the fields of each type"],
    );
    check(
        &with(r#""id":"e1""#, r#""id":7"#),
        &expect!["field `id` is a number, not a text; write it as the contract's type"],
    );
    check(
        &with(r#""id":"e1""#, r#""id":"""#),
        &expect!["field `id` is empty; name it with at least one character"],
    );
    check(
        &with(r#""id":"e1""#, r#""id":"e1","id":"e2""#),
        &expect![
            "not a JSON object: field `id` stands twice (column 35); write one complete CloudEvents object a line"
        ],
    );
    check(
        &with("1.0", "0.3"),
        &expect![[r#"specversion is "0.3", not "1.0"; send CloudEvents 1.0 in structured JSON"#]],
    );
    check(
        &with("state.v1", "state.v2"),
        &expect![[r#"unknown type "kopeck.state.v2"; use kopeck.state.v1 or kopeck.usage.v1"#]],
    );
    check(
        &with(r#"{"vcpu":4}"#, "[]"),
        &expect!["field `data.attributes` is an array, not an object; write it as the contract's type"],
    );
}

#[test]
fn a_time_is_rfc_3339_with_an_offset_in_the_years_1900_to_2199() {
    let time = |text: &str| {
        instant(text).map_or_else(|refusal| refusal.to_string().replace(text, "T"), |time| time.to_string())
    };
    for text in [
        "2026-10-05T10:00:00",
        "2026-10-05",
        "20261005T100000Z",
        "2026-10-05T10:00Z",
        "2026-10-05T10:00:00+03",
        "2026-10-05T10:00:00+0300",
        "2026-10-05T10:00:00+03:00[Europe/Moscow]",
        "2026-13-05T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "+002026-10-05T10:00:00Z",
        "1759647600",
        "yesterday",
    ] {
        assert_eq!(time(text), r#"time "T" is not RFC 3339 with an offset"#, "{text}");
    }
    for text in
        ["0000-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-01T00:00:00Z"]
    {
        assert_eq!(time(text), r#"time "T" lies outside the years 1900 to 2199"#, "{text}");
    }
    for text in ["2026-10-05T07:00:00Z", "2026-10-05T10:00:00+03:00", "2026-10-05 10:00:00.000+03:00"] {
        assert_eq!(time(text), "1791183600000000000", "{text}");
    }
    for text in ["2026-10-05t07:00:00z", "2026-10-05T07:00:00.0000000009Z"] {
        assert_eq!(time(text), "1791183600000000000", "{text}");
    }
    // A leap second is the second before it.
    assert_eq!(time("2026-10-05T06:59:60Z"), "1791183599000000000");
}

#[test]
fn a_negative_or_huge_json_number_refuses_the_event_and_a_text_that_is_no_number_does_not() {
    let huge = "9".repeat(1_000_000);
    for (value, expected) in [
        ("-1", "attribute `vcpu` is negative"),
        ("-1e-20", "attribute `vcpu` is negative"),
        ("1000000000000", "attribute `vcpu` is not below 10^12"),
        (huge.as_str(), "attribute `vcpu` is written with more than 1000 characters"),
        ("-0.0", "accepted"),
        (r#""-1""#, "accepted"),
        ("true", "accepted"),
        ("null", "accepted"),
        (r#"{"a":-1}"#, "accepted"),
    ] {
        let line = with(r#"{"vcpu":4}"#, &format!(r#"{{"vcpu":{value}}}"#));
        let text = read(&line).map_or_else(|refusal| refusal.to_string(), |_| "accepted".to_owned());
        assert_eq!(text, expected, "{}", &value[..value.len().min(20)]);
        let cost = line.replace(r#""kind":"vm""#, r#""kind":"cost""#);
        assert_eq!(
            read(&cost).is_ok(),
            !expected.contains("10^12") && !expected.contains("1000"),
            "{expected}"
        );
    }
}

#[test]
fn deep_nesting_and_bad_utf_8_are_refused() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(read(&with(r#""id":"e1""#, &format!(r#""id":"e1","x":{deep}"#))), Err(Refusal::TooDeep));
    assert_eq!(read(&with("4}", &format!("{deep}}}"))), Err(Refusal::TooDeep));
    assert_eq!(Envelope::read(b"{\"id\":\"\xff\"}").err(), Some(Refusal::NotUtf8(8)));
}

#[test]
fn equal_content_is_equal_json_at_an_equal_instant() {
    let same = |line: &str| assert_eq!(read(line), read(GOOD), "{line}");
    same(&with("2026-10-05T10:00:00+03:00", "2026-10-05T07:00:00Z"));
    same(&with(r#""vcpu":4"#, r#""vcpu": 4.0"#));
    same(&with(r#"{"specversion":"1.0","id":"e1","#, r#"{"id":"e1","specversion":"1.0", "#));
    let other = |line: &str| assert_ne!(read(line), read(GOOD), "{line}");
    other(&with("2026-10-05T10:00:00+03:00", "2026-10-05T10:00:01+03:00"));
    other(&with(r#""vcpu":4"#, r#""vcpu":"4""#));
    other(&with(r#""id":"e1","#, r#""id":"e1","region":"x","#));
}

#[test]
fn a_cost_must_be_in_the_currency_of_the_book() {
    let currency = |kind: &str, value: &str| {
        let line = with(r#""kind":"vm""#, &format!(r#""kind":"{kind}""#)).replace(r#""vcpu":4"#, value);
        let envelope = Envelope::read(line.as_bytes()).unwrap();
        Description::read(envelope.event_type, envelope.data).unwrap().check_currency("RUB").is_ok()
    };
    assert!(currency("cost", r#""amount":1"#));
    assert!(currency("cost", r#""currency":"RUB""#));
    assert!(!currency("cost", r#""currency":"USD""#));
    assert!(!currency("cost", r#""currency":643"#));
    assert!(currency("vm", r#""currency":"USD""#));
}
