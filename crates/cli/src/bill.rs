//! Bills as a table, JSON or CSV.

use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use kopeck_rating::charge::{Bill, Charge};
use kopeck_rating::money::{Amount, Overflow};

use crate::args::Format;
use crate::failure::Failure;

/// Prints a bill.
pub fn print(bill: &Bill, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, bill).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Format::Csv => csv(bill, out)?,
        Format::Table => table(bill, out)?,
    }
    out.flush()?;
    Ok(())
}

fn csv(bill: &Bill, out: &mut dyn Write) -> Result<(), Failure> {
    let mut rows = csv::Writer::from_writer(out);
    let written = rows
        .write_record([
            "project",
            "source",
            "resource",
            "component",
            "version",
            "month",
            "group",
            "quantity",
            "amount",
            "currency",
        ])
        .and_then(|()| {
            bill.charges.iter().try_for_each(|charge| rows.write_record(cells(charge, &bill.currency)))
        });
    written.map_err(|error| Failure::Output(error.into()))?;
    rows.flush()?;
    Ok(())
}

fn cells(charge: &Charge, currency: &str) -> [String; 10] {
    let key = &charge.key;
    [
        key.project.clone(),
        key.source.clone().unwrap_or_default(),
        key.resource.clone().unwrap_or_default(),
        key.component.clone(),
        key.version.to_string(),
        key.month.to_string(),
        key.group.clone().flatten().unwrap_or_default(),
        charge.quantity.to_string(),
        charge.amount.to_string(),
        currency.to_owned(),
    ]
}

fn table(bill: &Bill, out: &mut dyn Write) -> Result<(), Failure> {
    if bill.charges.is_empty() {
        writeln!(out, "No charges in this window. Total: {} {}", bill.total, bill.currency)?;
        return Ok(());
    }
    let grouped = bill.charges.iter().any(|charge| charge.key.group.is_some());
    let mut headings = vec!["project", "source", "resource", "component", "version", "month"];
    headings.extend(grouped.then_some("group"));
    headings.extend(["quantity", "amount"]);
    let mut rows = plain_table(&headings, 2);
    for charge in &bill.charges {
        let [project, source, resource, component, version, month, group, quantity, amount, _] =
            cells(charge, &bill.currency);
        let mut row = vec![project, source, resource, component, version, month];
        row.extend(grouped.then_some(group));
        row.extend([quantity, amount]);
        rows.add_row(row);
    }
    writeln!(out, "{rows}\n")?;
    let projects = by_project(bill)?;
    let mut totals = plain_table(&["project", &bill.currency], 1);
    for (project, amount) in &projects {
        totals.add_row([(*project).to_owned(), amount.to_string()]);
    }
    totals.add_row(["Total".to_owned(), bill.total.to_string()]);
    writeln!(out, "{totals}")?;
    Ok(())
}

fn by_project(bill: &Bill) -> Result<BTreeMap<&str, Amount>, Overflow> {
    let mut projects = BTreeMap::new();
    for charge in &bill.charges {
        let sum: &mut Amount = projects.entry(charge.key.project.as_str()).or_insert(Amount::ZERO);
        *sum = sum.checked_add(charge.amount)?;
    }
    Ok(projects)
}

/// A table without frames whose last `numbers` columns are numbers.
pub fn plain_table(headings: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    for column in table.column_iter_mut().rev().take(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
