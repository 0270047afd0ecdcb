//! Copies: of one database, and of all that a server keeps in its folder, while they are written.
//!
//! A backup is what was there at one instant. The copy is made under one read transaction, which neither
//! waits for the writer nor holds it up, and gets its name when it is whole and on the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, Transaction};

use crate::answer::Copied;
use crate::error::StoreError;
use crate::sqlite::connections::{self, SyncMode};
use crate::sqlite::instant::{Instant, Part};
use crate::sqlite::schema::Schema;

/// Pages that are copied between two reports of progress: 8 MB.
const STEP_PAGES: i32 = 1_024;

/// Copies what is in a folder, open or not, as of one instant: a ledger alone to a new file, one with an event log or a
/// directory to a new folder, with the files of `small` that are there. Answers which stores it has copied.
///
/// # Errors
/// [`StoreError::Missing`], [`StoreError::NotALedger`], and those of [`copy_to`].
pub fn folder(
    folder: &Path,
    target: &Path,
    small: &[&str],
    progress: &mut dyn FnMut(Copied),
) -> Result<Vec<Part>, StoreError> {
    if target.exists() {
        return Err(StoreError::Exists(target.to_path_buf()));
    }
    let instant = Instant::of(folder)?;
    let parts = instant.parts();
    let partial = beside(target, "partial");
    remove_all(&partial)?;
    let copied = if parts == [Part::Ledger] {
        instant.copy(|_| partial.clone(), progress).and_then(|()| publish(&partial, target))
    } else {
        copy_folder(&instant, (folder, small), &partial, progress)
            .and_then(|()| publish_folder(&partial, target))
    };
    if copied.is_err() {
        // The reason is told; what is left of the copy has no name that anybody takes for a backup.
        let _ = remove_all(&partial);
    }
    copied.map(|()| parts)
}

fn copy_folder(
    instant: &Instant,
    (folder, small): (&Path, &[&str]),
    partial: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), StoreError> {
    fs::create_dir(partial).map_err(|error| StoreError::io("make", partial, error))?;
    instant.copy(|part| partial.join(part.file()), progress)?;
    copy_small(small, folder, partial)
}

/// Copies those files of a folder that are there.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Full`].
pub(super) fn copy_small(names: &[&str], from: &Path, to: &Path) -> Result<(), StoreError> {
    for name in names {
        let path = from.join(name);
        if path.is_file() {
            fs::copy(&path, to.join(name)).map_err(|error| StoreError::io("copy", &path, error))?;
        }
    }
    Ok(())
}

/// Writes all files of a folder to the disk and gives it its name.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn publish_folder(partial: &Path, target: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("write", partial, error);
    for file in fs::read_dir(partial).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|error| StoreError::io("write", &path, error))?;
    }
    publish(partial, target)
}

/// Makes a new file with the empty tables of a schema, which `fill` fills, and gives it its name when it is on the disk.
///
/// # Errors
/// [`StoreError::Exists`] where there is such a file; [`StoreError::Full`]; those of `fill`.
pub(crate) fn write_new(
    target: &Path,
    schema: &Schema,
    fill: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    new_file(target, |partial| write_partial(partial, schema, fill))
}

/// Makes a new file by `write`, and gives it its name when it is on the disk.
///
/// # Errors
/// [`StoreError::Exists`] where there is such a file; those of `write`.
pub(crate) fn new_file(
    target: &Path,
    write: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if target.exists() {
        return Err(StoreError::Exists(target.to_path_buf()));
    }
    let partial = beside(target, "partial");
    remove(&partial)?;
    let written = write(&partial).and_then(|()| publish(&partial, target));
    if written.is_err() {
        // The reason is told; what is left of the copy has no name that anybody takes for a backup.
        let _ = remove(&partial);
    }
    written
}

fn write_partial(
    partial: &Path,
    schema: &Schema,
    fill: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut connection = connections::writer(partial, SyncMode::Full)?;
    schema.prepare(&connection)?;
    schema.migrate(&mut connection, partial)?;
    let transaction = connection.transaction()?;
    fill(&transaction)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| StoreError::from(error))
}

/// Copies the database behind `source` to a new file.
///
/// # Errors
/// [`StoreError::Exists`] where there is such a file; [`StoreError::Full`]; others where a file can not be used.
pub fn copy_to(
    source: &Connection,
    target: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), StoreError> {
    if target.exists() {
        return Err(StoreError::Exists(target.to_path_buf()));
    }
    let partial = beside(target, "partial");
    remove(&partial)?;
    // One read transaction around all steps: every page is of the same instant.
    let reading = source.unchecked_transaction()?;
    reading.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0))?;
    let copied = copy_pages(source, &partial, progress).and_then(|()| publish(&partial, target));
    reading.finish()?;
    if copied.is_err() {
        // The reason is told; what is left of the copy has no name that anybody takes for a backup.
        let _ = remove(&partial);
    }
    copied
}

/// Copies what an open read transaction of `source` sees.
pub(super) fn copy_pages(
    source: &Connection,
    partial: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(), StoreError> {
    let mut target = Connection::open(partial).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => {
            let reason = "the file can not be made".to_owned();
            StoreError::Io { doing: "write", path: partial.to_path_buf(), reason }
        }
        _ => error.into(),
    })?;
    {
        let backup = Backup::new(source, &mut target)?;
        loop {
            let step = backup.step(STEP_PAGES)?;
            let left = backup.progress();
            let [of, remaining] =
                [left.pagecount, left.remaining].map(|pages| u64::try_from(pages).unwrap_or(0));
            progress(Copied { pages: of.saturating_sub(remaining), of });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(StoreError::Database("the copy waits for a lock".to_owned())),
            }
        }
    }
    // The copy says that it has a log; a single file is easier to keep.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| StoreError::from(error))
}

/// Gives a finished file its name, so that it is either there and whole or not there.
///
/// # Errors
/// [`StoreError::Io`].
pub fn publish(partial: &Path, target: &Path) -> Result<(), StoreError> {
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io("write", partial, error))?;
    fs::rename(partial, target).map_err(|error| StoreError::io("write", target, error))?;
    sync_folder_of(target)
}

/// The name with another ending behind it.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a file, which need not be there.
///
/// # Errors
/// [`StoreError::Io`].
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Removes a file or a folder with all that is in it, which need not be there.
///
/// # Errors
/// [`StoreError::Io`].
pub fn remove_all(path: &Path) -> Result<(), StoreError> {
    if !path.is_dir() {
        return remove(path);
    }
    fs::remove_dir_all(path).map_err(|error| StoreError::io("remove", path, error))
}

/// A new name is durable only when its folder is.
///
/// # Errors
/// [`StoreError::Io`].
pub fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io("write", folder, error))
}
