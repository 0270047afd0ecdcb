//! The past of one resource: its events in their order, checkpoints of its state, and the readings of closed months.
//!
//! An event at the end is stepped. A late one is inserted, and the state is made again from the last checkpoint
//! before it, beside the state as it was, event by event until the two are the same; what follows stands.

use super::LiveError;
use crate::calendar::Second;
use crate::event;
use crate::intake::{Label, Labels};
use crate::matching::Matches;
use crate::money::Quantity;
use crate::packed::Numbers;
use crate::resource::{Change, Closed, Effects, Ground, ResourceState, Said};

/// An event of a resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// The instant, in nanoseconds of Unix time.
    pub time: i64,
    /// Its sequence and id.
    pub label: Label,
    pub said: Said,
}

/// A state after some of the events.
#[derive(Debug)]
struct Checkpoint {
    /// How many events it has seen.
    events: usize,
    /// How many readings were closed by then.
    closed: usize,
    /// Packed, without the checksum.
    state: Box<[u8]>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Past {
    events: Vec<Kept>,
    /// Ascending.
    checkpoints: Vec<Checkpoint>,
    closed: Vec<Closed>,
}

/// What stepping needs.
pub(super) struct Steps<'x, 'a, 'b> {
    pub ground: Ground<'a, 'b>,
    pub matches: &'x mut Matches<'b>,
    /// How many names are known.
    pub names: usize,
}

/// A way that a resource may have gone.
#[derive(Debug)]
pub(super) struct Way {
    pub state: ResourceState,
    pub effects: Effects,
}

/// What a late event made of a resource.
#[derive(Debug)]
pub(super) struct Rebuilt {
    pub before: Way,
    pub after: Way,
    /// Whether both ways came to the same state, so that the present is what it was.
    pub same: bool,
}

/// Seconds of a day: a checkpoint is made at most once in each, of Unix time.
const DAY: i64 = 86_400;
/// Stepping fewer events than these again costs less than keeping a state.
const FEWEST_EVENTS: usize = 8;

impl Past {
    /// Where an event stands in the order of time, sequence and id.
    pub fn position(&self, labels: &Labels, new: &Kept) -> usize {
        let order = |kept: &Kept| (kept.time, labels.order(kept.label));
        match self.events.last() {
            Some(last) if last.time >= new.time => {
                self.events.partition_point(|kept| order(kept) < order(new))
            }
            _ => self.events.len(),
        }
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The readings of closed months.
    pub fn closed(&self) -> &[Closed] {
        &self.closed
    }

    /// Adds an event to the end, with the readings that it closed and the packed state before it.
    pub fn push(&mut self, new: Kept, closed: &[Closed], state: &[u8]) {
        let day = |time: i64| event::second_of(time).div_euclid(DAY);
        let seen = self.checkpoints.last().map_or(0, |checkpoint| checkpoint.events);
        let is_due = self.events.len() - seen >= FEWEST_EVENTS;
        if is_due && self.events.last().is_some_and(|last| day(last.time) < day(new.time)) {
            let (events, closed) = (self.events.len(), self.closed.len());
            self.checkpoints.push(Checkpoint { events, closed, state: state.into() });
        }
        self.closed.extend_from_slice(closed);
        self.events.push(new);
    }

    /// Inserts a late event at its position, and makes the state again.
    pub fn insert(
        &mut self,
        steps: &mut Steps<'_, '_, '_>,
        at: usize,
        new: Kept,
    ) -> Result<Rebuilt, LiveError> {
        let mut later = self.checkpoints.partition_point(|checkpoint| checkpoint.events <= at);
        let (common, base) = self.state_at(steps, at, later)?;
        let way = |state: &ResourceState| Way { state: state.clone(), effects: Effects::default() };
        let (mut before, mut after) = (way(&common), way(&common));
        steps.step(&mut after, &new)?;
        let mut next = at;
        while next < self.events.len() && before.state != after.state {
            if let Some(checkpoint) = self.checkpoints.get_mut(later).filter(|known| known.events == next) {
                let closed = base + after.effects.closed.len();
                let state = after.state.pack_bare(steps.ground.plan).into();
                *checkpoint = Checkpoint { events: next + 1, closed, state };
                later += 1;
            }
            steps.step(&mut before, &self.events[next])?;
            steps.step(&mut after, &self.events[next])?;
            next += 1;
        }
        let (old, new_closed) = (before.effects.closed.len(), after.effects.closed.len());
        for checkpoint in &mut self.checkpoints[later..] {
            checkpoint.events += 1;
            checkpoint.closed = checkpoint.closed - old + new_closed;
        }
        self.closed.splice(base..base + old, after.effects.closed.iter().copied());
        self.events.insert(at, new);
        let same = before.state == after.state;
        Ok(Rebuilt { before, after, same })
    }

    /// The state after so many events, from the checkpoint before the one of that number, and how many readings
    /// were closed by then.
    fn state_at(
        &self,
        steps: &mut Steps<'_, '_, '_>,
        events: usize,
        later: usize,
    ) -> Result<(ResourceState, usize), LiveError> {
        let checkpoint = later.checked_sub(1).map(|number| &self.checkpoints[number]);
        let (state, seen, closed) = match checkpoint {
            Some(known) => (steps.unpack(&known.state)?, known.events, known.closed),
            None => (ResourceState::new(), 0, 0),
        };
        let mut way = Way { state, effects: Effects::default() };
        for kept in &self.events[seen..events] {
            steps.step(&mut way, kept)?;
        }
        Ok((way.state, closed + way.effects.closed.len()))
    }
}

impl Steps<'_, '_, '_> {
    pub fn step(&mut self, way: &mut Way, kept: &Kept) -> Result<bool, LiveError> {
        let (event, effects) = ((kept.time, kept.said), &mut way.effects);
        Ok(way.state.step(self.ground, self.matches, event, effects)?)
    }

    pub fn unpack(&self, bare: &[u8]) -> Result<ResourceState, LiveError> {
        let Ground { plan, descriptions } = self.ground;
        let numbers = Numbers { plan, names: self.names, descriptions: descriptions.len() };
        Ok(ResourceState::unpack_bare(bare, numbers)?)
    }
}

impl Rebuilt {
    /// What the sums of `monthly_peak` have to change by: each sum and second once, and none by zero.
    pub fn changes(&self) -> Result<Vec<Change>, LiveError> {
        let mut all = self.after.effects.changes.clone();
        for change in &self.before.effects.changes {
            all.push(Change { by: Quantity::ZERO.checked_sub(change.by)?, ..*change });
        }
        let place = |change: &Change| (change.key, change.second);
        all.sort_unstable_by_key(place);
        let mut changes: Vec<Change> = Vec::new();
        for change in all {
            match changes.last_mut().filter(|last| place(last) == place(&change)) {
                Some(last) => last.by = last.by.checked_add(change.by)?,
                None => changes.push(change),
            }
        }
        changes.retain(|change| !change.by.is_zero());
        Ok(changes)
    }

    /// The first second from which on what the resource is now may differ; `None` where it does not.
    pub fn present_differs_from(&self) -> Option<Second> {
        let starts = [&self.before, &self.after].map(|way| way.state.current().map(|current| current.start));
        if self.same { None } else { starts.into_iter().flatten().min() }
    }
}
