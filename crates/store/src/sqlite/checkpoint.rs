//! Moving the write-ahead log into the database, off the writer's path.
//!
//! SQLite would do it inside some commit, which then takes half a second. Here a thread of its own copies the log
//! while the writer goes on; when little is left, the writer copies the rest between two commits, and the next commit
//! begins the log anew in the same file. Overwriting a file that has its size syncs faster than growing it, which is
//! also why a new log is made at its full size.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::error::StoreError;

/// Copying begins when so many bytes have been written to the log.
const BEGIN_BYTES: u64 = 64 << 20;
/// The writer copies the rest itself when it is at most this.
const REST_BYTES: u64 = 4 << 20;

/// The writer's side of the copying thread.
#[derive(Debug)]
pub struct Checkpoints {
    kick: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    running: Arc<AtomicBool>,
    /// Bytes written since the log was last begun anew.
    written: u64,
    /// Bytes written since the thread last began to copy; `None` where it has not.
    since: Option<u64>,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own.
    ///
    /// # Errors
    /// [`StoreError::Io`] where no thread can be made.
    pub fn start(connection: Connection) -> Result<Checkpoints, StoreError> {
        let running = Arc::new(AtomicBool::new(false));
        let (kick, kicked) = mpsc::sync_channel(1);
        let theirs = Arc::clone(&running);
        let work = move || {
            while kicked.recv().is_ok() {
                // What could not be copied stays in the log, and is tried again with the next kick.
                let _ = copy(&connection);
                theirs.store(false, Ordering::Release);
            }
        };
        let thread = thread::Builder::new()
            .name("kopeck-checkpoint".to_owned())
            .spawn(work)
            .map_err(|error| StoreError::io("start a thread for", Path::new("checkpoints"), error))?;
        Ok(Checkpoints { kick: Some(kick), thread: Some(thread), running, written: 0, since: None })
    }

    /// After a commit of about so many bytes, on the writer's connection: starts or ends the copying where it is time.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be written; nothing is lost, the log has it.
    pub fn after_commit(&mut self, bytes: u64, writer: &Connection) -> Result<(), StoreError> {
        self.written += bytes;
        self.since = self.since.map(|since| since + bytes);
        if self.written < BEGIN_BYTES || self.running.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.since.is_some_and(|since| since <= REST_BYTES) {
            let progress = copy(writer)?;
            if progress.is_whole() {
                self.written = 0;
                self.since = None;
                return Ok(());
            }
        }
        self.running.store(true, Ordering::Release);
        self.since = Some(0);
        if self.kick.as_ref().is_none_or(|kick| kick.try_send(()).is_err()) {
            self.running.store(false, Ordering::Release);
        }
        Ok(())
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.kick = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to copy.
            let _ = thread.join();
        }
    }
}

struct Progress {
    frames: i64,
    copied: i64,
}

impl Progress {
    fn is_whole(&self) -> bool {
        self.copied == self.frames
    }
}

/// Copies what no reader holds back; waits for nobody.
fn copy(connection: &Connection) -> Result<Progress, StoreError> {
    let progress = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| {
        Ok(Progress { frames: row.get(1)?, copied: row.get(2)? })
    })?;
    Ok(progress)
}

/// Makes the log of a database that has none yet at its full size. Zeros are no valid log: SQLite begins it anew.
///
/// # Errors
/// [`StoreError::Io`] where the file can not be written; a full disk is none, the log then grows as it is used.
pub fn prepare_log(path: &Path, bytes: usize) -> Result<(), StoreError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let failed = |error| StoreError::io("make", path, error);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let zeros = vec![0; bytes];
    match file.write_all(&zeros).and_then(|()| file.sync_all()) {
        Err(error) if error.kind() == ErrorKind::StorageFull => file.set_len(0).map_err(failed),
        written => written.map_err(failed),
    }
}
