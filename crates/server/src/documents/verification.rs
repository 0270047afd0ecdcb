//! What checking the journal has found, as a document.

use kopeck_api::journal::{Broken, Verification};
use kopeck_store::answer::Report;

use super::statement::head_document;

/// The document of a report.
#[must_use]
pub fn of_report(report: &Report) -> Verification {
    Verification {
        records: report.records,
        transfers: report.transfers,
        head: head_document(&report.head),
        problem: report.problem.as_ref().map(|problem| Broken {
            record: problem.record.map(|record| record.0),
            reason: problem.to_string(),
        }),
    }
}
