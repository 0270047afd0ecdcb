//! `kopeck account statement`: what happened on an account in a period.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};

use kopeck_ledger::account::Account;
use kopeck_ledger::name::{AccountNumber, Text};
use kopeck_ledger::statement::{Grouping, Key, Line, Statement, Turnover, statement};
use kopeck_store::Store;
use kopeck_store::answer::Head;
use serde_json::{Value, json};

use super::open::{Books, failed};
use super::period::{Entries, zone_name};
use super::words::{self, Label};
use crate::args::{By, Language, Period, StatementArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// A statement with all that its document names.
struct Document<'a> {
    account: &'a Account,
    period: &'a Period,
    by: By,
    entries: Entries,
    statement: Statement,
    /// The accounts on the other side.
    others: BTreeMap<AccountNumber, Account>,
    head: Head,
}

/// Runs the command.
pub fn run(args: &StatementArgs) -> Result<Done, Failure> {
    let books = Books::look(&args.store)?;
    let account = books.find(&args.account)?;
    let mut entries = Entries::read(&account, &args.period, &books)?;
    let mut others = BTreeMap::new();
    for line in &entries.lines {
        if let Entry::Vacant(other) = others.entry(line.counterparty) {
            other.insert(books.account(line.counterparty)?);
        }
    }
    let lines = std::mem::take(&mut entries.lines);
    let made = statement(entries.opening, lines, grouping(args.by), |at| entries.date(at));
    let document = Document {
        account: &account,
        period: &args.period,
        by: args.by,
        statement: made.map_err(|_| Failure::Overflow)?,
        entries,
        others,
        head: books.store.head().map_err(|error| failed(&error))?,
    };
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => writeln!(out, "{}", document.json())?,
        TableFormat::Table => document.print(args.lang, &mut out)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn grouping(by: By) -> Grouping {
    match by {
        By::Raw => Grouping::Raw,
        By::Date => Grouping::Date,
        By::User => Grouping::User,
        By::Project => Grouping::Project,
        By::Counterparty => Grouping::Counterparty,
    }
}

/// The first line of a document: what it is, of whom, and for which days.
pub fn title(what: Label, account: &Account, period: &Period, language: Language) -> String {
    let word = |label| words::label(label, language);
    let opening = &account.opening;
    let mut title = format!(
        "{}: {} {} ({}), {}, {} {}",
        word(what),
        words::kind(opening.kind, language),
        opening.name,
        opening.id,
        opening.currency,
        word(Label::TimeZone),
        zone_name(account),
    );
    for (label, date) in [(Label::From, period.from), (Label::Until, period.to)] {
        if let Some(date) = date {
            title += &format!(", {} {date}", word(label));
        }
    }
    title
}

/// The last line of a document: where the journal ended, so that nobody can cut it off before.
pub fn head_line(head: &Head, language: Language) -> String {
    format!("{} {}:{}", words::label(Label::Journal, language), head.sequence, head.hash)
}

/// The journal's end as JSON.
pub fn head_json(head: &Head) -> Value {
    json!({ "record": head.sequence.0, "at": head.at.to_string(), "hash": head.hash.to_string() })
}

impl Document<'_> {
    fn other(&self, number: AccountNumber) -> (String, String) {
        let found = self.others.get(&number).map(|other| &other.opening);
        found.map_or_else(Default::default, |other| (other.id.to_string(), other.name.to_string()))
    }

    fn print(&self, language: Language, out: &mut dyn Write) -> Result<(), Failure> {
        let word = |label| words::label(label, language);
        writeln!(out, "{}\n", title(Label::Statement, self.account, self.period, language))?;
        writeln!(out, "{}: {}\n", word(Label::Opening), self.statement.opening)?;
        if self.statement.total.lines == 0 {
            writeln!(out, "{}\n", word(Label::Nothing))?;
        } else {
            let mut types = plain_table(&[word(Label::Type), word(Label::Income), word(Label::Expense)], 2);
            for (purpose, sums) in &self.statement.by_purpose {
                types.add_row(sums_row(words::purpose(*purpose, language).to_owned(), sums));
            }
            types.add_row(sums_row(word(Label::Total).to_owned(), &self.statement.total));
            writeln!(out, "{types}\n")?;
            let table = if self.by == By::Raw { self.lines(language) } else { self.groups(language) };
            writeln!(out, "{table}\n")?;
        }
        writeln!(out, "{}: {}", word(Label::Closing), self.statement.closing)?;
        writeln!(out, "{}", head_line(&self.head, language))?;
        Ok(())
    }

    fn lines(&self, language: Language) -> comfy_table::Table {
        let headings = [
            Label::Time,
            Label::Type,
            Label::Counterparty,
            Label::Project,
            Label::User,
            Label::Reference,
            Label::Transaction,
            Label::Amount,
        ];
        let mut table = plain_table(&headings.map(|heading| words::label(heading, language)), 1);
        for line in &self.statement.lines {
            table.add_row([
                self.entries.local(line.at),
                words::purpose(line.purpose, language).to_owned(),
                self.other(line.counterparty).1,
                shown(line.project.as_ref()),
                shown(line.actor.as_ref()),
                shown(line.reference.as_ref()),
                line.transaction.to_string(),
                line.amount.to_string(),
            ]);
        }
        table
    }

    fn groups(&self, language: Language) -> comfy_table::Table {
        let key = match self.by {
            By::Raw | By::Date => Label::Date,
            By::User => Label::User,
            By::Project => Label::Project,
            By::Counterparty => Label::Counterparty,
        };
        let headings = [key, Label::Lines, Label::Income, Label::Expense];
        let mut table = plain_table(&headings.map(|heading| words::label(heading, language)), 3);
        for (key, sums) in &self.statement.groups {
            let key = match key {
                Key::Date(date) => date.to_string(),
                Key::User(text) | Key::Project(text) => {
                    text.as_ref().map_or("-".to_owned(), ToString::to_string)
                }
                Key::Counterparty(number) => self.other(*number).1,
            };
            table.add_row([key, sums.lines.to_string(), sums.income.to_string(), sums.expense.to_string()]);
        }
        table
    }

    fn json(&self) -> Value {
        let statement = &self.statement;
        let by_purpose: Vec<Value> = statement
            .by_purpose
            .iter()
            .map(|(purpose, sums)| sums_json("purpose", Some(purpose.word()), sums))
            .collect();
        let opening = &self.account.opening;
        let mut document = json!({
            "account": opening.id.to_string(),
            "kind": opening.kind.word(),
            "name": opening.name.to_string(),
            "currency": opening.currency.to_string(),
            "time_zone": zone_name(self.account),
            "from": self.period.from.map(|date| date.to_string()),
            "to": self.period.to.map(|date| date.to_string()),
            "opening": statement.opening.to_string(),
            "by_purpose": by_purpose,
            "income": statement.total.income.to_string(),
            "expense": statement.total.expense.to_string(),
            "closing": statement.closing.to_string(),
            "head": head_json(&self.head),
        });
        if self.by == By::Raw {
            document["lines"] = statement.lines.iter().map(|line| self.line_json(line)).collect();
        } else {
            document["groups"] =
                statement.groups.iter().map(|(key, sums)| self.group_json(key, sums)).collect();
        }
        document
    }

    fn line_json(&self, line: &Line) -> Value {
        let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
        let (counterparty, name) = self.other(line.counterparty);
        json!({
            "record": line.sequence.0,
            "at": line.at.to_string(),
            "transaction": line.transaction.to_string(),
            "purpose": line.purpose.word(),
            "origin": line.origin.word(),
            "mode": line.mode.word(),
            "actor": text(&line.actor),
            "project": text(&line.project),
            "reference": text(&line.reference),
            "corrects": line.corrects.map(|corrects| corrects.to_string()),
            "counterparty": counterparty,
            "counterparty_name": name,
            "amount": line.amount.to_string(),
        })
    }

    fn group_json(&self, key: &Key, sums: &Turnover) -> Value {
        match key {
            Key::Date(date) => sums_json("date", Some(&date.to_string()), sums),
            Key::User(user) => sums_json("user", user.as_ref().map(Text::as_str), sums),
            Key::Project(project) => sums_json("project", project.as_ref().map(Text::as_str), sums),
            Key::Counterparty(number) => {
                let (id, name) = self.other(*number);
                let mut group = sums_json("counterparty", Some(&id), sums);
                group["counterparty_name"] = name.into();
                group
            }
        }
    }
}

fn shown(text: Option<&Text>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn sums_row(what: String, sums: &Turnover) -> [String; 3] {
    [what, sums.income.to_string(), sums.expense.to_string()]
}

fn sums_json(key: &str, value: Option<&str>, sums: &Turnover) -> Value {
    json!({
        key: value,
        "lines": sums.lines,
        "income": sums.income.to_string(),
        "expense": sums.expense.to_string(),
    })
}
