//! The journal for plain-text accounting.

use std::io::{self, Write};

use kopeck_ledger::hledger;
use kopeck_ledger::ledger::Ledger;
use kopeck_ledger::name::Sequence;
use kopeck_store::{Store, StoreError};

use super::DocumentError;

/// Writes the whole journal.
///
/// # Errors
/// [`DocumentError::Store`] and [`DocumentError::Write`].
pub fn write(store: &dyn Store, to: &mut dyn Write) -> Result<(), DocumentError> {
    let ledger = fold(store)?;
    let mut text = String::new();
    hledger::head(&ledger, &mut text).map_err(io::Error::other)?;
    to.write_all(text.as_bytes())?;
    let mut written = Ok(());
    store.records(Sequence(1), &mut |record| {
        text.clear();
        // What came after the fold may name accounts that it does not have: the export is as of its beginning.
        if record.sequence > ledger.head().sequence {
            return Ok(false);
        }
        let unknown = |_| StoreError::Corrupt(format!("record {} names an unknown account", record.sequence));
        hledger::entry(&record, &ledger, &mut text).map_err(unknown)?;
        written = to.write_all(text.as_bytes());
        Ok(written.is_ok())
    })?;
    Ok(written?)
}

/// The state at the end of the journal, with all accounts.
fn fold(store: &dyn Store) -> Result<Ledger, StoreError> {
    let mut ledger = Ledger::default();
    store.records(Sequence(1), &mut |record| {
        ledger.apply(&record).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(true)
    })?;
    Ok(ledger)
}
