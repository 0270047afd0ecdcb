//! The order of a bill: project by project, and in each resource by resource.

use std::ops::Range;

use crate::intake::{Name, Names, Records};
use crate::plan::Plan;
use crate::price_book::Model;
use crate::sums::SumKey;
use crate::walk::Stop;

/// A place in the order of a bill: the ranks of the project, and of source and subject. Those of what is project-wide
/// are 0.
pub(crate) type Position = (u32, u32, u32);

/// The way through all resources in the order of a bill.
#[derive(Debug)]
pub(crate) struct Route {
    /// The place of each name in the order of their texts, from 1.
    names: Vec<u32>,
    /// For each part the place of its component's id and then its version.
    parts: Vec<u32>,
    /// Each resource under each project that it has lived under.
    stops: Vec<(Position, Stop)>,
    /// Whether no project may be cut, because something sums over all its resources at each instant.
    whole_projects: bool,
}

impl Route {
    /// Puts what is known into the order of a bill.
    pub(crate) fn new(plan: &Plan, names: &Names, records: &Records) -> Route {
        let parts = plan.parts();
        let whole_projects =
            parts.iter().any(|part| matches!(part.component.model, Model::MonthlyPeak { .. }));
        let (names, parts) = (names.ranks(), part_ranks(plan));
        let mut route = Route { names, parts, stops: Vec::new(), whole_projects };
        let first = |number| (number, records.resource_of(number).project);
        let first = (0..records.resource_count()).map(first);
        let further = records.shared().iter().copied();
        let stop = |(resource, project): (u32, Name)| {
            (route.position(records, project, resource), Stop { resource, project })
        };
        let mut stops: Vec<_> = first.chain(further).map(stop).collect();
        stops.sort_unstable_by_key(|(position, _)| *position);
        route.stops = stops;
        route
    }

    /// Where a resource stands under a project, or [`PROJECT_WIDE`](crate::sums::PROJECT_WIDE) in its place.
    pub(crate) fn position(&self, records: &Records, project: Name, resource: u32) -> Position {
        let rank = |name: Name| self.names[name as usize];
        let owner = records.owner(resource);
        let (source, subject) = owner.map_or((0, 0), |(source, subject)| (rank(source), rank(subject)));
        (rank(project), source, subject)
    }

    /// Where a sum stands.
    pub(crate) fn position_of(&self, records: &Records, key: SumKey) -> Position {
        self.position(records, key.project, key.resource)
    }

    /// The place of a part's rows among those of a resource.
    pub(crate) fn part(&self, part: usize) -> u32 {
        self.parts[part]
    }

    /// All stops in their order.
    pub(crate) fn stops(&self) -> &[(Position, Stop)] {
        &self.stops
    }

    /// The stops from a position on and before another.
    pub(crate) fn between(&self, positions: Range<Position>) -> &[(Position, Stop)] {
        let before = |end: Position| self.stops.partition_point(|(position, _)| *position < end);
        &self.stops[before(positions.start)..before(positions.end)]
    }

    /// Where a bill may be cut that should be cut before this position.
    pub(crate) fn cut(&self, position: Position) -> Position {
        if self.whole_projects { (position.0, 0, 0) } else { position }
    }
}

/// For each part the place of its component's id, then its version.
fn part_ranks(plan: &Plan) -> Vec<u32> {
    let key = |number: usize| (&plan.parts()[number].component.id, plan.parts()[number].version);
    let mut order: Vec<usize> = (0..plan.parts().len()).collect();
    order.sort_unstable_by_key(|number| key(*number));
    let mut ranks = vec![0; order.len()];
    for (rank, number) in (0..).zip(order) {
        ranks[number] = rank;
    }
    ranks
}
