//! `kopeck sample`: a realistic stream of usage events of any size.

use indicatif::{ProgressBar, ProgressStyle};
use kopeck_sample::{Options, Sample};

use crate::args::SampleArgs;
use crate::failure::{Done, Failure};
use crate::output::Output;

/// Progress is looked at once for this many lines.
const LINES_A_STEP: u64 = 4_096;

/// Runs the command.
pub fn run(args: &SampleArgs) -> Result<Done, Failure> {
    let options =
        Options { seed: args.seed, vms: args.vms, days: args.days, start: args.start, ids: args.ids.into() };
    let mut sample = Sample::new(&options)
        .map_err(|error| Failure::input(error, None, "`kopeck sample --help` tells the options"))?;
    let mut output = Output::open(args.output.as_deref())?;
    let progress = ProgressBar::new(1_000);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent} %, {eta} left") {
        progress.set_style(style);
    }
    let mut line = Vec::new();
    let mut lines = 0_u64;
    while sample.next_line(&mut line) {
        line.push(b'\n');
        output.writer().write_all(&line)?;
        lines += 1;
        if lines.is_multiple_of(LINES_A_STEP) {
            progress.set_position(sample.progress_permille());
        }
    }
    progress.finish_and_clear();
    output.finish()?;
    Ok(Done::Whole)
}
