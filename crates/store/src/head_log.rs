//! The heads of the hash chain in a file of their own: what tells that the journal's end has been cut off.
//!
//! A chain proves that nothing inside it was changed; it can not tell that its last records are missing. So the head is
//! written down elsewhere, hourly and whenever a store is closed: a line with the last record's instant, its
//! sequence number and its hash.
//! `kopeck ledger verify` compares each line with the journal. Whoever copies the file away, or prints a head on an
//! invoice, can prove the journal up to there even against somebody who may write both files.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kopeck_ledger::name::Sequence;

use crate::answer::Head;
use crate::error::StoreError;

/// The head is written down beside the database at least so often while there is work, in nanoseconds: hourly.
const EVERY: i64 = 3_600_000_000_000;

/// The name of the file in a store's folder.
pub const HEAD_LOG_FILE: &str = "kopeck.heads";

/// The journal's end at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedHead {
    /// The instant of the last record.
    pub at: Timestamp,
    /// The last record.
    pub sequence: u64,
    /// The hash that the chain has there.
    pub hash: [u8; 32],
}

/// Writes a ledger's heads down when it is time.
#[derive(Debug)]
pub(crate) struct Heads {
    folder: PathBuf,
    /// The head that was last written down; `None` where this process has written none.
    logged: Option<Head>,
}

impl Heads {
    /// In the log of a folder.
    pub fn of(folder: &Path) -> Heads {
        Heads { folder: folder.to_path_buf(), logged: None }
    }

    /// Writes the head down where it is time or it is the last chance.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Full`].
    pub fn note(&mut self, head: Head, last_chance: bool) -> Result<(), StoreError> {
        let Head { sequence, at, hash } = head;
        let is_due = self.logged.is_none_or(|logged| {
            let since = at.nanoseconds().saturating_sub(logged.at.nanoseconds());
            since >= EVERY || (last_chance && logged.sequence != sequence)
        });
        if sequence == Sequence::NONE || !is_due {
            return Ok(());
        }
        let line = LoggedHead { at: at.timestamp(), sequence: sequence.0, hash: *hash.bytes() };
        append(&self.folder, &line)?;
        self.logged = Some(head);
        Ok(())
    }
}

/// Adds a head; it is on the disk when this returns.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Full`].
pub fn append(folder: &Path, head: &LoggedHead) -> Result<(), StoreError> {
    append_to(&folder.join(HEAD_LOG_FILE), head)
}

/// As [`append`], to the log of another chain.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Full`].
pub fn append_to(path: &Path, head: &LoggedHead) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("write", path, error);
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    let hash = blake3::Hash::from(head.hash).to_hex();
    let line = format!("{} {} {hash}\n", head.at, head.sequence);
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
}

/// The heads of a store, in their order. A last line that a crash has cut off is left out.
///
/// # Errors
/// [`StoreError::Io`]; [`StoreError::Corrupt`] for a line that is no head.
pub fn read(folder: &Path) -> Result<Vec<LoggedHead>, StoreError> {
    read_from(&folder.join(HEAD_LOG_FILE))
}

/// As [`read`], from the log of another chain.
///
/// # Errors
/// As [`read`].
pub fn read_from(path: &Path) -> Result<Vec<LoggedHead>, StoreError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().enumerate();
    lines
        .map(|(place, line)| {
            parse(line).ok_or_else(|| {
                StoreError::Corrupt(format!("line {} of {} is not a head", place + 1, path.display()))
            })
        })
        .collect()
}

fn parse(line: &str) -> Option<LoggedHead> {
    let mut parts = line.split(' ');
    let (at, sequence, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let hash = blake3::Hash::from_hex(hash).ok()?;
    let head = LoggedHead { at: at.parse().ok()?, sequence: sequence.parse().ok()?, hash: *hash.as_bytes() };
    parts.next().is_none().then_some(head)
}
