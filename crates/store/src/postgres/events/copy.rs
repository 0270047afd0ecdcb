//! A shard's event log between a database and a folder, in both directions.
//!
//! A copy that was interrupted goes on when it is asked for again; where something else is there nothing is written.

use std::path::Path;

use crate::StoreError;
use crate::answer::Copied;
use crate::log::copy::{Target, copy};
use crate::log::tables::Tables;
use crate::log::writer::{Commit, Medium};
use crate::postgres::as_of_now;
use crate::postgres::connect::Address;
use crate::postgres::error::PostgresError;
use crate::postgres::events::medium::Server;
use crate::postgres::events::tables::ShardTables;
use crate::postgres::events::{EventOptions, PostgresEvents, own, view};
use crate::sqlite;
use crate::store::Answer;

pub use crate::log::copy::LogDigest;

impl Target for Server {
    fn tables(&self) -> &dyn Tables {
        &self.tables
    }

    fn write(&mut self, commit: &Commit<'_>) -> Answer<()> {
        self.commit(commit)
    }

    fn attend(&mut self) -> Answer<()> {
        Medium::attend(self)
    }
}

/// Copies the event log in a folder, open or not, to a shard of a database, whose log is made where it is missing and
/// owned meanwhile. Progress is told in events.
///
/// # Errors
/// [`StoreError::CopyDiffers`] where the shard holds another log; those of opening it, and of reading the folder.
pub fn import(
    folder: &Path,
    (address, shard): (&str, i64),
    options: EventOptions,
    progress: &mut dyn FnMut(Copied),
) -> Answer<LogDigest> {
    match PostgresEvents::<()>::create(address, shard) {
        Ok(()) | Err(StoreError::Postgres(PostgresError::EventLogExists { .. })) => {}
        Err(error) => return Err(error),
    }
    let address = Address::read(address)?;
    let mut server = own(&address, shard, options)?;
    let copied = sqlite::events::read_folder(folder, |from| copy(from, &mut server, progress));
    server.close();
    copied
}

/// Copies the event log of a shard, as it is at one instant, to a folder, where a log is made if it is missing. Progress
/// is told in events.
///
/// # Errors
/// [`StoreError::CopyDiffers`] where the folder holds another log; those of a connection, and of opening the folder's.
pub fn export(
    (address, shard): (&str, i64),
    folder: &Path,
    options: sqlite::Options,
    progress: &mut dyn FnMut(Copied),
) -> Answer<LogDigest> {
    view(address, shard)?;
    // The address drives its connections for as long as it is there.
    let address = Address::read(address)?;
    let session = address.connect()?;
    as_of_now(&session, || {
        let tables = ShardTables { shard, session: &session };
        sqlite::events::copy_to_folder(folder, &tables, options, progress)
    })
}
