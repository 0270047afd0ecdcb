//! All that a server keeps in its folder, copied, restored and proven together: the ledger, and where they are the event
//! log and the directory. What the order of copying is and why, says the store's `sqlite::instant`.

use std::path::Path;

use kopeck_metering::agreement::{self, Agreement, Compared};
use kopeck_metering::placement::ShardNumber;
use kopeck_store::StoreError;
use kopeck_store::answer::{Copied, Report};
use kopeck_store::directory::{ActProblem, ActReport};
use kopeck_store::events::EventReport;
use kopeck_store::sqlite::head_log::LoggedHead;
use kopeck_store::sqlite::instant::Part;
use kopeck_store::sqlite::restore::Staged;
use kopeck_store::sqlite::{
    DATABASE_FILE, backup as copying, directory, events, head_log, verify as journal,
};

use crate::auth::OPERATOR_TOKEN_FILE;

/// What has been proven of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proving {
    /// Of which store.
    pub part: Part,
    /// Records, events or acts that are proven.
    pub done: u64,
    /// And in all.
    pub of: u64,
}

/// What proving everything has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Of the ledger.
    pub ledger: Report,
    /// Of the event log, where there is one.
    pub events: Option<EventReport>,
    /// Of the directory, where there is one.
    pub directory: Option<ActReport>,
    /// Of the ledger and the event log together, where both are whole by themselves.
    pub agreement: Option<Agreement>,
}

impl Found {
    /// What the stores have said of themselves, and what comparing them says where that tells more. What is damaged so
    /// that it can not be read to its end is broken.
    ///
    /// # Errors
    /// [`StoreError`] where a store can not be read at all.
    pub fn of(
        ledger: Report,
        events: Option<Result<EventReport, StoreError>>,
        directory: Option<Result<ActReport, StoreError>>,
        agree: impl FnOnce() -> Result<Agreement, StoreError>,
    ) -> Result<Found, StoreError> {
        let events = events.map(|report| {
            damaged(report, |reason| EventReport { events: 0, steps: 0, problem: Some(reason) })
        });
        let directory = directory.map(|report| {
            damaged(report, |reason| {
                let problem = Some(ActProblem { sequence: 1, reason: format!("or a later one: {reason}") });
                ActReport { acts: 0, hash: [0; 32], problem }
            })
        });
        let (events, directory) = (events.transpose()?, directory.transpose()?);
        // What is broken by itself is told by itself.
        let is_comparable =
            ledger.problem.is_none() && events.as_ref().is_some_and(|report| report.problem.is_none());
        let agreement = is_comparable
            .then(|| damaged(agree(), |reason| Agreement { problem: Some(reason), ..Agreement::default() }));
        Ok(Found { ledger, events, directory, agreement: agreement.transpose()? })
    }

    /// Whether nothing is broken.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.ledger.problem.is_none()
            && self.events.as_ref().is_none_or(|events| events.problem.is_none())
            && self.directory.as_ref().is_none_or(|directory| directory.problem.is_none())
            && self.agreement.as_ref().is_none_or(|agreement| agreement.problem.is_none())
    }
}

/// Copies what is in a folder, also while a server works on it: a ledger alone to a file, more to a folder.
///
/// # Errors
/// Those of the store's [`copying::folder`].
pub fn backup(
    folder: &Path,
    target: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<Vec<Part>, StoreError> {
    copying::folder(folder, target, &[OPERATOR_TOKEN_FILE], progress)
}

/// Puts a backup, a file or a folder, in its place where all of it is proven; otherwise nothing has changed.
///
/// # Errors
/// Those of the store's [`Staged`].
pub fn restore(
    source: &Path,
    folder: &Path,
    replace: bool,
    progress: &mut dyn FnMut(Proving),
) -> Result<Found, StoreError> {
    let staged = Staged::prepare(source, folder, replace, &[OPERATOR_TOKEN_FILE])?;
    let found = verify(&staged.folder(), Vec::new(), progress)?;
    if found.is_well() {
        staged.publish()?;
    }
    Ok(found)
}

/// Proves what is in a folder, whether a server works on it or not. The ledger's heads are those that were logged beside
/// it, and more that are known from elsewhere.
///
/// # Errors
/// [`StoreError`] where a store can not be read at all.
pub fn verify(
    folder: &Path,
    mut heads: Vec<LoggedHead>,
    progress: &mut dyn FnMut(Proving),
) -> Result<Found, StoreError> {
    let parts = Part::of(folder);
    if !parts.contains(&Part::Ledger) {
        return Err(StoreError::Missing(folder.to_path_buf()));
    }
    heads.extend(head_log::read(folder)?);
    let ledger = journal::database(&folder.join(DATABASE_FILE), heads, &mut |proven| {
        progress(Proving { part: Part::Ledger, done: proven.records, of: proven.of });
    })?;
    let directory = parts.contains(&Part::Directory).then(|| {
        directory::verify_folder(folder, &mut |proven| {
            progress(Proving { part: Part::Directory, done: proven.records, of: proven.of });
        })
    });
    let events = parts.contains(&Part::Events).then(|| {
        events::verify_folder(folder, &mut |proven| {
            progress(Proving { part: Part::Events, done: proven.events, of: proven.of });
        })
    });
    Found::of(ledger, events, directory, || agree(folder))
}

/// Proves the ledger of a file, such as a backup that has nothing else.
///
/// # Errors
/// [`StoreError`] where it can not be read at all.
pub fn verify_file(
    file: &Path,
    heads: Vec<LoggedHead>,
    progress: &mut dyn FnMut(Proving),
) -> Result<Found, StoreError> {
    let ledger = journal::database(file, heads, &mut |proven| {
        progress(Proving { part: Part::Ledger, done: proven.records, of: proven.of });
    })?;
    Ok(Found { ledger, events: None, directory: None, agreement: None })
}

/// A report of damage, where that is why there is none.
fn damaged<T>(report: Result<T, StoreError>, of: impl FnOnce(String) -> T) -> Result<T, StoreError> {
    match report {
        Err(StoreError::Corrupt(reason)) => Ok(of(reason)),
        other => other,
    }
}

fn agree(folder: &Path) -> Result<Agreement, StoreError> {
    let compared = Compared {
        shard: ShardNumber::ONLY,
        confirmed: events::confirmed_steps(folder)?,
        records: &|take| journal::records(folder, take),
        steps: &|after, take| events::steps(folder, after, take),
    };
    agreement::compare(&compared)
}
