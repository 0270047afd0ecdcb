//! Ledgers that were damaged: verifying names the place, and no command panics or makes it worse.

use std::fs;

use kopeck_simulator::fill;
use kopeck_store::sqlite::{DATABASE_FILE, HEAD_LOG_FILE};
use rusqlite::Connection;

use super::{done, people};
use crate::desk::{Answer, Desk};

fn busy() -> Desk {
    let desk = Desk::new();
    fill(&desk.path("kopeck-data"), 2, 1_000).unwrap();
    desk
}

/// Another desk with the same ledger, of whose database there are so many bytes.
fn copy_of(ledger: &Desk, length: usize) -> Desk {
    let desk = Desk::new();
    let [from, to] = [ledger, &desk].map(|desk| desk.path("kopeck-data"));
    fs::create_dir(&to).unwrap();
    let database = fs::read(from.join(DATABASE_FILE)).unwrap();
    fs::write(to.join(DATABASE_FILE), &database[..length.min(database.len())]).unwrap();
    fs::copy(from.join(HEAD_LOG_FILE), to.join(HEAD_LOG_FILE)).unwrap();
    desk
}

fn damaged(desk: &Desk, damage: &[&str]) -> Answer {
    let connection = Connection::open(desk.path("kopeck-data").join(DATABASE_FILE)).unwrap();
    let changed: usize = damage.iter().map(|statement| connection.execute(statement, ()).unwrap()).sum();
    assert!(changed > 0, "{damage:?}");
    drop(connection);
    desk.kopeck("ledger verify")
}

/// The statement that exchanges one byte of the row that holds a record.
fn flipped(record: u64) -> String {
    format!(
        "UPDATE journal SET records = CAST(substr(records, 1, 100) || \
         CASE substr(records, 101, 1) WHEN x'77' THEN x'78' ELSE x'77' END || substr(records, 102) AS BLOB) \
         WHERE first = (SELECT max(first) FROM journal WHERE first <= {record})"
    )
}

#[test]
fn verify_names_the_first_broken_record() {
    let swap = "UPDATE journal SET records = (SELECT records FROM journal ORDER BY first DESC LIMIT 1) WHERE first = 1";
    let cases: [(&str, Vec<String>, &str); 4] = [
        ("a flipped byte", vec![flipped(300)], "record "),
        (
            "a deleted row",
            vec!["DELETE FROM journal WHERE first <= 300 AND last >= 300".to_owned()],
            "is missing",
        ),
        ("a row in another's place", vec![swap.to_owned()], "record 1 is not in its place"),
        (
            "a cut-off tail",
            vec!["DELETE FROM journal WHERE first > 300".to_owned(), "DELETE FROM snapshot".to_owned()],
            "cut off",
        ),
    ];
    for (what, damage, said) in cases {
        let desk = busy();
        let damage: Vec<&str> = damage.iter().map(String::as_str).collect();
        let answer = damaged(&desk, &damage);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{what}\n{}", answer.whole());
        assert!(
            answer.stderr.contains("the ledger is broken: record ") && answer.stderr.contains(said),
            "{what}\n{}",
            answer.stderr
        );
        assert!(answer.stderr.contains("--> kopeck-data/kopeck.db"), "{what}\n{}", answer.stderr);
        let json = desk.kopeck("ledger verify --format json");
        let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json.code, 2);
        assert!(report["problem"]["record"].as_u64().is_some(), "{what}\n{report}");
    }
}

#[test]
fn no_command_panics_on_a_damaged_ledger() {
    let damages: [&[&str]; 4] = [
        &["DELETE FROM snapshot", "DELETE FROM journal WHERE first <= 5"],
        &["UPDATE journal SET records = x'00' WHERE first = 1", "DELETE FROM snapshot"],
        &["UPDATE journal SET last = last + 7, hash = zeroblob(32)"],
        &["UPDATE owner SET epoch = 9223372036854775807"],
    ];
    let whole = people();
    for damage in damages {
        let ledger = copy_of(&whole, usize::MAX);
        damaged(&ledger, damage);
        for line in super::refusals::COMMANDS {
            let desk = copy_of(&ledger, usize::MAX);
            let answer = desk.kopeck(line);
            assert!([0, 2].contains(&answer.code), "{line} after {damage:?}\n{}", answer.whole());
            assert!(!answer.stderr.contains("panicked"), "{line} after {damage:?}\n{}", answer.stderr);
            assert_eq!(answer.code == 2, answer.stderr.starts_with("error: "), "{line}\n{}", answer.whole());
        }
    }
}

#[test]
fn a_file_that_was_cut_short_is_told_by_every_command() {
    let ledger = people();
    let whole = fs::metadata(ledger.path("kopeck-data").join(DATABASE_FILE)).unwrap().len();
    for length in [0, 1, 100, 8_192, usize::try_from(whole / 2).unwrap()] {
        for line in super::refusals::COMMANDS {
            let desk = copy_of(&ledger, length);
            let answer = desk.kopeck(line);
            assert_eq!(answer.code, 2, "{line} on {length} bytes\n{}", answer.whole());
            assert!(answer.stderr.starts_with("error: "), "{line} on {length} bytes\n{}", answer.stderr);
        }
    }
}

#[test]
fn a_damaged_backup_restores_nothing() {
    let desk = busy();
    done(&desk, "backup copy.kopeck");
    let connection = Connection::open(desk.path("copy.kopeck")).unwrap();
    connection.execute(&flipped(300), ()).unwrap();
    drop(connection);
    let before = done(&desk, "account list").stdout;
    let answer = desk.kopeck("restore copy.kopeck --replace");
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.whole());
    assert!(answer.stderr.contains("the ledger is broken: record "), "{}", answer.stderr);
    assert_eq!(done(&desk, "account list").stdout, before);
    done(&desk, "ledger verify");
}
