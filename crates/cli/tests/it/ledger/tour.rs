//! Opening accounts, moving money, setting it aside, keeping it safe.

use super::{done, fixed, id, people, told};
use crate::desk::Desk;

#[test]
fn a_ledger_is_made_with_the_accounts_of_the_operator_and_the_system_once() {
    let desk = Desk::new();
    let init = "init --at 2025-10-01T00:00:00Z --currency RUB --currency USD --currency RUB".to_owned();
    let again = "init --format json".to_owned();
    let elsewhere = "init --at 2025-10-01T00:00:00Z --store elsewhere --format json".to_owned();
    insta::assert_snapshot!(told(&desk, &[init, again, elsewhere]));
}

#[test]
fn money_comes_in_is_moved_and_goes_out() {
    let desk = people();
    let lines = [
        format!("transfer --from Ann --to acme --amount 250.5 --project p {}", fixed(5, "02T08:00:00Z")),
        format!(
            "deposit --to Ann --amount 40 --invoice 2025-10-1 --workspace acme {}",
            fixed(6, "02T09:00:00Z")
        ),
        format!("transfer --from acme --to Ann --amount 0.000001 {} --format json", fixed(7, "02T10:00:00Z")),
        format!("withdraw --from Ann --amount 100 --reference order-18 {}", fixed(8, "03T08:00:00Z")),
        "account list".to_owned(),
        "account show acme".to_owned(),
        format!("account show {} --format json", id(1)),
        "account show Ann --as-of 2025-10-02T09:00:00Z".to_owned(),
        "account show Ann --as-of 2025-10-02T08:59:59Z --format json".to_owned(),
        "account list --kind workspace --format json".to_owned(),
    ];
    insta::assert_snapshot!(told(&desk, &lines));
}

#[test]
fn a_retry_answers_as_the_first_time_and_moves_nothing() {
    let desk = people();
    let transfer =
        format!("transfer --from Ann --to acme --amount 250 {} --format json", fixed(5, "02T08:00:00Z"));
    let first = done(&desk, &transfer);
    done(&desk, &format!("deposit --to Bob --amount 1 {}", fixed(6, "03T08:00:00Z")));
    assert_eq!(done(&desk, &transfer).whole(), first.whole());
    let other = desk.kopeck(&transfer.replace("250", "251"));
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("the id was used before with other content"), "{}", other.stderr);
    assert!(done(&desk, "account show acme").stdout.contains("posted            250.000000"));
}

#[test]
fn refused_once_for_lack_of_money_is_refused_for_ever() {
    let desk = people();
    let transfer = format!("transfer --from Bob --to acme --amount 7 {}", fixed(5, "02T08:00:00Z"));
    let refused = desk.kopeck(&transfer);
    done(&desk, &format!("deposit --to Bob --amount 100 {}", fixed(6, "03T08:00:00Z")));
    assert_eq!(desk.kopeck(&transfer).whole(), refused.whole());
    done(&desk, &transfer.replace(&id(5), &id(7)));
    insta::assert_snapshot!(refused.whole());
}

#[test]
fn a_hold_is_paid_from_in_parts_released_or_expires_at_its_instant() {
    let desk = people();
    let hold = |number, expires: &str| {
        let sent = fixed(number, "02T08:00:00Z");
        format!("hold create --on Ann --amount 40 --expires {expires} --reference job-{number} {sent}")
    };
    let lines = [
        hold(10, "2099-01-01T00:00:00Z"),
        "account show Ann".to_owned(),
        format!("hold post {} --to acme --amount 12.5 --keep {}", id(10), fixed(11, "02T09:00:00Z")),
        format!("hold show {}", id(10)),
        format!("hold post {} --withdraw {}", id(10), fixed(12, "02T10:00:00Z")),
        format!("hold post {} --withdraw {}", id(10), fixed(12, "02T10:00:00Z")),
        format!("hold post {} --withdraw {}", id(10), fixed(13, "02T10:00:00Z")),
        format!("hold show {} --format json", id(10)),
        hold(20, "2099-01-01T00:00:00Z"),
        format!("hold release {} {} --format json", id(20), fixed(21, "02T11:00:00Z")),
        format!("hold release {} {}", id(20), fixed(22, "02T11:00:00Z")),
        hold(30, "2025-10-02T12:30:00Z"),
        format!("hold show {}", id(30)),
        format!("hold post {} --to acme {}", id(30), fixed(31, "02T12:30:00Z")),
    ];
    insta::assert_snapshot!(told(&desk, &lines));
}

#[test]
fn a_backup_becomes_a_ledger_again() {
    let desk = people();
    let lines = [
        "backup monday.kopeck".to_owned(),
        "backup monday.kopeck".to_owned(),
        "ledger verify --backup monday.kopeck".to_owned(),
        format!("transfer --from Ann --to acme --amount 250 {}", fixed(5, "02T08:00:00Z")),
        "restore monday.kopeck".to_owned(),
        "restore monday.kopeck --store other".to_owned(),
        "ledger verify --store other".to_owned(),
        "restore monday.kopeck --replace".to_owned(),
        "account list".to_owned(),
        "ledger verify --format json".to_owned(),
    ];
    insta::assert_snapshot!(told(&desk, &lines));
}

#[test]
fn a_head_that_was_printed_proves_the_journal_up_to_there() {
    let desk = people();
    let printed = done(&desk, "account statement Ann").stdout;
    let head = printed.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    done(&desk, &format!("transfer --from Ann --to acme --amount 250 {}", fixed(5, "02T08:00:00Z")));
    done(&desk, &format!("ledger verify --head {head}"));
    let (sequence, hash) = head.split_once(':').unwrap();
    let other = if hash.starts_with('0') { "1" } else { "0" };
    let answer = desk.kopeck(&format!("ledger verify --head {sequence}:{other}{}", &hash[1..]));
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains(&format!("record {sequence} ")), "{}", answer.stderr);
    let beyond = desk.kopeck(&format!("ledger verify --head 999:{hash}"));
    assert!(beyond.stderr.contains("cut off"), "{}", beyond.stderr);
}

#[test]
fn the_folder_is_named_by_an_option_or_the_environment() {
    let desk = Desk::new();
    let with_environment = |line: &str| {
        let mut command = assert_cmd::Command::cargo_bin("kopeck").unwrap();
        command.current_dir(desk.path("")).args(line.split_whitespace()).env("KOPECK_STORE", "there");
        command.output().unwrap().status.code()
    };
    assert_eq!(with_environment("init"), Some(0));
    done(&desk, "account list --store there");
    assert_eq!(desk.kopeck("account list").code, 2);
    assert_eq!(with_environment("account list"), Some(0));
}

#[test]
fn the_commands_of_the_ledger_teach_by_examples() {
    let desk = Desk::new();
    let helps = [
        "init",
        "account",
        "account create",
        "account list",
        "account show",
        "account statement",
        "account report",
        "transfer",
        "deposit",
        "withdraw",
        "hold",
        "hold create",
        "hold post",
        "hold release",
        "hold show",
        "ledger",
        "ledger verify",
        "ledger export",
        "backup",
        "restore",
    ];
    let lines: Vec<_> = helps.iter().map(|command| format!("{command} --help")).collect();
    insta::assert_snapshot!(told(&desk, &lines));
}
