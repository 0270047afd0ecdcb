//! What usage comes to as it comes: the sums of each month, and what is to be told of it.

use super::noticed::{EventName, Lacks};
use super::{Live, LiveError, number};
use crate::calendar::Second;
use crate::event::Description;
use crate::intake::{Name, Names};
use crate::matching::{self, Measured};
use crate::money::{Overflow, Quantity};
use crate::notice::Lacking;
use crate::price_book::Model;
use crate::sums::{PROJECT_WIDE, SumKey};

/// The sum of a project's or a resource's usage in a month; that of the latest second is apart, so that a reading
/// at its start is without it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) before: Quantity,
    pub(super) second: Second,
    pub(super) within: Quantity,
}

impl Used {
    pub(super) fn add(&mut self, second: Second, quantity: Quantity) -> Result<(), Overflow> {
        if second > self.second {
            *self = Used { before: self.before.checked_add(self.within)?, second, within: Quantity::ZERO };
        }
        let sum = if second == self.second { &mut self.within } else { &mut self.before };
        *sum = sum.checked_add(quantity)?;
        Ok(())
    }

    /// The sum before an instant that is not before the latest second.
    pub(super) fn until(&self, at: Second) -> Result<Quantity, Overflow> {
        if self.second < at { self.before.checked_add(self.within) } else { Ok(self.before) }
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
                let name = event.name(&self.register.names);
                self.usage_notices.take(month, Lacks::Attribute(what), second, name);
            }
            let resource = if matches!(component.model, Model::Tiered(_)) { PROJECT_WIDE } else { resource };
            let key = SumKey { part: number(part)?, month: number(month)?, project, resource };
            let nothing = Used { before: Quantity::ZERO, second, within: Quantity::ZERO };
            self.uses.entry(project).or_default().entry(key).or_insert(nothing).add(second, quantity)?;
            self.touched.used(key);
        }
        if !is_priced {
            let name = event.name(&self.register.names);
            self.usage_notices.take(month, Lacks::Component(data.kind.clone()), second, name);
        }
        Ok(())
    }
}
