//! One process at a time: a lock on a file beside the database, which says who holds it.
//!
//! The system releases the lock when its process ends, however it ends, so a killed process leaves nothing behind to
//! clean up. Against what a lock can not see, such as a database copied or shared by a network, stand the epochs.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The name of the lock file in a store's folder.
pub const LOCK_FILE: &str = "kopeck.lock";

/// The held lock: dropping it lets the next process in.
#[derive(Debug)]
pub struct ProcessLock {
    file: File,
}

impl Drop for ProcessLock {
    /// Releases the lock itself and not only this handle of it: a child that was just forked has another one, until it
    /// becomes its own program.
    fn drop(&mut self) {
        // Where this fails, closing the file does it, a little later.
        let _ = self.file.unlock();
    }
}

impl ProcessLock {
    /// Takes the lock of the store in `folder`.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where another process, or another store of this process, holds it;
    /// [`StoreError::Io`] where the file can not be made.
    pub fn take(folder: &Path) -> Result<ProcessLock, StoreError> {
        ProcessLock::take_named(folder, LOCK_FILE)
    }

    /// Takes a lock of its own for another database of the folder.
    ///
    /// # Errors
    /// As [`ProcessLock::take`].
    pub fn take_named(folder: &Path, file: &str) -> Result<ProcessLock, StoreError> {
        let path = folder.join(file);
        let failed = |error: io::Error| StoreError::io("lock", &path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut lock = ProcessLock { file };
        lock.file.set_len(0).map_err(failed)?;
        lock.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(lock.file, "{}", std::process::id()).map_err(failed)?;
        Ok(lock)
    }
}

fn in_use(folder: &Path, file: &mut File) -> StoreError {
    let mut text = String::new();
    let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
    StoreError::InUse { folder: PathBuf::from(folder), process: holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_that_a_forked_child_still_has_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lock = ProcessLock::take(folder.path()).unwrap();
        let of_a_child = lock.file.try_clone().unwrap();
        assert!(matches!(ProcessLock::take(folder.path()), Err(StoreError::InUse { .. })));
        drop(lock);
        assert!(ProcessLock::take(folder.path()).is_ok());
        drop(of_a_child);
    }
}
