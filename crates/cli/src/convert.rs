//! `kopeck convert`: foreign records in, usage events out.

use kopeck_connect::azure_rate_card::{self, BookOptions};
use kopeck_connect::convert::{Options, Refused, Summary};

use crate::args::{ConvertArgs, Foreign, JobsAs};
use crate::events_in::Inputs;
use crate::failure::{Done, Failure, paragraph};
use crate::output::Output;
use crate::rate::tell;
use crate::refusals::Refusals;

/// Runs the command.
pub fn run(args: &ConvertArgs) -> Result<Done, Failure> {
    let options = Options {
        timezone: args.timezone.zone().clone(),
        as_state: args.jobs_as == JobsAs::State,
        project: args.project.clone(),
        region: args.region.clone(),
        cloud: args.cloud.clone(),
    };
    let book = BookOptions {
        id: args.book.clone(),
        currency: args.currency.clone(),
        timezone: args.timezone.zone().iana_name().unwrap_or("UTC").to_owned(),
        effective: args.effective,
    };
    if let (Foreign::AzureRateCard, [_, second, ..]) = (args.format, args.files.as_slice()) {
        let reason = "a rate card is one file, and a price book is made of one rate card";
        return Err(Failure::input(reason, Some(second), "convert them one by one"));
    }
    let inputs = Inputs::open(&args.files)?;
    let mut output = Output::open(args.output.as_deref())?;
    let mut all = Summary::default();
    let mut refusals = Refusals::new(args.all_errors);
    inputs.each(|_, name, reader| {
        let mut refuse = |refused: Refused| refusals.take(|| refusal_text(&refused, name));
        let writer = output.writer();
        let converted = match args.format {
            Foreign::Records(source) => source.convert(reader, writer, &options, &mut refuse),
            Foreign::AzureRateCard => azure_rate_card::price_book(reader, &book, writer, &mut refuse),
        };
        refusals.failure()?;
        all += converted.map_err(|error| Failure::file(name, "convert", &error))?;
        Ok(())
    })?;
    output.finish()?;
    refusals.finish("records")?;
    tell(&summary_text(&all, args.format))?;
    Ok(if all.refused == 0 { Done::Whole } else { Done::SomeRefused })
}

fn refusal_text(refused: &Refused, file: &str) -> String {
    let field = refused.field.map(|field| format!("field {field}: ")).unwrap_or_default();
    let place = format!("{file}:{}", refused.line);
    paragraph(
        "error",
        format_args!("record refused: {field}{}", refused.reason),
        Some(&place),
        refused.remedy,
    )
}

fn summary_text(all: &Summary, format: Foreign) -> String {
    let written = match format {
        Foreign::Records(_) => format!("{} events", all.events),
        Foreign::AzureRateCard => format!("{} components", all.converted()),
    };
    let mut text = format!("{} records: {written} written, {} refused", all.records, all.refused);
    for (reason, count) in &all.skipped_as {
        text.push_str(&format!(", {count} skipped ({reason})"));
    }
    text.push('\n');
    text
}
