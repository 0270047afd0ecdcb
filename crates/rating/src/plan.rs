//! What a window asks of a price book: its months, and which component prices which part of each month.
//!
//! Made once for a run. A [`Part`] is a component of one version that can charge something within the window's
//! months; all the rules of "Which version prices what" (rating.md) end up in its [`Span`]s. Live rating has no end
//! of window: its plan is open, holds every component of every version, and grows by months.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::calendar::{Hours, Month, OutOfRange, Second};
use crate::charge::Window;
use crate::event::Description;
use crate::money::Gross;
use crate::part_index::PartIndex;
use crate::price_book::{Class, Component, ComponentRef, Model, PriceBook};

/// A stretch of one month, up to the end of the window, that a version prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The number of the month in [`Plan::months`].
    pub month: usize,
    /// Its first second.
    pub start: Second,
    /// The second after its last.
    pub end: Second,
}

/// A component of one version that can charge something in the window's months.
#[derive(Debug)]
pub struct Part {
    /// The component.
    pub component: Arc<Component>,
    /// The date of its version.
    pub version: Date,
    /// What it prices of the plan's months, in order.
    pub spans: Vec<Span>,
    /// All that it prices, in whatever month; may be empty.
    pub priced: Range<Second>,
    /// For `once`: the interval in which its version is in force.
    pub in_force: Range<Second>,
    /// For `once`: when a component of this id first appeared in the book.
    pub first_appeared: Second,
    /// No component of its version prices anything from this second on; ascending from version to version.
    pub until: Second,
    /// What its amounts are multiplied with to be posted.
    pub gross: Gross,
}

/// The plan of a run.
#[derive(Debug)]
pub struct Plan {
    book: PriceBook,
    window: Window,
    months: Vec<Month>,
    hours: Hours,
    parts: Vec<Part>,
    index: PartIndex,
    has_once: bool,
}

impl Plan {
    /// Makes the plan of a window.
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn new(book: &PriceBook, window: Window) -> Result<Plan, OutOfRange> {
        let last = window.to().max(window.from() + 1);
        let months = book.calendar().months(window.from(), last)?;
        let hours = book.calendar().hours(months.first().map_or(window.from(), |month| month.start), last)?;
        let mut parts = parts(book)?;
        for part in &mut parts {
            part.spans = spans(months.iter().zip(0..), window, &part.priced);
        }
        parts.retain(|part| !part.spans.is_empty() || matches!(part.component.model, Model::Once { .. }));
        Ok(Plan::of_parts(book.clone(), window, (months, hours), parts))
    }

    /// Makes an open plan: from the month that `since` lies in, and without an end. It begins with that one month.
    ///
    /// # Errors
    /// [`OutOfRange`] where that month reaches outside the years that rating accepts.
    pub fn open(book: &PriceBook, since: Second) -> Result<Plan, OutOfRange> {
        let months = book.calendar().months(since, since + 1)?;
        let start = months.first().map_or(since, |month| month.start);
        let hours = book.calendar().hours(start, months.last().map_or(since + 1, |month| month.end))?;
        let window = Window::since(start);
        let mut parts = parts(book)?;
        for part in &mut parts {
            part.spans = spans(months.iter().zip(0..), window, &part.priced);
        }
        Ok(Plan::of_parts(book.clone(), window, (months, hours), parts))
    }

    /// Adds months to an open plan until it holds that second. The numbers of months, hours and parts stay.
    ///
    /// # Errors
    /// [`OutOfRange`] where the months reach outside the years that rating accepts; the plan stays as it was.
    pub fn extend(&mut self, second: Second) -> Result<(), OutOfRange> {
        let (start, end) = (self.start(), self.end());
        if second < end {
            return Ok(());
        }
        let months = self.book.calendar().months(end, second.saturating_add(1))?;
        let last = months.last().map_or(end, |month| month.end);
        self.hours = self.book.calendar().hours(start, last)?;
        let number = self.months.len();
        for part in &mut self.parts {
            part.spans.extend(spans(months.iter().zip(number..), self.window, &part.priced));
        }
        self.months.extend(months);
        Ok(())
    }

    fn of_parts(
        book: PriceBook,
        window: Window,
        (months, hours): (Vec<Month>, Hours),
        parts: Vec<Part>,
    ) -> Plan {
        let index = PartIndex::new(&parts);
        let has_once = parts.iter().any(|part| matches!(part.component.model, Model::Once { .. }));
        Plan { book, window, months, hours, parts, index, has_once }
    }

    /// The price book.
    #[must_use]
    pub fn book(&self) -> &PriceBook {
        &self.book
    }

    /// The window.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// The local months that overlap the window; the first may begin before it.
    #[must_use]
    pub fn months(&self) -> &[Month] {
        &self.months
    }

    /// The numbers of the local clock hours, from the start of the first month.
    #[must_use]
    pub fn hours(&self) -> &Hours {
        &self.hours
    }

    /// The parts, by version and by their order in the book.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The first second that matters to a charge of the window, `once` left aside.
    #[must_use]
    pub fn start(&self) -> Second {
        self.months.first().map_or(self.window.from(), |month| month.start)
    }

    /// The end of the last month.
    #[must_use]
    pub fn end(&self) -> Second {
        self.months.last().map_or(self.window.from(), |month| month.end)
    }

    /// Whether any part is `once`, so that all of the past matters.
    #[must_use]
    pub fn has_once(&self) -> bool {
        self.has_once
    }

    /// The month that a second lies in, if it is one of the window's.
    #[must_use]
    pub fn month_of(&self, second: Second) -> Option<usize> {
        let after = self.months.partition_point(|month| month.start <= second);
        after.checked_sub(1).filter(|month| second < self.months[*month].end)
    }

    /// The numbers of the parts that price usage of this description in that second.
    pub fn uses<'p>(&'p self, data: &'p Description, second: Second) -> impl Iterator<Item = usize> + 'p {
        self.matching(data, None, false).filter(move |part| self.parts[*part].covers(second))
    }

    /// The numbers of the parts that meter states (or usage) of this description and class, ascending.
    pub fn matching<'p>(
        &'p self,
        data: &'p Description,
        class: Option<Class>,
        states: bool,
    ) -> impl Iterator<Item = usize> + 'p {
        self.index.candidates(data).into_iter().filter(move |part| {
            let component = &self.parts[*part].component;
            component.model.meters_states() == states && component.matches(data, class)
        })
    }
}

impl Part {
    /// Whether it prices that second.
    #[must_use]
    pub fn covers(&self, second: Second) -> bool {
        let first = self.spans.partition_point(|span| span.end <= second);
        self.spans.get(first).is_some_and(|span| span.start <= second)
    }
}

/// All components of all versions, with what they price: a version's components one after the other, so that a new
/// version leaves the numbers of the old ones as they are.
fn parts(book: &PriceBook) -> Result<Vec<Part>, OutOfRange> {
    let mut first_appeared: HashMap<&str, Second> = HashMap::new();
    let mut parts = Vec::new();
    for (number, version) in book.versions().iter().enumerate() {
        let in_force = book.in_force(number);
        let whole = whole_months(book, number)?;
        for (component_number, component) in version.components.iter().enumerate() {
            let gross = gross(book, ComponentRef { version: number, component: component_number })?;
            let first_appeared = *first_appeared.entry(&component.id).or_insert(version.start);
            let priced = if component.model.takes_version_of_month() { &whole } else { &in_force };
            let (priced, in_force, until) = (priced.clone(), in_force.clone(), whole.end.max(in_force.end));
            let (component, version, spans) = (component.clone(), version.effective, Vec::new());
            parts.push(Part { component, version, spans, priced, in_force, first_appeared, until, gross });
        }
    }
    Ok(parts)
}

/// VAT on top makes amounts larger when they are posted. No book has a rate that does not fit.
fn gross(book: &PriceBook, component: ComponentRef) -> Result<Gross, OutOfRange> {
    let on_top = book.vat(component).filter(|vat| !vat.included).and_then(|vat| vat.rate);
    on_top.map_or(Ok(Gross::NET), |rate| Gross::of_rate(rate).map_err(|_| OutOfRange))
}

/// The months that a version prices where one version prices a whole month: those that begin while it is in force,
/// and for the first version also the rest of the month in which the book begins.
fn whole_months(book: &PriceBook, version: usize) -> Result<Range<Second>, OutOfRange> {
    let in_force = book.in_force(version);
    let start = if version == 0 { in_force.start } else { next_month(book, in_force.start)? };
    let end = if in_force.end == Second::MAX { Second::MAX } else { next_month(book, in_force.end)? };
    Ok(start..end)
}

/// The first start of a month that is not before a second.
fn next_month(book: &PriceBook, second: Second) -> Result<Second, OutOfRange> {
    let months = book.calendar().months(second, second + 1)?;
    Ok(months.first().map_or(second, |month| if month.start == second { second } else { month.end }))
}

/// What `priced` holds of each month, up to the end of the window.
fn spans<'m>(
    months: impl Iterator<Item = (&'m Month, usize)>,
    window: Window,
    priced: &Range<Second>,
) -> Vec<Span> {
    let span = |(month, number): (&Month, usize)| {
        let start = priced.start.max(month.start);
        let end = priced.end.min(month.end).min(window.to());
        (start < end).then_some(Span { month: number, start, end })
    };
    months.filter_map(span).collect()
}
