//! Bills as a table, JSON or CSV.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::rows::Rows;

use crate::args::Format;
use crate::failure::Failure;

/// The buffer between rows and the system, in bytes.
pub const BUFFER: usize = 1 << 18;

/// Prints a bill.
pub fn print(bill: &Rows<'_>, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
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

fn csv(bill: &Rows<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let mut rows = csv::WriterBuilder::new().buffer_capacity(BUFFER).from_writer(out);
    let headings = [
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
    ];
    let mut printed = [const { String::new() }; 4];
    let written = rows.write_record(headings).and_then(|()| {
        bill.charges().try_for_each(|charge| {
            let values: [&dyn Display; 4] =
                [&charge.version, &charge.month, &charge.quantity, &charge.amount];
            for (text, value) in printed.iter_mut().zip(values) {
                text.clear();
                // Writing to a text can not fail.
                let _ = write!(text, "{value}");
            }
            let [version, month, quantity, amount] = &printed;
            rows.write_record([
                charge.project,
                charge.source.unwrap_or_default(),
                charge.resource.unwrap_or_default(),
                charge.component,
                version,
                month,
                charge.group.flatten().unwrap_or_default(),
                quantity,
                amount,
                bill.currency(),
            ])
        })
    });
    written.map_err(|error| Failure::Output(error.into()))?;
    rows.flush()?;
    Ok(())
}

fn table(bill: &Rows<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    if bill.is_empty() {
        writeln!(out, "No charges in this window. Total: {} {}", bill.total(), bill.currency())?;
        return Ok(());
    }
    let grouped = bill.charges().any(|charge| charge.group.is_some());
    let mut headings = vec!["project", "source", "resource", "component", "version", "month"];
    headings.extend(grouped.then_some("group"));
    headings.extend(["quantity", "amount"]);
    let mut rows = plain_table(&headings, 2);
    for charge in bill.charges() {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut row = vec![charge.project.to_owned(), text(charge.source), text(charge.resource)];
        row.extend([charge.component.to_owned(), charge.version.to_string(), charge.month.to_string()]);
        row.extend(grouped.then(|| text(charge.group.flatten())));
        row.extend([charge.quantity.to_string(), charge.amount.to_string()]);
        rows.add_row(row);
    }
    writeln!(out, "{rows}\n")?;
    let projects = by_project(bill)?;
    let mut totals = plain_table(&["project", bill.currency()], 1);
    for (project, amount) in &projects {
        totals.add_row([(*project).to_owned(), amount.to_string()]);
    }
    totals.add_row(["Total".to_owned(), bill.total().to_string()]);
    writeln!(out, "{totals}")?;
    Ok(())
}

fn by_project<'a>(bill: &'a Rows<'_>) -> Result<BTreeMap<&'a str, Amount>, Overflow> {
    let mut projects = BTreeMap::new();
    for charge in bill.charges() {
        let sum: &mut Amount = projects.entry(charge.project).or_insert(Amount::ZERO);
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
