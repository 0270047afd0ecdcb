//! Where the directory is durable: every act that changed something, in its order, with who did it, when, from where,
//! and what was before and after. The acts are the audit log, and the state is their fold.

pub(crate) mod acts;
pub(crate) mod copy;
pub(crate) mod verify;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kopeck_directory::Directory;
use kopeck_directory::access::Actor;
use kopeck_directory::act::Act;
use kopeck_directory::change::Change;
use kopeck_directory::name::{ProjectId, TokenId};
use kopeck_directory::refusal::Refusal;
use kopeck_ledger::name::Moment;

use crate::answer::{Copied, Progress};
use crate::error::StoreError;
use crate::store::Answer;

/// A durable directory.
///
/// Acts are decided one after the other on the newest state. All calls that write wait for the disk: inside async
/// code they belong on a thread that may block.
pub trait DirectoryStore: Send + Sync {
    /// The state after all that is durable. It does not change any more; later states are other snapshots.
    fn snapshot(&self) -> Arc<Directory>;

    /// Brings the state of [`DirectoryStore::snapshot`] to what is durable now, whoever has written it. Only where other
    /// nodes write as well has it anything to do: whoever has been told of a change that another node made, or must
    /// not overlook one, calls it first; acts themselves are always decided on the newest state. Waits for the
    /// database.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read; the state stays as it was.
    fn refresh(&self) -> Answer<()> {
        Ok(())
    }

    /// Decides acts in this order, each by itself on the state that those before it have left, and makes them durable
    /// together. What is refused leaves the others alone.
    ///
    /// # Errors
    /// [`StoreError`], after which [`StoreError::Unknown`] alone leaves open whether they were done; the same acts with
    /// the same ids tell.
    fn perform_all(&self, acts: &[Act], by: &Actor) -> Answer<Vec<Result<Performed, Refusal>>>;

    /// Decides one act and makes it durable.
    ///
    /// # Errors
    /// As [`DirectoryStore::perform_all`].
    fn perform(&self, act: Act, by: &Actor) -> Answer<Result<Performed, Refusal>> {
        let mut done = self.perform_all(&[act], by)?;
        done.pop().ok_or(StoreError::Closed)
    }

    /// The audit log, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where it can not be read.
    fn audit(&self, query: &AuditQuery) -> Answer<Vec<AuditRow>>;

    /// A token was used. Kept in memory until [`DirectoryStore::keep_uses`]: a crash may forget the last uses.
    fn used(&self, token: TokenId, at: Moment);

    /// When a token was used last.
    fn last_used(&self, token: TokenId) -> Option<Moment>;

    /// Writes down the uses of tokens since the last time, for a timer.
    ///
    /// # Errors
    /// [`StoreError`] where they can not be written; they are kept for the next time.
    fn keep_uses(&self) -> Answer<()>;

    /// Checks all acts: their chain, their order, and that each begins with what those before it have left.
    ///
    /// # Errors
    /// [`StoreError`] where the database can not be read; what is wrong in it is the report's matter.
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Answer<ActReport>;

    /// Copies the directory, as it is at one instant, to a new file, while it is written.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Full`], and what else a file can do.
    fn backup(&self, target: &Path, progress: &mut dyn FnMut(Copied)) -> Answer<()>;
}

/// An act that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// What it has changed; empty where everything was as it should be.
    pub change: Change,
    /// Its place in the audit log; none where nothing changed.
    pub sequence: Option<u64>,
    /// The instant that it was decided at.
    pub at: Moment,
}

/// Which acts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those before this one: for the next page.
    pub before: Option<u64>,
    /// Only those about this project.
    pub project: Option<ProjectId>,
    /// Only those of this actor.
    pub actor: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// One act of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place: 1 for the first, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// From where.
    pub address: Option<String>,
    /// What was done.
    pub act: String,
    /// The project that it was about.
    pub project: Option<String>,
    /// The things that it changed as they were, as a JSON list; `null` for what was not there.
    pub before: String,
    /// The same things as they are since, as a JSON list.
    pub after: String,
    /// The hash of the chain up to here.
    pub hash: [u8; 32],
}

/// What verifying the acts has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActReport {
    /// Acts that are proven.
    pub acts: u64,
    /// The hash of the last of them.
    pub hash: [u8; 32],
    /// The first that is broken.
    pub problem: Option<ActProblem>,
}

/// An act that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActProblem {
    /// Which one.
    pub sequence: u64,
    /// What is wrong, in words that follow "act 17".
    pub reason: String,
}

impl fmt::Display for ActProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "act {} {}", self.sequence, self.reason)
    }
}
