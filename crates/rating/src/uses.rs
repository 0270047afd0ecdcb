//! What usage events use: found by the threads that read, so that the one that keeps the order only adds.

use std::sync::Arc;

use crate::batch::{Batch, Origin};
use crate::event::{self, Description, Refusal};
use crate::matching;
use crate::money::{Overflow, Quantity};
use crate::plan::Plan;

/// Reads lines for a run over a window, on any thread.
#[derive(Debug, Clone)]
pub struct Reader {
    plan: Arc<Plan>,
}

/// What a usage event uses.
#[derive(Debug, Clone)]
pub struct Uses {
    /// The window's month that it falls in, if any, before the window's end.
    pub(crate) month: Option<u32>,
    /// For each part that prices it; none outside those months.
    pub(crate) used: Result<Vec<Used>, Overflow>,
    /// Its kind, where no part prices it.
    pub(crate) unpriced: Option<Box<str>>,
}

/// What it uses of one part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) part: u32,
    pub(crate) quantity: Quantity,
    /// The number of the attribute that counts as 0, if any.
    pub(crate) lacks: Option<usize>,
}

impl Reader {
    pub(crate) fn new(plan: Arc<Plan>) -> Reader {
        Reader { plan }
    }

    /// Reads consecutive lines of a file; the last one may lack its end. Blank lines are passed over.
    #[must_use]
    pub fn read(&self, bytes: Vec<u8>, first: Origin) -> Batch<Uses> {
        Batch::read_with(bytes, first, |data, time| self.uses(&data, time))
    }

    fn uses(&self, data: &Description, time: i64) -> Result<Uses, Refusal> {
        let plan = &*self.plan;
        data.check_currency(plan.book().currency())?;
        let second = event::second_of(time);
        let month = plan.month_of(second).filter(|_| second < plan.window().to());
        let month = month.and_then(|month| u32::try_from(month).ok());
        if month.is_none() {
            return Ok(Uses { month, used: Ok(Vec::new()), unpriced: None });
        }
        let used: Result<Vec<_>, Overflow> =
            plan.uses(data, second).map(|part| self.used(part, data)).collect();
        let unpriced = used.as_ref().is_ok_and(Vec::is_empty).then(|| data.kind.as_str().into());
        Ok(Uses { month, used, unpriced })
    }

    fn used(&self, part: usize, data: &Description) -> Result<Used, Overflow> {
        let measured = matching::measure(&self.plan.parts()[part].component, data)?;
        let part = u32::try_from(part).map_err(|_| Overflow)?;
        Ok(Used { part, quantity: measured.quantity, lacks: measured.lacks })
    }
}
