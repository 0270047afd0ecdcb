//! `kopeck convert`: foreign records in, usage events out.

use kopeck_connect::convert::{Options, Refused, Summary};

use crate::args::{ConvertArgs, JobsAs};
use crate::events_in::Inputs;
use crate::failure::{Done, Failure, paragraph};
use crate::output::Output;
use crate::rate::{MOST_REFUSALS, tell};

/// Runs the command.
pub fn run(args: &ConvertArgs) -> Result<Done, Failure> {
    let options = Options { timezone: args.timezone.zone().clone(), as_state: args.jobs_as == JobsAs::State };
    let inputs = Inputs::open(&args.files)?;
    let mut output = Output::open(args.output.as_deref())?;
    let mut all = Summary::default();
    inputs.each(|_, name, reader| {
        let before = all.refused;
        let mut told = 0;
        let mut untold = Ok(());
        let mut refuse = |refused: Refused| {
            told += 1;
            if before + told <= MOST_REFUSALS && untold.is_ok() {
                untold = tell(&refusal_text(&refused, name));
            }
        };
        let converted = args.source.convert(reader, output.writer(), &options, &mut refuse);
        untold?;
        all += converted.map_err(|error| Failure::file(name, "convert", &error))?;
        Ok(())
    })?;
    output.finish()?;
    if all.refused > MOST_REFUSALS {
        tell(&format!("error: {} more records were refused\n", all.refused - MOST_REFUSALS))?;
    }
    tell(&summary_text(&all))?;
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

fn summary_text(all: &Summary) -> String {
    let mut text = format!("{} records: {} events written, {} refused", all.records, all.events, all.refused);
    for (reason, count) in &all.skipped_as {
        text.push_str(&format!(", {count} skipped ({reason})"));
    }
    text.push('\n');
    text
}
