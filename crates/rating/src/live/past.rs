//! The past of one resource: its events in their order, checkpoints of its state, and the readings of closed months.
//!
//! An event at the end is stepped. A late one is inserted, and the state is made again from the last checkpoint
//! before it, beside the state as it was, event by event until the two are the same; what follows stands.

use super::LiveError;
use crate::batch::LabelParts;
use crate::event;
use crate::intake::{Label, Labels};
use crate::matching::Matches;
use crate::money::Quantity;
use crate::packed::codec::{self, Reader, instant, name, quantity, size};
use crate::packed::{Numbers, UnpackError, read_month, write_month};
use crate::plan::Plan;
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

/// See the module. Most resources are young and have had few events: they need nothing else.
#[derive(Debug, Default)]
pub(super) struct Past {
    events: Vec<Kept>,
    older: Option<Box<Older>>,
}

/// What there is of a resource of some age.
#[derive(Debug, Default)]
struct Older {
    /// Ascending.
    checkpoints: Vec<Checkpoint>,
    closed: Vec<Closed>,
}

/// What stepping needs.
pub(super) struct Steps<'x, 'a> {
    pub ground: Ground<'a>,
    pub matches: &'x mut Matches,
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

    /// The events, in their order.
    pub fn events(&self) -> &[Kept] {
        &self.events
    }

    /// The readings of closed months.
    pub fn closed(&self) -> &[Closed] {
        self.older.as_ref().map_or(&[], |older| &older.closed)
    }

    fn checkpoints(&self) -> &[Checkpoint] {
        self.older.as_ref().map_or(&[], |older| &older.checkpoints)
    }

    fn older(&mut self) -> &mut Older {
        self.older.get_or_insert_default()
    }

    /// Writes all of it, to be stored.
    pub fn write(&self, to: &mut Vec<u8>, plan: &Plan, labels: &Labels) {
        size(to, self.events.len());
        for Kept { time, label, said } in &self.events {
            let (sequence, id) = labels.order(*label);
            instant(to, *time);
            codec::optional(to, sequence);
            codec::bytes(to, id);
            name(to, said.project);
            name(to, said.description);
        }
        size(to, self.checkpoints().len());
        for Checkpoint { events, closed, state } in self.checkpoints() {
            size(to, *events);
            size(to, *closed);
            codec::bytes(to, state);
        }
        size(to, self.closed().len());
        for closed in self.closed() {
            size(to, closed.part);
            write_month(to, plan, closed.month);
            name(to, closed.project);
            quantity(to, closed.quantity);
        }
    }

    /// Reads what [`write`](Past::write) wrote; the labels are kept anew.
    pub fn read(
        from: &mut Reader<'_>,
        numbers: Numbers<'_>,
        labels: &mut Labels,
    ) -> Result<Past, UnpackError> {
        let mut past = Past::default();
        let count = from.count()?;
        past.events.reserve_exact(count);
        for _ in 0..count {
            let time = from.instant()?;
            let (sequence, id) = (from.optional()?, from.bytes()?);
            let mut written = Vec::new();
            let end = LabelParts { sequence, id, actor: None }.write(&mut written);
            let label = labels.push(&written[..end]).map_err(|_| UnpackError::Impossible("label"))?;
            let project = from.name(numbers.names, "name")?;
            let description = from.name(numbers.descriptions, "description")?;
            past.events.push(Kept { time, label, said: Said { project, description } });
        }
        let order = |kept: &Kept| (kept.time, labels.order(kept.label));
        let seconds = numbers.plan.end();
        let is_held = |kept: &Kept| event::second_of(kept.time) < seconds;
        if !past.events.is_sorted_by_key(order) || !past.events.last().is_some_and(is_held) {
            return Err(UnpackError::Impossible("order of events"));
        }
        for _ in 0..from.count()? {
            let events = from.below(past.events.len().saturating_add(1), "checkpoint")?;
            let closed =
                usize::try_from(from.number()?).map_err(|_| UnpackError::Impossible("checkpoint"))?;
            let state = from.bytes()?;
            ResourceState::unpack_bare(state, numbers)?;
            past.older().checkpoints.push(Checkpoint { events, closed, state: state.into() });
        }
        for _ in 0..from.count()? {
            let part = from.below(numbers.plan.parts().len(), "part")?;
            let month = read_month(from, numbers.plan)?;
            let project = from.name(numbers.names, "name")?;
            past.older().closed.push(Closed { part, month, project, quantity: from.quantity()? });
        }
        let grows =
            |one: &Checkpoint, other: &Checkpoint| one.events <= other.events && one.closed <= other.closed;
        let is_within = past.checkpoints().last().is_none_or(|last| last.closed <= past.closed().len());
        if !past.checkpoints().is_sorted_by(grows) || !is_within {
            return Err(UnpackError::Impossible("checkpoint"));
        }
        Ok(past)
    }

    /// Adds an event to the end, with the readings that it closed and the packed state before it.
    pub fn push(&mut self, new: Kept, closed: &[Closed], state: &[u8]) {
        let day = |time: i64| event::second_of(time).div_euclid(DAY);
        let seen = self.checkpoints().last().map_or(0, |checkpoint| checkpoint.events);
        let is_due = self.events.len() - seen >= FEWEST_EVENTS;
        if is_due && self.events.last().is_some_and(|last| day(last.time) < day(new.time)) {
            let (events, closed) = (self.events.len(), self.closed().len());
            self.older().checkpoints.push(Checkpoint { events, closed, state: state.into() });
        }
        if !closed.is_empty() {
            self.older().closed.extend_from_slice(closed);
        }
        // Most resources have few events: room for them grows by a half, and begins with one.
        if self.events.len() == self.events.capacity() {
            self.events.reserve_exact(1 + self.events.len() / 2);
        }
        self.events.push(new);
    }

    /// Inserts a late event at its position, and makes the state again.
    pub fn insert(&mut self, steps: &mut Steps<'_, '_>, at: usize, new: Kept) -> Result<Rebuilt, LiveError> {
        let mut later = self.checkpoints().partition_point(|checkpoint| checkpoint.events <= at);
        let (common, base) = self.state_at(steps, at, later)?;
        let way = |state: &ResourceState| Way { state: state.clone(), effects: Effects::default() };
        let (mut before, mut after) = (way(&common), way(&common));
        steps.step(&mut after, &new)?;
        let mut next = at;
        while next < self.events.len() && before.state != after.state {
            let known = self.older.as_mut().and_then(|older| older.checkpoints.get_mut(later));
            if let Some(checkpoint) = known.filter(|known| known.events == next) {
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
        if self.older.is_some() || new_closed > 0 {
            let Older { checkpoints, closed } = self.older();
            for checkpoint in &mut checkpoints[later..] {
                checkpoint.events += 1;
                checkpoint.closed = (checkpoint.closed + new_closed).saturating_sub(old);
            }
            // All that was closed is there, unless a stored past was made up by somebody.
            let end = (base + old).min(closed.len());
            closed.splice(base.min(end)..end, after.effects.closed.iter().copied());
        }
        self.events.insert(at, new);
        let same = before.state == after.state;
        Ok(Rebuilt { before, after, same })
    }

    /// The state after so many events, from the checkpoint before the one of that number, and how many readings
    /// were closed by then.
    fn state_at(
        &self,
        steps: &mut Steps<'_, '_>,
        events: usize,
        later: usize,
    ) -> Result<(ResourceState, usize), LiveError> {
        let checkpoint = later.checked_sub(1).map(|number| &self.checkpoints()[number]);
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

impl Steps<'_, '_> {
    pub fn step(&mut self, way: &mut Way, kept: &Kept) -> Result<bool, LiveError> {
        let (event, effects) = ((kept.time, kept.said), &mut way.effects);
        Ok(way.state.step(self.ground, self.matches, event, effects)?)
    }

    pub fn unpack(&self, bare: &[u8]) -> Result<ResourceState, LiveError> {
        let Ground { plan, descriptions, .. } = self.ground;
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
}
