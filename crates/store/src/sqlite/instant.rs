//! All stores of a folder as they were at one instant, while a server writes them.
//!
//! The stores do not commit together, so the order in which they are looked at decides whether what is seen fits:
//!
//! 1. the event log, 2. the ledger, and again whether the log has a newer step; if so both are looked at anew,
//! 3. the directory.
//!
//! A step is in the log before its postings are in the ledger: so every posting that is seen has its step, and a step
//! whose postings are not seen yet is one that was not confirmed, which the next start has posted. An event is
//! acknowledged after the hold and the act that it refers to: the ledger and the directory are looked at later, so both
//! are there. What was acknowledged before the first look is in all three.

use std::path::Path;

use rusqlite::Connection;

use crate::answer::Copied;
use crate::error::StoreError;
use crate::sqlite::backup::copy_pages;
use crate::sqlite::connections::{self, DATABASE_FILE};
use crate::sqlite::directory::{self, DIRECTORY_FILE};
use crate::sqlite::events::{self, EVENTS_FILE};
use crate::sqlite::schema::{EVENT_LOG, LEDGER};

/// How often the first two are looked at: a step takes thousands of times as long as a look.
const ATTEMPTS: usize = 1_000;

/// The stores that a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The ledger, `kopeck.db`.
    Ledger,
    /// The event log, `events.db`.
    Events,
    /// The directory, `directory.db`.
    Directory,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 3] = [Part::Ledger, Part::Events, Part::Directory];

    /// The name of its database in a store's folder.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Part::Ledger => DATABASE_FILE,
            Part::Events => EVENTS_FILE,
            Part::Directory => DIRECTORY_FILE,
        }
    }

    /// Those that are in a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Vec<Part> {
        Part::ALL.into_iter().filter(|part| folder.join(part.file()).is_file()).collect()
    }

    fn check(self, connection: &Connection, path: &Path) -> Result<(), StoreError> {
        let (is_there, foreign) = match self {
            Part::Ledger => (LEDGER.is_in(connection, path)?, StoreError::NotALedger(path.to_path_buf())),
            Part::Events => {
                (EVENT_LOG.is_in(connection, path)?, StoreError::NotAnEventLog(path.to_path_buf()))
            }
            Part::Directory => (directory::is_in(connection)?, StoreError::NotADirectory(path.to_path_buf())),
        };
        if is_there { Ok(()) } else { Err(foreign) }
    }
}

/// All stores of a folder, each in a read transaction of its own, until this is dropped.
#[derive(Debug)]
pub struct Instant(Vec<(Part, Connection)>);

impl Instant {
    /// Looks at the stores of a folder, open or not.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where it has no ledger; others where a store can not be read.
    pub fn of(folder: &Path) -> Result<Instant, StoreError> {
        let parts = Part::of(folder);
        if !parts.contains(&Part::Ledger) {
            return Err(StoreError::Missing(folder.to_path_buf()));
        }
        let mut seen = Vec::new();
        if parts.contains(&Part::Events) {
            seen.extend(events_and_ledger(folder)?);
        } else {
            seen.push((Part::Ledger, look(Part::Ledger, folder)?));
        }
        if parts.contains(&Part::Directory) {
            seen.push((Part::Directory, look(Part::Directory, folder)?));
        }
        seen.sort_unstable_by_key(|(part, _)| *part);
        Ok(Instant(seen))
    }

    /// Which stores there are, the ledger first.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        self.0.iter().map(|(part, _)| *part).collect()
    }

    /// Copies each store to a new file, which is not synced.
    pub(super) fn copy(
        &self,
        target: impl Fn(Part) -> std::path::PathBuf,
        progress: &mut dyn FnMut(Copied),
    ) -> Result<(), StoreError> {
        let sizes: Result<Vec<u64>, StoreError> =
            self.0.iter().map(|(_, connection)| pages(connection)).collect();
        let of: u64 = sizes?.iter().sum();
        let mut before = 0;
        for (part, connection) in &self.0 {
            let mut last = 0;
            let path = target(*part);
            copy_pages(connection, &path, &mut |copied: Copied| {
                last = copied.pages;
                progress(Copied { pages: before + copied.pages, of });
            })?;
            before += last;
            if *part == Part::Events {
                // A copy has no files of keys: its first opening makes them.
                events::forget_runs(&path)?;
            }
        }
        Ok(())
    }
}

fn events_and_ledger(folder: &Path) -> Result<[(Part, Connection); 2], StoreError> {
    for _ in 0..ATTEMPTS {
        let events = look(Part::Events, folder)?;
        let ledger = look(Part::Ledger, folder)?;
        let now = look(Part::Events, folder)?;
        if events::last_step(&events)? == events::last_step(&now)? {
            return Ok([(Part::Events, events), (Part::Ledger, ledger)]);
        }
    }
    Err(StoreError::Busy { waiting: ATTEMPTS })
}

/// Begins to read a store as it is now.
fn look(part: Part, folder: &Path) -> Result<Connection, StoreError> {
    let path = folder.join(part.file());
    let connection = connections::reader(&path)?;
    part.check(&connection, &path)?;
    connection.execute_batch("BEGIN")?;
    // The transaction is as of its first reading.
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0))?;
    Ok(connection)
}

fn pages(connection: &Connection) -> Result<u64, StoreError> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    Ok(u64::try_from(pages).unwrap_or(0))
}
