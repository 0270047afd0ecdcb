//! Proving the acts: their hashes, their order, and that each begins with what those before it have left.

use std::path::Path;

use kopeck_directory::Directory;
use kopeck_directory::change::Entity;
use rusqlite::Connection;

use crate::answer::Progress;
use crate::directory::{ActProblem, ActReport, AuditRow};
use crate::error::StoreError;
use crate::sqlite::connections;
use crate::sqlite::head_log::{self, LoggedHead};

use super::row::{self, GENESIS};
use super::{DIRECTORY_FILE, DIRECTORY_HEADS_FILE, is_in};

/// Acts between two reports of progress.
const STEP: u64 = 1_000;

/// Checks the directory in a folder, open or not.
///
/// # Errors
/// [`StoreError::NotADirectory`] where it has none; others where the database can not be read.
pub fn folder(folder: &Path, progress: &mut dyn FnMut(Progress)) -> Result<ActReport, StoreError> {
    let path = folder.join(DIRECTORY_FILE);
    if !path.is_file() {
        return Err(StoreError::NotADirectory(path));
    }
    let connection = connections::reader(&path)?;
    if !is_in(&connection)? {
        return Err(StoreError::NotADirectory(path));
    }
    let reading = connection.unchecked_transaction()?;
    let report = acts(&connection, &folder.join(DIRECTORY_HEADS_FILE), progress)?;
    reading.finish()?;
    Ok(report)
}

/// Checks all acts, and the heads that were logged.
pub fn acts(
    connection: &Connection,
    heads: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<ActReport, StoreError> {
    let of: i64 = connection.query_row("SELECT count(*) FROM act", (), |row| row.get(0))?;
    let of = of.cast_unsigned();
    let logged = head_log::read_from(heads)?;
    let mut proof = Proof { directory: Directory::default(), acts: 0, hash: GENESIS };
    let mut problem = None;
    let mut waiting = logged.iter().peekable();
    row::after(0, connection, |row| {
        let checked = row.map_err(|error| error.to_string()).and_then(|row| proof.take(&row));
        if let Err(reason) = checked {
            problem = Some(ActProblem { sequence: proof.acts + 1, reason });
            return Ok(false);
        }
        while let Some(head) = waiting.next_if(|head| head.sequence <= proof.acts) {
            if head.sequence == proof.acts && head.hash != proof.hash {
                let reason = format!("is not the one whose hash was logged at {}", head.at);
                problem = Some(ActProblem { sequence: head.sequence, reason });
                return Ok(false);
            }
        }
        if proof.acts.is_multiple_of(STEP) {
            progress(Progress { records: proof.acts, of });
        }
        Ok(true)
    })?;
    let problem = problem.or_else(|| waiting.next().map(|head| cut_off(&proof, head)));
    progress(Progress { records: proof.acts, of });
    Ok(ActReport { acts: proof.acts, hash: proof.hash, problem })
}

fn cut_off(proof: &Proof, head: &LoggedHead) -> ActProblem {
    let reason = format!("is missing: act {} was there at {}", head.sequence, head.at);
    ActProblem { sequence: proof.acts + 1, reason }
}

/// What is proven so far.
struct Proof {
    directory: Directory,
    acts: u64,
    hash: [u8; 32],
}

impl Proof {
    fn take(&mut self, row: &AuditRow) -> Result<(), String> {
        if row.sequence != self.acts + 1 {
            return Err(format!("is missing: act {} follows act {}", row.sequence, self.acts));
        }
        let hash = row::hash(&self.hash, row);
        if hash != row.hash {
            return Err("does not have the hash of its contents and of the act before it".to_owned());
        }
        let read = |error: serde_json::Error| format!("can not be read: {error}");
        let before: Vec<Option<Entity>> = serde_json::from_str(&row.before).map_err(read)?;
        let after: Vec<Entity> = serde_json::from_str(&row.after).map_err(read)?;
        if before.len() != after.len() {
            return Err("changes other things than it says".to_owned());
        }
        for (before, after) in before.into_iter().zip(after) {
            if self.directory.current(&after) != before {
                return Err("does not begin with what the acts before it have left".to_owned());
            }
            self.directory.put(after);
        }
        (self.acts, self.hash) = (row.sequence, hash);
        Ok(())
    }
}
