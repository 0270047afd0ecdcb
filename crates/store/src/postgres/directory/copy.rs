//! The directory between a database and a folder, in both directions.
//!
//! A copy that was interrupted goes on when it is asked for again; where something else is there nothing is written.

use std::path::Path;

use kopeck_directory::name::TokenId;
use kopeck_ledger::name::Moment;

use crate::answer::Copied;
use crate::directory::AuditRow;
use crate::directory::acts::Acts;
use crate::directory::copy::{Target, copy};
use crate::postgres::connect::{Address, Session};
use crate::postgres::directory::tables::{self, ActTables};
use crate::postgres::owner::{self, DIRECTORY, in_transaction};
use crate::postgres::{as_of_now, schema};
use crate::sqlite;
use crate::store::Answer;

pub use crate::directory::copy::ActDigest;

impl Target for ActTables<'_> {
    fn stored(&self) -> &dyn Acts {
        self
    }

    fn write(&mut self, rows: &[AuditRow], uses: &[(TokenId, Moment)]) -> Answer<()> {
        let session: &Session = self.0;
        Ok(in_transaction(session, || {
            let last = tables::lock(session)?;
            tables::write(rows, last, session)?;
            tables::write_uses(uses, session)
        })?)
    }
}

/// Copies the directory in a folder, open or not, to a database, where one is made if it is missing. Progress is told in
/// acts.
///
/// # Errors
/// [`StoreError::CopyDiffers`](crate::StoreError::CopyDiffers) where the database holds another directory; those of a
/// connection, and of reading the folder.
pub fn import(folder: &Path, address: &str, progress: &mut dyn FnMut(Copied)) -> Answer<ActDigest> {
    let address = Address::read(address)?;
    let session = address.connect()?;
    schema::migrate(&session, address.name())?;
    owner::make(&session, DIRECTORY)?;
    sqlite::directory::read_folder(folder, |from| copy(from, &mut ActTables(&session), progress))
}

/// Copies the directory of a database, as it is at one instant, to a folder, where one is made if it is missing. Progress
/// is told in acts.
///
/// # Errors
/// [`StoreError::CopyDiffers`](crate::StoreError::CopyDiffers) where the folder holds another directory; those of a
/// connection, and of opening the folder's.
pub fn export(address: &str, folder: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<ActDigest> {
    // The address drives its connections for as long as it is there.
    let address = Address::read(address)?;
    let session = address.connect()?;
    schema::migrate(&session, address.name())?;
    as_of_now(&session, || sqlite::directory::copy_to_folder(folder, &ActTables(&session), progress))
}
