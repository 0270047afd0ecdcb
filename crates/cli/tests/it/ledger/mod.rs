//! The ledger's commands as people use them: the real binary on a ledger in a folder of its own.

mod damage;
mod documents;
mod hledger;
mod refusals;
mod tour;

use crate::desk::{Answer, Desk};

pub use refusals::COMMANDS;

/// The end of an option list that makes a run the same on every machine: who, when, and under which id.
pub fn fixed(number: u64, at: &str) -> String {
    format!("--actor ops --at 2025-10-{at} --id {}", id(number))
}

/// A time-ordered id.
pub fn id(number: u64) -> String {
    format!("0199a000-0000-7000-8000-{number:012}")
}

/// Runs a command that must be done.
pub fn done(desk: &Desk, line: &str) -> Answer {
    let answer = desk.kopeck(line);
    assert_eq!(answer.code, 0, "{line}\n{}", answer.whole());
    answer
}

/// A ledger with Ann (1), her workspace acme (2), Bob (3), and 1000 on Ann's account.
pub fn people() -> Desk {
    let desk = Desk::new();
    done(&desk, "init --at 2025-10-01T00:00:00Z");
    for (number, line) in [
        (1, "account create --kind user --name Ann"),
        (2, "account create --kind workspace --name acme --owner Ann --zone Europe/Moscow"),
        (3, "account create --kind user --name Bob --credit-limit 5"),
        (4, "deposit --to Ann --amount 1000 --reference order-17"),
    ] {
        done(&desk, &format!("{line} {}", fixed(number, "01T08:00:00Z")));
    }
    desk
}

/// Each line with what it answered.
pub fn told(desk: &Desk, lines: &[String]) -> String {
    let runs = lines.iter().map(|line| format!("$ kopeck {line}\n{}", desk.kopeck(line).whole()));
    runs.collect::<Vec<_>>().join("\n")
}
