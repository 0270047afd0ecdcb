//! The arguments of `kopeck hold`.

use clap::{Args, Subcommand};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{Moment, Text};
use uuid::Uuid;

use super::{LedgerArg, Sending, parse_amount, parse_moment, parse_text};
use crate::args::TableFormat;

/// `kopeck hold`.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Set money aside on an account until an instant
    #[command(after_long_help = HOLD_EXAMPLES)]
    Create(HoldCreateArgs),
    /// Pay from a hold, whole or in parts
    #[command(after_long_help = POST_EXAMPLES)]
    Post(HoldPostArgs),
    /// Give back what is left of a hold
    #[command(after_long_help = "Example:\n  kopeck hold release 01923b5a-7c00-7000-8000-000000000001")]
    Release(HoldReleaseArgs),
    /// Show what became of a hold
    #[command(after_long_help = "Example:\n  kopeck hold show 01923b5a-7c00-7000-8000-000000000001")]
    Show(HoldShowArgs),
}

const HOLD_EXAMPLES: &str = "\
What is held is not available for anything else. It is paid from, released, or goes back by
itself at its expiry.

Example:
  kopeck hold create --on acme --amount 40 --expires 2026-10-05T12:00:00+03:00 --reference \"job 7\"

Exit codes: 0 set aside, now or before; 2 refused.";

const POST_EXAMPLES: &str = "\
The money is transferred to --to, or withdrawn to the bank. Without --amount all that is left
is paid. What is left after a part goes back, unless --keep leaves it set aside for more.

Examples:
  kopeck hold post 01923b5a-7c00-7000-8000-000000000001 --to acme
  kopeck hold post 01923b5a-7c00-7000-8000-000000000001 --to acme --amount 12.50 --keep
  kopeck hold post 01923b5a-7c00-7000-8000-000000000001 --withdraw

A retry needs the same --id and the same --amount.

Exit codes: 0 posted, now or before; 2 refused: nothing was moved.";

/// `kopeck hold create`.
#[derive(Debug, Args)]
pub struct HoldCreateArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when. The id is the hold's as well.
    #[command(flatten)]
    pub sending: Sending,
    /// The account
    #[arg(long, value_name = "ACCOUNT")]
    pub on: String,
    /// How much, with at most 6 decimals
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Amount,
    /// When what is left goes back by itself (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub expires: Moment,
    /// The project that it concerns
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub project: Option<Text>,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// How to print the hold
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck hold post`.
#[derive(Debug, Args)]
pub struct HoldPostArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The hold
    #[arg(value_name = "HOLD")]
    pub hold: Uuid,
    /// The account that the money goes to
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "withdraw")]
    pub to: Option<String>,
    /// The money goes out to the bank
    #[arg(long, conflicts_with = "to")]
    pub withdraw: bool,
    /// How much of it [default: all that is left]
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Option<Amount>,
    /// Leave the rest set aside for further parts
    #[arg(long)]
    pub keep: bool,
    /// The project that it concerns
    #[arg(long, value_name = "NAME", value_parser = parse_text, conflicts_with = "withdraw")]
    pub project: Option<Text>,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// How to print the transaction
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck hold release`.
#[derive(Debug, Args)]
pub struct HoldReleaseArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The hold
    #[arg(value_name = "HOLD")]
    pub hold: Uuid,
    /// How to print the hold
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck hold show`.
#[derive(Debug, Args)]
pub struct HoldShowArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The hold
    #[arg(value_name = "HOLD")]
    pub hold: Uuid,
    /// How to print the hold
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}
