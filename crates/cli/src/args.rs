//! The command line: commands, options and their help.

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

/// kopeck turns what clouds report into money: exactly, in real time.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rate usage events by a price book and print the charges
    #[command(after_long_help = RATE_EXAMPLES)]
    Rate(RateArgs),
}

const RATE_EXAMPLES: &str = "\
Examples:
  kopeck rate --prices examples/private-region.toml --events october.jsonl --from 2026-10-01 --to 2026-11-01
  kopeck convert slurm sacct.log | kopeck rate --prices examples/marketplace.toml --events - \\
      --from 2016-12-01 --to 2017-02-01 --format csv

Exit codes: 0 all rated; 1 some events were refused, the rest is rated; 2 a bad argument, price book or file.";

/// What is rated.
#[derive(Debug, Args)]
pub struct RateInput {
    /// The price book (TOML)
    #[arg(long, value_name = "FILE")]
    pub prices: String,
    /// Usage events, one CloudEvents JSON a line; may be given several times, `-` is standard input
    #[arg(long, value_name = "FILE", required = true)]
    pub events: Vec<String>,
    /// First day of the window, in the price book's time zone
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub from: Date,
    /// The day before which the window ends
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub to: Date,
    /// Ends the window at this instant (RFC 3339), if it is earlier
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub as_of: Option<i64>,
}

/// `kopeck rate`.
#[derive(Debug, Args)]
pub struct RateArgs {
    /// What is rated.
    #[command(flatten)]
    pub input: RateInput,
    /// How to print the charges
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For machines; the fields are those of the contract
    Json,
    /// For spreadsheets
    Csv,
}

fn parse_date(text: &str) -> Result<Date, String> {
    let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = shaped.then(|| text.parse::<Date>().ok()).flatten();
    date.ok_or_else(|| "not a date: write it like 2026-10-01".to_owned())
}

/// An instant, in whole seconds.
fn parse_time(text: &str) -> Result<i64, String> {
    match kopeck_rating::event::instant(text) {
        Ok(nanoseconds) => Ok(kopeck_rating::event::second_of(nanoseconds)),
        Err(refusal) => Err(format!("{refusal}: write it like 2026-10-05T10:00:00+03:00")),
    }
}
