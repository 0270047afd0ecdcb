//! `kopeck account statement`: what happened on an account in a period.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use kopeck_api::forms;
use kopeck_api::journal::HeadDocument;
use kopeck_api::statement::{GroupKey, GroupWord, StatementDocument, Sums};

use super::place;
use super::receipt::sorted;
use super::words::{self, Label};
use crate::args::{By, Language, StatementArgs, TableFormat};
use crate::bill::plain_table;
use crate::failure::{Done, Failure};

/// Runs the command.
pub fn run(args: &StatementArgs) -> Result<Done, Failure> {
    let books = place::look(&args.ledger)?;
    let account = books.find(&args.account)?.id;
    let statement = books.statement(account, &args.period, grouping(args.by))?;
    let mut out = io::stdout().lock();
    match args.format {
        TableFormat::Json => writeln!(out, "{}", sorted(&statement))?,
        TableFormat::Table => print(&statement, args, &mut out)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn grouping(by: By) -> GroupWord {
    match by {
        By::Raw => GroupWord::Raw,
        By::Date => GroupWord::Date,
        By::User => GroupWord::User,
        By::Project => GroupWord::Project,
        By::Counterparty => GroupWord::Counterparty,
    }
}

/// The calendar of a statement's days.
pub fn zone(statement: &StatementDocument) -> Result<TimeZone, Failure> {
    let name = &statement.time_zone;
    TimeZone::get(name).map_err(|_| {
        Failure::input(format!("the account's time zone {name} is not known"), None, "use a newer kopeck")
    })
}

/// The first line of a document: what it is, of whom, and for which days.
pub fn title(what: Label, of: &StatementDocument, language: Language) -> String {
    let word = |label| words::label(label, language);
    let mut title = format!(
        "{}: {} {} ({}), {}, {} {}",
        word(what),
        words::kind(of.kind.0, language),
        of.name,
        of.account,
        of.currency,
        word(Label::TimeZone),
        of.time_zone,
    );
    for (label, date) in [(Label::From, &of.from), (Label::Until, &of.to)] {
        if let Some(date) = date {
            title += &format!(", {} {date}", word(label));
        }
    }
    title
}

/// The last line of a document: where the journal ended, so that nobody can cut it off before.
pub fn head_line(head: &HeadDocument, language: Language) -> String {
    format!("{} {}:{}", words::label(Label::Journal, language), head.record, head.hash)
}

fn print(of: &StatementDocument, args: &StatementArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let language = args.lang;
    let word = |label| words::label(label, language);
    writeln!(out, "{}\n", title(Label::Statement, of, language))?;
    writeln!(out, "{}: {}\n", word(Label::Opening), of.opening)?;
    if of.by_purpose.is_empty() {
        writeln!(out, "{}\n", word(Label::Nothing))?;
    } else {
        let mut types = plain_table(&[word(Label::Type), word(Label::Income), word(Label::Expense)], 2);
        for row in &of.by_purpose {
            let Sums { income, expense, .. } = &row.sums;
            let what = words::purpose(row.purpose.0, language).to_owned();
            types.add_row([what, income.to_string(), expense.to_string()]);
        }
        types.add_row([word(Label::Total).to_owned(), of.income.to_string(), of.expense.to_string()]);
        writeln!(out, "{types}\n")?;
        let table = if args.by == By::Raw { lines(of, language)? } else { groups(of, args) };
        writeln!(out, "{table}\n")?;
    }
    writeln!(out, "{}: {}", word(Label::Closing), of.closing)?;
    writeln!(out, "{}", head_line(&of.head, language))?;
    Ok(())
}

fn lines(of: &StatementDocument, language: Language) -> Result<comfy_table::Table, Failure> {
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
    let zone = zone(of)?;
    let mut table = plain_table(&headings.map(|heading| words::label(heading, language)), 1);
    for line in of.lines.iter().flatten() {
        let local = line.at.0.timestamp().to_zoned(zone.clone());
        table.add_row([
            local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            words::purpose(line.purpose.0, language).to_owned(),
            line.counterparty_name.clone(),
            shown(line.project.as_ref()),
            shown(line.actor.as_ref()),
            shown(line.reference.as_ref()),
            line.transaction.to_string(),
            line.amount.to_string(),
        ]);
    }
    Ok(table)
}

fn groups(of: &StatementDocument, args: &StatementArgs) -> comfy_table::Table {
    let key = match args.by {
        By::Raw | By::Date => Label::Date,
        By::User => Label::User,
        By::Project => Label::Project,
        By::Counterparty => Label::Counterparty,
    };
    let headings = [key, Label::Lines, Label::Income, Label::Expense];
    let mut table = plain_table(&headings.map(|heading| words::label(heading, args.lang)), 3);
    for group in of.groups.iter().flatten() {
        let key = match &group.key {
            GroupKey::Date { date } => date.to_string(),
            GroupKey::User { user: text } | GroupKey::Project { project: text } => {
                text.as_ref().map_or("-".to_owned(), ToString::to_string)
            }
            GroupKey::Counterparty { counterparty_name, .. } => counterparty_name.clone(),
        };
        let Sums { lines, income, expense } = &group.sums;
        table.add_row([key, lines.to_string(), income.to_string(), expense.to_string()]);
    }
    table
}

fn shown(text: Option<&forms::Label>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}
