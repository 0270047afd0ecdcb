//! The arguments of `kopeck prices` and `kopeck estimate`.

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::parse_date;

/// `kopeck prices`.
#[derive(Debug, Args)]
pub struct PricesArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: PricesCommand,
}

/// What can be done with price books.
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// Check price books by every rule, the 30 days' notice of price changes included
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show what one price book changes against another, and what that would have done to past bills
    #[command(after_long_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
}

const CHECK_EXAMPLES: &str = "\
A version must be announced at least 30 days before it takes effect, unless it does nothing
but lower prices or remove components; the first version of a book is exempt. Warnings tell
what is allowed and probably not meant.

Example:
  kopeck prices check examples/private-region.toml examples/marketplace.toml

Exit codes: 0 all are in order, warnings or not; 2 a price book breaks a rule,
or a bad argument or file.";

const DIFF_EXAMPLES: &str = "\
The latest version of each book is compared, or those that --old-version and --new-version
name. With --events the bills of a past window are calculated by both versions, each as if
it had been in force over all of the window and long before: the difference is what the
change would have done.

Examples:
  kopeck prices diff prices-2026.toml prices-2027.toml
  kopeck prices diff prices.toml prices.toml --old-version 2026-09-01
  kopeck prices diff prices-2026.toml prices-2027.toml --events october.jsonl \\
      --from 2026-10-01 --to 2026-11-01

Exit codes: 0 compared; 1 compared, and some events were refused;
2 a bad argument, price book or file.";

/// The help of `kopeck estimate`.
pub const ESTIMATE_EXAMPLES: &str = "\
A plan is a TOML file of resources and of usage:

  [[resource]]
  kind = \"vm\"
  count = 3                # 1 by default
  state = \"active\"       # the class of its state: active, the default, or inactive
  region = \"msk-1\"       # this and the attributes may be left out
  attributes = { vcpu = 4, ram_gb = 16, os = \"debian-13\" }

  [[usage]]
  kind = \"api_call\"
  attributes = { calls = 1, tokens = 900 }
  times = 20000            # so many uses of these attributes ...
  per = \"day\"            # ... a day or a month

A month is 730.5 hours for what is billed by the second or hour, and the calendar month of
--at for what is billed by the month. What is charged for a whole day or month has no price
for an hour. Amounts are as the book prices them: VAT on top is not added.

Example:
  kopeck estimate --prices examples/sample.toml --plan examples/plan.toml --at 2026-10-01

Exit codes: 0 estimated, warnings or not; 2 a bad argument, price book or plan.";

/// `kopeck prices check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Price books (TOML)
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

/// `kopeck prices diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The price book as it is
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The price book as it is to be
    #[arg(value_name = "NEW")]
    pub new: String,
    /// The version of the old book, by its effective date [default: its latest]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub old_version: Option<Date>,
    /// The version of the new book, by its effective date [default: its latest]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub new_version: Option<Date>,
    /// Usage events to calculate past bills from; may be given several times, `-` is standard input
    #[arg(long, value_name = "FILE", requires_all = ["from", "to"])]
    pub events: Vec<String>,
    /// Tell every refused event, not only the first hundred
    #[arg(long, requires = "events")]
    pub all_errors: bool,
    /// First day of the past window, in the price books' time zone
    #[arg(long, value_name = "DATE", value_parser = parse_date, requires = "events")]
    pub from: Option<Date>,
    /// The day before which the window ends
    #[arg(long, value_name = "DATE", value_parser = parse_date, requires = "events")]
    pub to: Option<Date>,
    /// How to print the comparison
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck estimate`.
#[derive(Debug, Args)]
pub struct EstimateArgs {
    /// The price book (TOML)
    #[arg(long, value_name = "FILE")]
    pub prices: String,
    /// The plan (TOML)
    #[arg(long, value_name = "FILE")]
    pub plan: String,
    /// The day whose prices and month count [default: the first day of the latest version]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub at: Option<Date>,
    /// How to print the estimate
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// How messages are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people
    Text,
    /// For machines
    Json,
}

/// How tables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people
    Table,
    /// For machines
    Json,
}
