//! Where the ledger is durable: one narrow trait of verbs, [`store::Store`], and [`sqlite`] and
//! [`postgres`], which implement it.
//!
//! The pure ledger decides; a store keeps its journal, answers when that is durable, and can prove it. Nothing here
//! knows what money is for: requests go in, the ledger's own records and replies come out. The server and the
//! command line know the trait only.

pub mod answer;
pub mod directory;
pub mod error;
pub mod events;
pub mod faults;
pub mod head_log;
mod ledger;
mod log;
mod number;
mod pool;
pub mod postgres;
pub mod sqlite;
pub mod store;

pub use directory::DirectoryStore;
pub use error::StoreError;
pub use events::EventLog;
pub use ledger::LedgerStore;
pub use log::view::LogView;
pub use log::{LogStore, bench as event_bench};
pub use store::{Span, Store, Ticket};
