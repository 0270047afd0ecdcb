//! Statements as documents.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kopeck_api::account::zone_name;
use kopeck_api::forms::{CurrencyCode, Day, Kind, Label, ModeWord, Money, OriginWord, PurposeWord, Time};
use kopeck_api::journal::HeadDocument;
use kopeck_api::statement::{GroupDocument, GroupKey, LineDocument, PurposeSums, StatementDocument};
use kopeck_ledger::account::Account;
use kopeck_ledger::name::AccountNumber;
use kopeck_ledger::statement::{Grouping, Key, Line, Statement, Turnover, statement};
use kopeck_store::Store;
use kopeck_store::answer::Head;

use super::DocumentError;
use super::account::of_number;
use super::period::{Entries, Period};

/// A statement with all that its document names.
pub struct Made {
    /// Whose it is.
    pub account: Account,
    /// Its days.
    pub period: Period,
    /// The calendar of its days; its lines are in the statement.
    pub entries: Entries,
    /// Its sums, lines and groups.
    pub statement: Statement,
    /// Where the journal ended.
    pub head: Head,
    is_raw: bool,
    /// The accounts on the other side.
    others: BTreeMap<AccountNumber, Account>,
}

impl Made {
    /// Makes the statement of an account, over at most so many lines.
    ///
    /// # Errors
    /// [`DocumentError`] of all kinds but that of writing.
    pub fn of(
        account: Account,
        period: Period,
        grouping: Grouping,
        most: usize,
        store: &dyn Store,
    ) -> Result<Made, DocumentError> {
        let mut entries = Entries::read(&account, period, most, store)?;
        let mut others = BTreeMap::new();
        for line in &entries.lines {
            if let Entry::Vacant(other) = others.entry(line.counterparty) {
                other.insert(of_number(line.counterparty, store)?);
            }
        }
        let lines = std::mem::take(&mut entries.lines);
        let made = statement(entries.opening, lines, grouping, |at| entries.date(at));
        let statement = made.map_err(|_| DocumentError::Overflow)?;
        let (head, is_raw) = (store.head()?, grouping == Grouping::Raw);
        Ok(Made { account, period, entries, statement, head, is_raw, others })
    }

    /// The id and the name of an account on the other side.
    #[must_use]
    pub fn other(&self, number: AccountNumber) -> (String, String) {
        let found = self.others.get(&number).map(|other| &other.opening);
        found.map_or_else(Default::default, |other| (other.id.to_string(), other.name.to_string()))
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> StatementDocument {
        let (opening, made) = (&self.account.opening, &self.statement);
        let by_purpose = made.by_purpose.iter();
        let groups = made.groups.iter().map(|(key, sums)| self.group(key, sums)).collect();
        StatementDocument {
            account: opening.id.0,
            kind: Kind(opening.kind),
            name: Label(opening.name.clone()),
            currency: CurrencyCode(opening.currency),
            time_zone: zone_name(&self.account).to_owned(),
            from: self.period.from.map(Day),
            to: self.period.to.map(Day),
            opening: Money(made.opening),
            by_purpose: by_purpose
                .map(|(purpose, sums)| PurposeSums { purpose: PurposeWord(*purpose), sums: sums.into() })
                .collect(),
            income: Money(made.total.income),
            expense: Money(made.total.expense),
            closing: Money(made.closing),
            head: head_document(&self.head),
            lines: self.is_raw.then(|| made.lines.iter().map(|line| self.line(line)).collect()),
            next: None,
            groups: (!self.is_raw).then_some(groups),
        }
    }

    fn line(&self, line: &Line) -> LineDocument {
        let (counterparty, counterparty_name) = self.other(line.counterparty);
        LineDocument {
            record: line.sequence.0,
            at: Time(line.at),
            transaction: line.transaction.0,
            purpose: PurposeWord(line.purpose),
            origin: OriginWord(line.origin),
            mode: ModeWord(line.mode),
            actor: line.actor.clone().map(Label),
            project: line.project.clone().map(Label),
            reference: line.reference.clone().map(Label),
            corrects: line.corrects.map(|corrects| corrects.0),
            counterparty,
            counterparty_name,
            amount: Money(line.amount),
        }
    }

    fn group(&self, key: &Key, sums: &Turnover) -> GroupDocument {
        let key = match key {
            Key::Date(date) => GroupKey::Date { date: Day(*date) },
            Key::User(user) => GroupKey::User { user: user.clone().map(Label) },
            Key::Project(project) => GroupKey::Project { project: project.clone().map(Label) },
            Key::Counterparty(number) => {
                let (counterparty, counterparty_name) = self.other(*number);
                GroupKey::Counterparty { counterparty, counterparty_name }
            }
        };
        GroupDocument { key, sums: sums.into() }
    }
}

/// Where the journal ended, as a document.
#[must_use]
pub fn head_document(head: &Head) -> HeadDocument {
    HeadDocument::of(head.sequence, head.at, &head.hash)
}
