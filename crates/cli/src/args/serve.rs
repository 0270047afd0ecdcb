//! The arguments of `kopeck serve`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kopeck_ledger::name::Moment;
use kopeck_server::shards::SHARDS;
use kopeck_server::shards::peers::NodeUrl;

use super::books::parse_moment;

/// The help of `kopeck serve`.
pub const SERVE_EXAMPLES: &str = "\
The first start makes the folder, a ledger with the operator's and the system's accounts, and
a token for the operator, which is printed once: only its hash is kept. KOPECK_OPERATOR_TOKEN
gives one instead, of at least 32 characters, and replaces the one before.

The API is described at /openapi.json and can be tried at /docs. /healthz tells whether the
server is alive, /readyz whether it can work; /metrics is OpenMetrics. The log goes to standard
error, as JSON where that is no terminal; KOPECK_LOG says how much, such as `debug`.

With --database any number of servers work on one PostgreSQL, and each answers every request:
they share out the metering, ask each other where --advertise says, and take over from one
that ends. The first one makes the tables; --shards is for that one alone. Their clock is the
database's.

SIGTERM and Ctrl-C drain: what was accepted is committed, then the server ends.

Examples:
  kopeck serve
  kopeck serve --data /var/lib/kopeck --listen 0.0.0.0:8080
  kopeck serve --database postgres://kopeck@db/kopeck --listen 10.0.0.1:8080
  kopeck serve --data /tmp/try --clock simulated --now 2026-10-01T00:00:00+03:00

Exit codes: 0 ended by a signal, with everything committed; 2 it could not start.";

/// `kopeck serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The folder of the data, where there is no database
    #[arg(
        long,
        value_name = "DIR",
        env = "KOPECK_STORE",
        default_value = "kopeck-data",
        hide_env_values = true
    )]
    pub data: PathBuf,
    /// Work on this PostgreSQL with other servers, instead of on a folder; an address such as
    /// postgres://user:password@host:5432/name?sslmode=require
    #[arg(long, value_name = "ADDRESS", env = "KOPECK_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Where the other servers reach this one [default: where it listens]
    #[arg(long, value_name = "URL", requires = "database", value_parser = NodeUrl::read)]
    pub advertise: Option<NodeUrl>,
    /// Over how many shards a new installation deals out its metering
    #[arg(long, value_name = "N", requires = "database", default_value_t = SHARDS)]
    pub shards: NonZeroU32,
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The time that the server lives by
    #[arg(long, value_enum, default_value_t = ClockSource::System)]
    pub clock: ClockSource,
    /// Where a simulated clock stands at first (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = parse_moment, required_if_eq("clock", "simulated"))]
    pub now: Option<Moment>,
}

/// Which clock a server lives by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClockSource {
    /// The machine's
    System,
    /// One that stands still until it is set
    Simulated,
}
