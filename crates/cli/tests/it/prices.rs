//! `kopeck prices check` and `diff` as people use them.

use super::desk::{Desk, root};
use std::fs;

const HEAD: &str = r#"[book]
id = "b"
currency = "RUB"
timezone = "Europe/Moscow"
vat = { rate = "22", included = false }
"#;

/// A version of a date with a VM's vCPU at a price, and other fields of the version before it.
fn version(date: &str, fields: &str, price: &str) -> String {
    format!(
        r#"
[[version]]
effective = {date}
{fields}

[[version.component]]
id = "vm.active.vcpu"
kind = "vm"
when = {{ state = "active" }}
model = "per_second"
quantity = ["vcpu"]
price = "{price}"
per = "month"
"#
    )
}

fn late_book() -> String {
    let first = version("2026-10-01", "", "365.25");
    format!("{HEAD}{first}{}", version("2026-12-01", "announced = 2026-11-19", "401"))
}

#[test]
fn a_rise_with_too_little_notice_is_refused_with_the_earliest_date_that_would_do() {
    let desk = Desk::new().file("prices.toml", late_book());
    let answer = desk.kopeck("prices check prices.toml");
    insta::assert_snapshot!(
        [answer.whole(), desk.kopeck("prices check prices.toml --format json").whole()].join("\n")
    );
}

#[test]
fn every_sort_of_change_that_needs_notice_is_named() {
    let book = |fields: &str, after: &str| format!("{}{fields}", late_book().replace("\"401\"", after));
    let other = "\n[[version.component]]\nid = \"b\"\nkind = \"vm\"\nmodel = \"once\"\nquantity = []\nprice = \"1\"\n";
    let desk = Desk::new()
        .file("never.toml", late_book().replace("announced = 2026-11-19", ""))
        .file("same-day.toml", late_book().replace("2026-11-19", "2026-12-01"))
        .file("afterwards.toml", late_book().replace("2026-11-19", "2027-12-01"))
        .file("one-day.toml", late_book().replace("2026-11-19", "2026-11-30"))
        .file("added.toml", book(other, "\"365.25\""))
        .file("two.toml", book(other, "\"400\""))
        .file(
            "by-hour.toml",
            book("", "\"0.55\"").replace("0.55\"\nper = \"month\"", "0.55\"\nper = \"hour\""),
        )
        .file("vat.toml", book("vat = { rate = \"25\", included = false }\n", "\"365.25\""))
        .file("when.toml", book("round_up = { step = \"2\" }\n", "\"365.25\""));
    let line = "prices check never.toml same-day.toml afterwards.toml one-day.toml added.toml two.toml by-hour.toml vat.toml when.toml";
    insta::assert_snapshot!(desk.kopeck(line).whole());
}

#[test]
fn a_price_that_falls_needs_no_notice() {
    let book = late_book().replace("\"401\"", "\"365\"").replace("announced = 2026-11-19", "");
    let answer = Desk::new().file("prices.toml", book).kopeck("prices check prices.toml");
    insta::assert_snapshot!(answer.whole());
}

#[test]
fn what_is_allowed_and_probably_not_meant_is_warned_of() {
    let component = |id: &str, rest: &str| {
        format!("\n[[version.component]]\nid = \"{id}\"\nkind = \"vm\"\nquantity = []\n{rest}\n")
    };
    let per_second = "model = \"per_second\"\nprice = \"1\"\nper = \"hour\"";
    let peak = |price: &str| format!("model = \"monthly_peak\"\nprice = \"{price}\"");
    let book = [
        HEAD.to_owned(),
        "[states.vm]\ninactive = []\n[states.wm]\nactive = [\"ON\"]\n".to_owned(),
        "[[version]]\neffective = 2026-10-01\n".to_owned(),
        component("over", per_second) + &component("back", &peak("1")) + &component("later", &peak("1")),
        component("never", &format!("when = {{ state = \"inactive\" }}\n{per_second}")),
        "[[version]]\neffective = 2026-12-10\nannounced = 2026-10-01\n".to_owned(),
        component("over", &peak("1")) + &component("back", per_second) + &component("later", &peak("2")),
        "[[version]]\neffective = 2027-12-10\n".to_owned(),
    ];
    let answer = Desk::new().file("prices.toml", book.concat()).kopeck("prices check prices.toml");
    insta::assert_snapshot!(answer.whole());
}

#[test]
fn the_example_books_are_in_order() {
    let books = ["cloud-compute", "dedicated-host", "marketplace", "private-region", "sample"];
    let paths = books.map(|name| root().join(format!("examples/{name}.toml")).display().to_string());
    let answer = Desk::new().kopeck(&format!("prices check {}", paths.join(" ")));
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{}", answer.stdout);
    assert_eq!(answer.stdout.matches(": in order; ").count(), 5);
}

#[test]
fn a_bad_book_among_good_ones_hides_none_of_them() {
    let desk = Desk::new().file("good.toml", HEAD.to_owned() + &version("2026-10-01", "", "1"));
    let desk = desk.file("bad.toml", HEAD).file("worse.toml", "[[").file("late.toml", late_book());
    let answer = desk.kopeck("prices check bad.toml good.toml worse.toml late.toml");
    insta::assert_snapshot!(answer.whole());
    let answer = desk.kopeck("prices check good.toml none.toml");
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("can not read the price book none.toml"), "{}", answer.stderr);
}

#[test]
fn a_place_is_shown_with_carets_also_where_lines_are_long_or_strange() {
    let fields: String = (0..500).map(|number| format!("field{number} = 1, ")).collect();
    let hostile = [
        HEAD.replace("\"b\"", "\"b\"\nцена = 1"),
        HEAD.replace("\"RUB\"", "\"\\u001b[31m\u{202e}日本\"\t# \u{7f}").replace('\u{7f}', "x"),
        HEAD.replace("included = false", &format!("included = false, {}", &fields[..fields.len() - 2])),
        HEAD.replace("\"22\"", &format!("\"{}\"", "9".repeat(100_000))),
        HEAD.replace("\"22\"", &format!("{}22", " ".repeat(100_000))),
        HEAD.replace("\"Europe/Moscow\"", "[\n1,\n2,\n3,\n4,\n5,\n6,\n7,\n]"),
        HEAD.replace("\"Europe/Moscow\"", "[\n1,\n]"),
        HEAD.replace('\n', "\r\n").replace("RUB", "RU"),
        HEAD.trim_end().replace("false }", "fals"),
    ];
    let told = hostile.map(|book| {
        let answer = Desk::new().file("p.toml", book).kopeck("prices check p.toml");
        assert_eq!(answer.code, 2);
        let longest = answer.stderr.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest < 200, "{longest}");
        // What comes after the first problems repeats the form.
        answer.stderr.lines().take(16).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(told.join("\n========\n"));
}

#[test]
fn more_than_a_hundred_problems_are_counted() {
    let fields: String = (0..250).map(|number| format!("field{number} = 1\n")).collect();
    let answer =
        Desk::new().file("prices.toml", HEAD.to_owned() + &fields).kopeck("prices check prices.toml");
    assert_eq!(answer.code, 2);
    assert_eq!(answer.stderr.matches("error: ").count(), 100);
    assert!(answer.stderr.contains("... and 151 more in prices.toml"), "{}", answer.stderr);
}

/// Two books that differ in all that a comparison tells.
fn changed_books() -> Desk {
    let component =
        |id: &str, rest: &str| format!("\n[[version.component]]\nid = \"{id}\"\nkind = \"vm\"\n{rest}\n");
    let calls = |first: &str, second: &str| {
        component(
            "api.call",
            &format!("model = \"per_use\"\nquantity = [\"calls\"]\ntiers = [{{ up_to = \"10\", price = \"{first}\" }}, {{ price = \"{second}\" }}]"),
        )
        .replace("\"vm\"", "\"api_call\"")
    };
    let fee = |id: &str| component(id, "model = \"monthly\"\nquantity = []\nprice = \"31\"");
    let ram = component(
        "vm.ram",
        "model = \"per_second\"\nquantity = [\"ram_gb\"]\nprice = \"0.3\"\nper = \"hour\"",
    );
    let old = HEAD.to_owned() + &version("2026-01-01", "", "365.25") + &calls("3", "2") + &fee("gone") + &ram;
    let new = HEAD.to_owned()
        + &version("2026-01-01", "", "365.25")
        + &version("2027-01-01", "announced = 2026-11-01", "401")
        + &calls("3", "1")
        + &fee("new")
        + &ram
            .replace("\"0.3\"", "\"0\"")
            .replace("quantity", "when = { state = [\"active\", \"inactive\"] }\nquantity");
    let new = new.replace("[book]", "[states.vm]\nactive = [\"RUNNING\"]\n[book]");
    let event = |id: &str, event_type: &str, project: &str, time: &str, data: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"kopeck.{event_type}.v1","subject":"{project}-1","time":"2026-10-{time}+03:00","project":"{project}","data":{{{data}}}}}"#
        )
    };
    let running = r#""kind":"vm","state":"RUNNING","attributes":{"vcpu":2,"ram_gb":4}"#;
    let deleted = running.replace("RUNNING", "DELETED");
    let called = r#""kind":"api_call","attributes":{"calls":15}"#;
    let events = [
        event("e1", "state", "acme", "01T00:00:00", running),
        event("e2", "state", "acme", "02T00:00:00", &deleted),
        event("e3", "usage", "acme", "03T00:00:00", called),
        event("e4", "state", "beta", "05T12:00:00", running),
        event("e5", "state", "beta", "05T13:00:00", &deleted),
        event("e6", "usage", "beta", "05T13:00:00", r#""kind":"gpu_hour","attributes":{}"#),
    ];
    Desk::new().file("old.toml", old).file("new.toml", new).file("events.jsonl", events.join("\n"))
}

#[test]
fn a_comparison_tells_what_was_added_removed_raised_lowered_and_changed() {
    let desk = changed_books();
    let answers = [
        desk.kopeck("prices diff old.toml new.toml"),
        desk.kopeck("prices diff old.toml new.toml --format json"),
        desk.kopeck("prices diff old.toml new.toml --new-version 2026-01-01"),
        desk.kopeck("prices diff new.toml new.toml"),
        desk.kopeck("prices diff new.toml new.toml --old-version 2026-02-01"),
    ];
    insta::assert_snapshot!(answers.map(|answer| answer.whole()).join("\n"));
}

const WINDOW: &str = "--events events.jsonl --from 2026-10-01 --to 2026-11-01";

#[test]
fn a_backtest_tells_what_the_change_would_have_done_to_each_project() {
    let desk = changed_books();
    let answers = [
        desk.kopeck(&format!("prices diff old.toml new.toml {WINDOW}")),
        desk.kopeck(&format!("prices diff old.toml new.toml {WINDOW} --format json")),
        desk.kopeck("prices diff old.toml new.toml --events events.jsonl --from 2025-10-01 --to 2025-11-01"),
    ];
    insta::assert_snapshot!(answers.map(|answer| answer.whole()).join("\n"));
}

#[test]
fn a_backtest_of_a_version_against_itself_is_the_bill_twice() {
    let desk = Desk::new().file("prices.toml", fs::read(root().join("examples/sample.toml")).unwrap());
    desk.kopeck("sample --seed 3 --vms 12 --days 31 -o events.jsonl");
    let json = |line: &str| -> serde_json::Value {
        let answer = desk.kopeck(line);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
        serde_json::from_str(&answer.stdout).unwrap()
    };
    let backtest = json(&format!("prices diff prices.toml prices.toml {WINDOW} --format json"));
    let bill = json(&format!("rate --prices prices.toml {WINDOW} --format json"));
    assert_eq!(backtest["changes"], serde_json::json!([]));
    let total = &backtest["backtest"]["total"];
    assert_eq!((&total["old"], &total["new"]), (&bill["total"], &bill["total"]));
    assert_eq!(total["difference"], "0.000000");
}

#[test]
fn books_that_can_not_be_compared_and_bad_arguments_are_refused() {
    let desk = changed_books();
    let book = fs::read_to_string(desk.path("new.toml")).unwrap();
    let desk = desk
        .file("euro.toml", book.replace("RUB", "EUR"))
        .file("utc.toml", book.replace("Europe/Moscow", "UTC"));
    for (line, said) in [
        ("prices diff old.toml euro.toml".to_owned(), "old.toml is in RUB and euro.toml in EUR"),
        (format!("prices diff old.toml utc.toml {WINDOW}"), "time zone Europe/Moscow and utc.toml in UTC"),
        ("prices diff old.toml new.toml --events events.jsonl".to_owned(), "--from"),
        ("prices diff old.toml new.toml --from 2026-10-01".to_owned(), "--events"),
        (format!("prices diff old.toml new.toml {WINDOW}").replace("11-01", "10-01"), "is not after"),
        ("prices diff old.toml none.toml".to_owned(), "can not read the price book none.toml"),
        ("prices diff old.toml".to_owned(), "<NEW>"),
        ("prices check".to_owned(), "<FILE>"),
        ("prices".to_owned(), "Usage: kopeck prices"),
    ] {
        let answer = desk.kopeck(&line);
        assert_eq!(answer.code, 2, "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains(said), "{line}\n{}", answer.stderr);
        assert_eq!(answer.stdout, "", "{line}");
    }
    let answer = desk.kopeck("prices diff old.toml utc.toml");
    assert!(answer.stdout.contains("timezone"), "{}", answer.whole());
    let events = fs::read_to_string(desk.path("events.jsonl")).unwrap();
    let desk = desk.file("events.jsonl", format!("{events}\n{{}}"));
    let answer = desk.kopeck(&format!("prices diff old.toml new.toml {WINDOW}"));
    assert_eq!(answer.code, 1, "{}", answer.whole());
    assert_eq!(answer.stderr.matches("event refused").count(), 1, "{}", answer.stderr);
}

#[test]
fn the_commands_of_prices_teach_by_examples() {
    let desk = Desk::new();
    let helps = ["prices --help", "prices check --help", "prices diff --help"];
    insta::assert_snapshot!(helps.map(|line| desk.kopeck(line).whole()).join("\n"));
}
