//! The journal for plain-text accounting: what `hledger` reads, to the last digit.
//!
//! A posted transaction is one entry with two postings for each transfer. Holds move no money, so they are not
//! there. Dates are those of UTC. Account names are `kind:name:id` with whatever hledger could take for its own
//! syntax replaced by `_`, so its balances can be compared account by account.

use std::fmt::{self, Write};

use crate::account::Opening;
use crate::ledger::Ledger;
use crate::name::{AccountNumber, Currency, Text};
use crate::record::{Body, Record, Transaction};

/// Writes what stands before the first transaction: how amounts are written, and all accounts.
///
/// # Errors
/// What `to` gives.
pub fn head(ledger: &Ledger, to: &mut impl Write) -> fmt::Result {
    writeln!(to, "decimal-mark .")?;
    let mut currencies: Vec<Currency> =
        ledger.accounts().iter().map(|account| account.opening.currency).collect();
    currencies.sort_unstable();
    currencies.dedup();
    for currency in currencies {
        writeln!(to, "commodity 1000.000000 {currency}")?;
    }
    for account in ledger.accounts() {
        writeln!(to, "account {}", account_name(&account.opening))?;
    }
    Ok(())
}

/// Writes the entry of a record; nothing where it moves no money.
///
/// `ledger` is any state in which the record's accounts are open, such as the last one.
///
/// # Errors
/// What `to` gives, or an error where an account is not open.
pub fn entry(record: &Record, ledger: &Ledger, to: &mut impl Write) -> fmt::Result {
    let Body::Posted(transaction) = &record.body else { return Ok(()) };
    let instant = record.at.timestamp();
    let date = instant.to_zoned(jiff::tz::TimeZone::UTC).date();
    writeln!(to, "\n{date} * ({}) {}", record.sequence, description(transaction))?;
    writeln!(to, "    ; at: {instant}")?;
    if let Some(asked) = record.asked {
        writeln!(to, "    ; id: {}", asked.id)?;
    }
    if let Some(corrects) = transaction.corrects {
        writeln!(to, "    ; corrects: {corrects}")?;
    }
    if let Some(project) = &transaction.project {
        writeln!(to, "    ; project: {}", plain(project))?;
    }
    for transfer in &transaction.transfers {
        let (amount, purpose) = (transfer.amount, transfer.purpose);
        let (debit, credit) = (opening(ledger, transfer.debit)?, opening(ledger, transfer.credit)?);
        let currency = debit.currency;
        writeln!(to, "    {}  -{amount} {currency}  ; purpose: {purpose}", account_name(debit))?;
        writeln!(to, "    {}  {amount} {currency}  ; purpose: {purpose}", account_name(credit))?;
    }
    Ok(())
}

/// What hledger calls an account: unique, and without anything that it would read otherwise.
#[must_use]
pub fn account_name(opening: &Opening) -> String {
    let safe = |letter: char| if letter.is_alphanumeric() || letter == '-' { letter } else { '_' };
    let name: String = opening.name.as_str().chars().map(safe).collect();
    format!("{}:{name}:{}", opening.kind, opening.id)
}

fn opening(ledger: &Ledger, number: AccountNumber) -> Result<&Opening, fmt::Error> {
    ledger.account(number).map(|account| &account.opening).ok_or(fmt::Error)
}

fn description(transaction: &Transaction) -> String {
    let purpose = transaction.transfers.first().map_or("", |transfer| transfer.purpose.word());
    match &transaction.reference {
        Some(reference) => format!("{purpose} | {}", plain(reference)),
        None => purpose.to_owned(),
    }
}

/// A text without what would begin a comment, end a tag's value, or divide a description.
fn plain(text: &Text) -> String {
    text.as_str().replace([';', '|', ','], "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{PayJob, Work};
    use crate::testing::{World, account, charge, hold, text};
    use expect_test::expect;

    #[test]
    fn postings_are_written_to_the_last_digit_and_holds_are_not() {
        let mut world = World::new();
        world.funded("100");
        world.done(hold("workspace", "5", "2026-10-02T00:00:00Z"));
        let mut charge = charge("workspace", "32.760001");
        charge.reference = text("job 7; urgent");
        world.done(Work::PayJob(PayJob { charge, executor: account("executor"), user: None }));
        let mut written = String::new();
        head(&world.ledger, &mut written).unwrap();
        for record in &world.journal.records {
            entry(record, &world.ledger, &mut written).unwrap();
        }
        expect![[r#"
            decimal-mark .
            commodity 1000.000000 RUB
            account user:ann:616e6e00-0000-0000-0000-000000000000
            account user:bob:626f6200-0000-0000-0000-000000000000
            account workspace:workspace:776f726b-7370-6163-6500-000000000000
            account storage:storage:73746f72-6167-6500-0000-000000000000
            account executor:executor:65786563-7574-6f72-0000-000000000000
            account platform:platform:706c6174-666f-726d-0000-000000000000
            account external:external:65787465-726e-616c-0000-000000000000
            account rounding:rounding:726f756e-6469-6e67-0000-000000000000
            account tax:tax:74617800-0000-0000-0000-000000000000

            2026-10-01 * (10) deposit
                ; at: 2026-10-01T00:00:00Z
                ; id: 00000000-0000-0000-0000-00000000000a
                external:external:65787465-726e-616c-0000-000000000000  -100.000000 RUB  ; purpose: deposit
                user:ann:616e6e00-0000-0000-0000-000000000000  100.000000 RUB  ; purpose: deposit

            2026-10-01 * (11) direct_transfer
                ; at: 2026-10-01T00:00:00Z
                ; id: 00000000-0000-0000-0000-00000000000b
                user:ann:616e6e00-0000-0000-0000-000000000000  -100.000000 RUB  ; purpose: direct_transfer
                workspace:workspace:776f726b-7370-6163-6500-000000000000  100.000000 RUB  ; purpose: direct_transfer

            2026-10-01 * (13) executor_payment | job 7_ urgent
                ; at: 2026-10-01T00:00:00Z
                ; id: 00000000-0000-0000-0000-00000000000d
                ; project: p
                workspace:workspace:776f726b-7370-6163-6500-000000000000  -32.760001 RUB  ; purpose: executor_payment
                executor:executor:65786563-7574-6f72-0000-000000000000  32.760001 RUB  ; purpose: executor_payment
                executor:executor:65786563-7574-6f72-0000-000000000000  -6.552000 RUB  ; purpose: commission
                platform:platform:706c6174-666f-726d-0000-000000000000  6.552000 RUB  ; purpose: commission
        "#]].assert_eq(&written);
    }

    #[test]
    fn a_name_can_not_be_read_as_syntax() {
        let mut world = World::new();
        world.open("[(a  b;c:d)]", crate::account::AccountKind::User, None);
        let account = world.ledger.accounts().last().unwrap();
        assert_eq!(account_name(&account.opening), "user:__a__b_c_d__:5b286120-2062-3b63-3a64-295d00000000");
    }
}
