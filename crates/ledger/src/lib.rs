//! The pure ledger core of kopeck: requests in, journal records or named refusals out.
//!
//! Double entry, append-only, event-sourced: whatever changes the state of money is a [`record::Record`] of a
//! journal, and the state is the fold of the records. The contract is ledger.md. Nothing here does I/O, reads a
//! clock, draws a random number, waits or computes in floats; nothing here knows a price.

pub mod account;
pub mod amount;
mod body;
mod bytes;
pub mod chain;
pub mod coefficient;
mod content;
pub mod encode;
pub mod name;
mod named;
pub mod purpose;
pub mod record;
pub mod refusal;
pub mod request;
pub mod storage;

pub use bytes::DecodeError;
