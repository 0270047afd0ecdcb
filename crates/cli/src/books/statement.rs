//! `kopeck account statement`: what happened on an account in a period.

use std::io::{self, Write};

use kopeck_api::account::zone_name;
use kopeck_ledger::account::Account;
use kopeck_ledger::name::Text;
use kopeck_ledger::statement::{Grouping, Key, Turnover};
use kopeck_server::documents::period;
use kopeck_server::documents::statement::Made;
use kopeck_store::answer::Head;

use super::open::{Books, unmade};
use super::receipt::sorted;
use super::words::{self, Label};
use crate::args::{By, Language, Period, StatementArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// A statement to be printed.
struct Printed {
    by: By,
    made: Made,
}

/// Runs the command.
pub fn run(args: &StatementArgs) -> Result<Done, Failure> {
    let books = Books::look(&args.store)?;
    let account = books.find(&args.account)?;
    let period = period(&args.period);
    let made = Made::of(account, period, grouping(args.by), usize::MAX, &books.store);
    let printed = Printed { by: args.by, made: made.map_err(|error| unmade(&error))? };
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => writeln!(out, "{}", sorted(&printed.made.document()))?,
        TableFormat::Table => printed.print(args, &mut out)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

/// The days of a document, as they were given.
pub fn period(given: &Period) -> period::Period {
    period::Period { from: given.from, to: given.to }
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

impl Printed {
    fn print(&self, args: &StatementArgs, out: &mut dyn Write) -> Result<(), Failure> {
        let (language, statement) = (args.lang, &self.made.statement);
        let word = |label| words::label(label, language);
        writeln!(out, "{}\n", title(Label::Statement, &self.made.account, &args.period, language))?;
        writeln!(out, "{}: {}\n", word(Label::Opening), statement.opening)?;
        if statement.total.lines == 0 {
            writeln!(out, "{}\n", word(Label::Nothing))?;
        } else {
            let mut types = plain_table(&[word(Label::Type), word(Label::Income), word(Label::Expense)], 2);
            for (purpose, sums) in &statement.by_purpose {
                types.add_row(sums_row(words::purpose(*purpose, language).to_owned(), sums));
            }
            types.add_row(sums_row(word(Label::Total).to_owned(), &statement.total));
            writeln!(out, "{types}\n")?;
            let table = if self.by == By::Raw { self.lines(language) } else { self.groups(language) };
            writeln!(out, "{table}\n")?;
        }
        writeln!(out, "{}: {}", word(Label::Closing), statement.closing)?;
        writeln!(out, "{}", head_line(&self.made.head, language))?;
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
        for line in &self.made.statement.lines {
            table.add_row([
                self.made.entries.local(line.at),
                words::purpose(line.purpose, language).to_owned(),
                self.made.other(line.counterparty).1,
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
        for (key, sums) in &self.made.statement.groups {
            let key = match key {
                Key::Date(date) => date.to_string(),
                Key::User(text) | Key::Project(text) => {
                    text.as_ref().map_or("-".to_owned(), ToString::to_string)
                }
                Key::Counterparty(number) => self.made.other(*number).1,
            };
            table.add_row([key, sums.lines.to_string(), sums.income.to_string(), sums.expense.to_string()]);
        }
        table
    }
}

fn shown(text: Option<&Text>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn sums_row(what: String, sums: &Turnover) -> [String; 3] {
    [what, sums.income.to_string(), sums.expense.to_string()]
}
