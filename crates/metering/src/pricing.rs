//! Which books meter a project at a provider, and when each of them bills it (rating.md, "Price book": contract prices).
//!
//! State events go to all of these books' meters, because what runs when a contract begins runs on under it; each meter
//! bills the project only while its book prices it. Usage goes to the book of its instant alone.

use std::ops::Range;

use kopeck_directory::Directory;
use kopeck_directory::entity::{Emitter, Project};
use kopeck_directory::name::{ProjectId, ProviderId};
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::Second;
use kopeck_rating::event::second_of;
use kopeck_settlement::meter_id::MeterId;
use serde::{Deserialize, Serialize};

/// A meter that a contract has added for a project: it is told of the state events that came before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Added {
    /// The number of the book's meter.
    pub meter: u32,
    /// Whose.
    pub project: ProjectId,
    /// At which provider.
    pub provider: ProviderId,
}

/// The meters of a project at an emitter, each once.
pub fn meters(directory: &Directory, emitter: Emitter, project: &ProjectId) -> Vec<MeterId> {
    let mut meters: Vec<MeterId> = Vec::new();
    for (_, shelf) in directory.pricings(emitter, project) {
        let meter = MeterId(shelf.book.meter.0);
        if !meters.contains(&meter) {
            meters.push(meter);
        }
    }
    meters
}

/// The seconds in which a meter bills a project for what comes from an emitter: from the project's acceptance on, while the
/// meter's book prices it there. A book may price several providers: what one says is billed in seconds of its own.
pub fn billed(
    directory: &Directory,
    emitter: Emitter,
    project: &Project,
    meter: MeterId,
) -> Vec<Range<Second>> {
    let pricings = directory.pricings(emitter, &project.id);
    let accepted = second(project.accepted);
    let ends = pricings.iter().skip(1).map(|(from, _)| second(*from)).chain([Second::MAX]);
    let mut billed: Vec<Range<Second>> = Vec::new();
    for ((from, shelf), end) in pricings.iter().zip(ends) {
        let start = second(*from).max(accepted);
        if MeterId(shelf.book.meter.0) != meter || start >= end {
            continue;
        }
        match billed.last_mut().filter(|last| last.end == start) {
            Some(last) => last.end = end,
            None => billed.push(start..end),
        }
    }
    billed
}

/// All meters that contracts have added.
pub fn added(directory: &Directory) -> Vec<Added> {
    let mut added = Vec::new();
    for ((project, provider), _) in directory.contracts().after(None) {
        let list = meters(directory, Emitter::Provider(*provider), project);
        added.extend(list.into_iter().map(|meter| Added {
            meter: meter.0,
            project: project.clone(),
            provider: *provider,
        }));
    }
    added
}

fn second(at: Moment) -> Second {
    second_of(at.nanoseconds())
}
