//! Bad input: each names its file, line, reason and remedy; exit code 2 for a bad argument, price book or file,
//! 1 where some events were refused and the rest is rated; never a panic.

use crate::desk::{Answer, Desk};

const BOOK: &str = r#"[book]
id = "b"
currency = "RUB"
timezone = "Europe/Moscow"

[[version]]
effective = 2026-01-01

[[version.component]]
id = "vm.vcpu"
kind = "vm"
when = { state = "active" }
model = "per_second"
quantity = ["vcpu"]
price = "1"
per = "hour"
"#;

const RATE: &str = "rate --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01";

fn event(id: &str, time: &str, state: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"kopeck.state.v1","subject":"vm-1","time":"{time}","project":"acme","data":{{"kind":"vm","state":"{state}","attributes":{{"vcpu":2}}}}}}"#
    )
}

fn good_events() -> String {
    let [one, two] = [("e1", "10:00:00", "RUNNING"), ("e2", "11:00:00", "DELETED")]
        .map(|(id, time, state)| event(id, &format!("2026-10-05T{time}+03:00"), state));
    format!("{one}\n{two}\n")
}

fn with_events(events: impl AsRef<[u8]>) -> Answer {
    Desk::new().file("prices.toml", BOOK).file("events.jsonl", events).kopeck(RATE)
}

fn with_book(book: &str) -> Answer {
    Desk::new().file("prices.toml", book).file("events.jsonl", good_events()).kopeck(RATE)
}

#[test]
fn bad_events_are_refused_one_by_one_and_the_rest_is_rated() {
    let million = "9".repeat(1_000_000);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let good = event("x", "2026-10-05T10:00:00+03:00", "RUNNING");
    let bad: Vec<Vec<u8>> = vec![
        good[..60].into(),
        good.replace("\"vm-1\"", "7").into(),
        good.replace("+03:00", "").into(),
        good.replace("2026-", "0000-").into(),
        good.replace("2026-", "9999-").into(),
        good.replace(":2}", &format!(":{million}}}")).into(),
        good.replace(":2}", ":-2}").into(),
        good.replace(":2}", &format!(":{deep}}}")).into(),
        good.replace("vm-1", "vm-\u{1}").into(),
        [good.as_bytes()[..30].to_vec(), vec![0xff, 0xfe], good.as_bytes()[30..].to_vec()].concat(),
        event("e1", "2026-10-05T10:00:00+03:00", "STOPPED").into(),
        b"[]".to_vec(),
        b"null".to_vec(),
        vec![b' '; 2_000_000],
        [good.as_bytes(), &vec![b'x'; 2_000_000]].concat(),
    ];
    let mut events = good_events().into_bytes();
    for line in bad {
        events.extend(line);
        events.push(b'\n');
    }
    insta::assert_snapshot!(with_events(events).whole());
}

#[test]
fn refusals_beyond_a_hundred_are_counted_unless_all_are_asked_for() {
    let desk = |lines: usize| {
        Desk::new().file("prices.toml", BOOK).file("events.jsonl", good_events() + &"{}\n".repeat(lines))
    };
    let check = |lines: usize, options: &str, told: usize, said: &str| {
        let answer = desk(lines).kopeck(&format!("{RATE}{options}"));
        assert_eq!(answer.code, 1);
        assert_eq!(answer.stderr.matches("error: event refused").count(), told);
        assert_eq!(answer.stderr.contains("--all-errors"), !said.is_empty());
        assert!(answer.stderr.contains(said), "{}", answer.stderr);
        assert!(answer.stderr.contains(&format!("refused: {lines};")), "{}", answer.stderr);
        assert!(answer.stdout.contains("2.000000"), "{}", answer.stdout);
    };
    check(100, "", 100, "");
    check(
        101,
        "",
        100,
        "error: 1 more event was refused and is not listed\n  give --all-errors to see all\n",
    );
    check(250, "", 100, "error: 150 more events were refused and are not listed\n");
    check(250, " --all-errors", 250, "");
}

#[test]
fn a_bad_price_book_is_refused_with_every_problem_and_its_place() {
    let second = BOOK.split("\n\n").skip(1).collect::<Vec<_>>().join("\n\n");
    let book =
        BOOK.replace("\"vm.vcpu\"", "\"vm.vcpu\"\ncolour = \"blue\"").replace("per_second", "per_minute")
            + "\n"
            + &second
            + &second[second.find("[[version.component]]").unwrap()..];
    insta::assert_snapshot!(with_book(&book).whole());
}

#[test]
fn a_price_book_that_is_no_text_or_no_toml_is_refused() {
    let desk = || Desk::new().file("events.jsonl", good_events());
    let not_utf8 = [BOOK.as_bytes(), b"\xff"].concat();
    let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    let answers = [
        desk().kopeck(RATE),
        desk().file("prices.toml", not_utf8).kopeck(RATE),
        desk().file("prices.toml", &BOOK[..30]).kopeck(RATE),
        desk().file("prices.toml", deep).kopeck(RATE),
        desk().file("prices.toml", "").kopeck(RATE),
    ];
    let whole: Vec<_> = answers.iter().map(Answer::whole).collect();
    insta::assert_snapshot!(whole.join("\n"));
}

#[test]
fn bad_arguments_are_refused_before_anything_is_read() {
    let desk = Desk::new().file("prices.toml", BOOK).file("events.jsonl", good_events());
    for (line, said) in [
        ("rate --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-10-01", "is not after"),
        ("rate --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-09-01", "is not after"),
        (
            "rate --prices prices.toml --events events.jsonl --from 0000-01-01 --to 2026-09-01",
            "years 1900 to 2199",
        ),
        (
            "rate --prices prices.toml --events events.jsonl --from 2026-01-01 --to 9999-12-31",
            "years 1900 to 2199",
        ),
        (
            "rate --prices prices.toml --events events.jsonl --from today --to 2026-09-01",
            "write it like 2026-10-01",
        ),
        (
            "rate --prices prices.toml --events none.jsonl --from 2026-10-01 --to 2026-11-01",
            "can not open none.jsonl",
        ),
        ("rate --prices prices.toml --events . --from 2026-10-01 --to 2026-11-01", ". is a folder"),
        ("rate --prices prices.toml --events - --events - --from 2026-10-01 --to 2026-11-01", "only once"),
        ("rate --prices prices.toml --from 2026-10-01 --to 2026-11-01", "--events"),
        (
            "rate --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01 --as-of 2026-10-05",
            "with an offset",
        ),
        (
            "rate --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01 --format xml",
            "possible values: table, json, csv",
        ),
        (
            "explain --prices prices.toml --events events.jsonl --from 2026-10-01 --to 2026-11-01 --component x",
            "has no component",
        ),
        (
            "explain --prices prices.toml --events events.jsonl --from 2026-11-01 --to 2026-12-01 --component vm.vcpu",
            "no charge of component",
        ),
        ("sample --vms 0", "1 to 10000000"),
        ("sample --days 4000", "1 to 3660"),
        ("convert punchcards events.jsonl", "unknown format"),
        ("convert slurm none.log", "can not open none.log"),
        ("convert slurm events.jsonl --timezone Mars/Olympus", "unknown time zone"),
        ("sample --vms 1 --days 1 -o no/such/folder/x", "can not write"),
    ] {
        let answer = desk.kopeck(line);
        assert_eq!(answer.code, 2, "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains(said), "{line}\n{}", answer.stderr);
        assert_eq!(answer.stdout, "", "{line}");
    }
}

#[test]
fn what_counts_as_zero_is_unpriced_or_disputed_is_warned_of() {
    let strange = event("w1", "2026-10-06T00:00:00+03:00", "RUNNING");
    let events = [
        strange.replace(":2}", ":\"two\"}").replace("vm-1", "vm-2"),
        strange.replace("w1", "w2").replace("\"vm\"", "\"balloon\"").replace("vm-1", "b-1"),
        strange.replace("w1", "w3").replace("acme", "beta").replace("vm-1", "vm-2").replace("06T", "07T"),
        strange.replace("w1", "w4").replace("state.v1", "usage.v1").replace("\"vm\"", "\"call\""),
    ];
    insta::assert_snapshot!(with_events(events.join("\n")).whole());
}

#[test]
fn refused_records_beyond_a_hundred_are_counted_unless_all_are_asked_for() {
    let check = |options: &str, told: usize, counted: bool| {
        let answer =
            Desk::new().file("jobs.swf", "?\n".repeat(130)).kopeck(&format!("convert swf jobs.swf{options}"));
        assert_eq!(answer.code, 1);
        assert_eq!(answer.stderr.matches("error: record refused").count(), told);
        assert_eq!(answer.stderr.contains("error: 30 more records were refused and are not listed"), counted);
    };
    check("", 100, true);
    check(" --all-errors", 130, false);
}

#[test]
fn a_resource_that_lacks_only_a_class_is_told_with_its_state_and_what_to_do() {
    let waiting = event("w1", "2026-10-06T00:00:00+03:00", "STARTING").replace("vm-1", "vm-2");
    let events = [
        waiting.clone(),
        waiting.replace("w1", "w2").replace("vm-2", "vm-3").replace("STARTING", "PAUSED"),
        waiting.replace("w1", "w3").replace("vm-2", "vm-4"),
    ];
    insta::assert_snapshot!(with_events(events.join("\n")).whole());
}
