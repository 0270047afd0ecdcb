//! The arguments of `kopeck transfer`, `deposit` and `withdraw`.

use clap::Args;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::Text;
use uuid::Uuid;

use super::{LedgerArg, Sending, parse_amount, parse_text};
use crate::args::TableFormat;

/// `kopeck transfer`.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The account that the money leaves
    #[arg(long, value_name = "ACCOUNT")]
    pub from: String,
    /// The account that it goes to
    #[arg(long, value_name = "ACCOUNT")]
    pub to: String,
    /// How much, with at most 6 decimals
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Amount,
    /// The project that it concerns
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub project: Option<Text>,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// How to print the transaction
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck transfer`.
pub const TRANSFER_EXAMPLES: &str = "\
Users pay workspaces and other users; workspaces, storages and executors pay their owner.

Examples:
  kopeck transfer --from Ann --to acme --amount 250
  kopeck transfer --from Ann --to acme --amount 250 --id 01923b5a-7c00-7000-8000-000000000001

Sent again with the same --id and content it answers as the first time and moves nothing; an
id that was refused for lack of money stays refused.

Exit codes: 0 posted, now or before; 2 refused: nothing was moved.";

/// `kopeck deposit`.
#[derive(Debug, Args)]
pub struct DepositArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The user account that the money goes to
    #[arg(long, value_name = "ACCOUNT")]
    pub to: String,
    /// How much, with at most 6 decimals
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Amount,
    /// The bank's name for it
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// The number of the invoice that it pays
    #[arg(long, value_name = "NUMBER", value_parser = parse_text, requires = "workspace")]
    pub invoice: Option<Text>,
    /// The workspace of the invoice: the money is passed on to it in the same transaction
    #[arg(long, value_name = "ACCOUNT", requires = "invoice")]
    pub workspace: Option<String>,
    /// How to print the transaction
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck deposit`.
pub const DEPOSIT_EXAMPLES: &str = "\
Examples:
  kopeck deposit --to Ann --amount 1000 --reference \"payment order 17\"
  kopeck deposit --to Ann --amount 1000 --invoice 2026-10-0042 --workspace acme

Exit codes: 0 posted, now or before; 2 refused: nothing was moved.";

/// `kopeck withdraw`.
#[derive(Debug, Args)]
pub struct WithdrawArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The user or platform account that the money leaves
    #[arg(long, value_name = "ACCOUNT")]
    pub from: String,
    /// How much, with at most 6 decimals
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Amount,
    /// The bank's name for it
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// How to print the transaction
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck withdraw`.
pub const WITHDRAW_EXAMPLES: &str = "\
Example:
  kopeck withdraw --from Ann --amount 120.50 --reference \"payment order 18\"

Exit codes: 0 posted, now or before; 2 refused: nothing was moved.";

/// `kopeck reverse`.
#[derive(Debug, Args)]
pub struct ReverseArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The transaction that should not have been
    #[arg(value_name = "TRANSACTION")]
    pub transaction: Uuid,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// How to print the transaction
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck reverse`.
pub const REVERSE_EXAMPLES: &str = "\
Nothing is deleted: a new transaction moves everything back, commission included, and names the
one that it puts right. It may overdraw who was paid.

Example:
  kopeck reverse 01923b5a-7c00-7000-8000-000000000001 --reference \"paid twice\"

Exit codes: 0 posted, now or before; 2 refused: nothing was moved.";

/// `kopeck correct`.
#[derive(Debug, Args)]
pub struct CorrectArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Under which id, by whom and when.
    #[command(flatten)]
    pub sending: Sending,
    /// The transaction that should have been about another amount
    #[arg(value_name = "TRANSACTION")]
    pub transaction: Uuid,
    /// What it should have been about, from zero, with at most 6 decimals
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Amount,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reference: Option<Text>,
    /// How to print the transaction
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck correct`.
pub const CORRECT_EXAMPLES: &str = "\
A new transaction moves the difference, commission included, and names the one that it puts
right. It may overdraw who was paid.

Example:
  kopeck correct 01923b5a-7c00-7000-8000-000000000001 --amount 24 --reference \"25 was a slip\"

Exit codes: 0 posted, now or before; 2 refused: nothing was moved.";
