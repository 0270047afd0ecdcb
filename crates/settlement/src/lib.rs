//! The pure settling core of kopeck: what everything known up to now has cost, less what was posted, becomes postings.
//!
//! New events, late events, corrections of prices and restarts are one path: each charge's R(C(t)) less what was posted
//! for it before (rating.md, "Rounding and windows"). Nothing here does I/O, reads a clock, draws a random number, waits
//! or computes in floats; who pays whom is asked of [`parties::Parties`].
//!
//! The way of an event: `Shard::take` gives it to the meter of its price book, `Shard::decide` answers a
//! [`step::Step`], which the shell records, hands to the ledger and reports back to `Shard::settled`.

pub mod ahead;
pub mod meter_id;
pub mod parties;
pub mod posting;
mod report;
mod settled;
pub mod spend;
mod stored;
pub use report::Unposted;
mod account;
mod decide;
mod meter;
mod posted;
pub mod shard;
pub mod step;
mod waiting;
