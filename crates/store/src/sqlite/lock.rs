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
    _file: File,
}

impl ProcessLock {
    /// Takes the lock of the store in `folder`.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where another process, or another store of this process, holds it;
    /// [`StoreError::Io`] where the file can not be made.
    pub fn take(folder: &Path) -> Result<ProcessLock, StoreError> {
        let path = folder.join(LOCK_FILE);
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
        file.set_len(0).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(ProcessLock { _file: file })
    }
}

fn in_use(folder: &Path, file: &mut File) -> StoreError {
    let mut text = String::new();
    let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
    StoreError::InUse { folder: PathBuf::from(folder), process: holder }
}
