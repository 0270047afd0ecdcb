//! The arguments of `kopeck limit`.

use clap::{Args, Subcommand};
use kopeck_directory::limit::LimitKey;
use kopeck_guard::limit::{Action, Brake, Threshold};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::name::{Currency, Moment};
use uuid::Uuid;

use super::books::{parse_amount, parse_moment};
use super::{ServerArg, TableFormat};

/// `kopeck limit`.
#[derive(Debug, Subcommand)]
pub enum LimitCommand {
    /// Set a limit, in place of what was set under the same name
    #[command(after_long_help = SET_EXAMPLES)]
    Set(LimitSetArgs),
    /// List limits, and what each comes to now
    #[command(
        after_long_help = "Examples:\n  kopeck limit list acme\n  kopeck limit list --payer 01923b5a-7c00-7000-8000-000000000011 --format json"
    )]
    List(LimitListArgs),
    /// End a limit
    #[command(after_long_help = "Example:\n  kopeck limit remove acme cap:month")]
    Remove(LimitRemoveArgs),
    /// List what was stopped, and what became of it
    #[command(after_long_help = "Example:\n  kopeck limit stops acme")]
    Stops(StopsArgs),
}

const SET_EXAMPLES: &str = "\
A limit's name says what it looks at:
  cap:month, cap:lifetime    everything is stopped in time, so that it costs no more
  quota                      a month's cost of the project; what is done, --at says
  quota:each-region, quota:region:NAME, quota:kind:NAME
  rate                       what a trailing hour may cost, with --brake
  wallet                     with --payer: a cap at zero of what the workspace has

A limit below what is spent already is accepted, stops at once, and tells the excess. Who develops
a project may lower a cap or a quota, and nothing else.

Examples:
  kopeck limit set acme cap:month --amount 10000
  kopeck limit set acme quota:kind:gpu --amount 500 --at 80=notify --at 100=stop
  kopeck limit set acme rate --percent-of-median 300 --brake stop
  kopeck limit set --payer 01923b5a-7c00-7000-8000-000000000011 wallet

Exit codes: 0 set, now or before; 2 refused, or a bad argument or server.";

/// Whose limit.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct HolderArgs {
    /// The project
    #[arg(value_name = "PROJECT")]
    pub project: Option<String>,
    /// The workspace, over all projects that it pays for
    #[arg(long, value_name = "WORKSPACE")]
    pub payer: Option<Uuid>,
}

/// `kopeck limit set`.
#[derive(Debug, Args)]
pub struct LimitSetArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// The project, unless --payer names a workspace, and the limit's name
    #[arg(value_name = "[PROJECT] LIMIT", num_args = 1..=2, required = true)]
    pub names: Vec<String>,
    /// The workspace, over all projects that it pays for
    #[arg(long, value_name = "WORKSPACE")]
    pub payer: Option<Uuid>,
    /// How much, above zero
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, allow_hyphen_values = true)]
    pub amount: Option<Amount>,
    /// What the amount is in
    #[arg(long, value_name = "CURRENCY", default_value = "RUB")]
    pub currency: Currency,
    /// What is done at which per cent of a quota: `notify`, `ask_approval`, `refuse_new` or `stop`
    #[arg(long, value_name = "PERCENT=ACTION", value_parser = parse_threshold)]
    pub at: Vec<Threshold>,
    /// So many per cent of the median of the project's own hours, in place of an amount
    #[arg(long, value_name = "PERCENT")]
    pub percent_of_median: Option<u32>,
    /// What a rate does: `warn` or `stop`
    #[arg(long, value_name = "BRAKE", value_parser = parse_brake)]
    pub brake: Option<Brake>,
    /// For how many days after a stop a wallet has to pay what stopping does not end [default: 7]
    #[arg(long, value_name = "DAYS")]
    pub horizon_days: Option<u16>,
    /// From when on it limits nothing (RFC 3339) [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<Moment>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck limit list`.
#[derive(Debug, Args)]
pub struct LimitListArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// Whose limits.
    #[command(flatten)]
    pub holder: HolderArgs,
    /// How to print them
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck limit remove`.
#[derive(Debug, Args)]
pub struct LimitRemoveArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// The project, unless --payer names a workspace, and the limit's name
    #[arg(value_name = "[PROJECT] LIMIT", num_args = 1..=2, required = true)]
    pub names: Vec<String>,
    /// The workspace, over all projects that it pays for
    #[arg(long, value_name = "WORKSPACE")]
    pub payer: Option<Uuid>,
}

/// `kopeck limit stops`.
#[derive(Debug, Args)]
pub struct StopsArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// The project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// How to print them
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// A limit's name.
pub fn parse_limit(text: &str) -> Result<LimitKey, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn parse_threshold(text: &str) -> Result<Threshold, String> {
    let wrong = || "write it like 80=notify, with notify, ask_approval, refuse_new or stop".to_owned();
    let (percent, action) = text.split_once('=').ok_or_else(wrong)?;
    let action = match action {
        "notify" => Action::Notify,
        "ask_approval" => Action::AskApproval,
        "refuse_new" => Action::RefuseNew,
        "stop" => Action::Stop,
        _ => return Err(wrong()),
    };
    Ok(Threshold { percent: percent.parse().map_err(|_| wrong())?, action })
}

fn parse_brake(text: &str) -> Result<Brake, String> {
    match text {
        "warn" => Ok(Brake::Warn),
        "stop" => Ok(Brake::Stop),
        _ => Err("write warn or stop".to_owned()),
    }
}
