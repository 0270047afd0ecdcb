//! The arguments of the commands that work on a ledger's store.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Currency, Moment, Text};
use uuid::Uuid;

use super::{TableFormat, TextFormat, parse_date};

/// Where the ledger is.
#[derive(Debug, Args)]
pub struct StoreArg {
    /// The folder of the ledger
    #[arg(
        long,
        value_name = "FOLDER",
        env = "KOPECK_STORE",
        default_value = "kopeck-data",
        hide_env_values = true
    )]
    pub store: PathBuf,
}

/// Under which id, by whom and when something is asked for.
#[derive(Debug, Args)]
pub struct Sending {
    /// Names the request, so that it may be sent again safely: a UUID, best of version 7 [default: a new one, printed]
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
    /// Who asks [default: the user of this system]
    #[arg(long, value_name = "NAME", env = "KOPECK_ACTOR", value_parser = parse_text, hide_env_values = true)]
    pub actor: Option<Text>,
    /// When it happened (RFC 3339): not in the future, and never before the last record [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub at: Option<Moment>,
}

/// `kopeck init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// A currency to keep books in; may be given several times
    #[arg(long, value_name = "CODE", default_value = "RUB", value_parser = parse_currency)]
    pub currency: Vec<Currency>,
    /// When the system's accounts are opened (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub at: Option<Moment>,
    /// How to print what was made
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck init`.
pub const INIT_EXAMPLES: &str = "\
Makes the folder, an empty ledger in it, and the operator's and the system's accounts of
each currency: platform, external (the bank's side), rounding and tax. Sent again after a
crash it finishes what it began.

Examples:
  kopeck init
  kopeck init --store /var/lib/kopeck --currency RUB --currency USD

Exit codes: 0 made; 2 there is a ledger already, or a bad argument or folder.";

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
}

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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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

/// `kopeck transfer`.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
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
    pub store: StoreArg,
    /// The hold
    #[arg(value_name = "HOLD")]
    pub hold: Uuid,
    /// How to print the hold
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck ledger`.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Prove the journal: every hash, every record against the rules, and all that is kept beside it
    #[command(after_long_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Print the journal for other programs
    #[command(after_long_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
}

const VERIFY_EXAMPLES: &str = "\
Checks that
  1. the balances of each currency sum up to zero after every transaction;
  2. each balance is the sum of its entries, each held amount that of its open holds;
  3. nobody is below the credit limit but by cost that had accrued, or by putting right;
  4. no record was altered, dropped, moved or cut off, by the chain of hashes and the heads
     that were written down beside the journal (kopeck.heads) or printed on statements;
  5. every charge names what it pays for, and every explicit transaction who asked.
It names the first record that is broken. The ledger may be in use meanwhile.

Examples:
  kopeck ledger verify
  kopeck ledger verify --head 1042:6f1d…          # a head that was printed or logged
  kopeck ledger verify --backup monday.kopeck

Exit codes: 0 all is well; 2 something is broken, or a bad argument or file.";

const EXPORT_EXAMPLES: &str = "\
Holds move no money, so they are not there. Dates are those of UTC.

Examples:
  kopeck ledger export --format hledger -o ledger.journal
  hledger -f ledger.journal balance --tree

Exit codes: 0 exported; 2 a bad argument or file.";

/// `kopeck ledger verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// A backup to verify instead
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,
    /// A record and its hash, as statements print them; may be given several times
    #[arg(long, value_name = "RECORD:HASH", value_parser = parse_head)]
    pub head: Vec<KnownHead>,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

/// A head of the journal that was printed or logged.
#[derive(Debug, Clone, Copy)]
pub struct KnownHead {
    /// The record.
    pub sequence: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// `kopeck ledger export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// For which program
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
}

/// What other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Plain-text accounting: hledger, and what reads its files
    Hledger,
}

/// `kopeck backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// The file to make
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// The help of `kopeck backup`.
pub const BACKUP_EXAMPLES: &str = "\
The backup is one file: the ledger as it was at one instant. It gets its name when it is whole.

Example:
  kopeck backup monday.kopeck

Exit codes: 0 made; 2 there is such a file, or a bad argument or folder.";

/// `kopeck restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Where the ledger is.
    #[command(flatten)]
    pub store: StoreArg,
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Put it in the place of the ledger that is there, which is kept as kopeck.db.replaced
    #[arg(long)]
    pub replace: bool,
}

/// The help of `kopeck restore`.
pub const RESTORE_EXAMPLES: &str = "\
A copy of the backup is verified first. Where it is broken, nothing changes.

Examples:
  kopeck restore monday.kopeck --store elsewhere
  kopeck restore monday.kopeck --replace

Exit codes: 0 restored; 2 the backup is broken, there is a ledger already, or a bad argument.";

fn parse_text(text: &str) -> Result<Text, String> {
    Text::new(text).map_err(|error| format!("the text {error}: write 1 to 255 bytes on one line"))
}

fn parse_amount(text: &str) -> Result<Amount, String> {
    let amount: Amount = text.parse().map_err(|error| format!("{error}"))?;
    if amount.is_negative() {
        return Err("is below zero: write what is moved, and turn the accounts round".to_owned());
    }
    Ok(amount)
}

fn parse_coefficient(text: &str) -> Result<Coefficient, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn parse_currency(text: &str) -> Result<Currency, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn parse_kind(word: &str) -> Result<AccountKind, String> {
    let words = || AccountKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    AccountKind::from_word(word).ok_or_else(|| format!("unknown kind: write one of {}", words()))
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    let remedy = "write it like 2026-10-05T10:00:00+03:00";
    let instant: jiff::Timestamp =
        text.parse().map_err(|_| format!("not an instant with an offset: {remedy}"))?;
    Moment::try_from(instant).map_err(|error| format!("{error}: {remedy}"))
}

fn parse_head(text: &str) -> Result<KnownHead, String> {
    let head = text.split_once(':').and_then(|(sequence, hash)| {
        let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
        Some(KnownHead { sequence, hash: hash_of(hash)? })
    });
    head.ok_or_else(|| {
        "not a head: write a record and its 64 hexadecimal digits, as statements print them".to_owned()
    })
}

fn hash_of(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(pair..pair + 2)?, 16).ok()?;
    }
    Some(hash)
}
