//! The arguments of `kopeck account`.

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Currency, Moment, Text};

use super::{
    LedgerArg, Sending, parse_amount, parse_coefficient, parse_currency, parse_kind, parse_moment, parse_text,
};
use crate::args::{TableFormat, parse_date};

/// `kopeck account`.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Open an account
    #[command(after_long_help = CREATE_EXAMPLES)]
    Create(CreateArgs),
    /// List the accounts
    #[command(after_long_help = "Example:\n  kopeck account list --kind workspace")]
    List(ListArgs),
    /// Show what an account has, now or as of any instant
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Show what happened on an account in a period
    #[command(after_long_help = STATEMENT_EXAMPLES)]
    Statement(StatementArgs),
    /// Show a workspace's transfers, expense, income from roles and income from API keys, by day
    #[command(after_long_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Say how far below zero an account may go, from now on
    #[command(after_long_help = LIMIT_EXAMPLES)]
    Limit(LimitArgs),
    /// Say the plan's cost coefficient of a workspace, storage or executor, from now on
    #[command(after_long_help = COEFFICIENT_EXAMPLES)]
    Coefficient(CoefficientArgs),
}

const LIMIT_EXAMPLES: &str = "\
0 is prepaid: an account pays only what it has. A limit that is lowered below what is owed
already stops further payments and takes nothing back.

Example:
  kopeck account limit acme 500

Exit codes: 0 changed, now or before with the same id; 2 refused.";

const COEFFICIENT_EXAMPLES: &str = "\
Of a payment g the platform takes g - g / k; 0 to 1 mean no commission. What is paid from now
on is paid by it.

Example:
  kopeck account coefficient gpu-1 1.25

Exit codes: 0 changed, now or before with the same id; 2 refused.";

const CREATE_EXAMPLES: &str = "\
Kinds:
  user       one person or firm
  workspace  a project's working money; has an owner and a time zone
  storage    the earnings of an S3 storage's owner; has an owner
  executor   the earnings of a compute server's owner; has an owner
  platform, external, rounding, tax
             the operator's and the system's, one of each for a currency; `kopeck init`
             opens them

Accounts are named by their id anywhere, or by their name where only one has it.

Examples:
  kopeck account create --kind user --name Ann
  kopeck account create --kind workspace --name acme --owner Ann --zone Europe/Moscow
  kopeck account create --kind executor --name gpu-1 --owner Ann --coefficient 1.25

Exit codes: 0 opened, or opened before with the same id and content; 2 refused.";

const SHOW_EXAMPLES: &str = "\
available = posted + credit limit - held - accrued: what may still be spent.
As of an instant only the posted balance is known; all that happened at it counts.

Examples:
  kopeck account show Ann
  kopeck account show Ann --as-of 2026-10-05T10:00:00+03:00 --format json";

const STATEMENT_EXAMPLES: &str = "\
Days are those of the account's time zone. Without --from a statement begins with the first
entry, without --to it ends with the last.

Examples:
  kopeck account statement acme --from 2026-10-01 --to 2026-11-01
  kopeck account statement acme --from 2026-10-01 --to 2026-11-01 --by counterparty
  kopeck account statement acme --by date --lang ru
  kopeck account statement acme --format json";

const REPORT_EXAMPLES: &str = "\
Example:
  kopeck account report acme --from 2026-10-01 --to 2026-11-01";

/// `kopeck account create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when. The id is the account's as well.
    #[command(flatten)]
    pub sending: Sending,
    /// Whose money it will hold
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub kind: AccountKind,
    /// What people call it
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub name: Text,
    /// The user account that a workspace, storage or executor belongs to
    #[arg(long, value_name = "ACCOUNT")]
    pub owner: Option<String>,
    /// What its money is counted in
    #[arg(long, value_name = "CODE", default_value = "RUB", value_parser = parse_currency)]
    pub currency: Currency,
    /// The IANA time zone of its days [default: UTC]
    #[arg(long, value_name = "ZONE", value_parser = parse_text)]
    pub zone: Option<Text>,
    /// How far below zero it may go: 0 is prepaid
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = parse_amount, allow_hyphen_values = true)]
    pub credit_limit: Amount,
    /// The plan's cost coefficient k of its owner: of a payment g the platform takes g - g / k
    #[arg(long, value_name = "K", default_value = "1", value_parser = parse_coefficient, allow_hyphen_values = true)]
    pub coefficient: Coefficient,
    /// How to print the account
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck account list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Only accounts of this kind
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub kind: Option<AccountKind>,
    /// How to print the accounts
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck account show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The account: its id, or its name where only one has it
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The balance after all that had happened at this instant (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub as_of: Option<Moment>,
    /// How to print the account
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The days of a statement or a report.
#[derive(Debug, Args)]
pub struct Period {
    /// First day, in the account's time zone
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub from: Option<Date>,
    /// The day before which it ends
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub to: Option<Date>,
}

/// `kopeck account statement`.
#[derive(Debug, Args)]
pub struct StatementArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The account: its id, or its name where only one has it
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// Which days.
    #[command(flatten)]
    pub period: Period,
    /// How lines are put together
    #[arg(long, value_enum, default_value_t = By::Raw)]
    pub by: By,
    /// The language of the document
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// How to print the statement
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck account report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The workspace: its id, or its name where only one account has it
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// Which days.
    #[command(flatten)]
    pub period: Period,
    /// The language of the document
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// How to print the report
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck account limit`.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The account: its id, or its name where only one has it
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The limit, from zero, with at most 6 decimals
    #[arg(value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub limit: Amount,
    /// How to print the account
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck account coefficient`.
#[derive(Debug, Args)]
pub struct CoefficientArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The account: its id, or its name where only one has it
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The coefficient
    #[arg(value_name = "K", value_parser = parse_coefficient, allow_hyphen_values = true)]
    pub coefficient: Coefficient,
    /// How to print the account
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// How the lines of a statement are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Each by itself
    Raw,
    /// By day
    Date,
    /// By who asked
    User,
    /// By project
    Project,
    /// By the other account
    Counterparty,
}

/// The language of what customers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Russian
    Ru,
}
