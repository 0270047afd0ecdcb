//! What a change of prices would have done: the bills of a past window by two versions, side by side.
//!
//! Each version is taken as if it had been in force over all of the window and long before, so the two bills
//! differ by their prices and by nothing else. The events are read once, for both.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::civil::Date;
use kopeck_rating::charge::Window;
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::notice::Notices;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::change::percent;
use kopeck_rating::price_book::read::visible;
use kopeck_rating::rate::Rater;
use kopeck_rating::rows::Piece;
use serde_json::{Value, json};

use super::diff::{Side, signed};
use crate::args::DiffArgs;
use crate::bill::plain_table;
use crate::failure::{Done, Failure};
use crate::rate::{out_of_range, read_events_for, tell, tell_notices, threads};
use crate::refusals::Refusals;

/// An amount by each version.
#[derive(Debug, Clone, Copy)]
struct Pair {
    old: Amount,
    new: Amount,
}

/// The two bills, side by side.
pub struct Backtest {
    from: Date,
    to: Date,
    currency: String,
    /// By project and component.
    rows: BTreeMap<(String, String), Pair>,
    projects: BTreeMap<String, Pair>,
    total: Pair,
}

/// Rates the events by both versions.
pub fn run(
    old: &Side,
    new: &Side,
    args: &DiffArgs,
    (from, to): (Date, Date),
) -> Result<(Backtest, Done), Failure> {
    if old.book.zone_name() != new.book.zone_name() {
        let (one, other) = (old.book.zone_name(), new.book.zone_name());
        let reason = format!("{} is in the time zone {one} and {} in {other}", old.path, new.path);
        let remedy = "compare price books of one time zone: their days and months are not the same";
        return Err(Failure::input(reason, None, remedy));
    }
    let window = Window::new(old.book.calendar(), from, to, None).map_err(|error| {
        Failure::input(error, None, "give --from and --to like 2026-10-01 and 2026-11-01")
    })?;
    let (old_book, new_book) = (always(old)?, always(new)?);
    let mut old_rater = Rater::new(&old_book, window).map_err(out_of_range)?;
    let mut others = [Rater::new(&new_book, window).map_err(out_of_range)?];
    let read = read_events_for(&args.events, Refusals::new(args.all_errors), (&mut old_rater, &mut others))?;
    let [new_rater] = others;
    let mut backtest = Backtest {
        from,
        to,
        currency: old.book.currency().to_owned(),
        rows: BTreeMap::new(),
        projects: BTreeMap::new(),
        total: Pair::ZERO,
    };
    let by_old = backtest.add(old_rater, |pair| &mut pair.old)?;
    let by_new = backtest.add(new_rater, |pair| &mut pair.new)?;
    tell_both((old, &by_old), (new, &by_new), &read.files)?;
    Ok((backtest, if read.refused == 0 { Done::Whole } else { Done::SomeRefused }))
}

fn always(side: &Side) -> Result<PriceBook, Failure> {
    let book = side.book.as_if_always(side.version);
    book.ok_or_else(|| Failure::input("the version is not in the book", Some(&side.path), "name another"))
}

/// Tells what a person should know of each bill: once where it is the same of both.
fn tell_both(old: (&Side, &Notices), new: (&Side, &Notices), files: &[String]) -> Result<(), Failure> {
    if old.1 == new.1 {
        return tell_notices(old.1, files);
    }
    for (side, notices) in [old, new] {
        if *notices != Notices::default() {
            tell(&format!("By {}:\n", side.name()))?;
            tell_notices(notices, files)?;
        }
    }
    Ok(())
}

/// What the charges of a piece come to, by project and component.
fn sums(piece: &Piece<'_>) -> Result<BTreeMap<(String, String), Amount>, Overflow> {
    let mut sums = BTreeMap::new();
    for charge in piece.charges() {
        let key = (charge.project.to_owned(), charge.component.to_owned());
        let sum = sums.entry(key).or_insert(Amount::ZERO);
        *sum = sum.checked_add(charge.amount)?;
    }
    Ok(sums)
}

impl Pair {
    const ZERO: Pair = Pair { old: Amount::ZERO, new: Amount::ZERO };

    fn difference(self) -> Result<Amount, Overflow> {
        self.new.checked_sub(self.old)
    }

    fn percent(self) -> Option<String> {
        percent(self.old.micros(), self.new.micros())
    }

    fn cells(self) -> Result<[String; 4], Overflow> {
        let difference = signed(&self.difference()?.to_string());
        let percent = self.percent().as_deref().map(signed).unwrap_or_default();
        Ok([self.old.to_string(), self.new.to_string(), difference, percent])
    }

    fn to_json(self) -> Result<Value, Overflow> {
        Ok(json!({
            "old": self.old.to_string(),
            "new": self.new.to_string(),
            "difference": self.difference()?.to_string(),
            "percent": self.percent(),
        }))
    }
}

impl Backtest {
    /// Adds the bill of one side, and answers what was noticed.
    fn add(&mut self, rater: Rater, side: impl Fn(&mut Pair) -> &mut Amount) -> Result<Notices, Failure> {
        let summary = rater.finish_in_pieces(threads(), sums, |sums| {
            for ((project, component), amount) in sums? {
                let own = self.projects.entry(project.clone()).or_insert(Pair::ZERO);
                let row = self.rows.entry((project, component)).or_insert(Pair::ZERO);
                for pair in [row, own, &mut self.total] {
                    let sum = side(pair);
                    *sum = sum.checked_add(amount)?;
                }
            }
            Ok::<_, Failure>(())
        })?;
        Ok(summary.notices)
    }

    /// Prints the bills for people.
    pub fn table(&self, out: &mut dyn Write) -> Result<(), Failure> {
        writeln!(
            out,
            "Bills from {} to {} in {}, each version taken as if it had been in force throughout:\n",
            self.from, self.to, self.currency
        )?;
        if self.rows.is_empty() {
            writeln!(out, "No charges in this window by either version.")?;
            return Ok(());
        }
        let mut rows = plain_table(&["project", "component", "old", "new", "difference", "%"], 4);
        for ((project, component), pair) in &self.rows {
            rows.add_row([visible(project), visible(component)].into_iter().chain(pair.cells()?));
        }
        writeln!(out, "{rows}\n")?;
        let mut totals = plain_table(&["project", "old", "new", "difference", "%"], 4);
        for (project, pair) in &self.projects {
            totals.add_row([visible(project)].into_iter().chain(pair.cells()?));
        }
        totals.add_row(["Total".to_owned()].into_iter().chain(self.total.cells()?));
        writeln!(out, "{totals}")?;
        Ok(())
    }

    /// The bills for machines.
    pub fn to_json(&self) -> Result<Value, Failure> {
        let component = |((project, component), pair): (&(String, String), &Pair)| {
            let mut row = pair.to_json()?;
            row["project"] = json!(project);
            row["component"] = json!(component);
            Ok(row)
        };
        let project = |(project, pair): (&String, &Pair)| {
            let mut row = pair.to_json()?;
            row["project"] = json!(project);
            Ok(row)
        };
        Ok(json!({
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "charges": self.rows.iter().map(component).collect::<Result<Vec<_>, Overflow>>()?,
            "projects": self.projects.iter().map(project).collect::<Result<Vec<_>, Overflow>>()?,
            "total": self.total.to_json()?,
        }))
    }
}
