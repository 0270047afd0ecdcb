//! A log of calls of an API with their tokens (CSV), into events of kind `api_call`.
//!
//! The columns TIMESTAMP, ContextTokens and GeneratedTokens must be there, in any order and case (also `time`,
//! `input_tokens`, `prompt_tokens`, `output_tokens`, `completion_tokens`).
//!
//! - Each call is one event with `calls` 1, `tokens_in` (context), `tokens_out` (generated) and `tokens`, their sum:
//!   a price book takes the one that it sells by.
//! - Times without an offset are read in the zone of the options.
//! - Such a log names neither project nor user. The project is the one of the options, else `llm-inference`; the
//!   source is `api://PROJECT`, the subject `llm-inference`.
//! - The id is the instant and the tokens as they are written, and how many calls before were the same in all three.
//!   A log is in the order of time, so equal calls stand together and no more than the last ones are remembered
//!   (see `occurrence`): a part of a log that is converted again has the same ids.
//!
//! What is not here: how long calls took and whether they failed, which such a log does not tell.

use std::io::{self, BufRead, Write};

use crate::convert::{Flaw, Options, Reading, Refused, Run, Summary};
use crate::job;
use crate::moment;
use crate::occurrence::Occurrences;
use crate::table::{self, Column, Layout, Row};
use crate::usage_event::{Attributes, Event, Says};

/// What is called, and who pays for it if nobody says.
const API: &str = "llm-inference";

const TIMESTAMP: usize = 0;
const TOKENS_IN: usize = 1;
const TOKENS_OUT: usize = 2;

static LAYOUT: Layout = Layout {
    columns: &[
        Column { name: "TIMESTAMP", also: &["time"], required: true },
        Column { name: "ContextTokens", also: &["inputtokens", "prompttokens"], required: true },
        Column { name: "GeneratedTokens", also: &["outputtokens", "completiontokens"], required: true },
    ],
    null: "NULL",
    identity: &[
        "timestamp",
        "time",
        "contexttokens",
        "inputtokens",
        "prompttokens",
        "generatedtokens",
        "outputtokens",
        "completiontokens",
    ],
};

/// Equal calls within so many distinct ones are told apart.
const NEIGHBOURS: usize = 1 << 16;

/// Converts one log.
///
/// # Errors
/// Only what reading the input or writing the output fails with; a bad record is a refusal.
pub fn convert(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    options: &Options,
    on_refusal: &mut dyn FnMut(Refused),
) -> io::Result<Summary> {
    let mut run = Run::new(output, on_refusal);
    let mut occurrences = Occurrences::of_neighbours(NEIGHBOURS);
    table::convert(input, &mut run, &LAYOUT, &mut |row| {
        let mut event = read(row, options)?;
        event.id = format!("{}/{}", event.id, occurrences.number(row.identity()));
        Ok(Reading::Events(vec![event]))
    })?;
    run.finish()
}

/// The event of a call, whose id lacks the number among calls that are alike.
fn read(row: &Row<'_>, options: &Options) -> Result<Event, Flaw> {
    let written =
        row.required(TIMESTAMP, "a call without a time can not be billed: add it, or leave it out")?;
    let time = moment::read(row.name(TIMESTAMP), written, &options.timezone)?;
    let (tokens_in, tokens_out) = (row.count(TOKENS_IN)?, row.count(TOKENS_OUT)?);
    let tokens = job::quantity(&(job::exact(tokens_in) + job::exact(tokens_out))).ok_or_else(|| {
        Flaw::of_record("the tokens come to 10^12 or more", "check the record at its source")
    })?;
    let project = options.project().unwrap_or(API);
    let mut attributes = Attributes::default();
    attributes.number("calls", job::count("1"));
    attributes.number("tokens", Some(tokens));
    attributes.number("tokens_in", Some(tokens_in));
    attributes.number("tokens_out", Some(tokens_out));
    Ok(Event {
        id: format!("{written}/{tokens_in}/{tokens_out}"),
        source: format!("api://{project}"),
        subject: API.to_owned(),
        time,
        project: project.to_owned(),
        actor: None,
        sequence: None,
        says: Says::Usage,
        kind: "api_call",
        region: None,
        attributes,
    })
}
