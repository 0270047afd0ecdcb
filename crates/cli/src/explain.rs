//! `kopeck explain`: the intervals and events behind a charge, and its arithmetic, for a pocket calculator.

use std::io::{self, BufWriter, Write};

use kopeck_api::explanation::{Places, Written, price_of};
use kopeck_rating::calendar::{Calendar, Second};
use kopeck_rating::charge::Charge;
use kopeck_rating::explain::{Cause, Counting, Explanation, Reading, Selection, explain};
use kopeck_rating::meter::TierPart;
use kopeck_rating::price_book::Model;
use kopeck_rating::rate::Rater;
use serde_json::Value;

use crate::args::{ExplainArgs, ExplainFormat};
use crate::bill::plain_table;
use crate::book_file;
use crate::failure::{Done, Failure};
use crate::rate::{out_of_range, place, read_events, window};
use crate::refusals::Refusals;

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Result<Done, Failure> {
    let book = book_file::load(&args.input.prices)?;
    if !book.components().any(|(_, component)| component.id == args.component) {
        let reason = format!("the price book has no component \"{}\"", args.component);
        return Err(Failure::input(reason, Some(&args.input.prices), "name one as `kopeck rate` prints it"));
    }
    let window = window(&args.input, &book)?;
    let mut rater = Rater::for_explaining(&book, window, &args.component).map_err(out_of_range)?;
    let read = read_events(&args.input.events, Refusals::new(args.input.all_errors), &mut rater)?;
    let selection = Selection {
        project: args.project.clone(),
        source: args.source.clone(),
        resource: args.resource.clone(),
        version: args.price_version,
        month: args.month.clone(),
        group: args.group.clone(),
    };
    let explanations = explain(rater, &selection)?;
    if explanations.is_empty() {
        let reason = format!("no charge of component \"{}\" has that key in this window", args.component);
        let remedy = "`kopeck rate` with the same input prints the charges and their keys";
        return Err(Failure::input(reason, None, remedy));
    }
    let page = Page { calendar: book.calendar(), currency: book.currency(), files: &read.files };
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        ExplainFormat::Json => {
            let list: Vec<Value> =
                explanations.iter().map(|explanation| page.written().json(explanation, &page)).collect();
            serde_json::to_writer(&mut out, &list).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        ExplainFormat::Text => {
            for (number, explanation) in explanations.iter().enumerate() {
                if number > 0 {
                    writeln!(out)?;
                }
                page.text(explanation, &mut out)?;
            }
        }
    }
    out.flush()?;
    Ok(if read.refused == 0 { Done::Whole } else { Done::SomeRefused })
}

/// What all explanations of a run are printed with.
struct Page<'a> {
    calendar: &'a Calendar,
    currency: &'a str,
    files: &'a [String],
}

impl Places for Page<'_> {
    fn file(&self, cause: &Cause) -> Option<&str> {
        let file = usize::try_from(cause.origin.file).ok()?;
        self.files.get(file).map(String::as_str)
    }
}

impl Page<'_> {
    fn written(&self) -> Written<'_> {
        Written { calendar: self.calendar, currency: self.currency }
    }

    fn text(&self, explanation: &Explanation, out: &mut dyn Write) -> Result<(), Failure> {
        writeln!(out, "{}", headline(&explanation.charge))?;
        writeln!(out, "{}", self.written().rule(explanation))?;
        writeln!(out)?;
        self.intervals(explanation, out)?;
        self.slots(explanation, out)?;
        writeln!(out)?;
        if let Counting::LargestSum(at) = explanation.counting {
            writeln!(out, "The sum is at its largest from {} on.", self.local(at))?;
        }
        if let Some(before) = &explanation.before {
            writeln!(out, "{}", self.reading(explanation, before))?;
        }
        writeln!(out, "{}", self.reading(explanation, &explanation.after))?;
        let Charge { quantity, amount, .. } = &explanation.charge;
        let difference = explanation.before.map_or(String::new(), |before| {
            let after = &explanation.after;
            format!(
                " = {} − {} (quantity {} − {})",
                after.amount, before.amount, after.quantity, before.quantity
            )
        });
        writeln!(out, "Charge: {amount} {}{difference}, quantity {quantity}", self.currency)?;
        Ok(())
    }

    fn intervals(&self, explanation: &Explanation, out: &mut dyn Write) -> Result<(), Failure> {
        let usage = !explanation.component.model.meters_states();
        let project_wide = explanation.charge.key.resource.is_none();
        let seconds = explanation.counting == Counting::Seconds;
        let mut headings = Vec::new();
        headings.extend(project_wide.then_some("resource"));
        headings.push(if usage { "at" } else { "from" });
        headings.extend((!usage).then_some("until"));
        headings.extend(["quantity"]);
        headings.extend(seconds.then_some("× seconds"));
        headings.extend(seconds.then_some("= product"));
        headings.push(if usage { "event" } else { "began by" });
        headings.extend((!usage).then_some("ended by"));
        let mut rows = plain_table(&headings, 0);
        for interval in &explanation.intervals {
            let mut row = Vec::new();
            row.extend(project_wide.then(|| format!("{} {}", interval.source, interval.resource)));
            row.push(self.local(interval.start));
            row.extend((!usage).then(|| self.local(interval.end)));
            row.push(interval.quantity.to_string());
            if seconds {
                let length = interval.end - interval.start;
                row.extend([length.to_string(), interval.quantity.times(length)?.to_string()]);
            }
            row.push(self.cause(&interval.began));
            let ended = || {
                interval
                    .ended
                    .as_ref()
                    .map_or("(still so, or the price's or window's end)".to_owned(), |cause| {
                        self.cause(cause)
                    })
            };
            row.extend((!usage).then(ended));
            rows.add_row(row);
        }
        writeln!(out, "{rows}")?;
        Ok(())
    }

    fn slots(&self, explanation: &Explanation, out: &mut dyn Write) -> Result<(), Failure> {
        let Counting::Slots(runs) = &explanation.counting else { return Ok(()) };
        let hours = matches!(explanation.component.model, Model::HourlyPeak { .. });
        let unit = if hours { "× hours" } else { "× days" };
        let mut rows = plain_table(&["counted from", "largest quantity", unit, "= product"], 3);
        for run in runs {
            let product = run.quantity.times(run.count)?;
            rows.add_row([
                self.local(run.start),
                run.quantity.to_string(),
                run.count.to_string(),
                product.to_string(),
            ]);
        }
        writeln!(out, "\n{rows}")?;
        Ok(())
    }

    /// "By 2026-11-01T00:00:00+03:00: 1749640 × 365.25 / 2629800 = 243.005556 RUB".
    fn reading(&self, explanation: &Explanation, reading: &Reading) -> String {
        let Reading { at, quantity, amount } = reading;
        let divided =
            if explanation.parts == 1 { String::new() } else { format!(" / {}", explanation.parts) };
        let sum = match (&explanation.component.model, &explanation.counting) {
            (Model::Tiered(_), Counting::Tiers(parts)) if *at == explanation.after.at => {
                let part = |part: &TierPart| format!("{} × {}", part.quantity, part.price);
                parts.iter().map(part).collect::<Vec<_>>().join(" + ")
            }
            (model, _) => match price_of(model) {
                Some(price) => format!("{quantity} × {price}{divided}"),
                None => format!("{quantity} in its tiers"),
            },
        };
        format!("By {}: {sum} = {amount} {}", self.local(*at), self.currency)
    }

    fn cause(&self, cause: &Cause) -> String {
        let state = cause.state.as_deref().map(|state| format!("{state} ")).unwrap_or_default();
        let actor = cause.actor.as_deref().map(|actor| format!(" by {actor}")).unwrap_or_default();
        format!("{state}{} ({}){actor}", cause.id, place(self.files, cause.origin))
    }

    /// A second as RFC 3339 in the zone of the book.
    fn local(&self, second: Second) -> String {
        self.written().local(second)
    }
}

fn headline(charge: &Charge) -> String {
    let key = &charge.key;
    let mut parts = vec![key.project.clone()];
    parts.extend(key.source.clone());
    parts.extend(key.resource.clone());
    parts.extend([key.component.clone(), format!("version {}", key.version), format!("month {}", key.month)]);
    if let Some(group) = &key.group {
        parts.push(format!("group {}", group.as_deref().unwrap_or("(none)")));
    }
    parts.join(" · ")
}
