//! The pure guard: spending that can not run away (guard.md).
//!
//! What a project will cost is known as a function of time, so it is known when a limit will be met before it is. Here that
//! function is made, asked and acted upon; nothing here does I/O, reads a clock, waits, draws a random number or computes in
//! floats. What is not here: timers, commands to clouds, webhooks, the ledger's holds. They are the shell's.
//!
//! ```text
//! Live::standing ─▶ curve      what all books have running, as pieces of parts and months
//!                 ▶ crossing   the last instant of a stop that keeps a cap
//!                 ▶ decide     limit + curve + what was used → what is told, refused, stopped; when to look next
//!                 ▶ stopping   which resources, in which order; silence: which sources are not heard of
//! request ─▶ pricing ─▶ authorisation     allow with holds, or deny with what would fit; leases
//! curve ─▶ forecast            the month's end, the runway
//! ```
//!
//! "When must I look at this project next, and what must be done now?" is answered in four steps, after each change of its
//! curve and at each instant that an earlier answer named: [`Live::standing`](kopeck_rating::live::Live::standing) of each
//! book that prices it, a [`Curve`](curve::Curve) of these, [`decide`](decide::decide) for each limit, and the
//! [`strictest`](decide::strictest) of the decisions. All of it is O(parts of the books), whatever the number of resources.
//!
//! An exact amount is needed only where a threshold is told: a decision takes what was spent as settled, and looks again
//! where the curve says that the threshold may be met. A stop is decided by the curve's upper bound, and never late.
//!
//! Where the contract is silent, we chose:
//!
//! | question | choice |
//! |---|---|
//! | When is an amount met? | At the first instant t with C(t) ≥ it; what costs exactly the cap keeps it |
//! | In which second does a cloud stop? | In any up to t + D + L: the hour or day of the last one counts for what runs and for what is stopped |
//! | What does a stop make of a resource? | What is active becomes inactive; all else stays. A kind may end by a stop, get another class, or have no stop (`Stops`) |
//! | A stopped machine that was stopped before in the same hour, day or month | Its inactive hour, day or month counts again in the tail: a stop is a little early, never late |
//! | A stop that makes a `once` component due | Counts in the tail |
//! | Credits that last (quantities below zero) | Are not counted on ahead; what they came to is |
//! | What will begin to be billed in the present month and sums up to a `monthly_peak` | Counts whole from there on |
//! | Rounding of many charges | C is known within half of 10⁻⁶ for each charge that may be rounded; twice that ahead of what was settled |
//! | A threshold that may be met and is not | Is looked at again when it certainly is, not every second |
//! | Shares of a limit | Are rounded up to 10⁻⁶ |
//! | Holds and the cap | Spent and held together may not exceed it: a hold takes from the room of this month's stop, not of the next one's |
//! | The next month | Its cap is kept from before it begins: by its tail and D + L. What it can not be kept for any more is stopped as it begins |
//! | Thresholds of caps | 50 and 80 % are told, at 100 % all is stopped; a quota refuses what is new at 100 % unless its plan says more |
//! | Thresholds of a wallet | None, as it has no whole: the runway is told instead |
//! | A higher threshold that does less than a lower one | Is refused |
//! | What is refused or stopped at a threshold | Holds until less is used or the time is over; each threshold is told once in its time |
//! | Quotas of a region, a kind, a member | The curve of a region or a kind has its flows; what a member causes is not known ahead and is looked at as it is settled |
//! | The rate limit's hour ahead | What leaves the trailing hour is not counted on: it looks too early rather than too late |
//! | A median of an even number of hours | The mean of the middle two |
//! | Who bears an excess | The payer, unless the installation's rule says another for its cause |
//! | When a silent source has caught up | When it says that it has reported everything up to less than a heartbeat ago |
//! | Causes of an excess, where several hold | Late report, then slow cloud, then a limit set below, then unauthorised |
//! | What a plan may cost at most | From now until its end is confirmed; `monthly_peak` as if it came on top, tiers at their highest price |
//! | Volume tiers whose price rises with the sum | What was used before and is priced anew is not held for: it accrues |
//! | What would fit | The most for the time that was asked for, and the longest for as many as were asked for |
//! | A lease of an amount | Is one of as many calls as it pays for |
//! | Low and high of a forecast | Use as on the days of the least and of the most |
//! | The error of forecasts | The mean distance in hundredths of a per cent of what the month then cost |

pub mod authorisation;
pub mod crossing;
pub mod curve;
pub mod decide;
pub mod forecast;
pub mod limit;
mod piece;
pub mod pricing;
pub mod silence;
pub mod stopping;
pub mod within;
