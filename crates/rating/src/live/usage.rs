//! What usage comes to as it comes: the sums of each month, and what is to be told of it.

use super::noticed::{EventName, Lacks};
use super::{Live, LiveError, number};
use crate::calendar::Second;
use crate::event::Description;
use crate::intake::{Name, Names};
use crate::keys::QuickMap;
use crate::matching::{self, Measured};
use crate::money::{Overflow, Quantity};
use crate::notice::Lacking;
use crate::packed::UnpackError;
use crate::packed::codec::{self, Reader};
use crate::price_book::Model;
use crate::sums::{PROJECT_WIDE, SumKey};

/// The sums of a project's or a resource's usage in a month. What of them lies in the latest second of all events is
/// known apart, so that a reading at its start is without it: no question looks back farther.
#[derive(Debug)]
pub(super) struct Uses {
    /// By project.
    sums: QuickMap<Name, QuickMap<SumKey, Quantity>>,
    /// The latest second of usage, and what lies in it.
    second: Second,
    within: QuickMap<SumKey, Quantity>,
}

impl Default for Uses {
    fn default() -> Uses {
        Uses { sums: QuickMap::default(), second: Second::MIN, within: QuickMap::default() }
    }
}

impl Uses {
    /// Adds to a sum; answers whether there was none before.
    fn add(&mut self, key: SumKey, second: Second, quantity: Quantity) -> Result<bool, Overflow> {
        let sums = self.sums.entry(key.project).or_default();
        let known = sums.len();
        let sum = sums.entry(key).or_insert(Quantity::ZERO);
        *sum = sum.checked_add(quantity)?;
        let is_new = sums.len() > known;
        if second > self.second {
            self.within.clear();
            self.second = second;
        }
        if second == self.second {
            let within = self.within.entry(key).or_insert(Quantity::ZERO);
            *within = within.checked_add(quantity)?;
        }
        Ok(is_new)
    }

    /// A sum before an instant that is not before the latest second.
    pub(super) fn until(&self, key: &SumKey, at: Second) -> Result<Quantity, Overflow> {
        let sum = self.sums.get(&key.project).and_then(|sums| sums.get(key)).copied();
        let sum = sum.unwrap_or(Quantity::ZERO);
        if at > self.second {
            return Ok(sum);
        }
        self.within.get(key).map_or(Ok(sum), |within| sum.checked_sub(*within))
    }

    /// All sums.
    pub(super) fn keys(&self) -> impl Iterator<Item = &SumKey> {
        self.sums.values().flat_map(QuickMap::keys)
    }

    /// The sums of a project.
    pub(super) fn of(&self, project: Name) -> impl Iterator<Item = &SumKey> {
        self.sums.get(&project).into_iter().flat_map(QuickMap::keys)
    }

    /// Writes all sums in the order of their keys.
    pub(super) fn write(&self, to: &mut Vec<u8>, write_key: impl Fn(&mut Vec<u8>, &SumKey)) {
        let mut sums: Vec<_> = self.sums.values().flatten().collect();
        sums.sort_unstable_by_key(|(key, _)| **key);
        let mut within: Vec<_> = self.within.iter().collect();
        within.sort_unstable_by_key(|(key, _)| **key);
        codec::instant(to, self.second);
        for list in [sums, within] {
            codec::size(to, list.len());
            for (key, sum) in list {
                write_key(to, key);
                codec::quantity(to, *sum);
            }
        }
    }

    /// Reads what [`write`](Uses::write) wrote.
    pub(super) fn read(
        from: &mut Reader<'_>,
        read_key: impl Fn(&mut Reader<'_>) -> Result<SumKey, UnpackError>,
    ) -> Result<Uses, UnpackError> {
        let mut uses = Uses { second: from.instant()?, ..Uses::default() };
        for _ in 0..from.count()? {
            let key = read_key(from)?;
            uses.sums.entry(key.project).or_default().insert(key, from.quantity()?);
        }
        for _ in 0..from.count()? {
            let key = read_key(from)?;
            uses.within.insert(key, from.quantity()?);
        }
        // Each project has as much room as it needs.
        uses.sums.values_mut().for_each(QuickMap::shrink_to_fit);
        Ok(uses)
    }
}

/// A usage event, in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsageEvent<'a> {
    pub(super) time: i64,
    pub(super) second: Second,
    pub(super) project: Name,
    /// The number of the resource.
    pub(super) resource: u32,
    pub(super) source: Name,
    pub(super) id: &'a [u8],
}

impl UsageEvent<'_> {
    fn name(&self, names: &Names) -> EventName {
        let source = names.text(self.source).to_owned();
        EventName { time: self.time, source, id: String::from_utf8_lossy(self.id).into_owned() }
    }
}

impl Live {
    /// Adds a usage event to the sums of every part that prices it.
    pub(super) fn used(&mut self, data: &Description, event: &UsageEvent<'_>) -> Result<(), LiveError> {
        let UsageEvent { second, project, resource, source, .. } = *event;
        self.plan.extend(second)?;
        self.latest = self.latest.max(second);
        let Some(month) = self.plan.month_of(second) else { return Ok(()) };
        if !self.billed.is(project, source, second) {
            return Ok(());
        }
        let mut is_priced = false;
        for part in self.plan.uses(data, second) {
            is_priced = true;
            let component = &self.plan.parts()[part].component;
            let Measured { quantity, lacks } = matching::measure(component, data)?;
            if let Some(number) = lacks {
                let attribute = component.quantity[number].clone();
                let what = Lacking { component: component.id.clone(), attribute };
                let name = || event.name(&self.register.names);
                self.usage_notices.take((month, Lacks::Attribute(what)), event.time, name);
            }
            let resource = if matches!(component.model, Model::Tiered(_)) { PROJECT_WIDE } else { resource };
            let key = SumKey { part: number(part)?, month: number(month)?, project, resource };
            let is_new = self.uses.add(key, second, quantity)?;
            self.touched.used(key);
            if let Some(running) = self.running.as_mut().filter(|_| resource != PROJECT_WIDE) {
                running.used(project, (part, month), (quantity, is_new))?;
            }
        }
        if !is_priced {
            let name = || event.name(&self.register.names);
            self.usage_notices.take((month, Lacks::Component(data.kind.clone())), event.time, name);
        }
        Ok(())
    }
}
