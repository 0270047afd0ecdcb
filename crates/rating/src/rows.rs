//! The rows of a bill by numbers instead of texts: a month of a large cloud has millions.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::charge::{Bill, Charge, ChargeRef, Text};
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
    key: MeterKey,
    group: Option<Option<Group>>,
    quantity: Quantity,
    amount: Amount,
}

impl Row {
    /// The row R(C(to)) − R(C(from)), if it says something.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn new(
        plan: &Plan<'_>,
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
        plan: &Plan<'_>,
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

    /// The row with another number for its group.
    pub(crate) fn regrouped(self, group: impl Fn(Group) -> Group) -> Row {
        Row { group: self.group.map(|own| own.map(group)), ..self }
    }

    /// The charge that the row stands for.
    pub fn charge<'a>(&self, plan: &'a Plan<'_>, names: &'a Names, groups: &'a [String]) -> ChargeRef<'a> {
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

/// All rows of a run, in the order of a bill.
#[derive(Debug)]
pub struct Rows<'b> {
    plan: Plan<'b>,
    names: Names,
    groups: Vec<String>,
    rows: Vec<Row>,
    total: Amount,
}

impl<'b> Rows<'b> {
    /// Sorts and sums rows.
    ///
    /// # Errors
    /// [`Overflow`] where the total does not fit 256 bits.
    pub(crate) fn new(
        plan: Plan<'b>,
        names: Names,
        groups: Vec<String>,
        mut rows: Vec<Row>,
    ) -> Result<Rows<'b>, Overflow> {
        let total = rows.iter().try_fold(Amount::ZERO, |sum, row| sum.checked_add(row.amount))?;
        let ranks = names.ranks();
        let parts = component_ranks(&plan);
        let mut sorted_groups: Vec<usize> = (0..groups.len()).collect();
        sorted_groups.sort_unstable_by_key(|group| &groups[*group]);
        let mut group_ranks = vec![0; groups.len()];
        for (rank, group) in (2_u32..).zip(sorted_groups) {
            group_ranks[group] = rank;
        }
        let rank = |name: Name| ranks[name as usize];
        rows.sort_by_cached_key(|row| {
            let MeterKey { part, month, project, resource } = row.key;
            // No source comes first, no group too, and then that of resources that lack the attribute.
            let resource = resource.map(|(source, subject)| (rank(source), rank(subject)));
            let group = match row.group {
                None => 0,
                Some(None) => 1,
                Some(Some(group)) => group_ranks[group as usize],
            };
            (rank(project), resource, parts[part], month, group)
        });
        Ok(Rows { plan, names, groups, rows, total })
    }

    /// The currency of all amounts.
    #[must_use]
    pub fn currency(&self) -> &str {
        self.plan.book().currency()
    }

    /// The charges, sorted; none is empty.
    pub fn charges(&self) -> impl Iterator<Item = ChargeRef<'_>> {
        self.rows.iter().map(|row| row.charge(&self.plan, &self.names, &self.groups))
    }

    /// Whether there are no charges.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The sum of the amounts.
    #[must_use]
    pub fn total(&self) -> Amount {
        self.total
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn to_bill(&self) -> Bill {
        let charges: Vec<Charge> = self.charges().map(|charge| charge.to_owned()).collect();
        Bill { currency: self.currency().to_owned(), charges, total: self.total }
    }
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bill = serializer.serialize_struct("Bill", 3)?;
        bill.serialize_field("currency", self.currency())?;
        bill.serialize_field("charges", &Charges(self))?;
        bill.serialize_field("total", &Text(&self.total))?;
        bill.end()
    }
}

/// The charges, written one by one.
struct Charges<'a, 'b>(&'a Rows<'b>);

impl Serialize for Charges<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.charges())
    }
}

/// For each part the place of its component's id, then its version.
fn component_ranks(plan: &Plan<'_>) -> Vec<(usize, jiff::civil::Date)> {
    let mut ids: Vec<&str> = plan.parts().iter().map(|part| part.component.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let ranks: HashMap<&str, usize> = ids.into_iter().zip(0..).collect();
    plan.parts().iter().map(|part| (ranks[part.component.id.as_str()], part.version)).collect()
}
