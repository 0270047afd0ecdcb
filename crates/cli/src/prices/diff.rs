//! `kopeck prices diff`: what one price book changes against another, as a table or JSON.

use std::io::{self, BufWriter, Write};

use comfy_table::Table;
use jiff::civil::Date;
use kopeck_rating::price_book::change::{Change, FieldChange, Verdict, VersionOf, book_changes, changes};
use kopeck_rating::price_book::read::visible;
use kopeck_rating::price_book::wording::Price;
use kopeck_rating::price_book::{Component, PriceBook};
use serde_json::{Value, json};

use super::backtest::{self, Backtest};
use super::words::vat_text;
use crate::args::{DiffArgs, TableFormat};
use crate::bill::plain_table;
use crate::book_file;
use crate::failure::{Done, Failure};

/// One side of the comparison.
pub struct Side {
    /// Its path.
    pub path: String,
    /// Its book.
    pub book: PriceBook,
    /// The number of the version that is compared.
    pub version: usize,
}

/// Something that differs, as texts.
struct Difference {
    component: String,
    change: &'static str,
    field: &'static str,
    tier: Option<usize>,
    old: Option<String>,
    new: Option<String>,
    percent: Option<String>,
}

/// Runs the command.
pub fn run(args: &DiffArgs) -> Result<Done, Failure> {
    let old = Side::load(&args.old, args.old_version)?;
    let new = Side::load(&args.new, args.new_version)?;
    if old.book.currency() != new.book.currency() {
        let (one, other) = (old.book.currency(), new.book.currency());
        let reason = format!("{} is in {one} and {} in {other}", old.path, new.path);
        return Err(Failure::input(reason, None, "compare price books of one currency"));
    }
    let mut differences = Vec::new();
    for field in book_changes(&old.book, &new.book) {
        differences.push(of_field("", "changed", field));
    }
    if let Some((before, after)) = old.version_of().zip(new.version_of()) {
        differences.extend(changes(before, after).iter().flat_map(of_change));
    }
    let tested = match args.from.zip(args.to) {
        Some((from, to)) => Some(backtest::run(&old, &new, args, (from, to))?),
        None => None,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let backtest = tested.as_ref().map(|(backtest, _)| backtest);
    match args.format {
        TableFormat::Json => {
            let all = to_json((&old, &new), &differences, backtest)?;
            serde_json::to_writer(&mut out, &all).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        TableFormat::Table => {
            writeln!(out, "Old: {}\nNew: {}\n", old.name(), new.name())?;
            writeln!(out, "{}", table_of(&differences))?;
            if let Some(backtest) = backtest {
                writeln!(out)?;
                backtest.table(&mut out)?;
            }
        }
    }
    out.flush()?;
    Ok(tested.map_or(Done::Whole, |(_, done)| done))
}

impl Side {
    fn load(path: &str, effective: Option<Date>) -> Result<Side, Failure> {
        let book = book_file::load(path)?;
        let dates: Vec<Date> = book.versions().iter().map(|version| version.effective).collect();
        let version = match effective {
            None => dates.len().checked_sub(1),
            Some(effective) => dates.iter().position(|date| *date == effective),
        };
        let Some(version) = version else {
            let date = effective.map(|date| date.to_string()).unwrap_or_default();
            let known: Vec<_> = dates.iter().map(Date::to_string).collect();
            let remedy = format!("its versions are {}", known.join(", "));
            return Err(Failure::input(format!("no version takes effect on {date}"), Some(path), remedy));
        };
        Ok(Side { path: path.to_owned(), book, version })
    }

    fn version_of(&self) -> Option<VersionOf<'_>> {
        VersionOf::new(&self.book, self.version)
    }

    /// The date of the version that is compared.
    pub fn effective(&self) -> Date {
        self.book.versions()[self.version].effective
    }

    /// "prices.toml, version 2026-10-01".
    pub fn name(&self) -> String {
        format!("{}, version {}", self.path, self.effective())
    }
}

fn verdict(change: &Change<'_>) -> &'static str {
    match change.verdict() {
        Verdict::Added => "added",
        Verdict::Removed => "removed",
        Verdict::Raised => "raised",
        Verdict::Lowered => "lowered",
        Verdict::Changed => "changed",
    }
}

/// All that differs in a component.
fn of_change(change: &Change<'_>) -> Vec<Difference> {
    let component = change.component();
    let price = |component: &Component| Some(component.model.price_text());
    let whole = |old, new| Difference {
        component: component.id.clone(),
        change: verdict(change),
        field: "price",
        tier: None,
        old,
        new,
        percent: None,
    };
    let altered = match change {
        Change::Added(component) => return vec![whole(None, price(component))],
        Change::Removed(component) => return vec![whole(price(component), None)],
        Change::Altered(altered) => altered,
    };
    let text = |price: &Price| match price.per {
        Some(per) => format!("{price} per {}", per.name()),
        None => price.to_string(),
    };
    let moved = altered.prices.iter().filter(|step| step.direction().is_ne());
    let mut found: Vec<Difference> = moved
        .map(|step| Difference {
            tier: step.tier,
            percent: step.percent(),
            ..whole(Some(text(&step.before)), Some(text(&step.after)))
        })
        .collect();
    for field in &altered.fields {
        found.push(of_field(&component.id, verdict(change), field.clone()));
        // Where the model differs its prices can not be compared one by one.
        if field.field == "model" {
            found.push(whole(price(altered.before), price(altered.after)));
        }
    }
    if let Some((before, after)) = altered.vat {
        found.push(Difference { field: "vat", ..whole(Some(vat_text(before)), Some(vat_text(after))) });
    }
    found
}

fn of_field(component: &str, change: &'static str, field: FieldChange) -> Difference {
    Difference {
        component: component.to_owned(),
        change,
        field: field.field,
        tier: None,
        old: Some(field.before),
        new: Some(field.after),
        percent: None,
    }
}

fn table_of(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "The prices are the same.".to_owned();
    }
    let mut rows: Table = plain_table(&["component", "change", "field", "old", "new", "%"], 1);
    for difference in differences {
        let Difference { component, change, field, tier, old, new, percent } = difference;
        let field = tier.map_or((*field).to_owned(), |tier| format!("{field}, tier {tier}"));
        let component = if component.is_empty() { "(the book)" } else { component };
        let text = |side: &Option<String>| side.as_deref().map(visible).unwrap_or_default();
        let percent = percent.as_deref().map(signed).unwrap_or_default();
        rows.add_row([visible(component), (*change).to_owned(), field, text(old), text(new), percent]);
    }
    rows.to_string()
}

/// A decimal with its sign.
pub fn signed(decimal: &str) -> String {
    if decimal.starts_with('-') || decimal.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        decimal.to_owned()
    } else {
        format!("+{decimal}")
    }
}

fn to_json(
    (old, new): (&Side, &Side),
    differences: &[Difference],
    backtest: Option<&Backtest>,
) -> Result<Value, Failure> {
    let side = |side: &Side| json!({ "file": side.path, "book": side.book.id(), "version": side.effective().to_string() });
    let difference = |difference: &Difference| {
        let Difference { component, change, field, tier, old, new, percent } = difference;
        let component = (!component.is_empty()).then_some(component);
        json!({
            "component": component,
            "change": change,
            "field": field,
            "tier": tier,
            "old": old,
            "new": new,
            "percent": percent,
        })
    };
    let mut all = json!({
        "currency": old.book.currency(),
        "old": side(old),
        "new": side(new),
        "changes": differences.iter().map(difference).collect::<Vec<_>>(),
    });
    if let Some(backtest) = backtest {
        all["backtest"] = backtest.to_json()?;
    }
    Ok(all)
}
