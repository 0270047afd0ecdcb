//! What time it is: the one place of the server that reads a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kopeck_ledger::name::Moment;
use tokio::sync::watch;

/// Where the server reads the time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// That of the machine.
    System,
    /// That of the database which nodes share: the machine's, put right. A machine whose clock is wrong changes nothing.
    Shared(Offset),
    /// One that stands still until it is set: a month can be tried in seconds.
    Simulated(Arc<watch::Sender<Moment>>),
}

/// Why a clock can not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The server lives by the machine's clock.
    #[error("the server lives by the machine's clock")]
    NotSimulated,
    /// Time does not go back.
    #[error("{to} lies before the clock's {now}")]
    Back {
        /// Where it was to be set.
        to: Moment,
        /// Where it stands.
        now: Moment,
    },
}

impl Clock {
    /// A clock that stands at an instant.
    #[must_use]
    pub fn simulated(now: Moment) -> Clock {
        Clock::Simulated(Arc::new(watch::Sender::new(now)))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Moment {
        match self {
            Clock::System => system_now(),
            Clock::Shared(offset) => offset.now(),
            Clock::Simulated(now) => *now.borrow(),
        }
    }

    /// Sets a simulated clock, and wakes whoever waits for it.
    ///
    /// # Errors
    /// [`ClockError`]. To the instant where it stands it may be set again.
    pub fn advance(&self, to: Moment) -> Result<(), ClockError> {
        let Clock::Simulated(clock) = self else { return Err(ClockError::NotSimulated) };
        let mut refused = None;
        clock.send_if_modified(|now| {
            if to < *now {
                refused = Some(ClockError::Back { to, now: *now });
                return false;
            }
            *now = to;
            true
        });
        refused.map_or(Ok(()), Err)
    }

    /// Waits until a simulated clock was set, or for so long by the machine's clock.
    pub async fn pause(&self, longest: Duration) {
        match self {
            Clock::System | Clock::Shared(_) => tokio::time::sleep(longest).await,
            Clock::Simulated(clock) => {
                let mut set = clock.subscribe();
                // Neither an end of the time nor of the clock is a failure.
                let _ = tokio::time::timeout(longest, set.changed()).await;
            }
        }
    }

    /// The same clock for a store.
    #[must_use]
    pub fn for_store(&self) -> kopeck_store::sqlite::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// By how much the machine's clock is behind another one, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Offset(Arc<AtomicI64>);

impl Offset {
    /// The other clock showed `there` when this one showed `here` and a little later.
    pub fn set(&self, there: Moment, here: Moment, later: Duration) {
        let later = i64::try_from(later.as_nanos()).unwrap_or(0);
        let behind = there.nanoseconds().saturating_sub(here.nanoseconds()).saturating_sub(later);
        self.0.store(behind, Ordering::Release);
    }

    /// What the other clock shows.
    #[must_use]
    pub fn now(&self) -> Moment {
        let now = system_now().nanoseconds().saturating_add(self.0.load(Ordering::Acquire));
        Moment::from_nanoseconds(now).unwrap_or(Moment::LAST)
    }
}

/// What time it is by the machine.
#[must_use]
pub fn system_now() -> Moment {
    Moment::try_from(Timestamp::now()).unwrap_or(Moment::LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: i64) -> Moment {
        Moment::from_nanoseconds(nanoseconds).unwrap()
    }

    #[test]
    fn a_simulated_clock_stands_still_and_never_goes_back() {
        let clock = Clock::simulated(at(10));
        assert_eq!(clock.now(), at(10));
        assert_eq!(clock.advance(at(12)), Ok(()));
        assert_eq!(clock.advance(at(12)), Ok(()));
        assert_eq!(clock.advance(at(11)), Err(ClockError::Back { to: at(11), now: at(12) }));
        assert_eq!(clock.now(), at(12));
    }

    #[test]
    fn a_shared_clock_goes_by_the_other_one() {
        let offset = Offset::default();
        let (here, hour) = (system_now(), 3_600_000_000_000);
        offset.set(at(here.nanoseconds() + hour), here, Duration::ZERO);
        let ahead = Clock::Shared(offset).now().nanoseconds() - system_now().nanoseconds();
        assert!((hour - 1_000_000_000..=hour).contains(&ahead), "{ahead}");
    }

    #[test]
    fn the_clock_of_the_machine_can_not_be_set() {
        assert_eq!(Clock::System.advance(at(0)), Err(ClockError::NotSimulated));
    }
}
