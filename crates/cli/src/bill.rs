//! Bills as a table, JSON or CSV.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::mem;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use kopeck_rating::billing::Summary;
use kopeck_rating::charge::{Bill, Charge};
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::rate::{Rated, Rater};
use kopeck_rating::rows::Piece;

use crate::args::Format;
use crate::failure::Failure;

/// Makes a bill on so many threads and prints it. CSV and JSON leave piece by piece, while the rest is still made.
pub fn print(rater: Rater, format: Format, threads: usize, out: &mut dyn Write) -> Result<Summary, Failure> {
    let summary = match format {
        Format::Json => json(rater, threads, out)?,
        Format::Csv => csv(rater, threads, out)?,
        Format::Table => {
            let Rated { bill, notices } = rater.finish_on(threads)?;
            table(&bill, out)?;
            Summary { total: bill.total, charges: bill.charges.len(), notices }
        }
    };
    out.flush()?;
    Ok(summary)
}

fn json(rater: Rater, threads: usize, out: &mut dyn Write) -> Result<Summary, Failure> {
    let currency = serde_json::to_string(rater.currency()).map_err(io::Error::from)?;
    // It waits for the first charges: a run that fails before them prints nothing.
    let mut begin = format!("{{\"currency\":{currency},\"charges\":[");
    let mut first = true;
    let summary = rater.finish_in_pieces(threads, json_rows, |rows| -> Result<(), Failure> {
        let rows = rows.map_err(|error| Failure::Output(error.into()))?;
        out.write_all(mem::take(&mut begin).as_bytes())?;
        let Some(written) = rows.get(usize::from(first)..) else { return Ok(()) };
        first &= rows.is_empty();
        Ok(out.write_all(written)?)
    })?;
    let total = serde_json::to_string(&summary.total.to_string()).map_err(io::Error::from)?;
    writeln!(out, "{begin}],\"total\":{total}}}")?;
    Ok(summary)
}

/// The charges of a piece, each with a comma before it.
fn json_rows(piece: &Piece<'_>) -> serde_json::Result<Vec<u8>> {
    let mut rows = Vec::new();
    for charge in piece.charges() {
        rows.push(b',');
        serde_json::to_writer(&mut rows, &charge)?;
    }
    Ok(rows)
}

const CSV_HEADINGS: [&str; 10] = [
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

fn csv(rater: Rater, threads: usize, out: &mut dyn Write) -> Result<Summary, Failure> {
    let mut headings = csv::Writer::from_writer(Vec::new());
    headings.write_record(CSV_HEADINGS).map_err(|error| Failure::Output(error.into()))?;
    // They wait for the first charges, as in JSON.
    let mut begin = headings.into_inner().map_err(|error| Failure::Output(error.into_error()))?;
    let summary = rater.finish_in_pieces(threads, csv_rows, |rows| -> Result<(), Failure> {
        out.write_all(&mem::take(&mut begin))?;
        Ok(out.write_all(&rows.map_err(|error| Failure::Output(error.into()))?)?)
    })?;
    out.write_all(&begin)?;
    Ok(summary)
}

/// The charges of a piece, a line each.
fn csv_rows(piece: &Piece<'_>) -> csv::Result<Vec<u8>> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    let mut printed = [const { String::new() }; 4];
    for charge in piece.charges() {
        let values: [&dyn Display; 4] = [&charge.version, &charge.month, &charge.quantity, &charge.amount];
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
            piece.currency(),
        ])?;
    }
    rows.into_inner().map_err(|error| error.into_error().into())
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
    for charge in bill.charges.iter().map(Charge::as_ref) {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut row = vec![charge.project.to_owned(), text(charge.source), text(charge.resource)];
        row.extend([charge.component.to_owned(), charge.version.to_string(), charge.month.to_string()]);
        row.extend(grouped.then(|| text(charge.group.flatten())));
        row.extend([charge.quantity.to_string(), charge.amount.to_string()]);
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
