//! Proving the acts: their hashes, their order, and that each begins with what those before it have left.

use std::path::Path;

use kopeck_directory::Directory;
use kopeck_directory::change::Entity;

use crate::answer::Progress;
use crate::directory::acts::{self, Acts, GENESIS};
use crate::directory::{ActProblem, ActReport, AuditRow};
use crate::error::StoreError;
use crate::head_log::{self, LoggedHead};

/// Acts between two reports of progress.
const STEP: u64 = 1_000;

/// Checks all acts, and the heads that were logged.
///
/// # Errors
/// [`StoreError`] where the database can not be read; what is wrong in it is the report's matter.
pub fn acts(
    stored: &dyn Acts,
    heads: Option<&Path>,
    progress: &mut dyn FnMut(Progress),
) -> Result<ActReport, StoreError> {
    let of = stored.count()?;
    let logged = heads.map_or(Ok(Vec::new()), head_log::read_from)?;
    let mut proof = Proof::default();
    let mut problem = None;
    let mut waiting = logged.iter().peekable();
    stored.rows_after(0, &mut |row| {
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
pub struct Proof {
    directory: Directory,
    acts: u64,
    hash: [u8; 32],
}

impl Default for Proof {
    fn default() -> Proof {
        Proof { directory: Directory::default(), acts: 0, hash: GENESIS }
    }
}

impl Proof {
    /// Proves the next act.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "act 17".
    pub fn take(&mut self, row: &AuditRow) -> Result<(), String> {
        if row.sequence != self.acts + 1 {
            return Err(format!("is missing: act {} follows act {}", row.sequence, self.acts));
        }
        let hash = acts::hash(&self.hash, row);
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
