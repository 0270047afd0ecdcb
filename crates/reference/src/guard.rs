//! The slow truth about limits: a project's gross cost as a function of time, walked second by second (guard.md, points 1
//! and 2).
//!
//! Nothing happens after the events but the passing of time, and one stop. The cost of a month at an instant is what its
//! charges come to by then; every question here is answered by asking that, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::Date;
use num_bigint::BigInt;
use num_traits::Zero;

use kopeck_rating::calendar::Second;
use kopeck_rating::charge::ChargeKey;
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::stops::Stops;

use crate::clock::{Clock, Month};
use crate::event::Event;
use crate::life::Stopped;
use crate::meter::History;
use crate::tariff;

/// A project, all that has happened in its cloud, and what a stop makes of it.
#[derive(Clone, Copy)]
pub struct Guarded<'a> {
    /// The prices.
    pub book: &'a PriceBook,
    /// The accepted events.
    pub events: &'a [Event],
    /// The second from which on each project is billed.
    pub billed_from: &'a BTreeMap<String, Second>,
    /// What a stop makes of resources.
    pub stops: &'a Stops,
    /// The project.
    pub project: &'a str,
}

/// What a cap of one month is asked by.
#[derive(Debug, Clone, Copy)]
pub struct Cap {
    /// The highest cost of the month that is allowed.
    pub limit: Amount,
    /// From the instant of the act to that at which the cloud has stopped: D + L, in seconds.
    pub reaction: i64,
}

type Rounded = BTreeMap<ChargeKey, BigInt>;

impl Guarded<'_> {
    /// What the month of a date has cost by an instant.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn cost(&self, month: Date, at: Second) -> Result<Amount, Overflow> {
        self.sum(&self.charges(month, at, None))
    }

    /// The first of these seconds by which the month of a date has cost at least so much.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn meets(
        &self,
        month: Date,
        amount: Amount,
        seconds: Range<Second>,
    ) -> Result<Option<Second>, Overflow> {
        for second in seconds {
            if self.cost(month, second)? >= amount {
                return Ok(Some(second));
            }
        }
        Ok(None)
    }

    /// What the month of a date comes to in the end if everything is stopped by an instant: C + tail. Nobody knows in which
    /// second before it the cloud stops, so what the last of them buys counts for what runs and for what is stopped.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn stopped_by(&self, month: Date, at: Second) -> Result<Amount, Overflow> {
        let end = self.month(month).end;
        let [early, late] = [at - 1, at].map(|stop| self.charges(month, end, Some(stop)));
        let keys: BTreeSet<&ChargeKey> = early.keys().chain(late.keys()).collect();
        let larger = |key: &ChargeKey| early.get(key).into_iter().chain(late.get(key)).max().cloned();
        let larger = keys.into_iter().map(|key| (key.clone(), larger(key).unwrap_or_default()));
        self.sum(&larger.collect())
    }

    /// The last of these seconds at which an act still keeps the month below its cap: C(t + D + L) + tail ≤ limit.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn last_act(
        &self,
        month: Date,
        cap: Cap,
        seconds: Range<Second>,
    ) -> Result<Option<Second>, Overflow> {
        for second in seconds.rev() {
            if self.stopped_by(month, second + cap.reaction)? <= cap.limit {
                return Ok(Some(second));
            }
        }
        Ok(None)
    }

    /// The seconds of the month of a date.
    #[must_use]
    pub fn seconds(&self, month: Date) -> Range<Second> {
        let month = self.month(month);
        month.start..month.end
    }

    fn month(&self, date: Date) -> Month {
        let clock = Clock::of(self.book.calendar().zone());
        let start = clock.day_start(date.first_of_month());
        // A month has a second of its own: its first.
        let months = clock.months(start, start + 1);
        months.into_iter().next_back().unwrap_or(Month {
            name: kopeck_rating::calendar::MonthName::of(date),
            start,
            end: start,
            stretches: Vec::new(),
        })
    }

    /// The charges of the project, each rounded as it is posted.
    fn charges(&self, month: Date, at: Second, stop: Option<Second>) -> Rounded {
        let clock = Clock::of(self.book.calendar().zone());
        let history = History::new(self.book, self.events, &clock).gross(self.billed_from.clone());
        let stopped = stop.map(|at| Stopped { project: self.project, at, stops: self.stops });
        let costs = history.stopped(stopped).costs(&self.month(month), at);
        let own = costs.into_iter().filter(|(key, _)| key.project == self.project);
        own.map(|(key, cost)| (key, tariff::round_to_micros(&cost.amount))).collect()
    }

    fn sum(&self, charges: &Rounded) -> Result<Amount, Overflow> {
        tariff::to_amount(&charges.values().fold(BigInt::zero(), |sum, charge| sum + charge))
    }
}
