//! The command line: commands, options and their help.

mod books;
mod demo;
mod limit;
mod prices;
mod serve;
mod server;
mod store;

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use kopeck_connect::convert::Source;
use kopeck_rating::calendar::Calendar;
use kopeck_sample::Ids;

pub use books::{
    AccountCommand, BackupArgs, By, CoefficientArgs, CorrectArgs, CreateArgs, DepositArgs, ExportArgs,
    HoldCommand, HoldCreateArgs, HoldPostArgs, HoldReleaseArgs, HoldShowArgs, InitArgs, KnownHead, Language,
    LedgerArg, LedgerCommand, LimitArgs, ListArgs, Period, ReportArgs, RestoreArgs, ReverseArgs, Sending,
    ServerArg, ShowArgs, StatementArgs, TransferArgs, VerifyArgs, WithdrawArgs,
};
pub use demo::DemoArgs;
pub use limit::{
    HolderArgs, LimitCommand, LimitListArgs, LimitRemoveArgs, LimitSetArgs, StopsArgs, parse_limit,
};
pub use prices::{CheckArgs, DiffArgs, EstimateArgs, PricesArgs, PricesCommand, TableFormat, TextFormat};
pub use serve::{ClockSource, ServeArgs};
pub use server::{
    EventsCommand, ScopeArgs, SendArgs, SpendArgs, TokenCommand, TokenCreateArgs, TokenListArgs,
    TokenRevokeArgs,
};
pub use store::{CopyArgs, MigrateArgs, Place, StoreCommand};

/// kopeck turns what clouds report into money: exactly, in real time.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "kopeck turns what clouds report into money: exactly, in real time",
    arg_required_else_help = true
)]
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
    /// Show the intervals and events behind a charge, and its arithmetic
    #[command(after_long_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Check price books, and compare them
    Prices(PricesArgs),
    /// Price a plan of resources that do not exist yet
    #[command(after_long_help = prices::ESTIMATE_EXAMPLES)]
    Estimate(EstimateArgs),
    /// Write a realistic stream of usage events: VMs with day and night, volumes, options, jobs, API calls
    #[command(after_long_help = SAMPLE_EXAMPLES)]
    Sample(SampleArgs),
    /// Turn foreign records into usage events
    #[command(after_long_help = CONVERT_EXAMPLES)]
    Convert(ConvertArgs),
    /// Make an empty ledger
    #[command(after_long_help = books::INIT_EXAMPLES)]
    Init(InitArgs),
    /// Open accounts, and show what they have and what happened on them
    #[command(subcommand)]
    Account(AccountCommand),
    /// Move money between accounts
    #[command(after_long_help = books::TRANSFER_EXAMPLES)]
    Transfer(TransferArgs),
    /// Money comes in from the bank
    #[command(after_long_help = books::DEPOSIT_EXAMPLES)]
    Deposit(DepositArgs),
    /// Money goes out to the bank
    #[command(after_long_help = books::WITHDRAW_EXAMPLES)]
    Withdraw(WithdrawArgs),
    /// Take back a transaction that should not have been
    #[command(after_long_help = books::REVERSE_EXAMPLES)]
    Reverse(ReverseArgs),
    /// Put right the amount of a transaction
    #[command(after_long_help = books::CORRECT_EXAMPLES)]
    Correct(CorrectArgs),
    /// Set money aside, and pay from it
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Prove the journal, and print it for other programs
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Serve the API
    #[command(after_long_help = serve::SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Make the tables of an installation in a database, or bring them to this version
    #[command(after_long_help = store::MIGRATE_EXAMPLES)]
    Migrate(MigrateArgs),
    /// Move an installation between a folder and a database
    #[command(subcommand)]
    Store(StoreCommand),
    /// Bring usage events to a server
    #[command(subcommand)]
    Events(EventsCommand),
    /// Show what a project spends, at a server
    #[command(after_long_help = server::SPEND_EXAMPLES)]
    Spend(SpendArgs),
    /// Limit what projects and payers spend, and see what was stopped, at a server
    #[command(subcommand)]
    Limit(LimitCommand),
    /// Issue, list and end a server's tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Play a month of projects, payers and a marketplace on a server of its own
    #[command(after_long_help = demo::DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Copy the ledger, and what a server keeps beside it, while they are used
    #[command(after_long_help = books::BACKUP_EXAMPLES)]
    Backup(BackupArgs),
    /// Make a ledger, or all that a server keeps, of a backup
    #[command(after_long_help = books::RESTORE_EXAMPLES)]
    Restore(RestoreArgs),
    /// Measure how fast kopeck is on this machine, next to a baseline of the same run
    #[command(subcommand)]
    Bench(Bench),
    /// Print a completion script for a shell
    #[command(after_long_help = "Example:\n  kopeck completions bash > /etc/bash_completion.d/kopeck")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(after_long_help = "Example:\n  kopeck man /usr/local/share/man/man1")]
    Man {
        /// The folder, which must exist
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

const SAMPLE_EXAMPLES: &str = "\
The same options give the same bytes on every machine. It has about 7 events for each VM and day;
times are Moscow's.

Example:
  kopeck sample --seed 1 --vms 12 --days 31 -o sample.jsonl
  kopeck rate --prices examples/sample.toml --events sample.jsonl --from 2026-10-01 --to 2026-11-01";

const CONVERT_EXAMPLES: &str = "\
Formats:
  slurm              job accounting as `sacct --allusers --parsable2` prints it
  swf                Standard Workload Format of the Parallel Workloads Archive
  openstack-log      event logs of OpenStack: instances, volumes, images
  nova-notification  versioned notifications of Nova
  focus              cost and usage exports in FOCUS 1.0 (CSV)
  azure-cost         Azure cost exports (CSV; English or German headers)
  api-calls          time-stamped calls with token counts (CSV)
  storage-usage      daily snapshots of stored bytes (JSON)
  azure-rate-card    an Azure rate card (JSON), which becomes a price book

Records that can not be converted are refused one by one, and the rest goes on.
Files may be gzipped.

Examples:
  kopeck convert slurm sacct.log -o jobs.jsonl
  kopeck convert slurm sacct.log | kopeck rate --prices examples/marketplace.toml --events - \\
      --from 2016-12-01 --to 2017-02-01

Exit codes: 0 all converted; 1 some records were refused; 2 a bad argument or file.";

const EXPLAIN_EXAMPLES: &str = "\
The input is that of `kopeck rate`; the other options are the charge's key as it prints it.
What is left out may be anything: all charges that match are explained.

Example:
  kopeck explain --prices examples/private-region.toml --events october.jsonl \\
      --from 2026-10-01 --to 2026-11-01 --project acme --resource vm-1 --component vm.active.vcpu

Exit codes: 0 explained; 1 explained, and some events were refused;
2 no such charge, or a bad argument or file.";

const RATE_EXAMPLES: &str = "\
Examples:
  kopeck rate --prices examples/private-region.toml --events october.jsonl \\
      --from 2026-10-01 --to 2026-11-01
  kopeck convert slurm sacct.log | kopeck rate --prices examples/marketplace.toml --events - \\
      --from 2016-12-01 --to 2017-02-01 --format csv

Of each event some tens of bytes are remembered until all are read. Where they come to more than
--memory, they go to files without names in the scratch folder, and the bill is made part by part.
The names of resources and projects, and what events say of them, stay in memory, each once.

Exit codes: 0 all rated; 1 some events were refused, the rest is rated;
2 a bad argument, price book, file or scratch folder, and what may have been printed is not whole.";

/// What is rated.
#[derive(Debug, Args)]
pub struct RateInput {
    /// The price book (TOML)
    #[arg(long, value_name = "FILE")]
    pub prices: String,
    /// Usage events, one CloudEvents JSON a line; may be given several times, `-` is standard input
    #[arg(long, value_name = "FILE", required = true)]
    pub events: Vec<String>,
    /// Tell every refused event, not only the first hundred
    #[arg(long)]
    pub all_errors: bool,
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
    /// How much it may remember.
    #[command(flatten)]
    pub memory: MemoryArgs,
}

/// How much a run may remember of its events, and where the rest goes.
#[derive(Debug, Args)]
pub struct MemoryArgs {
    /// Memory for what grows with the events; what does not fit waits on disk to be rated
    #[arg(long, value_name = "SIZE", value_parser = parse_memory, default_value = "2GiB")]
    pub memory: ByteSize,
    /// The folder for that, with room for some 100 bytes an event [default: the system's for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
}

/// `kopeck explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// What is rated.
    #[command(flatten)]
    pub input: RateInput,
    /// The component of the charge
    #[arg(long, value_name = "ID")]
    pub component: String,
    /// Its project
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Its source
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// Its resource
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
    /// The date of its price version
    #[arg(long = "version", value_name = "DATE", value_parser = parse_date)]
    pub price_version: Option<Date>,
    /// Its month, like 2026-10
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// Its group; the empty text for resources that lack the attribute
    #[arg(long, value_name = "TEXT")]
    pub group: Option<String>,
    /// How to print the explanation
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
}

/// `kopeck sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Another seed gives another stream
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many VMs are alive at a time
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub vms: u32,
    /// How many days it lasts
    #[arg(long, value_name = "N", default_value_t = 31)]
    pub days: u32,
    /// Its first day
    #[arg(long, value_name = "DATE", value_parser = parse_date, default_value = "2026-10-01")]
    pub start: Date,
    /// What the ids of events look like
    #[arg(long, value_enum, value_name = "IDS", default_value_t = SampleIds::InOrder)]
    pub ids: SampleIds,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
}

/// `kopeck convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// What the files hold
    #[arg(value_name = "FORMAT", value_parser = parse_foreign)]
    pub format: Foreign,
    /// The files, one after the other; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
    /// What jobs become: usage at their end, or resources that live while they run
    #[arg(long = "as", value_enum, value_name = "EVENTS", default_value_t = JobsAs::Usage)]
    pub jobs_as: JobsAs,
    /// The project of records that name none (api-calls)
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The region of records that name none (openstack-log, nova-notification)
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub region: Option<String>,
    /// The cloud that the records are of, for clouds whose regions have the same names (openstack-log,
    /// nova-notification)
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub cloud: Option<String>,
    /// The IANA time zone of times without an offset
    #[arg(long, value_name = "ZONE", value_parser = parse_zone, default_value = "UTC")]
    pub timezone: Calendar,
    /// Tell every refused record, not only the first hundred
    #[arg(long)]
    pub all_errors: bool,
    /// The id of the price book that a rate card becomes
    #[arg(long, value_name = "ID", default_value = AZURE_RATE_CARD)]
    pub book: String,
    /// The currency of a rate card that names none
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// The date from which a rate card's prices hold
    #[arg(long, value_name = "DATE", value_parser = parse_date, default_value = "2020-01-01")]
    pub effective: Date,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Rating: the whole command, the core alone, and a large price book
    Rate(BenchArgs),
    /// The ledger: durable transfers, histories, openings and verifying, next to what the disk gives
    Ledger(BenchLedgerArgs),
    /// The server: events over HTTP until they are posted, single transactions, restarts, memory
    Ingest(BenchIngestArgs),
    /// The guard: how long from an event that exceeds a cap until the stop reaches the cloud's adapter
    Guard(BenchGuardArgs),
}

/// `kopeck bench guard`.
#[derive(Debug, Args)]
pub struct BenchGuardArgs {
    /// Where the server's data is, on the disk that is to be measured [default: the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Resources that live all the time
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub resources: u64,
    /// Projects that they are in, each with a cap
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub projects: u32,
    /// Events a second that come in meanwhile
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Connections that send them
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub connections: u32,
    /// Stops that are measured, each in another project
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub stops: u32,
}

/// `kopeck bench ingest`.
#[derive(Debug, Args)]
pub struct BenchIngestArgs {
    /// Where the server's data is, on the disk that is to be measured [default: the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Measure on this empty PostgreSQL database instead: postgres://user:password@host:5432/name
    #[arg(long, value_name = "ADDRESS", conflicts_with = "folder")]
    pub database: Option<String>,
    /// Leave the server's data there
    #[arg(long)]
    pub keep: bool,
    /// VMs that are alive at a time: each is about two resources
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub vms: u32,
    /// Live resources of the server whose starting again is measured
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    pub live: u32,
    /// Events that the server has when it is measured
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub known: u64,
    /// Events of each measurement
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub events: u64,
    /// Connections that send batches of 1,000 events
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub connections: u32,
    /// Clients that send single transactions
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub clients: u32,
    /// Single transactions of each client
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub transactions: u32,
}

/// `kopeck bench ledger`.
#[derive(Debug, Args)]
pub struct BenchLedgerArgs {
    /// Where the ledgers are made, on the disk that is to be measured [default: the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Accounts that the transfers go between
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub accounts: u32,
    /// Transfers in each measurement of large batches
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub transfers: u32,
    /// Transfers that the ledger has when histories are read and it is verified
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub history: u32,
    /// Accounts of the ledger whose opening is measured
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..=50_000_000))]
    pub opened: u32,
    /// How often each rate is measured; the best round counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub rounds: u32,
}

/// `kopeck bench rate`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// How many VMs the sample month has: about 215 events each
    #[arg(long, value_name = "N", default_value_t = 4_700)]
    pub vms: u32,
    /// How often it is measured; the best round counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub rounds: u32,
}

/// What foreign files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Records that become usage events.
    Records(Source),
    /// A rate card that becomes a price book.
    AzureRateCard,
}

const AZURE_RATE_CARD: &str = "azure-rate-card";

/// What jobs become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JobsAs {
    /// A usage event at the end of each job
    Usage,
    /// A resource that runs from the job's start to its end
    State,
}

/// What the ids of a sample's events look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SampleIds {
    /// The seed and the number of the event
    InOrder,
    /// 32 hexadecimal digits without an order, as clouds make them
    Random,
}

impl From<SampleIds> for Ids {
    fn from(ids: SampleIds) -> Ids {
        match ids {
            SampleIds::InOrder => Ids::InOrder,
            SampleIds::Random => Ids::Random,
        }
    }
}

/// How an explanation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Text,
    /// For machines
    Json,
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

fn parse_foreign(name: &str) -> Result<Foreign, String> {
    if name == AZURE_RATE_CARD {
        return Ok(Foreign::AzureRateCard);
    }
    let mut names: Vec<_> = Source::ALL.into_iter().map(Source::name).collect();
    names.push(AZURE_RATE_CARD);
    let source = Source::named(name).map(Foreign::Records);
    source.ok_or_else(|| format!("unknown format: write one of {}", names.join(", ")))
}

/// Less memory would be spent on the files instead of saved.
const LEAST_MEMORY: ByteSize = ByteSize::mb(1);

fn parse_memory(text: &str) -> Result<ByteSize, String> {
    let size = text.parse::<ByteSize>().map_err(|_| "not a size: write it like 512MiB or 4GiB".to_owned())?;
    if size < LEAST_MEMORY { Err("too little: give at least 1MB".to_owned()) } else { Ok(size) }
}

fn parse_zone(name: &str) -> Result<Calendar, String> {
    Calendar::of_zone(name)
        .ok_or_else(|| "unknown time zone: write an IANA name such as Europe/Moscow".to_owned())
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
