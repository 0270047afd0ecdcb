//! The live state of one resource: what it is now, and what it has come to.
//!
//! The state is what must be known of all its past events to go on with the next one. The second of the last event
//! stays open: what holds in it is metered only when a later second ends it, so a replacement within a second leaves
//! no trace. Months that can no longer change, late events aside, leave the state as closed readings.

use std::ops::Range;

use crate::accumulator::{Accumulator, Held};
use crate::calendar::Second;
use crate::event;
use crate::intake::{Descriptions, Name};
use crate::keys::QuickMap;
use crate::matching::{self, Group, Matches};
use crate::money::{Overflow, Quantity};
use crate::plan::Plan;
use crate::price_book::{Class, Model};
use crate::timeline::{Life, StateEvent, Told};

/// What an event says of a resource, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The project that it names.
    pub project: Name,
    /// The number of its data.
    pub description: u32,
}

/// What a resource is, from the second of its last undisputed event on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// What the event said.
    pub said: Said,
    /// Its second.
    pub start: Second,
    /// The class, its own or inherited.
    pub class: Option<Class>,
}

/// The live state of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceState {
    /// The instant of the last event, disputed or not, in nanoseconds of Unix time.
    pub(crate) last: i64,
    pub(crate) current: Option<Current>,
    /// What it has come to by the start of what it is now.
    pub(crate) sums: Accumulator,
}

/// What all resources stand on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The open plan.
    pub plan: &'a Plan,
    /// The data of events.
    pub descriptions: &'a Descriptions,
    /// When projects are billed.
    pub billed: &'a Billed,
    /// Whose resource stands on it: its source.
    pub source: Name,
}

/// When projects are billed here: what they use at other times is free, or billed by another book. Of one project the
/// events of one source may be billed here while those of another are not.
#[derive(Debug, Clone, Default)]
pub struct Billed {
    projects: QuickMap<Name, Vec<Range<Second>>>,
    /// Of events of one source, by project: these win.
    sources: QuickMap<Name, QuickMap<Name, Vec<Range<Second>>>>,
}

/// A project, or what one source says of it.
pub type Whose = (Name, Option<Name>);

/// Of a project of which nothing was said.
#[expect(clippy::single_range_in_vec_init, reason = "a list of one span of time is meant")]
const ALWAYS: [Range<Second>; 1] = [Second::MIN..Second::MAX];

impl Billed {
    /// Bills a project, or what one source says of it, in these seconds, which are in order and do not meet.
    pub fn set(&mut self, project: Name, source: Option<Name>, seconds: Vec<Range<Second>>) {
        match source {
            None => drop(self.projects.insert(project, seconds)),
            Some(source) => drop(self.sources.entry(project).or_default().insert(source, seconds)),
        }
    }

    /// The seconds in which a project is billed for what a source says of it.
    #[must_use]
    pub fn of(&self, project: Name, source: Name) -> &[Range<Second>] {
        let own = self.sources.get(&project).and_then(|sources| sources.get(&source));
        own.or_else(|| self.projects.get(&project)).map_or(&ALWAYS, Vec::as_slice)
    }

    /// These seconds of a project and source, cut into spans in the order of time, none of them empty: each with whether it
    /// is billed.
    pub fn spans(
        &self,
        project: Name,
        source: Name,
        seconds: Range<Second>,
    ) -> impl Iterator<Item = (Range<Second>, bool)> {
        let Range { start, end } = seconds;
        let billed = self.of(project, source);
        let last = billed.last().map_or(start, |billed| billed.end.max(start));
        let free_starts =
            std::iter::once(start).chain(billed.iter().map(move |billed| billed.end.max(start)));
        let cut = free_starts.zip(billed).flat_map(move |(free, billed)| {
            let is_free = (free..end.min(billed.start), false);
            [is_free, (start.max(billed.start)..end.min(billed.end), true)]
        });
        cut.chain([(last..end, false)]).filter(|(span, _)| !span.is_empty())
    }

    /// Whether a project is billed in a second for what a source says of it.
    #[must_use]
    pub fn is(&self, project: Name, source: Name, second: Second) -> bool {
        self.of(project, source).iter().any(|seconds| seconds.contains(&second))
    }

    /// What was said of a project, or of one source of it.
    #[must_use]
    pub fn said(&self, project: Name, source: Option<Name>) -> Option<&[Range<Second>]> {
        let said = match source {
            None => self.projects.get(&project),
            Some(source) => self.sources.get(&project)?.get(&source),
        };
        said.map(Vec::as_slice)
    }

    /// The sources of a project of which something was said of their own, in their order.
    #[must_use]
    pub fn sources(&self, project: Name) -> Vec<Name> {
        let mut sources: Vec<Name> =
            self.sources.get(&project).into_iter().flatten().map(|(name, _)| *name).collect();
        sources.sort_unstable();
        sources
    }

    /// All projects, and sources of them, of which something was said, in their order.
    #[must_use]
    pub fn list(&self) -> Vec<(Whose, &[Range<Second>])> {
        let projects = self.projects.iter().map(|(project, seconds)| ((*project, None), seconds.as_slice()));
        let sources = self.sources.iter().flat_map(|(project, sources)| {
            sources.iter().map(|(source, seconds)| ((*project, Some(*source)), seconds.as_slice()))
        });
        let mut list: Vec<_> = projects.chain(sources).collect();
        list.sort_unstable_by_key(|(whose, _)| *whose);
        list
    }
}

/// A reading of a month that only a late event can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// The number of the part.
    pub part: usize,
    /// The number of the month.
    pub month: usize,
    /// The project that pays.
    pub project: Name,
    /// The reading.
    pub quantity: Quantity,
}

/// What `monthly_peak` sums: each project and group on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeakKey {
    /// The number of the part.
    pub part: usize,
    /// The project.
    pub project: Name,
    /// The group, where the component has `group_by`.
    pub group: Option<Option<Group>>,
}

/// A change of a project's sum from a second on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Of which sum.
    pub key: PeakKey,
    /// From when on.
    pub second: Second,
    /// By how much.
    pub by: Quantity,
}

/// What steps of a resource change outside its own state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Readings of months that closed.
    pub closed: Vec<Closed>,
    /// Changes of the project's sums.
    pub changes: Vec<Change>,
}

impl ResourceState {
    /// Of a resource without events.
    #[must_use]
    pub fn new() -> ResourceState {
        ResourceState { last: i64::MIN, current: None, sums: Accumulator::default() }
    }

    /// The instant of its last event, disputed or not, in nanoseconds of Unix time; [`i64::MIN`] before the first.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.last
    }

    /// What it is now; `None` where it is not alive.
    #[must_use]
    pub fn current(&self) -> Option<Current> {
        self.current
    }

    /// Takes the next event in the order of time, sequence and id, in O(components that match); answers whether it
    /// is undisputed. The plan must hold the event's second.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits; the state is of no use then.
    pub fn step(
        &mut self,
        ground: Ground<'_>,
        matches: &mut Matches,
        (time, said): (i64, Said),
        effects: &mut Effects,
    ) -> Result<bool, Overflow> {
        let Ground { plan, descriptions, .. } = ground;
        let kind_of = |said: Said| descriptions.get(said.description).kind.as_str();
        let before = self.current;
        let mut life = before.map_or(Life::none(), |current| {
            let Current { said, start, class } = current;
            Life::resume((said.project, kind_of(said)), said, start, class)
        });
        let state = descriptions.get(said.description).state.as_deref().unwrap_or_default();
        let meaning = plan.book().meaning(kind_of(said), state);
        let told = life.step(StateEvent { time, owner: (said.project, kind_of(said)), meaning }, said);
        self.last = time;
        let holding = life.holding();
        self.current = holding.map(|holding| Current {
            said: holding.began,
            start: holding.start,
            class: holding.class,
        });
        match told {
            Some(Told::Disputed(_)) => return Ok(false),
            Some(Told::Holding(held)) => {
                let current = Current { said: held.began, start: held.start, class: held.class };
                self.hold(ground, matches, (current, held.end))?;
                self.close(plan, held.end, &mut effects.closed)?;
            }
            None => {}
        }
        let second = event::second_of(time);
        if let Some(before) = before {
            changes(ground, matches, (before, second), (effects, false))?;
        }
        if let Some(current) = self.current {
            changes(ground, matches, (current, second), (effects, true))?;
        }
        Ok(true)
    }

    /// What it has come to before an instant that is not before its last event.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn before(
        mut self,
        ground: Ground<'_>,
        matches: &mut Matches,
        at: Second,
    ) -> Result<Accumulator, Overflow> {
        if let Some(current) = self.current.filter(|current| current.start < at) {
            self.hold(ground, matches, (current, at))?;
        }
        Ok(self.sums)
    }

    fn hold(
        &mut self,
        ground: Ground<'_>,
        matches: &mut Matches,
        (current, end): (Current, Second),
    ) -> Result<(), Overflow> {
        let Ground { plan, descriptions, billed, source } = ground;
        self.sums.alive(current.start);
        if end <= plan.start() && !plan.has_once() {
            return Ok(());
        }
        let project = current.said.project;
        let found = matches.of(plan, descriptions, (current.said.description, current.class))?;
        for (seconds, is_billed) in billed.spans(project, source, current.start..end) {
            let held = Held { seconds, project };
            for found in matching::within(found, plan, &held.seconds) {
                if is_billed {
                    self.sums.hold(plan, found, &held)?;
                } else {
                    // What it would pay `once` while nothing is billed is paid, and was free.
                    self.sums.pay_nothing(plan, found, &held);
                }
            }
        }
        Ok(())
    }

    /// Takes out the meters of months that end by that second: what is metered next begins there or later.
    fn close(&mut self, plan: &Plan, end: Second, into: &mut Vec<Closed>) -> Result<(), Overflow> {
        if self.sums.meters.iter().all(|metered| end < plan.months()[metered.month].end) {
            return Ok(());
        }
        for metered in &self.sums.meters {
            let quantity = metered.meter.reading()?;
            let (part, month, project) = (metered.part, metered.month, metered.project);
            if plan.months()[month].end <= end {
                into.push(Closed { part, month, project, quantity });
            }
        }
        self.sums.meters.retain(|metered| end < plan.months()[metered.month].end);
        Ok(())
    }
}

impl Default for ResourceState {
    fn default() -> ResourceState {
        ResourceState::new()
    }
}

/// What a resource adds to the sums of `monthly_peak` from a second on, or, where it was that before, no longer adds.
/// What begins before the seconds that a part prices is in its sum when they begin; after their end nobody looks.
pub(crate) fn changes(
    ground: Ground<'_>,
    matches: &mut Matches,
    (current, second): (Current, Second),
    (effects, begins): (&mut Effects, bool),
) -> Result<(), Overflow> {
    let Ground { plan, descriptions, billed, source } = ground;
    let found = matches.of(plan, descriptions, (current.said.description, current.class))?;
    for billed in billed.of(current.said.project, source) {
        let second = second.max(billed.start);
        if second >= billed.end {
            continue;
        }
        for found in matching::within(found, plan, &(second..billed.end)) {
            let part = &plan.parts()[found.part];
            if matches!(part.component.model, Model::MonthlyPeak { .. }) && second < part.priced.end {
                let (more, less) = (found.quantity, Quantity::ZERO.checked_sub(found.quantity)?);
                let (by, back) = if begins { (more, less) } else { (less, more) };
                let key = PeakKey { part: found.part, project: current.said.project, group: found.group };
                effects.changes.push(Change { key, second, by });
                if billed.end < Second::MAX {
                    effects.changes.push(Change { key, second: billed.end, by: back });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_cut_where_billing_begins_and_ends() {
        let mut billed = Billed::default();
        let spans = |billed: &Billed, seconds| billed.spans(1, 2, seconds).collect::<Vec<_>>();
        assert_eq!(spans(&billed, 5..9), [(5..9, true)]);
        billed.set(1, None, vec![3..6, 8..10]);
        assert_eq!(
            spans(&billed, 0..20),
            [(0..3, false), (3..6, true), (6..8, false), (8..10, true), (10..20, false)]
        );
        assert_eq!(spans(&billed, 4..9), [(4..6, true), (6..8, false), (8..9, true)]);
        assert_eq!(spans(&billed, 6..8), [(6..8, false)]);
        assert_eq!(spans(&billed, 12..14), [(12..14, false)]);
        assert_eq!(spans(&billed, 7..7), []);
        billed.set(1, Some(2), Vec::new());
        assert_eq!(spans(&billed, 4..9), [(4..9, false)]);
    }
}
