//! The arguments of `kopeck migrate` and `kopeck store`.

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use kopeck_server::shards::SHARDS;

/// The help of `kopeck migrate`.
pub const MIGRATE_EXAMPLES: &str = "\
A server does the same when it starts; this is for whoever gives servers no right to make tables.
What is there already stays. A database of a newer version is refused.

Example:
  kopeck migrate --database postgres://owner@db/kopeck

Exit codes: 0 the tables are of this version; 2 the database can not be used, or is newer.";

/// `kopeck migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The database, such as postgres://user:password@host:5432/name
    #[arg(long, value_name = "ADDRESS", env = "KOPECK_DATABASE", hide_env_values = true)]
    pub database: String,
    /// Over how many shards a new installation deals out its metering
    #[arg(long, value_name = "N", default_value_t = SHARDS)]
    pub shards: NonZeroU32,
}

/// `kopeck store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy an installation from a folder into a database, or back
    #[command(after_long_help = COPY_EXAMPLES)]
    Copy(CopyArgs),
}

const COPY_EXAMPLES: &str = "\
All of it: ledger, usage events with what was settled, directory, the operator's token. Stop the
servers first. A copy that was interrupted goes on when it is asked for again; where something
else is there nothing is written. In the end the heads of both journals, all balances and the
hashes of events and acts are compared.

Projects of a folder stay in the first shard of the database; those that are made later are
dealt out. Back to a folder goes what is in one shard.

Examples:
  kopeck store copy /var/lib/kopeck postgres://kopeck@db/kopeck
  kopeck store copy postgres://kopeck@db/kopeck /var/lib/kopeck-again

Exit codes: 0 both are the same; 2 one can not be used, is served, or holds something else.";

/// `kopeck store copy`.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// A folder, or the address of a database
    #[arg(value_name = "FROM")]
    pub from: Place,
    /// A database, or a folder
    #[arg(value_name = "TO")]
    pub to: Place,
    /// Over how many shards the database deals out projects that are made later
    #[arg(long, value_name = "N", default_value_t = SHARDS)]
    pub shards: NonZeroU32,
}

/// Where an installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// In a database.
    Database(String),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Place, Infallible> {
        let is_address = text.starts_with("postgres://") || text.starts_with("postgresql://");
        Ok(if is_address { Place::Database(text.to_owned()) } else { Place::Folder(text.into()) })
    }
}

impl fmt::Display for Place {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(folder) => folder.display().fmt(f),
            Place::Database(_) => f.write_str("the database"),
        }
    }
}
