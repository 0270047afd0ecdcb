//! Bad input and ledgers that can not be used: each is told with its reason and remedy, and changes nothing.

use std::fs;

use kopeck_ledger::name::Moment;
use kopeck_store::sqlite::{DATABASE_FILE, Options, SqliteStore};
use rusqlite::Connection;

use super::{done, id, people};
use crate::desk::Desk;

#[test]
fn what_can_not_be_is_refused_with_its_remedy_and_changes_nothing() {
    let desk = people();
    done(&desk, "account create --kind user --name Twin");
    done(&desk, "account create --kind user --name Twin");
    let before = done(&desk, "account list").stdout;
    let (long, unknown) = ("x".repeat(256), id(77));
    for (line, said) in [
        ("transfer --from Ann --to acme --amount 0.0000001", "has more than 6 decimals"),
        ("transfer --from Ann --to acme --amount -5", "is below zero"),
        ("transfer --from Ann --to acme --amount 1e3", "is not an amount"),
        ("transfer --from Ann --to acme --amount 1,5", "is not an amount"),
        ("transfer --from Ann --to acme --amount 0", "the amount is zero"),
        ("transfer --from Ann --to acme --amount 18446744073709.551616", "the amount is above"),
        ("transfer --from Ann --to acme --amount 9999999999999999999999999999999", "is too large"),
        ("transfer --from Ann --to nobody --amount 5", "no account is called nobody"),
        (&format!("transfer --from {unknown} --to acme --amount 5"), "there is no account"),
        ("transfer --from Ann --to Twin --amount 5", "2 accounts are called Twin"),
        ("transfer --from Ann --to Ann --amount 5", "debit and credit are one account"),
        ("transfer --from acme --to Bob --amount 5", "pays its own owner only"),
        ("transfer --from acme --to acme --amount 5", "one account"),
        ("transfer --from Ann --to acme --amount 1000.000001", "0.000001 are missing"),
        ("transfer --from Ann --to acme --amount 5 --id 17", "invalid value '17' for '--id"),
        ("transfer --from Ann --to acme --amount 5 --at 2199-01-01T00:00:00Z", "has not come yet"),
        ("transfer --from Ann --to acme --amount 5 --at 2025-10-05", "not an instant with an offset"),
        (&format!("transfer --from Ann --to acme --amount 5 --actor {long}"), "has more than 255 bytes"),
        ("deposit --to acme --amount 5", "deposit may not move money from external to workspace"),
        ("deposit --to Ann --amount 5 --invoice 7", "--workspace"),
        ("withdraw --from acme --amount 5", "withdrawal may not move money from workspace to external"),
        ("account create --kind workspace --name w", "needs its owner's user account"),
        ("account create --kind user --name w --owner Ann", "a user account has no owner"),
        ("account create --kind workspace --name w --owner acme", "an owner is a user"),
        ("account create --kind platform --name p", "has its platform account"),
        ("account create --kind bank --name p", "unknown kind: write one of user, workspace"),
        ("account create --kind user --name n --zone Mars/Base", "the time zone is not known"),
        ("account create --kind user --name n --currency rub", "is not a currency"),
        ("account create --kind user --name n --coefficient -1", "--coefficient"),
        ("hold create --on Ann --amount 5 --expires 2025-01-01T00:00:00Z", "has passed"),
        ("hold create --on Ann --amount 5000 --expires 2099-01-01T00:00:00Z", "4000.000000 are missing"),
        ("hold create --on Ann --amount 5 --expires tomorrow", "not an instant with an offset"),
        (&format!("hold show {unknown}"), "there is no hold"),
        (&format!("hold release {unknown}"), "no hold"),
        (&format!("hold post {unknown} --to acme"), "there is no hold"),
        (&format!("hold post {unknown}"), "--to"),
        ("ledger export --format beancount", "possible values: hledger"),
        ("ledger verify --head 17", "not a head"),
        ("ledger verify --backup none.kopeck", "none.kopeck is not a ledger of kopeck"),
        ("backup no/such/folder/x", "can not"),
        ("restore none.kopeck --store other", "none.kopeck is not a ledger of kopeck"),
    ] {
        let answer = desk.kopeck(line);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains(said), "{line}\n{}", answer.stderr);
        assert!(answer.stderr.lines().count() > 1, "{line} is told without a remedy\n{}", answer.stderr);
    }
    assert_eq!(done(&desk, "account list").stdout, before);
    done(&desk, "ledger verify");
}

/// Every command that uses a ledger.
pub const COMMANDS: &[&str] = &[
    "account create --kind user --name New",
    "account list",
    "account show Ann",
    "account show Ann --as-of 2025-10-02T00:00:00Z",
    "account statement Ann",
    "account report acme",
    "transfer --from Ann --to acme --amount 1",
    "deposit --to Ann --amount 1",
    "withdraw --from Ann --amount 1",
    "hold create --on Ann --amount 1 --expires 2099-01-01T00:00:00Z",
    "hold show 0199a000-0000-7000-8000-000000000099",
    "hold release 0199a000-0000-7000-8000-000000000099",
    "hold post 0199a000-0000-7000-8000-000000000099 --to acme",
    "ledger verify",
    "ledger export --format hledger",
    "backup copy.kopeck",
];

fn all_say(desk: &Desk, commands: &[&str], said: &str, remedy: &str) {
    for line in commands {
        let answer = desk.kopeck(line);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains(said) && answer.stderr.contains(remedy), "{line}\n{}", answer.stderr);
    }
}

#[test]
fn a_ledger_that_is_not_there_is_told_by_every_command() {
    all_say(&Desk::new(), COMMANDS, "there is no ledger in kopeck-data", "make one with `kopeck init`");
}

#[test]
fn a_ledger_in_use_is_told_with_the_process_and_verifying_and_backing_up_go_on() {
    let desk = people();
    let clock = std::sync::Arc::new(|| Moment::LAST);
    let held = SqliteStore::open(&desk.path("kopeck-data"), Options::at(clock)).unwrap();
    let (others, own): (Vec<&str>, Vec<&str>) =
        COMMANDS.iter().partition(|line| line.starts_with("ledger verify") || line.starts_with("backup"));
    let by = format!("is in use by process {}", std::process::id());
    all_say(&desk, &own, &by, "stop that process first");
    all_say(&desk, &["restore copy.kopeck --replace", "init"], &by, "stop that process first");
    others.iter().for_each(|line| drop(done(&desk, line)));
    held.close();
    done(&desk, "account show Ann");
}

#[test]
fn a_ledger_of_a_newer_program_is_not_touched() {
    let desk = people();
    let database = desk.path("kopeck-data").join(DATABASE_FILE);
    Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let own: Vec<&str> = COMMANDS
        .iter()
        .copied()
        .filter(|line| !line.starts_with("ledger verify") && !line.starts_with("backup"))
        .collect();
    all_say(&desk, &own, "has version 99, and this program knows versions up to 1", "use a newer kopeck");
    let version: i64 = Connection::open(&database)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

#[test]
fn what_is_no_ledger_is_told_and_left_alone() {
    for content in [b"not a database at all, but long enough to be looked at".to_vec(), vec![0; 10_000]] {
        let desk = Desk::new();
        fs::create_dir(desk.path("kopeck-data")).unwrap();
        let database = desk.path("kopeck-data").join(DATABASE_FILE);
        fs::write(&database, &content).unwrap();
        for line in COMMANDS.iter().chain(&["init"]) {
            let answer = desk.kopeck(line);
            assert_eq!(answer.code, 2, "{line}\n{}", answer.whole());
            assert!(answer.stderr.starts_with("error: "), "{line}\n{}", answer.whole());
        }
        assert_eq!(fs::read(&database).unwrap(), content);
    }
    let desk = Desk::new().file("kopeck-data", "a file where the folder should be");
    assert_eq!(desk.kopeck("init").code, 2);
    assert_eq!(desk.kopeck("account list").code, 2);
}
