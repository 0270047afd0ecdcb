//! The pure rating core of kopeck: usage events and versioned price books in, exact charges out.
//!
//! A charge is a pure function of the accepted events, the price book and the window. Nothing here does I/O, reads
//! a clock, draws a random number, waits or computes in floats; nothing here knows an account. The contract is
//! rating.md; the way of an event is `event` → `intake` → `timeline` → `matching` → `meter` → `charge`, and `rate`
//! leads it.

pub mod accumulator;
pub mod batch;
pub mod billing;
mod blocks;
mod buckets;
pub mod calendar;
pub mod charge;
pub mod content;
pub mod estimate;
pub mod event;
pub mod explain;
pub mod incoming;
mod index;
pub mod intake;
pub mod keys;
pub mod live;
mod log;
pub mod matching;
pub mod meter;
pub mod money;
pub mod notice;
pub mod number;
pub mod packed;
pub mod part_index;
pub mod peak;
pub mod plan;
pub mod price_book;
pub mod rate;
mod register;
pub mod resource;
mod route;
pub mod rows;
mod runs;
pub mod scratch;
mod spill;
pub mod stops;
pub mod sums;
pub mod timeline;
pub mod uses;
mod walk;
