//! The arguments of `kopeck demo`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// The help of `kopeck demo`.
pub const DEMO_EXAMPLES: &str = "\
A server is started on a fresh store, with a clock of its own. People, plans, projects, price books and
a marketplace are made through its API, and October 2026 is played hour by hour. Then it goes on by itself,
a few events a second, until Ctrl-C. What there is to look at is printed, with lines that can be copied.

The same seed plays the same month.

Examples:
  kopeck demo
  kopeck demo --data /tmp/demo --listen 127.0.0.1:8081
  kopeck demo --exit

Exit codes: 0 shown; 2 it could not be.";

/// `kopeck demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// A new folder for the data, which stays [default: one for temporary files, which goes]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Let the temporary folder stay
    #[arg(long)]
    pub keep: bool,
    /// End when the month is over and shown
    #[arg(long)]
    pub exit: bool,
    /// Another seed plays another month
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many VMs the clouds have
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub vms: u32,
    /// How many days of the month are played
    #[arg(long, value_name = "N", default_value_t = 31, value_parser = clap::value_parser!(u32).range(1..=31))]
    pub days: u32,
}
