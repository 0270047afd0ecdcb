//! `kopeck estimate`: a plan of resources that do not exist yet, priced.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use kopeck_rating::estimate::plan::{Plan, Resource, Usage, UsePer};
use kopeck_rating::estimate::{Cost, Estimate, EstimateError, Item, Line, estimate};
use kopeck_rating::money::Amount;
use kopeck_rating::price_book::read::{Problem, shortened, visible};
use kopeck_rating::price_book::{Class, PriceBook};
use serde_json::{Value, json};

use crate::args::{EstimateArgs, TableFormat};
use crate::bill::plain_table;
use crate::book_file;
use crate::failure::{Done, Failure};
use crate::rate::tell;
use crate::toml_file::{Severity, TomlFile};

/// Runs the command.
pub fn run(args: &EstimateArgs) -> Result<Done, Failure> {
    let book = book_file::load(&args.prices)?;
    let file = TomlFile::read(&args.plan, "the plan")?;
    let plan = Plan::read(&file.text).map_err(|problems| file.failure(&problems))?;
    let estimated = estimate(&book, &plan, args.at).map_err(|error| failure(error, &args.prices))?;
    let page = Page { book: &book, plan: &plan, estimate: &estimated };
    tell(&file.told(Severity::Warning, &page.warnings()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        TableFormat::Json => {
            serde_json::to_writer(&mut out, &page.json()?).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        TableFormat::Table => page.table(&mut out)?,
    }
    out.flush()?;
    Ok(Done::Whole)
}

fn failure(error: EstimateError, prices: &str) -> Failure {
    let remedy = match error {
        EstimateError::NoVersion { first, .. } => format!("give --at {first} or later"),
        EstimateError::OutOfRange(_) => "give --at within them".to_owned(),
        EstimateError::Overflow(_) => "plan fewer or smaller resources".to_owned(),
    };
    Failure::input(error, Some(prices), remedy)
}

/// What an estimate is printed with.
struct Page<'a> {
    book: &'a PriceBook,
    plan: &'a Plan,
    estimate: &'a Estimate<'a>,
}

impl Page<'_> {
    /// What a person should know beside the amounts, in the order of the plan.
    fn warnings(&self) -> Vec<Problem> {
        let version = self.estimate.version;
        let unpriced = self.estimate.unpriced.iter().map(|item| {
            let (kind, span) = self.item(*item);
            let known = self.book.versions().iter().filter(|other| other.effective == version);
            let prices_kind =
                known.flat_map(|known| &known.components).any(|component| component.kind == kind);
            let reason = if prices_kind {
                format!(
                    "version {version} prices kind \"{}\", but no component of it matches this",
                    shortened(kind)
                )
            } else {
                format!("version {version} has no component for kind \"{}\"", shortened(kind))
            };
            let remedy = "it costs nothing by this book: correct it, or add a component to the book";
            Problem { span, reason, remedy: remedy.to_owned() }
        });
        let lacking = self.estimate.lacking.iter().map(|lacking| {
            let (component, attribute) = (shortened(&lacking.component.id), shortened(lacking.attribute));
            let reason = format!(
                "component {component} charges by `{attribute}`, which this lacks or does not give as a number: it counts as 0"
            );
            let remedy = format!("add `{attribute}` to its attributes");
            Problem { span: self.item(lacking.item).1, reason, remedy }
        });
        let mut all: Vec<Problem> = unpriced.chain(lacking).collect();
        all.sort_by_key(|problem| problem.span.start);
        all
    }

    /// The kind of an item, and where it stands in the plan.
    fn item(&self, item: Item) -> (&str, std::ops::Range<usize>) {
        match item {
            Item::Resource(number) => {
                let resource = &self.plan.resources[number];
                (&resource.description.kind, resource.span.clone())
            }
            Item::Usage(number) => {
                let usage = &self.plan.usages[number];
                (&usage.description.kind, usage.span.clone())
            }
        }
    }

    /// "3 × vm msk-1 inactive", or "20 × api_call a day".
    fn name(&self, item: Option<Item>) -> String {
        let (count, description, rest) = match item {
            None => return "(all usage)".to_owned(),
            Some(Item::Resource(number)) => {
                let Resource { count, description, class, .. } = &self.plan.resources[number];
                (count, description, if *class == Class::Inactive { " inactive" } else { "" })
            }
            Some(Item::Usage(number)) => {
                let Usage { times, description, per, .. } = &self.plan.usages[number];
                (times, description, if *per == UsePer::Day { " a day" } else { " a month" })
            }
        };
        let region = description.region.as_deref().map(|region| format!(" {region}")).unwrap_or_default();
        visible(&format!("{count} × {}{region}{rest}", description.kind))
    }

    fn table(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let Estimate { version, month, lines, total, vat_on_top, .. } = self.estimate;
        let currency = self.book.currency();
        writeln!(
            out,
            "By version {version} of price book {}, month {}, in {currency}:\n",
            visible(self.book.id()),
            month.name
        )?;
        let mut rows = plain_table(&["for", "component", "quantity", "hour", "day", "month", "once"], 5);
        for line in lines {
            let texts = [self.name(line.item), visible(&line.component.id), line.quantity.to_string()];
            rows.add_row(texts.into_iter().chain(amounts(line.cost)));
            if let Some(vat) = line.vat.filter(|_| line.vat_on_top != Cost::NONE) {
                rows.add_row(sum_row(&format!("  + {vat}"), line.vat_on_top));
            }
        }
        rows.add_row(sum_row("Total", *total));
        if *vat_on_top != Cost::NONE {
            rows.add_row(sum_row("VAT on top", *vat_on_top));
            rows.add_row(sum_row("Total with VAT", total.checked_add(*vat_on_top)?));
        }
        writeln!(out, "{rows}")?;
        let vat: BTreeSet<String> =
            lines.iter().filter_map(|line| line.vat).map(|vat| vat.to_string()).collect();
        if !vat.is_empty() {
            let kinds: Vec<_> = vat.into_iter().collect();
            writeln!(out, "\nPrices: {}.", kinds.join("; "))?;
        }
        Ok(())
    }

    fn json(&self) -> Result<Value, Failure> {
        let Estimate { version, month, lines, total, vat_on_top, unpriced, .. } = self.estimate;
        Ok(json!({
            "book": self.book.id(),
            "version": version.to_string(),
            "month": month.name.to_string(),
            "currency": self.book.currency(),
            "lines": lines.iter().map(|line| self.json_of(line)).collect::<Vec<_>>(),
            "total": cost_json(*total),
            "vat_on_top": cost_json(*vat_on_top),
            "total_with_vat": cost_json(total.checked_add(*vat_on_top)?),
            "unpriced": unpriced.iter().map(|item| json_item(Some(*item))).collect::<Vec<_>>(),
        }))
    }

    fn json_of(&self, line: &Line<'_>) -> Value {
        let vat = line.vat.map(|vat| {
            let rate = vat.rate.map_or("none".to_owned(), |rate| rate.to_string());
            json!({ "rate": rate, "included": vat.included })
        });
        let mut all = cost_json(line.cost);
        all["item"] = json_item(line.item);
        all["kind"] = json!(line.component.kind);
        all["component"] = json!(line.component.id);
        all["model"] = json!(line.component.model.name());
        all["quantity"] = json!(line.quantity.to_string());
        all["vat"] = json!(vat);
        all["vat_on_top"] = cost_json(line.vat_on_top);
        all
    }
}

/// An item by its list in the plan and its number there, from 1.
fn json_item(item: Option<Item>) -> Value {
    match item {
        None => Value::Null,
        Some(Item::Resource(number)) => json!({ "resource": number + 1 }),
        Some(Item::Usage(number)) => json!({ "usage": number + 1 }),
    }
}

/// A row that is about money only.
fn sum_row(name: &str, cost: Cost) -> impl Iterator<Item = String> {
    [name.to_owned(), String::new(), String::new()].into_iter().chain(amounts(cost))
}

fn amounts(cost: Cost) -> [String; 4] {
    [cost.hour, cost.day, cost.month, cost.once]
        .map(|amount| amount.map_or("–".to_owned(), |amount| amount.to_string()))
}

fn cost_json(cost: Cost) -> Value {
    let text = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
    json!({ "hour": text(cost.hour), "day": text(cost.day), "month": text(cost.month), "once": text(cost.once) })
}
