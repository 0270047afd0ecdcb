//! The pure ledger core of kopeck: requests in, journal records or named refusals out.
//!
//! Double entry, append-only, event-sourced: whatever changes the state of money is a [`record::Record`] of a
//! journal, and the state is the fold of the records. The contract is ledger.md. Nothing here does I/O, reads a
//! clock, draws a random number, waits or computes in floats; nothing here knows a price.

pub mod account;
pub mod amount;
mod apply;
mod body;
mod books;
mod bytes;
pub mod chain;
mod chained;
pub mod coefficient;
mod content;
mod decide;
pub mod encode;
mod funds;
pub mod hledger;
pub mod ledger;
pub mod name;
mod named;
pub mod pack;
mod post;
pub mod purpose;
mod putting_right;
pub mod record;
pub mod refusal;
pub mod request;
pub mod statement;
pub mod storage;

pub mod verify;

pub use bytes::DecodeError;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
