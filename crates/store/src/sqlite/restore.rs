//! Making a store's folder of a backup: verified before it replaces anything, and then all of it or nothing.
//!
//! The backup is copied into a folder of its own beside the stores, `kopeck.restoring`, where it can be verified. Giving
//! that folder the name `kopeck.restored` is the one step that decides: before it nothing has changed, and after it the
//! files are moved to their places, again after a crash, until that folder is gone. While it is there nothing opens.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::answer::{Progress, Report};
use crate::error::StoreError;
use crate::head_log::HEAD_LOG_FILE;
use crate::sqlite::backup::{self, beside};
use crate::sqlite::connections::{self, DATABASE_FILE, SyncMode};
use crate::sqlite::directory::{self, DIRECTORY_HEADS_FILE, DIRECTORY_LOCK_FILE};
use crate::sqlite::events::{EVENTS_LOCK_FILE, KEYS_FOLDER};
use crate::sqlite::instant::Part;
use crate::sqlite::lock::ProcessLock;
use crate::sqlite::schema::{EVENT_LOG, LEDGER};
use crate::sqlite::verify;

/// What is put aside when a backup takes its place ends with this.
const REPLACED: &str = "replaced";
/// The folder of a backup that is not verified yet.
const STAGING: &str = "kopeck.restoring";
/// The folder of a verified backup whose files are being moved to their places.
const DECIDED: &str = "kopeck.restored";
/// Stands in that folder for a store that the backup does not have, behind its name.
const NONE: &str = "none";

/// A backup's copy beside the stores that it is to replace. Dropping it leaves everything as it was.
#[derive(Debug)]
pub struct Staged {
    target: PathBuf,
    small: Vec<String>,
    /// Nobody opens a store meanwhile.
    _locks: [ProcessLock; 3],
}

impl Staged {
    /// Copies a backup, a file or a folder, to where it can be verified, with the files of `small` that it has. The
    /// epochs go beyond those of what is replaced, so that an owner of either can not write any more.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where there is a store and `replace` is not set; [`StoreError::InUse`] where one is open;
    /// [`StoreError::LedgerAlone`] where the backup of a ledger would stand beside other stores;
    /// [`StoreError::Finished`] where an earlier restore had been interrupted, which is what was done now.
    pub fn prepare(
        source: &Path,
        target: &Path,
        replace: bool,
        small: &[&str],
    ) -> Result<Staged, StoreError> {
        fs::create_dir_all(target).map_err(|error| StoreError::io("make", target, error))?;
        let locks = [
            ProcessLock::take(target)?,
            ProcessLock::take_named(target, EVENTS_LOCK_FILE)?,
            ProcessLock::take_named(target, DIRECTORY_LOCK_FILE)?,
        ];
        if target.join(DECIDED).exists() {
            finish(target)?;
            return Err(StoreError::Finished(target.to_path_buf()));
        }
        let there = Part::of(target);
        if !there.is_empty() && !replace {
            return Err(StoreError::Exists(target.to_path_buf()));
        }
        if source.is_file() && there.iter().any(|part| *part != Part::Ledger) {
            return Err(StoreError::LedgerAlone(target.to_path_buf()));
        }
        let small = small.iter().map(|name| (*name).to_owned()).collect();
        let staged = Staged { target: target.to_path_buf(), small, _locks: locks };
        staged.fill(source)?;
        Ok(staged)
    }

    /// Where the copy lies: a store's folder, to be verified.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.target.join(STAGING)
    }

    /// Puts the copy in its place. What was there is kept under names with `.replaced`; the log of heads begins anew,
    /// and the small files that are there stay.
    ///
    /// # Errors
    /// [`StoreError::Io`]: then opening tells whether it was decided, and restoring again finishes it.
    pub fn publish(self) -> Result<(), StoreError> {
        for part in Part::ALL {
            // What an earlier restore has put aside must not stand beside what this one does.
            for name in names(part) {
                backup::remove(&self.target.join(aside_name(name, part)))?;
            }
        }
        backup::publish_folder(&self.folder(), &self.target.join(DECIDED))?;
        finish(&self.target)
    }

    fn fill(&self, source: &Path) -> Result<(), StoreError> {
        let folder = self.folder();
        backup::remove_all(&folder)?;
        fs::create_dir(&folder).map_err(|error| StoreError::io("make", &folder, error))?;
        let small: Vec<&str> = self.small.iter().map(String::as_str).collect();
        let parts = if source.is_file() { vec![Part::Ledger] } else { Part::of(source) };
        if !parts.contains(&Part::Ledger) {
            return Err(StoreError::NotALedger(source.to_path_buf()));
        }
        for part in Part::ALL {
            let to = folder.join(part.file());
            if !parts.contains(&part) {
                let none = beside(&to, NONE);
                fs::write(&none, "").map_err(|error| StoreError::io("make", &none, error))?;
                continue;
            }
            let from = if source.is_file() { source.to_path_buf() } else { source.join(part.file()) };
            fs::copy(&from, &to).map_err(|error| StoreError::io("copy", &from, error))?;
            own(part, &to, (&from, &self.target.join(part.file())))?;
        }
        if source.is_file() { Ok(()) } else { backup::copy_small(&small, source, &folder) }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Where it can not be removed the next restore does it.
        let _ = backup::remove_all(&self.folder());
    }
}

/// Puts the backup of a ledger in the place of the ledger in `folder`, or makes one where there is none.
///
/// Only a copy that is whole replaces the ledger, which is put aside as `kopeck.db.replaced`; where the report names a
/// problem, nothing has changed.
///
/// # Errors
/// Those of [`Staged::prepare`] and [`Staged::publish`].
pub fn restore(
    source: &Path,
    folder: &Path,
    replace: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    let staged = Staged::prepare(source, folder, replace, &[])?;
    let report = verify::folder(&staged.folder(), progress)?;
    if report.problem.is_none() {
        staged.publish()?;
    }
    Ok(report)
}

/// Fails where a restore was decided and has not come to its end.
///
/// # Errors
/// [`StoreError::Unfinished`].
pub(super) fn check(folder: &Path) -> Result<(), StoreError> {
    if folder.join(DECIDED).exists() {
        return Err(StoreError::Unfinished(folder.to_path_buf()));
    }
    Ok(())
}

/// As [`check`], where a store is to be made: one that was to be restored there is not made anew instead.
///
/// # Errors
/// [`StoreError::Unfinished`].
pub(super) fn check_new(folder: &Path) -> Result<(), StoreError> {
    if folder.join(STAGING).exists() && Part::of(folder).is_empty() {
        return Err(StoreError::Unfinished(folder.to_path_buf()));
    }
    check(folder)
}

/// Brings a copied database to this version and takes it from whoever had it.
fn own(part: Part, path: &Path, (source, replaced): (&Path, &Path)) -> Result<(), StoreError> {
    let mut connection = connections::writer(path, SyncMode::Full)?;
    match part {
        Part::Ledger if LEDGER.is_in(&connection, source)? => LEDGER.migrate(&mut connection, source)?,
        Part::Events if EVENT_LOG.is_in(&connection, source)? => {
            EVENT_LOG.migrate(&mut connection, source)?;
        }
        Part::Directory => directory::migrate(&mut connection, source)?,
        Part::Ledger => return Err(StoreError::NotALedger(source.to_path_buf())),
        Part::Events => return Err(StoreError::NotAnEventLog(source.to_path_buf())),
    }
    let epoch = epoch_beyond(replaced);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE owner SET epoch = max(epoch + 1, ?)", [epoch])?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| StoreError::from(error))
}

/// An epoch that no owner of the store in this place has had. One that can not be read says nothing: then the copy's
/// own counts.
fn epoch_beyond(replaced: &Path) -> i64 {
    let epoch = |connection: Connection| -> Result<i64, StoreError> {
        Ok(connection.query_row("SELECT epoch FROM owner", (), |row| row.get(0))?)
    };
    let found = if replaced.exists() { connections::reader(replaced).and_then(epoch) } else { Ok(0) };
    found.map_or(0, |epoch| epoch.saturating_add(1))
}

/// Moves what was decided to its places. What is still in the folder of the decided has not been moved: so this may be
/// done again after a crash at any point.
fn finish(target: &Path) -> Result<(), StoreError> {
    let decided = target.join(DECIDED);
    for part in Part::ALL {
        let new = decided.join(part.file());
        let none = beside(&new, NONE);
        if new.exists() || none.exists() {
            put_aside(part, target)?;
        }
        if new.exists() {
            rename(&new, &target.join(part.file()))?;
        }
        // Moved, and only then done with.
        backup::sync_folder_of(&decided)?;
        backup::remove(&none)?;
    }
    for file in fs::read_dir(&decided).map_err(|error| StoreError::io("read", &decided, error))? {
        let file = file.map_err(|error| StoreError::io("read", &decided, error))?;
        let place = target.join(file.file_name());
        if !place.exists() && is_small(&file.file_name().to_string_lossy()) {
            rename(&file.path(), &place)?;
        }
    }
    backup::sync_folder_of(&decided)?;
    backup::remove_all(&decided)?;
    backup::sync_folder_of(&decided)
}

/// Whether a file of the decided is none of a store.
fn is_small(name: &str) -> bool {
    !Part::ALL.iter().any(|part| name.starts_with(part.file()))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|error| StoreError::io("rename", from, error))
}

/// The files of a store that is replaced: its log before it, and its log of heads, which is about another chain then.
fn names(part: Part) -> Vec<&'static str> {
    match part {
        Part::Ledger => vec!["kopeck.db-wal", HEAD_LOG_FILE, DATABASE_FILE],
        Part::Events => vec!["events.db-wal", Part::Events.file()],
        Part::Directory => vec!["directory.db-wal", DIRECTORY_HEADS_FILE, Part::Directory.file()],
    }
}

fn put_aside(part: Part, target: &Path) -> Result<(), StoreError> {
    for name in names(part) {
        let path = target.join(name);
        if path.exists() {
            rename(&path, &target.join(aside_name(name, part)))?;
        }
    }
    backup::remove(&target.join(format!("{}-shm", part.file())))?;
    if part == Part::Events {
        // They are made again, also for the log that was put aside.
        backup::remove_all(&target.join(KEYS_FOLDER))?;
    }
    Ok(())
}

/// A log keeps its name's relation to the database, so that what was replaced can still be opened.
fn aside_name(name: &str, part: Part) -> String {
    match name.strip_prefix(part.file()) {
        Some(ending) => format!("{}.{REPLACED}{ending}", part.file()),
        None => format!("{name}.{REPLACED}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{LOCK_FILE, SqliteStore};

    /// A folder with a ledger and a file that its log of heads would be.
    fn ledger() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        SqliteStore::create(folder.path()).unwrap();
        fs::write(folder.path().join(HEAD_LOG_FILE), "old").unwrap();
        folder
    }

    fn staged(source: &Path, target: &Path) -> Staged {
        let copy = source.join("copy");
        let _ = backup::folder(source, &copy, &[], &mut |_| {});
        Staged::prepare(&copy, target, true, &[]).unwrap()
    }

    #[test]
    fn what_is_interrupted_before_it_is_decided_has_changed_nothing_and_is_no_new_folder_either() {
        let (source, target) = (ledger(), tempfile::tempdir().unwrap());
        let staged = staged(source.path(), target.path());
        std::mem::forget(staged);
        assert_eq!(
            SqliteStore::create(target.path()).unwrap_err(),
            StoreError::InUse { folder: target.path().to_path_buf(), process: Some(std::process::id()) }
        );
        for name in [LOCK_FILE, EVENTS_LOCK_FILE, DIRECTORY_LOCK_FILE] {
            fs::remove_file(target.path().join(name)).unwrap();
        }
        let unfinished = StoreError::Unfinished(target.path().to_path_buf());
        assert_eq!(SqliteStore::create(target.path()).unwrap_err(), unfinished);
        let copy = source.path().join("copy");
        assert_eq!(restore(&copy, target.path(), false, &mut |_| {}).unwrap().problem, None);
    }

    #[test]
    fn what_is_interrupted_after_it_is_decided_opens_nowhere_until_it_is_finished() {
        // A crash after each of the files that are moved.
        for moved in 0..4 {
            let (source, target) = (ledger(), ledger());
            let staged = staged(source.path(), target.path());
            backup::publish_folder(&staged.folder(), &target.path().join(DECIDED)).unwrap();
            drop(staged);
            let aside = names(Part::Ledger);
            for name in aside.iter().filter(|name| target.path().join(name).exists()).take(moved) {
                let to = target.path().join(aside_name(name, Part::Ledger));
                rename(&target.path().join(name), &to).unwrap();
            }
            if moved == 3 {
                let new = target.path().join(DECIDED).join(DATABASE_FILE);
                rename(&new, &target.path().join(DATABASE_FILE)).unwrap();
            }
            let path = target.path().to_path_buf();
            let unfinished = StoreError::Unfinished(path.clone());
            assert_eq!(SqliteStore::create(&path).unwrap_err(), unfinished, "{moved}");
            let options =
                || crate::sqlite::Options::at(std::sync::Arc::new(|| kopeck_ledger::name::Moment::FIRST));
            assert_eq!(SqliteStore::open(&path, options()).unwrap_err(), unfinished, "{moved}");
            let copy = source.path().join("copy");
            let again = restore(&copy, &path, false, &mut |_| {});
            assert_eq!(again, Err(StoreError::Finished(path.clone())), "{moved}");
            assert!(SqliteStore::open(&path, options()).is_ok(), "{moved}");
            assert_eq!(fs::read(path.join("kopeck.heads.replaced")).unwrap(), b"old", "{moved}");
            assert!(path.join("kopeck.db.replaced").exists() && !path.join(DECIDED).exists(), "{moved}");
        }
    }
}
