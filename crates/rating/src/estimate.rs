//! Estimates: what resources that do not exist yet would cost (guard.md, point 7).
//!
//! A [`Plan`] is priced by one version of a book, as if all its resources lived together in one project over the
//! whole month. Read from TOML in [`plan`]; nothing here knows a clock, a wallet or a forecast.

pub mod plan;

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::calendar::{Month, OutOfRange};
use crate::event::Description;
use crate::matching::{self, Measured};
use crate::meter;
use crate::money::{Amount, Exact, Overflow, Quantity};
use crate::price_book::{Class, Component, ComponentRef, Model, Per, PriceBook, Prorate, Vat};
use plan::{Plan, Resource, Usage, UsePer};

/// What a plan costs.
#[derive(Debug)]
pub struct Estimate<'b> {
    /// The date of the version that prices it.
    pub version: Date,
    /// The calendar month that counts where something is billed by the month.
    pub month: Month,
    /// In the order of the plan, resources first; then what is priced for all of the plan together.
    pub lines: Vec<Line<'b>>,
    /// The sums of the lines.
    pub total: Cost,
    /// The sums of the VAT that comes on top of them; none where no line has any.
    pub vat_on_top: Cost,
    /// Items of the plan that no component prices.
    pub unpriced: Vec<Item>,
    /// Attributes that a component charges by and an item lacks, or does not give as a number: they count as 0.
    pub lacking: Vec<Lacking<'b>>,
}

/// An item of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A resource, by its number from 0.
    Resource(usize),
    /// A usage, by its number from 0.
    Usage(usize),
}

/// A quantity that counts as 0.
#[derive(Debug, Clone, Copy)]
pub struct Lacking<'b> {
    /// The item.
    pub item: Item,
    /// The component.
    pub component: &'b Component,
    /// The attribute.
    pub attribute: &'b str,
}

/// What an item, or all of the plan, costs by one component.
#[derive(Debug, Clone, Copy)]
pub struct Line<'b> {
    /// The item; `None` where the component is priced for all of the plan together.
    pub item: Option<Item>,
    /// The component.
    pub component: &'b Component,
    /// The VAT that holds for it.
    pub vat: Option<Vat>,
    /// The quantity that the price is applied to: of all resources of the item at one instant, or of a month's use.
    pub quantity: Quantity,
    /// What it costs, by the prices of the book.
    pub cost: Cost,
    /// The VAT that comes on top of that, so that both are the gross amount, which is rounded once; none where prices
    /// contain it, or no rate holds.
    pub vat_on_top: Cost,
}

/// Money over time; `None` where it has no price for that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost<T = Amount> {
    /// For each hour.
    pub hour: Option<T>,
    /// For each day.
    pub day: Option<T>,
    /// For a month.
    pub month: Option<T>,
    /// Once.
    pub once: Option<T>,
}

/// Why a plan can not be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EstimateError {
    /// The book begins later.
    #[error("no version is in force on {at}; the first takes effect on {first}")]
    NoVersion {
        /// The day that was asked for.
        at: Date,
        /// When the book begins.
        first: Date,
    },
    /// The day lies outside the years that rating accepts.
    #[error("the day {0}")]
    OutOfRange(#[from] OutOfRange),
    /// A sum does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// Prices a plan by the version in force on a day; without a day by the latest version, on its first.
///
/// # Errors
/// [`EstimateError`].
pub fn estimate<'b>(
    book: &'b PriceBook,
    plan: &Plan,
    at: Option<Date>,
) -> Result<Estimate<'b>, EstimateError> {
    let versions = book.versions();
    let (first, latest) = (versions[0].effective, versions[versions.len() - 1].effective);
    let at = at.unwrap_or(latest);
    let number = book.version_on(at).ok_or(EstimateError::NoVersion { at, first })?;
    let month = book.calendar().month(at)?;
    let mut pricing =
        Pricing { book, number, month, lines: Vec::new(), tiered: BTreeMap::new(), lacking: Vec::new() };
    let mut unpriced = Vec::new();
    for (number, resource) in plan.resources.iter().enumerate() {
        if !pricing.resource(Item::Resource(number), resource)? {
            unpriced.push(Item::Resource(number));
        }
    }
    for (number, usage) in plan.usages.iter().enumerate() {
        if !pricing.usage(Item::Usage(number), usage)? {
            unpriced.push(Item::Usage(number));
        }
    }
    let (month, lines, lacking) = pricing.finish()?;
    let total = lines.iter().try_fold(Cost::NONE, |sum, line| sum.checked_add(line.cost))?;
    let vat_on_top = lines.iter().try_fold(Cost::NONE, |sum, line| sum.checked_add(line.vat_on_top))?;
    let version = versions[number].effective;
    Ok(Estimate { version, month, lines, total, vat_on_top, unpriced, lacking })
}

/// A plan being priced.
struct Pricing<'b> {
    book: &'b PriceBook,
    number: usize,
    month: Month,
    lines: Vec<Line<'b>>,
    /// The month's sums of components with tiers, by their number in the version.
    tiered: BTreeMap<usize, Quantity>,
    lacking: Vec<Lacking<'b>>,
}

impl<'b> Pricing<'b> {
    /// Prices a resource; answers whether a component does.
    fn resource(&mut self, item: Item, resource: &Resource) -> Result<bool, Overflow> {
        let matching = self.matching(&resource.description, Some(resource.class), true);
        for number in &matching {
            let one = self.measure(item, *number, &resource.description)?;
            let quantity = one.times(resource.count)?;
            let component = self.component(*number);
            let cost = of_state(&component.model, quantity, &self.month)?;
            self.push(Some(item), *number, quantity, cost)?;
        }
        Ok(!matching.is_empty())
    }

    /// Prices a usage; answers whether a component does.
    fn usage(&mut self, item: Item, usage: &Usage) -> Result<bool, Overflow> {
        let matching = self.matching(&usage.description, None, false);
        let times_a_month = match usage.per {
            UsePer::Day => usage.times * self.month.day_count(),
            UsePer::Month => usage.times,
        };
        for number in &matching {
            let one = self.measure(item, *number, &usage.description)?;
            let quantity = one.times(times_a_month)?;
            let Model::PerUse { price } = self.component(*number).model else {
                let sum = self.tiered.entry(*number).or_insert(Quantity::ZERO);
                *sum = sum.checked_add(quantity)?;
                continue;
            };
            let day = match usage.per {
                UsePer::Day => Some(one.times(usage.times)?.priced(price, 1)?),
                UsePer::Month => None,
            };
            let cost = Cost { day, month: Some(quantity.priced(price, 1)?), ..Cost::NONE };
            self.push(Some(item), *number, quantity, cost)?;
        }
        Ok(!matching.is_empty())
    }

    /// What is priced over the project's month, when all of the plan is known.
    fn finish(mut self) -> Result<(Month, Vec<Line<'b>>, Vec<Lacking<'b>>), Overflow> {
        for (number, quantity) in std::mem::take(&mut self.tiered) {
            let exact = meter::cost(&self.component(number).model, quantity, &self.month)?;
            self.push(None, number, quantity, Cost { month: Some(exact), ..Cost::NONE })?;
        }
        Ok((self.month, self.lines, self.lacking))
    }

    fn component(&self, number: usize) -> &'b Component {
        &self.book.versions()[self.number].components[number]
    }

    fn matching(&self, data: &Description, class: Option<Class>, states: bool) -> Vec<usize> {
        let components = self.book.versions()[self.number].components.iter().enumerate();
        let matches = |component: &Component| {
            component.kind == data.kind
                && component.model.meters_states() == states
                && component.matches(data, class)
        };
        components.filter(|(_, component)| matches(component)).map(|(number, _)| number).collect()
    }

    /// The quantity of one resource or use.
    fn measure(&mut self, item: Item, number: usize, data: &Description) -> Result<Quantity, Overflow> {
        let component = self.component(number);
        let Measured { quantity, lacks } = matching::measure(component, data)?;
        let attribute = lacks.map(|number| component.quantity[number].as_str());
        self.lacking.extend(attribute.map(|attribute| Lacking { item, component, attribute }));
        Ok(quantity)
    }

    fn push(
        &mut self,
        item: Option<Item>,
        number: usize,
        quantity: Quantity,
        exact: Cost<Exact>,
    ) -> Result<(), Overflow> {
        let component = self.component(number);
        let vat = self.book.vat(ComponentRef { version: self.number, component: number });
        let cost = exact.map(Exact::round_half_even)?;
        let vat_on_top = match vat {
            Some(Vat { rate: Some(rate), included: false }) => exact.map(|exact| {
                let gross = exact.with_vat(rate)?.round_half_even()?;
                gross.checked_sub(exact.round_half_even()?)
            })?,
            _ => Cost::NONE,
        };
        self.lines.push(Line { item, component, vat, quantity, cost, vat_on_top });
        Ok(())
    }
}

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// What a state costs that lasts: by the hour, the day and the month.
fn of_state(model: &Model, quantity: Quantity, month: &Month) -> Result<Cost<Exact>, Overflow> {
    let priced = |times: i64, price, parts: i64| quantity.times(times)?.priced(price, parts).map(Some);
    Ok(match model {
        Model::PerSecond { price, per } => {
            let seconds = per.seconds();
            Cost {
                hour: priced(HOUR, *price, seconds)?,
                day: priced(DAY, *price, seconds)?,
                month: priced(Per::Month.seconds(), *price, seconds)?,
                once: None,
            }
        }
        Model::HourlyPeak { price } => Cost {
            hour: priced(1, *price, 1)?,
            day: priced(DAY / HOUR, *price, 1)?,
            month: priced(Per::Month.seconds(), *price, HOUR)?,
            once: None,
        },
        Model::Monthly { price, prorate } => Cost {
            // A day that is begun is a whole day, and a month that is begun may be a whole month.
            hour: match prorate {
                Prorate::Second => priced(HOUR, *price, month.seconds())?,
                Prorate::Day | Prorate::None => None,
            },
            day: match prorate {
                Prorate::Second => priced(DAY, *price, month.seconds())?,
                Prorate::Day => priced(1, *price, month.day_count())?,
                Prorate::None => None,
            },
            month: priced(1, *price, 1)?,
            once: None,
        },
        Model::MonthlyPeak { price, .. } => Cost { month: priced(1, *price, 1)?, ..Cost::NONE },
        Model::Once { price } => Cost { once: priced(1, *price, 1)?, ..Cost::NONE },
        // Usage is not a state.
        Model::PerUse { .. } | Model::Tiered(_) => Cost::NONE,
    })
}

impl<T> Cost<T> {
    /// No price for any time.
    pub const NONE: Cost<T> = Cost { hour: None, day: None, month: None, once: None };

    fn map<U>(self, each: impl Fn(T) -> Result<U, Overflow>) -> Result<Cost<U>, Overflow> {
        let each = |amount: Option<T>| amount.map(&each).transpose();
        Ok(Cost {
            hour: each(self.hour)?,
            day: each(self.day)?,
            month: each(self.month)?,
            once: each(self.once)?,
        })
    }
}

impl Cost {
    /// The sum of two costs, time by time.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn checked_add(self, other: Cost) -> Result<Cost, Overflow> {
        let add = |one: Option<Amount>, other: Option<Amount>| match (one, other) {
            (Some(one), Some(other)) => one.checked_add(other).map(Some),
            (one, other) => Ok(one.or(other)),
        };
        Ok(Cost {
            hour: add(self.hour, other.hour)?,
            day: add(self.day, other.day)?,
            month: add(self.month, other.month)?,
            once: add(self.once, other.once)?,
        })
    }
}

#[cfg(test)]
mod tests;
