//! The arguments of the commands that only a server can answer.

use clap::{Args, Subcommand};
use kopeck_ledger::name::{Moment, Text};
use uuid::Uuid;

use super::books::{parse_moment, parse_text};
use super::{ServerArg, TableFormat};

/// `kopeck events`.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Send usage events to a server
    #[command(after_long_help = SEND_EXAMPLES)]
    Send(SendArgs),
}

const SEND_EXAMPLES: &str = "\
Events are sent in their order, one batch after the other, and count when they are durable. A
refused event is told and does not keep back the others. Sending the same files again is safe:
what was accepted before is a duplicate and changes nothing.

While the server is busy, restarts or can not be reached it is asked again, for five minutes.
Files may be gzipped.

Examples:
  kopeck events send october.jsonl --url https://kopeck.example --token-file token
  kopeck convert slurm sacct.log | kopeck events send -

Exit codes: 0 all accepted, now or before; 1 some events were refused, the rest is accepted;
2 a bad argument or file, or a server that does not answer.";

/// `kopeck events send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// Usage events, one CloudEvents JSON a line; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// The most events that are sent at a time
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,
    /// Tell every refused event, not only the first hundred
    #[arg(long)]
    pub all_errors: bool,
    /// How to print what became of the events
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck spend`.
#[derive(Debug, Args)]
pub struct SpendArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// The project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// The local month, such as 2026-10 [default: the one that it is now]
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// Go on and print it again whenever it changes, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// The help of `kopeck spend`.
pub const SPEND_EXAMPLES: &str = "\
total is what the month has cost up to now, VAT included; posted is what of it is in the ledger,
accrued what is not yet. The burn rate is what an hour costs as things run now. With --follow
each change is a block of its own, or with --format json a line.

Examples:
  kopeck spend acme
  kopeck spend acme --month 2026-10 --format json
  kopeck spend acme --follow

Exit codes: 0 printed; 2 no such project, or a bad argument or server.";

/// `kopeck token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Issue a token; its secret is shown once
    #[command(after_long_help = CREATE_EXAMPLES)]
    Create(TokenCreateArgs),
    /// List the tokens that your token might issue
    #[command(after_long_help = "Example:\n  kopeck token list --format json")]
    List(TokenListArgs),
    /// End a token
    #[command(after_long_help = "Example:\n  kopeck token revoke 01923b5a-7c00-7000-8000-000000000001")]
    Revoke(TokenRevokeArgs),
}

const CREATE_EXAMPLES: &str = "\
A token is for one thing: an installation's role, a role in a project, all that a user may do,
or only sending the events of a provider.

Examples:
  kopeck token create --name books --installation accountant
  kopeck token create --name ci --project acme --role developer --expires 2027-01-01T00:00:00Z
  kopeck token create --name cloud --provider 01923b5a-7c00-7000-8000-000000000020 > token

With --format table only the secret goes to standard output, and what it is for to standard error.

Exit codes: 0 issued; 2 refused, or a bad argument or server.";

/// `kopeck token create`.
#[derive(Debug, Args)]
pub struct TokenCreateArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// What people call it
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub name: Text,
    /// What it is for.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The role in the project: `payer`, `developer` or `viewer`
    #[arg(long, value_name = "ROLE", requires = "project")]
    pub role: Option<String>,
    /// From when on it does not hold any more (RFC 3339) [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub expires: Option<Moment>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// What a token is for: one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArgs {
    /// The whole installation, as `operator` or `accountant`
    #[arg(long, value_name = "ROLE")]
    pub installation: Option<String>,
    /// One project, with --role
    #[arg(long, value_name = "PROJECT", requires = "role")]
    pub project: Option<String>,
    /// All that a user may do
    #[arg(long, value_name = "USER")]
    pub user: Option<Uuid>,
    /// Only sending the events of a provider
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<Uuid>,
}

/// `kopeck token list`.
#[derive(Debug, Args)]
pub struct TokenListArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// How to print the tokens
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `kopeck token revoke`.
#[derive(Debug, Args)]
pub struct TokenRevokeArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArg,
    /// The token's id
    #[arg(value_name = "TOKEN")]
    pub token: Uuid,
    /// How to print the token
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}
