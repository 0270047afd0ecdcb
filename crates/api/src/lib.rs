//! The documents of kopeck's API: what is sent to it and what it answers, in the contract's own words (api.md).
//!
//! The server and the command line write the same documents with these types. Nothing here reads a store or speaks
//! HTTP: a document is made of what the ledger says, and a request is read into what the ledger is asked.

pub mod account;
pub mod directory;
pub mod events;
pub mod explanation;
pub mod forms;
pub mod hold;
pub mod journal;
pub mod limits;
pub mod page;
pub mod problem;
pub mod read;
pub mod reports;
pub mod spend;
pub mod statement;
pub mod time;
pub mod transaction;
mod transaction_read;

pub use problem::Problem;
