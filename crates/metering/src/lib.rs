//! The way of an event through kopeck: judged, logged, rated, posted.
//!
//! ```text
//! body ─▶ judge ─▶ EventLog::submit ─▶ settler ─▶ Shard::take, decide ─▶ record_step ─▶ ledger ─▶ confirm_step
//!         any thread   one writer        one thread, which owns the shard
//! ```
//!
//! An event is durable before it is acknowledged; the settler follows as fast as it can, and says how far it has come.
//! What was decided is written down before the ledger is asked, under ids that a retry has again, so a crash between
//! any two of these steps loses nothing and posts nothing twice. Deliberately absent: HTTP, and who may ask.

pub mod agreement;
pub mod authorised;
pub mod body;
mod clean_up;
mod due;
pub mod guard;
mod guarding;
pub mod judge;
mod metering;
mod past;
pub mod placement;
mod pricing;
mod restart;
mod settler;
pub mod sources;
mod state;
pub mod volumes;

pub use metering::{Cleaned, Entities, Inbox, Mailbox, Metering, MeteringError, Parts, Settled, Time, mail};
pub use past::priced;
