//! The pure ledger core of kopeck: requests in, journal records or named refusals out.
//!
//! Double entry, append-only, event-sourced: whatever changes the state of money is a [`record::Record`] of a
//! journal, and the state is the fold of the records. The contract is ledger.md. Nothing here does I/O, reads a
//! clock, draws a random number, waits or computes in floats; nothing here knows a price.
//!
//! The way of a request: [`ledger::Ledger::due`] gives the expiries that come first; [`ledger::Ledger::decide`] (or
//! `decide_chain`) reads the state and answers with a reply and the records to write; the shell makes them durable
//! ([`encode`], [`chain`]) and gives them to [`ledger::Ledger::apply`]. [`verify`] checks a journal, [`statement`] and
//! [`hledger`] show it, [`pack`] saves the state.
//!
//! # Where the contract is silent
//!
//! | question | choice |
//! |---|---|
//! | Which platform account takes the commission? | There is one `platform`, `external`, `rounding` and `tax` account for each currency |
//! | What do the close's movements say? | Two more purposes: `rounding` (workspace ↔ rounding) and `tax` (platform ↔ tax); implicit, with a reference |
//! | When is `available` looked at? | After the whole transaction, for each account that it debits: below zero *and* lower than before is refused. So a deposit may be passed on, and commission taken, whatever the account has |
//! | What is a debited account's own hold or accrued cost? | What the transaction takes from them is free for it |
//! | Which cost may overdraw? | A charge that says it has accrued. It leaves the payer's accrued amount of its project, as far as that goes, after what its hold covers |
//! | More than is left of a hold? | Only where the cost has accrued; otherwise refused |
//! | A hold whose last part is exact? | It is resolved, also where the rest was to be kept |
//! | What is remembered of refusals? | Lack of funds, for ever; of a chain, every member's id. Others leave no trace: the same id may come again |
//! | A chain that is asked again? | All its ids known: the first answer. Some known: refused |
//! | What does a correction say? | What the transaction should have been about, from 0; commission and reimbursement follow with the coefficients of then. The same amount again, or anything after a reversal, is refused; several free movements can only be reversed |
//! | Whom may putting right overdraw? | Executor, storage, platform, and the workspace that its users paid; never a user or a mere payer |
//! | May the platform be below zero? | By corrections and by the close's tax; not by withdrawals |
//! | Correcting a correction? | Refused: the next correction names the first transaction |
//! | Whose coefficient is a job by API key? | 1: the user pays what it has cost |
//! | A user's share that rounds to nothing? | No transfer, and none in later corrections |
//! | What does a second clean-up charge? | The growth × the price, rounded once for each clean-up; growth that costs less than 10⁻⁶ waits. Days are kept for 62 days; a reversal lets its day be charged again |
//! | Whose day is it? | The local date of the clean-up's instant in the workspace's zone |
//! | `now` before the last record? | The last record's instant counts |
//! | The largest amount | 2⁶⁴ − 1 of 10⁻⁶ for a transfer, hold, limit or accrued cost; balances have 128 bits |

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
mod serial;
pub mod statement;
pub mod storage;

pub mod verify;

pub use bytes::DecodeError;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
