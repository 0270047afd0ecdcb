//! Authorisations: spending that is asked for before it begins (guard.md, point 5).
//!
//! A request is priced at the most that it may cost, held against every limit and every account that will pay, and allowed
//! with its holds or denied with what stands in the way, what is left and what would fit. A lease lets an edge count by
//! itself what was allowed to it.

use kopeck_rating::calendar::Second;
use kopeck_rating::money::{Amount, Overflow};
use kopeck_rating::number::{self, Number};

use crate::curve::first;
use crate::limit::share;
use crate::pricing::{Prices, Request, Size};

/// What is left of a limit: what accrued, what is held and what stopping does not end are taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room<L> {
    /// The limit.
    pub limit: L,
    /// What is left; below zero where it is exceeded.
    pub left: Amount,
}

/// An account that will pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer<A> {
    /// The account.
    pub account: A,
    /// What it has available.
    pub available: Amount,
    /// What of the cost it pays: 1 for a workspace, the role's coefficient for the user of a paid role.
    pub coefficient: Number,
}

/// What a request is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds<A, L> {
    /// All limits on money.
    pub rooms: Vec<Room<L>>,
    /// All accounts that will pay.
    pub payers: Vec<Payer<A>>,
    /// A limit that refuses whatever is new now.
    pub refused_by: Option<L>,
    /// A source of the request that has been silent for longer than its heartbeat.
    pub silent: Option<String>,
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle<A, L> {
    /// The source is silent: until it is back and has caught up.
    Silent(String),
    /// The limit refuses whatever is new.
    Refused(L),
    /// Too little is left of the limit.
    Limit(L),
    /// Too little is available on the account.
    Account(A),
}

/// The largest sizes that would be allowed, each with the other dimension as it was asked for. Zero where none would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fits {
    /// So often, for the time that was asked for.
    pub times: i64,
    /// For so long, as often as was asked for.
    pub seconds: i64,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<A, L> {
    /// Allowed, with a hold on each account.
    Allow(Vec<(A, Amount)>),
    /// Denied.
    Deny {
        /// By what: of several the one of which least is left.
        by: Obstacle<A, L>,
        /// What is left of it.
        left: Amount,
        /// What would fit.
        fits: Fits,
    },
}

/// Decides about a request.
///
/// # Errors
/// [`Overflow`] beyond 256 bits, or of a time that the prices do not reach to.
pub fn authorise<A: Clone, L: Clone>(
    prices: &Prices<'_>,
    (request, size): (&Request, Size),
    grounds: &Grounds<A, L>,
) -> Result<Answer<A, L>, Overflow> {
    let none = Fits { times: 0, seconds: 0 };
    if let Some(source) = &grounds.silent {
        let by = Obstacle::Silent(source.clone());
        return Ok(Answer::Deny { by, left: Amount::ZERO, fits: none });
    }
    if let Some(limit) = &grounds.refused_by {
        return Ok(Answer::Deny { by: Obstacle::Refused(limit.clone()), left: Amount::ZERO, fits: none });
    }
    let cost = prices.most(request, size)?;
    let Some((by, left)) = obstacle(grounds, cost)? else {
        let hold = |payer: &Payer<A>| Ok((payer.account.clone(), payable(cost, payer.coefficient)?));
        return grounds.payers.iter().map(hold).collect::<Result<_, _>>().map(Answer::Allow);
    };
    let fits = |size: Size| Ok(obstacle(grounds, prices.most(request, size)?)?.is_none());
    let times = largest(size.times, |times| fits(Size { times, ..size }))?;
    let seconds = largest(size.seconds, |seconds| fits(Size { seconds, ..size }))?;
    Ok(Answer::Deny { by, left, fits: Fits { times, seconds } })
}

/// What stands in the way, and what is left of it.
type Found<A, L> = Option<(Obstacle<A, L>, Amount)>;

/// What stands in the way of a cost.
fn obstacle<A: Clone, L: Clone>(grounds: &Grounds<A, L>, cost: Amount) -> Result<Found<A, L>, Overflow> {
    let rooms = grounds.rooms.iter().filter(|room| room.left < cost);
    let mut worst =
        rooms.min_by_key(|room| room.left).map(|room| (Obstacle::Limit(room.limit.clone()), room.left));
    for payer in &grounds.payers {
        let is_worse = worst.as_ref().is_none_or(|(_, left)| payer.available < *left);
        if payable(cost, payer.coefficient)? > payer.available && is_worse {
            worst = Some((Obstacle::Account(payer.account.clone()), payer.available));
        }
    }
    Ok(worst)
}

/// An amount times a coefficient, rounded up to 10⁻⁶.
fn payable(amount: Amount, coefficient: Number) -> Result<Amount, Overflow> {
    share(amount, coefficient.units(), number::ONE)
}

/// The largest number below one that does not hold, for which something holds that holds for all smaller ones; 0 where
/// there is none.
fn largest(below: i64, holds: impl Fn(i64) -> Result<bool, Overflow>) -> Result<i64, Overflow> {
    let below = below.max(1);
    Ok(first(1..below, |number| Ok(number == below || !holds(number)?))?.unwrap_or(below) - 1)
}

/// The hold of an authorisation on one account, and what its charges have consumed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    amount: Amount,
    consumed: Amount,
}

impl Hold {
    /// A hold of so much, of which nothing is consumed.
    #[must_use]
    pub fn of(amount: Amount) -> Hold {
        Hold { amount, consumed: Amount::ZERO }
    }

    /// Consumes it by what a step charges, or gives back what a correction takes off. Answers what the step charges beyond
    /// it: cost that accrued all the same, and is reported.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn consume(&mut self, charge: Amount) -> Result<Amount, Overflow> {
        let before = self.beyond()?;
        self.consumed = self.consumed.checked_add(charge)?;
        Ok(self.beyond()?.checked_sub(before)?.max(Amount::ZERO))
    }

    /// What limits count beside accrued cost, and what comes back when it is released.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn unconsumed(&self) -> Result<Amount, Overflow> {
        Ok(self.amount.checked_sub(self.consumed)?.max(Amount::ZERO).min(self.amount))
    }

    fn beyond(&self) -> Result<Amount, Overflow> {
        Ok(self.consumed.checked_sub(self.amount)?.max(Amount::ZERO))
    }
}

/// What is to be done about an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing before that instant.
    Wait(Second),
    /// It has expired while what it allowed runs: a stop is sent, and the hold stays until the end is confirmed.
    Stop,
    /// Nothing runs on it any more: what was not consumed comes back.
    Release,
}

/// What is to be done about an authorisation that expires at an instant, by whether what it allowed may still run: it has
/// begun, or may begin, and its end is not confirmed.
#[must_use]
pub fn due(expires: Second, now: Second, may_run: bool) -> Due {
    match (now < expires, may_run) {
        (_, false) => Due::Release,
        (true, true) => Due::Wait(expires),
        (false, true) => Due::Stop,
    }
}

/// Calls that an edge may let through and count by itself, until an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    price: Amount,
    granted: i64,
    used: i64,
    until: Second,
}

/// Why a call may not be let through on a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// The lease has ended.
    #[error("the lease ended at second {until}: take another")]
    Ended {
        /// When.
        until: Second,
    },
    /// Fewer calls are left.
    #[error("{left} calls are left of the lease: take another")]
    UsedUp {
        /// How many.
        left: i64,
    },
}

impl Lease {
    /// A lease of at most so many calls, at the most that one may cost; of fewer where no more fit what is left, of none at
    /// all `None`. A lease of an amount is one of as many calls as it pays for.
    #[must_use]
    pub fn grant((price, calls): (Amount, i64), left: Amount, until: Second) -> Option<Lease> {
        let fit = if price <= Amount::ZERO {
            calls
        } else {
            let fit = left.micros().max(ethnum::I256::ZERO) / price.micros();
            i64::try_from(fit).unwrap_or(i64::MAX).min(calls)
        };
        (fit > 0).then_some(Lease { price, granted: fit, used: 0, until })
    }

    /// How many calls it was granted for.
    #[must_use]
    pub fn calls(&self) -> i64 {
        self.granted
    }

    /// What has to be held for it.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn hold(&self) -> Result<Amount, Overflow> {
        self.worth(self.granted)
    }

    /// Lets calls through, all or none.
    ///
    /// # Errors
    /// [`LeaseError`].
    pub fn take(&mut self, calls: i64, now: Second) -> Result<(), LeaseError> {
        let left = self.granted - self.used;
        if now >= self.until {
            return Err(LeaseError::Ended { until: self.until });
        }
        if calls > left || calls < 0 {
            return Err(LeaseError::UsedUp { left });
        }
        self.used += calls;
        Ok(())
    }

    /// What comes back of its hold when it is given back or has ended.
    ///
    /// # Errors
    /// [`Overflow`] beyond 256 bits.
    pub fn comes_back(&self) -> Result<Amount, Overflow> {
        self.worth(self.granted - self.used)
    }

    fn worth(&self, calls: i64) -> Result<Amount, Overflow> {
        let micros = self.price.micros().max(ethnum::I256::ZERO);
        let product = micros.checked_mul(ethnum::I256::new(calls.into()));
        product.map(Amount::from_micros).ok_or(Overflow)
    }
}
