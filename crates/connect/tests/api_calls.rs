//! Logs of API calls into events. All records here are made up, but for the log of the last test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;

use check::{convert, in_zone, quantity, read, shared};
use expect_test::{Expect, expect};
use kopeck_connect::convert::{Options, Source};

const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

fn check(input: impl AsRef<[u8]>, options: &Options, expected: &Expect) {
    check::check(Source::ApiCalls, input.as_ref(), options, expected);
}

#[test]
fn a_call_is_one_use_with_its_tokens_together_and_apart() {
    let input = format!("{HEADER}2026-10-05 18:17:03.9799600,4808,10\r\n2026-10-05T18:17:04+03:00,0,0\r\n");
    let outcome = convert(Source::ApiCalls, input.as_bytes(), &in_zone("Europe/Moscow"));
    expect![[r#"
        {"specversion":"1.0","id":"2026-10-05 18:17:03.9799600/4808/10/1","source":"api://llm-inference","type":"kopeck.usage.v1","subject":"llm-inference","time":"2026-10-05T15:17:03.97996Z","project":"llm-inference","data":{"kind":"api_call","attributes":{"calls":1,"tokens":4818,"tokens_in":4808,"tokens_out":10}}}
        {"specversion":"1.0","id":"2026-10-05T18:17:04+03:00/0/0/1","source":"api://llm-inference","type":"kopeck.usage.v1","subject":"llm-inference","time":"2026-10-05T15:17:04Z","project":"llm-inference","data":{"kind":"api_call","attributes":{"calls":1,"tokens":0,"tokens_in":0,"tokens_out":0}}}
    "#]].assert_eq(&outcome.output);
}

#[test]
fn equal_calls_are_told_apart_and_columns_may_stand_in_any_order() {
    let calls = "7,2026-10-05 10:00:00,x,3\n7,2026-10-05 10:00:00,y,3\n8,2026-10-05 10:00:00,x,3\n7,2026-10-05 10:00:00,x,3\n";
    let input = format!("input_tokens;time;model;output_tokens\n{}", calls.replace(',', ";"));
    let outcome = convert(Source::ApiCalls, input.as_bytes(), &Options::default());
    let ids: Vec<String> = outcome.output.lines().map(|line| read(line).0.id.into_owned()).collect();
    expect![[r#"
        2026-10-05 10:00:00/7/3/1
        2026-10-05 10:00:00/7/3/2
        2026-10-05 10:00:00/8/3/1
        2026-10-05 10:00:00/7/3/3"#]]
    .assert_eq(&ids.join("\n"));
}

#[test]
fn the_project_of_the_options_pays() {
    let options = Options { project: Some("lab".to_owned()), ..Options::default() };
    let input = format!("{HEADER}2026-10-05 18:17:03,1,2\n");
    check(
        &input,
        &options,
        &expect![[r#"
        2026-10-05T18:17:03Z lab: api_call llm-inference calls=1 tokens=3 tokens_in=1 tokens_out=2
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
    let outcome = convert(Source::ApiCalls, input.as_bytes(), &options);
    assert_eq!(read(outcome.output.trim_end()).0.source, "api://lab");
}

#[test]
fn broken_calls_are_refused_one_by_one() {
    let mut input = HEADER.as_bytes().to_vec();
    for row in [
        "2026-10-05 18:17:03,1,2",
        "2026-10-05 18:17:03,1",
        "2026-10-05 18:17:03,1,2,3",
        "2026-10-05 18:17:03,-1,2",
        "2026-10-05 18:17:03,1.5,2",
        "2026-10-05 18:17:03,1e3,2",
        "2026-10-05 18:17:03,9999999999999,2",
        "2026-10-05 18:17:03,999999999999,1",
        "2026-10-05 18:17:03,,2",
        ",1,2",
        "5/10/2026 18:17,1,2",
        "2026-03-29 02:30:00,1,2",
        "2026-10-25 02:30:00,1,2",
        "9999-12-31 23:59:59,1,2",
    ] {
        input.extend_from_slice(row.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"2026-10-05 18:17:03,1,\xff\n2026-10-05 18:1");
    check(
        input,
        &in_zone("Europe/Berlin"),
        &expect![[r#"
        2026-10-05T16:17:03Z llm-inference: api_call llm-inference calls=1 tokens=3 tokens_in=1 tokens_out=2
        2026-10-25T00:30:00Z llm-inference: api_call llm-inference calls=1 tokens=3 tokens_in=1 tokens_out=2
        line 3: 2 fields, not 3
          export the line again; a text with the delimiter in it must stand in quotation marks
        line 4: 4 fields, not 3
          export the line again; a text with the delimiter in it must stand in quotation marks
        line 5: ContextTokens: "-1" is not a whole number of at most 12 digits
          export it as a plain number
        line 6: ContextTokens: "1.5" is not a whole number of at most 12 digits
          export it as a plain number
        line 7: ContextTokens: "1e3" is not a whole number of at most 12 digits
          export it as a plain number
        line 8: ContextTokens: "9999999999999" is not a whole number of at most 12 digits
          export it as a plain number
        line 9: the tokens come to 10^12 or more
          check the record at its source
        line 10: ContextTokens: "" is not a whole number of at most 12 digits
          export it as a plain number
        line 11: TIMESTAMP: is empty
          a call without a time can not be billed: add it, or leave it out
        line 12: TIMESTAMP: "5/10/2026 18:17" is not a time such as 2026-10-05T10:00:00Z
          write times as year-month-day, hour:minute:second
        line 13: TIMESTAMP: 2026-03-29 02:30:00 never was in Europe/Berlin: the clock was set forward over it
          name the time zone of the file with --timezone
        line 15: TIMESTAMP: "9999-12-31 23:59:59" is not a time such as 2026-10-05T10:00:00Z
          write times as year-month-day, hour:minute:second
        line 16: GeneratedTokens: byte 1 is not valid UTF-8
          write the file as UTF-8
        line 17: 1 field, not 3
          export the line again; a text with the delimiter in it must stand in quotation marks
        16 records, 2 events, 14 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_missing_column_is_named_and_an_empty_log_has_no_records() {
    check(
        "TIMESTAMP,ContextTokens\n2026-10-05 18:17:03,1\n",
        &Options::default(),
        &expect![[r#"
            line 2: GeneratedTokens: the header of the file does not name this column
              export the table with this column; is this the right format?
            1 records, 0 events, 1 refused, skipped {}
        "#]],
    );
    check(
        "",
        &Options::default(),
        &expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_real_log_comes_to_the_tokens_of_a_plain_count() {
    let Some(bytes) = shared("api-calls/AzureLLMInferenceTrace_code.csv") else { return };
    let outcome = convert(Source::ApiCalls, &bytes, &Options::default());
    assert_eq!(outcome.refusals, []);
    assert_eq!((outcome.summary.records, outcome.summary.events), (8_819, 8_819));
    let text = std::str::from_utf8(&bytes).unwrap();
    let (mut tokens_in, mut tokens_out) = (0, 0);
    for (line, call) in text.lines().skip(1).zip(outcome.output.lines()) {
        let fields: Vec<&str> = line.split(',').collect();
        let (context, generated): (i128, i128) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let (envelope, data) = read(call);
        assert_eq!(quantity(&data, "calls"), 1);
        assert_eq!(quantity(&data, "tokens_in"), context);
        assert_eq!(quantity(&data, "tokens"), context + generated);
        let time = format!("{}+00:00", fields[0]).parse::<jiff::Timestamp>().unwrap();
        assert_eq!(i128::from(envelope.time), time.as_nanosecond());
        tokens_in += context;
        tokens_out += quantity(&data, "tokens_out");
    }
    assert_eq!((tokens_in, tokens_out), (18_059_974, 245_896));
    let mut ids: Vec<_> = outcome.output.lines().map(|line| read(line).0.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8_819);
}
