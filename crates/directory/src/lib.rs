//! The pure directory core of kopeck: who there is, who may do what, who pays, and whose prices hold.
//!
//! Users, workspaces, projects with their members, plans, providers with their sources, price books, executors,
//! storages, API keys, roles and tokens (access.md, ledger.md, rating.md). Event-sourced like the ledger: [`Directory::decide`]
//! reads the state and answers with a [`Change`](change::Change) or a named refusal, the shell makes the change
//! durable, and [`Directory::apply`](directory::Directory::apply) folds it. Nothing here does I/O, reads a clock or
//! draws a random number: instants, ids and secrets' hashes are arguments. Nothing here moves money: accounts are the
//! ledger's, and are named by the id of what they belong to.

pub mod access;
pub mod act;
pub mod book_text;
pub mod change;
mod decide;
pub mod directory;
pub mod entity;
pub mod limit;
pub mod name;
pub mod refusal;
pub mod route;
pub mod table;

pub use directory::Directory;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
