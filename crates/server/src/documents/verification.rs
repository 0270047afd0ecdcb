//! What checking the journal, and what lies beside it, has found, as a document.

use kopeck_api::journal::{Broken, DirectoryVerification, EventsVerification, Kept, Verification};

use super::statement::head_document;
use crate::safekeeping::Found;

/// The document of what was found.
#[must_use]
pub fn of_found(found: &Found) -> Verification {
    let Found { ledger, events, directory, agreement } = found;
    let problems = problems(found);
    Verification {
        records: ledger.records,
        transfers: ledger.transfers,
        head: head_document(&ledger.head),
        events: events.as_ref().map(|report| EventsVerification {
            events: report.events,
            steps: report.steps,
            postings: agreement.as_ref().map(|agreement| agreement.postings),
        }),
        directory: directory.as_ref().map(|report| DirectoryVerification {
            acts: report.acts,
            hash: blake3::Hash::from(report.hash).to_hex().to_string(),
        }),
        problem: problems.first().cloned(),
        problems,
    }
}

fn problems(found: &Found) -> Vec<Broken> {
    let mut problems = Vec::new();
    if let Some(problem) = &found.ledger.problem {
        let record = problem.record.map(|record| record.0);
        problems.push(Broken { store: Kept::Ledger, record, reason: problem.to_string() });
    }
    if let Some(problem) = found.directory.as_ref().and_then(|report| report.problem.as_ref()) {
        let (record, reason) = (Some(problem.sequence), problem.to_string());
        problems.push(Broken { store: Kept::Directory, record, reason });
    }
    let of_events = found.events.as_ref().and_then(|report| report.problem.clone());
    let of_both = found.agreement.as_ref().and_then(|agreement| agreement.problem.clone());
    problems.extend(of_events.or(of_both).map(|reason| Broken { store: Kept::Events, record: None, reason }));
    problems
}
