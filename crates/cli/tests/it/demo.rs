//! `kopeck demo`: a month is played on a server, and comes to what rating says.

use crate::desk::{Answer, Desk};

const PLAYED: &str = "demo --exit --listen 127.0.0.1:0 --vms 20 --days 2";

/// The text of the output up to what is new each time: addresses and tokens.
fn shown(answer: &Answer) -> &str {
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.stdout.split("To look at").next().unwrap()
}

/// The last word of a line that begins so.
fn word<'a>(text: &'a str, line: &str, at: usize) -> &'a str {
    let line = text.lines().find(|told| told.trim_start().starts_with(line)).unwrap();
    line.split_whitespace().nth(at).unwrap().trim_end_matches(';')
}

#[test]
fn services_come_to_what_rating_the_same_events_says_and_all_of_it_is_posted() {
    let desk = Desk::new();
    let answer = desk.kopeck(&format!("{PLAYED} --data played"));
    let played = shown(&answer);
    let files = "--prices played/files/prices.toml --events played/files/events.jsonl";
    let rated = desk.kopeck(&format!("rate {files} --from 2026-10-01 --to 2026-10-03"));
    assert_eq!(rated.code, 0, "{}", rated.stderr);
    let total = word(&rated.stdout, "Total", 1);
    assert_ne!(total, "0.000000");
    assert_eq!(word(played, "Services of the clouds:", 4), total);
    assert_eq!(word(played, "Services of the clouds:", 6), total);
    assert!(played.contains("the ledger is proven"), "{played}");
    // The runaway was stopped before its cap was met, and has cost no more.
    let runaway = played.split_once("A runaway: ").unwrap().1;
    let instant =
        |after: &str| runaway.split_once(after).unwrap().1.split([' ', ';', '.']).next().unwrap().to_owned();
    assert!(instant("40 stops at ") < instant("have been met at "), "{runaway}");
    let money =
        |after: &str| runaway.split_once(after).unwrap().1.split('.').next().unwrap().parse::<u64>().unwrap();
    assert!((1..10_000).contains(&money("has cost ")) && money("would have cost ") > 100_000, "{runaway}");
}

#[test]
fn the_same_seed_plays_the_same_month() {
    let desk = Desk::new();
    let [first, again] = [desk.kopeck(PLAYED), desk.kopeck(PLAYED)];
    assert_eq!(shown(&first), shown(&again));
    let other = desk.kopeck(&format!("{PLAYED} --seed 2"));
    assert_ne!(shown(&first), shown(&other));
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let desk = Desk::new().file("file", "");
    let answer = desk.kopeck(&format!("{PLAYED} --data ."));
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains(". is not empty"), "{}", answer.stderr);
}
