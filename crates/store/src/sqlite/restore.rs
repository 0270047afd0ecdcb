//! Making a ledger of a backup: verified before it replaces anything.

use std::fs;
use std::path::Path;

use rusqlite::TransactionBehavior;

use crate::answer::{Progress, Report};
use crate::error::StoreError;
use crate::sqlite::backup::{self, beside};
use crate::sqlite::connections::{self, DATABASE_FILE, SyncMode};
use crate::sqlite::head_log::HEAD_LOG_FILE;
use crate::sqlite::lock::ProcessLock;
use crate::sqlite::verify;
use crate::sqlite::{LOG_FILE, schema};

/// What is put aside when a backup takes its place ends with this.
const REPLACED: &str = "replaced";

/// Puts a backup in the place of the ledger in `folder`, or makes one where there is none.
///
/// The backup is copied, and the copy verified. Only a copy that is whole replaces the ledger, which is put aside as
/// `kopeck.db.replaced`; where the report names a problem, nothing has changed. The epoch goes beyond both, so that an
/// owner of either can not write any more.
///
/// # Errors
/// [`StoreError::Exists`] where there is a ledger and `replace` is not set; [`StoreError::InUse`] where it is open.
pub fn restore(
    source: &Path,
    folder: &Path,
    replace: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    fs::create_dir_all(folder).map_err(|error| StoreError::io("make", folder, error))?;
    let _lock = ProcessLock::take(folder)?;
    let target = folder.join(DATABASE_FILE);
    if target.exists() && !replace {
        return Err(StoreError::Exists(folder.to_path_buf()));
    }
    let partial = beside(&target, "restoring");
    let restored = take_over(source, &partial, &target, progress);
    for ending in ["", "-wal", "-shm"] {
        let left = partial.with_file_name(format!("{DATABASE_FILE}.restoring{ending}"));
        backup::remove(&left)?;
    }
    restored
}

fn take_over(
    source: &Path,
    partial: &Path,
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    if !source.is_file() {
        return Err(StoreError::NotALedger(source.to_path_buf()));
    }
    backup::remove(partial)?;
    fs::copy(source, partial).map_err(|error| StoreError::io("copy", source, error))?;
    let mut connection = connections::writer(partial, SyncMode::Full)?;
    if !schema::LEDGER.is_in(&connection, source)? {
        return Err(StoreError::NotALedger(source.to_path_buf()));
    }
    schema::LEDGER.migrate(&mut connection, source)?;
    let epoch = epoch_beyond(target)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE owner SET epoch = max(epoch + 1, ?)", [epoch])?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| StoreError::from(error))?;
    let report = verify::database(partial, Vec::new(), progress)?;
    if report.problem.is_some() {
        return Ok(report);
    }
    put_aside(target)?;
    backup::publish(partial, target)?;
    Ok(report)
}

/// An epoch that no owner of the ledger in this place has had. A ledger that can not be read says nothing: then the
/// copy's own counts.
fn epoch_beyond(target: &Path) -> Result<i64, StoreError> {
    if !target.exists() {
        return Ok(0);
    }
    let epoch = connections::reader(target).and_then(|connection| {
        Ok(connection.query_row("SELECT epoch FROM owner", (), |row| row.get::<_, i64>(0))?)
    });
    Ok(epoch.map_or(0, |epoch| epoch.saturating_add(1)))
}

/// Renames the files of the ledger that is replaced: its log of heads is about another journal now.
fn put_aside(target: &Path) -> Result<(), StoreError> {
    for name in [DATABASE_FILE, LOG_FILE, HEAD_LOG_FILE] {
        let path = target.with_file_name(name);
        if path.exists() {
            let aside = target.with_file_name(aside_name(name));
            fs::rename(&path, &aside).map_err(|error| StoreError::io("rename", &path, error))?;
        }
    }
    backup::remove(&target.with_file_name(format!("{DATABASE_FILE}-shm")))
}

/// The log keeps its name's relation to the database, so that what was replaced can still be opened.
fn aside_name(name: &str) -> String {
    match name.strip_prefix(DATABASE_FILE) {
        Some(ending) => format!("{DATABASE_FILE}.{REPLACED}{ending}"),
        None => format!("{name}.{REPLACED}"),
    }
}
