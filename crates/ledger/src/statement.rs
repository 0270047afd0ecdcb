//! Statements of an account for a period, and the report of a workspace: pure sums over its entries.
//!
//! The shell walks the account's chain of records and gives the opening balance; `date` says the local date of an
//! instant in the account's zone, so that a calendar is made once.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::amount::Amount;
use crate::name::{AccountNumber, Moment, Sequence, Text, TransactionId};
use crate::purpose::{Mode, Origin, Purpose};
use crate::record::{Body, Record};

/// One transfer, seen from one of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its record.
    pub sequence: Sequence,
    /// When it was posted.
    pub at: Moment,
    /// Its transaction.
    pub transaction: TransactionId,
    /// Asked for, or following from a charge.
    pub origin: Origin,
    /// At once, or on a schedule.
    pub mode: Mode,
    /// Who asked.
    pub actor: Option<Text>,
    /// The project that it concerns.
    pub project: Option<Text>,
    /// What it pays for.
    pub reference: Option<Text>,
    /// The transaction that it puts right.
    pub corrects: Option<TransactionId>,
    /// What it is for.
    pub purpose: Purpose,
    /// The other account.
    pub counterparty: AccountNumber,
    /// Above zero what came in, below zero what went out.
    pub amount: Amount,
}

/// The lines of an account that a record makes, in the order of its transfers.
#[must_use]
pub fn lines(record: &Record, account: AccountNumber) -> Vec<Line> {
    let (Body::Posted(transaction), Some(asked)) = (&record.body, record.asked) else { return Vec::new() };
    let mut lines = Vec::new();
    for transfer in &transaction.transfers {
        let (counterparty, amount) = if transfer.debit == account {
            (transfer.credit, transfer.amount.checked_neg())
        } else if transfer.credit == account {
            (transfer.debit, Some(transfer.amount))
        } else {
            continue;
        };
        // Transfers of 64 bits have a negative.
        let Some(amount) = amount else { continue };
        lines.push(Line {
            sequence: record.sequence,
            at: record.at,
            transaction: asked.id,
            origin: transaction.origin,
            mode: transaction.mode,
            actor: transaction.actor.clone(),
            project: transaction.project.clone(),
            reference: transaction.reference.clone(),
            corrects: transaction.corrects,
            purpose: transfer.purpose,
            counterparty,
            amount,
        });
    }
    lines
}

/// How the lines of a statement are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Each by itself.
    Raw,
    /// By local date.
    Date,
    /// By the actor of the transaction.
    User,
    /// By project.
    Project,
    /// By the other account.
    Counterparty,
}

/// What the lines of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The local date.
    Date(Date),
    /// The actor; `None` where nobody asked.
    User(Option<Text>),
    /// The project; `None` where there is none.
    Project(Option<Text>),
    /// The other account.
    Counterparty(AccountNumber),
}

/// Sums of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turnover {
    /// What came in.
    pub income: Amount,
    /// What went out, as a positive amount.
    pub expense: Amount,
    /// How many lines.
    pub lines: u64,
}

/// A statement of an account for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The balance before.
    pub opening: Amount,
    /// What came in and went out, by type.
    pub by_purpose: BTreeMap<Purpose, Turnover>,
    /// All that came in and went out.
    pub total: Turnover,
    /// The balance after: opening + income − expense.
    pub closing: Amount,
    /// The groups in the order of their keys; none for [`Grouping::Raw`].
    pub groups: BTreeMap<Key, Turnover>,
    /// The lines, oldest first; only for [`Grouping::Raw`].
    pub lines: Vec<Line>,
}

/// A sum does not fit its 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sum does not fit its 128 bits")]
pub struct Overflow;

/// The statement over the lines of a period, oldest first.
///
/// # Errors
/// [`Overflow`], which amounts of 64 bits never reach.
pub fn statement(
    opening: Amount,
    lines: impl IntoIterator<Item = Line>,
    grouping: Grouping,
    date: impl Fn(Moment) -> Date,
) -> Result<Statement, Overflow> {
    let mut statement = Statement {
        opening,
        by_purpose: BTreeMap::new(),
        total: Turnover::default(),
        closing: opening,
        groups: BTreeMap::new(),
        lines: Vec::new(),
    };
    for line in lines {
        statement.by_purpose.entry(line.purpose).or_default().add(line.amount)?;
        statement.total.add(line.amount)?;
        statement.closing = statement.closing.checked_add(line.amount).ok_or(Overflow)?;
        let key = match grouping {
            Grouping::Raw => {
                statement.lines.push(line);
                continue;
            }
            Grouping::Date => Key::Date(date(line.at)),
            Grouping::User => Key::User(line.actor),
            Grouping::Project => Key::Project(line.project),
            Grouping::Counterparty => Key::Counterparty(line.counterparty),
        };
        statement.groups.entry(key).or_default().add(line.amount)?;
    }
    Ok(statement)
}

impl Turnover {
    fn add(&mut self, amount: Amount) -> Result<(), Overflow> {
        if amount.is_negative() {
            self.expense = self.expense.checked_sub(amount).ok_or(Overflow)?;
        } else {
            self.income = self.income.checked_add(amount).ok_or(Overflow)?;
        }
        self.lines += 1;
        Ok(())
    }
}

/// One day of a workspace's report. Its parts sum up to what the balance changed on that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// `direct_transfer` in less out.
    pub transfers: Amount,
    /// What executors, storages and the platform were paid, commission included, as a positive amount.
    pub expense: Amount,
    /// Income from paid roles.
    pub from_roles: Amount,
    /// Income from API keys.
    pub from_api_keys: Amount,
    /// Corrections, reversals and the close's rounding, in less out.
    pub put_right: Amount,
}

/// A workspace's report: transfers, expense, income from roles, income from API keys, by local day.
///
/// # Errors
/// [`Overflow`], which amounts of 64 bits never reach.
pub fn report(
    lines: impl IntoIterator<Item = (Date, Purpose, Amount)>,
) -> Result<BTreeMap<Date, Day>, Overflow> {
    let mut days = BTreeMap::<Date, Day>::new();
    for (date, purpose, amount) in lines {
        let day = days.entry(date).or_default();
        if matches!(
            purpose,
            Purpose::ExecutorPayment
                | Purpose::StoragePayment
                | Purpose::ServicePayment
                | Purpose::Commission
        ) {
            day.expense = day.expense.checked_sub(amount).ok_or(Overflow)?;
            continue;
        }
        let sum = match purpose {
            Purpose::PaidRolePayment => &mut day.from_roles,
            Purpose::ApiKeyPayment => &mut day.from_api_keys,
            Purpose::DirectTransfer => &mut day.transfers,
            _ => &mut day.put_right,
        };
        *sum = sum.checked_add(amount).ok_or(Overflow)?;
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{JobUser, PayCall, PayJob, Right, Work};
    use crate::testing::{World, account, charge, coefficient, transfer};
    use expect_test::{Expect, expect};
    use std::fmt::Write;

    fn world() -> World {
        let mut world = World::new();
        world.funded("100");
        world.deposited("bob", "50");
        let right = Right::PaidRole(coefficient("1.5"));
        let user = Some(JobUser { account: account("bob"), right, hold: None });
        world.done(Work::PayJob(PayJob {
            charge: charge("workspace", "20"),
            executor: account("executor"),
            user,
        }));
        world.now = crate::testing::at("2026-10-01T21:00:00Z");
        world.done(Work::PayCall(PayCall { charge: charge("bob", "5"), workspace: account("workspace") }));
        world.done(transfer("workspace", "ann", "40"));
        world
    }

    fn local(at: Moment) -> Date {
        (at.timestamp().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(3)))).date()
    }

    fn workspace_lines(world: &World) -> Vec<Line> {
        let number = world.ledger.find(account("workspace")).unwrap().opening.number;
        world.journal.records.iter().flat_map(|record| lines(record, number)).collect()
    }

    fn check(grouping: Grouping, expected: &Expect) {
        let statement = statement(Amount::ZERO, workspace_lines(&world()), grouping, local).unwrap();
        let mut shown = format!("opening {}\n", statement.opening);
        for (purpose, sum) in &statement.by_purpose {
            writeln!(shown, "{purpose} +{} -{}", sum.income, sum.expense).unwrap();
        }
        for (key, sum) in &statement.groups {
            writeln!(shown, "{key:?} +{} -{} in {}", sum.income, sum.expense, sum.lines).unwrap();
        }
        for line in &statement.lines {
            writeln!(shown, "#{} {} {}", line.sequence, line.purpose, line.amount).unwrap();
        }
        writeln!(shown, "closing {}", statement.closing).unwrap();
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_statement_leads_from_opening_to_closing_by_type() {
        check(
            Grouping::Raw,
            &expect![[r#"
            opening 0.000000
            direct_transfer +100.000000 -40.000000
            executor_payment +0.000000 -20.000000
            api_key_payment +5.000000 -0.000000
            paid_role_payment +30.000000 -0.000000
            commission +0.000000 -1.000000
            #11 direct_transfer 100.000000
            #13 executor_payment -20.000000
            #13 paid_role_payment 30.000000
            #14 api_key_payment 5.000000
            #14 commission -1.000000
            #15 direct_transfer -40.000000
            closing 74.000000
        "#]],
        );
    }

    #[test]
    fn lines_are_grouped_by_the_local_date() {
        check(
            Grouping::Date,
            &expect![[r#"
            opening 0.000000
            direct_transfer +100.000000 -40.000000
            executor_payment +0.000000 -20.000000
            api_key_payment +5.000000 -0.000000
            paid_role_payment +30.000000 -0.000000
            commission +0.000000 -1.000000
            Date(2026-10-01) +130.000000 -20.000000 in 3
            Date(2026-10-02) +5.000000 -41.000000 in 3
            closing 74.000000
        "#]],
        );
    }

    #[test]
    fn lines_are_grouped_by_user_project_or_counterparty() {
        check(
            Grouping::User,
            &expect![[r#"
            opening 0.000000
            direct_transfer +100.000000 -40.000000
            executor_payment +0.000000 -20.000000
            api_key_payment +5.000000 -0.000000
            paid_role_payment +30.000000 -0.000000
            commission +0.000000 -1.000000
            User(Some(Text("operator"))) +135.000000 -61.000000 in 6
            closing 74.000000
        "#]],
        );
        check(
            Grouping::Project,
            &expect![[r#"
            opening 0.000000
            direct_transfer +100.000000 -40.000000
            executor_payment +0.000000 -20.000000
            api_key_payment +5.000000 -0.000000
            paid_role_payment +30.000000 -0.000000
            commission +0.000000 -1.000000
            Project(None) +100.000000 -40.000000 in 2
            Project(Some(Text("p"))) +35.000000 -21.000000 in 4
            closing 74.000000
        "#]],
        );
        check(
            Grouping::Counterparty,
            &expect![[r#"
            opening 0.000000
            direct_transfer +100.000000 -40.000000
            executor_payment +0.000000 -20.000000
            api_key_payment +5.000000 -0.000000
            paid_role_payment +30.000000 -0.000000
            commission +0.000000 -1.000000
            Counterparty(AccountNumber(0)) +100.000000 -40.000000 in 2
            Counterparty(AccountNumber(1)) +35.000000 -0.000000 in 2
            Counterparty(AccountNumber(4)) +0.000000 -20.000000 in 1
            Counterparty(AccountNumber(5)) +0.000000 -1.000000 in 1
            closing 74.000000
        "#]],
        );
    }

    #[test]
    fn a_workspaces_report_sums_each_day() {
        let lines = workspace_lines(&world());
        let lines = lines.into_iter().map(|line| (local(line.at), line.purpose, line.amount));
        let days = report(lines).unwrap();
        expect![[r#"
            {
                2026-10-01: Day {
                    transfers: Amount(
                        100000000,
                    ),
                    expense: Amount(
                        20000000,
                    ),
                    from_roles: Amount(
                        30000000,
                    ),
                    from_api_keys: Amount(
                        0,
                    ),
                    put_right: Amount(
                        0,
                    ),
                },
                2026-10-02: Day {
                    transfers: Amount(
                        -40000000,
                    ),
                    expense: Amount(
                        1000000,
                    ),
                    from_roles: Amount(
                        0,
                    ),
                    from_api_keys: Amount(
                        5000000,
                    ),
                    put_right: Amount(
                        0,
                    ),
                },
            }
        "#]]
        .assert_eq(&format!("{days:#?}\n"));
    }
}
