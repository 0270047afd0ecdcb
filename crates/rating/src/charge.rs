//! Charges: the rows of a bill, their keys, their order and their JSON (rating.md, "`kopeck rate`").

use jiff::civil::Date;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::calendar::{Calendar, MonthName, OutOfRange, Second};
use crate::money::{Amount, Overflow, Quantity};

/// What is rated: `[from, to)`, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: Second,
    to: Second,
}

/// Why two dates are no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The window ends before it begins, or at once.
    #[error("the window ends on {to}, which is not after {from}")]
    Empty {
        /// Its first day.
        from: Date,
        /// The day before which it ends.
        to: Date,
    },
    /// A date outside the years that rating accepts.
    #[error("the window {0}")]
    OutOfRange(#[from] OutOfRange),
}

impl Window {
    /// From the first instant of one local day to that of another; `as_of` moves the end if it is earlier.
    ///
    /// # Errors
    /// [`WindowError`] where `to` is not after `from`, or a date lies outside the years that rating accepts.
    pub fn new(
        calendar: &Calendar,
        from: Date,
        to: Date,
        as_of: Option<Second>,
    ) -> Result<Window, WindowError> {
        if to <= from {
            return Err(WindowError::Empty { from, to });
        }
        let [start, end] = [calendar.day_start(from)?, calendar.day_start(to)?];
        Ok(Window { from: start, to: as_of.map_or(end, |as_of| as_of.clamp(start, end)) })
    }

    /// A window without an end.
    pub(crate) fn since(from: Second) -> Window {
        Window { from, to: Second::MAX }
    }

    /// Its first second.
    #[must_use]
    pub fn from(self) -> Second {
        self.from
    }

    /// The second after its last.
    #[must_use]
    pub fn to(self) -> Second {
        self.to
    }
}

/// What a charge is for. The order is that of a bill.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChargeKey {
    /// The project that pays.
    pub project: String,
    /// The source of the resource; `None` for project-wide components.
    pub source: Option<String>,
    /// The resource, within its source; `None` for project-wide components.
    pub resource: Option<String>,
    /// The id of the component.
    pub component: String,
    /// The `effective` date of the version.
    pub version: Date,
    /// The local month.
    pub month: MonthName,
    /// Where the component has `group_by`: the attribute's text, or `None` where the resource lacks it.
    pub group: Option<Option<String>>,
}

/// A rated amount of one component for one resource and month, in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What it is for.
    pub key: ChargeKey,
    /// The exact sum that the price was applied to: unit-seconds, unit-hours, unit-days, or units.
    pub quantity: Quantity,
    /// R(C(to)) − R(C(from)).
    pub amount: Amount,
}

impl Charge {
    /// Whether the charge says nothing; such rows are left out of a bill.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.quantity.is_zero() && self.amount.is_zero()
    }
}

impl Charge {
    /// The charge with borrowed texts.
    #[must_use]
    pub fn as_ref(&self) -> ChargeRef<'_> {
        let ChargeKey { project, source, resource, component, version, month, group } = &self.key;
        ChargeRef {
            project,
            source: source.as_deref(),
            resource: resource.as_deref(),
            component,
            version: *version,
            month: *month,
            group: group.as_ref().map(Option::as_deref),
            quantity: self.quantity,
            amount: self.amount,
        }
    }
}

/// A [`Charge`] with borrowed texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeRef<'a> {
    /// See [`ChargeKey::project`].
    pub project: &'a str,
    /// See [`ChargeKey::source`].
    pub source: Option<&'a str>,
    /// See [`ChargeKey::resource`].
    pub resource: Option<&'a str>,
    /// See [`ChargeKey::component`].
    pub component: &'a str,
    /// See [`ChargeKey::version`].
    pub version: Date,
    /// See [`ChargeKey::month`].
    pub month: MonthName,
    /// See [`ChargeKey::group`].
    pub group: Option<Option<&'a str>>,
    /// See [`Charge::quantity`].
    pub quantity: Quantity,
    /// See [`Charge::amount`].
    pub amount: Amount,
}

impl ChargeRef<'_> {
    /// The charge with texts of its own.
    #[must_use]
    pub fn to_owned(&self) -> Charge {
        let key = ChargeKey {
            project: self.project.to_owned(),
            source: self.source.map(str::to_owned),
            resource: self.resource.map(str::to_owned),
            component: self.component.to_owned(),
            version: self.version,
            month: self.month,
            group: self.group.map(|group| group.map(str::to_owned)),
        };
        Charge { key, quantity: self.quantity, amount: self.amount }
    }
}

impl Serialize for Charge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

impl Serialize for ChargeRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Charge", 9)?;
        row.serialize_field("project", self.project)?;
        row.serialize_field("source", &self.source)?;
        row.serialize_field("resource", &self.resource)?;
        row.serialize_field("component", self.component)?;
        row.serialize_field("version", &Text(&self.version))?;
        row.serialize_field("month", &Text(&self.month))?;
        row.serialize_field("quantity", &Text(&self.quantity))?;
        row.serialize_field("amount", &Text(&self.amount))?;
        match &self.group {
            Some(group) => row.serialize_field("group", group)?,
            None => row.skip_field("group")?,
        }
        row.end()
    }
}

/// A value that is written as its text.
pub(crate) struct Text<'a, T>(pub(crate) &'a T);

impl<T: std::fmt::Display> Serialize for Text<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

/// The charges of a window, sorted, and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The book's currency.
    pub currency: String,
    /// Sorted by key, without empty rows.
    pub charges: Vec<Charge>,
    /// The sum of the amounts.
    pub total: Amount,
}

impl Bill {
    /// Sorts charges into a bill and sums them.
    ///
    /// # Errors
    /// [`Overflow`] where the total does not fit 256 bits.
    pub fn new(currency: String, mut charges: Vec<Charge>) -> Result<Bill, Overflow> {
        charges.retain(|charge| !charge.is_empty());
        charges.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let total = charges.iter().try_fold(Amount::ZERO, |sum, charge| sum.checked_add(charge.amount))?;
        Ok(Bill { currency, charges, total })
    }
}

impl Serialize for Bill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bill = serializer.serialize_struct("Bill", 3)?;
        bill.serialize_field("currency", &self.currency)?;
        bill.serialize_field("charges", &self.charges)?;
        bill.serialize_field("total", &Text(&self.total))?;
        bill.end()
    }
}
