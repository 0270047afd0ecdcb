//! Moving an installation from a folder into a database that nodes share, and back.
//!
//! The journal's and the logs' rows are copied as they are. What was interrupted goes on when it is asked for again; what
//! is there already must be the beginning of the same. In the end both sides are compared: the heads of the journals,
//! every balance, and the hashes of events and acts. Nobody may serve either of them meanwhile.

use std::path::Path;
use std::time::Duration;

use kopeck_ledger::account::Account;
use kopeck_ledger::name::Moment;
use kopeck_metering::judge::Arrived;
use kopeck_metering::placement::ShardNumber;
use kopeck_store::answer::{Copied, Head};
use kopeck_store::postgres::events::{EventOptions, PostgresEvents, copy as events, view};
use kopeck_store::postgres::nodes::{Installation, Nodes};
use kopeck_store::postgres::{Options, PostgresError, PostgresStore, directory};
use kopeck_store::sqlite::directory::{DirectoryOptions, SqliteDirectory};
use kopeck_store::sqlite::instant::Part;
use kopeck_store::sqlite::{self, DATABASE_FILE, SqliteStore};
use kopeck_store::{Store, StoreError};
use uuid::Uuid;

use crate::auth::{InFolder, Kept, OperatorTokenError, new_token};
use crate::clock::{Clock, system_now};
use crate::shards::membership::DEAD_AFTER;

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The end of the journal, which is the same on both sides.
    pub head: Head,
    /// Accounts whose balances are the same.
    pub accounts: u64,
    /// Usage events.
    pub events: u64,
    /// Acts of the directory.
    pub acts: u64,
}

/// Why an installation was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A store can not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator's token can not be moved.
    #[error(transparent)]
    Token(#[from] OperatorTokenError),
    /// Servers work on the database.
    #[error("servers work on the database: stop those at {0}")]
    Served(String),
    /// The database's metering is dealt out.
    #[error("shard {0} of the database has events: an installation of one shard alone fits a folder")]
    Dealt(ShardNumber),
    /// The source is damaged.
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
    /// Both sides have something, and it is not the same.
    #[error("the two ledgers are not the same: {0}; copy to an empty place")]
    Differs(String),
}

/// What is told how far copying has come.
pub type Progress<'p> = &'p mut dyn FnMut(Part, Copied);

/// Makes the tables of an installation in a database, or brings them to this version. Answers how many shards it has.
///
/// # Errors
/// [`MoveError`].
pub fn prepare(address: &str, shards: u32) -> Result<u32, MoveError> {
    let nodes = nodes(address)?;
    let agreed = agree(&nodes, shards, Moment::FIRST)?;
    made(PostgresStore::create(address))?;
    for shard in 0..agreed.shards {
        made(PostgresEvents::<Arrived>::create(address, shard.into()))?;
    }
    Ok(agreed.shards)
}

/// Moves what is in a folder into a database, where projects that come later are dealt out over so many shards.
///
/// # Errors
/// [`MoveError`]; asked for again it goes on.
pub fn to_database(
    folder: &Path,
    (address, shards): (&str, u32),
    progress: Progress<'_>,
) -> Result<Moved, MoveError> {
    let clock = Clock::System.for_store();
    // Whoever serves the folder has it locked.
    let source = SqliteStore::open(folder, sqlite::Options::at(clock.clone()))?;
    let nodes = nodes(address)?;
    is_not_served(&nodes)?;
    agree(&nodes, shards, system_now())?;
    let ledger = &mut |proven: kopeck_store::answer::Progress| {
        progress(Part::Ledger, Copied { pages: proven.records, of: proven.of });
    };
    match PostgresStore::restore(&folder.join(DATABASE_FILE), address, ledger) {
        Ok(report) => {
            if let Some(problem) = report.problem {
                return Err(MoveError::Damaged(problem.to_string()));
            }
        }
        Err(StoreError::Postgres(PostgresError::LedgerExists { .. })) => {}
        Err(error) => return Err(error.into()),
    }
    let target = PostgresStore::open(address, Options::at(clock.clone()))?;
    let (head, accounts) = compared(&source, &target)?;
    let part = Part::of(folder);
    let mut moved = Moved { head, accounts, events: 0, acts: 0 };
    if part.contains(&Part::Events) {
        let options = EventOptions { wait: Duration::ZERO, ..EventOptions::at(clock, "kopeck store copy") };
        let told = &mut |copied| progress(Part::Events, copied);
        moved.events = events::import(folder, (address, 0), options, told)?.events;
    }
    if part.contains(&Part::Directory) {
        let told = &mut |copied| progress(Part::Directory, copied);
        moved.acts = directory::copy::import(folder, address, told)?.acts;
    }
    if let Some(hash) = InFolder(folder).read()? {
        Kept::keep(&nodes, hash)?;
    }
    Ok(moved)
}

/// Moves what is in a database to a folder, as long as its metering is in one shard.
///
/// # Errors
/// [`MoveError`]; asked for again it goes on.
pub fn to_folder(address: &str, folder: &Path, progress: Progress<'_>) -> Result<Moved, MoveError> {
    let clock = Clock::System.for_store();
    let nodes = nodes(address)?;
    is_not_served(&nodes)?;
    let agreed = agree(&nodes, 1, Moment::FIRST)?;
    for shard in 1..agreed.shards {
        match view(address, shard.into()) {
            Ok(log) if log.end()?.0 > 0 => return Err(MoveError::Dealt(ShardNumber(shard))),
            Ok(_) | Err(StoreError::Postgres(PostgresError::NoEventLog { .. })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let source = PostgresStore::open(address, Options::at(clock.clone()))?;
    std::fs::create_dir_all(folder).map_err(|error| StoreError::io("make", folder, error))?;
    let told = &mut |copied| progress(Part::Ledger, copied);
    match source.backup(&folder.join(DATABASE_FILE), told) {
        Ok(()) | Err(StoreError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let target = SqliteStore::open(folder, sqlite::Options::at(clock.clone()))?;
    let (head, accounts) = compared(&source, &target)?;
    target.close();
    let told = &mut |copied| progress(Part::Events, copied);
    let events = match events::export((address, 0), folder, sqlite::Options::at(clock.clone()), told) {
        Ok(digest) => digest.events,
        Err(StoreError::Postgres(PostgresError::NoEventLog { .. })) => 0,
        Err(error) => return Err(error.into()),
    };
    drop(SqliteDirectory::open(folder, DirectoryOptions::at(clock))?);
    let told = &mut |copied| progress(Part::Directory, copied);
    let acts = directory::copy::export(address, folder, told)?.acts;
    if let Some(hash) = Kept::read(&nodes)? {
        InFolder(folder).keep(hash)?;
    }
    Ok(Moved { head, accounts, events, acts })
}

/// Whoever moves is no node that others see.
fn nodes(address: &str) -> Result<Nodes, StoreError> {
    Nodes::new(address, Uuid::now_v7().to_string(), String::new(), DEAD_AFTER)
}

fn agree(nodes: &Nodes, shards: u32, dealt_since: Moment) -> Result<Installation, MoveError> {
    let secret = new_token().map_err(OperatorTokenError::from)?;
    Ok(nodes.agree(&Installation { shards, dealt_since, secret })?)
}

fn is_not_served(nodes: &Nodes) -> Result<(), MoveError> {
    let living: Vec<String> = nodes.look()?.living.into_values().collect();
    if living.is_empty() { Ok(()) } else { Err(MoveError::Served(living.join(", "))) }
}

fn made(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    match outcome {
        Err(StoreError::Postgres(
            PostgresError::LedgerExists { .. } | PostgresError::EventLogExists { .. },
        )) => Ok(()),
        other => other,
    }
}

/// The head that two ledgers have, and how many accounts with the same balances.
fn compared(source: &dyn Store, target: &dyn Store) -> Result<(Head, u64), MoveError> {
    const ABREAST: usize = 1_000;
    let (head, other) = (source.head()?, target.head()?);
    if head != other {
        let ends = |head: Head| format!("record {} with {}", head.sequence, head.hash);
        return Err(MoveError::Differs(format!("one ends at {}, the other at {}", ends(head), ends(other))));
    }
    let mut compared = 0;
    loop {
        let (ours, theirs) = (source.accounts(compared, ABREAST), target.accounts(compared, ABREAST));
        let balances = |account: &Account| (account.opening.id, account.posted, account.held);
        let same = ours.iter().map(balances).eq(theirs.iter().map(balances));
        if !same {
            return Err(MoveError::Differs("accounts have other balances".to_owned()));
        }
        if ours.is_empty() {
            return Ok((head, u64::try_from(compared).unwrap_or(u64::MAX)));
        }
        compared += ours.len();
    }
}
