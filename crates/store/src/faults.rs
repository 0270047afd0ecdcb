//! Crashes on purpose: what a simulator and the tests put between the store and its disk.
//!
//! SQLite writes its files itself, so a fault is not a failing system call but a picture of the files: the store asks
//! at each point of a commit what should happen, and whoever answers may copy the folder as it is at that instant.
//! Such a [`CrashImage`] is what a killed process leaves. Two images and a number of bytes give what a power cut leaves
//! of a log that was being written. Opened again, each must be a ledger that has lost nothing and doubled nothing.

use std::fs;
use std::path::Path;

use crate::error::StoreError;
use crate::sqlite::{DATABASE_FILE, HEAD_LOG_FILE, LOG_FILE};

/// A disk writes at least so many bytes of a file at once, or none of them.
const PAGE: usize = 4_096;

/// A point of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// The batch is decided and nothing of it is written.
    Begin,
    /// All of it is handed to the database, and nothing is committed.
    Written,
    /// It is committed and durable, and nobody has been answered.
    Committed,
}

/// What happens at a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Nothing special.
    GoOn,
    /// The disk has no room for it. After the commit this is as [`Fate::Die`].
    Full,
    /// Whether it was done is not told: after the commit it was, before it was not. The store goes on.
    Doubt,
    /// The process ends here: nobody is answered, and the store does nothing any more.
    Die,
}

/// Decides what happens at each point of each commit.
pub trait Faults: Send {
    /// The store, whose files are in `folder`, has come to `point`.
    fn at(&mut self, point: Point, folder: &Path) -> Fate;
}

/// All goes well: what every store has that is not being tested.
#[derive(Debug, Clone, Copy)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn at(&mut self, _: Point, _: &Path) -> Fate {
        Fate::GoOn
    }
}

/// Comes to a point of a commit. A fate that ends the process is noted in `dead`.
///
/// # Errors
/// What the fate is.
pub(crate) fn meet(
    point: Point,
    faults: &mut dyn Faults,
    folder: &Path,
    dead: &mut Option<StoreError>,
) -> Result<(), StoreError> {
    match (faults.at(point, folder), point) {
        (Fate::GoOn, _) => Ok(()),
        (Fate::Full, Point::Begin | Point::Written) => Err(StoreError::Full),
        (Fate::Doubt, _) => Err(StoreError::Unknown("the disk did not answer".to_owned())),
        (Fate::Full, Point::Committed) | (Fate::Die, _) => {
            let error = StoreError::Unknown("the process ended".to_owned());
            *dead = Some(error.clone());
            Err(error)
        }
    }
}

/// The files of a store at one instant, as a crash then would leave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrashImage {
    database: Vec<u8>,
    log: Vec<u8>,
    heads: Vec<u8>,
}

impl CrashImage {
    /// Copies the files in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn take(folder: &Path) -> Result<CrashImage, StoreError> {
        let read = |name| read_if_there(&folder.join(name));
        Ok(CrashImage { database: read(DATABASE_FILE)?, log: read(LOG_FILE)?, heads: read(HEAD_LOG_FILE)? })
    }

    /// The image in which the log has come only so many bytes from `self` towards `later`.
    #[must_use]
    pub fn torn(&self, later: &CrashImage, bytes: usize) -> CrashImage {
        let mut log = later.log[..bytes.min(later.log.len())].to_vec();
        log.extend_from_slice(self.log.get(bytes..).unwrap_or(&[]));
        CrashImage { log, ..self.clone() }
    }

    /// Where the logs of two images differ: the bytes that were written between them.
    #[must_use]
    pub fn log_written(&self, later: &CrashImage) -> std::ops::Range<usize> {
        let same = self.log.iter().zip(&later.log).take_while(|(one, other)| one == other).count();
        let common = self.log.len().min(later.log.len());
        let same_end = |at: usize| self.log.get(at) == later.log.get(at);
        let longest = self.log.len().max(later.log.len());
        let end = if self.log.len() == later.log.len() {
            (same..common).rev().find(|at| !same_end(*at)).map_or(same, |at| at + 1)
        } else {
            longest
        };
        same..end
    }

    /// The image in which some pages of the database have come from `self` to `later` and others have not: what a
    /// crash leaves while the log is moved into the database. Each seed gives another choice of pages.
    #[must_use]
    pub fn moved_partly(&self, later: &CrashImage, seed: u64) -> CrashImage {
        let mut database = self.database.clone();
        database.resize(self.database.len().max(later.database.len()), 0);
        let pages = database.chunks_mut(PAGE).zip(later.database.chunks(PAGE)).enumerate();
        for (number, (page, moved)) in pages {
            let drawn = (number as u64 ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            if drawn.is_multiple_of(2) {
                page[..moved.len()].copy_from_slice(moved);
            }
        }
        CrashImage { database, ..self.clone() }
    }

    /// Makes these the files in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn write_to(&self, folder: &Path) -> Result<(), StoreError> {
        let shared = folder.join(format!("{DATABASE_FILE}-shm"));
        if shared.exists() {
            fs::remove_file(&shared).map_err(|error| StoreError::io("remove", &shared, error))?;
        }
        for (name, bytes) in
            [(DATABASE_FILE, &self.database), (LOG_FILE, &self.log), (HEAD_LOG_FILE, &self.heads)]
        {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(|error| StoreError::io("write", &path, error))?;
        }
        Ok(())
    }
}

fn read_if_there(path: &Path) -> Result<Vec<u8>, StoreError> {
    match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| StoreError::io("read", path, error)),
    }
}
