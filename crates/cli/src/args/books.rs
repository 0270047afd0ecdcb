//! The arguments of the commands that work on a ledger's store.

mod account;
mod hold;
mod journal;
mod payment;

use std::path::PathBuf;

use clap::Args;
use kopeck_ledger::account::AccountKind;
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Currency, Moment, Text};
use uuid::Uuid;

use super::TableFormat;

pub use account::*;
pub use hold::*;
pub use journal::*;
pub use payment::*;

/// Where the ledger is: in a folder, or at a server.
#[derive(Debug, Args)]
pub struct LedgerArg {
    /// The folder of the ledger; KOPECK_STORE names another than kopeck-data
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["url", "token_file"])]
    pub store: Option<PathBuf>,
    /// Or the server that has it.
    #[command(flatten)]
    pub server: ServerArg,
}

/// A server.
#[derive(Debug, Args)]
pub struct ServerArg {
    /// The server that is asked, such as https://kopeck.example; else the one in KOPECK_URL
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// A file that holds the token of the server; else the token in KOPECK_TOKEN
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// Where the ledger is, for what is done to its files.
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
    /// Who asks; of a server it is the token that says so [default: the user of this system]
    #[arg(long, value_name = "NAME", env = "KOPECK_ACTOR", value_parser = parse_text, hide_env_values = true)]
    pub actor: Option<Text>,
    /// When it happened (RFC 3339): not in the future, and never before the last record; not at a server [default: now]
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

pub(super) fn parse_text(text: &str) -> Result<Text, String> {
    Text::new(text).map_err(|error| format!("the text {error}: write 1 to 255 bytes on one line"))
}

pub(super) fn parse_amount(text: &str) -> Result<Amount, String> {
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

pub(super) fn parse_moment(text: &str) -> Result<Moment, String> {
    let remedy = "write it like 2026-10-05T10:00:00+03:00";
    let instant: jiff::Timestamp =
        text.parse().map_err(|_| format!("not an instant with an offset: {remedy}"))?;
    Moment::try_from(instant).map_err(|error| format!("{error}: {remedy}"))
}
