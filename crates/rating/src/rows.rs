//! The rows of a bill by numbers instead of texts.

use crate::charge::ChargeRef;
use crate::intake::{Name, Names};
use crate::matching::Group;
use crate::meter;
use crate::money::{Amount, Overflow, Quantity};
use crate::plan::Plan;

/// What usage and states are metered by; `resource` is `None` for project-wide components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterKey {
    /// The number of the part.
    pub part: usize,
    /// The number of the month.
    pub month: usize,
    /// The project.
    pub project: Name,
    /// Source and subject.
    pub resource: Option<(Name, Name)>,
}

/// What a month has seen before the end of the window and before its start.
#[derive(Debug, Clone, Copy)]
pub struct Readings {
    /// Before the end.
    pub to: Quantity,
    /// Before the start.
    pub from: Quantity,
}

impl Readings {
    /// Nothing.
    pub const ZERO: Readings = Readings { to: Quantity::ZERO, from: Quantity::ZERO };
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub(crate) key: MeterKey,
    pub(crate) group: Option<Option<Group>>,
    quantity: Quantity,
    amount: Amount,
}

impl Row {
    /// The row R(C(to)) − R(C(from)), if it says something.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn new(
        plan: &Plan,
        key: MeterKey,
        readings: Readings,
        group: Option<Option<Group>>,
    ) -> Result<Option<Row>, Overflow> {
        let row = Row::of(plan, key, readings, group)?;
        let says_nothing = row.quantity.is_zero() && row.amount.is_zero();
        Ok((!says_nothing).then_some(row))
    }

    /// The row R(C(to)) − R(C(from)), also where it says nothing.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn of(
        plan: &Plan,
        key: MeterKey,
        readings: Readings,
        group: Option<Option<Group>>,
    ) -> Result<Row, Overflow> {
        let model = &plan.parts()[key.part].component.model;
        let month = &plan.months()[key.month];
        let rounded = |reading| meter::cost(model, reading, month)?.round_half_even();
        let quantity = readings.to.checked_sub(readings.from)?;
        let before = if readings.from.is_zero() { Amount::ZERO } else { rounded(readings.from)? };
        let amount = rounded(readings.to)?.checked_sub(before)?;
        Ok(Row { key, group, quantity, amount })
    }

    /// The charge that the row stands for.
    pub fn charge<'a>(&self, plan: &'a Plan, names: &'a Names, groups: &'a [String]) -> ChargeRef<'a> {
        let part = &plan.parts()[self.key.part];
        let resource = self.key.resource;
        ChargeRef {
            project: names.text(self.key.project),
            source: resource.map(|(source, _)| names.text(source)),
            resource: resource.map(|(_, subject)| names.text(subject)),
            component: &part.component.id,
            version: part.version,
            month: plan.months()[self.key.month].name,
            group: self.group.map(|group| group.map(|group| groups[group as usize].as_str())),
            quantity: self.quantity,
            amount: self.amount,
        }
    }
}

/// Some rows of a bill, in its order.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) names: &'a Names,
    pub(crate) groups: &'a [String],
    pub(crate) rows: &'a [Row],
}

impl<'a> Piece<'a> {
    /// The currency of all amounts.
    #[must_use]
    pub fn currency(&self) -> &'a str {
        self.plan.book().currency()
    }

    /// The charges, sorted; none is empty.
    pub fn charges(&self) -> impl Iterator<Item = ChargeRef<'a>> {
        let Piece { plan, names, groups, rows } = *self;
        rows.iter().map(move |row| row.charge(plan, names, groups))
    }

    /// The sum of the amounts.
    ///
    /// # Errors
    /// [`Overflow`] where it does not fit 256 bits.
    pub fn total(&self) -> Result<Amount, Overflow> {
        self.rows.iter().try_fold(Amount::ZERO, |sum, row| sum.checked_add(row.amount))
    }
}
