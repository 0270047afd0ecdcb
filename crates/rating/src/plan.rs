//! What a window asks of a price book: its months, and which component prices which part of each month.
//!
//! Made once for a run. A [`Part`] is a component of one version that can charge something within the window's
//! months; all the rules of "Which version prices what" (rating.md) end up in its [`Span`]s.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::calendar::{Hours, Month, OutOfRange, Second};
use crate::charge::Window;
use crate::event::Description;
use crate::part_index::PartIndex;
use crate::price_book::{Class, Component, Model, PriceBook};

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
pub struct Part<'b> {
    /// The component.
    pub component: &'b Component,
    /// The date of its version.
    pub version: Date,
    /// What it prices, in order; never empty, except for `once`, which looks at all of the past.
    pub spans: Vec<Span>,
    /// For `once`: the interval in which its version is in force.
    pub in_force: std::ops::Range<Second>,
    /// For `once`: when a component of this id first appeared in the book.
    pub first_appeared: Second,
}

/// The plan of a run.
#[derive(Debug)]
pub struct Plan<'b> {
    book: &'b PriceBook,
    window: Window,
    months: Vec<Month>,
    hours: Hours,
    parts: Vec<Part<'b>>,
    index: PartIndex<'b>,
    has_once: bool,
}

impl<'b> Plan<'b> {
    /// Makes the plan of a window.
    ///
    /// # Errors
    /// [`OutOfRange`] where the window's months reach outside the years that rating accepts.
    pub fn new(book: &'b PriceBook, window: Window) -> Result<Plan<'b>, OutOfRange> {
        let calendar = book.calendar();
        let last = window.to().max(window.from() + 1);
        let months = calendar.months(window.from(), last)?;
        let hours = calendar.hours(months.first().map_or(window.from(), |month| month.start), last)?;
        let mut first_appeared: HashMap<&str, Second> = HashMap::new();
        let mut parts = Vec::new();
        for (number, version) in book.versions().iter().enumerate() {
            let in_force = book.in_force(number);
            let cut = spans(&months, window, |_| Some(in_force.clone()));
            let book_start = book.in_force(0).start;
            let whole = spans(&months, window, |month| {
                (book.version_of_month(month) == Some(number)).then_some(book_start..Second::MAX)
            });
            for component in &version.components {
                let first_appeared = *first_appeared.entry(&component.id).or_insert(version.start);
                let spans = if component.model.takes_version_of_month() { &whole } else { &cut };
                if !spans.is_empty() || matches!(component.model, Model::Once { .. }) {
                    let (version, spans, in_force) = (version.effective, spans.clone(), in_force.clone());
                    parts.push(Part { component, version, spans, in_force, first_appeared });
                }
            }
        }
        let index = PartIndex::new(&parts);
        let has_once = parts.iter().any(|part| matches!(part.component.model, Model::Once { .. }));
        Ok(Plan { book, window, months, hours, parts, index, has_once })
    }

    /// The price book.
    #[must_use]
    pub fn book(&self) -> &'b PriceBook {
        self.book
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
    pub fn parts(&self) -> &[Part<'b>] {
        &self.parts
    }

    /// The first second that matters to a charge of the window, `once` left aside.
    #[must_use]
    pub fn start(&self) -> Second {
        self.months.first().map_or(self.window.from(), |month| month.start)
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

    /// The numbers of the parts that meter states (or usage) of this description and class.
    pub fn matching<'p>(
        &'p self,
        data: &'p Description,
        class: Option<Class>,
        states: bool,
    ) -> impl Iterator<Item = usize> + 'p {
        self.index.candidates(data).filter(move |part| {
            let component = self.parts[*part].component;
            component.model.meters_states() == states && component.matches(data, class)
        })
    }
}

/// What of each month `priced` prices, up to the end of the window.
fn spans(
    months: &[Month],
    window: Window,
    priced: impl Fn(&Month) -> Option<std::ops::Range<Second>>,
) -> Vec<Span> {
    let span = |(number, month): (usize, &Month)| {
        let priced = priced(month)?;
        let start = priced.start.max(month.start);
        let end = priced.end.min(month.end).min(window.to());
        (start < end).then_some(Span { month: number, start, end })
    };
    months.iter().enumerate().filter_map(span).collect()
}
